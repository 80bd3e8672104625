"""What pages show of results: the answer in words, curves side by side, the table behind it, the network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.ui import charts, state, words
from regcore import scoring
from regcore.figures import Measure, plot_curves, plot_objective, plot_penalty
from regcore.lessons import BASELINE
from regcore.model_summary import summarize_model
from regcore.results import Comparison, Recording, Result
from regcore.statistics import BETTER, WITHIN_NOISE, WORSE

LOSS, ERROR, AS_TRAINED, STACKED = "Loss", "Error", "As trained", "Loss and penalty"
MEASURES: dict[str, Measure] = {LOSS: "loss", ERROR: "error"}
# What each view of the curves shows, in a sentence.
VIEWS = {
    LOSS: "Data loss alone, dropout off, at the end of each epoch: so train and validation can be compared. "
    "Lines are medians over the networks, bands their middle 80 %.",
    ERROR: "At the end of each epoch, dropout off: the part of rows that are labelled wrong, or for a number "
    "the mean absolute error. Lines are medians over the networks, bands their middle 80 %.",
    AS_TRAINED: "What the optimizer minimised: penalty in, dropout and augmentation on, averaged while the "
    "epoch ran. Keras prints this as “loss”, and adds the penalty to “val_loss” too. Neither is data loss.",
    STACKED: "The data loss on the train rows with the L2 penalty on top. The penalty is no error: it only "
    "says how large the weights are, so it is left out wherever runs are compared.",
}
COLOURS = {BETTER: "green", WORSE: "red"}


def comparison(results: Mapping[str, Result]) -> None:
    """Show runs, the baseline first: the answer, their curves, and their validation metrics."""
    verdict(results)
    curves(results)
    table(results)


def verdict(results: Mapping[str, Result]) -> None:
    """Show the answer in words, if all runs are complete: else they are at different epochs."""
    if _are_complete(results):
        st.markdown(answer(_tables(results)))


def curves(results: Mapping[str, Result]) -> None:
    """Show the curves of each run in a column of its own, all on the same axes, and what they are of."""
    with st.container(horizontal=True, vertical_alignment="center"):
        view = st.segmented_control(
            "Curves of",
            list(VIEWS),
            default=LOSS,
            required=True,
            key="cards.measure",
            label_visibility="collapsed",
            wrap=True,
        )
        lines = view in MEASURES and st.toggle("Each network", key="cards.lines")
    for column, name in zip(_columns(results), results, strict=False):
        with column:
            st.markdown(f"**{name.capitalize()}**: {words.what_is_on(results[name].config)}")
            _curve(results, name, view or LOSS, lines)
    st.caption(VIEWS[view or LOSS])


def _curve(results: Mapping[str, Result], name: str, view: str, lines: bool) -> None:
    key, epochs = f"cards.curves.{name}", epochs_shown(results)
    if view in MEASURES:
        floor = floor_of(results[name])
        measure = MEASURES[view]
        charts.show(key, plot_curves, results, name, measure, epochs=epochs, floor=floor, lines=lines)
    else:
        charts.show(key, plot_objective if view == AS_TRAINED else plot_penalty, results, name, epochs=epochs)


def floor_of(result: Result) -> scoring.NoiseFloor | None:
    """Return what noisy labels allow; None where labels are right."""
    if not result.config.label_noise or result.dataset.task == "regression":
        return None
    return scoring.noise_floor(result.config.label_noise, result.dataset.n_classes)


def table(results: Mapping[str, Result]) -> None:
    """Show the validation metrics of each run, and what the last one is against the first."""
    is_complete = _are_complete(results)
    when = "each network at the epoch it keeps" if is_complete else "so far"
    st.markdown(f"**On the validation rows**, {when}, mean over seeds:")
    with st.container(key="metrics"):
        st.table(in_words(_tables(results), is_complete), hide_index=True, border="horizontal")
    st.caption(how_many(results))


def network(result: Result) -> None:
    """Show what the network is made of, folded away."""
    layers = summarize_model(result.config, result.dataset)
    n_parameters = sum(layer.n_parameters for layer in layers)
    with st.expander(f"The network: {words.count(n_parameters, 'parameter')}"):
        rows = [
            {"Layer": layer.name, "Outputs": f"{layer.n_outputs:,}", "Parameters": f"{layer.n_parameters:,}"}
            for layer in layers
        ]
        st.table(pd.DataFrame(rows), hide_index=True, border="horizontal")
        st.caption(
            "A dense layer has a weight for each pair of an input and a unit, and a bias for each unit."
        )


def _columns(results: Mapping[str, Result]) -> Sequence[Any]:
    """Return a column for each run, their charts at one height; a single run has half of the room."""
    return st.columns(max(2, len(results)), vertical_alignment="bottom")


def _are_complete(results: Mapping[str, Result]) -> bool:
    return all(result.is_complete for result in results.values())


def epochs_shown(results: Mapping[str, Result]) -> int:
    """Return where the axis of epochs ends: with the run, or while it grows at the next power of two."""
    asked_for = max(result.config.epochs for result in results.values())
    recordings = [each for result in results.values() for each in result.recordings.values()]
    reached = max((recording.n_epochs for recording in recordings), default=0)
    return int(min(asked_for, max(16, 2 ** math.ceil(math.log2(max(reached, 1))))))


def how_many(results: Mapping[str, Result]) -> str:
    """Return how many networks the results are of."""
    first = next(iter(results.values())).config
    seeds = words.count(first.seeds, "seed")
    if not _are_complete(results):
        n_networks = sum(result.config.seeds * result.config.members for result in results.values())
        return f"{n_networks:,} networks, {seeds} of each run, not all of them trained to the end."
    # What runs share is trained once, and is the same recording.
    networks = {id(each) for result in results.values() for each in _recordings(result)}
    return (
        f"{words.count(len(networks), 'network')} of {first.epochs:,} epochs, trained on this machine: "
        f"{seeds} of each run."
    )


def _recordings(result: Result) -> list[Recording]:
    """Return the recording of each network of a result, which may be of some of the members trained."""
    members = range(result.config.members)
    return [result.recordings[seed, member] for seed in result.seeds for member in members]


def _tables(results: Mapping[str, Result]) -> dict[str, pd.DataFrame]:
    """Return the tables of these results, which the answer, the table and the next run of the page share."""
    return state.kept_of("cards.tables", validation_tables, results)


def validation_tables(results: Mapping[str, Result]) -> dict[str, pd.DataFrame]:
    """Return the table of `Comparison` for each metric that the task has, the one that matters first."""
    compared = Comparison(results)
    there = scoring.metric_names(next(iter(results.values())).dataset.task)
    return {metric: compared.table("val", metric) for metric in words.METRICS if metric in there}


def answer(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return what the last run is against the baseline, in one line of Markdown."""
    metric, table = next(iter(tables.items()))
    if len(table) == 1:
        return "**This is the baseline:** every regularizer is off. Turn a knob to hold one against it."
    return held_against(table.iloc[0].to_dict(), table.iloc[-1].to_dict(), metric)


def held_against(baseline: Mapping[Any, Any], run: Mapping[Any, Any], metric: str) -> str:
    """Return which of two runs is better, in which metric and by how much, in one line of Markdown.

    Args:
        baseline: The first row of a table of `Comparison`.
        run: Another row of it.
        metric: What the table is of.
    """
    verdict = str(run["verdict"])
    subject, other = (_in_a_sentence(str(each["name"])) for each in (run, baseline))
    decimals = words.decimals_of(metric, baseline["mean"])
    unit = " %" if metric == "error" else ""
    means = [words.number(each["mean"], metric, decimals) for each in (run, baseline)]
    both = f"validation {words.METRICS[metric].lower()} {means[0]}{unit} against {means[1]}{unit}"
    if math.isnan(run["low"]):
        lead = verdict.capitalize()
        return f"**{lead}**" if words.NOTHING in means else f"**{lead}:** {both} of {other}"
    # Not `capitalize`: a run may be called as its settings are, of which capitals have a meaning.
    subject = subject[:1].upper() + subject[1:]
    lead, because = f"**{subject} is {verdict} than {other}:**", ""
    if verdict == WITHIN_NOISE:
        lead, because = f"**{subject} and {other} are {WITHIN_NOISE}:**", ", which contains 0"
    colour = COLOURS.get(verdict)
    return (
        f"{f':{colour}[{lead}]' if colour else lead} {both}, "
        f"{words.signed(run['difference'], metric, decimals)}{' points' if unit else ''} "
        f"(95 % interval {words.interval(run['low'], run['high'], metric, decimals)}{because}), "
        f"lower on {run['wins']} of {run['n']} seeds."
    )


def _in_a_sentence(name: str) -> str:
    return f"the {name}" if name == BASELINE else name


def in_words(tables: Mapping[str, pd.DataFrame], is_complete: bool) -> pd.DataFrame:
    """Return one row a metric, as text: each run's mean, then difference, interval, wins and verdict."""
    return pd.DataFrame([_row(metric, table, is_complete) for metric, table in tables.items()])


def _row(metric: str, table: pd.DataFrame, is_complete: bool) -> dict[str, str]:
    runs = table.to_dict("records")
    decimals = words.decimals_of(metric, runs[0]["mean"])
    row = {"Metric": words.metric_title(metric)}
    row |= {str(run["name"]).capitalize(): words.number(run["mean"], metric, decimals) for run in runs}
    if len(runs) == 1:
        return row
    last = runs[-1]
    compared = ("Difference", "95 % interval", "Lower on", "Verdict")
    if not is_complete or math.isnan(last["low"]):
        return row | dict.fromkeys(compared, "–")
    difference = words.signed(last["difference"], metric, decimals)
    interval = words.interval(last["low"], last["high"], metric, decimals)
    wins = f"{last['wins']} of {last['n']}"
    return row | dict(zip(compared, (difference, interval, wins, str(last["verdict"])), strict=True))
