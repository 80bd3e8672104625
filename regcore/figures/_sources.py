"""What ensembles buy whose members differ in one thing: the error of one member and of the average."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from regcore.ensembles import Source
from regcore.figures._layout import MARGIN, interval_in_words, intervals_in_words, lay_out
from regcore.figures._style import COLOURS, NEUTRAL
from regcore.statistics import MeanInterval

SINGLE, ENSEMBLE = "one member", "average of all"


class SourcesInfo(NamedTuple):
    """Everything that the figure shows."""

    title: str
    members: int
    sources: tuple[Source, ...]


def plot_sources(sources: Sequence[Source], members: int, title: str, *, dark: bool = False) -> go.Figure:
    """Return the squared error of one member and of the average, with 95 % intervals, for each source.

    Beside its name stands how the members' errors correlate: less, where they differ more.

    `layout.meta["description"]` has the numbers in words, and how the members' errors correlate.

    Args:
        sources: What was measured.
        members: Members of each ensemble.
        title: What squared error is called for this task.
        dark: Draw for a dark page.
    """
    return _draw(_info(sources, members, title), dark)


def _info(sources: Sequence[Source], members: int, title: str) -> SourcesInfo:
    return SourcesInfo(title, members, tuple(sources))


def _draw(info: SourcesInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure(
        [
            _points(info, SINGLE, [source.single for source in info.sources], NEUTRAL, "circle-open"),
            _points(info, ENSEMBLE, [source.ensemble for source in info.sources], COLOURS[1], "circle"),
        ]
    )
    return lay_out(
        figure,
        _describe(info),
        {"title": {"text": info.title}, "tickformat": ".3~g"},
        {
            "autorange": "reversed", "title": {"text": ""}, "tickmode": "array",
            "tickvals": [source.name for source in info.sources],
            "ticktext": [_label(source) for source in info.sources],
        },
        dark=dark,
        hovermode="closest",
        margin={**MARGIN, "l": 128},
    )  # fmt: skip


def _label(source: Source) -> str:
    rho = source.correlation.mean
    return source.name if math.isnan(rho) else f"{source.name}<br>ρ = {rho:.2f}"


def _points(
    info: SourcesInfo, name: str, intervals: Sequence[MeanInterval], colour: str, symbol: str
) -> go.Scatter:
    hover = [
        f"{source.name}, {name}: {text}<br>correlation of errors {source.correlation.mean:.3g}, "
        f"gain {interval_in_words(source.gain)}"
        for source, text in zip(info.sources, intervals_in_words(intervals), strict=True)
    ]
    return go.Scatter(
        x=[interval.mean for interval in intervals],
        y=[source.name for source in info.sources],
        error_x={
            "type": "data",
            "array": [interval.high - interval.mean for interval in intervals],
            "color": colour,
            "thickness": 1.4,
            "width": 4,
        },
        name=name,
        mode="markers",
        marker={"color": colour, "size": 10, "symbol": symbol, "line": {"width": 2}},
        text=hover,
        hovertemplate="%{text}<extra></extra>",
    )


def _describe(info: SourcesInfo) -> str:
    each = (
        f"{source.name}: one member {source.single.mean:.3g}, average of {info.members} "
        f"{source.ensemble.mean:.3g}, gain {interval_in_words(source.gain)}, errors correlate by "
        f"{source.correlation.mean:.3g}"
        for source in info.sources
    )
    return f"{info.title.capitalize()} by what differs between the members. {'; '.join(each)}."
