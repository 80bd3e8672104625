"""Train and validation curves of one run: the median over its networks, and a band around it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np
import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._drawn import drawn
from regcore.figures._style import (
    BAND_OPACITY,
    DASHES,
    LINE_WIDTH,
    NEUTRAL,
    OUTLINE,
    THIN_LINE,
    colour_of,
    faded,
    written_template,
)
from regcore.figures._summary import (
    NETWORK,
    Columns,
    Summary,
    in_order,
    last_of_networks,
    lowest_place,
    summarize_epochs,
    thinned,
)

if TYPE_CHECKING:
    from regcore.scoring import NoiseFloor

Measure = Literal["loss", "error"]

HEIGHT = 360
# Fixed, with room for three rows of legend, so that figures side by side have their axes at the same height.
MARGIN = {"l": 56, "r": 8, "t": 78, "b": 48, "autoexpand": False}
LEGEND = {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"}
# Where an entry of a legend finds no room beside another, plotly puts all of them below each other: six rows,
# where there is room for three. So where there are many, each has half of the axis, from the edge of the
# figure on: two columns at any width. It is placed within the figure in both directions: in one alone, plotly
# moves the title of the other axis.
IN_TWO_COLUMNS = {
    "xref": "container", "yref": "container", "y": 1 - MARGIN["t"] / HEIGHT, "font": {"size": 12},
    "entrywidthmode": "fraction", "entrywidth": 0.5,
}  # fmt: skip
MAX_IN_A_ROW = 3
# Of the legend: this run's own curves first.
OWN, MARKS, OTHERS = 1, 2, 3
# Symbol and size: where the best epoch is restored, its star is in the ring.
SYMBOLS = {"best": ("star", 11), "stopped": ("x", 9), "restored": ("circle-open", 17)}
# Thin lines are drawn of no more networks than these.
MAX_LINES = 64
THIN_OPACITY = 0.5
MEDIAN_AND_BAND = "%{y:.4g} (%{customdata[0]:.4g} to %{customdata[1]:.4g})"


class Trained(Protocol):
    """What is drawn here: anything with the tables of a `Result`, column by column."""

    @property
    def history_columns(self) -> Columns: ...

    @property
    def stop_columns(self) -> Mapping[str, Sequence[Any]]: ...


class Summarized(NamedTuple):
    """What curves of a run are drawn of, whatever epochs its networks keep.

    Attributes:
        y_title: What is measured, as the axis calls it.
        train: On the train rows.
        val: On the validation rows.
        last_epochs: Of each network, by seed and member.
    """

    y_title: str
    train: Summary
    val: Summary
    last_epochs: tuple[int, ...]


class Curve(NamedTuple):
    """One line and its band: median, lowest and highest tenth over the networks, one value an epoch."""

    run: str
    split: str
    colour: str
    epochs: tuple[int, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Line(NamedTuple):
    """One network's own curve."""

    seed: int
    member: int
    split: str
    epochs: tuple[int, ...]
    values: tuple[float, ...]


class Mark(NamedTuple):
    """The best, stopped or restored epoch: median and range over the networks that have one.

    `value` is that of the median validation curve there.
    """

    name: str
    epoch: int
    low: int
    high: int
    n_networks: int
    value: float


class CurvesInfo(NamedTuple):
    """Every number of the figure."""

    title: str
    y_title: str
    n_networks: int
    curves: tuple[Curve, ...]
    others: tuple[Curve, ...]
    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]
    floor: float | None
    y_top: float
    x_end: int


def summarize_run(result: Trained, measure: Measure) -> Summarized:
    """Return what `plot_curves` draws the curves of a run from, which early stopping does not change.

    Args:
        result: The run; it may still be growing.
        measure: "loss" or "error".
    """
    history = in_order(result.history_columns)
    train, val = (summarize_epochs(history, _column(history, split, measure)) for split in ("train", "val"))
    last = history["epoch"][last_of_networks(history)]
    return Summarized(_y_title(history, measure), train, val, tuple(last.tolist()))


def plot_curves(
    results: Mapping[str, Trained],
    shown: str,
    measure: Measure = "loss",
    *,
    summaries: Mapping[str, Summarized] | None = None,
    epochs: int | None = None,
    floor: NoiseFloor | None = None,
    lines: bool = False,
    others: bool = True,
    dark: bool = False,
) -> go.Figure:
    """Return the train and validation curves of one of several runs, all on the same axes.

    The validation medians of the other runs are drawn thin, for comparison. Losses are data loss alone, with
    dropout off, at the end of the epoch. Marks on the validation curve are the median of the networks' best
    epochs, of those at which patience stopped them, and of those restored where that is not the last one.
    Of a long run some 400 epochs are drawn, evenly spaced. `layout.meta["description"]` says in words what is
    drawn, with its numbers.

    Args:
        results: Runs by name, in the order of their colours; a result may still be growing.
        shown: The name of the run that is drawn with its bands.
        measure: "loss" or "error" (the fraction of wrong labels; mean absolute error for regression).
        summaries: What `summarize_run` returns of each run, with this measure; None: worked out here.
        epochs: Right end of the axis; None: the last epoch there is.
        floor: What noisy labels allow (`scoring.noise_floor`), drawn as a line; None: no line.
        lines: Draw each network's own curves as well, thin.
        others: Draw the other runs' validation medians; without them, the axes are still those of all runs.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if `shown` is none of the runs.
    """
    return _draw(_info(results, shown, measure, summaries, epochs, floor, lines, others), dark)


def _info(
    results: Mapping[str, Trained],
    shown: str,
    measure: Measure,
    summaries: Mapping[str, Summarized] | None = None,
    epochs: int | None = None,
    floor: NoiseFloor | None = None,
    lines: bool = False,
    others: bool = True,
) -> CurvesInfo:
    if shown not in results:
        raise ConfigError(f"shown must be one of {', '.join(results)}, got {shown!r}")
    if summaries is None:
        summaries = {name: summarize_run(result, measure) for name, result in results.items()}
    names, run = list(results), summaries[shown]
    drawn = {name: _curves_of(name, summaries[name], colour_of(name, names)) for name in names}
    lowest = None if floor is None else getattr(floor, measure)
    return CurvesInfo(
        title=shown,
        y_title=run.y_title,
        n_networks=len(run.last_epochs),
        curves=drawn[shown],
        others=tuple(drawn[name][1] for name in names if others and name != shown),
        marks=_marks(results[shown].stop_columns, drawn[shown][1], run.last_epochs),
        lines=_lines_of(in_order(results[shown].history_columns), measure) if lines else (),
        floor=lowest,
        y_top=_y_top([curve for curves in drawn.values() for curve in curves], lowest or 0.0),
        x_end=epochs or max((epoch for name in names for epoch in summaries[name].last_epochs), default=0),
    )


def _column(history: Columns, split: str, measure: Measure) -> str:
    name = f"{split}_{measure}"
    return name if name in history else f"{split}_mae"


def _y_title(history: Columns, measure: Measure) -> str:
    if measure == "loss":
        return "data loss"
    return "error (fraction)" if "val_error" in history else "mean absolute error"


def _curves_of(run: str, summarized: Summarized, colour: str) -> tuple[Curve, Curve]:
    return (
        Curve(run, "train", colour, *summarized.train),
        Curve(run, "val", colour, *summarized.val),
    )


def _marks(stops: Mapping[str, Sequence[Any]], val: Curve, last_epochs: Sequence[int]) -> tuple[Mark, ...]:
    if not val.epochs:
        return ()
    is_restored = bool((in_order(stops)["restored_epoch"] < np.array(last_epochs)).any())
    epochs = {
        "best": stops["best_epoch"],
        "stopped": [epoch for epoch in stops["stopped_epoch"] if epoch is not None],
        "restored": stops["restored_epoch"] if is_restored else [],
    }
    return tuple(_mark(name, found, val) for name, found in epochs.items() if found)


def _mark(name: str, epochs: Sequence[int], val: Curve) -> Mark:
    middle = statistics.median_low(epochs)
    value = float(np.interp(middle, val.epochs, val.median))
    return Mark(name, middle, min(epochs), max(epochs), len(epochs), value)


def _lines_of(history: Columns, measure: Measure) -> tuple[Line, ...]:
    lines = []
    first = 0
    for last in last_of_networks(history)[:MAX_LINES].tolist():
        places = first + thinned(last + 1 - first) - 1
        seed, member = (int(history[name][last]) for name in NETWORK)
        epochs = tuple(history["epoch"][places].tolist())
        for split in ("train", "val"):
            values = history[_column(history, split, measure)][places]
            lines.append(Line(seed, member, split, epochs, tuple(values.tolist())))
        first = last + 1
    return tuple(lines)


def _y_top(curves: list[Curve], floor: float) -> float:
    """Return the top of the axis: the floor, all medians, and all of the bands but a few spikes."""
    medians, highs = (
        np.array([value for curve in curves for value in getattr(curve, name)], dtype=np.float64)
        for name in ("median", "high")
    )
    medians, highs = medians[np.isfinite(medians)], highs[np.isfinite(highs)]
    if not len(medians):
        return 1.0
    return 1.05 * float(max(floor, medians.max(), np.quantile(highs, 0.98))) or 1.0


def _draw(info: CurvesInfo, dark: bool = False) -> go.Figure:
    traces = [edge for curve in info.curves for edge in _band(curve)]
    traces += [_thin_line(line, info.curves[0].colour) for line in info.lines]
    traces += [_line(curve, f"{curve.run}, {curve.split}", THIN_LINE, OTHERS) for curve in info.others]
    traces += [_line(curve, curve.split, LINE_WIDTH, OWN) for curve in info.curves]
    traces += [_marker(mark, info) for mark in info.marks]
    return drawn(
        traces,
        **(_floor(info.floor) if info.floor is not None else {}),
        template=written_template(dark),
        height=HEIGHT,
        margin=MARGIN,
        meta={"description": _describe(info)},
        # Of many lines, only the nearest one's values can be shown.
        hovermode="closest" if info.lines else "x unified",
        legend=_legend(info),
        xaxis={"title": {"text": "epoch"}, "range": [0, max(info.x_end, 1)], "automargin": False},
        yaxis={
            "title": {"text": info.y_title},
            "range": [0, info.y_top],
            "tickformat": ".3~g",
            "automargin": False,
        },
    )


def _legend(info: CurvesInfo) -> dict[str, Any]:
    one_row = len(info.curves) + len(info.marks) + len(info.others) <= MAX_IN_A_ROW
    return LEGEND if one_row else LEGEND | IN_TWO_COLUMNS


def _line(curve: Curve, name: str, width: float, rank: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": curve.epochs,
        "y": curve.median,
        "name": name,
        "mode": "lines",
        "legendrank": rank,
        "line": {"color": curve.colour, "dash": DASHES[curve.split], "width": width},
        "customdata": np.array([curve.low, curve.high]).T.copy(),
        "hovertemplate": "%{y:.4g}" if curve.low == curve.high else MEDIAN_AND_BAND,
    }


def _thin_line(line: Line, colour: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": line.epochs,
        "y": line.values,
        "mode": "lines",
        "showlegend": False,
        "line": {"color": faded(colour, THIN_OPACITY), "dash": DASHES[line.split], "width": THIN_LINE},
        "hovertemplate": f"seed {line.seed}, member {line.member}, {line.split}, epoch %{{x}}: %{{y:.4g}}"
        "<extra></extra>",
    }


def _band(curve: Curve) -> list[dict[str, Any]]:
    """Return the invisible lower edge, and the upper edge filled down to it."""
    edge = {
        "type": "scatter", "x": curve.epochs, "mode": "lines", "line": {"width": 0}, "showlegend": False,
        "hoverinfo": "skip",
    }  # fmt: skip
    fill = {"fill": "tonexty", "fillcolor": faded(curve.colour, BAND_OPACITY)}
    return [{**edge, "y": curve.low}, {**edge, "y": curve.high, **fill}]


def _marker(mark: Mark, info: CurvesInfo) -> dict[str, Any]:
    symbol, size = SYMBOLS[mark.name]
    some = "" if mark.n_networks == info.n_networks else f", {mark.n_networks} of {info.n_networks} networks"
    line = {"width": 2} if symbol.endswith("open") else {"width": 1, "color": OUTLINE}
    return {
        "type": "scatter",
        "x": [mark.epoch],
        "y": [mark.value],
        "name": mark.name,
        "mode": "markers",
        "legendrank": MARKS,
        # Whole at the last epoch as well, which is the end of the axis.
        "cliponaxis": False,
        "marker": {"symbol": symbol, "size": size, "color": info.curves[1].colour, "line": line},
        "hovertemplate": f"epoch {_epochs(mark)}{some}, %{{y:.4g}}",
    }


def _epochs(mark: Mark) -> str:
    """Return the epoch of a mark, with its range over the networks."""
    return str(mark.epoch) if mark.low == mark.high else f"{mark.epoch} ({mark.low} to {mark.high})"


def _floor(floor: float) -> dict[str, Any]:
    """Return the fields of a layout with a line across: what `add_hline` makes, which takes long."""
    across = {"xref": "x domain", "yref": "y"}
    line = {"color": NEUTRAL, "width": THIN_LINE, "dash": "longdash"}
    text = {"text": f"noise floor {floor:.3g}", "font": {"size": 12}, "showarrow": False}
    return {
        "shapes": [{"type": "line", "x0": 0, "x1": 1, "y0": floor, "y1": floor, "line": line, **across}],
        "annotations": [{**text, "x": 0, "y": floor, "xanchor": "left", "yanchor": "top", **across}],
    }


def _describe(info: CurvesInfo) -> str:
    train, val = info.curves
    if not val.epochs:
        return f"{info.title}: nothing recorded yet."
    medians = np.array(val.median)
    best = lowest_place(medians)
    if best is None:
        return f"{info.title}: the {info.y_title} is not finite in any epoch; the training has diverged."
    text = (
        f"{info.title}, {info.y_title}, median of {info.n_networks} networks: after {val.epochs[-1]} epochs "
        f"{train.median[-1]:.3g} on train and {val.median[-1]:.3g} on validation; lowest on validation "
        f"{val.median[best]:.3g} at epoch {val.epochs[best]}."
    )
    for mark in info.marks:
        of_them = "" if mark.n_networks == info.n_networks else f" for {mark.n_networks} of them"
        text += f" {mark.name.capitalize()} epoch{of_them}: {_epochs(mark)}."
    if info.floor is not None:
        text += f" Noisy labels allow {info.floor:.3g} on average."
    return text
