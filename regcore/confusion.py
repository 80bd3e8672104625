"""Which classes are taken for which, and the rows that a network gets most wrong."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import scoring
from regcore.data import Dataset
from regcore.errors import ConfigError
from regcore.results import Result

Floats = npt.NDArray[np.float64]
Labels = Literal["given", "true"]


class Confusion(NamedTuple):
    """How often rows of one class were predicted as another.

    Attributes:
        labels: Whether rows are of a class by the label they were given or by the true one.
        names: Of the classes.
        counts: counts[label][predicted]: rows, the mean over seeds.
        n_rows: Rows of each seed.
        n_seeds: Seeds; those of which a network diverged, or has no epoch yet, are left out.
    """

    labels: Labels
    names: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]
    n_rows: int
    n_seeds: int


class WorstRow(NamedTuple):
    """A row that a seed's networks got wrong, or were unsure of.

    Attributes:
        row: Row number in `Dataset.X`.
        given: The label it was given; with noisy labels it may be wrong.
        true: Its true label.
        predicted: The most probable class.
        probability: Of that class.
        probability_of_given: Of the given label.
        loss: -log of that, in nats.
    """

    row: int
    given: int
    true: int
    predicted: int
    probability: float
    probability_of_given: float
    loss: float


def confusion_matrix(
    result: Result, split: Literal["train", "val"] = "val", labels: Labels = "given"
) -> Confusion:
    """Return how often rows of one class are predicted as another, members averaged, each as restored.

    Args:
        result: What was measured, of a task with classes.
        split: "train" or "val".
        labels: "given": what metrics are held against; "true": without the noise of labels, which nobody
            would know of data of their own.

    Raises:
        ConfigError: if the task is regression, or there is no such split or kind of labels.
        RegcoreError: if outputs were not recorded, and the result has no `recall`.
    """
    _check(result.dataset)
    if labels not in ("given", "true"):
        raise ConfigError(f"labels must be 'given' or 'true', got {labels!r}")
    n_classes = result.dataset.n_classes
    n_rows = result.dataset.n_train if split == "train" else result.dataset.n_val
    seeds = list(filter(partial(_is_there, result), result.seeds))
    by_seed = []
    for seed, log_p in zip(seeds, _log_probabilities_of_seeds(result, seeds, split), strict=True):
        if not np.isnan(log_p).any():
            given, true = _labels(result.dataset, seed, split)
            pairs = (given if labels == "given" else true) * n_classes + log_p.argmax(axis=1)
            by_seed.append(np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes))
    mean = np.mean(by_seed, axis=0) if by_seed else np.zeros((n_classes, n_classes))
    counts = tuple(map(tuple, mean.tolist()))
    return Confusion(labels, result.dataset.target_names, counts, n_rows, len(by_seed))


def worst_rows(
    result: Result, seed: int, n: int = 12, split: Literal["train", "val"] = "val"
) -> tuple[WorstRow, ...]:
    """Return the rows of one seed with the largest loss, the largest first, members averaged as restored.

    Args:
        result: What was measured, of a task with classes.
        seed: Value of the seed column.
        n: How many rows, at most.
        split: "train" or "val".

    Raises:
        ConfigError: if the task is regression, or there is no such seed or split.
        RegcoreError: if outputs were not recorded, and the result has no `recall`.
    """
    _check(result.dataset)
    log_p = _log_probabilities(result, seed, split)
    given, true = _labels(result.dataset, seed, split)
    rows = result.dataset.rows(seed)
    numbers = rows.train if split == "train" else rows.val
    loss = -log_p[np.arange(len(given)), given]
    # The losses of a network that diverged are NaN, and none is the worst.
    order = np.argsort(-loss, kind="stable")[:n]
    predicted = log_p.argmax(axis=1)
    return tuple(
        WorstRow(
            row=int(numbers[at]),
            given=int(given[at]),
            true=int(true[at]),
            predicted=int(predicted[at]),
            probability=float(np.exp(log_p[at, predicted[at]])),
            probability_of_given=float(np.exp(log_p[at, given[at]])),
            loss=float(loss[at]) + 0.0,
        )
        for at in order[~np.isnan(loss[order])]
    )


def _check(dataset: Dataset) -> None:
    if dataset.task == "regression":
        raise ConfigError("the task must have classes, got regression")


def _is_there(result: Result, seed: int) -> bool:
    return all(
        (seed, member) in result.recordings and result.recordings[seed, member].n_epochs
        for member in range(result.config.members)
    )


def _log_probabilities(result: Result, seed: int, split: Literal["train", "val"]) -> Floats:
    return _log_probabilities_of_seeds(result, [seed], split)[0]


def _log_probabilities_of_seeds(
    result: Result, seeds: Sequence[int], split: Literal["train", "val"]
) -> Sequence[Floats]:
    """Return log p [rows, classes] of each seed, members averaged."""
    if not seeds:
        return ()
    of_seeds = [
        [result.outputs(seed, member, split=split) for member in range(result.config.members)]
        for seed in seeds
    ]
    # Rows of all seeds at once: there are few of each, and numpy takes its time for every array.
    members = [np.concatenate(of_member) for of_member in zip(*of_seeds, strict=True)]
    task = result.dataset.task
    log_p = scoring.log_probabilities(scoring.mean_prediction(members, task), task)
    return np.split(log_p, np.cumsum([len(of_seed[0]) for of_seed in of_seeds])[:-1])


def _labels(
    dataset: Dataset, seed: int, split: Literal["train", "val"]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the labels given, and the true ones."""
    rows = dataset.rows(seed)
    numbers, given = (rows.train, rows.y_train) if split == "train" else (rows.val, rows.y_val)
    return given.astype(np.int64), dataset.y[numbers].astype(np.int64)
