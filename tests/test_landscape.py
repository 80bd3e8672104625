"""`regcore.landscape`: grids, epochs to look at, and predictions all over the input space."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regcore.config import Config
from regcore.data import Dataset, load_dataset
from regcore.errors import ConfigError
from regcore.landscape import (
    PROBE,
    grid,
    has_landscape,
    landscape,
    landscape_probe,
    network_outputs,
    predictions,
    probe_epochs,
)
from regcore.results import HISTORY_COLUMNS, Recording, Result, Weights

SURE = np.log(3.0)  # the logit of 75 %


@pytest.fixture
def square():
    """Two classes over the square from 0 to 10 by 0 to 1; the test row lies far outside."""
    X = [[0, 0], [10, 1], [0, 1], [10, 0], [1000, 1000]]
    return Dataset.from_arrays(X, [0, 1, 0, 1, 0], train_rows=[0, 1], val_rows=[2, 3], test_rows=[4])


def one_layer(slope=0.0, bias=0.0):
    return Weights((np.full((2, 1), slope, np.float32),), (np.array([bias], np.float32),))


def result_of(dataset, weights, val_losses=((3.0, 2.0, 1.0),), **stopping):
    """Return a finished result of one seed: a member for each curve, each epoch's weights kept."""
    recordings = {}
    for member, losses in enumerate(val_losses):
        history = np.zeros((len(losses), len(HISTORY_COLUMNS)))
        history[:, HISTORY_COLUMNS.index("val_loss")] = losses
        checkpoints = {epoch: weights(member, epoch) for epoch in range(1, len(losses) + 1)}
        recordings[0, member] = Recording("", history, checkpoints=checkpoints)
    config = Config(hidden=(), seeds=1, epochs=len(val_losses[0]), members=len(val_losses), **stopping)
    return Result(config, dataset, recordings)


def test_a_grid_covers_the_rows_with_a_margin_and_not_the_test_rows(square):
    points = grid(square)

    assert (points.x[0], points.x[-1]) == pytest.approx((-0.4, 10.4))
    assert (points.y[0], points.y[-1]) == pytest.approx((-0.04, 1.04))
    assert points.X.shape == (48 * 48, 2)
    assert points.X[1].tolist() == [points.x[1], points.y[0]]
    assert points.X[48].tolist() == [points.x[0], points.y[1]]


def test_a_grid_over_one_feature_is_a_line():
    points = grid(load_dataset(Config(data="sine")))

    assert points.y is None
    assert points.X.shape == (200, 1)
    assert points.X[:, 0].tolist() == points.x.tolist()


def test_a_feature_that_is_constant_has_a_range_all_the_same():
    constant = Dataset.from_arrays([[5.0, y] for y in range(8)], [0, 1] * 4)

    assert (grid(constant).x[0], grid(constant).x[-1]) == (4.0, 6.0)


@pytest.mark.parametrize(
    ("data", "expected"),
    [("moons", True), ("blobs", True), ("sine", True), ("iris", False), ("digits", False)],
)
def test_classes_over_two_features_and_numbers_over_one_have_a_landscape(data, expected):
    dataset = load_dataset(Config(data=data))

    assert has_landscape(dataset) is expected
    assert (grid(dataset) is not None) is expected
    assert (landscape_probe(dataset, 5) is not None) is expected


def test_numbers_over_two_features_and_classes_over_one_have_none():
    X = np.arange(16.0).reshape(8, 2)

    assert not has_landscape(Dataset.from_arrays(X, np.linspace(0, 1, 8), task="regression"))
    assert not has_landscape(Dataset.from_arrays(X[:, :1], [0, 1] * 4))


def test_epochs_to_look_at_are_dense_at_the_start():
    assert probe_epochs(200, 8) == (1, 2, 4, 9, 20, 43, 93, 200)
    assert probe_epochs(1) == (1,)
    assert probe_epochs(5) == (1, 2, 3, 4, 5)


@given(st.integers(1, 10_000), st.integers(2, 40))
def test_epochs_to_look_at_ascend_from_the_first_to_the_last(epochs, n):
    chosen = probe_epochs(epochs, n)

    assert list(chosen) == sorted(set(chosen))
    assert (chosen[0], chosen[-1], len(chosen)) == (1, epochs, min(n, epochs))


@pytest.mark.parametrize(("epochs", "n", "name"), [(0, 16, "epochs"), (10, 1, "n")])
def test_epochs_to_look_at_need_a_range(epochs, n, name):
    with pytest.raises(ConfigError, match=f"^{name} must be"):
        probe_epochs(epochs, n)


def test_the_probe_asks_for_outputs_on_the_grid(square):
    probe = landscape_probe(square, 3)

    assert (probe.name, probe.kind, probe.epochs) == (PROBE, "outputs", (1, 2, 3))
    assert probe.X.tolist() == grid(square).X.tolist()


def test_members_are_averaged_in_prediction(square):
    averaged = predictions([[[SURE], [0.0]], [[-SURE], [0.0]]], square, 0)
    of_one = predictions([[[SURE], [0.0]]], square, 0)

    assert averaged.tolist() == pytest.approx([0.5, 0.5])
    assert of_one.tolist() == pytest.approx([0.75, 0.5])


def test_several_classes_have_a_probability_each():
    three = Dataset.from_arrays(np.arange(24.0).reshape(12, 2), [0, 1, 2] * 4)

    assert predictions([[[0.0, np.log(2.0), 0.0]]], three, 0).tolist() == [pytest.approx([0.25, 0.5, 0.25])]


def test_numbers_are_predicted_in_their_own_units():
    line = Dataset.from_arrays(
        [[0.0], [1.0], [2.0], [3.0]],
        [10.0, 30.0, 0.0, 0.0],
        task="regression",
        train_rows=[0, 1],
        val_rows=[2],
        test_rows=[3],
    )

    assert predictions([[[0.0], [1.0]]], line, 0).tolist() == [20.0, 30.0]


@pytest.mark.parametrize(("activation", "expected"), [("relu", 2.0 * 3 + 5), ("tanh", 2 * np.tanh(3.0) + 5)])
def test_outputs_of_a_network_by_hand(activation, expected):
    weights = Weights(
        (np.array([[1.0], [1.0]], np.float32), np.array([[2.0]], np.float32)),
        (np.array([0.0], np.float32), np.array([5.0], np.float32)),
    )

    assert network_outputs(weights, np.array([[1.0, 2.0]]), activation).tolist() == [[expected]]


def test_a_landscape_has_the_epochs_recorded_and_what_is_kept(square):
    result = result_of(
        square, lambda member, epoch: one_layer(bias=SURE if epoch == 2 else 0.0), ((3, 1, 2),)
    )
    recorded = {0: (np.zeros((2304, 1)),), 1: (np.full((2304, 1), -SURE),), 3: (np.full((2304, 1), SURE),)}

    found = landscape(result.with_stopping(patience=5), 0, [recorded])

    assert (found.seed, found.epochs, found.kept_epochs) == (0, (1, 3), (2,))
    assert [values[0] for values in found.predictions] == pytest.approx([0.25, 0.75])
    assert found.kept.tolist() == pytest.approx([0.75] * 2304)


def test_what_is_kept_is_of_each_members_own_epoch(square):
    result = result_of(
        square,
        lambda member, epoch: one_layer(bias=SURE * epoch if member == 0 else -SURE),
        ((1.0, 2.0), (2.0, 1.0)),
        patience=1,
    )

    found = landscape(result, 0)

    assert found.kept_epochs == (1, 2)
    assert found.kept[0] == pytest.approx(0.5)


def test_what_is_kept_depends_on_the_place(square):
    result = result_of(square, lambda member, epoch: one_layer(slope=1.0))

    kept = landscape(result, 0).kept.reshape(48, 48)

    assert (np.diff(kept, axis=0) > 0).all()
    assert (np.diff(kept, axis=1) > 0).all()


def test_a_growing_result_has_the_epochs_that_all_members_reached(square):
    result = result_of(square, lambda member, epoch: one_layer(), ((1.0, 2.0), (2.0, 1.0)))
    growing = Result(result.config.replace(epochs=9), square, result.recordings)
    first, second = ({epoch: (np.zeros((2304, 1)),) for epoch in epochs} for epochs in ((1, 2), (1,)))

    found = landscape(growing, 0, [first, second])

    assert (found.epochs, found.kept_epochs, found.kept) == ((1,), (), None)


def test_every_member_is_needed(square):
    result = result_of(square, lambda member, epoch: one_layer(), ((1.0,), (1.0,)))

    with pytest.raises(ConfigError, match="^recorded must hold each of 2 members, got 1$"):
        landscape(result, 0, [{1: (np.zeros((2304, 1)),)}])


def test_wide_data_have_no_landscape():
    dataset = load_dataset(Config(data="iris"))

    assert landscape(Result(Config(data="iris"), dataset, {}), 0) is None
