"""Thinned networks and what stands for all of them: arithmetic and geometric mean, and scaled weights.

Dropout trains a different thinned network for each row of each batch. A network of n units that can be out
has 2^n of them. At test time the whole network is used in their place, each unit scaled by the probability
with which it was kept (Srivastava et al. 2014, section 4; here as in Keras the scale is in the training
already, "inverted"). The whole network's prediction is the normalized geometric mean over all thinned
networks where nothing but the softmax follows the masks (Hinton et al. 2012; Baldi and Sadowski 2013,
equation 15), and an approximation where another layer does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import scoring
from regcore.config import Config
from regcore.data import Task
from regcore.data.streams import random_stream
from regcore.engine.streams import keep_probability, mask_rates
from regcore.errors import ConfigError
from regcore.forward import Floats, activations
from regcore.results import Result, Weights

Bools = npt.NDArray[np.bool_]
Masks = tuple[Bools | None, ...]
"""Of the input, then of every hidden layer: True where a unit is kept, [masks, 1, width], the same for all
rows; None where the rate is 0."""

N_MASKS = (1, 2, 4, 8, 16, 32, 64)
MAX_ROWS = 200
# All thinned networks of more units than this would take seconds.
MAX_UNITS = 16
_PIECE_BYTES = 8 << 20


def keep_probabilities(config: Config) -> tuple[float, ...]:
    """Return the probability with which a unit is kept, of the input and of every hidden layer."""
    return tuple(keep_probability(rate) for rate in mask_rates(config))


def has_dropout(config: Config) -> bool:
    """Return whether any unit can be out."""
    return any(mask_rates(config))


def widths(weights: Weights) -> tuple[int, ...]:
    """Return the number of units of the input and of every hidden layer."""
    return tuple(len(kernel) for kernel in weights.kernels)


def droppable_units(config: Config, n_features: int) -> int:
    """Return how many units can be out: n, of which 2^n thinned networks can be made."""
    layers = (n_features, *config.hidden)
    return sum(width for width, rate in zip(layers, mask_rates(config), strict=True) if rate)


def draw_masks(keeps: Sequence[float], layers: Sequence[int], n: int, seed: int) -> Masks:
    """Return the masks of `n` thinned networks, drawn as dropout draws them.

    Args:
        keeps: Of the input and every hidden layer, the probability with which a unit is kept.
        layers: Their widths.
        n: How many.
        seed: The same seed gives the same masks in every process, the first of them whatever `n` is.
    """
    return tuple(
        None if keep == 1 else random_stream("thinned networks", seed, at).random((n, 1, width)) < keep
        for at, (keep, width) in enumerate(zip(keeps, layers, strict=True))
    )


def all_masks(keeps: Sequence[float], layers: Sequence[int]) -> tuple[Masks, Floats]:
    """Return the masks of all 2^n thinned networks, and the probability of each, [2^n].

    Args:
        keeps: Of the input and every hidden layer, the probability with which a unit is kept.
        layers: Their widths.

    Raises:
        ConfigError: if more than 16 units can be out.
    """
    dropped = [width if keep < 1 else 0 for keep, width in zip(keeps, layers, strict=True)]
    n_units = sum(dropped)
    if n_units > MAX_UNITS:
        raise ConfigError(f"units that can be out must be at most {MAX_UNITS}, got {n_units}")
    bits = (np.arange(2**n_units)[:, None] >> np.arange(n_units)) & 1 == 1
    probability = np.ones(2**n_units)
    masks: list[Bools | None] = []
    for keep, mask in zip(keeps, np.split(bits, np.cumsum(dropped)[:-1], axis=1), strict=True):
        probability *= np.where(mask, keep, 1 - keep).prod(axis=1)
        masks.append(mask[:, None] if keep < 1 else None)
    return tuple(masks), probability


def thinned_outputs(
    weights: Weights, X: npt.NDArray[Any], activation: str, masks: Masks, keeps: Sequence[float]
) -> Floats:
    """Return the outputs of thinned networks as they were trained, [masks, rows, C].

    Units that are kept are scaled by 1 / keep. Where no layer has a mask, there is one network, the whole.

    Args:
        weights: Of the whole network.
        X: Rows as it sees them, scaled.
        activation: Of its hidden units.
        masks: Which units are kept.
        keeps: With which probability they are.
    """
    n = max((len(mask) for mask in masks if mask is not None), default=1)
    step = max(1, _PIECE_BYTES // (8 * len(X) * max(widths(weights))))
    pieces = [
        activations(weights, X, activation, _factors(masks, keeps, slice(start, start + step)))[-1]
        for start in range(0, n, step)
    ]
    return np.concatenate([piece if piece.ndim == 3 else piece[None] for piece in pieces])


def _factors(masks: Masks, keeps: Sequence[float], part: slice) -> list[Floats | None]:
    return [None if mask is None else mask[part] / keep for mask, keep in zip(masks, keeps, strict=True)]


class Means(NamedTuple):
    """What thinned networks predict together: log p [rows, classes], or values [rows, 1].

    Attributes:
        arithmetic: The mean of their probabilities.
        geometric: The normalized geometric mean: the mean of log p, normalized again. For a number, read as
            the mean of a Gaussian of fixed variance, it is the arithmetic mean.
    """

    arithmetic: Floats
    geometric: Floats


def means(outputs: Floats, task: Task, probability: npt.ArrayLike | None = None) -> Means:
    """Return the means of what thinned networks predict.

    Args:
        outputs: [masks, rows, C], logits or standardized predictions.
        task: "binary", "multiclass" or "regression".
        probability: Of each mask; None: each counts the same.

    Raises:
        ConfigError: if there is no mask.
    """
    if not len(outputs):
        raise ConfigError("outputs must be of at least one thinned network, got none")
    share = np.full(len(outputs), 1 / len(outputs)) if probability is None else np.asarray(probability)
    predicted = _predicted(outputs, task)
    mean = np.tensordot(share, predicted, axes=1)
    if task == "regression":
        return Means(mean, mean)
    with np.errstate(divide="ignore"):
        arithmetic = np.logaddexp.reduce(predicted + np.log(share)[:, None, None], axis=0)
    return Means(arithmetic, mean - np.logaddexp.reduce(mean, axis=1, keepdims=True))


def _predicted(outputs: Floats, task: Task) -> Floats:
    """Return log p [..., rows, classes] of outputs [..., rows, C]; values as they are."""
    if task == "regression":
        return outputs
    log_p = scoring.log_probabilities(outputs.reshape(-1, outputs.shape[-1]), task)
    return log_p.reshape(*outputs.shape[:-1], -1)


def distance(one: Floats, other: Floats, task: Task) -> float:
    """Return how far two predictions are apart, averaged over rows.

    The total variation distance of the probabilities, half the sum of the absolute differences over classes,
    0 to 1; for a number the absolute difference in standard deviations of y.

    Args:
        one: log p [rows, classes], or values [rows, 1].
        other: The same.
        task: "binary", "multiclass" or "regression".
    """
    if task == "regression":
        return float(np.mean(np.abs(one - other)))
    return float(np.mean(np.abs(np.exp(one) - np.exp(other)).sum(axis=1)) / 2)


class Gap(NamedTuple):
    """How far three predictions are apart that could stand for all thinned networks; see `distance`."""

    arithmetic_to_scaled: float
    geometric_to_scaled: float
    arithmetic_to_geometric: float


def gap(outputs: Floats, scaled: Floats, task: Task, probability: npt.ArrayLike | None = None) -> Gap:
    """Return how far the means of thinned networks and the scaled network are apart.

    Args:
        outputs: Of the thinned networks, [masks, rows, C].
        scaled: Outputs of the whole network, [rows, C].
        task: "binary", "multiclass" or "regression".
        probability: Of each mask; None: each counts the same.
    """
    found, whole = means(outputs, task, probability), _predicted(scaled, task)
    return Gap(
        distance(found.arithmetic, whole, task),
        distance(found.geometric, whole, task),
        distance(found.arithmetic, found.geometric, task),
    )


class Exact(NamedTuple):
    """The gap over every single thinned network of a small one.

    Attributes:
        n_networks: 2^n.
        gap: Between the means and the whole network.
    """

    n_networks: int
    gap: Gap


def exact_gap(weights: Weights, X: npt.NDArray[Any], config: Config, task: Task) -> Exact:
    """Return the gap over all 2^n thinned networks, each with its own probability.

    Args:
        weights: Of the whole network.
        X: Rows as it sees them, scaled.
        config: Whose rates are used; no more than 16 units can be out.
        task: "binary", "multiclass" or "regression".

    Raises:
        ConfigError: if more than 16 units can be out.
    """
    keeps = keep_probabilities(config)
    masks, probability = all_masks(keeps, widths(weights))
    outputs = thinned_outputs(weights, X, config.activation, masks, keeps)
    scaled = activations(weights, X, config.activation)[-1]
    return Exact(len(probability), gap(outputs, scaled, task, probability))


def only_before_the_output(config: Config) -> Config:
    """Return the configuration with dropout in its last hidden layer alone, so that only the softmax follows.

    Without hidden layers the input is that layer, and the configuration stays as it is.
    """
    if not config.hidden:
        return config
    rates = (*(0.0,) * (len(config.hidden) - 1), config.dropout_rates()[-1])
    return config.replace(dropout_input=0.0, dropout_hidden=rates)


class Sampled(NamedTuple):
    """What thinned networks of one seed predict, the first 1, 2, 4, ... of them together.

    Attributes:
        gaps: For each number of masks, with dropout where the run has it.
        gaps_before_output: The same networks with masks in the last hidden layer alone; empty where that has
            a rate of 0.
        loss: Validation loss of their arithmetic mean (Monte Carlo dropout), for each number of masks.
        error: The same, error or mean absolute error in y's own units.
        scaled_loss: Of the whole network, by weight scaling.
        scaled_error: The same.
    """

    gaps: tuple[Gap, ...]
    gaps_before_output: tuple[Gap, ...]
    loss: tuple[float, ...]
    error: tuple[float, ...]
    scaled_loss: float
    scaled_error: float


def sample(result: Result, n_masks: Sequence[int] = N_MASKS, max_rows: int = MAX_ROWS) -> tuple[Sampled, ...]:
    """Return what thinned networks predict on validation rows, one a seed (member 0, restored weights).

    Args:
        result: Complete.
        n_masks: Numbers of masks, ascending.
        max_rows: As many validation rows at most are used.
    """
    return tuple(_sample(result, seed, tuple(n_masks), max_rows) for seed in result.seeds)


def _sample(result: Result, seed: int, n_masks: tuple[int, ...], max_rows: int) -> Sampled:
    split, task = result.dataset.split(seed), result.dataset.task
    X, y = split.X_val[:max_rows], split.y_val[:max_rows]
    weights, config = result.weights(seed), result.config
    scaled = activations(weights, X, config.activation)[-1]

    def outputs_of(thinned: Config) -> Floats:
        keeps = keep_probabilities(thinned)
        masks = draw_masks(keeps, widths(weights), n_masks[-1], seed)
        outputs = thinned_outputs(weights, X, config.activation, masks, keeps)
        return np.broadcast_to(outputs, (n_masks[-1], *outputs.shape[1:]))

    outputs = outputs_of(config)
    y_scale = result.dataset.rows(seed).y_scale
    scores = [_loss_and_error(_mean(outputs[:n], task), y, task, y_scale) for n in n_masks]
    last = only_before_the_output(config)
    before_output = outputs_of(last) if mask_rates(last)[-1] else outputs[:0]
    return Sampled(
        tuple(gap(outputs[:n], scaled, task) for n in n_masks),
        tuple(gap(before_output[:n], scaled, task) for n in n_masks if len(before_output)),
        tuple(loss for loss, _ in scores),
        tuple(error for _, error in scores),
        *_loss_and_error(scaled, y, task, y_scale),
    )


def _mean(outputs: Floats, task: Task) -> Floats:
    return scoring.mean_prediction(outputs, task)


def _loss_and_error(outputs: Floats, y: npt.NDArray[Any], task: Task, y_scale: float) -> tuple[float, float]:
    found = scoring.score(outputs, y, task, y_scale)
    return found["loss"], found["mae" if task == "regression" else "error"]


class Scaling(NamedTuple):
    """One way to use a network that was trained with dropout.

    Attributes:
        activations: Mean absolute activation of each hidden layer, then of the outputs.
        loss: On the validation rows.
        error: The same, error or mean absolute error in y's own units.
    """

    activations: tuple[float, ...]
    loss: float
    error: float


IN_TRAINING = "in training, masks on"
INVERTED = "inverted dropout, as Keras"
CLASSIC = "classic dropout, as the paper"
NO_SCALING = "no scaling at all"
TWICE = "scaled twice"


def classic_weights(weights: Weights, keeps: Sequence[float]) -> Weights:
    """Return the weights that classic dropout would have: masks without a scale in training, and so larger.

    A kernel W behind units that are kept with probability p, trained with units scaled by 1 / p, is W / p
    without that scale. At test time classic dropout multiplies it with p (Srivastava et al. 2014, section 4).

    Args:
        weights: Trained by inverted dropout.
        keeps: Probability with which units are kept, of the input and every hidden layer.
    """
    kernels = tuple(kernel / keep for kernel, keep in zip(weights.kernels, keeps, strict=True))
    return weights._replace(kernels=kernels)


def scalings(result: Result, seed: int, n_masks: int = N_MASKS[-1]) -> Mapping[str, Scaling]:
    """Return what one seed's network does under each way of scaling, right ones and wrong ones, by name.

    Classic weights are made from the trained ones by arithmetic, and then used as classic dropout would. In
    training: mean over the thinned networks of `n_masks` masks, the loss that of a single one on average.

    Args:
        result: Complete.
        seed: Value of the seed column (member 0, restored weights).
        n_masks: Masks that stand for the training.
    """
    weights, config = result.weights(seed), result.config
    keeps = keep_probabilities(config)
    classic = classic_weights(weights, keeps)
    each = [
        _scaling(result, seed, weights, factors)
        for factors in _each_mask(draw_masks(keeps, widths(weights), n_masks, seed), keeps, n_masks)
    ]
    return {
        IN_TRAINING: _average(each),
        INVERTED: _scaling(result, seed, weights, ()),
        CLASSIC: _scaling(result, seed, classic, keeps),
        NO_SCALING: _scaling(result, seed, classic, ()),
        TWICE: _scaling(result, seed, weights, keeps),
    }


def _each_mask(masks: Masks, keeps: Sequence[float], n: int) -> list[list[Floats | None]]:
    factors = _factors(masks, keeps, slice(None))
    return [[None if factor is None else factor[at] for factor in factors] for at in range(n)]


def _average(each: Sequence[Scaling]) -> Scaling:
    by_layer = zip(*(one.activations for one in each), strict=True)
    return Scaling(
        tuple(math.fsum(layer) / len(each) for layer in by_layer),
        math.fsum(one.loss for one in each) / len(each),
        math.fsum(one.error for one in each) / len(each),
    )


def _scaling(result: Result, seed: int, weights: Weights, factors: Sequence[Any]) -> Scaling:
    split = result.dataset.split(seed)
    X, y = split.X_val[:MAX_ROWS], split.y_val[:MAX_ROWS]
    given = activations(weights, X, result.config.activation, factors)
    y_scale = result.dataset.rows(seed).y_scale
    return Scaling(
        tuple(float(np.mean(np.abs(layer))) for layer in given),
        *_loss_and_error(given[-1], y, result.dataset.task, y_scale),
    )
