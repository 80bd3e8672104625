"""What the page on overfitting first shows: the checklist, pictures of it, capacity, and shifts."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.ui import charts, fields, runs, shared, state, tables, technique, words
from pages.ui.controls import LEARNING_RATES, SEEDS
from pages.ui.technique import Says
from regcore import shift as shifts
from regcore.capacity import capacity as measured_capacity
from regcore.capacity import first_that_fits, widths
from regcore.checklist import BATCH, NETWORK, RANDOM, Check, checklist
from regcore.config import ACTIVATIONS, INITIALIZERS, Config
from regcore.data import DATASET_INFO, Dataset, load_dataset
from regcore.errors import ConfigError, RegcoreError
from regcore.faults import FAULTS, Fault, fault_of, repaired
from regcore.figures import plot_capacity, plot_curves, plot_one_batch, plot_resplits
from regcore.lessons.overfit_first import HEALTHY, sides, trained
from regcore.results import Result
from regcore.shift_cases import CASES, SHOWN_DRAWS, Case, halves
from regcore.shift_cases import NETWORK as SHIFT_NETWORK

Results = Mapping[str, Result]

CAPACITY, SHIFT, OWN_SHIFT = "overfit_first.capacity", "overfit_first.shift", "overfit_first.own_shift"
SPLITS = "splits"
OWN = "The network above"
RIGHT_LABELS = "labels as given"
# A space at which no line ends.
NO_BREAK = "\u00a0"
# What one of the four tests is called, and what it can see and cannot.
SEES = {
    "resplit": ("Re-split", "whatever makes validation harder", "what costs nothing"),
    "features": ("Kolmogorov-Smirnov", "a feature that changed", "how features go together, nor labels"),
    "classifier": ("Classifier", "a weighted sum of features that changed", "what rows are called"),
    "labels": ("Chi-squared", "classes more or less frequent", "anything of the input"),
}
SAID = {
    shifts.DIFFERENT: "The validation rows are harder than rows of the same distribution would be. More "
    "regularization will not mend that: look at where they come from.",
    shifts.NOT_HARDER: "The validation rows differ from the train rows, but it cannot be told that they are "
    "harder for this network: some re-splits are as hard.",
    shifts.OVERFITTING: "Random re-splits of the same rows have as high a validation loss. The gap to the "
    "train loss is overfitting, and that is what regularizers are for.",
    shifts.NEITHER: "Some random re-splits are as hard, and none of their gap between train and validation "
    "can be told from 0: there is nothing to explain.",
    shifts.DIVERGED: "The loss of some of these networks is no number any more: take smaller steps first.",
}
COLOURS = {shifts.DIFFERENT: "red", shifts.NOT_HARDER: "orange", shifts.OVERFITTING: "green"}


def follow(place: str, config: Config) -> runs.Live | None:
    """Return the run of the checklist; None if it was refused, and the page says why."""
    try:
        return runs.follow(place, trained(config))
    except ConfigError as error:
        st.error(str(error), icon=":material/block:")
        return None


def knobs(config: Config) -> None:
    """Draw what can be broken, and what the network is made of."""
    with st.container(border=True, gap="xsmall"):
        _break_it(config)
    with st.expander("Data, network and optimizer"):
        options = list(dict.fromkeys([*HEALTHY, config.data]))
        fields.choice(config, "data", "Data", options, _other_data)
        shown = ", ".join(map(str, config.hidden))
        fields.text(
            "hidden", "Hidden layers, units in each", shown,
            lambda text: {"hidden": fields.numbers("hidden", text, int)},
        )  # fmt: skip
        fields.choice(config, "activation", "Activation", ACTIVATIONS)
        fields.choice(config, "initializer", "Initial weights", INITIALIZERS)
        fields.steps(config, "learning_rate", "Learning rate", LEARNING_RATES)
        fields.number(config, "batch_size", "Batch size")
        fields.number(config, "epochs", "Epochs")
        fields.steps(config, "seeds", "Seeds", SEEDS, str)


def _break_it(config: Config) -> None:
    fault = fault_of(config)
    shown = fault.name if fault else None
    st.pills(
        "Break it",
        [each.name for each in FAULTS],
        default=shown,
        wrap=True,
        help="One fault at a time, in the network that is set. The repaired one trains beside it.",
        **state.bind("fault", shown, _broken),
    )
    st.caption(
        f"{fault.why} Look for “{fault.caught_by}”."
        if fault
        else "Which check tells which fault? Choose one."
    )


def _broken(name: str | None) -> state.Changes:
    before = state.config()
    sound = repaired(before, HEALTHY[before.data]) if before.data in HEALTHY else before
    broken = next((fault.broken(sound) for fault in FAULTS if fault.name == name), sound)
    return broken.changes(before)


def _other_data(name: str) -> state.Changes:
    """Return what goes with other data: a network that is healthy on it."""
    return HEALTHY[name].changes(state.config()) if name in HEALTHY else {"data": name}


def _sides(config: Config, results: Results) -> dict[str, dict[str, Result]]:
    """Return the experiments of each side by name."""
    return {
        side: {
            name.removeprefix(f"{side}, "): result
            for name, result in results.items()
            if name.startswith(f"{side}, ")
        }
        for side in sides(config)
    }


def _checks(config: Config, results: Results) -> dict[str, tuple[Check, ...]]:
    """Return the checks of each side; none until all is trained."""
    if not all(result.is_complete for result in results.values()):
        return {}
    return shared.kept_of("overfit_first.checks", _checked, config, results)


def _checked(config: Config, results: Results) -> dict[str, tuple[Check, ...]]:
    return {side: checklist(of_side) for side, of_side in _sides(config, results).items()}


def answer(config: Config, results: Results) -> None:
    """Show in a line or two whether the network can overfit, and what is likely to be wrong."""
    found = _checks(config, results)
    if not found:
        return
    st.markdown(answer_in_words(list(found.values())[-1], fault_of(config)))


def answer_in_words(checks: tuple[Check, ...], fault: Fault | None) -> str:
    """Return whether all checks pass, and whether the one that is to tell a fault does tell it here."""
    failed = [check.name for check in checks if not check.passes]
    if failed:
        names = ", ".join(f"“{name}”" for name in failed)
        lead = f":red[**{len(failed)} of {len(checks)} checks fail:**] {names}."
    else:
        lead = f":green[**This network can overfit:**] {len(checks)} of {len(checks)} checks pass."
    if fault is None:
        return lead
    if fault.caught_by in failed:
        return f"{lead} “{fault.name}” is told by “{fault.caught_by}”."
    return f"{lead} “{fault.caught_by}” is to tell “{fault.name}”, and passes here."


def checks(config: Config, results: Results) -> None:
    """Show the checklist, a column for each side, and what failing checks are likely to mean."""
    found = _checks(config, results)
    st.markdown("**The checklist**, means over seeds:")
    with st.container(key="checklist"):
        tables.show(table_of(found, list(sides(config))))
    failed = [check for check in list(found.values())[-1] if not check.passes] if found else []
    for check in failed:
        st.markdown(f"- **{check.name}** fails. Likely: {check.cause}.")
    n_seeds = config.seeds
    st.caption(
        f"{words.count(4 * n_seeds * len(sides(config)), 'network')}, {words.count(n_seeds, 'seed')} of each "
        "experiment, trained on this machine, side by side, every regularizer off. In brackets: seeds that "
        "keep their bound by themselves."
    )


def table_of(found: Mapping[str, tuple[Check, ...]], names: list[str]) -> tables.Rows:
    """Return the checklist as text, one row a check; dashes while nothing is known."""
    if not found:
        return [{"Check": words.NOTHING, "Asked for": words.NOTHING}]
    first = next(iter(found.values()))
    return [
        {"Check": f"**{check.name}**: {check.meaning}", "Asked for": _asked_for(check)}
        | {name.capitalize(): _outcome(found[name][at]) for name in names}
        for at, check in enumerate(first)
    ]


def _asked_for(check: Check) -> str:
    return f"at {'most' if check.at_most else 'least'} {_amount(check.bound, check.is_error)}"


def _outcome(check: Check) -> str:
    mark = "✓ passes" if check.passes else "✗ fails"
    number = _amount(check.number, check.is_error)
    return f"{mark}, {number} ({check.passes_on}{NO_BREAK}of{NO_BREAK}{len(check.values)})"


def _amount(value: float, is_error: bool) -> str:
    metric = "error" if is_error else "loss"
    return words.number(value, metric, 1 if is_error else 3) + (f"{NO_BREAK}%" if is_error else "")


def below(results: Results) -> None:
    """Show the one batch update by update, and labels that mean nothing beside those that were given."""
    last = list(results)[-1].split(", ")[0]
    st.header("What it looks like", anchor=False)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**One batch of 16 rows**, update by update")
        one_batch = {
            name.removesuffix(f", {BATCH}"): result
            for name, result in results.items()
            if name.endswith(f", {BATCH}")
        }
        charts.show("overfit_first.batch", plot_one_batch, one_batch)
        st.caption("Medians over seeds, bands their middle 80 %. All rows at once: an epoch is an update.")
    with right:
        st.markdown("**Labels that mean nothing**, epoch by epoch")
        labels = {
            RIGHT_LABELS: results[f"{last}, {NETWORK}"],
            RANDOM: results[f"{last}, {RANDOM}"],
        }
        charts.show("overfit_first.shuffled", plot_curves, labels, RANDOM, "error")
        st.caption(
            "In a healthy network train (dotted) falls to nothing, only later than with right labels, while "
            "validation stays at chance. What is learnt by heart says nothing of what has been understood."
        )


def capacity(config: Config) -> None:
    """Show losses against width, once that is asked for."""
    if config.data not in HEALTHY:
        return
    st.header("How wide is wide enough?", anchor=False)
    st.markdown("The same network at eight widths: where does it begin to fit its training rows?")
    configs = widths(config)
    n_networks = len(configs) * config.seeds
    if not technique.asked(CAPACITY, configs, "Train eight widths", f"{n_networks} networks, some seconds"):
        return
    live = runs.follow(CAPACITY, configs)
    if live:
        runs.show(CAPACITY, live, _capacity)


def _capacity(results: Results) -> None:
    if not all(result.is_complete for result in results.values()):
        return
    measured = shared.kept_of("overfit_first.widths", measured_capacity, results)
    charts.show("overfit_first.capacity", plot_capacity, measured)
    fits = first_that_fits(measured)
    said = (
        f"From **{words.count(fits, 'unit')}** in each hidden layer on, at most 1 % of the train rows are "
        "wrong."
        if fits is not None
        else "No width fits the training rows: capacity is not what is missing."
    )
    st.markdown(f"{said} Bands are 95 % intervals over seeds.")


def shift(config: Config) -> runs.Live | None:
    """Show whether a split has one distribution or two, once that is asked for; return its run."""
    st.header("Validation is poor: overfitting, or a different distribution?", anchor=False)
    st.markdown(
        "A gap between train and validation has two causes. If the rows were split at random it is "
        "overfitting. If not, they may come from two distributions. The test: put all rows together, split "
        "them at random 39 times, train on each, and see where the split you have ranks."
    )
    cases = {case.name: case for case in CASES}
    name = st.pills(
        "Split",
        [*cases, OWN],
        default=CASES[0].name,
        required=True,
        wrap=True,
        key="overfit_first.case",
        help="Splits of digits of which it is known what they are, and that of the network above.",
    )
    if name == OWN:
        return _own_split(config)
    case = cases[name or CASES[0].name]
    st.markdown(f"{case.what} {case.seen_by}")
    draw = st.select_slider(
        "Draw", SHOWN_DRAWS, key="overfit_first.draw",
        help="Which rows they are. One draw may hide a shift, or look like one: try others.",
    )  # fmt: skip
    experiment = shifts.experiment(SHIFT_NETWORK)
    if not technique.asked(SHIFT, True, f"Train {experiment.seeds} networks", "A few seconds for each split"):
        return None
    return _tested(SHIFT, experiment, state.kept_of("overfit_first.halves", _splits, case, draw))


def _own_split(config: Config) -> runs.Live | None:
    """Show the same of the rows and the network that are set on the page."""
    st.markdown(
        f"{DATASET_INFO[config.data].title}, the rows of seed {config.seed}, and the network that is set "
        "above. This lab splits at random, class by class: a gap of these networks is overfitting, and "
        "“different” would be a false alarm."
    )
    experiment = shifts.experiment(config)
    label = f"Train {experiment.seeds} of these networks"
    if not technique.asked(OWN_SHIFT, config, label, f"{words.count(experiment.epochs, 'epoch')} of each"):
        return None
    try:
        dataset = state.kept_of("overfit_first.own_rows", _own_splits, config)
    except RegcoreError as error:
        st.error(str(error), icon=":material/block:")
        return None
    return _tested(OWN_SHIFT, experiment, dataset)


def _tested(place: str, experiment: Config, dataset: Dataset) -> runs.Live | None:
    live = runs.follow(place, {SPLITS: experiment}, dataset=dataset)
    if live:
        runs.show(place, live, _verdict)
    return live


def _splits(case: Case, draw: int) -> Dataset:
    return shifts.resplits(halves(case, draw))


def _own_splits(config: Config) -> Dataset:
    return shifts.resplits(load_dataset(config), config.seed)


def _verdict(results: Results) -> None:
    result = results[SPLITS]
    if not result.is_complete:
        return
    found = shared.kept_of("overfit_first.verdict", shifts.verdict, result)
    colour = COLOURS.get(found.answer, "gray")
    with st.container(key="shift-verdict"):
        st.markdown(f":{colour}[**{found.answer.capitalize()}.**] {SAID[found.answer]}")
    charts.show("overfit_first.resplits", plot_resplits, found.resplit)
    with st.container(key="shift-tests"):
        tables.show(tests_table(found))
    gap = found.resplit.gap
    mean, low, high = (words.number(value, "loss", 3) for value in (gap.mean, gap.low, gap.high))
    dataset = result.dataset
    st.caption(
        f"{words.count(result.config.seeds, 'network')}, {words.count(dataset.n_train, 'row')} to train on "
        f"and {dataset.n_val:,} to validate on. Validation minus train loss of random splits: {mean} (95 %: "
        f"{low} to {high}). The levels add up to {words.percent(shifts.LEVEL)}, so at most one random split "
        "in twenty gives a false alarm."
    )


def tests_table(found: shifts.Verdict) -> tables.Rows:
    """Return the four tests as text: what each found, and what it can and cannot see."""
    figures = {
        "resplit": f"validation loss {found.resplit.observed:.3f}",
        "features": f"distance up to {max(found.features.distances):.2f}",
        "classifier": f"right on {words.percent(found.classifier.accuracy)}",
        "labels": f"statistic {found.labels.statistic:.1f}",
    }
    return [_test_row(name, getattr(found, name).p, figure) for name, figure in figures.items()]


def _test_row(name: str, p: float, figure: str) -> dict[str, str]:
    title, sees, misses = SEES[name]
    level = shifts.RESPLIT_LEVEL if name == "resplit" else shifts.BESIDE_LEVEL
    return {
        "Test": title,
        "Found": f"{figure}, p {'< 0.0001' if p < 1e-4 else f'= {p:.3g}'}",
        "Different": f"{'yes' if p <= level else 'no'} (p up to {level:.2g})",
        "Sees": f"{sees}; not {misses}",
    }


def says(live: runs.Live | None, split: runs.Live | None, config: Config) -> tuple[Says, ...]:
    """Return what the article says, and what was measured of it, as far as runs are done.

    Args:
        live: The run of the checklist.
        split: The run of the split that was chosen.
        config: Of the page.
    """
    passed = causes = None
    if live and live.is_done:
        found = _checks(config, live.results())
        last = list(found.values())[-1]
        failed = [check for check in last if not check.passes]
        passed = (
            f"{len(last) - len(failed)} of {len(last)} checks pass on {DATASET_INFO[config.data].title}, "
            f"on {words.count(config.seeds, 'seed')}."
        )
        causes = _causes(failed)
    return (
        Says("First make sure that the network can overfit.", passed),
        Says(
            "If it cannot: coding errors; layers that are not connected, or too little capacity; poor "
            "initialisation or step size; too few epochs.",
            causes,
        ),
        Says(
            "If validation is poor: it overfits, or validation has a different distribution.", _shifted(split)
        ),
    )


def _causes(failed: list[Check]) -> str:
    if not failed:
        return "None of them here. Break it, to see which check tells which."
    return " ".join(f"“{check.name}” fails: {check.cause}." for check in failed)


def _shifted(live: runs.Live | None) -> str | None:
    if live is None:
        return "Choose a split above and train, to see which."
    if not live.is_done:
        return None
    found = shared.kept_of("overfit_first.verdict", shifts.verdict, live.results()[SPLITS])
    return f"Of the split chosen above: {found.answer} (re-split test, p = {found.resplit.p:.3g})."
