"""Rows of two features as they are, and where a network was shown them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._layout import lay_out
from regcore.figures._style import class_colour, class_symbol, faded

if TYPE_CHECKING:
    from regcore.augmentation import Seen
    from regcore.data import Dataset

Points = tuple[tuple[float, float], ...]


class SeenPointsInfo(NamedTuple):
    """Everything that the figure shows: the rows of each class, scaled, and the places where they were seen.

    Under mixup a place counts for the class of which it has the larger share.
    """

    names: tuple[str, ...]
    features: tuple[str, ...]
    rows: tuple[Points, ...]
    shown: tuple[Points, ...]
    n_epochs: int


def plot_seen_points(seen: Seen, dataset: Dataset, *, dark: bool = False) -> go.Figure:
    """Return training rows, and where a network was shown them, coloured by class.

    Args:
        seen: What a network was shown.
        dataset: Of classes, with two features.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if rows are no points of classes.
    """
    return _draw(_info(seen, dataset), dark)


def _info(seen: Seen, dataset: Dataset) -> SeenPointsInfo:
    if dataset.n_features != 2 or dataset.task == "regression":
        raise ConfigError(f"dataset must have two features and classes, got {dataset.name!r}")
    labels = range(dataset.n_classes)
    own = seen.share >= 0.5
    of_shown = np.where(own, seen.labels[:, None], seen.mixed_with)
    return SeenPointsInfo(
        dataset.target_names,
        dataset.feature_names,
        tuple(_points(seen.original[seen.labels == label]) for label in labels),
        tuple(_points(seen.shown[of_shown == label]) for label in labels),
        len(seen.epochs),
    )


def _points(values: npt.NDArray[np.floating]) -> Points:
    return tuple(map(tuple, values.tolist()))


def _draw(info: SeenPointsInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure()
    for label, name in enumerate(info.names):
        colour, symbol = class_colour(label), class_symbol(label)
        figure.add_trace(_scatter(f"{name}, as shown", info.shown[label], 4, faded(colour, 0.35), "circle"))
        figure.add_trace(_scatter(name, info.rows[label], 9, colour, symbol))
    n_rows, n_shown = (sum(map(len, points)) for points in (info.rows, info.shown))
    description = f"{n_rows} rows as they are, and {n_shown} places where {info.n_epochs} epochs showed them."
    x, y = ({"title": {"text": f"{name}, scaled"}} for name in info.features)
    return lay_out(figure, description, x, y, dark=dark, hovermode="closest")


def _scatter(name: str, points: Points, size: int, colour: str, symbol: str) -> go.Scatter:
    x, y = zip(*points, strict=True) if points else ((), ())
    return go.Scatter(
        x=x,
        y=y,
        name=name,
        mode="markers",
        marker={"size": size, "color": colour, "symbol": symbol},
        hovertemplate=f"{name}: %{{x:.3f}}, %{{y:.3f}}<extra></extra>",
    )
