"""The log of a server: what happened and to which run, and nothing that visitors typed, sent or are known by.

Other packages quote what they were given: addresses, headers, names. Of their lines only the words are kept
that are in their code, and of an exception its kind and the places it passed, for its message may quote as
well. The lines of regcore and of the pages say what they say on purpose; more goes into `extra`, by the names
in `TOLD`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, get_args

Style = Literal["plain", "json"]
STYLES = get_args(Style)

OWN = ("regcore", "pages")
# Those that write by handlers of their own.
TAKEN_OVER = ("streamlit", "uvicorn", "websockets")
TOLD = ("run", "page", "state", "seconds", "networks", "cached", "error")
"""What a line may tell beside its message: configurations as links spell them, names of ours, and numbers."""

WARNINGS = "py.warnings"
_FILE = re.compile(r'  File "[^"\n]+", line \d+, in [\w<>.]+')

logger = logging.getLogger(__name__)


def set_up(style: Style, stream: TextIO = sys.stderr) -> None:
    """Write the log of this process, from now on.

    Args:
        style: "plain": for people; "json": one object a line.
        stream: Where to.
    """
    # A record that is made clean is clean for every handler, also for those that other packages add later.
    logging.setLogRecordFactory(clean_record)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if style == "json" else PlainLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in OWN:
        logging.getLogger(name).setLevel(logging.INFO)
    for name in list(logging.root.manager.loggerDict):
        if _is_of(name, TAKEN_OVER):
            taken = logging.getLogger(name)
            taken.handlers.clear()
            taken.propagate = True
            taken.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    threading.excepthook = _log_thread


def clean_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """Return a record without what others quote, and with the places of its exception as text."""
    record = logging.LogRecord(*args, **kwargs)
    if record.name == WARNINGS:
        # "file:line: kind: message", and the line of code.
        record.msg, record.args = ": ".join(record.getMessage().split(": ", 2)[:2]), ()
    elif not _is_of(record.name, OWN):
        record.msg, record.args = _words(str(record.msg)), ()
    if record.exc_info and record.exc_info[1]:
        record.exc_text = "\n".join(_fault(record.exc_info[1]))
    return record


class PlainLines(logging.Formatter):
    """Lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it where an exception came from."""
        more = "".join(f" {name}={value}" for name, value in _told(record).items())
        line = f"{_time(record)} {record.levelname} {record.name}: {record.getMessage()}{more}"
        return f"{line}\n{record.exc_text}" if record.exc_text else line


class JsonLines(logging.Formatter):
    """One object a line: time, level, logger, message, what else is told, and the fault if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object."""
        told: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_told(record),
        }
        if record.exc_text:
            told["fault"] = record.exc_text
        return json.dumps(told, default=str)


def _is_of(name: str, packages: tuple[str, ...]) -> bool:
    return name.partition(".")[0] in packages


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _told(record: logging.LogRecord) -> Mapping[str, Any]:
    return {name: getattr(record, name) for name in TOLD if hasattr(record, name)}


def _fault(error: BaseException) -> Iterator[str]:
    """Yield where an exception came from, and those behind it, the first of them first."""
    yield "Traceback (most recent call last):"
    for behind in reversed(list(_chain(error))):
        yield from _places(behind)
        yield f"{type(behind).__module__}.{type(behind).__qualname__}".removeprefix("builtins.")


def _words(text: str) -> str:
    """Return the first line of what others say; of a traceback that is part of it, its places and kind."""
    first, *more = text.strip().splitlines() or [""]
    if not more or not first.startswith("Traceback"):
        return first
    return "\n".join([first, *_FILE.findall(text), more[-1].partition(":")[0]])


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what it was raised from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _places(error: BaseException) -> list[str]:
    # What a worker raised comes with the text of its traceback alone.
    text = getattr(error, "tb", None)
    if isinstance(text, str):
        return _FILE.findall(text)
    frames = traceback.extract_tb(error.__traceback__)
    return [f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in frames]


def _log_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
        logger.error("a thread failed", exc_info=failed.exc_value)
