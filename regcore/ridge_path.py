"""A linear problem of two weights under an L2 penalty, in closed form: theory, nothing here is trained."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regcore.errors import ConfigError

Floats = npt.NDArray[np.float64]


class TwoWeights(NamedTuple):
    """Mean squared error of a linear model around its minimum: (w - optimum)' curvature (w - optimum).

    Up to a constant, this is mean((y - Xw)^2) with curvature X'X / n.

    Attributes:
        curvature: ((a, b), (b, c)), positive definite.
        optimum: The two weights without a penalty.
    """

    curvature: tuple[tuple[float, float], tuple[float, float]]
    optimum: tuple[float, float]

    def loss(self, first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
        """Return the data loss above its minimum, at weights that broadcast against each other."""
        (a, b), (_, c) = self.curvature
        u = np.asarray(first, dtype=np.float64) - self.optimum[0]
        v = np.asarray(second, dtype=np.float64) - self.optimum[1]
        loss: Floats = a * u * u + 2 * b * u * v + c * v * v
        return loss


def tilted_valley(steep: float, flat: float, degrees: float, optimum: tuple[float, float]) -> TwoWeights:
    """Return a valley whose curvature is `steep` along the direction at this angle, and `flat` across it.

    Raises:
        ConfigError: if a curvature is not above 0.
    """
    for name, value in (("steep", steep), ("flat", flat)):
        if not 0 < value < math.inf:
            raise ConfigError(f"{name} must be above 0 and finite, got {value!r}")
    across, along = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    mixed = (steep - flat) * across * along
    return TwoWeights(
        (
            (steep * across**2 + flat * along**2, mixed),
            (mixed, steep * along**2 + flat * across**2),
        ),
        optimum,
    )


def ridge_path(problem: TwoWeights, l2: npt.ArrayLike) -> Floats:
    """Return the minimum of data loss + l2 * (w1^2 + w2^2) for each strength, [strengths, 2].

    Its closed form is (curvature + l2)^-1 curvature optimum (Hoerl and Kennard 1970): along a direction of
    curvature h, the optimum is multiplied by h / (h + l2) (Goodfellow, Bengio and Courville, Deep Learning,
    equation 7.13, whose alpha and Hessian are twice l2 and the curvature).

    Raises:
        ConfigError: if a strength is not 0 or more.
    """
    strengths = np.atleast_1d(np.asarray(l2, dtype=np.float64))
    if not ((strengths >= 0) & np.isfinite(strengths)).all():
        raise ConfigError(f"l2 must be 0 or more and finite, got {l2!r}")
    curvature = np.asarray(problem.curvature)
    pulled = curvature @ np.asarray(problem.optimum)
    penalised = curvature + strengths[:, None, None] * np.eye(2)
    path: Floats = np.linalg.solve(penalised, np.broadcast_to(pulled[:, None], (len(strengths), 2, 1)))
    return path[:, :, 0]
