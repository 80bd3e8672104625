"""What is read off recorded weights: hand-made ones, and those of a real training."""

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import load_dataset
from regcore.errors import ConfigError
from regcore.weight_decay import Decay, measure_decay, nominal_factor, recorded_weights, silent_inputs
from tests.theory.training import probing, train

DIGITS = Config(
    data="digits", n_train=60, n_val=20, hidden=(8,), batch_size=60, epochs=12, seeds=1,
    learning_rate=0.01, optimizer="sgd",
)  # fmt: skip


def silent_weights(config):
    """Return the first kernel's weights of blank pixels after each step of a real training."""
    dataset = load_dataset(config)
    trained = train(dataset, config, plan=probing(range(config.epochs + 1)))
    silent = silent_inputs(dataset.split(0).X_train)
    return trained.kernels_at(0)[:, 0][:, silent]


def test_inputs_that_are_always_zero():
    assert silent_inputs([[0.0, 1.0, 0.0, 0.0], [0.0, -1.0, 0.0, 2.0]]).tolist() == [0, 2]


def test_corner_pixels_of_digits_are_always_zero():
    split = load_dataset(DIGITS).split(0)
    assert {0, 32, 39} <= set(silent_inputs(split.X_train).tolist())


def test_nominal_factor_of_both_kinds():
    assert nominal_factor(0.1) == 1
    assert nominal_factor(0.1, l2=0.05) == pytest.approx(0.99)
    assert nominal_factor(0.1, weight_decay=0.1) == pytest.approx(0.99)
    assert nominal_factor(0.1, l2=0.05, weight_decay=0.1) == pytest.approx(0.98)


def test_decay_of_weights_by_hand():
    assert measure_decay([[3.0, 4.0], [1.5, 2.0], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0]]) == Decay(
        left=(1.0, 0.5, 0.4, 0.0, 0.0), factors=(0.5, pytest.approx(4 / 6.25), 0.0, 0.0)
    )


@pytest.mark.parametrize("steps", [[[1.0, 2.0]], [[0.0], [1.0]], []])
def test_nothing_to_measure_is_named(steps):
    with pytest.raises(ConfigError, match="^steps must be weights that are not all 0"):
        measure_decay(steps)


@pytest.mark.parametrize(
    "penalty", [{"l2": 0.5}, {"weight_decay": 1.0}, {"l2": 0.25, "weight_decay": 0.5}, {}]
)
def test_weights_of_blank_pixels_shrink_by_the_nominal_factor_in_a_real_training(penalty):
    decay = measure_decay(silent_weights(DIGITS.replace(**penalty)))
    expected = nominal_factor(DIGITS.learning_rate, **penalty)
    assert decay.factors == pytest.approx([expected] * DIGITS.epochs, rel=1e-12)
    assert decay.left == pytest.approx([expected**step for step in range(DIGITS.epochs + 1)], rel=1e-12)


def test_under_adam_decoupled_decay_shrinks_by_the_nominal_factor_and_l2_does_not():
    adam = DIGITS.replace(optimizer="adam")
    decoupled = measure_decay(silent_weights(adam.replace(weight_decay=1.0)))
    assert decoupled.factors == pytest.approx([0.99] * DIGITS.epochs, rel=1e-12)
    assert max(measure_decay(silent_weights(adam.replace(l2=0.5))).factors) < 0.97


def test_recorded_arrays_are_kernels_then_biases():
    arrays = [np.ones((2, 3)), np.ones((3, 1)), np.zeros((1, 3)), np.zeros((1, 1))]
    weights = recorded_weights({4: arrays}, 4)
    assert [kernel.shape for kernel in weights.kernels] == [(2, 3), (3, 1)]
    assert [bias.shape for bias in weights.biases] == [(3,), (1,)]
