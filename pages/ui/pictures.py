"""What networks predict, in pictures, baseline beside this run: boundaries, curves, what is confused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from pages.ui import charts, shared
from pages.ui.runs import Live
from regcore.config import Config
from regcore.confusion import Confusion, Labels, confusion_matrix, worst_rows
from regcore.data import DATASET_INFO, Dataset, load_dataset
from regcore.engine.shard import Probe
from regcore.figures import most_mistakes, plot_boundary, plot_confusion, plot_predictions, plot_worst
from regcore.landscape import (
    PROBE,
    Landscape,
    epochs_kept,
    kept_predictions,
    landscape_probe,
    probed_landscape,
)
from regcore.results import Result

Results = Mapping[str, Result]
Kept = Mapping[int, tuple[int, ...]]
"""Seed -> the epoch that each member keeps; of no member while the run grows."""

LABELS: dict[str, Labels] = {"labels given": "given", "true labels": "true"}
# Lets the keyboard move the slider under the pictures.
SCRUBBER = Path(__file__).with_name("scrubber.js")
COUNTED = "Each number counts validation rows, mean over seeds. Grey: predicted as labelled."
CONFUSION, WORST = "Confusion matrix", "Worst errors"


def probes(config: Config) -> tuple[Probe, ...]:
    """Return what has to be recorded of the networks, so that they can be pictured at many epochs."""
    if DATASET_INFO[config.data].image_shape is not None:
        return ()
    probe = shared.once(landscape_probe, load_dataset(config), config.epochs)
    return (probe,) if probe else ()


def has_pictures(config: Config) -> bool:
    """Return whether the inputs of a data set can be drawn: one feature, or two."""
    return bool(probes(config))


def let_the_keyboard_scrub() -> None:
    """Let the keyboard move the sliders that figures of the page have below them."""
    st.html(f"<script>{SCRUBBER.read_text()}</script>", unsafe_allow_javascript=True)


def landscapes(live: Live, results: Results) -> None:
    """Show predictions all over the input space, with a slider over epochs below."""
    let_the_keyboard_scrub()
    dataset = _dataset(results)
    if dataset.task == "regression":
        seeds = next(iter(results.values())).seeds
        charts.show("pictures.predictions", _predictions, live, *_kept_of(results, seeds))
        return
    seed = _seed(results, "Rows and networks of seed")
    charts.show("pictures.boundary", _boundary, live, *_kept_of(results, (seed,)))


def mistakes(results: Results) -> None:
    """Show which classes are taken for which, or the rows that are most wrong."""
    dataset = _dataset(results)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = _kind() if dataset.image_shape is not None else CONFUSION
        if kind == WORST:
            seed = _seed(results, "Of seed")
        else:
            counted = _counts(results, _labels(results))
            names, top = tuple(counted), most_mistakes(counted.values())
    for column, name in zip(st.columns(max(2, len(results))), results, strict=False):
        with column:
            st.markdown(f"**{name.capitalize()}**")
            if kind == WORST:
                charts.show(f"pictures.worst.{name}", _worst, results, name, seed)
            else:
                # While the scale stays, what patience does to one run leaves the figures of others.
                charts.show(f"pictures.confusion.{name}", _confusion, counted[name], name, names, top)
    if kind != WORST:
        st.caption(COUNTED)


def _dataset(results: Results) -> Dataset:
    return next(iter(results.values())).dataset


def _kind() -> str | None:
    return st.segmented_control(
        "Mistakes",
        [CONFUSION, WORST],
        default=CONFUSION,
        required=True,
        key="pictures.kind",
        label_visibility="collapsed",
    )


def _labels(results: Results) -> Labels:
    """Return by which labels mistakes are counted; where labels are noisy, that can be chosen."""
    if not next(iter(results.values())).config.label_noise:
        return "given"
    chosen = st.segmented_control(
        "Counted by",
        list(LABELS),
        default="labels given",
        required=True,
        key="pictures.labels",
        label_visibility="collapsed",
    )
    return LABELS[chosen or "labels given"]


def _seed(results: Results, label: str) -> int:
    seeds = next(iter(results.values())).seeds
    chosen: int = st.selectbox(
        label,
        seeds,
        format_func=lambda seed: f"seed {seed}",
        key=f"pictures.seed.{seeds[0]}.{len(seeds)}",
        label_visibility="collapsed",
        width=140,
    )
    return chosen


def _kept_of(results: Results, seeds: Sequence[int]) -> tuple[Results, dict[str, Kept]]:
    """Return all that pictures are drawn of: results without their stops, and which epochs they keep.

    Many a patience keeps the same epochs, and is the same picture. While a run grows nothing is kept of it.
    """
    unstopped = {name: result.without_stopping() for name, result in results.items()}
    kept: dict[str, Kept] = {
        name: {seed: epochs_kept(result, seed) if result.is_complete else () for seed in seeds}
        for name, result in results.items()
    }
    return unstopped, kept


def _boundary(live: Live, results: Results, kept: Mapping[str, Kept], *, dark: bool) -> go.Figure:
    found = {
        name: _landscape(live, name, result, seed, epochs)
        for name, result in results.items()
        for seed, epochs in kept[name].items()
    }
    return plot_boundary(found, _dataset(results), dark=dark)


def _predictions(live: Live, results: Results, kept: Mapping[str, Kept], *, dark: bool) -> go.Figure:
    found = {
        name: [_landscape(live, name, result, seed, epochs) for seed, epochs in kept[name].items()]
        for name, result in results.items()
    }
    return plot_predictions(found, _dataset(results), dark=dark)


def _landscape(live: Live, name: str, result: Result, seed: int, kept: tuple[int, ...]) -> Landscape:
    # Early stopping moves only what is kept: all else is worked out once.
    growing = shared.once(_growing, live, name, result.config.members, seed)
    return growing.keeping(kept, shared.once(kept_predictions, result, seed, kept)) if kept else growing


def _growing(live: Live, name: str, n_members: int, seed: int) -> Landscape:
    found = probed_landscape(live.results()[name], seed, live.recorded(name, PROBE, seed)[:n_members])
    assert found is not None, "pages ask whether there is one before"
    return found


def _confusion(counted: Confusion, name: str, names: tuple[str, ...], top: float, *, dark: bool) -> go.Figure:
    # Of the others nothing is drawn: their names are to say which colour this one has.
    return plot_confusion(dict.fromkeys(names, counted), name, top=top, dark=dark)


def _counts(results: Results, labels: Labels) -> dict[str, Confusion]:
    return {
        name: shared.kept_of(f"pictures.counted.{name}", _counted, result, labels)
        for name, result in results.items()
    }


def _counted(result: Result, labels: Labels) -> Confusion:
    """Return the confusion matrix; an empty one until the run has ended, so that room is kept for it."""
    if result.is_complete:
        return confusion_matrix(result, "val", labels)
    names = result.dataset.target_names
    nothing = tuple((0.0,) * len(names) for _ in names)
    return Confusion(labels, names, nothing, result.dataset.n_val, 0)


def _worst(results: Results, name: str, seed: int, *, dark: bool) -> go.Figure:
    result = results[name]
    return plot_worst(worst_rows(result, seed) if result.is_complete else (), result.dataset, dark=dark)
