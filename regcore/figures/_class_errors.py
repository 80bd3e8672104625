"""The error of each class, with and without a technique."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from regcore.class_errors import ClassErrors
from regcore.figures._groups import draw_groups
from regcore.figures._layout import interval_in_words
from regcore.figures._style import COLOURS
from regcore.lessons import BASELINE, THIS_RUN
from regcore.statistics import WORSE, MeanInterval


class ClassErrorsInfo(NamedTuple):
    """Everything that the figure shows; `hurt` are the classes whose error is higher beyond seed noise."""

    names: tuple[str, ...]
    baseline: tuple[MeanInterval, ...]
    treated: tuple[MeanInterval, ...]
    hurt: tuple[str, ...]


def plot_class_errors(classes: Sequence[ClassErrors], *, dark: bool = False) -> go.Figure:
    """Return the validation error of each class, baseline beside this run; a class that is hurt has a mark.

    Args:
        classes: From `regcore.class_errors`.
        dark: Draw for a dark page.
    """
    return _draw(_info(classes), dark)


def _info(classes: Sequence[ClassErrors]) -> ClassErrorsInfo:
    return ClassErrorsInfo(
        tuple(each.name for each in classes),
        tuple(each.baseline for each in classes),
        tuple(each.treated for each in classes),
        tuple(each.name for each in classes if each.difference.verdict == WORSE),
    )


def _draw(info: ClassErrorsInfo, dark: bool = False) -> go.Figure:
    groups = [f"{name} ▲" if name in info.hurt else name for name in info.names]
    bars = {BASELINE: info.baseline, THIS_RUN: info.treated}
    y = {"title": {"text": "validation error of the class"}, "tickformat": ".0%"}
    title = "class, by its given label; ▲: higher beyond seed noise"
    return draw_groups(groups, bars, COLOURS[:2], _describe(info), title, y, most=1.0, dark=dark)


def _describe(info: ClassErrorsInfo) -> str:
    texts = [
        f"{name} {interval_in_words(before)} and {interval_in_words(after)}"
        for name, before, after in zip(info.names, info.baseline, info.treated, strict=True)
    ]
    hurt = ", ".join(info.hurt) or "none"
    listed = "; ".join(texts)
    return f"Validation error by class, baseline and this run: {listed}. Higher beyond seed noise: {hurt}."
