"""Capacity: what is trained, what it came to, and where it begins to fit."""

import math

import numpy as np
import pytest

from regcore.capacity import WIDTHS, Width, capacity, first_that_fits, widths
from regcore.config import Config
from regcore.figures._capacity import _info, plot_capacity
from regcore.results import HISTORY_COLUMNS, Recording, Result
from regcore.statistics import MeanInterval, mean_interval
from tests.test_checklist import DATASET


def width(units: int, error: float, loss: float = 1.0) -> Width:
    def exactly(value: float) -> MeanInterval:
        return MeanInterval(value, 0.1, value - 0.2, value + 0.2, 4)

    return Width(units, exactly(loss), exactly(2 * loss), exactly(error))


def test_as_many_layers_all_of_one_width_and_no_regularizer():
    found = widths(Config(hidden=(64, 32), dropout_hidden=0.5))

    assert [config.hidden for config in found.values()] == [(units, units) for units in WIDTHS]
    assert {config.dropout_hidden for config in found.values()} == {0.0}
    assert widths(Config(hidden=()))["8"].hidden == (8,)


def test_means_and_intervals_are_of_the_last_epoch():
    def recording(train: float, val: float, error: float) -> Recording:
        last = dict(train_loss=train, val_loss=val, train_error=error)
        rows = [[9.0] * 12, [last.get(name, math.nan) for name in HISTORY_COLUMNS]]
        return Recording("", np.array(rows))

    recordings = {(0, 0): recording(0.1, 1.0, 0.0), (1, 0): recording(0.3, 2.0, 0.5)}
    (found,) = capacity({"4": Result(Config(hidden=(4,), seeds=2, epochs=2), DATASET, recordings)})

    assert found == Width(4, mean_interval([0.1, 0.3]), mean_interval([1.0, 2.0]), mean_interval([0.0, 0.5]))


@pytest.mark.parametrize(
    ("errors", "fits"),
    [
        ((0.5, 0.01, 0.0), 2),
        ((0.0, 0.2, 0.0), 4),
        ((0.0, 0.0, 0.0), 1),
        ((0.5, 0.0, 0.02), None),
        ((0.5, 0.0, math.nan), None),
    ],
)
def test_it_fits_from_where_on_all_that_are_wider_fit(errors, fits):
    assert first_that_fits([width(2**at, error) for at, error in enumerate(errors)]) == fits


def test_the_figure_has_both_losses_and_marks_where_it_fits():
    measured = [width(1, 0.5, 2.0), width(2, 0.0, 0.5)]

    info, figure = _info(measured), plot_capacity(measured)

    assert (info.units, info.fits, info.n_seeds) == ((1, 2), 2, 4)
    lines = {trace.name: list(trace.y) for trace in figure.data if trace.name}
    assert lines == {"train": [2.0, 0.5], "validation": [4.0, 1.0]}
    assert figure.layout.shapes[0].x0 == 2
    assert figure.layout.yaxis.range == pytest.approx((math.log10(0.4) - 0.2, math.log10(4) + 0.3))
    assert figure.layout.annotations[0].x == pytest.approx(math.log10(2))
    assert figure.layout.meta["description"] == (
        "Data loss against units in each hidden layer, mean of 4 seeds: train 2 (1.8 to 2.2) with 1, "
        "0.5 (0.3 to 0.7) with 2; validation 4 (3.8 to 4.2) with 1, 1 (0.8 to 1.2) with 2. "
        "At most 1 % of the train rows are wrong from 2 units on."
    )
