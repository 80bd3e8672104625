"""What pages hold of finished runs stays within its bytes, and whatever was let go can be had again."""

import gc
import tracemalloc
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from regcore.execution import Run
from regcore.execution.cache import Trained
from regcore.execution.held import HeldRuns
from regcore.execution.scheduler import Scheduler
from regcore.settings import Settings
from tests.fake_engine import CONFIG, DATASET, ENGINE, PATIENCE, TOTAL_STEPS, tasks_of, weight

ONE = CONFIG.replace(seeds=1)


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    with ThreadPoolExecutor(1) as pool:
        # Of the twelve steps, the last state alone is kept; and nothing at all in the cache.
        yield Scheduler(pool.submit, 1, ENGINE, Settings(cache_bytes=0))


def run_of(scheduler: Scheduler, seed: int, seeds: int = 1) -> Run:
    config = CONFIG.replace(seed=seed, seeds=seeds)
    tasks = {(task.replicate.seed, 0): task for task in tasks_of(config)}
    run = Run(scheduler, {"": config}, {"": DATASET}, {"": tasks}, "anna")
    assert run.wait(PATIENCE)
    return run


def test_what_was_let_go_is_trained_again_when_asked_for_with_the_same_bits(scheduler):
    run = run_of(scheduler, 3)
    result = run.results()[""]
    turned = result.with_stopping(patience=2)
    before, curve = result.outputs(3, epoch=4), result.history
    n_steps = scheduler.steps_submitted

    run.let_go()

    assert run.is_let_go
    assert turned.recordings[3, 0].outputs == {} == turned.recordings[3, 0].checkpoints
    assert result.history.equals(curve)
    assert result.metrics("test").equals(run.results()[""].metrics("test"))
    assert scheduler.steps_submitted == n_steps
    assert np.array_equal(turned.outputs(3, epoch=4), before)
    assert turned.weights(3, epoch=6).kernels[0][0, 0] == weight(3, TOTAL_STEPS)
    assert scheduler.steps_submitted > n_steps


def test_what_was_let_go_is_not_in_memory_any_more_though_its_result_is_shown(scheduler):
    run = run_of(scheduler, 0)
    result, trained = run.results()[""], weakref.ref(next(iter(run._job.trained.values())))
    assert trained() is not None
    run.let_go()
    gc.collect()
    assert trained() is None
    assert result.is_complete


def test_runs_that_were_seen_longest_ago_are_let_go_first(scheduler):
    runs = [run_of(scheduler, seed) for seed in range(4)]
    size = sum(runs[0].sizes().values())
    held = HeldRuns(3 * size)
    for run in runs[:3]:
        held.see(run)
    held.see(runs[0])
    held.see(runs[3])
    assert [run.is_let_go for run in runs] == [False, True, False, False]
    assert held.nbytes == 3 * size


def test_a_network_that_several_pages_show_counts_once_and_is_one(scheduler):
    runs = [run_of(scheduler, 0) for _ in range(30)]
    held = HeldRuns(10**9)
    for run in runs:
        held.see(run)
    assert held.nbytes == sum(runs[0].sizes().values())
    assert len({key for run in runs for key in run.sizes()}) == 1
    assert scheduler.steps_submitted == TOTAL_STEPS


def test_what_is_left_of_a_run_that_is_on_no_page_any_more_counts_until_it_is_let_go(scheduler):
    held, gone = HeldRuns(1), run_of(scheduler, 1)
    drawn = gone.results()[""]
    held.see(gone)
    del gone
    held.see(run_of(scheduler, 2))
    assert drawn.recordings[1, 0].outputs == {}


def test_the_run_that_is_looked_at_is_kept_whatever_it_holds(scheduler):
    held, run = HeldRuns(1), run_of(scheduler, 0)
    held.see(run)
    held.see(run)
    assert not run.is_let_go


def test_a_run_that_was_let_go_is_not_counted_when_it_is_seen(scheduler):
    held, run = HeldRuns(10**9), run_of(scheduler, 0)
    run.let_go()
    held.see(run)
    assert held.nbytes == 0


def trained_networks():
    return [each for each in gc.get_objects() if isinstance(each, Trained) and each.states]


def test_memory_is_flat_over_many_runs_that_stay_on_pages():
    # Other tests of this process may still hold some.
    of_others = set(map(id, trained_networks()))
    with ThreadPoolExecutor(1) as pool:
        scheduler = Scheduler(pool.submit, 1, ENGINE, Settings(cache_bytes=200_000))
        size = sum(run_of(scheduler, 0).sizes().values())
        held, on_pages = HeldRuns(10 * size), []
        tracemalloc.start()
        after: list[int] = []
        for seed in range(160):
            run = run_of(scheduler, seed)
            held.see(run)
            # As many pages as 20 sessions have; each shows the results of its last run.
            on_pages = [*on_pages[-19:], (run, run.results())]
            if seed in (79, 159):
                gc.collect()
                after.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    alive = [each for each in trained_networks() if id(each) not in of_others]
    assert len(alive) * size <= 200_000 + 10 * size
    assert held.nbytes <= 10 * size
    assert after[1] <= 1.05 * after[0]
    kept = scheduler._jobs, scheduler._trainings, scheduler._under_way, scheduler._turns, scheduler._calls
    assert [len(each) for each in kept] == [0] * 5
