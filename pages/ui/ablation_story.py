"""What the page on ablation shows: which part helps, the ladder, each part, the table, and more data."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping

import streamlit as st

from pages.ui import cards, charts, controls, learning_curve, runs, state, tables, technique, words
from regcore import ablation, answers, data_worth
from regcore.ablation import Ablation, Row
from regcore.config import Config
from regcore.figures import plot_parts, plot_waterfall, seed_bars
from regcore.lessons import BASELINE, THIS_RUN
from regcore.lessons.ablation import LESSONS, trained
from regcore.results import Result

Results = Mapping[str, Result]

CURVE = "ablation.curve"
NAMES = ("without any part", "with all parts")
# More work than so many times the first experiment's is trained when somebody asks for it.
AT_ONCE = 4.0
WAITING = "The ladder and the table come when all networks are trained."
NOTHING_ON = "Every regularizer is off: turn knobs until there is something to take apart."


def knobs(config: Config) -> None:
    """Draw the knobs of the parts; a part that is off is not taken apart."""
    on = ", ".join(ablation.parts(config)) or "none"
    st.caption(f"Parts that are on: {on}. One that is off is left out of the ablation.")
    controls.knobs(config)
    with st.expander("More of the regularizers"):
        controls.more(config)
    with st.expander("Data"):
        controls.data(config)
    with st.expander("Network and optimizer"):
        controls.network(config)
    with st.expander("Seeds and rows"):
        controls.repetition(config)


def follow(place: str, config: Config) -> runs.Live | None:
    """Return the run of all configurations; None if it was refused, or is large and nobody has asked."""
    configs = trained(config)
    times = ablation.work_of(configs) / ablation.work_of(trained(LESSONS[0].config))
    # Patience is none of what is trained: moving it asks for nothing.
    wanted = ablation.trainings(configs)
    label = f"Train {words.count(ablation.n_networks(configs), 'network')}"
    cost = f"About {times:.2g} times the work of the first experiment"
    if times > AT_ONCE and not technique.asked(place, wanted, label, cost):
        return None
    return runs.follow(place, configs)


def answer(results: Results) -> None:
    """Show in words what all parts do together, and which of them carry it."""
    st.markdown(ablation.headline(measured(results)))


def measured(results: Results) -> Ablation:
    """Return what complete results say of each part."""
    return state.kept_of("ablation.of", ablation.ablation, dict(results))


def _is_complete(results: Results) -> bool:
    return all(result.is_complete for result in results.values())


def beside(live: runs.Live | None, results: Results) -> None:
    """Show the ladder, and the curves of none and of all."""
    none, whole = results[ablation.NONE], list(results.values())[-1]
    st.subheader("The ladder: one part after another", anchor=False)
    if not _is_complete(results):
        st.caption(WAITING)
    elif none is whole:
        st.caption(NOTHING_ON)
    else:
        found = measured(results)
        charts.show("ablation.waterfall", plot_waterfall, found, answers.floor_of(none))
        if said := ablation.details(found):
            st.markdown(said)
        st.caption(
            "Bars of the ends: mean over seeds. Bars between: what the part changes on top of those above "
            "it, seed by seed, with its 95 % interval. Another order gives other bars: what comes first "
            "takes what parts have in common."
        )
    st.subheader("Without any, and with all", anchor=False)
    pair = {BASELINE: none} if none is whole else {BASELINE: none, THIS_RUN: whole}
    cards.curves(pair)
    cards.table(pair)
    if live is not None:
        runs.say_how_it_was_had(live)


def below(results: Results) -> None:
    """Show each part alone and on top of the others, and the table of all configurations."""
    if not _is_complete(results):
        return
    found = measured(results)
    if not found.parts:
        return
    st.header("Alone, and on top of the others", anchor=False)
    charts.show("ablation.parts", plot_parts, found)
    st.caption(
        "Left of 0 the part lowers the error, right of it it raises it. Small strokes are the seeds. A part "
        "that helps alone and not on top of the others does what they do as well."
    )
    st.header("All of it in a table", anchor=False)
    with st.container(key="ablation-table"):
        tables.show(in_table(found))
    st.caption(table_in_words(results))


def in_table(found: Ablation) -> tables.Rows:
    """Return one row for each role and part, as text, with the difference of each seed as small bars."""
    metric = found.metric
    decimals = words.decimals_of(metric, found.row("none").interval.mean)
    sizes = [abs(each) for row in found.rows for each in row.of_seeds if math.isfinite(each)]
    largest = max(sizes, default=0.0) or 1.0
    return [_in_row(row, metric, decimals, largest) for row in found.rows]


def _in_row(row: Row, metric: str, decimals: int, largest: float) -> dict[str, str]:
    paired = row.difference
    mean = words.number(row.interval.mean, metric, decimals)
    told = {"Run": ablation.row_title(row), words.metric_title(metric): mean}
    difference, seeds, verdict = words.NOTHING, words.NOTHING, words.NOTHING
    if paired is not None:
        difference = words.signed(paired.mean, metric, decimals)
        if not math.isnan(paired.low):
            difference += f" ({words.interval(paired.low, paired.high, metric, decimals)})"
        seeds, verdict = _bars(row, largest), paired.verdict
    return {
        **told,
        "Difference (95 %)": difference,
        "Each seed": seeds,
        "Verdict": verdict,
        "Epochs": f"{row.cost:,.0f}",
    }


def _bars(row: Row, largest: float) -> str:
    """Return the bars of a row in Markdown, with what they say in words."""
    paired = row.difference
    assert paired is not None, "asked before"
    picture = b64encode(seed_bars(row.of_seeds, largest).encode()).decode()
    said = f"lower on {paired.wins} of {paired.n}"
    return f"![{said} seeds](data:image/svg+xml;base64,{picture}) {paired.wins}/{paired.n}"


def table_in_words(results: Results) -> str:
    """Return what the columns of the table are."""
    config = list(results.values())[-1].config
    n_networks = ablation.n_networks({name: result.config for name, result in results.items()})
    return (
        "Difference: with the part minus without it, seed by seed; alone against none, … + against the rung "
        "above it, all but against all. So below 0 the part helps, in each of them. Bars are seeds, down and "
        "green where the error is lower with the part; beside them, on how many it is. Epochs: what one "
        "repetition costs, over all members, up to where patience runs out. "
        f"{words.count(len(results), 'configuration')} on {words.count(config.seeds, 'seed')}, read off "
        f"{words.count(n_networks, 'training')}: patience and members are no trainings of their own."
    )


def more_data(config: Config) -> None:
    """Show the learning curve with all parts and without any, once asked for."""
    st.header("More data, or more regularization?", anchor=False)
    st.markdown(
        "More rows help against overfitting too. Both are trained on fewer and on more rows: where does the "
        "curve without any part reach the error that all parts have here?"
    )
    if not ablation.parts(config):
        st.caption(NOTHING_ON)
        return
    work = ablation.work_of(data_worth.curve_configs(config)) / ablation.work_of(trained(config))
    cost = f"About {work:.2g} times the work of the ablation"
    learning_curve.show(CURVE, config, "the whole set", NAMES, cost)
