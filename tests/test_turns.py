"""Pages in turn: one at a time, in their order; who waits makes way, who is at it for long loses his turn."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from streamlit.runtime.scriptrunner import script_runner

from pages.ui import turns
from pages.ui.turns import Turns

PATIENCE = 30.0
FOR_EVER = 1000.0


class Pages:
    """Pages that run in turn, in threads of their own, and stay in it until they are told to go on."""

    def __init__(self, of_pages, n=3):
        self.of_pages = of_pages
        self.begun, self.under_way, self.most = [], 0, 0
        self.asked = [threading.Event() for _ in range(n)]
        self.there = [threading.Event() for _ in range(n)]
        self.goes_on = [threading.Event() for _ in range(n)]

    def run(self, at):
        self.asked[at].set()
        with self.of_pages.turn():
            self.begun.append(at)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self.there[at].set()
            assert self.goes_on[at].wait(PATIENCE)
            self.under_way -= 1


def until(waiting, n):
    """Wait until so many threads wait for their turn."""
    for _ in range(3000):
        if len(waiting._waiting) == n:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{len(waiting._waiting)} wait")


def test_pages_run_one_at_a_time_in_their_order():
    of_pages = Turns(FOR_EVER)
    pages = Pages(of_pages, 5)
    with ThreadPoolExecutor(5) as threads:
        for at in range(5):
            threads.submit(pages.run, at)
            assert pages.asked[at].wait(PATIENCE)
            until(of_pages, at)  # The first one is at it.
        for each in pages.goes_on:
            each.set()

    assert pages.begun == [0, 1, 2, 3, 4]
    assert pages.most == 1


def test_who_waits_for_something_makes_way():
    of_pages = Turns(FOR_EVER)
    pages = Pages(of_pages, 1)
    with ThreadPoolExecutor(1) as threads, of_pages.turn():
        other = threads.submit(pages.run, 0)
        until(of_pages, 1)
        with of_pages.away():
            assert pages.there[0].wait(PATIENCE)
            pages.goes_on[0].set()
            other.result(PATIENCE)
        assert len(of_pages._begun) == 1

    assert not of_pages._begun


def test_whoever_is_at_it_for_long_loses_his_turn():
    of_pages = Turns(seconds=0.01)
    pages = Pages(of_pages, 2)
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(pages.run, at) for at in range(2)]
        assert all(each.wait(PATIENCE) for each in pages.there)
        for each in pages.goes_on:
            each.set()
        for each in running:
            each.result(PATIENCE)

    assert pages.most == 2
    assert not of_pages._begun and not of_pages._waiting


def test_a_turn_ends_with_an_error_as_well():
    of_pages = Turns(FOR_EVER)
    with pytest.raises(KeyboardInterrupt), of_pages.turn(), of_pages.away():
        raise KeyboardInterrupt
    with of_pages.turn():
        pass


def test_away_from_no_turn_is_nothing():
    of_pages = Turns(FOR_EVER)
    with of_pages.turn(), ThreadPoolExecutor(1) as threads:

        def wait_for_nothing():
            with of_pages.away():
                return "done"

        assert threads.submit(wait_for_nothing).result(PATIENCE) == "done"


def test_scripts_of_the_server_run_in_turn(monkeypatch):
    seen = []
    monkeypatch.setattr(
        script_runner, "exec_func_with_error_handling", lambda *asked: seen.append(len(turns.of_pages._begun))
    )
    turns.take.cache_clear()
    before = sys.getswitchinterval()
    turns.take()
    assert sys.getswitchinterval() == pytest.approx(turns.SWITCH_SECONDS)
    sys.setswitchinterval(before)
    script_runner.exec_func_with_error_handling("code", "context")
    turns.take.cache_clear()

    assert seen == [1]
    assert not turns.of_pages._begun
