"""How large the weights are, epoch by epoch, for each of several runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._bands import band
from regcore.figures._layout import set_layout
from regcore.figures._style import COLOURS, LINE_WIDTH, NEUTRAL, THIN_LINE, template
from regcore.figures._summary import Columns, Summary, in_order, last_of_networks, summarize_epochs

HEIGHT = 340
# Room for the names of the lines on the right.
MARGIN = {"l": 56, "r": 64, "t": 16, "b": 48, "autoexpand": False}
MARGIN_OF_AXIS = 0.08  # in decades
# What is smaller than this part of the largest norm is drawn at the foot of the axis.
SMALLEST = 1e-3
# Names of lines that end closer together than this part of the axis would cover each other.
APART = 0.055


class Trained(Protocol):
    """What is drawn here: anything with the history of a `Result`."""

    @property
    def history_columns(self) -> Columns: ...


class WeightNormsInfo(NamedTuple):
    """Every number of the figure: for each run the norm over epochs, summarised over its networks."""

    norms: Mapping[str, Summary]
    shown: str
    n_networks: int
    lowest: float
    highest: float


def plot_weight_norms(results: Mapping[str, Trained], shown: str, *, dark: bool = False) -> go.Figure:
    """Return the norm of the penalised weights over epochs, a line for each run, medians over networks.

    The run at the cursor has its colour and its band, the middle 80 % of the networks; the first run is the
    baseline. Norms below a thousandth of the largest are drawn at the foot. `layout.meta["description"]` says
    in words what is drawn, with its numbers.

    Args:
        results: Runs by name, the baseline first; they may still be growing.
        shown: The run at the cursor.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if `shown` is none of the runs.
    """
    return _draw(_info(results, shown), dark)


def _info(results: Mapping[str, Trained], shown: str) -> WeightNormsInfo:
    if shown not in results:
        raise ConfigError(f"shown must be one of {', '.join(results)}, got {shown!r}")
    histories = {name: in_order(result.history_columns) for name, result in results.items()}
    norms = {name: summarize_epochs(history, "weight_norm") for name, history in histories.items()}
    medians = np.array([value for summary in norms.values() for value in summary.median])
    finite = medians[np.isfinite(medians) & (medians > 0)]
    highest = float(finite.max()) if len(finite) else 1.0
    return WeightNormsInfo(
        norms=norms,
        shown=shown,
        n_networks=len(last_of_networks(histories[shown])),
        lowest=max(SMALLEST * highest, float(finite.min()) if len(finite) else 0.1),
        highest=highest,
    )


def _draw(info: WeightNormsInfo, dark: bool) -> go.Figure:
    figure = go.Figure()
    shown = info.norms[info.shown]
    low, high = ([_drawn(info, value) for value in edge] for edge in (shown.low, shown.high))
    figure.add_traces(band(shown.epochs, low, high, _colour(info, info.shown)))
    for name in info.norms:
        figure.add_trace(_line(info, name))
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        meta={"description": _describe(info)},
        hovermode="closest",
        showlegend=False,
        annotations=_names(info),
        xaxis={"title": {"text": "epoch"}, "range": [0, _last_epoch(info)], "automargin": False},
        yaxis={
            "title": {"text": "norm of the penalised weights"}, "type": "log",
            "dtick": 1, "automargin": False,
            "range": [
                math.log10(info.lowest) - MARGIN_OF_AXIS, math.log10(info.highest) + MARGIN_OF_AXIS,
            ],
        },
    )  # fmt: skip
    return figure


def _drawn(info: WeightNormsInfo, norm: float) -> float:
    """Return where a norm is drawn: those that are too small at the foot."""
    return max(norm, info.lowest)


def _colour(info: WeightNormsInfo, name: str) -> str:
    if name == next(iter(info.norms)):
        return COLOURS[0]
    return COLOURS[1] if name == info.shown else NEUTRAL


def _line(info: WeightNormsInfo, name: str) -> go.Scatter:
    summary, colour = info.norms[name], _colour(info, name)
    return go.Scatter(
        x=summary.epochs,
        y=[_drawn(info, value) for value in summary.median],
        mode="lines",
        line={"color": colour, "width": THIN_LINE if colour == NEUTRAL else LINE_WIDTH},
        customdata=summary.median,
        hovertemplate=f"{name}, epoch %{{x}}: %{{customdata:.4g}}<extra></extra>",
    )


def _names(info: WeightNormsInfo) -> list[dict[str, object]]:
    """Return the name of each run at the end of its line; of lines that end together, that of one alone."""
    names: list[dict[str, object]] = []
    taken: list[float] = []
    apart = APART * (math.log10(info.highest / info.lowest) + 2 * MARGIN_OF_AXIS)
    # Where not all have room, these two come first.
    first = sorted(info.norms, key=lambda name: _colour(info, name) == NEUTRAL)
    for name in (each for each in first if info.norms[each].epochs):
        last = _drawn(info, info.norms[name].median[-1])
        if not math.isfinite(last) or any(abs(math.log10(last / other)) < apart for other in taken):
            continue
        taken.append(last)
        names.append(
            {
                "text": f"<b>{name}</b>" if name == info.shown else name,
                "x": 1, "xref": "paper", "xanchor": "left", "xshift": 6,
                "y": math.log10(last), "yref": "y", "showarrow": False, "font": {"size": 12},
            }
        )  # fmt: skip
    return names


def _last_epoch(info: WeightNormsInfo) -> int:
    return max((summary.epochs[-1] for summary in info.norms.values() if summary.epochs), default=1)


def _describe(info: WeightNormsInfo) -> str:
    grown = {name: summary for name, summary in info.norms.items() if summary.epochs}
    if not grown:
        return "Norm of the penalised weights: nothing recorded yet."
    said = ", ".join(f"{name} {summary.median[-1]:.3g}" for name, summary in grown.items())
    return (
        f"Norm of the penalised weights after {_last_epoch(info)} epochs, median of {info.n_networks} "
        f"networks each: {said}. The cursor is at {info.shown}."
    )
