"""What the test says once it is opened, and by how much the validation score had flattered.

Whoever tries several runs and keeps the one that validates best keeps some luck as well: its validation score
is too good on average, the more so the more was tried (Cawley and Talbot, On over-fitting in model selection,
JMLR 11, 2010). The test rows had no part in the choice, so their score has no such luck in it. The difference
of the two is what validation had flattered by.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import NamedTuple

from regcore import scoring
from regcore.config import STOPPING_FIELDS, Config, field_help
from regcore.data import Dataset
from regcore.errors import ConfigError
from regcore.results import Comparison, Result
from regcore.statistics import BETTER, WORSE, PairedDifference, mean_interval, paired_difference

FLATTERED = "validation flattered"
HARSH = "validation was too harsh"
NOT_ALIKE = "labels are not alike"

_VERDICTS = {WORSE: FLATTERED, BETTER: HARSH}


class Flattery(NamedTuple):
    """One metric of one run on validation and on test rows; means over seeds, lower is better.

    Attributes:
        metric: Its name.
        val: On the validation rows.
        test: On the test rows.
        test_alike: On the test rows if as many of their labels were redrawn as of validation's; `test` where
            none are; NaN where that cannot be told.
        difference: `test_alike` minus `val`, paired by seed: above 0, validation had flattered. None where
            the two cannot be held against each other.
        verdict: "validation flattered", "validation was too harsh" or "within seed noise"; or a sentence that
            says why there is no verdict, as in `PairedDifference`.
    """

    metric: str
    val: float
    test: float
    test_alike: float
    difference: PairedDifference | None
    verdict: str


class OpenedRun(NamedTuple):
    """What the test says of one run.

    Attributes:
        name: Of the run.
        data: Name of the data set.
        config: Its configuration.
        key: Equal for equal configurations on equal data, and for no others.
        trainings_key: Equal as well where patience and its like alone differ: they are read off the same
            trainings.
        test_rows_key: Equal where the test rows are the same.
        n_test: How many test rows there are.
        label_noise: Part of the validation labels that was redrawn; the test's are clean.
        guessing_error: Error of any prediction on labels that were redrawn; NaN for a regression.
        flattery: One for each metric of the task.
    """

    name: str
    data: str
    config: Config
    key: str
    trainings_key: str
    test_rows_key: str
    n_test: int
    label_noise: float
    guessing_error: float
    flattery: tuple[Flattery, ...]

    def of(self, metric: str) -> Flattery:
        """Return what the test says in one metric of the task."""
        return next(each for each in self.flattery if each.metric == metric)


class Opening(NamedTuple):
    """What was seen when the test was opened.

    Attributes:
        runs: The runs that were opened, the baseline first.
        difference: Of the last run minus the first on the test rows, in the metric that matters; None where
            there is only one.
    """

    runs: tuple[OpenedRun, ...]
    difference: PairedDifference | None


def open_test(results: Mapping[str, Result]) -> Opening:
    """Return what the test says of these runs.

    Args:
        results: Name -> result, the baseline first; all of them trained to the end.

    Raises:
        ConfigError: if there is none, one is not complete, or they cannot be compared.
        RegcoreError: as `Result.metrics` does.
    """
    Comparison(results)  # refuses results of other seeds or tasks, and none at all
    for name, result in results.items():
        if not result.is_complete:
            raise ConfigError(
                f"results must be trained to the end before their test is opened, got {result!r} for {name!r}"
            )
    runs = tuple(_open(name, result) for name, result in results.items())
    return Opening(runs, _difference(results) if len(runs) > 1 else None)


def run_key(result: Result) -> str:
    """Return a key that equal configurations on equal data share: what was opened, or was not."""
    return _digest(result.dataset.key, result.config.key())


def error_under_noise(error: float, label_noise: float, n_classes: int) -> float:
    """Return the error to be expected of the same predictions if labels of these rows were redrawn.

    A label that is redrawn uniformly over C classes has nothing to do with the prediction, which then is
    wrong with probability (C - 1) / C: (1 - label_noise) * error + label_noise * (C - 1) / C.

    Args:
        error: Fraction of rows whose clean label was missed.
        label_noise: Fraction of labels redrawn, 0 to 1.
        n_classes: Number of classes.
    """
    return (1 - label_noise) * error + label_noise * (n_classes - 1) / n_classes


def _open(name: str, result: Result) -> OpenedRun:
    off = {field: field_help(field).default for field in STOPPING_FIELDS}
    data = result.dataset
    return OpenedRun(
        name=name,
        data=data.name,
        config=result.config,
        key=run_key(result),
        trainings_key=_digest(data.key, result.config.replace(**off).key()),
        test_rows_key=_test_rows_key(data),
        n_test=len(data.test_rows),
        label_noise=_redrawn(data),
        guessing_error=math.nan if data.task == "regression" else error_under_noise(0.0, 1.0, data.n_classes),
        flattery=tuple(_flattery(result, metric) for metric in scoring.metric_names(data.task)),
    )


def _flattery(result: Result, metric: str) -> Flattery:
    val, test = (result.metrics(split)[metric].tolist() for split in ("val", "test"))
    means = mean_interval(val).mean, mean_interval(test).mean
    noise = _redrawn(result.dataset)
    if noise and metric != "error":
        return Flattery(metric, *means, math.nan, None, NOT_ALIKE)
    alike = [error_under_noise(error, noise, result.dataset.n_classes) for error in test] if noise else test
    difference = paired_difference(alike, val)
    verdict = _VERDICTS.get(difference.verdict, difference.verdict)
    return Flattery(metric, *means, mean_interval(alike).mean, difference, verdict)


def _difference(results: Mapping[str, Result]) -> PairedDifference:
    first, *_, last = results.values()
    _, metric, _ = scoring.metric_names(first.dataset.task)
    return paired_difference(last.metrics("test")[metric], first.metrics("test")[metric])


def _redrawn(data: Dataset) -> float:
    """Return the part of the validation labels that was redrawn, which is of whole rows."""
    return round(data.label_noise * data.n_val) / data.n_val


def _test_rows_key(data: Dataset) -> str:
    X, y = data.X[data.test_rows], data.y[data.test_rows]
    return _digest(*(f"{array.shape}{array.dtype}" for array in (X, y)), X.tobytes(), y.tobytes())


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()
