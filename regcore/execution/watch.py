"""Watching a pool of worker processes: one that dies in the middle of an answer would hold up everybody."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import connection
from typing import Any

logger = logging.getLogger(__name__)

# A killed process is gone when the system has freed its memory.
SECONDS_TO_DIE = 5.0
# So soon loky has noted that a worker died, unless it waits for the rest of its answer.
SECONDS_TO_NOTE = 1.0
# And so soon it has cleared up, unless it waits for a worker to read on.
SECONDS_TO_CLEAR_UP = 10.0


class PoolWatch(threading.Thread):
    """Ends a pool of loky's of which a worker died, where loky cannot.

    Loky's thread sees that a worker died, and fails all calls, unless it is reading an answer of that worker
    just then: the rest never comes, and the pipe does not end, for the other workers and this process hold
    its other end as well. The same with data that nobody reads any more.

    Args:
        pool: A `ProcessPoolExecutor` of loky's, whose workers were started.
    """

    def __init__(self, pool: Any) -> None:
        super().__init__(name="pool watch", daemon=True)
        # Not the pool itself, which has to go when nobody else needs it.
        self._processes = list(pool._processes.values())
        self._manager: threading.Thread = pool._executor_manager_thread
        self._flags = pool._flags
        self._ends = (pool._result_queue._writer, pool._call_queue._reader)
        self._lock = threading.Lock()

    def run(self) -> None:
        """Wait until a worker dies; return if all end as they should."""
        running = {process.sentinel: process for process in self._processes}
        while running:
            for sentinel in connection.wait(list(running)):
                if running.pop(sentinel).exitcode != 0:
                    self._bury()
                    running.clear()
                    break
        # They hold semaphores, which go with them.
        self._processes = []

    def end(self) -> None:
        """End the workers at once: whatever waits for them fails."""
        kill([process.pid for process in self._processes])
        self._manager.join(SECONDS_TO_NOTE)
        # Whoever still writes to the workers, or reads from them, sees that nobody is there. Loky may have
        # closed some of them itself; its thread has ended by now, or hangs until one is closed and then
        # closes all: they are taken from it before.
        with self._lock:
            for taken in list(map(_taken, self._ends)):
                if taken is not None:
                    taken.close()

    def _bury(self) -> None:
        self._manager.join(SECONDS_TO_NOTE)
        if self._manager.is_alive() and self._flags.broken is not None:
            self._manager.join(SECONDS_TO_CLEAR_UP)
        if self._manager.is_alive():
            logger.warning("a worker died in the middle of a message: all workers are ended")
            self.end()


def _taken(end: Any) -> Any:
    """Return an end of a pipe as a connection of our own, and leave a closed one to whoever had it.

    None: it is closed already.
    """
    try:
        taken = type(end)(end.fileno())
    except OSError:
        return None
    end._handle = None
    return taken


def kill(pids: Sequence[int]) -> None:
    """End processes at once, and return when they are gone or only wait for loky to note it."""
    import psutil

    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()
    end = time.monotonic() + SECONDS_TO_DIE
    while any(map(_runs, pids)) and time.monotonic() < end:
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
