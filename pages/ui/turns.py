"""Pages run one after the other, in the order in which they were asked for, rather than all at once.

Python runs one thread at a time, so sixty pages at once would all be slow and all end late. In turn, each but
the last is done sooner. A page that waits for something makes way meanwhile; one that is at it for long loses
its turn, and goes on beside the others.
"""

from __future__ import annotations

import heapq
import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from streamlit.runtime.scriptrunner import script_runner

# The longest turn: several times what a page of the lab takes.
TURN_SECONDS = 0.25
# A part of a page that looks again and again how far a run is can do so a little later than it would; a page
# that somebody has asked for should not wait for it. A part in which somebody has pressed something stands
# back as well: Streamlit does not tell here which of the two it is.
STAND_BACK_SECONDS = 0.25
# A thread that passes something on, to a worker, a browser or the disk, needs Python's lock for moments, many
# in a row. For each it waits so long while a page computes; by itself Python has it wait for 5 ms.
SWITCH_SECONDS = 0.0005


class _Place(NamedTuple):
    """A place in line: before all that were asked for later."""

    asked: float
    number: int
    told: threading.Event


class Turns:
    """Lets one thread go on at a time, the one that was asked for first.

    Who was away comes back to where it stood: a page that waits for a training and then for the disk would
    else stand in line three times, behind pages that were asked for long after it.

    Args:
        seconds: The longest turn; then the next one is let go on as well.
    """

    def __init__(self, seconds: float = TURN_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._waiting: list[_Place] = []
        self._begun: dict[_Place, float] = {}
        self._n_asked = 0
        self._own = threading.local()

    @contextmanager
    def turn(self, stand_back: float = 0.0) -> Iterator[None]:
        """Wait for a turn, and have it for the block.

        Args:
            stand_back: It goes behind what is asked for until so many seconds from now.
        """
        with self._lock:
            self._n_asked += 1
            place = _Place(time.monotonic() + stand_back, self._n_asked, threading.Event())
        self._begin(place)
        try:
            yield
        finally:
            self._end()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let others go on for the block, in which this thread only waits; in no turn, just run the block."""
        place: _Place | None = getattr(self._own, "turn", None)
        if place is not None:
            self._end()
        try:
            yield
        finally:
            if place is not None:
                self._begin(place)

    def _begin(self, mine: _Place) -> None:
        with self._lock:
            heapq.heappush(self._waiting, mine)
        while (seconds := self._seconds_to_wait(mine)) != 0:
            mine.told.wait(seconds)
        self._own.turn = mine

    def _seconds_to_wait(self, mine: _Place) -> float | None:
        """Begin the turn if it is there and return 0; else return when to look again, None: when told."""
        with self._lock:
            mine.told.clear()
            if self._waiting[0] is not mine:
                return None
            now = time.monotonic()
            left = max(self._begun.values(), default=-math.inf) + self._seconds - now
            if left > 0:
                return left
            heapq.heappop(self._waiting)
            self._begun[mine] = now
            self._tell_first()
            return 0

    def _end(self) -> None:
        mine, self._own.turn = self._own.turn, None
        with self._lock:
            del self._begun[mine]
            self._tell_first()

    def _tell_first(self) -> None:
        if self._waiting:
            self._waiting[0].told.set()


of_pages = Turns()
away = of_pages.away


@cache
def take() -> None:
    """Have the pages of this server run in turn. Streamlit 1.67 has no setting for that."""
    sys.setswitchinterval(SWITCH_SECONDS)
    runner: Any = script_runner
    run = runner.exec_func_with_error_handling

    def run_in_turn(code: Any, context: Any) -> Any:
        with of_pages.turn(STAND_BACK_SECONDS if context.fragment_ids_this_run else 0.0):
            return run(code, context)

    runner.exec_func_with_error_handling = run_in_turn
