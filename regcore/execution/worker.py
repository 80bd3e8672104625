"""What runs in a worker: one chunk of a training, with the data that the worker keeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from regcore.data import Dataset
from regcore.data.kept import Kept
from regcore.engine.shard import Rows, Shard, ShardState


@dataclass(frozen=True)
class Engine:
    """What training is: the functions of `regcore.engine.advance`. All are pure, and importable in a worker.

    Attributes:
        start: The state before the first step.
        advance: The state some steps later, clipped at the end of training, and what was recorded on the way.
        total_steps: Optimizer steps of a whole training.
        steps_per_block: Random numbers are drawn for so many steps at once; a chunk that ends within a block
            leaves the rest to be drawn again.
        flops_per_step: Rough cost of one step of a shard; only ratios matter.
        estimate_bytes: Memory that a shard takes until an epoch: in its worker, and for what is recorded of
            it.
    """

    start: Callable[[Shard, Dataset], ShardState]
    advance: Callable[[Shard, ShardState, int, Dataset], tuple[ShardState, Rows]]
    total_steps: Callable[[Shard, Dataset], int]
    steps_per_block: Callable[[Shard, Dataset], int]
    flops_per_step: Callable[[Shard, Dataset], float]
    estimate_bytes: Callable[[Shard, Dataset, int], int]


@dataclass(frozen=True)
class Chunk:
    """Some steps of a shard. `state` is None before the first."""

    engine: Engine
    shard: Shard
    state: ShardState | None
    n_steps: int
    dataset_key: str


@dataclass(frozen=True)
class Advanced:
    """What a chunk gave, the seconds it took in its worker, and those that it kept a core busy.

    Its arrays are for whoever takes the answer in: what is kept of them for longer is copied.
    """

    state: ShardState
    rows: Rows
    seconds: float
    core_seconds: float


@dataclass(frozen=True)
class MissingDataset:
    """The answer of a worker that does not have the data: send the chunk again, with them."""

    dataset_key: str


# A chunk brings its state alone, where the worker has the data of the last few runs.
_datasets: Kept[Dataset] = Kept(lambda dataset: dataset.nbytes)

# A compiled program keeps its weights in variables of its own, so a process trains one chunk at a time.
_one_at_a_time = threading.Lock()


def run_chunk(chunk: Chunk, dataset: Dataset | None) -> Advanced | MissingDataset:
    """Advance a shard by one chunk.

    Args:
        chunk: What to do.
        dataset: The data, if the sender thinks that this worker may not have them.
    """
    if dataset is None:
        dataset = _datasets.get(chunk.dataset_key)
        if dataset is None:
            return MissingDataset(chunk.dataset_key)
    else:
        dataset = _datasets.put(chunk.dataset_key, dataset)
    with _one_at_a_time:
        began, began_cpu = time.perf_counter(), time.process_time()
        state = chunk.state if chunk.state is not None else chunk.engine.start(chunk.shard, dataset)
        state, rows = chunk.engine.advance(chunk.shard, state, chunk.n_steps, dataset)
        seconds = time.perf_counter() - began
        # One thread trains; what other threads did meanwhile, where this process is no worker's own, is none.
        return Advanced(state, rows, seconds, min(seconds, time.process_time() - began_cpu))
