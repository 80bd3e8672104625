"""Theory: the data loss of two weights as contours, the penalty as circles, and where their sum is lowest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.figures._layout import set_layout
from regcore.figures._style import COLOURS, LINE_WIDTH, NEUTRAL, OUTLINE, THIN_LINE, faded, template
from regcore.ridge_path import TwoWeights, ridge_path

HEIGHT = 440
# On top there is room for a legend of four rows, as a narrow page has.
MARGIN = {"l": 48, "r": 8, "t": 88, "b": 44, "autoexpand": False}
N_GRID, N_PATH, N_CIRCLE = 61, 120, 73
# Of the data loss at weights of 0: where contours are drawn.
LEVELS = (0.02, 0.08, 0.2, 0.4, 0.7, 1.0, 1.5)


class ContoursInfo(NamedTuple):
    """Every number of the figure.

    Attributes:
        problem: The data loss.
        path: Of the minimum, from no penalty to a strong one, as (w1, w2).
        points: Of the values of the sweep, as (l2, w1, w2).
        shown: The value at the cursor.
        minimum: There, as (w1, w2).
        loss: The data loss at the cursor's minimum, as a part of that at weights of 0.
        norm: Of the cursor's minimum: the radius of the circle through it.
    """

    problem: TwoWeights
    path: tuple[tuple[float, float], ...]
    points: tuple[tuple[float, float, float], ...]
    shown: float
    minimum: tuple[float, float]
    loss: float
    norm: float


def plot_penalty_contours(
    problem: TwoWeights, values: Sequence[float], shown: float, *, dark: bool = False
) -> go.Figure:
    """Return contours of the data loss of two weights, circles of the penalty, and the path of the minimum.

    Theory in closed form (`ridge_path`), nothing that was trained. The circle through the minimum touches a
    contour of the data loss there: any step that lowers the one raises the other.
    `layout.meta["description"]` says in words what is drawn, with its numbers.

    Args:
        problem: The data loss.
        values: l2 of the points on the path.
        shown: l2 at the cursor.
        dark: Draw for a dark page.
    """
    return _draw(_info(problem, values, shown), dark)


def _info(problem: TwoWeights, values: Sequence[float], shown: float) -> ContoursInfo:
    path = ridge_path(problem, [0.0, *np.geomspace(1e-4, 1e3, N_PATH).tolist()])
    points = ridge_path(problem, list(values))
    (minimum,) = ridge_path(problem, shown)
    return ContoursInfo(
        problem=problem,
        path=tuple((w1, w2) for w1, w2 in path.tolist()),
        points=tuple((float(l2), w1, w2) for l2, (w1, w2) in zip(values, points.tolist(), strict=True)),
        shown=shown,
        minimum=(float(minimum[0]), float(minimum[1])),
        loss=float(problem.loss(*minimum)) / float(problem.loss(0.0, 0.0)),
        norm=float(np.linalg.norm(minimum)),
    )


def _draw(info: ContoursInfo, dark: bool) -> go.Figure:
    reach = 1.45 * max(map(abs, info.problem.optimum))
    figure = go.Figure(
        [
            *_contours(info, reach),
            *(_circle(radius, THIN_LINE, faded(NEUTRAL, 0.6)) for radius in np.arange(0.5, 2 * reach, 0.5)),
            _circle(info.norm, LINE_WIDTH, COLOURS[1], f"same penalty as at {info.shown:g}"),
            _path(info),
            *_points(info),
        ]
    )
    axis = {"range": [-0.4 * reach, reach], "zeroline": True, "automargin": False, "showgrid": False}
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        meta={"description": _describe(info)},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": {"text": "weight 1"}, **axis, "constrain": "domain"},
        yaxis={"title": {"text": "weight 2"}, **axis, "scaleanchor": "x", "constrain": "domain"},
    )
    return figure


def _contours(info: ContoursInfo, reach: float) -> list[go.Contour]:
    """Return the contours of the data loss, as parts of that at weights of 0."""
    places = np.linspace(-2 * reach, 2 * reach, 2 * N_GRID)
    losses = info.problem.loss(places[None, :], places[:, None]) / float(info.problem.loss(0.0, 0.0))
    style = {"coloring": "none", "type": "constraint", "operation": "="}
    return [
        go.Contour(
            x=places,
            y=places,
            z=losses.astype(np.float32),
            contours={**style, "value": level},
            line={"color": COLOURS[0], "width": THIN_LINE},
            showscale=False,
            name="same data loss",
            legendgroup="data",
            showlegend=at == 0,
            hoverinfo="skip",
        )
        for at, level in enumerate(LEVELS)
    ]


def _circle(radius: float, width: float, colour: str, name: str | None = None) -> go.Scatter:
    turns = np.linspace(0, 2 * math.pi, N_CIRCLE)
    return go.Scatter(
        x=radius * np.cos(turns),
        y=radius * np.sin(turns),
        mode="lines",
        line={"color": colour, "width": width, "dash": "dot"},
        name=name,
        showlegend=name is not None,
        hoverinfo="skip",
    )


def _path(info: ContoursInfo) -> go.Scatter:
    return go.Scatter(
        x=[w1 for w1, _ in info.path],
        y=[w2 for _, w2 in info.path],
        mode="lines",
        line={"color": COLOURS[1], "width": LINE_WIDTH},
        name="minimum of both, as l2 grows",
        hoverinfo="skip",
    )


def _points(info: ContoursInfo) -> list[go.Scatter]:
    values = go.Scatter(
        x=[w1 for _, w1, _ in info.points],
        y=[w2 for _, _, w2 in info.points],
        mode="markers",
        marker={"size": 7, "color": COLOURS[1], "line": {"width": 1, "color": OUTLINE}},
        customdata=[l2 for l2, _, _ in info.points],
        hovertemplate="l2 %{customdata:g}: %{x:.3f}, %{y:.3f}<extra></extra>",
        showlegend=False,
    )
    cursor = go.Scatter(
        x=[info.minimum[0]],
        y=[info.minimum[1]],
        mode="markers",
        marker={"size": 14, "symbol": "diamond", "color": COLOURS[1], "line": {"width": 2, "color": OUTLINE}},
        hovertemplate=f"l2 {info.shown:g}: %{{x:.3f}}, %{{y:.3f}}<extra></extra>",
        name=f"l2 = {info.shown:g}",
    )
    return [values, cursor]


def _describe(info: ContoursInfo) -> str:
    w1, w2 = info.problem.optimum
    return (
        f"Theory, two weights: the data loss alone is lowest at {w1:.3g}, {w2:.3g}; with l2 {info.shown:g} "
        f"the sum is lowest at {info.minimum[0]:.3g}, {info.minimum[1]:.3g}, {info.norm:.3g} away from 0, "
        f"where the data loss is {info.loss:.1%} of that at 0."
    )
