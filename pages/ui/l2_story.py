"""What the page on L2 shows of its runs: the sweep, the weights, decay step by step, and Adam's quotient."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from pages.ui import cards, charts, pictures, runs, state, tables, words
from pages.ui.runs import Live
from pages.ui.technique import Says
from regcore import answers, weight_histogram
from regcore.adam_l2 import FirstStep, ShrinkUnderAdam, Twins, measure_adam_shrink, measure_first_step
from regcore.config import Config
from regcore.conventions import Convention, Strength, strength
from regcore.data import DATASET_INFO
from regcore.engine.shard import Probe
from regcore.figures import (
    plot_adam_shrink,
    plot_boundary_row,
    plot_decay,
    plot_penalty,
    plot_penalty_contours,
    plot_validation_curve,
    plot_weight_histogram,
    plot_weight_norms,
)
from regcore.landscape import Landscape, landscape, probe_epochs
from regcore.lessons import BASELINE, THIS_RUN, l2
from regcore.results import Result, Sweep
from regcore.ridge_path import tilted_valley
from regcore.weight_decay import (
    Decay,
    Recorded,
    Stillness,
    measure_stillness,
    nominal_factor,
    recorded_weights,
    silent_decay,
)

Results = Mapping[str, Result]

DECOUPLED, WANTED = "l2.decoupled", "l2.decoupled.wanted"
WEIGHTS, N_EPOCHS = "weights", 8
STEPS_PROBE = Probe(WEIGHTS, "weights", tuple(range(l2.STEPS["SGD, L2"].epochs + 1)))
# Theory: two weights that the data determines well in one direction and badly in the other.
VALLEY = tilted_valley(0.3, 0.03, 25.0, (1.0, 1.6))
LOSS, ERROR = "Loss", "Error"
# Weights beyond this quantile of the largest of the baseline count in the outermost bins.
WIDEST = 0.999
NO_GRADIENT = (
    "With these initial weights no weight of the first layer has a gradient of the data, so there is nothing "
    "to hold the penalty against."
)

CONVENTIONS: dict[Convention, str] = {
    "keras": "this lab's l2, Keras's L2",
    "article": "the article's λ",
    "book": "the book's α",
    "ridge": "scikit-learn's Ridge alpha",
    "decay": "weight decay, plain gradient descent",
}
MEANINGS: dict[Convention, str] = {
    "keras": "mean loss + l2 · Σ w²",
    "article": "mean loss + λ · Σ w²",
    "book": "mean loss + α / 2 · Σ w²",
    "ridge": "sum of squared errors + alpha · Σ w²",
    "decay": "w ← w − learning rate · weight decay · w",
}


def other_optimizer(name: str) -> state.Changes:
    """Return what a choice of optimizer changes: all of them begin without momentum."""
    return {"optimizer": name, "momentum": 0.0}


def probes(config: Config) -> tuple[Probe, ...]:
    """Return what has to be recorded of the sweep, so that its weights can be looked at over epochs."""
    return (Probe(WEIGHTS, "weights", (0, *probe_epochs(config.epochs, N_EPOCHS))),)


def pair(results: Results, config: Config) -> dict[str, Result]:
    """Return the baseline and this run of all that is trained; the baseline alone where they are the same."""
    name = _name_in(results, config)
    return {BASELINE: results[BASELINE]} | ({} if name == BASELINE else {THIS_RUN: results[name]})


def _name_in(results: Results, config: Config) -> str:
    return next(name for name, result in results.items() if result.config == config)


def sweep_of(results: Results, configs: Mapping[float, Config], field: str) -> Sweep:
    """Return the sweep over these configurations, whose results are among those given."""
    found = [results[_name_in(results, config)] for config in configs.values()]
    return Sweep(field, tuple(getattr(config, field) for config in configs.values()), tuple(found))


def answer(results: Results, config: Config) -> None:
    """Show what this run is against the baseline, and which value validation would choose."""
    cards.verdict(state.kept_of("l2.pair", pair, results, config))
    sweep = _sweep(results, config)
    lowest, simple = sweep.best(), sweep.one_standard_error_choice()
    st.caption(
        f"Of {len(sweep.values)} values of l2, validation is lowest at **{lowest.value:g}**; the strongest "
        f"within one standard error of that is **{simple.value:g}**."
    )


def _sweep(results: Results, config: Config) -> Sweep:
    return state.kept_of("l2.sweep", sweep_of, results, l2.swept(config), "l2")


def curves(results: Results, config: Config) -> None:
    """Show the sweep with the cursor, then the baseline beside this run."""
    metric = _metric("l2.metric")
    first = results[BASELINE]
    charts.show(
        "l2.validation_curve",
        plot_validation_curve,
        {"l2": _sweep(results, config)},
        metric,
        shown=config.l2 if not config.weight_decay else None,
        floor=answers.floor_of(first),
    )
    st.caption(
        f"Each value: {words.count(first.config.seeds, 'seed')}, mean and 95 % interval. The star has the "
        "lowest mean on validation; the ring is the strongest penalty within one standard error of it, since "
        "the lowest of several noisy means is lowest by luck as well. The upright dashed line is the cursor."
    )
    shown = state.kept_of("l2.pair", pair, results, config)
    cards.curves(shown)
    cards.table(shown)


def _metric(key: str) -> str | None:
    """Return which metric the sweep is drawn in; of numbers to predict there is one kind of error."""
    chosen = st.segmented_control(
        "Against l2", [ERROR, LOSS], default=ERROR, required=True, key=key, label_visibility="collapsed"
    )
    return "loss" if chosen == LOSS else None


def weights(live: Live, results: Results, config: Config) -> None:
    """Show the norm over epochs for each strength, and the weights by size at the cursor."""
    left, right = st.columns(2, gap="large")
    with left:
        named = state.kept_of("l2.norms", _by_strength, results, config)
        charts.show("l2.norms", plot_weight_norms, named, _label(config))
        st.caption(
            "One line a strength, median over seeds; the one at the cursor is blue, without a penalty orange."
        )
    with right:
        shown = state.kept_of("l2.pair", pair, results, config)
        names = {name: _name_in(results, result.config) for name, result in shown.items()}
        histograms = state.kept_of("l2.histograms", _histograms, live, results, names)
        if histograms:
            pictures.let_the_keyboard_scrub()
            charts.show("l2.histogram", plot_weight_histogram, histograms)
            st.caption("The same weights by size, all seeds together. Move the epoch: 0 is before training.")


def _label(config: Config) -> str:
    if config.l2 and config.weight_decay:
        return f"{config.l2:g} and decay {config.weight_decay:g}"
    return (
        f"decay {config.weight_decay:g}" if config.weight_decay else f"{config.l2:g}" if config.l2 else "off"
    )


def _by_strength(results: Results, config: Config) -> dict[str, Result]:
    """Return the baseline, the sweep and this run, by short names."""
    shown = [*l2.swept(config).values(), config]
    return {_label(each): results[_name_in(results, each)] for each in shown}


def _histograms(
    live: Live, results: Results, names: Mapping[str, str]
) -> dict[str, dict[int, weight_histogram.Histogram]]:
    """Return the weights of each run by size, for the epochs that all seeds have; {} while there is none."""
    sizes = {run: _weights_by_epoch(live, results[name], name) for run, name in names.items()}
    shared = set.intersection(*(set(of_run) for of_run in sizes.values()))
    if not shared:
        return {}
    widest = [np.quantile(np.abs(sizes[BASELINE][epoch]), WIDEST) for epoch in shared]
    limit = float(max(widest)) or 1.0
    return {
        run: {epoch: weight_histogram.weight_histogram(of_run[epoch], limit) for epoch in sorted(shared)}
        for run, of_run in sizes.items()
    }


def _weights_by_epoch(live: Live, result: Result, name: str) -> dict[int, np.ndarray]:
    """Return the penalised weights of all seeds at the epochs that each has reached, if they are finite."""
    recorded = [live.recorded(name, WEIGHTS, seed)[0] for seed in result.seeds]
    reached = set.intersection(*(set(of_seed) for of_seed in recorded))
    found = {
        epoch: weight_histogram.penalised_weights([recorded_weights(each, epoch) for each in recorded])
        for epoch in reached
    }
    return {epoch: sizes for epoch, sizes in found.items() if np.isfinite(sizes).all()}


def penalty(results: Results, config: Config) -> None:
    """Show theory of two weights beside the data loss and the penalty of this run."""
    left, right = st.columns(2, gap="large")
    with left:
        charts.show("l2.contours", plot_penalty_contours, VALLEY, l2.L2_VALUES, l2.strength_of(config))
        st.caption(
            "**Theory**, in closed form: a linear problem of two weights. The penalty gives up first what "
            "the data determines least: along the flat direction the minimum moves long before it does along "
            "the steep one."
        )
    with right:
        shown = state.kept_of("l2.pair", pair, results, config)
        name = THIS_RUN if THIS_RUN in shown else BASELINE
        charts.show("l2.penalty", plot_penalty, shown, name, epochs=cards.epochs_shown(shown))
        st.caption(f"**Measured**, this run: {cards.VIEWS[cards.STACKED]}")


def boundaries(results: Results, config: Config) -> None:
    """Show the decision boundary of two moons at each strength."""
    found = state.kept_of("l2.boundaries", _landscapes, results)
    if found:
        dataset = _of(results, l2.MOONS).dataset
        charts.show("l2.boundaries", plot_boundary_row, found, dataset, l2.strength_of(config))


def _of(results: Results, config: Config) -> Result:
    return results[config.key()]


def _landscapes(results: Results) -> dict[float, Landscape]:
    shown = {strength: _of(results, config) for strength, config in l2.boundaries().items()}
    if not all(result.is_complete for result in shown.values()):
        return {}
    found = {strength: landscape(result, l2.MOONS.seed) for strength, result in shown.items()}
    return {strength: each for strength, each in found.items() if each is not None}


def decay(live: Live, results: Results) -> None:
    """Show what single steps leave of the weights of blank pixels."""
    if all(_of(results, config).is_complete for config in l2.STEPS.values()):
        decays = state.kept_of("l2.decays", measured_decays, live, results)
        charts.show("l2.decay", plot_decay, decays, _nominal())


def _nominal() -> float:
    config = l2.STEPS["SGD, L2"]
    return nominal_factor(config.learning_rate, l2=config.l2)


def measured_decays(live: Live, results: Results) -> dict[str, Decay]:
    """Return what single steps left of the weights of blank pixels, by optimizer and kind of penalty."""
    return {
        name: silent_decay(_recorded(live, config, config.seed), _of(results, config).dataset, config.seed)
        for name, config in l2.STEPS.items()
    }


def adam(live: Live, results: Results, config: Config) -> None:
    """Show what an epoch of Adam takes off weights by their gradients, and what its first step does."""
    kinds = l2.twins(nearest(config), config)
    if not all(_of(results, each).is_complete for each in (*kinds, *l2.first_steps())):
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        _first_epoch(live, results, kinds)
    with right:
        first = state.kept_of("l2.first", _first_step, live, results)
        st.markdown(
            "**The very first step**, all train rows in one batch. What the penalty added to it, as a part "
            "of the learning rate:"
        )
        tables.show(first_step_in_words(first))
        st.caption(
            f"At l2 {l2.FIRST_STEP_L2.l2:g}, weight decay {2 * l2.FIRST_STEP_L2.l2:g}. In brackets: theory. "
            "Adam's first step is the learning rate, however large the gradient is: L2 is lost in it where "
            "the data pulls, and is all of it where the data does not."
        )


def _first_epoch(live: Live, results: Results, kinds: tuple[Config, Config, Config]) -> None:
    """Show what the first epoch of Adam takes off weights, by their gradients."""
    _, penalised, decoupled = kinds
    shrink = state.kept_of("l2.shrink", _shrink, live, results, kinds)
    if not shrink.l2:
        st.info(NO_GRADIENT, icon=":material/info:")
        return
    charts.show("l2.adam", plot_adam_shrink, shrink)
    st.caption(
        f"At l2 {penalised.l2:g} and weight decay {decoupled.weight_decay:g}, in the first epoch: what the "
        f"penalty took off the first layer's weights, {words.count(penalised.seeds, 'seed')}. At 0 are "
        "weights of which the data says nothing, as those of pixels that are blank on every image."
    )


def nearest(config: Config) -> float:
    """Return the value of the sweep above 0 that is nearest to the strength of a configuration; of one
    without any, that of the first lesson."""
    wanted = l2.strength_of(config) or l2.LESSONS[0].config.l2
    return min(l2.L2_VALUES[1:], key=lambda value: abs(np.log(value / wanted)))


def _shrink(live: Live, results: Results, kinds: tuple[Config, Config, Config]) -> ShrinkUnderAdam:
    twins = Twins(*([_recorded(live, kind, seed) for seed in _of(results, kind).seeds] for kind in kinds))
    return measure_adam_shrink(twins, _of(results, kinds[0]).dataset, kinds[1])


def _recorded(live: Live, config: Config, seed: int) -> Recorded:
    return live.recorded(config.key(), WEIGHTS, seed)[0]


def _first_step(live: Live, results: Results) -> dict[str, FirstStep]:
    kinds = l2.first_steps()
    twins = Twins(*([_recorded(live, kind, kind.seed)] for kind in kinds))
    return measure_first_step(twins, _of(results, kinds[0]).dataset, kinds[1])


def first_step_in_words(found: Mapping[str, FirstStep]) -> tables.Rows:
    """Return one row for each kind of weights: measured, and theory in brackets."""
    names = {"silent": "without a gradient", "loud": "that the data pulls at"}
    return [
        {
            "Weights": f"{step.n_weights:,} {names[kind]}",
            "Adam, L2": f"{step.l2:.4f} ({step.l2_theory:.4f})",
            "AdamW": f"{step.decoupled:.4f} ({step.decoupled_theory:.4f})",
        }
        for kind, step in found.items()
    ]


def decoupled(live: Live, config: Config) -> None:
    """Show the sweep of decoupled decay beside that of L2, once it is asked for."""
    n_networks = len(l2.DECOUPLED_VALUES) * config.seeds
    if not state.recall(WANTED):
        st.markdown("How much decoupled decay has the effect of so much L2? That takes a sweep of its own.")
        st.button(
            f"Train AdamW at {len(l2.DECOUPLED_VALUES)} strengths",
            key=WANTED,
            icon=":material/play_arrow:",
            on_click=state.keep,
            args=(WANTED, True),
        )
        st.caption(f"{n_networks} networks, about as long as the sweep of L2 took.")
        return
    other = runs.follow(DECOUPLED, l2.trained_decoupled(config))
    if other:
        runs.show(DECOUPLED, other, lambda results: _both_kinds(live.results(), results, config))


def _both_kinds(results: Results, other: Results, config: Config) -> None:
    """Show both sweeps on one axis of nominal strength."""
    swept = l2.decoupled(config)
    sweeps = {
        "L2": _sweep(results, config),
        "decoupled": state.kept_of("l2.decoupled.sweep", sweep_of, other, swept, "weight_decay"),
    }
    charts.show(
        "l2.both_kinds",
        plot_validation_curve,
        sweeps,
        _metric("l2.metric.both"),
        strengths={"decoupled": tuple(swept)},
        floor=answers.floor_of(results[BASELINE]),
        shown=l2.strength_of(config),
        x_title="nominal strength: l2, or half of weight_decay",
    )
    st.caption(
        "Under plain gradient descent both would be one curve. Where they are apart, Adam makes the "
        "difference: choose each by a sweep of its own."
    )


def says(live: Live | None, mechanism: Live | None, config: Config) -> tuple[Says, ...]:
    """Return what the article says of L2, and what was measured of it, as far as runs are done."""
    norms = still = decays = None
    if live and live.is_done:
        norms = _norms_in_words(live.results(), config)
    if mechanism and mechanism.is_done:
        trained = mechanism.results()
        still = _still_in_words(state.kept_of("l2.still", _stillness, mechanism, trained, config))
        decays = _decays_in_words(state.kept_of("l2.decays", measured_decays, mechanism, trained))
    return (
        Says("L2 adds λ · Σ w² to the loss, which keeps the weights small.", norms),
        Says("Most optimizers decay the weights by default.", still),
        Says("The weights decay in each step.", decays),
    )


def _norms_in_words(results: Results, config: Config) -> str:
    shown = pair(results, config)
    histories = {name: result.history for name, result in shown.items()}
    norms = {
        name: float(history.loc[history["epoch"] == history["epoch"].max(), "weight_norm"].median())
        for name, history in histories.items()
    }
    said = f"Without a penalty their norm ends at {norms[BASELINE]:.3g}"
    if THIS_RUN not in norms:
        return f"{said}. Turn L2 up to hold it against that."
    return f"{said}, with {words.what_is_on(config)} at {norms[THIS_RUN]:.3g} (median over seeds)."


def _stillness(live: Live, results: Results, config: Config) -> Stillness:
    plain, *_ = l2.twins(nearest(config), config)
    result = _of(results, plain)
    recorded = [_recorded(live, plain, seed) for seed in result.seeds]
    return measure_stillness(recorded, result.dataset, result.seeds)


def _still_in_words(still: Stillness) -> str:
    if not still.n_weights:
        return "No input of this data is always 0, so there is no weight that the data leaves alone."
    return (
        f"They do not. Of {still.n_weights:,} weights of pixels that are blank on every train image, "
        f"{still.n_unmoved:,} were the same to the last bit after an epoch of Adam without a penalty. "
        "Keras's `Adam` and `SGD` have no decay unless you ask for it; only `AdamW` has one by default."
    )


def _decays_in_words(decays: Mapping[str, Decay]) -> str:
    sgd, adam_l2 = decays["SGD, L2"].factors, decays["Adam, L2"].factors
    low, high = f"{min(sgd):.4f}", f"{max(sgd):.4f}"
    factor = low if low == high else f"{low} to {high}"
    return (
        f"Where the data has no gradient, SGD multiplied them by {factor} in each step, as 1 − 2 · learning "
        f"rate · l2 = {_nominal():g} says. Adam with the same l2 took a learning rate off each weight "
        f"instead: × {adam_l2[0]:.3f} in its first step. Where the data pulls, weights grow as well."
    )


def converter(config: Config) -> None:
    """Show one penalty in every convention."""
    n_train = config.n_train or DATASET_INFO[config.data].n_train
    left, right = st.columns([1, 2], gap="large")
    with left:
        convention = st.selectbox(
            "I have", list(CONVENTIONS), format_func=lambda name: CONVENTIONS[name], key="l2.convention"
        )
        value = st.number_input(
            "of", min_value=0.0, max_value=1e6, value=l2.strength_of(config), format="%.6g", key="l2.value"
        )
        rows = st.number_input(
            "with so many train rows", min_value=1, max_value=1_000_000, value=n_train, key="l2.rows"
        )
    with right:
        tables.show(converted(strength(float(value), convention, int(rows))))
        st.caption(
            "Ridge counts with the sum over rows, so its alpha grows with them. Weight decay is the same "
            "under plain gradient descent alone. PyTorch's weight_decay of SGD and Adam is the book's "
            "α: its gradient is added to the loss's. That of AdamW is decoupled."
        )


def converted(found: Strength) -> tables.Rows:
    """Return one row for each convention: what it is called, what it means, and its number."""
    return [
        {"Convention": CONVENTIONS[name], "Means": MEANINGS[name], "Value": f"{getattr(found, name):.4g}"}
        for name in CONVENTIONS
    ]
