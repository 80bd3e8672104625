"""What a bench returns, and how it is printed and written."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from regcore.terminal import Column, ProgressLine, Table, json_value, wrapped
from regcore.versions import installed

# Every bench prints tables and shows how far it is: those of all commands are here as well.
__all__ = [
    "QUIET",
    "Claim",
    "Column",
    "Processor",
    "ProgressLine",
    "Report",
    "Table",
    "load_average",
    "machine",
    "processor",
]

PACKAGES = ("tensorflow", "keras", "scikit-learn", "numpy")
# Above this part of all cores in use by others, speeds say more about the others.
QUIET = 0.1


class Claim(NamedTuple):
    """Something stated before it was measured: what, the figure, and whether it holds."""

    text: str
    measured: str
    holds: bool


@dataclass(frozen=True)
class Report:
    """One bench: its settings, tables and claims."""

    title: str
    settings: tuple[str, ...]
    tables: tuple[Table, ...]
    claims: tuple[Claim, ...] = ()
    warnings: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    """For JSON alone: what stands behind the tables, number by number."""

    @property
    def holds(self) -> bool:
        """Whether every claim holds."""
        return all(claim.holds for claim in self.claims)

    def text(self) -> str:
        """Return the whole report as it is printed."""
        parts = ["\n".join([self.title, "=" * len(self.title), *map(wrapped, self.settings)])]
        parts += [table.text() for table in self.tables]
        if self.claims:
            lines = [wrapped(f"{_outcome(claim):6}  {claim.text}: {claim.measured}") for claim in self.claims]
            parts.append("\n".join(["Claims", *lines]))
        parts += [wrapped(f"NOTE: {warning}") for warning in self.warnings]
        return "\n\n".join(parts) + "\n"

    def json(self) -> dict[str, Any]:
        """Return the whole report as values that JSON knows."""
        return {
            "title": self.title,
            "settings": list(self.settings),
            "tables": {table.name: table.json() for table in self.tables},
            "claims": [claim._asdict() for claim in self.claims],
            "warnings": list(self.warnings),
            "details": json_value(self.details),
        }


def _outcome(claim: Claim) -> str:
    return "met" if claim.holds else "MISSED"


def machine() -> str:
    """Return one line about what the figures were measured on."""
    packages = ", ".join(f"{name} {installed(name)}" for name in PACKAGES)
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"On {system}; Python {platform.python_version()}, {packages}."


def load_average() -> float | None:
    """Return how many processes wanted a core in the last minute; None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


class Processor(NamedTuple):
    """Seconds so far: by the clock, and of all cores: of this process and what it started, of everybody."""

    wall: float
    ours: float
    everybodys: float

    def others_since(self, before: Processor) -> float:
        """Return the part of all cores that others used since then, 0 to 1."""
        theirs = (self.everybodys - before.everybodys) - (self.ours - before.ours)
        elapsed = (self.wall - before.wall) * (os.cpu_count() or 1)
        return min(1.0, max(0.0, theirs / elapsed)) if elapsed > 0 else 0.0


def processor() -> Processor:
    """Return the processor time used so far."""
    import psutil

    ours = time.process_time()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            ours += times.user + times.system
    machine_wide = psutil.cpu_times()
    idle = machine_wide.idle + getattr(machine_wide, "iowait", 0.0)
    # On Linux a guest's time is in user's as well.
    guests = getattr(machine_wide, "guest", 0.0) + getattr(machine_wide, "guest_nice", 0.0)
    return Processor(time.perf_counter(), ours, sum(machine_wide) - idle - guests)
