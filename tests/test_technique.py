"""What pages about one technique share: words that set knobs, and experiments."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import runs, technique
from regcore.config import Config
from regcore.execution import Progress


def page():
    from pages.ui import state, technique
    from regcore.config import Config
    from regcore.lessons import Lesson

    start = Config(data="iris", patience=5)
    # As `open_page` does for a page of the menu.
    state.enter("Early stopping")
    config = technique.begin(start)
    technique.idea(
        "Wait [three epochs](?patience=3) or [ten](?patience=10&min_delta=0.01).", "x^2", "x: a number."
    )
    technique.prose("Again [three epochs](?patience=3).")
    lessons = (
        Lesson("Short", start.replace(patience=1), "bad", "Too short.", "A star."),
        Lesson("Five", start, "good", "Long enough.", "A cross."),
    )
    technique.experiments(config, lessons)
    technique.article((technique.Says("It helps.", None), technique.Says("Always.", "On 3 of 8 seeds.")))
    technique.pitfalls((technique.Pitfall("One epoch at a time.", "Patience never fires."),))


@pytest.fixture
def app():
    return AppTest.from_function(page, default_timeout=60).run()


def config_of(app):
    return app.session_state["lab.config.Early stopping"]


def test_words_of_the_prose_are_links_to_buttons_that_set_knobs(app):
    assert not app.exception
    assert app.markdown[0].value == (
        "Wait [three epochs](#set-patience-3) or [ten](#set-patience-10-min-delta-0-01)."
    )

    app.button(key="set-patience-10-min-delta-0-01").click().run()

    assert config_of(app) == Config(data="iris", patience=10, min_delta=0.01)


def test_the_same_words_twice_are_one_button(app):
    assert [button.key for button in app.button] == ["set-patience-3", "set-patience-10-min-delta-0-01"]


def part_of_a_page():
    import streamlit as st

    from pages.ui import state, technique
    from regcore.config import Config

    if "begun" not in st.session_state:
        st.session_state["begun"] = True
        state.enter("L2")
        technique.begin(Config())
        technique.prose("First [none](?l2=0).")
    # As a fragment that is drawn again while the rest of the page stays.
    technique.prose("Then [none](?l2=0) and [some](?l2=0.1).")


def test_a_text_that_is_drawn_again_alone_keeps_its_words_and_takes_no_others():
    app = AppTest.from_function(part_of_a_page, default_timeout=60).run()
    assert [button.key for button in app.button] == ["set-l2-0", "set-l2-0-1"]

    app.run()

    assert not app.exception
    assert [button.key for button in app.button] == ["set-l2-0-1"]


def test_an_experiment_sets_all_of_its_settings_and_says_what_to_look_for(app):
    assert "**Five** :green-badge[:material/check: good]" in app.markdown[2].value

    app.pills[0].set_value("Short").run()

    assert config_of(app).patience == 1
    assert app.markdown[3].value == "**Look for:** A star."


def test_what_the_article_says_stands_beside_what_was_measured(app):
    shown = [element.value for element in app.markdown]
    assert "**Measured here:** when the run is done." in shown
    assert "**Measured here:** On 3 of 8 seeds." in shown


def test_words_set_what_they_name_and_nothing_else():
    assert technique.changes_of("dropout_hidden=0.5&patience=none") == {
        "dropout_hidden": 0.5,
        "patience": None,
    }
    with pytest.raises(ValueError, match="patience must be"):
        technique.changes_of("patience=-1")


class UnderWay:
    """A run that is not done yet, and only notes that it was cancelled."""

    is_cancelled = False

    def progress(self):
        return Progress(1, 2, 1.0, "running")

    def cancel(self):
        self.is_cancelled = True


def test_what_has_to_be_asked_for_again_is_cancelled_and_forgotten(monkeypatch):
    kept = {"curve": (live := runs.Live({}, UnderWay())), "curve.wanted": "shift 1"}
    monkeypatch.setattr(technique.state, "recall", kept.get)
    monkeypatch.setattr(technique.state, "keep", kept.__setitem__)
    buttons = []
    monkeypatch.setattr(technique.st, "button", lambda label, **how: buttons.append((label, how["args"])))
    monkeypatch.setattr(technique.st, "caption", lambda text: None)

    assert technique.asked("curve", "shift 1", "Train", "A while")
    assert (live.run.is_cancelled, buttons) == (False, [])

    assert not technique.asked("curve", "shift 2", "Train", "A while")
    assert live.run.is_cancelled
    assert kept["curve"] is None
    assert buttons == [("Train", ("curve.wanted", "shift 2"))]
