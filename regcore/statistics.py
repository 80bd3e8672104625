"""What repeated trainings can tell: means with intervals, paired differences, and their verdict."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regcore.errors import DataError

CONFIDENCE = 0.95

BETTER = "better"
WORSE = "worse"
WITHIN_NOISE = "within seed noise"
ONE_SEED = "one seed cannot tell"
TOO_FEW_SEEDS = "too few seeds to tell"

# Differences that are closer together than this, relative to the values they are of, differ by rounding.
_ROUNDING = 16 * float(np.finfo(np.float64).eps)


class MeanInterval(NamedTuple):
    """A mean over seeds, its sample standard deviation, and its 95 % t-interval (NaN for one seed)."""

    mean: float
    sd: float
    low: float
    high: float
    n: int

    @property
    def standard_error(self) -> float:
        """Standard deviation of the mean: sd / sqrt(n)."""
        return self.sd / math.sqrt(self.n) if self.n else math.nan


class PairedDifference(NamedTuple):
    """Treatment minus baseline over the same seeds.

    Attributes:
        mean: Mean difference.
        low: Lower end of the 95 % paired t-interval; NaN where there is no verdict.
        high: Upper end.
        wins: Seeds on which the treatment is better.
        ties: Seeds on which both are equal.
        n: Seeds.
        verdict: "better", "worse" or "within seed noise" (the interval contains 0); with less than two seeds,
            a value that is not finite, or the same difference on each of less than six seeds, a sentence that
            says why there is no verdict.
    """

    mean: float
    low: float
    high: float
    wins: int
    ties: int
    n: int
    verdict: str


def mean_interval(values: npt.ArrayLike) -> MeanInterval:
    """Return the mean of these values, one for each seed, with its 95 % t-interval.

    A value that is not finite (a diverged run) makes mean, sd and interval NaN.
    """
    array = _one_for_each_seed(values, "values")
    if not np.isfinite(array).all() or not len(array):
        return MeanInterval(math.nan, math.nan, math.nan, math.nan, len(array))
    # What `mean` and `std` of numpy do, to the bit: they take longer, and pages ask some fifty times.
    n = len(array)
    mean = float(np.add.reduce(array) / n)
    if n == 1:
        return MeanInterval(mean, math.nan, math.nan, math.nan, 1)
    deviations = array - mean
    sd = math.sqrt(np.add.reduce(deviations * deviations) / (n - 1))
    half_width = _t_quantile(n - 1) * sd / math.sqrt(n)
    return MeanInterval(mean, sd, mean - half_width, mean + half_width, n)


def paired_difference(
    treatment: npt.ArrayLike, baseline: npt.ArrayLike, lower_is_better: bool = True
) -> PairedDifference:
    """Return treatment minus baseline, seed by seed, with a 95 % paired t-interval and a verdict.

    The interval speaks of repetitions on this data set, not of other data. Values that differ by rounding
    alone are equal (`difference_of`).

    The same difference on every seed, which errors of few rows often give, has no spread to make a t-interval
    of: its width of 0 is no certainty. What is left is the sign test (Dixon and Mood, The statistical sign
    test, 1946): where treatment and baseline are alike, n differences of one sign have a two-sided
    probability of 2^(1 - n), which is at most 5 % from 6 seeds on. With fewer there is no verdict.

    Args:
        treatment: [seeds], one value for each seed.
        baseline: [seeds], of the same seeds in the same order.
        lower_is_better: True for losses and errors.

    Raises:
        DataError: if the two differ in length, or are empty.
    """
    treated, plain = _one_for_each_seed(treatment, "treatment"), _one_for_each_seed(baseline, "baseline")
    if len(treated) != len(plain) or not len(treated):
        raise DataError(
            f"treatment and baseline must have one value for each seed, at least one, got {len(treated)} and "
            f"{len(plain)}"
        )
    finite = np.isfinite(treated) & np.isfinite(plain)
    difference = difference_of(treated[finite], plain[finite])
    gain = -difference if lower_is_better else difference
    wins, ties, n = int(np.sum(gain > 0)), int(np.sum(gain == 0)), len(treated)
    if not finite.all():
        verdict = f"no verdict: {n - len(difference)} of {n} seeds diverged"
        return PairedDifference(math.nan, math.nan, math.nan, wins, ties, n, verdict)
    interval = mean_interval(difference)
    rounding = _rounding_of(treated, plain)
    is_constant = n > 1 and float(np.ptp(difference)) <= rounding < abs(interval.mean)
    if is_constant and 2.0 ** (1 - n) > 1 - CONFIDENCE:
        return PairedDifference(interval.mean, math.nan, math.nan, wins, ties, n, TOO_FEW_SEEDS)
    verdict = _verdict(interval, lower_is_better)
    return PairedDifference(interval.mean, interval.low, interval.high, wins, ties, n, verdict)


def difference_of(treatment: npt.ArrayLike, baseline: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return treatment minus baseline, and 0 where they differ by rounding alone.

    Args:
        treatment: Values of any shape.
        baseline: Of the same shape, or one that fits it.
    """
    treated, plain = np.asarray(treatment, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        difference: npt.NDArray[np.float64] = treated - plain
    return np.where(np.abs(difference) <= _rounding_of(treated, plain), 0.0, difference)


def _rounding_of(*values: npt.NDArray[np.float64]) -> float:
    finite = np.concatenate([each[np.isfinite(each)] for each in values])
    return _ROUNDING * float(np.abs(finite).max(initial=0.0))


def _verdict(difference: MeanInterval, lower_is_better: bool) -> str:
    if difference.n < 2:
        return ONE_SEED
    if difference.low <= 0 <= difference.high:
        return WITHIN_NOISE
    return BETTER if (difference.high < 0) == lower_is_better else WORSE


def one_standard_error_choice(
    intervals: list[MeanInterval], complexity: npt.ArrayLike, lower_is_better: bool = True
) -> int:
    """Return the position of the simplest candidate whose mean is within one standard error of the best mean.

    Breiman's rule: the best of several noisy means is best by luck as well, so the simplest that the noise
    cannot tell from it is taken (Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 7.10).
    With one seed the standard error is unknown, and the best itself is taken. Candidates that diverged are
    left out.

    Args:
        intervals: One for each candidate.
        complexity: One number for each candidate; the lower, the simpler. On a tie the better mean is taken.
        lower_is_better: True for losses and errors.

    Raises:
        DataError: if no candidate has a finite mean.
    """
    best = best_choice(intervals, lower_is_better)
    sign = 1 if lower_is_better else -1
    error = intervals[best].standard_error
    limit = sign * intervals[best].mean + (0.0 if math.isnan(error) else error)
    order = np.asarray(complexity, dtype=np.float64)
    near = [at for at, interval in enumerate(intervals) if sign * interval.mean <= limit]
    return min(near, key=lambda at: (order[at], sign * intervals[at].mean))


def best_choice(intervals: list[MeanInterval], lower_is_better: bool = True) -> int:
    """Return the position of the best mean, the first on a tie; candidates that diverged are left out.

    Raises:
        DataError: if no candidate has a finite mean.
    """
    means = np.array([interval.mean for interval in intervals]) * (1 if lower_is_better else -1)
    if not np.isfinite(means).any():
        raise DataError(
            f"at least one candidate must have a finite mean, got {[each.mean for each in intervals]}"
        )
    return int(np.nanargmin(means))


def _one_for_each_seed(values: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise DataError(f"{name} must be one value for each seed, got shape {array.shape}")
    return array


@cache
def _t_quantile(degrees: int) -> float:
    from scipy.special import stdtrit  # scipy.stats takes a second to import; this is its t.ppf.

    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))
