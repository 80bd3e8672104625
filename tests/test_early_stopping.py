"""The replayed stopping rule, held against the callback of Keras itself."""

import math
import warnings

import keras
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regcore.early_stopping import Replay, replay
from regcore.errors import ConfigError

NAN, INF = math.nan, math.inf


class _Network:
    """Stands for a model in training: its weights are the 1-based epoch they were seen after."""

    def __init__(self):
        self.stop_training = False
        self.weights = 0

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def keras_stops(val_loss, patience, min_delta=0.0, start_from_epoch=0):
    """Return (stopped_epoch, restored_epoch) of Keras, driven as `fit` drives it."""
    callback = keras.callbacks.EarlyStopping(
        patience=patience, min_delta=min_delta, start_from_epoch=start_from_epoch, restore_best_weights=True
    )
    network = _Network()
    callback.set_model(network)
    callback.on_train_begin()
    stopped = None
    for epoch, loss in enumerate(val_loss):
        network.weights = epoch + 1
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if network.stop_training:
            stopped = epoch + 1
            break
    callback.on_train_end()
    return stopped, network.weights


def quiet_replay(*arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return replay(*arguments)


def assert_as_keras(val_loss, patience, min_delta, start_from_epoch):
    found = quiet_replay(val_loss, patience, min_delta, start_from_epoch)
    assert found[1:] == keras_stops(val_loss, patience, min_delta, start_from_epoch)


# Keras refuses a finite loss that float32 cannot hold. Values near each other make ties and small steps.
any_loss = st.floats(width=32) | st.sampled_from([NAN, INF, -INF])
near_losses = st.sampled_from([0.5, 0.5 + 1e-9, 0.5 - 1e-9, 0.5 + 1e-7, 0.5 - 1e-7, 0.49, 0.45, 0.4, NAN])
curves = st.lists(any_loss, min_size=1, max_size=25) | st.lists(near_losses, min_size=1, max_size=25)
deltas = st.just(0.0) | st.sampled_from([1e-9, 1e-7, 0.01, 0.05]) | st.floats(0, 1e3)


@settings(max_examples=3000, deadline=None)
@given(curves, st.integers(0, 8), deltas, st.integers(0, 30))
@example([0.5], 0, 0.0, 0)
@example([1e-40, 0.0, 5e-41], 2, 0.0, 0)  # TensorFlow takes what is below float32's normal range for 0.
@example([0.3, 0.1 + 0.2, 0.2], 1, 0.1, 0)
def test_any_curve_stops_and_restores_as_in_keras(val_loss, patience, min_delta, start_from_epoch):
    assert_as_keras(val_loss, patience, min_delta, start_from_epoch)


@pytest.mark.parametrize("generator_seed", range(8))
def test_long_noisy_curves_stop_and_restore_as_in_keras(generator_seed):
    rng = np.random.default_rng(generator_seed)
    for _ in range(40):
        n_epochs = int(rng.integers(1, 120))
        falling = np.exp(-np.arange(n_epochs) / 20) + 0.003 * np.arange(n_epochs)
        val_loss = (falling + rng.normal(0, 0.02, n_epochs)).tolist()
        assert_as_keras(
            val_loss, int(rng.integers(0, 20)), float(rng.choice([0, 1e-3, 0.03])), int(rng.integers(0, 40))
        )


@given(curves, st.none() | st.integers(0, 8))
def test_no_epoch_up_to_the_stop_is_lower_than_the_best(val_loss, patience):
    found = quiet_replay(val_loss, patience)
    assert not any(loss < val_loss[found.best_epoch - 1] for loss in val_loss[: found.stopped_epoch])


def test_epochs_count_from_one():
    assert replay([3.0, 2.0, 2.5, 2.6, 1.0], patience=2) == Replay(
        best_epoch=2, stopped_epoch=4, restored_epoch=2
    )


def test_best_weights_are_restored_even_when_patience_never_fired():
    assert replay([3.0, 1.0, 2.0], patience=5) == Replay(2, None, 2)


def test_patience_none_keeps_the_last_epoch():
    assert replay([3.0, 1.0, 2.0], patience=None) == Replay(2, None, 3)


def test_patience_zero_is_patience_one():
    assert (
        replay([3.0, 1.0, 2.0, 0.5], patience=0)
        == replay([3.0, 1.0, 2.0, 0.5], patience=1)
        == Replay(2, 3, 2)
    )


def test_min_delta_restores_the_last_improvement_not_the_lowest_loss():
    assert replay([1.0, 0.95, 0.91, 0.93], patience=5, min_delta=0.1) == Replay(3, None, 1)


def test_small_steps_add_up_to_an_improvement():
    assert replay([1.0, 0.95, 0.89, 0.85], patience=5, min_delta=0.1) == Replay(4, None, 3)


def test_warm_up_epochs_can_be_best_but_are_not_restored():
    assert replay([0.1, 3.0, 2.0, 2.5], patience=1, start_from_epoch=1) == Replay(1, 4, 3)


def test_nothing_monitored_keeps_the_last_epoch():
    assert replay([3.0, 1.0, 2.0], patience=1, start_from_epoch=3) == Replay(2, None, 3)


def test_a_difference_float32_cannot_see_is_no_improvement():
    assert replay([0.5, 0.5 - 1e-9, 0.6], patience=9) == Replay(2, None, 1)


def test_a_first_nan_stops_and_is_restored_with_a_warning():
    with pytest.warns(RuntimeWarning, match=r"epoch 1\) is NaN"):
        assert replay([NAN, 2.0, 1.0, 0.5], patience=2) == Replay(3, 3, 1)


def test_a_later_nan_is_no_improvement_and_no_warning():
    assert replay([2.0, NAN, 1.0, NAN, NAN], patience=2) == Replay(3, 5, 3)


def test_where_every_loss_is_nan_the_restored_epoch_is_called_best():
    assert quiet_replay([NAN, NAN, NAN], 1) == Replay(1, 2, 1)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (([], 1), "val_loss"),
        (([[1.0]], 1), "val_loss"),
        (([1.0], -1), "patience"),
        (([1.0], NAN), "patience"),
        (([1.0], 1.5), "patience"),
        (([1.0], "2"), "patience"),
        (([1.0], 1, "0"), "min_delta"),
        (([1.0], 1, 0.0, 0.5), "start_from_epoch"),
        (([1.0], 1, 0.0, None), "start_from_epoch"),
        (([1.0], 1, -0.1), "min_delta"),
        (([1.0], 1, NAN), "min_delta"),
        (([1.0], 1, 0.0, -1), "start_from_epoch"),
    ],
)
def test_an_impossible_argument_is_named(arguments, name):
    with pytest.raises(ConfigError, match=f"^{name} must be "):
        replay(*arguments)
