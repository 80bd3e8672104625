"""What backpropagation begins with and multiplies by: the outputs' gradient, the slope of hidden units."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from regcore.data import Task
from regcore.forward import Floats
from regcore.scoring import log_probabilities


def output_gradient(outputs: Floats, y: npt.NDArray[Any], task: Task) -> Floats:
    """Return each row's gradient of its loss by the outputs, [rows, C]: prediction minus target, twice that
    for a squared error.

    Args:
        outputs: [rows, C], logits or standardized predictions.
        y: [rows], class numbers from 0, or standardized targets.
        task: "binary", "multiclass" or "regression".
    """
    if task == "regression":
        of_square: Floats = 2 * (outputs - y.astype(np.float64)[:, None])
        return of_square
    p = np.exp(log_probabilities(outputs, task))
    gradient: Floats = p - (np.arange(p.shape[1]) == y[:, None])
    # Two classes have one output, the logit of class 1.
    return gradient[:, 1:] if task == "binary" else gradient


def slope(units: Floats, activation: str) -> Floats:
    """Return the derivative of hidden units by their sums, from what they give.

    Args:
        units: What they give, of any shape.
        activation: "relu" or "tanh".
    """
    return 1 - units**2 if activation == "tanh" else (units > 0).astype(np.float64)
