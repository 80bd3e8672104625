"""How long work takes on this machine: what a step cost so far, and what that means for one who shares it."""

from __future__ import annotations

import statistics
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence

from regcore.execution.job import Job, Training, guessed_seconds

# The first chunk of a shape includes a trace in each worker, so of what was measured the median counts. Where
# no pace is known, the first chunk of a training is short, and a trace would be most of it.
N_OF_SHAPE, N_OF_ALL, MAX_SHAPES = 9, 33, 256
# What keeps a core for so long at most, all in all, is a short run.
SHORT_SECONDS = 1.0


class Pace:
    """What a step costs a core, as a multiple of the first guess: by shape of network, and over all."""

    def __init__(self) -> None:
        self._of_all: deque[float] = deque(maxlen=N_OF_ALL)
        self._of_shape: OrderedDict[Hashable, deque[float]] = OrderedDict()

    @property
    def is_known(self) -> bool:
        """Whether anything was measured yet."""
        return bool(self._of_all)

    def learn(self, training: Training, n_steps: int, core_seconds: float) -> None:
        """Take in what some steps cost: those beyond the first chunk, or the whole of a training in one."""
        if n_steps < 1 or (training.n_chunks < 2 and not training.is_finished):
            return
        ratio = core_seconds / n_steps / guessed_seconds(training.flops)
        of_shape = self._of_shape.setdefault(_shape(training), deque(maxlen=N_OF_SHAPE))
        self._of_shape.move_to_end(_shape(training))
        of_shape.append(ratio)
        self._of_all.append(ratio)
        while len(self._of_shape) > MAX_SHAPES:
            self._of_shape.popitem(last=False)

    def measured_seconds_per_step(self, training: Training) -> float | None:
        """Return the core-seconds that a step of such networks cost so far; None: none was measured."""
        measured = self._of_shape.get(_shape(training))
        return statistics.median(measured) * guessed_seconds(training.flops) if measured else None

    def seconds_per_step(self, training: Training) -> float:
        """Return the core-seconds that a step probably costs."""
        measured = self._of_shape.get(_shape(training)) or self._of_all
        return guessed_seconds(training.flops) * (statistics.median(measured) if measured else 1.0)

    def core_seconds(self, training: Training) -> float:
        """Return the core-seconds that are probably left of a training."""
        return (training.last_step - training.step) * self.seconds_per_step(training)

    def is_short(self, job: Job) -> bool:
        """Return whether a job keeps a core for a second at most, what was done since it came included."""
        return job.work_done + sum(map(self.core_seconds, job.trainings)) <= SHORT_SECONDS

    def seconds_left(self, training: Training) -> float | None:
        """Return the seconds that are probably left if nobody else is served; None while nothing is known."""
        if training.seconds_per_step is not None:
            return (training.last_step - training.step) * training.seconds_per_step
        return self.core_seconds(training) if self.is_known else None


def seconds_until_done(
    job: Job, trainings: Sequence[Training], pace: Pace, n_workers: int, goes_first: Callable[[Job], bool]
) -> float | None:
    """Return the seconds until a job is done, with the machine shared as it is; None while nothing is known.

    Args:
        job: One that waits for a training.
        trainings: All that are under way.
        pace: What steps cost so far.
        n_workers: How many trainings are served at a time.
        goes_first: Returns whether a job is served before others until it is done.
    """
    seconds = {training: pace.seconds_left(training) for training in trainings}
    known = [value for training in job.trainings if (value := seconds[training]) is not None]
    if not known:
        return None
    # A shard whose pace is not known yet is taken for an average one.
    average = sum(known) / len(known)
    left = {training: average if value is None else value for training, value in seconds.items()}
    own = [left[training] for training in job.trainings]
    if goes_first(job):
        # Those that came before are done first. Pieces for who is overdue are not counted.
        others_first = [
            each for each in trainings if job not in each.jobs and _is_before(each, job, goes_first)
        ]
        return max(max(own), (sum(own) + sum(left[each] for each in others_first)) / n_workers)
    others: dict[str, float] = {}
    for training in trainings:
        if job not in training.jobs:
            for owner in {other.owner for other in training.jobs}:
                others[owner] = others.get(owner, 0.0) + left[training]
    of_owner = sum(own) + min(others.pop(job.owner, 0.0), sum(own))
    return shared_seconds(own, of_owner, list(others.values()), n_workers)


def _is_before(training: Training, job: Job, goes_first: Callable[[Job], bool]) -> bool:
    return any(other.asked < job.asked and goes_first(other) for other in training.jobs)


def shared_seconds(own: Sequence[float], of_owner: float, others: Sequence[float], n_workers: int) -> float:
    """Return the seconds until a job is done when owners are served in turn.

    By the time that an owner has had so many seconds, each of the others has had as many, or all it needs.

    Args:
        own: Seconds of work left in each training of the job.
        of_owner: Seconds of work that its owner needs until then, other jobs included.
        others: Seconds of work left of each other owner.
        n_workers: How many trainings are served at a time.
    """
    return max(max(own), (of_owner + sum(min(other, of_owner) for other in others)) / n_workers)


def _shape(training: Training) -> Hashable:
    config, dataset = training.tasks[0].replicate.config, training.dataset
    drops = bool(config.dropout_input) or any(config.dropout_rates())
    return dataset.key, config.hidden, config.activation, config.optimizer, config.batch_size, drops
