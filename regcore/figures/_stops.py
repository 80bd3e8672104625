"""Where each network stopped: its validation curve in a lane of its own, solid up to the stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from regcore import patience
from regcore.figures._curves import SYMBOLS
from regcore.figures._layout import set_layout
from regcore.figures._style import COLOURS, LINE_WIDTH, NEUTRAL, OUTLINE, THIN_LINE, template
from regcore.figures._summary import thinned

if TYPE_CHECKING:
    from regcore.patience import NetworkStop
    from regcore.results import Result

# More lanes than these are not read any more.
MAX_LANES = 16
LANE, TOP, FOOT = 52, 44, 48
# Of a lane; the rest keeps its neighbours apart.
FILLED = 0.86
# The top of all lanes: the part of losses above it are spikes.
SHOWN = 0.98
COLOUR = COLOURS[1]


class Lane(NamedTuple):
    """One network: where it stopped, whose weights it keeps, and the epochs and losses that are drawn."""

    stop: NetworkStop
    kept_epoch: int
    epochs: tuple[int, ...]
    losses: tuple[float, ...]


class StopsInfo(NamedTuple):
    """Every number of the figure; `low` and `high` are the losses at bottom and top of each lane."""

    lanes: tuple[Lane, ...]
    n_networks: int
    n_members: int
    spread: patience.StopSpread
    low: float
    high: float
    x_end: int


def plot_stops(result: Result, *, dark: bool = False) -> go.Figure:
    """Return the validation loss of each network in a lane of its own, with its best, stopped and restored
    epoch; the last one is that of the stop where nothing is restored.

    All lanes have the same scale. What was trained up to the stop is solid; what early stopping saves is
    dotted. Of more than 16 networks the first are drawn. `layout.meta["description"]` says in words what is
    drawn, with its numbers.

    Args:
        result: What was trained past the stop; it may still be growing.
        dark: Draw for a dark page.
    """
    return _draw(_info(result), dark)


def _info(result: Result) -> StopsInfo:
    stops, curves = patience.network_stops(result), patience.val_curves(result)
    restores = result.config.restore_best_weights
    lanes = tuple(_lane(stop, curves[stop.seed, stop.member], restores) for stop in stops[:MAX_LANES])
    losses = np.array([loss for lane in lanes for loss in lane.losses])
    finite = losses[np.isfinite(losses)]
    low, high = (float(finite.min()), float(np.quantile(finite, SHOWN))) if len(finite) else (0.0, 1.0)
    return StopsInfo(
        lanes=lanes,
        n_networks=len(stops),
        n_members=result.config.members,
        spread=patience.stop_spread(stops),
        low=low,
        high=high if high > low else low + 1.0,
        x_end=max((stop.n_epochs for stop in stops), default=result.config.epochs),
    )


def _lane(stop: NetworkStop, curve: npt.NDArray[np.float64], restores: bool) -> Lane:
    kept_epoch = stop.restored_epoch if restores else stop.trained_epochs
    # The marks are on the curve, however long it is.
    marks = (stop.best_epoch, stop.trained_epochs, kept_epoch)
    epochs = np.union1d(thinned(len(curve)), np.array(marks, dtype=np.int64))
    return Lane(stop, kept_epoch, tuple(epochs.tolist()), tuple(curve[epochs - 1].tolist()))


def _draw(info: StopsInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure()
    for at, lane in enumerate(info.lanes):
        figure.add_traces([_part(lane, at, info, is_past=is_past) for is_past in (True, False)])
    for name in SYMBOLS:
        figure.add_trace(_marks(name, info))
    n_lanes = max(1, len(info.lanes))
    set_layout(
        figure,
        template=template(dark),
        height=LANE * n_lanes + TOP + FOOT,
        margin={"l": 8, "r": 8, "t": TOP, "b": FOOT},
        meta={"description": _describe(info)},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": {"text": "epoch"}, "range": [0, info.x_end + 1]},
        yaxis={
            "range": [n_lanes - 0.05, -0.1], "tickmode": "array", "showgrid": False, "zeroline": False,
            "tickvals": [at + FILLED / 2 for at in range(n_lanes)],
            "ticktext": [_name(lane.stop, info) for lane in info.lanes],
        },
    )  # fmt: skip
    return figure


def _name(stop: NetworkStop, info: StopsInfo) -> str:
    return f"seed {stop.seed}" + (f", {stop.member}" if info.n_members > 1 else "")


def _heights(losses: Sequence[float], at: int, info: StopsInfo) -> list[float]:
    """Return places in a lane, its lowest loss at the bottom; lanes count downwards."""
    parts = (np.array(losses) - info.low) / (info.high - info.low)
    heights: list[float] = (at + FILLED * (1 - np.clip(parts, 0, 1))).tolist()
    return heights


def _part(lane: Lane, at: int, info: StopsInfo, is_past: bool) -> go.Scatter:
    """Return the curve up to the stop, or past it."""
    stop = lane.stop
    shown = [
        place
        for place, epoch in enumerate(lane.epochs)
        if (epoch >= stop.trained_epochs if is_past else epoch <= stop.trained_epochs)
    ]
    losses = [lane.losses[place] for place in shown]
    line: dict[str, Any] = {"color": COLOUR, "width": LINE_WIDTH}
    if is_past:
        line = {"color": NEUTRAL, "width": THIN_LINE, "dash": "dot"}
    return go.Scatter(
        x=[lane.epochs[place] for place in shown],
        y=_heights(losses, at, info),
        name="saved" if is_past else "trained",
        legendgroup="saved" if is_past else "trained",
        showlegend=at == 0,
        legendrank=2 if is_past else 1,
        mode="lines",
        line=line,
        customdata=losses,
        hovertemplate=f"{_name(stop, info)}, epoch %{{x}}: %{{customdata:.4g}}<extra></extra>",
    )


def _marks(name: str, info: StopsInfo) -> go.Scatter:
    symbol, size = SYMBOLS[name]
    x, y, losses = [], [], []
    for at, lane in enumerate(info.lanes):
        epoch = lane.kept_epoch if name == "restored" else getattr(lane.stop, f"{name}_epoch")
        if epoch is not None:
            loss = lane.losses[lane.epochs.index(epoch)]
            x.append(epoch)
            y += _heights([loss], at, info)
            losses.append(loss)
    line = {"width": 2} if symbol.endswith("open") else {"width": 1, "color": OUTLINE}
    return go.Scatter(
        x=x,
        y=y,
        name=name,
        legendrank=3,
        mode="markers",
        marker={"symbol": symbol, "size": size, "color": COLOUR, "line": line},
        customdata=losses,
        hovertemplate=f"{name} epoch %{{x}}: %{{customdata:.4g}}<extra></extra>",
    )


def _describe(info: StopsInfo) -> str:
    if not info.lanes:
        return "Stops: nothing recorded yet."
    kept = [lane.kept_epoch for lane in info.lanes]
    text = f"Validation loss of {len(info.lanes)} networks, a lane each"
    text += f", of {info.n_networks}. " if info.n_networks > len(info.lanes) else ". "
    spread = info.spread
    if spread.median is None:
        return f"{text}None stopped before epoch {info.x_end}."
    return (
        f"{text}{spread.n_stopped} of {spread.n_networks} stopped, at epochs {spread.low} to {spread.high}, "
        f"median {spread.median:g}; the epochs kept are {min(kept)} to {max(kept)}."
    )
