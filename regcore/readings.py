"""What the curves of a run say of its fit, seed by seed, in parts of what there is to learn.

An error of 0.2 is good on ten classes and bad on two, and no network gets below the labels that are wrong.
So what is read here is divided by what there is to learn: from the error of whoever never looks at the input
down to that of a perfect network (`regcore.scoring.noise_floor`). 0 is perfect, 1 is blind. What the target
of a regression cannot tell, or classes that overlap, is not known, and counts as there to learn.

The networks of an ensemble are read one by one and averaged: what is read is the fit of a network, not of
their averaged prediction. So nothing but the recorded curves is needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from regcore.results import HISTORY_COLUMNS
from regcore.scoring import NoiseFloor, noise_floor

if TYPE_CHECKING:
    from regcore.data import Dataset
    from regcore.data.types import Targets
    from regcore.results import Result

# The pace of a curve is that between two parts of its end, of a fifth of its epochs each; where it is lowest
# is looked for in averages over a twentieth, so that a jump of one epoch is no minimum.
PARTS_OF_PACE = 5
PARTS_OF_LOWEST = 20
BEYOND_COUNTING = 1e12
# Where labels leave nothing to learn, numbers are in parts of this much of the blind error.
LEAST_TO_LEARN = 0.5

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


class ToLearn(NamedTuple):
    """Where an error, or a loss, begins and where it can end.

    Attributes:
        blind: Of the best answer that never looks at the input; [seeds].
        floor: Of a perfect network, as far as it is known.
    """

    blind: Floats
    floor: float

    @property
    def unit(self) -> Floats:
        """What there is to learn, [seeds], never 0: half of the blind error where it would be less."""
        least = LEAST_TO_LEARN * self.blind
        return np.where(self.blind > 0, np.maximum(self.blind - self.floor, least), 1.0)


class Readings(NamedTuple):
    """What is read of each seed, [seeds] each, at the epochs kept, in parts of what there is to learn.

    Attributes:
        lost: Part of the members whose loss was not finite in some epoch; where patience fired, in one up to
            that: what is recorded after it is not of a network that is kept.
        blow_up: log10 of the largest loss of such an epoch, in losses of a blind answer: 0 is as good.
        unlearnt: Train error above that of a perfect network; below 0, wrong labels were learnt.
        gap: Validation error minus train error.
        rise: Validation loss above where it was lowest before.
        gain: What more epochs would lower the validation loss by. Where patience fired, what they did, in
            the epochs recorded after it. Else an estimate: that of the next doubling of the epochs at the
            pace of the last two fifths, counted in doublings; NaN of a single epoch, which has no pace.
        row_noise: Standard error of the validation error by its number of rows.
        epoch_noise: Standard deviation of the validation error by jumps from epoch to epoch.
        jumps: The same of the validation loss.
        gain_noise: Standard deviation of `gain` by such jumps.
        rise_noise: The same of `rise`.
        train_error: Part of the train rows that is labelled wrong; or mean absolute error in y's own units.
        val_error: The same on the validation rows.
    """

    lost: Floats
    blow_up: Floats
    unlearnt: Floats
    gap: Floats
    rise: Floats
    gain: Floats
    row_noise: Floats
    epoch_noise: Floats
    jumps: Floats
    gain_noise: Floats
    rise_noise: Floats
    train_error: Floats
    val_error: Floats


def read(result: Result) -> Readings:
    """Return what the recorded curves say, seed by seed: of one result, worked out once.

    Args:
        result: Complete.
    """
    found = _READ_OF.get(result)
    if found is None:
        found = _READ_OF[result] = _read(result)
    return found


# A baseline is held against one run after another. A result is complete or not for good, and its curves stay.
_READ_OF: WeakKeyDictionary[Result, Readings] = WeakKeyDictionary()


def _read(result: Result) -> Readings:
    errors, losses = _to_learn(result)
    curves = {name: _curves(result, name) for name in _READ}
    stopped_at = _stopped_at(result)
    is_seen, has_fired = _is_seen(result, stopped_at), stopped_at > 0
    kept = {name: _kept(result, curve) for name, curve in curves.items()}
    y_scale = np.array([result.dataset.rows(seed).y_scale for seed in result.seeds])
    # A run that diverged has infinities to subtract.
    with np.errstate(invalid="ignore", over="ignore"):
        is_lost = ~np.isfinite(curves["train_loss"] + curves["val_loss"])
        n_told = np.where(np.any(is_lost & ~is_seen, axis=2), is_seen.sum(axis=2), is_seen.shape[2])
        rise, gain = _rise_and_gain(result, curves["val_loss"], n_told, has_fired)
        epoch_noise, jumps = (_jumps(curves[name], n_told) for name in ("val_error", "val_loss"))
        rise_noise, gain_noise = _noise_of_rise_and_gain(result, jumps, has_fired)
        return Readings(
            lost=np.any(is_lost & is_seen, axis=2).mean(axis=1),
            blow_up=_blow_up(result, curves, is_seen, losses),
            unlearnt=(kept["train_error"].mean(axis=1) - errors.floor) / errors.unit,
            gap=(kept["val_error"] - kept["train_error"]).mean(axis=1) / errors.unit,
            rise=rise.mean(axis=1) / losses.unit,
            gain=gain.mean(axis=1) / losses.unit,
            row_noise=_row_noise(result, kept["val_error"], kept["val_loss"]).mean(axis=1) / errors.unit,
            epoch_noise=_of_mean(epoch_noise) / errors.unit,
            jumps=_of_mean(jumps) / losses.unit,
            gain_noise=_of_mean(gain_noise) / losses.unit,
            rise_noise=_of_mean(rise_noise) / losses.unit,
            train_error=kept["train_error"].mean(axis=1) * y_scale,
            val_error=kept["val_error"].mean(axis=1) * y_scale,
        )


def _to_learn(result: Result) -> tuple[ToLearn, ToLearn]:
    """Return what there is to learn in errors and in losses; of the same rows it is worked out once."""
    of_dataset = _TO_LEARN_OF.setdefault(result.dataset, {})
    found = of_dataset.get(result.seeds)
    if found is None:
        found = of_dataset[result.seeds] = errors_to_learn(result), losses_to_learn(result)
    return found


_TO_LEARN_OF: WeakKeyDictionary[Dataset, dict[tuple[int, ...], tuple[ToLearn, ToLearn]]] = WeakKeyDictionary()

_READ = ("objective", "train_loss", "train_error", "val_loss", "val_error")


def errors_to_learn(result: Result) -> ToLearn:
    """Return where the error of each seed begins and ends: fractions, or standardized absolute errors.

    Who is blind names the class that is most frequent on the train rows, or the median of their targets.
    """
    targets = _targets(result)
    if result.dataset.task == "regression":
        return ToLearn(np.array([np.mean(np.abs(y - np.median(y))) for y in targets]), 0.0)
    return ToLearn(np.array([1 - _frequencies(y).max() for y in targets]), _floor(result).error)


def losses_to_learn(result: Result) -> ToLearn:
    """Return where the data loss of each seed begins and ends.

    Who is blind gives every row the frequencies of the classes on the train rows, or their mean target.
    """
    targets = _targets(result)
    if result.dataset.task == "regression":
        return ToLearn(np.array([np.var(y) for y in targets]), 0.0)
    blind = [-np.sum(p * np.log(p)) for p in map(_frequencies, targets)]
    return ToLearn(np.array(blind) + 0.0, _floor(result).loss)


def _targets(result: Result) -> list[Targets]:
    return [result.dataset.rows(seed).y_train for seed in result.seeds]


def _frequencies(labels: Targets) -> Floats:
    counts = np.bincount(labels.astype(np.int64))
    frequencies: Floats = counts[counts > 0] / len(labels)
    return frequencies


def _floor(result: Result) -> NoiseFloor:
    return noise_floor(result.dataset.label_noise, result.dataset.n_classes)


def _curves(result: Result, column: str) -> Floats:
    """Return a column of the history, [seeds, members, epochs]."""
    at = HISTORY_COLUMNS.index(column)
    members = range(result.config.members)
    return np.array(
        [[result.recordings[seed, member].history[:, at] for member in members] for seed in result.seeds]
    )


def _kept_at(result: Result) -> Counts:
    """Return the 1-based epochs that are kept, [seeds, members]."""
    members = range(result.config.members)
    return np.array([[result.restored_epoch(seed, member) for member in members] for seed in result.seeds])


def _kept(result: Result, curves: Floats) -> Floats:
    kept: Floats = np.take_along_axis(curves, _kept_at(result)[:, :, None] - 1, axis=2)[:, :, 0]
    return kept


def _of_mean(noise: Floats) -> Floats:
    """Return the noise of the mean over members, [seeds], from that of each, [seeds, members]."""
    pooled: Floats = np.sqrt(np.mean(noise**2, axis=1) / noise.shape[1])
    return pooled


def _stopped_at(result: Result) -> Counts:
    """Return the epoch in which patience fired, [seeds, members]; 0 where it did not."""
    members = range(result.config.members)
    stopped_at = [[result.stopped_epoch(seed, member) or 0 for member in members] for seed in result.seeds]
    return np.array(stopped_at)


def _is_seen(result: Result, stopped_at: Counts) -> Flags:
    """Return whether a network trains for an epoch before patience fires, [seeds, members, epochs]."""
    n_epochs = result.recordings[result.seeds[0], 0].n_epochs
    seen: Flags = np.arange(n_epochs) < np.where(stopped_at, stopped_at, n_epochs)[:, :, None]
    return seen


def _blow_up(result: Result, curves: Mapping[str, Floats], is_seen: Flags, losses: ToLearn) -> Floats:
    # The objective has seen every step. With a penalty in it, what is left is the loss after an epoch.
    curve = curves["train_loss" if result.config.l2 else "objective"]
    largest = np.where(is_seen, curve, -np.inf).max(axis=2).mean(axis=1)
    times = largest / np.where(losses.blind > 0, losses.blind, 1.0)
    blow_up: Floats = np.log10(np.clip(np.nan_to_num(times, nan=BEYOND_COUNTING), 1e-12, BEYOND_COUNTING))
    return blow_up


def _rise_and_gain(
    result: Result, val_loss: Floats, n_told: Counts, has_fired: Flags
) -> tuple[Floats, Floats]:
    """Return how far each network's loss is above its lowest before, and above what more epochs reach.

    Args:
        result: The run.
        val_loss: [seeds, members, epochs].
        n_told: How many first epochs of each network are looked at, [seeds, members].
        has_fired: Whether patience did, [seeds, members].
    """
    kept_at, smooth = _kept_at(result), np.full_like(val_loss, np.nan)
    for network, n_epochs in np.ndenumerate(n_told):
        smooth[network][:n_epochs] = _smoothed(val_loss[network][:n_epochs])
    # What patience restores was chosen for its loss. The last epoch was not: its jitter is averaged out.
    was_chosen = result.config.patience is not None and result.config.restore_best_weights
    kept = _kept(result, val_loss if was_chosen else smooth)
    # One epoch for all networks: the lowest of each would be lowest by luck as well. NaN is not low.
    mean = smooth.mean(axis=(0, 1))
    lowest_at = int(np.argmin(np.where(np.isnan(mean), np.inf, mean))) + 1
    above = kept - smooth[:, :, lowest_at - 1]
    rise = np.where(lowest_at < kept_at, above, 0.0)
    gain = np.where(has_fired, np.where(lowest_at > kept_at, above, 0.0), _next_doubling(val_loss))
    return rise, gain


def _smoothed(curves: Floats) -> Floats:
    """Return the average of each epoch and as many around it on either side as there are."""
    n_epochs = curves.shape[-1]
    half = _half_window(n_epochs)
    total = np.concatenate([np.zeros((*curves.shape[:-1], 1)), np.cumsum(curves, axis=-1)], axis=-1)
    epochs = np.arange(n_epochs)
    first, last = np.maximum(epochs - half, 0), np.minimum(epochs + half + 1, n_epochs)
    smoothed: Floats = (total[..., last] - total[..., first]) / (last - first)
    return smoothed


def _half_window(n_epochs: int) -> int:
    return n_epochs // PARTS_OF_LOWEST // 2


def _next_doubling(curves: Floats) -> Floats:
    n_epochs = curves.shape[-1]
    if n_epochs < 2:
        return np.full(curves.shape[:-1], np.nan)
    part = _part(n_epochs)
    fall = curves[..., -2 * part : -part].mean(axis=-1) - curves[..., -part:].mean(axis=-1)
    gain: Floats = fall / _doublings(n_epochs)
    return gain


def _part(n_epochs: int) -> int:
    return max(1, n_epochs // PARTS_OF_PACE)


def _doublings(n_epochs: int) -> float:
    """Return how many doublings of epochs lie between the last two parts of a curve."""
    part = _part(n_epochs)
    middle = n_epochs - (part - 1) / 2
    return math.log2(middle / (middle - part))


def _noise_of_rise_and_gain(result: Result, jumps: Floats, has_fired: Flags) -> tuple[Floats, Floats]:
    """Return the standard deviations, [seeds, members], of differences of averages of a curve that jumps."""
    n_epochs = result.recordings[result.seeds[0], 0].n_epochs
    rise_noise = jumps * math.sqrt(2 / (_half_window(n_epochs) + 1))
    if n_epochs < 2:
        return rise_noise, np.zeros_like(jumps)
    of_pace = jumps * math.sqrt(2 / _part(n_epochs)) / _doublings(n_epochs)
    return rise_noise, np.where(has_fired, rise_noise, of_pace)


def _row_noise(result: Result, error: Floats, loss: Floats) -> Floats:
    """Return the standard error of each network's validation error by its rows.

    Of a fraction as Agresti and Coull (1998) estimate it, two rows more on either side: no mistake among
    eight rows is no proof of none. Of absolute errors from their variance, mean square minus squared mean.
    """
    n_rows = result.dataset.n_val
    if result.dataset.task == "regression":
        return np.sqrt(np.maximum(loss - error**2, 0.0) / n_rows)
    fraction = (error * n_rows + 2) / (n_rows + 4)
    return np.sqrt(fraction * (1 - fraction) / (n_rows + 4))


def _jumps(curves: Floats, n_told: Counts) -> Floats:
    """Return the standard deviation by jumps from epoch to epoch, in the second half of each curve.

    Of each curve are looked at its first `n_told` epochs, [seeds, members].

    From second differences, to which a trend adds next to nothing: their mean square is six variances
    (Gasser, Sroka and Jennen-Steinmetz, Residual variance and residual pattern in nonlinear regression,
    1986). Of less than three epochs it is not known, and 0.
    """
    jumps = np.zeros(curves.shape[:-1])
    for network, n_epochs in np.ndenumerate(n_told):
        half = max(3, int(n_epochs) // 2)
        differences = np.diff(curves[network][:n_epochs][-half:], n=2)
        if differences.size:
            jumps[network] = np.sqrt(np.mean(differences**2) / 6)
    return jumps
