"""Runs as a page sees them: submitted when the configuration moves, polled as they grow, cancelled."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ui import line, shared, state, turns, words
from pages.ui.grace import Grace
from regcore.config import STOPPING_FIELDS, Config
from regcore.data import DATASET_INFO, Dataset, has_keras_images
from regcore.data.catalog import KERAS
from regcore.engine.shard import Probe
from regcore.errors import BusyError, RegcoreError, TooLargeError, WorkerError
from regcore.execution import Progress, Run, submit
from regcore.execution.cache import ProbeValues
from regcore.execution.held import HeldRuns
from regcore.results import Moment, Recall, Result, Snapshot
from regcore.settings import read_settings

logger = logging.getLogger(__name__)

# A short run is waited for and drawn once; a longer one is drawn as it grows. With many that train each takes
# longer, and is waited for until it would be looked at, if it will have ended by then: that is seen at once,
# and not at a look that comes long after it. How far it is, is told meanwhile.
WAIT_SECONDS = 0.5
TELL_SECONDS = 1.0
LOOK_SECONDS = 0.05
# A piece of a training takes a quarter of a second. Where the last one came so long ago, the next one is
# about to come, and is waited for: what is drawn of it is drawn sooner, and only once.
OLD_SECONDS, NEXT_SECONDS = 0.1, 0.15
# What ends within this time after a look at it; with many, in half of the time until the next one, at most in
# the second one.
NEAR_SECONDS, FARTHEST_SECONDS = 0.45, 1.0
# A page that looks at its run so many times as often as it should runs anew, to do so less often.
TOO_OFTEN = 4
UNDER_WAY = ("queued", "running")

Draw = Callable[[Mapping[str, Result]], None]


@dataclass(eq=False)
class Live:
    """A run that a session follows.

    Attributes:
        configs: What is shown, by name: what was asked for, or what was turned to since.
        run: The run.
        dataset: What it trains on; None: what each configuration names.
        began: When it was submitted, on the clock of `time.monotonic`.
        seen: When it was last shown, on the same clock.
        is_reported: Whether its failure is in the log.
        is_turned: Whether what is shown is read off trainings of something else.
        is_expected: Whether the visitor's desk waits for its end.
        recalled: What was shown and had not been kept, so that networks had to be trained again up to there.
        n_parts: Parts of the page that show it.
        last_polled: Which of them, from 0, is the last that looks at it again and again; None: none does.
        next_look: After how many seconds its parts look at it again; None: they need not.
        waiting: Parts that have seen its end, and stay as they were until the whole page sees it.
    """

    configs: Mapping[str, Config]
    run: Run
    dataset: Dataset | None = None
    began: float = field(default_factory=time.monotonic)
    seen: float = field(default_factory=time.monotonic)
    is_reported: bool = False
    is_turned: bool = False
    is_expected: bool = False
    recalled: set[Moment] = field(default_factory=set)
    n_parts: int = 0
    last_polled: int | None = None
    next_look: float | None = None
    waiting: set[int] = field(default_factory=set)
    _told: Progress | None = None
    _trained: Mapping[str, Result] = field(default_factory=dict)
    _results: dict[str, Result] = field(default_factory=dict)
    _read_at: tuple[int, str] | None = None

    @property
    def is_under_way(self) -> bool:
        return self.run.progress().state in UNDER_WAY

    @property
    def is_done(self) -> bool:
        return self.run.progress().state == "done"

    @property
    def is_gone(self) -> bool:
        """Whether the run was done, and others took the room of what it had recorded."""
        return self.run.is_let_go and self.is_done

    def cancel(self) -> None:
        self.run.cancel()

    def begin_page(self) -> None:
        """Note that the page runs, and shows the run anew in all of its parts."""
        self.n_parts, self.last_polled = 0, None
        self.waiting.clear()

    def progress(self) -> Progress:
        """Return how far the run is; while parts of the page wait for the whole of it, how far it was."""
        if not self.waiting or self._told is None:
            self._told = self.run.progress()
        return self._told

    def make_way(self) -> None:
        """End the run, whose place another one takes."""
        self.run.cancel()
        if self.is_done:
            _held().see(self.run)
        else:
            # What was drawn of it while it trained would hold all that it had recorded.
            self.run.let_go()

    def turn_to(self, configs: Mapping[str, Config]) -> bool:
        """Show other configurations, if their numbers can be read off this run; return whether they can.

        Patience and all of early stopping can, and fewer members. While the run is under way, all that it
        trains must be of use.
        """
        sources = {source_of(config, self.run.configs) for config in configs.values()}
        is_of_use = sources == set(self.run.configs) if self.is_under_way else self.is_done
        if None in sources or not is_of_use:
            return False
        self.configs, self.is_turned = dict(configs), dict(configs) != self.run.configs
        self.recalled.clear()
        return True

    def results(self) -> dict[str, Result]:
        """Return what there is so far, by name: the same objects until there is more, or they are turned."""
        progress = self.progress()
        if self._read_at != (progress.done_steps, progress.state):
            self._read_at = progress.done_steps, progress.state
            self._trained, self._results = self.run.results(partial=True), {}
        if {name: result.config for name, result in self._results.items()} != self.configs:
            self._results = {name: self._result(name, config) for name, config in self.configs.items()}
        return self._results

    def _result(self, name: str, config: Config) -> Result:
        before = self._results.get(name)
        if before is not None and before.config == config:
            return before
        return self._read(self._trained[self._source(name)], config)

    def shared_key(self) -> Hashable | None:
        """Return what is equal where all sessions are shown the same of runs; None: this one still grows."""
        self.results()
        trained = {name: shared.key_of(result) for name, result in self._trained.items()}
        shown = tuple((name, self._source(name)) for name in self.configs)
        return None if None in trained.values() else (tuple(trained.items()), shown)

    def recorded(self, name: str, probe: str, seed: int) -> list[ProbeValues]:
        """Return what a probe recorded so far of each member of one seed."""
        members = range(self.configs[name].members)
        return [self.run.probe(self._source(name), probe, seed, member) for member in members]

    def _source(self, name: str) -> str:
        return source_of(self.configs[name], self.run.configs) or name

    def _read(self, result: Result, config: Config) -> Result:
        recall = self._noting(result.recall) if result.recall else None
        if result.config != config:
            rule = {name: getattr(config, name) for name in STOPPING_FIELDS}
            result = result.with_members(config.members).with_stopping(**rule)
        # The very same configuration as asked for: pages look for it again and again.
        return replace(result, config=config, recall=recall)

    def _noting(self, recall: Recall) -> Recall:
        # Not of the run itself, which holds the results that hold this: together they would be garbage that
        # nothing but a search finds.
        recalled = self.recalled

        def noting(moments: Sequence[Moment]) -> Mapping[Moment, Snapshot]:
            recalled.update(moments)
            with st.spinner("Training again up to epochs that were not kept", show_time=True), turns.away():
                return recall(moments)

        return noting


def source_of(config: Config, trained: Mapping[str, Config]) -> str | None:
    """Return the name of a training that a configuration can be read off; None if it has to be trained."""
    return next((name for name, other in trained.items() if _is_read_off(config, other)), None)


def _is_read_off(config: Config, trained: Config) -> bool:
    differing = config.changes(trained).keys()
    return differing <= {*STOPPING_FIELDS, "members"} and config.members <= trained.members


def follow(
    place: str,
    configs: Mapping[str, Config],
    probes: Sequence[Probe] = (),
    dataset: Dataset | None = None,
) -> Live | None:
    """Return the run of these configurations: the one under way here, or a new one that takes its place.

    What can be read off the run that is there is not trained again.

    Args:
        place: Where on the pages the run is shown; each place follows one run.
        configs: What to train, by name.
        probes: What else to record of every network.
        dataset: What to train on; None: what each configuration names.

    Returns:
        The run; None if it was refused, and the page says why.
    """
    # Of every run of the page, so that what is below stays where it is.
    said = st.empty()
    before: Live | None = state.recall(place)
    is_of_use = before is not None and not before.is_gone and _key(before.dataset) == _key(dataset)
    if before and is_of_use and (before.configs == configs or before.turn_to(configs)):
        before.begin_page()
        _see(place, before)
        return before
    state.keep(place, None)
    try:
        # Before the old run is cancelled: what both want goes on training.
        live = Live(configs, _submit(configs, dataset, probes, before), dataset)
    except RegcoreError as error:
        line.say_refused(place, error)
        return None
    finally:
        if before:
            before.make_way()
    try:
        _see(place, live)
        state.keep(place, live)
    except BaseException:
        # A knob that moves just now ends the page here, and nobody else knows of what was submitted.
        live.run.cancel()
        raise
    _wait_a_little(live.run, place, said, live.run.progress().n_owners)
    return live


def _wait_a_little(run: Run, place: str, said: DeltaGenerator, n_owners: int = 1) -> None:
    """Wait for a run that may be short, and make way as soon as a knob moves meanwhile.

    Args:
        run: The run.
        place: Where on the pages it is shown.
        said: Where to say how far it is.
        n_owners: How many sessions have runs under way.
    """
    if run.progress().state not in UNDER_WAY:
        return
    until_a_look = line.poll_seconds(WAIT_SECONDS, n_owners, 0.0)
    # Of many that wait each looks less often whether a knob has moved.
    look = LOOK_SECONDS * max(1.0, until_a_look / TELL_SECONDS)
    rounds, came = run.progress().rounds, time.monotonic()
    end, tell, is_said = came + until_a_look, came + TELL_SECONDS, False
    with turns.away(turns.LET_PASS_SECONDS):
        while not run.wait_for_more(min(look, _until(end))):
            # Streamlit ends a page that has to run anew at its next touch of the session.
            state.recall(place)
            now, before, rounds = time.monotonic(), rounds, run.progress().rounds
            came = now if rounds != before else came
            if now >= tell:
                progress, tell = run.progress(), now + TELL_SECONDS
                if now < end and (progress.eta_seconds is None or progress.eta_seconds > end - now):
                    end = now
                else:
                    said.caption(line.under_way(progress))
                    is_said = True
            if now >= end and (now < came + OLD_SECONDS or now >= end + NEXT_SECONDS):
                break
    if is_said:
        said.empty()


def _until(end: float) -> float:
    """Return the seconds until then; once it is over, as long as is waited at most."""
    left = end - time.monotonic()
    return left if left > 0 else LOOK_SECONDS


def _key(dataset: Dataset | None) -> str | None:
    return dataset.key if dataset is not None else None


def _submit(
    configs: Mapping[str, Config], dataset: Dataset | None, probes: Sequence[Probe], before: Live | None
) -> Run:
    with _saying_what_is_downloaded(configs):
        try:
            return submit(configs, dataset, owner=state.owner(), probes=probes)
        except (TooLargeError, BusyError):
            if before is None or not before.is_under_way:
                raise
            # The old run holds memory, and a place among those that wait, that the new one could have.
            before.run.cancel()
            return submit(configs, dataset, owner=state.owner(), probes=probes)


def _saying_what_is_downloaded(configs: Mapping[str, Config]) -> AbstractContextManager[None]:
    of_keras = {config.data for config in configs.values() if DATASET_INFO[config.data].source == KERAS}
    missing = sorted(DATASET_INFO[name].title for name in of_keras if not has_keras_images(name))
    if not missing:
        return nullcontext()
    return st.spinner(f"Downloading {' and '.join(missing)}, once for this machine", show_time=True)


def _see(place: str, live: Live) -> None:
    """Note that a run is shown; also in a session that was away, whose end was told meanwhile."""
    live.seen = time.monotonic()
    _followed()[place] = live
    if not live.is_under_way:
        _held().see(live.run)


@cache
def _held() -> HeldRuns:
    return HeldRuns(read_settings().held_bytes)


@cache
def _grace() -> Grace:
    return Grace(read_settings().grace_seconds)


def _let_go(lives: Mapping[str, Live]) -> None:
    """Cancel the runs of a session that has ended, unless it comes back to them soon.

    The end is also told on a short disconnection.
    """
    _grace().begin(list(lives.values()))


@st.cache_resource(scope="session", on_release=_let_go, show_spinner=False)
def _followed() -> dict[str, Live]:
    """Return the runs that this session follows, by place."""
    return {}


def show(place: str, live: Live, draw: Draw) -> None:
    """Show a run: its progress with a way to cancel it, what went wrong, and its results as they grow."""
    _follow_with(_panel, place, live, draw)


def show_status(place: str, live: Live, answer: Draw) -> None:
    """Show how far a run is with a way to cancel it, or what went wrong; of one that is done, its answer."""
    _follow_with(_answer, place, live, answer)


def show_results(place: str, live: Live, draw: Draw) -> None:
    """Show the results of a run as they grow; where it is told how far it is, `show_status` was called."""
    _follow_with(_results, place, live, draw)


def _follow_with(panel: Callable[[str, Live, Draw], None], place: str, live: Live, draw: Draw) -> None:
    """Draw a part of the page again and again while the run is under way, and once more when it has ended."""
    every, part = _poll_seconds(live), live.n_parts
    if part == 0:
        live.next_look = _until_a_look(live, every)
    live.n_parts += 1
    if every is not None:
        live.last_polled = part
    # All parts at once: one that sees the end waits for the last of them.
    seconds = None if every is None else live.next_look or every
    st.fragment(_polled, run_every=seconds)(panel, place, live, draw, every, part, state.n_moves())


def _poll_seconds(live: Live) -> float | None:
    """Return how often a page looks at a run; None if it has ended."""
    progress = live.run.progress()
    if progress.state not in UNDER_WAY:
        return None
    under_way = time.monotonic() - live.began
    return line.poll_seconds(read_settings().poll_seconds, progress.n_owners, under_way)


def _until_a_look(live: Live, every: float | None) -> float | None:
    """Return after how many seconds to look, about so often, so that a look falls on the end.

    Else the end is seen half of the time between two looks later.
    """
    left = live.run.progress().eta_seconds
    if every is None or not left:
        return every
    # Not much more often: while more and more come, ends are told too early.
    return max(read_settings().poll_seconds, every / 2, left / math.ceil(left / every))


def _polled(
    panel: Callable[[str, Live, Draw], None],
    place: str,
    live: Live,
    draw: Draw,
    every: float | None,
    part: int,
    n_moves: int,
) -> None:
    _see(place, live)
    if every is not None:
        _wait_for_a_near_end(place, live, every)
    if n_moves != state.n_moves() or live.is_gone:
        # Words in this part of the page moved a knob, or what it shows is gone: the whole page sees to it.
        st.rerun()
    if every is not None and _is_polled_too_often(live, every):
        # Drawn once more by the whole page, which stops polling, or goes on more slowly.
        if not _can_wait(live, part):
            st.rerun()
        live.waiting.add(part)
    try:
        panel(place, live, draw)
    except RegcoreError as error:
        # What was not kept is trained again while it is drawn, and that may fail as a run may.
        logger.error("Results cannot be shown: %s", _queries(live), exc_info=error)
        st.error(str(error), icon=":material/error:")


def _wait_for_a_near_end(place: str, live: Live, every: float) -> None:
    """Wait for a run that is about to end: it is shown sooner than at the next look, and drawn once less."""
    left, near = live.run.progress().eta_seconds, min(max(NEAR_SECONDS, every / 2), FARTHEST_SECONDS)
    if left is None or left > near:
        return
    # Of many that wait each looks less often whether a knob has moved.
    look = LOOK_SECONDS * near / NEAR_SECONDS
    with turns.away():
        for _ in range(round(near / look)):
            # A knob that moves ends the page at its next touch of the session, and need not wait.
            state.recall(place)
            if live.run.wait(look):
                return


def _can_wait(live: Live, part: int) -> bool:
    """Return whether a part can leave it to the last one to have the whole page drawn.

    The browser asks for all parts at once: those that it has asked for when the page is drawn are drawn, and
    sent, a second time. Who has pressed a button does not wait.
    """
    state_now = live.run.progress().state
    return part != live.last_polled and part not in live.waiting and state_now in ("done", *UNDER_WAY)


def _is_polled_too_often(live: Live, every: float) -> bool:
    wanted = _poll_seconds(live)
    return wanted is None or wanted >= TOO_OFTEN * every


def _panel(place: str, live: Live, draw: Draw) -> None:
    _status(place, live, live.progress())
    draw(live.results())


def _answer(place: str, live: Live, answer: Draw) -> None:
    progress = live.progress()
    _status(place, live, progress)
    if progress.state == "done":
        answer(live.results())


def _results(place: str, live: Live, draw: Draw) -> None:
    draw(live.results())


def _status(place: str, live: Live, progress: Progress) -> None:
    """Show how far the run is; of a run that is done its results tell."""
    if progress.state == "failed":
        st.error(_failure(live), icon=":material/error:")
    elif progress.state != "done":
        # For a moment Streamlit keeps a button that went, beside the one in its place. So the button is first
        # and at the top: anywhere else it would move when the other goes, and a click just then misses it.
        with st.container(horizontal=True, vertical_alignment="top"):
            _unfinished(place, live, progress)


def say_how_it_was_had(live: Live) -> None:
    """Say where results were read off what is trained, and where more had to be trained for it."""
    if not live.is_done:
        return
    networks = len({moment[:2] for moment in live.recalled})
    if networks:
        st.caption(
            f"Epochs of {words.count(networks, 'network')} were beyond what is kept in memory, so they were "
            "trained again up to there, from the nearest checkpoint: same numbers, a little later."
        )
    elif live.is_turned:
        st.caption("Read off the recording: nothing was trained again.")


def _unfinished(place: str, live: Live, progress: Progress) -> None:
    if progress.state == "cancelled":
        # The whole page runs again: a callback would rerun this fragment alone, with the run that ended.
        if st.button("Run again", key=f"{place}.again", icon=":material/replay:"):
            state.keep(place, None)
            st.rerun()
        st.caption(f"Cancelled at {100 * progress.fraction:.0f} %; what was trained until then is shown.")
        return
    st.button("Cancel", key=f"{place}.cancel", icon=":material/stop_circle:", on_click=live.run.cancel)
    st.progress(min(progress.fraction, 1.0), text=line.under_way(progress))


def _failure(live: Live) -> str:
    """Return what went wrong in one sentence; a fault that is the lab's own is logged with its run."""
    error = live.run.error
    if isinstance(error, WorkerError) and not live.is_reported:
        logger.error("A run failed: %s", _queries(live), exc_info=error)
        live.is_reported = True
    return str(error)


def _queries(live: Live) -> dict[str, str]:
    return {name: config.to_query() for name, config in live.configs.items()}
