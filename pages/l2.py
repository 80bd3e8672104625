"""L2 and weight decay: all strengths trained at once, what they do to the weights, and why the two differ."""

from functools import partial

import streamlit as st

from pages.ui import fields, frame, l2_story, runs, take_away, technique
from pages.ui.controls import LABEL_NOISES, LEARNING_RATES, SEEDS
from regcore.config import OPTIMIZERS
from regcore.lessons import l2

PLACE, MECHANISM = "l2", "l2.mechanism"

PITFALLS = (
    technique.Pitfall(
        "Keras's `loss` is not the data loss.",
        "It has the penalty in it, and so has `val_loss`. Runs of different l2 cannot be compared by it: the "
        "curves on this page are data loss alone.",
    ),
    technique.Pitfall(
        "A number does not carry over.",
        "An l2 that was tuned under Adam is no weight_decay for AdamW, and neither survives a change of "
        "convention, of the learning rate (decoupled decay counts with it) or of the number of rows (where "
        "the loss is a sum).",
    ),
    technique.Pitfall(
        "Small weights are no aim in themselves.",
        "At the right end of the sweep they are smallest and the network guesses. Look at the train error: "
        "where it is as high as validation's, it is no longer overfitting that is wrong.",
    ),
    technique.Pitfall(
        "`weight_decay` means two things.",
        "In `AdamW` it is decoupled. In PyTorch's `Adam` and `SGD` it is L2, and adds weight_decay · w to "
        "the gradient, where l2 adds 2 · l2 · w: there a weight_decay of 0.02 is an l2 of 0.01.",
    ),
)


def of_the_sweep(live: runs.Live, results: l2_story.Results) -> None:
    """Show what the penalty does to the weights, and what the data loss gives up for it."""
    st.header("What it does to the weights", anchor=False)
    l2_story.weights(live, results, config)
    st.header("What it gives up", anchor=False)
    l2_story.penalty(results, config)


def of_the_mechanism(live: runs.Live, results: l2_story.Results) -> None:
    """Show boundaries at each strength, weights step by step, and why the two kinds differ under Adam."""
    st.header("What it does to a boundary", anchor=False)
    technique.prose(
        "Two moons, 60 points, one label in five redrawn, one seed: from a line around single points to "
        "one that is nearly straight. The frame is the cursor."
    )
    l2_story.boundaries(results, config)
    st.header("Is it decay? Step by step", anchor=False)
    st.latex(r"w \leftarrow (1 - 2\,\eta\,\lambda)\,w - \eta\,\nabla L(w)")
    technique.prose(
        "Under plain gradient descent, η being the learning rate, a step shrinks each weight and then "
        "follows the data. Some pixels are blank on every image, so the data's gradient of their weights is "
        "exactly zero: what those weights do is decay alone. Here they are after each step of four real "
        "trainings, all set so that a step should take 1 %: learning rate 0.01, and l2 0.5 or weight decay "
        "1. Three of them do. Adam with L2 does not."
    )
    l2_story.decay(live, results)
    st.header("Why L2 is not weight decay under Adam", anchor=False)
    technique.prose(
        "Adam divides each gradient by the root mean square of its recent ones. L2 puts its pull into the "
        "gradient, so it is divided as well: weights with large gradients are spared, quiet ones lose the "
        "most. Decoupled decay goes past that quotient and takes the same part off all. Compare "
        "[L2 of 0.01](?l2=0.01&weight_decay=0) with [weight decay of 0.02](?l2=0&weight_decay=0.02), the "
        "same under gradient descent, and with [weight decay of 2](?l2=0&weight_decay=2), a hundred times as "
        "much."
    )
    l2_story.adam(live, results, config)


config = technique.open_page(frame.L2, l2.LESSONS[0].config)
technique.idea(
    "Make large weights cost something: the loss adds λ times the sum of their squares, so that a weight has "
    "to pay for itself on many rows. Under plain gradient descent each step then shrinks every weight by the "
    "same factor, which is why it is called **weight decay**. Set it [off](?l2=0&weight_decay=0), "
    "[too weak](?l2=0.0003&weight_decay=0), [where it helps](?l2=0.01&weight_decay=0), or "
    "[too strong](?l2=0.3&weight_decay=0): all of them are trained already.",
    r"L(w) + \lambda \sum w^2",
    "λ is l2, on the mean loss and without one half, as in Keras. It acts on hidden kernels, never on "
    "biases or the output layer. η is the learning rate. Decoupled decay (AdamW) takes η · weight_decay · "
    "w off each weight beside the optimizer's step.",
)
where = technique.places()
with where.left:
    technique.experiments(config, l2.LESSONS)
    with st.container(border=True, gap="xsmall"):
        fields.steps(config, "l2", "L2, in the loss", l2.L2_VALUES)
        st.caption("A cursor: every value is trained already.")
        decays = [2 * strength for strength in l2.DECOUPLED_VALUES]
        fields.steps(config, "weight_decay", "Weight decay, decoupled", decays)
    with st.expander("Optimizer, data and seeds"):
        fields.choice(config, "optimizer", "Optimizer", OPTIMIZERS, l2_story.other_optimizer)
        fields.steps(config, "learning_rate", "Learning rate", LEARNING_RATES)
        fields.number(config, "epochs", "Epochs")
        fields.steps(config, "label_noise", "Labels redrawn", LABEL_NOISES)
        fields.steps(config, "seeds", "Seeds", SEEDS, str)

with where.answer:
    live = runs.follow(PLACE, l2.trained(config), l2_story.probes(config))
mechanism = runs.follow(MECHANISM, l2.mechanism(config), (l2_story.STEPS_PROBE,))
technique.show(
    PLACE,
    live,
    where,
    lambda results: l2_story.curves(results, config),
    partial(of_the_sweep, live) if live else None,
    lambda results: l2_story.answer(results, config),
)
with where.below:
    if mechanism:
        runs.show(MECHANISM, mechanism, partial(of_the_mechanism, mechanism))
    st.header("Both kinds, at every strength", anchor=False)
    if live:
        l2_story.decoupled(live, config)
    st.header("One penalty, many names", anchor=False)
    l2_story.converter(config)
    technique.article(l2_story.says(live, mechanism, config))
    take_away.show(config, take_away.of_page(live, config))
    technique.pitfalls(PITFALLS)
