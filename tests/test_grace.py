"""Sessions that have ended, by a clock that the test moves."""

import threading

import pytest

from pages.ui.grace import Grace


class Followed:
    """A run that notes that it was cancelled."""

    def __init__(self, seen: float) -> None:
        self.seen = seen
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def grace(clock, monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", lambda thread: None)
    return Grace(30.0, clock)


def test_runs_are_cancelled_after_the_grace_time_and_not_before(grace, clock):
    run = Followed(seen=99.0)
    grace.begin([run])

    clock.now = 129.0
    assert grace.end() == 1.0
    assert not run.is_cancelled

    clock.now = 130.0
    assert grace.end() is None
    assert run.is_cancelled


def test_a_session_that_comes_back_in_time_keeps_its_runs(grace, clock):
    back, gone = Followed(seen=99.0), Followed(seen=99.0)
    grace.begin([back, gone])
    back.seen = 110.0

    clock.now = 130.0
    grace.end()

    assert (back.is_cancelled, gone.is_cancelled) == (False, True)


def test_each_session_has_a_grace_time_of_its_own(grace, clock):
    first, second = Followed(seen=99.0), Followed(seen=99.0)
    grace.begin([first])
    clock.now = 120.0
    grace.begin([second])

    clock.now = 130.0
    assert grace.end() == 20.0

    assert (first.is_cancelled, second.is_cancelled) == (True, False)


def test_one_thread_waits_for_all_of_them_and_ends():
    before = threading.active_count()
    grace = Grace(0.2)
    runs = [Followed(seen=0.0) for _ in range(50)]
    for run in runs:
        grace.begin([run])
    assert threading.active_count() <= before + 1
    for thread in threading.enumerate():
        if thread.name == "sessions that ended":
            thread.join(10)
    assert all(run.is_cancelled for run in runs)
    assert threading.active_count() <= before
