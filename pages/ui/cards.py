"""What pages show of results: the answer in words, curves side by side, the table behind it, the network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.ui import charts, shared, state, tables, words
from regcore import answers
from regcore.config import Config
from regcore.data import Dataset
from regcore.figures import Measure, plot_curves, plot_objective, plot_penalty, summarize_run
from regcore.model_summary import summarize_model
from regcore.results import Result
from regcore.statistics import BETTER, WORSE

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
        floor = answers.floor_of(results[name])
        measure, drawn = MEASURES[view], _drawn_beside(results, name)
        charts.show(key, _drawn_curves, drawn, name, measure, epochs=epochs, floor=floor, lines=lines)
    else:
        charts.show(key, plot_objective if view == AS_TRAINED else plot_penalty, results, name, epochs=epochs)


def _drawn_curves(results: Mapping[str, Result], name: str, measure: Measure, **options: Any) -> go.Figure:
    # Patience moves the marks alone, and each run is drawn in the figures of the others as well.
    summaries = {
        other: shared.once(summarize_run, result.without_stopping(), measure)
        for other, result in results.items()
    }
    return plot_curves(results, name, measure, summaries=summaries, **options)


def _drawn_beside(results: Mapping[str, Result], name: str) -> dict[str, Result]:
    """Return a run, and beside it the others without their stops, which are not drawn there.

    So the baseline's figure stays the same while the patience of this run moves.
    """
    unstopped = Result.without_stopping
    return {
        other: result if other == name else state.kept_of(f"cards.beside.{other}", unstopped, result)
        for other, result in results.items()
    }


def table(results: Mapping[str, Result]) -> None:
    """Show the validation metrics of each run, and what the last one is against the first."""
    is_complete = _are_complete(results)
    when = "each network at the epoch it keeps" if is_complete else "so far"
    st.markdown(f"**On the validation rows**, {when}, mean over seeds:")
    with st.container(key="metrics"):
        found = shared.kept_of("cards.in_words", _in_words, results)
        tables.show(found)
    st.caption(answers.how_many(results))


def network(result: Result) -> None:
    """Show what the network is made of, folded away."""
    # Not kept: to find it again takes longer.
    n_parameters, layers = _layers(result.config, result.dataset)
    with st.expander(f"The network: {words.count(n_parameters, 'parameter')}"):
        tables.show(layers)
        st.caption(
            "A dense layer has a weight for each pair of an input and a unit, and a bias for each unit."
        )


def _layers(config: Config, dataset: Dataset) -> tuple[int, tables.Rows]:
    """Return how many parameters a network has, and a table of its layers as text."""
    layers = summarize_model(config, dataset)
    rows = [
        {"Layer": layer.name, "Outputs": f"{layer.n_outputs:,}", "Parameters": f"{layer.n_parameters:,}"}
        for layer in layers
    ]
    return sum(layer.n_parameters for layer in layers), rows


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


def _tables(results: Mapping[str, Result]) -> answers.Tables:
    """Return what these results are against each other, which the answer and the table share."""
    return shared.kept_of("cards.tables", answers.validation_tables, results)


def _in_words(results: Mapping[str, Result]) -> tables.Rows:
    return in_words(_tables(results), _are_complete(results))


def answer(compared: answers.Tables) -> str:
    """Return what the last run is against the baseline, in one line of Markdown."""
    metric, runs = next(iter(compared.items()))
    if len(runs) == 1:
        return "**This is the baseline:** every regularizer is off. Turn a knob to hold one against it."
    return held_against(runs[0], runs[-1], metric)


def held_against(baseline: Mapping[Any, Any], run: Mapping[Any, Any], metric: str) -> str:
    """Return which of two runs is better, in which metric and by how much, in one line of Markdown.

    Args:
        baseline: The first row of a `Comparison`.
        run: Another row of it.
        metric: What the rows are of.
    """
    answer = answers.held_against(baseline, run, metric)
    colour = COLOURS.get(answer.verdict)
    lead = f":{colour}[**{answer.lead}**]" if colour else f"**{answer.lead}**"
    return lead + answer.rest


def in_words(compared: answers.Tables, is_complete: bool) -> tables.Rows:
    """Return one row a metric, as text: each run's mean, then difference, interval, wins and verdict."""
    return [_row(metric, runs, is_complete) for metric, runs in compared.items()]


def _row(metric: str, runs: Sequence[Mapping[str, Any]], is_complete: bool) -> dict[str, str]:
    decimals = words.decimals_of(metric, runs[0]["mean"])
    row = {"Metric": words.metric_title(metric)}
    row |= {str(run["name"]).capitalize(): words.number(run["mean"], metric, decimals) for run in runs}
    if len(runs) == 1:
        return row
    if not is_complete:
        return row | dict.fromkeys(answers.COMPARED, words.NOTHING)
    return row | answers.compared_in_words(runs[-1], metric, decimals)
