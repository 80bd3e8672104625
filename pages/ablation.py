"""Ablation: which of several regularizers helped, alone, one after another, and on top of the others."""

from functools import partial

from pages.ui import ablation_story as story
from pages.ui import frame, take_away, technique
from pages.ui.technique import Pitfall
from regcore.lessons.ablation import LESSONS

PLACE = "ablation"

config = technique.open_page(frame.ABLATION, LESSONS[0].config)
technique.idea(
    "Several regularizers are on and the network is better: which of them did it? Train none of them, each "
    "alone, one after another, and all but each one, on the same seeds. A part that helps alone may do "
    "nothing on top of the others, and [one that is strong enough alone](?l2=0.05) may spoil the set.",
    r"\;\text{alone: } e_p - e_0\; \\ \;\text{on top: } e_A - e_{A \setminus p}\; \\ "
    r"\;\text{ladder: } e_{1..k} - e_{1..k-1}\;",
    "e: validation error of the network with some parts, paired by seed; 0: none of them, p: one, A: all "
    "that are on, 1..k: the first k. Below 0 the part helps. The ladder adds up to what all do together, "
    "in whatever order; alone and on top do not, unless parts do not touch each other.",
)
places = technique.places()
with places.left:
    technique.experiments(config, LESSONS)
    story.knobs(config)
with places.right:
    live = story.follow(PLACE, config)
technique.show(PLACE, live, places, partial(story.beside, live), story.below, story.answer)
story.more_data(config)
take_away.show(config, live.results() if live else None, is_ablation=True)
technique.pitfalls(
    (
        Pitfall(
            "Reading the ladder as a ranking.",
            "The first rung takes what several parts have in common. Rank by what each does alone, decide by "
            "what is missed when it is left out.",
        ),
        Pitfall(
            "Tuned alone, used together.",
            "A rate or strength that is best alone is often too much in a set: "
            "[L2 of 0.05](?l2=0.05) helps alone here, and does harm on top of the others.",
        ),
        Pitfall(
            "One seed.",
            "Differences between sets are a few points, and seeds differ by as much. Without pairs and an "
            "interval, an ablation table ranks luck: [two seeds](?seeds=2), [eight](?seeds=8).",
        ),
        Pitfall(
            "Many comparisons.",
            "Five parts in three roles are sixteen intervals: where nothing helps, one in twenty is clear of "
            "0 by luck. Believe what shows alone and on top, or try [other seeds](?seed=100).",
        ),
        Pitfall(
            "Forgetting the bill.",
            "What is left out is also not paid for: compare epochs in the table. Early stopping saves them, "
            "an ensemble multiplies them.",
        ),
    )
)
