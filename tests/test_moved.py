"""A widget is moved while what was done about another one is under way: both count."""

import pytest
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.testing.v1 import AppTest

from pages.ui import moved


@pytest.fixture
def kept(monkeypatch):
    name = "_maybe_handle_execution_control_request"
    monkeypatch.setattr(ScriptRunner, name, getattr(ScriptRunner, name))
    moved.keep.cache_clear()
    moved.keep()
    yield
    moved.keep.cache_clear()


def page():
    import streamlit as st
    from streamlit.proto.WidgetStates_pb2 import WidgetStates
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    def take(name):
        if name == "l2":
            # What a browser sends when the other slider is moved just now: where all of them stand.
            context = get_script_run_ctx()
            states = WidgetStates()
            states.widgets.extend(context.session_state.get_widget_states())
            for each in states.widgets:
                if each.id.endswith("patience"):
                    each.double_array_value.data[:] = [5.0]
            context.script_requests.request_rerun(RerunData(widget_states=states))
        st.session_state[f"taken.{name}"] = st.session_state[name]

    for name in ("l2", "patience"):
        st.slider(name, 0, 9, key=name, on_change=take, args=(name,))


def taken_after_both_are_moved():
    app = AppTest.from_function(page).run()
    app.slider(key="l2").set_value(3).run()
    taken = {name: f"taken.{name}" for name in ("l2", "patience")}
    return {name: app.session_state[key] for name, key in taken.items() if key in app.session_state}


def test_streamlit_itself_loses_the_first_of_two_moves():
    # The reason for all this: where it fails, `moved.py` can go.
    assert taken_after_both_are_moved() == {"patience": 5}


def test_both_of_two_moves_count(kept):
    assert taken_after_both_are_moved() == {"l2": 3, "patience": 5}
