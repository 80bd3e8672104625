"""What the optimizer minimised, beside the data loss; and the penalty's part in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._layout import set_layout
from regcore.figures._style import DASHES, LINE_WIDTH, NEUTRAL, colour_of, faded, template
from regcore.figures._summary import Columns, Summary, in_order, last_of_networks, summarize_epochs

HEIGHT = 300
MARGIN = {"l": 56, "r": 8, "t": 48, "b": 48, "autoexpand": False}
LEGEND_ROW = 28
AREA_OPACITY = 0.4


class Trained(Protocol):
    """What is drawn here: anything with the history of a `Result`."""

    @property
    def history_columns(self) -> Columns: ...


class Series(NamedTuple):
    """One column of the history: median over the networks, one value an epoch."""

    column: str
    epochs: tuple[int, ...]
    values: tuple[float, ...]


class ObjectiveInfo(NamedTuple):
    """Every number of the figure."""

    title: str
    colour: str
    n_networks: int
    series: tuple[Series, ...]
    y_top: float
    x_end: int


def plot_objective(
    results: Mapping[str, Trained], shown: str, *, epochs: int | None = None, dark: bool = False
) -> go.Figure:
    """Return one run's raw objective beside its data loss on the train rows, medians over its networks.

    The objective is what the optimizer saw: dropout and augmentation on, penalty in, averaged while the
    epoch ran. The data loss is that of the network as it is used, dropout off, at the end of the epoch.
    `layout.meta["description"]` says in words what is drawn, with its numbers.

    Args:
        results: Runs by name, in the order of their colours; all are drawn on the same axes.
        shown: The name of the run that is drawn.
        epochs: Right end of the axis; None: the last epoch there is.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if `shown` is none of the runs.
    """
    info = _info(results, shown, ("objective", "train_loss"), epochs)
    return _draw(info, dark, "loss", _lines(info), _describe_objective(info))


def plot_objective_beside_val(
    results: Mapping[str, Trained], shown: str, *, epochs: int | None = None, dark: bool = False
) -> go.Figure:
    """Return one run's raw objective, its data loss on the train rows, and its validation loss, medians.

    As `plot_objective`, with the validation loss beside it: the objective, which masks and a penalty raise,
    can lie above it while the data loss of the same network lies below.

    Args:
        results: Runs by name, in the order of their colours; all are drawn on the same axes.
        shown: The name of the run that is drawn.
        epochs: Right end of the axis; None: the last epoch there is.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if `shown` is none of the runs.
    """
    info = _info(results, shown, ("objective", "train_loss", "val_loss"), epochs)
    figure = _draw(info, dark, "loss", _lines(info), _describe_objective(info))
    # One more line in the legend, which has a row of its own on a narrow page.
    return figure.update_layout(height=HEIGHT + LEGEND_ROW, margin={"t": MARGIN["t"] + LEGEND_ROW})


def plot_penalty(
    results: Mapping[str, Trained], shown: str, *, epochs: int | None = None, dark: bool = False
) -> go.Figure:
    """Return one run's data loss on the train rows with its penalty on top, medians over its networks.

    `layout.meta["description"]` says in words what is drawn, with its numbers.

    Args:
        results: Runs by name, in the order of their colours; all are drawn on the same axes.
        shown: The name of the run that is drawn.
        epochs: Right end of the axis; None: the last epoch there is.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if `shown` is none of the runs.
    """
    info = _info(results, shown, ("train_loss", "penalty"), epochs, stacked=True)
    return _draw(info, dark, "data loss + penalty", _areas(info), _describe_penalty(info))


def _info(
    results: Mapping[str, Trained],
    shown: str,
    columns: tuple[str, ...],
    epochs: int | None = None,
    stacked: bool = False,
) -> ObjectiveInfo:
    if shown not in results:
        raise ConfigError(f"shown must be one of {', '.join(results)}, got {shown!r}")
    histories = {name: in_order(result.history_columns) for name, result in results.items()}
    summaries = {
        name: [summarize_epochs(history, column) for column in columns] for name, history in histories.items()
    }
    return ObjectiveInfo(
        title=shown,
        colour=colour_of(shown, list(results)),
        n_networks=len(last_of_networks(histories[shown])),
        series=tuple(
            Series(column, summary.epochs, summary.median)
            for column, summary in zip(columns, summaries[shown], strict=True)
        ),
        y_top=max(_top(of_run, stacked) for of_run in summaries.values()),
        x_end=epochs
        or max((int(each["epoch"].max()) for each in histories.values() if len(each["epoch"])), default=0),
    )


def _top(summaries: list[Summary], stacked: bool) -> float:
    values = np.array([summary.median for summary in summaries])
    highest = values.sum(axis=0) if stacked else values
    finite = highest[np.isfinite(highest)]
    return 1.05 * float(finite.max()) or 1.0 if len(finite) else 1.0


def _lines(info: ObjectiveInfo) -> list[go.Scatter]:
    looks = {
        "objective": (NEUTRAL, "solid"),
        "train_loss": (info.colour, DASHES["train"]),
        "val_loss": (info.colour, DASHES["val"]),
    }
    names = {
        "objective": "objective, as trained",
        "train_loss": "data loss, train",
        "val_loss": "data loss, validation",
    }
    return [
        go.Scatter(
            x=series.epochs,
            y=series.values,
            name=names[series.column],
            mode="lines",
            line={
                "color": looks[series.column][0],
                "dash": looks[series.column][1],
                "width": LINE_WIDTH,
            },
            hovertemplate="%{y:.4g}",
        )
        for series in info.series
    ]


def _areas(info: ObjectiveInfo) -> list[go.Scatter]:
    colours = {"train_loss": info.colour, "penalty": NEUTRAL}
    names = {"train_loss": "data loss, train", "penalty": "penalty"}
    return [
        go.Scatter(
            x=series.epochs,
            y=series.values,
            name=names[series.column],
            mode="lines",
            stackgroup="parts",
            line={"color": colours[series.column], "width": 1},
            fillcolor=faded(colours[series.column], AREA_OPACITY),
            hovertemplate="%{y:.4g}",
        )
        for series in info.series
    ]


def _draw(
    info: ObjectiveInfo, dark: bool, y_title: str, traces: list[go.Scatter], description: str
) -> go.Figure:
    figure = go.Figure(traces)
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        meta={"description": description},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": {"text": "epoch"}, "range": [0, max(info.x_end, 1)], "automargin": False},
        yaxis={
            "title": {"text": y_title},
            "range": [0, info.y_top],
            "tickformat": ".3~g",
            "automargin": False,
        },
    )
    return figure


def _describe_objective(info: ObjectiveInfo) -> str:
    objective, loss, *val = info.series
    if not objective.epochs:
        return f"{info.title}: nothing recorded yet."
    validation = "".join(f", on validation {series.values[-1]:.3g}" for series in val)
    return (
        f"{info.title}, median of {info.n_networks} networks after {objective.epochs[-1]} epochs: objective "
        f"as trained {objective.values[-1]:.3g}, data loss on train with dropout off {loss.values[-1]:.3g}"
        f"{validation}."
    )


def _describe_penalty(info: ObjectiveInfo) -> str:
    loss, penalty = info.series
    if not loss.epochs:
        return f"{info.title}: nothing recorded yet."
    return (
        f"{info.title}, median of {info.n_networks} networks after {loss.epochs[-1]} epochs: data loss on "
        f"train {loss.values[-1]:.3g}, and a penalty of {penalty.values[-1]:.3g} on top."
    )
