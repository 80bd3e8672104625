"""What the page on early stopping says of mechanisms, held against seeds that nothing was tuned on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from regcore import patience, spectral_filters, stopping_optimism
from regcore.bench.report import Claim, Column, ProgressLine, Table
from regcore.bench.seeds import FIRST_SEED, N_SEEDS, N_SEEDS_QUICK
from regcore.config import Config
from regcore.execution import compare, submit, train
from regcore.lessons import named
from regcore.lessons.early_stopping import (
    ARTICLE,
    LESSONS,
    RANDOM_LABELS,
    STEPS,
    STOPPED,
    linear_runs,
    ridge_name,
)
from regcore.results import Result
from regcore.statistics import mean_interval, paired_difference

# Keras's Adam, whose steps the article does not change.
KERAS_RATE = 0.001
# Measured factors are read off weights of single precision.
GAP = 1e-4

Row = tuple[str, str, float, float, float]


def measure(quick: bool, progress: ProgressLine | None = None) -> tuple[tuple[Table, ...], tuple[Claim, ...]]:
    """Return one table of what was measured, and the claims of the page.

    Args:
        quick: Four seeds instead of sixteen.
        progress: Where to say how far it is.
    """
    n_seeds = N_SEEDS_QUICK if quick else N_SEEDS
    parts: tuple[Callable[[int], tuple[list[Row], list[Claim]]], ...] = (
        _default, _article, _optimism, _filters,
    )  # fmt: skip
    rows, claims = [], []
    for at, part in enumerate(parts):
        if progress is not None:
            progress.show(at / len(parts), "early stopping: mechanisms")
        new_rows, new_claims = part(n_seeds)
        rows += new_rows
        claims += new_claims
    return (table(rows, n_seeds),), tuple(claims)


def table(rows: Sequence[Row], n_seeds: int) -> Table:
    """Return what was measured, with 95 % intervals over seeds."""
    return Table(
        name="early stopping",
        title="Early stopping: what its page shows",
        columns=(
            Column("experiment", "experiment"),
            Column("what", "what"),
            Column("mean", "mean", ".4g"),
            Column("low", "95 % from", ".4g"),
            Column("high", "to", ".4g"),
        ),
        rows=rows,
        notes=(f"Seeds {FIRST_SEED} to {FIRST_SEED + n_seeds - 1}, on which nothing was tuned.",),
    )


def _unseen(config: Config, n_seeds: int) -> Config:
    return config.replace(seed=FIRST_SEED, seeds=n_seeds)


def _row(experiment: str, what: str, values: Sequence[float]) -> Row:
    found = mean_interval(values)
    return experiment, what, found.mean, found.low, found.high


def _default(n_seeds: int) -> tuple[list[Row], list[Claim]]:
    """Measure the first lesson: the curve turns up, epochs are saved, and a loop of fits loses both."""
    lesson = LESSONS[0]
    result = train(_unseen(lesson.config, n_seeds))
    stops = patience.network_stops(result)
    rises = [float(curve[-1] / curve.min()) for curve in patience.val_curves(result).values()]
    costs = [stop.cost_of_not_restoring for stop in stops]
    saved = [100 * stop.saved_epochs / stop.n_epochs for stop in stops]
    kept, last = ([getattr(stop, name) for stop in stops] for name in ("restored_loss", "last_loss"))
    restoring = paired_difference(kept, last)
    loop = patience.cost_of_a_loop(result)
    rows = [
        _row(lesson.name, "loss of the last epoch by the lowest", rises),
        _row(lesson.name, "epochs saved, %", saved),
        _row(lesson.name, "cost of not restoring, loss", costs),
    ]
    claims = [
        Claim("early stopping: the validation loss turns up on every seed", _range(rises), min(rises) > 1.2),
        Claim(
            "early stopping: patience 10 stops every network before its last epoch",
            f"{patience.stop_spread(stops).n_stopped} of {len(stops)}, {_range(saved)} % saved",
            min(saved) > 0,
        ),
        Claim(
            "early stopping: not restoring costs loss, interval clear of 0",
            f"{-restoring.mean:+.3g}, from {-restoring.high:+.3g} to {-restoring.low:+.3g}",
            restoring.high < 0,
        ),
        Claim(
            "early stopping: in a loop of fits none stops, and the loss kept is higher",
            f"{loop.loop.n_stopped} stopped; {loop.loop.loss.mean:.3g} against {loop.once.loss.mean:.3g}",
            loop.loop.n_stopped == 0 and loop.loop.loss.low > loop.once.loss.high,
        ),
    ]
    return rows, claims


def _article(n_seeds: int) -> tuple[list[Row], list[Claim]]:
    """Measure the article's example at two step sizes."""
    config = _unseen(named(LESSONS, ARTICLE).config, n_seeds)
    found = compare({"fast": config, "slow": config.replace(learning_rate=KERAS_RATE)}).results
    fast, slow = (patience.network_stops(found[name]) for name in ("fast", "slow"))
    trained = {name: [float(stop.trained_epochs) for stop in stops] for name, stops in
               (("steps of 0.01", fast), ("steps of 0.001", slow))}  # fmt: skip
    at_001 = trained["steps of 0.01"]
    n_fast, n_slow = (patience.stop_spread(stops).n_stopped for stops in (fast, slow))
    claims = [
        Claim(
            "early stopping, the article's example: steps of 0.01 stop on every seed, at other epochs, 20 to "
            "30 on average",
            f"{n_fast} of {n_seeds}, epochs {_range(at_001)}, {np.mean(at_001):.3g} on average",
            n_fast == n_seeds and len(set(at_001)) > 1 and 20 <= float(np.mean(at_001)) <= 30,
        ),
        Claim(
            "early stopping, the article's example: steps of 0.001 are mostly not done after 100 epochs",
            f"{n_slow} of {n_seeds} stopped",
            n_slow < n_seeds / 2,
        ),
    ]
    return [_row(f"{ARTICLE}, {name}", "epochs trained", values) for name, values in trained.items()], claims


def _optimism(n_seeds: int) -> tuple[list[Row], list[Claim]]:
    """Measure how optimistic the score is that chose, where labels are random and where they are not."""
    found = compare(
        {
            "random labels": _unseen(RANDOM_LABELS, n_seeds),
            "default": _unseen(LESSONS[0].config, n_seeds),
        }
    ).results
    rows, claims = [], []
    for name, result in found.items():
        by_error, by_loss = (stopping_optimism.seed_optimism(result, score) for score in ("error", "loss"))
        errors = stopping_optimism.optimism(by_error)
        rows += [
            _row(name, "error on the rows that chose, %", [100 * seed.chosen for seed in by_error]),
            _row(name, "error on the others, %", [100 * seed.fresh for seed in by_error]),
            _row(name, "loss on the others, minus", [seed.fresh - seed.chosen for seed in by_loss]),
        ]
        claims.append(
            Claim(
                f"early stopping, {name}: the error that chose is too low, interval clear of 0",
                f"{100 * errors.mean:+.2f} points, from {100 * errors.low:+.2f} to {100 * errors.high:+.2f}",
                errors.low > 0,
            )
        )
    return rows, [*claims, _chance(found["random labels"])]


def _chance(result: Result) -> Claim:
    seeds = stopping_optimism.seed_optimism(result, "error")
    fresh = mean_interval([seed.fresh for seed in seeds])
    chance = 1 - 1 / result.dataset.n_classes
    return Claim(
        "early stopping, random labels: rows that did not choose are wrong at chance",
        f"{100 * fresh.mean:.2f} %, from {100 * fresh.low:.2f} to {100 * fresh.high:.2f}; chance "
        f"{100 * chance:g}",
        fresh.low <= chance <= fresh.high,
    )


def _filters(n_seeds: int) -> tuple[list[Row], list[Claim]]:
    """Measure the shrinkage of a linear model, stopped and with L2, beside its formulas."""
    configs = {name: _unseen(config, n_seeds) for name, config in linear_runs().items()}
    run = submit(configs, probes=[spectral_filters.weights_probe(STEPS)])
    results = run.results()
    gaps = []
    for seed in results[STOPPED].seeds:
        kernels = run.probe(STOPPED, spectral_filters.PROBE, seed)
        for steps in STEPS:
            stopped = spectral_filters.stopped_factors(results[STOPPED], seed, kernels[steps][0], steps)
            ridge = spectral_filters.ridge_factors(results[ridge_name(steps)], seed)
            gaps += [
                float(np.abs(np.subtract(found.measured, found.theory)).max()) for found in (stopped, ridge)
            ]
    claim = Claim(
        f"early stopping: factors of a linear model are within {GAP:g} of both formulas",
        f"largest gap {max(gaps):.2g} over {len(gaps)} networks",
        max(gaps) < GAP,
    )
    return [_row("linear model", "gap to the formula", gaps)], [claim]


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.3g} to {max(values):.3g}"
