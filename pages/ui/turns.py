"""Pages run one after the other, rather than all at once: first what is due first.

Python runs one thread at a time, so sixty pages at once would all be slow and all end late. In turn, each but
the last is done sooner. A page is due some time after it was asked for, longer if it usually takes longer: a
short one that waited for a long one would take several times as long as by itself. A page that waits for
something makes way meanwhile; one that is at it for long loses its turn, and goes on beside the others.
"""

from __future__ import annotations

import heapq
import math
import sys
import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from streamlit.runtime.scriptrunner import script_runner

# The longest turn: several times what a page of the lab takes.
TURN_SECONDS = 0.25
# A part of a page that looks again and again how far a run is can do so a little later than it would; a page
# that somebody has asked for should not wait for it. A part in which somebody has pressed something stands
# back as well: Streamlit does not tell here which of the two it is.
STAND_BACK_SECONDS = 0.25
# A page is due after so many times what pages of its kind usually take.
TIMES_AS_LONG = 2.0
# How much the last one of a kind counts for what they usually take.
PART_OF_LAST = 0.1
# A page that has waited for a training, half a second or more, can wait a moment longer for those that are
# asked for then.
LET_PASS_SECONDS = 0.1
# A thread that passes something on, to a worker, a browser or the disk, needs Python's lock for moments, many
# in a row. For each it waits so long while a page computes; by itself Python has it wait for 5 ms.
SWITCH_SECONDS = 0.0005


class _Place(NamedTuple):
    """A place in line: before all that are due later."""

    due: float
    number: int
    told: threading.Event


class Turns:
    """Lets one thread go on at a time, the one that is due first.

    Who was away for a moment comes back to where it stood: a page that waits for the disk, and then for what
    another one is making, would else stand in line three times, behind pages that were asked for after it.

    Args:
        seconds: The longest turn; then the next one is let go on as well.

    Attributes:
        ended: Set when a turn has ended; whoever waits for that clears it.
    """

    def __init__(self, seconds: float = TURN_SECONDS) -> None:
        self.ended = threading.Event()
        self._seconds = seconds
        self._lock = threading.Lock()
        self._waiting: list[_Place] = []
        self._begun: dict[_Place, float] = {}
        self._n_asked = 0
        self._usual: dict[Hashable, float] = {}
        self._own = threading.local()

    @contextmanager
    def turn(self, kind: Hashable = None, stand_back: float = 0.0) -> Iterator[None]:
        """Wait for a turn, and have it for the block.

        Args:
            kind: Equal for what usually takes as long; there are few kinds.
            stand_back: It is due so many seconds later.
        """
        self._own.seconds = 0.0
        self._begin(self._place(stand_back + TIMES_AS_LONG * self._usual.get(kind, 0.0)))
        try:
            yield
        finally:
            self._end()
            self._learn(kind, self._own.seconds)
            self.ended.set()

    @contextmanager
    def away(self, stand_back: float | None = None) -> Iterator[None]:
        """Let others go on for the block, in which this thread only waits; in no turn, just run the block.

        Args:
            stand_back: It is due again so many seconds after it comes back; None: it comes back to where it
                stood.
        """
        place: _Place | None = getattr(self._own, "turn", None)
        if place is not None:
            self._end()
        try:
            yield
        except BaseException:
            # A page that ends here, for a knob has moved, would else stand in line for nothing.
            stand_back = None
            raise
        finally:
            if place is not None:
                self._begin(place if stand_back is None else self._place(stand_back))

    @property
    def are_all_over(self) -> bool:
        """Whether nobody has a turn or waits for one."""
        return not self._begun and not self._waiting

    def _learn(self, kind: Hashable, seconds: float) -> None:
        with self._lock:
            # Who takes longer loses its turn.
            seconds = min(seconds, self._seconds)
            before = self._usual.get(kind, seconds)
            self._usual[kind] = before + PART_OF_LAST * (seconds - before)

    def _place(self, seconds: float) -> _Place:
        with self._lock:
            self._n_asked += 1
            return _Place(time.monotonic() + seconds, self._n_asked, threading.Event())

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
            self._own.seconds += time.monotonic() - self._begun.pop(mine)
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
    # By session, as Streamlit knows it.
    last_page: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

    def run_in_turn(code: Any, context: Any) -> Any:
        if context.fragment_ids_this_run:
            turn = of_pages.turn("part", STAND_BACK_SECONDS)
        else:
            # A page that a session comes to takes half of what it takes when a knob has moved on it.
            page, session = context.page_script_hash, context.pages_manager
            turn = of_pages.turn((page, last_page.get(session) == page))
            last_page[session] = page
        with turn:
            return run(code, context)

    runner.exec_func_with_error_handling = run_in_turn
