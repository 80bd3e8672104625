"""What people do in a lesson, written out beforehand: each has a script of his own, the same in every run.

Everyone begins in the Lab by a link, and moves its knobs. Where many stand, networks are trained already; a
move away from there, to where nobody has been, trains new ones. Each such move is in one script alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from regcore.lessons import lab

LINK, CACHED, UNCACHED, REPLAY = (
    "a link is opened", "a knob, to what was trained", "a knob, to what is new", "patience, replayed",
)  # fmt: skip
LAB = "lab"
OTHER_PAGES = ("early_stopping", "dropout", "augmentation")
# To each page is an action of its own: one page is not another.
TO_PAGE = {
    **{page: f"another page: {page.replace('_', ' ')}" for page in OTHER_PAGES},
    LAB: "back to the Lab",
}
KINDS = (CACHED, UNCACHED, REPLAY, *TO_PAGE.values(), LINK)

# The Lab's first lesson, with so few seeds that a run trains in one program: alone it keeps one core busy.
# With eight it would be cut in two, and alone it would have the cores that many have to share.
START = lab.LESSONS[0].config.replace(seeds=5)
# Where many stand, by L2: everybody's networks, trained before the lesson begins.
_STRENGTHS = (
    "1e-05", "2e-05", "5e-05", "0.0001", "0.0002", "0.0005", "0.001", "0.002", "0.005", "0.01", "0.02",
    "0.05", "0.1",
)  # fmt: skip
SHARED = ("off", *_STRENGTHS)
_RATES = tuple(f"{0.05 * step:g}" for step in range(1, 17))
# Where nobody stands: one of these knobs is turned as well.
NEW = {
    "dropout_input": tuple(rate for rate in _RATES if rate != f"{START.dropout_input:g}"),
    "dropout_hidden": tuple(rate for rate in _RATES if rate != f"{START.dropout_hidden:g}"),
    "jitter": ("0.05", "0.1", "0.15", "0.2", "0.3", "0.4", "0.5", "0.7", "1"),
    "mixup": ("0.1", "0.2", "0.4", "0.7", "1", "2"),
    "weight_decay": _STRENGTHS,
    "max_norm": ("0.5", "1", "2", "3", "4"),
}
# Where some of them are folded away.
FOLDED = "lab-more"
# One step away: where tabs go, whose knobs are turned by arrow keys.
NEXT = {
    ("dropout_input", "0.15"): "ArrowLeft",
    ("dropout_input", "0.25"): "ArrowRight",
    ("dropout_hidden", "0.45"): "ArrowLeft",
    ("dropout_hidden", "0.55"): "ArrowRight",
    ("jitter", "0.05"): "ArrowRight",
}
PATIENCES = ("1", "2", "3", "5", "10", "15", "20", "30")
NOBODY = "off"
# What is looked at between two moves, in seconds.
LOOKS = (4.0, 10.0)
SEED = 20_261_128


class Card(NamedTuple):
    """Where nobody has been: at one of the shared places, one more knob turned."""

    l2: str
    knob: str
    to: str


class Step(NamedTuple):
    """One thing to do.

    Attributes:
        kind: One of `KINDS`.
        look: Seconds of looking at what is there, before.
        knob: Which knob is moved; empty: none.
        to: Where to, as it is written beside the slider; or which page is turned to.
    """

    kind: str
    look: float
    knob: str = ""
    to: str = ""


# How everybody comes.
ARRIVAL = Step(LINK, 0.0, to=START.to_query())


def deck() -> list[Card]:
    """Return every move to where nobody has been, shuffled; none twice."""
    cards = [Card(l2, knob, to) for l2 in SHARED for knob, steps in NEW.items() for to in steps]
    random.Random(SEED).shuffle(cards)
    return cards


def is_next_to_start(card: Card) -> bool:
    """Return whether its knob is turned by one step, as an arrow key does."""
    return (card.knob, card.to) in NEXT


def start_at(knob: str) -> str:
    """Return where a knob stands that nobody has moved."""
    value = getattr(START, knob)
    return f"{value:g}" if value else NOBODY


def lesson(cards: Sequence[Card], seed: int, looks: tuple[float, float] = LOOKS) -> Iterator[Step]:
    """Yield what one visitor does in a lesson after his arrival, until he has played all of his cards.

    Args:
        cards: Where he goes that nobody else does.
        seed: His own.
        looks: The shortest and the longest look between two moves, in seconds.
    """
    chance = random.Random(f"{SEED} {seed}")

    def step(kind: str, knob: str = "", to: str = "") -> Step:
        return Step(kind, chance.uniform(*looks), knob, to)

    l2, patience = start_at("l2"), start_at("patience")
    for at, card in enumerate(cards):
        elsewhere = [place for place in SHARED if place not in (l2, card.l2)]
        for l2 in (chance.choice(elsewhere), card.l2):
            yield step(CACHED, "l2", l2)
        yield step(UNCACHED, card.knob, card.to)
        for patience in chance.sample([each for each in PATIENCES if each != patience], 2):
            yield step(REPLAY, "patience", patience)
        yield step(CACHED, card.knob, start_at(card.knob))
        if at % 2:
            for page in (OTHER_PAGES[(seed + at // 2) % len(OTHER_PAGES)], LAB):
                yield step(TO_PAGE[page], to=page)
