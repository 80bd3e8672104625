"""The diagnosis of the run that a page shows: what is wrong, the numbers that decide it, what to try next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from pages.ui import frame, runs, shared, state, tables, take_away, words
from regcore.ablation import NONE
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
from regcore.lessons import BASELINE
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
UNIT = (
    "Per cent are of what there is to learn: 100 % is the error, or the loss, of who never sees the input, "
    "0 % that of a network that is perfect but for labels that are wrong."
)


def show(results: Mapping[str, Result]) -> None:
    """Show the diagnosis of the page's configuration once its run is complete, and try the next one here."""
    found = _diagnosis(results)
    if found is None:
        return
    with st.container(border=True, key="diagnosis", gap="small"):
        _say(found)
        deciding, all_numbers = shared.kept_of("diagnosis.in_words", _numbers_in_words, found.numbers)
        tables.show(deciding)
        st.markdown(f"**Next:** {found.next.why}")
        if _can_be_tried(found):
            _try(found.next.config)
        with st.expander("All numbers, and where their bounds come from"):
            st.markdown(all_numbers)
            st.caption(UNIT)


def _numbers_in_words(numbers: Sequence[Number]) -> tuple[tables.Rows, str]:
    """Return a table of the numbers that decide, and a list of all of them."""
    return [in_words(number) for number in numbers if number.decides], listed(numbers)


def _try(config: Config) -> None:
    label = f"Try {spelled(config, state.config())}"
    if st.button(label, key="diagnosis.next", icon=":material/arrow_forward:"):
        # The whole page runs again: a callback would rerun the results alone, of the run before.
        state.choose(config.changes(state.config()))
        st.rerun()


def show_in_short(live: runs.Live) -> None:
    """Show the diagnosis of the page's configuration in a few lines, and a link that tries the next one in
    the Lab. Where a regularizer is on and no baseline is beside it, the page has other questions.

    Args:
        live: What the page trains. What the configuration can be read off is enough: the pool of an ensemble,
            or the set of all parts.
    """
    found = _diagnosis(_beside_its_baseline(live))
    if found is None:
        return
    with st.container(border=True, key="diagnosis", gap="small"):
        _say(found)
        if _can_be_tried(found):
            st.page_link(
                frame.LAB.path,
                label=f"Next, in the Lab: {spelled(found.next.config, state.config())}",
                icon=":material/arrow_forward:",
                query_params=state.query_of(found.next.config),
                help=found.next.why,
            )


def _beside_its_baseline(live: runs.Live) -> Mapping[str, Result]:
    """Return the run of the page's configuration and its baseline, if they are among what is trained."""
    results, config = live.results(), state.config()
    if next(iter(results)) not in (BASELINE, NONE) and config != config.plain():
        return {}
    return state.kept_of("diagnosis.of_page", _of_page, live, config, *results.values())


def _of_page(live: runs.Live, config: Config, *_: Result) -> Mapping[str, Result]:
    """Return what is read off these results: the same until they are others, and so is their diagnosis."""
    return take_away.of_page(live, config) or {}


def _diagnosis(results: Mapping[str, Result]) -> Diagnosis | None:
    """Return the diagnosis of what the page is set to; None while that is not trained, or not shown."""
    config = state.config()
    by_config = {result.config: result for result in results.values() if result.is_complete}
    result, baseline = by_config.get(config), by_config.get(config.plain())
    if result is None:
        return None
    beside = baseline if baseline is not result else None
    found: Diagnosis = shared.kept_of("diagnosis", diagnose, result, beside)
    return found


def _can_be_tried(found: Diagnosis) -> bool:
    """Return whether what is next is another configuration, and not other rows, or nothing at all."""
    return not found.next.on_resplits and found.next.config != state.config()


def _say(found: Diagnosis) -> None:
    colour, icon = BADGES[found.kind]
    badge = f":{colour}-badge[:material/{icon}: {found.kind}]"
    st.markdown(f"**Diagnosis:** {badge} {_unbroken(found.sentence)}")
    st.caption(f"How sure: {_unbroken(found.doubt)}")


def spelled(config: Config, before: Config) -> str:
    """Return what is tried, in words: the fields that change, or if they are many what they come to."""
    if config == before.plain():
        return "without regularizers"
    changes = config.changes(before)
    if len(changes) > MAX_SPELLED:
        return words.what_is_on(config)
    pairs = changes.items()
    return ", ".join(f"{words.field_name(name)} {words.field_value(value)}" for name, value in pairs)


def listed(numbers: Sequence[Number]) -> str:
    """Return numbers with where their bounds come from, as a list in Markdown."""
    lines = []
    for number in numbers:
        words_of = in_words(number)
        interval = words_of["95 % interval"]
        within = f" ({interval})" if interval != words.NOTHING else ""
        lines.append(
            f"- **{number.name}:** {words_of['Value']}{within}; bound: {words_of['Bound']}. {number.origin}"
        )
    return "\n".join(lines)


def in_words(number: Number) -> dict[str, str]:
    """Return a number, its interval and its bound as text."""
    interval = number.interval
    is_wide = interval.high > interval.low and number.unit != "networks"
    ends = [number.in_words(end) for end in (interval.low, interval.high)]
    bound = f"{'at most' if number.at_most else 'above'} {number.in_words(number.bound)}"
    return {
        "Number": number.name,
        "Value": _unbroken(number.in_words(number.value)),
        "95 % interval": _unbroken(" to ".join(ends)) if is_wide else words.NOTHING,
        "Bound": _unbroken(bound) if math.isfinite(number.bound) else "none",
    }


def _unbroken(text: str) -> str:
    """Return text whose lines do not end between a number and its per cent sign."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")
