"""`regcore.class_errors`: errors by class of predictions written by hand."""

import numpy as np
import pytest

from regcore.class_errors import class_errors
from regcore.config import Config
from regcore.data import Dataset
from regcore.errors import ConfigError
from regcore.results import HISTORY_COLUMNS, Recording, Result

THREE = Dataset.from_arrays(
    np.arange(30.0).reshape(15, 2),
    [0, 1, 2] * 5,
    target_names=["a", "b", "c"],
    train_rows=range(3),
    val_rows=range(3, 12),
    test_rows=range(12, 15),
)


def saying(*seeds, dataset=THREE, first=0):
    recordings = {}
    for seed, labels in enumerate(seeds, first):
        outputs = np.eye(3, dtype=np.float32)[np.array(labels)][None]
        recordings[seed, 0] = Recording(
            "", np.zeros((1, len(HISTORY_COLUMNS))), {"val": outputs}, np.array([1])
        )
    return Result(Config(seeds=len(seeds), seed=first, epochs=1), dataset, recordings)


RIGHT = [0, 1, 2] * 3


def test_errors_differences_and_what_a_class_is_taken_for():
    # Class c: a third wrong on seed 0, all wrong on seed 1, and taken for a twice, for b twice.
    treated = saying([0, 1, 2, 0, 1, 2, 0, 1, 0], [0, 1, 0, 0, 1, 0, 0, 1, 1])

    a, b, c = class_errors(saying(RIGHT, RIGHT), treated)

    assert [each.name for each in (a, b, c)] == ["a", "b", "c"]
    assert (a.treated.mean, a.taken_for, a.share, a.difference.ties) == (0.0, None, 0.0, 2)
    assert c.baseline.mean == 0.0
    assert c.treated.mean == pytest.approx((1 / 3 + 1) / 2)
    assert (c.taken_for, c.share) == ("a", pytest.approx((1 / 3 + 2 / 3) / 2))
    assert c.difference.wins == 0
    assert b.difference.mean == 0.0


def test_other_seeds_are_refused():
    with pytest.raises(ConfigError, match=r"seeds must be the same, got \(0,\) and \(1,\)"):
        class_errors(saying(RIGHT), saying(RIGHT, first=1))


def test_numbers_have_no_classes():
    numbers = Dataset.from_arrays(np.arange(30.0).reshape(15, 2), np.arange(15) / 7, n_train=5, n_val=4)
    result = Result(Config(), numbers, {})
    with pytest.raises(ConfigError, match="the task must be of classes"):
        class_errors(result, result)
