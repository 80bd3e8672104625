"""What a network is made of, layer by layer, with its parameters, as Keras's `model.summary()` tells."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from regcore.config import Config
from regcore.data import Dataset


class Layer(NamedTuple):
    """A layer: what it is, its outputs for each row, and its weights and biases."""

    name: str
    n_outputs: int
    n_parameters: int


def summarize_model(config: Config, dataset: Dataset) -> tuple[Layer, ...]:
    """Return the layers of a configuration's network, from the input on; dropout where it drops something.

    A dense layer has (n_in + 1) * n_out parameters: a kernel, and a bias for each unit.

    Args:
        config: The network.
        dataset: What it is fed with, and has to predict.
    """
    widths = (dataset.n_features, *config.hidden, dataset.n_outputs)
    activations = (*[config.activation] * len(config.hidden), _LAST[dataset.task])
    rates = (*config.dropout_rates(), 0.0)
    layers = [Layer("input", dataset.n_features, 0)]
    if config.dropout_input:
        layers.append(Layer(f"dropout {config.dropout_input:g}", dataset.n_features, 0))
    for (n_in, n_out), activation, rate in zip(pairwise(widths), activations, rates, strict=True):
        layers.append(Layer(f"dense, {activation}", n_out, (n_in + 1) * n_out))
        if rate:
            layers.append(Layer(f"dropout {rate:g}", n_out, 0))
    return tuple(layers)


_LAST = {"binary": "sigmoid", "multiclass": "softmax", "regression": "linear"}
