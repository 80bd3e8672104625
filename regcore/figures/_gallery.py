"""Images as they are, and as a network is shown them, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._layout import set_layout
from regcore.figures._style import template

if TYPE_CHECKING:
    from regcore.augmentation import Seen
    from regcore.data import Dataset

# Light on dark, as the images are, on either page.
INK, PAPER = "#f4f4f4", "#20242a"
# In units of an image's side: between tiles, more after the originals, and where tiles have captions.
GAP, AFTER_ORIGINAL, CAPTION = 0.12, 0.5, 0.5
LINE_HEIGHT, HEAD = 52, 30
# Longer names of classes have no room below a tile.
SHORT = 2

Floats = npt.NDArray[np.floating]


class GalleryLine(NamedTuple):
    """One line: what it is of, the original and what was shown, [height, width] each, and a text for each.

    `captions` stand below tiles, empty where a tile is of its own row alone.
    """

    name: str
    tiles: tuple[Floats, ...]
    hovers: tuple[str, ...]
    captions: tuple[str, ...]

    @property
    def height(self) -> float:
        """With the room below it, in tiles: more where there is text, which is seen to be of this line."""
        return 1 + (CAPTION if any(self.captions) else GAP)


class GalleryInfo(NamedTuple):
    """Everything that the figure shows."""

    epochs: tuple[int, ...]
    lines: tuple[GalleryLine, ...]


def plot_gallery(seen: Seen, dataset: Dataset, *, dark: bool = False) -> go.Figure:
    """Return training images as they are and as they were shown in each epoch, a line for each image.

    Args:
        seen: What a network was shown.
        dataset: Where the images are from.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if the data set is not of images.
    """
    return _draw(_info(seen, dataset), dark)


def plot_operations(seen: Mapping[str, Seen], dataset: Dataset, *, dark: bool = False) -> go.Figure:
    """Return the first image of each, as it is and as it was shown, a line for each kind of augmentation.

    Args:
        seen: What a network with that augmentation alone was shown, by its name.
        dataset: Where the images are from.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if the data set is not of images.
    """
    return _draw(_info_of_operations(seen, dataset), dark)


def _info(seen: Seen, dataset: Dataset) -> GalleryInfo:
    lines = [_line(seen, at, _name(seen, at, dataset), dataset) for at in range(len(seen.rows))]
    return GalleryInfo(seen.epochs, tuple(lines))


def _name(seen: Seen, at: int, dataset: Dataset) -> str:
    """Return the label that an image was given, and its true one where that is another."""
    given, true = (dataset.target_names[int(label)] for label in (seen.labels[at], dataset.y[seen.rows[at]]))
    return given if given == true else f"{given},<br>truly {true}"


def _info_of_operations(seen: Mapping[str, Seen], dataset: Dataset) -> GalleryInfo:
    lines = [_line(each, 0, name, dataset) for name, each in seen.items()]
    return GalleryInfo(next(iter(seen.values())).epochs, tuple(lines))


def _line(seen: Seen, at: int, name: str, dataset: Dataset) -> GalleryLine:
    if dataset.image_shape is None:
        raise ConfigError(f"dataset must be of images, got {dataset.name!r}")
    hovers, captions = ["as it is"], [""]
    for epoch, share, other in zip(seen.epochs, seen.share[at], seen.mixed_with[at], strict=True):
        mixed = share < 1
        target = dataset.target_names[int(other)]
        hovers.append(
            f"epoch {epoch}" + (f": {share:.3f} of it, {1 - share:.3f} of a {target}" if mixed else "")
        )
        captions.append(f"+ {target}" if mixed and len(target) <= SHORT else "")
    tiles = [seen.original[at], *seen.shown[at]]
    images = tuple(tile.reshape(dataset.image_shape) for tile in tiles)
    return GalleryLine(name, images, tuple(hovers), tuple(captions))


def _draw(info: GalleryInfo, dark: bool = False) -> go.Figure:
    height, width = info.lines[0].tiles[0].shape
    lefts = [
        at * width * (1 + GAP) + (at > 0) * width * (AFTER_ORIGINAL - GAP)
        for at in range(1 + len(info.epochs))
    ]
    *tops, bottom = (
        -height * above for above in accumulate((line.height for line in info.lines), initial=0.0)
    )
    figure = go.Figure()
    for line, top in zip(info.lines, tops, strict=True):
        limits = float(np.min(line.tiles)), float(np.max(line.tiles))
        for tile, left in zip(line.tiles, lefts, strict=True):
            figure.add_trace(_image(tile, left, top, limits))
        figure.add_trace(_texts(line, [left + width / 2 for left in lefts], top - height / 2))
    set_layout(
        figure,
        template=template(dark),
        height=HEAD + round(LINE_HEIGHT * -bottom / height),
        margin={"l": 92, "r": 4, "t": HEAD, "b": 4},
        hovermode="closest",
        showlegend=False,
        meta={"description": _describe(info)},
        annotations=[
            *_heads(info, lefts, width),
            *_names(info, tops, height),
            *_captions(info, lefts, tops, height),
        ],
        xaxis={"range": [0, lefts[-1] + width], "visible": False, "fixedrange": True, "constrain": "domain",
               "constraintoward": "left"},
        yaxis={"range": [bottom, 0], "visible": False, "fixedrange": True,
               "scaleanchor": "x", "constrain": "domain", "constraintoward": "top"},
    )  # fmt: skip
    return figure


def _image(tile: Floats, left: float, top: float, limits: tuple[float, float]) -> go.Heatmap:
    return go.Heatmap(
        z=np.asarray(tile, dtype=np.float32),
        x0=left + 0.5,
        dx=1,
        y0=top - 0.5,
        dy=-1,
        zmin=limits[0],
        zmax=limits[1],
        colorscale=[[0, PAPER], [1, INK]],
        showscale=False,
        hoverinfo="skip",
    )


def _texts(line: GalleryLine, x: list[float], y: float) -> go.Scatter:
    """Return invisible points over the tiles of a line, which hold what is said of each."""
    return go.Scatter(
        x=x,
        y=[y] * len(x),
        mode="markers",
        marker={"size": 40, "opacity": 0},
        text=[f"{line.name.replace('<br>', ' ')}, {hover}" for hover in line.hovers],
        hovertemplate="%{text}<extra></extra>",
    )


def _heads(info: GalleryInfo, lefts: list[float], width: int) -> list[dict[str, object]]:
    names = [
        "as it is",
        *(f"epoch {epoch}" if at == 0 else str(epoch) for at, epoch in enumerate(info.epochs)),
    ]
    return [
        _note(name, left + width / 2, 0, xanchor="center", yanchor="bottom")
        for name, left in zip(names, lefts, strict=True)
    ]


def _names(info: GalleryInfo, tops: list[float], height: int) -> list[dict[str, object]]:
    return [
        _note(line.name, 0, top - height / 2, xanchor="right", yanchor="middle", xshift=-8)
        for line, top in zip(info.lines, tops, strict=True)
    ]


def _captions(
    info: GalleryInfo, lefts: list[float], tops: list[float], height: int
) -> list[dict[str, object]]:
    return [
        _note(caption, left, top - height, xanchor="left", yanchor="top", yshift=4, font={"size": 11})
        for line, top in zip(info.lines, tops, strict=True)
        for caption, left in zip(line.captions, lefts, strict=True)
        if caption
    ]


def _note(text: str, x: float, y: float, **more: object) -> dict[str, object]:
    return {"text": text, "x": x, "y": y, "showarrow": False, "font": {"size": 12}, **more}


def _describe(info: GalleryInfo) -> str:
    names = "; ".join(line.name.replace("<br>", " ") for line in info.lines)
    first = info.lines[0]
    changed = sum(not np.allclose(tile, first.tiles[0], atol=1e-6) for tile in first.tiles[1:])
    return (
        f"Images as they are, and as one network was shown them in epochs {info.epochs[0]} to "
        f"{info.epochs[-1]}: {names}. Of the first, {changed} of {len(info.epochs)} differ from the original."
    )
