"""Squared error of an ensemble and the spread of its members, stacked: together a member's squared error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import plotly.graph_objects as go

from regcore.ensembles import Ambiguity
from regcore.figures._layout import lay_out
from regcore.figures._style import COLOURS, NEUTRAL, faded

OPACITY = 0.75
SPREAD_OPACITY = 0.45
OF_MEAN, SPREAD = "error of the average", "spread of the members"


class AmbiguityInfo(NamedTuple):
    """Everything that the figure shows: what squared error is here, and a part for each size."""

    title: str
    sizes: tuple[int, ...]
    parts: tuple[Ambiguity, ...]


def plot_ambiguity(parts: Mapping[int, Ambiguity], title: str, *, dark: bool = False) -> go.Figure:
    """Return a bar for each ensemble size: the squared error of its average, and the members' spread on top.

    Both together are the squared error of a single member. `layout.meta["description"]` has the numbers.

    Args:
        parts: Size -> decomposition, means over seeds.
        title: What squared error is called for this task.
        dark: Draw for a dark page.
    """
    return _draw(_info(parts, title), dark)


def _info(parts: Mapping[int, Ambiguity], title: str) -> AmbiguityInfo:
    return AmbiguityInfo(title, tuple(parts), tuple(parts.values()))


def _draw(info: AmbiguityInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure(
        [
            _bars(info, OF_MEAN, [part.of_mean for part in info.parts], COLOURS[1], OPACITY),
            _bars(info, SPREAD, [part.spread for part in info.parts], NEUTRAL, SPREAD_OPACITY),
        ]
    )
    figure.update_layout(barmode="stack", bargap=0.35)
    return lay_out(
        figure,
        _describe(info),
        {"title": {"text": "networks averaged, k"}, "type": "category"},
        {"title": {"text": info.title}},
        dark=dark,
    )


def _bars(info: AmbiguityInfo, name: str, heights: list[float], colour: str, opacity: float) -> go.Bar:
    return go.Bar(
        x=[str(size) for size in info.sizes],
        y=heights,
        name=name,
        marker={"color": faded(colour, opacity), "line": {"color": colour, "width": 1}},
        customdata=[part.of_members for part in info.parts],
        hovertemplate="%{y:.4g} of %{customdata:.4g}",
    )


def _describe(info: AmbiguityInfo) -> str:
    each = (
        f"{size}: {part.of_mean:.3g} + {part.spread:.3g} = {part.of_members:.3g}"
        for size, part in zip(info.sizes, info.parts, strict=True)
    )
    return (
        f"{info.title.capitalize()} of the average of the first k networks, plus the spread of their "
        f"predictions, is that of a single one. {'; '.join(each)}."
    )
