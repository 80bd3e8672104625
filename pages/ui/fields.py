"""Widgets that show one field of the configuration and change it: steps, numbers, choices, switches, text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import streamlit as st

from pages.ui import again, state
from regcore.config import Config, field_help
from regcore.errors import ConfigError


class Slider(NamedTuple):
    """A slider over discrete steps, as it is drawn: equal ones look the same.

    Attributes:
        field: Of the configuration.
        key: Of the widget in the session.
        label: What it is called.
        values: The steps, among them the value.
        value: Where it stands.
        spelled: From a step to its text.
        labelled: Show the label; a screen reader says it anyhow.
    """

    field: str
    key: str
    label: str
    values: tuple[Any, ...]
    value: Any
    spelled: Callable[[Any], str]
    labelled: bool

    def draw(self) -> None:
        """Draw it, so that it changes its field."""
        st.select_slider(
            self.label,
            self.values,
            self.value,
            format_func=self.spelled,
            label_visibility="visible" if self.labelled else "collapsed",
            **_bound(self.field, self.value),
        )


def slider(
    config: Config,
    field: str,
    label: str,
    values: Sequence[Any],
    spelled: Callable[[Any], str] | None = None,
    *,
    labelled: bool = True,
) -> Slider:
    """Return a slider over discrete steps, among them the value that the configuration has.

    Args:
        config: What is shown.
        field: Of the configuration.
        label: What it is called.
        values: The steps.
        spelled: From a step to its text; None: "off" for nothing, else the number.
        labelled: Show the label; a screen reader says it anyhow.
    """
    value = getattr(config, field)
    steps_and_value = sorted({*values, value}, key=lambda step: -1.0 if step is None else step)
    key = state.bound_key(field, value)
    return Slider(field, key, label, tuple(steps_and_value), value, spelled or _off_or_number, labelled)


def steps(
    config: Config,
    field: str,
    label: str,
    values: Sequence[Any],
    spelled: Callable[[Any], str] | None = None,
    *,
    labelled: bool = True,
) -> None:
    """Draw a slider over discrete steps: see `slider`."""
    again.draw(Slider.draw, slider(config, field, label, values, spelled, labelled=labelled))


def number(config: Config, field: str, label: str, placeholder: str | None = None) -> None:
    """Draw a whole number to type, within the range of its field."""
    value = getattr(config, field)
    again.draw(_number, state.bound_key(field, value), field, label, value, placeholder)


def _number(_: str, field: str, label: str, value: int | None, placeholder: str | None) -> None:
    about = field_help(field)
    st.number_input(
        label,
        min_value=int(about.minimum or 0),
        max_value=int(about.maximum or 0),
        value=value,
        step=1,
        placeholder=placeholder,
        **_bound(field, value),
    )


def choice(
    config: Config,
    field: str,
    label: str,
    options: Sequence[str],
    changes: Callable[[str], state.Changes] | None = None,
) -> None:
    """Draw a menu; `changes` says what goes with a choice, if that is more than the field."""
    value = getattr(config, field)
    again.draw(_choice, state.bound_key(field, value), field, label, value, changes, *options)


def _choice(
    _: str,
    field: str,
    label: str,
    value: str,
    changes: Callable[[str], state.Changes] | None,
    *options: str,
) -> None:
    st.selectbox(label, options, options.index(value), **_bound(field, value, changes))


def several(config: Config, field: str, label: str, options: Sequence[str]) -> None:
    """Draw options of which any number may be on."""
    values = list(getattr(config, field))
    again.draw(_several, state.bound_key(field, values), field, label, tuple(values), *options)


def _several(_: str, field: str, label: str, values: tuple[str, ...], *options: str) -> None:
    shown = list(values)
    bound = _bound(field, shown, lambda moved: {field: tuple(moved)})
    st.pills(label, options, selection_mode="multi", default=shown, **bound)


def switch(config: Config, field: str, label: str) -> None:
    """Draw a switch."""
    value = getattr(config, field)
    again.draw(_switch, state.bound_key(field, value), field, label, value)


def _switch(_: str, field: str, label: str, value: bool) -> None:
    st.toggle(label, value, **_bound(field, value))


def text(field: str, label: str, shown: str, changes: Callable[[str], state.Changes]) -> None:
    """Draw a line of text that stands for a field."""
    st.text_input(label, shown, **_bound(field, shown, changes))


def _bound(field: str, shown: Any, changes: Callable[[Any], state.Changes] | None = None) -> dict[str, Any]:
    """Return the arguments of a widget that shows a field, changes it, and says what it is."""
    bound = state.bind(field, shown, changes or (lambda moved: {field: moved}))
    return {"help": field_help(field).description, **bound}


def numbers(field: str, typed: str, number: Callable[[str], Any]) -> tuple[Any, ...]:
    """Return the numbers in a text, with commas between them.

    Raises:
        ConfigError: a part of it is no number.
    """
    try:
        return tuple(number(part) for part in typed.split(",") if part.strip())
    except ValueError:
        raise ConfigError(f"{field} must be numbers with commas between them, got {typed!r}") from None


def _off_or_number(value: float | None) -> str:
    return f"{value:g}" if value else "off"
