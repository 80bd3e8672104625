"""From networks that are wanted to shards that train them: what is recorded, and what trains beside what."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from regcore.data import Dataset
from regcore.engine.advance import parameters
from regcore.engine.replicate import Replicate
from regcore.engine.shard import Probe, RecordingPlan, Shard, ShardState
from regcore.execution.recorder import probe_key
from regcore.settings import MIB, Settings

MAX_CHECKPOINTS = 8
BYTES_PER_NUMBER = 4  # float32, in which outputs and states are kept

# A shard's state goes to a worker and back with every chunk: larger shards would spend their time in transit.
MAX_SHARD_BYTES = 4 * MIB

# Side by side, four networks cost hardly more than one: fewer are not worth a program of their own.
MIN_NETWORKS = 4


@dataclass(frozen=True, eq=False)
class Task:
    """One network that somebody wants.

    Attributes:
        replicate: The network.
        plan: What to record of it.
        dataset: Its data.
        until: The 1-based epoch after which it is done.
        state: Where to go on from; None: from the start.
    """

    replicate: Replicate
    plan: RecordingPlan
    dataset: Dataset
    until: int
    state: ShardState | None = None

    @cached_property
    def probes(self) -> dict[str, str]:
        """Name of each probe that is asked for -> a key that is equal where the same is asked for."""
        return {probe.name: probe_key(probe) for probe in self.plan.probes}

    @cached_property
    def recorded_key(self) -> str:
        """Equal exactly where what is recorded is the same, probes left aside."""
        parts = (self.replicate.key, self.plan.output_every, self.plan.checkpoints, self.until)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @cached_property
    def key(self) -> str:
        """Equal exactly where what is recorded is the same."""
        return hashlib.sha256(repr((self.recorded_key, sorted(self.probes.values()))).encode()).hexdigest()

    @property
    def first_step(self) -> int:
        """Steps already taken."""
        return self.state.step if self.state is not None else 0


def recording_plan(
    replicate: Replicate, dataset: Dataset, settings: Settings, probes: Sequence[Probe] = ()
) -> RecordingPlan:
    """Return what to keep of a network: as much as its byte budgets allow.

    It depends on the network alone, never on what trains beside it, so that whoever finds the network in the
    cache finds the same.
    """
    epochs = replicate.config.epochs
    n_rows = dataset.n_train + dataset.n_val + len(dataset.test_rows)
    n_kept = settings.output_bytes // (n_rows * dataset.n_outputs * BYTES_PER_NUMBER)
    n_steps = epochs * math.ceil(dataset.n_train / replicate.config.batch_size)
    n_states = min(
        MAX_CHECKPOINTS,
        epochs,
        n_steps // settings.checkpoint_steps,
        settings.checkpoint_bytes // _state_bytes(replicate, dataset),
    )
    return RecordingPlan(
        output_every=_smallest_interval(epochs, n_kept),
        checkpoints=_evenly_spaced(epochs, max(1, n_states)),
        probes=tuple(probes),
    )


def shards_of(
    tasks: Sequence[Task], n_workers: int, largest: int, fitting: Callable[[Task], int] | None = None
) -> list[list[Task]]:
    """Return the tasks in groups that train side by side, each a shard.

    A group has one shape, one plan, one data set and one step to start from; networks that use dropout are
    kept apart from those that do not, which are cheaper. Groups are cut so that every worker has its part,
    and no further: a step of eight networks costs less than two of four.

    Args:
        tasks: What is to be trained.
        n_workers: How many shards train at a time.
        largest: How many networks may train side by side.
        fitting: How many networks like this one, if there is another limit for them.
    """
    groups: dict[tuple[object, ...], list[Task]] = {}
    for task in tasks:
        config = task.replicate.config
        drops = bool(config.dropout_input) or any(config.dropout_rates())
        plan = (task.plan.output_every, task.plan.checkpoints, *sorted(task.probes.values()))
        shape = (task.dataset.key, task.replicate.shape_key, drops)
        groups.setdefault((*shape, *plan, task.until, task.first_step), []).append(task)
    return [
        part
        for group in groups.values()
        for part in _cut(
            group,
            # A little more than a worker's part is no reason for another shard.
            math.ceil(n_workers * len(group) / len(tasks) - 0.25),
            min(largest, fitting(group[0])) if fitting else largest,
        )
    ]


def shard_of(tasks: Sequence[Task]) -> Shard:
    """Return the shard that trains a group of tasks."""
    return Shard(tuple(task.replicate for task in tasks), tasks[0].plan)


def with_outputs_at(epoch: int) -> RecordingPlan:
    """Return the plan that keeps outputs and state of one epoch, for a training that ends there."""
    return RecordingPlan(output_every=epoch, checkpoints=(epoch,))


def _cut(tasks: list[Task], n_parts: int, largest: int) -> list[list[Task]]:
    wanted = min(n_parts, len(tasks) // MIN_NETWORKS)
    largest = min(largest, max(1, MAX_SHARD_BYTES // _state_bytes(tasks[0].replicate, tasks[0].dataset)))
    n_parts = max(1, wanted, math.ceil(len(tasks) / largest))
    bounds = [round(part * len(tasks) / n_parts) for part in range(n_parts + 1)]
    return [tasks[low:high] for low, high in zip(bounds, bounds[1:], strict=False)]


def _smallest_interval(epochs: int, n_kept: int) -> int:
    """Return the smallest k for which every k-th epoch is at most `n_kept` epochs; 0 if there is none."""
    return epochs // (n_kept + 1) + 1 if n_kept > 0 else 0


def _evenly_spaced(epochs: int, n: int) -> tuple[int, ...]:
    return tuple(math.ceil(epochs * part / n) for part in range(1, n + 1))


def _state_bytes(replicate: Replicate, dataset: Dataset) -> int:
    copies = (
        3 if replicate.config.optimizer == "adam" else 2
    )  # the weights, and the optimizer's memory of each
    return parameters(replicate, dataset) * copies * BYTES_PER_NUMBER
