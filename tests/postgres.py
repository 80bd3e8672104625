"""A real PostgreSQL for tests: one that is there, else one that is installed now."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.installing import install

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
USER, NAME = "lab", "postgres"


class NoPostgreSQL(Exception):
    """There is none, and none could be installed; says why."""


class PostgreSQL:
    """A server of its own in a folder of its own, on this machine alone.

    It does not run as root, which PostgreSQL refuses: then as whoever the system has for nobody.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._is_root = getattr(os, "geteuid", lambda: 1)() == 0
        self.port = _free_port()
        if self._is_root:
            shutil.chown(folder, "nobody")
        self._run("initdb", "-D", f"{folder}/data", "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{NAME}"

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder} -F -c shared_buffers=16MB"
        log = f"{self._folder}/log.txt"
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        # What a server has open of the caller would keep the caller waiting for its end.
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True,
            timeout=60,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user="nobody" if self._is_root else None,
            env={**os.environ, "LC_ALL": "C"},
        )


@contextlib.contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Give a running server.

    Raises:
        NoPostgreSQL: there is none, and none could be installed.
    """
    programs = _programs() or _installed()
    # Its folder has a short name, for the path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="lab-pg-") as folder:
        server = PostgreSQL(programs, Path(folder))
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                server.stop()


def _programs() -> Path | None:
    """Return the folder of the server's programs, the newest version first."""
    found = [folder for place in PLACES for folder in sorted(Path("/").glob(place[1:]), reverse=True)]
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    return next((folder for folder in found if (folder / "initdb").is_file()), None)


def _installed() -> Path:
    if not shutil.which("apt-get") or getattr(os, "geteuid", lambda: 1)() != 0:
        raise NoPostgreSQL("no PostgreSQL was found, and there is no apt-get or no right to install one")
    failure = install([["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "postgresql"]])
    if failure is not None:
        raise NoPostgreSQL(failure)
    if (programs := _programs()) is None:
        raise NoPostgreSQL("apt-get has installed postgresql, and there is no initdb")
    return programs


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
