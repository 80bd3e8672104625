"""Decision boundaries along the values of a knob: small pictures on the same axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._boundary import BoundaryInfo, _areas, _info, _layers, _rows
from regcore.figures._panels import axes_of
from regcore.figures._style import COLOURS, template

if TYPE_CHECKING:
    from regcore.data import Dataset
    from regcore.landscape import Landscape

N_ACROSS = 4
PLOT, GAP_DOWN, GAP_ACROSS = 150, 34, 0.02
TOP, FOOT = 62, 8
# Of the train rows; in a small picture they would hide it.
POINT = 4


class BoundaryRowInfo(NamedTuple):
    """Everything that the figure shows: the pictures, what they are called, and which is at the cursor."""

    boundaries: BoundaryInfo
    titles: tuple[str, ...]
    shown: int | None


def plot_boundary_row(
    landscapes: Mapping[float, Landscape], dataset: Dataset, shown: float | None = None, *, dark: bool = False
) -> go.Figure:
    """Return the decision boundary at each value of a knob, four in a row, with the weights that are kept.

    Colours, line and symbols are those of `plot_boundary`; the train rows alone are drawn. The picture at the
    cursor has a frame. `layout.meta["description"]` says in words what is shown.

    Args:
        landscapes: Value -> landscape, all of one seed and data set of two features.
        dataset: What they were trained on.
        shown: The value at the cursor; None or another value: no frame.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if there is no landscape, or they are of several seeds.
    """
    values = list(landscapes)
    named = {f"{value:g}" if value else "off": each for value, each in landscapes.items()}
    info = BoundaryRowInfo(
        _info(named, dataset), tuple(named), values.index(shown) if shown in values else None
    )
    return _draw(info, dark)


def _draw(row: BoundaryRowInfo, dark: bool) -> go.Figure:
    info = row.boundaries
    if not info.steps:
        raise ConfigError("landscapes must have predictions, got none: wait for the run to end")
    figure = go.Figure()
    for at, panel in enumerate(info.panels):
        for trace in (*_layers(info, panel.pictures[info.shown]), *_small_rows(info, at == 0)):
            figure.add_trace(trace | axes_of(at))
    n_down = -(-len(info.panels) // N_ACROSS)
    height = n_down * PLOT + (n_down - 1) * GAP_DOWN
    layout: dict[str, Any] = {
        "template": template(dark),
        "height": height + TOP + FOOT,
        "margin": {"l": 8, "r": 8, "t": TOP, "b": FOOT, "autoexpand": False},
        "hovermode": "closest",
        "meta": {"description": _describe(row)},
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1 + 28 / height,
            "yanchor": "bottom",
            "itemsizing": "constant",
        },
        "annotations": [_title(row, at, height) for at in range(len(info.panels))],
    }
    for at in range(len(info.panels)):
        layout |= _axes(row, at, height)
    figure.update_layout(layout)
    return figure


def _small_rows(info: BoundaryInfo, in_legend: bool) -> list[dict[str, Any]]:
    return [
        {**trace, "marker": {**trace["marker"], "size": POINT}}
        for trace, points in zip(_rows(info, in_legend), info.points, strict=False)
        if points.split == "train"
    ]


def _place(at: int, height: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where a picture is, from left to right and from bottom to top."""
    down, across = divmod(at, N_ACROSS)
    width = (1 - GAP_ACROSS * (N_ACROSS - 1)) / N_ACROSS
    left, top = across * (width + GAP_ACROSS), 1 - down * (PLOT + GAP_DOWN) / height
    return (left, left + width), (max(top - PLOT / height, 0.0), top)


def _axes(row: BoundaryRowInfo, at: int, height: float) -> dict[str, Any]:
    across, down = _place(at, height)
    suffix, info = str(at + 1) if at else "", row.boundaries
    bare: dict[str, Any] = {"showticklabels": False, "showgrid": False, "zeroline": False}
    if at == row.shown:
        bare |= {"showline": True, "mirror": True, "linewidth": 3, "linecolor": COLOURS[1]}
    return {
        f"xaxis{suffix}": {
            "anchor": f"y{suffix}", "domain": across, "range": (info.x[0], info.x[-1]), **bare,
        },
        f"yaxis{suffix}": {
            "anchor": f"x{suffix}", "domain": down, "range": (info.y[0], info.y[-1]), **bare,
        },
    }  # fmt: skip


def _title(row: BoundaryRowInfo, at: int, height: float) -> dict[str, Any]:
    (left, _), (_, top) = _place(at, height)
    return {
        "text": f"<b>{row.titles[at]}</b>" if at == row.shown else row.titles[at],
        "x": left, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom",
        "showarrow": False, "font": {"size": 13},
    }  # fmt: skip


def _describe(row: BoundaryRowInfo) -> str:
    info = row.boundaries
    areas = " ".join(_areas(info, panel, "with the weights it keeps") for panel in info.panels)
    cursor = f" The cursor is at {row.titles[row.shown]}." if row.shown is not None else ""
    return f"Decision boundaries over {' and '.join(info.features)}, seed {info.seed}.{cursor} {areas}"
