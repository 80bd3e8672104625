"""A network large enough learns labels that mean nothing, and guesses on others (Zhang et al. 2017)."""

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import load_dataset
from regcore.results import HISTORY_COLUMNS
from tests.theory.training import train

N_CLASSES = 10
CHANCE = (N_CLASSES - 1) / N_CLASSES


CONFIG = Config(
    data="digits", n_train=100, n_val=400, label_noise=1.0, hidden=(128, 128), learning_rate=2e-3,
    batch_size=20, epochs=100, seeds=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def last():
    """Return the last row of history of every seed, by column."""
    history = train(load_dataset(CONFIG), CONFIG, dtype="float32").rows.history
    return dict(zip(HISTORY_COLUMNS, history[:, -1].T, strict=True))


@pytest.mark.parametrize("split", ["train", "val"])
def test_labels_mean_nothing(split):
    dataset = load_dataset(CONFIG)
    wrong = []
    for seed in range(CONFIG.seeds):
        rows = dataset.rows(seed)._asdict()
        wrong.append(np.mean(rows[f"y_{split}"] != dataset.y[rows[split]]))
    assert abs(np.mean(wrong) - CHANCE) < 4 * np.std(wrong, ddof=1) / np.sqrt(len(wrong)) < 0.1


def test_every_random_label_is_memorised(last):
    assert last["train_error"].tolist() == [0.0] * 8
    assert last["train_loss"].max() < 0.1


@pytest.mark.parametrize("split", ["val", "test"])
def test_others_are_guessed(last, split):
    errors = last[f"{split}_error"]
    assert abs(errors.mean() - CHANCE) < 4 * errors.std(ddof=1) / np.sqrt(len(errors)) < 0.1


def test_sure_and_wrong_is_worse_than_not_to_know(last):
    assert last["val_loss"].min() > 1.5 * np.log(N_CLASSES)
