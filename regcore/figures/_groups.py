"""Bars side by side in groups, each a mean over seeds with its 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from regcore.figures._layout import error_bars, intervals_in_words, lay_out
from regcore.statistics import MeanInterval

# The axis goes on so far above what is highest.
ABOVE = 1.05


def draw_groups(
    groups: Sequence[str],
    bars: Mapping[str, Sequence[MeanInterval]],
    colours: Sequence[str],
    description: str,
    x_title: str,
    y: Mapping[str, Any],
    *,
    most: float = math.inf,
    dark: bool,
) -> go.Figure:
    """Return the figure. Its axis begins at 0: intervals of few seeds go beyond what a mean can be.

    Args:
        groups: What stands below each group.
        bars: By name, one mean for each group.
        colours: One for each name.
        description: What the figure says in words, with its numbers.
        x_title: Of the axis of groups.
        y: Of the axis of means, as plotly takes it.
        most: What a mean can be at most.
        dark: Draw for a dark page.
    """
    figure = go.Figure()
    for (name, means), colour in zip(bars.items(), colours, strict=True):
        figure.add_trace(
            go.Bar(
                x=list(groups),
                y=[mean.mean for mean in means],
                name=name,
                marker={"color": colour},
                error_y={**error_bars(means, "#808080"), "width": 3},
                customdata=intervals_in_words(means),
                hovertemplate="%{customdata}",
            )
        )
    figure.update_layout(barmode="group", bargap=0.3)
    x = {"title": {"text": x_title}, "type": "category"}
    return lay_out(figure, description, x, {"range": _range(bars, most), **y}, dark=dark)


def _range(bars: Mapping[str, Sequence[MeanInterval]], most: float) -> tuple[float, float] | None:
    ends = [end for means in bars.values() for mean in means for end in (mean.mean, mean.high)]
    top = max((end for end in ends if math.isfinite(end)), default=0.0)
    return (0.0, min(most, ABOVE * top)) if top > 0 else None
