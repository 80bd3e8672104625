"""Losses and errors of recorded outputs, in float64, and the average of an ensemble's predictions.

Outputs are what a network gives before its last activation: logits [rows, C] (binary: [rows, 1]), or
standardized predictions [rows, 1].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore.errors import ConfigError, DataError

if TYPE_CHECKING:
    from regcore.data import Task

Floats = npt.NDArray[np.float64]


def metric_names(task: Task) -> tuple[str, str, str]:
    """Return what `score` measures for this task: loss, error, brier, or loss, mae, rmse."""
    return ("loss", "mae", "rmse") if task == "regression" else ("loss", "error", "brier")


def score(outputs: npt.ArrayLike, y: npt.ArrayLike, task: Task, y_scale: float = 1.0) -> dict[str, float]:
    """Return the metrics of these outputs, by name; lower is better for each.

    Classification: `loss`, the mean negative log-likelihood (nats); `error`, the fraction of rows whose most
    probable class is wrong (a binary tie goes to class 0, a multi-class tie to the first); `brier`, for
    binary tasks the mean of (p - y)^2, for multi-class ones the squared distance to the one-hot target,
    summed over classes.
    Regression: `loss`, the mean squared error of the standardized target; `mae` and `rmse` in y's own units.
    An output that is NaN makes every metric NaN: the network diverged.

    Args:
        outputs: [rows, C], or [rows] where C is 1; logits or standardized predictions.
        y: [rows], class numbers from 0, or standardized targets.
        task: "binary", "multiclass" or "regression".
        y_scale: Size of one standardized unit in y's own (regression alone).

    Raises:
        DataError: if the rows of outputs and y differ, or there are none.
    """
    rows = _as_rows(outputs)
    target = np.asarray(y)
    if target.shape != rows.shape[:1] or not len(target):
        raise DataError(
            f"outputs must have one row for each y, at least one, got {rows.shape} for {target.shape}"
        )
    if task == "regression":
        return _score_regression(rows[:, 0], target, y_scale)
    values = _score_classes(log_probabilities(rows, task), target.astype(np.int64))
    if task == "binary":
        values["brier"] /= 2  # Both classes are off by the same amount; the binary score counts one of them.
    return values


def _score_regression(predicted: Floats, target: npt.NDArray[Any], y_scale: float) -> dict[str, float]:
    with np.errstate(over="ignore", invalid="ignore"):
        difference = predicted - target
        loss = float(np.mean(difference**2))
        mae = float(np.mean(np.abs(difference)))
    return {"loss": loss, "mae": mae * y_scale, "rmse": math.sqrt(loss) * y_scale}


def _score_classes(log_p: Floats, target: npt.NDArray[np.int64]) -> dict[str, float]:
    if np.isnan(log_p).any():
        return dict.fromkeys(("loss", "error", "brier"), math.nan)
    rows = np.arange(len(target))
    distance = np.exp(log_p)
    distance[rows, target] = np.expm1(log_p[rows, target])
    return {
        "loss": float(-np.mean(log_p[rows, target])) + 0.0,
        "error": float(np.mean(np.argmax(log_p, axis=1) != target)),
        "brier": float(np.mean(np.sum(distance**2, axis=1))),
    }


def log_probabilities(outputs: npt.ArrayLike, task: Task) -> Floats:
    """Return log p [rows, classes] (two columns for a binary task), exact however large the logits are."""
    logits = _as_rows(outputs)
    if task == "binary":
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    with np.errstate(invalid="ignore", under="ignore"):
        top = np.argmax(logits, axis=1)[:, None]
        shifted = logits - np.take_along_axis(logits, top, axis=1)
        others = np.exp(shifted)
        np.put_along_axis(others, top, 0.0, axis=1)
        # log1p keeps what is far below one: the loss of a sure network is 1e-30, not 0.
        log_p: Floats = shifted - np.log1p(np.sum(others, axis=1, keepdims=True))
    return log_p


def mean_prediction(outputs: Sequence[npt.ArrayLike] | Floats, task: Task) -> Floats:
    """Return the outputs [rows, C] of an ensemble whose members' predictions are averaged.

    Probabilities are averaged, not logits; for regression, values. The result is again an output (log p, or
    the logit of the mean for a binary task), so that `score` takes it. The mean is taken in logarithms, so no
    probability is clipped: log mean p = logsumexp(log p) - log k.

    Raises:
        DataError: if there are no members.
    """
    if not len(outputs):
        raise DataError("outputs must hold at least one member, got none")
    if task == "regression":
        values: Floats = np.mean([_as_rows(member) for member in outputs], axis=0)
        return values
    log_p = np.stack([log_probabilities(member, task) for member in outputs])
    with np.errstate(invalid="ignore", under="ignore"):
        mean: Floats = np.logaddexp.reduce(log_p, axis=0) - math.log(len(outputs))
    return mean[:, 1:] - mean[:, :1] if task == "binary" else mean


class NoiseFloor(NamedTuple):
    """The lowest error, loss (nats) and Brier score that noisy labels allow."""

    error: float
    loss: float
    brier: float


def noise_floor(label_noise: float, n_classes: int) -> NoiseFloor:
    """Return what a perfect network would score, on average, on labels of which a fraction was redrawn.

    A label that is redrawn uniformly over C classes is the true one again once in C, so it is wrong with
    probability q = label_noise * (C - 1) / C: 27 % at 30 % redrawn over ten classes. A perfect network gives
    the true class the probability 1 - q and q / (C - 1) to each other; its loss is the entropy of that, its
    Brier score one minus the sum of squares (for two classes half of it, as in `score`).

    Args:
        label_noise: Fraction of labels redrawn uniformly, 0 to 1.
        n_classes: Number of classes, at least 2.

    Raises:
        ConfigError: if an argument is out of its range.
    """
    if not 0 <= label_noise <= 1:
        raise ConfigError(f"label_noise must be between 0 and 1, got {label_noise!r}")
    if not n_classes >= 2:
        raise ConfigError(f"n_classes must be 2 or more, got {n_classes!r}")
    wrong = label_noise * (n_classes - 1) / n_classes
    p = np.array([1 - wrong] + [wrong / (n_classes - 1)] * (n_classes - 1))
    entropy = -float(np.sum(p[p > 0] * np.log(p[p > 0]))) + 0.0
    brier = 1 - float(np.sum(p**2))
    return NoiseFloor(wrong, entropy, brier / 2 if n_classes == 2 else brier)


def _as_rows(outputs: npt.ArrayLike) -> Floats:
    array = np.asarray(outputs, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array
