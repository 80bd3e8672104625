"""Pages in turn: one at a time, in their order; who waits makes way, who is at it for long loses his turn."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from types import SimpleNamespace

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


def test_who_was_away_comes_before_those_who_were_asked_for_later():
    of_pages = Turns(FOR_EVER)
    order = []
    away, back, begun = threading.Event(), threading.Event(), threading.Event()

    def early():
        with of_pages.turn():
            with of_pages.away():
                away.set()
                assert back.wait(PATIENCE)
            order.append("early")

    def late(at):
        with of_pages.turn():
            begun.set()
            if at == 0:
                # The other one stands in line when the early one comes back.
                until(of_pages, 1)
                back.set()
                until(of_pages, 2)
            order.append(at)

    with ThreadPoolExecutor(3) as threads:
        running = [threads.submit(early)]
        assert away.wait(PATIENCE)
        running.append(threads.submit(late, 0))
        assert begun.wait(PATIENCE)
        running.append(threads.submit(late, 1))
        for each in running:
            each.result(PATIENCE)

    assert order == [0, "early", 1]


def test_who_stands_back_goes_behind_what_is_asked_for_soon_and_no_further():
    of_pages = Turns(FOR_EVER)
    order = []

    def run(name, stand_back):
        with of_pages.turn(stand_back=stand_back):
            order.append(name)

    with ThreadPoolExecutor(4) as threads, of_pages.turn():
        for at, (name, stand_back) in enumerate(
            (("waits", 0.0), ("looks", 1.0), ("a second later", 2.0), ("asked for", 0.0))
        ):
            threads.submit(run, name, stand_back)
            until(of_pages, at + 1)
    assert order == ["waits", "asked for", "looks", "a second later"]


def test_short_ones_go_before_long_ones_that_were_asked_for_a_moment_earlier():
    of_pages = Turns(FOR_EVER)
    # What they take is known from before, and grows slowly to what it is now.
    of_pages._usual.update(long=100.0, short=1.0)
    order = []

    def run(kind):
        with of_pages.turn(kind):
            order.append(kind)

    with ThreadPoolExecutor(4) as threads, of_pages.turn():
        for at, kind in enumerate(("long", "short", "long", "new")):
            threads.submit(run, kind)
            until(of_pages, at + 1)
    assert order == ["new", "short", "long", "long"]
    assert of_pages._usual["long"] == pytest.approx(81.0, abs=1.0)


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_what_a_kind_takes_is_its_time_in_turn_and_not_that_away(clock):
    of_pages = Turns(FOR_EVER)
    with of_pages.turn("kind"):
        clock.now += 1.0
        with of_pages.away():
            clock.now += 50.0
        clock.now += 2.0
    assert of_pages._usual == {"kind": pytest.approx(3.0)}
    with of_pages.turn("kind"):
        clock.now += 13.0
    assert of_pages._usual == {"kind": pytest.approx(3.0 + turns.PART_OF_LAST * 10.0)}


def test_who_has_lost_his_turn_is_not_expected_to_take_longer_than_one(clock):
    of_pages = Turns(seconds=0.25)
    with of_pages.turn("kind"):
        clock.now += 60.0
    assert of_pages._usual == {"kind": 0.25}


def test_a_page_that_ends_while_it_is_away_goes_where_it_stood(clock):
    of_pages = Turns(FOR_EVER)
    before = []

    def late():
        with of_pages.turn():
            before.append("late")

    with ThreadPoolExecutor(2) as threads:
        away, ends = threading.Event(), threading.Event()

        def early():
            with suppress(KeyboardInterrupt), of_pages.turn():
                try:
                    with of_pages.away(stand_back=10.0):
                        away.set()
                        assert ends.wait(PATIENCE)
                        raise KeyboardInterrupt
                finally:
                    before.append("early")

        running = [threads.submit(early)]
        assert away.wait(PATIENCE)
        with of_pages.turn():
            clock.now += 1.0
            running.append(threads.submit(late))
            until(of_pages, 1)
            ends.set()
            until(of_pages, 2)
        for each in running:
            each.result(PATIENCE)
    assert before == ["early", "late"]


def test_who_was_away_for_long_comes_back_behind_what_was_asked_for_meanwhile():
    of_pages = Turns(FOR_EVER)
    order = []
    away, back = threading.Event(), threading.Event()

    def early():
        with of_pages.turn():
            with of_pages.away(stand_back=1.0):
                away.set()
                assert back.wait(PATIENCE)
            order.append("early")

    def late():
        with of_pages.turn():
            order.append("late")

    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(early)]
        assert away.wait(PATIENCE)
        with of_pages.turn():
            back.set()
            until(of_pages, 1)
            running.append(threads.submit(late))
            until(of_pages, 2)
        for each in running:
            each.result(PATIENCE)

    assert order == ["late", "early"]


def test_the_end_of_a_turn_is_told_and_whether_all_are_over():
    of_pages = Turns(FOR_EVER)
    assert of_pages.are_all_over and not of_pages.ended.is_set()
    with of_pages.turn():
        assert not of_pages.are_all_over
        with of_pages.away():
            assert of_pages.are_all_over
            assert not of_pages.ended.is_set()
        with ThreadPoolExecutor(1) as threads:
            pages = Pages(of_pages, 1)
            pages.goes_on[0].set()
            threads.submit(pages.run, 0)
            until(of_pages, 1)
            assert not of_pages.ended.is_set()
            # The one that waits begins when this turn ends.
            with of_pages.away():
                assert pages.there[0].wait(PATIENCE)
    assert of_pages.are_all_over
    assert of_pages.ended.is_set()


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


class OneOfStreamlit:
    """What knows a session."""


def page(session, name):
    """Return what Streamlit knows of a run of a page."""
    return SimpleNamespace(fragment_ids_this_run=None, page_script_hash=name, pages_manager=session)


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
    script_runner.exec_func_with_error_handling("code", page(OneOfStreamlit(), "lab"))
    turns.take.cache_clear()

    assert seen == [1]
    assert not turns.of_pages._begun


def test_parts_that_look_again_stand_back_for_pages_that_are_asked_for(monkeypatch):
    order = []
    monkeypatch.setattr(
        script_runner, "exec_func_with_error_handling", lambda code, context: order.append(code)
    )
    turns.take.cache_clear()
    before = sys.getswitchinterval()
    turns.take()
    sys.setswitchinterval(before)
    turns.take.cache_clear()
    run = script_runner.exec_func_with_error_handling
    with ThreadPoolExecutor(2) as threads, turns.of_pages.turn():
        threads.submit(run, "part", SimpleNamespace(fragment_ids_this_run=["a part"]))
        until(turns.of_pages, 1)
        threads.submit(run, "page", page(OneOfStreamlit(), "lab"))
        until(turns.of_pages, 2)

    assert order == ["page", "part"]


def test_a_page_that_a_session_comes_to_is_of_another_kind_than_one_that_it_stays_on(monkeypatch):
    seen = []
    monkeypatch.setattr(script_runner, "exec_func_with_error_handling", lambda code, context: None)
    monkeypatch.setattr(
        turns.of_pages, "turn", lambda kind, stand_back=0.0: seen.append((kind, stand_back)) or nullcontext()
    )
    turns.take.cache_clear()
    before = sys.getswitchinterval()
    turns.take()
    sys.setswitchinterval(before)
    turns.take.cache_clear()
    run, anna, bert = script_runner.exec_func_with_error_handling, OneOfStreamlit(), OneOfStreamlit()
    for session, name in ((anna, "lab"), (anna, "lab"), (bert, "lab"), (anna, "l2"), (anna, "lab")):
        run("code", page(session, name))
    run("code", SimpleNamespace(fragment_ids_this_run=["a part"]))

    stays, comes = ("lab", True), ("lab", False)
    assert [kind for kind, _ in seen] == [comes, stays, comes, ("l2", False), comes, "part"]
    assert [stand_back for _, stand_back in seen] == [0.0] * 5 + [turns.STAND_BACK_SECONDS]
