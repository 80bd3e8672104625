"""How large the weights of networks are: the ones that a penalty acts on, counted by size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regcore.errors import ConfigError
from regcore.results import Weights

NEAR_ZERO = 0.01


class Histogram(NamedTuple):
    """Weights by size.

    Attributes:
        edges: Of the bins, ascending; a weight beyond them counts in the outermost.
        shares: Part of all weights in each bin.
        near_zero: Part of all weights whose size is below 0.01.
        largest: The largest size.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    near_zero: float
    largest: float


def penalised_weights(networks: Sequence[Weights]) -> npt.NDArray[np.float64]:
    """Return the weights that L2 and weight decay act on, of all networks: those of the hidden kernels, or of
    a linear model's only one."""
    kernels = [kernel for weights in networks for kernel in weights.kernels[:-1] or weights.kernels]
    return np.concatenate([np.asarray(kernel, dtype=np.float64).ravel() for kernel in kernels])


def weight_histogram(weights: npt.ArrayLike, limit: float, n_bins: int = 61) -> Histogram:
    """Return how many weights there are of each size.

    Args:
        weights: At least one, all finite.
        limit: Where the bins end on either side of 0.
        n_bins: How many bins; of an odd number one is around 0.

    Raises:
        ConfigError: if there is no weight, one is not finite, or `limit` is not above 0.
    """
    sizes = np.asarray(weights, dtype=np.float64).ravel()
    if not len(sizes) or not np.isfinite(sizes).all():
        raise ConfigError(f"weights must be finite, at least one, got {len(sizes)} weights")
    if not 0 < limit < math.inf:
        raise ConfigError(f"limit must be above 0 and finite, got {limit!r}")
    edges = np.linspace(-limit, limit, n_bins + 1)
    counts, _ = np.histogram(np.clip(sizes, -limit, limit), edges)
    return Histogram(
        edges=tuple(edges.tolist()),
        shares=tuple((counts / len(sizes)).tolist()),
        near_zero=float(np.mean(np.abs(sizes) < NEAR_ZERO)),
        largest=float(np.abs(sizes).max()),
    )
