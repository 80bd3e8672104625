"""What a table returns, and how it is printed and written."""

from __future__ import annotations

import contextlib
import math
import os
import platform
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, NamedTuple, TextIO

PACKAGES = ("tensorflow", "keras", "scikit-learn", "numpy")
WIDTH = 110
# Above this part of all cores in use by others, speeds say more about the others.
QUIET = 0.1


class Column(NamedTuple):
    """A column of a table: its key in JSON, what stands above it, and how its values are written."""

    name: str
    title: str
    format: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of values, with what is needed to print them."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the table as lines of text: words to the left, numbers to the right."""
        body = [
            [_written(value, column) for value, column in zip(row, self.columns, strict=True)]
            for row in self.rows
        ]
        cells = [[column.title for column in self.columns], *body]
        widths = [max(map(len, of_column)) for of_column in zip(*cells, strict=True)]
        is_text = [not column.format for column in self.columns]

        def line(row: Sequence[str]) -> str:
            padded = (
                cell.ljust(width) if left else cell.rjust(width)
                for cell, width, left in zip(row, widths, is_text, strict=True)
            )
            return "  ".join(padded).rstrip()

        rule = "  ".join("-" * width for width in widths)
        return "\n".join([self.title, line(cells[0]), rule, *map(line, body), *map(_wrapped, self.notes)])

    def json(self) -> dict[str, Any]:
        """Return the table as values that JSON knows; what is not a number becomes null."""
        names = [column.name for column in self.columns]
        return {
            "title": self.title,
            "rows": [
                {name: _plain(value) for name, value in zip(names, row, strict=True)} for row in self.rows
            ],
            "notes": list(self.notes),
        }


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
        parts = ["\n".join([self.title, "=" * len(self.title), *map(_wrapped, self.settings)])]
        parts += [table.text() for table in self.tables]
        if self.claims:
            lines = [
                _wrapped(f"{_outcome(claim):6}  {claim.text}: {claim.measured}") for claim in self.claims
            ]
            parts.append("\n".join(["Claims", *lines]))
        parts += [_wrapped(f"NOTE: {warning}") for warning in self.warnings]
        return "\n\n".join(parts) + "\n"

    def json(self) -> dict[str, Any]:
        """Return the whole report as values that JSON knows."""
        return {
            "title": self.title,
            "settings": list(self.settings),
            "tables": {table.name: table.json() for table in self.tables},
            "claims": [claim._asdict() for claim in self.claims],
            "warnings": list(self.warnings),
            "details": _plain(self.details),
        }


def _outcome(claim: Claim) -> str:
    return "met" if claim.holds else "MISSED"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _written(value: Any, column: Column) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return format(value, column.format)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def machine() -> str:
    """Return one line about what the figures were measured on."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
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


class ProgressLine:
    """One line on stderr that says how far a bench is: rewritten in a terminal, else repeated."""

    def __init__(self, stream: TextIO | None = None, seconds_between_lines: float = 20.0) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._is_terminal = self._stream.isatty()
        self._seconds_between = 0.2 if self._is_terminal else seconds_between_lines
        self._shown_at = -math.inf
        self._width = 0
        self._began = time.monotonic()

    def show(self, fraction: float, what: str) -> None:
        """Say what is being done, how much is done (0 to 1), and how long the rest will take."""
        now = time.monotonic()
        if now - self._shown_at < self._seconds_between:
            return
        self._shown_at = now
        text = f"{fraction:4.0%}  {what}{_time_left(now - self._began, fraction)}"
        if self._is_terminal:
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away, so that what is printed next begins on an empty one."""
        if self._is_terminal and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
        self._width = 0
        self._shown_at = -math.inf


def _time_left(elapsed: float, fraction: float) -> str:
    if elapsed < 2 or fraction < 0.01:
        return ""
    seconds = round(elapsed * (1 - fraction) / fraction)
    return f", {seconds // 60}:{seconds % 60:02d} left"
