"""What every page has around it: title, menu, and the way to write about it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ui import again, state, words
from regcore.errors import RegcoreError
from regcore.execution import start_workers, workers_are_ready

ABOUT = """\
**The Regularization Lab** trains real networks, side by side and on several seeds, and shows what each
regularizer buys. Nothing is precomputed. It is free software under the MIT licence.
"""


# Drawn here because Streamlit fetches the symbols of a page_icon from the internet.
ICON = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke-width="4">
<path d="M3 6 C8 22 12 20 29 7" stroke="#cf6a12"/><path d="M3 6 C8 25 16 26 29 25" stroke="#2a82d2"/></svg>
"""


class Entry(NamedTuple):
    """One line of the menu."""

    path: str
    label: str
    icon: str


HOME = Entry("app.py", "Home", ":material/home:")
LAB = Entry("pages/lab.py", "Lab", ":material/experiment:")
OVERFIT_FIRST = Entry("pages/overfit_first.py", "Overfit first", ":material/checklist:")
AUGMENTATION = Entry("pages/augmentation.py", "Augmentation", ":material/auto_awesome_motion:")
EARLY_STOPPING = Entry("pages/early_stopping.py", "Early stopping", ":material/front_hand:")
ENSEMBLES = Entry("pages/ensembles.py", "Ensembles", ":material/groups:")
DROPOUT = Entry("pages/dropout.py", "Dropout", ":material/grain:")
L2 = Entry("pages/l2.py", "L2", ":material/compress:")
ABLATION = Entry("pages/ablation.py", "Ablation", ":material/join_inner:")
MENU = (HOME, LAB, OVERFIT_FIRST, AUGMENTATION, L2, EARLY_STOPPING, DROPOUT, ENSEMBLES, ABLATION)
MENU_WIDTH = 220
_TOLD = "frame.told"
STYLE = Path(__file__).with_name("style.css")
# Lets the browser's Back lead to the page before, however many knobs have moved.
HISTORY = f"<script>{Path(__file__).with_name('history.js').read_text(encoding='utf-8')}</script>"


def begin(page: Entry) -> None:
    """Set the page up, draw the menu, and start the workers, if this is the first page of all."""
    state.enter(page.label)
    title = "Regularization Lab" if page is HOME else f"{page.label} · Regularization Lab"
    st.set_page_config(
        page_title=title,
        page_icon=ICON,
        layout="wide",
        initial_sidebar_state=MENU_WIDTH,
        menu_items={"About": ABOUT},
    )
    try:
        start_workers()
    except RegcoreError as error:
        st.error(str(error), icon=":material/block:")
        st.stop()
    st.html(STYLE)
    st.html(HISTORY, unsafe_allow_javascript=True)
    _say_what_is_waited_for()
    with st.sidebar:
        again.draw(_menu)


def _menu() -> None:
    st.markdown("### Regularization Lab")
    for entry in MENU:
        st.page_link(entry.path, label=entry.label, icon=entry.icon)


def _say_what_is_waited_for() -> None:
    """Say, once in a session, that the workers are starting: they leave the page little of the machine."""
    if not state.recall(_TOLD) and not workers_are_ready():
        state.keep(_TOLD, True)
        st.toast(words.STARTING, icon=":material/hourglass_top:", duration="long")


def title(text: str) -> DeltaGenerator:
    """Show the title of a page, and return the place beside it."""
    with st.container(key="page-title", horizontal=True, vertical_alignment="center"):
        st.title(text, anchor=False)
        return st.container(key="beside-title", width="content")


def answer() -> DeltaGenerator:
    """Return the place of a page's answer: on top, and kept in view while the knobs below it are moved.

    The link to what is below the knobs on a narrow screen is there from the first frame on: Streamlit draws
    nothing of a container that is empty, and all below would move when the answer comes.
    """
    with st.container(key="lab-answer"):
        place = st.container()
        st.markdown("[To the curves and the table](#results)")
    return place


def show_problem() -> None:
    """Show the one sentence about a link or a change that was refused, if there is one.

    It has a place of its own, filled or not: an element that comes and goes closes what is open below it. Who
    has scrolled on sees it as a toast as well.
    """
    sentence = state.problem()
    with st.container():
        if sentence:
            st.warning(sentence, icon=":material/info:")
    if sentence and state.was_just_refused():
        st.toast(sentence, icon=":material/info:", duration="long")
