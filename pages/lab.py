"""The Lab: every knob at once, the baseline beside this run."""

from collections.abc import Mapping
from functools import partial

import streamlit as st

from pages.ui import cards, controls, frame, pictures, runs, seal, share, shelf, state, words
from regcore.lessons.lab import trained
from regcore.results import Result

PLACE = "lab"


def draw(live: runs.Live, results: Mapping[str, Result]) -> None:
    """Show what was measured: pictures where inputs can be drawn, curves, metrics, mistakes, the network."""
    last = list(results.values())[-1]
    if pictures.has_pictures(last.config):
        pictures.landscapes(live, results)
    cards.curves(results)
    cards.table(results)
    runs.say_how_it_was_had(live)
    if last.dataset.task != "regression":
        pictures.mistakes(results)
    cards.network(last)


frame.begin(frame.LAB)
st.title("Lab")
st.markdown(
    "Turn a knob: the same network trains without it (the baseline) and with it, on the same rows, from the "
    "same first weights, in the same order. Several seeds tell an effect from luck."
)

config = state.begin()
frame.show_problem()
answer = frame.answer()
left, right = st.columns([1, 2], gap="large")
with left:
    controls.draw(config)
    st.html('<div id="results"></div>')
live = runs.follow(PLACE, trained(config), pictures.probes(config))
if live:
    with answer:
        runs.show_status(PLACE, live, cards.verdict)
    with right:
        share.label(live.results())
        runs.show_results(PLACE, live, partial(draw, live))
        shelf.add(words.what_is_on(config), live.results())
        shelf.show(live.results())
        seal.show(live.results())
        share.show(live.results())
