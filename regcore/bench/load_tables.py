"""The figures of a load, from single actions: how long each kind takes against alone, shares, memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median

from regcore.bench.load_lesson import KINDS, UNCACHED
from regcore.bench.load_record import PROGRAM, SERVER, TAB, WORKERS, Action, Load, Phase
from regcore.bench.report import Claim, Column, Table

PERCENT = 95
# How many times as long as alone an action may take: what trains nothing; and what trains, which may take so
# many times as long for each job that shares a core.
AGAINST_ALONE, AGAINST_SHARED = 3.0, 1.5
SHARES = 1.5
MEMORY_GROWTH = 0.10
# Fewer finished runs a session say nothing about their shares.
RUNS_FOR_SHARES = 4
# Memory after the first minute, and at the end: both are medians over so many seconds.
FIRST_SECONDS, LAST_SECONDS, SECONDS_OF_MEMORY = 60.0, 15.0, 120.0
CORE_SECONDS = 1.0


def percentile(values: Sequence[float], percent: float = PERCENT) -> float:
    """Return the smallest of some values that so many percent of them do not exceed; NaN of none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def active_jobs(action: Action, actions: Sequence[Action]) -> float:
    """Return how many runs were under way during one that trains, itself included, on average over its time.

    Args:
        action: The one.
        actions: All that train.
    """
    end = action.began + action.seconds
    shared = sum(
        max(0.0, min(end, other.began + other.seconds) - max(action.began, other.began)) for other in actions
    )
    return shared / action.seconds


def ratios(load: Load, phase: Phase, kind: str, by: str = PROGRAM) -> list[float]:
    """Return how many times as long as it may have taken each action took, but for the allowed factor.

    One that trains nothing is held against its time alone. One that trains is held against that times the
    jobs that share a core: with no more jobs than cores, each has a core.
    """
    alone = load.seconds_alone(phase, kind, by)
    if kind != UNCACHED:
        return [each.seconds / alone for each in phase.of(kind, by)]
    training = [each for each in phase.actions if each.kind == UNCACHED]
    return [
        each.seconds / (max(1.0, active_jobs(each, training) / load.n_cores) * alone)
        for each in phase.of(kind, by)
    ]


def finished_runs(phase: Phase) -> list[int]:
    """Return how many runs of its own, which nobody else had asked for, each program saw finish."""
    found = Counter(each.session for each in phase.of(UNCACHED))
    return [found[session] for session in range(phase.n_sessions)]


def memory_change(phase: Phase, who: str) -> tuple[float, float]:
    """Return the bytes that somebody held after the first minute, and those at the end."""
    begin, end = phase.samples[0].at, phase.samples[-1].at
    first = [s.memory[who] for s in phase.samples if 0 <= s.at - begin - FIRST_SECONDS <= LAST_SECONDS]
    last = [s.memory[who] for s in phase.samples if end - s.at <= LAST_SECONDS]
    return (median(first) if first else math.nan), median(last)


def actions_table(load: Load) -> Table:
    """Return one row for each kind of action and number of sessions."""
    rows = []
    for phase in load.phases:
        for by in (PROGRAM, TAB):
            for kind in KINDS:
                found = [each.seconds for each in phase.of(kind, by)]
                if not found:
                    continue
                of_bound = percentile(ratios(load, phase, kind, by))
                most = percentile(found)
                alone = load.seconds_alone(phase, kind, by)
                times = (alone, median(found), most, most / alone, of_bound)
                rows.append((phase.n_sessions, by, kind, len(found), *times))
    return Table(
        name="actions",
        title="Actions: from a move until its answer is complete",
        columns=(
            Column("sessions", "sessions", "d"), Column("by", "by"), Column("kind", "what"),
            Column("count", "count", "d"), Column("alone", "alone, s", ".3f"),
            Column("median", "median", ".3f"), Column("p95", "95th perc.", ".3f"),
            Column("ratio", "/ alone", ".1f"), Column("shared_ratio", "/ shared", ".2f"),
        ),
        rows=rows,
        notes=(
            "Alone: the median right before and right after. / alone: the 95th percentile against it. "
            "/ shared: the 95th percentile of each action against its share; of what trains, its time alone "
            "times the jobs that share a core while it is under way, at least one.",
        ),
    )  # fmt: skip


def usage_table(load: Load) -> Table:
    """Return one row for each who used the machine, and number of sessions."""
    rows = []
    for phase in load.in_order():
        for who in phase.samples[-1].seconds:
            first, last = memory_change(phase, who)
            growth = 100 * (last / first - 1) if first else math.nan
            rows.append((phase.n_sessions, who, phase.cores(who), first / 1e6, last / 1e6, growth))
    return Table(
        name="usage",
        title="Who used the machine",
        columns=(
            Column("sessions", "sessions", "d"), Column("who", "who"), Column("cores", "cores", ".2f"),
            Column("first", "MB after a minute", ",.0f"), Column("last", "MB at the end", ",.0f"),
            Column("growth", "change, %", "+.1f"),
        ),
        rows=rows,
        notes=("In the order of time: one session alone, before and after many.",),
    )  # fmt: skip


def machine_table(load: Load) -> Table:
    """Return one row for each number of sessions: how fast the machine was."""
    rows = []
    for phase in load.in_order():
        pieces = [1e3 * sample.piece_seconds for sample in phase.samples]
        rows.append((phase.n_sessions, len(pieces), median(pieces), percentile(pieces)))
    return Table(
        name="machine",
        title="How fast the machine was: core-milliseconds of a piece of Python that is always the same",
        columns=(
            Column("sessions", "sessions", "d"), Column("count", "count", "d"),
            Column("median", "median", ".2f"), Column("p95", "95th perc.", ".2f"),
        ),
        rows=rows,
        notes=(
            "A core that others share takes longer, and one that has just slept; a Python that was built "
            "without optimisations takes a third longer.",
        ),
    )  # fmt: skip


def sessions_table(load: Load) -> Table:
    """Return one row for each number of sessions: what went wrong, and how the work was shared out."""
    rows = []
    for phase in load.phases:
        runs = finished_runs(phase)
        trained = [each for each in phase.of(UNCACHED)]
        at_once = [active_jobs(each, trained) for each in trained]
        surprises = sum(each.trained for each in phase.actions if each.kind != UNCACHED)
        rows.append(
            (
                phase.n_sessions, phase.n_tabs, phase.seconds, len(phase.actions), len(phase.faults),
                len(phase.lost), min(runs), max(runs), median(at_once) if at_once else math.nan,
                max(at_once, default=math.nan), surprises,
            )
        )  # fmt: skip
    return Table(
        name="sessions",
        title="Sessions",
        columns=(
            Column("sessions", "sessions", "d"), Column("tabs", "tabs", "d"), Column("seconds", "s", ".0f"),
            Column("actions", "actions", "d"), Column("faults", "errors", "d"), Column("lost", "lost", "d"),
            Column("fewest", "fewest runs", "d"), Column("most", "most runs", "d"),
            Column("jobs", "jobs at once", ".1f"), Column("jobs_most", "most", ".1f"),
            Column("surprises", "retrained", "d"),
        ),
        rows=rows,
        notes=(
            "fewest and most runs: new ones that a session saw finish; all are of one size, as many chunks "
            "each. jobs at once: those under way while one of them was. retrained: what had been trained "
            "before, and was not kept until it was asked for again.",
        ),
    )  # fmt: skip


def claims(load: Load) -> tuple[Claim, ...]:
    """Return what has to hold with each number of sessions."""
    faults = [fault for phase in load.alone for fault in phase.faults]
    lost = [run for phase in load.alone for run in phase.lost]
    of_alone = Claim(
        "one alone: no error, and no run is lost",
        f"{len(faults)} errors, {len(lost)} lost",
        not faults and not lost,
    )
    return (of_alone, *(claim for phase in load.phases for claim in _claims(load, phase)))


def _claims(load: Load, phase: Phase) -> list[Claim]:
    with_them = f"with {phase.n_sessions} sessions"
    found = [
        Claim(
            f"{with_them} no error, and no run is lost",
            f"{len(phase.faults)} errors, {len(phase.lost)} lost",
            not phase.faults and not phase.lost,
        )
    ]
    found += [_in_time(load, phase, kind) for kind in KINDS if phase.of(kind)]
    found += [_cost(phase, with_them)] if phase.of(UNCACHED) else []
    found += [_shares(phase, with_them)] if max(finished_runs(phase)) >= RUNS_FOR_SHARES else []
    found += [_memory(phase, with_them)] if phase.seconds >= SECONDS_OF_MEMORY else []
    return found


def _in_time(load: Load, phase: Phase, kind: str) -> Claim:
    allowed = AGAINST_SHARED if kind == UNCACHED else AGAINST_ALONE
    against = "its time alone times the jobs that share a core" if kind == UNCACHED else "its time alone"
    most = percentile(ratios(load, phase, kind))
    return Claim(
        f"with {phase.n_sessions} sessions, {kind}: at most {allowed:g} times {against}",
        f"{most:.2f} times, the {PERCENT}th percentile of {len(phase.of(kind))}",
        most <= allowed,
    )


def _cost(phase: Phase, with_them: str) -> Claim:
    n_new = sum(each.kind == UNCACHED for each in phase.actions)
    core_seconds = phase.cores(WORKERS) * phase.seconds / n_new
    return Claim(
        f"{with_them} a new run takes at most {CORE_SECONDS:g} core-second",
        f"{core_seconds:.2f} of the workers, all told",
        core_seconds <= CORE_SECONDS,
    )


def _shares(phase: Phase, with_them: str) -> Claim:
    runs = finished_runs(phase)
    share = max(runs) / min(runs) if min(runs) else math.inf
    text = f"{with_them} shares of finished chunks within a factor {SHARES:g}"
    return Claim(text, f"{share:.2f}, {min(runs)} to {max(runs)} runs of one size", share <= SHARES)


def _memory(phase: Phase, with_them: str) -> Claim:
    both = [memory_change(phase, who) for who in (SERVER, WORKERS)]
    first, last = sum(each[0] for each in both), sum(each[1] for each in both)
    return Claim(
        f"{with_them} memory at the end within {MEMORY_GROWTH:.0%} of that after the first minute",
        f"{last / first - 1:+.1%}, from {first / 1e6:,.0f} to {last / 1e6:,.0f} MB, server and workers",
        last <= (1 + MEMORY_GROWTH) * first,
    )
