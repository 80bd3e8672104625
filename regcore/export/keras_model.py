"""A trained network as a plain Keras model that needs nothing of this library.

Keras is imported by `build_model` alone, so that a process that must stay small can take the parts from a
result and have the model built elsewhere.
"""

from __future__ import annotations

import math
import re
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

    from regcore.config import Config
    from regcore.data import Dataset
    from regcore.results import Result, Weights

# Beyond this, float32 rounds off part of what is small beside a large mean: 20 standard deviations cost 2e-6.
MAX_SHIFT_IN_FLOAT32 = 20.0
# `keras.layers.Normalization` divides by no less than Keras's epsilon.
MIN_SCALE_OF_NORMALIZATION = 1e-6
# It keeps the variance in float32, which ends at 3e38.
MAX_SCALE_OF_NORMALIZATION = 1e18
# What float32 holds with all of its digits, and some room.
MIN_SCALE_IN_FLOAT32, MAX_SCALE_IN_FLOAT32 = 1e-30, 1e30

# No relu follows the output kernel, so the engine draws it with variance 1 / n_in instead of 2 / n_in.
_OUTPUT_INITIALIZER = {"he_normal": "lecun_normal", "negative": "lecun_normal"}
_OUTPUT_ACTIVATION = {"binary": "sigmoid", "multiclass": "softmax", "regression": "linear"}


class ModelParts(NamedTuple):
    """Everything a Keras model is built from; numpy and text, so that it can be sent to another process.

    Attributes:
        name: Name of the model.
        config: The experiment: widths, activation, dropout rates, penalties.
        task: "binary", "multiclass" or "regression".
        is_image: Whether all features share one scale and no shift.
        shift: [features]; the network sees (x - shift) / scale.
        scale: [features].
        y_shift: Regression: y is y_shift + y_scale * output.
        y_scale: See `y_shift`.
        weights: Kernels and biases, hidden layers first.
    """

    name: str
    config: Config
    task: str
    is_image: bool
    shift: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    y_shift: float
    y_scale: float
    weights: Weights


def keras_model(result: Result, seed: int, member: int = 0) -> keras.Sequential:
    """Return a built `keras.Sequential` with the restored weights of one network.

    It takes raw rows [n, features] (images flattened) and gives P(class 1) [n, 1], class probabilities [n,
    C], or values in y's own units [n, 1]. It holds no optimizer: `weight_decay`, augmentation and stopping
    belong to training, and `compile` is left to whoever goes on training. `l2`, `max_norm` and dropout are in
    the layers.

    `predict` rounds rows to float32 before the model sees them. Where a column's mean is thousands of its
    standard deviations, call the model itself on float64 rows.

    Args:
        result: Where the network was trained.
        seed: Value of the seed column.
        member: Member of the ensemble, from 0.

    Raises:
        ConfigError: if the result has no such seed or member.
    """
    return build_model(model_parts(result, seed, member))


def model_parts(result: Result, seed: int, member: int = 0) -> ModelParts:
    """Return what the model of one network is built from, without loading Keras."""
    weights = result.weights(seed, member)
    rows = result.dataset.rows(seed)
    return ModelParts(
        name=_model_name(result.dataset, seed, member),
        config=result.config,
        task=result.dataset.task,
        is_image=result.dataset.image_shape is not None,
        shift=rows.shift,
        scale=rows.scale,
        y_shift=rows.y_shift,
        y_scale=rows.y_scale,
        weights=weights,
    )


def _model_name(dataset: Dataset, seed: int, member: int) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", f"{dataset.name} seed {seed} member {member}").strip("_")


def build_model(parts: ModelParts) -> keras.Sequential:
    """Return the model made of these parts; imports Keras."""
    import keras

    scaling = _scaling_layer(parts)
    layers = [keras.Input((len(parts.shift),), dtype=scaling.compute_dtype, name="raw_rows"), scaling]
    layers += _dropout_layers(parts.config.dropout_input, "dropout_input")
    widths = (len(parts.shift), *parts.config.hidden)
    for number, rate in enumerate(parts.config.dropout_rates(), 1):
        layers.append(_hidden_layer(parts.config, widths[number - 1], widths[number], f"hidden_{number}"))
        layers += _dropout_layers(rate, f"dropout_{number}")
    layers.append(_output_layer(parts))
    if parts.task == "regression":
        layers.append(_unscaling_layer(parts))
    model = keras.Sequential(layers, name=parts.name)
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    for layer, kernel, bias in zip(dense, *parts.weights, strict=True):
        layer.set_weights([kernel, bias])
    return model


def ensemble_parts(result: Result, seed: int) -> tuple[ModelParts, ...]:
    """Return what the model of each member of a seed is built from, without loading Keras.

    Raises:
        ConfigError: if the result has no such seed.
    """
    return tuple(model_parts(result, seed, member) for member in range(result.config.members))


def build_ensemble(members: Sequence[ModelParts]) -> keras.Model:
    """Return one model of all members of a seed, which share their rows: the mean of what they predict.

    Of a single member it is that member's own `keras.Sequential`.
    """
    import keras

    models = [build_model(parts) for parts in members]
    if len(models) == 1:
        return models[0]
    raw_rows = keras.Input(models[0].input_shape[1:], dtype=models[0].inputs[0].dtype, name="raw_rows")
    # In the dtype that members predict in: a target beyond float32 is given in float64.
    average = keras.layers.Average(dtype=models[0].outputs[0].dtype, name="mean_of_members")
    name = members[0].name.rsplit("_member_", 1)[0]
    return keras.Model(raw_rows, average([model(raw_rows) for model in models]), name=name)


def saved_model(members: Sequence[ModelParts]) -> bytes:
    """Return the model of `build_ensemble` as a `.keras` file; imports Keras.

    `keras.saving.load_model` takes it, without this library and without `custom_objects`.
    """
    model = build_ensemble(members)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Keras saves with an idiom that numpy 2 deprecates.
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy keyword")
        file = Path(folder) / "model.keras"
        model.save(file)
        return file.read_bytes()


def _scaling_layer(parts: ModelParts) -> Any:
    from keras import layers

    shift, scale = parts.shift, parts.scale
    if parts.is_image:
        if _fits_float32(float(scale[0])):
            return layers.Rescaling(1 / float(scale[0]), name="scale")
        return layers.Rescaling(1 / scale, dtype="float64", name="scale")
    if (
        np.max(np.abs(shift) / scale) > MAX_SHIFT_IN_FLOAT32
        or np.min(scale) < MIN_SCALE_OF_NORMALIZATION
        or np.max(scale) > MAX_SCALE_OF_NORMALIZATION
    ):
        # Not Normalization: it saves its mean in float64 and loads it in float32.
        return layers.Rescaling(1 / scale, offset=-shift / scale, dtype="float64", name="scale")
    return layers.Normalization(mean=shift, variance=scale**2, name="scale")


def _fits_float32(scale: float) -> bool:
    return MIN_SCALE_IN_FLOAT32 < scale < MAX_SCALE_IN_FLOAT32


def _unscaling_layer(parts: ModelParts) -> Any:
    from keras import layers

    large = abs(parts.y_shift) / parts.y_scale > MAX_SHIFT_IN_FLOAT32 or not _fits_float32(parts.y_scale)
    # Arrays, because Keras takes Python's numbers for float32.
    return layers.Rescaling(
        np.array([parts.y_scale]),
        offset=np.array([parts.y_shift]),
        dtype="float64" if large else "float32",
        name="own_units",
    )


def _dropout_layers(rate: float, name: str) -> list[Any]:
    from keras import layers

    return [layers.Dropout(rate, name=name)] if rate else []


def _hidden_layer(config: Config, n_in: int, units: int, name: str) -> Any:
    from keras import constraints, layers

    return layers.Dense(
        units,
        activation=config.activation,
        kernel_initializer=_hidden_initializer(config, n_in),
        kernel_regularizer=_penalty(config),
        kernel_constraint=None if config.max_norm is None else constraints.MaxNorm(config.max_norm),
        name=name,
    )


def _hidden_initializer(config: Config, n_in: int) -> Any:
    from keras import initializers

    if config.initializer == "negative":
        return initializers.RandomUniform(-math.sqrt(6 / n_in), 0.0)
    return config.initializer


def _output_layer(parts: ModelParts) -> Any:
    from keras import layers

    # The output kernel is not penalized, but for a linear model, whose only kernel it is.
    return layers.Dense(
        len(parts.weights.biases[-1]),
        activation=_OUTPUT_ACTIVATION[parts.task],
        kernel_initializer=_OUTPUT_INITIALIZER.get(parts.config.initializer, parts.config.initializer),
        kernel_regularizer=None if parts.config.hidden else _penalty(parts.config),
        name="output",
    )


def _penalty(config: Config) -> Any:
    from keras import regularizers

    return regularizers.L2(config.l2) if config.l2 else None
