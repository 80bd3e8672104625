"""What the page on ensembles shows: the answer for k networks, and the pictures of why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.ui import cards, charts, controls, fields, runs, state, tables, technique, words
from pages.ui.technique import Says
from regcore import ensembles, statistics
from regcore.config import MEMBER_VARIATIONS, Config
from regcore.data import Task
from regcore.ensembles import (
    ERROR,
    LOSS,
    MAE,
    POOL,
    SQUARED_ERROR,
    SQUARED_ERROR_IS,
    BySize,
    Calibration,
    Metric,
    Pool,
    Source,
)
from regcore.figures import (
    plot_ambiguity,
    plot_ensemble_size,
    plot_gain,
    plot_member_boundaries,
    plot_member_predictions,
    plot_reliability,
    plot_sources,
    plot_voting,
)
from regcore.figures._ensemble_size import BETWEEN
from regcore.landscape import has_landscape, members_landscape
from regcore.lessons import BASELINE, THIS_RUN
from regcore.results import Result
from regcore.statistics import WITHIN_NOISE

Results = Mapping[str, Result]

SOURCES, WANTED = "ensembles.sources", "ensembles.sources.wanted"
SOURCE_MEMBERS = 8
# Stacked bars side by side; more would be too thin to be read.
BARS = (1, 2, 3, 5, 8, 16, 32)
WAITING = "The pictures of the pool come when all of its networks are trained."


class Measured(NamedTuple):
    """What is read off the pool: its members' predictions, one pool a seed, and what each size measures."""

    pools: tuple[Pool, ...]
    by_size: BySize


def knobs(config: Config) -> None:
    """Draw the knobs: how many are averaged, and what makes them differ."""
    with st.container(border=True, gap="xsmall"):
        fields.steps(config, "members", "Networks averaged, k", ensembles.sizes_of(POOL), str)
        st.caption(f"Read off a pool of {max(POOL, config.members)} for each seed: moving k trains nothing.")
        fields.several(config, "member_varies", "Members differ in", MEMBER_VARIATIONS)
        fields.switch(config, "bootstrap", "Own draw of the train rows for each member")
    with st.expander("Data"):
        controls.data(config)
    with st.expander("Network and optimizer"):
        controls.network(config)
    with st.expander("Seeds and rows"):
        controls.repetition(config)


def shown(results: Results, config: Config) -> dict[str, Result]:
    """Return a single network and the ensemble of the first k of the pool."""
    of_k = state.kept_of("ensembles.of_k", Result.with_members, results[THIS_RUN], config.members)
    return {BASELINE: results[BASELINE], THIS_RUN: of_k}


def measured(result: Result, k: int) -> Measured:
    """Return what is read off a pool that is complete, with k among the sizes."""
    pools = state.kept_of("ensembles.pools", ensembles.pools_of, result)
    sizes = ensembles.sizes_of(result.config.members, k)
    return Measured(pools, state.kept_of("ensembles.by_size", ensembles.by_size, pools, sizes))


def metric_of(result: Result) -> Metric:
    """Return what the answer speaks of: mistakes, or for a number how far off it is."""
    return MAE if result.dataset.task == "regression" else ERROR


def answer(config: Config, results: Results) -> None:
    """Show what averaging k networks does against a single one, in a line or two."""
    pool = results[THIS_RUN]
    if pool.is_complete:
        st.markdown(answer_in_words(measured(pool, config.members).by_size, metric_of(pool), config.members))


def answer_in_words(found: BySize, metric: Metric, k: int) -> str:
    """Return the answer in Markdown: verdict, difference, interval, wins, and the squared error by theory."""
    if k == 1:
        return "**One network:** there is nothing to average. Move k."
    paired = found.paired(metric, k)
    verdict = paired.verdict.capitalize()
    colour = cards.COLOURS.get(paired.verdict)
    lead = f":{colour}[**{verdict}:**]" if colour else f"**{verdict}:**"
    at = found.sizes.index(k)
    values = found.values
    squared = values[SQUARED_ERROR].mean(axis=0)
    decimals = words.decimals_of(metric, float(values[metric][:, 0].mean()))
    difference = words.signed(paired.mean, metric, decimals) + (" points" if metric == ERROR else "")
    interval = words.interval(paired.low, paired.high, metric, decimals)
    because = ", which contains 0" if paired.verdict == WITHIN_NOISE else ""
    return (
        f"{lead} averaging {k} networks moves the validation {words.METRICS[metric].lower()} by {difference} "
        f"(95 % interval {interval}{because}), lower on {paired.wins} of {paired.n} seeds. "
        f"{SQUARED_ERROR_IS[found.task].capitalize()} {squared[0]:.3f} → {squared[at]:.3f}; σ²/k would be "
        f"{found.theory(k)[1]:.3f}, ρ is {found.correlation.mean:.2f}."
    )


def beside(live: runs.Live | None, config: Config, results: Results) -> None:
    """Show error against k, members and their mean where they can be drawn, curves and the table."""
    pool = results[THIS_RUN]
    if pool.is_complete:
        sizes(measured(pool, config.members).by_size, config.members)
        members(pool, config.members)
    else:
        st.caption(WAITING)
    of_k = shown(results, config)
    st.subheader("One network beside the members", anchor=False)
    st.caption("Curves are of single networks, for each is trained alone.")
    cards.curves(of_k)
    if pool.is_complete:
        table(measured(pool, config.members).by_size, config)
    if live is not None:
        runs.say_how_it_was_had(live)


def table(found: BySize, config: Config) -> None:
    """Show what one network and the average of k measure, each over many choices from the pool."""
    k = config.members
    st.markdown("**On the validation rows**, each network at the epoch it keeps, mean over seeds:")
    with st.container(key="metrics"):
        tables.show(in_numbers(found, k))
    n_choices = found.n_subsets[found.sizes.index(k)]
    n_networks = words.count(found.pool * len(found.moments), "network")
    st.caption(
        f"{n_networks} of {config.epochs:,} epochs, trained on this machine: {found.pool} for each of "
        f"{words.count(len(found.moments), 'seed')}. One network: the mean over all of them. Average: over "
        f"{words.count(n_choices, 'choice')} of {k}. So neither is the luck of one choice."
    )


def in_numbers(found: BySize, k: int) -> tables.Rows:
    """Return one row a metric, as text: one network, the average of k, and what the one is to the other."""
    return [_row(found, metric, k) for metric in _by_weight(found.task)]


def _by_weight(task: Task) -> tuple[Metric, ...]:
    """Return the metrics of a task, the one that answers speak of first."""
    return (MAE, SQUARED_ERROR) if task == "regression" else (ERROR, LOSS, SQUARED_ERROR)


def _row(found: BySize, metric: Metric, k: int) -> dict[str, str]:
    alone, together = (found.intervals(metric)[found.sizes.index(size)].mean for size in (1, k))
    decimals = words.decimals_of(metric, alone)
    title = (
        SQUARED_ERROR_IS[found.task].capitalize() if metric == SQUARED_ERROR else words.metric_title(metric)
    )
    row = {"Metric": title, "One network": words.number(alone, metric, decimals)}
    if k == 1:
        return row
    paired = found.paired(metric, k)
    return row | {
        f"Average of {k}": words.number(together, metric, decimals),
        "Difference": words.signed(paired.mean, metric, decimals),
        "95 % interval": words.interval(paired.low, paired.high, metric, decimals),
        "Lower on": f"{paired.wins} of {paired.n}",
        "Verdict": paired.verdict,
    }


def sizes(found: BySize, k: int) -> None:
    """Show what the average of k measures, against k, with theory and floor."""
    st.subheader("What the average of k networks measures", anchor=False)
    names = {SQUARED_ERROR: SQUARED_ERROR_IS[found.task].capitalize(), ERROR: "Error", LOSS: "Data loss",
             MAE: "Mean absolute error", BETWEEN: "Variance between ensembles"}  # fmt: skip
    options = [*ensembles.metrics_of(found.task), BETWEEN]
    chosen = st.segmented_control(
        "Measure", options, default=SQUARED_ERROR, required=True, format_func=names.__getitem__,
        key=f"ensembles.shown.{found.task}", label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    charts.show("ensembles.sizes", plot_ensemble_size, found, k, chosen)
    if chosen == BETWEEN:
        st.caption(
            "How far the averaged predictions of ensembles that share no member lie apart, given the same "
            "train rows. This is what falls as 1/k: the article's formula holds for the part that members do "
            f"not share. Of the squared error of one network that is {words.percent(_own_part(found))}."
        )
    else:
        st.caption(
            f"Means over {words.count(len(found.moments), 'seed')} with 95 % intervals, each over up to "
            f"{max(found.n_subsets)} subsets of the pool of {found.pool}. Grey lines are theory, computed "
            "from σ² and ρ of these networks; points are measured."
        )


def _own_part(found: BySize) -> float:
    """Return which part of a network's squared error is the variance from one network to the next."""
    return float(found.between[:, 0].mean() / found.values[SQUARED_ERROR][:, 0].mean())


def members(pool: Result, k: int) -> None:
    """Show the members of one seed and their average, where the input can be drawn."""
    dataset = pool.dataset
    if not has_landscape(dataset):
        return
    st.subheader("Members and their average", anchor=False)
    seed = st.selectbox(
        "Of seed", pool.seeds, format_func=lambda seed: f"seed {seed}",
        key=f"ensembles.seed.{pool.seeds[0]}.{len(pool.seeds)}", label_visibility="collapsed", width=140,
    )  # fmt: skip
    of_k = state.kept_of("ensembles.of_k", Result.with_members, pool, k)
    charts.show("ensembles.members", _members, of_k, seed)


def _members(of_k: Result, seed: int, *, dark: bool) -> go.Figure:
    found = members_landscape(of_k, seed)
    assert found is not None, "it was asked before whether there is one"
    plot = plot_member_predictions if of_k.dataset.task == "regression" else plot_member_boundaries
    return plot(found, of_k.dataset, dark=dark)


def below(config: Config, results: Results) -> None:
    """Show the decomposition, gain against cost, votes, and calibration."""
    pool = results[THIS_RUN]
    if not pool.is_complete:
        return
    found = measured(pool, config.members)
    left, right = st.columns(2, gap="large")
    with left:
        _ambiguity(found)
    with right:
        _gain(found.by_size)
    if pool.dataset.task != "regression":
        left, right = st.columns(2, gap="large")
        with left:
            _voting(found)
        with right:
            _calibration(found, config.members)


def _ambiguity(found: Measured) -> None:
    st.subheader("Why it helps: the spread of the members", anchor=False)
    sizes = tuple(size for size in BARS if size <= found.by_size.pool)
    charts.show("ensembles.ambiguity", _ambiguities, found.pools, sizes)
    st.caption(
        "Error of the average = mean error of its members − their spread around it, exactly, for the first k "
        "of each pool (Krogh and Vedelsby 1995). Without spread there is no gain."
    )


def _ambiguities(pools: tuple[Pool, ...], sizes: tuple[int, ...], *, dark: bool) -> go.Figure:
    title = SQUARED_ERROR_IS[pools[0].task]
    return plot_ambiguity(ensembles.ambiguities(pools, sizes), title, dark=dark)


def _gain(found: BySize) -> None:
    st.subheader("What it costs: gain and its knee", anchor=False)
    charts.show("ensembles.gain", plot_gain, found)
    st.caption(gain_in_words(found))


def gain_in_words(found: BySize) -> str:
    """Return where the knee is and what it has of all that is gained, and what theory says of any k."""
    knee, gains = found.knee(), [gain.mean for gain in found.gains(SQUARED_ERROR)]
    if knee is None:
        return f"No knee: {'networks have diverged' if math.isnan(gains[-1]) else 'nothing is gained'}."
    return (
        f"Knee: the smallest k with nine tenths of what all {found.pool} gain: {knee} networks gain "
        f"{gains[found.sizes.index(knee)]:.3g}, {found.pool} gain {gains[-1]:.3g}. By the identity on top, k "
        "networks have 1 − 1/k of all that averaging can ever gain: half with two, nine tenths with ten."
    )


def _voting(found: Measured) -> None:
    st.subheader("Averaging against voting", anchor=False)
    sizes = ensembles.sizes_of(found.by_size.pool)
    votes = state.kept_of("ensembles.votes", ensembles.votings, found.pools, sizes)
    charts.show("ensembles.voting", plot_voting, votes)
    st.caption(
        "A vote counts the most probable class of each member; a tie goes to the first of the classes, as in "
        "scikit-learn's VotingClassifier. Two networks tie wherever they differ."
    )


def _calibration(found: Measured, k: int) -> None:
    st.subheader("As sure as right? Calibration", anchor=False)
    of_k = state.kept_of("ensembles.calibration", _calibration_of, found.pools, k)
    charts.show("ensembles.reliability", plot_reliability, of_k, k)
    alone, together = np.mean(of_k.error_of_members), np.mean(of_k.error_of_ensemble)
    paired = statistics.paired_difference(of_k.error_of_ensemble, of_k.error_of_members)
    st.caption(
        f"Predictions in {ensembles.N_BINS} bins of equal width by the probability of the predicted class, "
        "against how often that is the label given. Mean distance from the diagonal, weighted by rows "
        f"(expected calibration error), over seeds: one network {alone:.3f}, average of {k} {together:.3f}; "
        f"{paired.verdict}."
    )


def _calibration_of(pools: tuple[Pool, ...], k: int) -> Calibration:
    return ensembles.calibration([each.first(k) for each in pools])


def sources(config: Config) -> None:
    """Show what makes members differ and what each buys, once that is asked for: it trains more networks."""
    st.subheader("Where the difference comes from, and what it buys", anchor=False)
    technique.prose(
        "Members may differ in their [first weights alone](?member_varies=init&bootstrap=false), in the "
        "[order of batches alone](?member_varies=order&bootstrap=false), in "
        "[both](?member_varies=init,order&bootstrap=false), in an own draw of the rows, the "
        "[bootstrap alone](?member_varies=none&bootstrap=true), in "
        "[all of them](?member_varies=init,order&bootstrap=true), or in "
        "[nothing](?member_varies=none&bootstrap=false). Side by side, with 8 members each, on the same rows:"
    )
    asked = config.replace(members=SOURCE_MEMBERS, member_varies=MEMBER_VARIATIONS, bootstrap=False)
    if state.recall(WANTED) != asked:
        n_networks = len(ensembles.SOURCES) * SOURCE_MEMBERS * config.seeds
        st.button(
            f"Train {n_networks} networks",
            key="ensembles.sources.train",
            icon=":material/play_arrow:",
            on_click=state.keep,
            args=(WANTED, asked),
        )
        st.caption(
            f"{n_networks / (POOL * config.seeds):.2g} times the work of the pool above, at most; while it "
            "trains, the time left is told."
        )
        return
    live = runs.follow(SOURCES, ensembles.source_configs(asked, SOURCE_MEMBERS))
    if live:
        runs.show(SOURCES, live, _sources)


def _sources(results: Results) -> None:
    if not all(result.is_complete for result in results.values()):
        return
    # Named by what was trained: the mapping itself is another one in each run of the page.
    found = state.kept_of("ensembles.found_by_source", _found_by_source, *results.items())
    title = SQUARED_ERROR_IS[next(iter(results.values())).dataset.task]
    charts.show("ensembles.by_source", plot_sources, found, SOURCE_MEMBERS, title)
    st.markdown(sources_in_words(found))
    st.caption(
        f"Open circles: one member; filled: the average of {SOURCE_MEMBERS}; bars are 95 % intervals over "
        "seeds. ρ: how the members' errors correlate. Ends count: a source may make members differ by making "
        "each of them worse."
    )


def _found_by_source(*results: tuple[str, Result]) -> tuple[Source, ...]:
    return ensembles.sources({name: ensembles.pools_of(result) for name, result in results})


def sources_in_words(found: Sequence[Source]) -> str:
    """Return where members differ most, and where their average is best, which need not be the same."""
    apart = [source for source in found if math.isfinite(source.correlation.mean + source.ensemble.mean)]
    if not apart:
        return "No source can be told: networks have diverged."
    differing = min(apart, key=lambda source: source.correlation.mean)
    best = min(apart, key=lambda source: source.ensemble.mean)
    text = (
        f"**Lowest average: {best.name}**, {best.ensemble.mean:.3f}, where one member has "
        f"{best.single.mean:.3f}."
    )
    if differing is best:
        return f"{text} Its members differ most as well: ρ is {best.correlation.mean:.2f}."
    return (
        f"{text} Members differ most with {differing.name} (ρ is {differing.correlation.mean:.2f}, against "
        f"{best.correlation.mean:.2f}), but there one has {differing.single.mean:.3f}, and the average "
        f"{differing.ensemble.mean:.3f}."
    )


def article(live: runs.Live | None, config: Config) -> None:
    """Show what the article says of ensembles, beside what was measured of this pool."""
    found = None
    if live is not None and live.is_done:
        pool = live.results()[THIS_RUN]
        found = measured(pool, config.members).by_size
    technique.article(
        (
            Says(
                "averaging k models divides the variance by k: σ²/k.",
                _of_variance(found) if found else None,
            ),
            Says(
                "an ensemble generalizes better than its members.",
                answer_in_words(found, metric_of(pool), found.pool) if found else None,
            ),
            Says(
                "models of an ensemble should make different errors.",
                _of_correlation(found) if found else None,
            ),
        )
    )


def _of_variance(found: BySize) -> str:
    k = max(size for size in found.sizes if 2 * size <= found.pool)
    at = found.sizes.index(k)
    squared, between = found.values[SQUARED_ERROR].mean(axis=0), found.between.mean(axis=0)
    _, independent, floor = found.theory(found.pool)
    return (
        f"the variance from one ensemble to the next is divided by k: {between[0]:.3g} → {between[at]:.3g} "
        f"for k = {k}, s²/k says {between[0] / k:.3g}. The {SQUARED_ERROR_IS[found.task]} is not: "
        f"{squared[0]:.3g} → {squared[-1]:.3g} for k = {found.pool}, where σ²/k says {independent:.3g}. Its "
        f"floor is ρσ² = {floor:.3g}."
    )


def _of_correlation(found: BySize) -> str:
    rho = found.correlation
    interval = f" (95 % interval {rho.low:.3f} to {rho.high:.3f})" if rho.low == rho.low else ""
    return (
        f"the errors of two members correlate by ρ = {rho.mean:.3f}{interval}, so at most "
        f"{1 - rho.mean:.1%} of a member's squared error can be averaged away."
    )
