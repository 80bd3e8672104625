"""`regcore.memorisation`: wrong labels that networks say, counted by hand."""

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import Dataset
from regcore.errors import ConfigError
from regcore.execution import train
from regcore.memorisation import memorisation
from regcore.results import HISTORY_COLUMNS, Recording, Result

NOISY = Dataset.from_arrays(
    np.arange(240.0).reshape(80, 3), np.arange(80) % 4, n_train=40, n_val=10, label_noise=0.5
)


def result_saying(said, dataset=NOISY):
    """Return a result of two seeds that after epochs 1 and 2 says these labels of the train rows."""
    recordings = {}
    for seed in range(2):
        outputs = np.stack([np.eye(4, dtype=np.float32)[labels] for labels in said(dataset.rows(seed))])
        history = np.zeros((2, len(HISTORY_COLUMNS)))
        recordings[seed, 0] = Recording("", history, {"train": outputs}, np.array([1, 2]))
    return Result(Config(seeds=2, epochs=2, label_noise=0.5), dataset, recordings)


def test_true_labels_first_and_wrong_ones_last():
    found = memorisation(result_saying(lambda rows: [NOISY.y[rows.train], rows.y_train]))

    assert found.epochs == (1, 2)
    assert found.learnt.tolist() == [[0.0, 0.0], [1.0, 1.0]]
    assert found.true.tolist() == [[1.0, 1.0], [0.0, 0.0]]
    wrong = [int(np.sum(NOISY.y[NOISY.rows(s).train] != NOISY.rows(s).y_train)) for s in range(2)]
    assert list(found.n_wrong) == wrong
    assert min(wrong) > 5


def test_a_part_of_the_wrong_labels():
    def said(rows):
        labels = rows.y_train.copy()
        wrong = np.flatnonzero(labels != NOISY.y[rows.train])
        labels[wrong[0]] = NOISY.y[rows.train][wrong[0]]
        return [labels, labels]

    found = memorisation(result_saying(said))
    n = found.n_wrong
    assert found.learnt[0] == pytest.approx([1 - 1 / n[0], 1 - 1 / n[1]])
    assert found.true[0] == pytest.approx([1 / n[0], 1 / n[1]])


def test_a_network_that_diverged_has_learnt_nothing_that_can_be_told():
    result = result_saying(lambda rows: [rows.y_train, rows.y_train])
    result.recordings[0, 0].outputs["train"][1, 0, 0] = np.nan
    assert np.isnan(memorisation(result).learnt).tolist() == [[False, False], [True, False]]


def test_right_labels_are_refused():
    clean = Dataset.from_arrays(np.arange(80.0).reshape(40, 2), np.arange(40) % 2, n_train=20, n_val=10)
    with pytest.raises(ConfigError, match="result must be of classes with label noise"):
        memorisation(Result(Config(), clean, {}))


def test_a_network_without_regularizers_learns_wrong_labels_and_then_its_train_error_is_nothing():
    result = train(Config(data="digits", n_train=60, n_val=20, label_noise=0.5, epochs=120, seeds=2))
    found = memorisation(result)
    assert (found.learnt[-1] > 0.95).all()
    assert found.learnt[0].mean() < 0.5
