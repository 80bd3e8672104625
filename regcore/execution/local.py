"""Worker processes on this machine, and this process as a worker."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from regcore.errors import WorkerError
from regcore.execution import parcels
from regcore.execution.memory import total_memory
from regcore.execution.watch import SECONDS_TO_DIE, PoolWatch
from regcore.settings import GIB, MIB

logger = logging.getLogger(__name__)

MAX_DEFAULT_WORKERS = 8
SECONDS_BETWEEN_LOOKS = 1.0
# As much as Linux gives everybody.
PIPE_BYTES = MIB

# Set before anything is loaded in a worker. One thread each: thread pools make networks of this size slower,
# and there is a worker for every core. TensorFlow is told to be quiet, and to leave a graphics card alone.
WORKER_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class LocalProcesses(Executor):
    """Worker processes that have the engine loaded, started at the first call and replaced when they die.

    When a worker dies, the calls under way fail with `BrokenExecutor`, and the next call starts new workers.

    Args:
        n_workers: How many; None: one a core, at most 8, as far as memory goes.
        prepare: What each worker does first; None: load the engine.
        nice: By how much the workers' priority is below that of this process, 0 to 19; not on Windows.
    """

    def __init__(
        self, n_workers: int | None = None, prepare: Callable[[], None] | None = None, nice: int = 0
    ) -> None:
        self.n_workers = n_workers or default_workers()
        self.n_starts = 0
        """How often the workers were started: once, and again after each time one of them died."""
        self._prepare = prepare if prepare is not None else load_engine
        self._nice = nice
        self._pool: Executor | None = None
        self._watch: PoolWatch | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the workers now rather than at the first call; returns at once, they need some seconds."""
        self.submit(os.getpid)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function in a worker."""
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the worker processes were shut down")
            try:
                return self._submit(fn, args, kwargs)
            except BrokenExecutor:
                self._pool = None
                return self._submit(fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers, at once with `cancel_futures`; else when they have done what they were given."""
        with self._lock:
            self._is_closed = True
            pool, self._pool = self._pool, None
        if pool is None:
            return
        watch, self._watch = self._watch, None
        if watch is None or not cancel_futures:
            pool.shutdown(wait)
            return
        # Loky's own way to do this may wait forever where calls are under way, or fail in its thread. A pool
        # whose workers have died is broken, and fails all of its calls.
        watch.end()
        threads = [watch, *_threads_of(pool)]
        pool.shutdown(wait=False)
        del pool, watch
        _tidy_up(threads)

    def _submit(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future[Any]:
        is_new = self._pool is None
        pool = self._started()
        future = pool.submit(_call, fn, args, kwargs)
        if is_new:
            # Loky starts its workers with the first call.
            self._watch = PoolWatch(pool)
            self._watch.start()
        return future

    def _started(self) -> Executor:
        if self._pool is None:
            # joblib, which brings loky, takes a third of a second to import: not before it is needed.
            from joblib.externals.loky.process_executor import ProcessPoolExecutor

            self.n_starts += 1
            if self.n_starts > 1:
                logger.warning("a worker process died: starting new ones")
            pool = ProcessPoolExecutor(
                self.n_workers,
                timeout=None,
                initializer=_initialize,
                initargs=(os.getpid(), self._nice, self._prepare),
                env=WORKER_ENVIRONMENT,
            )
            for end in (pool._result_queue._reader, pool._call_queue._writer):
                widen(end.fileno())
            if parcels.travel_apart():
                parcels.read_in_one_piece(pool._result_queue._reader)
            self._pool = pool
        return self._pool


def widen(pipe: int) -> bool:
    """Have a pipe take as much at a time as it may without privileges; return whether it does, as on Linux.

    What a chunk recorded is megabytes. It would come in pieces of 64 KiB, and after each of them its reader
    would have to wait for Python's lock, for as long as a page computes.
    """
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        # This user has too many such pipes already, or may have none so large.
        return False
    return True


def _threads_of(pool: Any) -> list[threading.Thread]:
    return [thread for thread in (pool._executor_manager_thread, pool._call_queue._thread) if thread]


def _tidy_up(threads: list[threading.Thread]) -> None:
    """Let go of the semaphores of a pool that has ended.

    A server that is told to stop ends by a signal, without Python's own tidying up; loky's tracker, which
    outlives it, complains of what it has not let go of.
    """
    end = time.monotonic() + SECONDS_TO_DIE
    while threads:
        # None is held on to: they hold the semaphores.
        threads.pop().join(max(0.0, end - time.monotonic()))
    # Asking which there are takes note of those that have ended; their semaphores go with them.
    multiprocessing.active_children()
    gc.collect()


class ThisProcess(Executor):
    """A thread of this process as the only worker: for a process that is itself somebody's worker."""

    n_workers = 1

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "regcore worker")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function in the thread; before the first one, the engine is loaded."""
        return self._thread.submit(_call_here, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the thread when it has done what it was given, or what is under way with `cancel_futures`."""
        self._thread.shutdown(wait, cancel_futures=cancel_futures)


def _call_here(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    _make_this_process_a_worker()
    return _call(fn, args, kwargs)


@cache
def _make_this_process_a_worker() -> None:
    """Load the engine as a worker process has it, and leave to this process what else it is."""
    global _failure
    _let_memory_grow(by=GIB)
    try:
        with _quiet():
            load_engine_here()
    except ImportError as error:
        _failure = error


def default_workers() -> int:
    """Return how many workers suit this machine: one a core, at most 8, each with a gibibyte of memory."""
    from joblib.externals.loky import cpu_count

    return max(1, min(int(cpu_count()), MAX_DEFAULT_WORKERS, total_memory() // GIB))


def load_engine() -> None:
    """Import TensorFlow, set it to one thread, and trace a first program."""
    from regcore.engine import advance, runtime

    runtime.configure()
    advance.warm_up()


def load_engine_here() -> None:
    """Import TensorFlow, set it to one thread, and let it leave a graphics card alone, as in a worker."""
    from regcore.engine import runtime

    with suppress(RuntimeError):  # It has run something in this process already.
        runtime.tensorflow().config.set_visible_devices([], "GPU")


_failure: BaseException | None = None


def _initialize(parent: int, nice: int, prepare: Callable[[], None]) -> None:
    """Make this process a worker."""
    global _failure
    if nice and sys.platform != "win32":
        # All cores may train: who asks the server for something else gets his answer first.
        os.nice(nice)
    # Ctrl-C goes to all processes of a terminal; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with, args=(parent,), name="parent watch", daemon=True).start()
    _let_memory_grow(by=sys.maxsize)
    if parcels.travel_apart():
        parcels.pack_answers()
    try:
        with _quiet():
            prepare()
    except BaseException as error:
        # An initializer that raises breaks the pool and hides why; the first call tells it instead.
        _failure = error
    # What was imported stays: the garbage collector need not look at it again.
    gc.collect()
    gc.freeze()


def _call(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if _failure is not None:
        raise WorkerError(
            f"a worker could not load the engine ({type(_failure).__name__}: {_failure}): install the "
            "packages in requirements.txt."
        ) from _failure
    return fn(*args, **kwargs)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what is written to stderr to ourselves, unless it ends in an error.

    TensorFlow says some things about the processor while it is imported that no log level silences.
    """
    with tempfile.TemporaryFile() as written:
        stderr = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            yield
        except BaseException:
            written.seek(0)
            os.write(stderr, written.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _let_memory_grow(by: int) -> None:
    """Keep loky from ending this worker in the middle of a run.

    With psutil installed, loky takes a worker that grew by 300 MB since its first call for one that leaks. A
    large data set is as much, and TensorFlow is more. There is no public switch.
    """
    process_executor: Any = sys.modules.get("joblib.externals.loky.process_executor")
    if process_executor is not None:
        process_executor._MAX_MEMORY_LEAK_SIZE += by


def _die_with(parent: int) -> None:
    """End this process soon after its parent is gone: loky's workers wait for work forever."""
    import psutil

    try:
        process = psutil.Process(parent)
    except psutil.NoSuchProcess:
        os._exit(1)
    while process.is_running() and (sys.platform == "win32" or os.getppid() == parent):
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)
