"""Ctrl-C and SIGTERM: answered once, and not at all while what was trained is told and written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def answered_once() -> Iterator[Callable[[], None]]:
    """Let only the first Ctrl-C or SIGTERM through, and yield a function after which none comes through.

    A second one would lose what the first one leaves. At the end everything is answered as it was before.
    """
    if threading.current_thread() is not threading.main_thread():
        # Signals come to the main thread alone, and no other may set what answers them.
        yield _do_nothing
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def ignore() -> None:
        for number in SIGNALS:
            # Not SIG_IGN, which a process that is started now would inherit.
            signal.signal(number, _ignored)

    def answer(number: int, frame: FrameType | None) -> None:
        ignore()
        handler = before[signal.Signals(number)]
        assert callable(handler)
        handler(number, frame)

    try:
        for number, handler in before.items():
            if callable(handler):
                signal.signal(number, answer)
        yield ignore
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _do_nothing() -> None: ...


def _ignored(number: int, frame: FrameType | None) -> None: ...
