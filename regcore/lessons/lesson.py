"""What a lesson is: settings known to be good or bad, why, what to look for, and what is claimed of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from regcore.config import Config

BASELINE = "baseline"
THIS_RUN = "this run"

Kind = Literal["good", "bad"]
Expected = Literal["lower", "higher", "within seed noise"]


class Effect(NamedTuple):
    """What a lesson claims, as `regcore.bench effects` holds it against seeds that nothing was tuned on.

    Attributes:
        metric: On the validation rows: "error", "loss" or "brier"; for regression "loss", "mae" or "rmse".
        expected: "lower" or "higher" if the paired 95 % interval is clear of 0 on that side, "within seed
            noise" if it contains 0.
        against: What the lesson is held against; None: the same without regularizers.
    """

    metric: str
    expected: Expected
    against: Config | None = None


class Lesson(NamedTuple):
    """Settings that teach something.

    Attributes:
        name: What it is chosen by, short.
        config: Its settings.
        kind: Whether they are good ones.
        why: Why they are, in a sentence.
        look_for: Where that shows, in a sentence.
        claims: What is measured of it in `regcore.bench effects`.
    """

    name: str
    config: Config
    kind: Kind
    why: str
    look_for: str
    claims: tuple[Effect, ...] = ()


def beside_baseline(config: Config) -> dict[str, Config]:
    """Return the baseline and this run, by name; the baseline alone where they are the same."""
    baseline = config.plain()
    return {BASELINE: baseline} if config == baseline else {BASELINE: baseline, THIS_RUN: config}


def lesson_of(lessons: Sequence[Lesson], config: Config) -> Lesson | None:
    """Return the lesson that has these settings; None if they are nobody's."""
    return next((lesson for lesson in lessons if lesson.config == config), None)


def named(lessons: Sequence[Lesson], name: str) -> Lesson:
    """Return the lesson of this name.

    Raises:
        KeyError: there is none.
    """
    for lesson in lessons:
        if lesson.name == name:
            return lesson
    raise KeyError(name)
