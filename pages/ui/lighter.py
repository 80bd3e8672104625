"""What Streamlit 1.67 does anew for each element of a page, and this server does once.

One run of the Lab draws some 250 elements. What is spared here is a quarter of its time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunnerEvent
from streamlit.runtime.state.common import is_element_id
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import _is_internal_key

_HANDED = "_regcore_handed"


@cache
def make() -> None:
    """Have the pages of this server do with less."""
    _wake_the_loop_once()
    _take_elements_at_once()
    _look_up_one_value()
    _write_the_theme_once()


class Handed:
    """What is to be called on an event loop, in its order; the loop is woken once for all that waits.

    Waking it takes longer than most of what it is woken for, and has both threads wait for each other.

    Args:
        wake: Has the loop call something soon; safe under threads.
    """

    def __init__(self, wake: Callable[[Callable[[], None]], None]) -> None:
        self._wake = wake
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_woken = False

    def put(self, call: Callable[[], None]) -> None:
        """Hand something over; from any thread."""
        self._waiting.append(call)
        if not self._is_woken:
            self._is_woken = True
            self._wake(self._run)

    def _run(self) -> None:
        # Before anything is taken: what comes from now on wakes the loop again, be it taken here or not.
        self._is_woken = False
        try:
            while self._waiting:
                self._waiting.popleft()()
        finally:
            if self._waiting and not self._is_woken:
                # One has failed, which the loop tells. The others have their turn.
                self._is_woken = True
                self._wake(self._run)


def _wake_the_loop_once() -> None:
    wake = AppSession._call_soon_on_event_loop

    def hand_over(session: AppSession, call: Callable[[], None]) -> None:
        handed = session.__dict__.get(_HANDED)
        if handed is None:
            # Two threads may be first at once, and one of them is.
            handed = session.__dict__.setdefault(_HANDED, Handed(lambda run: wake(session, run)))
        handed.put(call)

    AppSession._call_soon_on_event_loop = hand_over  # type: ignore[assignment, method-assign]


def _take_elements_at_once() -> None:
    """Put the elements of a page into the queue of its session without asking what else they might be."""
    handle = AppSession._on_scriptrunner_event

    def on_event(session: AppSession, sender: Any, event: ScriptRunnerEvent, **about: Any) -> None:
        if event is not ScriptRunnerEvent.ENQUEUE_FORWARD_MSG:
            handle(session, sender, event, **about)
            return

        def enqueue() -> None:
            # A session listens to its newest runner alone.
            if sender is session._scriptrunner:
                session._enqueue_forward_msg(about["forward_msg"])

        session._call_soon_on_event_loop(enqueue)

    AppSession._on_scriptrunner_event = on_event  # type: ignore[assignment, method-assign]


class Filtered(Mapping[str, Any]):
    """What a session has, as pages see it, looked up one by one.

    Widgets ask it for a single value. To have it all in one dictionary before takes half a millisecond each
    time.

    Args:
        state: What is looked up, by those keys that pages may see.
        all_of_it: Returns all of it.
    """

    def __init__(self, state: SafeSessionState, all_of_it: Callable[[], dict[str, Any]]) -> None:
        self._state = state
        self._all_of_it = all_of_it

    def __getitem__(self, key: str) -> Any:
        if is_element_id(key) or _is_internal_key(key):
            raise KeyError(key)
        with self._state._lock:
            return self._state._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all_of_it())

    def __len__(self) -> int:
        return len(self._all_of_it())

    def __repr__(self) -> str:
        return repr(self._all_of_it())


def _look_up_one_value() -> None:
    whole: Any = SafeSessionState.filtered_state

    def filtered_state(state: SafeSessionState) -> Mapping[str, Any]:
        return Filtered(state, lambda: whole.fget(state))

    SafeSessionState.filtered_state = property(filtered_state)  # type: ignore[assignment, method-assign]


def _write_the_theme_once() -> None:
    """Read the colours of the theme out of the settings once, rather than for each run of a page."""
    populate: Any = app_session._populate_theme_msg
    written: dict[str, Any] = {}

    def populate_once(message: Any, section: str = "theme") -> None:
        if section not in written:
            theme = type(message)()
            populate(theme, section)
            written[section] = theme
        # A part of the theme that sets nothing is not there at all.
        if written[section].ListFields():
            message.MergeFrom(written[section])

    app_session._populate_theme_msg = populate_once  # type: ignore[assignment]
