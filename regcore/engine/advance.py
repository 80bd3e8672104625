"""Training as a pure function: shard, state and number of steps give the next state and what was recorded.

A training is a chain of such calls, in pieces of any size and in any process, with the same bits.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regcore.config import Config
from regcore.data import Dataset, load_dataset
from regcore.data.kept import Kept
from regcore.engine import program, streams
from regcore.engine.batches import BatchSource, steps_per_epoch
from regcore.engine.replicate import Replicate, replicates_of
from regcore.engine.runtime import multiplies_alone_as_among_others, tensorflow
from regcore.engine.shard import Array, Probe, Rows, Shard, ShardState
from regcore.results import HISTORY_COLUMNS

# Rows that are measured at once: more of them leave the cache, fewer pay for the call.
_ROWS_PER_BLOCK = 256
# Rows that are measured again after each epoch are made ready once, if they take no more than this.
_LOOKED_BYTES = 16 << 20

SPLITS = ("train", "val", "test")


def start(shard: Shard, dataset: Dataset, dtype: str = "float32") -> ShardState:
    """Return the state before the first step: weights drawn, biases and the optimizer's memory zero."""
    each = [
        streams.initial_weights(replicate, dataset.n_features, dataset.n_outputs)
        for replicate in shard.replicates
    ]
    kernels = tuple(np.stack(layer).astype(dtype) for layer in zip(*each, strict=True))
    biases = tuple(np.zeros((len(kernel), 1, kernel.shape[2]), dtype) for kernel in kernels)
    moments = 2 if shard.replicates[0].config.optimizer == "adam" else 1
    slots = tuple(np.zeros_like(array) for array in (*kernels, *biases) * moments)
    return ShardState(0, kernels, biases, slots, np.zeros(len(each), dtype))


def advance(shard: Shard, state: ShardState, n_steps: int, dataset: Dataset) -> tuple[ShardState, Rows]:
    """Take `n_steps` more steps, or as many as are left.

    Args:
        shard: what to train; all replicates of one `shape_key`.
        state: where to go on from; arrays of float32, or float64 for a comparison at higher precision.
        n_steps: at least 1.
        dataset: the one that the replicates name.

    Returns:
        The state after these steps, and what they recorded. Of a training that has ended: the state itself,
        and no rows.
    """
    stop = min(state.step + n_steps, total_steps(shard, dataset))
    if stop <= state.step:
        return state, _no_rows(len(shard.replicates))
    dtype = str(state.kernels[0].dtype)
    if len(shard.replicates) == 1 and not multiplies_alone_as_among_others(dtype):
        # It trains beside its own double, so that its bits are those it has among others.
        doubled = replace(shard, replicates=shard.replicates * 2)
        state, rows = advance(doubled, state.take([0, 0]), n_steps, dataset)
        return state.take([0]), rows.take([0])
    training = _Training(shard, dataset, dtype)
    return training.run(state, stop)


def _no_rows(n_replicates: int) -> Rows:
    history = np.zeros((n_replicates, 0, len(HISTORY_COLUMNS)))
    return Rows(history, np.zeros(0, np.int64), outputs={}, checkpoints={}, probes={})


def total_steps(shard: Shard, dataset: Dataset) -> int:
    """Return the optimizer steps of the whole training."""
    return shard.epochs * steps_per_epoch(shard, dataset)


def parameters(replicate: Replicate, dataset: Dataset) -> int:
    """Return the number of weights and biases of one network."""
    widths = (dataset.n_features, *replicate.config.hidden, dataset.n_outputs)
    return sum((n_in + 1) * n_out for n_in, n_out in zip(widths[:-1], widths[1:], strict=True))


def flops_per_step(shard: Shard, dataset: Dataset) -> float:
    """Return the operations of a step's matrix products, with its part of the epoch's clean look."""
    config = shard.replicates[0].config
    weights = parameters(shard.replicates[0], dataset)
    measured = dataset.n_train + dataset.n_val + len(dataset.test_rows)
    rows = 6 * min(config.batch_size, dataset.n_train) + 2 * measured / steps_per_epoch(shard, dataset)
    return float(len(shard.replicates) * weights * rows)


def estimate_bytes(shard: Shard, dataset: Dataset, until: int | None = None) -> int:
    """Return about how much memory a worker needs for the shard, and the recording after it.

    Args:
        shard: what is to be trained.
        dataset: its data.
        until: the 1-based epoch after which it is done; None: the last of the configuration.
    """
    epochs = shard.epochs if until is None else until
    config = shard.replicates[0].config
    n = len(shard.replicates)
    slots = 2 if config.optimizer == "adam" else 1
    widths = (dataset.n_features, *config.hidden, dataset.n_outputs)
    state = 4 * n * parameters(shard.replicates[0], dataset) * (1 + slots)
    measured = dataset.n_train + dataset.n_val + len(dataset.test_rows)
    outputs = 4 * n * measured * dataset.n_outputs
    kept = math.ceil(epochs / shard.plan.output_every) if shard.plan.output_every else 0
    activations = 4 * n * max(3 * config.batch_size, _ROWS_PER_BLOCK) * sum(widths)
    pool = dataset.X.nbytes + 4 * dataset.X.size
    history = 8 * len(HISTORY_COLUMNS) * epochs * n
    recorded = history + kept * outputs + len(shard.plan.checkpoints) * state
    return 3 * state + activations + pool + 6 * outputs + recorded


class _Training:
    """One shard made ready for the compiled loop."""

    def __init__(self, shard: Shard, dataset: Dataset, dtype: str) -> None:
        self.shard, self.dataset, self.dtype = shard, dataset, dtype
        self.replicates = shard.replicates
        self.config = config = shard.replicates[0].config
        self.steps_per_epoch = steps_per_epoch(shard, dataset)
        self.rows = [dataset.rows(replicate.seed) for replicate in self.replicates]
        self.program = program.program(
            len(config.hidden), config.activation, config.optimizer, dataset.task, dtype
        )
        self.data = self._data()
        self.knobs = self._knobs()
        self.source = BatchSource(shard, dataset, self.rows, self.knobs.uses, dtype)

    # Constant during the training

    def _data(self) -> program.Data:
        pool = _pools.once((self.dataset.key, self.dtype), partial(_pool, self.dataset, self.dtype))
        # What the pool was scaled by is taken out again, so that each seed's own scaling is what a network
        # sees.
        shift = np.stack([(rows.shift - pool.shift) / pool.scale for rows in self.rows])[:, None]
        scale = np.stack([rows.scale / pool.scale for rows in self.rows])[:, None]
        measured = np.stack([np.concatenate([rows.train, rows.val, rows.test]) for rows in self.rows])
        n_blocks = math.ceil(measured.shape[1] / _ROWS_PER_BLOCK)
        filled = np.pad(measured, [(0, 0), (0, -measured.shape[1] % n_blocks)])
        y = np.stack([np.concatenate([rows.y_train, rows.y_val, rows.y_test]) for rows in self.rows])
        label = self.dtype if self.dataset.task == "regression" else "int32"
        counts = [np.int32(len(part)) for part in (self.rows[0].train, self.rows[0].val, self.rows[0].test)]
        tensor = tensorflow().convert_to_tensor
        blocks = filled.reshape(len(filled), n_blocks, -1).swapaxes(0, 1).astype(np.int32)
        data = program.Data(
            pool.rows, tensor(shift.astype(self.dtype)), tensor(scale.astype(self.dtype)), tensor(blocks),
            tensor(np.zeros((0, 0, 0, 0), self.dtype)), tensor(y.astype(label)), *map(tensor, counts),
        )  # fmt: skip
        if blocks.size * self.dataset.n_features * np.dtype(self.dtype).itemsize > _LOOKED_BYTES:
            return data
        return data._replace(looked=self.program.inputs(data, data.rows))

    def _knobs(self) -> program.Knobs:
        configs = [replicate.config for replicate in self.replicates]
        tensor = tensorflow().convert_to_tensor

        def each(values: list[float]) -> Any:
            # To multiply by one number takes half the time of one for each network.
            different = values if len(set(values)) > 1 else values[:1]
            return tensor(np.array(different, self.dtype).reshape(-1, 1, 1))

        def used(values: list[Any]) -> Any:
            return tensor(any(values))

        def field(name: str) -> list[Any]:
            return [getattr(config, name) for config in configs]

        max_norm = [math.inf if value is None else value for value in field("max_norm")]
        rates = list(zip(*map(streams.mask_rates, configs), strict=True))
        return program.Knobs(
            learning_rate=tensor(np.array(self.config.learning_rate, self.dtype)),
            momentum=tensor(np.array(self.config.momentum, self.dtype)),
            l2=each(field("l2")),
            weight_decay=each(field("weight_decay")),
            max_norm=each(max_norm),
            jitter=each(field("jitter")),
            dropout_scale=tuple(
                each([1 / streams.keep_probability(rate) for rate in layer]) for layer in rates
            ),
            image_shape=tensor(np.array(self.dataset.image_shape or (0, 0), np.int32)),
            uses=program.Uses(
                l2=used(field("l2")),
                some_l2=tensor(any(field("l2")) and not all(field("l2"))),
                weight_decay=used(field("weight_decay")),
                max_norm=used([value < math.inf for value in max_norm]),
                jitter=used(field("jitter")),
                mixup=used(field("mixup")),
                geometry=used([streams.moves_pixels(config) for config in configs]),
                cutout=used(field("cutout")),
                dropout=tuple(used(list(layer)) for layer in rates),
                whole_lanes=tensor(all(width % program.LANES == 0 for width in self.config.hidden)),
            ),
        )

    # Running

    def run(self, state: ShardState, stop: int) -> tuple[ShardState, Rows]:
        """Go on until step `stop`, pausing for what is recorded from the weights."""
        recorded = _Recorder()
        self.program.load(state)
        total = state.objective_sum
        step = state.step
        if step == 0:
            self._probe(0, recorded)
        while step < stop:
            end = self._next_end(step, stop)
            total, history, outputs = self.program.train(
                self.data, self.knobs, self.source.batches(step, end), total
            )
            step = end
            recorded.history.append(history.numpy())
            recorded.outputs.append(outputs.numpy())
            if step % self.steps_per_epoch == 0:
                epoch = step // self.steps_per_epoch
                self._probe(epoch, recorded)
                if epoch in self.shard.plan.checkpoints:
                    recorded.checkpoints[epoch] = self.program.state(step, total.numpy())
        after = self.program.state(step, np.asarray(total))
        return after, recorded.result(self._kept(state.step, step), self.data)

    def _next_end(self, step: int, stop: int) -> int:
        """Return where the next call of the compiled loop ends: at a pause, or before too much is drawn."""
        plan = self.shard.plan
        epochs = {*plan.checkpoints, *(epoch for probe in plan.probes for epoch in probe.epochs)}
        pauses = [at for epoch in epochs if (at := epoch * self.steps_per_epoch) > step]
        return min([stop, self.source.end_of_call(step), *pauses])

    def _kept(self, before: int, after: int) -> NDArray[np.int64]:
        epochs = np.arange(before // self.steps_per_epoch + 1, after // self.steps_per_epoch + 1)
        every = self.shard.plan.output_every
        return epochs[epochs % every == 0] if every else epochs[:0]

    def _probe(self, epoch: int, recorded: _Recorder) -> None:
        for probe in self.shard.plan.probes:
            if epoch in probe.epochs:
                recorded.probes[probe.name][epoch] = self._look(probe)

    def _look(self, probe: Probe) -> tuple[Array, ...]:
        if probe.kind == "weights":
            return tuple(variable.numpy() for variable in (*self.program.kernels, *self.program.biases))
        assert probe.X is not None
        scaled = np.stack([(probe.X - rows.shift) / rows.scale for rows in self.rows]).astype(self.dtype)
        if probe.kind == "outputs":
            return (self.program.outputs(scaled).numpy(),)
        return tuple(layer.numpy() for layer in self.program.activations(scaled))


class _Recorder:
    """Collects what one chunk records."""

    def __init__(self) -> None:
        self.history: list[Array] = []
        self.outputs: list[Array] = []
        self.checkpoints: dict[int, ShardState] = {}
        self.probes: defaultdict[str, dict[int, tuple[Array, ...]]] = defaultdict(dict)

    def result(self, output_epochs: NDArray[np.int64], data: program.Data) -> Rows:
        """Return it with replicates first, and outputs apart for every split."""
        history = _replicates_first(self.history)
        outputs = _replicates_first(self.outputs)
        counts = [int(data.n_train), int(data.n_val), int(data.n_test)]
        parts = np.split(outputs, np.cumsum(counts)[:-1], axis=2) if len(output_epochs) else []
        return Rows(
            history=history.astype(np.float64),
            output_epochs=output_epochs,
            outputs={split: np.ascontiguousarray(part) for split, part in zip(SPLITS, parts, strict=False)},
            checkpoints=self.checkpoints,
            probes=dict(self.probes),
        )


def _replicates_first(pieces: list[Array]) -> Array:
    joined = [piece for piece in pieces if len(piece)] or pieces[:1]
    return np.moveaxis(np.concatenate(joined), 0, 1)


class _Pool(NamedTuple):
    rows: Any
    shift: NDArray[np.float64]
    scale: NDArray[np.float64]


_pools: Kept[_Pool] = Kept(lambda pool: pool.rows.shape.num_elements() * pool.rows.dtype.size)


def _pool(dataset: Dataset, dtype: str) -> _Pool:
    """Return all rows of a data set as a tensor, brought near 0 and 1: large numbers keep their digits."""
    X = dataset.X
    if dataset.image_shape is None:
        # The median, which one huge value (a 999999 for missing) does not carry away from all others.
        shift, scale = np.median(X, axis=0), X.std(axis=0)
    else:
        shift, scale = np.zeros(X.shape[1]), np.full(X.shape[1], float(np.abs(X).max()))
    scale = np.where(scale > 0, scale, 1.0)
    return _Pool(tensorflow().convert_to_tensor(((X - shift) / scale).astype(dtype)), shift, scale)


def warm_up() -> None:
    """Compile the programs of the default network, one for each task, before somebody waits for them."""
    for data in ("moons", "blobs", "sine"):
        config = Config(data=data, epochs=1, seeds=1)
        dataset = load_dataset(config)
        shard = Shard(tuple(replicates_of(config, dataset).values()))
        advance(shard, start(shard, dataset), 1, dataset)
