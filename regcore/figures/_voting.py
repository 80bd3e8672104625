"""Mistakes of ensembles of each size, by averaging probabilities and by majority vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.ensembles import Voting
from regcore.figures._layout import interval_in_words, intervals_in_words, lay_out, of_sizes
from regcore.figures._style import COLOURS, LINE_WIDTH, THIN_LINE, faded
from regcore.statistics import MeanInterval, mean_interval, paired_difference

AVERAGING, VOTING = "averaging probabilities", "majority vote"


class VotingInfo(NamedTuple):
    """Everything that the figure shows; `ties` are the fraction of rows with a tied vote, over seeds."""

    n_seeds: int
    sizes: tuple[int, ...]
    averaging: tuple[MeanInterval, ...]
    voting: tuple[MeanInterval, ...]
    ties: tuple[float, ...]
    verdict: str


def plot_voting(found: Mapping[int, Sequence[Voting]], *, dark: bool = False) -> go.Figure:
    """Return the error of averaging and of voting for each ensemble size, means over seeds.

    `layout.meta["description"]` has the numbers in words, and the paired verdict for the largest size.

    Args:
        found: Size -> one for each seed.
        dark: Draw for a dark page.
    """
    return _draw(_info(found), dark)


def _info(found: Mapping[int, Sequence[Voting]]) -> VotingInfo:
    largest = list(found.values())[-1]
    paired = paired_difference([one.voting for one in largest], [one.averaging for one in largest])
    return VotingInfo(
        n_seeds=len(largest),
        sizes=tuple(found),
        averaging=tuple(mean_interval([one.averaging for one in seeds]) for seeds in found.values()),
        voting=tuple(mean_interval([one.voting for one in seeds]) for seeds in found.values()),
        ties=tuple(float(np.mean([one.ties for one in seeds])) for seeds in found.values()),
        verdict=paired.verdict,
    )


def _draw(info: VotingInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure(
        [
            _line(info, AVERAGING, info.averaging, COLOURS[1], "solid"),
            _line(info, VOTING, info.voting, COLOURS[2], "dash"),
        ]
    )
    return lay_out(
        figure,
        _describe(info),
        of_sizes(info.sizes, "networks averaged, k"),
        {"title": {"text": "error (fraction)"}},
        dark=dark,
    )


def _line(
    info: VotingInfo, name: str, intervals: Sequence[MeanInterval], colour: str, dash: str
) -> go.Scatter:
    texts = intervals_in_words(intervals)
    if name == VOTING:
        texts = [f"{text}, {tie:.1%} of rows tied" for text, tie in zip(texts, info.ties, strict=True)]
    return go.Scatter(
        x=info.sizes,
        y=[interval.mean for interval in intervals],
        error_y={
            "type": "data",
            "array": [interval.high - interval.mean for interval in intervals],
            "color": faded(colour, 0.5),
            "thickness": THIN_LINE,
            "width": 3,
        },
        name=name,
        mode="lines+markers",
        line={"color": colour, "width": LINE_WIDTH, "dash": dash},
        customdata=texts,
        hovertemplate="%{customdata}",
    )


def _describe(info: VotingInfo) -> str:
    return (
        f"Error of {info.sizes[-1]} networks, {info.n_seeds} seeds: averaging probabilities "
        f"{interval_in_words(info.averaging[-1])}, majority vote {interval_in_words(info.voting[-1])}, with "
        f"{info.ties[-1]:.1%} of the votes tied. Voting against averaging: {info.verdict}."
    )
