"""What each command tells of its results: tables for people, values for JSON, and a table for CSV."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from regcore import ablation, scoring, statistics
from regcore.config import Config, query_text
from regcore.data import DATASET_INFO, Task
from regcore.errors import ConfigError, DataError
from regcore.results import Choice, Comparison, Result, Split, Sweep
from regcore.terminal import Column, Table, json_value

if TYPE_CHECKING:
    import pandas as pd

ROWS = {"train": "train rows", "val": "validation rows", "test": "test rows"}
TITLES = {
    "error": "error, %",
    "loss": "data loss",
    "brier": "Brier score",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
}
OPENED = (
    "The test rows were opened for these numbers: report them, and let validation make the choices, or they "
    "flatter as well."
)


class Told(NamedTuple):
    """What a command makes of the results that are there.

    Attributes:
        tables: What is printed.
        values: Its own part of the JSON.
        table: What table.csv holds.
    """

    tables: tuple[Table, ...]
    values: Mapping[str, Any]
    table: pd.DataFrame


Tell = Callable[[Mapping[str, Result]], Told]


def tell_of_training(results: Mapping[str, Result], split: Split) -> Told:
    """Return what is told of one configuration."""
    result = next(iter(results.values()))
    by_seed = _with_stops(result, result.metrics(split))
    metrics = scoring.metric_names(result.dataset.task)
    shown = (metrics[1], metrics[0], metrics[2])
    summary = _summary(result, split, shown)
    epochs = list(by_seed.columns[4:])
    seeds = Table(
        "seeds",
        f"Seed by seed, on {ROWS[split]}",
        (
            Column("seed", "seed", "d"),
            *(Column(name, TITLES[name], "s") for name in shown),
            *(Column(name, name.replace("_", " "), "d") for name in epochs),
        ),
        [
            (row["seed"], *(_figure(row[name], name) for name in shown), *(row[name] for name in epochs))
            for row in _records(by_seed)
        ],
        _notes(split),
    )
    values = {"split": split, "summary": _records(summary), "seeds": _records(by_seed)}
    return Told((_summary_table(result, split, summary), seeds), values, by_seed)


def tell_of_comparison(results: Mapping[str, Result], split: Split, metric: str | None) -> Told:
    """Return what is told of several configurations, the baseline first."""
    metric = _metric(_task(results), metric)
    frame = Comparison(results).table(split, metric)
    baseline = next(iter(results))
    n_seeds = next(iter(results.values())).config.seeds
    table = Table(
        "comparison",
        f"{_on_rows(metric, split)}: mean of {count_of_seeds(n_seeds)}",
        (
            Column("name", ""), Column("mean", "mean", "s"), Column("sd", "sd", "s"),
            Column("difference", f"minus {baseline}", "s"), Column("interval", "95 % interval", "s"),
            Column("wins", "wins", "s"), Column("verdict", "verdict"),
        ),
        [(row["name"], *_comparison_row(row, metric)) for row in _records(frame)],
        (
            f"minus {baseline}: the difference to {baseline} on the same seed, below 0 is better; wins: "
            "seeds below 0",
            *_notes(split),
        ),
    )  # fmt: skip
    return Told((table,), {"split": split, "metric": metric, "table": _records(frame)}, frame)


def tell_of_sweep(
    results: Mapping[str, Result], field: str, values: Sequence[Any], split: Split, metric: str | None
) -> Told:
    """Return what is told of several values of a field."""
    metric = _metric(_task(results), metric)
    sweep = Sweep(field, tuple(values), tuple(results.values()))
    frame = sweep.table(split, metric)
    lowest, most_regularized = _choices(sweep, metric)
    rows = [
        (
            query_text(field, value),
            _figure(row["mean"], metric),
            _figure(row["sd"], metric),
            _interval(row["low"], row["high"], metric),
            row["n"],
        )
        for value, row in zip(values, _records(frame), strict=True)
    ]
    table = Table(
        "sweep",
        f"{_on_rows(metric, split)}: mean over seeds",
        (
            Column("value", field), Column("mean", "mean", "s"), Column("sd", "sd", "s"),
            Column("interval", "95 % interval of the mean", "s"), Column("n", "seeds", "d"),
        ),
        rows,
        (*_notes_on_choices(field, lowest, most_regularized), *_notes(split)),
    )  # fmt: skip
    told = {
        "split": split,
        "metric": metric,
        "field": field,
        "table": _records(frame),
        "best": _choice_told(lowest),
        "one_standard_error_choice": _choice_told(most_regularized),
    }
    return Told((table,), told, frame)


def tell_of_ablation(results: Mapping[str, Result], metric: str | None) -> Told:
    """Return what is told of a configuration's parts; all of it on validation rows."""
    found = ablation.ablation(results, metric)
    frame = ablation.table(results, metric)
    words = ablation.in_words(found).replace("\N{MINUS SIGN}", "-")
    table = Table(
        "ablation",
        f"{_on_rows(found.metric, 'val')}: what each part does",
        (
            Column("role", "role"), Column("part", "part"), Column("mean", "mean", "s"),
            Column("sd", "sd", "s"), Column("difference", "difference", "s"),
            Column("interval", "95 % interval", "s"), Column("wins", "wins", "s"),
            Column("verdict", "verdict"), Column("cost", "epochs", ",.0f"),
        ),
        [
            (row["role"], row["part"], *_comparison_row(row, found.metric), row["cost"])
            for row in _records(frame)
        ],
        (
            "difference: with the part minus without it, on the same seed, below 0 is better; alone: to "
            "none; ladder: to the row above, from none on; left out: all parts minus all but this one, whose "
            "mean is shown",
            "epochs: what one repetition costs, over all of its members",
            "",
            words,
        ),
    )  # fmt: skip
    values = {
        "split": "val",
        "metric": found.metric,
        "table": _records(frame),
        "overlap": found.overlap._asdict() if found.overlap is not None else None,
        "kinds": ablation.kinds(found),
        "summary": words,
    }
    return Told((table,), values, frame)


def check_metric(config: Config, metric: str | None) -> None:
    """Refuse a metric that the task of a configuration's data does not have.

    Raises:
        ConfigError: One sentence on which there are.
    """
    _metric(DATASET_INFO[config.data].task, metric)


def _metric(task: Task, metric: str | None) -> str:
    names = scoring.metric_names(task)
    if metric is not None and metric not in names:
        raise ConfigError(f"--metric must be one of {', '.join(names)}, got {metric!r}")
    return metric or names[1]


def _task(results: Mapping[str, Result]) -> Task:
    return next(iter(results.values())).dataset.task


def _with_stops(result: Result, by_seed: pd.DataFrame) -> pd.DataFrame:
    """Return the metrics of each seed, and the epochs of its network where it is one and no ensemble."""
    if result.config.members > 1:
        return by_seed
    # Of no seed yet, the column has no type that could be merged.
    return by_seed.astype({"seed": "int64"}).merge(result.stops.drop(columns="member"), on="seed")


def _summary(result: Result, split: Split, metrics: Sequence[str]) -> pd.DataFrame:
    """Return one row a metric: its mean on the train rows, then mean, sd, low, high and n of `split`."""
    import pandas as pd

    train, measured = result.metrics("train"), result.metrics(split)
    rows = [
        {
            "metric": metric,
            "train_mean": statistics.mean_interval(train[metric]).mean,
            **statistics.mean_interval(measured[metric])._asdict(),
        }
        for metric in metrics
    ]
    return pd.DataFrame(rows)


def _summary_table(result: Result, split: Split, summary: pd.DataFrame) -> Table:
    config, data = result.config, result.dataset
    networks = f" of {config.members} networks" if config.members > 1 else ""
    rows: list[tuple[Any, ...]] = [
        (
            TITLES[row["metric"]],
            _figure(row["train_mean"], row["metric"]),
            _figure(row["mean"], row["metric"]),
            _figure(row["sd"], row["metric"]),
            _interval(row["low"], row["high"], row["metric"]),
        )
        for row in _records(summary)
    ]
    columns: tuple[Column, ...] = (
        Column("metric", ""), Column("train_mean", "train rows", "s"), Column("mean", ROWS[split], "s"),
        Column("sd", "sd", "s"), Column("interval", "95 % interval of the mean", "s"),
    )  # fmt: skip
    if split == "train":
        columns, rows = (columns[0], *columns[2:]), [(row[0], *row[2:]) for row in rows]
    title = (
        f"{data.name}: {data.n_train} train rows, {data.n_val} validation rows, {len(data.test_rows)} test "
        f"rows; {count_of_seeds(config.seeds)}{networks}, {config.epochs} epochs"
    )
    return Table(
        "summary", title, columns, rows, (f"query: {config.to_query()}",) if config.to_query() else ()
    )


def _comparison_row(row: Mapping[str, Any], metric: str) -> tuple[Any, ...]:
    wins = None
    if row["wins"] is not None and row["n"]:
        ties = f", {row['ties']} equal" if row["ties"] else ""
        wins = f"{row['wins']} of {row['n']}{ties}"
    return (
        _figure(row["mean"], metric),
        _figure(row["sd"], metric),
        _figure(row["difference"], metric, "+"),
        _interval(row["low"], row["high"], metric, "+"),
        wins,
        row["verdict"],
    )


def _choices(sweep: Sweep, metric: str) -> tuple[Choice | None, Choice | None]:
    """Return the best value and the most regularized one near it; None where there is no telling."""
    if len({frozenset(seed for seed, _ in result.recordings) for result in sweep.results}) > 1:
        # As of a sweep that ended early: a mean over other seeds is no reason to choose.
        return None, None
    try:
        lowest = sweep.best(metric)
    except DataError:
        return None, None
    try:
        return lowest, sweep.one_standard_error_choice(metric)
    except ConfigError:
        # No direction of the field regularizes more.
        return lowest, None


def _notes_on_choices(field: str, lowest: Choice | None, most_regularized: Choice | None) -> list[str]:
    notes = []
    if lowest is not None:
        notes.append(f"lowest on validation: {field} = {query_text(field, lowest.value)}")
    if most_regularized is not None:
        notes.append(
            "most regularized within one standard error of it: "
            f"{field} = {query_text(field, most_regularized.value)}"
        )
    return notes


def _choice_told(choice: Choice | None) -> dict[str, Any] | None:
    if choice is None:
        return None
    return {"value": choice.value, "mean": choice.mean, "standard_error": choice.standard_error}


def _notes(split: Split) -> tuple[str, ...]:
    return (OPENED,) if split == "test" else ()


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as Python's values; None for what is missing or not finite."""
    rows = frame.astype(object).to_dict("records")
    return [{str(name): _python_value(value) for name, value in row.items()} for row in rows]


def _python_value(value: Any) -> Any:
    import pandas as pd

    return None if value is pd.NA else json_value(value)


def _figure(value: float | None, metric: str, sign: str = "") -> str | None:
    """Return a metric as tables show it: errors in percent."""
    if value is None:
        return None
    shown, decimals = (100 * value, 2) if metric == "error" else (value, 4)
    return f"{shown:{sign}.{decimals}f}" if abs(shown) < 1e5 else f"{shown:{sign}.3e}"


def _interval(low: float | None, high: float | None, metric: str, sign: str = "") -> str | None:
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return None
    return f"{_figure(low, metric, sign)} to {_figure(high, metric, sign)}"


def count_of_seeds(n: int) -> str:
    """Return "1 seed" or "8 seeds"."""
    return "1 seed" if n == 1 else f"{n} seeds"


def _on_rows(metric: str, split: Split) -> str:
    """Return what a table is about, as "Error on validation rows, %"."""
    name, comma, unit = TITLES[metric].partition(",")
    return f"{name[0].upper()}{name[1:]} on {ROWS[split]}{comma}{unit}"
