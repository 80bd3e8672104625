"""What the page on augmentation claims beside its lessons: worth, leak, wrong labels, validation, ridge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from regcore import jitter_ridge, scoring, statistics
from regcore.augmentation import validate_augmented
from regcore.bench.report import Claim, Column, ProgressLine, Table
from regcore.bench.seeds import FIRST_SEED, N_SEEDS, N_SEEDS_QUICK, SEEDS_AT_ONCE, shown
from regcore.config import Config
from regcore.data import load_dataset
from regcore.data_worth import LearningCurve, Worth, curve_configs, learning_curve, worth
from regcore.execution import compare, submit, train
from regcore.jitter_ridge import JitterPoint
from regcore.leak import Leak, Way, leak, leak_config, leak_data
from regcore.lessons import named
from regcore.lessons.augmentation import LESSONS, MIRRORED
from regcore.memorisation import memorisation
from regcore.results import Result
from regcore.statistics import BETTER, WITHIN_NOISE, WORSE, PairedDifference, paired_difference

SHIFT, MIXUP, TURNED = (
    named(LESSONS, name).config for name in ("Shift by a pixel", "Blends of two", "Upside down")
)
# The digits that half a turn makes one of the other.
SIX_AND_NINE = (6, 9)
WHAT = "augmentation"
# Ridge and jitter are alike if their sums of squared weights are, to this part.
ALIKE = 0.03
WORTH_AT_LEAST = 2.0
LEAST_FLATTERY = 0.1


class Measured(NamedTuple):
    """All that is claimed of.

    Attributes:
        curve: Of shift by a pixel.
        leak: Of the same.
        learnt: Part of the wrong labels learnt at the end, by configuration, one a seed.
        validated: Error on clean validation rows, and on augmented ones, mean over draws; one a seed.
        ridge: Jitter and ridge at each strength.
        mirrored: Error without and with digits in a mirror, one a seed.
        turned: Error on 6 and 9 without and with digits turned to any angle, one a seed.
    """

    curve: LearningCurve
    leak: Leak
    learnt: Mapping[str, list[float]]
    validated: Mapping[str, list[float]]
    ridge: tuple[JitterPoint, ...]
    mirrored: tuple[list[float], list[float]]
    turned: tuple[list[float], list[float]]


def measure(quick: bool, progress: ProgressLine | None = None) -> tuple[tuple[Table, ...], tuple[Claim, ...]]:
    """Return what was measured on seeds that nothing was tuned on, and what came of each claim.

    Args:
        quick: Four seeds instead of sixteen.
        progress: Where to say how far it is.
    """
    n_seeds = N_SEEDS_QUICK if quick else N_SEEDS
    learnt, validated = _of_runs(n_seeds, progress)
    found = Measured(
        _curve(n_seeds, progress), _leak(n_seeds, progress), learnt, validated, _ridge(n_seeds),
        *_of_broken_labels(n_seeds, progress),
    )  # fmt: skip
    return tables(found), claims(found)


def _blocks(config: Config, n_seeds: int) -> Iterator[Config]:
    for first in range(FIRST_SEED, FIRST_SEED + n_seeds, SEEDS_AT_ONCE):
        yield config.replace(seed=first, seeds=min(SEEDS_AT_ONCE, FIRST_SEED + n_seeds - first))


def _curve(n_seeds: int, progress: ProgressLine | None) -> LearningCurve:
    blocks = list(_blocks(SHIFT, n_seeds))
    parts = []
    for at, config in enumerate(blocks):
        told = shown(progress, at, len(blocks), f"{WHAT}: learning curve")
        results = compare(curve_configs(config), on_progress=told).results
        parts.append(learning_curve(config, results))
    without, with_it = (
        np.concatenate([getattr(part, name) for part in parts], axis=1) for name in ("without", "with_it")
    )
    return LearningCurve(parts[0].metric, parts[0].sizes, without, with_it)


def _leak(n_seeds: int, progress: ProgressLine | None) -> Leak:
    blocks = list(_blocks(SHIFT, n_seeds))
    parts = []
    for at, config in enumerate(blocks):
        data = leak_data(config, load_dataset(config))
        told = shown(progress, at, len(blocks), f"{WHAT}: leak")
        parts.append(leak(train(leak_config(config), data.dataset, on_progress=told), data))

    def joined(way: str) -> Way:
        each = [getattr(part, way) for part in parts]
        return Way(np.concatenate([a.claimed for a in each]), np.concatenate([a.unseen for a in each]))

    return Leak(parts[0].metric, joined("before"), joined("after"))


def _of_runs(
    n_seeds: int, progress: ProgressLine | None
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    learnt: dict[str, list[float]] = {"none": [], "mixup": [], "shift": []}
    validated: dict[str, list[float]] = {"clean": [], "augmented": []}
    blocks = list(zip(_blocks(SHIFT, n_seeds), _blocks(MIXUP, n_seeds), strict=True))
    for at, (shift, mixup) in enumerate(blocks):
        configs = {"none": shift.plain(), "mixup": mixup, "shift": shift}
        told = shown(progress, at, len(blocks), f"{WHAT}: wrong labels")
        results = compare(configs, on_progress=told).results
        for name, result in results.items():
            learnt[name] += memorisation(result).learnt[-1].tolist()
        found = validate_augmented(results["shift"])
        validated["clean"] += found.clean.tolist()
        validated["augmented"] += found.augmented.mean(axis=1).tolist()
    return learnt, validated


def _of_broken_labels(
    n_seeds: int, progress: ProgressLine | None
) -> tuple[tuple[list[float], list[float]], tuple[list[float], list[float]]]:
    mirrored: tuple[list[float], list[float]] = ([], [])
    turned: tuple[list[float], list[float]] = ([], [])
    blocks = list(zip(_blocks(MIRRORED, n_seeds), _blocks(TURNED, n_seeds), strict=True))
    for at, (in_a_mirror, upside_down) in enumerate(blocks):
        configs = {"none": in_a_mirror.plain(), "mirrored": in_a_mirror, "turned": upside_down}
        told = shown(progress, at, len(blocks), f"{WHAT}: other labels")
        results = compare(configs, on_progress=told).results
        for side, name in enumerate(("none", "mirrored")):
            mirrored[side].extend(results[name].metrics("val")["error"].tolist())
        for side, name in enumerate(("none", "turned")):
            turned[side].extend(_error_of_six_and_nine(results[name], seed) for seed in results[name].seeds)
    return mirrored, turned


def _error_of_six_and_nine(result: Result, seed: int) -> float:
    dataset, y = result.dataset, result.dataset.rows(seed).y_val
    of_both = np.isin(y, SIX_AND_NINE)
    return scoring.score(result.outputs(seed)[of_both], y[of_both], dataset.task, 1.0)["error"]


def _ridge(n_seeds: int) -> tuple[JitterPoint, ...]:
    unseen = jitter_ridge.LINEAR.replace(seed=FIRST_SEED, seeds=n_seeds)
    configs = {str(sigma): config for sigma, config in jitter_ridge.jitter_configs(unseen).items()}
    run = submit(configs, probes=(jitter_ridge.jitter_probe(),))
    return tuple(
        jitter_ridge.jitter_point(
            result, [run.probe(name, jitter_ridge.PROBE, seed) for seed in result.seeds]
        )
        for name, result in run.results().items()
    )


def tables(found: Measured) -> tuple[Table, ...]:
    """Return the learning curve with its worth, and ridge beside jitter."""
    means = [
        (size, without.mean(), with_it.mean(), each.times, each.low, each.high)
        for size, without, with_it, each in zip(
            found.curve.sizes, found.curve.without, found.curve.with_it, _worths(found.curve), strict=True
        )
    ]
    curve = Table(
        name="augmentation_worth",
        title="Augmentation: shift by a pixel, validation error against training rows",
        columns=(
            Column("rows", "rows", "d"), Column("without", "without", ".3f"), Column("with", "with", ".3f"),
            Column("times", "worth, times", ".2f"), Column("low", "95 % from", ".2f"),
            Column("high", "to", ".2f"),
        ),
        rows=means,
        notes=("Digits, 30 % of the labels redrawn. Worth: NaN, 0 and inf lie beyond the sizes tried.",),
    )  # fmt: skip
    ridge = Table(
        name="augmentation_ridge",
        title="Augmentation: jitter on a linear model, and ridge",
        columns=(
            Column("sigma", "sigma", ".2f"), Column("norm", "jitter, sum w^2", ".4f"),
            Column("ridge_norm", "ridge", ".4f"), Column("apart", "standard errors apart", ".2f"),
        ),
        rows=[(point.sigma, point.norm.mean, point.ridge_norm.mean, point.apart) for point in found.ridge],
        notes=("Standard errors apart: of the weight that is furthest from ridge's, of ten.",),
    )  # fmt: skip
    return curve, ridge


def _worths(curve: LearningCurve) -> list[Worth]:
    return [worth(curve, size) for size in curve.sizes]


def claims(found: Measured) -> tuple[Claim, ...]:
    """Return what the page states, each held against what was measured."""
    at = worth(found.curve, SHIFT.n_train or 0)
    learnt = {
        name: paired_difference(found.learnt[name], found.learnt["none"]) for name in ("mixup", "shift")
    }
    leaked, split_first = found.leak.before.flattery, found.leak.after.flattery
    validated = paired_difference(found.validated["augmented"], found.validated["clean"])
    mirrored, turned = (paired_difference(after, before) for before, after in (found.mirrored, found.turned))
    apart = max(abs(point.norm.mean / point.ridge_norm.mean - 1) for point in found.ridge)
    return (
        Claim(
            f"Augmentation: at {SHIFT.n_train} rows, shift by a pixel is worth {WORTH_AT_LEAST:g} times the "
            "data or more",
            f"{at.times:.2f} times, from {at.low:.2f} to {at.high:.2f}",
            at.low >= WORTH_AT_LEAST,
        ),
        Claim(
            "Augmentation: augmented before the split, validation is too low by ten points or more",
            _in_words(leaked),
            leaked.verdict == BETTER and leaked.mean <= -LEAST_FLATTERY,
        ),
        Claim(
            "Augmentation: split before augmenting, validation is within seed noise of rows unseen",
            _in_words(split_first),
            split_first.verdict == WITHIN_NOISE,
        ),
        *(
            Claim(
                f"Augmentation: with {name}, fewer wrong labels are learnt by heart",
                f"{statistics.mean_interval(found.learnt[name]).mean:.3f} of them, "
                f"{statistics.mean_interval(found.learnt['none']).mean:.3f} without",
                paired.verdict == BETTER,
            )
            for name, paired in learnt.items()
        ),
        Claim(
            "Augmentation: augmented validation rows would say a higher error",
            _in_words(validated),
            validated.verdict == WORSE,
        ),
        Claim(
            f"Augmentation: jitter on a linear model is ridge, sums of squared weights within {ALIKE:.0%}",
            f"at most {apart:.2%} apart",
            apart <= ALIKE,
        ),
        Claim(
            "Augmentation: digits in a mirror, a higher validation error",
            _in_words(mirrored),
            mirrored.verdict == WORSE,
        ),
        Claim(
            "Augmentation: digits turned to any angle, 6 and 9 wrong more often",
            _in_words(turned),
            turned.verdict == WORSE,
        ),
    )


def _in_words(paired: PairedDifference) -> str:
    return f"{paired.mean:+.3f}, from {paired.low:+.3f} to {paired.high:+.3f}"
