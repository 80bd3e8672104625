"""The Lab: every knob at once, the baseline beside this run."""

import streamlit as st

from pages.ui import cards, controls, frame, runs, state
from regcore.config import Config
from regcore.figures import BASELINE, THIS_RUN

PLACE = "lab"


def compared(config: Config) -> dict[str, Config]:
    """Return what is trained: the baseline, and this run if it is another one."""
    baseline = config.plain()
    return {BASELINE: baseline} if config == baseline else {BASELINE: baseline, THIS_RUN: config}


frame.begin(frame.LAB)
st.title("Lab")
st.markdown(
    "Turn a knob: the same network trains without it (the baseline) and with it, on the same rows, from the "
    "same first weights, in the same order. Several seeds tell an effect from luck."
)

config = state.begin()
frame.show_problem()
left, right = st.columns([1, 2], gap="large")
with left:
    controls.draw(config)
with right:
    live = runs.follow(PLACE, compared(config))
    if live:
        runs.show(PLACE, live, cards.comparison)
