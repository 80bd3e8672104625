"""What the page on ensembles says of its own experiments, on seeds that nothing was tuned on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from regcore import ensembles
from regcore.bench.report import Claim, Column, ProgressLine, Table
from regcore.bench.seeds import FIRST_SEED, N_SEEDS, N_SEEDS_QUICK, SEEDS_AT_ONCE, shown
from regcore.config import Config
from regcore.ensembles import LOSS, POOL, SQUARED_ERROR, BySize, Calibration, Pool, Source
from regcore.execution import compare
from regcore.lessons import named
from regcore.lessons.ensembles import LESSONS
from regcore.results import Result
from regcore.scoring import noise_floor
from regcore.statistics import BETTER, mean_interval, paired_difference

DIGITS, CURVE, BOUNDARIES, SAME = "Digits, wrong labels", "A curve", "Boundaries", "Identical members"
# Of labels of digits that are redrawn, and still wrong then.
WRONG = noise_floor(0.3, 10).error
T = TypeVar("T")
SOURCE_MEMBERS = 8
FEW = 5


class Found(NamedTuple):
    """What was measured of the page's experiments.

    Attributes:
        digits: The first experiment, by size.
        pairs: Its squared error over all pairs less what the identity says, one a seed.
        train_errors: Fraction of train rows that its networks get wrong in the end, one a seed.
        curve: The experiment on a curve.
        parting: How far its members lie apart on validation rows that are far from every train row, as a
            multiple of how far they do on the others; one a seed.
        boundaries: The experiment on two features.
        same: The experiment with identical members.
        sources: What makes members differ, on the first experiment.
        calibration: Of ensembles of five, on the first experiment.
    """

    digits: BySize
    pairs: tuple[float, ...]
    train_errors: tuple[float, ...]
    curve: BySize
    parting: tuple[float, ...]
    boundaries: BySize
    same: BySize
    sources: tuple[Source, ...]
    calibration: Calibration


def measure(quick: bool, progress: ProgressLine | None = None) -> tuple[tuple[Table, ...], tuple[Claim, ...]]:
    """Return tables of the page's experiments and its claims.

    Args:
        quick: Four seeds instead of sixteen.
        progress: Where to say how far it is.
    """
    found = measured(N_SEEDS_QUICK if quick else N_SEEDS, progress)
    return (size_table(found.digits), source_table(found.sources)), claims(found)


def measured(n_seeds: int, progress: ProgressLine | None = None, pool: int = POOL) -> Found:
    """Train the experiments with pools of so many members, and return what they measure."""

    def trained(name: str, read: Callable[[Result], Sequence[T]]) -> list[T]:
        config = named(LESSONS, name).config.replace(members=pool)
        return _read({name: config}, n_seeds, progress, read)[name]

    sizes = ensembles.sizes_of(pool)
    digits = trained(DIGITS, _with_train_errors)
    curve = trained(CURVE, _with_parting)
    boundaries, same = (trained(name, ensembles.pools_of) for name in (BOUNDARIES, SAME))
    asked = ensembles.source_configs(named(LESSONS, DIGITS).config, SOURCE_MEMBERS)
    return Found(
        digits=ensembles.by_size([each for each, _ in digits], sizes),
        pairs=tuple(_off_identity(each) for each, _ in digits),
        train_errors=tuple(error for _, error in digits),
        curve=ensembles.by_size([each for each, _ in curve], sizes),
        parting=tuple(times for _, times in curve),
        boundaries=ensembles.by_size(boundaries, sizes),
        same=ensembles.by_size(same, sizes),
        sources=ensembles.sources(_read(asked, n_seeds, progress, ensembles.pools_of)),
        calibration=ensembles.calibration([each.first(FEW) for each, _ in digits]),
    )


def _read(
    configs: dict[str, Config],
    n_seeds: int,
    progress: ProgressLine | None,
    read: Callable[[Result], Sequence[T]],
) -> dict[str, list[T]]:
    """Return what is read of each seed for each configuration, trained a few seeds at a time."""
    found: dict[str, list[T]] = {name: [] for name in configs}
    firsts = range(FIRST_SEED, FIRST_SEED + n_seeds, SEEDS_AT_ONCE)
    for at, first in enumerate(firsts):
        n_now = min(SEEDS_AT_ONCE, FIRST_SEED + n_seeds - first)
        unseen = {name: config.replace(seed=first, seeds=n_now) for name, config in configs.items()}
        told = shown(progress, at, len(firsts), f"ensembles: {next(iter(configs))}")
        for name, result in compare(unseen, on_progress=told).results.items():
            found[name] += read(result)
    return found


def _with_train_errors(result: Result) -> list[tuple[Pool, float]]:
    """Return the pool of each seed, and on which part of the train rows its networks are wrong in the end."""
    history = result.history
    last = history[history["epoch"] == result.config.epochs].groupby("seed")["train_error"].mean()
    return [(each, float(last[each.seed])) for each in ensembles.pools_of(result)]


def _with_parting(result: Result) -> list[tuple[Pool, float]]:
    """Return the pool of each seed, and how much further its members part where no train row is near."""
    return [(each, _parting(each, result)) for each in ensembles.pools_of(result)]


def _parting(pool: Pool, result: Result) -> float:
    split = result.dataset.split(pool.seed)
    distance = np.abs(split.X_val - split.X_train.T).min(axis=1)
    apart = pool.values[:, :, 0].std(axis=0, ddof=1)
    is_far = distance > np.median(distance)
    return float(apart[is_far].mean() / apart[~is_far].mean())


def _off_identity(pool: Pool) -> float:
    n = pool.n_members
    pairs = ensembles.measure(pool, ensembles.subsets(n, 2, n * n))[SQUARED_ERROR]
    return pairs - ensembles.error_moments(pool).squared_error(2)


def size_table(found: BySize) -> Table:
    """Return one row for each ensemble size of the first experiment."""
    columns = {name: found.intervals(name) for name in found.values}
    theory = [found.theory(size) for size in found.sizes]
    return Table(
        name="ensemble_sizes",
        title="Ensembles: digits, 30 % of labels redrawn, by how many are averaged",
        columns=(
            Column("k", "k", "d"),
            *(Column(name, name.replace("_", " "), ".4f") for name in columns),
            Column("theory", "rho s2 + (1 - rho) s2 / k", ".4f"),
            Column("independent", "s2 / k", ".4f"),
            Column("between", "variance between", ".5f"),
        ),
        rows=[
            (
                size, *(intervals[at].mean for intervals in columns.values()), theory[at][0], theory[at][1],
                float(np.mean(found.between[:, at])),
            )
            for at, size in enumerate(found.sizes)
        ],
        notes=(
            f"Validation rows, means over {len(found.moments)} seeds from {FIRST_SEED}; rho is "
            f"{found.correlation.mean:.3f}, the floor {theory[0][2]:.4f}, the knee {found.knee()}.",
        ),
    )  # fmt: skip


def source_table(found: tuple[Source, ...]) -> Table:
    """Return one row for each thing that may differ between members."""
    return Table(
        name="ensemble_sources",
        title=f"Ensembles: what differs between {SOURCE_MEMBERS} members, Brier score on digits",
        columns=(
            Column("source", "differs in"),
            Column("correlation", "rho", ".3f"),
            Column("single", "one member", ".4f"),
            Column("ensemble", "average", ".4f"),
            Column("gain", "gain", "+.4f"),
            Column("low", "95 % from", "+.4f"),
            Column("high", "to", "+.4f"),
        ),
        rows=[
            (
                each.name, each.correlation.mean, each.single.mean, each.ensemble.mean, each.gain.mean,
                each.gain.low, each.gain.high,
            )
            for each in found
        ],
    )  # fmt: skip


def claims(found: Found) -> tuple[Claim, ...]:
    """Return what the page says of its experiments, each held against what was measured."""
    return (
        _identity(found.pairs),
        _far_above_independence(found.digits),
        _first_buy_most(found.digits),
        _between_falls(found.digits),
        _loss_is_bounded(found.digits),
        _wrong_labels(found.train_errors),
        _gains("Ensembles, a curve: the average of 8 has a lower squared error", found.curve, 8),
        _part(found.parting),
        _alike(found.boundaries),
        _nothing_gained(found.same),
        _bootstrap(found.sources),
        _calibrated(found.calibration),
    )


def _identity(off: tuple[float, ...]) -> Claim:
    largest = max(map(abs, off))
    text = "Ensembles, digits: Brier score over all pairs is that of the identity, to 1e-10"
    return Claim(text, f"off by {largest:.1e} at most", largest < 1e-10)


def _far_above_independence(found: BySize) -> Claim:
    measured = found.intervals(SQUARED_ERROR)[-1].mean
    _, independent, floor = found.theory(found.pool)
    text = f"Ensembles, digits: with {found.pool} networks at the floor, and five times above s2 / k"
    holds = measured > 5 * independent and measured < 1.02 * floor
    return Claim(text, f"{measured:.4f}; floor {floor:.4f}, s2 / k {independent:.4f}", holds)


def _first_buy_most(found: BySize) -> Claim:
    gains = found.gains(SQUARED_ERROR)
    part = gains[found.sizes.index(FEW)].mean / gains[-1].mean
    text = f"Ensembles, digits: the first {FEW} networks buy three quarters of the gain of {found.pool}"
    return Claim(text, f"{part:.0%}", part >= 0.75)


def _between_falls(found: BySize) -> Claim:
    k = found.pool // 2
    means = found.between.mean(axis=0)
    ratio = float(means[found.sizes.index(k)] * k / means[0])
    text = f"Ensembles, digits: the variance from one ensemble of {k} to the next is 1 / {k}, within a tenth"
    return Claim(text, f"{ratio:.3f} / {k}", abs(ratio - 1) < 0.1)


def _loss_is_bounded(found: BySize) -> Claim:
    losses = found.values[LOSS]
    n = int(np.sum(losses[:, -1] < losses[:, 0]))
    text = "Ensembles, digits: the loss of the average is below the mean loss on every seed"
    return Claim(text, f"on {n} of {len(losses)}", n == len(losses))


def _wrong_labels(errors: tuple[float, ...]) -> Claim:
    text = f"Ensembles, digits: networks learn part of the {WRONG:.0%} of wrong labels, on every seed"
    return Claim(
        text, f"wrong on {min(errors):.1%} to {max(errors):.1%}", 0.05 < min(errors) <= max(errors) < WRONG
    )


def _part(times: tuple[float, ...]) -> Claim:
    found = mean_interval(times)
    text = "Ensembles, a curve: members lie further apart where no train row is near"
    return Claim(text, f"{found.mean:.2f} times, from {found.low:.2f} to {found.high:.2f}", found.low > 1)


def _alike(found: BySize) -> Claim:
    rho = found.correlation
    text = "Ensembles, boundaries: networks are mostly wrong about the same rows, rho is above 0.8"
    return Claim(text, f"{rho.mean:.3f}, from {rho.low:.3f} to {rho.high:.3f}", rho.low > 0.8)


def _gains(text: str, found: BySize, k: int) -> Claim:
    paired = found.paired(SQUARED_ERROR, k)
    measured = f"{paired.mean:+.4f}, from {paired.low:+.4f} to {paired.high:+.4f}"
    return Claim(text, measured, paired.verdict == BETTER)


def _nothing_gained(found: BySize) -> Claim:
    values = found.values[SQUARED_ERROR]
    largest = float(np.abs(values - values[:, :1]).max())
    rho = min(each.correlation for each in found.moments)
    text = "Ensembles, identical members: rho is 1 and nothing is gained, to 1e-12"
    return Claim(text, f"rho {rho:.12f}, {largest:.1e} at most", largest < 1e-12 and abs(rho - 1) < 1e-9)


def _bootstrap(found: tuple[Source, ...]) -> Claim:
    by_name = {source.name: source for source in found}
    usual, drawn = by_name["weights and order"], by_name["all of them"]
    holds = drawn.correlation.high < usual.correlation.low and drawn.single.mean > usual.single.mean
    text = "Ensembles, digits: with own draws of the rows members differ more, and each is worse"
    measured = (
        f"rho {drawn.correlation.mean:.3f} against {usual.correlation.mean:.3f}, one member "
        f"{drawn.single.mean:.3f} against {usual.single.mean:.3f}"
    )
    return Claim(text, measured, holds)


def _calibrated(found: Calibration) -> Claim:
    paired = paired_difference(found.error_of_ensemble, found.error_of_members)
    alone = mean_interval(found.error_of_members).mean
    text = f"Ensembles, digits: the average of {FEW} is better calibrated than one network"
    measured = f"{alone:.3f}, {paired.mean:+.3f}, from {paired.low:+.3f} to {paired.high:+.3f}"
    return Claim(text, measured, paired.verdict == BETTER)
