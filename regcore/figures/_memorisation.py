"""How wrong labels are learnt by heart, epoch by epoch, baseline beside this run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import plotly.graph_objects as go

from regcore import statistics
from regcore.figures._series import Axis, Series, draw_series
from regcore.figures._style import colour_of
from regcore.memorisation import Memorisation
from regcore.statistics import MeanInterval


class MemorisationLine(NamedTuple):
    """The part of wrongly labelled rows that get the label they were given, and their true one, by epoch."""

    run: str
    epochs: tuple[int, ...]
    learnt: tuple[MeanInterval, ...]
    true: tuple[MeanInterval, ...]


class MemorisationInfo(NamedTuple):
    """Everything that the figure shows."""

    lines: tuple[MemorisationLine, ...]


def plot_memorisation(found: Mapping[str, Memorisation], *, dark: bool = False) -> go.Figure:
    """Return which part of the wrong labels networks have learnt, over epochs, one colour a run.

    Args:
        found: What was measured, by run, the baseline first.
        dark: Draw for a dark page.
    """
    return _draw(_info(found), dark)


def _info(found: Mapping[str, Memorisation]) -> MemorisationInfo:
    return MemorisationInfo(tuple(
        MemorisationLine(
            run,
            each.epochs,
            tuple(map(statistics.mean_interval, each.learnt)),
            tuple(map(statistics.mean_interval, each.true)),
        )
        for run, each in found.items()
    ))  # fmt: skip


def _draw(info: MemorisationInfo, dark: bool = False) -> go.Figure:
    runs = [line.run for line in info.lines]
    series = [
        Series(f"{line.run}: {what}", colour_of(line.run, runs), dash, line.epochs, getattr(line, field))
        for line in info.lines
        for field, what, dash in (("learnt", "wrong label learnt", "solid"), ("true", "true label", "dot"))
    ]
    y = Axis("part of the wrongly labelled rows", tick_format=".0%")
    figure = draw_series(series, Axis("epoch"), y, _describe(info), dark=dark)
    figure.update_traces(mode="lines", selector={"mode": "lines+markers"})
    return figure.update_yaxes(range=[0, 1])


def _describe(info: MemorisationInfo) -> str:
    texts = [
        f"{line.run}: {line.learnt[-1].mean:.1%} get the wrong label they were given, "
        f"{line.true[-1].mean:.1%} their true one"
        for line in info.lines
    ]
    return f"Training rows whose label is wrong, after epoch {info.lines[0].epochs[-1]}. {'; '.join(texts)}."
