"""What averaging the predictions of several networks does to squared error, loss and mistakes, by how many.

A pool of members is trained once; ensembles of any size are read off it, over many subsets of the pool. All
numbers are of one split's rows, as `scoring.score` has them: squared error is the mean squared error of the
standardized target, or the Brier score.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import scoring, statistics
from regcore.config import Config
from regcore.data import Task
from regcore.data.streams import random_stream
from regcore.errors import ConfigError
from regcore.results import Result
from regcore.statistics import MeanInterval, PairedDifference

Floats = npt.NDArray[np.float64]
Metric = Literal["squared_error", "loss", "error", "mae"]

SQUARED_ERROR: Metric = "squared_error"
LOSS: Metric = "loss"
ERROR: Metric = "error"
MAE: Metric = "mae"
SQUARED_ERROR_IS = {"regression": "mean squared error", "binary": "Brier score", "multiclass": "Brier score"}
POOL = 32
SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)
KNEE = 0.9
"""Part of what the whole pool gains, beyond which more members are hardly worth their cost."""
N_SUBSETS = 40
N_ORDERS = 4
N_BINS = 10
# Of predictions of subsets that are held at a time: 32 MB.
MAX_NUMBERS = 2**22

SOURCES: Mapping[str, Mapping[str, Any]] = {
    "nothing": {"member_varies": (), "bootstrap": False},
    "order": {"member_varies": ("order",), "bootstrap": False},
    "initial weights": {"member_varies": ("init",), "bootstrap": False},
    "weights and order": {"member_varies": ("init", "order"), "bootstrap": False},
    "bootstrap": {"member_varies": (), "bootstrap": True},
    "all of them": {"member_varies": ("init", "order"), "bootstrap": True},
}
"""What may differ between members, by name -> the fields of `Config` that say so."""


@dataclass(frozen=True, eq=False, repr=False)
class Pool:
    """What the members of one seed predict on the rows of one split.

    Attributes:
        task: "binary", "multiclass" or "regression".
        seed: Value of the seed column.
        values: [members, rows, C], what is averaged: P(class 1), class probabilities, or standardized
            predictions.
        target: [rows, C], what they should be: 0 or 1, one-hot, or the standardized target.
        log_p: [members, rows], log probability of each row's label, in nats; of no use for regression.
        y: [rows], class numbers, or standardized targets.
        y_scale: Size of one standardized unit in y's own (1 for classes).
    """

    task: Task
    seed: int
    values: Floats
    target: Floats
    log_p: Floats
    y: npt.NDArray[np.float64 | np.int64]
    y_scale: float

    def __repr__(self) -> str:
        return f"Pool(seed {self.seed}, {self.n_members} members, {len(self.y)} rows)"

    @property
    def n_members(self) -> int:
        """Members of the pool."""
        return len(self.values)

    def first(self, k: int) -> Pool:
        """Return the pool of the first k members.

        Raises:
            ConfigError: if k is not 1 to the members there are.
        """
        _check_size(k, self.n_members)
        return replace(self, values=self.values[:k], log_p=self.log_p[:k])


def pools_of(result: Result, split: Literal["train", "val"] = "val") -> tuple[Pool, ...]:
    """Return what the members of each seed predict: `pool_of` of all seeds."""
    return tuple(pool_of(result, seed, split) for seed in result.seeds)


def pool_of(result: Result, seed: int, split: Literal["train", "val"] = "val") -> Pool:
    """Return what the members of one seed predict, each at its restored epoch.

    Raises:
        ConfigError: if there is no such seed or split.
        RegcoreError: if outputs were not recorded, and the result has no `recall`.
    """
    task, rows = result.dataset.task, result.dataset.rows(seed)
    outputs = [result.outputs(seed, member, split=split) for member in range(result.config.members)]
    y = rows.y_train if split == "train" else rows.y_val
    return pool(outputs, y, task, seed=seed, y_scale=float(rows.y_scale) if task == "regression" else 1.0)


def pool(
    outputs: Sequence[npt.ArrayLike], y: npt.ArrayLike, task: Task, *, seed: int = 0, y_scale: float = 1.0
) -> Pool:
    """Return the pool of members with these outputs.

    Args:
        outputs: Of each member [rows, C]: logits, or standardized predictions.
        y: [rows], class numbers from 0, or standardized targets.
        task: "binary", "multiclass" or "regression".
        seed: By which subsets are drawn.
        y_scale: Size of one standardized unit in y's own (regression alone).
    """
    labels = np.asarray(y)
    if task == "regression":
        values = np.stack([np.asarray(member, dtype=np.float64).reshape(-1, 1) for member in outputs])
        return Pool(task, seed, values, labels[:, None], np.zeros(values.shape[:2]), labels, y_scale)
    labels = labels.astype(np.int64)
    log_p = np.stack([scoring.log_probabilities(member, task) for member in outputs])
    of_label = log_p[:, np.arange(len(labels)), labels]
    if task == "binary":
        return Pool(task, seed, np.exp(log_p[:, :, 1:]), labels[:, None] * 1.0, of_label, labels, 1.0)
    return Pool(task, seed, np.exp(log_p), np.eye(log_p.shape[2])[labels], of_label, labels, 1.0)


class ErrorMoments(NamedTuple):
    """How the errors of members go together, about zero: mean product with itself, and with another's.

    The squared error of a mean of k members is variance / k + (k - 1) * covariance / k, exactly, on average
    over all subsets of k (Goodfellow, Bengio, Courville, Deep Learning, equation 7.51). About zero, so that
    what all members get wrong alike is in them.

    Attributes:
        variance: sigma^2, the mean squared error of a member.
        covariance: rho * sigma^2, of two different members; NaN for one member.
    """

    variance: float
    covariance: float

    @property
    def correlation(self) -> float:
        """rho, of the errors of two members: 1 if they are the same, 0 if they have nothing in common."""
        return self.covariance / self.variance if self.variance else math.nan

    def squared_error(self, k: int) -> float:
        """Return the squared error of a mean of k members: rho sigma^2 + (1 - rho) sigma^2 / k."""
        if k == 1:
            return self.variance
        return self.variance / k + (k - 1) * self.covariance / k

    def if_independent(self, k: int) -> float:
        """Return what it would be if errors had nothing in common: sigma^2 / k."""
        return self.variance / k


def error_moments(members: Pool) -> ErrorMoments:
    """Return variance and covariance of the members' errors, means over all members and pairs."""
    n = members.n_members
    errors = (members.values - members.target).reshape(n, -1)
    with np.errstate(over="ignore", invalid="ignore"):
        products = errors @ errors.T / len(members.y)
    trace = float(np.trace(products))
    covariance = (float(products.sum()) - trace) / (n * (n - 1)) if n > 1 else math.nan
    return ErrorMoments(trace / n, covariance)


def subsets(n: int, k: int, limit: int = N_SUBSETS, seed: int = 0) -> npt.NDArray[np.int64]:
    """Return subsets of k of n members [subsets, k]: all of them, or where there are more `limit` drawn ones.

    Raises:
        ConfigError: if k is not 1 to n.
    """
    if not 1 <= k <= n:
        raise ConfigError(f"k must be 1 to {n}, the members there are, got {k!r}")
    if math.comb(n, k) <= limit:
        return np.array(list(itertools.combinations(range(n), k)), dtype=np.int64)
    orders = np.tile(np.arange(n), (limit, 1))
    return random_stream("subsets", seed, n, k).permuted(orders, axis=1)[:, :k]


def metrics_of(task: Task) -> tuple[Metric, ...]:
    """Return what is measured of ensembles, what is averaged exactly first."""
    return (SQUARED_ERROR, MAE) if task == "regression" else (SQUARED_ERROR, LOSS, ERROR)


def measure(members: Pool, chosen: npt.NDArray[np.int64]) -> dict[Metric, float]:
    """Return the metrics of ensembles whose predictions are averaged, the mean over these ensembles.

    Args:
        members: The pool.
        chosen: [subsets, k], the members of each ensemble.
    """
    at_a_time = max(1, MAX_NUMBERS // members.values[0].size)
    parts = [chosen[first : first + at_a_time] for first in range(0, len(chosen), at_a_time)]
    sums = [_measure_each(members, part) for part in parts]
    return {
        name: float(np.concatenate([each[name] for each in sums]).mean()) for name in metrics_of(members.task)
    }


def _measure_each(members: Pool, chosen: npt.NDArray[np.int64]) -> dict[Metric, Floats]:
    mean = _means(members, chosen)
    with np.errstate(over="ignore", invalid="ignore"):
        squared = ((mean - members.target) ** 2).sum(axis=2).mean(axis=1)
        if members.task == "regression":
            return {SQUARED_ERROR: squared, MAE: _mean_distance(mean, members)}
        log_p = np.logaddexp.reduce(members.log_p[chosen], axis=1) - math.log(chosen.shape[1])
        wrong = np.mean(_classes(mean, members.task) != members.y, axis=1)
    wrong = np.where(np.isnan(squared), np.nan, wrong)
    return {SQUARED_ERROR: squared, LOSS: 0.0 - log_p.mean(axis=1), ERROR: wrong}


def _means(members: Pool, chosen: npt.NDArray[np.int64]) -> Floats:
    """Return the averaged predictions [subsets, rows, C]."""
    # Sums, not a product of matrices: while others train, threads of such a small one wait for each other.
    total = np.zeros((len(chosen), *members.values.shape[1:]))
    for member in chosen.T:
        total += members.values[member]
    total /= chosen.shape[1]
    return total


def _mean_distance(mean: Floats, members: Pool) -> Floats:
    distance: Floats = np.abs(mean - members.target).mean(axis=(1, 2)) * members.y_scale
    return distance


def _classes(values: Floats, task: Task) -> npt.NDArray[np.int64]:
    """Return the most probable class; a tie goes to the first."""
    classes = values[..., 0] > 0.5 if task == "binary" else values.argmax(axis=-1)
    return classes.astype(np.int64)


def variance_between(members: Pool, k: int) -> float:
    """Return by how much the averaged predictions of different ensembles of k differ: their variance.

    The pool is cut into n // k ensembles that share no member, in four drawn orders; the variance between
    them (one less in the divisor), summed over classes, is averaged over rows and orders. Given the training
    rows, members are independent draws, so it is the variance between single members divided by k, on
    average. NaN where the pool has no two ensembles of k.
    """
    n_ensembles = members.n_members // k
    if n_ensembles < 2:
        return math.nan
    orders = np.tile(np.arange(members.n_members), (N_ORDERS if k > 1 else 1, 1))
    drawn = random_stream("disjoint ensembles", members.seed, members.n_members, k).permuted(orders, axis=1)
    return float(np.mean([_variance(members, order[: n_ensembles * k].reshape(-1, k)) for order in drawn]))


def _variance(members: Pool, chosen: npt.NDArray[np.int64]) -> float:
    return float(_means(members, chosen).var(axis=0, ddof=1).sum(axis=1).mean())


class Ambiguity(NamedTuple):
    """Squared error of an ensemble: that of its members on average, less how far they lie from their mean.

    `of_mean == of_members - spread`, exactly (Krogh and Vedelsby, Neural Network Ensembles, Cross Validation,
    and Active Learning, 1995).

    Attributes:
        of_members: Mean squared error of a single member.
        of_mean: Squared error of the averaged prediction.
        spread: Mean squared distance of a member's prediction from the averaged one (the ambiguity).
    """

    of_members: float
    of_mean: float
    spread: float


def ambiguity(members: Pool, k: int) -> Ambiguity:
    """Return the ambiguity decomposition of the ensemble of the first k members, each part measured.

    Raises:
        ConfigError: if k is not 1 to the members there are.
    """
    values = members.first(k).values
    mean = values.mean(axis=0)
    of_members = _squared(values - members.target) / k
    return Ambiguity(of_members, _squared(mean - members.target), _squared(values - mean) / k)


def _squared(distance: Floats) -> float:
    """Return the squared distance of each row, summed over members, the mean over rows."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sum(distance**2) / distance.shape[-2])


@dataclass(frozen=True, eq=False, repr=False)
class BySize:
    """What ensembles of each size measure on the validation rows, over subsets of a pool.

    Attributes:
        task: "binary", "multiclass" or "regression".
        pool: Members that were trained.
        sizes: Members averaged, ascending, from 1.
        n_subsets: For each size, how many subsets were averaged over.
        is_all: For each size, whether those are all there are.
        values: Metric -> [seeds, sizes].
        between: [seeds, sizes], the variance between ensembles (`variance_between`).
        moments: One for each seed.
    """

    task: Task
    pool: int
    sizes: tuple[int, ...]
    n_subsets: tuple[int, ...]
    is_all: tuple[bool, ...]
    values: Mapping[Metric, Floats]
    between: Floats
    moments: tuple[ErrorMoments, ...]

    def __repr__(self) -> str:
        return f"BySize({len(self.moments)} seeds, sizes {self.sizes[0]} to {self.sizes[-1]} of {self.pool})"

    def intervals(self, metric: Metric) -> tuple[MeanInterval, ...]:
        """Return the mean over seeds of this metric, with its 95 % t-interval, for each size."""
        return tuple(statistics.mean_interval(of_size) for of_size in self.values[metric].T)

    def gains(self, metric: Metric) -> tuple[MeanInterval, ...]:
        """Return how much lower than a single member's the metric is, seed by seed, for each size."""
        values = self.values[metric]
        lower = statistics.difference_of(values[:, :1], values)
        return tuple(statistics.mean_interval(of_size) for of_size in lower.T)

    def paired(self, metric: Metric, k: int) -> PairedDifference:
        """Return the metric of ensembles of k less that of a single member, paired by seed.

        Raises:
            ConfigError: if k is none of the sizes.
        """
        if k not in self.sizes:
            raise ConfigError(f"k must be one of {', '.join(map(str, self.sizes))}, got {k!r}")
        values = self.values[metric]
        return statistics.paired_difference(values[:, self.sizes.index(k)], values[:, 0])

    def theory(self, n_shown: int) -> tuple[float, float, float]:
        """Return squared error of n_shown members by the identity, if independent, and of infinitely many."""
        parts = [
            (each.squared_error(n_shown), each.if_independent(n_shown), each.covariance)
            for each in self.moments
        ]
        exact, independent, floor = np.mean(parts, axis=0).tolist()
        return exact, independent, floor

    @property
    def correlation(self) -> MeanInterval:
        """rho, the correlation of two members' errors, over seeds."""
        return statistics.mean_interval([each.correlation for each in self.moments])

    def knee(self, metric: Metric = SQUARED_ERROR) -> int | None:
        """Return the smallest size with nine tenths (`KNEE`) of what the whole pool gains over one member.

        Means over seeds, each held against its own single members. None where nothing is gained, or members
        have diverged.
        """
        gains = [gain.mean for gain in self.gains(metric)]
        if not gains[-1] > 0:
            return None
        return next(size for size, gain in zip(self.sizes, gains, strict=True) if gain >= KNEE * gains[-1])


def sizes_of(n: int, *others: int) -> tuple[int, ...]:
    """Return the ensemble sizes that are measured of n members, ascending, with others that are wanted."""
    return tuple(sorted({size for size in SIZES if size < n} | {n, *others}))


def by_size(pools: Sequence[Pool], sizes: Sequence[int], limit: int = N_SUBSETS) -> BySize:
    """Return what ensembles of each size measure, over subsets of the members trained.

    Args:
        pools: One for each seed, of as many members.
        sizes: Ascending, from 1: `sizes_of`.
        limit: Subsets of a size, at most: all of them if there are no more, else so many drawn ones.
    """
    n, task = pools[0].n_members, pools[0].task
    chosen = {size: [subsets(n, size, limit, each.seed) for each in pools] for size in sizes}
    found = [[measure(each, chosen[size][at]) for size in sizes] for at, each in enumerate(pools)]
    return BySize(
        task=task,
        pool=n,
        sizes=tuple(sizes),
        n_subsets=tuple(len(chosen[size][0]) for size in sizes),
        is_all=tuple(math.comb(n, size) <= limit for size in sizes),
        values={
            name: np.array([[of_size[name] for of_size in of_seed] for of_seed in found])
            for name in metrics_of(task)
        },
        between=np.array([[variance_between(each, size) for size in sizes] for each in pools]),
        moments=tuple(error_moments(each) for each in pools),
    )


def ambiguities(pools: Sequence[Pool], sizes: Sequence[int]) -> dict[int, Ambiguity]:
    """Return the ambiguity decomposition of the first k members, the mean over seeds, for each k."""
    return {
        size: Ambiguity(*np.mean([ambiguity(each, size) for each in pools], axis=0).tolist())
        for size in sizes
    }


class Voting(NamedTuple):
    """An ensemble's mistakes when members' probabilities are averaged, and when each member has one vote.

    A tie of votes goes to the first of the classes, as in scikit-learn's `VotingClassifier`.

    Attributes:
        averaging: Fraction of rows that the averaged probabilities get wrong.
        voting: Fraction of rows that the majority gets wrong.
        ties: Fraction of rows on which votes are tied.
        brier_averaging: Brier score of the averaged probabilities.
        brier_voting: Brier score of the shares of votes, taken for probabilities.
    """

    averaging: float
    voting: float
    ties: float
    brier_averaging: float
    brier_voting: float


def voting(members: Pool, k: int) -> Voting:
    """Return averaging against voting for the ensemble of the first k members.

    Raises:
        ConfigError: if k is not 1 to the members there are, or the task has no classes.
    """
    if members.task == "regression":
        raise ConfigError("the task must have classes for a vote, got regression")
    chosen = members.first(k).values
    n_classes = max(2, members.values.shape[2])
    votes = np.eye(n_classes)[_classes(chosen, members.task)].sum(axis=0)
    mean, shares = chosen.mean(axis=0), votes / k
    if members.task == "binary":
        shares = shares[:, 1:]
    return Voting(
        averaging=float(np.mean(_classes(mean, members.task) != members.y)),
        voting=float(np.mean(votes.argmax(axis=1) != members.y)),
        ties=float(np.mean((votes == votes.max(axis=1, keepdims=True)).sum(axis=1) > 1)),
        brier_averaging=float(np.mean(np.sum((mean - members.target) ** 2, axis=1))),
        brier_voting=float(np.mean(np.sum((shares - members.target) ** 2, axis=1))),
    )


def votings(pools: Sequence[Pool], sizes: Sequence[int]) -> dict[int, tuple[Voting, ...]]:
    """Return averaging against voting, size -> one for each seed."""
    return {size: tuple(voting(each, size) for each in pools) for size in sizes}


class Bin(NamedTuple):
    """The rows of which the probability of the predicted class is within a bin.

    Attributes:
        confidence: Mean of that probability.
        accuracy: Fraction of the rows that are predicted right.
        n_rows: How many there are.
    """

    confidence: float
    accuracy: float
    n_rows: int


class Reliability(NamedTuple):
    """How often predictions are right against how sure they are.

    Attributes:
        bins: Those that have rows, the least confident first.
        expected_calibration_error: Mean distance of accuracy from confidence, weighted by rows (Guo and
            others, On Calibration of Modern Neural Networks, 2017, equation 3).
    """

    bins: tuple[Bin, ...]
    expected_calibration_error: float


def reliability(confidence: npt.ArrayLike, is_right: npt.ArrayLike, n_bins: int = N_BINS) -> Reliability:
    """Return accuracy against confidence in bins of equal width from 0 to 1.

    A bin has its upper end and not its lower, as in scikit-learn's `calibration_curve`.

    Args:
        confidence: [rows], probability of the class that is predicted.
        is_right: [rows], whether it is the row's label.
        n_bins: How many bins.
    """
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(is_right, dtype=np.float64)
    at = np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], sure)
    bins = tuple(
        Bin(float(sure[at == each].mean()), float(right[at == each].mean()), int(np.sum(at == each)))
        for each in np.unique(at)
    )
    distance = sum(each.n_rows * abs(each.accuracy - each.confidence) for each in bins)
    return Reliability(bins, distance / len(sure))


class Calibration(NamedTuple):
    """Reliability of single members, and of the ensemble of them.

    Attributes:
        members: Over the rows of all members and seeds.
        ensemble: Over the rows of all seeds.
        error_of_members: Expected calibration error of each seed, the mean over its members.
        error_of_ensemble: The same of the averaged prediction.
    """

    members: Reliability
    ensemble: Reliability
    error_of_members: tuple[float, ...]
    error_of_ensemble: tuple[float, ...]


def calibration(pools: Sequence[Pool], n_bins: int = N_BINS) -> Calibration:
    """Return how sure and how right members are, and the ensemble of all members of each pool.

    Raises:
        ConfigError: if the task has no classes.
    """
    if pools[0].task == "regression":
        raise ConfigError("the task must have classes for probabilities to be held against, got regression")
    each = [[_sureness(values, members) for values in members.values] for members in pools]
    together = [_sureness(members.values.mean(axis=0), members) for members in pools]
    return Calibration(
        _over_rows([one for of_seed in each for one in of_seed], n_bins),
        _over_rows(together, n_bins),
        tuple(float(np.mean([_ece(one, n_bins) for one in of_seed])) for of_seed in each),
        tuple(_ece(one, n_bins) for one in together),
    )


_Sureness = tuple[Floats, npt.NDArray[np.bool_]]


def _sureness(values: Floats, members: Pool) -> _Sureness:
    """Return the probability of each row's predicted class, and whether that is right."""
    top = np.maximum(values, 1 - values)[:, 0] if members.task == "binary" else values.max(axis=1)
    return top, _classes(values, members.task) == members.y


def _over_rows(parts: Sequence[_Sureness], n_bins: int) -> Reliability:
    return reliability(
        np.concatenate([sure for sure, _ in parts]), np.concatenate([right for _, right in parts]), n_bins
    )


def _ece(part: _Sureness, n_bins: int) -> float:
    return reliability(*part, n_bins).expected_calibration_error


class Source(NamedTuple):
    """What an ensemble buys whose members differ in one thing.

    Attributes:
        name: What differs, a key of `SOURCES`.
        correlation: rho of members' errors, over seeds.
        single: Squared error of one member, the mean over members and seeds.
        ensemble: Squared error of their averaged prediction.
        gain: `single` less `ensemble`, seed by seed.
    """

    name: str
    correlation: MeanInterval
    single: MeanInterval
    ensemble: MeanInterval
    gain: MeanInterval


def source_configs(config: Config, members: int) -> dict[str, Config]:
    """Return ensembles of so many members that differ in one thing each, by the names of `SOURCES`."""
    return {name: config.replace(members=members, **fields) for name, fields in SOURCES.items()}


def sources(pools: Mapping[str, Sequence[Pool]]) -> tuple[Source, ...]:
    """Return what each source of diversity buys, in order: name -> pools whose members differ in it."""
    return tuple(_source(name, of_source) for name, of_source in pools.items())


def _source(name: str, pools: Sequence[Pool]) -> Source:
    parts = [ambiguity(each, each.n_members) for each in pools]
    return Source(
        name,
        statistics.mean_interval([error_moments(each).correlation for each in pools]),
        statistics.mean_interval([part.of_members for part in parts]),
        statistics.mean_interval([part.of_mean for part in parts]),
        statistics.mean_interval([part.spread for part in parts]),
    )


def _check_size(k: int, n: int) -> None:
    if not 1 <= k <= n:
        raise ConfigError(f"k must be 1 to {n}, the members there are, got {k!r}")
