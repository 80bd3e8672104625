"""Finished networks, kept for the next run that asks for them."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from weakref import WeakValueDictionary

from regcore.engine.shard import Array, ShardState
from regcore.results import Recording
from regcore.segmented import Segmented
from regcore.settings import KIB

# What the objects around the arrays of a network take, about: more than the arrays, if it is tiny.
OBJECT_BYTES = 4 * KIB

ProbeValues = Mapping[int, tuple[Array, ...]]


@dataclass(frozen=True, eq=False)
class Trained:
    """What is left of a training, or there is so far.

    Attributes:
        recording: What results are made of.
        states: 1-based epoch -> the whole state after it, of this one network, to go on from.
        probes: Key of a probe -> epoch -> its arrays.
    """

    recording: Recording
    states: Mapping[int, ShardState] = field(default_factory=dict)
    probes: Mapping[str, ProbeValues] = field(default_factory=dict)

    @cached_property
    def nbytes(self) -> int:
        """Bytes held. The weights in the recording are views of the states."""
        weights = sum(kept.nbytes for kept in self.recording.checkpoints.values())
        probes = sum(
            array.nbytes
            for by_epoch in self.probes.values()
            for arrays in by_epoch.values()
            for array in arrays
        )
        states = sum(state.nbytes for state in self.states.values())
        return OBJECT_BYTES + self.recording.nbytes - weights + states + probes


class TrainedCache:
    """Trained networks by key, bounded in bytes: see `Segmented`. Safe under threads.

    One that went is found as long as somebody else holds it, so that nobody trains and holds a copy of it.
    """

    def __init__(self, max_bytes: int) -> None:
        self._gone: WeakValueDictionary[Hashable, Trained] = WeakValueDictionary()
        self._entries: Segmented[Trained] = Segmented(max_bytes, self._gone.__setitem__)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._entries.nbytes

    def get(self, key: str, probes: frozenset[str] = frozenset()) -> Trained | None:
        """Return what was kept under this key, if these probes are among what it recorded."""
        with self._lock:
            trained = self._entries.look(key) or self._gone.get(key)
            if trained is None or not probes <= trained.probes.keys():
                return None
            if self._entries.look(key) is None:
                self._entries.put(key, trained, trained.nbytes)
            self._entries.get(key)
            return trained

    def put(self, key: str, trained: Trained) -> None:
        """Keep a trained network, beside the probes that an earlier training of it recorded."""
        with self._lock:
            before = self._entries.look(key)
            if before is not None:
                trained = replace(trained, probes={**before.probes, **trained.probes})
            self._entries.put(key, trained, trained.nbytes)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()
            self._gone.clear()
