"""Runs as a page sees them: submitted when the configuration moves, polled as they grow, cancelled."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from pages.ui import state
from regcore.config import Config
from regcore.errors import RegcoreError, WorkerError
from regcore.execution import Progress, Run, submit
from regcore.results import Result

logger = logging.getLogger(__name__)

# A short run is waited for and drawn once; a longer one is drawn as it grows.
WAIT_SECONDS = 0.5
POLL_SECONDS = 0.5

# A session's end is also told on a short disconnection, so its runs are given time to be seen again.
GRACE_SECONDS = 30.0
UNDER_WAY = ("queued", "running")

Draw = Callable[[Mapping[str, Result]], None]


@dataclass
class Live:
    """A run that a session follows.

    Attributes:
        configs: What was asked for, by name.
        run: The run.
        seen: When it was last shown, on the clock of `time.monotonic`.
        is_reported: Whether its failure is in the log.
    """

    configs: Mapping[str, Config]
    run: Run
    seen: float = field(default_factory=time.monotonic)
    is_reported: bool = False

    @property
    def is_under_way(self) -> bool:
        return self.run.progress().state in UNDER_WAY


def follow(place: str, configs: Mapping[str, Config]) -> Live | None:
    """Return the run of these configurations: the one under way here, or a new one that takes its place.

    Args:
        place: Where on the pages the run is shown; each place follows one run.
        configs: What to train, by name.

    Returns:
        The run; None if it was refused, and the page says why.
    """
    live: Live | None = state.recall(place)
    if live and live.configs == configs:
        return live
    if live:
        live.run.cancel()
    state.keep(place, None)
    try:
        live = Live(configs, submit(configs, owner=state.owner()))
    except RegcoreError as error:
        st.error(str(error), icon=":material/block:")
        return None
    state.keep(place, live)
    _followed()[place] = live
    live.run.wait(WAIT_SECONDS)
    return live


def _let_go(lives: Mapping[str, Live]) -> None:
    """Cancel the runs of a session that has ended, unless it comes back to them soon."""
    waiting = threading.Timer(GRACE_SECONDS, _cancel_unseen, [list(lives.values()), time.monotonic()])
    waiting.daemon = True
    waiting.start()


def _cancel_unseen(lives: Iterable[Live], since: float) -> None:
    for live in lives:
        if live.seen < since:
            live.run.cancel()


@st.cache_resource(scope="session", on_release=_let_go, show_spinner=False)
def _followed() -> dict[str, Live]:
    """Return the runs that this session follows, by place."""
    return {}


def show(place: str, live: Live, draw: Draw) -> None:
    """Show a run: its progress with a way to cancel it, what went wrong, and its results as they grow."""
    polled = live.is_under_way
    panel = st.fragment(_panel, run_every=POLL_SECONDS if polled else None)
    panel(place, live, draw, polled)


def _panel(place: str, live: Live, draw: Draw, polled: bool) -> None:
    live.seen = time.monotonic()
    progress = live.run.progress()
    if polled and progress.state not in UNDER_WAY:
        # Drawn once more by the whole page, which stops polling.
        st.rerun()
    _status(place, live, progress)
    draw(live.run.results(partial=True))


def _status(place: str, live: Live, progress: Progress) -> None:
    """Show how far the run is; of a run that is done its results tell."""
    if progress.state == "failed":
        st.error(_failure(live), icon=":material/error:")
    elif progress.state != "done":
        with st.container(horizontal=True, vertical_alignment="center"):
            _unfinished(place, live, progress)


def _unfinished(place: str, live: Live, progress: Progress) -> None:
    if progress.state == "cancelled":
        st.caption(f"Cancelled at {100 * progress.fraction:.0f} %; what was trained until then is shown.")
        # The whole page runs again: a callback would rerun this fragment alone, with the run that ended.
        if st.button("Run again", key=f"{place}.again", icon=":material/replay:"):
            state.keep(place, None)
            st.rerun()
        return
    st.progress(min(progress.fraction, 1.0), text=_under_way(progress))
    st.button("Cancel", key=f"{place}.cancel", icon=":material/stop_circle:", on_click=live.run.cancel)


def _under_way(progress: Progress) -> str:
    if not progress.done_steps:
        return "Waiting for a worker; the first run of a server waits until they have started"
    if progress.eta_seconds is None:
        return f"Training, {100 * progress.fraction:.0f} %"
    return f"Training, {100 * progress.fraction:.0f} %, about {in_words(progress.eta_seconds)} left"


def in_words(seconds: float) -> str:
    """Return a duration as a person would say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def _failure(live: Live) -> str:
    """Return what went wrong in one sentence; a fault that is the lab's own is logged with its run."""
    error = live.run.error
    if isinstance(error, WorkerError) and not live.is_reported:
        asked_for = {name: config.to_query() for name, config in live.configs.items()}
        logger.error("A run failed: %s", asked_for, exc_info=error)
        live.is_reported = True
    return str(error)
