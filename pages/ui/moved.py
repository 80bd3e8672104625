"""What is done about a widget that somebody moves is done to its end: Streamlit 1.67 breaks it off.

A page that has to run anew ends at its next call of Streamlit, and each look into the session is such a call:
the first one comes before it has read what was moved, and a page that waits for its turn may stand there for
long; others are in the callback of the widget. The next run then takes a widget for one that stands where it
stood, and knows of no click.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_run_context import RunLocation, ThreadState
from streamlit.runtime.state.safe_session_state import SafeSessionState


@cache
def keep() -> None:
    """Have each run of a page read what was moved, and end all callbacks, before it may end itself."""
    _read_what_was_moved()
    _end_callbacks()


def _read_what_was_moved() -> None:
    def read(state: SafeSessionState, moved: WidgetStates | None, **about: Any) -> None:
        with state._lock:
            state._state.on_script_will_rerun(moved, **about)

    SafeSessionState.on_script_will_rerun = read  # type: ignore[assignment, method-assign]


def _end_callbacks() -> None:
    """Let a callback go on where a page would end; a session that is closed ends right after it."""
    runners: Any = ScriptRunner
    end_if_asked = runners._maybe_handle_execution_control_request

    def end_if_asked_in_no_callback(runner: ScriptRunner) -> None:
        # Of other threads it is not known where they are; they end nothing.
        is_in_callback = (
            runner._is_in_script_thread() and ThreadState.get().run_location is RunLocation.CALLBACK
        )
        if not is_in_callback:
            end_if_asked(runner)

    runners._maybe_handle_execution_control_request = end_if_asked_in_no_callback
