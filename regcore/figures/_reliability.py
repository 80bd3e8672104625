"""How often predictions are right against how sure they are: single networks, and their average."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from regcore.ensembles import N_BINS, Calibration, Reliability
from regcore.figures._layout import interval_in_words, lay_out
from regcore.figures._style import COLOURS, LINE_WIDTH, NEUTRAL
from regcore.statistics import MeanInterval, mean_interval

LARGEST, SMALLEST = 20.0, 5.0


class ReliabilityInfo(NamedTuple):
    """Everything that the figure shows, of single members and of their average."""

    k: int
    members: Reliability
    ensemble: Reliability
    error_of_members: MeanInterval
    error_of_ensemble: MeanInterval


def plot_reliability(found: Calibration, k: int, *, dark: bool = False) -> go.Figure:
    """Return accuracy against confidence in ten bins, of single members and of their average.

    On the diagonal, a network that is 80 % sure is right 80 % of the time; below it, it is too sure. Points
    are the larger, the more rows they stand for. `layout.meta["description"]` has the numbers in words.

    Args:
        found: What was measured.
        k: Members averaged.
        dark: Draw for a dark page.
    """
    return _draw(_info(found, k), dark)


def _info(found: Calibration, k: int) -> ReliabilityInfo:
    return ReliabilityInfo(
        k,
        found.members,
        found.ensemble,
        mean_interval(found.error_of_members),
        mean_interval(found.error_of_ensemble),
    )


def _draw(info: ReliabilityInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure(
        [
            go.Scatter(
                x=[0, 1], y=[0, 1], mode="lines", name="as sure as right", hoverinfo="skip",
                line={"color": NEUTRAL, "dash": "dot", "width": LINE_WIDTH},
            ),
            _points("one network", info.members, COLOURS[0], "circle"),
            _points(f"average of {info.k}", info.ensemble, COLOURS[1], "diamond"),
        ]
    )  # fmt: skip
    axis = {"range": [0, 1.03], "tickformat": ".0%"}
    return lay_out(
        figure,
        _describe(info),
        {"title": {"text": "confidence: probability of the predicted class"}, **axis},
        {"title": {"text": "right"}, **axis},
        dark=dark,
        hovermode="closest",
    )


def _points(name: str, found: Reliability, colour: str, symbol: str) -> go.Scatter:
    n_rows = sum(each.n_rows for each in found.bins)
    return go.Scatter(
        x=[each.confidence for each in found.bins],
        y=[each.accuracy for each in found.bins],
        name=name,
        mode="lines+markers",
        line={"color": colour, "width": LINE_WIDTH},
        marker={
            "symbol": symbol,
            "color": colour,
            "size": [SMALLEST + (LARGEST - SMALLEST) * (each.n_rows / n_rows) ** 0.5 for each in found.bins],
        },
        customdata=[f"{each.n_rows / n_rows:.1%}" for each in found.bins],
        hovertemplate=f"{name}: %{{x:.2%}} sure, %{{y:.2%}} right, %{{customdata}} of the predictions"
        "<extra></extra>",
    )


def _describe(info: ReliabilityInfo) -> str:
    return (
        f"Confidence against accuracy in {N_BINS} bins. Expected calibration error: one network "
        f"{interval_in_words(info.error_of_members)}, average of {info.k} "
        f"{interval_in_words(info.error_of_ensemble)}. {_top('One network', info.members)} "
        f"{_top(f'The average of {info.k}', info.ensemble)}"
    )


def _top(name: str, found: Reliability) -> str:
    surest = found.bins[-1]
    return (
        f"{name} is {surest.confidence:.1%} sure in its surest bin, and right {surest.accuracy:.1%} of the "
        "time."
    )
