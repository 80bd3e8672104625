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
from regcore.results import Split
from regcore.statistics import BETTER, WITHIN_NOISE, WORSE, MeanInterval

FIRST, WIDE, SPOILED, CLEAN = "All five at once", "A wider network", "One spoils the set", "Nothing to gain"
METRIC = "error"
SPLITS: tuple[Split, ...] = ("val", "test")

# What the first table of effects claims of those alone, the best first; level with each other within one.
RANKS = (("dropout", "early stopping"), ("augmentation",))


class Found(NamedTuple):
    """What was measured of the page's experiments, on validation rows as the page does.

    Attributes:
        first, wide, spoiled, clean: One for each experiment.
        wide_test: The same networks as `wide` on test rows, as the first table of effects has them.
    """

    first: Ablation
    wide: Ablation
    spoiled: Ablation
    clean: Ablation
    wide_test: Ablation


def measure(quick: bool, progress: ProgressLine | None = None) -> tuple[tuple[Table, ...], tuple[Claim, ...]]:
    """Return tables of the page's experiments and its claims.

    Args:
        quick: Four seeds instead of sixteen.
        progress: Where to say how far it is.
    """
    found = measured(N_SEEDS_QUICK if quick else N_SEEDS, progress)
    tables = table(WIDE, found.wide), table(WIDE, found.wide_test, "test"), table(FIRST, found.first)
    return tables, claims(found)


def measured(n_seeds: int, progress: ProgressLine | None = None) -> Found:
    """Train the experiments on so many seeds, and return what they measure."""
    first, wide, spoiled, clean = (
        measured_of(named(LESSONS, name).config, n_seeds, progress, f"ablation: {name}")
        for name in (FIRST, WIDE, SPOILED, CLEAN)
    )
    return Found(first["val"], wide["val"], spoiled["val"], clean["val"], wide["test"])


def measured_of(
    config: Config, n_seeds: int, progress: ProgressLine | None = None, what: str = ""
) -> dict[Split, Ablation]:
    """Train all that an ablation needs, a few seeds at a time, and return what it measures on each split."""
    configs = ablation.configurations(config)
    values: dict[Split, dict[str, dict[int, float]]] = {
        split: {name: {} for name in configs} for split in SPLITS
    }
    epochs = dict.fromkeys(configs, 0.0)
    firsts = range(FIRST_SEED, FIRST_SEED + n_seeds, SEEDS_AT_ONCE)
    for at, first in enumerate(firsts):
        n_now = min(SEEDS_AT_ONCE, FIRST_SEED + n_seeds - first)
        unseen = {name: each.replace(seed=first, seeds=n_now) for name, each in configs.items()}
        found = compare(unseen, on_progress=shown(progress, at, len(firsts), what)).results
        for name, result in found.items():
            epochs[name] += ablation.cost_of(result) * n_now
            for split in SPLITS:
                scores = result.metrics(split)
                values[split][name] |= dict(
                    zip(scores["seed"].tolist(), scores[METRIC].tolist(), strict=True)
                )
    costs = {name: total / n_seeds for name, total in epochs.items()}
    return {split: ablation.ablation_of(config, values[split], costs, METRIC) for split in SPLITS}


def table(name: str, found: Ablation, split: Split = "val") -> Table:
    """Return one row for each role and part of an experiment."""
    rows = "validation" if split == "val" else split
    return Table(
        name=f"ablation_{name.lower().replace(' ', '_')}_{split}",
        title=f"Ablation, {name.lower()}: {rows} error, %",
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
            *((ablation.in_words(found),) if split == "val" else ()),
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
        _same_order(found.wide, found.wide_test),
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
    """Return that parts of each rank are ahead of those of the next alone, and the last of them of none."""
    claimed = []
    for better, worse in zip(RANKS, (*RANKS[1:], ()), strict=True):
        for part in better:
            for other in worse or ("",):
                difference = _between(found, part, other)
                ahead = f"{part} alone ahead of {other or 'none'}"
                text = f"Ablation, {WIDE.lower()}: {ahead}, as in the effects table"
                claimed.append(Claim(text, _points(difference), difference.high < 0))
    return tuple(claimed)


def _same_order(found: Ablation, test: Ablation) -> Claim:
    """Return that validation has no two of the parts, or none, the other way round than test rows tell."""
    names = ("", *found.parts)
    told = [(one, other) for one in names for other in names if _between(test, one, other).high < 0]
    turned = [(one, other) for one, other in told if _between(found, one, other).mean >= 0]
    text = f"Ablation, {WIDE.lower()}: what test rows tell apart, alone or none, validation has in that order"
    order = ", ".join(
        name or "none" for name in sorted(names, key=lambda name: _between(found, name, "").mean)
    )
    return Claim(text, f"{len(told) - len(turned)} of {len(told)} pairs; {order}", bool(told) and not turned)


def _between(found: Ablation, part: str, other: str) -> MeanInterval:
    """Return one part alone minus another one alone, over seeds; without a name it is none."""

    # Both are held against none, seed by seed, which therefore falls out.
    def of_seeds(name: str) -> tuple[float, ...]:
        return found.row("alone", name).of_seeds if name else (0.0,) * found.row("none").interval.n

    return statistics.mean_interval([a - b for a, b in zip(of_seeds(part), of_seeds(other), strict=True)])


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
