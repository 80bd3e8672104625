"""Jitter on a linear model is ridge regression: both, measured and in closed form.

Averaged over Gaussian noise of standard deviation sigma on the inputs, the mean squared error gains
sigma^2 * sum(w^2) (Bishop, Training with noise is equivalent to Tikhonov regularization, 1995): ridge
regression with alpha = n * sigma^2 in scikit-learn's convention, l2 = sigma^2 in this lab's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import statistics
from regcore.config import Config
from regcore.data import Dataset
from regcore.engine.shard import Probe
from regcore.results import Result
from regcore.statistics import MeanInterval

Floats = npt.NDArray[np.float64]
Recorded = Mapping[int, Sequence[npt.NDArray[Any]]]
"""What a probe of weights recorded of one network, as `Run.probe` returns it: epoch -> kernels, biases."""

PROBE = "weights"
SIGMAS = (0.2, 0.3, 0.45, 0.7, 1.0, 1.5)
# Gradient descent on all rows at once: its step is linear in the weights, so noise that is drawn anew in each
# step leaves their mean where the penalised loss has its minimum, whatever the learning rate.
LINEAR = Config(
    data="diabetes", hidden=(), optimizer="sgd", learning_rate=0.05, batch_size=100, epochs=600, seeds=8
)
# Late enough that the start is forgotten at the smallest sigma; weights of neighbouring epochs are alike.
LATE = tuple(range(300, 601, 10))


class JitterPoint(NamedTuple):
    """What one strength of jitter does, and ridge regression with the penalty of the same strength.

    Attributes:
        sigma: Of the jitter.
        norm, ridge_norm: Sum of squared weights, mean over seeds.
        loss, ridge_loss: Mean squared error on the validation rows, of the standardized target.
        apart: Largest difference of a weight to ridge's, mean over seeds, in its own standard errors over
            seeds.
    """

    sigma: float
    norm: MeanInterval
    ridge_norm: MeanInterval
    loss: MeanInterval
    ridge_loss: MeanInterval
    apart: float


def jitter_configs(config: Config = LINEAR) -> dict[float, Config]:
    """Return the linear model at each strength of jitter."""
    return {sigma: config.replace(jitter=sigma) for sigma in SIGMAS}


def jitter_probe() -> Probe:
    """Return the probe of the late weights."""
    return Probe(PROBE, "weights", LATE)


def ridge(X: Floats, y: Floats, alpha: float) -> Floats:
    """Return the weights [features] that minimise sum of squared errors + alpha * sum of w^2.

    Args:
        X: [n, features], centred columns.
        y: [n], centred.
        alpha: In scikit-learn's convention.
    """
    return np.asarray(np.linalg.solve(X.T @ X + alpha * np.eye(X.shape[1]), X.T @ y))


def jitter_point(result: Result, recorded: Sequence[Recorded]) -> JitterPoint:
    """Return what one strength of jitter did, from weights averaged over late epochs.

    Args:
        result: Of one of `jitter_configs`, complete.
        recorded: What the probe of `jitter_probe` recorded, one a seed, at least two.
    """
    dataset, sigma = result.dataset, result.config.jitter
    jittered = np.array([_mean_weights(of_seed) for of_seed in recorded])
    penalised = np.array([_ridge_of_seed(dataset, seed, sigma) for seed in result.seeds])
    difference = jittered - penalised
    error = difference.std(axis=0, ddof=1) / np.sqrt(len(difference))
    norms = [statistics.mean_interval(np.sum(weights**2, axis=1)) for weights in (jittered, penalised)]
    losses = [
        statistics.mean_interval(_losses(dataset, result.seeds, weights)) for weights in (jittered, penalised)
    ]
    apart = float(np.max(np.abs(difference.mean(axis=0)) / error))
    return JitterPoint(sigma, norms[0], norms[1], losses[0], losses[1], apart)


def _mean_weights(recorded: Recorded) -> Floats:
    """Return the only kernel of a linear model, averaged over the epochs recorded, [features]."""
    kernels = [np.asarray(parts[0], dtype=np.float64)[:, 0] for parts in recorded.values()]
    return np.asarray(np.mean(kernels, axis=0))


def _ridge_of_seed(dataset: Dataset, seed: int, sigma: float) -> Floats:
    split = dataset.split(seed)
    return ridge(split.X_train, np.asarray(split.y_train, np.float64), dataset.n_train * sigma**2)


def _losses(dataset: Dataset, seeds: Sequence[int], weights: Floats) -> Floats:
    splits = [dataset.split(seed) for seed in seeds]
    return np.array([
        np.mean((split.X_val @ of_seed - split.y_val) ** 2)
        for split, of_seed in zip(splits, weights, strict=True)
    ])  # fmt: skip
