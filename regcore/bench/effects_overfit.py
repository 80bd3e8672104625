"""Whether the checklist tells a healthy network from a broken one, and which check tells which fault."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from regcore.bench.report import Claim, Column, ProgressLine, Table
from regcore.bench.seeds import FIRST_SEED, N_SEEDS_QUICK, SEEDS_AT_ONCE, shown
from regcore.checklist import (
    FIRST_LOSS,
    MEMORISED,
    MEMORISED_BOUND,
    NETWORK,
    ONE_BATCH,
    RANDOM,
    THE_INPUT,
    Check,
    checklist,
    experiments,
    joined,
)
from regcore.config import Config
from regcore.data import DATASET_INFO
from regcore.errors import DataError
from regcore.execution import compare
from regcore.faults import FAULTS, Fault
from regcore.lessons import named
from regcore.lessons.overfit_first import HEALTHY, LESSONS

if TYPE_CHECKING:
    import pandas as pd

N_SEEDS = 20
# Faults that the checklist cannot tell from each other, and the checks that they fail.
ALIKE = ("Zero initial weights", "Step size too small", "Step size too large", "A dead layer")
N_ALIKE = 4
WHAT = "overfit first"


def measure(quick: bool, progress: ProgressLine | None = None) -> tuple[tuple[Table, ...], tuple[Claim, ...]]:
    """Return what the checklist says of healthy networks on all data sets, and of each fault on digits.

    Args:
        quick: Four seeds instead of twenty, and none of the sets that have to be downloaded.
        progress: Where to say how far it is.
    """
    n_seeds = N_SEEDS_QUICK if quick else N_SEEDS
    healthy, missing = _healthy(n_seeds, quick, progress)
    broken = {
        fault: _checks(fault.broken(HEALTHY["digits"]), n_seeds, fault.name, progress) for fault in FAULTS
    }
    shuffled = _checks(named(LESSONS, "Shuffled labels").config, n_seeds, "shuffled labels", progress)
    tables = (healthy_table(healthy, missing, n_seeds), fault_table(broken))
    claims = [_is_healthy(data, checks) for data, checks in healthy.items()]
    caught = [_is_caught(fault, checks) for fault, checks in broken.items()]
    later = _is_later(*_memorised_at(n_seeds, progress))
    of_prose = (
        _is_blind(shuffled),
        _begins_right(broken),
        _learns_something(broken),
        _look_alike(broken),
        later,
    )
    return tables, (*claims, *caught, *of_prose)


def _healthy(
    n_seeds: int, quick: bool, progress: ProgressLine | None
) -> tuple[dict[str, tuple[Check, ...]], list[str]]:
    found, missing = {}, []
    for data, config in HEALTHY.items():
        is_downloaded = data in ("mnist", "fashion_mnist")
        try:
            if quick and is_downloaded:
                continue
            found[data] = _checks(config, n_seeds, data, progress)
        except DataError:
            if not is_downloaded:
                raise
            missing.append(DATASET_INFO[data].title)
    return found, missing


def _checks(config: Config, n_seeds: int, what: str, progress: ProgressLine | None) -> tuple[Check, ...]:
    blocks = range(FIRST_SEED, FIRST_SEED + n_seeds, SEEDS_AT_ONCE)
    parts = []
    for at, first in enumerate(blocks):
        unseen = config.replace(seed=first, seeds=min(SEEDS_AT_ONCE, FIRST_SEED + n_seeds - first))
        told = shown(progress, at, len(blocks), f"{WHAT}: {what}")
        parts.append(checklist(compare(experiments(unseen), on_progress=told).results))
    return joined(parts)


def healthy_table(healthy: dict[str, tuple[Check, ...]], missing: Sequence[str], n_seeds: int) -> Table:
    """Return one row for each data set and check."""
    notes = [f"Means over seeds {FIRST_SEED} to {FIRST_SEED + n_seeds - 1}; errors are fractions of rows."]
    if missing:
        notes.append(f"Not on this machine, and left out: {', '.join(missing)}.")
    return Table(
        name="healthy_networks",
        title="Overfit first: a healthy network on each data set of classes",
        columns=(
            Column("data", "data"),
            Column("check", "check"),
            Column("number", "number", ".4f"),
            Column("bound", "bound", ".4f"),
            Column("passes_on", "passes on"),
        ),
        rows=[
            (data, check.name, check.number, check.bound, f"{check.passes_on}/{len(check.values)}")
            for data, checks in healthy.items()
            for check in checks
        ],
        notes=tuple(notes),
    )


def fault_table(broken: dict[Fault, tuple[Check, ...]]) -> Table:
    """Return one row for each fault: on how many seeds each check fails."""
    names = [check.name for check in next(iter(broken.values()))]
    return Table(
        name="faults",
        title="Overfit first: seeds on which a check fails, digits",
        columns=(
            Column("fault", "fault"),
            *(Column(f"check_{at}", f"{at}", "d") for at in range(1, len(names) + 1)),
            Column("named", "the page names"),
        ),
        rows=[
            (fault.name, *(_failures(check) for check in checks), fault.caught_by)
            for fault, checks in broken.items()
        ],
        notes=("; ".join(f"{at}: {name}" for at, name in enumerate(names, 1)) + ".",),
    )


def _failures(check: Check) -> int:
    return len(check.values) - check.passes_on


def _is_healthy(data: str, checks: tuple[Check, ...]) -> Claim:
    failed = [f"{check.name}, {check.number:.3g}" for check in checks if not check.passes]
    measured = "; ".join(failed) or f"{len(checks)} of {len(checks)}"
    return Claim(f"Overfit first: a healthy network passes every check on {data}", measured, not failed)


def _is_caught(fault: Fault, checks: tuple[Check, ...]) -> Claim:
    (named,) = (check for check in checks if check.name == fault.caught_by)
    measured = f"on {_failures(named)} of {len(named.values)} seeds"
    text = f"Overfit first: “{fault.name}” is caught by “{fault.caught_by}”"
    return Claim(text, measured, _failures(named) == len(named.values))


def _is_blind(shuffled: tuple[Check, ...]) -> Claim:
    by_name = {check.name: check for check in shuffled}
    memorised, the_input = by_name[MEMORISED], by_name[THE_INPUT]
    n = len(memorised.values)
    measured = f"memorised on {memorised.passes_on}, the input fails on {_failures(the_input)} of {n} seeds"
    text = "Overfit first: shuffled labels are memorised, and the input does not matter"
    return Claim(text, measured, memorised.passes_on == n == _failures(the_input))


def _begins_right(broken: Mapping[Fault, tuple[Check, ...]]) -> Claim:
    check = _of(broken, "Step size too small", FIRST_LOSS)
    n = len(check.values)
    text = "Overfit first: with “Step size too small” the loss begins near ln C"
    return Claim(text, f"on {check.passes_on} of {n} seeds", check.passes_on == n)


def _learns_something(broken: Mapping[Fault, tuple[Check, ...]]) -> Claim:
    the_input, batch = (_of(broken, "Two units wide", name) for name in (THE_INPUT, ONE_BATCH))
    n = len(batch.values)
    measured = (
        f"validation error {the_input.number:.3f}; one batch is not learnt on {_failures(batch)} of {n} seeds"
    )
    text = "Overfit first: “Two units wide” learns something, and not one batch by heart"
    return Claim(text, measured, the_input.passes and _failures(batch) == n)


def _look_alike(broken: Mapping[Fault, tuple[Check, ...]]) -> Claim:
    failed = {
        fault.name: {check.name for check in checks if not check.passes} for fault, checks in broken.items()
    }
    alike = [failed[name] for name in ALIKE]
    text = f"Overfit first: {len(ALIKE)} of the faults fail the same four checks"
    return Claim(
        text,
        "; ".join(f"“{name}” {len(failed[name])}" for name in ALIKE),
        all(each == alike[0] and len(each) == N_ALIKE for each in alike),
    )


def _of(broken: Mapping[Fault, tuple[Check, ...]], fault: str, name: str) -> Check:
    (checks,) = (checks for each, checks in broken.items() if each.name == fault)
    return next(check for check in checks if check.name == name)


def _memorised_at(n_seeds: int, progress: ProgressLine | None) -> tuple[list[float], list[float]]:
    """Return the epoch at which right labels are memorised, and random ones, one a seed; infinite: never."""
    found: dict[str, list[float]] = {NETWORK: [], RANDOM: []}
    blocks = range(FIRST_SEED, FIRST_SEED + n_seeds, SEEDS_AT_ONCE)
    for at, first in enumerate(blocks):
        unseen = HEALTHY["digits"].replace(seed=first, seeds=min(SEEDS_AT_ONCE, FIRST_SEED + n_seeds - first))
        configs = {name: config for name, config in experiments(unseen).items() if name in found}
        told = shown(progress, at, len(blocks), f"{WHAT}: when labels are memorised")
        for name, result in compare(configs, on_progress=told).results.items():
            found[name] += [_first_epoch(of_seed) for _, of_seed in result.history.groupby("seed")]
    return found[NETWORK], found[RANDOM]


def _first_epoch(history: pd.DataFrame) -> float:
    memorised = history.loc[history["train_error"] <= MEMORISED_BOUND, "epoch"]
    return float(memorised.min()) if len(memorised) else math.inf


def _is_later(right: Sequence[float], random: Sequence[float]) -> Claim:
    later = sum(one < other < math.inf for one, other in zip(right, random, strict=True))
    measured = (
        f"on {later} of {len(right)} seeds; epochs {min(right):g} to {max(right):g}, and {min(random):g} to "
        f"{max(random):g}"
    )
    text = "Overfit first: labels that mean nothing are memorised as well as right ones, only later"
    return Claim(text, measured, later == len(right))
