"""What the page on L2 claims of its mechanism: decay by the step, Adam's quotient, and too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from regcore.adam_l2 import FirstStep, ShrinkUnderAdam, Twins, measure_adam_shrink, measure_first_step
from regcore.bench.report import Claim, Column, ProgressLine, Table
from regcore.bench.seeds import FIRST_SEED, N_SEEDS, N_SEEDS_QUICK, BySeed, measure
from regcore.config import Config
from regcore.engine.shard import Probe
from regcore.execution import Run, submit
from regcore.lessons import BASELINE, l2
from regcore.scoring import noise_floor
from regcore.statistics import BETTER, PairedDifference, paired_difference
from regcore.weight_decay import Decay, Recorded, Stillness, measure_stillness, nominal_factor, silent_decay

WEIGHTS = "weights"
LESSON = l2.LESSONS[0].config
HELPS, TOO_MUCH, SAME, HUNDREDFOLD = "l2 0.01", "l2 0.3", "weight_decay 0.02", "weight_decay 2"
# float32 weights give a factor to some seven digits.
EXACT = 1e-5
EXACT_KINDS = ("SGD, L2", "SGD, decoupled", "Adam, decoupled (AdamW)")
QUIET_OVER_LOUD = 3.0


class Mechanism(NamedTuple):
    """What was read off recorded weights: single steps by seed, the first step, an epoch, and no penalty."""

    decays: Mapping[str, tuple[Decay, ...]]
    first_steps: Mapping[str, FirstStep]
    shrink: ShrinkUnderAdam
    stillness: Stillness


def configurations() -> dict[str, Config]:
    """Return what is trained to the end; the first is what the others are held against."""
    plain = LESSON.plain()
    return {
        BASELINE: plain,
        HELPS: LESSON,
        TOO_MUCH: plain.replace(l2=0.3),
        SAME: plain.replace(weight_decay=0.02),
        HUNDREDFOLD: plain.replace(weight_decay=2.0),
    }


def measure_l2(
    quick: bool, progress: ProgressLine | None = None
) -> tuple[tuple[Table, ...], tuple[Claim, ...]]:
    """Return tables and claims of the page on L2.

    Args:
        quick: Four seeds instead of sixteen.
        progress: Where to say how far it is.
    """
    n_seeds = N_SEEDS_QUICK if quick else N_SEEDS
    configs = {
        name: config.replace(seed=FIRST_SEED, seeds=n_seeds) for name, config in configurations().items()
    }
    on_val, on_train = (measure(configs, split, f"L2, {split}", progress) for split in ("val", "train"))
    found = measure_mechanism(n_seeds)
    return (
        (strengths_table(on_val, on_train), decay_table(found), shrink_table(found.shrink)),
        (*mechanism_claims(found), *strength_claims(on_val, on_train)),
    )


def measure_mechanism(n_seeds: int, first_seed: int = FIRST_SEED) -> Mechanism:
    """Return what single steps and first epochs do to weights, on so many seeds."""

    def unseen(config: Config) -> Config:
        return config.replace(seed=first_seed, seeds=n_seeds)

    steps = {name: unseen(config) for name, config in l2.STEPS.items()}
    first_steps = l2.twins(l2.FIRST_STEP_L2.l2, l2.FIRST_STEP_L2.replace(seed=first_seed))
    epochs = l2.twins(LESSON.l2, unseen(LESSON))
    recorded_until = max(config.epochs for config in steps.values())
    run = submit(
        l2.by_key((*steps.values(), *first_steps, *epochs)),
        probes=[Probe(WEIGHTS, "weights", tuple(range(recorded_until + 1)))],
    )
    results = run.results()
    dataset = {key: result.dataset for key, result in results.items()}
    return Mechanism(
        decays={
            name: tuple(
                silent_decay(recorded, dataset[config.key()], seed)
                for seed, recorded in _recorded(run, config).items()
            )
            for name, config in steps.items()
        },
        first_steps=measure_first_step(
            _twins(run, first_steps), dataset[first_steps[0].key()], first_steps[1]
        ),
        shrink=measure_adam_shrink(_twins(run, epochs), dataset[epochs[0].key()], epochs[1]),
        stillness=measure_stillness(
            list(_recorded(run, epochs[0]).values()), dataset[epochs[0].key()], list(_seeds(epochs[0]))
        ),
    )


def _seeds(config: Config) -> range:
    return range(config.seed, config.seed + config.seeds)


def _recorded(run: Run, config: Config) -> dict[int, Recorded]:
    return {seed: run.probe(config.key(), WEIGHTS, seed) for seed in _seeds(config)}


def _twins(run: Run, configs: tuple[Config, Config, Config]) -> Twins:
    return Twins(*(list(_recorded(run, config).values()) for config in configs))


def strengths_table(on_val: BySeed, on_train: BySeed) -> Table:
    """Return errors on both splits, and the paired difference on validation to the baseline."""
    rows = []
    for name in on_val:
        paired = _paired(on_val, name, BASELINE)
        compared = (paired.mean, paired.low, paired.high, f"{paired.wins}/{paired.n}")
        train, val = (100 * float(np.mean(each[name]["error"])) for each in (on_train, on_val))
        rows.append((name, train, val, *(compared if name != BASELINE else (None,) * 4)))
    return Table(
        name="l2",
        title="L2 and weight decay under Adam: error, %",
        columns=(
            Column("name", ""),
            Column("train", "train", ".1f"),
            Column("validation", "validation", ".1f"),
            Column("difference", "minus baseline", "+.1f"),
            Column("low", "95 % from", "+.1f"),
            Column("high", "to", "+.1f"),
            Column("wins", "lower on"),
        ),
        rows=rows,
    )


def _paired(values: BySeed, name: str, against: str) -> PairedDifference:
    treated, plain = ([100 * each for each in values[one]["error"]] for one in (name, against))
    return paired_difference(treated, plain)


def decay_table(found: Mechanism) -> Table:
    """Return what a step multiplied weights of blank pixels by."""
    rows = [
        (name, min(factors), max(factors), 100 * float(np.mean([decay.left[-1] for decay in decays])))
        for name, decays in found.decays.items()
        for factors in [[factor for decay in decays for factor in decay.factors]]
    ]
    config = l2.STEPS["SGD, L2"]
    return Table(
        name="l2_decay",
        title="Weights of blank pixels, times what in a step",
        columns=(
            Column("name", ""),
            Column("lowest", "lowest", ".6f"),
            Column("highest", "highest", ".6f"),
            Column("left", "left, %", ".1f"),
        ),
        rows=rows,
        notes=(f"Nominal: {_nominal():g} a step; {config.epochs} steps of one batch of all rows.",),
    )


def _nominal() -> float:
    config = l2.STEPS["SGD, L2"]
    return nominal_factor(config.learning_rate, l2=config.l2)


def shrink_table(shrink: ShrinkUnderAdam) -> Table:
    """Return what an epoch of Adam took off weights, by the scale of their gradients."""
    rows: list[tuple[float, ...]] = [(0.0, 100 * shrink.silent_l2, 100 * shrink.silent_decoupled, np.nan)]
    rows += [
        (quotient.gradient, 100 * quotient.taken, 100 * decoupled.taken, 100 * theory)
        for quotient, decoupled, theory in zip(shrink.l2, shrink.decoupled, shrink.theory, strict=True)
    ]
    return Table(
        name="l2_shrink",
        title=f"Taken off weights in the first epoch of Adam, %, nominal {100 * shrink.nominal:.3g}",
        columns=(
            Column("gradient", "gradient", ".2g"),
            Column("l2", HELPS, ".3g"),
            Column("decoupled", SAME, ".3g"),
            Column("theory", "theory for L2", ".3g"),
        ),
        rows=rows,
    )


def mechanism_claims(found: Mechanism) -> tuple[Claim, ...]:
    """Return what the page claims of single steps and of Adam's quotient."""
    return (
        *(_is_nominal(name, found.decays[name]) for name in EXACT_KINDS),
        _is_not_nominal(found.decays["Adam, L2"]),
        _first_steps_are_theory(found.first_steps),
        _spares_loud_weights(found.shrink),
        _takes_the_same_off_all(found.shrink),
        _has_no_decay_by_default(found.stillness),
    )


def _is_nominal(name: str, decays: tuple[Decay, ...]) -> Claim:
    off = max(abs(factor - _nominal()) for decay in decays for factor in decay.factors)
    return Claim(
        f"L2, {name}: a step multiplies silent weights by {_nominal():g}", f"off by {off:.1e}", off < EXACT
    )


def _is_not_nominal(decays: tuple[Decay, ...]) -> Claim:
    highest = max(factor for decay in decays for factor in decay.factors)
    taken = 1 - highest
    text = "L2, Adam with L2: a step takes at least three times the nominal part off silent weights"
    return Claim(text, f"× {highest:.4f} at most", taken > 3 * (1 - _nominal()))


def _first_steps_are_theory(steps: Mapping[str, FirstStep]) -> Claim:
    pairs = [
        pair
        for step in steps.values()
        for pair in ((step.l2, step.l2_theory), (step.decoupled, step.decoupled_theory))
    ]
    # In parts of the learning rate, which float32 weights have to some five digits.
    off = max(abs(measured - theory) for measured, theory in pairs)
    return Claim("L2: first steps of Adam and AdamW are their closed forms", f"off by {off:.1e}", off < 1e-3)


def _spares_loud_weights(shrink: ShrinkUnderAdam) -> Claim:
    ratio = shrink.l2[0].taken / shrink.l2[-1].taken
    text = f"L2, Adam with L2: takes {QUIET_OVER_LOUD:g} times as much off quiet weights as off loud ones"
    return Claim(text, f"{ratio:.2f} times", ratio >= QUIET_OVER_LOUD)


def _takes_the_same_off_all(shrink: ShrinkUnderAdam) -> Claim:
    parts = [each.taken / shrink.nominal for each in shrink.decoupled]
    measured = f"{min(parts):.3f} to {max(parts):.3f} of the nominal part"
    return Claim("L2, AdamW: takes the nominal part off all weights, within 10 %", measured, all(
        0.9 <= part <= 1.1 for part in parts
    ))  # fmt: skip


def _has_no_decay_by_default(still: Stillness) -> Claim:
    measured = f"{still.n_unmoved:,} of {still.n_weights:,} silent weights unmoved"
    return Claim("L2: Adam has no decay by default", measured, still.n_unmoved == still.n_weights > 0)


def strength_claims(on_val: BySeed, on_train: BySeed) -> tuple[Claim, ...]:
    """Return what the page claims of whole trainings, beside its lessons."""
    hundredfold = _paired(on_val, HUNDREDFOLD, BASELINE)
    measured = f"{hundredfold.mean:+.1f} points, from {hundredfold.low:+.1f} to {hundredfold.high:+.1f}"
    guessing = noise_floor(1.0, 10).error
    lowest = min(on_train[TOO_MUCH]["error"])
    return (
        Claim(
            f"L2, {HUNDREDFOLD}: validation error lower than none", measured, hundredfold.verdict == BETTER
        ),
        Claim(
            f"L2, {TOO_MUCH}: guesses on the train rows as well, on every seed",
            f"train error {100 * lowest:.1f} % or more, guessing {100 * guessing:.0f} %",
            lowest > 0.95 * guessing,
        ),
    )
