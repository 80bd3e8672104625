"""Overfit first: a checklist for a network, which faults it tells, and when it is not overfitting at all."""

from functools import partial

from pages.ui import frame, take_away, technique
from pages.ui import overfit_story as story
from regcore.lessons.overfit_first import LESSONS

PLACE = "overfit_first"

PITFALLS = (
    technique.Pitfall(
        "Regularizers that are still on.",
        "Dropout, L2 or augmentation keep a network from learning its rows by heart: that is what they are "
        "for. Here they are off, whatever a link says. Turn yours off too, before you go through the list.",
    ),
    technique.Pitfall(
        "A train loss that falls proves little.",
        "With [shuffled labels](?label_noise=1) it falls to nothing as well. Only rows that were not "
        "trained on can tell whether the input matters.",
    ),
    technique.Pitfall(
        "The list tells that something is broken, not always what.",
        "Weights of zero, a dead layer and steps that are too small or too large fail the same four checks: "
        "go through what is likely, one after the other.",
    ),
    technique.Pitfall(
        "Overfitting one batch is no aim.",
        "It takes a second and finds what is broken. A network that passes has room to be regularized, and "
        "nothing more.",
    ),
    technique.Pitfall(
        "One test for all shifts.",
        "None of the four sees everything: pixels may tell nothing of labels that mean something else. And a "
        "shift that all four miss may still be there.",
    ),
)

config = technique.open_page(frame.OVERFIT_FIRST, LESSONS[0].config)
technique.idea(
    "Before you regularize, make sure that there is something to regularize: with nothing to hold it back, a "
    "network should learn its training rows by heart, even [labels that mean nothing](?label_noise=1). One "
    "that cannot is broken, [too small](?hidden=2,2), [badly set](?learning_rate=0.000001) or "
    "[not done](?epochs=5), and no regularizer mends that.",
    r"L_0 \approx \ln C, \qquad L_{\text{train}} \to 0",
    "L₀: the mean data loss before any update, in nats. C: the number of classes, equally likely to who "
    "knows nothing. L_train: the data loss on the train rows. And on the validation rows, fewer wrong than "
    "if the input were never looked at.",
)
places = technique.places()
with places.left:
    technique.experiments(config, LESSONS)
    story.knobs(config)
with places.answer:
    live = story.follow(PLACE, config)
technique.show(PLACE, live, places, partial(story.checks, config), story.below, partial(story.answer, config))
with places.below:
    story.capacity(config)
    split = story.shift(config)
technique.article(story.says(live, split, config))
take_away.show(config, live.results() if live else None, checklist=True)
technique.pitfalls(PITFALLS)
