"""What is counted of runs, and what of them is logged."""

import logging
import time
from concurrent.futures import BrokenExecutor

import pytest

from regcore.errors import BusyError, CancelledError, WorkerError
from regcore.execution import metrics
from regcore.execution.metrics import Counts
from tests.fake_engine import CONFIG, scheduler_by_hand, tasks_of

ONE = CONFIG.replace(seeds=1)
OTHER = ONE.replace(seed=7)


@pytest.fixture
def clock(monkeypatch):
    """Return a list whose only entry is the time."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_run_is_waiting_then_running_then_done():
    with scheduler_by_hand() as (scheduler, executor):
        job = scheduler.submit(tasks_of(CONFIG))
        first = executor.take()
        figures = scheduler.figures()
        assert (len(figures.waiting), figures.n_running, figures.waits.n) == (0, 1, 1)

        first.run()
        executor.run_all(until=job.finished)

        figures = scheduler.figures()
        assert (figures.waiting, figures.n_running) == ([], 0)
        assert figures.ended == {"done": 1, "failed": 0, "cancelled": 0}
        assert figures.networks == {"trained": 4, "cached": 0, "shared": 0}
        assert figures.n_cached == 4
        assert figures.cache_bytes == scheduler.cache.nbytes > 0


def test_what_is_in_the_cache_or_under_way_is_told_from_what_is_trained():
    with scheduler_by_hand() as (scheduler, executor):
        done = scheduler.submit(tasks_of(ONE))
        executor.run_all(until=done.finished)
        scheduler.submit(tasks_of(OTHER))
        scheduler.submit([*tasks_of(ONE), *tasks_of(OTHER)])

        assert scheduler.figures().networks == {"trained": 2, "cached": 1, "shared": 1}


def test_waits_are_counted_up_to_each_bound(clock):
    counts = Counts()
    with scheduler_by_hand() as (scheduler, executor):
        job = scheduler.submit(tasks_of(ONE))
        for seconds in (0.0, 0.25, 0.3, 1000.0):
            job.asked = clock[0] - seconds
            counts.begin(job)

        waits = counts.figures([], scheduler.cache, 1).waits

    assert list(waits.n_within.items())[:3] == [(0.1, 1), (0.25, 2), (0.5, 3)]
    assert waits.n_within[300.0] == 3
    assert (waits.n, waits.seconds) == (4, 1000.55)


def test_who_waits_is_told_by_how_long(clock):
    with scheduler_by_hand() as (scheduler, executor):
        job = scheduler.submit(tasks_of(ONE))
        # The scheduler has it running by then, and leaves it alone.
        executor.take()
        job.state, job.asked = "queued", clock[0] - 12.0

        assert scheduler.figures().waiting == [12.0]


def test_refusals_are_counted_by_kind_and_logged_with_their_run(caplog):
    with caplog.at_level(logging.INFO, metrics.__name__), scheduler_by_hand(queue=1) as (scheduler, _):
        scheduler.submit(tasks_of(ONE))
        with pytest.raises(BusyError):
            scheduler.submit(tasks_of(OTHER), configs=[OTHER])

        assert scheduler.figures().refused == {"BusyError": 1}
        assert scheduler.figures().networks["trained"] == 1
    (record,) = [record for record in caplog.records if record.message == "a run was refused"]
    assert (record.run, record.error) == ([OTHER.to_query()], "BusyError")


@pytest.mark.parametrize(
    ("end", "state", "message", "level"),
    [
        (lambda scheduler, job: scheduler.cancel(job), "cancelled", "a run ended", logging.INFO),
        (lambda scheduler, job: scheduler.close(), "failed", "a run failed", logging.WARNING),
    ],
)
def test_ends_are_counted_and_logged_with_their_run(caplog, end, state, message, level):
    with caplog.at_level(logging.INFO, metrics.__name__), scheduler_by_hand() as (scheduler, _):
        job = scheduler.submit(tasks_of(ONE), configs=[ONE])
        end(scheduler, job)

        assert scheduler.figures().ended[state] == 1
    assert isinstance(job.error, CancelledError if state == "cancelled" else WorkerError)
    (record,) = [record for record in caplog.records if record.message == message]
    assert (record.levelno, record.run, record.state) == (level, [ONE.to_query()], state)
    assert (record.networks, record.cached) == (1, 0)


def test_a_run_that_comes_from_the_cache_is_counted_and_not_logged(caplog):
    with caplog.at_level(logging.INFO, metrics.__name__), scheduler_by_hand() as (scheduler, executor):
        job = scheduler.submit(tasks_of(ONE))
        executor.run_all(until=job.finished)
        scheduler.submit(tasks_of(ONE), configs=[ONE])

        assert scheduler.figures().ended["done"] == 2
    assert caplog.records == []


def test_what_is_fetched_again_is_no_run():
    with scheduler_by_hand() as (scheduler, executor):
        job = scheduler.submit(tasks_of(ONE), is_recall=True)
        executor.run_all(until=job.finished)

        figures = scheduler.figures()
    assert sum(figures.ended.values()) == sum(figures.networks.values()) == 0


@pytest.mark.parametrize(
    ("error", "message"),
    [(BrokenExecutor(), "a worker died; step 0 is done again"), (KeyError("x"), "a chunk failed")],
)
def test_what_befalls_a_worker_is_logged_with_the_runs_that_it_befalls(caplog, error, message):
    with scheduler_by_hand() as (scheduler, executor):
        job = scheduler.submit(tasks_of(ONE), configs=[ONE])
        executor.take().fail(error)
        executor.run_all(until=job.finished)

    (record,) = [record for record in caplog.records if record.message == message]
    assert record.run == [ONE.to_query()]
