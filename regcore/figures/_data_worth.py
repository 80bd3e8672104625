"""The learning curve with and without a technique, and an arrow for how much data it is worth."""

from __future__ import annotations

import math
from typing import NamedTuple

import plotly.graph_objects as go

from regcore import statistics
from regcore.data_worth import LearningCurve, Worth
from regcore.figures._layout import interval_in_words
from regcore.figures._series import Axis, Series, draw_series
from regcore.figures._style import COLOURS, NEUTRAL
from regcore.statistics import MeanInterval

NAMES = ("without augmentation", "with augmentation")


class DataWorthInfo(NamedTuple):
    """Everything that the figure shows.

    Attributes:
        names: Of the curve without the technique, and of the one with it.
        metric: "error" or "mae".
        sizes: Training rows.
        without, with_it: One mean a size.
        arrow: Training rows at its ends, and its height; None where it leads nowhere.
        says: What stands at the arrow.
    """

    names: tuple[str, str]
    metric: str
    sizes: tuple[int, ...]
    without: tuple[MeanInterval, ...]
    with_it: tuple[MeanInterval, ...]
    arrow: tuple[float, float, float] | None
    says: str


def plot_data_worth(
    curve: LearningCurve, worth: Worth, names: tuple[str, str] = NAMES, *, dark: bool = False
) -> go.Figure:
    """Return both learning curves, with an arrow from one to the other at the size that is looked at.

    Args:
        curve: What was measured.
        worth: At one of its sizes.
        names: Of the curve without the technique, and of the one with it.
        dark: Draw for a dark page.
    """
    return _draw(_info(curve, worth, names), dark)


def _info(curve: LearningCurve, worth: Worth, names: tuple[str, str] = NAMES) -> DataWorthInfo:
    without, with_it = (tuple(map(statistics.mean_interval, each)) for each in (curve.without, curve.with_it))
    height = with_it[curve.sizes.index(worth.n_train)].mean
    arrow = (
        (float(worth.n_train), worth.n_train * _head(worth), height)
        if worth.is_told and not math.isnan(height)
        else None
    )
    return DataWorthInfo(names, curve.metric, curve.sizes, without, with_it, arrow, times_in_words(worth))


def _head(worth: Worth) -> float:
    """Return where the arrow ends, in times of the rows: at the edge where the curve never is as low."""
    if not math.isnan(worth.times):
        return worth.times
    return worth.largest if worth.low > 0 else worth.smallest


def times_in_words(worth: Worth) -> str:
    """Return how many times the data it is worth, short."""
    if not worth.is_told:
        return "cannot be told"
    if math.isnan(worth.times):
        return f"more than {worth.low:.1f} ×" if worth.low > 0 else f"less than {worth.high:.1f} ×"
    return f"{worth.times:.1f} × the data"


def _draw(info: DataWorthInfo, dark: bool = False) -> go.Figure:
    series = [
        Series(info.names[0], COLOURS[0], "solid", info.sizes, info.without),
        Series(info.names[1], COLOURS[1], "solid", info.sizes, info.with_it),
    ]
    is_error = info.metric == "error"
    title = "validation error" if is_error else "validation mean absolute error"
    y = Axis(title, tick_format=".1%" if is_error else ".3~g")
    x = Axis("training rows", is_log=True, ticks=info.sizes)
    figure = draw_series(series, x, y, _describe(info), dark=dark)
    if info.arrow is not None:
        figure.add_annotation(_arrow(info.arrow))
        figure.add_annotation(_says(info.arrow, info.says))
    return figure


def _arrow(arrow: tuple[float, float, float]) -> dict[str, object]:
    tail, head, height = arrow
    return {
        "x": math.log10(head), "y": height, "ax": math.log10(tail), "ay": height, "axref": "x", "ayref": "y",
        "showarrow": True, "arrowhead": 2, "arrowwidth": 2, "arrowcolor": NEUTRAL, "text": "",
    }  # fmt: skip


def _says(arrow: tuple[float, float, float], says: str) -> dict[str, object]:
    tail, head, height = arrow
    return {
        "x": (math.log10(tail) + math.log10(head)) / 2, "y": height, "yshift": -14, "showarrow": False,
        "text": f"<b>{says}</b>",
    }  # fmt: skip


def _describe(info: DataWorthInfo) -> str:
    texts = [
        f"{size} rows: {interval_in_words(without)} without, {interval_in_words(with_it)} with"
        for size, without, with_it in zip(info.sizes, info.without, info.with_it, strict=True)
    ]
    metric = "error" if info.metric == "error" else "mean absolute error"
    return f"Validation {metric} against training rows: {'; '.join(texts)}. {_sentence(info)}."


def _sentence(info: DataWorthInfo) -> str:
    return f"{info.names[1].capitalize()}: {info.says}"
