"""What the page about dropout claims of its mechanism, held against seeds that nothing was tuned on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from regcore import coadaptation, dropout, dropout_runs, dropout_steps
from regcore.bench.report import Claim, Column, ProgressLine, Table
from regcore.bench.seeds import FIRST_SEED, N_SEEDS, N_SEEDS_QUICK
from regcore.config import Config
from regcore.data import load_dataset
from regcore.execution import compare
from regcore.lessons import BASELINE, THIS_RUN, named
from regcore.lessons.dropout import ARTICLE, LESSONS, ON_A_CURVE, SMALL, SMALL_SGD, TOO_MUCH, trained
from regcore.results import Result, Split
from regcore.statistics import WITHIN_NOISE, PairedDifference, mean_interval, paired_difference

N_STEPS = 50
# What a sum of so many probabilities may be off by rounding.
EXACT = 1e-12
# Losses that are said to be near another one.
NEAR = 0.1
# A loss that is said to be far above 1.
FAR = 1.2
SPLITS: tuple[Split, ...] = ("train", "val")


class Row(NamedTuple):
    """One quantity: its mean over seeds, what it is held against, and the paired difference."""

    what: str
    values: Sequence[float]
    against: str
    others: Sequence[float]

    @property
    def difference(self) -> PairedDifference:
        """Values minus others, seed by seed."""
        return paired_difference(self.values, self.others)


def measure(quick: bool, progress: ProgressLine | None = None) -> tuple[tuple[Table, ...], tuple[Claim, ...]]:
    """Return a table of what dropout does to networks, and the claims of the page.

    Args:
        quick: Four seeds instead of sixteen.
        progress: Where to say how far it is.
    """
    n_seeds = N_SEEDS_QUICK if quick else N_SEEDS
    if progress is not None:
        progress.show(0, "dropout: thinned networks, units, steps and costs")
    results = _trained(trained(LESSONS[0].config), n_seeds)
    rows = _rows(results) | _cost_rows(_trained(dropout_runs.cost_configs(LESSONS[0].config), n_seeds))
    claims = (
        *(_lower(rows[name]) for name in ("removal", "cost", "activations")),
        *(_higher(rows[name]) for name in ("no scaling", "twice", "correlation", "zeros", "objective")),
        _same(rows["monte carlo"]),
        _classic(results[THIS_RUN]),
        *_exactness(_trained({"": SMALL}, n_seeds)[""]),
        *_steps(n_seeds),
        *_cards(n_seeds),
    )
    return (_table(list(rows.values()), n_seeds),), claims


def _trained(configs: Mapping[str, Config], n_seeds: int) -> Mapping[str, Result]:
    unseen = {name: config.replace(seed=FIRST_SEED, seeds=n_seeds) for name, config in configs.items()}
    return compare(unseen).results


def _rows(results: Mapping[str, Result]) -> dict[str, Row]:
    plain, dropped = results[BASELINE], results[THIS_RUN]
    sampled = dropout.sample(dropped)
    scalings = [dropout.scalings(dropped, seed) for seed in dropped.seeds]
    units = {
        result: [coadaptation.coadaptation(result, seed) for seed in result.seeds]
        for result in (plain, dropped)
    }
    above = dropout_runs.above_validation(dropped)
    right = [each[dropout.INVERTED].loss for each in scalings]
    scaled = [each.scaled_loss for each in sampled]

    def of_units(what: str, name: str) -> Row:
        values = {result: [float(getattr(each, name)) for each in of] for result, of in units.items()}
        return Row(what, values[dropped], "no dropout", values[plain])

    return {
        "monte carlo": Row("loss of 64 masks", [each.loss[-1] for each in sampled], "scaled", scaled),
        "no scaling": Row(
            "loss, no scaling", [each[dropout.NO_SCALING].loss for each in scalings], "scaled", right
        ),
        "twice": Row("loss, scaled twice", [each[dropout.TWICE].loss for each in scalings], "scaled", right),
        "activations": Row(
            "size of outputs, scaled",
            [each[dropout.INVERTED].activations[-1] for each in scalings],
            "in training",
            [each[dropout.IN_TRAINING].activations[-1] for each in scalings],
        ),
        "removal": of_units("loss change without one unit", "mean_change"),
        "correlation": of_units("correlation of units", "correlation"),
        "zeros": of_units("part of activations that are 0", "zeros"),
        "objective": Row(
            "epochs with objective above val loss", above.above, "train loss above it", above.clean_above
        ),
    }


def _cost_rows(results: Mapping[str, Result]) -> dict[str, Row]:
    one = results[dropout_runs.DROPPED].with_members(1).metrics("val")["error"].tolist()
    several = results[dropout_runs.PLAIN].metrics("val")["error"].tolist()
    return {"cost": Row("error of one network", one, "8 plain ones together", several)}


def _lower(row: Row) -> Claim:
    return _claim(row, "lower", row.difference.high < 0)


def _higher(row: Row) -> Claim:
    return _claim(row, "higher", row.difference.low > 0)


def _same(row: Row) -> Claim:
    return _claim(row, "within seed noise", row.difference.verdict == WITHIN_NOISE)


def _claim(row: Row, expected: str, holds: bool) -> Claim:
    found = row.difference
    measured = f"{found.mean:+.4g}, from {found.low:+.4g} to {found.high:+.4g}"
    return Claim(f"Dropout, {row.what}: {expected} against {row.against}", measured, holds)


def _classic(result: Result) -> Claim:
    each = [dropout.scalings(result, seed) for seed in result.seeds]
    largest = max(abs(of[dropout.CLASSIC].loss - of[dropout.INVERTED].loss) for of in each)
    return Claim(
        "Dropout: classic and inverted dropout agree in loss to 1e-4", f"{largest:.1e}", largest < 1e-4
    )


def _exactness(result: Result) -> tuple[Claim, Claim]:
    """Return what is claimed of the geometric mean over all thinned networks of a small one."""
    gaps = {
        config: [
            dropout.exact_gap(
                result.weights(seed), result.dataset.split(seed).X_val, config, "multiclass"
            ).gap
            for seed in result.seeds
        ]
        for config in (SMALL, dropout.only_before_the_output(SMALL))
    }
    everywhere, before = ([gap.geometric_to_scaled for gap in of_config] for of_config in gaps.values())
    return (
        Claim(
            "Dropout: geometric mean exact where only the output follows the masks",
            f"at most {max(before):.0e} off",
            max(before) < EXACT,
        ),
        Claim(
            "Dropout: geometric mean not exact where another layer follows, on any seed",
            f"{min(everywhere):.4f} to {max(everywhere):.4f} off",
            min(everywhere) > 1e-4,
        ),
    )


def _steps(n_seeds: int) -> tuple[Claim, ...]:
    """Return what is claimed of weights at units that are out."""
    counted = {
        config: [
            dropout_steps.count_movements(step)
            for seed in range(FIRST_SEED, FIRST_SEED + n_seeds)
            for step in dropout_steps.replay_steps(config, load_dataset(config), seed, N_STEPS)
        ]
        for config in (SMALL, SMALL_SGD)
    }
    out, moved = (
        [sum(getattr(each, of) for each in found) for found in counted.values()]
        for of in ("out", "out_moved")
    )
    gradients = sum(each.out_with_gradient for found in counted.values() for each in found)
    return (
        Claim(
            "Dropout: weights of dropped units have no gradient", f"{gradients} of {sum(out)}", gradients == 0
        ),
        Claim(
            "Dropout: under Adam more than four in five move all the same",
            f"{moved[0]} of {out[0]}",
            moved[0] > 0.8 * out[0],
        ),
        Claim("Dropout: under plain SGD none of them moves", f"{moved[1]} of {out[1]}", moved[1] == 0),
    )


def _cards(n_seeds: int) -> tuple[Claim, ...]:
    """Return what lessons and pitfalls say beside their verdicts."""
    lessons = {
        name: _trained(trained(named(LESSONS, name).config), n_seeds) for name in (TOO_MUCH, ON_A_CURVE)
    }
    sizes = {n: _trained(trained(LESSONS[0].config.replace(hidden=(n, n))), n_seeds) for n in (16, 256)}
    small, large = (_against_baseline(f"error, {n} units a layer", "val", "error", sizes[n]) for n in sizes)
    return (
        *too_much_claims(lessons[TOO_MUCH]),
        _higher_on_every_seed(_against_baseline("on a curve, error", "val", "mae", lessons[ON_A_CURVE])),
        _higher_on_every_seed(
            _against_baseline("on a curve, train loss", "train", "loss", lessons[ON_A_CURVE])
        ),
        article_claim(_trained(trained(ARTICLE), n_seeds)),
        _higher(small),
        _lower(large),
    )


def _against_baseline(what: str, split: Split, metric: str, results: Mapping[str, Result]) -> Row:
    dropped, plain = (_values(results[name], split, metric) for name in (THIS_RUN, BASELINE))
    return Row(what, dropped, "no dropout", plain)


def _values(result: Result, split: Split, metric: str) -> list[float]:
    values: list[float] = result.metrics(split)[metric].tolist()
    return values


def too_much_claims(results: Mapping[str, Result]) -> tuple[Claim, Claim]:
    """Return what is claimed of the loss where hardly a unit is left."""
    losses = [each for split in SPLITS for each in _values(results[THIS_RUN], split, "loss")]
    row = _against_baseline("too much, loss", "val", "loss", results)
    found = row.difference
    return (
        Claim(
            f"Dropout, too much: train and validation loss within {NEAR:g} of ln 10, on every seed",
            f"{min(losses):.3f} to {max(losses):.3f}",
            all(abs(loss - math.log(10)) < NEAR for loss in losses),
        ),
        Claim(
            "Dropout, too much: the baseline's validation loss is no lower",
            f"{found.mean:+.4g}, from {found.low:+.4g} to {found.high:+.4g}",
            found.low <= 0,
        ),
    )


def article_claim(results: Mapping[str, Result]) -> Claim:
    """Return what is claimed of the article's network, whose best answer has a loss of 1."""
    train, val = (mean_interval(_values(results[THIS_RUN], split, "loss")).mean for split in SPLITS)
    plain = _values(results[BASELINE], "val", "loss")
    return Claim(
        f"Dropout, the article's network: mean losses within {NEAR:g} of 1; without it validation's mean "
        f"above {FAR:g}, and above 1 on every seed",
        f"train {train:.3f}, validation {val:.3f}; without {mean_interval(plain).mean:.3f}, {min(plain):.3f} "
        "or more",
        max(abs(train - 1), abs(val - 1)) < NEAR and mean_interval(plain).mean > FAR and min(plain) > 1,
    )


def _higher_on_every_seed(row: Row) -> Claim:
    n_higher = sum(one > other for one, other in zip(row.values, row.others, strict=True))
    n = len(row.values)
    return Claim(
        f"Dropout, {row.what}: higher against {row.against} on every seed",
        f"{n_higher} of {n}",
        n_higher == n,
    )


def _table(rows: Sequence[Row], n_seeds: int) -> Table:
    return Table(
        name="dropout",
        title="Dropout: what it does to networks",
        columns=(
            Column("what", "what"),
            Column("mean", "mean", ".4g"),
            Column("against", "against"),
            Column("other", "its mean", ".4g"),
            Column("difference", "difference", "+.4g"),
            Column("low", "95 % from", "+.4g"),
            Column("high", "to", "+.4g"),
        ),
        rows=[
            (
                row.what, mean_interval(row.values).mean, row.against, mean_interval(row.others).mean,
                row.difference.mean, row.difference.low, row.difference.high,
            )
            for row in rows
        ],
        notes=(f"Seeds {FIRST_SEED} to {FIRST_SEED + n_seeds - 1}, validation rows, first lesson.",),
    )  # fmt: skip
