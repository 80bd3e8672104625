"""The widgets that make a `Config`: data, the five knobs, and the rest folded away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.ui import state
from regcore.config import ACTIVATIONS, DATASETS, INITIALIZERS, OPTIMIZERS, Config, field_help
from regcore.data import DATASET_INFO
from regcore.data.checks import IMAGE_FIELDS
from regcore.errors import ConfigError

RATES = tuple(round(0.05 * step, 2) for step in range(20))
LOG_STEPS = (1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1)
LEARNING_RATES = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
JITTERS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
MIXUPS = (0.0, 0.1, 0.2, 0.4, 0.7, 1.0, 2.0)
SHIFTS = (0, 1, 2, 3, 4)
PATIENCES = (None, 1, 2, 3, 5, 10, 15, 20, 30, 50)
MEMBERS = (1, 2, 3, 4, 5, 8, 10, 16)
SEEDS = (1, 2, 3, 5, 8, 12, 16, 32)
NOISES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.7, 1.0)
LABEL_NOISES = tuple(round(0.05 * step, 2) for step in range(21))


def draw(config: Config) -> None:
    """Draw every control of the Lab, showing this configuration."""
    _data(config)
    _knobs(config)
    with st.expander("Network and optimizer"):
        _network(config)
    with st.expander("More of the regularizers"):
        _more(config)
    with st.expander("Seeds and rows"):
        _repetition(config)


def _data(config: Config) -> None:
    info = DATASET_INFO[config.data]
    st.selectbox(
        "Data",
        DATASETS,
        format_func=lambda name: DATASET_INFO[name].title,
        help=field_help("data").description,
        **state.bind("data", config.data, _other_data),
    )
    st.caption(info.description)
    if info.noise_meaning:
        _steps(config, "noise", "Noise", NOISES)
    if info.task != "regression":
        _steps(config, "label_noise", "Labels redrawn", LABEL_NOISES, _percent)


def _other_data(name: str) -> state.Changes:
    """Return what goes with a choice of data: its own row counts, and nothing that it cannot take."""
    changes: dict[str, Any] = {"data": name, "n_train": None, "n_val": None}
    if DATASET_INFO[name].image_shape is None:
        changes |= {field: field_help(field).default for field in IMAGE_FIELDS}
    if DATASET_INFO[name].task == "regression":
        changes["label_noise"] = 0.0
    return changes


def _knobs(config: Config) -> None:
    with _knob("Augmentation", "Trains on variations of the rows instead of the same rows again."):
        _steps(config, "jitter", "Jitter", JITTERS)
        if DATASET_INFO[config.data].image_shape:
            _steps(config, "shift", "Shift, pixels", SHIFTS)
        _steps(config, "mixup", "Mixup", MIXUPS)
    with _knob("L2", "Makes large weights cost something.", field_help("l2").description):
        _steps(config, "l2", "L2", (0.0, *LOG_STEPS), labelled=False)
    with _knob("Dropout", "Drops units at random in each update, so that none is relied on."):
        _dropout(config)
    with _knob("Early stopping", "Keeps the network of the best epoch on the validation rows."):
        _steps(config, "patience", "Patience, epochs", PATIENCES)
    with _knob("Ensemble size", "Averages the predictions of several networks."):
        _steps(config, "members", "Ensemble size", MEMBERS, str, labelled=False)


def _knob(title: str, meaning: str, more: str | None = None) -> Any:
    container = st.container(border=True, gap="xsmall")
    container.markdown(f"**{title}**")
    container.caption(meaning, help=more)
    return container


def _dropout(config: Config) -> None:
    _steps(config, "dropout_input", "Dropout, inputs", RATES)
    if isinstance(config.dropout_hidden, tuple):
        text = ", ".join(f"{rate:g}" for rate in config.dropout_hidden)
        _text(
            "dropout_hidden",
            "Dropout, hidden layers",
            text,
            lambda text: {"dropout_hidden": _numbers("dropout_hidden", text, float)},
        )
    else:
        _steps(config, "dropout_hidden", "Dropout, hidden", RATES)
    kept = " and ".join(dict.fromkeys(_percent(1 - rate) for rate in config.dropout_rates())) or "all"
    st.caption(f"Keeps {_percent(1 - config.dropout_input)} of the inputs, {kept} of the hidden units.")


def _network(config: Config) -> None:
    widths = ", ".join(map(str, config.hidden))
    _text("hidden", "Hidden layers, units in each", widths, lambda text: _other_layers(config, text))
    _choice(config, "activation", "Activation", ACTIVATIONS)
    _choice(config, "initializer", "Initial weights", INITIALIZERS)
    st.selectbox(
        "Optimizer",
        OPTIMIZERS,
        help=field_help("optimizer").description,
        **state.bind("optimizer", config.optimizer, _other_optimizer),
    )
    _steps(config, "learning_rate", "Learning rate", LEARNING_RATES)
    if config.optimizer == "sgd":
        _steps(config, "momentum", "Momentum", (0.0, 0.5, 0.8, 0.9, 0.95, 0.99))
    _number(config, "batch_size", "Batch size")
    _number(config, "epochs", "Epochs")


def _other_layers(config: Config, text: str) -> state.Changes:
    """Return what goes with other layers: one rate for all of them, and none where there are no layers."""
    hidden = _numbers("hidden", text, int)
    changes: dict[str, Any] = {"hidden": hidden}
    if len(hidden) != len(config.hidden) and isinstance(config.dropout_hidden, tuple):
        changes["dropout_hidden"] = max(config.dropout_hidden, default=0.0)
    if not hidden:
        changes |= {"dropout_hidden": 0.0, "max_norm": None}
    return changes


def _other_optimizer(name: str) -> state.Changes:
    return {"optimizer": name} if name == "sgd" else {"optimizer": name, "momentum": 0.0}


def _more(config: Config) -> None:
    _steps(config, "weight_decay", "Weight decay, decoupled", (0.0, *LOG_STEPS, 0.2, 0.5, 1.0))
    _steps(config, "max_norm", "Largest norm of incoming weights", (None, 0.5, 1.0, 2.0, 3.0, 4.0))
    _steps(config, "min_delta", "Smallest improvement that counts", (0.0, *LOG_STEPS))
    _number(config, "start_from_epoch", "Epochs before patience begins")
    _switch(config, "restore_best_weights", "Restore the best weights")
    _switch(config, "bootstrap", "Own draw of the train rows for each member")


def _repetition(config: Config) -> None:
    info = DATASET_INFO[config.data]
    _steps(config, "seeds", "Seeds", SEEDS, str)
    _number(config, "seed", "First seed")
    _number(config, "n_train", "Train rows", placeholder=f"{info.n_train}, as recommended")
    _number(config, "n_val", "Validation rows", placeholder=f"{info.n_val}, as recommended")
    _number(config, "data_seed", "Seed of the data")


def _steps(
    config: Config,
    field: str,
    label: str,
    steps: Sequence[Any],
    spelled: Callable[[Any], str] | None = None,
    *,
    labelled: bool = True,
) -> None:
    """Draw a slider over discrete steps, among them the value that the configuration has."""
    value = getattr(config, field)
    options = sorted({*steps, value}, key=lambda step: -1.0 if step is None else step)
    st.select_slider(
        label,
        options,
        format_func=spelled or _off_or_number,
        label_visibility="visible" if labelled else "collapsed",
        help=field_help(field).description,
        **state.bind(field, value, lambda moved: {field: moved}),
    )


def _number(config: Config, field: str, label: str, placeholder: str | None = None) -> None:
    about = field_help(field)
    st.number_input(
        label,
        min_value=int(about.minimum or 0),
        max_value=int(about.maximum or 0),
        value=None if about.default is None else "min",
        step=1,
        placeholder=placeholder,
        help=about.description,
        **state.bind(field, getattr(config, field), lambda moved: {field: moved}),
    )


def _choice(config: Config, field: str, label: str, options: Sequence[str]) -> None:
    bound = state.bind(field, getattr(config, field), lambda moved: {field: moved})
    st.selectbox(label, options, help=field_help(field).description, **bound)


def _switch(config: Config, field: str, label: str) -> None:
    bound = state.bind(field, getattr(config, field), lambda moved: {field: moved})
    st.toggle(label, help=field_help(field).description, **bound)


def _text(field: str, label: str, text: str, changes: Callable[[str], state.Changes]) -> None:
    st.text_input(
        label,
        help=field_help(field).description,
        **state.bind(field, text, changes),
    )


def _numbers(field: str, text: str, number: Callable[[str], Any]) -> tuple[Any, ...]:
    try:
        return tuple(number(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ConfigError(f"{field} must be numbers with commas between them, got {text!r}") from None


def _off_or_number(value: float | None) -> str:
    return f"{value:g}" if value else "off"


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"
