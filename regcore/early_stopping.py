"""Rules that stop a training early, as pure functions of a recorded validation curve: that of Keras, that of
Prechelt, and what is left of Keras's where `fit` is called for one epoch at a time.

A recording goes on after patience would have fired, so patience can be chosen afterwards: replaying a curve
costs microseconds, training it again costs seconds.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regcore.errors import ConfigError


class Replay(NamedTuple):
    """What early stopping would have done on a curve; every epoch counts from 1.

    Attributes:
        best_epoch: Lowest recorded loss up to the stop, the first on a tie.
        stopped_epoch: Where patience fired; None if it never did.
        restored_epoch: Whose weights `restore_best_weights=True` keeps. With `min_delta` or
            `start_from_epoch` this need not be `best_epoch`.
    """

    best_epoch: int
    stopped_epoch: int | None
    restored_epoch: int


def replay(
    val_loss: Sequence[float] | npt.NDArray[np.floating],
    patience: int | None,
    min_delta: float = 0.0,
    start_from_epoch: int = 0,
) -> Replay:
    """Return where `keras.callbacks.EarlyStopping` would have stopped on this curve, and what it would
    restore.

    Equal to Keras on every sequence, NaN and infinities included. Keras restores the best weights at the end
    of training even when patience never fired, never stops at the first epoch, treats patience 0 as 1, and
    compares in float32, which decides ties.

    Args:
        val_loss: Validation loss after each epoch, at least one.
        patience: Epochs without an improvement after which training stops; None switches the rule off, and
            the last epoch is kept.
        min_delta: An epoch improves only if it is lower than the last improvement by more than this.
        start_from_epoch: Keras's 0-based index of the first epoch that is monitored. If none was, the last
            weights stay.

    Raises:
        ConfigError: if an argument is out of its range, or the curve is empty.

    Warns:
        RuntimeWarning: if the first monitored loss is NaN. No later loss compares as lower, so Keras stops
            after `patience` epochs and restores the NaN network.
    """
    curve = np.asarray(val_loss, dtype=np.float64)
    _check(curve, patience, min_delta, start_from_epoch)
    found = replay_quietly(curve, patience, min_delta, start_from_epoch)
    if patience is not None and start_from_epoch < len(curve) and math.isnan(curve[start_from_epoch]):
        warnings.warn(
            f"The first monitored val_loss (epoch {start_from_epoch + 1}) is NaN: nothing compares as lower, "
            "so early stopping keeps that epoch, as Keras does.",
            RuntimeWarning,
            stacklevel=2,
        )
    return found


def generalization_loss(val_loss: Sequence[float] | npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return by how many percent each loss is above the lowest until then: GL [epochs].

    GL(t) = 100 * (E_va(t) / E_opt(t) - 1), E_opt(t) the lowest loss of epochs 1 to t (Prechelt, Early
    Stopping - But When?, 1998, section 2.1). A loss that is not a number has none; above a loss of 0 it is
    infinite.

    Args:
        val_loss: Validation loss after each epoch, at least one, none below 0.

    Raises:
        ConfigError: if the curve is empty, or a loss is below 0.
    """
    curve = np.asarray(val_loss, dtype=np.float64)
    _check_curve(curve)
    if (curve < 0).any():
        raise ConfigError(f"val_loss must be 0 or more for a generalization loss, got {curve.min()!r}")
    lowest = np.fmin.accumulate(curve)
    with np.errstate(divide="ignore", invalid="ignore"):
        above = 100 * (curve / lowest - 1)
    above[curve == lowest] = 0.0
    return above


def replay_generalization_loss(val_loss: Sequence[float] | npt.NDArray[np.floating], alpha: float) -> Replay:
    """Return where training stops by Prechelt's first criterion: at the first epoch with GL > alpha.

    Where patience counts epochs, GL measures how far the loss has risen. The lowest epoch is kept.

    Args:
        val_loss: As for `generalization_loss`.
        alpha: Percent above the lowest loss that are allowed.

    Raises:
        ConfigError: as `generalization_loss` does, or if alpha is below 0 or no number.
    """
    if not (_is_number(alpha) and alpha >= 0):
        raise ConfigError(f"alpha must be 0 or more percent, got {alpha!r}")
    curve = np.asarray(val_loss, dtype=np.float64)
    beyond = np.flatnonzero(generalization_loss(curve) > alpha)
    stopped = int(beyond[0]) + 1 if len(beyond) else None
    lowest = _lowest(curve[:stopped], otherwise=len(curve))
    return Replay(lowest, stopped, lowest)


def replay_one_epoch_fits(
    val_loss: Sequence[float] | npt.NDArray[np.floating],
    patience: int,
    min_delta: float = 0.0,
    start_from_epoch: int = 0,
) -> Replay:
    """Return where a loop of `model.fit(epochs=1, callbacks=[EarlyStopping(...)])` would have stopped.

    Every `fit` begins the rule anew: its one epoch is the first, the best so far, and one at which Keras
    never stops. So patience never fires, and what is kept is the last epoch.

    Args:
        val_loss: Validation loss after each epoch, at least one.
        patience: As for `replay`.
        min_delta: As for `replay`.
        start_from_epoch: As for `replay`.

    Raises:
        ConfigError: as `replay` does.
    """
    curve = np.asarray(val_loss, dtype=np.float64)
    _check(curve, patience, min_delta, start_from_epoch)
    fits = [replay_quietly(curve[[at]], patience, min_delta, start_from_epoch) for at in range(len(curve))]
    stopped = next((epoch for epoch, fit in enumerate(fits, start=1) if fit.stopped_epoch), None)
    kept = stopped or len(curve)
    return Replay(_lowest(curve[:kept], otherwise=kept), stopped, kept)


def _check_curve(curve: npt.NDArray[np.float64]) -> None:
    if curve.ndim != 1 or not len(curve):
        raise ConfigError(f"val_loss must be one loss for each epoch, at least one, got shape {curve.shape}")


def _check(
    curve: npt.NDArray[np.float64], patience: int | None, min_delta: float, start_from_epoch: int
) -> None:
    _check_curve(curve)
    if patience is not None and not _is_count(patience):
        raise ConfigError(f"patience must be None or a whole number from 0, got {patience!r}")
    if not (_is_number(min_delta) and 0 <= min_delta < math.inf):
        raise ConfigError(f"min_delta must be 0 or more and finite, got {min_delta!r}")
    if not _is_count(start_from_epoch):
        raise ConfigError(f"start_from_epoch must be a whole number from 0, got {start_from_epoch!r}")


def _is_count(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= 0)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.number))


def replay_quietly(
    curve: npt.NDArray[np.float64], patience: int | None, min_delta: float, start_from_epoch: int
) -> Replay:
    """Return the replay without checks or warnings, for results that replay hundreds of curves."""
    n_epochs = len(curve)
    if patience is None or start_from_epoch >= n_epochs:
        return Replay(_lowest(curve, otherwise=n_epochs), None, n_epochs)
    restored = _last_improvement(curve[start_from_epoch:], max(patience, 1), min_delta) + start_from_epoch
    # Patience 0 and 1 are the same: an epoch without improvement is needed before the wait is looked at.
    stopped = restored + max(patience, 1)
    seen = curve[: stopped + 1]
    return Replay(
        _lowest(seen, otherwise=restored + 1), stopped + 1 if stopped < n_epochs else None, restored + 1
    )


def _last_improvement(monitored: npt.NDArray[np.float64], wait: int, min_delta: float) -> int:
    """Return the 0-based position of the last improvement before `wait` epochs pass without one."""
    # Only a new minimum can improve on the last improvement, so only those are visited.
    minima = _new_minima(monitored)
    lower = monitored[minima]
    # Keras adds min_delta in Python's float64, and rounds the sum.
    compared = _as_keras_compares(np.concatenate([monitored[:1], lower, lower + min_delta])).tolist()
    losses, candidates = compared[1 : 1 + len(lower)], compared[1 + len(lower) :]
    last, best = 0, compared[0]
    for epoch, candidate, loss in zip(minima.tolist(), candidates, losses, strict=True):
        if epoch - last > wait:
            break
        if candidate < best:
            last, best = epoch, loss
    return last


def _as_keras_compares(losses: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return float32 values, those below its normal range as 0, which is what TensorFlow's `less` sees."""
    with np.errstate(over="ignore", under="ignore"):
        rounded = losses.astype(np.float32)
    rounded[np.abs(rounded) < np.finfo(np.float32).tiny] = 0.0
    return rounded


def _new_minima(monitored: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Return the 0-based epochs whose loss is strictly below every loss before; never the first."""
    return np.flatnonzero(monitored[1:] < np.fmin.accumulate(monitored)[:-1]) + 1


def _lowest(curve: npt.NDArray[np.float64], otherwise: int) -> int:
    """Return the 1-based epoch of the lowest loss that is a number; `otherwise` where every loss is NaN."""
    lowest = int(curve.argmin())
    if not math.isnan(curve[lowest]):
        return lowest + 1
    # To `argmin` nothing is lower than what is no number.
    is_nan = np.isnan(curve)
    return otherwise if is_nan.all() else int(np.where(is_nan, np.inf, curve).argmin()) + 1
