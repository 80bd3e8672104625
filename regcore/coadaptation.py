"""How much hidden units rely on one another: correlated, missed when one is gone, seldom silent.

Srivastava et al. 2014, section 7, look at features and at sparsity; here the same is measured in numbers, on
validation rows with dropout off, in the last hidden layer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from regcore import scoring
from regcore.errors import ConfigError
from regcore.forward import Floats, activations
from regcore.results import Result


class CoAdaptation(NamedTuple):
    """The units of the last hidden layer of one network, on the validation rows.

    Attributes:
        correlation: Mean absolute correlation between two units, over all pairs that vary; NaN for less than
            two.
        zeros: Part of all activations that are 0, 0 to 1.
        never: Part of the units that are the same for every row, 0 to 1.
        loss: Of the whole network.
        removed: How much the loss rises when one unit is taken out, for each unit; below 0 where it falls.
    """

    correlation: float
    zeros: float
    never: float
    loss: float
    removed: tuple[float, ...]

    @property
    def mean_change(self) -> float:
        """Mean absolute change of the loss when one unit is taken out."""
        return float(np.mean(np.abs(self.removed)))


def coadaptation(result: Result, seed: int) -> CoAdaptation:
    """Return how much the units of one seed's network (member 0, restored weights) rely on one another.

    Args:
        result: Complete, of a network with hidden layers.
        seed: Value of the seed column.

    Raises:
        ConfigError: if the network has no hidden layer.
    """
    if not result.config.hidden:
        raise ConfigError("hidden must be at least one layer to look at its units, got ()")
    split, weights, task = result.dataset.split(seed), result.weights(seed), result.dataset.task
    *_, units, outputs = activations(weights, split.X_val, result.config.activation)

    def loss(of: Floats) -> float:
        return scoring.score(of, split.y_val, task)["loss"]

    whole, kernel = loss(outputs), weights.kernels[-1].astype(np.float64)
    without = (outputs - np.outer(units[:, at], kernel[at]) for at in range(units.shape[1]))
    return CoAdaptation(
        correlation=mean_correlation(units),
        zeros=float(np.mean(units == 0)),
        never=float(np.mean(np.ptp(units, axis=0) == 0)),
        loss=whole,
        removed=tuple(loss(each) - whole for each in without),
    )


def mean_correlation(units: Floats) -> float:
    """Return the mean absolute correlation between two columns, over all pairs of columns that vary.

    Args:
        units: [rows, units].

    Returns:
        0 to 1; NaN where less than two columns vary.
    """
    varying = units[:, np.ptp(units, axis=0) > 0]
    n = varying.shape[1]
    if n < 2:
        return float("nan")
    correlations = np.abs(np.corrcoef(varying, rowvar=False))
    return float((correlations.sum() - n) / (n * (n - 1)))
