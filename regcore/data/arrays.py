"""Reading the X and y that people hand in: lists, numpy arrays, data frames, sparse matrices."""

import math
from collections.abc import Sequence, Sized
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from regcore.data.types import Floats, Targets, Task
from regcore.errors import DataError

MIN_ROWS = 4
# Squares of larger numbers overflow, and with them the standard deviation.
MAX_MAGNITUDE = 1e100
# Whole numbers with more distinct values are taken for a quantity, unless a task is given.
MAX_INFERRED_CLASSES = 20


class Features(NamedTuple):
    """Checked features: float64 [N, f], the names of the columns, and (height, width) of images."""

    X: Floats
    names: tuple[str, ...]
    image_shape: tuple[int, int] | None


class Target(NamedTuple):
    """Checked targets: labels 0..C-1 or float64 values, their task, and a name for each class."""

    y: Targets
    task: Task
    n_classes: int
    names: tuple[str, ...]


def read_features(
    X: Any,
    feature_names: Sequence[str] | None = None,
    image_shape: tuple[int, int] | None = None,
    min_rows: int = MIN_ROWS,
) -> Features:
    """Return a checked copy of the features.

    Args:
        X: Rows of numbers [N, f], or images [N, height, width]; no value missing or infinite.
        feature_names: One for each column. Default: those of a data frame, else x1, x2, ...
        image_shape: (height, width) where each row is a flattened image.
        min_rows: How many rows there must be.

    Raises:
        DataError: The message names the column where there is one, the rule, what was found and the remedy.
    """
    names = None
    if hasattr(X, "toarray"):
        X = X.toarray()
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        names = tuple(str(name) for name in X.columns)
        table = _stack([np.asarray(X.iloc[:, column]) for column in range(len(names))], names, len(X))
    else:
        array = _array("X", X)
        if array.ndim == 3:
            image_shape = image_shape or (array.shape[1], array.shape[2])
            array = array.reshape(len(array), array.shape[1] * array.shape[2])
        table = _numbers_of_table(array)
    n_rows, n_features = table.shape
    if n_rows < min_rows or not n_features:
        raise DataError(f"X must have at least {min_rows} rows and a column, got shape {table.shape}")
    image_shape = _checked_image_shape(image_shape, n_features)
    names = _checked_names("feature_names", feature_names, n_features, "column") or names
    names = names or _default_names(n_features, image_shape)
    _check_finite(table, names)
    return Features(table, names, image_shape)


def read_target(y: Any, task: Task | None = None, target_names: Sequence[str] | None = None) -> Target:
    """Return checked targets: values of a regression, or labels 0..C-1 in the order of the classes' values.

    Args:
        y: One number, text or truth value for each row; none missing.
        task: Default: classes where y holds text, truth values, or whole numbers of at most 20
            kinds and no more than half as many kinds as rows; else regression.
        target_names: One for each class, in the order of their values; one for a regression.

    Raises:
        DataError: The message names the rule, what was found and the remedy.
    """
    if task is not None and task not in get_args(Task):
        raise DataError(f"task must be one of {', '.join(get_args(Task))} or None, got {task!r}")
    values = _column_of_targets(y)
    if task is None:
        task = _inferred_task(values)
    if task == "regression":
        names = _checked_names("target_names", target_names, 1, "regression target")
        return Target(_regression_target(values), task, 1, names or ("y",))
    classes, labels = np.unique(values, return_inverse=True)
    task = _checked_classes(task, classes, len(values))
    names = _checked_names("target_names", target_names, len(classes), "class")
    names = names or tuple(_class_name(value) for value in classes.tolist())
    return Target(labels.astype(np.int64), task, len(classes), names)


def _array(name: str, values: Any) -> NDArray[Any]:
    if isinstance(values, np.ma.MaskedArray):
        # What is masked is missing; numpy would hand out the numbers below the mask.
        mask, values = np.ma.getmaskarray(values), values.data
        if mask.any():
            values = values.astype(object)
            values[mask] = None
    try:
        array = np.asarray(values)
        # Numbers beside text would all become text, and the message could not name the column.
        return np.asarray(values, dtype=object) if array.dtype.kind in "US" else array
    except ValueError as error:
        raise DataError(f"{name} must have rows of equal length, got rows that differ") from error


def _numbers_of_table(array: NDArray[Any]) -> Floats:
    if array.ndim != 2:
        raise DataError(
            f"X must have two dimensions, rows and columns (or three: images, height, width), "
            f"got shape {array.shape}"
        )
    if array.dtype.kind in "biuf":
        return np.array(array, dtype=np.float64, order="C")
    columns = [array[:, column] for column in range(array.shape[1])]
    return _stack(columns, _default_names(len(columns), None), len(array))


def _stack(columns: list[NDArray[Any]], names: tuple[str, ...], n_rows: int) -> Floats:
    table = np.empty((n_rows, len(columns)))
    for position, (name, column) in enumerate(zip(names, columns, strict=True)):
        table[:, position] = _numbers(f"column {name!r} of X", column)
    return table


def _numbers(what: str, values: NDArray[Any]) -> Floats:
    """Return the values as float64, missing ones as NaN."""
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    if values.dtype.kind == "O":
        missing = _missing(values)
        present = values[~missing].tolist()
        numbers = np.full(len(values), np.nan)
        stranger = next((value for value in present if not _is_number(value)), None)
        if stranger is None:
            numbers[~missing] = [_as_float(value) for value in present]
            return numbers
        found = repr(stranger)
    else:
        found = str(values.dtype)
    raise DataError(f"{what} must hold numbers, got {found}: turn it into numbers or leave it out")


def _is_number(value: Any) -> bool:
    return not isinstance(value, str | bytes | complex) and hasattr(value, "__float__")


def _as_float(value: Any) -> float:
    """Return a number as float64, infinite where it is a whole number beyond that."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    import pandas as pd

    return np.asarray(pd.isna(values), dtype=bool)


def _check_finite(table: Floats, names: tuple[str, ...]) -> None:
    for what, bad in (("missing", np.isnan(table)), ("infinite", np.isinf(table))):
        if bad.any():
            column = int(np.argmax(bad.any(axis=0)))
            found = f"{int(bad.sum())}, {int(bad[:, column].sum())} of them in column {names[column]!r}"
            raise DataError(f"X must have no {what} values, got {found}: fill them in or drop those rows")
    largest = float(np.abs(table).max())
    if largest > MAX_MAGNITUDE:
        raise DataError(f"X must be within {MAX_MAGNITUDE:g} of 0, got {largest:g}: choose another unit")


def _checked_image_shape(image_shape: Any, n_features: int) -> tuple[int, int] | None:
    if image_shape is None:
        return None
    try:
        height, width = (int(side) for side in image_shape)
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1 or height * width != n_features:
        raise DataError(
            f"image_shape must be (height, width) with height * width = {n_features}, the columns of X, "
            f"got {image_shape!r}"
        )
    return height, width


def _checked_names(
    field: str, names: Sequence[str] | None, expected: int, of_what: str
) -> tuple[str, ...] | None:
    if names is None:
        return None
    n_given = len(names) if isinstance(names, Sized) and not isinstance(names, str) else 1
    if isinstance(names, str) or not isinstance(names, Sized) or n_given != expected:
        raise DataError(f"{field} must be a list of {expected}, one for each {of_what}, got {n_given}")
    return tuple(str(name) for name in names)


def _default_names(n_features: int, image_shape: tuple[int, int] | None) -> tuple[str, ...]:
    if image_shape is not None:
        height, width = image_shape
        return tuple(f"pixel_{row}_{column}" for row in range(height) for column in range(width))
    return tuple(f"x{column}" for column in range(1, n_features + 1)) if n_features > 1 else ("x",)


def _column_of_targets(y: Any) -> NDArray[Any]:
    """Return y as one dimension of bool, numbers or text, without missing values."""
    values = _array("y", y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"y must have one value for each row, got shape {values.shape}")
    n_missing = int(_missing(values).sum())
    if n_missing:
        raise DataError(f"y must have no missing values, got {n_missing}: drop those rows")
    if values.dtype.kind == "O":
        values = _plain_targets(values)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"y must have no infinite values, got {int(np.isinf(values).sum())}: drop those rows")
    if values.dtype.kind not in "biufU":
        raise DataError(f"y must hold numbers or names of classes, got {values.dtype}")
    return values


def _plain_targets(values: NDArray[Any]) -> NDArray[Any]:
    listed = values.tolist()
    if all(isinstance(value, bool | np.bool_) for value in listed):
        return values.astype(bool)
    if all(_is_number(value) for value in listed):
        return np.array([_as_float(value) for value in listed])
    stranger = next((value for value in listed if isinstance(value, bytes | bytearray)), None)
    if stranger is not None:
        raise DataError(
            f"y must hold numbers or names of classes, got bytes such as {stranger!r}: decode them, as with "
            "value.decode()"
        )
    other = next((value for value in listed if _kind(value) != _kind(listed[0])), None)
    if other is not None:
        raise DataError(
            f"y must hold values of one kind, all numbers or all names of classes, got {listed[0]!r} and "
            f"{other!r}: turn all of them into text, or all into numbers"
        )
    return np.array([str(value) for value in listed])


def _kind(value: Any) -> object:
    return str if isinstance(value, str) else float if _is_number(value) else type(value)


def _inferred_task(values: NDArray[Any]) -> Task:
    n_kinds = len(np.unique(values))
    if values.dtype.kind in "bU":
        return "multiclass" if n_kinds > 2 else "binary"
    whole = bool(np.all(values == np.floor(values)))
    if whole and n_kinds <= min(MAX_INFERRED_CLASSES, len(values) / 2):
        return "multiclass" if n_kinds > 2 else "binary"
    return "regression"


def _regression_target(values: NDArray[Any]) -> Floats:
    if values.dtype.kind == "U":
        raise DataError(f"y must hold numbers for a regression, got {str(values[0])!r}")
    numbers = values.astype(np.float64)
    largest = float(np.abs(numbers).max(initial=0.0))
    if largest > MAX_MAGNITUDE:
        raise DataError(f"y must be within {MAX_MAGNITUDE:g} of 0, got {largest:g}: choose another unit")
    return numbers


def _checked_classes(task: Task, classes: NDArray[Any], n_rows: int) -> Task:
    n_classes = len(classes)
    if n_classes < 2:
        found = ", ".join(map(repr, classes.tolist())) or "none"
        raise DataError(f"y must hold at least two classes, got {found}: add rows of another class")
    if task == "binary" and n_classes > 2:
        raise DataError(f"y must hold two classes for a binary task, got {n_classes}: use task='multiclass'")
    if n_classes > n_rows / 2:
        raise DataError(
            f"y must hold at most half as many classes as rows, got {n_classes} classes in {n_rows} rows: "
            f"join or drop rare classes, or use task='regression' where y is a number"
        )
    return task


def _class_name(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
