"""What commands write to a terminal: tables, and a line that says how far they are."""

from __future__ import annotations

import math
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TextIO

WIDTH = 110


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
        return "\n".join([self.title, line(cells[0]), rule, *map(line, body), *map(wrapped, self.notes)])

    def json(self) -> dict[str, Any]:
        """Return the table as values that JSON knows; what is not a number becomes null."""
        names = [column.name for column in self.columns]
        return {
            "title": self.title,
            "rows": [
                {name: json_value(value) for name, value in zip(names, row, strict=True)} for row in self.rows
            ],
            "notes": list(self.notes),
        }


def wrapped(text: str) -> str:
    """Return a text in lines of at most `WIDTH` characters, all but the first indented."""
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _written(value: Any, column: Column) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return format(value, column.format)


def json_value(value: Any) -> Any:
    """Return a value as JSON knows it: what is not a finite number becomes None, a tuple a list."""
    if isinstance(value, Mapping):
        return {str(key): json_value(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


class ProgressLine:
    """One line on stderr that says how far a command is: rewritten in a terminal, else repeated."""

    def __init__(self, stream: TextIO | None = None, seconds_between_lines: float = 20.0) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._is_terminal = self._stream.isatty()
        self._seconds_between = 0.2 if self._is_terminal else seconds_between_lines
        self._shown_at = -math.inf
        self._width = 0
        self._began = time.monotonic()

    def show(self, fraction: float, what: str, seconds_left: float | None = None) -> None:
        """Say what is being done, how much is done, and how long the rest will take.

        Args:
            fraction: Part that is done, 0 to 1.
            what: What is being done.
            seconds_left: How long the rest will take; None: as long, for each part, as what is done took.
        """
        now = time.monotonic()
        if now - self._shown_at < self._seconds_between:
            return
        self._shown_at = now
        text = f"{fraction:4.0%}  {what}{self._time_left(now, fraction, seconds_left)}"
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

    def _time_left(self, now: float, fraction: float, seconds_left: float | None) -> str:
        if seconds_left is None:
            elapsed = now - self._began
            if elapsed < 2 or fraction < 0.01:
                return ""
            seconds_left = elapsed * (1 - fraction) / fraction
        minutes, seconds = divmod(round(seconds_left), 60)
        return f", {minutes}:{seconds:02d} left"
