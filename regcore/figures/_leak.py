"""What validation claims and what is true, augmented before the split and after it."""

from __future__ import annotations

import math
from typing import NamedTuple

import plotly.graph_objects as go

from regcore.figures._groups import draw_groups
from regcore.figures._layout import interval_in_words
from regcore.figures._style import COLOURS
from regcore.leak import Leak
from regcore.statistics import MeanInterval

WAYS = ("augment, then split", "split, then augment")
CLAIMED, UNSEEN = "what validation claims", "rows nobody has seen"


class LeakInfo(NamedTuple):
    """Everything that the figure shows, one value for each of `WAYS`."""

    title: str
    is_fraction: bool
    claimed: tuple[MeanInterval, MeanInterval]
    unseen: tuple[MeanInterval, MeanInterval]


def plot_leak(leak: Leak, *, dark: bool = False) -> go.Figure:
    """Return what both ways claim beside what is true of rows that had no part in anything.

    Args:
        leak: What was measured.
        dark: Draw for a dark page.
    """
    return _draw(_info(leak), dark)


def _info(leak: Leak) -> LeakInfo:
    pairs = [way.intervals for way in (leak.before, leak.after)]
    title = "error" if leak.metric == "error" else "mean absolute error"
    claimed, unseen = zip(*pairs, strict=True)
    return LeakInfo(title, leak.metric == "error", claimed, unseen)


def _draw(info: LeakInfo, dark: bool = False) -> go.Figure:
    y = {"title": {"text": info.title}, **({"tickformat": ".0%"} if info.is_fraction else {})}
    bars = {CLAIMED: info.claimed, UNSEEN: info.unseen}
    colours = (COLOURS[2], COLOURS[6])
    most = 1.0 if info.is_fraction else math.inf
    return draw_groups(WAYS, bars, colours, _describe(info), "", y, most=most, dark=dark)


def _describe(info: LeakInfo) -> str:
    texts = [
        f"{way}: validation claims {interval_in_words(claimed)}, "
        f"on unseen rows it is {interval_in_words(unseen)}"
        for way, claimed, unseen in zip(WAYS, info.claimed, info.unseen, strict=True)
    ]
    return f"{info.title.capitalize()}. {'; '.join(texts)}."
