"""What open pages hold of finished runs, bounded in bytes for all of them together."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from regcore.execution.run import Run


class _Held(NamedTuple):
    run: Run
    sizes: Mapping[int, int]


class HeldRuns:
    """Runs that have ended, by when they were seen last: those seen longest ago are let go first.

    Runs that are on no page any more are among them: of their results a page may still show something. A
    network that several runs have counts once. Safe under threads.

    Args:
        max_bytes: Bytes that all of them may hold; the run seen last is kept whatever it holds.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._runs: OrderedDict[int, _Held] = OrderedDict()
        self._n_users: Counter[int] = Counter()
        self._nbytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._runs)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._nbytes

    def see(self, run: Run) -> None:
        """Note that a run that has ended is shown, and let others go where all hold too many bytes."""
        with self._lock:
            if id(run) not in self._runs and not run.is_let_go:
                self._add(run)
            if id(run) in self._runs:
                self._runs.move_to_end(id(run))
            while self._nbytes > self._max_bytes and len(self._runs) > 1:
                self._let_go_of_first()

    def _add(self, run: Run) -> None:
        sizes = run.sizes()
        self._runs[id(run)] = _Held(run, sizes)
        self._nbytes += sum(size for network, size in sizes.items() if not self._n_users[network])
        self._n_users.update(sizes.keys())

    def _let_go_of_first(self) -> None:
        _, held = self._runs.popitem(last=False)
        for network, size in held.sizes.items():
            self._n_users[network] -= 1
            if not self._n_users[network]:
                del self._n_users[network]
                self._nbytes -= size
        held.run.let_go()
