"""Many at once, and what goes wrong meanwhile: nothing finished is lost, nobody waits for ever."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil

from pages.ui.grace import Grace
from regcore.execution import requests
from regcore.execution.job import Job
from regcore.execution.local import LocalProcesses
from regcore.execution.scheduler import Scheduler
from regcore.settings import Settings
from tests.fake_engine import (
    CONFIG,
    DATASET,
    ENGINE,
    PATIENCE,
    TOTAL_STEPS,
    nothing,
    scheduler_by_hand,
    slow_engine,
    tasks_of,
    weight,
)

ONE = CONFIG.replace(seeds=1)


def last_weights(scheduler: Scheduler, job: Job) -> list[float]:
    return [float(trained.recording.history[-1, 0]) for trained in scheduler.trained(job).values()]


def test_thirty_who_press_the_same_button_train_it_once():
    with scheduler_by_hand(n_workers=2, queue=1, session_runs=1) as (scheduler, executor):
        jobs = [scheduler.submit(tasks_of(CONFIG), f"visitor {n}") for n in range(30)]
        executor.run_all(until=jobs[-1].finished)
        for job in jobs:
            assert job.finished.wait(PATIENCE)
            assert last_weights(scheduler, job) == [weight(seed, TOTAL_STEPS) for seed in range(4)]
        assert scheduler.steps_submitted == 4 * TOTAL_STEPS


def test_the_first_of_thirty_cancels_and_another_closes_the_tab_and_all_others_get_it():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        jobs = [scheduler.submit(tasks_of(ONE), f"visitor {n}") for n in range(30)]
        executor.take().run()
        grace = Grace(0.01)
        grace.begin([Tab(scheduler, jobs[1])])
        scheduler.cancel(jobs[0])
        assert jobs[1].finished.wait(PATIENCE)
        for job in jobs[2:]:
            executor.run_all(until=job.finished)
            assert last_weights(scheduler, job) == [weight(0, TOTAL_STEPS)]
        assert [job.state for job in jobs] == ["cancelled"] * 2 + ["done"] * 28
        assert scheduler.steps_submitted == TOTAL_STEPS


class Tab:
    """A tab that was closed, and what it followed."""

    seen = -1.0

    def __init__(self, scheduler: Scheduler, job: Job) -> None:
        self._scheduler, self._job = scheduler, job

    def cancel(self) -> None:
        self._scheduler.cancel(self._job)


def test_killed_workers_cost_none_of_many_runs_anything_but_time():
    processes = LocalProcesses(2, nothing)
    try:
        scheduler = Scheduler(processes.submit, 2, slow_engine(0.003), Settings())
        jobs = [scheduler.submit(tasks_of(ONE.replace(seed=n, epochs=50)), f"visitor {n}") for n in range(12)]
        for n_starts in (1, 2):
            wait_until(lambda n=n_starts: processes.n_starts == n and scheduler.steps_submitted > 100 * n)
            psutil.Process(processes.submit(os.getpid).result(PATIENCE)).kill()
        for n, job in enumerate(jobs):
            assert job.finished.wait(PATIENCE)
            assert last_weights(scheduler, job) == [weight(n, 100)]
        assert processes.n_starts == 3
    finally:
        processes.shutdown(cancel_futures=True)


def wait_until(holds) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_clock_that_is_set_back_delays_and_loses_nothing(monkeypatch):
    real, n_calls = time.time, iter(range(10**9))
    # Each time that anybody looks, it is hours earlier.
    monkeypatch.setattr(time, "time", lambda: real() - 10_000 * next(n_calls))
    with ThreadPoolExecutor(2) as pool:
        scheduler = Scheduler(pool.submit, 2, slow_engine(0.002), Settings())
        monkeypatch.setattr(requests, "scheduler_for", lambda executor: scheduler)
        left = requests.submit({"": CONFIG.replace(seed=50, epochs=10_000)}, DATASET)
        grace = Grace(0.05)
        grace.begin([Closed(left)])
        told = []
        result = requests.train(CONFIG.replace(epochs=40), DATASET, on_progress=told.append)
        assert result.is_complete
        assert left.wait(PATIENCE)
        assert left.progress().state == "cancelled"
    etas = [progress.eta_seconds for progress in told if progress.eta_seconds is not None]
    assert all(0 <= eta < 3600 for eta in etas)


class Closed:
    """The closed tab of a run."""

    seen = -1.0

    def __init__(self, run) -> None:
        self.cancel = run.cancel


def test_a_step_that_outlasts_its_cancelled_run_holds_one_worker_and_nobody_else():
    with scheduler_by_hand(n_workers=2) as (scheduler, executor):
        huge = scheduler.submit(tasks_of(ONE.replace(epochs=10_000)), "anna")
        held = executor.take()
        assert held.future.set_running_or_notify_cancel()
        scheduler.cancel(huge)
        assert huge.finished.is_set()
        others = [scheduler.submit(tasks_of(ONE.replace(seed=n)), f"visitor {n}") for n in range(1, 6)]
        for job in others:
            executor.run_all(until=job.finished)
            assert job.state == "done"
        assert not held.future.done()


def test_everybody_is_served_while_sixty_come_move_knobs_and_go():
    """Threads submit, cancel and look at once; whoever stays gets his own numbers."""
    with ThreadPoolExecutor(2) as pool:
        scheduler = Scheduler(pool.submit, 2, ENGINE, Settings(queue=1000))
        wrong: list[str] = []

        def visit(n: int) -> None:
            for turn in range(5):
                seed = (n * 7 + turn) % 40
                job = scheduler.submit(tasks_of(ONE.replace(seed=seed)), f"visitor {n}")
                scheduler.progress(job)
                if (n + turn) % 3 == 0:
                    scheduler.cancel(job)
                elif not job.finished.wait(PATIENCE) or last_weights(scheduler, job) != [
                    weight(seed, TOTAL_STEPS)
                ]:
                    wrong.append(f"{n}: {seed} {job.state}")

        threads = [threading.Thread(target=visit, args=(n,)) for n in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
    assert (scheduler._jobs, scheduler._trainings, len(scheduler._turns)) == ([], [], 0)
