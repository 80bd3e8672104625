"""Intervals and verdicts against scipy, and by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from regcore.errors import DataError
from regcore.statistics import (
    MeanInterval,
    best_choice,
    difference_of,
    mean_interval,
    one_standard_error_choice,
    paired_difference,
)

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("n", [2, 3, 8, 64])
def test_the_paired_interval_is_that_of_scipy(n):
    rng = np.random.default_rng(n)
    treatment, baseline = rng.normal(0.3, 1, n), rng.normal(0, 1, n)
    expected = stats.ttest_rel(treatment, baseline).confidence_interval(0.95)
    found = paired_difference(treatment, baseline)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert found.mean == pytest.approx(np.mean(treatment - baseline), rel=1e-12)


@pytest.mark.parametrize("n", [2, 3, 7, 8, 9, 64, 200])
def test_mean_and_standard_deviation_are_those_of_numpy_to_the_bit(n):
    values = np.random.default_rng(n).lognormal(0, 3, n)
    found = mean_interval(values)
    assert (found.mean, found.sd) == (values.mean(), values.std(ddof=1))


def test_a_lower_error_on_every_seed_is_better():
    found = paired_difference([0.1, 0.2, 0.3], [0.2, 0.31, 0.4])
    assert (found.wins, found.ties, found.n, found.verdict) == (3, 0, 3, "better")
    assert found.high < 0


def test_the_same_numbers_are_worse_where_higher_is_better():
    found = paired_difference([0.1, 0.2, 0.3], [0.2, 0.31, 0.4], lower_is_better=False)
    assert (found.wins, found.verdict) == (0, "worse")


def test_a_higher_error_is_worse():
    assert paired_difference([0.2, 0.31, 0.4], [0.1, 0.2, 0.3]).verdict == "worse"


def test_an_interval_that_contains_zero_is_seed_noise():
    found = paired_difference([0.1, 0.3, 0.2], [0.2, 0.1, 0.2])
    assert found.low < 0 < found.high
    assert (found.wins, found.ties, found.verdict) == (1, 1, "within seed noise")


def test_equal_values_are_within_seed_noise():
    assert paired_difference([0.1, 0.2], [0.1, 0.2]) == (0.0, 0.0, 0.0, 0, 2, 2, "within seed noise")


def test_values_that_differ_by_rounding_are_within_seed_noise():
    assert paired_difference([0.1 + 0.2, 0.7], [0.3, 0.7]).verdict == "within seed noise"


def test_values_that_differ_by_rounding_alone_are_ties():
    # 0.1 + 0.2 and 0.6 + 0.1 are each off by their last digit, to the same side but not by the same.
    found = paired_difference([0.1 + 0.2, 0.7, 1.1], [0.3, 0.6 + 0.1, 1.1])
    assert found == (0.0, 0.0, 0.0, 0, 3, 3, "within seed noise")


def test_a_difference_is_kept_and_rounding_is_none():
    found = difference_of([[0.1 + 0.2, 0.75], [0.5, 0.25]], [[0.3], [0.25]])
    assert found.tolist() == [[0.0, 0.45], [0.25, 0.0]]
    assert np.isnan(difference_of([NAN, 1.0], [0.0, 1.0])).tolist() == [True, False]


@pytest.mark.parametrize("n", [2, 3, 5])
def test_the_same_difference_on_fewer_than_six_seeds_cannot_tell(n):
    # A tenth is no sum of powers of two: the differences are equal up to rounding alone.
    baseline = 0.1 * np.arange(1, n + 1)
    mean, low, high, *rest = paired_difference(baseline - 0.025, baseline)
    assert (mean, *rest) == (pytest.approx(-0.025), n, 0, n, "too few seeds to tell")
    assert math.isnan(low) and math.isnan(high)


@pytest.mark.parametrize(("sign", "verdict"), [(-1, "better"), (1, "worse")])
def test_the_same_difference_on_six_seeds_is_one_by_the_sign_test(sign, verdict):
    found = paired_difference(np.arange(6) + sign * 0.5, np.arange(6))
    assert (found.mean, found.low, found.high, found.verdict) == (sign * 0.5, sign * 0.5, sign * 0.5, verdict)
    assert stats.binomtest(6, 6).pvalue < 0.05 < stats.binomtest(5, 5).pvalue


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_where_nothing_differs_at_most_one_verdict_in_twenty_says_so(n):
    # Errors of 40 rows: so coarse that all seeds often have the same difference.
    treatment, baseline = np.random.default_rng(n).binomial(40, 0.1, (2, 4000, n)) / 40
    verdicts = [paired_difference(*pair).verdict for pair in zip(treatment, baseline, strict=True)]
    rate = np.mean([verdict in ("better", "worse") for verdict in verdicts])
    assert rate <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 4000)


def test_one_seed_cannot_tell():
    mean, low, high, *rest = paired_difference([0.25], [0.5])
    assert (mean, *rest) == (-0.25, 1, 0, 1, "one seed cannot tell")
    assert math.isnan(low) and math.isnan(high)


@pytest.mark.parametrize("lost", [NAN, INF])
def test_a_diverged_seed_is_said_instead_of_a_verdict(lost):
    found = paired_difference([0.1, lost, 0.1], [0.2, 0.2, 0.2])
    assert found[3:] == (2, 0, 3, "no verdict: 1 of 3 seeds diverged")
    assert all(math.isnan(value) for value in found[:3])


@pytest.mark.parametrize(("treatment", "baseline"), [([1.0], [1.0, 2.0]), ([], []), ([[1.0]], [[1.0]])])
def test_values_that_do_not_pair_are_refused(treatment, baseline):
    with pytest.raises(DataError, match="one value for each seed"):
        paired_difference(treatment, baseline)


def test_the_interval_of_a_mean_is_that_of_scipy():
    values = [1.0, 2.0, 4.0, 7.0]
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = mean_interval(values)
    assert (found.mean, found.n) == (3.5, 4)
    assert found.sd == pytest.approx(np.std(values, ddof=1))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert found.standard_error == pytest.approx(stats.sem(values))


def test_the_mean_of_one_seed_has_no_interval():
    mean, *others = mean_interval([2.0])[:4]
    assert mean == 2.0
    assert all(math.isnan(value) for value in others)


@pytest.mark.parametrize("values", [[], [1.0, NAN], [1.0, INF]])
def test_without_finite_values_there_is_no_mean(values):
    found = mean_interval(values)
    assert all(math.isnan(value) for value in found[:4])
    assert found.n == len(values)


def interval(mean, sd=NAN, n=4):
    return MeanInterval(mean, sd, NAN, NAN, n)


def test_the_simplest_within_one_standard_error_is_chosen():
    # The best mean is 0.20 with standard error 0.04 / 2: 0.215 is within, 0.23 is not.
    intervals = [interval(0.25, 0.1), interval(0.20, 0.04), interval(0.215, 0.1), interval(0.23, 0.1)]
    assert best_choice(intervals) == 1
    assert one_standard_error_choice(intervals, complexity=[4, 3, 2, 1]) == 2


def test_with_one_seed_the_best_itself_is_chosen():
    assert one_standard_error_choice([interval(0.2, n=1), interval(0.21, n=1)], complexity=[2, 1]) == 0


def test_where_higher_is_better_the_highest_is_best():
    intervals = [interval(0.9, 0.02), interval(0.895, 0.1), interval(0.5, 0.1)]
    assert best_choice(intervals, lower_is_better=False) == 0
    assert one_standard_error_choice(intervals, [3, 2, 1], lower_is_better=False) == 1


def test_equally_simple_candidates_are_told_apart_by_their_mean():
    assert one_standard_error_choice([interval(0.21, 0.1), interval(0.20, 0.1)], complexity=[1, 1]) == 1


def test_diverged_candidates_are_left_out():
    intervals = [interval(NAN), interval(0.3, 0.1), interval(0.2, 0.01)]
    assert best_choice(intervals) == 2
    assert one_standard_error_choice(intervals, complexity=[1, 2, 3]) == 2


def test_nothing_can_be_chosen_where_everything_diverged():
    with pytest.raises(DataError, match="finite mean"):
        best_choice([interval(NAN)])
