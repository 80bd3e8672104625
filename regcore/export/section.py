"""A piece of a script: a heading, what is to know, and code."""

import textwrap
from typing import NamedTuple

# A call this long, indented twice, still fits into 88 columns.
_WIDTH_OF_CALL = 80


class Section(NamedTuple):
    """A piece of a script.

    Attributes:
        title: Its heading.
        notes: What a reader has to know: sentences, code among them in backticks.
        code: Lines of Python.
    """

    title: str
    notes: tuple[str, ...]
    code: str


def notes(*those: str | bool) -> tuple[str, ...]:
    """Return the notes that are there."""
    return tuple(each for each in those if isinstance(each, str))


def lines(*those: str | bool | None) -> str:
    """Return the lines that are there, one below the other; an empty one stays."""
    return "\n".join(each for each in those if isinstance(each, str))


def indented(code: str, levels: int = 1) -> str:
    """Return the lines so many levels further in."""
    return textwrap.indent(code, levels * "    ")


def call(function: str, *arguments: str | bool, end: str = "") -> str:
    """Return a call on one line, or with a line for each argument, as `ruff format` leaves it.

    Args:
        function: What is called, with what stands before it.
        *arguments: Those that are there.
        end: What stands behind it.
    """
    there = [each for each in arguments if isinstance(each, str)]
    short = f"{function}({', '.join(there)}){end}"
    if len(short) <= _WIDTH_OF_CALL:
        return short
    return lines(f"{function}(", *(f"    {each}," for each in there), f"){end}")
