"""What Streamlit does less often here: the same comes of it."""

from types import SimpleNamespace

import pytest
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.scriptrunner_utils.run_descriptor import RunDescriptor
from streamlit.runtime.state import SafeSessionState, SessionState

from pages.ui import lighter
from pages.ui.lighter import Filtered

POPULATE = app_session._populate_theme_msg
WRITE = AppSession._create_new_session_message


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr(AppSession, "_create_new_session_message", WRITE)
    monkeypatch.setattr(SafeSessionState, "filtered_state", SafeSessionState.filtered_state)
    monkeypatch.setattr(app_session, "_populate_theme_msg", app_session._populate_theme_msg)
    lighter.make.cache_clear()
    lighter.make()
    yield
    lighter.make.cache_clear()


@pytest.fixture
def state():
    whole = SessionState()
    whole["a knob"], whole["nothing"] = 3, None
    return SafeSessionState(whole, lambda: None)


def test_a_value_is_looked_up_as_in_the_whole(made, state):
    found = state.filtered_state

    assert isinstance(found, Filtered)
    assert (found["a knob"], found["nothing"], "another" in found) == (3, None, False)
    assert dict(found) == {"a knob": 3, "nothing": None}
    assert len(found) == 2
    assert repr(found) == repr(dict(found))


@pytest.mark.parametrize("key", ["$$ID-1-None", "$$STREAMLIT_INTERNAL_KEY_x"])
def test_what_pages_may_not_see_is_not_found(made, state, key):
    state._state._new_session_state[key] = 1

    assert key not in state.filtered_state


@pytest.mark.parametrize("section", ["theme", "theme.light", "theme.dark", "theme.sidebar"])
def test_the_theme_is_the_same_each_time(made, section):
    first, second, without = NewSession(), NewSession(), NewSession()
    for message in (first, second):
        app_session._populate_theme_msg(message.custom_theme, section)
    POPULATE(without.custom_theme, section)

    assert first == second == without
    assert first.HasField("custom_theme") == without.HasField("custom_theme")


class Session(SimpleNamespace):
    """A session, as far as its runs begin."""

    _populate_app_pages = AppSession._populate_app_pages

    def _compute_skills_nudge_state(self):
        return self.nudge


def page(name):
    return {"page_name": name, "icon": "", "page_script_hash": name, "script_path": name}


def test_each_run_of_a_session_begins_as_streamlit_itself_has_it_begin(made):
    session = Session(
        id="a session",
        nudge=(False, ""),
        _run_on_save=False,
        _state=AppSessionState.APP_IS_RUNNING,
        _script_data=SimpleNamespace(name="app", main_script_path="app.py", is_hello=False),
        _pages_manager=SimpleNamespace(
            main_script_path="app.py", main_script_hash="main", get_pages=lambda: {"lab": page("lab")}
        ),
    )

    def begin(*about):
        return AppSession._create_new_session_message(session, *about), WRITE(session, *about)

    first, first_itself = begin("lab", RunDescriptor("run 1", ("part",)))
    session._run_on_save, session.nudge = True, (True, "a reason")
    session._state = AppSessionState.APP_NOT_RUNNING
    second, second_itself = begin("l2", RunDescriptor("run 2"), {"l2": page("l2"), "lab": page("lab")})

    assert (first, second) == (first_itself, second_itself)
    assert [each.page_name for each in second.new_session.app_pages] == ["l2", "lab"]
