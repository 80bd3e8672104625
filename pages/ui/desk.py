"""The desk of a visitor: what the run table has is kept, and is there again after a reload or a restart.

A visitor is known by a random name in a cookie, which tells nothing else. Where there is no cookie, or no
database, the session alone has the desk.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
import streamlit as st

from pages.ui import shared, state, turns
from pages.ui.entries import Entry, Origin, Shelf
from regcore.errors import RegcoreError, StoreError
from regcore.execution import Run, fingerprint
from regcore.figures import BASELINE, RunCurves
from regcore.figures._overlay import error_kind
from regcore.figures._summary import Summary
from regcore.hosting.desk import token_of
from regcore.provenance import Made, numbers_of
from regcore.results import Result
from regcore.store import (
    Arrangement,
    Desk,
    FinishedRun,
    Keeper,
    Placed,
    Seen,
    Store,
    Write,
    arranging,
    own_keeper,
    packed_history,
)
from regcore.store.packing import Columns

# A worker answers within a chunk.
SECONDS_FOR_ENGINE = 1.0
# A session that comes waits so long for what others are writing just now.
SECONDS_TO_WRITE = 0.25
# A page waits so long for a finished run to be on the disk before it shows it. That takes some milliseconds;
# a database that is locked or away says so sooner than this.
SECONDS_TO_KEEP = 15.0
# Before it makes way for other pages, which would make it wait longer than the disk does.
SECONDS_TO_STAY, LOOK_SECONDS = 0.02, 0.05
LOOK_AGAIN_SECONDS = 3.0
# Curves and scores of a run, or an opening of the test, about.
BYTES_BESIDE = 50_000
MEANWHILE = "Until that has passed, this session keeps its runs; then they are written."

_SYNCED = "desk.synced."
_UNSURE = "desk.unsure"
_WRITING = "desk.writing"

T = TypeVar("T")
EntryOf = Callable[[str, Result, Origin | None, Entry | None], Entry]


class KeptRuns(NamedTuple):
    """What a desk has kept.

    Attributes:
        shelf: Its runs, the newest last.
        hidden: Which of the runs that a page shows are not drawn.
    """

    shelf: Shelf
    hidden: frozenset[str]


def name() -> str | None:
    """Return the name of this visitor's desk; None if there is none.

    It is a digest: who reads the database cannot pass for its visitors.
    """
    token = token_of(st.context.cookies)
    return hashlib.sha256(token.encode()).hexdigest() if token else None


def whose() -> str:
    """Return whose runs are kept: those of a browser, whatever becomes of its tabs, or of a session."""
    return "browser" if _found() else "session"


def origin(result: Result) -> Origin | None:
    """Return where the numbers of a complete result come from; None where the session alone keeps it."""
    made_by = engine(SECONDS_FOR_ENGINE) if _found() else None
    if made_by is None:
        return None
    return _origin(result, made_by)


def engine(seconds: float = 0.0) -> str | None:
    """Return the fingerprint of this machine's engine; None if no worker has told it in this time."""
    try:
        return fingerprint(seconds)
    except RegcoreError:
        # The run says what is wrong with the workers.
        return None


def kept_runs() -> KeptRuns | None:
    """Return the runs that the desk has kept, when the session should take them over; else None."""
    desk = _news("runs", lambda store, desk: store.desk(desk))
    return KeptRuns(_shelf(desk), desk.hidden) if desk is not None else None


def kept_openings() -> tuple[Seen, ...] | None:
    """Return the openings of the test that the desk has kept, when the session should take them over."""
    return _news("openings", lambda store, desk: store.openings(desk))


def save(before: Shelf, after: Shelf, hidden: frozenset[str], results: Sequence[Result] = ()) -> None:
    """Keep a change of the shelf on the desk; `wait_until_kept` waits until a finished run is there.

    That what is there stands in another order now, or was removed, is no news that anybody waits for.

    Args:
        before: What was on the shelf.
        after: What is on it now.
        hidden: Which of the runs that a page shows are not drawn.
        results: What was finished just now: the newest run, and its baseline.
    """
    if not results and before == after:
        return
    found = _found()
    if found is None or not (results or _placed(before) != _placed(after)):
        return
    desk, kept_by = found
    of = {result.config: result for result in results}
    new = [(entry, of[entry.config]) for entry in _with_baselines(after) if entry.config in of]
    removed = _keys(before) - _keys(after)
    last_before, last = (shelf[-1].key if shelf else None for shelf in (before, after))
    newest = (last,) if last and last != last_before else ()
    number = kept_by.put(partial(_write, desk, _placed(after), new, removed, hidden, newest))
    if results:
        state.keep(_WRITING, number)


def save_all(shelf: Shelf, hidden: frozenset[str], there: Shelf) -> None:
    """Keep the whole shelf on the desk.

    Args:
        shelf: What is on it.
        hidden: Which of the runs that a page shows are not drawn.
        there: Runs of which the desk has the numbers.
    """
    found = _found()
    if found is None or not shelf:
        return
    desk, kept_by = found
    known = {entry.key for entry in _with_baselines(there)}
    new = [(entry, None) for entry in _with_baselines(shelf) if entry.key not in known]
    kept_by.put(partial(_write, desk, _placed(shelf), new, set(), hidden, ()))


def save_opening(seen: Seen) -> None:
    """Count an opening of the test on the desk."""
    found = _found()
    if found is not None:
        desk, kept_by = found
        number = kept_by.put(lambda: Write(lambda store: store.put_opening(desk, seen), BYTES_BESIDE))
        _wait_for(kept_by, SECONDS_TO_KEEP, number)


def expect(name: str, run: Run, entry_of: EntryOf) -> None:
    """Keep a run on the desk when it is done, whatever has become of its page until then.

    Args:
        name: What it is called there, unless it is there already.
        run: The baseline, and the run last.
        entry_of: Returns what is kept of a result.
    """
    found = _found()
    if found is None:
        return
    desk, kept_by = found

    def hand_over() -> None:
        kept_by.put(partial(_write_done, desk, name, run, entry_of))

    run.when_done(hand_over)


def wait_until_kept() -> None:
    """Wait until what has changed is in the database, so that nobody is shown what may be lost.

    Not if the database is locked or away: then `show_problem` says that the session alone has it.
    """
    number: int | None = state.recall(_WRITING)
    found = _found()
    if number is None or found is None:
        return
    _, kept_by = found
    end = time.monotonic() + SECONDS_TO_KEEP
    is_written = kept_by.flush(SECONDS_TO_STAY, number)
    with nullcontext() if is_written else turns.away():
        while not is_written and not kept_by.status().problem and time.monotonic() < end:
            # A knob that moves ends the page at its next touch of the session, and need not wait.
            state.recall(_WRITING)
            is_written = kept_by.flush(LOOK_SECONDS, number)
    state.keep(_WRITING, None)
    if not is_written:
        state.keep(_UNSURE, True)


def history_of(entry: Entry) -> Callable[[], str] | None:
    """Return what makes the recording of every epoch of a run, as CSV; None where it is not kept."""
    found = _found()
    return partial(_history, found[1], entry.key) if found and entry.key else None


def show_problem() -> None:
    """Say what is wrong with the database, in one sentence, until it is right again."""
    found = _found()
    if found is None:
        return
    wait_until_kept()
    problem, n_waiting = found[1].status()
    is_unsure = state.recall(_UNSURE)
    state.keep(_UNSURE, None)
    if problem or (is_unsure and n_waiting):
        _watch(problem)


@st.fragment(run_every=LOOK_AGAIN_SECONDS)
def _watch(problem: str | None) -> None:
    """Say what is wrong, and look again: the page runs anew when that has changed, or all is written."""
    found = _found()
    if found is None or _is_settled(found[1], problem):
        st.rerun()
    if problem:
        st.warning(f"{problem[:1].upper()}{problem[1:]}. {MEANWHILE}", icon=":material/cloud_off:")


def _is_settled(kept_by: Keeper, problem: str | None) -> bool:
    """Return whether there is nothing more to look at: something else is wrong now, or nothing after all."""
    now = kept_by.status()
    return now.problem != problem or (problem is None and not now.n_waiting)


def _found() -> tuple[str, Keeper] | None:
    """Return the name of this visitor's desk, and who keeps it; None if there is no desk."""
    kept_by = own_keeper()
    desk = name() if kept_by else None
    return (desk, kept_by) if desk and kept_by else None


def _wait_for(kept_by: Keeper, seconds: float, until: int | None = None) -> None:
    """Wait for what is being written, up to a change, while other pages go on.

    If that takes longer, something may be wrong with the database.
    """
    with turns.away():
        is_written = kept_by.flush(seconds, until)
    if not is_written:
        state.keep(_UNSURE, True)


def _news(what: str, ask: Callable[[Store, str], T]) -> T | None:
    """Return what the desk has kept, when the session has not read it yet, or should again; else None.

    It should again when the database was away: other tabs may have been waiting to write.
    """
    found = _found()
    if found is None:
        return None
    desk, kept_by = found
    if state.recall(_SYNCED + what) == (desk, kept_by.generation):
        return None
    _wait_for(kept_by, SECONDS_TO_WRITE)
    try:
        with turns.away():
            answer = kept_by.read(lambda store: ask(store, desk))
    except StoreError:
        return None  # `show_problem` says it.
    # As it is after the reading, which may have opened a new database.
    state.keep(_SYNCED + what, (desk, kept_by.generation))
    return answer


def _write(
    desk: str,
    placed: tuple[Placed, ...],
    new: Sequence[tuple[Entry, Result | None]],
    removed: set[str],
    hidden: frozenset[str] | None,
    newest: tuple[str, ...],
) -> Write:
    """Return the change that the keeper will make."""
    runs = [_run(entry, entry.origin, result) for entry, result in new if entry.origin]
    if not runs:
        return arranging(Arrangement(desk, placed, frozenset(removed), hidden, newest))
    n_bytes = sum(len(run.history or b"") + BYTES_BESIDE for run in runs)
    return Write(lambda store: store.put(desk, placed, runs, removed, hidden, newest), n_bytes)


def _write_done(desk: str, name: str, run: Run, entry_of: EntryOf) -> Write | None:
    """Return the change that puts a run on a desk where it is not; None if that takes more than reading."""
    # What was not recorded would be trained again, while others wait for the keeper.
    results = [replace(result, recall=None) for result in run.results().values()]
    first, last = results[0], results[-1]
    made_by = engine(SECONDS_FOR_ENGINE)
    if made_by is None:
        return None
    try:
        baseline = entry_of(BASELINE, first, _origin(first, made_by), None)
        entry = entry_of(name, last, _origin(last, made_by), baseline)
    except RegcoreError:
        return None  # An ensemble: its page reads it.
    change = _write(desk, _placed((entry,)), [(baseline, first), (entry, last)], set(), None, ())

    def apply(store: Store) -> None:
        if entry.config not in store.configs(desk):
            change.apply(store)

    return change._replace(apply=apply)


def _origin(result: Result, made_by: str) -> Origin:
    return Origin(result.dataset.key, Made(made_by, numbers_of(result)), time.time())


def _with_baselines(shelf: Shelf) -> Iterable[Entry]:
    """Return the runs of a shelf and what they were held against, each once."""
    entries = [each for entry in shelf for each in (entry, entry.baseline) if each is not None]
    return {entry.key: entry for entry in entries if entry.key}.values()


def _keys(shelf: Shelf) -> set[str]:
    return {entry.key for entry in shelf if entry.key}


def _placed(shelf: Shelf) -> tuple[Placed, ...]:
    return tuple(
        Placed(
            entry.key,
            entry.name,
            entry.colour,
            entry.is_pinned,
            entry.is_visible,
            entry.baseline.key if entry.baseline else None,
        )
        for entry in shelf
        if entry.key
    )


def _run(entry: Entry, origin: Origin, result: Result | None) -> FinishedRun:
    curves = {
        str(measure): {name: np.asarray(values) for name, values in summary._asdict().items()}
        for measure, summary in entry.curves.by_measure.items()
    }
    # Every epoch, whatever patience made of them.
    history = shared.once(packed_history, result.without_stopping()) if result else None
    return FinishedRun(entry.config, *origin, entry.scores, curves, history)


def _shelf(desk: Desk) -> Shelf:
    # Runs of one baseline share it.
    baselines = {
        kept.baseline.key: _entry(kept.baseline, Placed(kept.baseline.key, BASELINE))
        for kept in desk.kept
        if kept.baseline is not None
    }
    return tuple(
        _entry(kept.run, kept.placed, baselines.get(kept.placed.baseline or "")) for kept in desk.kept
    )


def _entry(run: FinishedRun, placed: Placed, baseline: Entry | None = None) -> Entry:
    curves = RunCurves(
        {"loss": _summary(run.curves["loss"]), "error": _summary(run.curves["error"])},
        error_kind(is_regression=run.scores.task == "regression"),
        run.config.seeds * run.config.members,
    )
    return Entry(
        run.config,
        placed.name,
        curves,
        run.scores,
        placed.colour,
        placed.is_pinned,
        placed.is_visible,
        baseline,
        Origin(run.data_key, run.made, run.finished),
    )


def _summary(columns: Columns) -> Summary:
    return Summary(*(tuple(columns[name].tolist()) for name in Summary._fields))


def _history(kept_by: Keeper, key: str) -> str:
    history = kept_by.read(lambda store: store.history(key))
    if history is None:
        raise StoreError("the history of this run is not kept")
    return history.to_csv(index=False)
