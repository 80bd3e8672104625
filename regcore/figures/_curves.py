"""Train and validation curves of one run: the median over its networks, and a band around it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._style import (
    BAND_OPACITY,
    DASHES,
    LINE_WIDTH,
    THIN_LINE,
    colour_of,
    faded,
    template,
)

if TYPE_CHECKING:
    import pandas as pd

Measure = Literal["loss", "error"]

NETWORK = ["seed", "member"]
MAX_POINTS = 400
# The band holds the middle 80 % of the networks.
LOW, HIGH = 0.1, 0.9
HEIGHT = 340
# Fixed, with room for two rows of legend, so that figures side by side have their axes at the same height.
MARGIN = {"l": 56, "r": 8, "t": 48, "b": 48, "autoexpand": False}
# Of the legend: this run's own curves first.
OWN, MARKS, OTHERS = 1, 2, 3


class Trained(Protocol):
    """What is drawn here: anything with the tables of a `Result`."""

    @property
    def history(self) -> pd.DataFrame: ...

    @property
    def stops(self) -> pd.DataFrame: ...


class Curve(NamedTuple):
    """One line and its band: median, lowest and highest tenth over the networks, one value an epoch."""

    run: str
    split: str
    colour: str
    epochs: tuple[int, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Restored(NamedTuple):
    """Where a network was restored: its epoch, and its value of the validation curve there."""

    seed: int
    member: int
    epoch: int
    value: float


class CurvesInfo(NamedTuple):
    """Every number of the figure."""

    title: str
    y_title: str
    n_networks: int
    curves: tuple[Curve, ...]
    others: tuple[Curve, ...]
    restored: tuple[Restored, ...]
    y_top: float
    x_end: int


def plot_curves(
    results: Mapping[str, Trained],
    shown: str,
    measure: Measure = "loss",
    *,
    epochs: int | None = None,
    dark: bool = False,
) -> go.Figure:
    """Return the train and validation curves of one of several runs, all on the same axes.

    The validation medians of the other runs are drawn thin, for comparison. Losses are data loss alone, with
    dropout off, at the end of the epoch. A dot marks where a network was restored whose patience has run out.
    Of a long run some 400 epochs are drawn, evenly spaced. `layout.meta["description"]` says in words what is
    drawn, with its numbers.

    Args:
        results: Runs by name, in the order of their colours; a result may still be growing.
        shown: The name of the run that is drawn with its bands.
        measure: "loss" or "error" (the fraction of wrong labels; mean absolute error for regression).
        epochs: Right end of the axis; None: the last epoch there is.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if `shown` is none of the runs.
    """
    return _draw(_info(results, shown, measure, epochs), dark)


def _info(
    results: Mapping[str, Trained], shown: str, measure: Measure, epochs: int | None = None
) -> CurvesInfo:
    if shown not in results:
        raise ConfigError(f"shown must be one of {', '.join(results)}, got {shown!r}")
    names = list(results)
    histories = {name: result.history.sort_values([*NETWORK, "epoch"]) for name, result in results.items()}
    drawn = {
        name: [
            _curve(histories[name], name, split, measure, colour_of(name, names))
            for split in ("train", "val")
        ]
        for name in names
    }
    history = histories[shown]
    return CurvesInfo(
        title=shown,
        y_title=_y_title(history, measure),
        n_networks=len(history[NETWORK].drop_duplicates()),
        curves=tuple(drawn[shown]),
        others=tuple(drawn[name][1] for name in names if name != shown),
        restored=_restored(results[shown], history, measure),
        y_top=_y_top([curve for curves in drawn.values() for curve in curves]),
        x_end=epochs
        or max((int(each["epoch"].max()) for each in histories.values() if len(each)), default=0),
    )


def _column(history: pd.DataFrame, split: str, measure: Measure) -> str:
    name = f"{split}_{measure}"
    return name if name in history else f"{split}_mae"


def _y_title(history: pd.DataFrame, measure: Measure) -> str:
    if measure == "loss":
        return "data loss"
    return "error (fraction)" if "val_error" in history else "mean absolute error"


def _curve(history: pd.DataFrame, run: str, split: str, measure: Measure, colour: str) -> Curve:
    """Summarise the epochs that every network of the run has reached."""
    reached = int(history.groupby(NETWORK)["epoch"].max().min()) if len(history) else 0
    epochs = np.unique(np.linspace(1, reached, min(reached, MAX_POINTS)).round().astype(np.int64))
    column = history.loc[history["epoch"] <= reached, _column(history, split, measure)]
    values = column.to_numpy(dtype=np.float64).reshape(-1, max(reached, 1))[:, epochs - 1]
    low, median, high = _quantiles(values)
    return Curve(run, split, colour, tuple(epochs.tolist()), median, low, high)


def _quantiles(values: npt.NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    """Return the low, median and high of each column; NaN where every network has diverged."""
    if not values.size:
        return (), (), ()
    finite = np.where(np.isfinite(values), values, np.nan)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        # nanquantile goes column by column, and is 50 times slower where it is not needed.
        quantile = np.nanquantile if np.isnan(finite).any() else np.quantile
        quantiles = quantile(finite, [LOW, 0.5, HIGH], axis=0)
    return tuple(tuple(row) for row in quantiles.tolist())


def _restored(result: Trained, history: pd.DataFrame, measure: Measure) -> tuple[Restored, ...]:
    """Return a point for every network whose patience has fired."""
    stops = result.stops
    stopped = stops.loc[stops["stopped_epoch"].notna(), [*NETWORK, "restored_epoch"]]
    if not len(stopped):
        return ()
    values = history.set_index([*NETWORK, "epoch"])[_column(history, "val", measure)]
    rows = stopped.to_numpy(dtype=np.int64).tolist()
    return tuple(
        Restored(seed, member, epoch, float(values.loc[(seed, member, epoch)]))
        for seed, member, epoch in rows
    )


def _y_top(curves: list[Curve]) -> float:
    """Return the top of the axis: all medians, and all of the bands but a few spikes."""
    medians = np.array([value for curve in curves for value in curve.median if np.isfinite(value)])
    highs = np.array([value for curve in curves for value in curve.high if np.isfinite(value)])
    if not len(medians):
        return 1.0
    return 1.05 * float(max(medians.max(), np.quantile(highs, 0.98))) or 1.0


def _draw(info: CurvesInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure()
    for curve in info.curves:
        figure.add_traces(_band(curve))
    for curve in info.others:
        figure.add_trace(_line(curve, f"{curve.run}, {curve.split}", THIN_LINE, OTHERS))
    for curve in info.curves:
        figure.add_trace(_line(curve, curve.split, LINE_WIDTH, OWN))
    if info.restored:
        figure.add_trace(_dots(info))
    figure.update_layout(
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        meta={"description": _describe(info)},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": {"text": "epoch"}, "range": [0, max(info.x_end, 1)], "automargin": False},
        yaxis={
            "title": {"text": info.y_title},
            "range": [0, info.y_top],
            "tickformat": ".3~g",
            "automargin": False,
        },
    )
    return figure


def _line(curve: Curve, name: str, width: float, rank: int) -> go.Scatter:
    return go.Scatter(
        x=curve.epochs,
        y=curve.median,
        name=name,
        mode="lines",
        legendrank=rank,
        line={"color": curve.colour, "dash": DASHES[curve.split], "width": width},
        hovertemplate="%{y:.4g}",
    )


def _band(curve: Curve) -> list[go.Scatter]:
    """Return the invisible lower edge, and the upper edge filled down to it."""
    edge = {"mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
    return [
        go.Scatter(x=curve.epochs, y=curve.low, **edge),
        go.Scatter(
            x=curve.epochs, y=curve.high, fill="tonexty", fillcolor=faded(curve.colour, BAND_OPACITY), **edge
        ),
    ]


def _dots(info: CurvesInfo) -> go.Scatter:
    return go.Scatter(
        x=[point.epoch for point in info.restored],
        y=[point.value for point in info.restored],
        name="restored",
        mode="markers",
        legendrank=MARKS,
        marker={"color": info.curves[1].colour, "size": 8, "line": {"width": 1.5, "color": "#ffffff"}},
        customdata=[(point.seed, point.member) for point in info.restored],
        hovertemplate="seed %{customdata[0]}, member %{customdata[1]}: %{y:.4g}",
    )


def _describe(info: CurvesInfo) -> str:
    train, val = info.curves
    if not val.epochs:
        return f"{info.title}: nothing recorded yet."
    medians = np.array(val.median)
    if not np.isfinite(medians).any():
        return f"{info.title}: the {info.y_title} is not finite in any epoch; the training has diverged."
    best = int(np.nanargmin(medians))
    text = (
        f"{info.title}, {info.y_title}, median of {info.n_networks} networks: after {val.epochs[-1]} epochs "
        f"{train.median[-1]:.3g} on train and {val.median[-1]:.3g} on validation; lowest on validation "
        f"{val.median[best]:.3g} at epoch {val.epochs[best]}."
    )
    if info.restored:
        epoch = int(np.median([point.epoch for point in info.restored]))
        text += f" Early stopping restored {len(info.restored)} of them, the median at epoch {epoch}."
    return text
