"""What each regularizer buys where the effect exists: digits with few and wrong labels.

On clean digits no regularizer lowers the error reliably. With 400 training rows and 30 % of the labels
redrawn the plain network memorises the wrong labels, and each regularizer shows what it does against that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from regcore.bench import (
    effects_ablation,
    effects_augmentation,
    effects_dropout,
    effects_early_stopping,
    effects_ensembles,
    effects_overfit,
)
from regcore.bench.effects_l2 import measure_l2
from regcore.bench.lessons import measure_lessons
from regcore.bench.report import Claim, Column, ProgressLine, Report, Table, machine
from regcore.bench.seeds import FIRST_SEED, N_SEEDS, N_SEEDS_QUICK, measure
from regcore.config import Config
from regcore.statistics import PairedDifference, mean_interval, paired_difference

BASELINE = "none"
BEST = "ensemble of 5 of those"
BETTER = ("dropout .2/.5", "early stop, patience 10", "shift 1 px", "jitter .2")
HALVING = ("dropout .2/.5", "early stop, patience 10")

PLAIN = Config(
    data="digits", n_train=400, n_val=400, label_noise=0.3, data_seed=0,
    hidden=(256, 256), activation="relu", initializer="he_normal", optimizer="adam", learning_rate=1e-3,
    batch_size=32, epochs=120, seeds=N_SEEDS, seed=FIRST_SEED,
)  # fmt: skip

Errors = Mapping[str, Sequence[float]]
Measure = Callable[[bool, ProgressLine | None], tuple[tuple[Table, ...], tuple[Claim, ...]]]

# What the pages claim beside: of their lessons, and of what they show of a technique.
OF_PAGES: tuple[Measure, ...] = (
    measure_lessons,
    effects_augmentation.measure,
    effects_early_stopping.measure,
    measure_l2,
    effects_dropout.measure,
    effects_overfit.measure,
    effects_ensembles.measure,
    effects_ablation.measure,
)


def configurations(plain: Config = PLAIN) -> dict[str, Config]:
    """Return the rows of the table; the first is what the others are held against."""
    dropped = {"dropout_input": 0.2, "dropout_hidden": 0.5}
    return {
        BASELINE: plain,
        "L2 1e-3": plain.replace(l2=1e-3),
        "ensemble of 5": plain.replace(members=5),
        "mixup 1": plain.replace(mixup=1.0),
        "jitter .2": plain.replace(jitter=0.2),
        "shift 1 px": plain.replace(shift=1),
        "early stop, patience 10": plain.replace(patience=10),
        "dropout .2/.5": plain.replace(**dropped),
        "shift + dropout": plain.replace(shift=1, **dropped),
        BEST: plain.replace(shift=1, members=5, **dropped),
    }


def run(quick: bool = False, progress: ProgressLine | None = None) -> Report:
    """Train everything, and return the tables and their claims.

    Args:
        quick: Four seeds instead of sixteen.
        progress: Where to say how far it is.
    """
    main = report(PLAIN.replace(seeds=N_SEEDS_QUICK if quick else N_SEEDS), progress)
    of_pages = [measure_page(quick, progress) for measure_page in OF_PAGES]
    return replace(
        main,
        tables=(*main.tables, *(each for tables, _ in of_pages for each in tables)),
        claims=(*main.claims, *(each for _, claims in of_pages for each in claims)),
    )


def report(plain: Config, progress: ProgressLine | None = None) -> Report:
    """Return the table over the seeds of this plain configuration."""
    measured = measure(configurations(plain), "test", "effects", progress)
    errors = {name: [100 * each for each in values["error"]] for name, values in measured.items()}
    return Report(
        title="Effects: what each regularizer buys",
        settings=_settings(plain),
        tables=(table(errors),),
        claims=claims(errors),
        details={"test_error_percent": errors, "seeds": list(range(plain.seed, plain.seed + plain.seeds))},
    )


def table(errors: Errors) -> Table:
    """Return mean and sd of each row, and its paired difference to the first."""
    rows: list[tuple[str | float | None, ...]] = []
    for name, values in errors.items():
        measured = mean_interval(values)
        if name == BASELINE:
            rows.append((name, measured.mean, measured.sd, None, None, None, None))
        else:
            paired = paired_difference(values, errors[BASELINE])
            wins = f"{paired.wins}/{paired.n}"
            rows.append((name, measured.mean, measured.sd, paired.mean, paired.low, paired.high, wins))
    return Table(
        name="effects",
        title="Test error, %",
        columns=(
            Column("name", ""),
            Column("mean", "mean", ".2f"),
            Column("sd", "sd", ".2f"),
            Column("difference", "minus none", "+.2f"),
            Column("low", "95 % from", "+.2f"),
            Column("high", "to", "+.2f"),
            Column("wins", "wins"),
        ),
        rows=rows,
        notes=(
            "sd: over seeds. minus none: mean of the differences seed by seed, with its paired 95 % "
            "interval, which speaks of repetitions on this data set.",
            "wins: seeds with a lower error than none.",
        ),
    )


def claims(errors: Errors) -> tuple[Claim, ...]:
    """Return what the lab claims of this table, each held against the measured errors."""
    better = [_is_better(name, paired_difference(errors[name], errors[BASELINE])) for name in BETTER]
    means = {name: mean_interval(values).mean for name, values in errors.items()}
    return (*better, *(_halves(name, means) for name in HALVING), _is_first(means, errors))


def _is_better(name: str, paired: PairedDifference) -> Claim:
    measured = f"{paired.mean:+.2f} points, from {paired.low:+.2f} to {paired.high:+.2f}"
    return Claim(f"{name}: lower than none, interval clear of 0", measured, paired.high < 0)


def _halves(name: str, means: Mapping[str, float]) -> Claim:
    measured = f"{means[name]:.2f} against {means[BASELINE]:.2f}"
    return Claim(f"{name}: at most half the error of none", measured, means[name] <= means[BASELINE] / 2)


def _is_first(means: Mapping[str, float], errors: Errors) -> Claim:
    second = min((name for name in means if name != BEST), key=means.__getitem__)
    paired = paired_difference(errors[BEST], errors[second])
    measured = (
        f"{means[BEST]:.2f}; next {second}, {means[second]:.2f} "
        f"(paired difference from {paired.low:+.2f} to {paired.high:+.2f})"
    )
    return Claim("ensemble of 5 with shift and dropout: lowest of all", measured, means[BEST] < means[second])


def _settings(plain: Config) -> tuple[str, ...]:
    widths = "-".join(map(str, (64, *plain.hidden, 10)))
    seeds = f"{plain.seed} to {plain.seed + plain.seeds - 1}"
    unseen = ", which were not used to tune anything" if plain.seed >= FIRST_SEED else ""
    return (
        f"Digits, {plain.n_train} training and {plain.n_val} validation rows, {plain.label_noise:.0%} of "
        "their labels redrawn over the ten classes; 500 clean test rows.",
        f"{widths}, {plain.activation}, {plain.initializer}, {plain.optimizer} at {plain.learning_rate:g}, "
        f"batches of {plain.batch_size}, {plain.epochs} epochs. The last epoch is kept; with early "
        "stopping the best one.",
        f"Seeds {seeds}{unseen}. Each draws split, label noise, weights and batches, alike for every row.",
        "Dropout: drop rates at the input / in hidden layers. Ensembles: five networks with weights and "
        "batches of their own, probabilities averaged.",
        machine(),
    )
