"""Model summary: the parameters that Keras counts, and the layers in order."""

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import Dataset, load_dataset
from regcore.engine.advance import parameters
from regcore.engine.replicate import replicates_of
from regcore.model_summary import Layer, summarize_model


def test_the_articles_network_has_12545_parameters():
    dataset = load_dataset(Config(data="article_regression"))

    layers = summarize_model(Config(data="article_regression", hidden=(128, 64)), dataset)

    assert layers == (
        Layer("input", 32, 0),
        Layer("dense, relu", 128, 4224),
        Layer("dense, relu", 64, 8256),
        Layer("dense, linear", 1, 65),
    )
    assert sum(layer.n_parameters for layer in layers) == 12_545


def test_dropout_is_a_layer_where_it_drops():
    dataset = load_dataset(Config(data="digits"))
    config = Config(
        data="digits", hidden=(8, 4), activation="tanh", dropout_input=0.2, dropout_hidden=(0.0, 0.5)
    )

    assert [layer.name for layer in summarize_model(config, dataset)] == [
        "input", "dropout 0.2", "dense, tanh", "dense, tanh", "dropout 0.5", "dense, softmax",
    ]  # fmt: skip


@pytest.mark.parametrize("hidden", [(), (5,), (7, 3)])
def test_parameters_are_those_that_are_trained(hidden):
    dataset = Dataset.from_arrays(np.arange(40.0).reshape(20, 2), np.arange(20) % 2)
    config = Config(hidden=hidden)
    (trained, *_) = replicates_of(config, dataset).values()

    counted = sum(layer.n_parameters for layer in summarize_model(config, dataset))

    assert counted == parameters(trained, dataset)
