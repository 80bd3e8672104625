"""The loss on one batch, update by update, until nothing is left of it or all updates are spent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.checklist import BATCH_BOUND, ROWS_OF_BATCH
from regcore.figures._bands import band
from regcore.figures._layout import lay_out
from regcore.figures._style import LINE_WIDTH, NEUTRAL, THIN_LINE, colour_of
from regcore.figures._summary import Summary, in_order, summarize_epochs

if TYPE_CHECKING:
    from regcore.results import Result

# What is left below this is drawn on the edge.
LEAST = 1e-5


class OneBatchInfo(NamedTuple):
    """Every number of the figure: a summary and a colour for each run, and what guessing loses."""

    runs: Mapping[str, Summary]
    colours: Mapping[str, str]
    guessing: float
    n_networks: int


def plot_one_batch(results: Mapping[str, Result], *, dark: bool = False) -> go.Figure:
    """Return the train loss of runs on one batch, medians and middle 80 % over networks, on a log axis.

    Each epoch is one update. Lines mark what guessing loses, ln C, and what the checklist asks for.
    `layout.meta["description"]` has the numbers in words.

    Args:
        results: Runs by name, in the order of their colours.
        dark: Draw for a dark page.
    """
    return _draw(_info(results), dark)


def _info(results: Mapping[str, Result]) -> OneBatchInfo:
    names = list(results)
    first = results[names[0]]
    return OneBatchInfo(
        {name: _summary(result) for name, result in results.items()},
        {name: colour_of(name, names) for name in names},
        math.log(first.dataset.n_classes),
        len(first.seeds),
    )


def _summary(result: Result) -> Summary:
    return summarize_epochs(in_order(result.history_columns), "train_loss")


def _draw(info: OneBatchInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure()
    for name, run in info.runs.items():
        median, low, high = (np.maximum(values, LEAST).tolist() for values in run[1:])
        figure.add_traces(band(run.epochs, low, high, info.colours[name]))
        figure.add_trace(
            go.Scatter(
                x=run.epochs,
                y=median,
                name=name,
                mode="lines",
                line={"color": info.colours[name], "width": LINE_WIDTH},
                customdata=list(zip(run.median, run.low, run.high, strict=True)),
                hovertemplate="%{customdata[0]:.3g} (%{customdata[1]:.3g} to %{customdata[2]:.3g})",
            )
        )
    for value, text in ((info.guessing, "guessing, ln C ="), (BATCH_BOUND, "asked for:")):
        figure.add_hline(y=value, line={"color": NEUTRAL, "width": THIN_LINE, "dash": "longdash"})
        # On a logarithmic axis annotations stand at the logarithm, lines at the value itself.
        figure.add_annotation(
            text=f"{text} {value:.3g}",
            x=1,
            xref="x domain",
            y=math.log10(value),
            xanchor="right",
            yanchor="bottom",
            showarrow=False,
            font={"size": 12},
        )
    return lay_out(
        figure,
        _describe(info),
        {"title": {"text": "updates"}},
        {"title": {"text": "train loss"}, "type": "log", "dtick": 1, "range": _range(info)},
        dark=dark,
    )


def _range(info: OneBatchInfo) -> tuple[float, float]:
    """Return the decimal logarithms between which everything lies, as far as it is finite."""
    drawn = [value for run in info.runs.values() for value in (*run.low, *run.high) if math.isfinite(value)]
    ends = max(LEAST, min([*drawn, BATCH_BOUND])), max([*drawn, info.guessing])
    return math.log10(ends[0]) - 0.2, math.log10(ends[1]) + 0.3


def _describe(info: OneBatchInfo) -> str:
    said = [
        f"{name} ends at {run.median[-1]:.3g} after {run.epochs[-1]} updates"
        for name, run in info.runs.items()
        if run.epochs
    ]
    if not said:
        return "No update has been taken yet."
    seeds = "1 seed" if info.n_networks == 1 else f"{info.n_networks} seeds"
    return (
        f"Train loss on one batch of {ROWS_OF_BATCH} rows, median of {seeds}: {'; '.join(said)}. Guessing "
        f"loses {info.guessing:.3g}, asked for is {BATCH_BOUND:g}."
    )
