"""What an ensemble gains over a single network against what it costs, with the knee marked."""

from __future__ import annotations

import math
from typing import NamedTuple

import plotly.graph_objects as go

from regcore.ensembles import SQUARED_ERROR, SQUARED_ERROR_IS, BySize, Metric, metrics_of
from regcore.errors import ConfigError
from regcore.figures._ensemble_size import TITLES
from regcore.figures._layout import error_bars, interval_in_words, intervals_in_words, lay_out, of_sizes
from regcore.figures._style import COLOURS, LINE_WIDTH, NEUTRAL
from regcore.statistics import MeanInterval


class GainInfo(NamedTuple):
    """Everything that the figure shows; `knee` is None where nothing is gained, or members have diverged."""

    title: str
    n_seeds: int
    sizes: tuple[int, ...]
    gains: tuple[MeanInterval, ...]
    knee: int | None


def plot_gain(found: BySize, metric: Metric = "squared_error", *, dark: bool = False) -> go.Figure:
    """Return by how much the average of k networks is better than one, seed by seed, against k trainings.

    The knee is the smallest k with nine tenths of the gain of all. `layout.meta["description"]` has the
    numbers in words.

    Args:
        found: What was measured.
        metric: One of the task's.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if the task has no such metric.
    """
    return _draw(_info(found, metric), dark)


def _info(found: BySize, metric: Metric) -> GainInfo:
    allowed = metrics_of(found.task)
    if metric not in allowed:
        raise ConfigError(f"metric must be one of {', '.join(allowed)}, got {metric!r}")
    title = SQUARED_ERROR_IS[found.task] if metric == SQUARED_ERROR else TITLES[metric]
    return GainInfo(title, len(found.moments), found.sizes, found.gains(metric), found.knee(metric))


def _draw(info: GainInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure(_measured(info))
    if info.knee is not None:
        figure.add_vline(
            x=info.knee,
            line={"color": NEUTRAL, "width": 1.2, "dash": "longdash"},
            # Unlike the line, its text is placed by the logarithm.
            annotation={
                "text": f"knee: k = {info.knee}",
                "font": {"size": 12},
                "x": math.log10(info.knee),
            },
            annotation_position="bottom right" if info.knee < info.sizes[-1] else "bottom left",
        )
    return lay_out(
        figure,
        _describe(info),
        of_sizes(info.sizes, "cost: networks trained, kept and asked"),
        {"title": {"text": f"gain in {info.title}"}, "rangemode": "tozero"},
        dark=dark,
    )


def _measured(info: GainInfo) -> go.Scatter:
    return go.Scatter(
        x=info.sizes,
        y=[gain.mean for gain in info.gains],
        error_y=error_bars(info.gains, COLOURS[1]),
        name="gain over a single network",
        mode="lines+markers",
        showlegend=True,
        line={"color": COLOURS[1], "width": LINE_WIDTH},
        marker={"size": 7},
        customdata=intervals_in_words(info.gains),
        hovertemplate="%{customdata} for %{x} times the cost",
    )


def _describe(info: GainInfo) -> str:
    seeds = "1 seed" if info.n_seeds == 1 else f"{info.n_seeds} seeds"
    text = (
        f"Gain in {info.title} over a single network, {seeds}: {interval_in_words(info.gains[-1])} for "
        f"{info.sizes[-1]} networks."
    )
    if info.knee is None:
        why = "networks have diverged" if math.isnan(info.gains[-1].mean) else "nothing is gained"
        return f"{text} There is no knee: {why}."
    at_knee = info.gains[info.sizes.index(info.knee)]
    return f"{text} The knee is at {info.knee}, with {interval_in_words(at_knee)}."
