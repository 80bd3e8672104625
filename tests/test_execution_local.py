"""Worker processes that die, are killed, or lose their parent: with an engine whose answers are known."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager, suppress
from multiprocessing import connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from regcore.errors import DataError, WorkerError
from regcore.execution.local import PIPE_BYTES, LocalProcesses, widen
from regcore.execution.scheduler import Scheduler
from regcore.execution.watch import PoolWatch
from regcore.execution.worker import Engine
from regcore.settings import Settings
from tests.fake_engine import (
    CONFIG,
    ENGINE,
    PATIENCE,
    TOTAL_STEPS,
    deadly_engine,
    nothing,
    slow_engine,
    tasks_of,
    weight,
)

ROOT = Path(__file__).parent.parent


@contextmanager
def workers(n_workers: int = 1, prepare=nothing) -> Iterator[LocalProcesses]:
    processes = LocalProcesses(n_workers, prepare)
    try:
        yield processes
    finally:
        processes.shutdown(cancel_futures=True)


@contextmanager
def scheduler_over(n_workers: int, engine: Engine = ENGINE) -> Iterator[tuple[Scheduler, LocalProcesses]]:
    with workers(n_workers) as processes:
        yield Scheduler(processes.submit, n_workers, engine, Settings()), processes


@pytest.fixture(scope="module")
def worker() -> Iterator[LocalProcesses]:
    with workers() as processes:
        yield processes


def final_weights(scheduler, job) -> list[float]:
    assert job.finished.wait(PATIENCE)
    assert job.error is None
    return [float(trained.recording.history[-1, 0]) for trained in scheduler.trained(job).values()]


def refuse() -> None:
    raise DataError("y must be finite, got nan")


def fail_to_prepare() -> None:
    raise ModuleNotFoundError("No module named 'tensorflow'")


def chatter() -> None:
    os.write(2, b"chatter")


_hoard: list[object] = []


def grow(n_bytes: int) -> int:
    _hoard.append(np.ones(n_bytes, dtype=np.uint8))
    return os.getpid()


def test_workers_train_as_this_process_does():
    with scheduler_over(2) as (scheduler, _):
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=8)))
        assert final_weights(scheduler, job) == [weight(seed, TOTAL_STEPS) for seed in range(8)]


def test_workers_that_die_cost_nothing_but_time(tmp_path):
    with scheduler_over(2, deadly_engine(tmp_path, n_deaths=1)) as (scheduler, processes):
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=8)))
        assert final_weights(scheduler, job) == [weight(seed, TOTAL_STEPS) for seed in range(8)]
        assert processes.n_starts == 2


def test_a_killed_worker_costs_nothing_but_time():
    with scheduler_over(1, slow_engine(0.02)) as (scheduler, processes):
        worker = psutil.Process(processes.submit(os.getpid).result(PATIENCE))
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=2, epochs=50)))
        while scheduler.progress(job).done_steps == 0:
            time.sleep(0.01)
        worker.kill()
        assert final_weights(scheduler, job) == [weight(seed, 100) for seed in range(2)]
        assert processes.n_starts == 2


def test_a_chunk_that_always_kills_its_worker_fails_its_own_job_alone(tmp_path):
    with scheduler_over(1, deadly_engine(tmp_path, n_deaths=99, seed=7)) as (scheduler, _):
        bad = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, seed=7)))
        good = scheduler.submit(tasks_of(CONFIG.replace(seeds=1)))
        assert final_weights(scheduler, good) == [weight(0, TOTAL_STEPS)]
        assert bad.finished.wait(PATIENCE)
        assert isinstance(bad.error, WorkerError)


def test_a_worker_that_was_killed_while_idle_is_replaced():
    with workers() as processes:
        before = after = processes.submit(os.getpid).result(PATIENCE)
        psutil.Process(before).kill()
        while after == before:
            # The pool may not know yet, and lose the call; the scheduler would send it again.
            with suppress(BrokenExecutor):
                after = processes.submit(os.getpid).result(PATIENCE)


def test_errors_on_purpose_come_back_as_they_are(worker):
    with pytest.raises(DataError, match="^y must be finite, got nan$"):
        worker.submit(refuse).result(PATIENCE)


def test_a_worker_that_cannot_load_the_engine_says_why():
    reason = "ModuleNotFoundError: No module named 'tensorflow'"
    with workers(prepare=fail_to_prepare) as processes, pytest.raises(WorkerError, match=reason):
        processes.submit(os.getpid).result(PATIENCE)


def test_what_is_said_while_the_engine_loads_is_not_shown(capfd):
    with workers(prepare=chatter) as processes:
        processes.submit(os.getpid).result(PATIENCE)
    assert capfd.readouterr().err == ""


def test_a_worker_that_grows_is_kept(worker):
    before = worker.submit(grow, 1).result(PATIENCE)
    time.sleep(1.1)  # loky looks at most once a second
    worker.submit(grow, 400_000_000).result(PATIENCE)
    assert worker.submit(os.getpid).result(PATIENCE) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_worker_leaves_ctrl_c_to_its_parent(worker):
    before = worker.submit(os.getpid).result(PATIENCE)
    os.kill(before, signal.SIGINT)
    assert worker.submit(os.getpid).result(PATIENCE) == before


def test_after_shutdown_calls_are_refused():
    processes = LocalProcesses(1, nothing)
    assert processes.submit(os.getpid).result(PATIENCE) > 0
    processes.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        processes.submit(os.getpid)


def test_workers_end_at_once_with_calls_under_way_and_waiting():
    # Loky's own way to kill its workers left some calls unanswered, and sometimes never came back.
    processes = LocalProcesses(2, nothing)
    pids = {processes.submit(os.getpid).result(PATIENCE) for _ in range(4)}
    calls = [processes.submit(time.sleep, 600) for _ in range(8)]

    processes.shutdown(cancel_futures=True)

    assert not any(map(psutil.pid_exists, pids)) or all(
        psutil.Process(pid).status() == psutil.STATUS_ZOMBIE for pid in pids if psutil.pid_exists(pid)
    )
    for call in calls:
        assert call.cancelled() or isinstance(call.exception(PATIENCE), BrokenExecutor)


def start_script(folder: Path, body: str) -> subprocess.Popen[str]:
    """Start a script that has `processes`, one worker, and prints its id."""
    script = folder / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import os, sys, time
            sys.path.insert(0, {str(ROOT)!r})
            open({str(folder / "imported")!r}, "a").write("once ")
            from regcore.execution.local import LocalProcesses
            from regcore.execution.scheduler import Scheduler
            from regcore.settings import Settings
            from tests.fake_engine import CONFIG, DATASET, nothing, slow_engine, tasks_of
            processes = LocalProcesses(1, nothing)
            print(processes.submit(os.getpid).result(), flush=True)
            """
        )
        + textwrap.dedent(body)
    )
    return subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    )


def worker_of(script: subprocess.Popen[str]) -> psutil.Process:
    assert script.stdout is not None
    return psutil.Process(int(script.stdout.readline()))


def is_gone(process: psutil.Process) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.1)
                continue
        return True
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process in the middle")
def test_workers_end_in_the_middle_of_an_answer_and_their_threads_with_them(tmp_path):
    with workers() as processes:
        manager, *_ = stopped_in_the_middle_of_an_answer(processes, tmp_path / "pid")
        processes.shutdown(cancel_futures=True)
        manager.join(PATIENCE)
        assert not manager.is_alive()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process in the middle")
def test_a_worker_that_dies_in_the_middle_of_an_answer_is_replaced(tmp_path):
    with workers(2) as processes:
        manager, answer, stopped = stopped_in_the_middle_of_an_answer(processes, tmp_path / "pid")
        after = processes.submit(os.getpid)
        stopped.kill()
        assert isinstance(answer.exception(PATIENCE), BrokenExecutor)
        assert isinstance(after.exception(PATIENCE), BrokenExecutor)
        manager.join(PATIENCE)
        assert not manager.is_alive()
        assert processes.submit(os.getpid).result(PATIENCE) > 0
        assert processes.n_starts == 2


class SlowlyClosed(connection.Connection):
    """An end of a pipe that is closed while the thread that waits at the other end already goes on."""

    waiting: threading.Thread

    def _close(self) -> None:
        os.close(self.fileno())
        if threading.current_thread() is not self.waiting:
            self.waiting.join(PATIENCE)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other pipes")
def test_ends_of_pipes_are_closed_once_by_whoever_comes_first():
    answers, written = os.pipe()
    read, calls = os.pipe()
    answers_in = connection.Connection(answers, writable=False)
    ends = [SlowlyClosed(written, readable=False), SlowlyClosed(read, writable=False)]
    failures: list[BaseException] = []

    def clear_up() -> None:
        try:
            with pytest.raises(EOFError):
                answers_in.recv()
            for end in ends:
                end.close()
        except BaseException as error:
            failures.append(error)

    manager = SlowlyClosed.waiting = threading.Thread(target=clear_up, daemon=True)
    manager.start()
    pool = SimpleNamespace(
        _processes={},
        _executor_manager_thread=manager,
        _flags=None,
        _result_queue=SimpleNamespace(_writer=ends[0]),
        _call_queue=SimpleNamespace(_reader=ends[1]),
    )
    PoolWatch(pool).end()
    manager.join(PATIENCE)
    assert not manager.is_alive()
    assert failures == []
    assert all(end.closed for end in ends)
    for pipe in (written, read):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(pipe)
    answers_in.close()
    os.close(calls)


def stopped_in_the_middle_of_an_answer(
    processes: LocalProcesses, path: Path
) -> tuple[threading.Thread, Future[bytes], psutil.Process]:
    """Stop a worker while half of its answer is read by loky's thread; return thread, answer and worker."""
    processes.submit(os.getpid).result(PATIENCE)
    pool: Any = processes._pool
    manager: threading.Thread = pool._executor_manager_thread
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        path.unlink(missing_ok=True)
        answer = processes.submit(large_answer, path)
        while not (path.exists() and is_reading(manager)) and not answer.done():
            pass
        worker = psutil.Process(int(path.read_text()))
        worker.suspend()
        time.sleep(0.05)
        if is_reading(manager):
            return manager, answer, worker
        worker.resume()
    raise AssertionError("no worker could be stopped in time")


def large_answer(path: Path) -> bytes:
    written = path.with_suffix(".written")
    written.write_text(str(os.getpid()))
    written.rename(path)
    return bytes(30_000_000)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other priorities")
def test_workers_stand_back_for_the_server():
    processes = LocalProcesses(1, nothing, nice=3)
    try:
        assert processes.submit(os.nice, 0).result(PATIENCE) == min(os.nice(0) + 3, 19)
    finally:
        processes.shutdown(cancel_futures=True)


def is_reading(thread: threading.Thread) -> bool:
    """Return whether a thread waits for the rest of a message."""
    assert thread.ident is not None
    return sys._current_frames()[thread.ident].f_code.co_name == "fill"


def test_workers_do_not_import_the_script_of_their_parent(tmp_path):
    script = start_script(tmp_path, "")
    _, errors = script.communicate(timeout=PATIENCE)
    assert (script.returncode, errors) == (0, "")
    assert (tmp_path / "imported").read_text() == "once "


def test_workers_end_with_a_parent_that_was_killed(tmp_path):
    script = start_script(tmp_path, "time.sleep(60)")
    worker = worker_of(script)
    script.kill()
    script.communicate(timeout=PATIENCE)
    assert is_gone(worker)


def test_a_process_ends_in_the_middle_of_a_run(tmp_path):
    script = start_script(
        tmp_path,
        """
        scheduler = Scheduler(processes.submit, 1, slow_engine(0.01), Settings())
        job = scheduler.submit(tasks_of(CONFIG.replace(epochs=10_000)))
        while scheduler.progress(job).done_steps == 0:
            time.sleep(0.01)
        """,
    )
    worker = worker_of(script)
    _, errors = script.communicate(timeout=PATIENCE)
    assert (script.returncode, errors) == (0, "")
    assert is_gone(worker)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_ctrl_c_ends_train_and_its_workers(tmp_path):
    script = start_script(
        tmp_path,
        """
        from regcore.execution import requests
        scheduler = Scheduler(processes.submit, 1, slow_engine(0.01), Settings())
        requests.scheduler_for = lambda executor: scheduler
        long = CONFIG.replace(epochs=10_000)
        try:
            requests.train(long, DATASET, on_progress=lambda progress: print(flush=True))
        except KeyboardInterrupt:
            print(f"interrupted, {len(scheduler._jobs)} jobs left")
        """,
    )
    worker = worker_of(script)
    assert script.stdout is not None
    script.stdout.readline()
    script.send_signal(signal.SIGINT)
    output, errors = script.communicate(timeout=PATIENCE)
    assert (output.split("\n")[-2], errors) == ("interrupted, 0 jobs left", "")
    assert is_gone(worker)


def test_workers_end_while_data_is_being_sent_to_them_and_the_sender_with_them():
    with workers() as processes:
        processes.submit(os.getpid).result(PATIENCE)
        processes.submit(time.sleep, 600)
        for _ in range(4):
            processes.submit(len, bytes(10_000_000))
        sender = processes._pool._call_queue._thread
        processes.shutdown(cancel_futures=True)
        sender.join(PATIENCE)

        assert not sender.is_alive()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_process_that_a_signal_ends_leaves_nothing_that_loky_complains_of(tmp_path):
    script = start_script(
        tmp_path,
        """
        import signal
        processes.shutdown(cancel_futures=True)
        os.kill(os.getpid(), signal.SIGTERM)
        """,
    )
    _, errors = script.communicate(timeout=PATIENCE)
    assert (script.returncode, errors) == (-signal.SIGTERM, "")


@pytest.mark.skipif(sys.platform != "linux", reason="pipes are widened on Linux alone")
def test_a_pipe_is_widened_to_what_a_chunk_records():
    import fcntl

    reader, writer = os.pipe()
    assert widen(reader)
    assert fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ) == PIPE_BYTES
    for end in (reader, writer):
        os.close(end)
    assert not widen(reader)
