"""What was seen in a load: what visitors did, what went wrong, and who used the machine."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

PROGRAM, TAB = "program", "browser tab"
SERVER, WORKERS, BENCH, BROWSER = "server", "workers", "this bench", "browser tabs"


class Action(NamedTuple):
    """Something that a visitor did, and that was answered.

    Attributes:
        session: Which visitor.
        by: `PROGRAM` or `TAB`.
        kind: One of `KINDS`.
        began: When, in seconds of the bench's clock.
        seconds: Until its answer was complete on the page.
        trained: Whether something was under way when the page's script had run through.
    """

    session: int
    by: str
    kind: str
    began: float
    seconds: float
    trained: bool = False


class Sample(NamedTuple):
    """How the machine was at one time.

    Attributes:
        at: When, in seconds of the bench's clock.
        seconds: Processor seconds so far, by who used them.
        memory: Bytes, by who holds them.
        piece_seconds: Processor seconds that a small piece of work took, always the same.
    """

    at: float
    seconds: Mapping[str, float]
    memory: Mapping[str, int]
    piece_seconds: float


class Phase(NamedTuple):
    """Some sessions at once, for a while.

    Attributes:
        n_sessions: Programs that visited.
        n_tabs: Tabs of a browser beside them.
        actions: What was answered.
        faults: What went wrong, one sentence each.
        lost: Runs that were asked for, were not superseded, and never finished, one sentence each.
        samples: What was used, over time; the first is from its beginning, the last from its end.
    """

    n_sessions: int
    n_tabs: int
    actions: Sequence[Action]
    faults: Sequence[str]
    lost: Sequence[str]
    samples: Sequence[Sample]

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.samples[-1].at - self.samples[0].at

    def cores(self, who: str) -> float:
        """Return how many cores somebody kept busy, on average."""
        used = self.samples[-1].seconds.get(who, 0.0) - self.samples[0].seconds.get(who, 0.0)
        return used / self.seconds

    def of(self, kind: str, by: str = PROGRAM) -> list[Action]:
        """Return the actions of one kind."""
        return [each for each in self.actions if (each.kind, each.by) == (kind, by)]


class Load(NamedTuple):
    """One session alone, then many, and one alone again, on one server.

    Attributes:
        n_cores: Of the machine.
        alone: One program, and then one tab if there are any: before the first phase of many, and after each.
        phases: Many.
    """

    n_cores: int
    alone: Sequence[Phase]
    phases: Sequence[Phase]

    def seconds_alone(self, phase: Phase, kind: str, by: str = PROGRAM) -> float:
        """Return how long an action takes alone: the median right before many and right after them.

        A machine that others use as well is half as fast in one minute as in another.

        Args:
            phase: The many.
            kind: One of `KINDS`.
            by: `PROGRAM` or `TAB`.

        Returns:
            Seconds; NaN if none was measured.
        """
        at = next(at for at, each in enumerate(self.phases) if each is phase)
        found = [each.seconds for alone in self.alone[at : at + 2] for each in alone.of(kind, by)]
        return median(found) if found else math.nan

    def in_order(self) -> list[Phase]:
        """Return all phases in the order of time."""
        pairs = zip(self.alone[:-1], self.phases, strict=True)
        return [phase for pair in pairs for phase in pair] + [self.alone[-1]]


@dataclass
class Record:
    """What visitors note while they are at it, from threads of their own.

    Attributes:
        actions: What was answered.
        faults: What went wrong, one sentence each.
        lost: Runs that were asked for and never finished, one sentence each.
    """

    actions: list[Action] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def did(self, action: Action) -> None:
        """Note what was answered."""
        with self._lock:
            self.actions.append(action)

    def failed(self, sentence: str) -> None:
        """Note what went wrong."""
        with self._lock:
            self.faults.append(sentence)

    def lost_run(self, sentence: str) -> None:
        """Note a run that did not finish."""
        with self._lock:
            self.lost.append(sentence)
