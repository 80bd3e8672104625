"""Two runs held against each other on validation, seed by seed, where both were judged on the same rows."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from regcore import scoring, statistics

if TYPE_CHECKING:
    from regcore.config import Config
    from regcore.data import Dataset, Task
    from regcore.results import Result
    from regcore.statistics import PairedDifference


class Scores(NamedTuple):
    """What validation said of a run, and a digest of the rows that it was asked on.

    Attributes:
        task: "binary", "multiclass" or "regression".
        by_seed: Metric -> seed -> value. Nothing of the test is among them.
        rows: Seed -> digest of its validation rows and their targets, noisy labels as they are.
    """

    task: Task
    by_seed: Mapping[str, Mapping[int, float]]
    rows: Mapping[int, str]


class MetricPair(NamedTuple):
    """One metric of two runs.

    Attributes:
        metric: Its name.
        baseline: Mean of the first run over its own seeds.
        treatment: Mean of the second run over its own seeds.
        difference: Treatment minus baseline over the seeds that they share; None: there is none.
    """

    metric: str
    baseline: float
    treatment: float
    difference: PairedDifference | None


class FieldChange(NamedTuple):
    """A field of `Config` in which two runs differ."""

    field: str
    baseline: Any
    treatment: Any


def scores_of(result: Result) -> Scores:
    """Return the validation metrics of a run with what is needed to pair them with those of another."""
    scored = result.val_scores()
    by_seed = {
        name: {seed: values[name] for seed, values in scored.items()}
        for name in scoring.metric_names(result.dataset.task)
    }
    return Scores(result.dataset.task, by_seed, _digests(result.dataset, list(scored)))


def changed_fields(baseline: Config, treatment: Config) -> tuple[FieldChange, ...]:
    """Return the fields in which two configurations differ, in field order."""
    return tuple(
        FieldChange(name, getattr(baseline, name), value)
        for name, value in treatment.changes(baseline).items()
    )


def pair(
    baseline: Scores, treatment: Scores, metrics: Collection[str] | None = None
) -> tuple[MetricPair, ...]:
    """Return each metric that both runs have, with its paired difference over the seeds that they share.

    A seed is shared if it asked both runs about the same validation rows with the same targets: otherwise a
    difference would be that of the rows as well.

    Args:
        baseline: The first run.
        treatment: The second one.
        metrics: Of which metrics alone; None: of all.
    """
    shared = [seed for seed, rows in treatment.rows.items() if baseline.rows.get(seed) == rows]
    return tuple(
        _pair(metric, baseline.by_seed[metric], treatment.by_seed[metric], shared)
        for metric in treatment.by_seed
        if (metrics is None or metric in metrics)
        and metric in baseline.by_seed
        and baseline.task == treatment.task
    )


def _pair(
    metric: str, baseline: Mapping[int, float], treatment: Mapping[int, float], shared: list[int]
) -> MetricPair:
    means = [statistics.mean_interval(list(values.values())).mean for values in (baseline, treatment)]
    difference = None
    if shared:
        difference = statistics.paired_difference(
            [treatment[seed] for seed in shared], [baseline[seed] for seed in shared]
        )
    return MetricPair(metric, means[0], means[1], difference)


def _digests(dataset: Dataset, seeds: list[int]) -> dict[int, str]:
    # The sum of a row stands for it: rows of large images would take seconds.
    sums = dataset.X.sum(axis=1)
    digests = {}
    for seed in seeds:
        rows = dataset.rows(seed)
        digest = hashlib.sha256(repr((dataset.task, dataset.n_features)).encode())
        for array in (sums[rows.val], rows.y_val):
            digest.update(np.ascontiguousarray(array).data)
        digests[seed] = digest.hexdigest()[:16]
    return digests
