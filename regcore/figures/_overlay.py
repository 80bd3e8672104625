"""The validation curves of several runs in one figure, each in the colour that the run table gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.figures._curves import MEDIAN_AND_BAND, Measure, Trained
from regcore.figures._drawn import drawn
from regcore.figures._style import BAND_OPACITY, DASHES, LINE_WIDTH, OUTLINE, faded, written_template
from regcore.figures._summary import Summary, in_order, last_of_networks, lowest_place, summarize_epochs

# Fixed, so that nothing moves when a run is hidden; the legend takes of it what it needs.
HEIGHT = 440
# Bands of more runs than these hide one another.
MAX_BANDS = 3
# Told apart in print as well: one for each colour of `COLOURS`, a few of them on each curve.
SYMBOLS = (
    "circle", "diamond", "square", "triangle-up", "cross", "triangle-down", "pentagon", "hexagon",
)  # fmt: skip
N_SYMBOLS = 6
N_LETTERS = 36


class RunCurves(NamedTuple):
    """What is kept of a run's validation curves: their summary by measure, and the kind of its error."""

    by_measure: Mapping[Measure, Summary]
    error: str
    n_networks: int


class Overlaid(NamedTuple):
    """One run of the figure.

    Attributes:
        name: What it is called.
        curves: Its curves.
        colour: As `#rrggbb`.
        symbol: One of `SYMBOLS`.
    """

    name: str
    curves: RunCurves
    colour: str
    symbol: str


def summarize_curves(result: Trained) -> RunCurves:
    """Return the validation curves of a run: median and band over its networks, some 400 epochs at most."""
    history = in_order(result.history_columns)
    error = "val_error" if "val_error" in history else "val_mae"
    return RunCurves(
        by_measure={
            "loss": summarize_epochs(history, "val_loss"),
            "error": summarize_epochs(history, error),
        },
        error=error_kind(is_regression=error == "val_mae"),
        n_networks=len(last_of_networks(history)),
    )


def error_kind(*, is_regression: bool) -> str:
    """Return what the error of a run is, as axes call it."""
    return "mean absolute error" if is_regression else "error (fraction)"


def plot_overlay(runs: Sequence[Overlaid], measure: Measure = "loss", *, dark: bool = False) -> go.Figure:
    """Return the validation curves of several runs on the same axes: medians, with bands where they are few.

    `layout.meta["description"]` says in words what is drawn, with its numbers.

    Args:
        runs: Runs in the order of the legend; their data should be the same.
        measure: "loss" or "error".
        dark: Draw for a dark page.
    """
    shown = [run for run in runs if run.curves.by_measure[measure].epochs]
    traces = []
    if len(shown) <= MAX_BANDS:
        traces = [edge for run in shown for edge in _band(run.curves.by_measure[measure], run.colour)]
    y_title = _y_title(shown, measure)
    last = max((run.curves.by_measure[measure].epochs[-1] for run in shown), default=1)
    return drawn(
        [*traces, *(_line(run, measure) for run in shown)],
        template=written_template(dark),
        height=HEIGHT,
        margin={"l": 56, "r": 8, "t": 8, "b": 8},
        meta={"description": _describe(shown, measure, y_title)},
        hovermode="x unified",
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top", "traceorder": "normal"},
        xaxis={"title": {"text": "epoch"}, "range": [0, last]},
        yaxis={
            "title": {"text": f"validation {y_title}"},
            "range": [0, _y_top(shown, measure)],
            "tickformat": ".3~g",
        },
    )


def _y_title(runs: Sequence[Overlaid], measure: Measure) -> str:
    return "data loss" if measure == "loss" or not runs else runs[0].curves.error


def _y_top(runs: Sequence[Overlaid], measure: Measure) -> float:
    """Return the top of the axis: all medians, but of what blows up its first and lowest values alone."""
    tops = []
    for run in runs:
        median = np.array(run.curves.by_measure[measure].median)
        finite = median[np.isfinite(median)]
        if len(finite):
            tops.append(min(finite.max(), max(4 * finite[0], 4 * finite.min())))
    return 1.05 * float(max(tops, default=0.0)) or 1.0


def _line(run: Overlaid, measure: Measure) -> dict[str, Any]:
    summary = run.curves.by_measure[measure]
    return {
        "type": "scatter",
        "x": summary.epochs,
        "y": summary.median,
        "name": _shortened(run.name),
        "mode": "lines+markers",
        # Markers are whole at the last epoch as well, which is the end of the axis.
        "cliponaxis": False,
        "line": {"color": run.colour, "dash": DASHES["val"], "width": LINE_WIDTH},
        "marker": {
            "symbol": run.symbol, "size": 9, "color": run.colour, "maxdisplayed": N_SYMBOLS,
            "line": {"width": 1, "color": OUTLINE},
        },
        "customdata": np.array([summary.low, summary.high]).T.copy(),
        "hovertemplate": "%{y:.4g}" if summary.low == summary.high else MEDIAN_AND_BAND,
    }  # fmt: skip


def _band(summary: Summary, colour: str) -> list[dict[str, Any]]:
    """Return the invisible lower edge, and the upper edge filled down to it."""
    edge = {
        "type": "scatter", "x": summary.epochs, "mode": "lines", "line": {"width": 0}, "showlegend": False,
        "hoverinfo": "skip",
    }  # fmt: skip
    fill = {"fill": "tonexty", "fillcolor": faded(colour, BAND_OPACITY)}
    return [{**edge, "y": summary.low}, {**edge, "y": summary.high, **fill}]


def _shortened(name: str) -> str:
    """Return a name for the legend; plotly would read some marks in it as HTML.

    Names list what is on, and runs that follow each other often differ in the last of it: both ends are kept.
    """
    half = N_LETTERS // 2
    return escape(name if len(name) <= N_LETTERS else f"{name[:half]}…{name[1 - half :]}", quote=False)


def _describe(runs: Sequence[Overlaid], measure: Measure, y_title: str) -> str:
    if not runs:
        return "No run is shown."
    said = "; ".join(_describe_run(run, measure) for run in runs)
    return f"Validation {y_title}, median over networks. {said}."


def _describe_run(run: Overlaid, measure: Measure) -> str:
    summary = run.curves.by_measure[measure]
    medians = np.array(summary.median)
    best = lowest_place(medians)
    if best is None:
        return f"{run.name}: not finite in any epoch"
    last = f"{medians[-1]:.3g} after {summary.epochs[-1]} epochs"
    return f"{run.name}: {last}, lowest {medians[best]:.3g} at epoch {summary.epochs[best]}"
