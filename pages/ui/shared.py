"""What is made of finished runs, made once for all sessions: thirty people look at the same figure.

Networks are trained once for all who ask for them. What is drawn and counted of them costs the server most of
what else it does, and is the same for everyone as well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, wait
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple, TypeVar

from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.ui import state, turns
from pages.ui.sizes import size_of
from regcore.config import Config
from regcore.data import Dataset
from regcore.results import Result
from regcore.segmented import Segmented
from regcore.settings import read_settings

T = TypeVar("T")

# What took a core so long is kept apart: a minute of many who turn their knobs makes hundreds of figures.
DEAR_SECONDS = 0.02
LOOK_SECONDS = 0.05


class _NotShared(Exception):
    """It depends on something of one session, or on what is still growing."""


class Shared:
    """What was made, by what makes it and what from; how it is kept says `Segmented`.

    Safe under threads. What one is just making, others wait for.

    Args:
        max_bytes: Bytes that are kept, about: one half of what is made quickly, the other of what is not.
        clock: Processor seconds of this thread.
    """

    def __init__(self, max_bytes: int, clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = clock
        self._made: Segmented[Future[Any]] = Segmented(max_bytes // 2)
        self._dear: Segmented[Future[Any]] = Segmented(max_bytes // 2)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._made) + len(self._dear)

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        return self._made.nbytes + self._dear.nbytes

    def once(self, make: Callable[..., T], *inputs: Any, **options: Any) -> T:
        """Return what `make` makes of the inputs: for all who ask the same, where that can be told.

        Nobody may change it. Results are the same that show the same recordings in the same way; one that is
        not complete is nobody else's. What else a session follows says by its method `shared_key` what is
        equal where it is the same to all, or None.

        Args:
            make: What makes it. It looks at nothing but its inputs.
            *inputs: What it is made from.
            **options: The same, by name.
        """
        try:
            key = _Key((_key_of_function(make), _key(inputs), _key(options)))
        except _NotShared:
            return make(*inputs, **options)
        with self._lock:
            made = self._dear.get(key) or self._made.get(key)
            if made is None:
                mine: Future[Any] = Future()
                self._made.put(key, mine, 0)
        if made is not None:
            return self._awaited(made, make, inputs, options)
        began = self._clock()
        try:
            what = make(*inputs, **options)
        except BaseException as error:
            # A knob that moves just now ends a page here: that is no failure of what was asked for.
            with self._lock:
                if self._made.look(key) is mine:
                    self._made.pop(key)
            mine.set_exception(_NotShared(str(error)))
            raise
        kept = self._dear if self._clock() - began >= DEAR_SECONDS else self._made
        mine.set_result(what)
        n_bytes = size_of(key.parts) + size_of(what)
        with self._lock:
            self._made.pop(key)
            kept.put(key, mine, n_bytes)
        return what

    def _awaited(
        self, made: Future[Any], make: Callable[..., T], inputs: tuple[Any, ...], options: Mapping[str, Any]
    ) -> T:
        """Return what another session is making; if it could not, make it here."""
        if not made.done():
            # Not for nothing: who makes way wakes whoever waits for a turn.
            with turns.away():
                while not made.done():
                    wait([made], LOOK_SECONDS)
                    _make_way()
        try:
            what: T = made.result()
        except _NotShared:
            return make(*inputs, **options)
        return what


class _Key:
    """What something is kept by; its hash is asked for some ten times, and worked out once."""

    __slots__ = ("_hash", "parts")

    def __init__(self, parts: Hashable) -> None:
        self.parts, self._hash = parts, hash(parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._hash == other._hash and self.parts == other.parts


class _OfResult(NamedTuple):
    """What is equal where results show the same recordings in the same way."""

    config: Config
    dataset: Hashable
    content: str

    @property
    def nbytes(self) -> int:
        """Bytes held: configuration and names of the data set are there for others as well."""
        return len(self.content)


def _make_way() -> None:
    """End this page here if it has to run anew; what is made for no page goes on."""
    if get_script_run_ctx(suppress_warning=True) is not None:
        # Streamlit ends it at its next touch of the session.
        state.n_moves()


@cache
def of_all_sessions() -> Shared:
    """Return what this server keeps."""
    return Shared(read_settings().drawn_bytes)


def once(make: Callable[..., T], *inputs: Any, **options: Any) -> T:
    """Return what `make` makes of the inputs, made once for all sessions: see `Shared`."""
    return of_all_sessions().once(make, *inputs, **options)


def kept_of(name: str, make: Callable[..., T], *inputs: Any, **options: Any) -> T:
    """Return what `state.kept_of` does of the same inputs, made once for all sessions where that can be told.

    Args:
        name: Names what is made among all that pages keep.
        make: What makes it. It looks at nothing but its inputs, and nobody may change what it makes.
        *inputs: What it is made from.
        **options: The same, by name.
    """
    what: T = state.kept_of(name, once, make, *inputs, **options)
    return what


def key_of(value: Any) -> Hashable | None:
    """Return what is equal exactly where a value means the same to all sessions; None: it is of one alone."""
    try:
        return _key(value)
    except _NotShared:
        return None


def _key_of_function(function: Callable[..., Any]) -> Hashable:
    """Return the function, if it is one of a module: those of a page's own file are others in each run."""
    is_of_module = isinstance(function, FunctionType) and "<" not in function.__qualname__
    if not is_of_module or function.__module__ == "__main__":
        raise _NotShared
    return function


def _key(value: Any) -> Hashable:
    """Return what is equal exactly where a value means the same."""
    if isinstance(value, Result):
        if not value.is_complete:
            raise _NotShared
        # By what they hold: what was let go and trained again has the same bits, and is the same to everyone.
        return _OfResult(value.config, _key(value.dataset), value.content_key)
    if isinstance(value, Dataset):
        return Dataset, value.key, value.name, value.feature_names, value.target_names
    if isinstance(value, Mapping):
        return dict, tuple((name, _key(each)) for name, each in value.items())
    if isinstance(value, (tuple, list)):
        # Curves are some thousands of numbers.
        is_plain = set(map(type, value)) == {float}
        return type(value), is_plain, tuple(value) if is_plain else tuple(map(_key, value))
    if isinstance(value, FunctionType):
        return _key_of_function(value)
    if value is None or isinstance(value, (str, int, float, Config)):
        # As equals 1 and 1.0 would be, and True.
        return type(value), value
    # What a session follows may be the same to all of them.
    key_of_it = getattr(value, "shared_key", None)
    key = key_of_it() if key_of_it is not None else None
    if key is None:
        raise _NotShared
    return type(value), key
