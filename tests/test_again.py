"""What is sent again is what would be drawn: Streamlit itself is the judge."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, ThreadState
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.testing.v1 import AppTest

from pages.ui import again, state


@pytest.fixture
def sent(monkeypatch):
    """Return what the page sends, each message with where it is; it may be emptied."""
    messages = []
    enqueue = ScriptRunContext.enqueue

    def note(context, message):
        enqueue(context, message)
        if message.WhichOneof("type") == "delta":
            messages.append(
                (list(message.metadata.delta_path), message.SerializeToString(deterministic=True))
            )

    monkeypatch.setattr(ScriptRunContext, "enqueue", note)
    return messages


@pytest.fixture
def drawn(monkeypatch):
    """Return the inputs of all that was drawn, and not sent again."""
    calls = []
    monkeypatch.setattr("tests.test_again.CALLS", calls)
    monkeypatch.setattr(again, "_of_all", again._OfAll())
    return calls


def of_all(_, how, *inputs):
    again.draw(how, *inputs)


def directly(_, how, *inputs):
    how(*inputs)


@pytest.fixture(params=[again.draw_own, of_all])
def draw_it(request, monkeypatch):
    """Return how parts are drawn."""
    monkeypatch.setattr("tests.test_again.HOW", [request.param])
    return request.param


CALLS: list[str] = []
HOW: list[Callable[..., None]] = [again.draw_own]
PLACES: list[st.delta_generator.DeltaGenerator] = []


def a_part(label, value=False, disabled=False):
    CALLS.append(label)
    with st.container(key=f"box-{label}", horizontal=True):
        st.checkbox(label, value, key=f"check-{label}", disabled=disabled, on_change=noted, args=(label,))
        st.markdown(f"About **{label}**.", help="more")
        st.button("Press", key=f"press-{label}", on_click=noted, args=(label,))
    st.slider(label, 1, 3, 2, key=f"slider-{label}", on_change=noted, args=(label,))


def noted(label):
    st.session_state.setdefault("noted", []).append(label)


def page():
    """Draw some parts, above and below of which there may be more."""
    import streamlit as st

    from tests.test_again import HOW, a_part

    (draw_it,) = HOW
    for number in range(st.session_state.get("above", 0)):
        st.markdown(f"Above {number}")
    for label in st.session_state.get("labels", ["one", "two"]):
        draw_it(f"part.{label}", a_part, label)
    with st.sidebar:
        draw_it("part.side", a_part, "side")
    st.markdown("Below")


def test_what_is_sent_again_is_what_would_be_drawn(sent, drawn, draw_it, monkeypatch):
    def all_runs():
        app, told = AppTest.from_function(page), []
        steps = (
            lambda: None,
            lambda: None,
            lambda: app.session_state.__setitem__("above", 2),
            lambda: app.checkbox(key="check-one").check(),
            lambda: app.button(key="press-two").click(),
            lambda: app.slider(key="slider-two").set_value(3),
            lambda: app.session_state.__setitem__("labels", ["two", "three", "one"]),
            lambda: app.session_state.__setitem__("labels", ["one"]),
            lambda: app.session_state.__setitem__("labels", ["two", "one"]),
            lambda: app.session_state.__setitem__("slider-one", 1),
            lambda: None,
        )
        for step in steps:
            step()
            sent.clear()
            app.run()
            assert not app.exception
            keys = [each.key for each in (*app.checkbox, *app.slider)]
            told.append((list(sent), [app.session_state[key] for key in keys]))
        return told, app.session_state["noted"]

    again_too = all_runs()
    n_drawn = len(drawn)
    monkeypatch.setattr("tests.test_again.HOW", [directly])
    drawn.clear()

    assert again_too == all_runs()
    assert n_drawn < len(drawn) / 2


def by_others():
    """Draw a part by what the session says, under one name."""
    import streamlit as st

    from tests.test_again import HOW, a_part, another_part

    (draw_it,) = HOW
    draw_it("part", another_part if st.session_state.get("other") else a_part, "one")


def another_part(label):
    CALLS.append(f"another {label}")
    st.markdown("Another")


def test_what_draws_another_part_of_equal_inputs_draws_it(drawn, draw_it):
    app = AppTest.from_function(by_others).run()
    app.session_state["other"] = True
    app.run()
    assert [each.value for each in app.markdown] == ["Another"]
    assert drawn == ["one", "another one"]


@pytest.fixture
def session(monkeypatch):
    """Return what a session keeps."""
    page = SimpleNamespace(session_state={})
    monkeypatch.setattr(state, "st", page)
    return page.session_state


def test_a_page_and_a_fragment_have_their_own(session):
    def of(page, fragment):
        ThreadState.initialize(fragment_id=fragment)
        return again._of_here(SimpleNamespace(page_script_hash=page))

    of("lab", None)["part"] = "in none"
    of("lab", "a")["part"] = "in a"
    assert of("lab", None) == {"part": "in none"}
    assert of("lab", "a") == {"part": "in a"}
    assert of("home", None) == {}


def test_the_page_before_is_kept_as_well_and_none_before_it(session):
    def of(page):
        ThreadState.initialize()
        return again._of_here(SimpleNamespace(page_script_hash=page))

    for page in ("lab", "home", "lab", "dropout"):
        of(page)["part"] = page
    assert of("lab") == {"part": "lab"}
    assert of("home") == {}


def test_widgets_of_whose_place_a_browser_is_told_are_not_as_they_were():
    def are_as_they_were(id="$$ID-0123-key", *, new=(), old=(), moved=(), **about):
        session = SessionState()
        session._new_session_state |= dict.fromkeys(new)
        session._old_state |= dict.fromkeys(old)
        session._new_widget_state.states |= dict.fromkeys(moved)
        widget = WidgetMetadata(id, lambda value: value, lambda value: value, "int_value", **about)
        return again._are_as_they_were(
            [widget], SimpleNamespace(session_state=SimpleNamespace(_state=session))
        )

    own = "$$ID-0123-key"
    assert are_as_they_were()
    assert are_as_they_were(old=[own, "another"], moved=[own], new=["another"])
    assert are_as_they_were(disabled=True)
    assert not are_as_they_were("$$ID-0123-None")
    assert not are_as_they_were(new=["key"])
    assert not are_as_they_were(old=["key"])
    assert not are_as_they_were(moved=[own], disabled=True)
    assert not are_as_they_were(bind="query-params")
    assert not are_as_they_were(persist_state="page")


def test_equal_inputs_are_sent_again_and_others_are_drawn(drawn, draw_it):
    app = AppTest.from_function(page).run()
    assert drawn == ["one", "two", "side"]
    app.run()
    assert drawn == ["one", "two", "side"]

    app.session_state["labels"] = ["two", "three"]
    app.run()
    assert drawn[3:] == ["three"]


def one_in_turn():
    """Draw a part of other inputs each time it is asked to."""
    import streamlit as st

    from tests.test_again import HOW, a_part

    (draw_it,) = HOW
    if "to" in st.session_state:
        st.session_state["check-one"] = st.session_state.pop("to")
    draw_it("part", a_part, st.session_state.get("label", "one"))


def test_a_widget_that_was_away_or_is_moved_by_the_page_is_drawn(drawn, draw_it):
    app = AppTest.from_function(one_in_turn).run()
    app.session_state["to"] = True
    app.run()
    assert drawn == ["one", "one"]
    assert app.checkbox[0].value

    for label in ("two", "one"):
        app.session_state["label"] = label
        app.run()
    # As Streamlit has it: what was away begins anew.
    assert not app.checkbox[0].value


def test_what_the_page_moves_once_is_moved_once(drawn, draw_it, sent):
    app, other = AppTest.from_function(one_in_turn), AppTest.from_function(one_in_turn)
    app.session_state["to"] = True
    app.run()
    (moves,) = (message for _, message in sent if b"check-one" in message and b"box-" not in message)
    sent.clear()
    for each in (app, other):
        each.run()

    assert drawn == (["one", "one"] if draw_it is of_all else ["one", "one", "one"])
    assert moves not in [message for _, message in sent]
    assert (app.checkbox[0].value, other.checkbox[0].value) == (True, False)


def of_many_kinds():
    """Draw what cannot be sent again, and what can, in it."""
    import streamlit as st

    from tests.test_again import HOW, PLACES, a_disabled_part, a_fragment, beside, elsewhere, nested, too_long

    (draw_it,) = HOW
    PLACES[:] = [st.container()]
    st.markdown("First")
    draw_it("elsewhere", elsewhere)
    draw_it("beside", beside)
    draw_it("fragment", a_fragment)
    draw_it("long", too_long)
    draw_it("nested", nested)
    draw_it("disabled", a_disabled_part)


def elsewhere():
    CALLS.append("elsewhere")
    PLACES[0].markdown("Above")


def beside():
    CALLS.append("beside")
    st.sidebar.markdown("Beside")


@st.fragment
def a_fragment():
    CALLS.append("fragment")
    st.markdown("In a fragment")


def too_long():
    CALLS.append("long")
    st.markdown("x" * again.MAX_BYTES)


def nested():
    CALLS.append("nested")
    st.markdown("Around")
    HOW[0]("inner", inner)


def inner():
    CALLS.append("inner")
    st.markdown("In it")


def a_disabled_part():
    CALLS.append("disabled")
    st.checkbox("Off", key="off", disabled=True)


def test_what_cannot_be_sent_again_is_drawn_each_time(drawn, draw_it, sent):
    app = AppTest.from_function(of_many_kinds).run()
    assert sorted(drawn) == sorted(["elsewhere", "beside", "fragment", "long", "nested", "inner", "disabled"])
    first = sorted(sent)
    drawn.clear()
    sent.clear()
    app.run()
    # Of a disabled widget the browser has sent where it is, and Streamlit tells it otherwise.
    assert drawn == ["elsewhere", "beside", "fragment", "long", "disabled"]
    is_disabled = [b"-off" in message for _, message in first]
    assert sum(is_disabled) == 1
    assert [each for each in sorted(sent) if b"-off" not in each[1]] == [
        each for each in first if b"-off" not in each[1]
    ]


def test_a_disabled_widget_stays_where_it_is_whatever_a_browser_sends(drawn, draw_it):
    app = AppTest.from_function(of_many_kinds).run()
    app.checkbox(key="off")._value = True
    app.run()

    assert drawn.count("disabled") == 2
    assert app.session_state["off"] is False


def failing():
    """Draw a part that fails, once."""
    import streamlit as st

    from tests.test_again import HOW, fails_once

    HOW[0]("failing", fails_once)
    st.markdown("Below")


def fails_once():
    CALLS.append("failing")
    st.markdown("Begun")
    if len(CALLS) == 1:
        raise ZeroDivisionError


def test_what_failed_is_drawn_anew(drawn, draw_it):
    app = AppTest.from_function(failing).run()
    assert app.exception
    for _ in range(2):
        app.run()
        assert not app.exception
        assert [each.value for each in app.markdown] == ["Begun", "Below"]
    assert len(drawn) == 2


def test_what_is_the_same_to_all_sessions_is_drawn_for_the_first(drawn, sent, monkeypatch):
    monkeypatch.setattr("tests.test_again.HOW", [of_all])
    first, second = AppTest.from_function(page).run(), AppTest.from_function(page)
    in_first = list(sent)
    sent.clear()
    second.run()
    assert drawn == ["one", "two", "side"]
    assert sent == in_first

    # What is pressed there is that session's.
    second.checkbox(key="check-one").check()
    second.run()
    first.run()
    assert second.session_state["noted"] == ["one"]
    assert "noted" not in first.session_state
    assert (second.checkbox(key="check-one").value, first.checkbox(key="check-one").value) == (True, False)


def test_what_is_of_a_session_is_drawn_for_each(drawn):
    for _ in range(2):
        AppTest.from_function(page).run()
    assert drawn == 2 * ["one", "two", "side"]


def test_what_is_kept_for_all_is_bounded(drawn, monkeypatch):
    monkeypatch.setattr(again, "MAX_BYTES_OF_ALL", 10_000)
    kept = again._OfAll()
    for number in range(100):
        kept.put(number, again._Drawn((0, 0), 1, [ForwardMsg()], (), ()))
    assert 0 < sum(kept.get(number) is not None for number in range(100)) <= 10_000 / again.BYTES_BESIDE


def many_after_each_other():
    """Draw one part that stays, and one that is another in each run."""
    import streamlit as st

    from pages.ui import again
    from tests.test_again import a_part

    n = st.session_state["n"] = st.session_state.get("n", 0) + 1
    again.draw_own("stays", a_part, "stays")
    again.draw_own(f"part.{n}", a_part, f"{n}")


def test_of_what_a_session_draws_the_last_is_kept(drawn, monkeypatch):
    monkeypatch.setattr(again, "N_OWN", 3)
    app = AppTest.from_function(many_after_each_other)
    for _ in range(5):
        app.run()

    (of_page,) = app.session_state["lab.kept.again.drawn"].values()
    assert list(of_page[None]) == ["part.4", "stays", "part.5"]
    assert drawn.count("stays") == 1


@pytest.mark.parametrize("how", [again.draw, again.draw_own])
def test_without_a_page_it_is_drawn(drawn, how):
    how(*(["part"] if how is again.draw_own else []), a_part, "bare")
    assert drawn == ["bare"]
