"""Means over seeds against a number that is counted, with the 95 % interval of each as a band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.figures._layout import set_layout
from regcore.figures._style import BAND_OPACITY, LINE_WIDTH, faded, template
from regcore.statistics import MeanInterval

HEIGHT = 340
MARGIN = {"l": 60, "r": 8, "t": 84, "b": 48, "autoexpand": False}


class Series(NamedTuple):
    """One line: its mean and interval at each place."""

    name: str
    colour: str
    dash: str
    x: tuple[float, ...]
    intervals: tuple[MeanInterval, ...]


class Axis(NamedTuple):
    """An axis of the figure; ticks are drawn where they are given."""

    title: str
    is_log: bool = False
    ticks: tuple[float, ...] = ()
    tick_format: str = ".3~g"


def draw_series(
    series: Sequence[Series], x: Axis, y: Axis, description: str, *, dark: bool = False
) -> go.Figure:
    """Return a figure of lines with bands; hover has mean and interval."""
    figure = go.Figure()
    for line in series:
        figure.add_traces(_band(line, y.is_log))
    for line in series:
        figure.add_trace(_line(line, y.tick_format))
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        meta={"description": description},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis=_axis(x),
        yaxis=_axis(y),
    )
    return figure


def _axis(axis: Axis) -> dict[str, object]:
    ticks = {"tickvals": axis.ticks, "ticktext": [f"{tick:g}" for tick in axis.ticks]} if axis.ticks else {}
    return {
        "title": {"text": axis.title},
        "type": "log" if axis.is_log else "linear",
        "tickformat": axis.tick_format,
        "automargin": False,
        **({"dtick": "D2"} if axis.is_log and not axis.ticks else {}),
        **ticks,
    }


def _line(line: Series, number: str) -> go.Scatter:
    low, high = ([getattr(each, end) for each in line.intervals] for end in ("low", "high"))
    has_interval = np.isfinite(low).any()
    interval = f" (95 %: %{{customdata[0]:{number}}} to %{{customdata[1]:{number}}})" if has_interval else ""
    return go.Scatter(
        x=line.x,
        y=[each.mean for each in line.intervals],
        name=line.name,
        mode="lines+markers",
        line={"color": line.colour, "dash": line.dash, "width": LINE_WIDTH},
        marker={"size": 6, "color": line.colour},
        customdata=np.column_stack([low, high]),
        hovertemplate=f"%{{y:{number}}}{interval}",
    )


def _band(line: Series, is_log: bool) -> list[go.Scatter]:
    """Return the invisible lower edge, and the upper edge filled down to it."""
    edge = {"x": line.x, "mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
    low = np.array([each.low for each in line.intervals])
    if is_log:
        # An interval that reaches 0 has no lower edge on an axis of logarithms.
        low = np.where(low > 0, low, np.array([each.mean for each in line.intervals]) / 10)
    return [
        go.Scatter(y=low, **edge),
        go.Scatter(
            y=[each.high for each in line.intervals],
            fill="tonexty",
            fillcolor=faded(line.colour, BAND_OPACITY),
            **edge,
        ),
    ]
