"""Finished networks, kept for the next run that asks for them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from regcore.engine.shard import Array, ShardState
from regcore.results import Recording

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

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays. The weights in the recording are views of the states."""
        weights = sum(kept.nbytes for kept in self.recording.checkpoints.values())
        probes = sum(
            array.nbytes
            for by_epoch in self.probes.values()
            for arrays in by_epoch.values()
            for array in arrays
        )
        return self.recording.nbytes - weights + sum(state.nbytes for state in self.states.values()) + probes


class TrainedCache:
    """Trained networks by key, bounded in bytes: the least recently used goes first. Safe under threads."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, Trained] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._nbytes

    def get(self, key: str, probes: frozenset[str] = frozenset()) -> Trained | None:
        """Return what was kept under this key, if these probes are among what it recorded."""
        with self._lock:
            trained = self._entries.get(key)
            if trained is None or not probes <= trained.probes.keys():
                return None
            self._entries.move_to_end(key)
            return trained

    def put(self, key: str, trained: Trained) -> None:
        """Keep a trained network, beside the probes that an earlier training of it recorded."""
        with self._lock:
            before = self._entries.pop(key, None)
            if before is not None:
                self._nbytes -= before.nbytes
                trained = replace(trained, probes={**before.probes, **trained.probes})
            self._entries[key] = trained
            self._nbytes += trained.nbytes
            while self._nbytes > self._max_bytes:
                _, dropped = self._entries.popitem(last=False)
                self._nbytes -= dropped.nbytes

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()
            self._nbytes = 0
