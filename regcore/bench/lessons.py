"""What the lessons of all pages claim, each held against seeds that nothing was tuned on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from regcore.bench.report import Claim, Column, ProgressLine, Table
from regcore.bench.seeds import FIRST_SEED, N_SEEDS, N_SEEDS_QUICK, measure
from regcore.config import Config
from regcore.lessons import LESSONS, Effect, Lesson
from regcore.statistics import BETTER, WITHIN_NOISE, WORSE, PairedDifference, paired_difference

VERDICTS = {"lower": BETTER, "higher": WORSE, "within seed noise": WITHIN_NOISE}


class Found(NamedTuple):
    """One claim of a lesson, and the paired difference that was measured of it."""

    page: str
    lesson: str
    effect: Effect
    mean: float
    difference: PairedDifference

    @property
    def holds(self) -> bool:
        """Whether the claim holds."""
        return self.difference.verdict == VERDICTS[self.effect.expected]


def measure_lessons(
    quick: bool, progress: ProgressLine | None = None, lessons: Mapping[str, tuple[Lesson, ...]] = LESSONS
) -> tuple[tuple[Table, ...], tuple[Claim, ...]]:
    """Return a table of all claims of lessons, and what came of each.

    Args:
        quick: Four seeds instead of sixteen.
        progress: Where to say how far it is.
        lessons: Lessons by page.
    """
    n_seeds = N_SEEDS_QUICK if quick else N_SEEDS
    found = [
        each
        for page, of_page in lessons.items()
        for lesson in of_page
        if lesson.claims
        for each in _found(page, lesson, n_seeds, progress)
    ]
    return (table(found, n_seeds),), tuple(map(_claim, found))


def _found(page: str, lesson: Lesson, n_seeds: int, progress: ProgressLine | None) -> list[Found]:
    def unseen(config: Config) -> Config:
        return config.replace(seed=FIRST_SEED, seeds=n_seeds)

    against = {effect.against or lesson.config.plain() for effect in lesson.claims}
    configs = {config.key(): unseen(config) for config in (lesson.config, *against)}
    values = measure(configs, "val", f"lessons: {page}, {lesson.name}", progress)
    treated = values[lesson.config.key()]
    found = []
    for effect in lesson.claims:
        plain = values[(effect.against or lesson.config.plain()).key()][effect.metric]
        paired = paired_difference(treated[effect.metric], plain)
        found.append(Found(page, lesson.name, effect, sum(plain) / len(plain), paired))
    return found


def table(found: list[Found], n_seeds: int) -> Table:
    """Return one row for each claim."""
    return Table(
        name="lessons",
        title="Lessons: on the validation rows, minus what each is held against",
        columns=(
            Column("page", "page"),
            Column("lesson", "lesson"),
            Column("metric", "metric"),
            Column("baseline", "baseline", ".4g"),
            Column("difference", "difference", "+.4g"),
            Column("low", "95 % from", "+.4g"),
            Column("high", "to", "+.4g"),
            Column("wins", "lower on"),
            Column("expected", "claimed"),
        ),
        rows=[
            (
                each.page, each.lesson, each.effect.metric, each.mean, each.difference.mean,
                each.difference.low, each.difference.high, f"{each.difference.wins}/{each.difference.n}",
                each.effect.expected,
            )
            for each in found
        ],
        notes=(f"Seeds {FIRST_SEED} to {FIRST_SEED + n_seeds - 1}, on which nothing was tuned.",),
    )  # fmt: skip


def _claim(each: Found) -> Claim:
    low, high = each.difference.low, each.difference.high
    measured = f"{each.difference.mean:+.4g}, from {low:+.4g} to {high:+.4g}"
    text = f"{each.page}, {each.lesson}: validation {each.effect.metric} {each.effect.expected}"
    return Claim(text, measured, each.holds)
