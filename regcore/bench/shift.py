"""How often `regcore.shift` gives a false alarm, and how often it finds what is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from regcore.bench.report import Claim, Column, ProgressLine, Report, Table, machine
from regcore.execution import Run, submit
from regcore.shift import BESIDE_LEVEL, N_RESPLITS, RESPLIT_LEVEL, Verdict, experiment, resplits, verdict
from regcore.shift_cases import CASES, N_ROWS, NETWORK, Case, halves

# No case or network was chosen by looking at this draw or later ones.
FIRST_DRAW = 6000
MOST_FALSE_ALARMS = 18
LEAST_DETECTED = 0.8
# Runs that train while the tests of one before them are done.
AHEAD = 4
TESTS = {
    "resplit": "the re-split test", "features": "Kolmogorov-Smirnov", "classifier": "the classifier",
    "labels": "chi-squared",
}  # fmt: skip
LEVELS = {name: RESPLIT_LEVEL if name == "resplit" else BESIDE_LEVEL for name in TESTS}


class Effort(NamedTuple):
    """How many splits are tested: of one distribution, and of each case of two."""

    same: int
    different: int


FULL, QUICK = Effort(200, 50), Effort(20, 10)


def run(quick: bool = False, progress: ProgressLine | None = None) -> Report:
    """Test many splits of which it is known what they are, and return the table and its claims.

    Args:
        quick: Fewer splits.
        progress: Where to say how far it is.
    """
    effort = QUICK if quick else FULL
    found = {case: list(_verdicts(case, effort, progress)) for case in CASES}
    return Report(
        title="Shift: overfitting, or a different distribution?",
        settings=_settings(),
        tables=(table(found),),
        claims=(
            *(_claim(case, verdicts) for case, verdicts in found.items()),
            *(_told(case, name, verdicts) for case, verdicts in found.items() for name in case.told_by),
        ),
        details={
            "p_values": {
                case.name: [{name: getattr(each, name).p for name in TESTS} for each in verdicts]
                for case, verdicts in found.items()
            }
        },
    )


def _verdicts(case: Case, effort: Effort, progress: ProgressLine | None) -> Iterator[Verdict]:
    n_draws = effort.same if case.is_same else effort.different
    config, waiting = experiment(NETWORK), deque[Run]()
    for draw in range(n_draws):
        if progress is not None:
            progress.show(draw / n_draws, f"shift: {case.name.lower()}, {n_draws} splits")
        waiting.append(submit({case.name: config}, resplits(halves(case, FIRST_DRAW + draw))))
        if len(waiting) > AHEAD:
            yield verdict(waiting.popleft().results()[case.name])
    while waiting:
        yield verdict(waiting.popleft().results()[case.name])


def table(found: Mapping[Case, Sequence[Verdict]]) -> Table:
    """Return one row for each case: how many splits each test, and all together, call different."""
    return Table(
        name="shift",
        title="Splits that are called different",
        columns=(
            Column("case", "digits"),
            Column("splits", "splits", "d"),
            Column("different", "different", "d"),
            Column("resplit", "re-split", "d"),
            Column("features", "K-S", "d"),
            Column("classifier", "classifier", "d"),
            Column("labels", "chi-squared", "d"),
        ),
        rows=[
            (
                case.name,
                len(verdicts),
                sum(each.is_different for each in verdicts),
                *(sum(getattr(each, name).p <= LEVELS[name] for each in verdicts) for name in TESTS),
            )
            for case, verdicts in found.items()
        ],
        notes=(
            f"The re-split test counts at a level of {RESPLIT_LEVEL:.2%}, each of the other three at "
            f"{BESIDE_LEVEL:.2%}: 5 % together.",
        ),
    )


def _claim(case: Case, verdicts: Sequence[Verdict]) -> Claim:
    n, found = len(verdicts), sum(each.is_different for each in verdicts)
    measured = f"{found} of {n}"
    if case.is_same:
        # 18 of 200, which a level of 5 % exceeds once in 170 times; of fewer splits what is as rare.
        most = MOST_FALSE_ALARMS if n >= FULL.same else _as_rare(n)
        return Claim(f"{case.name}: at most {most} false alarms in {n}", measured, found <= most)
    text = f"{case.name}: found in at least {LEAST_DETECTED:.0%} of {n} splits"
    return Claim(text, measured, found >= LEAST_DETECTED * n)


def _told(case: Case, name: str, verdicts: Sequence[Verdict]) -> Claim:
    n, found = len(verdicts), sum(getattr(each, name).p <= LEVELS[name] for each in verdicts)
    text = f"{case.name}: told by {TESTS[name]} alone in at least {LEAST_DETECTED:.0%} of {n} splits"
    return Claim(text, f"{found} of {n}", found >= LEAST_DETECTED * n)


def _as_rare(n: int) -> int:
    from scipy.stats import binom

    return int(binom.isf(binom.sf(MOST_FALSE_ALARMS, FULL.same, 0.05), n, 0.05))


def _settings() -> tuple[str, ...]:
    widths = "-".join(map(str, (64, *NETWORK.hidden, 10)))
    return (
        f"Digits, {N_ROWS} rows to train on and as many to validate on, split in ways of which it is known "
        f"what they are; draws from {FIRST_DRAW} on, by which nothing was chosen.",
        f"For each split {N_RESPLITS + 1} networks train side by side, one on the split and one on each of "
        f"{N_RESPLITS} random re-splits: {widths}, {NETWORK.epochs} epochs.",
        machine(),
    )
