"""A small picture of each built-in data set, to choose it by."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape

import numpy as np
import numpy.typing as npt

from regcore.config import Config
from regcore.data import DATASET_INFO, Dataset, load_dataset
from regcore.errors import ConfigError
from regcore.figures._style import NEUTRAL, class_colour

WIDTH, HEIGHT, MARGIN = 96, 64, 6
# Enough to see a shape by, and little enough of the generators' noise.
N_POINTS, NOISE = 90, 0.12
POINT, STROKE = 3.4, 2.2
N_DIGITS_ACROSS, N_DIGITS_DOWN = 4, 2
INK_LEVELS = 3
# A number is drawn the darker the larger it is, in so many steps.
TARGET_LEVELS = 4

# The files of these are not on every machine, so they are drawn by hand.
_DRAWN = {
    "mnist": "M15 21q8 -10 14 -1t-6 11q11 0 8 9t-16 5M48 14q-14 18 -9 29t14 3t-4 -15t-11 6M67 16h16l-9 32",
    "fashion_mnist": "M38 12l-16 8l5 12l6 -3v24h30v-24l6 3l5 -12l-16 -8q-10 9 -20 0z",
}
# Its first two features decide the class; they are no more spread out than the others.
_FIRST_TWO_FEATURES = "article_binary"

Floats = npt.NDArray[np.float64]


@cache
def thumbnail(name: str) -> str:
    """Return a picture of a built-in data set as SVG text, 96 by 64, on a transparent ground.

    Points of two features, or of a table's first two principal components, in the colours of their classes;
    a curve; or a few images. Made from the data, except for MNIST and Fashion-MNIST, which are drawn.

    Raises:
        ConfigError: if there is no such data set.
    """
    if name not in DATASET_INFO:
        raise ConfigError(f"name must be one of {', '.join(DATASET_INFO)}, got {name!r}")
    info = DATASET_INFO[name]
    title = escape(f"{info.title}: {info.description}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img"><title>{title}</title>{_picture(name)}</svg>'
    )


def _picture(name: str) -> str:
    if name in _DRAWN:
        return _stroke(_DRAWN[name], NEUTRAL, 3.5)
    dataset = load_dataset(Config().replace(data=name, noise=NOISE))
    if dataset.image_shape is not None:
        return _images(dataset)
    if dataset.n_features == 1:
        return _curve(dataset)
    return _points(dataset)


def _points(dataset: Dataset) -> str:
    rows = np.delete(np.arange(dataset.n_rows), dataset.test_rows)
    # Tables come sorted by class, so rows are taken from all over.
    rows = rows[np.linspace(0, len(rows) - 1, N_POINTS).astype(np.int64)]
    plane = dataset.X[:, :2]
    if dataset.n_features > 2 and dataset.name != _FIRST_TWO_FEATURES:
        plane = _principal_components(dataset.X)
    places = _fit(plane[rows])
    y = dataset.y[rows]
    if dataset.task == "regression":
        levels = np.argsort(np.argsort(y)) * TARGET_LEVELS // len(y)
        return "".join(
            _dots(places[levels == level], class_colour(0), (level + 1) / TARGET_LEVELS)
            for level in range(TARGET_LEVELS)
        )
    return "".join(_dots(places[y == label], class_colour(label)) for label in range(dataset.n_classes))


def _principal_components(X: Floats) -> Floats:
    """Return the first two principal components of the standardized rows."""
    spread = X.std(axis=0)
    scaled = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    left, sizes, _ = np.linalg.svd(scaled, full_matrices=False)
    components: Floats = left[:, :2] * sizes[:2]
    return components


def _curve(dataset: Dataset) -> str:
    order = np.argsort(dataset.X[:, 0])
    x, y = dataset.X[order, 0], dataset.y[order]
    chosen = np.linspace(0, len(x) - 1, N_POINTS // 3).astype(np.int64)
    places = _fit(np.column_stack([x, y])[chosen])
    # The curve is the mean of the rows nearby.
    nearby = len(x) // 24
    smooth = np.convolve(y, np.full(nearby, 1 / nearby), mode="same")
    middle = np.linspace(nearby, len(x) - nearby, N_POINTS // 2).astype(np.int64)
    scale = np.ptp(places[:, 1]) / np.ptp(y[chosen])
    heights = places[:, 1].max() - (smooth[middle] - y[chosen].min()) * scale
    across = MARGIN + (WIDTH - 2 * MARGIN) * (x[middle] - x[0]) / (x[-1] - x[0])
    line = "M" + "L".join(f"{at:.1f} {height:.1f}" for at, height in zip(across, heights, strict=True))
    return _dots(places, class_colour(0), 0.6) + _stroke(line, class_colour(0), STROKE)


def _images(dataset: Dataset) -> str:
    """Return one image of each of the first classes as pixels."""
    assert dataset.image_shape is not None
    # One pixel wider and higher than an image, so that images stand apart.
    height, width = (length + 1 for length in dataset.image_shape)
    side = min((WIDTH - MARGIN) / N_DIGITS_ACROSS / width, (HEIGHT - MARGIN) / N_DIGITS_DOWN / height)
    left = (WIDTH - (N_DIGITS_ACROSS * width - 1) * side) / 2
    top = (HEIGHT - (N_DIGITS_DOWN * height - 1) * side) / 2
    pixels: dict[int, list[str]] = {level: [] for level in range(1, INK_LEVELS + 1)}
    for label in range(N_DIGITS_ACROSS * N_DIGITS_DOWN):
        image = dataset.X[np.flatnonzero(dataset.y == label)[0]].reshape(dataset.image_shape)
        levels = np.round(INK_LEVELS * image / image.max()).astype(np.int64)
        down, across = divmod(label, N_DIGITS_ACROSS)
        for row, column in np.argwhere(levels > 0).tolist():
            x, y = left + (across * width + column) * side, top + (down * height + row + 0.5) * side
            pixels[int(levels[row, column])].append(f"M{x:.1f} {y:.1f}h{side:.1f}")
    return "".join(
        f'<path d="{"".join(of_level)}" stroke="{NEUTRAL}" stroke-width="{side:.2f}" '
        f'stroke-opacity="{level / INK_LEVELS:.2f}"/>'
        for level, of_level in pixels.items()
    )


def _fit(places: Floats) -> Floats:
    """Return places moved and scaled into the picture, the second coordinate upwards."""
    low, high = places.min(axis=0), places.max(axis=0)
    inside = np.array([WIDTH, HEIGHT]) - 2 * MARGIN
    scaled: Floats = MARGIN + (places - low) / np.where(high > low, high - low, 1.0) * inside
    scaled[:, 1] = HEIGHT - scaled[:, 1]
    return scaled


def _dots(places: Iterable[Floats], colour: str, opacity: float = 1.0) -> str:
    """Return points as strokes of no length with round ends: a third of the text of circles."""
    path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in places)
    return _stroke(path, colour, POINT, opacity)


def _stroke(path: str, colour: str, width: float, opacity: float = 1.0) -> str:
    faint = f' stroke-opacity="{opacity:g}"' if opacity < 1 else ""
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-linecap="round" '
        f'stroke-linejoin="round"{faint}/>'
    )
