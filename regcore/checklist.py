"""Can the network overfit at all? A checklist to go through before any regularizer is turned on.

A network that cannot learn its training rows by heart, with nothing to keep it from that, is broken, too
small or badly trained, and no regularizer mends that. Each check has a number, a bound, and what is likely
to be wrong where the bound is not kept. The checks are those of Karpathy, A recipe for training neural
networks (2019), and the random labels of Zhang et al., Understanding deep learning requires rethinking
generalization (2017).

What a checklist needs is four trainings (`experiments`) that go side by side through `regcore.submit`;
`checklist` reads them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore.data import DATASET_INFO
from regcore.data.builtin import check_rows
from regcore.errors import ConfigError
from regcore.results import HISTORY_COLUMNS

if TYPE_CHECKING:
    from regcore.config import Config
    from regcore.results import Result

FIRST_LOSS = "Loss at initialisation"
ONE_BATCH = "One batch is driven to zero"
THE_INPUT = "The input matters"
MEMORISED = "The training set is memorised"
SHUFFLED = "Shuffled labels are memorised too"
CHANCE = "…while validation stays at chance"

INITIAL, BATCH, NETWORK, RANDOM = "initial", "one batch", "the network", "shuffled labels"

ROWS_OF_BATCH = 16
EPOCHS_OF_BATCH = 200
# Nats from ln C.
INITIAL_BOUND = 0.5
# Data loss in nats: all rows of the batch are given 95 % and more, on average.
BATCH_BOUND = 0.05
MEMORISED_BOUND = 0.01
# Standard errors of a part of the validation rows: one seed in 700 goes beyond by chance.
STANDARD_ERRORS = 3.0


class Check(NamedTuple):
    """One line of the checklist.

    Attributes:
        name: What has to hold.
        values: What was measured, one value for each seed.
        bounds: What it is held against, one for each seed.
        at_most: Whether values have to be at most their bounds; else at least.
        is_error: Whether values are fractions of rows; else losses in nats.
        meaning: What the number is.
        cause: What is likely to be wrong if it does not hold.
    """

    name: str
    values: tuple[float, ...]
    bounds: tuple[float, ...]
    at_most: bool
    is_error: bool
    meaning: str
    cause: str

    @property
    def number(self) -> float:
        """The mean over seeds; not finite where a seed diverged."""
        return float(np.mean(self.values))

    @property
    def bound(self) -> float:
        """The mean bound."""
        return float(np.mean(self.bounds))

    @property
    def passes(self) -> bool:
        """Whether the mean over seeds keeps the bound; one that is not finite does not."""
        return self.number <= self.bound if self.at_most else self.number >= self.bound

    @property
    def passes_on(self) -> int:
        """The seeds that keep their bound by themselves."""
        pairs = zip(self.values, self.bounds, strict=True)
        return sum(value <= bound if self.at_most else value >= bound for value, bound in pairs)


def experiments(config: Config) -> dict[str, Config]:
    """Return what has to be trained for the checklist of a configuration, by name, without regularizers.

    The network itself; the same on all rows at once, whose first objective is the loss before any update; on
    one batch of 16 rows, for 200 epochs whatever the configuration says; and with all labels redrawn.

    Raises:
        ConfigError: the target of the data is a number, which has no classes to guess among; or as
            `load_dataset` does.
    """
    if DATASET_INFO[config.data].task == "regression":
        raise ConfigError(f"data must be of classes for this checklist, got {config.data!r}")
    plain = config.plain()
    n_train, _ = check_rows(plain)
    return {
        NETWORK: plain,
        INITIAL: plain.replace(epochs=1, batch_size=min(n_train, 8192)),
        BATCH: plain.replace(n_train=ROWS_OF_BATCH, batch_size=ROWS_OF_BATCH, epochs=EPOCHS_OF_BATCH),
        RANDOM: plain.replace(label_noise=1.0),
    }


def checklist(results: Mapping[str, Result]) -> tuple[Check, ...]:
    """Return the checks, in the order in which to go through them.

    Args:
        results: Name -> result, complete, of `experiments`.
    """
    last = {name: {column: _last(result, column) for column in _READ} for name, result in results.items()}
    network, random = last[NETWORK], last[RANDOM]
    first = np.abs(last[INITIAL]["objective"] - math.log(results[NETWORK].dataset.n_classes))
    blind = _better_than_blind(results[NETWORK])
    return (
        _check(
            FIRST_LOSS, first, INITIAL_BOUND, "distance of the loss from ln C, before any update",
            "poor initialisation; or a coding error: before it has learnt anything a network should guess",
        ),
        _check(
            ONE_BATCH, last[BATCH]["train_loss"], BATCH_BOUND,
            f"train loss on {ROWS_OF_BATCH} rows after {EPOCHS_OF_BATCH} updates",
            "poor initialisation or step size; or a coding error",
        ),
        _check(
            THE_INPUT, network["val_error"], blind,
            "validation error; the bound is well below the error of whoever never looks at the input",
            "layers not connected; or a coding error, such as rows and labels out of step",
        ),
        _check(
            MEMORISED, network["train_error"], _memorised(results[NETWORK]),
            "train error after the last epoch",
            "too little capacity, if more epochs do not help; too few epochs, if they do",
        ),
        _check(
            SHUFFLED, random["train_error"], _memorised(results[RANDOM]),
            "train error after the last epoch, on labels that mean nothing",
            "too little capacity or too few epochs: labels that mean nothing take more of both",
        ),
        _check(
            CHANCE, random["val_error"], _chance(results[RANDOM]),
            "validation error on labels that mean nothing",
            "a coding error: the network has seen the labels of the validation rows",
            at_most=False,
        ),
    )  # fmt: skip


def joined(parts: Sequence[tuple[Check, ...]]) -> tuple[Check, ...]:
    """Return the checks of several groups of seeds as those of all of them."""
    return tuple(
        same[0]._replace(
            values=tuple(value for each in same for value in each.values),
            bounds=tuple(bound for each in same for bound in each.bounds),
        )
        for same in zip(*parts, strict=True)
    )


_READ = ("objective", "train_loss", "train_error", "val_error")
_OF_ERRORS = (THE_INPUT, MEMORISED, SHUFFLED, CHANCE)

Floats = npt.NDArray[np.float64]


def _check(
    name: str, values: Floats, bound: Floats | float, meaning: str, cause: str, at_most: bool = True
) -> Check:
    bounds = np.broadcast_to(bound, values.shape)
    return Check(
        name, tuple(values.tolist()), tuple(bounds.tolist()), at_most, name in _OF_ERRORS, meaning, cause
    )


def _last(result: Result, column: str) -> Floats:
    """Return a column of the history after the last epoch, [seeds]; NaN where the loss is none."""
    last = np.array([result.recordings[seed, 0].history[-1] for seed in result.seeds])
    values: Floats = last[:, HISTORY_COLUMNS.index(column)]
    return np.where(np.isfinite(last[:, HISTORY_COLUMNS.index("train_loss")]), values, np.nan)


def _memorised(result: Result) -> Floats:
    """Return, for each seed, the error that a memorised training set may have.

    Equal rows have one answer: where their labels differ, as of flowers measured alike whose labels are
    shuffled, no network has all of them right. What even the best answers get wrong is allowed for.
    """
    bounds = []
    for seed in result.seeds:
        rows = result.dataset.rows(seed)
        _, of_row = np.unique(result.dataset.X[rows.train], axis=0, return_inverse=True)
        labels = np.zeros((of_row.max() + 1, result.dataset.n_classes), int)
        np.add.at(labels, (of_row.ravel(), rows.y_train.astype(int)), 1)
        bounds.append(MEMORISED_BOUND + 1 - labels.max(axis=1).sum() / len(of_row))
    return np.array(bounds)


def _better_than_blind(result: Result) -> Floats:
    """Return, for each seed, an error that cannot be had by luck without looking at the input.

    Whoever is blind to the input gives one answer to all rows; the best of them is the class that is most
    frequent among the validation rows. Right on each row with the same probability p, he is off by chance by
    standard errors of sqrt(p (1 - p) / n).
    """
    bounds = []
    for seed in result.seeds:
        labels = result.dataset.rows(seed).y_val
        bounds.append(_below(1 - np.bincount(labels).max() / len(labels), len(labels)))
    return np.array(bounds)


def _chance(result: Result) -> Floats:
    """Return, for each seed, the lowest error that guesses may have on labels drawn uniformly."""
    n_classes = result.dataset.n_classes
    return np.full(len(result.seeds), _below(1 - 1 / n_classes, result.dataset.n_val))


def _below(error: float, n_rows: int) -> float:
    return error - STANDARD_ERRORS * math.sqrt(error * (1 - error) / n_rows)
