"""The images that a network got most wrong, with what it took them for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._layout import set_layout
from regcore.figures._style import template

if TYPE_CHECKING:
    from regcore.confusion import WorstRow
    from regcore.data import Dataset

# Images a line: fewer where classes have names rather than digits.
COLUMNS, COLUMNS_OF_NAMES = 4, 3
# In units of an image's side: between columns, and below each line for its captions of three lines.
GAP, CAPTION = 0.14, 0.75
HEIGHT_OF_LINE = 144
# Light on dark, as the images are, on either page.
INK, PAPER = "#f4f4f4", "#20242a"
MIN_LINES = 3
N_DESCRIBED = 3


class Tile(NamedTuple):
    """One image and its caption. Pixels are uint8, row by row from the top."""

    pixels: bytes
    caption: tuple[str, ...]
    hover: str


class WorstInfo(NamedTuple):
    """Everything that the figure shows."""

    shape: tuple[int, int]
    columns: int
    tiles: tuple[Tile, ...]


def plot_worst(rows: Sequence[WorstRow], dataset: Dataset, *, dark: bool = False) -> go.Figure:
    """Return the images of the rows with the largest loss, the worst first.

    Below each: its label, the true one where the given one is wrong, and the prediction with its
    probability. `layout.meta["description"]` says the first of them in words.

    Args:
        rows: From `worst_rows`.
        dataset: Where they are from.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if the data set is not of images.
    """
    return _draw(_info(rows, dataset), dark)


def _info(rows: Sequence[WorstRow], dataset: Dataset) -> WorstInfo:
    if dataset.image_shape is None:
        raise ConfigError(f"dataset must be of images, got {dataset.name!r}")
    columns = COLUMNS if max(map(len, dataset.target_names)) <= 2 else COLUMNS_OF_NAMES
    return WorstInfo(dataset.image_shape, columns, tuple(_tile(row, dataset) for row in rows))


def _tile(row: WorstRow, dataset: Dataset) -> Tile:
    pixels = dataset.X[row.row]
    low, high = float(pixels.min()), float(pixels.max())
    scaled = np.round(255 * (pixels - low) / ((high - low) or 1.0)).astype(np.uint8)
    names = dataset.target_names
    truth = (f"truly {names[row.true]}",) if row.given != row.true else ()
    return Tile(
        pixels=scaled.tobytes(),
        caption=(
            f"label {names[row.given]}",
            *truth,
            f"says {names[row.predicted]}, {100 * row.probability:.0f} %",
        ),
        hover=(
            f"row {row.row}<br>label {names[row.given]}: {100 * row.probability_of_given:.3g} %"
            f"<br>predicted {names[row.predicted]}: {100 * row.probability:.3g} %<br>loss {row.loss:.3g}"
        ),
    )


def _draw(info: WorstInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure()
    height, width = info.shape
    for at, tile in enumerate(info.tiles):
        line, column = divmod(at, info.columns)
        left, top = column * width * (1 + GAP), -line * height * (1 + CAPTION)
        figure.add_trace(_image(tile, info.shape, left, top))
        figure.add_annotation(
            text="<br>".join(tile.caption),
            x=left,
            y=top - height,
            xanchor="left",
            yanchor="top",
            align="left",
            showarrow=False,
            font={"size": 11},
        )
    # Room for as many as pages ask for, so that nothing below moves when they come.
    lines = max(MIN_LINES, -(-len(info.tiles) // info.columns))
    hidden = {"visible": False, "fixedrange": True, "constrain": "domain"}
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT_OF_LINE * lines,
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        hovermode="closest",
        meta={"description": _describe(info)},
        xaxis={"range": [0, info.columns * width * (1 + GAP)], "constraintoward": "left", **hidden},
        yaxis={
            "range": [-lines * height * (1 + CAPTION), 0],
            "scaleanchor": "x",
            "constraintoward": "top",
            **hidden,
        },
    )
    return figure


def _image(tile: Tile, shape: tuple[int, int], left: float, top: float) -> go.Heatmap:
    return go.Heatmap(
        z=np.frombuffer(tile.pixels, np.uint8).reshape(shape),
        x0=left + 0.5,
        dx=1,
        y0=top - 0.5,
        dy=-1,
        zmin=0,
        zmax=255,
        colorscale=[[0, PAPER], [1, INK]],
        showscale=False,
        hovertemplate=f"{tile.hover}<extra></extra>",
    )


def _describe(info: WorstInfo) -> str:
    if not info.tiles:
        return "No rows to show yet."
    first = "; ".join(", ".join(tile.caption) for tile in info.tiles[:N_DESCRIBED])
    return f"The {len(info.tiles)} rows with the largest loss, the worst first: {first}."
