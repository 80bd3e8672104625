"""The layout of figures that have one pair of axes and a legend above."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from regcore.figures._style import template
from regcore.statistics import MeanInterval

HEIGHT = 340
MARGIN = {"l": 58, "r": 10, "t": 58, "b": 48, "autoexpand": False}


def lay_out(
    figure: go.Figure,
    description: str,
    x: Mapping[str, Any],
    y: Mapping[str, Any],
    *,
    dark: bool,
    hovermode: str = "x unified",
    margin: Mapping[str, Any] = MARGIN,
) -> go.Figure:
    """Return the figure with the look of all of them.

    Args:
        figure: Its traces are there.
        description: What it says in words, with its numbers.
        x: Of the axis across, as plotly takes it.
        y: Of the axis up.
        dark: Draw for a dark page.
        hovermode: As plotly takes it.
        margin: In pixels.
    """
    return set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=dict(margin),
        meta={"description": description},
        hovermode=hovermode,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"automargin": False, **x},
        yaxis={"automargin": False, "tickformat": ".3~g", **y},
    )


def set_layout(figure: go.Figure, **fields: Any) -> go.Figure:
    """Return the figure with fields of its layout set; one that was set before is replaced as a whole.

    `update_layout` goes through the fields one by one, which takes several times as long as all else of a
    figure.
    """
    figure.layout = {**figure.layout.to_plotly_json(), **fields}
    return figure


def of_sizes(sizes: Sequence[int], title: str) -> dict[str, Any]:
    """Return an axis of counts, each twice the one before at the same distance."""
    last = sizes[-1]
    ticks = [2**power for power in range(int(math.log2(last)) + 1)]
    return {
        "title": {"text": title},
        "type": "log",
        "tickvals": ticks,
        "range": [math.log10(0.88), math.log10(last * 1.14)],
    }


def error_bars(intervals: Sequence[MeanInterval], colour: str) -> dict[str, Any]:
    """Return the 95 % intervals of points; one seed has none."""
    return {
        "type": "data",
        "array": [interval.high - interval.mean for interval in intervals],
        "color": colour,
        "thickness": 1.4,
        "width": 4,
    }


def interval_in_words(interval: MeanInterval) -> str:
    """Return a mean with its interval, as "0.561 (0.522 to 0.6)"."""
    if math.isnan(interval.mean):
        return "nothing finite"
    if math.isnan(interval.low):
        return f"{interval.mean:.3g}"
    return f"{interval.mean:.3g} ({interval.low:.3g} to {interval.high:.3g})"


def intervals_in_words(intervals: Sequence[MeanInterval]) -> list[str]:
    """Return each interval as it stands in a hover, with more digits."""
    return [
        f"{each.mean:.4g}"
        if math.isnan(each.low)
        else f"{each.mean:.4g} (95 %: {each.low:.4g} to {each.high:.4g})"
        for each in intervals
    ]
