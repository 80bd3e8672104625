"""Where numbers were made: every bit of train and validation counts, and none of the test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regcore.config import Config
from regcore.data import load_dataset
from regcore.provenance import Made, numbers_of, origin, read_made
from regcore.results import HISTORY_COLUMNS, Recording, Result

CONFIG = Config(epochs=2, seeds=2, members=2)
HEX = st.text("0123456789abcdef", min_size=16, max_size=16)


def result(changed=None, config=CONFIG, epochs=2):
    """A run whose numbers are all different, but for one that may be changed in its last bit."""
    histories = np.arange(4.0 * epochs * len(HISTORY_COLUMNS)).reshape(2, 2, epochs, -1)
    if changed is not None:
        seed, member, epoch, column = changed
        at = (seed, member, epoch, HISTORY_COLUMNS.index(column))
        histories[at] = np.nextafter(histories[at], np.inf)
    recordings = {
        (seed, member): Recording("", histories[seed, member]) for seed in (0, 1) for member in (0, 1)
    }
    return Result(config, load_dataset(config), recordings)


@given(HEX, HEX)
def test_what_is_spelled_is_read(engine, numbers):
    assert read_made(str(Made(engine, numbers))) == Made(engine, numbers)


@pytest.mark.parametrize("text", [None, "", "elsewhere", "0" * 33, f"{'0' * 16}-{'g' * 16}", "0" * 5000])
def test_anything_else_is_nothing(text):
    assert read_made(text) is None


def test_equal_numbers_have_equal_digests():
    assert numbers_of(result()) == numbers_of(result())
    assert read_made(f"{'0' * 16}-{numbers_of(result())}") is not None


@pytest.mark.parametrize("changed", [(0, 0, 0, "train_loss"), (1, 1, 1, "val_brier"), (0, 1, 1, "objective")])
def test_one_bit_changes_the_digest(changed):
    assert numbers_of(result(changed)) != numbers_of(result())


@pytest.mark.parametrize("column", ["test_loss", "test_error", "test_brier"])
def test_the_test_is_not_told(column):
    assert numbers_of(result((1, 1, 1, column))) == numbers_of(result())


def test_what_is_trained_beyond_the_configuration_does_not_count():
    alone = CONFIG.replace(members=1)

    assert numbers_of(result((0, 1, 0, "val_loss"), alone)) == numbers_of(result(None, alone))
    assert numbers_of(result(None, alone)) != numbers_of(result())


@pytest.mark.parametrize(
    ("there", "here", "expected"),
    [
        (Made("a", "1"), Made("a", "1"), "here"),
        (Made("a", "1"), Made("b", "1"), "here"),
        (Made("a", "1"), Made("b", "2"), "elsewhere"),
        (Made("a", "1"), Made("a", "2"), "changed"),
    ],
)
def test_origin(there, here, expected):
    assert origin(there, here) == expected
