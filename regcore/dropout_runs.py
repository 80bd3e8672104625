"""Dropout held against other runs: every pair of rates, real ensembles, and its own validation loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from regcore import scoring
from regcore.config import Config
from regcore.dropout import has_dropout
from regcore.results import Result
from regcore.statistics import (
    MeanInterval,
    PairedDifference,
    best_choice,
    mean_interval,
    one_standard_error_choice,
    paired_difference,
)

INPUT_RATES = (0.0, 0.1, 0.2, 0.3, 0.5)
HIDDEN_RATES = (0.0, 0.2, 0.35, 0.5, 0.7)
# Enough for a paired interval; eight would take twice as long.
SEEDS = 4
MEMBERS = 8
DROPOUT_MEMBERS = 4

PLAIN = "plain networks"
DROPPED = "networks with dropout"


def main_metric(result: Result) -> str:
    """Return the metric that runs are judged by: "error", or "mae" for regression."""
    return scoring.metric_names(result.dataset.task)[1]


def rate_configs(
    config: Config, inputs: Sequence[float] = INPUT_RATES, hiddens: Sequence[float] = HIDDEN_RATES
) -> dict[str, Config]:
    """Return a configuration for each pair of rates, by name, that with no dropout first.

    All else stays as it is, members aside: single networks of at most four seeds. Without hidden layers only
    the input has rates.

    Args:
        config: With hidden layers or without.
        inputs: Rates of the input, ascending, 0 the first.
        hiddens: Rates of every hidden layer, ascending, 0 the first.
    """
    single = config.replace(members=1, seeds=min(config.seeds, SEEDS))
    return {
        f"{of_input:g}/{of_hidden:g}": single.replace(dropout_input=of_input, dropout_hidden=of_hidden)
        for of_input in inputs
        for of_hidden in (hiddens if config.hidden else (0.0,))
    }


class Cell(NamedTuple):
    """One pair of rates: its mean over seeds, and its difference to no dropout (None for that itself)."""

    dropout_input: float
    dropout_hidden: float
    interval: MeanInterval
    difference: PairedDifference | None


class RateTable(NamedTuple):
    """Every pair of rates.

    Attributes:
        metric: "error", or "mae" in y's own units, on the validation rows.
        cells: In the order of `rate_configs`.
        best: Position of the lowest mean.
        simplest: Position of the least dropout that is within one standard error of the best.
    """

    metric: str
    cells: tuple[Cell, ...]
    best: int
    simplest: int


def rate_table(results: Mapping[str, Result]) -> RateTable:
    """Return the validation error of each pair of rates.

    Args:
        results: Complete ones of `rate_configs`, no dropout first.

    Raises:
        DataError: if every pair of rates diverged.
    """
    metric = main_metric(next(iter(results.values())))
    by_seed = [result.metrics("val")[metric].to_numpy() for result in results.values()]
    intervals = [mean_interval(values) for values in by_seed]
    differences = [None, *(paired_difference(values, by_seed[0]) for values in by_seed[1:])]
    rates = [_rates(result.config) for result in results.values()]
    cells = tuple(
        Cell(*pair, interval, difference)
        for pair, interval, difference in zip(rates, intervals, differences, strict=True)
    )
    dropped = [of_input + of_hidden for of_input, of_hidden in rates]
    return RateTable(metric, cells, best_choice(intervals), one_standard_error_choice(intervals, dropped))


def _rates(config: Config) -> tuple[float, float]:
    return config.dropout_input, max(config.dropout_rates(), default=0.0)


def cost_configs(config: Config) -> dict[str, Config]:
    """Return what is trained to hold dropout against real ensembles: plain networks, and those with dropout.

    Dropout is the only regularizer of the second; where the configuration has none, at 0.2 of the inputs and
    0.5 of the hidden units.
    """
    rates = {"dropout_input": config.dropout_input, "dropout_hidden": config.dropout_hidden}
    if not has_dropout(config):
        rates = {"dropout_input": 0.2, "dropout_hidden": 0.5 if config.hidden else 0.0}
    plain = config.plain().replace(seeds=min(config.seeds, SEEDS))
    return {
        PLAIN: plain.replace(members=MEMBERS),
        DROPPED: plain.replace(members=DROPOUT_MEMBERS, **rates),
    }


class CostCurve(NamedTuple):
    """The first k networks averaged in prediction, for each k.

    Attributes:
        name: What kind of networks.
        n_networks: k, which is what it costs: networks trained.
        intervals: Validation error, or mean absolute error in y's own units, over seeds.
    """

    name: str
    n_networks: tuple[int, ...]
    intervals: tuple[MeanInterval, ...]


class Costs(NamedTuple):
    """Error against cost.

    Attributes:
        metric: "error", or "mae" in y's own units.
        curves: Plain networks, then those with dropout.
        one_against_all: A single network with dropout, minus all plain ones together, seed by seed.
    """

    metric: str
    curves: tuple[CostCurve, ...]
    one_against_all: PairedDifference


def costs(results: Mapping[str, Result]) -> Costs:
    """Return the validation error of ensembles by the number of networks trained.

    Args:
        results: Complete ones of `cost_configs`, in its order.
    """
    metric = main_metric(next(iter(results.values())))
    by_size = {
        name: {
            k: result.with_members(k).metrics("val")[metric].to_numpy() for k in _sizes(result.config.members)
        }
        for name, result in results.items()
    }
    curves = tuple(
        CostCurve(name, tuple(of_run), tuple(mean_interval(values) for values in of_run.values()))
        for name, of_run in by_size.items()
    )
    plain, dropped = by_size.values()
    return Costs(metric, curves, paired_difference(dropped[1], plain[max(plain)]))


def _sizes(members: int) -> list[int]:
    return [2**power for power in range(members.bit_length()) if 2**power <= members]


class AboveValidation(NamedTuple):
    """When the loss that the optimizer saw lay above the validation loss.

    Attributes:
        n_epochs: Epochs trained.
        above: Epochs of each seed in which the objective, mean of members, was above the validation loss.
        clean_above: The same of the data loss on the train rows, dropout off.
    """

    n_epochs: int
    above: tuple[int, ...]
    clean_above: tuple[int, ...]


def above_validation(result: Result) -> AboveValidation:
    """Return in how many epochs the training's own loss lay above the validation loss, seed by seed.

    It can for three reasons: masks are on while it is measured, it is averaged while the epoch still goes on,
    and a penalty may be in it. The train loss of the network as it is used has none of them.
    """
    means = result.history.groupby(["seed", "epoch"])[["objective", "train_loss", "val_loss"]].mean()
    higher = means[["objective", "train_loss"]].gt(means["val_loss"], axis=0).groupby("seed").sum()
    return AboveValidation(
        result.config.epochs,
        tuple(int(n) for n in higher["objective"]),
        tuple(int(n) for n in higher["train_loss"]),
    )
