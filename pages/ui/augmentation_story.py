"""What the page on augmentation shows: what a network sees, what that is worth, and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.ui import cards, charts, controls, fields, learning_curve, runs, shared, state, technique, words
from pages.ui.technique import Says
from regcore import augmentation, class_errors, data_worth, jitter_ridge, leak, memorisation
from regcore.augmentation import Seen
from regcore.config import Config
from regcore.data import DATASET_INFO, Dataset, load_dataset
from regcore.data_worth import LearningCurve
from regcore.errors import RegcoreError
from regcore.figures import (
    plot_class_errors,
    plot_gallery,
    plot_jitter_ridge,
    plot_leak,
    plot_memorisation,
    plot_operations,
    plot_seen_points,
)
from regcore.jitter_ridge import JitterPoint
from regcore.leak import Leak, LeakData
from regcore.lessons import BASELINE, THIS_RUN
from regcore.results import Result
from regcore.statistics import WITHIN_NOISE, WORSE, mean_interval

Results = Mapping[str, Result]

CURVE, LEAK, RIDGE = "augmentation.curve", "augmentation.leak", "augmentation.ridge"
NAMES = ("without augmentation", "with augmentation")
N_EPOCHS = 7
# Images of one line each; of large ones fewer, for each pixel travels to the browser.
N_IMAGES, N_LARGE_IMAGES, LARGE = 6, 4, 20
# What is shown of an operation that is off.
EXAMPLES: dict[str, Any] = {
    "jitter": 0.2, "mixup": 1.0, "shift": 1, "rotate": 20.0, "zoom": 0.2, "flip": True, "cutout": 3,
}  # fmt: skip
# Degrees from which on a digit that is turned may be another one.
UPRIGHT = 90.0
UNITS = {"shift": " px", "cutout": " px", "rotate": "°"}


def knobs(config: Config) -> None:
    """Draw the knobs: what is done to rows, and what is trained."""
    shape = DATASET_INFO[config.data].image_shape
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Augmentation**")
        st.caption("Of train rows alone, drawn anew each time a row is seen.")
        fields.steps(config, "jitter", "Jitter, σ", controls.JITTERS)
        fields.steps(config, "mixup", "Mixup, α", controls.MIXUPS)
        if shape:
            fields.steps(config, "shift", "Shift, pixels", controls.SHIFTS)
            fields.steps(config, "rotate", "Rotate, degrees", controls.ANGLES)
            fields.steps(config, "zoom", "Zoom", controls.ZOOMS)
            sides = [side for side in controls.CUTOUTS if side < min(shape)]
            fields.steps(config, "cutout", "Cutout, pixels", sides)
            fields.switch(config, "flip", "Mirror left to right")
        else:
            st.caption("Rows of this data are no images: nothing to shift, turn or mirror.")
    with st.expander("Data"):
        controls.data(config)
    with st.expander("Network and optimizer"):
        controls.network(config)
    with st.expander("Seeds and rows"):
        controls.repetition(config)


def beside(live: runs.Live | None, results: Results) -> None:
    """Show what the network of the first seed sees, curves and the table."""
    last = list(results.values())[-1]
    gallery(last.config, last.dataset)
    st.subheader("Without it, and with it", anchor=False)
    cards.curves(results)
    cards.table(results)
    if live is not None:
        runs.say_how_it_was_had(live)


def gallery(config: Config, dataset: Dataset) -> None:
    """Show rows as they are and as a network of this run is shown them, in its first epochs."""
    st.subheader("What the network sees", anchor=False)
    epochs = words.count(_n_epochs(config), "epoch")
    if dataset.image_shape:
        charts.show("augmentation.gallery", _gallery, config, dataset)
    elif dataset.n_features == 2 and dataset.task != "regression":
        charts.show("augmentation.points", _points_seen, config, dataset)
    else:
        features = words.count(dataset.n_features, "feature")
        st.caption(f"Rows of {features} cannot be drawn. Choose images, or points of the plane.")
        return
    st.caption(
        f"Seed {config.seed}, the first {epochs}: what this very network is trained on, from the engine's "
        "own random numbers. Half of the images are not moved in an epoch; jitter, cutout and mixup are of "
        "all. The label given stands on the left."
    )


def _gallery(config: Config, dataset: Dataset, *, dark: bool) -> go.Figure:
    return plot_gallery(seen_rows(config, dataset), dataset, dark=dark)


def _points_seen(config: Config, dataset: Dataset, *, dark: bool) -> go.Figure:
    return plot_seen_points(seen_rows(config, dataset), dataset, dark=dark)


def seen_rows(config: Config, dataset: Dataset) -> Seen:
    """Return what is drawn of a run: an image of each of some classes, or every point."""
    y = dataset.rows(config.seed).y_train
    places: Any = range(dataset.n_train)
    if dataset.image_shape:
        n_images = N_LARGE_IMAGES if max(dataset.image_shape) > LARGE else N_IMAGES
        # From the last class down: of the digits, the 9 and the 6 are among them.
        firsts = [int(np.argmax(y == label)) for label in sorted(set(y.tolist()), reverse=True)]
        places = firsts[:n_images]
    return augmentation.seen(config, dataset, config.seed, places, range(1, _n_epochs(config) + 1))


def _n_epochs(config: Config) -> int:
    return min(N_EPOCHS, config.epochs)


def below(results: Results) -> None:
    """Show each operation alone, wrong labels that are learnt, errors by class, and augmented validation."""
    last = list(results.values())[-1]
    if last.dataset.image_shape:
        each_alone(last.config, last.dataset)
    if not all(result.is_complete for result in results.values()):
        st.caption("What was learnt by heart and errors by class come when all networks are trained.")
        return
    left, right = st.columns(2, gap="large")
    with left:
        wrong_labels(results)
    with right:
        by_class(results)
    validation(results)


def each_alone(config: Config, dataset: Dataset) -> None:
    """Show one image under each operation alone, at its strength in this run, or at an example's."""
    st.header("Each operation alone", anchor=False)
    charts.show("augmentation.operations", _operations, config, dataset)
    st.caption(
        "The same image under each of them, for a network with that one alone. Those that are off in this "
        "run are shown at a usual strength. Under mixup, + is the label blended in; point at an image for "
        "its share."
    )


def _operations(config: Config, dataset: Dataset, *, dark: bool) -> go.Figure:
    return plot_operations(seen_alone(config, dataset), dataset, dark=dark)


def seen_alone(config: Config, dataset: Dataset) -> dict[str, Seen]:
    """Return the first training row as each operation alone shows it, by its name and strength."""
    epochs = range(1, _n_epochs(config) + 1)
    found = {}
    for name in augmentation.operations(dataset):
        strength = getattr(config, name) or EXAMPLES[name]
        alone = config.plain().replace(**{name: strength})
        shown = "" if strength is True else f" {words.field_value(strength)}{UNITS.get(name, '')}"
        found[name + shown] = augmentation.seen(alone, dataset, config.seed, [0], epochs)
    return found


def wrong_labels(results: Results) -> None:
    """Show how wrong labels are learnt by heart, where some are wrong."""
    st.subheader("Learning wrong labels by heart", anchor=False)
    first = results[BASELINE]
    if not first.dataset.label_noise or first.dataset.task == "regression":
        st.caption("All labels are right here. Redraw some, under “Data”, to see them learnt by heart.")
        return
    if not all(len(each.output_epochs) for result in results.values() for each in result.recordings.values()):
        st.caption("Outputs of these networks are beyond what is kept in memory: take fewer rows or epochs.")
        return
    charts.show("augmentation.memorised", _memorised, results)
    st.caption(
        "Train rows whose label is wrong. Solid: the network says the wrong label it was given. Dotted: it "
        "says the true one, which it was never told. Means over seeds with 95 % intervals."
    )


def _memorised(results: Results, *, dark: bool) -> go.Figure:
    found = {name: memorisation.memorisation(result) for name, result in results.items()}
    return plot_memorisation(found, dark=dark)


def by_class(results: Results) -> None:
    """Show the error of each class, with and without augmentation."""
    st.subheader("Whom it helps, and whom it hurts", anchor=False)
    if THIS_RUN not in results or results[BASELINE].dataset.task == "regression":
        st.caption("Turn a knob, on data of classes, to hold the error of each class against the baseline's.")
        return
    pair = results[BASELINE], results[THIS_RUN]
    found = shared.kept_of("augmentation.by_class", class_errors.class_errors, *pair)
    charts.show("augmentation.classes", plot_class_errors, found)
    st.caption(hurt_in_words(found))


def hurt_in_words(classes: tuple[class_errors.ClassErrors, ...]) -> str:
    """Return which classes are hurt beyond seed noise, and what they are taken for."""
    hurt = [each for each in classes if each.difference.verdict == WORSE]
    lead = "Intervals are of 95 %, over seeds: a class to which nothing happens is called so once in forty."
    if not hurt:
        return f"No class has a higher error beyond seed noise. {lead}"
    listed = "; ".join(
        f"**{each.name}** {words.signed(each.difference.mean, 'error', 1)} points"
        + (f", most often taken for {each.taken_for}" if each.taken_for else "")
        for each in hurt
    )
    return f"Higher beyond seed noise: {listed}. {lead}"


def validation(results: Results) -> None:
    """Show what validation would say if its rows were augmented as well."""
    st.header("Why validation is never augmented", anchor=False)
    st.markdown(
        "Validation asks how the network does on rows as they will come. Augmented rows answer another "
        "question, and a different one each time they are drawn."
    )
    if THIS_RUN not in results or not augmentation.is_augmented(results[THIS_RUN].config):
        st.caption("Turn on anything but mixup to see what augmented validation rows would say.")
        return
    found = shared.kept_of("augmentation.validated", augmentation.validate_augmented, results[THIS_RUN])
    st.markdown(validation_in_words(found, _metric(results)))


def _metric(results: Results) -> str:
    return "mae" if next(iter(results.values())).dataset.task == "regression" else "error"


def validation_in_words(found: augmentation.ValidationSeen, metric: str) -> str:
    """Return what clean and augmented validation rows say, and how much the latter move between draws."""
    clean = float(found.clean.mean())
    decimals = words.decimals_of(metric, clean)
    drawn, moves = float(found.augmented.mean()), float(found.augmented.std(axis=1, ddof=1).mean())
    unit = " %" if metric == "error" else ""
    name = words.METRICS[metric].lower()
    return (
        f"**Measured:** validation {name} {words.number(clean, metric, decimals)}{unit} on rows as they are, "
        f"{words.number(drawn, metric, decimals)}{unit} on augmented ones, which moves by "
        f"{words.number(moves, metric, decimals)}{' points' if metric == 'error' else ''} from draw to draw "
        f"(standard deviation over {words.count(found.augmented.shape[1], 'draw')}), with the same weights."
    )


def worth(config: Config) -> None:
    """Show the learning curve with and without, and how much data augmentation is worth, once asked for."""
    st.header("How much data is it worth?", anchor=False)
    st.markdown(
        "More rows would help against overfitting too. So both are trained on fewer and on more rows: where "
        "does the curve without augmentation reach the error that this one has?"
    )
    if config == config.plain():
        st.caption("Turn a knob first: there is nothing to be worth anything.")
        return
    learning_curve.show(CURVE, config, words.what_is_on(config), NAMES)


def leaking(config: Config) -> None:
    """Show what augmenting before splitting does to validation, once asked for."""
    st.header("Augmenting before splitting: a leak", anchor=False)
    st.markdown(
        "Copies made first and split afterwards end up on both sides: validation asks for rows whose copies "
        "were learnt by heart. Both ways here take this run's train rows, copied three times by its "
        "augmentation; its validation rows are rows that nobody has seen. The test stays sealed."
    )
    if not augmentation.is_augmented(config):
        st.caption("Turn on anything but mixup first: there is nothing to copy rows by.")
        return
    n_networks = leak.leak_config(config).seeds
    if technique.asked(LEAK, config, f"Train {n_networks} networks both ways", "A few seconds"):
        try:
            data = state.kept_of("augmentation.leak.data", _leak_data, config)
        except RegcoreError as error:
            st.error(str(error), icon=":material/block:")
            return
        live = runs.follow(LEAK, {BASELINE: leak.leak_config(config)}, dataset=data.dataset)
        if live:
            runs.show(LEAK, live, partial(_leaking, data))


def _leak_data(config: Config) -> LeakData:
    return leak.leak_data(config, load_dataset(config))


def _leaking(data: LeakData, results: Results) -> None:
    result = results[BASELINE]
    if not result.is_complete:
        return
    found = shared.kept_of("augmentation.leak.of", leak.leak, result, data)
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    with left:
        charts.show("augmentation.leak", plot_leak, found)
    right.markdown(leak_in_words(found))


def leak_in_words(found: Leak) -> str:
    """Return how much each way flatters, in words."""
    before, after = found.before, found.after
    decimals = words.decimals_of(found.metric, float(before.unseen.mean()))
    points = " points" if found.metric == "error" else ""

    def off(way: leak.Way) -> str:
        paired = way.flattery
        interval = words.interval(paired.low, paired.high, found.metric, decimals)
        noise = f": {WITHIN_NOISE}" if paired.verdict == WITHIN_NOISE else ""
        difference = words.signed(paired.mean, found.metric, decimals)
        return f"{difference}{points} against rows unseen (95 % interval {interval}{noise})"

    return (
        f"**Augment, then split:** validation is off by {off(before)}.\n\n"
        f"**Split, then augment:** by {off(after)}."
    )


def ridge() -> None:
    """Show that jitter on a linear model is ridge regression, once asked for."""
    st.header("Jitter on a linear model is ridge", anchor=False)
    st.latex(
        r"\begin{gathered}\mathbb{E}_\varepsilon\big[(y-w^\top(x+\varepsilon))^2\big] \\"
        r"= (y-w^\top x)^2 + \sigma^2\textstyle\sum w^2 \\"
        r"\Rightarrow\; \text{l2}=\sigma^2,\;\; \alpha_{\text{ridge}} = n\,\sigma^2\end{gathered}"
    )
    configs = {str(sigma): each for sigma, each in jitter_ridge.jitter_configs().items()}
    n_networks = sum(config.seeds for config in configs.values())
    if technique.asked(RIDGE, True, f"Train {n_networks} linear models", "A few seconds"):
        live = runs.follow(RIDGE, configs, (jitter_ridge.jitter_probe(),))
        if live:
            runs.show(RIDGE, live, partial(_ridge, live))


def _ridge(live: runs.Live, results: Results) -> None:
    if not all(result.is_complete for result in results.values()):
        return
    points = state.kept_of("augmentation.ridge.points", _points, live, results)
    for column, drawn in zip(st.columns(2, gap="large"), ("norm", "loss"), strict=True):
        with column:
            charts.show(f"augmentation.ridge.{drawn}", plot_jitter_ridge, points, drawn)
    config = jitter_ridge.LINEAR
    st.caption(
        "Diabetes, ten features, gradient descent on all rows at once. Weights are averaged over "
        f"{len(jitter_ridge.LATE)} late epochs, {words.count(config.seeds, 'seed')}; dashed is **theory**, "
        f"in closed form on the same rows. {ridge_in_words(points)}"
    )


def _points(live: runs.Live, results: Results) -> tuple[JitterPoint, ...]:
    return tuple(
        jitter_ridge.jitter_point(
            result, [live.recorded(name, jitter_ridge.PROBE, seed)[0] for seed in result.seeds]
        )
        for name, result in results.items()
    )


def ridge_in_words(points: tuple[JitterPoint, ...]) -> str:
    """Return how far jitter and ridge are apart at most."""
    apart = max(abs(point.norm.mean / point.ridge_norm.mean - 1) for point in points)
    return f"The sums of squared weights differ by at most {words.percent(round(apart, 3))}."


def says(live: runs.Live | None, config: Config) -> tuple[Says, ...]:
    """Return what the article says of augmentation, and what was measured of it, as far as runs are done."""
    results = live.results() if live is not None and live.is_done else {}
    return (
        Says(
            "augmentation makes more training data out of what there is.",
            _more_data_in_words(config),
        ),
        Says(
            "it reduces overfitting.",
            _gap_in_words(results) if THIS_RUN in results else None if config != config.plain() else
            "Turn a knob to see.",
        ),
        Says("transforms should keep the label.", _broken_in_words(results, config)),
    )  # fmt: skip


def _more_data_in_words(config: Config) -> str:
    """Return the worth, if its curve is trained for this configuration."""
    live: runs.Live | None = state.recall(CURVE)
    if state.recall(f"{CURVE}.wanted") != config or live is None or not live.is_done:
        return "Variations of old rows, no new ones. Train the learning curve above to count their worth."
    curve: LearningCurve = data_worth.learning_curve(config, live.results())
    own = config.n_train or DATASET_INFO[config.data].n_train
    return learning_curve.worth_in_words(data_worth.worth(curve, own), words.what_is_on(config))


def _broken_in_words(results: Results, config: Config) -> str | None:
    """Return what transforms do that make another digit of one; where none is on, how to have one."""
    if not config.flip and config.rotate < UPRIGHT:
        return "Choose “Upside down” for one that does not: a 6 that is turned round is a 9."
    if THIS_RUN not in results:
        return None
    metric = _metric(results)
    before, after = (float(results[name].metrics("val")[metric].mean()) for name in (BASELINE, THIS_RUN))
    decimals, unit = words.decimals_of(metric, before), " %" if metric == "error" else ""
    with_it, without = (words.number(value, metric, decimals) + unit for value in (after, before))
    name = words.METRICS[metric].lower()
    return f"With {words.what_is_on(config)}, validation {name} is {with_it}, without {without}."


def _gap_in_words(results: Results) -> str:
    gaps = [_gap(results[name]) for name in (BASELINE, THIS_RUN)]
    return (
        f"The gap from train to validation loss, at the epoch kept, is {gaps[0]:.3f} without it and "
        f"{gaps[1]:.3f} with it (mean over seeds)."
    )


def _gap(result: Result) -> float:
    val, train = (result.metrics(split)["loss"].to_numpy() for split in ("val", "train"))
    return mean_interval(val - train).mean
