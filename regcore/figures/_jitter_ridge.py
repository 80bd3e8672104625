"""Jitter on a linear model beside ridge regression of the same strength."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._layout import interval_in_words
from regcore.figures._series import Axis, Series, draw_series
from regcore.figures._style import COLOURS, NEUTRAL
from regcore.jitter_ridge import JitterPoint
from regcore.statistics import MeanInterval

Drawn = Literal["norm", "loss"]
TITLES: dict[Drawn, str] = {"norm": "sum of squared weights", "loss": "validation loss"}


class JitterRidgeInfo(NamedTuple):
    """Everything that the figure shows."""

    title: str
    sigmas: tuple[float, ...]
    measured: tuple[MeanInterval, ...]
    theory: tuple[MeanInterval, ...]


def plot_jitter_ridge(
    points: Sequence[JitterPoint], drawn: Drawn = "norm", *, dark: bool = False
) -> go.Figure:
    """Return what jitter did at each strength, and ridge regression with alpha = n * sigma^2.

    Args:
        points: What was measured.
        drawn: "norm" or "loss".
        dark: Draw for a dark page.

    Raises:
        ConfigError: if it is neither.
    """
    return _draw(_info(points, drawn), dark)


def _info(points: Sequence[JitterPoint], drawn: Drawn) -> JitterRidgeInfo:
    if drawn not in TITLES:
        raise ConfigError(f"drawn must be one of {', '.join(TITLES)}, got {drawn!r}")
    return JitterRidgeInfo(
        TITLES[drawn],
        tuple(point.sigma for point in points),
        tuple(getattr(point, drawn) for point in points),
        tuple(getattr(point, f"ridge_{drawn}") for point in points),
    )


def _draw(info: JitterRidgeInfo, dark: bool = False) -> go.Figure:
    # Theory is drawn last, on top, and its mean alone: its interval is that of the rows, as the jitter's is.
    theory = tuple(MeanInterval(each.mean, each.sd, each.mean, each.mean, each.n) for each in info.theory)
    series = [
        Series("measured: jitter σ", COLOURS[1], "solid", info.sigmas, info.measured),
        Series("theory: ridge, alpha = n σ²", NEUTRAL, "dash", info.sigmas, theory),
    ]
    x = Axis("σ of the jitter, in units of the scaled input", ticks=info.sigmas)
    return draw_series(series, x, Axis(info.title), _describe(info), dark=dark)


def _describe(info: JitterRidgeInfo) -> str:
    texts = [
        f"σ {sigma:g}: {interval_in_words(measured)}, ridge {theory.mean:.3g}"
        for sigma, measured, theory in zip(info.sigmas, info.measured, info.theory, strict=True)
    ]
    return f"{info.title.capitalize()} of a linear model under jitter, and of ridge: {'; '.join(texts)}."
