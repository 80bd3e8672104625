"""What stopping early and L2 each leave of least squares, direction by direction, on a linear model.

For a linear model and the mean square, both shrink the least-squares weights w* along the eigenvectors q_i
of 2 X'X / n, whose eigenvalues are the curvatures Lambda_i: q_i'w = factor_i * q_i'w*. Where a combination of
features varies much (large Lambda) the factor is near 1; where it hardly varies it is near 0 (Goodfellow,
Bengio, Courville, Deep Learning, 2016, section 7.8).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore.engine.shard import Probe
from regcore.errors import ConfigError

if TYPE_CHECKING:
    from regcore.results import Result

Floats = npt.NDArray[np.float64]

PROBE = "weights"


class Directions(NamedTuple):
    """The eigenvectors of 2 X'X / n on one seed's train rows, and least squares along them.

    Attributes:
        eigenvalues: [f], ascending.
        vectors: [f, f], one a column.
        least_squares: [f], q_i'w* of each.
    """

    eigenvalues: Floats
    vectors: Floats
    least_squares: Floats


class Factors(NamedTuple):
    """What is left of least squares in each direction of one seed: measured, and as the formula has it."""

    seed: int
    eigenvalues: tuple[float, ...]
    measured: tuple[float, ...]
    theory: tuple[float, ...]


def stopping_filter(eigenvalues: npt.ArrayLike, learning_rate: float, steps: int) -> Floats:
    """Return 1 - (1 - eps * Lambda)^t: what gradient descent has of least squares after t steps.

    From zero weights, all rows in each step (Goodfellow et al. 2016, equation 7.40).

    Args:
        eigenvalues: Of 2 X'X / n, 0 or more.
        learning_rate: eps; below 2 / Lambda in each direction, or the steps diverge.
        steps: t, 0 or more.

    Raises:
        ConfigError: if an argument is out of its range.
    """
    curvature = _curvature(eigenvalues)
    if not 0 < learning_rate < math.inf:
        raise ConfigError(f"learning_rate must be above 0 and finite, got {learning_rate!r}")
    if not steps >= 0:
        raise ConfigError(f"steps must be 0 or more, got {steps!r}")
    left: Floats = 1 - (1 - learning_rate * curvature) ** steps
    return left


def ridge_filter(eigenvalues: npt.ArrayLike, l2: float) -> Floats:
    """Return Lambda / (Lambda + 2 * l2): what L2 leaves of least squares.

    The loss is the mean square plus l2 * sum of w^2, Keras's convention, so that its curvature grows by
    2 * l2 (Goodfellow et al. 2016, equation 7.13, whose alpha is 2 * l2).

    Args:
        eigenvalues: Of 2 X'X / n, 0 or more.
        l2: Strength of the penalty, 0 or more.

    Raises:
        ConfigError: if an argument is out of its range.
    """
    curvature = _curvature(eigenvalues)
    if not 0 <= l2 < math.inf:
        raise ConfigError(f"l2 must be 0 or more and finite, got {l2!r}")
    if l2 == 0:
        return np.ones_like(curvature)
    left: Floats = curvature / (curvature + 2 * l2)
    return left


def matching_l2(learning_rate: float, steps: int) -> float:
    """Return 1 / (2 * eps * t), the L2 that shrinks as stopping after t steps does where little was learned.

    Both factors are eps * t * Lambda there, to first order (Goodfellow et al. 2016, equation 7.45, with alpha
    = 2 * l2).

    Raises:
        ConfigError: if an argument is not above 0.
    """
    if not learning_rate > 0:
        raise ConfigError(f"learning_rate must be above 0, got {learning_rate!r}")
    if not steps > 0:
        raise ConfigError(f"steps must be above 0, got {steps!r}")
    return 1 / (2 * learning_rate * steps)


def directions(result: Result, seed: int) -> Directions:
    """Return the directions of one seed's train rows, as the network sees them, and least squares along them.

    Raises:
        ConfigError: if the result is of no linear model with a number as its target.
    """
    if result.config.hidden or result.dataset.task != "regression":
        raise ConfigError(
            "result must be of a linear model (hidden=()) of a regression for its directions, got "
            f"{result.config!r}"
        )
    split = result.dataset.split(seed)
    eigenvalues, vectors = np.linalg.eigh(2 * split.X_train.T @ split.X_train / len(split.X_train))
    # Columns and target are centred, so that least squares needs no intercept.
    solution = np.linalg.lstsq(split.X_train, split.y_train, rcond=None)[0]
    # Rounding may leave one that is 0 a little below.
    return Directions(np.maximum(eigenvalues, 0.0), vectors, vectors.T @ solution)


def stopped_factors(result: Result, seed: int, kernel: npt.ArrayLike, steps: int) -> Factors:
    """Return what gradient descent had of least squares after some steps, measured beside the formula.

    Args:
        result: A linear model trained by plain sgd on all rows at once, from zero.
        seed: Value of the seed column.
        kernel: Its weights after `steps` epochs, [f] or [f, 1], as a probe or `result.weights` has them.
        steps: Epochs, each of one step.

    Raises:
        ConfigError: as `directions` does.
    """
    found = directions(result, seed)
    theory = stopping_filter(found.eigenvalues, result.config.learning_rate, steps)
    return _factors(found, seed, kernel, theory)


def ridge_factors(result: Result, seed: int) -> Factors:
    """Return what L2 left of least squares after the last epoch, measured beside the formula.

    Args:
        result: A linear model trained with l2 until nothing moves any more.
        seed: Value of the seed column.

    Raises:
        ConfigError: as `directions` does.
    """
    found = directions(result, seed)
    kernel = result.weights(seed, epoch=result.config.epochs).kernels[0]
    return _factors(found, seed, kernel, ridge_filter(found.eigenvalues, result.config.l2))


def weights_probe(steps: tuple[int, ...]) -> Probe:
    """Return the probe that records the weights after these epochs, to be handed to `submit`."""
    return Probe(PROBE, "weights", steps)


def _factors(found: Directions, seed: int, kernel: npt.ArrayLike, theory: Floats) -> Factors:
    along = found.vectors.T @ np.asarray(kernel, dtype=np.float64).reshape(-1)
    measured = along / found.least_squares
    return Factors(seed, tuple(found.eigenvalues.tolist()), tuple(measured.tolist()), tuple(theory.tolist()))


def _curvature(eigenvalues: npt.ArrayLike) -> Floats:
    curvature = np.asarray(eigenvalues, dtype=np.float64)
    if not (curvature >= 0).all():
        raise ConfigError(f"eigenvalues must be 0 or more, got {eigenvalues!r}")
    return curvature
