"""The error at every pair of drop rates, as a heatmap with its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.figures._layout import set_layout
from regcore.figures._style import COLOURS, faded, template
from regcore.statistics import BETTER, WORSE

if TYPE_CHECKING:
    from regcore.dropout_runs import Cell, RateTable

HEIGHT = 380
MARGIN = {"l": 60, "r": 8, "t": 16, "b": 56, "autoexpand": False}
OPACITY = 0.6
MARKS = {BETTER: "▼", WORSE: "▲"}


class Square(NamedTuple):
    """One cell: its two rates as text, its mean, what is written on it, and what hovering says."""

    x: str
    y: str
    mean: float
    text: str
    hover: str


class RatesInfo(NamedTuple):
    """Everything that the figure shows; squares in the order of the table."""

    metric: str
    squares: tuple[Square, ...]
    best: int
    simplest: int


def plot_rates(table: RateTable, *, dark: bool = False) -> go.Figure:
    """Return the mean validation error at every pair of drop rates, the darker the higher.

    ▼ and ▲ mark cells that are lower or higher than no dropout by more than seed noise, a frame the lowest.
    `layout.meta["description"]` says the best in words, with its numbers.

    Args:
        table: From `regcore.dropout_runs.rate_table`.
        dark: Draw for a dark page.
    """
    return _draw(_info(table), dark)


def _info(table: RateTable) -> RatesInfo:
    squares = tuple(_square(cell, table.metric) for cell in table.cells)
    return RatesInfo(table.metric, squares, table.best, table.simplest)


def _square(cell: Cell, metric: str) -> Square:
    mean, difference = cell.interval.mean, cell.difference
    mark = MARKS.get(difference.verdict, "") if difference else ""
    against = (
        "no dropout"
        if difference is None
        else f"against no dropout {_signed(difference.mean, metric)}, {difference.verdict}"
    )
    return Square(
        f"{cell.dropout_hidden:g}",
        f"{cell.dropout_input:g}",
        mean,
        f"{_number(mean, metric)} {mark}".strip(),
        f"inputs {cell.dropout_input:g}, hidden {cell.dropout_hidden:g}: {_number(mean, metric)}"
        f"<br>{against}",
    )


def _number(value: float, metric: str) -> str:
    return f"{100 * value:.1f} %" if metric == "error" else f"{value:.3g}"


def _signed(value: float, metric: str) -> str:
    return f"{100 * value:+.1f} points" if metric == "error" else f"{value:+.3g}"


def _draw(info: RatesInfo, dark: bool = False) -> go.Figure:
    columns = list(dict.fromkeys(square.x for square in info.squares))
    rows = list(dict.fromkeys(square.y for square in info.squares))

    def grid(values: list[object]) -> np.ndarray:
        return np.array(values, dtype=object).reshape(len(rows), len(columns))

    cells = go.Heatmap(
        x=columns,
        y=rows,
        z=grid([square.mean for square in info.squares]).astype(float),
        customdata=grid([square.hover for square in info.squares]),
        hovertemplate="%{customdata}<extra></extra>",
        colorscale=[[0, faded(COLOURS[0], 0)], [1, faded(COLOURS[0], OPACITY)]],
        showscale=False,
        xgap=2,
        ygap=2,
    )
    # A text of its own takes the colour of the page's; plotly picks that of a heatmap for a white page.
    numbers = go.Scatter(
        x=[square.x for square in info.squares],
        y=[square.y for square in info.squares],
        text=[square.text for square in info.squares],
        mode="text",
        hoverinfo="skip",
        showlegend=False,
    )
    figure = go.Figure([cells, numbers])
    best = info.squares[info.best]
    at_x, at_y = columns.index(best.x), rows.index(best.y)
    figure.add_shape(
        type="rect", x0=at_x - 0.5, x1=at_x + 0.5, y0=at_y - 0.5, y1=at_y + 0.5,
        line={"color": COLOURS[1], "width": 3},
    )  # fmt: skip
    axis = {"type": "category", "showgrid": False, "zeroline": False, "automargin": False}
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        hovermode="closest",
        meta={"description": _describe(info)},
        xaxis={"title": {"text": "rate of the hidden layers"}, **axis},
        yaxis={"title": {"text": "rate of the inputs"}, **axis},
    )
    return figure


def _describe(info: RatesInfo) -> str:
    best, none, simplest = (info.squares[at] for at in (info.best, 0, info.simplest))
    return (
        "Validation error by drop rates of inputs and hidden layers. Without dropout "
        f"{_number(none.mean, info.metric)}; lowest {_number(best.mean, info.metric)} at {best.y} and "
        f"{best.x}; the least dropout within one standard error of it: {simplest.y} and {simplest.x}, "
        f"{_number(simplest.mean, info.metric)}."
    )
