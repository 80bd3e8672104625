"""Draws by class, label noise and named random streams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regcore.data.sampling import redraw_labels, row_order, stratified_order
from regcore.data.streams import random_stream

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(
    lambda labels: np.array(labels, dtype=np.int64)
)
SEEDS = st.integers(0, 2**31 - 1)


def test_a_stream_is_fixed_by_its_purpose_and_numbers():
    assert random_stream("rows", 3).random() == random_stream("rows", 3).random()


@pytest.mark.parametrize("other", [("labels", 3), ("rows", 4), ("rows", 3, 0), ("rows",)])
def test_streams_of_other_purposes_and_numbers_differ(other):
    assert random_stream("rows", 3).random() != random_stream(*other).random()


def test_a_stream_is_the_same_in_every_release():
    # A change here changes every result that was ever shared.
    assert random_stream("test rows", 0).integers(1000, size=3).tolist() == [718, 759, 32]


@given(LABELS, SEEDS)
def test_an_order_holds_each_row_once(labels, seed):
    order = stratified_order(labels, np.random.default_rng(seed))
    assert sorted(order.tolist()) == list(range(len(labels)))


@given(LABELS, SEEDS, st.data())
def test_every_beginning_and_end_is_stratified(labels, seed, data):
    n = data.draw(st.integers(1, len(labels)))
    order = stratified_order(labels, np.random.default_rng(seed))
    n_classes = len(np.unique(labels))
    for part in (order[:n], order[len(order) - n :]):
        for label in np.unique(labels):
            share = n * np.mean(labels == label)
            assert abs(np.sum(labels[part] == label) - share) < 1 + n_classes / 2


@given(LABELS, SEEDS)
def test_the_beginning_holds_every_class(labels, seed):
    order = stratified_order(labels, np.random.default_rng(seed))
    n_classes = len(np.unique(labels))
    assert len(np.unique(labels[order[:n_classes]])) == n_classes


def test_equal_classes_are_drawn_equally():
    labels = np.repeat(np.arange(4), 25)
    order = stratified_order(labels, np.random.default_rng(0))
    assert np.bincount(labels[order[:40]]).tolist() == [10, 10, 10, 10]
    assert np.bincount(labels[order[-20:]]).tolist() == [5, 5, 5, 5]


def test_unequal_classes_are_drawn_in_proportion():
    labels = np.repeat([0, 1], [900, 100])
    order = stratified_order(labels, np.random.default_rng(0))
    assert np.bincount(labels[order[:200]]).tolist() == [180, 20]


def test_a_row_left_over_goes_to_any_class():
    labels = np.repeat([0, 1], 50)
    extra = [labels[stratified_order(labels, np.random.default_rng(seed))[:11]].sum() for seed in range(40)]
    assert set(extra) == {5, 6}


def test_every_row_of_a_class_can_come_first():
    labels = np.zeros(6, dtype=np.int64)
    first = {int(stratified_order(labels, np.random.default_rng(seed))[0]) for seed in range(60)}
    assert first == set(range(6))


def test_rows_without_classes_are_permuted():
    order = row_order(None, 50, np.random.default_rng(0))
    assert sorted(order.tolist()) == list(range(50)) and order.tolist() != list(range(50))


@given(st.floats(0, 1), SEEDS)
def test_at_most_the_stated_number_of_labels_changes(fraction, seed):
    labels = np.zeros(40, dtype=np.int64)
    noisy = redraw_labels(labels, np.arange(40), fraction, 1000, np.random.default_rng(seed))
    # Of 1,000 classes hardly any draw is the right one by chance, but one may be.
    assert round(fraction * 40) - 2 <= np.sum(noisy != labels) <= round(fraction * 40)


def test_redrawn_labels_are_uniform_over_all_classes():
    labels = np.zeros(40_000, dtype=np.int64)
    noisy = redraw_labels(labels, np.arange(40_000), 1.0, 4, np.random.default_rng(0))
    assert np.bincount(noisy) / 40_000 == pytest.approx([0.25] * 4, abs=0.01)


def test_more_label_noise_changes_the_same_rows_and_more():
    labels, rows = np.zeros(200, dtype=np.int64), np.arange(50, 150)
    some = redraw_labels(labels, rows, 0.2, 10, np.random.default_rng(5))
    more = redraw_labels(labels, rows, 0.6, 10, np.random.default_rng(5))
    assert np.all(more[some != 0] == some[some != 0])


def test_no_label_noise_changes_nothing():
    labels = np.arange(30) % 3
    assert redraw_labels(labels, np.arange(30), 0.0, 3, np.random.default_rng(0)).tolist() == labels.tolist()
