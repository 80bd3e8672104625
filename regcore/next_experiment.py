"""What to try next, one function for each thing that can be wrong: a configuration, and why.

A proposal is an experiment, not a remedy: it changes one thing whose effect tells whether the diagnosis was
right. It never asks for what the data cannot give. Where there is nothing left to change, the configuration
stays what it is, and `why` says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from regcore import shift
from regcore.config import (
    AUGMENTATION_FIELDS,
    DROPOUT_FIELDS,
    MAX_SEED,
    MAX_WIDTH,
    PENALTY_FIELDS,
    Config,
    field_help,
)
from regcore.data import DATASET_INFO
from regcore.data.builtin import check_rows

if TYPE_CHECKING:
    from regcore.results import Result

# Few inputs are all needed: to drop one of two is to drop half of what there is to see.
MIN_INPUTS_TO_DROP = 20
WIDE = 256
# Part of what there is to learn that is left: more is as good as all.
BLIND = 0.95
ENOUGH_SEEDS = 32
GOOD_INITIALIZERS = ("he_normal", "glorot_uniform")
STRENGTHS = (*AUGMENTATION_FIELDS, *PENALTY_FIELDS, *DROPOUT_FIELDS)


class Experiment(NamedTuple):
    """What to try next.

    Attributes:
        config: What to train.
        why: What it would tell, in a sentence.
        on_resplits: Whether it is to be trained on `regcore.shift.resplits` of the data instead.
    """

    config: Config
    why: str
    on_resplits: bool = False


def smaller_steps(config: Config) -> Experiment:
    """Return the same with a tenth of the step size."""
    return Experiment(
        config.replace(learning_rate=_rounded(config.learning_rate / 10)),
        "A tenth of the learning rate: steps that are too large are the most frequent cause.",
    )


def random_resplits(result: Result, why: str) -> Experiment:
    """Return the network without regularizers on random re-splits of train and validation rows."""
    return Experiment(shift.experiment(result.config), why, on_resplits=True)


def longer(config: Config, fired: bool, because: str = "the validation loss was still falling") -> Experiment:
    """Return three times the patience where it fired, else three times the epochs.

    Args:
        config: What stopped too early.
        fired: Whether patience stopped it.
        because: Why it needs longer.
    """
    if fired:
        return _longer_patience(config, "it gave up too early")
    if config.epochs < _highest("epochs"):
        epochs = _at_most("epochs", 3 * config.epochs)
        why = f"{_times(epochs, config.epochs)} epochs: {because}."
        return Experiment(config.replace(epochs=epochs), why)
    rate = min(_rounded(3 * config.learning_rate), _highest("learning_rate"))
    if rate > config.learning_rate:
        times = _times(rate, config.learning_rate, otherwise="The highest")
        why = f"{times} learning rate: there are no more epochs to be had."
        return Experiment(config.replace(learning_rate=rate), why)
    return Experiment(config, "Nothing: there are no more epochs and no larger steps to be had.")


def _longer_patience(config: Config, because: str) -> Experiment:
    before = config.patience or 0
    patience = _at_most("patience", 3 * max(before, 1))
    if patience == before:
        return Experiment(config.replace(patience=None), f"Without patience: {because}.")
    return Experiment(config.replace(patience=patience), f"{_times(patience, before)} patience: {because}.")


def better_fit(config: Config, is_blind: bool, is_falling: bool, baseline_fits: bool | None) -> Experiment:
    """Return what tells whether regularizers or the network itself keep it from fitting, or a mend of it.

    Args:
        config: What cannot fit.
        is_blind: Whether it has learnt next to nothing: then it is badly trained, not too small.
        is_falling: Whether its validation loss is still falling, slowly.
        baseline_fits: Whether the same without regularizers can; None: not known.
    """
    is_plain = config == config.plain()
    if not is_plain and baseline_fits:
        weakened = weaker(config)
        if weakened != config:
            return Experiment(
                weakened, "The baseline fits, so regularizers are too strong: here weaker ones."
            )
        if config.patience is not None:
            return _longer_patience(config, "the baseline fits, so it may have given up too early")
    if not is_plain and baseline_fits is None:
        return Experiment(
            config.plain(), "Without regularizers: it tells whether they or the network are the cause."
        )
    if config.initializer not in GOOD_INITIALIZERS:
        return Experiment(config.replace(initializer="he_normal"), "First weights that are known to be good.")
    if is_falling:
        return longer(config, fired=False, because="it is slow, and still falling")
    if not config.hidden:
        return Experiment(
            config.replace(hidden=Config().hidden),
            "Hidden layers: a linear model can only draw a flat border.",
        )
    if is_blind:
        return smaller_steps(config)._replace(
            why="A tenth of the learning rate: it learns nothing at all, so large steps may have killed it."
        )
    if max(config.hidden) < WIDE:
        wider = tuple(min(4 * width, MAX_WIDTH) for width in config.hidden)
        return Experiment(config.replace(hidden=wider), "Four times the units: it may be too small.")
    return longer(config, fired=False, because="the network is large enough, so it may need longer")


def weaker(config: Config) -> Config:
    """Return the same with everything that regularizes at half its strength; the penalties at a tenth."""
    changes: dict[str, Any] = {}
    for name in STRENGTHS:
        value = getattr(config, name)
        if name in ("l2", "weight_decay"):
            changes[name] = value / 10
        elif name == "max_norm":
            changes[name] = None if value is None else min(2 * value, _highest(name))
        elif isinstance(value, tuple):
            changes[name] = tuple(rate / 2 for rate in value)
        elif isinstance(value, bool):
            changes[name] = False
        else:
            changes[name] = value // 2 if isinstance(value, int) else value / 2
    return config.replace(**changes)


def quieter_validation(result: Result, rows_are_the_cause: bool) -> Experiment:
    """Return more validation rows, or else more of them by more seeds; or steps that jump less."""
    config, dataset = result.config, result.dataset
    if not rows_are_the_cause:
        return Experiment(
            config.replace(learning_rate=_rounded(config.learning_rate / 3)),
            "A third of the learning rate: validation jumps from epoch to epoch.",
        )
    n_val = more_rows(result, dataset.n_val, dataset.n_train)
    if n_val >= 2 * dataset.n_val:
        return Experiment(
            config.replace(n_val=n_val), "More validation rows: each halving of noise takes four."
        )
    if dataset.fixed is not None:
        return random_resplits(
            result, "Each random re-split validates on other rows: together they are many."
        )
    seeds = _as_many_seeds(config, 4 * config.seeds)
    if seeds > config.seeds:
        return Experiment(
            config.replace(seeds=seeds),
            f"{_times(seeds, config.seeds)} seeds: each validates on other rows, as there are no more rows "
            "for each.",
        )
    return Experiment(
        other_seeds(config), "Other seeds, as there are no more at once: each validates on other rows."
    )


def less_overfitting(result: Result, has_risen: bool) -> Experiment:
    """Return the first regularizer that is off and known to help on such data; else twice the rows; else a
    penalty that is three times as strong.

    In order of what was measured of each alone on few digits with wrong labels: see
    `python -m regcore.bench effects`. Patience comes first where validation has turned up, for it trains
    nothing.
    """
    proposed = (each for each in _regularizers(result, has_risen) if each.config != result.config)
    return next(proposed, Experiment(result.config, "Nothing: all that is known to help is on, and strong."))


def _regularizers(result: Result, has_risen: bool) -> Iterator[Experiment]:
    config, dataset = result.config, result.dataset
    is_number = dataset.task == "regression"
    if has_risen and config.patience is None:
        yield Experiment(
            config.replace(patience=10), "Patience 10: keeps the network from before validation turned up."
        )
    if config.hidden and not is_number and not (config.dropout_input or any(config.dropout_rates())):
        rates = {"dropout_hidden": 0.5}
        if dataset.n_features >= MIN_INPUTS_TO_DROP:
            rates["dropout_input"] = 0.2
        yield Experiment(config.replace(**rates), "Dropout: no unit can rely on another to learn by heart.")
    if dataset.image_shape and not config.shift and min(dataset.image_shape) > 1:
        yield Experiment(config.replace(shift=1), "Shifts of one pixel: no image is seen twice.")
    if not (config.l2 or config.weight_decay):
        yield Experiment(
            config.replace(l2=1e-3 if is_number else 0.01), "L2: large weights cost more than they bring."
        )
    if config.patience is None:
        yield Experiment(config.replace(patience=10), "Patience 10: the network of the best epoch is kept.")
    n_train = more_rows(result, dataset.n_train, dataset.n_val, 2)
    if n_train > dataset.n_train:
        times = "Twice the" if n_train == 2 * dataset.n_train else "More"
        yield Experiment(config.replace(n_train=n_train), f"{times} train rows: the surest cure of all.")
    if not config.jitter:
        yield Experiment(config.replace(jitter=0.2), "Jitter: no row is seen twice.")
    for field, name in (("l2", "L2"), ("weight_decay", "decoupled weight decay")):
        before = getattr(config, field)
        strength = min(3 * before, _highest(field))
        # Three times nothing is nothing, and no experiment.
        yield Experiment(config.replace(**{field: strength}), f"{_times(strength, before)} {name}.")


def does_it_hold(result: Result) -> Experiment:
    """Return the same on seeds that nobody has looked at; one that is plain, with a quarter of the rows."""
    config, dataset = result.config, result.dataset
    n_train = max(2, dataset.n_train // 4)
    if config == config.plain() and is_built_in(result) and n_train < dataset.n_train:
        return Experiment(
            config.replace(n_train=n_train),
            "A quarter of the train rows: with these many there is little to regularize.",
        )
    return Experiment(
        other_seeds(config),
        "Seeds that nobody has looked at: what was chosen on these may owe them something.",
    )


def more_seeds(config: Config) -> Experiment:
    """Return the same with more seeds: twice as many, at least eight; with others where there are no more."""
    seeds = _as_many_seeds(config, max(8, 2 * config.seeds))
    more = config.replace(seeds=seeds) if seeds > config.seeds else other_seeds(config)
    what = "More" if seeds > config.seeds else "Other"
    return Experiment(more, f"{what} seeds: they tell on which side of the border it is.")


def other_seeds(config: Config) -> Config:
    """Return the same with as many seeds after its own; where they end, before them."""
    n_seeds = config.seeds
    is_room = config.seed + 2 * n_seeds <= MAX_SEED + 1
    return config.replace(seed=config.seed + n_seeds if is_room else config.seed - n_seeds)


def more_rows(result: Result, n: int, n_others: int, factor: int = 4) -> int:
    """Return how many rows there are to be had instead of `n`: up to `factor` times as many."""
    if not is_built_in(result):
        return n
    return min(factor * n, DATASET_INFO[result.config.data].n_available - n_others)


def is_built_in(result: Result) -> bool:
    """Return whether the data are those that the configuration names, so that its data fields count."""
    config, dataset = result.config, result.dataset
    if dataset.fixed is not None or dataset.name != config.data:
        return False
    return (dataset.n_train, dataset.n_val) == check_rows(config)


def _times(value: float, before: float, otherwise: str = "More") -> str:
    """Return how much of something a proposal asks for, where three or four times as much may be too much."""
    for times, words in ((3, "Three times the"), (4, "Four times the")):
        if before and abs(value / before - times) < 0.2:
            return words
    return otherwise


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")


def _as_many_seeds(config: Config, seeds: int) -> int:
    return min(_at_most("seeds", seeds), MAX_SEED + 1 - config.seed)


def _at_most(name: str, value: int) -> int:
    return int(min(value, _highest(name)))


def _highest(name: str) -> float:
    return field_help(name).maximum or 0.0
