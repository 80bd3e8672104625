"""The replayed stopping rule, held against the callback of Keras itself."""

import math
import warnings

import keras
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regcore.early_stopping import (
    Replay,
    generalization_loss,
    replay,
    replay_generalization_loss,
    replay_one_epoch_fits,
)
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


PUBLISHED = [10, 8, 9, 10, 11, 12, 12, 13, 14, 15, 16, 17, 16]


@pytest.mark.parametrize(("alpha", "stopped"), [(12, 3), (20, 4), (40, 6), (90, 11)])
def test_generalization_loss_stops_the_published_series(alpha, stopped):
    assert replay_generalization_loss(PUBLISHED, alpha) == Replay(2, stopped, 2)


def test_generalization_loss_is_percent_above_the_lowest_until_then():
    expected = [0, 0, 12.5, 25, 37.5, 50, 50, 62.5, 75, 87.5, 100, 112.5, 100]
    np.testing.assert_allclose(generalization_loss(PUBLISHED), expected, rtol=1e-12)


def test_generalization_loss_never_beyond_alpha_never_stops():
    assert replay_generalization_loss(PUBLISHED, 112.5) == Replay(2, None, 2)


def test_alpha_zero_stops_at_the_first_rise_as_patience_one_does():
    assert replay_generalization_loss([3.0, 3.0, 2.0, 2.5], 0) == Replay(3, 4, 3)


def test_generalization_loss_skips_what_is_no_number_and_is_infinite_above_nothing():
    np.testing.assert_array_equal(generalization_loss([NAN, 2.0, NAN, 3.0]), [NAN, 0, NAN, 50])
    np.testing.assert_array_equal(generalization_loss([0.0, 0.0, 1.0]), [0, 0, INF])


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30), st.floats(0, 200), st.floats(0, 200))
def test_a_larger_alpha_never_stops_earlier(val_loss, alpha, more):
    sooner = replay_generalization_loss(val_loss, alpha).stopped_epoch or INF
    assert sooner <= (replay_generalization_loss(val_loss, alpha + more).stopped_epoch or INF)


@pytest.mark.parametrize(
    ("arguments", "name"), [(([1.0], -1), "alpha"), (([1.0], NAN), "alpha"), (([-1.0], 1), "val_loss")]
)
def test_an_impossible_argument_of_generalization_loss_is_named(arguments, name):
    with pytest.raises(ConfigError, match=f"^{name} must be "):
        replay_generalization_loss(*arguments)


def keras_stops_in_a_loop(val_loss, patience, min_delta, start_from_epoch):
    """Return (stopped_epoch, restored_epoch) of Keras, whose `fit` is called anew for each epoch."""
    callback = keras.callbacks.EarlyStopping(
        patience=patience, min_delta=min_delta, start_from_epoch=start_from_epoch, restore_best_weights=True
    )
    network = _Network()
    callback.set_model(network)
    for epoch, loss in enumerate(val_loss, start=1):
        network.stop_training, network.weights = False, epoch
        callback.on_train_begin()
        callback.on_epoch_end(0, {"val_loss": loss})
        callback.on_train_end()
        if network.stop_training:
            return epoch, network.weights
    return None, network.weights


@settings(max_examples=500, deadline=None)
@given(curves, st.integers(0, 8), deltas, st.integers(0, 3))
def test_a_loop_of_fits_stops_and_restores_as_in_keras(val_loss, patience, min_delta, start_from_epoch):
    found = replay_one_epoch_fits(val_loss, patience, min_delta, start_from_epoch)
    assert found[1:] == keras_stops_in_a_loop(val_loss, patience, min_delta, start_from_epoch)


def test_a_loop_of_fits_never_stops_and_keeps_the_last_epoch():
    assert replay([3.0, 1.0, 2.0, 2.5, 4.0], patience=2) == Replay(2, 4, 2)
    assert replay_one_epoch_fits([3.0, 1.0, 2.0, 2.5, 4.0], patience=2) == Replay(2, None, 5)


def test_keras_itself_never_stops_in_a_loop_of_fits():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(40, 5)), random.integers(0, 2, 40)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), keras.losses.BinaryCrossentropy(from_logits=True))
    stopping = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    rows = {"x": X[:20], "y": y[:20], "validation_data": (X[20:], y[20:]), "verbose": 0}

    val_loss = [model.fit(**rows, epochs=1, callbacks=[stopping]).history["val_loss"][0] for _ in range(15)]

    assert replay(val_loss, patience=2).stopped_epoch is not None
    assert stopping.stopped_epoch == 0
    assert replay_one_epoch_fits(val_loss, patience=2).stopped_epoch is None
    kept = model.evaluate(X[20:], y[20:], verbose=0)
    assert kept == pytest.approx(val_loss[-1], rel=1e-5)
