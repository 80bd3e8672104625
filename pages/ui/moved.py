"""What somebody has moved counts, whatever he moves next: Streamlit 1.67 breaks off what is done about it.

A page that has to run anew ends at its next call of Streamlit, and so does the callback of a widget: each
look into the session is such a call. The next run then takes the widget for one that stands where it stood.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_run_context import RunLocation, ThreadState


@cache
def keep() -> None:
    """Have callbacks run to their end."""
    end_if_asked = ScriptRunner._maybe_handle_execution_control_request

    def end_if_asked_in_no_callback(runner: ScriptRunner) -> None:
        if ThreadState.get().run_location is not RunLocation.CALLBACK:
            end_if_asked(runner)

    runner: Any = ScriptRunner
    runner._maybe_handle_execution_control_request = end_if_asked_in_no_callback
