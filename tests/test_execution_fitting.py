"""`fit`: one worker, here or in a process of its own, and no longer than the stopping rule needs."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import joblib
import psutil
import pytest
from joblib.externals.loky import process_executor

from regcore.errors import WorkerError
from regcore.execution import fitting, local, service
from regcore.execution.scheduler import Scheduler
from regcore.settings import GIB, Settings
from tests.fake_engine import CONFIG, DATASET, ENGINE, nothing, slow_engine, weight

ONE = CONFIG.replace(seeds=1)


@pytest.fixture
def use(monkeypatch) -> Iterator:
    """Return a function that makes fits go to a new scheduler of an engine, and returns it."""
    with ThreadPoolExecutor(1) as pool:

        def use(engine=ENGINE) -> Scheduler:
            scheduler = Scheduler(pool.submit, 1, engine, Settings())
            monkeypatch.setattr(fitting, "scheduler_for_fits", lambda: scheduler)
            return scheduler

        yield use


def test_it_is_the_training_of_all_members_without_outputs(use):
    use()
    result = fitting.fit(ONE.replace(members=2), DATASET)
    assert result.is_complete
    assert result.history["train_loss"].tolist() == 2 * [weight(0, n) for n in (2, 4, 6, 8, 10, 12)]
    assert result.weights(seed=0, member=1).kernels[0].tolist() == [[weight(0, 12)]]
    assert all(not recording.outputs for recording in result.recordings.values())


def test_it_ends_when_the_rule_has_stopped_all_networks(use):
    # 4, 40 and 364 are the losses of the first epochs: the first is kept, and the third is the last.
    config = ONE.replace(patience=2, epochs=5000, members=2)
    scheduler = use(slow_engine(0.01))
    result = fitting.fit(config, DATASET)
    assert not result.is_complete
    assert result.stops["restored_epoch"].tolist() == [1, 1]
    assert result.stops["stopped_epoch"].tolist() == [3, 3]
    assert result.weights(seed=0).kernels[0].tolist() == [[weight(0, 2)]]
    assert scheduler._jobs == []


def test_it_goes_on_to_the_end_where_the_rule_does_not_stop(use):
    use()
    result = fitting.fit(ONE.replace(patience=50), DATASET)
    assert result.is_complete
    assert result.stops["restored_epoch"].tolist() == [1]


def test_an_error_cancels_the_training(use, monkeypatch):
    scheduler = use(slow_engine(0.01))

    def interrupt(result):
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "_have_all_stopped", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fitting.fit(ONE.replace(patience=2, epochs=5000), DATASET)
    assert scheduler._jobs == []


class Processes(ThreadPoolExecutor):
    """Stands for `LocalProcesses`, without any."""

    def __init__(self, n_workers: int | None = None, nice: int = 0) -> None:
        super().__init__(1)
        self.n_workers = n_workers or 7
        self.is_shut_down = False

    def start(self) -> None:
        pass

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.is_shut_down = True
        super().shutdown(wait, cancel_futures=cancel_futures)


@pytest.fixture
def anew(monkeypatch) -> Iterator[None]:
    """Give a process that has not trained yet, and whose worker processes are threads."""
    monkeypatch.setattr(service, "LocalProcesses", Processes)
    for name in ("_local", "_for_fits"):
        monkeypatch.setattr(service, name, None)
    yield
    service.stop_workers()


def test_one_worker_stays_for_all_fits(anew):
    scheduler = service.scheduler_for_fits()
    assert (service._for_fits.n_workers, scheduler.n_workers) == (1, 1)
    assert service.scheduler_for_fits() is scheduler
    assert service._local is None


def test_workers_that_run_already_are_used(anew):
    assert service.scheduler_for() is service.scheduler_for_fits()
    assert service._for_fits is None


def test_the_worker_ends_with_the_others_and_a_new_one_starts(anew):
    before, worker = service.scheduler_for_fits(), service._for_fits
    service.stop_workers()
    assert worker.is_shut_down
    assert service.scheduler_for_fits() is not before


@pytest.fixture
def here(anew, monkeypatch) -> Iterator[local.ThisProcess]:
    """Give the executor of a process that is itself a worker, before its first call."""
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "somebody")
    monkeypatch.setattr(local, "load_engine_here", nothing)
    monkeypatch.setattr(local, "_failure", None)
    monkeypatch.setattr(process_executor, "_MAX_MEMORY_LEAK_SIZE", 300)
    local._make_this_process_a_worker.cache_clear()
    service.scheduler_for_fits()
    executor = service._for_fits
    assert isinstance(executor, local.ThisProcess)
    yield executor
    local._make_this_process_a_worker.cache_clear()


def test_a_process_that_is_a_worker_trains_itself(here):
    assert here.submit(os.getpid).result() == os.getpid()


def test_what_tensorflow_takes_is_no_leak_of_the_worker(here):
    for _ in range(2):
        here.submit(nothing).result()
    assert process_executor._MAX_MEMORY_LEAK_SIZE == 300 + GIB


def test_an_engine_that_cannot_be_loaded_is_told(here, monkeypatch):
    def fail():
        raise ModuleNotFoundError("No module named 'tensorflow'")

    monkeypatch.setattr(local, "load_engine_here", fail)
    with pytest.raises(WorkerError, match="No module named 'tensorflow'"):
        here.submit(nothing).result()


def _fit_in_a_worker(seed: int) -> tuple[float, int, int]:
    local.load_engine_here = nothing
    service.default_engine = lambda: ENGINE
    result = fitting.fit(ONE.replace(seed=seed), DATASET)
    children = []
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process().children(recursive=True)
    return result.history["train_loss"].iloc[-1], os.getpid(), len(children)


def test_workers_of_joblib_train_themselves_and_start_no_processes():
    done = joblib.Parallel(n_jobs=2)(joblib.delayed(_fit_in_a_worker)(seed) for seed in range(4))
    losses, processes, n_children = zip(*done, strict=True)
    assert losses == tuple(weight(seed, 12) for seed in range(4))
    assert os.getpid() not in processes
    assert set(n_children) == {0}
