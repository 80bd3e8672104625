"""What Streamlit does less often here: the same comes of it."""

import threading

import pytest
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunnerEvent
from streamlit.runtime.state import SafeSessionState, SessionState

from pages.ui import lighter
from pages.ui.lighter import Filtered, Handed

POPULATE = app_session._populate_theme_msg


def handle(session, sender, event, **about):
    session._call_soon_on_event_loop(lambda: session.told.append(event))


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr(
        AppSession, "_call_soon_on_event_loop", lambda session, call: session.woken.append(call)
    )
    monkeypatch.setattr(AppSession, "_on_scriptrunner_event", handle)
    monkeypatch.setattr(SafeSessionState, "filtered_state", SafeSessionState.filtered_state)
    monkeypatch.setattr(app_session, "_populate_theme_msg", app_session._populate_theme_msg)
    lighter.make.cache_clear()
    lighter.make()
    yield
    lighter.make.cache_clear()


def test_what_is_handed_over_is_called_in_its_order_and_the_loop_is_woken_once():
    woken, done = [], []
    handed = Handed(woken.append)
    for number in range(3):
        handed.put(lambda number=number: done.append(number))

    assert (len(woken), done) == (1, [])
    woken.pop()()
    assert (woken, done) == ([], [0, 1, 2])


def test_what_comes_while_the_loop_is_at_it_is_called_as_well():
    woken, done = [], []
    handed = Handed(woken.append)
    handed.put(lambda: handed.put(lambda: done.append("later")))
    while woken:
        woken.pop()()

    assert done == ["later"]


def test_the_others_have_their_turn_where_one_fails():
    woken, done = [], []
    handed = Handed(woken.append)
    handed.put(lambda: 1 / 0)
    handed.put(lambda: done.append("the other"))

    with pytest.raises(ZeroDivisionError):
        woken.pop()()
    woken.pop()()
    assert (woken, done) == ([], ["the other"])


def test_of_many_threads_nothing_is_lost():
    done, is_over = [], threading.Event()
    woken = []
    handed = Handed(woken.append)

    def loop():
        while not is_over.is_set() or woken:
            if woken:
                woken.pop()()

    def put():
        for number in range(500):
            handed.put(lambda number=number: done.append(number))

    threads = [threading.Thread(target=put) for _ in range(4)]
    looping = threading.Thread(target=loop)
    for thread in (looping, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    is_over.set()
    looping.join()
    assert sorted(done) == sorted(4 * list(range(500)))


class Session:
    """A session, as far as something is handed to its loop."""

    def __init__(self):
        self.woken, self.told = [], []
        self._scriptrunner = "its newest runner"

    def _call_soon_on_event_loop(self, call):
        AppSession._call_soon_on_event_loop(self, call)

    def _enqueue_forward_msg(self, message):
        self.told.append(message)


def test_each_session_wakes_its_loop_once(made):
    first, second = Session(), Session()
    for session in (first, second, first):
        AppSession._call_soon_on_event_loop(session, lambda: None)

    assert [len(session.woken) for session in (first, second)] == [1, 1]


def test_elements_of_the_newest_runner_are_queued_between_what_else_it_tells(made):
    session = Session()
    for sender, event, about in (
        ("its newest runner", ScriptRunnerEvent.SCRIPT_STARTED, {"pages": {}}),
        ("its newest runner", ScriptRunnerEvent.ENQUEUE_FORWARD_MSG, {"forward_msg": "a title"}),
        ("one that has ended", ScriptRunnerEvent.ENQUEUE_FORWARD_MSG, {"forward_msg": "an old title"}),
        ("its newest runner", ScriptRunnerEvent.SHUTDOWN, {}),
    ):
        AppSession._on_scriptrunner_event(session, sender, event=event, **about)
    session.woken.pop()()

    assert session.told == [ScriptRunnerEvent.SCRIPT_STARTED, "a title", ScriptRunnerEvent.SHUTDOWN]


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
