"""The weights of two runs by size, one picture for each recorded epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._layout import set_layout
from regcore.figures._scrubber import add_scrubber
from regcore.figures._style import LINE_WIDTH, colour_of, faded, template
from regcore.weight_histogram import NEAR_ZERO, Histogram

HEIGHT = 400
MARGIN = {"l": 56, "r": 8, "t": 40, "b": 130, "autoexpand": False}
# The lowest share that the logarithmic axis shows.
SMALLEST = 1e-4
FILL_OPACITY = 0.25


class WeightHistogramInfo(NamedTuple):
    """Every number of the figure: the weights of each run at each epoch; 0 is before the first step."""

    epochs: tuple[int, ...]
    runs: Mapping[str, tuple[Histogram, ...]]
    shown: int


def plot_weight_histogram(
    histograms: Mapping[str, Mapping[int, Histogram]], *, epoch: int | None = None, dark: bool = False
) -> go.Figure:
    """Return how many weights of each run there are of each size, with a slider over epochs below.

    The share of the weights is on a logarithmic axis, since a penalty piles most of them up around 0.
    `layout.meta["description"]` says in words what is shown at first.

    Args:
        histograms: Run -> epoch -> histogram, all with the same bins; epochs that every run has are shown.
        epoch: What is shown at first; None: the last one.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if no epoch is there in every run.
    """
    return _draw(_info(histograms, epoch), dark)


def _info(histograms: Mapping[str, Mapping[int, Histogram]], epoch: int | None = None) -> WeightHistogramInfo:
    shared = set.intersection(*(set(of_run) for of_run in histograms.values())) if histograms else set()
    if not shared:
        raise ConfigError("histograms must share at least one epoch, got none")
    epochs = tuple(sorted(shared))
    shown = len(epochs) - 1 if epoch is None else max(at for at, e in enumerate(epochs) if e <= epoch)
    return WeightHistogramInfo(
        epochs=epochs,
        runs={run: tuple(of_run[each] for each in epochs) for run, of_run in histograms.items()},
        shown=shown,
    )


def _draw(info: WeightHistogramInfo, dark: bool) -> go.Figure:
    figure = go.Figure([_steps(info, run, info.shown) for run in info.runs])
    first = next(iter(info.runs.values()))[0]
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        meta={"description": _describe(info)},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={
            "title": {"text": "weight", "standoff": 4}, "range": [first.edges[0], first.edges[-1]],
            "automargin": False,
        },
        yaxis={
            "title": {"text": "share of the weights"}, "type": "log", "range": [-4, 0.05], "dtick": 1,
            "tickformat": ".2~%", "automargin": False,
        },
    )  # fmt: skip
    if len(info.epochs) > 1:
        steps = [str(epoch) for epoch in info.epochs]
        frames = [
            {
                "name": step,
                "traces": list(range(len(info.runs))),
                "data": [
                    {"type": "scatter", "y": _heights(of_run[at]), "customdata": of_run[at].shares}
                    for of_run in info.runs.values()
                ],
            }
            for at, step in enumerate(steps)
        ]
        add_scrubber(figure, steps, info.shown, frames)
    return figure


def _steps(info: WeightHistogramInfo, run: str, at: int) -> go.Scatter:
    histogram = info.runs[run][at]
    colour = colour_of(run, list(info.runs))
    middles = [(low + high) / 2 for low, high in zip(histogram.edges, histogram.edges[1:], strict=False)]
    return go.Scatter(
        x=middles,
        y=_heights(histogram),
        customdata=histogram.shares,
        name=run,
        mode="lines",
        line={"color": colour, "width": LINE_WIDTH, "shape": "hvh"},
        fill="tozeroy" if run != next(iter(info.runs)) else None,
        fillcolor=faded(colour, FILL_OPACITY),
        hovertemplate=f"{run}, weights around %{{x:.3g}}: %{{customdata:.3%}}<extra></extra>",
    )


def _heights(histogram: Histogram) -> list[Any]:
    """Return the shares as they are drawn: an empty bin is at the foot, for a logarithm has no 0."""
    return [max(share, SMALLEST) for share in histogram.shares]


def _describe(info: WeightHistogramInfo) -> str:
    epoch = info.epochs[info.shown]
    said = "; ".join(
        f"{run}: {of_run[info.shown].near_zero:.1%} of the weights below {NEAR_ZERO:g} in size, the largest "
        f"{of_run[info.shown].largest:.3g}"
        for run, of_run in info.runs.items()
    )
    return f"Penalised weights by size after epoch {epoch}. {said}."
