"""The schedulers of this process: one over its own worker processes, and one for each executor handed in."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from concurrent.futures import CancelledError as FutureCancelledError
from typing import Any

from regcore.data import Dataset
from regcore.engine import advance, runtime, streams
from regcore.engine.shard import Shard
from regcore.errors import WorkerError
from regcore.execution.local import LocalProcesses, ThisProcess
from regcore.execution.metrics import Figures
from regcore.execution.scheduler import Scheduler
from regcore.execution.worker import Engine
from regcore.settings import Settings, read_settings

_lock = threading.Lock()
_local: tuple[Scheduler, LocalProcesses] | None = None
_for_fits: Executor | None = None
_handed_in: weakref.WeakKeyDictionary[Executor, Scheduler] = weakref.WeakKeyDictionary()
_left_behind: list[object] = []
_asked: Future[str] | None = None


def scheduler_for(executor: Executor | None = None) -> Scheduler:
    """Return the scheduler over an executor; None: over this process's own workers, started if need be.

    All runs of one executor share a scheduler, and with it turns and cache. Executors do not share a cache:
    their workers may run on other machines, whose arithmetic differs in the last bits.
    """
    if executor is None:
        return _start_local()[0]
    with _lock:
        if executor not in _handed_in:
            settings = read_settings()
            n_workers = settings.workers or _n_workers(executor)
            _handed_in[executor] = Scheduler(_weak_submit(executor), n_workers, default_engine(), settings)
        return _handed_in[executor]


def scheduler_for_fits() -> Scheduler:
    """Return the scheduler for who trains one network after the other and needs no more than one worker.

    Its worker is one of this process's own where they run already, else a single one that is started here and
    stays. In a process that another one started, as joblib's workers are, it is a thread of that process: the
    machine is shared out already, and a worker's children would outnumber its cores.
    """
    global _for_fits
    is_worker = multiprocessing.parent_process() is not None
    with _lock:
        if _local is not None and not is_worker:
            return _local[0]
        if _for_fits is None:
            nice = read_settings().worker_nice
            _for_fits = ThisProcess() if is_worker else LocalProcesses(1, nice=nice)
            _handed_in[_for_fits] = Scheduler(_for_fits.submit, 1, default_engine(), read_settings())
        return _handed_in[_for_fits]


def start_workers() -> None:
    """Start this process's workers now, so that the first run need not wait for them; returns at once."""
    _start_local()


def stop_workers() -> None:
    """End this process's workers; what they were training fails. The next run starts new ones."""
    global _local, _for_fits
    stopped: list[tuple[Scheduler, Executor]] = []
    with _lock:
        if _local is not None:
            stopped.append(_local)
        if _for_fits is not None:
            stopped.append((_handed_in.pop(_for_fits), _for_fits))
        _local = _for_fits = None
    for scheduler, executor in stopped:
        scheduler.close()
        executor.shutdown(cancel_futures=True)


def fingerprint(seconds: float | None = None) -> str | None:
    """Return what the bits of this process's own workers depend on (`engine.runtime.fingerprint`).

    A worker is asked once, for TensorFlow is loaded there alone.

    Args:
        seconds: How long to wait for its answer; None: as long as it takes.

    Returns:
        16 hex digits; None if no worker has answered yet: ask again.

    Raises:
        WorkerError: the workers cannot load the engine.
    """
    global _asked
    scheduler = scheduler_for()
    with _lock:
        if _asked is None or _has_failed(_asked):
            _asked = scheduler.call(runtime.fingerprint)
        asked = _asked
    try:
        return asked.result(seconds)
    except (TimeoutError, BrokenExecutor, FutureCancelledError):
        return None


def workers_are_ready() -> bool:
    """Return whether a worker of this process has loaded the engine; starts none, and waits for none.

    Where the engine cannot be loaded nothing is waited for any more, which the next run says.
    """
    with _lock:
        if _local is None:
            return False
    try:
        return fingerprint(0.0) is not None
    except WorkerError:
        return True


def ask_worker() -> Future[int]:
    """Return a call that a worker of this process answers when it is free; the same one until it has."""
    return scheduler_for().call_once(os.getpid)


def figures() -> tuple[Figures, int]:
    """Return how the runs of this process are, and how often its workers had to be started anew."""
    scheduler, processes = _start_local()
    return scheduler.figures(), max(0, processes.n_starts - 1)


def _has_failed(asked: Future[str]) -> bool:
    return asked.done() and (asked.cancelled() or asked.exception() is not None)


def _start_anew_after_fork() -> None:
    """Forget, in a process that was forked, the workers and the threads that only its parent has."""
    global _lock, _local, _for_fits, _handed_in, _asked
    schedulers = list(_handed_in.values()) + ([_local[0]] if _local is not None else [])
    # Kept alive: a pool that goes wakes its threads, and they are the parent's.
    _left_behind.append((_local, *_handed_in.keys()))
    _lock, _local, _for_fits, _handed_in = threading.Lock(), None, None, weakref.WeakKeyDictionary()
    _asked = None
    for scheduler in schedulers:
        scheduler.abandon()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_start_anew_after_fork)


def default_engine() -> Engine:
    """Return the engine of this library. Loads no TensorFlow: its functions do, when they first train."""
    return Engine(
        start=advance.start,
        advance=advance.advance,
        total_steps=advance.total_steps,
        steps_per_block=_steps_per_block,
        flops_per_step=advance.flops_per_step,
        estimate_bytes=advance.estimate_bytes,
    )


def _steps_per_block(shard: Shard, dataset: Dataset) -> int:
    return streams.steps_per_block(shard.replicates[0].config, dataset.n_features)


def _start_local() -> tuple[Scheduler, LocalProcesses]:
    global _local
    with _lock:
        if _local is None:
            settings: Settings = read_settings()
            processes = LocalProcesses(settings.workers, nice=settings.worker_nice)
            processes.start()
            _local = Scheduler(processes.submit, processes.n_workers, default_engine(), settings), processes
        return _local


def _weak_submit(executor: Executor) -> Callable[..., Future[Any]]:
    """Return `executor.submit`, leaving it to whoever handed the executor in how long it lives."""
    reference = weakref.ref(executor)

    def submit(function: Callable[..., Any], *args: Any) -> Future[Any]:
        alive = reference()
        if alive is None:
            raise RuntimeError("the executor is gone")
        return alive.submit(function, *args)

    return submit


def _n_workers(executor: Executor) -> int:
    """Return how many calls an executor runs at a time, as far as it tells."""
    n_workers = getattr(executor, "n_workers", None) or getattr(executor, "_max_workers", None)
    if isinstance(n_workers, int):
        return n_workers
    client = getattr(executor, "_client", None)  # Dask's
    return sum(client.nthreads().values()) if client is not None else 1
