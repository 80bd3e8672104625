"""The Lab: every knob at once, the baseline beside this run."""

import streamlit as st

from pages.ui import cards, controls, frame, runs, state
from regcore.figures import BASELINE, THIS_RUN

PLACE = "lab"

frame.begin(frame.LAB)
st.title("Lab")
st.markdown(
    "Turn a knob: the same network trains without it (the baseline) and with it, on the same rows, from the "
    "same first weights, in the same order. Several seeds tell an effect from luck."
)

config = state.begin()
frame.show_problem()
left, right = st.columns([1, 2.2], gap="large")
with left:
    controls.draw(config)
with right:
    live = runs.follow(PLACE, {BASELINE: config.plain(), THIS_RUN: config})
    if live:
        runs.show(PLACE, live, cards.comparison)
