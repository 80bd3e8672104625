"""Error against the number of networks trained: plain ensembles, and networks with dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from regcore.figures._series import Axis, Series, draw_series
from regcore.figures._style import colour_of

if TYPE_CHECKING:
    from regcore.dropout_runs import Costs


def plot_costs(costs: Costs, *, dark: bool = False) -> go.Figure:
    """Return the validation error of the first k networks averaged, against k, with 95 % intervals.

    `layout.meta["description"]` says in words what is drawn, with its numbers.

    Args:
        costs: From `regcore.dropout_runs.costs`.
        dark: Draw for a dark page.
    """
    return _draw(_info(costs), costs.metric, dark)


def _info(costs: Costs) -> tuple[Series, ...]:
    names = [curve.name for curve in costs.curves]
    return tuple(
        Series(
            curve.name,
            colour_of(curve.name, names),
            "solid",
            tuple(float(n) for n in curve.n_networks),
            curve.intervals,
        )
        for curve in costs.curves
    )


def _draw(series: tuple[Series, ...], metric: str, dark: bool = False) -> go.Figure:
    ticks = max((line.x for line in series), key=len)
    x = Axis("networks trained, and averaged", is_log=True, ticks=ticks)
    is_error = metric == "error"
    y = Axis(
        "validation error" if is_error else "mean absolute error", tick_format=".1%" if is_error else ".3~g"
    )
    return draw_series(series, x, y, _describe(series, y.title), dark=dark)


def _describe(series: tuple[Series, ...], title: str) -> str:
    lines = "; ".join(
        f"{line.name} {line.intervals[0].mean:.3g} with 1 and {line.intervals[-1].mean:.3g} with "
        f"{line.x[-1]:g}"
        for line in series
    )
    return f"{title.capitalize()} by the number of networks trained and averaged: {lines}."
