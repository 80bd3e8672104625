"""The steps of a training with dropout, taken once more one by one: which units were out, what moved.

The engine records weights at the end of epochs. Its masks, batches and first weights come from keyed streams
that can be drawn again, and a step is a few lines of numpy, so what happened in each step is computed here
anew, in float64, with the masks that the engine used. Tests hold every weight against the engine's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore.backward import output_gradient, slope
from regcore.config import AUGMENTATION_FIELDS, Config
from regcore.data import Dataset, Task
from regcore.engine import streams
from regcore.engine.replicate import Replicate, replicates_of
from regcore.errors import ConfigError
from regcore.forward import Floats, activations
from regcore.results import Weights

Bools = npt.NDArray[np.bool_]

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # Keras's Adam


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the optimizer; it equals itself alone.

    Attributes:
        number: 1-based, from the start of the training.
        epoch: 1-based.
        rows: Row numbers in the data set of the batch, [n].
        kept: Of the input and every hidden layer, which units were kept for each row, [n, width].
        before: Weights before the step.
        after: Weights after it.
        gradient: Of the data loss, averaged over the batch; the penalty is not in it.
    """

    number: int
    epoch: int
    rows: npt.NDArray[np.int64]
    kept: tuple[Bools, ...]
    before: Weights
    after: Weights
    gradient: Weights


class Movement(NamedTuple):
    """What one step did to the weights between two layers, each [n_in, n_out].

    Attributes:
        out: The unit at one of its ends was out for every row of the batch.
        has_gradient: The data loss has a gradient by it that is not 0.
        moved: It has another value after the step.
    """

    out: Bools
    has_gradient: Bools
    moved: Bools


class Counts(NamedTuple):
    """How many weights of all layers (biases left aside): at a unit that was out, and what they did.

    Attributes:
        weights: All of them.
        out: At a unit that was out for the whole batch.
        out_with_gradient: Of these, with a gradient of the data loss.
        out_moved: Of these, moved all the same.
        silent: At units that were in, but without a gradient: a relu gave 0 for every row.
    """

    weights: int
    out: int
    out_with_gradient: int
    out_moved: int
    silent: int


def replay_steps(config: Config, dataset: Dataset, seed: int, n_steps: int) -> tuple[Step, ...]:
    """Return the first steps of the training of one seed (member 0), with the masks that the engine used.

    Args:
        config: Without augmentation.
        dataset: What it trains on.
        seed: Value of the seed column.
        n_steps: How many, at least 1.

    Raises:
        ConfigError: if the configuration augments its rows, or `n_steps` is less than 1.
    """
    augmented = [name for name in AUGMENTATION_FIELDS if getattr(config, name)]
    if augmented:
        raise ConfigError(
            f"{augmented[0]} must be off to take steps again, got {getattr(config, augmented[0])!r}"
        )
    if not n_steps >= 1:
        raise ConfigError(f"n_steps must be 1 or more, got {n_steps!r}")
    replicate = replicates_of(config.replace(seed=seed, seeds=1), dataset)[seed, 0]
    return tuple(islice(_steps(replicate, dataset), n_steps))


def _steps(replicate: Replicate, dataset: Dataset) -> Iterator[Step]:
    config, rows = replicate.config, dataset.rows(replicate.seed)
    X, y = dataset.split(replicate.seed)[:2]
    kernels = streams.initial_weights(replicate, dataset.n_features, dataset.n_outputs)
    weights = Weights(kernels, tuple(np.zeros(kernel.shape[1]) for kernel in kernels))
    optimizer = _Optimizer(config)
    for number, (epoch, batch) in enumerate(_batches(replicate, dataset.n_train), start=1):
        kept = _kept(replicate, number - 1, len(batch), dataset.n_features)
        # A network that diverges does so here as well: its weights are NaN in the end.
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = data_gradient(weights, X[batch], y[batch], kept, config, dataset.task)
            before, weights = weights, optimizer.step(weights, gradient)
        yield Step(number, epoch, rows.train[batch], kept, before, weights, gradient)


def _batches(replicate: Replicate, n_train: int) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Yield the epoch, 1-based, and the places among the train rows of each batch."""
    trained, size = streams.training_rows(replicate, n_train), replicate.config.batch_size
    for epoch in range(replicate.config.epochs):
        places = trained[streams.order(replicate, epoch, n_train)]
        for start in range(0, n_train, size):
            yield epoch + 1, places[start : start + size]


def _kept(replicate: Replicate, step: int, n_rows: int, n_features: int) -> tuple[Bools, ...]:
    """Return the masks of one step, 0-based, as the engine drew them; all True where nothing is dropped."""
    block, at = divmod(step, streams.steps_per_block(replicate.config, n_features))
    widths = (n_features, *replicate.config.hidden)
    masks = streams.dropout_masks(replicate, block, n_features)
    return tuple(
        np.ones((n_rows, width), dtype=bool) if mask is None else mask[at, :n_rows].copy()
        for mask, width in zip(masks, widths, strict=True)
    )


def data_gradient(
    weights: Weights, X: Floats, y: npt.NDArray[Any], kept: tuple[Bools, ...], config: Config, task: Task
) -> Weights:
    """Return the gradient of the mean data loss of a batch under dropout, by backpropagation.

    Args:
        weights: Of the whole network.
        X: Rows as it sees them, scaled, [n, features].
        y: Labels or standardized targets, [n].
        kept: Which units are kept, [n, width] of the input and every hidden layer.
        config: Its rates and its activation.
        task: "binary", "multiclass" or "regression".
    """
    keeps = [streams.keep_probability(rate) for rate in streams.mask_rates(config)]
    factors = [mask / keep for mask, keep in zip(kept, keeps, strict=True)]
    *hidden, outputs = activations(weights, X, config.activation, factors)
    fed = [given * factor for given, factor in zip([X, *hidden], factors, strict=True)]
    gradient = output_gradient(outputs, y, task) / len(X)
    kernels, biases = [], []
    for layer in reversed(range(len(weights.kernels))):
        kernels.append(fed[layer].T @ gradient)
        biases.append(gradient.sum(axis=0))
        if layer:
            of_sums = factors[layer] * slope(hidden[layer - 1], config.activation)
            gradient = gradient @ weights.kernels[layer].T * of_sums
    return Weights(tuple(reversed(kernels)), tuple(reversed(biases)))


class _Optimizer:
    """Adam or sgd with penalty, decay and norm, as the engine takes its steps."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.n_steps = 0
        self.slots: list[list[Floats]] = []

    def step(self, weights: Weights, gradient: Weights) -> Weights:
        config, n_layers = self.config, len(weights.kernels)
        penalised = range(max(n_layers - 1, 1))
        kernels, gradients = list(weights.kernels), [*gradient.kernels, *gradient.biases]
        for layer in penalised:
            gradients[layer] = gradients[layer] + 2 * config.l2 * kernels[layer]
            kernels[layer] = kernels[layer] * (1 - config.learning_rate * config.weight_decay)
        updates = self._adam(gradients) if config.optimizer == "adam" else self._sgd(gradients)
        moved = [w + update for w, update in zip([*kernels, *weights.biases], updates, strict=True)]
        if config.max_norm is not None:
            moved[: n_layers - 1] = [_clipped(kernel, config.max_norm) for kernel in moved[: n_layers - 1]]
        return Weights(tuple(moved[:n_layers]), tuple(moved[n_layers:]))

    def _adam(self, gradients: list[Floats]) -> list[Floats]:
        """Return the updates of Adam (Kingma and Ba 2015, with the rate corrected for the bias)."""
        first, second = self.slots or [[np.zeros_like(g) for g in gradients] for _ in range(2)]
        self.n_steps += 1
        first = [BETA_1 * m + (1 - BETA_1) * g for m, g in zip(first, gradients, strict=True)]
        second = [BETA_2 * v + (1 - BETA_2) * g**2 for v, g in zip(second, gradients, strict=True)]
        self.slots = [first, second]
        correction = math.sqrt(1 - BETA_2**self.n_steps) / (1 - BETA_1**self.n_steps)
        rate = self.config.learning_rate * correction
        return [-rate * m / (np.sqrt(v) + EPSILON) for m, v in zip(first, second, strict=True)]

    def _sgd(self, gradients: list[Floats]) -> list[Floats]:
        (velocity,) = self.slots or [[np.zeros_like(g) for g in gradients]]
        momentum, rate = self.config.momentum, self.config.learning_rate
        velocity = [momentum * v - rate * g for v, g in zip(velocity, gradients, strict=True)]
        self.slots = [velocity]
        return velocity


def _clipped(kernel: Floats, max_norm: float) -> Floats:
    norm = np.sqrt((kernel**2).sum(axis=0))
    clipped: Floats = kernel * np.where(norm > max_norm, max_norm / np.where(norm > 0, norm, 1), 1)
    return clipped


def movements(step: Step) -> tuple[Movement, ...]:
    """Return what a step did to each kernel, from the input on."""
    pairs = zip(
        step.kept,
        (*step.kept[1:], np.ones((len(step.rows), step.before.kernels[-1].shape[1]), dtype=bool)),
        step.before.kernels,
        step.after.kernels,
        step.gradient.kernels,
        strict=True,
    )
    return tuple(
        Movement(~(left.T @ right), gradient != 0, before != after)
        for left, right, before, after, gradient in pairs
    )


def count_movements(step: Step) -> Counts:
    """Return how many weights a step gave a gradient, and how many moved without one."""
    found = movements(step)

    def total(of: Any) -> int:
        return int(sum(np.count_nonzero(of(each)) for each in found))

    return Counts(
        weights=sum(each.out.size for each in found),
        out=total(lambda each: each.out),
        out_with_gradient=total(lambda each: each.out & each.has_gradient),
        out_moved=total(lambda each: each.out & each.moved),
        silent=total(lambda each: ~each.out & ~each.has_gradient),
    )


def largest_difference(one: Weights, other: Weights) -> float:
    """Return the largest absolute difference between two networks of one shape, biases included.

    NaN if one of them has diverged.
    """
    pairs = zip((*one.kernels, *one.biases), (*other.kernels, *other.biases), strict=True)
    return float(np.max([np.max(np.abs(a - b)) for a, b in pairs]))
