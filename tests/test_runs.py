"""Runs of a page: one replaces another, and those of a session that has ended do not go on for ever."""

import time

import pytest

from pages.ui import runs


class Recorded:
    """A run that only notes that it was cancelled."""

    def __init__(self):
        self.is_cancelled = False

    def cancel(self):
        self.is_cancelled = True


@pytest.fixture
def ended_soon(monkeypatch):
    monkeypatch.setattr(runs, "GRACE_SECONDS", 0.05)


def wait_for(happened):
    deadline = time.monotonic() + 10
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.01)
    return happened()


def test_runs_of_a_session_that_has_ended_are_cancelled(ended_soon):
    live = runs.Live({}, Recorded())

    runs._let_go({"lab": live})

    assert wait_for(lambda: live.run.is_cancelled)


def test_a_session_that_comes_back_keeps_its_runs(ended_soon):
    back, gone = runs.Live({}, Recorded()), runs.Live({}, Recorded())

    runs._let_go({"lab": back, "home": gone})
    back.seen = time.monotonic()

    assert wait_for(lambda: gone.run.is_cancelled)
    assert not back.run.is_cancelled


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "1 s"), (4.4, "4 s"), (89.0, "89 s"), (90.0, "2 min"), (3600.0, "60 min"), (5400.0, "1.5 h")],
)
def test_durations_in_words(seconds, text):
    assert runs.in_words(seconds) == text
