"""What the page on ablation says of its own experiments, on seeds that nothing was tuned on."""

from __future__ import annotations

import math
from typing import NamedTuple

from regcore import ablation, statistics
from regcore.ablation import Ablation, Role, Row
from regcore.bench.report import Claim, Column, ProgressLine, Table
from regcore.bench.seeds import FIRST_SEED, N_SEEDS, N_SEEDS_QUICK, SEEDS_AT_ONCE, shown
from regcore.config import Config
from regcore.execution import compare
from regcore.lessons import named
from regcore.lessons.ablation import LESSONS
from regcore.statistics import BETTER, WITHIN_NOISE, WORSE, MeanInterval

FIRST, WIDE, SPOILED, CLEAN = "All five at once", "A wider network", "One spoils the set", "Nothing to gain"
METRIC = "error"

# How the first table of effects ranks what each does alone, the best first; level with each other within one.
RANKS = (("dropout", "early stopping"), ("augmentation",), ("ensemble", "L2"))


class Found(NamedTuple):
    """What was measured of the page's experiments."""

    first: Ablation
    wide: Ablation
    spoiled: Ablation
    clean: Ablation


def measure(quick: bool, progress: ProgressLine | None = None) -> tuple[tuple[Table, ...], tuple[Claim, ...]]:
    """Return tables of the page's experiments and its claims.

    Args:
        quick: Four seeds instead of sixteen.
        progress: Where to say how far it is.
    """
    found = measured(N_SEEDS_QUICK if quick else N_SEEDS, progress)
    return (table(WIDE, found.wide), table(FIRST, found.first)), claims(found)


def measured(n_seeds: int, progress: ProgressLine | None = None) -> Found:
    """Train the experiments on so many seeds, and return what they measure."""
    return Found(*(measured_of(name, n_seeds, progress) for name in (FIRST, WIDE, SPOILED, CLEAN)))


def measured_of(name: str, n_seeds: int, progress: ProgressLine | None = None) -> Ablation:
    """Train one experiment, a few seeds at a time, and return what it measures."""
    config = named(LESSONS, name).config
    return measured_config(config, n_seeds, progress, f"ablation: {name}")


def measured_config(
    config: Config, n_seeds: int, progress: ProgressLine | None = None, what: str = ""
) -> Ablation:
    """Train all that an ablation of this configuration needs, and return what it measures."""
    configs = ablation.configurations(config)
    values: dict[str, dict[int, float]] = {name: {} for name in configs}
    epochs = dict.fromkeys(configs, 0.0)
    firsts = range(FIRST_SEED, FIRST_SEED + n_seeds, SEEDS_AT_ONCE)
    for at, first in enumerate(firsts):
        n_now = min(SEEDS_AT_ONCE, FIRST_SEED + n_seeds - first)
        unseen = {name: each.replace(seed=first, seeds=n_now) for name, each in configs.items()}
        found = compare(unseen, on_progress=shown(progress, at, len(firsts), what)).results
        for name, result in found.items():
            scores = result.metrics("val")
            values[name] |= dict(zip(scores["seed"].tolist(), scores[METRIC].tolist(), strict=True))
            epochs[name] += ablation.cost_of(result) * n_now
    costs = {name: total / n_seeds for name, total in epochs.items()}
    return ablation.ablation_of(config, values, costs, METRIC)


def table(name: str, found: Ablation) -> Table:
    """Return one row for each role and part of an experiment."""
    return Table(
        name=f"ablation_{name.lower().replace(' ', '_')}",
        title=f"Ablation, {name.lower()}: validation error, %",
        columns=(
            Column("role", "role"),
            Column("part", "part"),
            Column("mean", "mean", ".2f"),
            Column("sd", "sd", ".2f"),
            Column("difference", "with it", "+.2f"),
            Column("low", "95 % from", "+.2f"),
            Column("high", "to", "+.2f"),
            Column("wins", "lower on"),
            Column("verdict", "verdict"),
            Column("cost", "epochs", ",.0f"),
        ),
        rows=[_in_row(row) for row in found.rows],
        notes=(
            f"{found.row('none').interval.n} seeds from {FIRST_SEED}. with it: with the part minus without "
            "it; of what is left out, all minus all but it. epochs: of one repetition, over all members, up "
            "to where patience runs out.",
            ablation.in_words(found),
        ),
    )


def _in_row(row: Row) -> tuple[str | float | None, ...]:
    paired = row.difference
    ends = (row.role, row.part, 100 * row.interval.mean, 100 * row.interval.sd)
    if paired is None:
        return (*ends, None, None, None, "", "", row.cost)
    differences = (100 * paired.mean, 100 * paired.low, 100 * paired.high)
    return (*ends, *differences, f"{paired.wins}/{paired.n}", paired.verdict, row.cost)


def claims(found: Found) -> tuple[Claim, ...]:
    """Return what the page says of its experiments, each held against what was measured."""
    return (
        *_ranks(found.wide),
        *(_verdict(FIRST, found.first, "alone", part, BETTER) for part in ("augmentation", *RANKS[0])),
        *(_verdict(FIRST, found.first, "left out", part, WITHIN_NOISE) for part in ("L2", "early stopping")),
        _as_well_alone(found.first),
        _overlap(found.first),
        _verdict(SPOILED, found.spoiled, "alone", "L2", BETTER),
        _verdict(SPOILED, found.spoiled, "left out", "L2", WORSE),
        _little_to_gain(found.clean),
        _verdict(CLEAN, found.clean, "left out", "dropout", WORSE),
    )


def _ranks(found: Ablation) -> tuple[Claim, ...]:
    """Return that parts of each rank beat those of the next alone, and the last of them none."""
    claimed = []
    for better, worse in zip(RANKS, (*RANKS[1:], ()), strict=True):
        for part in better:
            for other in worse or ("",):
                difference = _between(found, part, other)
                ahead = f"{part} alone ahead of {other or 'none'}"
                text = f"Ablation, {WIDE.lower()}: {ahead}, as in the effects table"
                claimed.append(Claim(text, _points(difference), difference.high < 0))
    return tuple(claimed)


def _between(found: Ablation, part: str, other: str) -> MeanInterval:
    """Return one part alone minus another one alone, over seeds; minus none, if there is no other."""
    one = found.row("alone", part).of_seeds
    # Both are held against none, seed by seed, which therefore falls out.
    against = found.row("alone", other).of_seeds if other else (0.0,) * len(one)
    return statistics.mean_interval([a - b for a, b in zip(one, against, strict=True)])


def _points(difference: MeanInterval) -> str:
    mean, low, high = (100 * each for each in (difference.mean, difference.low, difference.high))
    return f"{mean:+.2f} points, from {low:+.2f} to {high:+.2f}"


def _verdict(name: str, found: Ablation, role: Role, part: str, verdict: str) -> Claim:
    paired = found.row(role, part).difference
    where = "alone" if role == "alone" else "on top of the others"
    text = f"Ablation, {name.lower()}: {part} {where}: {verdict}"
    if paired is None:
        return Claim(text, "nothing", False)
    interval = MeanInterval(paired.mean, math.nan, paired.low, paired.high, paired.n)
    return Claim(text, _points(interval), paired.verdict == verdict)


def _as_well_alone(found: Ablation) -> Claim:
    paired = found.against_all["early stopping"]
    alone, together = found.row("alone", "early stopping"), found.row("all")
    text = f"Ablation, {FIRST.lower()}: early stopping alone is no worse than all, for a fifth of the epochs"
    if paired is None:
        return Claim(text, "nothing", False)
    measured = (
        f"{100 * paired.mean:+.2f} points, {paired.verdict}; {alone.cost:.0f} and {together.cost:.0f} epochs"
    )
    return Claim(text, measured, paired.verdict != WORSE and 5 * alone.cost <= together.cost)


def _overlap(found: Ablation) -> Claim:
    text = f"Ablation, {FIRST.lower()}: all together do less than the parts alone add up to"
    if found.overlap is None:
        return Claim(text, "nothing", False)
    return Claim(text, _points(found.overlap), found.overlap.low > 0)


def _little_to_gain(found: Ablation) -> Claim:
    gains = {row.part: _between(found, row.part, "").mean for row in found.of_role("alone")}
    best = min(gains, key=gains.__getitem__)
    text = f"Ablation, {CLEAN.lower()}: no part lowers the error by a point alone"
    return Claim(text, f"{best} by most, {100 * gains[best]:+.2f} points", gains[best] > -0.01)
