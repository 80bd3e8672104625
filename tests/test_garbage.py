"""The server's searches for garbage: in pauses, and what is loaded is left out of them."""

import gc
import subprocess
import sys
from pathlib import Path

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.testing.v1 import AppTest

from pages.ui import garbage
from pages.ui.turns import Turns
from tests.test_pages import TINY, finish, open_app

ROOT = Path(__file__).parent.parent
CODE = """
import gc, sys
from pages.ui import garbage
garbage.search_less()
print(gc.get_freeze_count() > 10 * len(gc.get_objects()), gc.get_threshold() == garbage.THRESHOLDS)
print({"pages.ui.shelf", "pages.ui.dropout_story", "plotly", "pandas"} <= set(sys.modules))
print("tensorflow" in sys.modules)
"""


def test_what_is_loaded_is_left_out():
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True", "False"]


class Searches:
    """What was searched, at times and with as many young objects as the test says."""

    def __init__(self):
        self.found, self.now, self.n_young = [], 0.0, garbage.YOUNG
        self.pauses = garbage.Pauses(self.found.append, lambda: self.n_young, lambda: self.now)

    def at(self, now):
        self.now = now
        self.pauses.use()
        return self.found


def test_a_pause_is_used_when_there_is_enough_to_search():
    searches = Searches()
    searches.n_young = garbage.YOUNG - 1
    assert searches.at(1.0) == []
    searches.n_young = garbage.YOUNG
    assert searches.at(2.0) == [1]


def test_everything_is_searched_seldom_and_only_where_something_was_done():
    searches = Searches()
    every = garbage.SECONDS_BETWEEN_ALL
    assert searches.at(every - 1) == [1]
    assert searches.at(every) == [1, 2]
    assert searches.at(2 * every - 1) == [1, 2, 1]
    searches.n_young = 0
    assert searches.at(9 * every) == [1, 2, 1]
    searches.n_young = garbage.YOUNG
    assert searches.at(9 * every + 1) == [1, 2, 1, 2]


def test_a_pause_begins_when_a_page_has_ended_and_none_runs(monkeypatch):
    of_pages, searches = Turns(), Searches()
    monkeypatch.setattr(garbage, "PAUSE_SECONDS", 0.0)
    with of_pages.turn():
        of_pages.ended.set()  # By another one.
        garbage._search_after_a_page(of_pages, searches.pauses)
        assert searches.found == []
        assert not of_pages.ended.is_set()
    garbage._search_after_a_page(of_pages, searches.pauses)
    assert searches.found == [1]
    assert not of_pages.ended.is_set()


def _page():
    import weakref

    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    with st.container():
        st.write("drawn")
    st.session_state.context = weakref.ref(get_script_run_ctx())


def test_what_a_page_ran_with_goes_with_its_thread_and_needs_no_search(monkeypatch):
    monkeypatch.setattr(ScriptRunner, "_run_script_thread", ScriptRunner._run_script_thread)
    garbage._let_go_of_contexts()
    gc.disable()
    try:
        session = AppTest.from_function(_page).run()
        assert session.markdown[0].value == "drawn"
        assert session.session_state.context() is None
    finally:
        gc.enable()


def test_what_the_lab_had_needs_no_search_either(monkeypatch):
    """Streamlit makes a page anew for each run, and one that has functions would hold all that it has."""
    monkeypatch.setattr(ScriptRunner, "_run_script_thread", ScriptRunner._run_script_thread)
    garbage._let_go_of_contexts()
    app = finish(open_app("pages/lab.py", TINY))
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            app.run()
        found = sum(type(each) is dict and "beside_title" in each for each in gc.get_objects())
    finally:
        gc.enable()
    assert found <= 1  # Of the last run.
