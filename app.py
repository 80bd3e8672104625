"""Home: what the lab is, one live comparison, and the way in."""

import streamlit as st

from pages.ui import cards, frame, runs, state
from regcore.figures import BASELINE, THIS_RUN

PLACE = "home"

frame.begin(frame.HOME)
st.title("My network overfits. What does each regularizer really buy me?")
st.markdown(
    "The Regularization Lab answers with **real trainings and error bars**. Every curve is a network trained "
    "on this machine just now. Every comparison is paired: same rows, same first weights and same order of "
    "batches, seed by seed. What the seeds cannot tell apart is called noise."
)

st.subheader("Here and now: the same network, without and with dropout")
live = runs.follow(PLACE, {BASELINE: state.START.plain(), THIS_RUN: state.START})
if live:
    runs.show(PLACE, live, cards.comparison)

st.page_link(
    frame.LAB.path,
    label="Turn the knobs yourself, in the Lab",
    icon=":material/arrow_forward:",
    query_params=state.query_of(state.START),
)
st.markdown(
    "Five knobs, alone or together: **augmentation** (jitter, shift, mixup), **L2** and weight decay, "
    "**dropout** of inputs and hidden units, **early stopping** with patience, and **ensembles**."
)
