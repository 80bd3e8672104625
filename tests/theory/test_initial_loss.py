"""What a network loses before it has learned anything.

With an output kernel of zeros every class has the same probability and the loss is ln C. With the drawn
one, outputs vary around zero with the mean square s^2 of the last hidden layer, and `he_normal` keeps that
of the inputs from layer to layer (He et al. 2015, section 2.2). Over initialisations, ln C <= expected loss
<= ln C + s^2 / 2, by Jensen's inequality for the exponential and for the logarithm; a single logit is half
as far from either class: s^2 / 8.
"""

import dataclasses
import math

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import load_dataset
from regcore.engine.shard import Probe, RecordingPlan
from regcore.scoring import score
from tests.theory.training import initial, learned_whole, train

N_CLASSES = {"moons": 2, "wine": 3, "digits": 10}
# One batch of all rows: the objective of the first epoch is the loss before the first step.
CONFIG = Config(n_train=60, n_val=20, hidden=(128, 128), batch_size=60, epochs=1, seeds=32)


@pytest.mark.parametrize("data, n_classes", N_CLASSES.items())
def test_initial_loss_is_ln_c_with_the_zeros_initializer(data, n_classes):
    config = CONFIG.replace(data=data, initializer="zeros", seeds=2)
    recorded = train(load_dataset(config), config).rows
    np.testing.assert_allclose(recorded.history[:, 0, 0], math.log(n_classes), rtol=1e-14)


@pytest.mark.parametrize("data, n_classes", N_CLASSES.items())
def test_initial_loss_is_ln_c_with_an_output_kernel_of_zeros(data, n_classes):
    config = CONFIG.replace(data=data, seeds=2)
    dataset = load_dataset(config)
    begin = initial(dataset, config)
    begin = dataclasses.replace(begin, kernels=(*begin.kernels[:-1], np.zeros_like(begin.kernels[-1])))
    recorded = train(dataset, config, begin=begin).rows
    np.testing.assert_allclose(recorded.history[:, 0, 0], math.log(n_classes), rtol=1e-14)


@pytest.mark.parametrize("data, n_classes", N_CLASSES.items())
def test_initial_loss_is_near_ln_c_with_drawn_weights(data, n_classes):
    config = CONFIG.replace(data=data)
    dataset = load_dataset(config)
    above = train(dataset, config).rows.history[:, 0, 0] - math.log(n_classes)
    mean_square = np.mean([np.mean(dataset.split(seed).X_train ** 2) for seed in range(config.seeds)])
    error = above.std(ddof=1) / math.sqrt(config.seeds)
    highest = mean_square / (8 if n_classes == 2 else 2)
    assert 2 * error < above.mean() < highest + 2 * error


def test_he_normal_keeps_the_mean_square_from_layer_to_layer():
    config = CONFIG.replace(hidden=(256,) * 3, seeds=48)
    X, y = load_dataset(config.replace(data="wine")).split(0).raw[:2]
    dataset = learned_whole(X, y, "multiclass")
    plan = RecordingPlan(
        probes=(Probe("hidden", "activations", (0,), X), Probe("outputs", "outputs", (0,), X))
    )
    recorded = train(dataset, config, plan=plan).rows
    (outputs,) = recorded.probes["outputs"][0]
    for layer in (*recorded.probes["hidden"][0], outputs):
        mean_squares = np.mean(layer**2, axis=(1, 2))
        error = mean_squares.std(ddof=1) / math.sqrt(len(mean_squares))
        assert abs(mean_squares.mean() - 1) < 4 * error < 0.4


def test_the_first_objective_is_the_score_of_the_first_outputs():
    config = CONFIG.replace(data="digits", seeds=1)
    dataset = load_dataset(config)
    split = dataset.split(0)
    plan = RecordingPlan(probes=(Probe("outputs", "outputs", (0,), split.raw.X_train),))
    recorded = train(dataset, config, plan=plan).rows
    (outputs,) = recorded.probes["outputs"][0]
    expected = score(outputs[0], split.y_train, dataset.task)["loss"]
    assert recorded.history[0, 0, 0] == pytest.approx(expected, rel=1e-12)
