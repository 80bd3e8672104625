"""Why L2 in the loss and decoupled decay differ under Adam, read off recorded weights.

Adam divides each weight's gradient by the root mean square of its recent ones. L2 puts its pull 2 * l2 * w
into the gradient, and what is divided is small where the data's gradients are large. Decoupled decay takes
learning_rate * weight_decay * w off the weight itself (Loshchilov and Hutter 2019, algorithm 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regcore.backward import output_gradient, slope
from regcore.config import Config
from regcore.data import Dataset, Task
from regcore.errors import ConfigError
from regcore.forward import activations
from regcore.results import Weights
from regcore.weight_decay import Recorded, nominal_factor, recorded_weights

Floats = npt.NDArray[np.float64]

ADAM_EPSILON, ADAM_BETA_2 = 1e-7, 0.999


class Gradient(NamedTuple):
    """The gradient of the data loss by a layer's kernel, [in, out].

    Attributes:
        mean: Over all rows.
        scale: Root mean square over random batches, what Adam divides by once it has seen many.
    """

    mean: Floats
    scale: Floats


class ShrinkOfBin(NamedTuple):
    """What a penalty took off the weights whose gradients are of about the same scale.

    Attributes:
        gradient: Their median scale.
        taken: How much of the weights, as a part of what they were.
        n_weights: How many they are.
    """

    gradient: float
    taken: float
    n_weights: int


class Twins(NamedTuple):
    """Trainings from the same weights in the same order, seed by seed: without a penalty, with L2 in the
    loss, and with the decoupled decay of the same nominal strength."""

    plain: Sequence[Recorded]
    l2: Sequence[Recorded]
    decoupled: Sequence[Recorded]


class ShrinkUnderAdam(NamedTuple):
    """What an epoch of Adam took off the first layer's weights, as parts of what they were.

    Attributes:
        l2: With L2 in the loss, by the scale of the gradients.
        decoupled: With the decoupled decay of the same nominal strength.
        silent_l2: Off weights whose data gradient is exactly 0, as those of inputs that are always 0; NaN if
            there are none.
        silent_decoupled: The same with decoupled decay.
        nominal: What gradient descent would take where the data has no gradient.
        theory: Of `l2`, for each of its bins: Adam divides the penalty's gradient by the root mean square of
            the whole one.
        n_seeds: Networks of each kind.
    """

    l2: tuple[ShrinkOfBin, ...]
    decoupled: tuple[ShrinkOfBin, ...]
    silent_l2: float
    silent_decoupled: float
    nominal: float
    theory: tuple[float, ...]
    n_seeds: int


class FirstStep(NamedTuple):
    """What a penalty added to Adam's first step: mean size over some weights, in learning rates.

    Attributes:
        n_weights: How many weights.
        l2: With L2 in the loss, as measured.
        l2_theory: As its closed form has it.
        decoupled: With decoupled decay, as measured.
        decoupled_theory: As its closed form has it.
    """

    n_weights: int
    l2: float
    l2_theory: float
    decoupled: float
    decoupled_theory: float


def measure_adam_shrink(
    twins: Twins, dataset: Dataset, config: Config, epoch: int = 1, n_bins: int = 8
) -> ShrinkUnderAdam:
    """Return what the first epochs of Adam took off the weights of the first layer, pooled over seeds.

    Args:
        twins: Recorded before the first step and after `epoch`.
        dataset: What they were trained on.
        config: Of the twin with L2 in the loss.
        epoch: After which epoch.
        n_bins: As for `shrink_by_gradient`.
    """
    seeds = range(config.seed, config.seed + config.seeds)
    first = _first_kernels(twins.plain, 0)
    scale = np.stack(
        [
            _scale_until(recorded, dataset, seed, config, epoch)
            for seed, recorded in zip(seeds, twins.plain, strict=True)
        ]
    )
    after = {name: _first_kernels(recorded, epoch) for name, recorded in twins._asdict().items()}
    by_kind = {
        name: shrink_by_gradient(first, after["plain"], after[name], scale, n_bins)
        for name in ("l2", "decoupled")
    }
    silent = {name: _taken(first, after["plain"], after[name], scale == 0) for name in by_kind}
    n_steps = epoch * -(-dataset.n_train // config.batch_size)
    nominal = n_steps * (1 - nominal_factor(config.learning_rate, config.l2))
    own = 2 * config.l2 * float(np.sqrt(np.mean(first**2)))
    return ShrinkUnderAdam(
        **by_kind,
        silent_l2=silent["l2"],
        silent_decoupled=silent["decoupled"],
        nominal=nominal,
        theory=tuple(nominal / float(np.hypot(each.gradient, own)) for each in by_kind["l2"]),
        n_seeds=len(seeds),
    )


def _first_kernels(recorded: Sequence[Recorded], epoch: int) -> Floats:
    """Return the first kernel of each network after an epoch, [networks, in, out]."""
    return np.stack([np.asarray(of_one[epoch][0], dtype=np.float64) for of_one in recorded])


def _scale_until(recorded: Recorded, dataset: Dataset, seed: int, config: Config, epoch: int) -> Floats:
    """Return the root mean square of the first kernel's gradients, over the epochs recorded until then."""
    rows = dataset.split(seed)
    squares = [
        first_layer_gradient(
            recorded_weights(recorded, at),
            rows.X_train,
            rows.y_train,
            dataset.task,
            config.activation,
            config.batch_size,
        ).scale
        ** 2
        for at in sorted(recorded)
        if at <= epoch
    ]
    scale: Floats = np.sqrt(np.mean(squares, axis=0))
    return scale


def measure_first_step(twins: Twins, dataset: Dataset, config: Config) -> dict[str, FirstStep]:
    """Return what a penalty added to Adam's first step, of one network whose epoch is a single step.

    "silent" are the first layer's weights whose data gradient is exactly 0, as those of inputs that are 0 on
    every train row; "loud" those whose data gradient is larger than the penalty's. A kind of which there are
    no weights is left out.

    Args:
        twins: Of one seed each, recorded before and after the step.
        dataset: What they were trained on.
        config: Of the twin with L2 in the loss; all train rows are in its batch.
    """
    seed, ((plain,), (l2,), (decoupled,)) = config.seed, twins
    before = recorded_weights(plain, 0)
    kernel, rows = np.asarray(before.kernels[0], dtype=np.float64), dataset.split(seed)
    gradient = first_layer_gradient(
        before, rows.X_train, rows.y_train, dataset.task, config.activation, dataset.n_train
    ).mean
    penalty = 2 * config.l2 * kernel
    rate = config.learning_rate
    extra = {
        "l2": np.asarray(plain[1][0], dtype=np.float64) - l2[1][0],
        "l2_theory": adam_first_step(gradient + penalty, rate) - adam_first_step(gradient, rate),
        "decoupled": np.asarray(plain[1][0], dtype=np.float64) - decoupled[1][0],
        "decoupled_theory": rate * penalty,
    }
    kinds = {"silent": gradient == 0, "loud": np.abs(gradient) > np.abs(penalty)}
    return {
        kind: FirstStep(
            int(chosen.sum()),
            **{name: float(np.mean(np.abs(step[chosen]))) / rate for name, step in extra.items()},
        )
        for kind, chosen in kinds.items()
        if chosen.any()
    }


def adam_first_step(gradient: npt.ArrayLike, learning_rate: float) -> Floats:
    """Return what Adam's first step takes off a weight: about the learning rate, however large the gradient.

    lr * g / (|g| + epsilon / sqrt(1 - beta_2)) (Kingma and Ba 2015, section 2, with the epsilon of its faster
    form, as in Keras).
    """
    g = np.asarray(gradient, dtype=np.float64)
    step: Floats = learning_rate * g / (np.abs(g) + ADAM_EPSILON / np.sqrt(1 - ADAM_BETA_2))
    return step


def first_layer_gradient(
    weights: Weights, X: npt.ArrayLike, y: npt.ArrayLike, task: Task, activation: str, batch_size: int
) -> Gradient:
    """Return the gradient of the data loss by the first kernel, without dropout and in float64.

    The mean square of a mean over B of n rows, drawn without replacement, is that of the mean over all plus
    the variance over rows times (n - B) / (n - 1) / B.

    Args:
        weights: Of the network.
        X: [rows, features] as the network sees them, scaled.
        y: [rows], class numbers from 0, or standardized targets.
        task: Of the data.
        activation: Of the hidden units, "relu" or "tanh".
        batch_size: Rows in a batch.
    """
    rows, n_rows = np.asarray(X, dtype=np.float64), len(np.asarray(X))
    errors = _errors_of_first_layer(weights, rows, np.asarray(y), task, activation)
    mean = rows.T @ errors / n_rows
    variance = np.maximum((rows**2).T @ errors**2 / n_rows - mean**2, 0.0)
    n_drawn = min(batch_size, n_rows)
    left_out = (n_rows - n_drawn) / max(n_rows - 1, 1) / n_drawn
    return Gradient(mean, np.sqrt(mean**2 + variance * left_out))


def _errors_of_first_layer(
    weights: Weights, X: Floats, y: npt.NDArray[np.generic], task: Task, activation: str
) -> Floats:
    """Return each row's gradient of its loss by the sums of the first layer's units, [rows, units]."""
    *hidden, outputs = activations(weights, X, activation)
    error = output_gradient(outputs, y, task)
    for kernel, units in zip(reversed(weights.kernels[1:]), reversed(hidden), strict=True):
        error = error @ kernel.astype(np.float64).T * slope(units, activation)
    return error


def shrink_by_gradient(
    before: npt.ArrayLike, plain: npt.ArrayLike, penalised: npt.ArrayLike, scale: npt.ArrayLike, n_bins: int
) -> tuple[ShrinkOfBin, ...]:
    """Return what a penalty took off weights, by the scale of their gradients, ascending.

    Two trainings from the same weights in the same order, one with the penalty: their difference is what the
    penalty did. In each bin it is the least-squares slope through 0 of that difference on the first weights.
    Weights without any gradient are left out.

    Args:
        before: The weights both began with.
        plain: After some steps without the penalty.
        penalised: After as many steps with it.
        scale: Of the gradients of each weight.
        n_bins: Into how many bins of as many weights, if they are enough.

    Raises:
        ConfigError: if `n_bins` is less than 1.
    """
    if not n_bins >= 1:
        raise ConfigError(f"n_bins must be 1 or more, got {n_bins!r}")
    first, without, with_it, scales = (
        np.asarray(values, dtype=np.float64).ravel() for values in (before, plain, penalised, scale)
    )
    heard = np.flatnonzero(scales > 0)
    order = heard[np.argsort(scales[heard], kind="stable")]
    return tuple(
        ShrinkOfBin(
            gradient=float(np.median(scales[part])),
            taken=float(first[part] @ (without[part] - with_it[part]) / (first[part] @ first[part])),
            n_weights=len(part),
        )
        for part in np.array_split(order, n_bins)
        if first[part].any()
    )


def _taken(before: Floats, plain: Floats, penalised: Floats, chosen: npt.NDArray[np.bool_]) -> float:
    first = before[chosen]
    if not first.any():
        return float("nan")
    return float(first @ (plain[chosen] - penalised[chosen]) / (first @ first))
