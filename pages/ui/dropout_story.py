"""What the page about dropout shows: the run, its thinned networks, rates and costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from pages.ui import cards, charts, controls, dropout_steps_story, fields, runs, shared, state, tables, words
from pages.ui.technique import Says
from pages.ui.technique import article as show_article
from regcore import coadaptation, dropout, dropout_runs
from regcore.config import Config
from regcore.data import DATASET_INFO, load_dataset
from regcore.dropout_landscapes import thinned_landscapes
from regcore.figures import (
    THIS_RUN,
    plot_boundary,
    plot_costs,
    plot_gaps,
    plot_monte_carlo,
    plot_objective_beside_val,
    plot_predictions,
    plot_rates,
    plot_removal,
    plot_scalings,
)
from regcore.landscape import has_landscape
from regcore.results import Result
from regcore.statistics import PairedDifference, mean_interval, paired_difference

Results = Mapping[str, Result]

BOUNDARIES, RATES, CHEAP = "dropout.boundaries", "dropout.rates", "dropout.cheap"
WHEN_DONE = "It is shown when the run is done."


def knobs(config: Config) -> None:
    """Draw the knobs of dropout, and all else folded away."""
    with st.container(border=True, gap="xsmall"):
        controls.dropout(config)
        n_units = dropout.droppable_units(config, load_dataset(config).n_features)
        st.caption(
            f"{words.count(n_units, 'unit')} can be out: $2^{{{n_units}}}$ thinned networks, about "
            f"$10^{{{n_units * math.log10(2):.0f}}}$."
        )
    with st.expander("Data"):
        controls.data(config)
    with st.expander("Network and optimizer"):
        controls.network(config)
    with st.expander("Other regularizers of this run"):
        fields.steps(config, "l2", "L2", (0.0, *controls.LOG_STEPS))
        fields.steps(config, "patience", "Patience, epochs", controls.PATIENCES)
    with st.expander("Seeds and rows"):
        controls.repetition(config)


def beside(results: Results) -> None:
    """Show curves and metrics of the baseline and this run."""
    cards.curves(results)
    cards.table(results)
    cards.network(list(results.values())[-1])


def below(results: Results) -> None:
    """Show what dropout did to the networks of this run."""
    result = results.get(THIS_RUN)
    if result is None or not dropout.has_dropout(result.config):
        st.info("Dropout is off: turn a rate up to see what it does.", icon=":material/info:")
        return
    _train_above_validation(results)
    st.header("One network for all of them", anchor=False)
    st.markdown(
        "After training no unit is out. What the whole network says is meant to be what all thinned networks "
        "say together. Drawn here: masks of each seed's network, the same for all rows, more and more."
    )
    if not result.is_complete:
        st.caption(WHEN_DONE)
        return
    _thinned(result)
    _scaling(result)
    if result.config.hidden:
        _coadaptation(results)


def _train_above_validation(results: Results) -> None:
    st.header("Why the train loss can lie above the validation loss", anchor=False)
    left, right = st.columns(2, gap="large")
    epochs = cards.epochs_shown(results)
    with left:
        charts.show("dropout.objective", plot_objective_beside_val, results, THIS_RUN, epochs=epochs)
    with right:
        st.markdown(
            "What Keras prints as `loss` (grey) is measured while masks are on, and while the epoch still "
            "goes on. `val_loss` is measured afterwards, by the whole network. So the first can lie above "
            "the second without anything being wrong: it is the loss of thinned networks, which are worse."
        )
        result = results[THIS_RUN]
        if result.is_complete:
            found = shared.kept_of("dropout.above", dropout_runs.above_validation, result)
            above, clean = mean_interval(found.above).mean, mean_interval(found.clean_above).mean
            st.markdown(
                f"**Here** the loss in training lay above the validation loss in **{above:.0f} of "
                f"{found.n_epochs} epochs** (mean of {words.count(len(found.above), 'seed')}). The data loss "
                f"of the same network on the same rows, masks off, did in {clean:.0f} epochs."
            )


def _sampled(result: Result) -> Sequence[dropout.Sampled]:
    return shared.kept_of("dropout.sampled", dropout.sample, result)


def _thinned(result: Result) -> None:
    sampled = _sampled(result)
    left, right = st.columns(2, gap="large")
    with left:
        charts.show("dropout.gaps", plot_gaps, sampled)
        st.caption(
            "Distance: the probability that would have to move between classes to make two predictions "
            "equal, mean over validation rows (for a number: absolute difference in standard deviations). "
            "The scaled network is the geometric mean exactly where only the output follows the masks: the "
            "dashed line falls like 1/√masks for ever. Where another layer follows, the solid one stays "
            "behind."
        )
    with right:
        is_regression = result.dataset.task == "regression"
        measure = st.segmented_control(
            "Measure",
            ["loss", "error"],
            default="loss",
            required=True,
            key="dropout.measure",
            label_visibility="collapsed",
        )
        charts.show(
            "dropout.monte_carlo",
            plot_monte_carlo,
            sampled,
            measure or "loss",
            is_regression=is_regression,
        )
        st.caption(
            "Monte Carlo dropout: masks stay on, and the predictions of several are averaged. Its cost is "
            "that many predictions, for each row."
        )
        st.markdown(_monte_carlo_in_words(result, sampled))


def _monte_carlo_in_words(result: Result, sampled: Sequence[dropout.Sampled]) -> str:
    """Return what the mean of the most masks is against the scaled network."""
    metric = dropout_runs.main_metric(result)
    loss = paired_difference([each.loss[-1] for each in sampled], [each.scaled_loss for each in sampled])
    error = paired_difference([each.error[-1] for each in sampled], [each.scaled_error for each in sampled])
    return (
        f"**{dropout.N_MASKS[-1]} masks against the scaled network:** loss {_difference(loss, 'loss')}; "
        f"{words.METRICS[metric].lower()} {_difference(error, metric)}."
    )


def _difference(paired: PairedDifference, metric: str) -> str:
    decimals = words.decimals_of(metric, paired.mean)
    points = " points" if metric == "error" else ""
    return f"{words.signed(paired.mean, metric, decimals)}{points}, {paired.verdict}"


def _scalings(result: Result) -> list[Mapping[str, dropout.Scaling]]:
    return [dropout.scalings(result, seed) for seed in result.seeds]


def _scaling(result: Result) -> None:
    by_seed = shared.kept_of("dropout.scalings", _scalings, result)
    st.header("Break the scaling", anchor=False)
    names = [name for name in by_seed[0] if name != dropout.IN_TRAINING]
    chosen = st.segmented_control(
        "How the network is used after training",
        names,
        default=names[0],
        required=True,
        key="dropout.scaling",
        wrap=True,
    )
    left, right = st.columns(2, gap="large")
    with left:
        charts.show("dropout.scalings", plot_scalings, by_seed)
    with right:
        st.markdown(_scaling_in_words(result, by_seed, chosen or names[0]))
        tables.show(_scaling_table(result, by_seed))
        st.caption(
            "Mean of the seeds, on validation rows. In training: what single thinned networks do on average. "
            "Classic weights are made from the trained ones: W / p, without a scale in training. Masks "
            "scatter the sums and relu cuts them off below alone, so activations in training are larger than "
            "after it."
        )


def _scaling_in_words(result: Result, by_seed: Sequence[Mapping[str, dropout.Scaling]], name: str) -> str:
    """Return what a way of scaling does to the outputs and to the loss, against the right one."""
    ratio = mean_interval(
        [
            each[name].activations[-1] / (each[dropout.IN_TRAINING].activations[-1] or math.nan)
            for each in by_seed
        ]
    ).mean
    loss, right = ([each[way].loss for each in by_seed] for way in (name, dropout.INVERTED))
    largest = max(abs(one - other) for one, other in zip(loss, right, strict=True))
    if largest < 1e-4:
        same = (
            "" if name == dropout.INVERTED else " It is the other right way in other words: losses agree to "
        )
        agree = f"{same}{largest:.0e}." if same else ""
        return f"**{_sentence(name)}:** outputs are {ratio:.2g} times as large as in training.{agree}"
    return (
        f"**{_sentence(name)}:** outputs are {ratio:.2g} times as large as in training. Validation loss "
        f"{_difference(paired_difference(loss, right), 'loss')}, against the right scaling."
    )


def _sentence(name: str) -> str:
    return name[:1].upper() + name[1:]


def _scaling_table(result: Result, by_seed: Sequence[Mapping[str, dropout.Scaling]]) -> tables.Rows:
    metric = dropout_runs.main_metric(result)

    def mean(values: list[float], of: str) -> str:
        found = mean_interval(values).mean
        return words.number(found, of, words.decimals_of(of, found))

    return [
        {
            "Used as": _sentence(name),
            "Loss": mean([each[name].loss for each in by_seed], "loss"),
            words.metric_title(metric): mean([each[name].error for each in by_seed], metric),
        }
        for name in by_seed[0]
    ]


def _units(result: Result) -> list[coadaptation.CoAdaptation]:
    return [coadaptation.coadaptation(result, seed) for seed in result.seeds]


def _coadapted(results: Results) -> dict[str, list[coadaptation.CoAdaptation]]:
    return {name: shared.kept_of(f"dropout.units.{name}", _units, result) for name, result in results.items()}


def _coadaptation(results: Results) -> None:
    found = _coadapted(results)
    st.header("Do units rely on one another?", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        charts.show("dropout.removal", plot_removal, found)
    with right:
        tables.show(_coadaptation_table(found))
        st.caption(
            "The last hidden layer on the validation rows, masks off, mean of the seeds. Correlation: mean "
            "absolute one of all pairs of units that vary. Without one unit: mean absolute change of the "
            "loss when one is taken out. Silent: part of all activations that are 0."
        )
        st.markdown(_coadaptation_in_words(found))


def _coadaptation_table(found: Mapping[str, Sequence[coadaptation.CoAdaptation]]) -> tables.Rows:
    return [
        {
            "Run": name.capitalize(),
            "Correlation": f"{mean_interval([each.correlation for each in of_run]).mean:.3f}",
            "Without one unit": f"{mean_interval([each.mean_change for each in of_run]).mean:.4f}",
            "Silent, %": f"{100 * mean_interval([each.zeros for each in of_run]).mean:.1f}",
        }
        for name, of_run in found.items()
    ]


def _coadaptation_in_words(found: Mapping[str, Sequence[coadaptation.CoAdaptation]]) -> str:
    """Return what dropout did to the units, each with its verdict: lower means less of it."""
    plain, dropped = found.values()

    def said(what: str, of: Callable[[coadaptation.CoAdaptation], float]) -> str:
        difference = paired_difference([of(each) for each in dropped], [of(each) for each in plain])
        way = {"better": "lower", "worse": "higher"}.get(difference.verdict, difference.verdict)
        return f"{what} **{way}**"

    return (
        "With dropout: "
        + ", ".join(
            (
                said("how much one unit is missed", lambda each: each.mean_change),
                said("correlation", lambda each: each.correlation),
                said("silence", lambda each: each.zeros),
            )
        )
        + "."
    )


def boundaries(config: Config) -> None:
    """Show what single thinned networks, their mean and the scaled network predict all over the inputs."""
    chosen = _drawn(config)
    st.markdown(
        f"{DATASET_INFO[chosen.data].title}, rates {chosen.dropout_input:g} and "
        f"{max(chosen.dropout_rates(), default=0.0):g}, one seed. Each thinned network is a network of its "
        "own; dropout trained all of them with shared weights."
    )
    live = runs.follow(BOUNDARIES, {"drawn": chosen})
    if live is None:
        return
    runs.show_status(BOUNDARIES, live, lambda _: None)
    runs.show_results(BOUNDARIES, live, _landscapes)


def _drawn(config: Config) -> Config:
    """Return what is drawn: the page's own run where its inputs can be, else the same rates on moons."""
    rates = (config.dropout_input, max(config.dropout_rates(), default=0.0))
    if has_landscape(load_dataset(config)) and any(rates):
        return config.replace(seeds=1, members=1)
    return Config(data="moons", label_noise=0.2, dropout_hidden=rates[1] or 0.5, seeds=1)


def _landscapes(results: Results) -> None:
    (result,) = results.values()
    if not result.is_complete:
        st.caption(WHEN_DONE)
        return
    first = st.slider("Thinned network", 1, dropout.N_MASKS[-1] - 1, 1, key="dropout.thinned")
    left, right = st.columns(2, gap="medium")
    with left:
        charts.show("dropout.singles", _boundary, result, first, True)
    with right:
        charts.show("dropout.together", _boundary, result, first, False)


def _boundary(result: Result, first: int, are_single: bool, *, dark: bool) -> go.Figure:
    seed = result.seeds[0]
    found = state.kept_of("dropout.landscapes", thinned_landscapes, result, seed, (first, first + 1))
    names = list(found)[:2] if are_single else list(found)[2:]
    if result.dataset.task == "regression":
        return plot_predictions({name: [found[name]] for name in names}, result.dataset, dark=dark)
    return plot_boundary({name: found[name] for name in names}, result.dataset, dark=dark)


def rates(config: Config) -> None:
    """Show the error at every pair of rates, once that is asked for."""
    st.markdown(
        "Every pair of rates is trained, all of them side by side in one program: rates are numbers in it "
        "that differ from network to network. ▼ is lower than without dropout by more than seed noise, ▲ "
        "higher; the frame is around the lowest."
    )
    _on_request(RATES, dropout_runs.rate_configs(config), "Train all pairs of rates", _rates_answer, _rates)


def cheap_ensemble(config: Config) -> None:
    """Show the error against the networks trained, with dropout and without, once that is asked for."""
    st.markdown(
        "Dropout trains one network and gets, about, the average of very many that share their weights. Real "
        "ensembles train each member for itself. Here is what either buys for the same number of trainings."
    )
    _on_request(
        CHEAP, dropout_runs.cost_configs(config), "Train real ensembles beside it", _cheap_answer, _cheap
    )


def _on_request(
    place: str, configs: Mapping[str, Config], label: str, answer: runs.Draw, draw: runs.Draw
) -> None:
    """Show a run that takes a while, if it was asked for with these configurations; else the way to ask."""
    wanted = f"{place}.wanted"
    if state.recall(wanted) != configs:
        st.button(
            label,
            key=f"{place}.train",
            icon=":material/play_arrow:",
            on_click=state.keep,
            args=(wanted, configs),
        )
        n_networks = sum(each.seeds * each.members for each in configs.values())
        epochs = next(iter(configs.values())).epochs
        st.caption(
            f"{words.count(n_networks, 'network')} of {words.count(epochs, 'epoch')}; how long it takes is "
            "said as soon as it has begun, and it can be cancelled."
        )
        return
    live = runs.follow(place, configs)
    if live:
        runs.show_status(place, live, answer)
        runs.show_results(place, live, draw)


def _table_of_rates(results: Results) -> dropout_runs.RateTable:
    return shared.kept_of("dropout.rate_table", dropout_runs.rate_table, results)


def _rates_answer(results: Results) -> None:
    table = _table_of_rates(results)
    best, least = table.cells[table.best], table.cells[table.simplest]
    decimals = words.decimals_of(table.metric, best.interval.mean)
    unit = " %" if table.metric == "error" else ""
    lowest = words.number(best.interval.mean, table.metric, decimals) + unit
    st.markdown(
        f"**Lowest {words.METRICS[table.metric].lower()}: {lowest}** with rates {best.dropout_input:g} of "
        f"the inputs and {best.dropout_hidden:g} of the hidden units. The least dropout within one standard "
        f"error of it: {least.dropout_input:g} and {least.dropout_hidden:g}."
    )


def _rates(results: Results) -> None:
    if all(result.is_complete for result in results.values()):
        charts.show("dropout.rate_map", plot_rates, _table_of_rates(results))
        st.caption(
            f"Mean of {words.count(next(iter(results.values())).config.seeds, 'seed')}, validation rows."
        )


def _costs(results: Results) -> dropout_runs.Costs:
    return shared.kept_of("dropout.costs", dropout_runs.costs, results)


def _cheap_answer(results: Results) -> None:
    found = _costs(results)
    n_plain = found.curves[0].n_networks[-1]
    st.markdown(
        f"**One network with dropout against {n_plain} plain ones averaged:** "
        f"{words.METRICS[found.metric].lower()} {_difference(found.one_against_all, found.metric)}, lower on "
        f"{found.one_against_all.wins} of {found.one_against_all.n} seeds."
    )


def _cheap(results: Results) -> None:
    if all(result.is_complete for result in results.values()):
        charts.show("dropout.cheap_ensemble", plot_costs, _costs(results))
        st.caption(
            "Cost: networks trained, each of as many epochs. A step with masks itself takes somewhat longer. "
            "Bands are 95 % intervals over seeds."
        )


def article(live: runs.Live | None, stepped: dropout_steps_story.Stepped, config: Config) -> None:
    """Show what the article says of dropout, beside what this page has measured."""
    results = live.results() if live and live.is_done else {}
    n_units = dropout.droppable_units(config, load_dataset(config).n_features)
    show_article(
        (
            Says(
                "Each unit is kept with probability p, 0.8 for inputs and 0.6 for hidden units, so that one "
                "of $2^n$ thinned networks is trained at a time.",
                f"Those are drop rates of 0.2 and 0.4. This run has {words.count(n_units, 'unit')} that can "
                f"be out, $2^{{{n_units}}}$ thinned networks, and each row of a batch has its own.",
            ),
            Says(
                "Weights of dropped units are not updated in that step.",
                dropout_steps_story.movement_in_words(stepped),
            ),
            Says(
                "At test time weights are scaled by p, to average all thinned networks.",
                dropout_steps_story.scaling_in_words(stepped),
            ),
            Says(
                "Units cannot co-adapt, so each learns a feature that is useful alone.", _says_units(results)
            ),
        )
    )


def _says_units(results: Results) -> str | None:
    if not results:
        return None
    result = results.get(THIS_RUN)
    if result is None or not (dropout.has_dropout(result.config) and result.config.hidden):
        return "This run has no hidden units that can be out: turn their rate up."
    found = _coadapted(results)
    plain, dropped = ([each.mean_change for each in of_run] for of_run in found.values())
    return (
        f"Without one unit the loss changes by {mean_interval(dropped).mean:.4f} on average, against "
        f"{mean_interval(plain).mean:.4f} in the baseline. {_coadaptation_in_words(found)}"
    )
