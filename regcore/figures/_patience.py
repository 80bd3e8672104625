"""Rules that stop: patience against loss and epochs, and beside it Prechelt's GL."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore import patience
from regcore.figures._layout import set_layout
from regcore.figures._style import (
    BAND_OPACITY,
    COLOURS,
    LINE_WIDTH,
    NEUTRAL,
    OUTLINE,
    THIN_LINE,
    faded,
    template,
)
from regcore.figures._summary import thinned

if TYPE_CHECKING:
    from regcore.patience import RulePoint
    from regcore.results import Result
    from regcore.statistics import MeanInterval

MAP_HEIGHT, HEIGHT = 420, 360
MARGIN = {"l": 60, "r": 8, "t": 44, "b": 48, "autoexpand": False}
# The two panels of the map, the loss above.
PANELS = {"loss": (0.54, 1.0), "epochs": (0.0, 0.44)}
PATIENCE, ALPHA = COLOURS[1], COLOURS[2]
MAX_LINES = 16
# Of GL, in units of alpha: beyond it, it is only ever higher.
SHOWN_ALPHAS = 4.0


class GainInfo(NamedTuple):
    """GL in percent of some networks, by (seed, member): epochs and values; stops where it passes alpha."""

    curves: Mapping[tuple[int, int], tuple[tuple[int, ...], tuple[float, ...]]]
    stops: Mapping[tuple[int, int], int | None]
    alpha: float
    n_networks: int
    x_end: int


def plot_patience_map(
    points: Sequence[RulePoint], current: int | None = None, *, dark: bool = False
) -> go.Figure:
    """Return loss kept and epochs trained against patience, means over seeds with 95 % intervals.

    Args:
        points: As `patience.patience_points` returns them.
        current: The patience that is set, which is marked if it is among them.
        dark: Draw for a dark page.
    """
    figure = go.Figure()
    marked = next((point for point in points if point.value == current), None)
    for at, name in enumerate(PANELS):
        axes = {"xaxis": "x", "yaxis": f"y{at + 1}" if at else "y"}
        intervals: list[MeanInterval] = [getattr(point, name) for point in points]
        values = [point.value for point in points]
        figure.add_traces(
            [trace.update(axes) for trace in (*_band(values, intervals), _means(values, intervals, name))]
        )
        if marked is not None:
            figure.add_trace(_mark(marked.value, getattr(marked, name).mean, PATIENCE).update(axes))
    x_range = [0, max((point.value for point in points), default=1) + 1]
    set_layout(
        figure,
        template=template(dark),
        height=MAP_HEIGHT,
        margin={**MARGIN, "t": 16},
        showlegend=False,
        hovermode="closest",
        meta={"description": _describe_map(points, marked)},
        xaxis={"title": {"text": "patience, epochs"}, "range": x_range, "anchor": "y2"},
        yaxis={"title": {"text": "val loss kept"}, "domain": PANELS["loss"], "tickformat": ".5~g"},
        yaxis2={"title": {"text": "epochs trained"}, "domain": PANELS["epochs"], "rangemode": "tozero"},
    )
    if marked is not None:
        figure.add_vline(x=marked.value, line={"color": NEUTRAL, "width": THIN_LINE, "dash": "dash"})
    return figure


def plot_stopping_rules(
    patiences: Sequence[RulePoint],
    alphas: Sequence[RulePoint],
    current: int | None = None,
    alpha: float | None = None,
    *,
    dark: bool = False,
) -> go.Figure:
    """Return what two rules make of the same trainings: the loss kept against the epochs that it costs.

    Each point is one patience, or one alpha of Prechelt's GL, a mean over seeds. Lower and further left is
    better; where the lines lie on each other it does not matter which rule is used.

    Args:
        patiences: As `patience.patience_points` returns them.
        alphas: As `patience.alpha_points` returns them.
        current: The patience that is set.
        alpha: The alpha that is set.
        dark: Draw for a dark page.
    """
    figure = go.Figure()
    rules = (
        ("patience", patiences, current, PATIENCE, "solid", "circle"),
        ("GL, alpha in %", alphas, alpha, ALPHA, "dash", "diamond"),
    )
    for name, points, value, colour, dash, symbol in rules:
        figure.add_trace(_trade_off(name, points, colour, dash, symbol))
        found = next((point for point in points if point.value == value), None)
        if found is not None:
            figure.add_trace(_mark(found.epochs.mean, found.loss.mean, colour))
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        hovermode="closest",
        meta={"description": _describe_rules(patiences, alphas)},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": {"text": "epochs trained, mean over seeds"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "val loss kept"}, "tickformat": ".5~g"},
    )
    return figure


def plot_generalization_loss(result: Result, alpha: float, *, dark: bool = False) -> go.Figure:
    """Return Prechelt's GL of each network over its epochs, with the alpha at which it stops.

    Of more than 16 networks the first are drawn.

    Args:
        result: What was trained.
        alpha: Percent above the lowest loss that are allowed.
        dark: Draw for a dark page.
    """
    return _draw_gain(_gain_info(result, alpha), dark)


def _gain_info(result: Result, alpha: float) -> GainInfo:
    curves, stops, all_of_them = {}, {}, patience.loss_above_lowest(result)
    for network, above in list(all_of_them.items())[:MAX_LINES]:
        epochs = thinned(len(above))
        curves[network] = (tuple(epochs.tolist()), tuple(above[epochs - 1].tolist()))
        beyond = np.flatnonzero(above > alpha)
        stops[network] = int(beyond[0]) + 1 if len(beyond) else None
    x_end = max((epochs[-1] for epochs, _ in curves.values()), default=result.config.epochs)
    return GainInfo(curves, stops, alpha, len(all_of_them), x_end)


def _draw_gain(info: GainInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure()
    for (seed, member), (epochs, above) in info.curves.items():
        figure.add_trace(
            go.Scatter(
                x=epochs, y=above, mode="lines", showlegend=False,
                line={"color": faded(ALPHA, 0.7), "width": THIN_LINE},
                hovertemplate=f"seed {seed}, member {member}, epoch %{{x}}: %{{y:.3g}} %<extra></extra>",
            )
        )  # fmt: skip
    figure.add_hline(
        y=info.alpha,
        line={"color": NEUTRAL, "width": THIN_LINE, "dash": "longdash"},
        annotation={"text": f"alpha {info.alpha:g} %", "font": {"size": 12}},
        annotation_position="top left",
    )
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        hovermode="closest",
        meta={"description": _describe_gain(info)},
        xaxis={"title": {"text": "epoch"}, "range": [0, info.x_end + 1]},
        yaxis={"title": {"text": "GL, % above the lowest"}, "range": [-1, _gain_top(info)]},
    )
    return figure


def _gain_top(info: GainInfo) -> float:
    highest = [value for _, above in info.curves.values() for value in above if math.isfinite(value)]
    return 1.05 * max(10.0, min(max(highest, default=0.0), SHOWN_ALPHAS * info.alpha), 1.2 * info.alpha)


def _band(values: Sequence[float], intervals: Sequence[MeanInterval]) -> list[go.Scatter]:
    """Return the lower edge of the interval, and the upper one filled down to it; of one seed nothing."""
    if any(math.isnan(interval.low) for interval in intervals):
        return []
    edge = {"mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
    return [
        go.Scatter(x=values, y=[interval.low for interval in intervals], **edge),
        go.Scatter(
            x=values,
            y=[interval.high for interval in intervals],
            fill="tonexty",
            fillcolor=faded(PATIENCE, BAND_OPACITY),
            **edge,
        ),
    ]


def _means(values: Sequence[float], intervals: Sequence[MeanInterval], name: str) -> go.Scatter:
    return go.Scatter(
        x=values,
        y=[interval.mean for interval in intervals],
        name=name,
        mode="lines+markers",
        line={"color": PATIENCE, "width": LINE_WIDTH},
        marker={"size": 5},
        customdata=[[interval.low, interval.high] for interval in intervals],
        hovertemplate=f"patience %{{x}}: {name} %{{y:.4g}} (%{{customdata[0]:.4g}} to %{{customdata[1]:.4g}})"
        "<extra></extra>",
    )


def _mark(x: float, y: float, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[x],
        y=[y],
        mode="markers",
        showlegend=False,
        hoverinfo="skip",
        marker={"symbol": "star", "size": 15, "color": colour, "line": {"width": 1, "color": OUTLINE}},
    )


def _trade_off(name: str, points: Sequence[RulePoint], colour: str, dash: str, symbol: str) -> go.Scatter:
    rows: list[list[Any]] = [
        [point.value, point.loss.low, point.loss.high, point.n_stopped] for point in points
    ]
    return go.Scatter(
        x=[point.epochs.mean for point in points],
        y=[point.loss.mean for point in points],
        name=name,
        mode="lines+markers",
        line={"color": colour, "width": THIN_LINE, "dash": dash},
        marker={"symbol": symbol, "size": 7},
        customdata=rows,
        hovertemplate=f"{name} %{{customdata[0]:g}}: loss %{{y:.4g}} (%{{customdata[1]:.4g}} to "
        "%{customdata[2]:.4g}), %{x:.3g} epochs, %{customdata[3]} networks stopped<extra></extra>",
    )


def _describe_map(points: Sequence[RulePoint], marked: RulePoint | None) -> str:
    if not points:
        return "Map of patience: nothing recorded yet."
    first, last = points[0], points[-1]
    best = min(points, key=lambda point: point.loss.mean)
    text = (
        f"Map of patience from {first.value:g} to {last.value:g}, means over {first.loss.n} seeds: loss kept "
        f"{first.loss.mean:.3g} after {first.epochs.mean:.3g} epochs at patience {first.value:g}, "
        f"{last.loss.mean:.3g} after {last.epochs.mean:.3g} epochs at {last.value:g}; lowest "
        f"{best.loss.mean:.3g} from patience {best.value:g} on."
    )
    if marked is not None:
        text += f" Patience {marked.value:g}: {marked.loss.mean:.3g} after {marked.epochs.mean:.3g} epochs."
    return text


def _describe_rules(patiences: Sequence[RulePoint], alphas: Sequence[RulePoint]) -> str:
    parts = [
        f"{name} {points[0].value:g} to {points[-1].value:g}: loss kept {points[0].loss.mean:.3g} to "
        f"{points[-1].loss.mean:.3g} for {points[0].epochs.mean:.3g} to {points[-1].epochs.mean:.3g} epochs"
        for name, points in (("patience", patiences), ("alpha of GL", alphas))
        if points
    ]
    return f"Two stopping rules, loss kept against epochs trained. {'; '.join(parts)}."


def _describe_gain(info: GainInfo) -> str:
    stops = [stop for stop in info.stops.values() if stop is not None]
    text = f"GL of {len(info.curves)} networks over {info.x_end} epochs; it passes alpha {info.alpha:g} % in "
    if not stops:
        return f"{text}none of them."
    return f"{text}{len(stops)} of them, at epochs {min(stops)} to {max(stops)}."
