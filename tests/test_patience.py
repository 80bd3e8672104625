"""What early stopping cost and saved: counted by hand on curves that are written by hand."""

import math

import numpy as np
import pytest

from regcore import patience
from regcore.config import Config
from regcore.early_stopping import replay
from regcore.errors import ConfigError
from regcore.patience import NetworkStop, StopSpread
from regcore.results import Result
from tests.opened_runs import data, recording, result

FIRST = [5.0, 3.0, 4.0, 6.0, 8.0]
SECOND = [4.0, 3.0, 2.0, 1.0, 3.0]


def trained(*curves, **fields):
    return result([[{"val_loss": loss} for loss in curve] for curve in curves], **fields)


@pytest.fixture
def both():
    return trained(FIRST, SECOND, patience=2)


def test_each_network_has_its_stop_its_losses_and_what_they_cost(both):
    first, second = patience.network_stops(both)

    assert first == NetworkStop(0, 0, 2, 4, 2, 5, restored_loss=3.0, last_loss=6.0)
    assert (first.trained_epochs, first.saved_epochs, first.cost_of_not_restoring) == (4, 1, 3.0)
    assert second == NetworkStop(1, 0, 4, None, 4, 5, restored_loss=1.0, last_loss=3.0)
    assert (second.trained_epochs, second.saved_epochs, second.cost_of_not_restoring) == (5, 0, 2.0)


def test_restoring_changes_what_is_kept_and_not_what_it_would_cost(both):
    assert patience.network_stops(both.with_stopping(restore_best_weights=False)) == patience.network_stops(
        both
    )


def test_without_patience_the_last_epoch_is_kept_and_nothing_saved():
    (stop,) = patience.network_stops(trained(FIRST))

    assert (stop.stopped_epoch, stop.restored_epoch, stop.saved_epochs) == (None, 5, 0)
    assert stop.cost_of_not_restoring == 0.0


def test_spread_is_of_the_networks_that_stopped(both):
    assert patience.stop_spread(patience.network_stops(both)) == StopSpread(2, 1, 4, 4.0, 4)
    all_of_them = patience.network_stops(both.with_stopping(patience=1))
    assert patience.stop_spread(all_of_them) == StopSpread(2, 2, 3, 4.0, 5)


def test_spread_of_none_is_none():
    assert patience.stop_spread(patience.network_stops(trained(FIRST))) == StopSpread(1, 0, None, None, None)


def test_map_has_loss_kept_and_epochs_trained_for_each_patience(both):
    one, two, three = patience.patience_points(both, [1, 2, 3])

    assert (one.value, one.loss.mean, one.epochs.mean, one.n_stopped) == (1, 2.0, 4.0, 2)
    assert (two.value, two.loss.mean, two.epochs.mean, two.n_stopped) == (2, 2.0, 4.5, 1)
    assert (three.loss.mean, three.epochs.mean, three.n_stopped) == (2.0, 5.0, 1)
    # t(0.975, 1) = 12.706; the losses kept are 3 and 1.
    assert one.loss.high == pytest.approx(2.0 + 12.7062 * math.sqrt(2) / math.sqrt(2), rel=1e-4)


def test_map_without_restoring_keeps_the_epoch_of_the_stop(both):
    (one,) = patience.patience_points(both.with_stopping(restore_best_weights=False), [1])
    assert one.loss.mean == (4.0 + 3.0) / 2


def test_map_at_the_own_patience_is_what_the_result_keeps():
    random = np.random.default_rng(3)
    curves = [np.cumsum(random.normal(size=40)) + 50 for _ in range(6)]
    for value in (0, 1, 4, 30):
        run = trained(*curves, patience=value, min_delta=0.2, start_from_epoch=3)
        (point,) = patience.patience_points(run, [value])
        assert point.loss.mean == pytest.approx(run.metrics("val")["loss"].mean())
        assert point.n_stopped == run.stops["stopped_epoch"].notna().sum()


def test_members_of_a_seed_are_one_value():
    members = {
        (0, at): recording([{"val_loss": loss} for loss in curve]) for at, curve in enumerate([FIRST, SECOND])
    }
    run = Result(Config(epochs=5, seeds=1, members=2, patience=1), data(), members)

    (point,) = patience.patience_points(run, [1])

    assert (point.loss.mean, point.loss.n, point.epochs.mean, point.n_stopped) == (2.0, 1, 4.0, 2)


def test_alpha_keeps_the_lowest_epoch_before_the_rise(both):
    at_thirty, at_150 = patience.alpha_points(both, [30, 150])

    assert (at_thirty.loss.mean, at_thirty.epochs.mean, at_thirty.n_stopped) == (2.0, 4.0, 2)
    assert (at_150.loss.mean, at_150.epochs.mean, at_150.n_stopped) == (2.0, 5.0, 2)


def test_alpha_without_restoring_keeps_the_epoch_of_the_stop(both):
    (at_thirty,) = patience.alpha_points(both.with_stopping(restore_best_weights=False), [30])

    # GL passes 30 % at losses of 4 and 3.
    assert (at_thirty.loss.mean, at_thirty.epochs.mean, at_thirty.n_stopped) == (3.5, 4.0, 2)


def test_loss_above_lowest_is_by_network(both):
    above = patience.loss_above_lowest(both)
    np.testing.assert_allclose(above[0, 0], [0, 0, 100 / 3, 100, 500 / 3])
    np.testing.assert_allclose(above[1, 0], [0, 0, 0, 0, 200])


def test_never_stopped_is_the_last_epoch(both):
    point = patience.never_stopped(both)
    assert (point.loss.mean, point.epochs.mean, point.n_stopped) == (5.5, 5.0, 0)


def test_a_loop_of_fits_trains_to_the_end_and_keeps_that(both):
    once, loop = patience.cost_of_a_loop(both)

    assert (once.loss.mean, once.epochs.mean, once.n_stopped) == (2.0, 4.5, 1)
    assert (loop.loss.mean, loop.epochs.mean, loop.n_stopped) == (5.5, 5.0, 0)


def test_a_growing_run_counts_what_there_is():
    growing = trained(FIRST, SECOND, patience=1, epochs=50)
    del growing.recordings[1, 0]

    assert patience.network_stops(growing)[0].saved_epochs == 2
    assert patience.patience_points(growing, [1])[0].loss.n == 1


def test_stops_are_those_of_the_replay():
    curve = [3.0, 2.9, 2.95, 2.7, 2.8, 2.75, 2.72, 2.9]
    run = trained(curve, patience=2, min_delta=0.15, start_from_epoch=1, dataset=data())
    assert patience.network_stops(run)[0][2:5] == replay(curve, 2, 0.15, 1)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda run: patience.patience_points(run, [-1]), "patiences"),
        (lambda run: patience.alpha_points(run, [-1.0]), "alpha"),
        (lambda run: patience.cost_of_a_loop(run.with_stopping(patience=None)), "patience"),
        (lambda run: patience.never_stopped(trained(FIRST, seed=7)), "result"),
    ],
)
def test_what_cannot_be_is_named(both, call, name):
    with pytest.raises(ConfigError, match=f"^{name} must "):
        call(both)
