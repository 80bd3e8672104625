"""Weights that nothing but a penalty acts on, after each step: measured, and as theory has it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import plotly.graph_objects as go

from regcore.figures._layout import set_layout
from regcore.figures._style import COLOURS, NEUTRAL, template
from regcore.weight_decay import Decay

HEIGHT = 390
# On top there is room for a legend of five rows, as a narrow page has.
MARGIN = {"l": 60, "r": 8, "t": 106, "b": 48, "autoexpand": False}
# Open symbols of different sizes, so that runs on top of each other are all seen.
SYMBOLS = (("circle-open", 15), ("square-open", 9), ("x-thin", 7), ("diamond", 9))


class DecayInfo(NamedTuple):
    """Every number of the figure.

    Attributes:
        runs: Name -> what was measured.
        factor: What theory says that a step multiplies weights by.
        expected: What is left after each step by theory.
    """

    runs: Mapping[str, Decay]
    factor: float
    expected: tuple[float, ...]


def plot_decay(decays: Mapping[str, Decay], factor: float, *, dark: bool = False) -> go.Figure:
    """Return what is left of weights after each step, as marks, with the line of theory.

    `layout.meta["description"]` says in words what is drawn, with its numbers.

    Args:
        decays: Run -> what was measured of its weights without a data gradient; of as many steps.
        factor: What theory says that a step multiplies them by.
        dark: Draw for a dark page.
    """
    return _draw(_info(decays, factor), dark)


def _info(decays: Mapping[str, Decay], factor: float) -> DecayInfo:
    n_steps = max(len(decay.factors) for decay in decays.values())
    return DecayInfo(dict(decays), factor, tuple(factor**step for step in range(n_steps + 1)))


def _draw(info: DecayInfo, dark: bool) -> go.Figure:
    theory = go.Scatter(
        x=list(range(len(info.expected))),
        y=info.expected,
        mode="lines",
        name=f"theory: × {info.factor:g} a step",
        line={"color": NEUTRAL, "width": 2},
        hovertemplate="theory, step %{x}: %{y:.4%}<extra></extra>",
    )
    figure = go.Figure([theory, *(_marks(info, name) for name in info.runs)])
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        meta={"description": _describe(info)},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": {"text": "step"}, "range": [-0.5, len(info.expected) - 0.5], "automargin": False},
        yaxis={
            "title": {"text": "left of the weights"}, "range": [0, 1.05], "tickformat": ".0%",
            "automargin": False,
        },
    )  # fmt: skip
    return figure


def _marks(info: DecayInfo, name: str) -> go.Scatter:
    at = list(info.runs).index(name)
    symbol, size = SYMBOLS[at % len(SYMBOLS)]
    left = info.runs[name].left
    # The first of a run's colours is the baseline's, which is not among these.
    colour = COLOURS[(1 + at) % len(COLOURS)]
    return go.Scatter(
        x=list(range(len(left))),
        y=left,
        mode="markers",
        name=name,
        marker={"symbol": symbol, "size": size, "color": colour, "line": {"width": 2, "color": colour}},
        customdata=[math.nan, *info.runs[name].factors],
        hovertemplate=f"{name}, step %{{x}}: %{{y:.4%}} left, × %{{customdata:.5f}}<extra></extra>",
    )


def _describe(info: DecayInfo) -> str:
    said = "; ".join(
        f"{name}: {min(decay.factors):.5f} to {max(decay.factors):.5f} a step, {decay.left[-1]:.1%} left"
        for name, decay in info.runs.items()
    )
    steps = len(info.expected) - 1
    return (
        f"What is left of weights without a data gradient after {steps} steps. Theory: × {info.factor:g} a "
        f"step, {info.expected[-1]:.1%} left. Measured: {said}."
    )
