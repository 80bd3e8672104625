"""The left of the Lab: lessons, data, the five knobs, and the rest folded away."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ui import again, fields, state, technique, words
from regcore.config import (
    ACTIVATIONS,
    DATASETS,
    INITIALIZERS,
    MEMBER_VARIATIONS,
    OPTIMIZERS,
    Config,
    field_help,
)
from regcore.data import DATASET_INFO
from regcore.data.checks import IMAGE_FIELDS
from regcore.figures import thumbnail
from regcore.lessons import lab, lesson_of

RATES = tuple(round(0.05 * step, 2) for step in range(20))
LOG_STEPS = (1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1)
LEARNING_RATES = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
JITTERS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
MIXUPS = (0.0, 0.1, 0.2, 0.4, 0.7, 1.0, 2.0)
SHIFTS = (0, 1, 2, 3, 4)
ANGLES = (0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 90.0, 180.0)
ZOOMS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
CUTOUTS = (0, 1, 2, 3, 4, 6, 8, 12, 16)
PATIENCES = (None, 1, 2, 3, 5, 10, 15, 20, 30, 50)
MEMBERS = (1, 2, 3, 4, 5, 8, 10, 16)
SEEDS = (1, 2, 3, 5, 8, 12, 16, 32)
NOISES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.7, 1.0)
LABEL_NOISES = tuple(round(0.05 * step, 2) for step in range(21))

# What is folded away, by the key of its fold.
FOLDS = LESSONS, DATA, NETWORK, MORE, REPETITION = (
    "lab-lessons", "lab-data", "lab-network", "lab-more", "lab-repetition",
)  # fmt: skip
IDENTICAL = (
    "These members are one network several times over, so their average gains nothing: choose what members "
    "differ in, under “More of the regularizers”."
)
DROPS = "drops units at random in each update"
NO_LESSON = "**Your own settings.** A lesson brings back some that are known."


def draw(config: Config) -> None:
    """Draw every control of the Lab: the five knobs in view, all else folded away.

    What is folded is filled for who opens it: it is a sixth of all that a page draws.
    """
    with st.container(key="lab-choices", horizontal=True, gap="xsmall"):
        _fold(st.popover, _lesson_shown(config), LESSONS, config, lessons, width="stretch")
        _fold(st.popover, f"Data: {_pictured(config.data)}", DATA, config, data, width="stretch")
    knobs(config)
    _fold(st.expander, "Network and optimizer", NETWORK, config, network)
    _fold(st.expander, "More of the regularizers", MORE, config, more)
    _fold(st.expander, "Seeds and rows", REPETITION, config, repetition)


def _fold(
    box: Callable[..., Any], title: str, key: str, config: Config, fill: Callable[[Config], None], **how: Any
) -> None:
    if not st.session_state.get(key):
        again.draw(_folded, box, title, key, *how.items())
        return
    with box(title, key=key, on_change="rerun", **how) as fold:
        if fold.open:
            fill(config)


def _folded(box: Callable[..., Any], title: str, key: str, *how: tuple[str, Any]) -> None:
    box(title, key=key, on_change="rerun", **dict(how))


def lessons(config: Config) -> None:
    """Draw the choice of a lesson."""
    technique.pick(config, lab.LESSONS, "Lessons")
    st.caption("Each sets every knob; beside the results it says why, and what to look for.")


def lesson(config: Config) -> None:
    """Show why the lesson that is set is good or bad, and what to look for."""
    technique.explain(config, lab.LESSONS, NO_LESSON)


def _lesson_shown(config: Config) -> str:
    chosen = lesson_of(lab.LESSONS, config)
    return f"Lesson: {chosen.name if chosen else 'your own settings'}"


def data(config: Config) -> None:
    """Draw the choice of data, and how noisy they are."""
    info = DATASET_INFO[config.data]
    st.pills(
        "Data",
        DATASETS,
        default=config.data,
        format_func=_pictured,
        wrap=True,
        width="stretch",
        help=field_help("data").description,
        **state.bind("data", config.data, _other_data),
    )
    st.caption(info.description)
    if info.noise_meaning:
        fields.steps(config, "noise", "Noise", NOISES)
    if info.task != "regression":
        fields.steps(config, "label_noise", "Labels redrawn", LABEL_NOISES, words.percent)


@cache
def _pictured(name: str) -> str:
    """Return a data set's picture and title in Markdown; the picture is mute, for the title says it all."""
    picture = b64encode(thumbnail(name).encode()).decode()
    return f"![](data:image/svg+xml;base64,{picture}) {DATASET_INFO[name].title}"


def _other_data(name: str | None) -> state.Changes:
    """Return what goes with a choice of data: its own row counts, and nothing that it cannot take."""
    if name is None:
        return {}
    changes: dict[str, Any] = {"data": name, "n_train": None, "n_val": None}
    shape = DATASET_INFO[name].image_shape
    if shape is None:
        changes |= {field: field_help(field).default for field in IMAGE_FIELDS}
    else:
        before, largest = state.config(), min(shape) - 1
        changes |= {"shift": min(before.shift, largest), "cutout": min(before.cutout, largest)}
    if DATASET_INFO[name].task == "regression":
        changes["label_noise"] = 0.0
    return changes


def knobs(config: Config) -> None:
    """Draw the knobs of the five regularizers."""
    with st.container(key="lab-knobs", gap="xsmall"):
        shift = (
            [fields.slider(config, "shift", "Shift, pixels", SHIFTS)]
            if DATASET_INFO[config.data].image_shape
            else []
        )
        _knob(
            "Augmentation",
            "trains on variations of the rows",
            fields.slider(config, "jitter", "Jitter", JITTERS),
            *shift,
            fields.slider(config, "mixup", "Mixup", MIXUPS),
        )
        _knob(
            "L2",
            "makes large weights cost something",
            fields.slider(config, "l2", "L2", (0.0, *LOG_STEPS), labelled=False),
        )
        if isinstance(config.dropout_hidden, tuple):
            with _place_of_knob("Dropout", DROPS):
                _rates(config)
        else:
            _knob("Dropout", DROPS, _rate_of_inputs(config), _rate_of_hidden(config))
        _knob(
            "Early stopping",
            "keeps the best epoch; patience:",
            fields.slider(config, "patience", "Patience, epochs", PATIENCES, labelled=False),
        )
        _knob(
            "Ensemble size",
            "averages so many networks",
            fields.slider(config, "members", "Ensemble size", MEMBERS, str, labelled=False),
        )
    if config.members > 1 and not config.member_varies and not config.bootstrap:
        st.markdown(f":material/info: :small[{IDENTICAL}]")


def _knob(title: str, meaning: str, *sliders: fields.Slider) -> None:
    again.draw(_sliders, title, meaning, *sliders)


def _sliders(title: str, meaning: str, *sliders: fields.Slider) -> None:
    unlabelled = next((slider.field for slider in sliders if not slider.labelled), None)
    with _place_of_knob(title, meaning, unlabelled):
        for slider in sliders:
            slider.draw()


def _place_of_knob(title: str, meaning: str, field: str | None = None) -> DeltaGenerator:
    """Return the place of a knob's sliders, side by side below what it is called and does.

    Args:
        title: What it is called.
        meaning: What it does, in some words.
        field: The field that is explained beside them, where the slider has no label of its own.
    """
    with st.container(border=True, gap="xxsmall"):
        about = field_help(field).description if field else None
        st.markdown(f"**{title}** :small[{meaning}]", help=about)
        return st.container(horizontal=True, gap="small")


def dropout(config: Config) -> None:
    """Draw the drop rates of inputs and hidden layers, and what they keep."""
    _rates(config)
    kept = " and ".join(dict.fromkeys(words.percent(1 - rate) for rate in config.dropout_rates())) or "all"
    st.caption(
        f"The rate is the part dropped: it keeps {words.percent(1 - config.dropout_input)} of the inputs, "
        f"{kept} of the hidden units. Papers often state the part kept."
    )


def _rates(config: Config) -> None:
    """Draw the drop rates of inputs and hidden layers."""
    _rate_of_inputs(config).draw()
    if isinstance(config.dropout_hidden, tuple):
        text = ", ".join(f"{rate:g}" for rate in config.dropout_hidden)
        fields.text(
            "dropout_hidden",
            "Dropout, hidden layers",
            text,
            lambda text: {"dropout_hidden": fields.numbers("dropout_hidden", text, float)},
        )
    else:
        _rate_of_hidden(config).draw()


def _rate_of_inputs(config: Config) -> fields.Slider:
    return fields.slider(config, "dropout_input", "Dropout, inputs", RATES, _rate)


def _rate_of_hidden(config: Config) -> fields.Slider:
    return fields.slider(config, "dropout_hidden", "Dropout, hidden", RATES, _rate)


def _rate(rate: float) -> str:
    """Return a drop rate, and what it keeps."""
    return f"{rate:g}, keeps {1 - rate:g}" if rate else "off"


def network(config: Config) -> None:
    """Draw the network and its optimizer."""
    widths = ", ".join(map(str, config.hidden))
    fields.text("hidden", "Hidden layers, units in each", widths, lambda text: _other_layers(config, text))
    fields.choice(config, "activation", "Activation", ACTIVATIONS)
    fields.choice(config, "initializer", "Initial weights", INITIALIZERS)
    fields.choice(config, "optimizer", "Optimizer", OPTIMIZERS, _other_optimizer)
    fields.steps(config, "learning_rate", "Learning rate", LEARNING_RATES)
    if config.optimizer == "sgd":
        fields.steps(config, "momentum", "Momentum", (0.0, 0.5, 0.8, 0.9, 0.95, 0.99))
    fields.number(config, "batch_size", "Batch size")
    fields.number(config, "epochs", "Epochs")


def _other_layers(config: Config, text: str) -> state.Changes:
    """Return what goes with other layers: one rate for all of them, and none where there are no layers."""
    hidden = fields.numbers("hidden", text, int)
    changes: dict[str, Any] = {"hidden": hidden}
    if len(hidden) != len(config.hidden) and isinstance(config.dropout_hidden, tuple):
        changes["dropout_hidden"] = max(config.dropout_hidden, default=0.0)
    if not hidden:
        changes |= {"dropout_hidden": 0.0, "max_norm": None}
    return changes


def _other_optimizer(name: str) -> state.Changes:
    return {"optimizer": name} if name == "sgd" else {"optimizer": name, "momentum": 0.0}


def more(config: Config) -> None:
    """Draw what else can be set of the regularizers."""
    if shape := DATASET_INFO[config.data].image_shape:
        fields.steps(config, "rotate", "Rotate, degrees", ANGLES)
        fields.steps(config, "zoom", "Zoom", ZOOMS)
        fields.steps(config, "cutout", "Cutout, pixels", [side for side in CUTOUTS if side < min(shape)])
        fields.switch(config, "flip", "Mirror left to right")
    fields.steps(config, "weight_decay", "Weight decay, decoupled", (0.0, *LOG_STEPS, 0.2, 0.5, 1.0))
    fields.steps(config, "max_norm", "Largest norm of incoming weights", (None, 0.5, 1.0, 2.0, 3.0, 4.0))
    fields.steps(config, "min_delta", "Smallest improvement that counts", (0.0, *LOG_STEPS))
    fields.number(config, "start_from_epoch", "Epochs before patience begins")
    fields.switch(config, "restore_best_weights", "Restore the best weights")
    fields.several(config, "member_varies", "Members differ in", MEMBER_VARIATIONS)
    fields.switch(config, "bootstrap", "Own draw of the train rows for each member")


def repetition(config: Config) -> None:
    """Draw seeds and counts of rows."""
    info = DATASET_INFO[config.data]
    fields.steps(config, "seeds", "Seeds", SEEDS, str)
    fields.number(config, "seed", "First seed")
    fields.number(config, "n_train", "Train rows", placeholder=f"{info.n_train}, as recommended")
    fields.number(config, "n_val", "Validation rows", placeholder=f"{info.n_val}, as recommended")
    fields.number(config, "data_seed", "Seed of the data")
