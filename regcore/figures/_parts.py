"""What each part does alone and on top of all others, seed by seed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from regcore.figures._layout import MARGIN, lay_out
from regcore.figures._style import COLOURS, NEUTRAL
from regcore.figures._waterfall import FOOT, TITLES, in_interval, signed

if TYPE_CHECKING:
    from regcore.ablation import Ablation, Role, Row

ALONE, ON_TOP = "alone, against none", "on top of all others"
ROW, TOP = 62, 64
# The two of a part lie above and below its middle.
OFFSETS = {ALONE: 0.17, ON_TOP: -0.17}


class Point(NamedTuple):
    """What a part does in one role: mean, interval, the difference of each seed, and what hovering says."""

    part: str
    mean: float
    low: float
    high: float
    of_seeds: tuple[float, ...]
    text: str


class PartsInfo(NamedTuple):
    """Everything that the figure shows: points of each role in the order of the parts."""

    metric: str
    parts: tuple[str, ...]
    points: dict[str, tuple[Point, ...]]


def plot_parts(found: Ablation, *, dark: bool = False) -> go.Figure:
    """Return what each part does alone and on top of all others: mean, 95 % paired interval, and each seed.

    Left of the line at 0 the part lowers the metric. `layout.meta["description"]` has the numbers in words.

    Args:
        found: From `regcore.ablation.ablation`.
        dark: Draw for a dark page.
    """
    return _draw(_info(found), dark)


def _info(found: Ablation) -> PartsInfo:
    roles: dict[str, Role] = {ALONE: "alone", ON_TOP: "left out"}
    points = {
        name: tuple(_point(row, name, found.metric) for row in found.of_role(role))
        for name, role in roles.items()
    }
    return PartsInfo(found.metric, found.parts, {name: each for name, each in points.items() if each})


def _point(row: Row, name: str, metric: str) -> Point:
    paired = row.difference
    if paired is None:
        return Point(row.part, math.nan, math.nan, math.nan, (), f"{row.part}, {name}: nothing yet")
    text = (
        f"{row.part}, {name}: {signed(paired.mean, metric)}{in_interval(paired.low, paired.high, metric)}, "
        f"lower on {paired.wins} of {paired.n} seeds, {paired.verdict}"
    )
    return Point(row.part, paired.mean, paired.low, paired.high, row.of_seeds, text)


def _draw(info: PartsInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure()
    places = {part: len(info.parts) - 1 - at for at, part in enumerate(info.parts)}
    for name, colour in ((ALONE, COLOURS[0]), (ON_TOP, COLOURS[1])):
        if name in info.points:
            figure.add_trace(_seeds(info.points[name], places, OFFSETS[name], colour))
            figure.add_trace(_means(info.points[name], places, name, colour))
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 1.2})
    is_error = info.metric == "error"
    lay_out(
        figure,
        _describe(info),
        {"title": {"text": f"change of the {TITLES[info.metric]}"}, "zeroline": False, "showgrid": True,
         "tickformat": "+.0%" if is_error else "+.3~g"},
        {"tickvals": list(places.values()), "ticktext": list(places), "showgrid": False, "zeroline": False,
         "range": [-0.6, len(places) - 0.4]},
        dark=dark,
        hovermode="closest",
        margin={**MARGIN, "l": 112, "t": TOP},
    )  # fmt: skip
    figure.update_layout(height=ROW * len(places) + TOP + FOOT, legend={"xref": "container"})
    return figure


def _means(points: tuple[Point, ...], places: dict[str, int], name: str, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[point.mean for point in points],
        y=[places[point.part] + OFFSETS[name] for point in points],
        error_x={
            "type": "data",
            "array": [point.high - point.mean for point in points],
            "color": colour,
            "thickness": 1.6,
            "width": 5,
        },
        name=name,
        mode="markers",
        showlegend=True,
        marker={"color": colour, "size": 10, "symbol": "circle" if name == ALONE else "diamond"},
        text=[point.text for point in points],
        hovertemplate="%{text}<extra></extra>",
    )


def _seeds(points: tuple[Point, ...], places: dict[str, int], offset: float, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[each for point in points for each in point.of_seeds],
        y=[places[point.part] + offset for point in points for _ in point.of_seeds],
        mode="markers",
        showlegend=False,
        hoverinfo="skip",
        marker={"color": colour, "size": 9, "symbol": "line-ns-open", "opacity": 0.7},
    )


def _describe(info: PartsInfo) -> str:
    if not info.points:
        return "No part is on."
    texts = [point.text for of_part in zip(*info.points.values(), strict=True) for point in of_part]
    return f"Change of the {TITLES[info.metric]} by each part. {'; '.join(texts)}."
