"""How many bytes a value takes in memory, about: enough to bound what is kept of many."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from regcore.config import Config
from regcore.data import Dataset

# A number of Python, and its place in a list; a name and its place in a dictionary.
NUMBER, ENTRY = 32, 100
# Of many values so many are looked at.
N_LOOKED_AT = 5
NUMBERS = frozenset({type(None), bool, int, float})
# Cells of a table.
SMALL = 1000
# Whatever an object is, with what finds it again.
OBJECT = 1000


def size_of(value: Any) -> int:
    """Return about how many bytes a value takes; what two parts of it share counts twice.

    A list of numbers is taken for one by its first element: curves are thousands of them.
    """
    kind = type(value)
    # Whatever is made is sized, so what is frequent comes first, by its very kind.
    if kind in NUMBERS:
        return NUMBER
    if kind is str or kind is bytes:
        return sys.getsizeof(value)
    if kind is tuple or kind is list:
        if not value:
            return OBJECT
        of_numbers = value[0] is not None and type(value[0]) in NUMBERS
        return len(value) * NUMBER if of_numbers else _size_of_all(value) + OBJECT
    if kind is dict:
        return len(value) * ENTRY + _size_of_all(value.values())
    return _size_of_other(value)


def _size_of_other(value: Any) -> int:
    if isinstance(value, (type, Config, Dataset)):
        return OBJECT  # There for others as well.
    if isinstance(value, np.generic):
        return NUMBER
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, pd.DataFrame):
        # To ask takes longer than to make a small one.
        return value.size * ENTRY if value.size < SMALL else int(value.memory_usage(deep=True).sum())
    own: int | None = getattr(value, "nbytes", None)  # A figure knows what is sent of it.
    if own is not None:
        return OBJECT + own
    if isinstance(value, (tuple, set, frozenset)):
        return _size_of_all(value) + OBJECT
    if isinstance(value, Mapping):
        return len(value) * ENTRY + _size_of_all(value.values())
    return OBJECT + size_of(getattr(value, "__dict__", {}))


def _size_of_all(values: Collection[Any]) -> int:
    """Return the bytes of all values; of many, as the first of them are."""
    if len(values) <= N_LOOKED_AT:
        return sum(map(size_of, values))
    return sum(map(size_of, islice(values, N_LOOKED_AT))) * len(values) // N_LOOKED_AT
