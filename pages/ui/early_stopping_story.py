"""What the page on early stopping shows: where networks stopped, what waiting costs, what it amounts to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import streamlit as st

from pages.ui import cards, charts, controls, fields, runs, shared, state, tables, words
from pages.ui.technique import Says
from regcore import answers, patience, spectral_filters, stopping_optimism
from regcore.config import Config
from regcore.figures import (
    plot_filters,
    plot_generalization_loss,
    plot_optimism,
    plot_patience_map,
    plot_stopping_rules,
    plot_stops,
)
from regcore.keras_log import KerasLog, keras_log
from regcore.lessons import BASELINE, early_stopping, named
from regcore.patience import ALPHAS, NetworkStop, RulePoint
from regcore.results import Result
from regcore.spectral_filters import Factors
from regcore.statistics import WITHIN_NOISE, WORSE
from regcore.stopping_optimism import Score, SeedOptimism

Results = Mapping[str, Result]

PATIENCES = (None, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50)
# The highest of Prechelt's own study, and of those of the map the middle.
ALPHA = 5.0
LOG_HEIGHT = 240
# A loss that is higher by this part is about the same.
NEAR = 0.01
RANDOM, LINEAR = "early_stopping.random", "early_stopping.linear"
SCORES: dict[str, Score] = {"Error": "error", "Loss": "loss"}
TITLES = {
    "error": "validation error (fraction)",
    "loss": "validation loss",
    "mae": "mean absolute error (standardized)",
}
ONCE, LOOP = "one fit", "a fit for each epoch"
CODE = {
    ONCE: """\
stopping = {callback}
model.fit(x, y, epochs={epochs}, validation_data=val, callbacks=[stopping])""",
    LOOP: """\
stopping = {callback}
for epoch in range({epochs}):  # to draw a curve as it grows, say
    model.fit(x, y, epochs=1, validation_data=val, callbacks=[stopping])
    if model.stop_training:
        break""",
}


class Linear(NamedTuple):
    """What was measured of the linear model: stopped after some steps, and with the L2 that matches them."""

    stopped: tuple[Factors, ...]
    ridge: tuple[Factors, ...]


def knobs(config: Config) -> None:
    """Draw the knobs: those of the rule, which train nothing, and what is trained."""
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Early stopping**")
        st.caption("Read off the recording, which goes on past the stop: moving these trains nothing.")
        fields.steps(config, "patience", "Patience, epochs", PATIENCES)
        fields.steps(config, "min_delta", "Smallest improvement that counts", (0.0, *controls.LOG_STEPS))
        fields.number(config, "start_from_epoch", "Epochs before patience begins")
        fields.switch(config, "restore_best_weights", "Restore the best weights")
    with st.expander("Data"):
        controls.data(config)
    with st.expander("Dropout and L2"):
        controls.dropout(config)
        fields.steps(config, "l2", "L2", (0.0, *controls.LOG_STEPS))
    with st.expander("Network and optimizer"):
        controls.network(config)
    with st.expander("Seeds and rows"):
        controls.repetition(config)


def last_of(results: Results) -> Result:
    """Return this run; where nothing stops early, the baseline."""
    return list(results.values())[-1]


def answer(results: Results) -> None:
    """Show what stopping early changed against the last epoch of the same training, and what it saved."""
    result = last_of(results)
    if not result.is_complete:
        return
    if len(results) == 1:
        st.markdown("**Nothing stops:** the last epoch is kept. Set a patience to hold one against it.")
        return
    verdict = cards.answer(shared.kept_of("early_stopping.tables", answers.validation_tables, results))
    stops = patience.network_stops(result)
    # Without an interval the verdict is no sentence.
    verdict = verdict if verdict.endswith(".") else f"{verdict}."
    st.markdown(f"{verdict} {stops_in_words(stops)}{not_restored_in_words(stops, result.config)}")


def not_restored_in_words(stops: Sequence[NetworkStop], config: Config) -> str:
    """Return what it costs that nothing is restored; nothing where the best weights are."""
    if config.restore_best_weights or config.patience is None:
        return ""
    cost = sum(stop.cost_of_not_restoring for stop in stops) / len(stops)
    return f" Not restoring costs {words.signed(cost, 'loss', 3)} validation loss."


def stops_in_words(stops: Sequence[NetworkStop]) -> str:
    """Return where networks stopped, and how many epochs that saved."""
    spread = patience.stop_spread(stops)
    if spread.low is None:
        return "No network stopped before its last epoch."
    saved = sum(stop.saved_epochs for stop in stops) / sum(stop.n_epochs for stop in stops)
    where = f"epoch {spread.low}" if spread.low == spread.high else f"epochs {spread.low} to {spread.high}"
    return f"{spread.n_stopped} of {spread.n_networks} stopped, at {where}: {words.percent(saved)} saved."


def beside(live: runs.Live | None, results: Results) -> None:
    """Show where each network stopped, curves and the table."""
    result = last_of(results)
    st.subheader("Where each network stopped", anchor=False)
    charts.show("early_stopping.stops", plot_stops, result)
    st.caption(
        "Validation loss, a lane for each network, all on one scale. Star: lowest. Cross: where patience ran "
        "out. Ring: whose weights are kept. The dotted part need not be trained; here it is, so that the "
        "stop can be moved."
    )
    if result.is_complete:
        stops = patience.network_stops(result)
        with st.expander("Every network in numbers"):
            tables.show(in_numbers(stops))
            st.caption(
                "Loss: on the validation rows. Without restoring, the epoch of the stop is kept: the last "
                f"column is what that costs. {spread_in_words(stops)}"
            )
    st.subheader("The last epoch beside the epoch kept", anchor=False)
    cards.curves(results)
    cards.table(results)
    if live is not None:
        runs.say_how_it_was_had(live)


def spread_in_words(stops: Sequence[NetworkStop]) -> str:
    """Return how far apart the stopping epochs of networks lie; nothing where less than two stopped."""
    spread = patience.stop_spread(stops)
    if spread.n_stopped < 2:
        return ""
    return f"Stopping epochs: {spread.low} to {spread.high}, median {spread.median:g}."


def in_numbers(stops: Sequence[NetworkStop]) -> tables.Rows:
    """Return one row a network, as text."""
    several = any(stop.member for stop in stops)
    return [
        {"Seed": str(stop.seed)}
        | ({"Member": str(stop.member)} if several else {})
        | {
            "Best": str(stop.best_epoch),
            "Stopped": str(stop.stopped_epoch or words.NOTHING),
            "Restored": str(stop.restored_epoch),
            "Saved": str(stop.saved_epochs),
            "Loss restored": words.number(stop.restored_loss, "loss", 3),
            "Not restoring costs": words.signed(stop.cost_of_not_restoring, "loss", 3),
        }
        for stop in stops
    ]


def below(results: Results) -> None:
    """Show what other rules would have made of the same trainings, the log, and the loop of fits."""
    result = last_of(results)
    if not result.is_complete:
        st.caption("The map of patience comes when all networks are trained.")
        return
    left, right = st.columns(2, gap="large")
    with left:
        waiting(results)
    with right:
        other_rule(results)
    left, right = st.columns(2, gap="large")
    with left:
        log(result)
    with right:
        loop(result)
    own_optimism(results)


def waiting(results: Results) -> None:
    """Show loss kept and epochs trained against patience."""
    st.subheader("What waiting buys, and what it costs", anchor=False)
    config = last_of(results).config
    points = _points(results)
    charts.show("early_stopping.map", plot_patience_map, points, config.patience)
    st.caption(
        f"All read off the same {words.count(len(last_of(results).recordings), 'network')}: means over seeds "
        "with 95 % intervals. " + cheapest_in_words(points)
    )


def cheapest_in_words(points: Sequence[RulePoint]) -> str:
    """Return the smallest patience that keeps about the lowest loss, and what both cost, in words."""
    best = min(points, key=lambda point: point.loss.mean)
    near = next(point for point in points if point.loss.mean <= (1 + NEAR) * best.loss.mean)
    lowest = (
        f"The lowest loss, {best.loss.mean:.3f}, takes a patience of {best.value:g} and "
        f"{best.epochs.mean:.0f} epochs"
    )
    if near is best:
        return f"{lowest}."
    return (
        f"{lowest}; a patience of {near.value:g} comes within {words.percent(NEAR)} of it in "
        f"{near.epochs.mean:.0f}."
    )


def _points(results: Results) -> tuple[RulePoint, ...]:
    config = last_of(results).config
    rule = (config.min_delta, config.start_from_epoch, config.restore_best_weights)
    # Of the baseline, which stays the same object while patience moves.
    return shared.kept_of("early_stopping.points", _points_of, results[BASELINE], *rule)


def _points_of(
    result: Result, min_delta: float, start_from_epoch: int, restore_best_weights: bool
) -> tuple[RulePoint, ...]:
    return patience.patience_points(
        result.with_stopping(
            min_delta=min_delta,
            start_from_epoch=start_from_epoch,
            restore_best_weights=restore_best_weights,
        )
    )


def other_rule(results: Results) -> None:
    """Show Prechelt's GL beside patience."""
    st.subheader("Waiting, or a rise in percent", anchor=False)
    alpha = st.select_slider(
        "Stop when the loss is above its lowest by more than, %", ALPHAS, ALPHA, key="early_stopping.alpha"
    )
    result, config = results[BASELINE], last_of(results).config
    alphas = shared.kept_of("early_stopping.alphas", _alphas_of, result, config.restore_best_weights)
    view = st.segmented_control(
        "Rules as", ["Epochs and loss", "GL by epoch"], default="Epochs and loss", required=True,
        key="early_stopping.rules", label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    if view == "GL by epoch":
        charts.show("early_stopping.gain", plot_generalization_loss, result, alpha)
    else:
        charts.show(
            "early_stopping.trade_off", plot_stopping_rules, _points(results), alphas, config.patience, alpha
        )
    st.caption(
        "Prechelt's criterion (1998): GL(t) is by how many percent the loss of epoch t is above the lowest "
        "of the epochs 1 to t; stop at the first t with GL > α. Patience counts epochs, GL measures height. "
        "Further down keeps a lower loss, further left trains less."
    )


def _alphas_of(result: Result, restore_best_weights: bool) -> tuple[RulePoint, ...]:
    return patience.alpha_points(result.with_stopping(restore_best_weights=restore_best_weights))


def log(result: Result) -> None:
    """Show what Keras would have printed of one network."""
    st.subheader("As Keras prints it", anchor=False)
    seed = st.selectbox(
        "Of seed", result.seeds, format_func=lambda seed: f"seed {seed}",
        key=f"early_stopping.seed.{result.seeds[0]}.{len(result.seeds)}", label_visibility="collapsed",
        width=140,
    )  # fmt: skip
    found = keras_log(result, seed)
    with st.container(key="early_stopping-log"):
        st.code("\n".join(found.lines[: found.n_of_epochs]), language=None, height=LOG_HEIGHT)
        # Apart from the epochs, which scroll: this is what the log is read for.
        st.code("\n".join(found.lines[found.n_of_epochs :]), language=None, wrap_lines=True)
    st.caption(
        "Keras's loss is a mean over the epoch while the weights moved, dropout on; its val_loss is of the "
        "end of the epoch. L2 is in both." + _watched(found)
    )


def _watched(found: KerasLog) -> str:
    """Return where Keras's own stop differs, because it watches the penalty too."""
    if found.stop.stopped_epoch == found.lab_stop.stopped_epoch:
        return ""
    keras, lab = (stop.stopped_epoch or "never" for stop in (found.stop, found.lab_stop))
    return (
        f" So with L2 on, Keras watches the penalty as well: it stops at epoch {keras}, where the data loss "
        f"alone would stop at {lab}."
    )


def loop(result: Result) -> None:
    """Show what becomes of patience where `fit` is called for one epoch at a time."""
    st.subheader("A bug to run: fit in a loop", anchor=False)
    config = result.config
    way = st.segmented_control(
        "Trained by", [ONCE, LOOP], default=LOOP, required=True, key="early_stopping.loop",
        label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    if config.patience is None:
        st.caption("Set a patience first: without one there is nothing that a loop could lose.")
        return
    code = CODE[way or LOOP].format(callback=callback_of(config), epochs=config.epochs)
    st.code(code, language="python", wrap_lines=True)
    cost = patience.cost_of_a_loop(result)
    point = cost.once if way == ONCE else cost.loop
    st.markdown(
        f"**{point.n_stopped} of {len(result.recordings)} stopped.** Epochs trained: "
        f"{point.epochs.mean:.1f} of {config.epochs}. Validation loss kept: **{point.loss.mean:.3f}**."
    )
    st.caption(
        "Each fit starts the callback anew: its only epoch is the first, and the best so far, so it never "
        "stops and keeps what it has. The loop against one fit: loss "
        f"{words.signed(cost.loop.loss.mean - cost.once.loss.mean, 'loss', 3)}, epochs "
        f"{words.signed(cost.loop.epochs.mean - cost.once.epochs.mean, 'epochs', 1)}."
    )


def callback_of(config: Config) -> str:
    """Return the callback of Keras that a configuration stands for; what Keras does unasked is left out."""
    given = {
        "min_delta": f"{config.min_delta:g}" if config.min_delta else None,
        "start_from_epoch": config.start_from_epoch or None,
        "restore_best_weights": config.restore_best_weights or None,
    }
    more = "".join(f", {name}={value}" for name, value in given.items() if value is not None)
    return f"EarlyStopping(patience={config.patience}{more})"


def own_optimism(results: Results) -> None:
    """Show how optimistic the score is that chose the epoch, on the page's own networks."""
    st.subheader("The score that chose is too good", anchor=False)
    st.markdown(
        "The lowest of many noisy numbers is low by luck as well. So the validation rows are halved: one "
        "half chooses the epoch, the other says what it is worth. No test row is looked at."
    )
    score = SCORES[
        st.segmented_control(
            "Score", list(SCORES), default="Error", required=True, key="early_stopping.score",
            label_visibility="collapsed",
        )
        or "Error"
    ]  # fmt: skip
    result = results[BASELINE]
    if result.dataset.n_val < 2:
        st.caption("A single validation row cannot be halved.")
        return
    if not all(len(recording.output_epochs) for recording in result.recordings.values()):
        st.caption("Outputs of these networks are beyond what is kept in memory: take fewer rows or epochs.")
        return
    _optimism("early_stopping.own", result, score, None)


def _optimism(key: str, result: Result, score: Score, chance: float | None) -> None:
    seeds = shared.kept_of(key, stopping_optimism.seed_optimism, result, score)
    metric = "mae" if score == "error" and result.dataset.task == "regression" else score
    charts.show(f"{key}.chart", plot_optimism, seeds, TITLES[metric], chance)
    st.caption(optimism_in_words(seeds, metric))


def optimism_in_words(seeds: tuple[SeedOptimism, ...], metric: str) -> str:
    """Return by how much the score that chose was too good, in words; the metric is one of `TITLES`."""
    found = stopping_optimism.optimism(seeds)
    decimals = 1 if metric == "error" else 3
    points = " points" if metric == "error" else ""
    difference = words.signed(found.mean, metric, decimals)
    name = words.METRICS[metric].lower()
    there = f"On rows that did not choose, the {name} is {difference}{points} against the rows that did"
    if math.isnan(found.low):
        return f"{there}; {found.verdict}."
    there += f" (95 % interval {words.interval(found.low, found.high, metric, decimals)})"
    if found.verdict != WORSE:
        return f"{there}: {'within seed noise' if found.verdict == WITHIN_NOISE else 'no optimism here'}."
    n_higher = found.n - found.wins - found.ties
    return f"{there}, higher on {n_higher} of {found.n} seeds. That is the optimism."


def random_labels(config: Config) -> None:
    """Show the same where every label is random, once that is asked for: it trains more networks."""
    st.markdown("**Where nothing can be learned:** digits whose labels are all random.")
    wanted = early_stopping.RANDOM_LABELS.replace(seeds=config.seeds, seed=config.seed)
    if _asked(RANDOM, f"Train {words.count(config.seeds, 'network')} on random labels, a few seconds"):
        live = runs.follow(RANDOM, {BASELINE: wanted})
        if live:
            runs.show(RANDOM, live, _draw_random)


def _draw_random(results: Results) -> None:
    result = results[BASELINE]
    if result.is_complete:
        chance = 1 - 1 / result.dataset.n_classes
        _optimism("early_stopping.luck", result, "error", chance)
        st.caption(
            f"Whatever a network does, it is wrong on {words.percent(chance)} of such rows on average. All "
            "that is below is luck, and the epoch that was lucky once is not lucky twice."
        )


def filters() -> None:
    """Show that stopping early shrinks a linear model as L2 does, once that is asked for."""
    st.subheader("Stopping early acts like L2", anchor=False)
    st.markdown(
        "A linear model learns directions in which its features vary much first. Stopping leaves the others "
        "near zero, and so does L2: both multiply least squares by a factor, direction by direction."
    )
    st.latex(
        r"\begin{gathered} \text{stopped: } 1-(1-\varepsilon\Lambda)^{t} \qquad \text{L2: } "
        r"\frac{\Lambda}{\Lambda+2\cdot\mathrm{L2}} \\[0.6em] \text{alike for small } \Lambda \text{ if } "
        r"\mathrm{L2}=\frac{1}{2\,\varepsilon\,t} \end{gathered}"
    )
    configs = early_stopping.linear_runs()
    n_networks = sum(config.seeds for config in configs.values())
    if not _asked(LINEAR, f"Train {n_networks} linear models, a few seconds"):
        return
    live = runs.follow(LINEAR, configs, [spectral_filters.weights_probe(early_stopping.STEPS)])
    if live:
        runs.show(LINEAR, live, partial(_draw_filters, live))


def _draw_filters(live: runs.Live, results: Results) -> None:
    if not all(result.is_complete for result in results.values()):
        return
    steps = st.select_slider("Stopped after, steps", early_stopping.STEPS, 20, key="early_stopping.steps")
    found = state.kept_of("early_stopping.factors", _linear, live, results[early_stopping.STOPPED], steps)
    rate = early_stopping.LINEAR.learning_rate
    charts.show("early_stopping.filters", plot_filters, found.stopped, found.ridge, rate, steps)
    st.caption(
        f"Diabetes, ten features that go with one another; {words.count(len(found.stopped), 'seed')} with "
        "ten directions each. Λ: eigenvalues of 2X'X/n on the train rows. Gradient descent from zero on all "
        f"rows at once, ε = {rate:g}: each epoch is one step. Each L2 is trained until nothing moves any "
        "more. Factors are read off the weights."
    )


def _linear(live: runs.Live, stopped: Result, steps: int) -> Linear:
    name = early_stopping.ridge_name(steps)
    kernels = {
        seed: live.recorded(early_stopping.STOPPED, spectral_filters.PROBE, seed)[0][steps][0]
        for seed in stopped.seeds
    }
    ridge = live.results()[name]
    return Linear(
        tuple(
            spectral_filters.stopped_factors(stopped, seed, kernel, steps) for seed, kernel in kernels.items()
        ),
        tuple(spectral_filters.ridge_factors(ridge, seed) for seed in ridge.seeds),
    )


def _asked(name: str, label: str) -> bool:
    """Return whether somebody asked for more training; a button to ask for it, while nobody has."""
    wanted = f"{name}.wanted"
    if not state.recall(wanted):
        st.button(
            label, key=f"{name}.train", icon=":material/play_arrow:", on_click=state.keep, args=(wanted, True)
        )
    return bool(state.recall(wanted))


def says(live: runs.Live | None, config: Config) -> tuple[Says, ...]:
    """Return what the article says, and what the networks of the page say to it."""
    results = live.results() if live is not None and live.is_done else {}
    stops = patience.network_stops(last_of(results)) if results else ()
    rule = "Stop when the validation loss has not improved for a few epochs (patience), before it overfits."
    measured = None
    if stops:
        measured = stops_in_words(stops)
        measured += f" {_waited(_points(results))}" if config.patience is not None else ""
    example = named(early_stopping.LESSONS, early_stopping.ARTICLE)
    return (
        Says(rule, measured),
        Says(
            "Five features, Dense(10) from he_normal, patience of 3, up to 100 epochs; then it prints where "
            "it stopped.",
            _example(config, example.config, stops),
        ),
    )


def _waited(points: Sequence[RulePoint]) -> str:
    """Return what a short and a long patience keep of these networks."""
    found = {point.value: point for point in points}
    parts = [f"{found[value].loss.mean:.3f} with {value}" for value in (1, 3, 10) if value in found]
    return f"Validation loss kept, by patience: {', '.join(parts)}."


def _example(config: Config, example: Config, stops: Sequence[NetworkStop]) -> str | None:
    """Return what came of the article's example, at whatever step size; where it is not on the page, how to
    have it."""
    rate = {"learning_rate": config.learning_rate}
    if config != example.replace(**rate):
        return f"Choose the experiment “{early_stopping.ARTICLE}” to run it here."
    if not stops:
        return None
    return f"With steps of {config.learning_rate:g}: {stops_in_words(stops)}"
