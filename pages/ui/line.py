"""What is said to those who wait: how far a run is, its place in line, or why it was refused."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.ui import state, words
from regcore.errors import BusyError, RegcoreError, TooCostlyError
from regcore.execution import Progress, workers_are_ready

# A server draws so many parts of growing pages a second, for all sessions together. A page has two of them:
# how far its run is, and its results.
PARTS_PER_SECOND = 8.0
PARTS_OF_PAGE = 2
# A run that has been going for so many seconds is looked at a second later than a new one.
SECONDS_PER_SECOND = 40.0
LONGEST_POLL = 5.0


def poll_seconds(shortest: float, n_owners: int, under_way: float) -> float:
    """Return how often a page looks at its run: less often with many, and as a run gets long.

    Args:
        shortest: Seconds between two looks while few train and the run is new.
        n_owners: Sessions that have runs under way.
        under_way: Seconds for which the run has been under way.
    """
    wanted = max(n_owners * PARTS_OF_PAGE / PARTS_PER_SECOND, under_way / SECONDS_PER_SECOND)
    return max(shortest, min(wanted, LONGEST_POLL))


def under_way(progress: Progress) -> str:
    """Return how far a run is that has not ended, in words."""
    if not progress.done_steps and not workers_are_ready():
        return words.STARTING
    if progress.state == "queued":
        return _waiting(progress)
    parts = [f"Training, {100 * progress.fraction:.0f} %"] if progress.done_steps else ["Training"]
    if progress.eta_seconds is not None:
        parts.append(f"about {words.duration(progress.eta_seconds)} left")
    if progress.n_owners > 1:
        parts.append(f"shared with {words.count(progress.n_owners - 1, 'other')}")
    return ", ".join(parts)


def _waiting(progress: Progress) -> str:
    if progress.after_own:
        return f"Waiting for {words.count(progress.after_own, 'other run')} of yours"
    place = f"{_ordinal(progress.in_line)} in line" if progress.in_line > 1 else "Next in line"
    if progress.eta_seconds is None:
        return place
    return f"{place}, about {words.duration(progress.eta_seconds)}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def say_refused(place: str, error: RegcoreError) -> None:
    """Say why a run was refused, and offer what can be done about it as one click.

    Args:
        place: Where the run would be shown.
        error: Why it was refused.
    """
    st.error(str(error), icon=":material/block:")
    if isinstance(error, BusyError):
        st.button("Try again", key=f"{place}.retry", icon=":material/replay:")
    elif isinstance(error, TooCostlyError) and state.would_lower(error.proposal):
        st.button(
            f"Train with {_values(error.proposal)}",
            key=f"{place}.smaller",
            icon=":material/compress:",
            on_click=state.choose,
            args=(error.proposal,),
        )


def _values(proposal: Mapping[str, int]) -> str:
    return " and ".join(f"{value} {name}" for name, value in proposal.items())
