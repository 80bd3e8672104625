"""Data that are kept: bounded in number and in bytes, by the settings where nothing else is said."""

import pytest

from regcore.config import Config
from regcore.data import builtin
from regcore.data.kept import Kept


def kept(max_bytes=10**9, max_kept=4):
    return Kept(lambda text: len(text), max_bytes, max_kept)


def test_what_was_asked_for_longest_ago_goes_first():
    few = kept(max_kept=2)
    for key in "ab":
        few.put(key, key)
    assert few.get("a") == "a"
    few.put("c", "c")

    assert [few.get(key) for key in "abc"] == ["a", None, "c"]


def test_bytes_are_bounded_and_the_newest_is_always_kept():
    few = kept(max_bytes=10)
    few.put("a", 6 * "a")
    few.put("b", 4 * "b")
    assert few.get("a") and few.get("b")
    few.put("c", 100 * "c")

    assert [few.get(key) for key in "abc"] == [None, None, 100 * "c"]


def test_what_is_there_is_not_made_again_nor_replaced():
    few, made = kept(), []
    first = few.once("key", lambda: made.append(1) or "first")

    assert few.once("key", lambda: made.append(2) or "second") is first is few.put("key", "third")
    assert made == [1]

    few.clear()
    assert few.get("key") is None


@pytest.fixture
def no_data(monkeypatch):
    """Give an empty place for data sets, as a server has that has just been started."""
    for name in ("_datasets", "_tables"):
        before = getattr(builtin, name)
        monkeypatch.setattr(builtin, name, Kept(before._size_of))


@pytest.mark.parametrize(("limit", "n_kept"), [("1GiB", 4), ("1MiB", 1)])
def test_built_in_sets_are_bounded_by_the_settings(no_data, monkeypatch, limit, n_kept):
    monkeypatch.setenv("REGCORE_DATA_BYTES", limit)
    # Of 1,797 pictures of 64 numbers, the better part of a mebibyte.
    for seed in range(6):
        builtin.load_dataset(Config(data="digits", data_seed=seed))

    tables, datasets = (list(kept._values.values()) for kept in (builtin._tables, builtin._datasets))
    assert len(tables) == len(datasets) == n_kept
    assert all(dataset.X is table.X for dataset, table in zip(datasets, tables, strict=True))


def test_a_table_is_shared_by_sets_that_differ_in_their_labels_alone(no_data):
    clean, noisy = (builtin.load_dataset(Config(data="digits", label_noise=noise)) for noise in (0, 0.3))

    assert clean is not noisy
    assert clean.X is noisy.X
