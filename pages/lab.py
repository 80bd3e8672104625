"""The Lab: every knob at once, the baseline beside this run."""

from functools import partial

import streamlit as st

from pages.ui import (
    cards,
    controls,
    frame,
    lab_results,
    pictures,
    runs,
    seal,
    share,
    shelf,
    state,
    take_away,
    words,
)
from regcore.lessons.lab import trained

PLACE = "lab"

frame.begin(frame.LAB)
beside_title = frame.title("Lab")
st.markdown(
    "Turn a knob: the same network trains without it (the baseline) and with it, from the same rows and "
    "first weights. Several seeds tell an effect from luck."
)

config = state.begin()
frame.show_problem()
answer = frame.answer()
left, right = st.columns([2, 3], gap="medium")
below = st.container()
with left:
    controls.draw(config)
    st.html('<div id="results"></div>')
with right:
    controls.lesson(config)
with answer:
    live = runs.follow(PLACE, trained(config), pictures.probes(config))
name = words.what_is_on(config)
if live:
    # First of all: what is finished is kept before anybody sees that it is.
    shelf.expect(name, live)
    shelf.add(name, live.results())
    with answer:
        runs.show_status(PLACE, live, shelf.once_kept(name, cards.verdict))
    with right:
        share.label(live.results())
        runs.show_results(PLACE, live, shelf.once_kept(name, partial(lab_results.draw, live)))
with beside_title:
    share.show(config, live.results() if live else None)
if live:
    with below:
        shelf.show(live.results())
        seal.show(live.results())
with below:
    take_away.show(config, live.results() if live else None)
    take_away.load()
