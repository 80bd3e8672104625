"""Figures for the operator as Prometheus reads them: its text format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

import psutil

from regcore.execution.metrics import Figures, Waits

MEDIA_TYPE = "text/plain; version=0.0.4"


class Server(NamedTuple):
    """How a server is, beside its runs.

    Attributes:
        n_sessions: Pages that are open.
        n_sessions_ever: Pages that were opened.
        n_restarts: How often its workers had to be started anew.
        memory: Bytes of this process, and of each that it has started.
        n_unwritten: Changes of what is kept that are not in the database yet.
        has_database: Whether nothing is wrong with the database, as far as is known.
    """

    n_sessions: int
    n_sessions_ever: int
    n_restarts: int
    memory: tuple[int, ...]
    n_unwritten: int
    has_database: bool


def memory() -> tuple[int, ...]:
    """Return the bytes that this process holds, and those of each process that it has started.

    Workers share the code of TensorFlow, half of what each has in memory. On Linux each is given its part of
    that, so that the sum is what is really held; elsewhere shared memory is left out.
    """
    this = psutil.Process()
    held = []
    for process in (this, *this.children(recursive=True)):
        with suppress(psutil.Error):
            info = process.memory_full_info()
            held.append(int(getattr(info, "pss", info.uss)))
    return tuple(held)


def exposition(runs: Figures, server: Server) -> str:
    """Return all figures as text."""
    return "".join(f"{line}\n" for lines in (_runs(runs), _server(server)) for line in lines)


def _runs(runs: Figures) -> Iterator[str]:
    yield from _one(
        "runs_waiting", "gauge", "Runs of which nothing was sent to a worker yet.", len(runs.waiting)
    )
    longest = max(runs.waiting, default=0.0)
    yield from _one(
        "runs_waiting_longest_seconds", "gauge", "How long the first of them has waited.", longest
    )
    yield from _one("runs_running", "gauge", "Runs that train.", runs.n_running)
    yield from _waits("run_wait_seconds", "Until a first piece of a run was sent to a worker.", runs.waits)
    yield from _by("runs_ended_total", "counter", "Runs that have ended.", "end", runs.ended)
    yield from _by("runs_refused_total", "counter", "Runs that were not begun.", "reason", runs.refused)
    yield from _by("networks_total", "counter", "Networks that runs asked for.", "from", runs.networks)
    yield from _one("cache_bytes", "gauge", "Bytes of finished networks that are kept.", runs.cache_bytes)
    yield from _one("cache_networks", "gauge", "Finished networks that are kept.", runs.n_cached)
    yield from _one("workers", "gauge", "Pieces of runs that train at a time.", runs.n_workers)


def _server(server: Server) -> Iterator[str]:
    yield from _one("sessions", "gauge", "Pages that are open.", server.n_sessions)
    yield from _one("sessions_total", "counter", "Pages that were opened.", server.n_sessions_ever)
    restarts = server.n_restarts
    yield from _one(
        "worker_restarts_total", "counter", "Times that workers had to be started anew.", restarts
    )
    yield from _one("database_ready", "gauge", "1 if the database can be had.", int(server.has_database))
    yield from _one("database_unwritten", "gauge", "Changes not in the database yet.", server.n_unwritten)
    of_server, *of_workers = server.memory
    held = {"server": of_server, "workers": sum(of_workers)}
    yield from _by("memory_bytes", "gauge", "Memory that is held.", "process", held)


def _head(name: str, kind: str, told: str) -> Iterator[str]:
    yield f"# HELP regcore_{name} {told}"
    yield f"# TYPE regcore_{name} {kind}"


def _one(name: str, kind: str, told: str, value: float) -> Iterator[str]:
    yield from _head(name, kind, told)
    yield f"regcore_{name} {value}"


def _by(name: str, kind: str, told: str, label: str, values: Mapping[str, int]) -> Iterator[str]:
    yield from _head(name, kind, told)
    for value, n in values.items():
        yield f'regcore_{name}{{{label}="{value}"}} {n}'


def _waits(name: str, told: str, waits: Waits) -> Iterator[str]:
    yield from _head(name, "histogram", told)
    for bound, n in waits.n_within.items():
        yield f'regcore_{name}_bucket{{le="{bound}"}} {n}'
    yield f'regcore_{name}_bucket{{le="+Inf"}} {waits.n}'
    yield f"regcore_{name}_sum {waits.seconds}"
    yield f"regcore_{name}_count {waits.n}"
