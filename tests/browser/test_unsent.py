"""A server too busy to hear its own pages, in a real browser: all that they draw arrives."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, serve

# The server is held up once where it takes in what a timer asks for, until the page has run through.
SCRIPT = f"""
import sys
import time

import streamlit as st
from streamlit.runtime.app_session import AppSession

sys.path.insert(0, {str(ROOT)!r})
from pages.ui import unsent

unsent.keep()
if not hasattr(AppSession, "held_up"):
    AppSession.held_up, AppSession.was_held_up = AppSession.request_rerun, False

    def request_rerun(session, client_state):
        if client_state is not None and client_state.fragment_id and not AppSession.was_held_up:
            AppSession.was_held_up = True
            time.sleep(0.5)
        AppSession.held_up(session, client_state)

    AppSession.request_rerun = request_rerun
st.fragment(lambda: st.text("first"), run_every=0.2)()
time.sleep(0.35)
with st.container():
    st.fragment(lambda: st.text("second"), run_every=0.2)()
    st.text("the end of the page")
"""


@pytest.mark.slow
def test_a_page_is_whole_though_a_part_of_it_was_asked_for_when_it_ended(open_page, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with serve(tmp_path / "log.txt", script) as server:
        page = open_page(server.url)
        for text in ("first", "second", "the end of the page"):
            expect(page.get_by_text(text)).to_be_visible(timeout=10_000)
        page.close()
