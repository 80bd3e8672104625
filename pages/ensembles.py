"""Ensembles: a pool of networks is trained once, and the average of k of them is read off at once."""

from functools import partial

from pages.ui import ensembles_story as story
from pages.ui import frame, runs, take_away, technique
from pages.ui.technique import Pitfall
from regcore.lessons.ensembles import LESSONS, trained

PLACE = "ensembles"

config = technique.open_page(frame.ENSEMBLES, LESSONS[0].config)
technique.idea(
    "Train several networks that differ, and average what they predict: [two](?members=2), "
    "[five](?members=5) or [all 32](?members=32). What each gets wrong in its own way is averaged away, what "
    "all get wrong together stays.",
    r"\mathbb{E}\,\big[\bar e_k^{\,2}\big] = \rho\,\sigma^2 + \frac{(1-\rho)\,\sigma^2}{k}",
    "σ²: squared error of one network on the validation rows, mean over networks; about zero, so that "
    "mistakes all share are in it. ρ: correlation of the errors of two networks. k: networks averaged; the "
    "mean is over all choices of k. An identity, not an approximation: for the Brier score of probabilities, "
    "and for the mean squared error of a standardized number. The article's σ²/k is the case ρ = 0.",
)
places = technique.places()
with places.left:
    technique.experiments(config, LESSONS)
    story.knobs(config)
with places.answer:
    live = runs.follow(PLACE, trained(config))
technique.show(
    PLACE,
    live,
    places,
    partial(story.beside, live, config),
    partial(story.below, config),
    partial(story.answer, config),
)
story.sources(config)
story.article(live, config)
take_away.show(config, take_away.of_page(live, config))
technique.pitfalls(
    (
        Pitfall(
            "The same network k times.",
            "If [nothing differs](?member_varies=none&bootstrap=false) between members, as with one fixed "
            "random seed for all of them, the average is the single network at k times the cost.",
        ),
        Pitfall(
            "Expecting σ²/k.",
            "Members learn from the same rows, so their errors agree: look for ρ above. Once the curve is at "
            "its floor, only members that differ more, or better ones, help further.",
        ),
        Pitfall(
            "Own draws of few rows.",
            "A [bootstrap draw](?bootstrap=true) leaves out 37 % of the rows on average. Members differ "
            "more, but each is worse: what counts is the error of the average, not the gain over a member.",
        ),
        Pitfall(
            "Averaging weights.",
            "Networks from different first weights have their units in different places; a network with the "
            "mean of their weights is none of them. Average predictions.",
        ),
        Pitfall(
            "Forgetting the bill.",
            "k networks are trained, stored and asked for each prediction. Hold them against what else the "
            "same time buys: a better regularizer, or a larger network.",
        ),
    )
)
