"""What Streamlit 1.67 does anew for each element of a page, and this server does once.

One run of the Lab draws some 160 elements, or sends them again (`again`); how they are sent says `sending`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.state.common import is_element_id
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import _is_internal_key

_BEGINNING = "_regcore_beginning"


@cache
def make() -> None:
    """Have the pages of this server do with less."""
    _look_up_one_value()
    _write_the_theme_once()
    _begin_runs_alike()


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


def _begin_runs_alike() -> None:
    """Write the settings into the message that begins a run once for a session, rather than for each run."""
    write = AppSession._create_new_session_message

    def create(
        session: AppSession, page_script_hash: str, run_descriptor: Any, pages: Any = None
    ) -> ForwardMsg:
        beginning: ForwardMsg | None = session.__dict__.get(_BEGINNING)
        if beginning is None:
            message = write(session, page_script_hash, run_descriptor, pages)
            beginning = session.__dict__[_BEGINNING] = ForwardMsg()
            beginning.CopyFrom(message)
            # What is of this run alone.
            beginning.ClearField("metadata")
            beginning.new_session.ClearField("app_pages")
            return message
        message = ForwardMsg()
        message.CopyFrom(beginning)
        app_session._set_run_identity(message, run_descriptor)
        message.new_session.page_script_hash = page_script_hash
        session._populate_app_pages(message.new_session, pages or session._pages_manager.get_pages())
        told = message.new_session.initialize
        told.session_status.run_on_save = session._run_on_save
        told.session_status.script_is_running = session._state == AppSessionState.APP_IS_RUNNING
        is_recommended, reason = session._compute_skills_nudge_state()
        told.recommend_skills_install, told.skills_nudge_suppressed_reason = is_recommended, reason
        return message

    AppSession._create_new_session_message = create  # type: ignore[assignment, method-assign]
