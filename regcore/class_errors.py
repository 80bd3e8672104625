"""Which classes a technique hurts: the error of each class, with and without it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import scoring, statistics
from regcore.errors import ConfigError
from regcore.results import Result
from regcore.statistics import MeanInterval, PairedDifference

Floats = npt.NDArray[np.float64]


class ClassErrors(NamedTuple):
    """The error on the validation rows of one class, by its given label.

    Attributes:
        name: Of the class.
        baseline: Mean over seeds.
        treated: The same, with the technique.
        difference: Treated minus baseline, paired by seed.
        taken_for: The class that treated networks most often take its rows for, when they are wrong; None if
            they never are.
        share: The part of its rows that they take for that class, mean over seeds.
    """

    name: str
    baseline: MeanInterval
    treated: MeanInterval
    difference: PairedDifference
    taken_for: str | None
    share: float


def class_errors(baseline: Result, treated: Result) -> tuple[ClassErrors, ...]:
    """Return the error of each class in both results, members averaged, each as restored.

    Args:
        baseline: Without the technique, complete.
        treated: With it, of the same seeds and data.

    Raises:
        ConfigError: the task is regression, or seeds differ.
    """
    if baseline.dataset.task == "regression":
        raise ConfigError("the task must be of classes, got 'regression'")
    names = baseline.dataset.target_names
    if baseline.seeds != treated.seeds:
        raise ConfigError(f"seeds must be the same, got {baseline.seeds} and {treated.seeds}")
    before, after = _rates(baseline), _rates(treated)
    return tuple(_of_class(label, names, before, after) for label in range(len(names)))


def _of_class(label: int, names: tuple[str, ...], before: Floats, after: Floats) -> ClassErrors:
    wrong = [1 - rates[:, label, label] for rates in (before, after)]
    taken = after[:, label].mean(axis=0)
    taken[label] = 0.0
    worst = int(np.nanargmax(taken)) if np.isfinite(taken).any() else label
    return ClassErrors(
        name=names[label],
        baseline=statistics.mean_interval(wrong[0]),
        treated=statistics.mean_interval(wrong[1]),
        difference=statistics.paired_difference(wrong[1], wrong[0]),
        taken_for=names[worst] if taken[worst] > 0 else None,
        share=float(taken[worst]),
    )


def _rates(result: Result) -> Floats:
    """Return which part of each class's rows is predicted as each class, [seeds, class, predicted]."""
    dataset = result.dataset
    found = np.full((len(result.seeds), dataset.n_classes, dataset.n_classes), np.nan)
    for at, seed in enumerate(result.seeds):
        outputs = [result.outputs(seed, member) for member in range(result.config.members)]
        log_p = scoring.log_probabilities(scoring.mean_prediction(outputs, dataset.task), dataset.task)
        y = dataset.rows(seed).y_val
        for label in np.unique(y):
            predicted = log_p[y == label].argmax(axis=1)
            if not np.isnan(log_p).any():
                found[at, label] = np.bincount(predicted, minlength=dataset.n_classes) / len(predicted)
    return found
