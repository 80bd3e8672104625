"""What reaches a network: its rows, scaled by its own train rows alone, to the precision of float32."""

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import Dataset
from regcore.engine.advance import advance, start, total_steps
from regcore.engine.replicate import replicates_of
from regcore.engine.shard import Shard
from regcore.results import HISTORY_COLUMNS

N_TRAIN, N_ROWS = 40, 60


def train_losses(X, y):
    """Return the train loss after every epoch, where the last 20 rows are for validation and testing."""
    dataset = Dataset.from_arrays(X, y, train_rows=range(N_TRAIN), val_rows=range(N_TRAIN, N_TRAIN + 10))
    config = Config(hidden=(8,), epochs=10, seeds=1)
    shard = Shard(tuple(replicates_of(config, dataset).values()))
    _, rows = advance(shard, start(shard, dataset), total_steps(shard, dataset), dataset)
    return rows.history[0, :, HISTORY_COLUMNS.index("train_loss")]


@pytest.mark.parametrize("outlier", [999_999.0, -1e9, 1e15])
def test_a_huge_value_among_other_rows_leaves_training_as_it_was(outlier):
    random = np.random.default_rng(0)
    X = random.normal(size=(N_ROWS, 3))
    y = (X[:, 0] + X[:, 1] > 0).astype(int)
    expected = train_losses(X, y)
    X[-1, 0] = outlier
    np.testing.assert_allclose(train_losses(X, y), expected, rtol=1e-5)
