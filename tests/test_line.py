"""What is said to those who wait, and how often pages look."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import line, words
from regcore.errors import BusyError, TooCostlyError
from regcore.execution import Progress


@pytest.fixture(autouse=True)
def workers_are_ready(monkeypatch):
    monkeypatch.setattr(line, "workers_are_ready", lambda: True)


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (Progress(0, 100, None, "queued", in_line=1), "Next in line"),
        (Progress(0, 100, 12.3, "queued", in_line=3, n_owners=9), "3rd in line, about 12 s"),
        (Progress(0, 100, 100.0, "queued", in_line=12), "12th in line, about 2 min"),
        (Progress(0, 100, None, "queued", in_line=22), "22nd in line"),
        (Progress(0, 100, 5.0, "queued", after_own=2), "Waiting for 2 other runs of yours"),
        (Progress(0, 100, None, "running"), "Training"),
        (Progress(40, 100, None, "running"), "Training, 40 %"),
        (Progress(40, 100, 12.0, "running"), "Training, 40 %, about 12 s left"),
        (
            Progress(40, 100, 12.0, "running", n_owners=2),
            "Training, 40 %, about 12 s left, shared with 1 other",
        ),
        (
            Progress(4, 100, 12.0, "running", n_owners=9),
            "Training, 4 %, about 12 s left, shared with 8 others",
        ),
    ],
)
def test_who_waits_is_told_for_what_and_how_long(progress, said):
    assert line.under_way(progress) == said


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_first_run_is_told_that_the_workers_start(monkeypatch, state):
    monkeypatch.setattr(line, "workers_are_ready", lambda: False)

    assert line.under_way(Progress(0, 100, None, state, in_line=1)) == words.STARTING


@pytest.mark.parametrize(
    ("n_owners", "under_way", "seconds"),
    [
        (1, 0.0, 0.5),
        (2, 10.0, 0.5),
        # Eight parts of pages a second for all together, two for each page.
        (8, 10.0, 2.0),
        (15, 10.0, 3.75),
        (60, 10.0, 5.0),
        # A run that takes minutes is not looked at twice a second.
        (1, 60.0, 1.5),
        (1, 3600.0, 5.0),
    ],
)
def test_pages_look_less_often_with_many_and_as_runs_get_long(n_owners, under_way, seconds):
    assert line.poll_seconds(0.5, n_owners, under_way) == seconds


def refused_for_its_cost() -> None:
    import streamlit as st

    from pages.ui import line, state
    from regcore.config import Config
    from regcore.errors import TooCostlyError

    state.enter("lab")
    config = state.begin(Config(seeds=8, members=5))
    st.write(f"{config.seeds} seeds of {config.members}")
    if config.seeds > 3:
        line.say_refused("lab", TooCostlyError("too long", {"seeds": 3, "members": 2}))


def test_the_smaller_run_is_one_click():
    app = AppTest.from_function(refused_for_its_cost).run()
    assert [error.value for error in app.error] == ["too long"]
    assert [button.label for button in app.button] == ["Train with 3 seeds and 2 members"]

    app.button[0].click().run()

    assert not app.exception
    assert [each.value for each in app.markdown] == ["3 seeds of 2"]
    assert not app.error


def refused_on_a_page_without_knobs(error) -> None:
    from pages.ui import line, state

    state.enter("home")
    line.say_refused("home", error)


@pytest.mark.parametrize(
    ("error", "buttons"),
    [(BusyError("64 runs train or wait"), ["Try again"]), (TooCostlyError("too long", {"seeds": 3}), [])],
)
def test_what_can_be_done_about_a_refusal_is_offered(error, buttons):
    app = AppTest.from_function(refused_on_a_page_without_knobs, args=(error,)).run()

    assert not app.exception
    assert [each.value for each in app.error] == [str(error)]
    assert [button.label for button in app.button] == buttons
