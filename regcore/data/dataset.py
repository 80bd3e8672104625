"""A data set, and what one repetition of an experiment sees of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np

from regcore.data.arrays import read_features, read_target
from regcore.data.sampling import redraw_labels, row_order
from regcore.data.splits import MIN_TRAIN, keep_split, plan_split, whole_number
from regcore.data.streams import random_stream
from regcore.data.types import Floats, Integers, Targets, Task
from regcore.errors import DataError

MAX_CACHED_SEEDS = 64


class Rows(NamedTuple):
    """What one seed sees: row numbers into `Dataset.X`, targets, and the scaling fitted on its train rows.

    `train`, `val` and `test` are int64 row numbers. The targets are int64 labels, those of train and val with
    that seed's label noise, or float64 values standardized by the train rows. The engine sees `(X - shift) /
    scale`; a regression target in its own units is `y * y_scale + y_shift`.
    """

    train: Integers
    val: Integers
    test: Integers
    y_train: Targets
    y_val: Targets
    y_test: Targets
    shift: Floats
    scale: Floats
    y_shift: float
    y_scale: float


class RawSplit(NamedTuple):
    """The arrays of one seed in their own units; labels carry that seed's label noise in train and val."""

    X_train: Floats
    y_train: Targets
    X_val: Floats
    y_val: Targets
    X_test: Floats
    y_test: Targets


class Split(NamedTuple):
    """The arrays of one seed as a network sees them (float64), and `raw`, the same in their own units."""

    X_train: Floats
    y_train: Targets
    X_val: Floats
    y_val: Targets
    X_test: Floats
    y_test: Targets
    raw: RawSplit


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Rows, targets, the rows set aside for testing, and how many rows each seed trains and validates on.

    Build one with `load_dataset(config)` or `Dataset.from_arrays(X, y)`; both check what they are given.
    `Dataset.without_test(X, y, ...)` is for those who keep the test rows elsewhere.

    The test rows are the same for every seed. Each seed draws its train and val rows from all others,
    stratified by the clean labels. The train rows depend on the seed and `n_train`, the val rows on the seed
    and `n_val`, so that configurations which differ in anything else can be compared in pairs.

    Attributes:
        name: What a person calls it.
        X: Raw features, float64 [N, f]; images are flattened row by row.
        y: int64 labels 0..C-1, or float64 values, shape [N].
        task: "binary", "multiclass" or "regression".
        n_classes: Number of classes; 1 for regression.
        feature_names: One for each column.
        target_names: One for each class; one name for a regression target.
        image_shape: (height, width) where a row is an image, else None.
        test_rows: Sorted row numbers of the test set.
        n_train: Train rows of each seed.
        n_val: Validation rows of each seed; 0 where nothing is chosen by them (`without_test`).
        label_noise: Fraction of train and val labels redrawn uniformly over all classes.
        fixed: (train rows, val rows) where the split was handed in; every seed keeps it. Tables of them,
            [splits, n_train] and [splits, n_val], give each seed from 0 on a split of its own.
    """

    name: str
    X: Floats
    y: Targets
    task: Task
    n_classes: int
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    test_rows: Integers
    n_train: int
    n_val: int
    label_noise: float = 0.0
    fixed: tuple[Integers, Integers] | None = None
    _rows_of_seed: dict[int, Rows] = field(default_factory=dict, init=False)

    @classmethod
    def from_arrays(
        cls,
        X: Any,
        y: Any,
        *,
        task: Task | None = None,
        n_train: int | None = None,
        n_val: int | None = None,
        test_size: float = 0.25,
        data_seed: int = 0,
        label_noise: float = 0.0,
        feature_names: Sequence[str] | None = None,
        target_names: Sequence[str] | None = None,
        image_shape: tuple[int, int] | None = None,
        train_rows: Any = None,
        val_rows: Any = None,
        test_rows: Any = None,
        name: str = "your data",
    ) -> Self:
        """Return a data set of one's own rows, checked and copied.

        Args:
            X: Rows of numbers [N, f], or images [N, height, width]: lists, numpy, pandas or a sparse matrix.
            y: One value for each row: numbers, or names of classes.
            task: "binary", "multiclass" or "regression". Default: classes where y holds text, truth
                values, or whole numbers of at most 20 kinds and no more than half as many kinds as rows; else
                regression.
            n_train: Train rows of each seed. Default: all rows that are left.
            n_val: Validation rows of each seed. Default: a quarter of the rows that are not for testing.
            test_size: Fraction of the rows that is set aside for testing, where `test_rows` is not given.
            data_seed: Fixes which rows are set aside.
            label_noise: Fraction of train and val labels redrawn uniformly over all classes, 0 to 1.
            feature_names: One for each column. Default: those of a data frame, else x1, x2, ...
            target_names: One for each class, in the order of their values. Default: the values.
            image_shape: (height, width) where each row of X is a flattened image.
            train_rows: Row numbers or a mask: together with `val_rows`, a split that every seed keeps.
            val_rows: The same.
            test_rows: The same; may be given alone, and is all other rows where only train and val are given.
            name: What a person calls the data.

        Raises:
            DataError: One sentence that says what is wrong, and the remedy.
        """
        features, target = read_features(X, feature_names, image_shape), read_target(y, task, target_names)
        n_rows = len(features.X)
        if len(target.y) != n_rows:
            raise DataError(f"X and y must have the same number of rows, got {n_rows} and {len(target.y)}")
        _check_label_noise(label_noise, target.task)
        data_seed = whole_number("data_seed", data_seed, 0)
        if train_rows is None and val_rows is None:
            labels = None if target.task == "regression" else target.y
            plan = plan_split(n_rows, labels, test_rows, test_size, n_train, n_val, data_seed)
        elif n_train is not None or n_val is not None:
            raise DataError("n_train and n_val must be left out where train_rows and val_rows are given")
        else:
            plan = keep_split(n_rows, train_rows, val_rows, test_rows)
        return cls(
            name=str(name),
            X=features.X,
            y=target.y,
            task=target.task,
            n_classes=target.n_classes,
            feature_names=features.names,
            target_names=target.names,
            image_shape=features.image_shape,
            test_rows=plan.test_rows,
            n_train=plan.n_train,
            n_val=plan.n_val,
            label_noise=float(label_noise),
            fixed=plan.fixed,
        )

    @classmethod
    def without_test(
        cls,
        X: Any,
        y: Any,
        *,
        task: Task,
        n_val: int = 0,
        image_shape: tuple[int, int] | None = None,
        name: str = "your data",
    ) -> Self:
        """Return a data set that sets no row aside for testing: for those who keep the test rows elsewhere.

        Every seed trains on all rows but the `n_val` that it validates on. Without validation rows nothing
        can be chosen by them: their losses are NaN, and early stopping is refused.

        Args:
            X: Rows of numbers [N, f], at least 2.
            y: Whole numbers 0..C-1, each of them at least once, or the values of a regression.
            task: "binary", "multiclass" or "regression".
            n_val: Validation rows of each seed; at least 2 rows are left to train on.
            image_shape: (height, width) where each row of X is a flattened image.
            name: What a person calls the data.

        Raises:
            DataError: One sentence that says what is wrong.
        """
        features = read_features(X, None, image_shape, min_rows=MIN_TRAIN)
        target = read_target(y, "regression")
        n_rows, is_regression = len(features.X), task == "regression"
        n_classes = 1 if is_regression else len(np.unique(target.y))
        if len(target.y) != n_rows:
            raise DataError(f"X and y must have the same number of rows, got {n_rows} and {len(target.y)}")
        if not is_regression and not np.array_equal(np.unique(target.y), np.arange(n_classes)):
            raise DataError(f"y must hold the whole numbers 0 to C - 1, each of them, got {target.y.max():g}")
        n_train = n_rows - whole_number("n_val", n_val, 0)
        if n_train < MIN_TRAIN:
            raise DataError(f"n_val must leave {MIN_TRAIN} rows to train on, got {n_val} of {n_rows} rows")
        return cls(
            name=name,
            X=features.X,
            y=target.y if is_regression else target.y.astype(np.int64),
            task=task,
            n_classes=n_classes,
            feature_names=features.names,
            target_names=("y",) if is_regression else tuple(map(str, range(n_classes))),
            image_shape=features.image_shape,
            test_rows=np.zeros(0, dtype=np.int64),
            n_train=n_train,
            n_val=n_val,
        )

    def __post_init__(self) -> None:
        # The key is computed once and caches rely on it, so the rows must not change under it.
        for array in (self.X, self.y, self.test_rows, *(self.fixed or ())):
            array.flags.writeable = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_rows_of_seed": {}}

    def __repr__(self) -> str:
        kind = self.task if self.task == "regression" else f"{self.task}, {self.n_classes} classes"
        counts = f"{self.n_train} train, {self.n_val} val, {len(self.test_rows)} test"
        return f"Dataset({self.name!r}, {self.n_rows} rows of {self.n_features} features, {kind}; {counts})"

    @property
    def n_rows(self) -> int:
        """Number of rows, the test set included."""
        return len(self.X)

    @property
    def nbytes(self) -> int:
        """Bytes of its rows."""
        return self.X.nbytes + self.y.nbytes

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.X.shape[1])

    @property
    def n_outputs(self) -> int:
        """Width of a network's output layer: one logit for two classes, one a class for more, one value."""
        return self.n_classes if self.task == "multiclass" else 1

    @cached_property
    def key(self) -> str:
        """SHA-256 of everything a result depends on; names of columns and classes are not part of it."""
        digest = hashlib.sha256()
        counts = (self.n_classes, self.n_train, self.n_val)
        settings = (self.task, counts, self.image_shape, float(self.label_noise), self.fixed is not None)
        digest.update(repr(settings).encode())
        for array in (self.X, self.y, self.test_rows, *(self.fixed or ())):
            digest.update(repr((array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def rows(self, seed: int) -> Rows:
        """Return row numbers, targets and scaling of one repetition.

        Args:
            seed: The repetition; the same seed gives the same rows in every process.

        Raises:
            DataError: The seed is no whole number of at least 0.
        """
        rows = self._rows_of_seed.get(seed)
        if rows is None:
            rows = self._draw(whole_number("seed", seed, 0))
            if len(self._rows_of_seed) >= MAX_CACHED_SEEDS:
                self._rows_of_seed.clear()
            self._rows_of_seed[seed] = rows
        return rows

    def split(self, seed: int) -> Split:
        """Return scaled and raw arrays of one repetition, in float64.

        Args:
            seed: The repetition.
        """
        rows = self.rows(seed)
        scaled = [(self.X[part] - rows.shift) / rows.scale for part in (rows.train, rows.val, rows.test)]
        targets = rows.y_train, rows.y_val, rows.y_test
        own_units = [self.y[part] for part in rows[:3]] if self.task == "regression" else targets
        raw = RawSplit(
            self.X[rows.train], own_units[0], self.X[rows.val], own_units[1], self.X[rows.test], own_units[2]
        )
        return Split(scaled[0], targets[0], scaled[1], targets[1], scaled[2], targets[2], raw)

    def _draw(self, seed: int) -> Rows:
        train, val = self._draw_rows(seed) if self.fixed is None else self._fixed_rows(self.fixed, seed)
        shift, scale = self._image_scaling(train) if self.image_shape else _standardization(self.X[train])
        y_train, y_val, y_test = self.y[train], self.y[val], self.y[self.test_rows]
        y_shift, y_scale = 0.0, 1.0
        if self.task == "regression":
            shifts, scales = _standardization(y_train[:, None])
            y_shift, y_scale = float(shifts[0]), float(scales[0])
            y_train, y_val, y_test = ((part - y_shift) / y_scale for part in (y_train, y_val, y_test))
        elif self.label_noise > 0:
            y_train = self._noisy(train, random_stream("label noise of train", seed))
            y_val = self._noisy(val, random_stream("label noise of val", seed))
        for array in (train, val, y_train, y_val, y_test, shift, scale):
            array.flags.writeable = False
        return Rows(train, val, self.test_rows, y_train, y_val, y_test, shift, scale, y_shift, y_scale)

    def _fixed_rows(self, fixed: tuple[Integers, Integers], seed: int) -> tuple[Integers, Integers]:
        train, val = fixed
        if train.ndim == 1:
            return fixed
        if not 0 <= seed < len(train):
            raise DataError(f"seed must be one of the {len(train)} splits, 0 to {len(train) - 1}, got {seed}")
        return train[seed], val[seed]

    def _draw_rows(self, seed: int) -> tuple[Integers, Integers]:
        others = np.setdiff1d(np.arange(self.n_rows, dtype=np.int64), self.test_rows, assume_unique=True)
        labels = None if self.task == "regression" else self.y[others]
        order = others[row_order(labels, len(others), random_stream("train and val rows", seed))]
        return order[: self.n_train], order[len(order) - self.n_val :]

    def _image_scaling(self, rows: Integers) -> tuple[Floats, Floats]:
        """Return shift 0 and, for every pixel, the largest absolute value of all (1 where all are 0)."""
        largest = float(self._largest_of_row[rows].max()) or 1.0
        return np.zeros(self.n_features), np.full(self.n_features, largest)

    @cached_property
    def _largest_of_row(self) -> Floats:
        return np.asarray(np.abs([self.X.max(axis=1), self.X.min(axis=1)]).max(axis=0))

    def _noisy(self, rows: Integers, rng: np.random.Generator) -> Integers:
        return redraw_labels(self.y, rows, self.label_noise, self.n_classes, rng)


def _check_label_noise(label_noise: Any, task: Task) -> None:
    is_number = isinstance(label_noise, float | int | np.number) and not isinstance(label_noise, bool)
    if not (is_number and 0 <= label_noise <= 1):
        raise DataError(f"label_noise must be a fraction from 0 to 1, got {label_noise!r}")
    if label_noise > 0 and task == "regression":
        raise DataError(f"label_noise must be 0 for a regression, which has no labels, got {label_noise!r}")


def _standardization(X: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation (ddof=0) of each column; 1 instead for constant columns."""
    mean, variance = X.mean(axis=0), X.var(axis=0)
    # scikit-learn's rule: a variance that rounding alone explains is that of a constant.
    epsilon = np.finfo(np.float64).eps
    constant = variance <= len(X) * epsilon * variance + (len(X) * mean * epsilon) ** 2
    return mean, np.where(constant, 1.0, np.sqrt(variance))
