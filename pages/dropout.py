"""Dropout: train with units missing, and what that does to the network."""

import streamlit as st

from pages.ui import dropout_steps_story, frame, runs, take_away, technique
from pages.ui import dropout_story as story
from pages.ui.technique import Pitfall
from regcore.lessons.dropout import LESSONS, trained

PLACE = "dropout"

config = technique.open_page(frame.DROPOUT, LESSONS[0].config)
technique.idea(
    "In each update every row switches off a random part of the units, so that none can rely on another "
    "being there: [a fifth of the inputs and half of the hidden units]"
    "(?dropout_input=0.2&dropout_hidden=0.5), "
    "or [the article's 0.8 and 0.6 kept](?dropout_input=0.2&dropout_hidden=0.4). Afterwards the "
    "whole network is used, as a stand-in for all the thinned ones at once.",
    r"\tilde h = \frac{m \odot h}{1 - r}",
    "h: what a layer gives, or the inputs. m: 1 with probability 1 − r, else 0, drawn anew for each unit, "
    "row and step; after training h goes on as it is. r: the rate, the part dropped, as in Keras; papers and "
    "the article give the part kept, p = 1 − r. The scale 1 / (1 − r) is in the training (“inverted” "
    "dropout); the paper multiplies weights by p afterwards, which is the same.",
)
places = technique.places()
with places.left:
    technique.experiments(config, LESSONS)
    story.knobs(config)
with places.answer:
    live = runs.follow(PLACE, trained(config))
technique.show(PLACE, live, places, story.beside, story.below)
st.header("What happens in one step", anchor=False)
stepped = dropout_steps_story.steps(config)
st.header("All thinned networks at once", anchor=False)
story.boundaries(config)
st.header("Which rates?", anchor=False)
story.rates(config)
st.header("A cheap ensemble?", anchor=False)
story.cheap_ensemble(config)
story.article(live, stepped, config)
take_away.show(config, take_away.of_page(live, config))
technique.pitfalls(
    (
        Pitfall(
            "Rate or keep?",
            "`Dropout(0.8)` in Keras drops 80 %. A paper's p = 0.8 is a rate of 0.2: "
            "[right](?dropout_hidden=0.2), [wrong](?dropout_hidden=0.8).",
        ),
        Pitfall(
            "Masks left on.",
            "`model(x, training=True)` predicts with a random thinned network, another one each time. "
            "Average many of them on purpose, or leave it off.",
        ),
        Pitfall(
            "Scaled twice.",
            "Keras and PyTorch scale in training. Multiplying weights by p afterwards, as the paper says for "
            "its own kind, scales again; see the switch above.",
        ),
        Pitfall(
            "Comparing loss with val_loss.",
            "Keras measures `loss` with masks on and `val_loss` with masks off. A `loss` above `val_loss` is "
            "no sign of anything; evaluate the train rows with masks off to see the gap.",
        ),
        Pitfall(
            "A network that is too small.",
            "With half of its units gone, a network needs more of them, and more epochs: "
            "[16 units](?hidden=16,16&dropout_hidden=0.5), [256 units](?hidden=256,256&dropout_hidden=0.5).",
        ),
    )
)
