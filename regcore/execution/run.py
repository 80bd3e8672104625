"""A run: what a request asked for, how far it is, and its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from weakref import WeakSet

from regcore.config import Config
from regcore.data import Dataset
from regcore.errors import ConfigError, RegcoreError
from regcore.execution.cache import ProbeValues, Trained
from regcore.execution.job import Job, Progress
from regcore.execution.plan import Task, with_outputs_at
from regcore.execution.scheduler import Scheduler
from regcore.results import Moment, Recording, Result, Snapshot

# Waiting in pieces lets Ctrl-C through on every system.
SECONDS_A_PIECE = 0.1

Networks = Mapping[tuple[int, int], Task]


class Run:
    """Several configurations under training. Made by `regcore.execution.submit`.

    Attributes:
        configs: Name -> configuration.
        datasets: Name -> the data that it trains on.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        configs: Mapping[str, Config],
        datasets: Mapping[str, Dataset],
        networks: Mapping[str, Networks],
        owner: str,
        executor: Executor | None = None,
    ) -> None:
        self.configs = dict(configs)
        self.datasets = dict(datasets)
        self._scheduler = scheduler
        self._networks = networks
        self._owner = owner
        self._executor = executor  # keeps it alive as long as the run may train
        self._recalls: WeakSet[_Recall] = WeakSet()
        self.is_let_go = False
        """Whether only curves are left of what was recorded."""
        tasks = [task for of_config in networks.values() for task in of_config.values()]
        self._job: Job = scheduler.submit(tasks, owner, configs=tuple(self.configs.values()))

    def __repr__(self) -> str:
        progress = self.progress()
        return f"Run({', '.join(map(repr, self.configs))}: {progress.state}, {progress.fraction:.0%})"

    @property
    def error(self) -> RegcoreError | None:
        """Why the run failed or was cancelled; None while it has not."""
        return self._job.error

    def progress(self) -> Progress:
        """Return how far the run is."""
        return self._scheduler.progress(self._job)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run has ended, by itself or not; return whether it has.

        Args:
            timeout: Seconds to wait at most; None: as long as it takes.
        """
        return self._job.finished.wait(timeout)

    def wait_for_more(self, timeout: float) -> bool:
        """Wait until a piece of the run has come that was not waited for before; return whether it has ended.

        Args:
            timeout: Seconds to wait at most.
        """
        self._job.came.wait(timeout)
        self._job.came.clear()
        return self._job.finished.is_set()

    def when_done(self, call: Callable[[], None]) -> None:
        """Call something quick when the run is done, in another thread; at once if it is. Not if it fails."""
        self._scheduler.when_done(self._job, call)

    def cancel(self) -> None:
        """End the run now. What it recorded so far stays readable; what others wait for goes on training."""
        self._scheduler.cancel(self._job)

    def sizes(self) -> dict[int, int]:
        """Return the bytes of what is held of each network of a run that has ended, by the identity of it."""
        return {id(trained): trained.nbytes for trained in self._job.trained.values()}

    def let_go(self) -> None:
        """Keep the curves alone of a run that has ended, also in the results that it has handed out.

        What they need beyond is trained again when somebody asks for it.
        """
        self.is_let_go = True
        self._job.trained = {
            key: Trained(trained.recording.curves_alone()) for key, trained in self._job.trained.items()
        }
        for recall in list(self._recalls):
            recall.let_go()

    def results(self, partial: bool = False) -> dict[str, Result]:
        """Return the result of each configuration, by name.

        Args:
            partial: Return what there is so far, without waiting; also of a run that failed or was cancelled.

        Raises:
            RegcoreError: the run failed.
            CancelledError: the run was cancelled.
        """
        if not partial:
            while not self.wait(SECONDS_A_PIECE):
                pass
            if self.error is not None:
                raise self.error.with_traceback(None)
        trained = self._scheduler.trained(self._job)
        return {name: self._result(name, trained) for name in self.configs}

    def probe(self, name: str, probe: str, seed: int, member: int = 0) -> ProbeValues:
        """Return what a probe recorded so far: epoch -> one array, or one a layer.

        Args:
            name: Of the configuration.
            probe: Name of the probe.
            seed: Value of the seed column.
            member: Member of the ensemble, from 0.

        Raises:
            ConfigError: there is no such configuration, seed, member or probe.
        """
        task = self._networks.get(name, {}).get((seed, member))
        if task is None:
            raise ConfigError(f"(name, seed, member) must be of this run, got {(name, seed, member)}")
        if probe not in task.probes:
            raise ConfigError(f"probe must be one of {', '.join(task.probes) or 'none'}, got {probe!r}")
        trained = self._scheduler.trained(self._job).get(task.key)
        return trained.probes.get(task.probes[probe], {}) if trained is not None else {}

    def _result(self, name: str, trained: Mapping[str, Trained]) -> Result:
        there = {at: trained[task.key] for at, task in self._networks[name].items() if task.key in trained}
        recordings: dict[tuple[int, int], Recording] = {at: found.recording for at, found in there.items()}
        recall = _Recall(
            self._scheduler, self._networks[name], there, recordings, self._owner, self._executor
        )
        self._recalls.add(recall)
        return Result(self.configs[name], self.datasets[name], recordings, recall)


class _Recall:
    """Fetches what was not recorded: training goes on from the nearest state that was."""

    def __init__(
        self,
        scheduler: Scheduler,
        networks: Networks,
        trained: dict[tuple[int, int], Trained],
        recordings: dict[tuple[int, int], Recording],
        owner: str,
        executor: Executor | None,
    ) -> None:
        self._scheduler = scheduler
        self._networks = networks
        self._trained = trained
        self._recordings = recordings
        self._owner = owner
        self._executor = executor

    def let_go(self) -> None:
        """Leave the curves alone in the result that this belongs to."""
        for at, recording in self._recordings.items():
            self._recordings[at] = recording.curves_alone()
        self._trained.clear()

    def __call__(self, moments: Sequence[Moment]) -> dict[Moment, Snapshot]:
        tasks = {moment: self._task(moment) for moment in moments}
        job = self._scheduler.submit(list(tasks.values()), self._owner, is_recall=True)
        try:
            while not job.finished.wait(SECONDS_A_PIECE):
                pass
        except BaseException:
            self._scheduler.cancel(job)
            raise
        if job.error is not None:
            raise job.error.with_traceback(None)
        return {
            moment: job.trained[task.key].recording.snapshot(moment.epoch) for moment, task in tasks.items()
        }

    def _task(self, moment: Moment) -> Task:
        at = (moment.seed, moment.member)
        task = self._networks[at]
        trained = self._trained.get(at) or self._scheduler.cache.get(task.recorded_key)
        states = trained.states if trained is not None else {}
        # Outputs come with the step that ends an epoch, so the state after that step is too late.
        state = states.get(max((epoch for epoch in states if epoch < moment.epoch), default=0))
        plan = with_outputs_at(moment.epoch)
        return Task(task.replicate, plan, task.dataset, until=moment.epoch, state=state)
