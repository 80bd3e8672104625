"""How wide a network has to be before it fits its training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from regcore.checklist import MEMORISED_BOUND
from regcore.results import HISTORY_COLUMNS
from regcore.statistics import MeanInterval, mean_interval

if TYPE_CHECKING:
    from regcore.config import Config
    from regcore.results import Result

WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128)


class Width(NamedTuple):
    """One width after the last epoch: means over seeds with their 95 % t-intervals.

    Attributes:
        units: In each hidden layer.
        train_loss: Data loss on the train rows.
        val_loss: Data loss on the validation rows.
        train_error: Fraction of train rows that are labelled wrong.
    """

    units: int
    train_loss: MeanInterval
    val_loss: MeanInterval
    train_error: MeanInterval


def widths(config: Config) -> dict[str, Config]:
    """Return what is trained, by name: as many hidden layers without regularizers, all equally wide."""
    depth = max(1, len(config.hidden))
    return {str(units): config.plain().replace(hidden=(units,) * depth) for units in WIDTHS}


def capacity(results: Mapping[str, Result]) -> tuple[Width, ...]:
    """Return what each width came to, the narrowest first.

    Args:
        results: Of `widths`, each with at least one epoch of every seed.
    """
    return tuple(
        Width(result.config.hidden[0], *(_last(result, name) for name in Width._fields[1:]))
        for result in results.values()
    )


def first_that_fits(measured: Sequence[Width]) -> int | None:
    """Return the units from which on at most 1 % of the train rows are wrong; None: too many always are."""
    fits = None
    for width in reversed(measured):
        if not width.train_error.mean <= MEMORISED_BOUND:
            break
        fits = width.units
    return fits


def _last(result: Result, column: str) -> MeanInterval:
    at = HISTORY_COLUMNS.index(column)
    return mean_interval([float(result.recordings[seed, 0].history[-1, at]) for seed in result.seeds])
