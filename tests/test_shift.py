"""Overfitting or a different distribution: each test by numbers known in advance, and the verdict of all."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from regcore import shift
from regcore.config import Config
from regcore.data import Dataset
from regcore.errors import ConfigError, DataError
from regcore.execution import train
from regcore.figures._resplits import _info, plot_resplits
from regcore.shift import ClassifierTest, FeatureTest, LabelTest, ResplitTest
from regcore.shift_cases import CASES, NETWORK, SAME, SHOWN_DRAWS, halves

rng = np.random.default_rng(3)
BY_NAME = {case.name: case for case in CASES}


def resplit(observed: float, *others: float, gaps: tuple[float, ...] = (0.0, 0.0)) -> ResplitTest:
    return ResplitTest(observed, others, gaps)


# Re-split test


def test_the_rank_counts_the_observed_split_and_ties_against_it():
    assert resplit(3.0, 1.0, 2.0, 4.0).p == 2 / 4
    assert resplit(3.0, 3.0, 2.0, 4.0).p == 3 / 4
    assert resplit(5.0, *[1.0] * 39).p == 1 / 40


def test_a_loss_that_is_not_finite_is_the_worst():
    assert resplit(math.nan, *[1.0] * 39).p == 1 / 40
    assert resplit(1.0, math.nan, math.inf, 0.5).p == 3 / 4


@given(st.lists(st.floats(0, 9), min_size=2, max_size=12))
def test_of_all_splits_in_turn_no_more_than_a_part_p_have_a_p_value_so_small(losses):
    p_values = [resplit(losses[at], *losses[:at], *losses[at + 1 :]).p for at in range(len(losses))]
    for level in p_values:
        assert np.mean(np.array(p_values) <= level) <= level + 1e-12


def dataset(**options) -> Dataset:
    X, y = np.arange(60.0).reshape(30, 2), np.arange(30) % 3
    rows = {"train_rows": range(10), "val_rows": range(10, 18), "test_rows": range(18, 30)}
    return Dataset.from_arrays(X, y, **{**rows, **options})


def test_the_first_split_is_the_one_observed_and_all_have_the_same_rows_together():
    found = shift.resplits(dataset(), n_resplits=5)

    first = found.rows(0)
    assert (first.train.tolist(), first.val.tolist()) == (list(range(10)), list(range(10, 18)))
    splits = [found.rows(seed) for seed in range(6)]
    assert all(sorted([*each.train, *each.val]) == list(range(18)) for each in splits)
    assert len({tuple(sorted(each.val)) for each in splits}) == 6
    assert found.test_rows.tolist() == list(range(18, 30))


def test_scaling_is_fitted_on_the_train_rows_of_each_split():
    found = shift.resplits(dataset(), n_resplits=2)

    for seed in range(3):
        np.testing.assert_allclose(found.split(seed).X_train.mean(axis=0), 0, atol=1e-12)


def test_noisy_labels_stay_with_their_rows():
    noisy = dataset(label_noise=0.5)
    seen = noisy.rows(4)
    labels = dict(zip([*seen.train, *seen.val], [*seen.y_train, *seen.y_val], strict=True))

    again = shift.resplits(noisy, seed=4, n_resplits=1).rows(1)

    assert {row: label for row, label in zip(again.train, again.y_train, strict=True)} == {
        row: labels[row] for row in again.train
    }


def test_there_are_no_more_splits_than_were_asked_for():
    with pytest.raises(DataError, match="seed must be one of the 3 splits, 0 to 2, got 3"):
        shift.resplits(dataset(), n_resplits=2).rows(3)


def test_splits_that_differ_are_different_data():
    first, second = (shift.resplits(dataset(), n_resplits=n) for n in (2, 3))

    assert first.key != second.key != dataset().key


def test_one_network_for_each_split():
    assert shift.experiment(Config(l2=0.1, seeds=3, seed=7)) == Config(seeds=40, seed=0)


# The three beside it


def test_kolmogorov_smirnov_by_hand():
    # Of {1, 2, 3, 4} and {3, 4, 5, 6} half of the first is below all of the second.
    found = shift.feature_test([[1.0], [2.0], [3.0], [4.0]], [[3.0], [4.0], [5.0], [6.0]])

    assert found.distances == (0.5,)


def test_kolmogorov_smirnov_is_scipys_for_each_feature():
    train, val = rng.normal(size=(80, 3)), rng.normal([0, 0.8, 0], size=(60, 3))

    found = shift.feature_test(train, val)

    judged = [stats.ks_2samp(train[:, at], val[:, at], method="asymp") for at in range(3)]
    assert found.p_values == tuple(each.pvalue for each in judged)
    assert found.distances == tuple(each.statistic for each in judged)
    assert found.feature == 1


def test_p_values_of_features_are_multiplied_by_their_number():
    assert FeatureTest((0.1, 0.2, 0.3), (0.5, 0.01, 0.2)).p == pytest.approx(0.03)
    assert FeatureTest((0.1, 0.2), (0.9, 0.8)).p == 1.0


def test_a_classifier_tells_what_a_line_can_part():
    train, val = rng.normal(0, 1, (50, 2)), rng.normal(8, 1, (50, 2))

    found = shift.classifier_test(train, val)

    assert found == ClassifierTest(1.0, 100, pytest.approx(0.5**100))


def test_a_classifier_cannot_tell_rows_of_one_distribution_and_guesses_on_as_many_of_each():
    found = shift.classifier_test(rng.normal(size=(300, 4)), rng.normal(size=(100, 4)))

    assert found.n_rows == 200
    assert abs(found.accuracy - 0.5) < 3 * 0.5 / math.sqrt(200)
    assert found.p > 0.01


def test_chi_squared_by_hand():
    # 30 and 10 against 20 and 20: expected 25 and 15 in each, so 4 terms of 5^2, 1 + 5/3 twice.
    found = shift.label_test([0] * 30 + [1] * 10, [0] * 20 + [1] * 20)

    assert found.statistic == pytest.approx(2 * (25 / 25 + 25 / 15))
    assert found.p == pytest.approx(stats.chi2.sf(found.statistic, 1))


def test_one_class_alone_is_no_shift():
    assert shift.label_test([1, 1, 1], [1, 1]) == LabelTest(0.0, 1.0)


def test_numbers_are_held_against_each_other_by_kolmogorov_smirnov():
    assert shift.label_test([1.5, 2.5], [3.5, 4.5]).statistic == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: shift.feature_test([[1.0]], [[1.0, 2.0]]), "tables of the same columns"),
        (lambda: shift.classifier_test([[1.0]] * 4, [[1.0]] * 9), "at least 5 rows, got 4 and 9"),
        (lambda: shift.label_test([], [1]), "labels must be there on both sides, got 0 and 1"),
    ],
)
def test_bad_input_is_one_sentence(call, message):
    with pytest.raises(DataError, match=message):
        call()


# The verdict


@pytest.mark.parametrize(
    ("test", "beside", "answer"),
    [
        (resplit(9.0, *[1.0] * 39), False, shift.DIFFERENT),
        (resplit(9.0, *[1.0] * 38, 10.0), False, shift.NEITHER),
        (resplit(9.0, *[1.0] * 38, 10.0), True, shift.NOT_HARDER),
        (resplit(1.0, *[1.0] * 39, gaps=(0.5, 0.6, 0.7)), False, shift.OVERFITTING),
        (resplit(1.0, *[1.0] * 39, gaps=(-0.5, 0.6, 0.1)), False, shift.NEITHER),
        (resplit(1.0, *[1.0] * 39, gaps=(0.5, math.nan, 0.7)), False, shift.DIVERGED),
        (resplit(1.0, *[1.0] * 39, gaps=(0.5, math.inf, 0.7)), True, shift.NOT_HARDER),
    ],
)
def test_the_re_split_test_leads(test, beside, answer):
    assert shift._answer(test, beside) == answer


def test_a_verdict_needs_re_splits():
    result = train(Config(data="iris", hidden=(), epochs=1, seeds=1))
    with pytest.raises(ConfigError, match="seeds must be one for each split, at least 2, got 1"):
        shift.verdict(result)


def test_levels_add_up():
    assert pytest.approx(shift.LEVEL) == shift.RESPLIT_LEVEL + 3 * shift.BESIDE_LEVEL


# Cases


def rows_of(name: str, draw: int = 0):
    found = halves(BY_NAME[name], draw)
    return found, found.rows(0)


def test_halves_share_no_row_and_leave_the_test_sealed():
    for case in CASES:
        found, rows = rows_of(case.name)
        assert (len(rows.train), len(rows.val)) == (400, 400)
        assert not {*rows.train} & {*rows.val}
        assert found.test_rows.tolist() == halves(BY_NAME[SAME], 9).test_rows.tolist()


def test_a_covariate_shift_moves_validation_images_alone():
    same, moved = halves(BY_NAME[SAME], 0), halves(BY_NAME["Covariate shift"], 0)
    rows = same.rows(0)
    before, after = (each.X[rows.val].reshape(-1, 8, 8) for each in (same, moved))

    np.testing.assert_array_equal(after[:, :, 1:], before[:, :, :-1])
    np.testing.assert_array_equal(moved.X[rows.train], same.X[rows.train])
    np.testing.assert_array_equal(moved.y, same.y)


def test_half_of_the_threes_are_called_eight():
    same, changed = halves(BY_NAME[SAME], 0), halves(BY_NAME["Changed labels"], 0)
    rows = same.rows(0)
    threes = int(np.sum(same.y[rows.val] == 3))

    differ = np.flatnonzero(same.y != changed.y)
    assert len(differ) == threes // 2
    assert {*differ} <= {*rows.val}
    assert {*same.y[differ]} == {3} and {*changed.y[differ]} == {8}


def test_a_label_shift_makes_low_digits_three_times_as_frequent():
    found, rows = rows_of("Label shift")

    assert np.sum(found.y[rows.val] < 5) == 3 * np.sum(found.y[rows.val] >= 5) == 300
    assert abs(np.sum(found.y[rows.train] < 5) - 200) < 60


def test_rows_in_their_order_are_those_of_the_file():
    _, rows = rows_of("Rows in their order")

    assert max(rows.train) < min(rows.val)


@pytest.mark.parametrize("name", ["Covariate shift", "Label shift", "Changed labels", "Rows in their order"])
def test_a_shift_is_found(name):
    shown = halves(BY_NAME[name], SHOWN_DRAWS[0])
    found = shift.verdict(train(shift.experiment(NETWORK), shift.resplits(shown)))

    assert found.is_different


def test_random_halves_overfit():
    shown = halves(BY_NAME[SAME], SHOWN_DRAWS[0])
    found = shift.verdict(train(shift.experiment(NETWORK), shift.resplits(shown)))

    assert found.answer == shift.OVERFITTING


# Figure


def test_the_figure_has_every_re_split_and_the_split_observed():
    test = resplit(2.0, 1.0, 3.0, 1.5)

    info, figure = _info(test), plot_resplits(test)

    assert (info.observed, info.resplits, info.worse, info.p) == (2.0, (1.0, 3.0, 1.5), 1, 0.5)
    assert [list(trace.x) for trace in figure.data] == [[1.0, 3.0, 1.5], [2.0]]
    assert figure.layout.meta["description"] == (
        "Validation loss of this split 2; of 3 random re-splits 1 to 3, 1 of them as bad or worse: p = 0.5."
    )


def test_the_figure_counts_losses_that_are_no_number_as_the_test_does():
    found = _info(resplit(math.nan, 1.0, math.nan, 2.0))

    assert (found.worse, found.p) == (1, 0.5)
    description = plot_resplits(resplit(math.nan, math.nan)).layout.meta["description"]
    assert "of 1 random re-splits none that is finite, 1 of them as bad or worse" in description


def test_a_fixed_split_without_more_of_them_stays_that_of_every_seed():
    fixed = dataset()

    assert fixed.rows(0).train.tolist() == fixed.rows(99).train.tolist()
    assert dataclasses.replace(fixed, label_noise=0.0).key == fixed.key
