"""Two thousand runs in a row, with real trainings: the memory of the server and of its workers stays flat."""

import gc
import os
from typing import Any

import psutil
import pytest

from regcore.config import Config
from regcore.execution import Run, requests
from regcore.execution.held import HeldRuns
from regcore.execution.local import LocalProcesses
from regcore.execution.scheduler import Scheduler
from regcore.execution.service import default_engine
from regcore.settings import MIB, Settings
from tests.fake_engine import PATIENCE

pytestmark = pytest.mark.slow

N_RUNS, WARM = 2000, 400
# Sessions of a class, each with the results of its last run on a page.
N_PAGES = 30
# Small networks of several shapes, on more data sets than workers keep.
SETS = [Config().replace(data=name) for name in ("moons", "iris", "circles", "sine", "wine")]
WIDTHS = ((4,), (6, 6))


def config_of(run: int) -> Config:
    """Return another small experiment for each run."""
    on = SETS[run % len(SETS)]
    hidden = WIDTHS[run // len(SETS) % len(WIDTHS)]
    return on.replace(hidden=hidden, epochs=3, seeds=2, seed=run, dropout_hidden=0.5 * (run % 2))


def memory(processes: list[psutil.Process]) -> list[float]:
    gc.collect()
    return [process.memory_info().rss / MIB for process in processes]


def test_memory_is_flat_over_two_thousand_runs(monkeypatch):
    workers: Any = LocalProcesses(2)
    scheduler = Scheduler(workers.submit, 2, default_engine(), Settings(cache_bytes=2 * MIB))
    monkeypatch.setattr(requests, "scheduler_for", lambda executor: scheduler)
    held, pages = HeldRuns(MIB // 4), list[tuple[Run, object]]()
    try:
        for n in range(N_RUNS + 1):
            if n in (WARM, N_RUNS):
                # The first call of all has started them.
                pids = sorted({os.getpid(), *workers._pool._processes})
                found = memory([psutil.Process(pid) for pid in pids])
                print(f"after {n} runs, MiB of server and workers: {[round(each, 1) for each in found]}")
                if n == WARM:
                    before = found
            run = requests.submit({"": config_of(n)}, owner=f"visitor {n % N_PAGES}")
            assert run.wait(PATIENCE)
            assert run.error is None
            held.see(run)
            pages = [*pages[1 - N_PAGES :], (run, run.results())]
    finally:
        workers.shutdown(cancel_futures=True)
    assert workers.n_starts == 1
    for first, last in zip(before, found, strict=True):
        assert last <= 1.03 * first
    kept = scheduler._jobs, scheduler._trainings, scheduler._under_way, scheduler._turns, scheduler._calls
    assert [len(each) for each in kept] == [0] * 5
