"""Two runs held against each other: only seeds that asked both about the same rows are paired."""

import math

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import Dataset, load_dataset
from regcore.pairing import FieldChange, MetricPair, Scores, changed_fields, pair, scores_of
from regcore.results import HISTORY_COLUMNS, Recording, Result
from regcore.statistics import paired_difference


def scores(by_seed, rows=None, task="binary"):
    return Scores(task, {"error": by_seed}, rows or dict.fromkeys(by_seed, "rows"))


def result(config, val_error, dataset=None):
    """A run of one epoch, with this validation error for each seed."""
    recordings = {}
    for seed, error in zip(range(config.seed, config.seed + config.seeds), val_error, strict=True):
        history = np.zeros((config.epochs, len(HISTORY_COLUMNS)))
        history[:, HISTORY_COLUMNS.index("val_error")] = error
        recordings[seed, 0] = Recording("", history)
    return Result(config, dataset or load_dataset(config), recordings)


def test_a_metric_is_paired_over_shared_seeds_and_its_means_are_over_all():
    before, after = scores({0: 0.2, 1: 0.3, 2: 0.4}), scores({1: 0.2, 2: 0.1, 3: 0.6})

    assert pair(before, after) == (
        MetricPair("error", 0.3, pytest.approx(0.3), paired_difference([0.2, 0.1], [0.3, 0.4])),
    )


def test_seeds_that_asked_about_other_rows_are_not_paired():
    before = scores({0: 0.2, 1: 0.3}, {0: "a", 1: "b"})
    after = scores({0: 0.1, 1: 0.1}, {0: "a", 1: "c"})

    (found,) = pair(before, after)

    assert found.difference == paired_difference([0.1], [0.2])


def test_without_a_shared_seed_there_is_no_difference():
    (found,) = pair(scores({0: 0.2}), scores({1: 0.1}))

    assert found == MetricPair("error", 0.2, 0.1, None)


def test_runs_of_different_tasks_have_no_metric_of_one_kind():
    assert pair(scores({0: 0.2}), scores({0: 0.2}, task="multiclass")) == ()


def test_scores_are_those_of_validation():
    found = scores_of(result(Config(data="iris", n_val=10, epochs=1, seeds=2, seed=3), [0.25, 0.5]))

    assert found.task == "multiclass"
    # Errors are fractions of ten rows.
    assert found.by_seed["error"] == {3: 0.2, 4: 0.5}
    assert list(found.by_seed) == ["loss", "error", "brier"]


@pytest.mark.parametrize(
    ("changes", "is_shared"),
    [
        ({"l2": 0.1}, True),
        ({"hidden": (3,), "epochs": 2}, True),
        ({"n_train": 20}, True),
        ({"n_val": 30}, False),
        ({"label_noise": 0.5}, False),
        ({"data_seed": 1}, False),
        ({"data": "wine"}, False),
    ],
)
def test_rows_are_shared_where_validation_is_the_same(changes, is_shared):
    config = Config(data="iris", n_train=40, n_val=25, epochs=1, seeds=2)
    other = config.replace(**changes)

    one = scores_of(result(config, [0.0, 0.0]))
    two = scores_of(result(other, [0.0, 0.0]))

    assert (one.rows == two.rows) == is_shared


def test_targets_of_a_regression_in_other_units_are_other_rows():
    # Standardized by the train rows, the loss of other train rows is in other units.
    X, y = np.arange(40.0)[:, None], np.arange(40.0) ** 2
    config = Config(epochs=1, seeds=1)
    few, many = (
        Dataset.from_arrays(X, y, task="regression", n_train=n_train, n_val=8) for n_train in (10, 20)
    )

    assert scores_of(result(config, [1.0], few)).rows != scores_of(result(config, [1.0], many)).rows


def test_a_diverged_seed_gives_no_mean_and_no_verdict():
    (found,) = pair(scores({0: 0.2, 1: 0.3}), scores({0: 0.2, 1: math.nan}))

    assert math.isnan(found.treatment)
    assert found.difference is not None
    assert found.difference.verdict == "no verdict: 1 of 2 seeds diverged"


def test_changed_fields_have_both_values_in_field_order():
    assert changed_fields(Config(l2=0.1, seeds=2), Config(hidden=(3,), seeds=2)) == (
        FieldChange("hidden", (64, 64), (3,)),
        FieldChange("l2", 0.1, 0.0),
    )
