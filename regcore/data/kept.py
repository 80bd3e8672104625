"""Data that are kept for whoever asks next, bounded in number and in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from regcore.settings import read_settings

T = TypeVar("T")

# Of the data sets used last: a class works on one or two.
MAX_KEPT = 4


class Kept(Generic[T]):
    """Values by key: those asked for longest ago go first, the newest is always kept. Safe under threads.

    Args:
        size_of: Returns the bytes of a value.
        max_bytes: Bytes of all of them; None: as the settings say.
        max_kept: How many.
    """

    def __init__(
        self, size_of: Callable[[T], int], max_bytes: int | None = None, max_kept: int = MAX_KEPT
    ) -> None:
        self._size_of = size_of
        self._max_bytes = max_bytes
        self._max_kept = max_kept
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Hashable, value: T) -> T:
        """Keep a value and return it, or the one that is there, which others already know."""
        with self._lock:
            value = self._values.setdefault(key, value)
            self._values.move_to_end(key)
            while len(self._values) > 1 and self._is_over():
                self._values.popitem(last=False)
            return value

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value that is there, or the one that `make` makes, which is kept."""
        found = self.get(key)
        return self.put(key, make()) if found is None else found

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._values.clear()

    def _is_over(self) -> bool:
        most = read_settings().data_bytes if self._max_bytes is None else self._max_bytes
        return len(self._values) > self._max_kept or sum(map(self._size_of, self._values.values())) > most
