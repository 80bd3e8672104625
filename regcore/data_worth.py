"""How many rows a technique is worth: the learning curve without it, read at the error that it reaches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import scoring, statistics
from regcore.config import Config
from regcore.data import DATASET_INFO
from regcore.errors import DataError
from regcore.results import Result

Floats = npt.NDArray[np.float64]

# Of the sizes between the smallest and the largest that are held against the technique.
N_PLACES = 400
STEPS_ABOVE = 3
# Two sizes nearer than this say the same.
CLOSE = 1.5
# Errors that are closer together than this, in parts of the largest, differ by rounding.
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """The error against the number of training rows, with and without a technique, paired by seed.

    Attributes:
        metric: What is measured, "error" or "mae", on the validation rows.
        sizes: Numbers of training rows, ascending.
        without: [sizes, seeds].
        with_it: [sizes, seeds].
    """

    metric: str
    sizes: tuple[int, ...]
    without: Floats
    with_it: Floats


class Worth(NamedTuple):
    """How many times the rows it takes without a technique to do as well as with it.

    Attributes:
        n_train: Training rows with the technique.
        times: Where the mean curve without it first is as low; NaN where it never is, or always.
        low: Lower end of the 95 % interval; 0 where it lies below the smallest size tried.
        high: Upper end; infinite where it lies above the largest size tried.
        smallest, largest: The sizes tried, in times of `n_train`.
    """

    n_train: int
    times: float
    low: float
    high: float
    smallest: float
    largest: float

    @property
    def is_told(self) -> bool:
        """Whether the sizes and seeds tried say anything: at least one end of the interval."""
        return self.low > 0 or self.high < math.inf


def sizes_of(config: Config) -> tuple[int, ...]:
    """Return the numbers of training rows of a learning curve around that of a configuration.

    Half as many, and up to eight times as many, each twice the one before, as far as there are rows; the last
    is all there are, where that is close.
    """
    info = DATASET_INFO[config.data]
    n_train = config.n_train or info.n_train
    most = info.n_available - (config.n_val or info.n_val)
    sizes = {max(2, n_train // 2), *(n_train * 2**step for step in range(STEPS_ABOVE + 1))}
    there = sorted(size for size in sizes if size <= most)
    if n_train < there[-1] and most < CLOSE * there[-1]:
        there[-1] = most
    elif most < 2 * there[-1] and there[-1] < n_train * 2**STEPS_ABOVE:
        there.append(most)
    return tuple(sorted(set(there)))


def curve_configs(config: Config) -> dict[str, Config]:
    """Return what a learning curve trains, by name: without and with what `config` has, at each size."""
    sized = [config.replace(n_train=size) for size in sizes_of(config)]
    without = {_name("without", each): each.plain() for each in sized}
    return without | {_name("with", each): each for each in sized}


def _name(what: str, config: Config) -> str:
    return f"{what}, {config.n_train} rows"


def learning_curve(config: Config, results: Mapping[str, Result]) -> LearningCurve:
    """Return the learning curve that was measured.

    Args:
        config: The experiment.
        results: Of `curve_configs(config)`, complete.
    """
    sized = [config.replace(n_train=size) for size in sizes_of(config)]
    metric = scoring.metric_names(DATASET_INFO[config.data].task)[1]

    def errors(what: str) -> Floats:
        found = [results[_name(what, each)].metrics("val")[metric] for each in sized]
        return np.array([values.to_numpy(dtype=np.float64) for values in found])

    return LearningCurve(metric, tuple(sizes_of(config)), errors("without"), errors("with"))


def worth(curve: LearningCurve, n_train: int) -> Worth:
    """Return how many times the data a technique is worth at one size, with a 95 % interval.

    Each seed's curve without the technique is drawn straight between the sizes over the logarithm of their
    rows. The interval holds every number of rows at which the paired t-interval of "without, so many rows"
    minus "with, n_train rows" contains 0: a test turned round, as in Fieller (1954). So it is open towards
    the sizes that were not tried, and it asks of the curve neither a form nor that it falls.

    Args:
        curve: What was measured.
        n_train: One of its sizes.

    Raises:
        DataError: if `n_train` is none of the sizes.
    """
    if n_train not in curve.sizes:
        raise DataError(f"n_train must be one of {', '.join(map(str, curve.sizes))}, got {n_train!r}")
    first, last = curve.sizes[0], curve.sizes[-1]
    reached = curve.with_it[curve.sizes.index(n_train)]
    rows = _places(curve, reached)
    intervals = [statistics.mean_interval(at - reached) for at in _without(curve, rows).T]
    rounding = ROUNDING * float(np.abs([curve.without, curve.with_it]).max())
    low, high = _ends(np.array([(each.low, each.high) for each in intervals]), rows, rounding)
    means = np.array([each.mean for each in intervals])
    return Worth(
        n_train,
        _first_crossing(rows, means, rounding) / n_train,
        low / n_train,
        high / n_train,
        first / n_train,
        last / n_train,
    )


def _without(curve: LearningCurve, rows: Floats) -> Floats:
    """Return the error without the technique at any number of rows, [seeds, rows]."""
    known = np.log(curve.sizes)
    return np.array([np.interp(np.log(rows), known, of_seed) for of_seed in curve.without.T])


def _places(curve: LearningCurve, reached: Floats) -> Floats:
    """Return the numbers of rows that are tried: many, the sizes, and where the mean difference is 0."""
    logs, means = np.log(curve.sizes), curve.without.mean(axis=1) - reached.mean()
    crossings = [
        logs[at] + (logs[at + 1] - logs[at]) * means[at] / (means[at] - means[at + 1])
        for at in range(len(logs) - 1)
        if means[at] * means[at + 1] < 0
    ]
    # The sizes themselves, which exp(log(n)) may miss by a bit.
    between = np.exp([*np.linspace(logs[0], logs[-1], N_PLACES)[1:-1], *crossings])
    return np.unique([*between, *map(float, curve.sizes)])


def _ends(intervals: Floats, rows: Floats, rounding: float) -> tuple[float, float]:
    """Return the lowest and highest number of rows that cannot be told from the technique."""
    low, high = intervals.T
    if np.isnan(intervals).any():
        return 0.0, math.inf
    alike = np.flatnonzero((low <= rounding) & (high >= -rounding))
    if not len(alike):
        # Every number of rows is clearly worse, or clearly better.
        return (float(rows[-1]), math.inf) if low[0] > 0 else (0.0, float(rows[0]))
    return (
        0.0 if alike[0] == 0 else float(rows[alike[0]]),
        math.inf if alike[-1] == len(rows) - 1 else float(rows[alike[-1]]),
    )


def _first_crossing(rows: Floats, difference: Floats, rounding: float) -> float:
    as_low = np.flatnonzero(difference <= rounding)
    if not len(as_low) or (as_low[0] == 0 and difference[0] < -rounding):
        return math.nan
    return float(rows[as_low[0]])
