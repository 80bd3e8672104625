"""The boundaries between the classes of each member of an ensemble, over what their average predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures import _boundary
from regcore.figures._boundary import EVEN, MAX_LEVEL, BoundaryInfo
from regcore.figures._layout import lay_out
from regcore.figures._style import COLOURS, LINE_WIDTH, NEUTRAL, THIN_LINE, faded
from regcore.landscape import Landscape

if TYPE_CHECKING:
    from regcore.data import Dataset
    from regcore.landscape import MembersLandscape

LINE_OPACITY = 0.6
HEIGHT = 460
TOP = 92
AVERAGE = {"color": COLOURS[1], "width": LINE_WIDTH + 1.2}


class MemberBoundariesInfo(NamedTuple):
    """Everything that the figure shows.

    Attributes:
        average: What the average predicts, and the rows.
        members: Of each member [layers, rows of the grid, columns] as bytes, 125 on the boundary: P(class 1);
            of more than two classes a layer for each but the last, by how much it leads. The boundaries of
            the last one are those of the others.
        disputed: Part of the picture on which members do not all predict the same class; NaN if one diverged.
    """

    average: BoundaryInfo
    members: tuple[bytes, ...]
    disputed: float


def plot_member_boundaries(members: MembersLandscape, dataset: Dataset, *, dark: bool = False) -> go.Figure:
    """Return the boundaries of each member of one seed, thin, over what their average predicts.

    Colours and rows are those of `plot_boundary`. `layout.meta["description"]` says in words on which part of
    the picture members differ.

    Args:
        members: Over two features, of classes.
        dataset: What they were trained on.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if there are not two features, or no classes.
    """
    return _draw(_info(members, dataset), dark)


def _info(members: MembersLandscape, dataset: Dataset) -> MemberBoundariesInfo:
    if members.grid.y is None or dataset.task == "regression":
        raise ConfigError(f"members must be of classes over two features, got {dataset.task}")
    kept = Landscape(members.grid, members.seed, (), (), (0,), members.mean)
    values = np.stack(members.members)
    predicted = values > 0.5 if dataset.task == "binary" else values.argmax(axis=2)
    disputed = float(np.mean((predicted != predicted[0]).any(axis=0)))
    return MemberBoundariesInfo(
        _boundary._info({"average": kept}, dataset),
        tuple(map(_levels, members.members)),
        disputed if np.isfinite(values).all() else float("nan"),
    )


def _levels(probabilities: npt.NDArray[np.float64]) -> bytes:
    """Return P(class 1), or by how much each class but the last leads, in layers as bytes."""
    if probabilities.ndim == 1:
        return _boundary._as_bytes(MAX_LEVEL * probabilities)
    return _boundary._as_bytes(EVEN * (1 + _boundary._leads(probabilities)[:, :-1].T))


def _draw(info: MemberBoundariesInfo, dark: bool = False) -> go.Figure:
    average = info.average
    layers = _boundary._layers(average, average.panels[0].pictures[0])
    figure = go.Figure([{**layer, "line": {**layer["line"], **AVERAGE}} for layer in layers])
    for at, levels in enumerate(info.members):
        figure.add_traces(_lines(average, levels, f"each of {len(info.members)}", in_legend=at == 0))
    figure.add_trace(go.Scatter(x=[None], y=[None], mode="lines", name="average", line=AVERAGE))
    figure.add_traces(_boundary._rows(average, in_legend=True))
    first, second = average.features
    lay_out(
        figure,
        _describe(info),
        _axis(first, average.x),
        _axis(second, average.y),
        dark=dark,
        hovermode="closest",
        margin={"l": 58, "r": 10, "t": TOP, "b": 48, "autoexpand": False},
    )
    return figure.update_layout(height=HEIGHT)


def _axis(title: str, places: tuple[float, ...]) -> dict[str, Any]:
    return {
        "title": {"text": title},
        "showgrid": False,
        "zeroline": False,
        "range": (places[0], places[-1]),
    }


def _lines(average: BoundaryInfo, levels: bytes, name: str, in_legend: bool) -> list[go.Contour]:
    layers = np.frombuffer(levels, np.uint8).reshape(-1, len(average.y), len(average.x))
    return [_line(average, z, name, in_legend and at == 0) for at, z in enumerate(layers)]


def _line(average: BoundaryInfo, z: _boundary.Bytes, name: str, in_legend: bool) -> go.Contour:
    return go.Contour(
        x=average.x,
        y=average.y,
        z=_boundary._without_numbers(z),
        contours={"coloring": "none", "start": EVEN, "end": EVEN, "size": EVEN},
        line={"color": faded(NEUTRAL, LINE_OPACITY), "width": THIN_LINE},
        showscale=False,
        showlegend=in_legend,
        name=name,
        legendgroup="members",
        hoverinfo="skip",
    )


def _describe(info: MemberBoundariesInfo) -> str:
    text = (
        f"Boundaries of {len(info.members)} networks over {' and '.join(info.average.features)}, seed "
        f"{info.average.seed}, and of their average."
    )
    if np.isnan(info.disputed):
        return f"{text} A training has diverged."
    return f"{text} They predict different classes on {info.disputed:.1%} of the picture."
