"""The exported Keras model against the forward pass written out in numpy."""

import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from regcore.config import Config
from regcore.data import Dataset
from regcore.engine.replicate import replicates_of
from regcore.engine.streams import initial_weights
from regcore.export.keras_model import build_model, model_parts
from regcore.results import Recording, Result, Weights

# Keras saves with an idiom that numpy 2 deprecates.
saving = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")


def activate(x, activation):
    return np.tanh(x) if activation == "tanh" else np.maximum(x, 0)


def dataset_of(task, X=None, n_features=6, **more):
    rng = np.random.default_rng(1)
    X = rng.normal(3, 2, (60, n_features)) if X is None else X
    y = {
        "binary": np.arange(60) % 2,
        "multiclass": np.arange(60) % 3,
        "regression": 50 + 20 * rng.normal(size=60),
    }[task]
    return Dataset.from_arrays(X, y, task=task, **more)


def weights_of(dataset, hidden):
    rng = np.random.default_rng(2)
    n_outputs = dataset.n_classes if dataset.task == "multiclass" else 1
    widths = (dataset.X.shape[1], *hidden, n_outputs)
    shapes = list(zip(widths, widths[1:], strict=False))
    kernels = tuple((rng.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32) for shape in shapes)
    return Weights(kernels, tuple(rng.normal(size=width).astype(np.float32) for width in widths[1:]))


def result_of(dataset, **fields):
    """Return a result of seeds 0 and 1 that restores epoch 1 of 2, whose weights are made up."""
    config = Config(**{"seeds": 2, "epochs": 2, "patience": 1, "hidden": (8, 5), **fields})
    history = np.zeros((2, 12))
    history[1] = 1.0
    kept = {1: weights_of(dataset, config.hidden)}
    return Result(
        config, dataset, {(seed, 0): Recording("key", history, checkpoints=kept) for seed in (0, 1)}
    )


def forward(result, X, seed=0):
    """Return what the network says of raw rows, in float64."""
    rows, dataset, weights = result.dataset.rows(seed), result.dataset, result.weights(seed)
    x = (X - rows.shift) / rows.scale
    for kernel, bias in zip(weights.kernels[:-1], weights.biases[:-1], strict=True):
        x = activate(x @ kernel.astype(np.float64) + bias, result.config.activation)
    outputs = x @ weights.kernels[-1].astype(np.float64) + weights.biases[-1]
    if dataset.task == "binary":
        return 1 / (1 + np.exp(-outputs))
    if dataset.task == "multiclass":
        exponentials = np.exp(outputs)
        return exponentials / exponentials.sum(axis=1, keepdims=True)
    return outputs * rows.y_scale + rows.y_shift


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("fields", [{}, {"hidden": ()}, {"activation": "tanh", "hidden": (7,)}])
def test_predictions_are_those_of_the_network(task, fields):
    dataset = dataset_of(task)
    result = result_of(dataset, **fields)
    model = result.keras_model(seed=1)
    found = model.predict(dataset.X, verbose=0)
    assert_allclose(found, forward(result, dataset.X, seed=1), rtol=1e-5, atol=1e-6)


def test_images_are_divided_by_their_maximum():
    X = np.random.default_rng(0).integers(0, 256, (60, 9)).astype(float)
    dataset = dataset_of("multiclass", X, image_shape=(3, 3))
    result = result_of(dataset)
    model = result.keras_model(seed=0)
    assert isinstance(model.layers[0], keras.layers.Rescaling)
    assert_allclose(model.predict(X, verbose=0), forward(result, X), atol=1e-6)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_what_is_small_beside_a_large_mean_is_not_lost(task):
    X = np.random.default_rng(0).normal(1e6, 1, (60, 4))
    dataset = dataset_of(task, X)
    result = result_of(dataset)
    # Called, not `predict`: that rounds rows to float32 before any model sees them.
    assert_allclose(result.keras_model(seed=0)(X), forward(result, X), rtol=1e-5)


def test_whole_numbers_with_a_large_mean_can_be_predicted():
    years = np.random.default_rng(0).integers(1990, 2000, (60, 4)).astype(float)
    result = result_of(dataset_of("binary", years))
    assert_allclose(result.keras_model(seed=0).predict(years, verbose=0), forward(result, years), atol=1e-6)


def test_a_column_of_tiny_numbers_is_scaled_as_well():
    X = np.random.default_rng(0).normal(0, 1e-12, (60, 4))
    result = result_of(dataset_of("binary", X))
    assert_allclose(result.keras_model(seed=0).predict(X, verbose=0), forward(result, X), atol=1e-6)


@pytest.mark.parametrize("unit", [1e20, 1e90])
@pytest.mark.parametrize("image_shape", [None, (2, 2)])
def test_huge_numbers_are_scaled_as_well(unit, image_shape):
    X = np.random.default_rng(0).normal(0, unit, (60, 4))
    result = result_of(dataset_of("binary", X, image_shape=image_shape))
    # Called, not `predict`: float32 ends at 3e38.
    assert_allclose(result.keras_model(seed=0)(X), forward(result, X), atol=1e-6)


@pytest.mark.parametrize("unit", [1e-60, 1e60])
def test_a_target_beyond_float32_is_given_in_its_own_units(unit):
    X = np.random.default_rng(0).normal(size=(60, 4))
    result = result_of(Dataset.from_arrays(X, unit * X[:, 0], task="regression"))
    assert_allclose(result.keras_model(seed=0)(X), forward(result, X), rtol=1e-4, atol=1e-6 * unit)


def test_a_target_that_is_small_beside_its_mean_keeps_its_digits():
    X = np.random.default_rng(0).normal(size=(60, 4))
    dataset = Dataset.from_arrays(X, 1e7 + X[:, 0], task="regression")
    result = result_of(dataset)
    off = result.keras_model(seed=0).predict(X, verbose=0) - 1e7
    assert_allclose(off, forward(result, X) - 1e7, atol=1e-5)


@saving
@pytest.mark.parametrize("mean", [3.0, 2000.0])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_saved_model_predicts_the_same(task, mean, tmp_path):
    dataset = dataset_of(task, np.random.default_rng(0).normal(mean, 1, (60, 4)))
    result = result_of(dataset, l2=1e-3, max_norm=2.0, dropout_input=0.2, dropout_hidden=0.5)
    model = result.keras_model(seed=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(loaded.predict(dataset.X, verbose=0), model.predict(dataset.X, verbose=0))
    assert loaded.get_layer("hidden_1").kernel_regularizer.l2 == pytest.approx(1e-3)


def test_the_summary_of_the_articles_network_shows_12545_parameters():
    X = np.random.default_rng(0).uniform(size=(60, 32))
    dataset = dataset_of("regression", X)
    model = result_of(dataset, hidden=(128, 64), dropout_input=0.2, dropout_hidden=0.5, l2=1e-3).keras_model(
        seed=0
    )
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert "Total params: 12,545 " in "\n".join(lines)
    assert "Non-trainable params: 0 " in "\n".join(lines)


def test_regularizers_are_in_the_layers_they_work_on():
    result = result_of(
        dataset_of("binary"),
        l2=0.25,
        max_norm=3.0,
        dropout_input=0.2,
        dropout_hidden=(0.5, 0.0),
        activation="tanh",
    )
    model = result.keras_model(seed=0)
    assert [layer.name for layer in model.layers] == [
        "scale", "dropout_input", "hidden_1", "dropout_1", "hidden_2", "output",
    ]  # fmt: skip
    assert [model.get_layer(name).rate for name in ("dropout_input", "dropout_1")] == [0.2, 0.5]
    hidden, output = model.get_layer("hidden_2"), model.get_layer("output")
    assert (float(hidden.kernel_regularizer.l2), output.kernel_regularizer) == (0.25, None)
    assert (hidden.kernel_constraint.max_value, output.kernel_constraint) == (3.0, None)
    assert hidden.bias_regularizer is None
    assert (hidden.activation, output.activation) == (keras.activations.tanh, keras.activations.sigmoid)


def test_l2_is_on_the_only_kernel_of_a_linear_model():
    model = result_of(dataset_of("regression"), hidden=(), l2=0.25).keras_model(seed=0)
    assert float(model.get_layer("output").kernel_regularizer.l2) == 0.25


@pytest.mark.parametrize("initializer", ["he_normal", "glorot_uniform", "zeros", "negative"])
def test_drawn_anew_the_kernels_spread_as_they_did_before_training(initializer):
    dataset = dataset_of("multiclass", n_features=40)
    result = result_of(dataset, hidden=(1500, 1000), initializer=initializer)
    model = result.keras_model(seed=0)
    (replicate, *_) = replicates_of(result.config, dataset).values()
    for name, kernel in zip(
        ("hidden_1", "hidden_2", "output"), initial_weights(replicate, 40, 3), strict=True
    ):
        drawn = model.get_layer(name).kernel_initializer(kernel.shape).numpy()
        # Keras draws without a seed here: six standard errors of a difference of two means, not two.
        standard_error = np.sqrt(2 / kernel.size)
        assert np.std(drawn) == pytest.approx(np.std(kernel), rel=6 * standard_error)
        assert np.abs(drawn).max() == pytest.approx(np.abs(kernel).max(), rel=0.06)
        assert np.mean(drawn) == pytest.approx(np.mean(kernel), abs=6 * standard_error * np.std(kernel))


def test_a_plain_network_has_no_regularizers():
    model = result_of(dataset_of("multiclass")).keras_model(seed=0)
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in model.layers)
    assert model.losses == []


def test_dropout_is_off_in_prediction_and_on_in_training():
    dataset = dataset_of("binary")
    model = result_of(dataset, dropout_hidden=0.5).keras_model(seed=0)
    X = dataset.X.astype(np.float32)
    assert np.array_equal(model(X), model(X))
    assert not np.array_equal(model(X, training=True), model(X))


def test_the_model_goes_on_training():
    dataset = dataset_of("binary")
    model = result_of(dataset, l2=1e-3, dropout_hidden=0.5).keras_model(seed=0)
    model.compile("adam", "binary_crossentropy")
    before = model.get_layer("hidden_1").kernel.numpy()
    model.fit(dataset.X, dataset.y, verbose=0)
    assert not np.array_equal(model.get_layer("hidden_1").kernel.numpy(), before)


def test_the_model_is_named_after_data_seed_and_member():
    assert (
        result_of(dataset_of("binary", name="Größe / x")).keras_model(seed=1).name == "Gr_e_x_seed_1_member_0"
    )


def test_the_parts_travel_to_the_process_that_builds_the_model():
    dataset = dataset_of("binary")
    result = result_of(dataset)
    model = build_model(pickle.loads(pickle.dumps(model_parts(result, 0))))
    assert_allclose(model.predict(dataset.X, verbose=0), forward(result, dataset.X), atol=1e-6)


def test_taking_the_parts_does_not_load_keras():
    code = "import regcore.export.keras_model, sys; print({'tensorflow', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
