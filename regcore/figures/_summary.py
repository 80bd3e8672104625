"""The networks of a run summarised epoch by epoch, for figures."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Columns = Mapping[str, npt.NDArray[Any]]
"""A table of a `Result`, column by column: of tables, pandas takes its time."""

NETWORK = ["seed", "member"]
MAX_POINTS = 400
# The band holds the middle 80 % of the networks.
LOW, HIGH = 0.1, 0.9
_NO_PLACES = np.empty(0, dtype=np.int64)


class Summary(NamedTuple):
    """Median, lowest and highest tenth over the networks, one value an epoch."""

    epochs: tuple[int, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def summarize_epochs(history: Columns, column: str) -> Summary:
    """Return the summary of the epochs that every network has reached; of a long run some 400 of them.

    Args:
        history: Of a `Result`, sorted by seed, member and epoch.
        column: What is summarised.
    """
    epoch = history["epoch"]
    reached = int(epoch[last_of_networks(history)].min()) if len(epoch) else 0
    epochs = thinned(reached)
    values = history[column][epoch <= reached]
    low, median, high = _quantiles(values.reshape(-1, max(reached, 1))[:, epochs - 1])
    return Summary(tuple(epochs.tolist()), median, low, high)


def in_order(table: Mapping[str, npt.ArrayLike]) -> Columns:
    """Return the columns of a table sorted by seed, member and epoch.

    Args:
        table: Of a `Result`, with or without epochs.
    """
    columns = {name: np.asarray(values) for name, values in table.items()}
    # The last key is the first to sort by.
    order = np.lexsort([columns[name] for name in ("epoch", *reversed(NETWORK)) if name in columns])
    if (np.diff(order) > 0).all():
        return columns
    return {name: values[order] for name, values in columns.items()}


def last_of_networks(history: Columns) -> npt.NDArray[np.int64]:
    """Return the places of the last epoch of each network.

    Args:
        history: Of a `Result`, sorted by seed, member and epoch.
    """
    seed, member = (history[name] for name in NETWORK)
    if not len(seed):
        return _NO_PLACES
    is_other = (seed[1:] != seed[:-1]) | (member[1:] != member[:-1])
    return np.append(np.flatnonzero(is_other), len(seed) - 1)


def thinned(n_epochs: int) -> npt.NDArray[np.int64]:
    """Return the epochs that are drawn of so many: the first, the last, and some evenly between."""
    return np.unique(np.linspace(1, n_epochs, min(n_epochs, MAX_POINTS)).round().astype(np.int64))


def lowest_place(values: npt.NDArray[np.float64]) -> int | None:
    """Return the place of the lowest of these values, NaN left out; None: none of them is finite.

    Args:
        values: At least one.
    """
    place = int(values.argmin())
    if math.isfinite(values[place]):
        return place
    # `argmin` takes NaN for the lowest, and `nanargmin` several times as long.
    return int(np.nanargmin(values)) if np.isfinite(values).any() else None


def _quantiles(values: npt.NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    """Return the low, median and high of each column; NaN where every network has diverged."""
    if not values.size:
        return (), (), ()
    finite = np.where(np.isfinite(values), values, np.nan)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        # nanquantile goes column by column, and is 50 times slower where it is not needed.
        quantile = np.nanquantile if np.isnan(finite).any() else np.quantile
        quantiles = quantile(finite, [LOW, 0.5, HIGH], axis=0)
    return tuple(tuple(row) for row in quantiles.tolist())
