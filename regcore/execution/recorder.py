"""Gathering what the chunks of a shard recorded, network by network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from regcore.engine.shard import Array, Probe, Rows, Shard, ShardState
from regcore.execution.cache import Trained
from regcore.results import HISTORY_COLUMNS, Recording, Weights


def probe_key(probe: Probe) -> str:
    """Return a hash that is equal exactly where the same is asked for under the same name."""
    digest = hashlib.sha256(repr((probe.name, probe.kind, probe.epochs)).encode())
    if probe.X is not None:
        digest.update(repr((probe.X.shape, probe.X.dtype.str)).encode())
        digest.update(np.ascontiguousarray(probe.X).data)
    return digest.hexdigest()


class Recorder:
    """What was recorded of a shard so far.

    Every network has arrays of its own: they stay in the cache, or go, one network at a time.

    Args:
        shard: What is trained.
        until: The 1-based epoch after which it is done: memory is set aside for no more.
    """

    def __init__(self, shard: Shard, until: int) -> None:
        self._probe_keys = {probe.name: probe_key(probe) for probe in shard.plan.probes}
        self._networks = [_Network(replicate.key, shard, until) for replicate in shard.replicates]

    def add(self, rows: Rows) -> None:
        """Take in what one more chunk recorded."""
        probes = {self._probe_keys[name]: by_epoch for name, by_epoch in rows.probes.items()}
        for position, network in enumerate(self._networks):
            network.add(rows, probes, position)

    def keep(self, positions: Sequence[int]) -> None:
        """Go on with some of the networks alone."""
        self._networks = [self._networks[position] for position in positions]

    def trained(self, position: int) -> Trained:
        """Return what there is of one network. What is recorded later does not change it."""
        return self._networks[position].trained()


class _Network:
    def __init__(self, replicate_key: str, shard: Shard, until: int) -> None:
        self._replicate_key = replicate_key
        self._n_outputs = until // shard.plan.output_every if shard.plan.output_every else 0
        self._history = _Growing(until)
        self._outputs: dict[str, _Growing] = {}
        self._output_epochs: list[int] = []
        self._states: dict[int, ShardState] = {}
        self._probes: dict[str, dict[int, tuple[Array, ...]]] = {}

    def add(self, rows: Rows, probes: Mapping[str, Mapping[int, tuple[Array, ...]]], position: int) -> None:
        self._history.extend(rows.history[position])
        self._output_epochs.extend(int(epoch) for epoch in rows.output_epochs)
        if len(rows.output_epochs):
            for split, outputs in rows.outputs.items():
                self._outputs.setdefault(split, _Growing(self._n_outputs)).extend(outputs[position])
        for epoch, state in rows.checkpoints.items():
            self._states[epoch] = state.take([position])
        for key, by_epoch in probes.items():
            kept = self._probes.setdefault(key, {})
            for epoch, arrays in by_epoch.items():
                kept[epoch] = tuple(array[position].copy() for array in arrays)

    def trained(self) -> Trained:
        recording = Recording(
            replicate_key=self._replicate_key,
            history=np.asarray(self._history.array((0, len(HISTORY_COLUMNS))), dtype=np.float64),
            outputs={split: outputs.array() for split, outputs in self._outputs.items()},
            output_epochs=np.array(self._output_epochs, dtype=np.int64),
            checkpoints={epoch: weights_of(state) for epoch, state in self._states.items()},
        )
        probes = {key: dict(by_epoch) for key, by_epoch in self._probes.items()}
        return Trained(recording, dict(self._states), probes)


def weights_of(state: ShardState, position: int = 0) -> Weights:
    """Return the weights of one network of a state, as views."""
    return Weights(
        tuple(kernel[position] for kernel in state.kernels), tuple(bias[position, 0] for bias in state.biases)
    )


class _Growing:
    """An array that grows at its end. What was handed out stays as it is.

    Memory for `capacity` rows is set aside at once; the system hands it over as it is written to.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._buffer: Array | None = None
        self._length = 0

    def extend(self, rows: Array) -> None:
        length = self._length + len(rows)
        if self._buffer is None or length > len(self._buffer):
            buffer = np.empty((max(length, self._capacity), *rows.shape[1:]), rows.dtype)
            if self._buffer is not None:
                buffer[: self._length] = self._buffer[: self._length]
            self._buffer = buffer
        self._buffer[self._length : length] = rows
        self._length = length

    def array(self, empty: tuple[int, ...] = (0,)) -> Array:
        if self._buffer is None:
            return np.zeros(empty)
        view = self._buffer[: self._length]
        view.flags.writeable = False
        return view
