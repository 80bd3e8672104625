"""The validation loss that was observed, among those of random re-splits of the same rows."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.figures._layout import lay_out
from regcore.figures._style import COLOURS, NEUTRAL, OUTLINE
from regcore.shift import ResplitTest

# Points that would lie on each other are spread over so many rows.
ROWS = 7


class ResplitsInfo(NamedTuple):
    """Every number of the figure."""

    observed: float
    resplits: tuple[float, ...]
    worse: int
    p: float


def plot_resplits(test: ResplitTest, *, dark: bool = False) -> go.Figure:
    """Return one point for each random re-split at its validation loss, and one for the split observed.

    Where they lie one above another has no meaning. `layout.meta["description"]` has the numbers in words.
    """
    return _draw(_info(test), dark)


def _info(test: ResplitTest) -> ResplitsInfo:
    return ResplitsInfo(test.observed, test.resplits, test.n_worse, test.p)


def _draw(info: ResplitsInfo, dark: bool = False) -> go.Figure:
    order = np.argsort(np.argsort(info.resplits))
    figure = go.Figure(
        [
            go.Scatter(
                x=info.resplits,
                y=(order % ROWS - (ROWS - 1) / 2).tolist(),
                name="random re-splits",
                mode="markers",
                marker={"size": 9, "color": NEUTRAL, "line": {"width": 1, "color": OUTLINE}},
                hovertemplate="re-split: %{x:.4g}<extra></extra>",
            ),
            go.Scatter(
                x=[info.observed],
                y=[0],
                name="this split",
                mode="markers",
                marker={
                    "size": 16, "symbol": "diamond", "color": COLOURS[1],
                    "line": {"width": 1.5, "color": OUTLINE},
                },
                hovertemplate="this split: %{x:.4g}<extra></extra>",
            ),
        ]
    )  # fmt: skip
    lay_out(
        figure,
        _describe(info),
        {"title": {"text": "validation loss"}, "tickformat": ".3~g"},
        {"visible": False, "range": [-ROWS, ROWS]},
        dark=dark,
        hovermode="closest",
    )
    return figure.update_layout(height=240)


def _describe(info: ResplitsInfo) -> str:
    finite = [loss for loss in info.resplits if math.isfinite(loss)]
    span = f"{min(finite):.3g} to {max(finite):.3g}" if finite else "none that is finite"
    return (
        f"Validation loss of this split {info.observed:.3g}; of {len(info.resplits)} random re-splits "
        f"{span}, {info.worse} of them as bad or worse: p = {info.p:.3g}."
    )
