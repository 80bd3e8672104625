"""`regcore.leak`: which rows are on which side, and what copies on both sides do to validation."""

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import load_dataset
from regcore.errors import ConfigError
from regcore.execution import train
from regcore.leak import N_COPIES, leak, leak_config, leak_data
from regcore.results import Result
from tests.opened_runs import recording

CONFIG = Config(
    data="digits", n_train=40, n_val=30, label_noise=0.3, shift=1, mixup=0.5, hidden=(16,), epochs=2, seeds=3
)
EACH = 1 + N_COPIES


@pytest.fixture(scope="module")
def data():
    return leak_data(CONFIG, load_dataset(CONFIG))


def families(data, seed, of_seed):
    """Return which original each row of a split comes from, by (train, validation)."""
    n_each = 40 * EACH + 30 + 1
    rows = data.dataset.rows(seed)
    return [set(((part - of_seed * n_each) // EACH).tolist()) for part in (rows.train, rows.val[:10])]


@pytest.mark.parametrize("of_seed", range(3))
def test_split_first_and_no_original_is_on_both_sides(data, of_seed):
    train_side, val_side = families(data, 3 + of_seed, of_seed)
    assert (len(train_side), len(val_side), train_side & val_side) == (30, 10, set())


@pytest.mark.parametrize("of_seed", range(3))
def test_split_last_and_nearly_every_validation_row_has_a_copy_in_train(data, of_seed):
    train_side, val_side = families(data, of_seed, of_seed)
    assert len(val_side - train_side) <= 1


def test_both_ways_have_as_many_rows_and_end_with_those_nobody_has_seen(data):
    source = load_dataset(CONFIG)
    for seed in range(6):
        rows = data.dataset.rows(seed)
        assert (len(rows.train), len(rows.val), data.n_claimed) == (30 * EACH, 40, 10)
        unseen = source.rows(seed % 3)
        np.testing.assert_allclose(data.dataset.X[rows.val[10:]], source.X[unseen.val], atol=1e-12)
        np.testing.assert_array_equal(rows.y_val[10:], unseen.y_val)


def test_validation_of_split_first_is_of_rows_as_they_are(data):
    source = load_dataset(CONFIG)
    rows = data.dataset.rows(4)
    pool = {row.tobytes() for row in source.X[source.rows(1).train]}
    assert {row.tobytes() for row in data.dataset.X[rows.val[:10]]} <= pool
    assert len({row.tobytes() for row in data.dataset.X[rows.train]} & pool) == 30


def test_no_test_row_has_a_part_in_it(data):
    source = load_dataset(CONFIG)
    sealed = {row.tobytes() for row in source.X[source.test_rows]}
    mine = {row.tobytes() for row in source.X[np.concatenate([source.rows(s).train for s in range(3)])]}
    assert not ({row.tobytes() for row in data.dataset.X} & (sealed - mine))


def test_what_is_trained_has_no_augmentation_but_the_copies():
    assert leak_config(CONFIG) == CONFIG.plain().replace(seed=0, seeds=6)
    assert leak_config(CONFIG.replace(seeds=16)).seeds == 10


def test_scores_by_hand(data):
    """Networks that are right on every claimed row and wrong on every other, the first way; all right the
    second."""
    recordings = {}
    for seed in range(6):
        y = data.dataset.rows(seed).y_val
        said = y.copy()
        said[10:] = (said[10:] + (seed < 3)) % 10
        of_seed = recording([{"val_loss": 1.0}])
        outputs = {"val": np.eye(10, dtype=np.float32)[said][None]}
        recordings[seed, 0] = type(of_seed)("", of_seed.history, outputs, np.array([1]))
    found = leak(Result(leak_config(CONFIG).replace(epochs=1), data.dataset, recordings), data)

    assert (found.metric, found.before.claimed.tolist(), found.before.unseen.tolist()) == (
        "error", [0.0] * 3, [1.0] * 3,
    )  # fmt: skip
    assert (found.after.claimed.tolist(), found.after.unseen.tolist()) == ([0.0] * 3, [0.0] * 3)
    assert found.before.flattery.mean == -1.0


def test_copies_on_both_sides_flatter():
    config = CONFIG.replace(n_train=100, n_val=100, hidden=(64,), epochs=60, learning_rate=0.01, seeds=4)
    data = leak_data(config, load_dataset(config))

    found = leak(train(leak_config(config), data.dataset), data)

    assert found.before.flattery.verdict == "better"
    assert found.before.flattery.mean < -0.1
    assert found.after.flattery.mean > found.before.flattery.mean / 2


def test_a_regression_keeps_its_units():
    config = Config(data="diabetes", n_train=20, n_val=10, jitter=0.1, seeds=2)
    source = load_dataset(config)
    data = leak_data(config, source)
    rows = data.dataset.rows(3)
    assert data.dataset.task == "regression"
    np.testing.assert_allclose(data.dataset.y[rows.val[-10:]], source.y[source.rows(1).val], rtol=1e-9)


def test_a_bootstrap_which_has_rows_twice_has_no_part_in_it(data):
    again = leak_data(CONFIG.replace(bootstrap=True), load_dataset(CONFIG))
    np.testing.assert_array_equal(again.dataset.X, data.dataset.X)


def test_mixup_alone_has_no_copies_to_leak():
    with pytest.raises(ConfigError, match="config must augment single rows"):
        leak_data(CONFIG.replace(shift=0), load_dataset(CONFIG))
