"""Trainings in this process, for the tests of the engine."""

from collections.abc import Iterable
from itertools import chain, repeat
from typing import NamedTuple

import numpy as np

from regcore.config import Config
from regcore.data import Dataset, load_dataset
from regcore.engine.advance import advance, start, total_steps
from regcore.engine.replicate import Replicate, replicates_of
from regcore.engine.shard import RecordingPlan, Rows, Shard, ShardState

WHOLE = 1_000_000


class Run(NamedTuple):
    """What a training ended with, and what its chunks recorded, joined."""

    state: ShardState
    history: np.ndarray
    outputs: dict[str, np.ndarray]
    pieces: list[Rows]

    def bits(self, place: int) -> tuple[bytes, ...]:
        """Return everything about one replicate, byte by byte."""
        alone = self.state.take([place])
        arrays = [*alone.kernels, *alone.biases, *alone.slots, alone.objective_sum]
        recorded = [self.history, *self.outputs.values()]
        return tuple(array.tobytes() for array in (*arrays, *(array[place] for array in recorded)))


def replicates(config: Config, dataset: Dataset | None = None) -> tuple[Replicate, ...]:
    """Return all replicates of a configuration."""
    return tuple(replicates_of(config, dataset or load_dataset(config)).values())


def train(
    trained: Iterable[Replicate],
    dataset: Dataset,
    chunks: Iterable[int] = (),
    plan: RecordingPlan | None = None,
    dtype: str = "float32",
    state: ShardState | None = None,
) -> Run:
    """Train to the end, in chunks of these sizes and then whatever is left."""
    shard = Shard(tuple(trained), plan or RecordingPlan())
    state = state or start(shard, dataset, dtype)
    pieces = []
    for n_steps in chain(chunks, repeat(WHOLE)):
        if state.step == total_steps(shard, dataset):
            break
        state, rows = advance(shard, state, n_steps, dataset)
        pieces.append(rows)
    splits = {split for piece in pieces for split in piece.outputs}
    outputs = {
        split: np.concatenate([piece.outputs[split] for piece in pieces if split in piece.outputs], axis=1)
        for split in sorted(splits)
    }
    return Run(state, np.concatenate([piece.history for piece in pieces], axis=1), outputs, pieces)
