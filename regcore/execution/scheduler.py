"""Jobs as chains of chunks, served in turn by one thread, over any executor."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future
from concurrent.futures import CancelledError as FutureCancelledError
from typing import Any

from regcore.config import Config
from regcore.data import Dataset
from regcore.errors import CancelledError, RegcoreError, WorkerError
from regcore.execution import admission
from regcore.execution.cache import Trained, TrainedCache
from regcore.execution.job import LONGEST_CHUNK, Job, Progress, State, Training, guessed_seconds, last_step
from regcore.execution.metrics import Counts, Figures, queries
from regcore.execution.pace import Pace, seconds_until_done
from regcore.execution.plan import Task, shard_of, shards_of
from regcore.execution.turns import NO_PLACE, Place, Turns
from regcore.execution.worker import Advanced, Chunk, Engine, MissingDataset, run_chunk
from regcore.settings import Settings

logger = logging.getLogger(__name__)

# Beyond so many data sets it is forgotten which ones were sent; workers that have them anyway say nothing.
MAX_KNOWN_DATASETS = 64
# So often may a worker die of the same chunk, alone in the pool, before it is the chunk's fault.
MAX_BREAKS = 3


class Scheduler:
    """Trains what jobs ask for.

    Chunks of all jobs are served in turn (`turns`). There are never more chunks under way than workers, and
    one that waits. A network that several jobs want is trained once. What would take too much is refused
    (`admission`).

    Args:
        submit: `submit` of a `concurrent.futures.Executor`.
        n_workers: How many chunks the executor runs at a time.
        engine: What training is.
        settings: Budgets and limits.
    """

    def __init__(
        self, submit: Callable[..., Future[Any]], n_workers: int, engine: Engine, settings: Settings
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.n_workers = n_workers
        self.cache = TrainedCache(settings.cache_bytes)
        self.steps_submitted = 0
        """Optimizer steps handed to workers so far, summed over networks."""
        self._submit_to_executor = submit
        self._jobs: list[Job] = []
        self._trainings: list[Training] = []
        self._under_way: dict[str, Training] = {}
        self._answers: deque[tuple[Training, Future[Any]]] = deque()
        self._n_in_flight = 0
        # Pages ask again and again how far their runs are: it is worked out once for each change.
        self._n_changes = 0
        self._pace = Pace()
        self._turns = Turns(settings.session_runs, self._pace.is_short)
        self._counts = Counts()
        self._n_sent: dict[str, int] = {}
        self._calls: dict[tuple[Any, ...], Future[Any]] = {}
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    def submit(
        self,
        tasks: Sequence[Task],
        owner: str = "",
        is_recall: bool = False,
        configs: Sequence[Config] = (),
    ) -> Job:
        """Start training what is not in the cache and not under way.

        Args:
            tasks: The networks that are wanted.
            owner: Whose turn it is when chunks are served; empty: the job has turns of its own.
            is_recall: Whether it fetches again what was trained before: nobody can wait for it in line.
            configs: What the log calls it.

        Raises:
            TooLargeError: it does not fit into memory.
            TooCostlyError: it would keep the machine for too long.
            BusyError: as many jobs train or wait as may.
        """
        job = Job(tasks, owner, is_recall, configs)
        with self._wake:
            missing = self._find(job)
            trainings = self._trainings_of(missing)
            if trainings:
                with self._counts.refusals(job):
                    self._admit(job, trainings)
            self._n_changes += 1
            self._counts.admit(job, len(missing))
            for training in trainings:
                self._begin(training)
            self._join(job)
            self._start_thread()
            self._wake.notify_all()
        return job

    def core_seconds(self, tasks: Sequence[Task]) -> float:
        """Return about how long tasks would keep a core; what is in the cache or under way costs nothing."""
        with self._wake:
            missing = [
                task
                for key, task in Job(tasks, "").tasks.items()
                if key not in self._under_way and self._cached(task) is None
            ]
            return sum(map(self._pace.core_seconds, self._trainings_of(missing)))

    def call(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Call a function in a worker, beside the chunks."""
        return self._submit_to_executor(function, *args)

    def call_once(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Call a function in a worker; while the same call is under way, return that one."""
        with self._wake:
            self._calls = {what: called for what, called in self._calls.items() if not called.done()}
            if (function, args) not in self._calls:
                self._calls[function, args] = self.call(function, *args)
            return self._calls[function, args]

    def cancel(self, job: Job) -> None:
        """Stop working for a job; what others wait for goes on."""
        with self._wake:
            if not job.finished.is_set():
                self._end(job, "cancelled", CancelledError("the run was cancelled."))
                self._wake.notify_all()

    def when_done(self, job: Job, call: Callable[[], None]) -> None:
        """Call something quick when a job is done, under the lock; at once if it is. Not if it fails."""
        with self._wake:
            if job.state == "done":
                call()
            elif not job.finished.is_set():
                job.when_done.append(call)

    def close(self) -> None:
        """End all jobs; for when the executor is about to be shut down."""
        with self._wake:
            self._fail_all(WorkerError("the run ended before it was done: the workers were stopped."))
            self._wake.notify_all()

    def abandon(self) -> None:
        """Fail what is under way, and whatever is asked for later: after a fork, in the child.

        The child has neither the thread that serves nor the executor's, and what they held locked stays so.
        """
        self._wake = threading.Condition()
        self._thread = None
        self._answers.clear()
        self._calls.clear()
        self._n_in_flight = 0
        self._submit_to_executor = _refuse_after_fork
        for training in self._trainings:
            training.future = None
        self._fail_all(WorkerError(f"nothing can be trained: {_FORKED}."))

    def progress(self, job: Job) -> Progress:
        """Return how far a job is."""
        with self._wake:
            if job.state == "done":
                return Progress(job.total_steps, job.total_steps, 0.0, "done")
            if job.told is None or job.told[0] != self._n_changes:
                job.told = self._n_changes, self._progress(job)
            return job.told[1]

    def _progress(self, job: Job) -> Progress:
        done, n_owners = job.n_done(), len({other.owner for other in self._jobs})
        if job.finished.is_set():
            return Progress(done, job.total_steps, None, job.state, n_owners=n_owners)
        place = self._turns.place(job, self._jobs) if job.state == "queued" else NO_PLACE
        seconds = self._seconds_until_done(job, place)
        return Progress(done, job.total_steps, seconds, job.state, *place, n_owners, job.rounds())

    def _seconds_until_done(self, job: Job, place: Place) -> float | None:
        def goes_first(other: Job) -> bool:
            # Not before its owner's own runs, of which so many are served at a time.
            return self._turns.goes_on_at_once(other) and not (other is job and place.after_own)

        return seconds_until_done(job, self._trainings, self._pace, self.n_workers, goes_first)

    def figures(self) -> Figures:
        """Return how the scheduler is, and what it has done so far."""
        with self._wake:
            return self._counts.figures(self._jobs, self.cache, self.n_workers)

    def trained(self, job: Job) -> dict[str, Trained]:
        """Return what there is of the networks of a job, by key of task: finished, or as far as they are."""
        with self._wake:
            under_way = {
                task.key: training.recorder.trained(position)
                for training in job.trainings
                for position, task in enumerate(training.tasks)
                if task.key in job.tasks
            }
            found = {**under_way, **job.trained}
            return {key: found[key] for key in job.tasks if key in found}

    def _find(self, job: Job) -> list[Task]:
        """Take from the cache what is there, and return what nobody trains yet."""
        missing = []
        for key, task in job.tasks.items():
            n_steps = last_step(task, self.engine) - task.first_step
            job.total_steps += n_steps
            trained = self._cached(task)
            if trained is not None:
                job.trained[key] = trained
                job.done_steps += n_steps
            elif key not in self._under_way:
                missing.append(task)
        return missing

    def _cached(self, task: Task) -> Trained | None:
        return self.cache.get(task.recorded_key, frozenset(task.probes.values()))

    def _trainings_of(self, tasks: Sequence[Task]) -> list[Training]:
        groups = shards_of(tasks, self.n_workers, self.settings.shard_networks, self._fitting)
        return [Training(group, self.engine) for group in groups]

    def _fitting(self, task: Task) -> int:
        """Return how many networks like this one take a step side by side and can be cancelled soon."""
        alone = guessed_seconds(self.engine.flops_per_step(shard_of([task]), task.dataset))
        return max(1, int(LONGEST_CHUNK / alone))

    def _admit(self, job: Job, trainings: Sequence[Training]) -> None:
        if not job.is_recall:
            admission.check_queue(len(self._jobs), self.settings.queue)
            core_seconds = sum(map(self._pace.core_seconds, trainings))
            admission.check_cost(core_seconds, trainings, self.settings)
        admission.check_bytes(trainings, self._trainings, self.settings)

    def _begin(self, training: Training) -> None:
        self._trainings.append(training)
        self._under_way.update({task.key: training for task in training.tasks})

    def _join(self, job: Job) -> None:
        """Let a job wait for every training of a network it wants."""
        for key in job.tasks:
            training = None if key in job.trained else self._under_way[key]
            if training is not None and training not in job.trainings:
                training.jobs.append(job)
                job.trainings.append(training)
        self._turns.come(job, self._jobs)
        self._jobs.append(job)
        if any(training.n_chunks for training in job.trainings):
            self._serve_first(job)
        self._conclude(job)

    def _start_thread(self) -> None:
        if self._thread is None and self._trainings:
            self._thread = threading.Thread(target=self._serve, name="regcore scheduler", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        try:
            while self._serve_once():
                pass
        except BaseException as error:
            logger.exception("the scheduler failed")
            with self._wake:
                self._thread = None
                self._fail_all(_bug(error))

    def _serve_once(self) -> bool:
        """Wait for something to do and do it; return whether there may be more."""
        with self._wake:
            while not self._answers and (training := self._next()) is None:
                if not self._trainings and not self._n_in_flight:
                    self._thread = None
                    return False
                self._wake.wait()
            while self._answers:
                self._receive(*self._answers.popleft())
            training = self._next()
            if training is None:
                return True
            chunk, dataset = self._take_turn(training)
        self._send(training, chunk, dataset)
        return True

    def _next(self) -> Training | None:
        """Return the training whose turn it is, or None if there is nothing to send now."""
        # Which of the chunks under way broke the pool cannot be told: each runs alone once.
        suspects = [training for training in self._trainings if training.breaks]
        if suspects:
            return None if self._n_in_flight else suspects[0]
        if self._n_in_flight > self.n_workers:
            return None
        return admission.let_in(self._turns.in_order(self._jobs), self._trainings, self.settings)

    def _take_turn(self, training: Training) -> tuple[Chunk, Dataset | None]:
        """Count a turn, and return the chunk to send, with the data where its worker may lack them."""
        self._n_changes += 1
        self._turns.take(training)
        for job in training.jobs:
            self._serve_first(job)
        self._drop_unwanted(training)
        chunk = training.next_chunk(self._pace.measured_seconds_per_step(training))
        training.is_in_flight = True
        self._n_in_flight += 1
        self.steps_submitted += chunk.n_steps * len(training.tasks)
        sends_dataset = training.needs_dataset or self._n_sent.get(chunk.dataset_key, 0) < self.n_workers
        training.needs_dataset = False
        if not sends_dataset:
            return chunk, None
        if len(self._n_sent) >= MAX_KNOWN_DATASETS:
            self._n_sent.clear()
        self._n_sent[chunk.dataset_key] = self._n_sent.get(chunk.dataset_key, 0) + 1
        return chunk, training.dataset

    def _serve_first(self, job: Job) -> None:
        """Note that a piece of a job is served, the first one or another."""
        if job.state == "queued":
            self._counts.begin(job)
        job.state = "running"

    def _drop_unwanted(self, training: Training) -> None:
        wanted = {key for job in training.jobs for key in job.tasks}
        for task in training.tasks:
            if task.key not in wanted:
                del self._under_way[task.key]
        training.keep(wanted)

    def _send(self, training: Training, chunk: Chunk, dataset: Dataset | None) -> None:
        try:
            future = self._submit_to_executor(run_chunk, chunk, dataset)
        except Exception as error:
            future = Future()
            is_closed = isinstance(error, RuntimeError) and not isinstance(error, BrokenExecutor)
            future.set_exception(WorkerError(f"nothing can be trained: {error}.") if is_closed else error)
        with self._wake:
            training.future = future
            if not training.jobs:
                future.cancel()
        future.add_done_callback(lambda future: self._answer(training, future))

    def _answer(self, training: Training, future: Future[Any]) -> None:
        with self._wake:
            self._answers.append((training, future))
            self._wake.notify_all()

    def _receive(self, training: Training, future: Future[Any]) -> None:
        """Take in the answer to a chunk."""
        self._n_changes += 1
        self._n_in_flight -= 1
        training.is_in_flight = False
        training.future = None
        if not training.jobs:
            return
        try:
            self._take_in(training, future.result())
        except (BrokenExecutor, FutureCancelledError) as error:
            self._lose(training, error)
        except RegcoreError as error:
            self._fail(training, error)
        except BaseException as error:
            logger.exception("a chunk failed", extra={"run": queries(*training.jobs)})
            self._fail(training, _bug(error))

    def _take_in(self, training: Training, answer: Advanced | MissingDataset) -> None:
        if isinstance(answer, MissingDataset):
            training.needs_dataset = True
            return
        n_steps = answer.state.step - training.step
        training.take(answer)
        for job in training.jobs:
            job.work_done += answer.core_seconds
            job.came.set()
        self._pace.learn(training, n_steps, answer.core_seconds)
        if training.is_finished:
            self._finish(training)

    def _lose(self, training: Training, error: BaseException) -> None:
        """Let a chunk whose worker died be sent again, from the state it started from."""
        self._n_sent.clear()
        training.breaks += 1
        told = {"run": queries(*training.jobs), "error": type(error).__name__}
        logger.warning("a worker died; step %d is done again", training.step, extra=told)
        if training.breaks >= MAX_BREAKS:
            died = WorkerError(
                f"a worker process died {training.breaks} times on the same piece of work, most often for "
                "want of memory: lower n_train, batch_size, or the widths in hidden."
            )
            died.__cause__ = error
            self._fail(training, died)

    def _finish(self, training: Training) -> None:
        for position, task in enumerate(training.tasks):
            trained = training.recorder.trained(position)
            self.cache.put(task.recorded_key, trained)
            for job in training.jobs:
                if task.key in job.tasks:
                    job.trained[task.key] = trained
                    job.done_steps += training.last_step - training.first_step
        jobs = list(training.jobs)
        for job in jobs:
            self._leave(job, training)
        for job in jobs:
            self._conclude(job)

    def _conclude(self, job: Job) -> None:
        if len(job.trained) == len(job.tasks):
            self._end(job, "done", None)

    def _fail(self, training: Training, error: RegcoreError) -> None:
        for job in list(training.jobs):
            self._end(job, "failed", error)

    def _fail_all(self, error: RegcoreError) -> None:
        for job in list(self._jobs):
            self._end(job, "failed", error)

    def _end(self, job: Job, state: State, error: RegcoreError | None) -> None:
        self._n_changes += 1
        job.trained = self.trained(job)
        for training in list(job.trainings):
            self._leave(job, training)
        job.state, job.error = state, error
        if job in self._jobs:
            self._jobs.remove(job)
        self._turns.forget(self._jobs)
        self._counts.end(job)
        job.finished.set()
        job.came.set()
        waiting, job.when_done = job.when_done, []
        if state == "done":
            for call in waiting:
                call()

    def _leave(self, job: Job, training: Training) -> None:
        """Let a job no longer wait for a training, which goes on as long as anybody does."""
        training.jobs.remove(job)
        job.trainings.remove(training)
        if training.jobs:
            return
        self._trainings.remove(training)
        for task in training.tasks:
            del self._under_way[task.key]
        if training.future is not None:
            training.future.cancel()


_FORKED = "the run belongs to the process that this one was forked from; start a new run"


def _refuse_after_fork(function: Callable[..., Any], /, *args: Any) -> Future[Any]:
    raise RuntimeError(_FORKED)


def _bug(error: BaseException) -> WorkerError:
    wrapped = WorkerError(f"training failed in a worker, which is a bug: {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped
