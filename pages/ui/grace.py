"""Sessions that have ended: after a while nobody waits for their runs any more."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol


class Followed(Protocol):
    """A run that a session follows, and when it was last shown, on the clock of `time.monotonic`."""

    @property
    def seen(self) -> float: ...

    def cancel(self) -> None: ...


class _Ended(NamedTuple):
    followed: Sequence[Followed]
    at: float


class Grace:
    """Cancels the runs of sessions that have ended, unless they are seen again in time.

    However many sessions end, one thread waits for all of them, and ends when there are none.

    Args:
        seconds: How long a session may take to come back.
        clock: What the time is.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._ended: deque[_Ended] = deque()
        self._lock = threading.Lock()
        self._is_waiting = False

    def begin(self, followed: Sequence[Followed]) -> None:
        """Note that a session has ended, and what it followed."""
        with self._lock:
            self._ended.append(_Ended(followed, self._clock()))
            if self._is_waiting:
                return
            self._is_waiting = True
        threading.Thread(target=self._wait, name="sessions that ended", daemon=True).start()

    def end(self) -> float | None:
        """Cancel what is due now; return the seconds until the next is, None if nothing is left."""
        now = self._clock()
        with self._lock:
            due = []
            while self._ended and self._ended[0].at + self._seconds <= now:
                due.append(self._ended.popleft())
            rest = self._ended[0].at + self._seconds - now if self._ended else None
            self._is_waiting = rest is not None
        for followed, at in due:
            for each in followed:
                if each.seen < at:
                    each.cancel()
        return rest

    def _wait(self) -> None:
        rest: float | None = self._seconds
        while rest is not None:
            time.sleep(rest)
            rest = self.end()
