"""The diagnosis of the run that a page shows: what is wrong, the numbers that decide it, what to try next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from pages.ui import frame, state, words
from regcore.config import Config
from regcore.diagnosis import (
    CANNOT_FIT,
    DIFFERENT,
    DIVERGED,
    HEALTHY,
    NOISY,
    OVERFITTING,
    TOO_EARLY,
    Diagnosis,
    Kind,
    Number,
    diagnose,
)
from regcore.results import Result

# Colour and icon of each badge: what is wrong with the network is red, with what is known of it orange.
BADGES: Mapping[Kind, tuple[str, str]] = {
    DIVERGED: ("red", "trending_up"),
    DIFFERENT: ("orange", "call_split"),
    TOO_EARLY: ("orange", "timer"),
    CANNOT_FIT: ("red", "block"),
    NOISY: ("orange", "ssid_chart"),
    OVERFITTING: ("red", "expand"),
    HEALTHY: ("green", "check"),
}
MAX_SPELLED = 3


def show(results: Mapping[str, Result]) -> None:
    """Show the diagnosis of the page's configuration once its run is complete, and try the next one here."""
    found = _diagnosis(results)
    if found is None:
        return
    with st.container(border=True, key="diagnosis", gap="small"):
        _say(found)
        _numbers([number for number in found.numbers if number.decides])
        changes = found.next.config.changes(state.config())
        st.markdown(f"**Next:** {found.next.why}")
        if not found.next.on_resplits:
            st.button(
                f"Try {spelled(found.next.config, state.config())}",
                key="diagnosis.next",
                icon=":material/arrow_forward:",
                on_click=state.choose,
                args=(changes,),
            )
        with st.expander("All numbers, and where their bounds come from"):
            _all_numbers(found.numbers)


def show_in_short(results: Mapping[str, Result]) -> None:
    """Show the diagnosis of the page's configuration in a few lines, and a link that tries the next one in
    the Lab."""
    found = _diagnosis(results)
    if found is None:
        return
    with st.container(border=True, key="diagnosis", gap="small"):
        _say(found)
        if not found.next.on_resplits:
            st.page_link(
                frame.LAB.path,
                label=f"Next, in the Lab: {spelled(found.next.config, state.config())}",
                icon=":material/arrow_forward:",
                query_params=state.query_of(found.next.config),
                help=found.next.why,
            )


def _diagnosis(results: Mapping[str, Result]) -> Diagnosis | None:
    """Return the diagnosis of what the page is set to; None while that is not trained, or not shown."""
    config = state.config()
    by_config = {result.config: result for result in results.values() if result.is_complete}
    result, baseline = by_config.get(config), by_config.get(config.plain())
    if result is None:
        return None
    return state.kept_of("diagnosis", diagnose, result, baseline if baseline is not result else None)


def _say(found: Diagnosis) -> None:
    colour, icon = BADGES[found.kind]
    badge = f":{colour}-badge[:material/{icon}: {found.kind}]"
    st.markdown(f"**Diagnosis:** {badge} {found.sentence}")
    st.caption(f"How sure: {found.doubt}")


def spelled(config: Config, before: Config) -> str:
    """Return what is tried, in words: the fields that change, or if they are many what they come to."""
    if config == before.plain():
        return "without regularizers"
    changes = config.changes(before)
    if len(changes) > MAX_SPELLED:
        return words.what_is_on(config)
    pairs = changes.items()
    return ", ".join(f"{words.field_name(name)} {words.field_value(value)}" for name, value in pairs)


def _numbers(numbers: Sequence[Number]) -> None:
    st.table(pd.DataFrame([in_words(number) for number in numbers]), hide_index=True, border="horizontal")


def _all_numbers(numbers: Sequence[Number]) -> None:
    rows = [in_words(number) | {"Where the bound is from": number.origin} for number in numbers]
    st.table(pd.DataFrame(rows), hide_index=True, border="horizontal")
    st.caption(
        "Per cent are of what there is to learn: 100 % is the error, or the loss, of who never looks at the "
        "input; 0 % that of a network that is perfect, but for labels that are wrong."
    )


def in_words(number: Number) -> dict[str, str]:
    """Return a number, its interval and its bound as text."""
    interval = number.interval
    is_wide = interval.high > interval.low and number.unit != "networks"
    ends = [number.in_words(end) for end in (interval.low, interval.high)]
    bound = f"{'at most' if number.at_most else 'above'} {number.in_words(number.bound)}"
    return {
        "Number": number.name,
        "Value": number.in_words(number.value),
        "95 % interval": " to ".join(ends) if is_wide else words.NOTHING,
        "Bound": bound if math.isfinite(number.bound) else "none",
    }
