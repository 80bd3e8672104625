"""What a penalty takes off single weights in each step, read off recorded weights.

Inputs that are 0 on every train row leave their weights to the penalty alone: the data's gradient there is
exactly 0, so whatever those weights do is decay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore.data import Dataset
from regcore.errors import ConfigError
from regcore.results import Weights

Recorded = Mapping[int, Sequence[npt.NDArray[Any]]]
"""What a probe of weights recorded of one network, as `Run.probe` returns it: epoch -> kernels, biases."""


class Decay(NamedTuple):
    """What was left of some weights after each step, from before the first one on.

    Attributes:
        left: Their norm, as a part of what it was before the first step.
        factors: What each step multiplied them by: the least-squares slope through 0 of the weights after
            it on those before it.
    """

    left: tuple[float, ...]
    factors: tuple[float, ...]


class Stillness(NamedTuple):
    """Weights that the data leaves alone, in a training without a penalty: how many they are, and how many of
    them have not changed by a bit."""

    n_weights: int
    n_unmoved: int


def recorded_weights(recorded: Recorded, epoch: int) -> Weights:
    """Return the weights that a probe recorded after an epoch; 0 is before the first step."""
    arrays = recorded[epoch]
    n_layers = len(arrays) // 2
    return Weights(tuple(arrays[:n_layers]), tuple(bias.reshape(-1) for bias in arrays[n_layers:]))


def silent_inputs(X: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Return the columns of X [rows, features] that are 0 on every row, ascending."""
    return np.flatnonzero(~np.any(np.asarray(X) != 0, axis=0))


def nominal_factor(learning_rate: float, l2: float = 0.0, weight_decay: float = 0.0) -> float:
    """Return what a step of gradient descent multiplies a weight by where the data has no gradient.

    1 - 2 * learning_rate * l2 - learning_rate * weight_decay (Loshchilov and Hutter 2019, equations 1 and 2).
    """
    return 1 - 2 * learning_rate * l2 - learning_rate * weight_decay


def measure_decay(steps: Sequence[npt.ArrayLike]) -> Decay:
    """Return what became of some weights.

    Args:
        steps: The weights before the first step, after it, and so on: two or more, of one shape.

    Raises:
        ConfigError: if there are fewer, or the first are all 0.
    """
    weights = [np.asarray(after, dtype=np.float64).ravel() for after in steps]
    if len(weights) < 2 or not weights[0].any():
        raise ConfigError(
            f"steps must be weights that are not all 0 and what became of them, got {len(weights)} steps"
        )
    norms = [float(np.linalg.norm(after)) for after in weights]
    return Decay(
        left=tuple(norm / norms[0] for norm in norms),
        factors=tuple(
            float(before @ after / (before @ before)) if before.any() else 0.0
            for before, after in zip(weights, weights[1:], strict=False)
        ),
    )


def silent_decay(recorded: Recorded, dataset: Dataset, seed: int) -> Decay:
    """Return what became of the first layer's weights of silent inputs, at the epochs that were recorded.

    Args:
        recorded: Of one network; from 0 on, with one step an epoch, `Decay` speaks of steps.
        dataset: What it was trained on.
        seed: Value of the seed column.

    Raises:
        ConfigError: if no input is silent.
    """
    silent = silent_inputs(dataset.split(seed).X_train)
    return measure_decay([recorded[epoch][0][silent] for epoch in sorted(recorded)])


def measure_stillness(recorded: Sequence[Recorded], dataset: Dataset, seeds: Sequence[int]) -> Stillness:
    """Return how many weights of silent inputs the first epoch of a training has left as they were.

    Args:
        recorded: Of the network of each seed, before the first step and after the first epoch.
        dataset: What they were trained on.
        seeds: Values of the seed column.
    """
    n_weights = n_unmoved = 0
    for seed, of_seed in zip(seeds, recorded, strict=True):
        silent = silent_inputs(dataset.split(seed).X_train)
        before, after = of_seed[0][0][silent], of_seed[1][0][silent]
        n_weights, n_unmoved = n_weights + before.size, n_unmoved + int(np.sum(before == after))
    return Stillness(n_weights, n_unmoved)
