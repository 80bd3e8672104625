"""What the scheduler keeps of a request: its job, and the trainings that the job waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from regcore.config import Config
from regcore.engine.shard import Array, ShardState
from regcore.errors import RegcoreError, WorkerError
from regcore.execution.cache import Trained
from regcore.execution.plan import Task, shard_of
from regcore.execution.recorder import Recorder
from regcore.execution.worker import Advanced, Chunk, Engine

State = Literal["queued", "running", "done", "cancelled", "failed"]

# Seconds that a chunk should take: the first is short where no pace is known, the longest leaves a cancelled
# run's worker free within half a second.
FIRST_CHUNK, NEXT_CHUNK, LONGEST_CHUNK = 0.07, 0.25, 0.35
# A first curve is drawn after half a second: until then, a chunk ends shortly before each quarter of one.
QUARTER, N_QUARTERS = 0.235, 2
# What is left of a quarter, or of a training, is not worth a chunk of its own below this part of a whole one.
SHORTEST_PART = 0.4
# A measured pace may be off (the first chunk of a new shape includes a trace), so chunks grow by steps.
MAX_GROWTH = 8
# Where others keep its core from a worker, a chunk takes longer than it should, up to this factor. It is not
# made smaller for that: in as many more pieces, a training would wait for as many more turns.
LONGER_BESIDE_OTHERS = 2.0
# Until a pace was measured: what a core does at least, and what a step costs at least.
FLOPS_PER_SECOND, SECONDS_PER_STEP = 1e10, 5e-4


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        done_steps: Optimizer steps taken, summed over networks; those found in the cache count.
        total_steps: Optimizer steps of the whole run, summed over networks.
        eta_seconds: Seconds that are probably left, with the machine shared as it is; None while nothing is
            known.
        state: "queued" until a first piece of it went to a worker.
        in_line: Owners whose turn it is until a first piece of it is served, its own included; 0: it is being
            served, or waits for runs of its own owner.
        after_own: Runs of the same owner that have to end before it is served.
        n_owners: Owners that share the machine, its own included.
        rounds: Pieces that have come of each of the run's parts that still train.
    """

    done_steps: int
    total_steps: int
    eta_seconds: float | None
    state: State
    in_line: int = 0
    after_own: int = 0
    n_owners: int = 1
    rounds: int = 0

    @property
    def fraction(self) -> float:
        """Part that is done, 0 to 1."""
        return self.done_steps / self.total_steps if self.total_steps else 1.0


class Job:
    """Networks that one request waits for. Made by `Scheduler.submit`, whose lock guards what it holds."""

    def __init__(
        self, tasks: Iterable[Task], owner: str, is_recall: bool = False, configs: Sequence[Config] = ()
    ) -> None:
        self.tasks = {task.key: task for task in tasks}
        self.owner = owner or f"job {id(self)}"
        self.is_recall = is_recall
        self.configs = configs
        self.asked = time.monotonic()
        self.n_cached = 0
        self.trained: dict[str, Trained] = {}
        self.trainings: list[Training] = []
        self.state: State = "queued"
        self.error: RegcoreError | None = None
        self.finished = threading.Event()
        self.came = threading.Event()
        self.when_done: list[Callable[[], None]] = []
        self.told: tuple[int, Progress] | None = None
        self.total_steps = 0
        self.done_steps = 0
        self.work_done = 0.0
        self.served = 0
        self.may_go_on = False
        self.came_after = 0

    def rounds(self) -> int:
        """Return how many pieces have come of each of its trainings."""
        return min((training.n_chunks for training in self.trainings), default=0)

    def n_done(self) -> int:
        """Return the optimizer steps taken so far, summed over networks."""
        return self.done_steps + sum(
            (training.step - training.first_step) * sum(task.key in self.tasks for task in training.tasks)
            for training in self.trainings
        )


class Training:
    """A shard under way, and the jobs that wait for it."""

    def __init__(self, tasks: Sequence[Task], engine: Engine) -> None:
        self.tasks = list(tasks)
        self.engine = engine
        self.shard = shard_of(self.tasks)
        self.dataset = self.tasks[0].dataset
        self.state = _stacked([task.state for task in self.tasks if task.state is not None])
        self.recorder = Recorder(self.shard, self.tasks[0].until)
        self.jobs: list[Job] = []
        self.step = self.first_step = self.tasks[0].first_step
        self.last_step = last_step(self.tasks[0], engine)
        self.needed_bytes = engine.estimate_bytes(self.shard, self.dataset, self.tasks[0].until)
        self.flops = engine.flops_per_step(self.shard, self.dataset)
        # As it was last: in seconds, with the machine shared as it is, and in those that its core worked.
        self.seconds_per_step: float | None = None
        self.work_per_step: float | None = None
        self.work_done = 0.0
        self.chunk_steps = 0
        self.n_chunks = 0
        self.is_let_in = False
        self.n_passed = 0
        self.is_in_flight = False
        self.needs_dataset = False
        self.breaks = 0
        self.served = 0
        self.future: Future[Any] | None = None

    @property
    def is_finished(self) -> bool:
        return self.step >= self.last_step

    @property
    def fraction(self) -> float:
        """Part of its steps that is done, 0 to 1."""
        return (self.step - self.first_step) / max(1, self.last_step - self.first_step)

    def bytes_of_one(self) -> int:
        """Return the bytes that one of the networks would take if it was trained alone."""
        return self.engine.estimate_bytes(shard_of(self.tasks[:1]), self.dataset, self.tasks[0].until)

    def next_chunk(self, seconds_per_step: float | None = None) -> Chunk:
        """Return what to do next.

        Args:
            seconds_per_step: What a step of such networks cost so far; None: that is not known.
        """
        self.chunk_steps = self._steps_of_next_chunk(self.work_per_step or seconds_per_step)
        return Chunk(self.engine, self.shard, self.state, self.chunk_steps, self.dataset.key)

    def _steps_of_next_chunk(self, seconds_per_step: float | None) -> int:
        end = self.step + self._wanted_steps(seconds_per_step)
        if end + SHORTEST_PART * (end - self.step) >= self.last_step:
            return self.last_step - self.step  # a short rest is not worth a chunk of its own
        end_of_block = end - end % self.engine.steps_per_block(self.shard, self.dataset)
        return (end_of_block if end_of_block > self.step else end) - self.step

    def _wanted_steps(self, seconds_per_step: float | None) -> int:
        if seconds_per_step is None:
            return max(1, round(FIRST_CHUNK / guessed_seconds(self.flops)))
        steps = round(self._wanted_seconds() / max(seconds_per_step, 1e-9))
        return max(1, min(steps, MAX_GROWTH * self.chunk_steps) if self.chunk_steps else steps)

    def _wanted_seconds(self) -> float:
        left = QUARTER - self.work_done % QUARTER
        quarters = self.work_done // QUARTER
        if left < SHORTEST_PART * QUARTER:
            left, quarters = left + QUARTER, quarters + 1
        return left if quarters < N_QUARTERS else min(NEXT_CHUNK + 0.01 * self.n_chunks, LONGEST_CHUNK)

    def take(self, answer: Advanced) -> None:
        n_steps = answer.state.step - self.step
        if n_steps <= 0:
            raise WorkerError(f"training stood still at step {self.step} of {self.last_step}: a bug.")
        self.state = answer.state
        self.step = answer.state.step
        self.recorder.add(answer.rows)
        self.seconds_per_step = answer.seconds / n_steps
        work = max(answer.core_seconds, answer.seconds / LONGER_BESIDE_OTHERS)
        self.work_per_step = work / n_steps
        self.work_done += work
        self.n_chunks += 1
        self.breaks = 0

    def keep(self, keys: set[str]) -> None:
        """Go on with these networks alone: their bits stay the same."""
        positions = [position for position, task in enumerate(self.tasks) if task.key in keys]
        if len(positions) == len(self.tasks):
            return
        part = len(positions) / len(self.tasks)
        if self.seconds_per_step is not None and self.work_per_step is not None:
            self.seconds_per_step *= part
            self.work_per_step *= part
        self.tasks = [self.tasks[position] for position in positions]
        self.shard = shard_of(self.tasks)
        self.state = self.state.take(positions) if self.state is not None else None
        self.recorder.keep(positions)
        self.flops = self.engine.flops_per_step(self.shard, self.dataset)


def guessed_seconds(flops: float) -> float:
    """Return the seconds that a step of so many operations takes, before any was measured."""
    return max(flops / FLOPS_PER_SECOND, SECONDS_PER_STEP)


def last_step(task: Task, engine: Engine) -> int:
    """Return the optimizer step at which a task is done."""
    shard = shard_of([task])
    return engine.total_steps(shard, task.dataset) // shard.epochs * task.until


def _stacked(states: Sequence[ShardState]) -> ShardState | None:
    """Return the state of several networks side by side; None for networks that have not started."""
    if not states:
        return None

    def layers(name: str) -> tuple[Array, ...]:
        arrays = [getattr(state, name) for state in states]
        return tuple(np.concatenate(same) for same in zip(*arrays, strict=True))

    return ShardState(
        step=states[0].step,
        kernels=layers("kernels"),
        biases=layers("biases"),
        slots=layers("slots"),
        objective_sum=np.concatenate([state.objective_sum for state in states]),
    )
