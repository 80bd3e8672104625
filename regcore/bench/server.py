"""The server of the app, started to be measured, and what it and its workers take of the machine."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from regcore.errors import RegcoreError

APP = Path(__file__).parents[2] / "app.py"
SECONDS_TO_START = 180.0
# Lines of a log that tell of a fault, as text and as JSON; a run that was refused tells its error as well.
FAULT = re.compile(r"Traceback \(most recent|\bERROR\b|\bCRITICAL\b|\"level\": ?\"(?i:error|critical)\"")


class Usage(NamedTuple):
    """What processes have taken so far: processor seconds, and the bytes of memory they hold."""

    seconds: float
    memory: int


class Server:
    """A running server of the app.

    Attributes:
        address: As "127.0.0.1:8501".
    """

    def __init__(self, address: str, process: psutil.Popen, log: Path) -> None:
        self.address = address
        self._process = process
        self._log = log

    def family(self) -> list[psutil.Process]:
        """Return its processes: the server itself, and then its workers and what else it has started."""
        with suppress(psutil.NoSuchProcess):
            return [self._process, *self._process.children(recursive=True)]
        return []

    def faults(self) -> list[str]:
        """Return the lines of its log that tell of a fault."""
        written = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in written if FAULT.search(line)]


def usage_of(processes: Iterable[psutil.Process]) -> Usage:
    """Return what some processes have taken together; those that are gone count for nothing."""
    seconds, memory = 0.0, 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seconds += times.user + times.system
            memory += process.memory_info().rss
    return Usage(seconds, memory)


@contextmanager
def serve(environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start a server of the app on this machine's loopback; it and its workers end with the block.

    What is finished is kept in a database of its own, which goes with it.

    Args:
        environment: Variables to set for it, beside those of this process.

    Raises:
        RegcoreError: the app is not there, or does not start.
    """
    if not APP.is_file():
        raise RegcoreError(f"the app must be beside regcore to be measured, there is no {APP}.")
    address = f"127.0.0.1:{_free_port()}"
    host, port = address.split(":")
    options = {"address": host, "port": port, "headless": "true", "fileWatcherType": "none"}
    command = [sys.executable, "-m", "streamlit", "run", str(APP)]
    command += [part for name, value in options.items() for part in (f"--server.{name}", value)]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log.txt")
        own = {"REGCORE_DATABASE": f"sqlite:///{Path(folder, 'lab.sqlite').as_posix()}"}
        with log.open("wb") as written:
            process = psutil.Popen(
                command,
                cwd=APP.parent,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                env={**os.environ, **own, **(environment or {})},
            )
        try:
            _wait_until_up(address, process)
            yield Server(address, process, log)
        finally:
            _end(process)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until_up(address: str, process: psutil.Popen) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), opener.open(f"http://{address}/_stcore/health", timeout=1):
            return
        time.sleep(0.1)
    raise RegcoreError("the server of the app did not start: try `streamlit run app.py`.")


def _end(process: psutil.Popen) -> None:
    with suppress(psutil.NoSuchProcess):
        family = [*process.children(recursive=True), process]
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, timeout=10)
    process.wait()
