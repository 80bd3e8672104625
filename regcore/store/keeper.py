"""Writing in the background: pages hand over what is finished and go on; what cannot be written waits."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple, TypeVar

from regcore.errors import StoreError
from regcore.store.records import Arrangement
from regcore.store.store import Store

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Between tries, while the database cannot be had.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# Of what waits to be written; beyond it the oldest goes, and sessions hand it over again later.
MAX_WRITES = 2000
# Of one transaction: another process waits for its end, though not for long, and so do those whose changes
# are in it.
WRITES_TOGETHER, SECONDS_TOGETHER = 20, 0.5
# What nobody waits for may wait so long for others, to be written together with them.
SECONDS_FOR_OTHERS = 0.25
# A loss of power takes with it what was written in about so many seconds before it; the end of the process
# takes nothing.
SECONDS_TO_SETTLE = 5.0


class Write(NamedTuple):
    """A change of the store that is ready to be made.

    Attributes:
        apply: Makes it; it may be called again after a `StoreError`.
        n_bytes: What it holds in memory until then.
        arrangement: All that it changes, if it brings no run: it may wait a moment, and one that comes after
            it may be made together with it.
    """

    apply: Callable[[Store], None]
    n_bytes: int = 0
    arrangement: Arrangement | None = None


def arranging(arrangement: Arrangement) -> Write:
    """Return the change that arranges runs on a desk."""
    desk, placed, removed, hidden, newest = arrangement
    return Write(lambda store: store.put(desk, placed, (), removed, hidden, newest), arrangement=arrangement)


class Status(NamedTuple):
    """How the store is.

    Attributes:
        problem: One sentence on what is wrong with the database; None if nothing is.
        n_waiting: Changes that are not yet written, but for those that wait a moment for others.
    """

    problem: str | None
    n_waiting: int


class _Waiting(NamedTuple):
    """A change that waits to be written.

    Attributes:
        number: Of the change.
        write: The change.
        due: When it is written at the latest, by `time.monotonic`, unless the database is away.
    """

    number: int
    write: Write
    due: float


class Keeper:
    """Makes changes of a store one after the other, in a thread of its own; another one settles them.

    Args:
        store: The store.
        first_pause: Seconds until the first new try, while the database cannot be had; then twice as long
            each time. None: `FIRST_PAUSE`.
        max_bytes: Of what waits to be written; None: any.
    """

    def __init__(self, store: Store, first_pause: float | None = None, max_bytes: int | None = None) -> None:
        self._store = store
        self._max_bytes = math.inf if max_bytes is None else max_bytes
        self._first_pause = FIRST_PAUSE if first_pause is None else first_pause
        self._changed = threading.Condition()
        self._reading = threading.Lock()
        # Each with its number, in the order in which they were put.
        self._made: deque[tuple[int, Callable[[], Write | None]]] = deque()
        self._waiting: deque[_Waiting] = deque()
        # Number of the last change that somebody waits for.
        self._wanted = 0
        self._in_hand: int | None = None
        self._n_put = 0
        self._n_bytes = 0
        self._problem: str | None = None
        self._was_away = False
        self._pause = 0.0
        self._try_again = 0.0
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self._settler: threading.Thread | None = None
        self._to_settle = threading.Event()
        self._closing = threading.Event()
        self._n_dropped = 0
        self._n_recovered = 0

    @property
    def generation(self) -> tuple[int, int, int]:
        """Changes whenever what sessions have on their desks should be read and handed over once more."""
        return self._n_recovered, self._n_dropped, self._store.database.n_new

    def status(self) -> Status:
        """Return how the store is."""
        with self._changed:
            is_held = self._problem is None and time.monotonic() < self._due()
            return Status(self._problem, self._n_left() - is_held * len(self._waiting))

    def put(self, make: Callable[[], Write | None]) -> int:
        """Make a change soon, and return its number, by which `flush` knows it.

        Args:
            make: Returns the change; None: there is none. It is called in the thread of the keeper, at once.
        """
        with self._changed:
            self._n_put += 1
            self._made.append((self._n_put, make))
            self._wake()
            return self._n_put

    def flush(self, seconds: float, until: int | None = None) -> bool:
        """Wait until all is written; return whether it is. While the database is away: not at all.

        Args:
            seconds: How long to wait at most.
            until: Number of a change: what was put after it is not waited for. None: everything.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            wanted = self._n_put if until is None else until
            if wanted > self._wanted:
                self._wanted = wanted
                self._changed.notify_all()
            while self._is_left(until) and self._problem is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return not self._is_left(until)

    def read(self, ask: Callable[[Store], T]) -> T:
        """Return what the store answers.

        Raises:
            StoreError: the database cannot be had; while that is known it is not even asked.
        """
        # One at a time: when the first has waited for a database in vain, the others need not.
        with self._reading:
            with self._changed:
                if self._problem is not None and time.monotonic() < self._try_again:
                    raise StoreError(self._problem)
            try:
                answer = ask(self._store)
            except StoreError as error:
                self._fail(error)
                raise
        with self._changed:
            # Who reads may do so while another program holds the lock of those that write.
            is_well = not self._waiting
        if is_well:
            self._succeed()
        return answer

    def close(self, seconds: float = 0.0) -> None:
        """Write what waits, within this time, and end the thread."""
        self.flush(seconds)
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._closing.set()
        self._to_settle.set()
        if self._thread is not None:
            self._thread.join(seconds + 1)
        if self._settler is not None:
            self._settler.join(seconds + 1)
        self._settle_now()
        self._store.database.close()

    def _wake(self) -> None:
        if self._thread is None and not self._is_closed:
            self._thread = threading.Thread(target=self._work, name="regcore-store", daemon=True)
            self._thread.start()
            self._settler = threading.Thread(target=self._settle, name="regcore-disk", daemon=True)
            self._settler.start()
        self._changed.notify_all()

    def _n_left(self) -> int:
        return len(self._made) + (self._in_hand is not None) + len(self._waiting)

    def _is_left(self, until: int | None) -> bool:
        """Return whether anything is to be written that was put up to this change."""
        first = [queue[0][0] for queue in (self._made, self._waiting) if queue]
        left = first if self._in_hand is None else [*first, self._in_hand]
        return bool(left) and (until is None or min(left) <= until)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._is_closed and not self._made:
                    left = self._due() - time.monotonic()
                    if left <= 0:
                        break
                    self._changed.wait(left if left < math.inf else None)
                if self._is_closed:
                    return
                put = self._made.popleft() if self._made else None
                self._in_hand = put[0] if put else None
            if put is not None:
                self._take(*put)
            elif self._waiting:
                self._write()
            else:
                self._look()

    def _due(self) -> float:
        """Return when the next thing is to be done, by `time.monotonic`; infinite: there is none."""
        if self._problem is not None:
            return self._try_again
        if not self._waiting:
            return math.inf
        first = self._waiting[0]
        return first.due if first.number > self._wanted else 0.0

    def _take(self, number: int, make: Callable[[], Write | None]) -> None:
        """Take a change into the queue, made: what it was made from may be large and need not wait there."""
        try:
            write = make()
        except Exception:
            logger.exception("A run cannot be kept")
            write = None
        with self._changed:
            self._in_hand = None
            if write is not None and not self._join(write):
                self._line_up(number, write)
            while len(self._waiting) > MAX_WRITES or self._n_bytes > self._max_bytes:
                self._n_bytes -= self._waiting.popleft().write.n_bytes
                self._n_dropped += 1
            self._changed.notify_all()

    def _line_up(self, number: int, write: Write) -> None:
        due = time.monotonic()
        if write.arrangement is None:
            # It takes along what waits before it.
            self._wanted = max(self._wanted, number)
        else:
            due += SECONDS_FOR_OTHERS
        self._waiting.append(_Waiting(number, write, due))
        self._n_bytes += write.n_bytes

    def _join(self, write: Write) -> bool:
        """Return whether an arrangement of a desk was joined to the one of this desk that waits already.

        Only to one that no run came after, which another order of both would place elsewhere.
        """
        if write.arrangement is None:
            return False
        for at in reversed(range(len(self._waiting))):
            before = self._waiting[at]
            if before.write.arrangement is None:
                return False
            if before.write.arrangement.desk == write.arrangement.desk:
                both = before.write.arrangement.then(write.arrangement)
                if both is not None:
                    self._waiting[at] = before._replace(write=arranging(both))
                return both is not None
        return False

    def _write(self) -> None:
        with self._changed:
            # After a failure one by one, until one succeeds: it may be a single one that cannot be written.
            most = 1 if self._problem is not None else WRITES_TOGETHER
            together = [each.write for each in islice(self._waiting, most)]
        try:
            n_made = self._apply(together)
        except StoreError as error:
            self._fail(error)
            return
        except Exception:
            # A fault of the lab, which would stand in the way of what is with it, and of all that follows.
            if not self._apply_each(together):
                return
            n_made = len(together)
        self._done(n_made)

    def _apply(self, together: Sequence[Write]) -> int:
        """Make changes in one transaction, and return how many there was time for, one at least.

        Where many wait, what each of them would wait for is had once.
        """
        end, n_made = time.monotonic() + SECONDS_TOGETHER, 0
        with self._store.database.writing():
            for write in together:
                write.apply(self._store)
                n_made += 1
                if time.monotonic() >= end:
                    break
        return n_made

    def _apply_each(self, writes: Sequence[Write]) -> bool:
        """Make changes one by one, but for those in which the lab has a fault; return whether all were made.

        What was not waits on, because the database cannot be had.
        """
        for n_made, write in enumerate(writes):
            try:
                write.apply(self._store)
            except StoreError as error:
                if n_made:
                    self._done(n_made)
                self._fail(error)
                return False
            except Exception:
                logger.exception("A run could not be kept")
        return True

    def _done(self, n_made: int) -> None:
        """Let go of the first changes that wait, which were made."""
        with self._changed:
            for _ in range(n_made):
                self._n_bytes -= self._waiting.popleft().write.n_bytes
            self._succeed()
        self._to_settle.set()

    def _settle(self) -> None:
        """Have what was written settle, some time later, beside what is written then."""
        while self._to_settle.wait() and not self._closing.wait(SECONDS_TO_SETTLE):
            self._to_settle.clear()
            if not self._settle_now():
                self._to_settle.set()

    def _settle_now(self) -> bool:
        """Have what was written settle, as far as that goes; return whether all of it has."""
        try:
            return self._store.database.settle()
        except StoreError:
            return False  # Whoever writes next says it.

    def _look(self) -> None:
        """Look whether the database is back, with nothing to write."""
        with suppress(StoreError):
            self.read(lambda store: store.check())

    def _fail(self, error: StoreError) -> None:
        with self._changed:
            if self._problem is None:
                self._pause = self._first_pause
                logger.error("The store: %s (%s)%s", error, self._store.database.address, _cause(error))
            else:
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self._problem, self._was_away = str(error), True
            self._try_again = time.monotonic() + self._pause
            self._wake()

    def _succeed(self) -> None:
        with self._changed:
            if self._problem is not None:
                logger.warning("The store is back: %s", self._store.database.address)
            self._problem, self._try_again = None, 0.0
            if self._was_away and not self._n_left():
                # Not before: what sessions would read now is not yet what they have handed over.
                self._was_away = False
                self._n_recovered += 1
            self._changed.notify_all()


def _cause(error: StoreError) -> str:
    """Return what the driver of the database says, for whoever runs the server."""
    cause = getattr(error.__cause__, "orig", error.__cause__)
    return f": {cause}".partition("\n")[0] if cause is not None else ""
