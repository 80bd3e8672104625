"""What pages show of results: the answer in words, curves side by side, and the table behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from regcore import scoring
from regcore.config import Config
from regcore.figures import Measure, plot_curves
from regcore.results import Comparison, Result
from regcore.statistics import BETTER, WITHIN_NOISE, WORSE

MEASURES: dict[str, Measure] = {"Loss": "loss", "Error": "error"}
# In the order of the table; the first that a task has is the one the answer speaks of.
METRICS = {
    "error": "Error",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "loss": "Data loss",
    "brier": "Brier score",
}
NAMES = {"dropout_input": "input dropout", "dropout_hidden": "hidden dropout", "l2": "L2"}
COLOURS = {BETTER: "green", WORSE: "red"}


class Tables(NamedTuple):
    """The tables of a result that all its figures share; a result makes them anew each time."""

    history: pd.DataFrame
    stops: pd.DataFrame


def comparison(results: Mapping[str, Result]) -> None:
    """Show runs, the baseline first: the answer, their curves, and their validation metrics.

    Runs that are not complete are at different epochs, so they are shown but not compared.
    """
    tables = validation_tables(results)
    is_complete = all(result.is_complete for result in results.values())
    if is_complete:
        st.markdown(answer(tables))
    curves(results)
    when = "each network at the epoch it keeps" if is_complete else "so far"
    st.markdown(f"**On the validation rows**, {when}, mean over seeds:")
    st.table(in_words(tables, is_complete), hide_index=True, border="horizontal")
    st.caption(how_many(results))


def curves(results: Mapping[str, Result]) -> None:
    """Show the curves of each run in a column of its own, all on the same axes."""
    chosen = st.segmented_control(
        "Curves of",
        list(MEASURES),
        default="Loss",
        required=True,
        key="cards.measure",
        label_visibility="collapsed",
    )
    measure = MEASURES[chosen or "Loss"]
    epochs = epochs_shown(results)
    tables = {name: Tables(result.history, result.stops) for name, result in results.items()}
    columns = st.columns(max(2, len(results)), vertical_alignment="bottom")
    for column, (name, result) in zip(columns, results.items(), strict=False):
        with column:
            st.markdown(f"**{name.capitalize()}**: {what_is_on(result.config)}")
            figure = plot_curves(tables, name, measure, epochs=epochs)
            st.plotly_chart(
                figure,
                key=f"cards.curves.{name}",
                config={"displaylogo": False},
                alt=figure.layout.meta["description"],
            )


def epochs_shown(results: Mapping[str, Result]) -> int:
    """Return where the axis of epochs ends: with the run, or while it grows at the next power of two."""
    asked_for = max(result.config.epochs for result in results.values())
    recordings = [each for result in results.values() for each in result.recordings.values()]
    reached = max((recording.n_epochs for recording in recordings), default=0)
    return int(min(asked_for, max(16, 2 ** math.ceil(math.log2(max(reached, 1))))))


def what_is_on(config: Config) -> str:
    """Return the regularizers of a configuration that are on, in words."""
    changes = config.changes(config.plain())
    named = (
        f"{NAMES.get(name, name.replace('_', ' '))} {_plainly(value)}" for name, value in changes.items()
    )
    return ", ".join(named) or "no regularizer"


def how_many(results: Mapping[str, Result]) -> str:
    """Return how many networks the results are of."""
    first = next(iter(results.values())).config
    n_networks = sum(result.config.seeds * result.config.members for result in results.values())
    seeds = "1 seed" if first.seeds == 1 else f"{first.seeds} seeds"
    if not all(result.is_complete for result in results.values()):
        return f"{n_networks:,} networks, {seeds} of each run, not all of them trained to the end."
    return (
        f"{n_networks:,} networks of {first.epochs:,} epochs, trained on this machine: {seeds} of each run."
    )


def validation_tables(results: Mapping[str, Result]) -> dict[str, pd.DataFrame]:
    """Return the table of `Comparison` for each metric that the task has, the one that matters first."""
    compared = Comparison(results)
    there = scoring.metric_names(next(iter(results.values())).dataset.task)
    return {metric: compared.table("val", metric) for metric in METRICS if metric in there}


def answer(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return what the last run is against the baseline, in one line of Markdown."""
    metric, table = next(iter(tables.items()))
    baseline, row = table.iloc[0].to_dict(), table.iloc[-1].to_dict()
    verdict = str(row["verdict"]).capitalize()
    if len(table) == 1:
        return "**This is the baseline:** every regularizer is off. Turn a knob to hold one against it."
    if math.isnan(row["low"]):
        return f"**{verdict}**"
    decimals = _decimals(metric, baseline["mean"])
    difference, low, high = (_signed(row[name], metric, decimals) for name in ("difference", "low", "high"))
    lead = f":{COLOURS[row['verdict']]}[**{verdict}:**]" if row["verdict"] in COLOURS else f"**{verdict}:**"
    points = " points" if metric == "error" else ""
    because = ", which contains 0" if row["verdict"] == WITHIN_NOISE else ""
    return (
        f"{lead} validation {METRICS[metric].lower()} {difference}{points} against the baseline "
        f"(95 % interval {low} to {high}{because}), lower on {row['wins']} of {row['n']} seeds."
    )


def in_words(tables: Mapping[str, pd.DataFrame], is_complete: bool) -> pd.DataFrame:
    """Return one row a metric, as text: each run's mean, then difference, interval, wins and verdict."""
    return pd.DataFrame([_row(metric, table, is_complete) for metric, table in tables.items()])


def _row(metric: str, table: pd.DataFrame, is_complete: bool) -> dict[str, str]:
    runs = table.to_dict("records")
    decimals = _decimals(metric, runs[0]["mean"])
    row = {"Metric": METRICS[metric] + (", %" if metric == "error" else "")}
    row |= {str(run["name"]).capitalize(): _number(run["mean"], metric, decimals) for run in runs}
    if len(runs) == 1:
        return row
    last = runs[-1]
    compared = ("Difference", "95 % interval", "Lower on", "Verdict")
    if not is_complete or math.isnan(last["low"]):
        return row | dict.fromkeys(compared, "–")
    difference, low, high = (_signed(last[name], metric, decimals) for name in ("difference", "low", "high"))
    wins = f"{last['wins']} of {last['n']}"
    return row | dict(
        zip(compared, (difference, f"{low} to {high}", wins, str(last["verdict"])), strict=True)
    )


def _decimals(metric: str, size: float) -> int:
    """Return how many decimals suit a metric of this size, and all that is compared with it."""
    return 1 if metric == "error" or abs(size) >= 10 else 3


def _number(value: float, metric: str, decimals: int) -> str:
    """Return a number as the tables show it; errors in percent."""
    if not math.isfinite(value):
        return "–"
    shown = 100 * value if metric == "error" else value
    return f"{shown:,.{decimals}f}" if abs(shown) < 1e6 else f"{shown:.2e}"


def _signed(value: float, metric: str, decimals: int) -> str:
    if math.isnan(value):
        return "–"
    text = _number(abs(value), metric, decimals)
    # A difference that rounds to nothing has no sign.
    return text if not text.strip("0.") else ("−" if value < 0 else "+") + text


def _plainly(value: Any) -> str:
    if isinstance(value, tuple):
        return "/".join(map(_plainly, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
