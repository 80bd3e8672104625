"""Made-up data sets: rows drawn one after the other from a formula.

Every function takes the number of rows, the noise and a random generator, and returns float64 X [n, f] and y
[n]. The same generator gives the same rows at any noise (they only move), and a larger number of rows begins
with the smaller one. Classes take turns, so they are balanced to within one row.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regcore.data.types import Floats, Integers, Targets

Table = tuple[Floats, Targets]


def make_moons(n_rows: int, noise: float, rng: np.random.Generator) -> Table:
    """Return two interleaved half circles of radius 1, each point blurred by `noise` (standard deviation)."""
    place, blur = rng.spawn(2)
    label = _labels(n_rows, 2)
    angle = np.pi * place.random(n_rows)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    return np.where(label[:, None] == 0, upper, lower) + noise * blur.standard_normal((n_rows, 2)), label


def make_circles(n_rows: int, noise: float, rng: np.random.Generator) -> Table:
    """Return circles of radius 1 and 2, each point blurred by `noise` (standard deviation)."""
    place, blur = rng.spawn(2)
    label = _labels(n_rows, 2)
    circles = _polar(1.0 + label, 2 * np.pi * place.random(n_rows))
    return circles + noise * blur.standard_normal((n_rows, 2)), label


def make_spirals(n_rows: int, noise: float, rng: np.random.Generator) -> Table:
    """Return two spiral arms a distance of 1 apart, one and a half turns each, blurred by `noise`.

    Points are spread evenly along an arm.
    """
    place, blur = rng.spawn(2)
    label = _labels(n_rows, 2)
    # The length of an arm grows with the square of its angle, so the root spreads the points evenly.
    angle = 3 * np.pi * np.sqrt(place.random(n_rows))
    arms = _polar(angle / np.pi, angle + np.pi * label)
    return arms + noise * blur.standard_normal((n_rows, 2)), label


def make_xor(n_rows: int, noise: float, rng: np.random.Generator) -> Table:
    """Return points of a square of side 4, class 1 where their signs differ, then blurred by `noise`."""
    place, blur = rng.spawn(2)
    quadrant = _labels(n_rows, 4)
    signs = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])[quadrant]
    square = signs * 2 * place.random((n_rows, 2))
    return square + noise * blur.standard_normal((n_rows, 2)), quadrant % 2


def make_blobs(n_rows: int, noise: float, rng: np.random.Generator) -> Table:
    """Return four clouds of standard deviation `noise` around the corners of a square of side 1."""
    label = _labels(n_rows, 4)
    centers = np.array([[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]])
    return centers[label] + noise * rng.standard_normal((n_rows, 2)), label


def make_sine(n_rows: int, noise: float, rng: np.random.Generator) -> Table:
    """Return x, uniform from -pi to pi, and y = sin(x) plus a normal error of standard deviation `noise`."""
    place, blur = rng.spawn(2)
    x = np.pi * (2 * place.random((n_rows, 1)) - 1)
    return x, np.sin(x[:, 0]) + noise * blur.standard_normal(n_rows)


def make_article_binary(n_rows: int, noise: float, rng: np.random.Generator) -> Table:
    """Return five standard normal features, of which the first two decide the class, and not always.

    y = 1 where (x1 + x2) / sqrt(2) plus a normal error of standard deviation `noise` is positive, so that
    even the true rule is wrong on arctan(noise) / pi of the rows.
    """
    place, blur = rng.spawn(2)
    X = place.standard_normal((n_rows, 5))
    score = (X[:, 0] + X[:, 1]) / np.sqrt(2) + noise * blur.standard_normal(n_rows)
    return X, (score > 0).astype(np.int64)


def make_article_regression(n_rows: int, noise: float, rng: np.random.Generator) -> Table:
    """Return 32 features and a target, all uniform from 0 to 1, that have nothing to do with each other.

    No prediction beats the mean. `noise` is not used: there is nothing else in the target.
    """
    features, target = rng.spawn(2)
    return features.random((n_rows, 32)), target.random(n_rows)


def _labels(n_rows: int, n_classes: int) -> Integers:
    return np.arange(n_rows, dtype=np.int64) % n_classes


def _polar(radius: NDArray[Any], angle: Floats) -> Floats:
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
