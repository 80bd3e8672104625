"""Splits of which it is known whether train and validation have one distribution: made of digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regcore.config import Config
from regcore.data import Dataset, load_dataset
from regcore.data.streams import random_stream

N_ROWS = 400
# Those that can be looked at; the first is where one begins, and there each case is told for what it is.
SHOWN_DRAWS = range(1, 21)
# A small network and few epochs: one that is sure of everything pays most of its loss for a few odd rows.
NETWORK = Config(data="digits", hidden=(32,), epochs=30)

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ROW_ORDER = "Rows in their order"
SAME = "Two random halves"


@dataclass(frozen=True)
class Case:
    """A way to split digits into train and validation rows.

    Attributes:
        name: What it is called, short.
        what: What is done, in a sentence.
        seen_by: Which tests can see it, and which cannot, in a sentence.
        told_by: The tests, as `regcore.shift.Verdict` calls them, each of which tells it by itself, in most
            draws; the bench holds them to that.
        is_same: Whether both halves have one distribution.
    """

    name: str
    what: str
    seen_by: str
    told_by: tuple[str, ...] = ()
    is_same: bool = False


CASES = (
    Case(
        SAME,
        "400 digits to train on and 400 to validate on, drawn at random.",
        "Nothing to see: what one of the tests finds here is a false alarm.",
        is_same=True,
    ),
    Case(
        "Covariate shift",
        "The validation images sit one pixel further to the right, as under another scanner.",
        "Kolmogorov-Smirnov and the classifier see the pixels; the re-split test sees that they are harder. "
        "The labels are as they were.",
        ("resplit", "features", "classifier"),
    ),
    Case(
        "Label shift",
        "Digits 0 to 4 are three times as frequent as 5 to 9 among the validation rows.",
        "Chi-squared sees it best; the classifier may, for there is more of some shapes. The network is as "
        "good as it was on each digit, so the re-split test has little to see.",
        ("labels",),
    ),
    Case(
        "Changed labels",
        "Half of the 3s among the validation rows are called 8.",
        "No pixel has changed, so neither Kolmogorov-Smirnov nor the classifier can see it. The re-split "
        "test sees labels that the train rows do not explain; chi-squared may see that 8s are more frequent.",
        ("resplit",),
    ),
    Case(
        ROW_ORDER,
        "The first half of the file is trained on and the second validated on, as with `shuffle=False`. It "
        "lists writer after writer.",
        "The real one: other hands wrote the second half. The pixels tell, and the re-split test sees that "
        "they are harder to read.",
        ("resplit", "features", "classifier"),
    ),
)  # fmt: skip


def halves(case: Case, draw: int, n_rows: int = N_ROWS) -> Dataset:
    """Return digits split in this way. The test rows are those of the built-in data set.

    Args:
        case: One of `CASES`.
        draw: Which of many such splits.
        n_rows: Rows of each half.
    """
    dataset = load_dataset(NETWORK)
    random = random_stream("halves", draw)
    others = np.setdiff1d(np.arange(dataset.n_rows), dataset.test_rows)
    train, val = _rows(case, others, dataset.y, random, n_rows)
    X, y = dataset.X.copy(), dataset.y.copy()
    change = _CHANGES.get(case.name)
    if change is not None:
        change(X, y, val, random)
    return Dataset.from_arrays(
        X, y, task="multiclass", image_shape=dataset.image_shape, target_names=dataset.target_names,
        train_rows=train, val_rows=val, test_rows=dataset.test_rows, name=f"digits, {case.name.lower()}",
    )  # fmt: skip


def _rows(
    case: Case, others: Integers, y: Integers, random: np.random.Generator, n_rows: int
) -> tuple[Integers, Integers]:
    if case.name == ROW_ORDER:
        first, second = np.array_split(others, 2)
        return random.permutation(first)[:n_rows], random.permutation(second)[:n_rows]
    mixed = random.permutation(others)
    train, rest = mixed[:n_rows], mixed[n_rows:]
    if case.name != "Label shift":
        return train, rest[:n_rows]
    # By count: drawn by weight and without replacement, the frequent ones would run short.
    n_low = 3 * n_rows // 4
    low, high = rest[y[rest] < 5], rest[y[rest] >= 5]
    return train, random.permutation(np.concatenate([low[:n_low], high[: n_rows - n_low]]))


def _move_right(X: Floats, y: Integers, val: Integers, random: np.random.Generator) -> None:
    images = X[val].reshape(-1, 8, 8)
    moved = np.zeros_like(images)
    moved[:, :, 1:] = images[:, :, :-1]
    X[val] = moved.reshape(len(val), -1)


def _call_threes_eights(X: Floats, y: Integers, val: Integers, random: np.random.Generator) -> None:
    threes = val[y[val] == 3]
    y[random.permutation(threes)[: len(threes) // 2]] = 8


_CHANGES: dict[str, Callable[[Floats, Integers, Integers, np.random.Generator], None]] = {
    "Covariate shift": _move_right,
    "Changed labels": _call_threes_eights,
}
