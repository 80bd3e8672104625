"""A network in one step under dropout: who is out, which weights have a gradient, which move anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.dropout_steps import count_movements, movements
from regcore.errors import ConfigError
from regcore.figures._layout import set_layout
from regcore.figures._style import COLOURS, NEUTRAL, OUTLINE, template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regcore.data import Dataset
    from regcore.dropout_steps import Counts, Movement, Step

HEIGHT = 480
MARGIN = {"l": 8, "r": 8, "t": 16, "b": 116, "autoexpand": False}

LEARNS, DRIFTS, RESTS = "has a gradient", "moves without a gradient", "stands still"
# Colour, dash and width of an edge; what drifts is dashed for who cannot tell the colours.
LOOKS = {
    LEARNS: (COLOURS[1], "solid", 1.8),
    DRIFTS: (COLOURS[0], "dash", 1.8),
    RESTS: (NEUTRAL, "dot", 0.7),
}
IN, OUT = "in", "out for this row"
# More lines than this would hide each other: such weights are counted alone.
MOST_EDGES = 400
# A layer of more units has several columns, so far apart.
TALLEST, APART = 16, 0.095
MARKER, SMALL_MARKER = 20, 11


class Node(NamedTuple):
    """One unit: where it is drawn, its name, and whether it is out for the row that is shown."""

    x: float
    y: float
    name: str
    is_out: bool


class Edge(NamedTuple):
    """One weight: its ends, what the step did to it, its gradient, and how far it moved."""

    start: tuple[float, float]
    end: tuple[float, float]
    state: str
    gradient: float
    moved: float


class NetworkInfo(NamedTuple):
    """Everything that the figure shows.

    Attributes:
        step: Its number.
        row: Row number in the data set of the row whose masks are drawn.
        layers: What they are called.
        nodes: All units.
        edges: All weights; none where they are too many to be drawn.
        states: What weights did -> how many did so.
        counts: Of weights at units that were out for the whole batch.
    """

    step: int
    row: int
    layers: tuple[str, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    states: Mapping[str, int]
    counts: Counts


def plot_network(step: Step, dataset: Dataset, row: int = 0, *, dark: bool = False) -> go.Figure:
    """Return a network in one step: units that are out for one row, and what every weight did.

    A weight has a gradient of the data loss, or moves without one, or stands still; the gradient is that of
    the whole batch. More than 400 weights are counted and not drawn. `layout.meta["description"]` counts them
    in words.

    Args:
        step: From `regcore.dropout_steps.replay_steps`.
        dataset: What it trains on, for names.
        row: Place in the batch of the row whose masks are drawn, from 0.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if the batch has no such row.
    """
    return _draw(_info(step, dataset, row), dark)


def _info(step: Step, dataset: Dataset, row: int) -> NetworkInfo:
    if not 0 <= row < len(step.rows):
        raise ConfigError(f"row must be 0 to {len(step.rows) - 1}, the rows of the batch, got {row!r}")
    kept = [*(mask[row] for mask in step.kept), np.ones(step.before.kernels[-1].shape[1], dtype=bool)]
    n_hidden = len(kept) - 2
    layers = ("inputs", *(f"hidden {at + 1}" for at in range(n_hidden)), "outputs")
    columns = [
        tuple(
            Node(x, y, name, not is_kept)
            for (x, y), name, is_kept in zip(
                _places(at, len(mask)), _names(at, len(mask), layers, dataset), mask, strict=True
            )
        )
        for at, mask in enumerate(kept)
    ]
    moved = movements(step)
    is_drawn = sum(each.moved.size for each in moved) <= MOST_EDGES
    return NetworkInfo(
        step=step.number,
        row=int(step.rows[row]),
        layers=layers,
        nodes=tuple(node for column in columns for node in column),
        edges=tuple(edge for layer in range(len(moved)) for edge in _edges(step, layer, columns))
        if is_drawn
        else (),
        states=_states(moved),
        counts=count_movements(step),
    )


def _places(layer: int, n: int) -> list[tuple[float, float]]:
    """Return the places of a layer's units: top down, evenly within 0 to 1, in one column or more."""
    n_columns = -(-n // TALLEST)
    n_down = -(-n // n_columns)
    left = layer - APART * (n_columns - 1) / 2
    return [(left + APART * (unit // n_down), 1 - (unit % n_down + 0.5) / n_down) for unit in range(n)]


def _states(moved: Sequence[Movement]) -> dict[str, int]:
    """Return how many weights of all layers did what."""
    learns, drifts = (
        sum(int(np.count_nonzero(of)) for of in each)
        for each in (
            [one.has_gradient for one in moved],
            [one.moved & ~one.has_gradient for one in moved],
        )
    )
    return {LEARNS: learns, DRIFTS: drifts, RESTS: sum(one.moved.size for one in moved) - learns - drifts}


def _names(at: int, n: int, layers: tuple[str, ...], dataset: Dataset) -> list[str]:
    if at == 0:
        return list(dataset.feature_names)
    if at == len(layers) - 1:
        return list(dataset.target_names) if n == len(dataset.target_names) else ["output"]
    return [f"{layers[at]}, unit {unit + 1}" for unit in range(n)]


def _edges(step: Step, layer: int, columns: list[tuple[Node, ...]]) -> list[Edge]:
    movement, gradient = movements(step)[layer], step.gradient.kernels[layer]
    moved = step.after.kernels[layer] - step.before.kernels[layer]
    return [
        Edge(
            (left.x, left.y),
            (right.x, right.y),
            _state(bool(movement.has_gradient[i, j]), bool(movement.moved[i, j])),
            float(gradient[i, j]),
            float(moved[i, j]),
        )
        for i, left in enumerate(columns[layer])
        for j, right in enumerate(columns[layer + 1])
    ]


def _state(has_gradient: bool, moved: bool) -> str:
    if has_gradient:
        return LEARNS
    return DRIFTS if moved else RESTS


def _draw(info: NetworkInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure()
    for state in (RESTS, DRIFTS, LEARNS):
        edges = [edge for edge in info.edges if edge.state == state]
        figure.add_trace(_lines(state, edges, info.states[state]))
    figure.add_trace(_middles(info.edges))
    size = MARKER if info.edges else SMALL_MARKER
    for is_out in (False, True):
        figure.add_trace(_units([node for node in info.nodes if node.is_out == is_out], is_out, size))
    for at, layer in enumerate(info.layers):
        figure.add_annotation(x=at, y=1.06, text=layer, showarrow=False, font={"size": 13})
    axis = {"visible": False, "fixedrange": True}
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        hovermode="closest",
        meta={"description": _describe(info)},
        legend={"orientation": "h", "x": 0, "y": 0, "yanchor": "top", "traceorder": "normal"},
        xaxis={"range": _reach(info), **axis},
        yaxis={"range": [-0.03, 1.12], **axis},
    )
    return figure


def _reach(info: NetworkInfo) -> tuple[float, float]:
    """Return the range of the axis: all units, and some room beside them."""
    places = [node.x for node in info.nodes]
    return min(places) - 0.25, max(places) + 0.25


def _lines(state: str, edges: list[Edge], n: int) -> go.Scatter:
    """Return all weights that did the same as one line, with gaps between them; its name counts them."""
    colour, dash, width = LOOKS[state]
    # The legend leaves out what has no points at all.
    nowhere = [None] if n else []
    return go.Scatter(
        x=[x for edge in edges for x in (edge.start[0], edge.end[0], None)] or nowhere,
        y=[y for edge in edges for y in (edge.start[1], edge.end[1], None)] or nowhere,
        mode="lines",
        name=f"{state}: {n:,}",
        line={"color": colour, "dash": dash, "width": width},
        hoverinfo="skip",
    )


def _middles(edges: tuple[Edge, ...]) -> go.Scatter:
    """Return points on the weights that nobody sees, for lines themselves cannot be hovered over."""
    return go.Scatter(
        x=[0.62 * edge.start[0] + 0.38 * edge.end[0] for edge in edges],
        y=[0.62 * edge.start[1] + 0.38 * edge.end[1] for edge in edges],
        mode="markers",
        showlegend=False,
        marker={"size": 9, "opacity": 0},
        customdata=[[edge.gradient, edge.moved, edge.state] for edge in edges],
        hovertemplate="weight: %{customdata[2]}<br>gradient %{customdata[0]:.3g}, moved by "
        "%{customdata[1]:.3g}<extra></extra>",
    )


def _units(nodes: list[Node], is_out: bool, size: int) -> go.Scatter:
    colour = NEUTRAL if is_out else COLOURS[1]
    return go.Scatter(
        x=[node.x for node in nodes],
        y=[node.y for node in nodes],
        mode="markers",
        name=f"{OUT if is_out else IN}: {len(nodes)}",
        marker={
            "symbol": "circle-x-open" if is_out else "circle",
            "size": size,
            "color": colour,
            "opacity": 1,
            "line": {"width": 2, "color": colour if is_out else OUTLINE},
        },
        customdata=[node.name for node in nodes],
        hovertemplate=f"%{{customdata}}: {OUT if is_out else IN}<extra></extra>",
    )


def _describe(info: NetworkInfo) -> str:
    out = [node.name for node in info.nodes if node.is_out]
    counts = ", ".join(f"{n:,} {state}" for state, n in info.states.items())
    units = f"{len(out)} of {len(info.nodes)} units are out"
    named = f"{units}: {'; '.join(out)}" if out and info.edges else units
    return (
        f"Step {info.step}, row {info.row}: {named}. Of {info.counts.weights:,} weights {counts}. "
        f"{info.counts.out:,} weights are at a unit that was out for the whole batch: "
        f"{info.counts.out_with_gradient:,} of them have a gradient, {info.counts.out_moved:,} move all the "
        "same."
    )
