"""Values kept within a number of bytes, where what is asked for once drives out nothing that many ask for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

# Part of the bytes for what was asked for again.
AGAIN = 2 / 3


class _Segment(Generic[T]):
    """Values with their bytes, that which was asked for longest ago first."""

    def __init__(self) -> None:
        self.values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self.nbytes = 0

    def put(self, key: Hashable, value: T, n_bytes: int) -> None:
        self.pop(key)
        self.values[key] = value, n_bytes
        self.nbytes += n_bytes

    def pop(self, key: Hashable) -> tuple[T, int] | None:
        found = self.values.pop(key, None)
        self.nbytes -= found[1] if found is not None else 0
        return found

    def oldest(self) -> Hashable:
        return next(iter(self.values))


class Segmented(Generic[T]):
    """Values by key: of those asked for once, and then of those asked for again, the oldest goes first.

    A segmented LRU (Karedla, Love and Wherry 1994, Caching strategies to improve disk system performance). A
    value larger than all of it is not kept. Not safe under threads.

    Args:
        max_bytes: Bytes of all values.
        gone: Is told the key and the value of what had to go.
    """

    def __init__(self, max_bytes: int, gone: Callable[[Hashable, T], object] | None = None) -> None:
        self._max_bytes = max_bytes
        self._gone = gone
        self._once: _Segment[T] = _Segment()
        self._again: _Segment[T] = _Segment()

    def __len__(self) -> int:
        return len(self._once.values) + len(self._again.values)

    def __iter__(self) -> Iterator[Hashable]:
        yield from self._once.values
        yield from self._again.values

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._once.nbytes + self._again.nbytes

    def look(self, key: Hashable) -> T | None:
        """Return a value, or None; that is not to ask for it."""
        found = self._again.values.get(key) or self._once.values.get(key)
        return found[0] if found is not None else None

    def get(self, key: Hashable) -> T | None:
        """Return a value, or None, and note that it was asked for again."""
        found = self._again.pop(key) or self._once.pop(key)
        if found is None:
            return None
        self._again.put(key, *found)
        self._make_room()
        return found[0]

    def put(self, key: Hashable, value: T, n_bytes: int) -> None:
        """Keep a value, in place of the one that is there."""
        segment = self._again if key in self._again.values else self._once
        if n_bytes > self._max_bytes:
            segment.pop(key)
            self._let_go(key, value)
            return
        segment.put(key, value, n_bytes)
        self._make_room()

    def pop(self, key: Hashable) -> None:
        """Keep a value no more."""
        self._once.pop(key)
        self._again.pop(key)

    def clear(self) -> None:
        """Drop everything."""
        self._once, self._again = _Segment(), _Segment()

    def _make_room(self) -> None:
        while self._again.nbytes > AGAIN * self._max_bytes:
            key = self._again.oldest()
            value, n_bytes = self._again.values[key]
            self._again.pop(key)
            self._once.put(key, value, n_bytes)
        while self.nbytes > self._max_bytes:
            # What came last is about to be asked for.
            segment = self._once if len(self._once.values) > 1 else self._again
            key = segment.oldest()
            value, _ = segment.values[key]
            segment.pop(key)
            self._let_go(key, value)

    def _let_go(self, key: Hashable, value: T) -> None:
        if self._gone is not None:
            self._gone(key, value)
