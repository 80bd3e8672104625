"""What early stopping cost and saved in trainings that went on past the stop, and what other rules would.

Everything is read off recorded validation curves, so another patience, or a rule of another kind, costs no
training.
"""

from __future__ import annotations

import statistics as middle
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore.early_stopping import (
    Replay,
    generalization_loss,
    replay_generalization_loss,
    replay_one_epoch_fits,
    replay_quietly,
)
from regcore.errors import ConfigError
from regcore.results import HISTORY_COLUMNS
from regcore.statistics import mean_interval

if TYPE_CHECKING:
    from regcore.config import Config
    from regcore.results import Result
    from regcore.statistics import MeanInterval

Curve = npt.NDArray[np.float64]
Curves = Mapping[tuple[int, int], Curve]
Rule = Callable[[Curve], Replay]

PATIENCES = tuple(range(1, 51))
ALPHAS = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0, 40.0, 60.0, 90.0, 150.0)
"""Percent: finer than the 1 to 5 of Prechelt's study below, and beyond them for curves that are bumpy."""


class NetworkStop(NamedTuple):
    """What early stopping did to one network; epochs count from 1.

    Attributes:
        seed: Value of the seed column.
        member: Member of the ensemble, from 0.
        best_epoch: Lowest validation loss up to the stop.
        stopped_epoch: Where patience fired; None: it never did.
        restored_epoch: Whose weights `restore_best_weights=True` keeps.
        n_epochs: Epochs recorded.
        restored_loss: Validation loss after `restored_epoch`.
        last_loss: Validation loss after the last epoch trained, which is kept without restoring.
    """

    seed: int
    member: int
    best_epoch: int
    stopped_epoch: int | None
    restored_epoch: int
    n_epochs: int
    restored_loss: float
    last_loss: float

    @property
    def trained_epochs(self) -> int:
        """Epochs that would have been trained."""
        return self.stopped_epoch or self.n_epochs

    @property
    def saved_epochs(self) -> int:
        """Epochs recorded past the stop, which would not have been trained."""
        return self.n_epochs - self.trained_epochs

    @property
    def cost_of_not_restoring(self) -> float:
        """How much higher the loss is if the last epoch is kept."""
        return self.last_loss - self.restored_loss


class StopSpread(NamedTuple):
    """Where networks stopped: how many did, and the lowest, middle and highest epoch (None: none did)."""

    n_networks: int
    n_stopped: int
    low: int | None
    median: float | None
    high: int | None


class RulePoint(NamedTuple):
    """What a rule with one value gives, means over seeds with 95 % t-intervals.

    Attributes:
        value: The rule's: patience, or alpha.
        loss: Validation loss of the epoch kept.
        epochs: Epochs trained.
        n_stopped: Networks that stopped.
    """

    value: float
    loss: MeanInterval
    epochs: MeanInterval
    n_stopped: int


class LoopCost(NamedTuple):
    """The rule in one `fit`, and in a loop of fits of one epoch, over networks and seeds.

    Attributes:
        once: One `fit` with the callback.
        loop: A `fit` for each epoch, with the same callback.
    """

    once: RulePoint
    loop: RulePoint


def val_curves(result: Result) -> dict[tuple[int, int], Curve]:
    """Return the validation loss after each epoch, by (seed, member), of the networks that have one."""
    column = HISTORY_COLUMNS.index("val_loss")
    return {
        network: recording.history[:, column]
        for network, recording in sorted(result.recordings.items())
        if recording.n_epochs and network[0] in result.seeds and network[1] < result.config.members
    }


def network_stops(result: Result) -> tuple[NetworkStop, ...]:
    """Return what early stopping did to each network, by seed and member."""
    rule = keras_rule(result.config)
    return tuple(_network_stop(*network, curve, rule(curve)) for network, curve in val_curves(result).items())


def _network_stop(seed: int, member: int, curve: Curve, stop: Replay) -> NetworkStop:
    last = stop.stopped_epoch or len(curve)
    losses = float(curve[stop.restored_epoch - 1]), float(curve[last - 1])
    return NetworkStop(seed, member, *stop, len(curve), *losses)


def stop_spread(stops: Sequence[NetworkStop]) -> StopSpread:
    """Return where networks stopped."""
    epochs = [stop.stopped_epoch for stop in stops if stop.stopped_epoch is not None]
    if not epochs:
        return StopSpread(len(stops), 0, None, None, None)
    return StopSpread(len(stops), len(epochs), min(epochs), float(middle.median(epochs)), max(epochs))


def keras_rule(config: Config) -> Rule:
    """Return the rule of a configuration, as Keras applies it with `restore_best_weights=True`."""
    return partial(
        replay_quietly,
        patience=config.patience,
        min_delta=config.min_delta,
        start_from_epoch=config.start_from_epoch,
    )


def patience_points(result: Result, patiences: Sequence[int] = PATIENCES) -> tuple[RulePoint, ...]:
    """Return what each patience would have given, under all else that the configuration says.

    Args:
        result: What was trained; the longer past the stop, the larger a patience can be judged.
        patiences: Epochs.

    Raises:
        ConfigError: if a patience is below 0, or nothing has been recorded yet.
    """
    if any(not patience >= 0 for patience in patiences):
        raise ConfigError(f"patiences must be 0 or more epochs, got {tuple(patiences)!r}")
    curves, config = val_curves(result), result.config
    return tuple(
        _rule_point(patience, curves, _as_kept(keras_rule(config.replace(patience=patience)), config))
        for patience in patiences
    )


def alpha_points(result: Result, alphas: Sequence[float] = ALPHAS) -> tuple[RulePoint, ...]:
    """Return what Prechelt's GL criterion would have given at each alpha.

    The lowest epoch is kept, or the last one trained where the configuration restores nothing.

    Args:
        result: What was trained.
        alphas: Percent.

    Raises:
        ConfigError: if an alpha is below 0, or nothing has been recorded yet.
    """
    curves, config = val_curves(result), result.config
    return tuple(
        _rule_point(alpha, curves, _as_kept(partial(replay_generalization_loss, alpha=alpha), config))
        for alpha in alphas
    )


def never_stopped(result: Result) -> RulePoint:
    """Return what training to the last epoch gives, and keeping it.

    Raises:
        ConfigError: if nothing has been recorded yet.
    """
    return _rule_point(np.inf, val_curves(result), keras_rule(result.config.replace(patience=None)))


def cost_of_a_loop(result: Result) -> LoopCost:
    """Return what the configuration's rule gives in one `fit`, and in a loop of fits of one epoch each.

    Raises:
        ConfigError: if the configuration has no patience, or nothing has been recorded yet.
    """
    config, curves = result.config, val_curves(result)
    if config.patience is None:
        raise ConfigError("patience must be set to compare one fit with a loop of fits, got None")
    loop = partial(
        replay_one_epoch_fits,
        patience=config.patience,
        min_delta=config.min_delta,
        start_from_epoch=config.start_from_epoch,
    )
    once = _as_kept(keras_rule(config), config)
    return LoopCost(_rule_point(config.patience, curves, once), _rule_point(config.patience, curves, loop))


def loss_above_lowest(result: Result) -> dict[tuple[int, int], Curve]:
    """Return Prechelt's GL in percent after each epoch, by (seed, member)."""
    return {network: generalization_loss(curve) for network, curve in val_curves(result).items()}


def _as_kept(rule: Rule, config: Config) -> Rule:
    """Return the rule with the epoch that the configuration keeps: the best, or the last one trained."""
    return rule if config.restore_best_weights else partial(_unrestored, rule)


def _unrestored(rule: Rule, curve: Curve) -> Replay:
    stop = rule(curve)
    return stop._replace(restored_epoch=stop.stopped_epoch or len(curve))


def _rule_point(value: float, curves: Curves, rule: Rule) -> RulePoint:
    if not curves:
        raise ConfigError("result must have an epoch of at least one network, got none")
    stops = {network: rule(curve) for network, curve in curves.items()}
    losses = {network: float(curves[network][stop.restored_epoch - 1]) for network, stop in stops.items()}
    epochs = {network: float(stop.stopped_epoch or len(curves[network])) for network, stop in stops.items()}
    n_stopped = sum(stop.stopped_epoch is not None for stop in stops.values())
    return RulePoint(value, _over_seeds(losses), _over_seeds(epochs), n_stopped)


def _over_seeds(values: Mapping[tuple[int, int], float]) -> MeanInterval:
    """Return mean and interval over seeds, the members of a seed averaged."""
    by_seed: dict[int, list[float]] = {}
    for (seed, _), value in values.items():
        by_seed.setdefault(seed, []).append(value)
    return mean_interval([float(np.mean(of_seed)) for of_seed in by_seed.values()])
