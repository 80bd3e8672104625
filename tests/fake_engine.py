"""An engine of a few lines of arithmetic, whose answers are known without training: for tests of execution.

The one weight of network `seed` goes from w to (3 * w + seed + 1) mod 1009 in each step, starting at 0.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import numpy as np

from regcore.config import Config
from regcore.data import Dataset
from regcore.engine.replicate import replicates_of
from regcore.engine.shard import RecordingPlan, Rows, Shard, ShardState
from regcore.errors import DataError
from regcore.execution.plan import Task, recording_plan
from regcore.execution.scheduler import Scheduler
from regcore.execution.worker import Engine
from regcore.settings import Settings

# A test that waits this long hangs.
PATIENCE = 30.0

DATASET = Dataset.from_arrays(
    np.arange(40.0).reshape(20, 2),
    np.arange(20) % 2,
    train_rows=range(8),
    val_rows=range(8, 12),
    test_rows=range(12, 20),
)
STEPS_PER_EPOCH = 2
CONFIG = Config(hidden=(), batch_size=4, epochs=6, seeds=4)
TOTAL_STEPS = 12


def weight(seed: int, n_steps: int) -> float:
    """Return the weight of a network after so many steps."""
    w = 0
    for _ in range(n_steps):
        w = (3 * w + seed + 1) % 1009
    return float(w)


def start(shard: Shard, dataset: Dataset) -> ShardState:
    return _state(0, np.zeros(len(shard.replicates)))


def advance(shard: Shard, state: ShardState, n_steps: int, dataset: Dataset) -> tuple[ShardState, Rows]:
    w = state.kernels[0][:, 0, 0].copy()
    seeds = np.array([replicate.seed for replicate in shard.replicates])
    first, last = state.step, min(state.step + n_steps, total_steps(shard, dataset))
    history, epochs, outputs, checkpoints = [], [], [], {}
    probes: dict[str, dict[int, Any]] = {probe.name: {} for probe in shard.plan.probes}
    for step in range(first + 1, last + 1):
        w = (3 * w + seeds + 1) % 1009
        if step % STEPS_PER_EPOCH:
            continue
        epoch = step // STEPS_PER_EPOCH
        history.append(w.copy())
        if shard.plan.output_every and epoch % shard.plan.output_every == 0:
            epochs.append(epoch)
            outputs.append(w.copy())
        if epoch in shard.plan.checkpoints:
            checkpoints[epoch] = _state(step, w)
        for probe in shard.plan.probes:
            if epoch in probe.epochs:
                probes[probe.name][epoch] = (w[:, None],)
    counts = {"train": 8, "val": 4, "test": 8}
    rows = Rows(
        history=np.array(history).reshape(-1, len(w)).T[:, :, None].repeat(12, axis=2),
        output_epochs=np.array(epochs, dtype=np.int64),
        outputs={
            split: np.array(outputs, dtype=np.float32)
            .reshape(-1, len(w))
            .T[:, :, None, None]
            .repeat(n, axis=2)
            for split, n in counts.items()
        },
        checkpoints=checkpoints,
        probes=probes,
    )
    return _state(last, w), rows


def total_steps(shard: Shard, dataset: Dataset) -> int:
    return shard.epochs * STEPS_PER_EPOCH


def flops_per_step(shard: Shard, dataset: Dataset) -> float:
    return 1e8 * len(shard.replicates)


def flops_of_wide_networks(shard: Shard, dataset: Dataset) -> float:
    return 1e9 * len(shard.replicates)


def flops_of_large_networks(shard: Shard, dataset: Dataset) -> float:
    return 4e11 * len(shard.replicates)


def estimate_bytes(shard: Shard, dataset: Dataset, until: int) -> int:
    return 1000 * len(shard.replicates)


def _state(step: int, w: Any) -> ShardState:
    kernel = np.asarray(w, dtype=np.float64)[:, None, None].copy()
    return ShardState(step, (kernel,), (kernel * 2,), (kernel * 3,), kernel[:, 0, 0] * 4)


def steps_per_block(shard: Shard, dataset: Dataset) -> int:
    return 1


def steps_per_large_block(shard: Shard, dataset: Dataset) -> int:
    return 16


ENGINE = Engine(start, advance, total_steps, steps_per_block, flops_per_step, estimate_bytes)


def slow_engine(seconds_per_step: float) -> Engine:
    """Return the engine, with steps that take time."""
    return replace(ENGINE, advance=partial(_advance_slowly, seconds_per_step))


def _advance_slowly(
    seconds_per_step: float, shard: Shard, state: ShardState, n_steps: int, dataset: Dataset
) -> Any:
    time.sleep(seconds_per_step * min(n_steps, total_steps(shard, dataset) - state.step))
    return advance(shard, state, n_steps, dataset)


def deadly_engine(folder: Path, n_deaths: int, seed: int | None = None) -> Engine:
    """Return the engine, which ends its process at its first `n_deaths` calls (for shards with this seed)."""
    return replace(ENGINE, advance=partial(_advance_or_die, folder, n_deaths, seed))


def _advance_or_die(
    folder: Path,
    n_deaths: int,
    seed: int | None,
    shard: Shard,
    state: ShardState,
    n_steps: int,
    dataset: Dataset,
) -> Any:
    is_meant = seed is None or any(replicate.seed == seed for replicate in shard.replicates)
    if is_meant and len(list(folder.iterdir())) < n_deaths:
        (folder / f"{os.getpid()}-{threading.get_ident()}").touch()
        os._exit(9)
    return advance(shard, state, n_steps, dataset)


def refusing_advance(shard: Shard, state: ShardState, n_steps: int, dataset: Dataset) -> Any:
    raise DataError("X must be finite, got nan")


def buggy_advance(shard: Shard, state: ShardState, n_steps: int, dataset: Dataset) -> Any:
    raise ZeroDivisionError("a bug")


def idle_advance(shard: Shard, state: ShardState, n_steps: int, dataset: Dataset) -> tuple[ShardState, Rows]:
    return state, advance(shard, state, 0, dataset)[1]


def nothing() -> None:
    """A worker needs nothing for this engine."""


def tasks_of(config: Config, plan: RecordingPlan | None = None) -> list[Task]:
    """Return the networks of a configuration, as tasks."""
    return [
        Task(
            replicate,
            plan or recording_plan(replicate, DATASET, Settings(checkpoint_steps=1)),
            DATASET,
            until=config.epochs,
        )
        for replicate in replicates_of(config, DATASET).values()
    ]


class ByHand(Executor):
    """An executor whose calls wait until the test runs them."""

    def __init__(self) -> None:
        self.calls: Queue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = Queue()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.calls.put((future, fn, args))
        return future

    def take(self) -> "Call":
        """Return the next call that has been submitted."""
        return Call(*self.calls.get(timeout=PATIENCE))

    def is_idle(self) -> bool:
        """Whether no more calls are coming."""
        try:
            self.calls.put(self.calls.get(timeout=0.1))
        except Empty:
            return True
        return False

    def run_all(self, until: threading.Event) -> None:
        """Run what comes until the event is set."""
        while not until.is_set():
            try:
                Call(*self.calls.get(timeout=0.01)).run()
            except Empty:
                continue


class Call:
    """A call that was submitted."""

    def __init__(self, future: Future[Any], fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.future, self.fn, self.args = future, fn, args

    @property
    def seeds(self) -> list[int]:
        """The networks of the chunk."""
        return [replicate.seed for replicate in self.args[0].shard.replicates]

    @property
    def first_step(self) -> int:
        """The step that the chunk starts from."""
        state = self.args[0].state
        return 0 if state is None else int(state.step)

    def run(self, seconds_per_step: float | None = None) -> None:
        """Do it, and give the answer.

        Args:
            seconds_per_step: What the answer says that a step took and cost; None: what it did.
        """
        if self.future.set_running_or_notify_cancel():
            try:
                answer = self.fn(*self.args)
            except BaseException as error:
                self.future.set_exception(error)
            else:
                if seconds_per_step is not None:
                    seconds = seconds_per_step * self.args[0].n_steps
                    answer = replace(answer, seconds=seconds, core_seconds=seconds)
                self.future.set_result(answer)

    def fail(self, error: BaseException) -> None:
        """Give this answer instead."""
        self.future.set_running_or_notify_cancel()
        self.future.set_exception(error)


@contextmanager
def scheduler_by_hand(
    n_workers: int = 1, engine: Engine = ENGINE, **settings: Any
) -> Iterator[tuple[Scheduler, ByHand]]:
    """Give a scheduler whose chunks wait for the test."""
    executor = ByHand()
    yield Scheduler(executor.submit, n_workers, engine, Settings(**settings)), executor
