"""Which rows are set aside for testing, and how many each seed trains and validates on."""

import operator
from typing import Any, NamedTuple

import numpy as np

from regcore.data.sampling import row_order
from regcore.data.streams import random_stream
from regcore.data.types import Integers
from regcore.errors import DataError

VAL_FRACTION = 0.25
MIN_TRAIN = 2


class SplitPlan(NamedTuple):
    """Sorted test rows, the numbers of train and val rows, and these rows themselves where they are fixed."""

    test_rows: Integers
    n_train: int
    n_val: int
    fixed: tuple[Integers, Integers] | None


def keep_split(n_rows: int, train_rows: Any, val_rows: Any, test_rows: Any | None) -> SplitPlan:
    """Return the split that was handed in, checked.

    Args:
        n_rows: Rows of the data set.
        train_rows: Row numbers, or a mask of `n_rows` truth values.
        val_rows: The same.
        test_rows: The same; None: all rows that are neither train nor val.

    Raises:
        DataError: Rows are missing, repeated, shared or do not exist.
    """
    if train_rows is None or val_rows is None:
        raise DataError("train_rows and val_rows must be given together, got only one of them")
    parts = {
        "train_rows": read_rows("train_rows", train_rows, n_rows, minimum=MIN_TRAIN),
        "val_rows": read_rows("val_rows", val_rows, n_rows),
    }
    if test_rows is None:
        test_rows = np.setdiff1d(np.arange(n_rows), np.concatenate(list(parts.values())))
    parts["test_rows"] = read_rows("test_rows", test_rows, n_rows)
    for first, second in (("train_rows", "val_rows"), ("train_rows", "test_rows"), ("val_rows", "test_rows")):
        shared = np.intersect1d(parts[first], parts[second])
        if len(shared):
            raise DataError(f"{first} and {second} must share no row, got {len(shared)}, first {shared[0]}")
    train, val = parts["train_rows"], parts["val_rows"]
    return SplitPlan(np.sort(parts["test_rows"]), len(train), len(val), (train, val))


def plan_split(
    n_rows: int,
    labels: Integers | None,
    test_rows: Any | None,
    test_size: float,
    n_train: int | None,
    n_val: int | None,
    data_seed: int,
) -> SplitPlan:
    """Return the test rows, handed in or drawn, and how many of the others are for train and val.

    Args:
        n_rows: Rows of the data set.
        labels: The classes that the test set is stratified by; None for regression.
        test_rows: Row numbers or a mask; None: drawn.
        test_size: Fraction of the rows that is drawn for testing, above 0 and below 1; at least one row.
        n_train: Train rows of each seed; None: all that are left.
        n_val: Validation rows of each seed; None: a quarter of the rows that are not for testing, or what
            `n_train` leaves.
        data_seed: Fixes which rows are drawn.

    Raises:
        DataError: A number is out of its range, or there are too few rows.
    """
    if test_rows is None:
        test = draw_test_rows(n_rows, labels, _test_count(test_size, n_rows), data_seed)
    else:
        test = np.sort(read_rows("test_rows", test_rows, n_rows))
    n_others = n_rows - len(test)
    if n_others < MIN_TRAIN + 1:
        raise DataError(
            f"the rows that are not for testing must be at least {MIN_TRAIN + 1}, "
            f"got {n_others} of {n_rows}: set fewer aside for testing"
        )
    if n_val is None:
        left = n_others - (MIN_TRAIN if n_train is None else whole_number("n_train", n_train, MIN_TRAIN))
        n_val = max(1, min(round(VAL_FRACTION * n_others), left))
    n_val = whole_number("n_val", n_val, 1)
    n_train = whole_number("n_train", n_others - n_val if n_train is None else n_train, MIN_TRAIN)
    if n_train + n_val > n_others:
        raise DataError(
            f"n_train + n_val must be at most {n_others}, the rows that are not for testing, "
            f"got {n_train} + {n_val}"
        )
    return SplitPlan(test, n_train, n_val, None)


def draw_test_rows(n_rows: int, labels: Integers | None, n_test: int, data_seed: int) -> Integers:
    """Return `n_test` sorted row numbers, stratified by `labels` where there are some."""
    order = row_order(labels, n_rows, random_stream("test rows", data_seed))
    return np.sort(order[n_rows - n_test :])


def read_rows(name: str, rows: Any, n_rows: int, minimum: int = 1) -> Integers:
    """Return row numbers as int64, each once and within the data set.

    Args:
        name: What an error message calls them.
        rows: Row numbers, or a mask of `n_rows` truth values.
        n_rows: Rows of the data set.
        minimum: How many there must be.

    Raises:
        DataError: They are not row numbers, or too few, or one is repeated.
    """
    try:
        array = np.asarray(rows)
    except ValueError:
        array = np.asarray(None)
    if array.dtype == bool and array.shape == (n_rows,):
        array = np.flatnonzero(array)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise DataError(
            f"{name} must be a list of row numbers or a mask of {n_rows} truth values, "
            f"got {array.dtype} of shape {array.shape}"
        )
    if len(array) < minimum:
        raise DataError(f"{name} must hold at least {minimum} of the {n_rows} rows, got {len(array)}")
    outside = array[(array < 0) | (array >= n_rows)]
    if len(outside):
        raise DataError(f"{name} must be row numbers from 0 to {n_rows - 1}, got {outside[0]}")
    numbers, counts = np.unique(array, return_counts=True)
    if len(numbers) < len(array):
        raise DataError(
            f"{name} must not repeat a row, got row {numbers[np.argmax(counts)]} {counts.max()} times"
        )
    return np.array(array, dtype=np.int64)


def whole_number(name: str, value: Any, minimum: int) -> int:
    """Return a whole number of at least `minimum`; True and 3.0 are none.

    Raises:
        DataError: It is not.
    """
    try:
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < minimum:
        raise DataError(f"{name} must be a whole number of at least {minimum}, got {value!r}")
    return number


def _test_count(test_size: Any, n_rows: int) -> int:
    is_number = isinstance(test_size, float | int | np.floating) and not isinstance(test_size, bool)
    if not (is_number and 0 < test_size < 1):
        raise DataError(f"test_size must be a fraction above 0 and below 1, got {test_size!r}")
    return max(1, round(float(test_size) * n_rows))
