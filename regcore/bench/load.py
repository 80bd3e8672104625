"""Many at once: a lesson of many people on one server, and how long each waits against one who is alone.

A real server is started on this machine's loopback. Programs visit it that answer as Streamlit's page does
(`visitor`), beside some tabs of a real browser where there is one (`tabs`). What they do is written out
beforehand (`load_lesson`).
"""

from __future__ import annotations

import math
import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import psutil

from regcore.bench import tabs
from regcore.bench.load_lesson import (
    ARRIVAL,
    FOLDED,
    LAB,
    LINK,
    LOOKS,
    NEW,
    OTHER_PAGES,
    SEED,
    SHARED,
    START,
    TO_PAGE,
    Card,
    Step,
    deck,
    is_next_to_start,
    lesson,
    start_at,
)
from regcore.bench.load_record import (
    BENCH,
    BROWSER,
    PROGRAM,
    SERVER,
    WORKERS,
    Action,
    Load,
    Phase,
    Record,
    Sample,
)
from regcore.bench.load_tables import actions_table, claims, machine_table, sessions_table, usage_table
from regcore.bench.report import ProgressLine, Report, machine, processor
from regcore.bench.server import Server, serve, usage_of
from regcore.bench.speed_tables import busy
from regcore.errors import ConfigError, RegcoreError

if TYPE_CHECKING:
    from regcore.bench.visitor import Visitor

MAX_SESSIONS, MAX_MINUTES, MAX_TABS = 100, 10.0, 4
# People do not come all at once.
SECONDS_TO_ARRIVE = 10.0
SECONDS_BETWEEN_SAMPLES = 5.0
SECONDS_BEFORE_COMING_BACK = 2.0
# A server waits for half a minute whether those who have left come back; only then is the next one alone.
SECONDS_TO_LEAVE = 35.0
# How often one who is alone comes, how often he goes where nobody has been, and how long he looks.
LESSONS_ALONE, CARDS_ALONE, LOOKS_ALONE = 6, 2, (0.3, 0.6)
# From one place where nobody has been to the next one it is so long: seven moves, and a look before each.
SECONDS_A_CARD = 7 * sum(LOOKS) / 2
FAULTS_SHOWN = 5
# A run that did not finish in this time is lost.
SECONDS_TO_LOSE = 60.0
# A millisecond or two of work.
NUMBERS = 20_000
THIS_RUN = "this run"
WHOLE_RUN = START.seeds * START.epochs


class Effort(NamedTuple):
    """How many, and for how long.

    Attributes:
        sessions: Programs that visit at once, one phase after the other.
        minutes: How long each phase takes.
        tabs: Tabs of a browser beside them.
    """

    sessions: tuple[int, ...]
    minutes: float
    tabs: int


FULL = Effort((30, 60), 5.0, 2)
QUICK = Effort((10,), 2 / 3, 0)


def effort_for(quick: bool, sessions: str | None, minutes: float | None, tabs: int | None) -> Effort:
    """Return how many and for how long, from what is asked for; what is not is as `quick` says.

    Args:
        quick: Fewer sessions, for less than a minute.
        sessions: Whole numbers with commas between them.
        minutes: How long each of them takes.
        tabs: Tabs of a browser.

    Raises:
        ConfigError: one of them is out of its range, or there are too few places for so many and so long.
    """
    usual = QUICK if quick else FULL
    chosen = Effort(
        _counts(sessions) if sessions is not None else usual.sessions,
        usual.minutes if minutes is None else minutes,
        usual.tabs if tabs is None else tabs,
    )
    if not 0 < chosen.minutes <= MAX_MINUTES:
        raise ConfigError(f"minutes must be a number above 0 and at most {MAX_MINUTES:g}, got {minutes!r}")
    if not 0 <= chosen.tabs <= MAX_TABS:
        raise ConfigError(f"tabs must be a whole number from 0 to {MAX_TABS}, got {tabs!r}")
    n_far = sum(not is_next_to_start(card) for card in deck())
    n_alone = (len(chosen.sessions) + 1) * LESSONS_ALONE * CARDS_ALONE
    most = (n_far - len(NEW) - n_alone) // _cards_for(60 * chosen.minutes)
    if sum(chosen.sessions) > most:
        raise ConfigError(
            f"sessions must be at most {most} in all for {chosen.minutes:g} min each, so that everyone can "
            f"go where nobody has been, got {sum(chosen.sessions)}"
        )
    return chosen


def _counts(written: str) -> tuple[int, ...]:
    parts = written.split(",")
    if not all(part.strip().isdecimal() and 1 <= int(part) <= MAX_SESSIONS for part in parts):
        raise ConfigError(
            f"sessions must be whole numbers from 1 to {MAX_SESSIONS} with commas between them, got "
            f"{written!r}"
        )
    return tuple(map(int, parts))


def run(quick: bool = False, progress: ProgressLine | None = None, effort: Effort | None = None) -> Report:
    """Start the app, let one visit it alone and then many, and return tables and claims.

    Args:
        quick: Fewer sessions, for less than a minute.
        progress: Where to say how far it is.
        effort: How many, and for how long; None: as `quick` says.

    Raises:
        RegcoreError: the app does not start.
    """
    chosen = effort or (QUICK if quick else FULL)
    why_no_tabs = tabs.why_not() if chosen.tabs else None
    with serve() as server:
        before = processor()
        load = _measure(server, bool(chosen.tabs) and not why_no_tabs, chosen, progress)
        # While the server is there, and what it has used is known to be ours.
        others = {"the load": [processor().others_since(before)]}
    return Report(
        title="Load: a lesson of many people on one server",
        settings=_settings(chosen, why_no_tabs),
        tables=(actions_table(load), sessions_table(load), usage_table(load), machine_table(load)),
        claims=claims(load),
        warnings=(*busy(others), *_first_faults(load)),
        details={
            "alone": [phase._asdict() for phase in load.alone],
            "phases": [phase._asdict() for phase in load.phases],
            "part_of_cores_that_others_used": others,
        },
    )


def _measure(server: Server, with_tabs: bool, effort: Effort, progress: ProgressLine | None) -> Load:
    cards = _Cards()
    if progress is not None:
        progress.show(0.0, "load: warming up")
    _warm_up(server.address, cards.take(len(NEW)))
    alone, phases = [_alone(server, with_tabs, cards, progress)], []
    for n_sessions in effort.sessions:
        n_tabs = effort.tabs if with_tabs else 0
        phases.append(_many(server, n_sessions, n_tabs, 60 * effort.minutes, cards, progress))
        if progress is not None:
            progress.show(1.0, "load: everybody leaves")
        time.sleep(SECONDS_TO_LEAVE)
        alone.append(_alone(server, with_tabs, cards, progress))
    return Load(os.cpu_count() or 1, alone, phases)


def _cards_for(seconds: float) -> int:
    """Return how often a session goes where nobody has been, with some to spare."""
    return math.ceil(seconds / SECONDS_A_CARD) + 1


class _Cards:
    """Where nobody has been yet: each place is given to one visitor alone."""

    def __init__(self) -> None:
        everywhere = deck()
        self._near = [card for card in everywhere if is_next_to_start(card)]
        self._far = [card for card in everywhere if not is_next_to_start(card)]

    def take(self, n: int) -> list[Card]:
        """Return so many of them."""
        taken, self._far = self._far[:n], self._far[n:]
        return taken

    def take_near(self, n: int) -> list[Card]:
        """Return so many that are a step away, for tabs."""
        taken, self._near = self._near[:n], self._near[n:]
        return taken


def _warm_up(address: str, cards: Sequence[Card]) -> None:
    """Have everything compiled, all pages shown once, and trained where many will stand."""
    from regcore.bench.visitor import Visitor

    with Visitor(address, LAB) as visitor:
        visitor.open(START.to_query())
        visitor.finish()
        for l2 in SHARED:
            visitor.move("l2", l2)
            visitor.finish()
        for card in cards:
            _unfold(visitor, card.knob)
            for to in (card.to, start_at(card.knob)):
                visitor.move(card.knob, _step_of_slider(visitor, card.knob, to))
                visitor.finish()
        for page in OTHER_PAGES:
            visitor.turn_to(page)
            visitor.finish()


def _alone(server: Server, with_tabs: bool, cards: _Cards, progress: ProgressLine | None) -> Phase:
    """Measure one program alone, and then one tab."""
    if progress is not None:
        progress.show(0.0, "load: one alone")
    record, samples = Record(), [_sample(server)]
    for at in range(LESSONS_ALONE):
        _visit(server.address, _Seat(at, cards.take(CARDS_ALONE), LOOKS_ALONE), record)
        samples.append(_sample(server))
    if with_tabs:
        tabs.visit(server.address, [cards.take_near(CARDS_ALONE)], LOOKS_ALONE, math.inf, record)
    return Phase(1, int(with_tabs), record.actions, record.faults, record.lost, samples)


def _many(
    server: Server, n_sessions: int, n_tabs: int, seconds: float, cards: _Cards, progress: ProgressLine | None
) -> Phase:
    """Let many visit the server for a while."""
    record, began = Record(), time.perf_counter()
    until = began + seconds
    chance = random.Random(f"{SEED} {n_sessions}")
    n_cards = _cards_for(seconds)
    seats = [
        _Seat(at, cards.take(n_cards), LOOKS, chance.uniform(0, SECONDS_TO_ARRIVE), until)
        for at in range(n_sessions)
    ]
    threads = [
        threading.Thread(target=_visit, args=(server.address, seat, record), daemon=True) for seat in seats
    ]
    if n_tabs:
        hands = [cards.take_near(n_cards) for _ in range(n_tabs)]
        threads.append(
            threading.Thread(
                target=tabs.visit, args=(server.address, hands, LOOKS, until, record), daemon=True
            )
        )
    n_faults = len(server.faults())
    samples = [_sample(server)]
    for thread in threads:
        thread.start()
    while (now := time.perf_counter()) < until:
        if progress is not None:
            progress.show((now - began) / seconds, f"load: {n_sessions} sessions", until - now)
        time.sleep(min(SECONDS_BETWEEN_SAMPLES, until - now))
        samples.append(_sample(server))
    for thread in threads:
        # What is under way at the end may take its time, and is lost after a while.
        thread.join(max(0.0, until + 2 * SECONDS_TO_LOSE - time.perf_counter()))
    faults = [*record.faults, *(f"in the log: {line}" for line in server.faults()[n_faults:])]
    return Phase(n_sessions, n_tabs, record.actions, faults, record.lost, samples)


@dataclass(frozen=True)
class _Seat:
    """Who one visitor is.

    Attributes:
        number: Which one.
        cards: Where he goes that nobody else does.
        looks: The shortest and the longest look between two moves, in seconds.
        late: Seconds until he comes.
        until: When he begins nothing more, on the clock of `time.perf_counter`.
    """

    number: int
    cards: Sequence[Card]
    looks: tuple[float, float]
    late: float = 0.0
    until: float = math.inf

    @property
    def is_over(self) -> bool:
        return time.perf_counter() >= self.until


def _visit(address: str, seat: _Seat, record: Record) -> None:
    """Do what a lesson does, until its script or its time is over; who was thrown out comes back."""
    from regcore.bench.visitor import Visitor

    time.sleep(seat.late)
    steps = lesson(seat.cards, seat.number, seat.looks)
    is_there = True
    while is_there and not seat.is_over:
        try:
            with Visitor(address, LAB, SECONDS_TO_LOSE) as visitor:
                is_there = _go_on(visitor, seat, steps, record)
        except RegcoreError as error:
            record.failed(f"session {seat.number}: {error}")
            time.sleep(SECONDS_BEFORE_COMING_BACK)


def _go_on(visitor: Visitor, seat: _Seat, steps: Iterator[Step], record: Record) -> bool:
    """Come by a link and take the next steps, until the time is over; return whether any are left."""
    page = LAB
    for step in chain([ARRIVAL], steps):
        visitor.rest(min(step.look, max(0.0, seat.until - time.perf_counter())))
        if seat.is_over:
            return True
        page = step.to if step.to in TO_PAGE else page
        _take(visitor, seat, step, page, record)
    return False


def _take(visitor: Visitor, seat: _Seat, step: Step, page: str, record: Record) -> None:
    """Take one step, and note how long it takes until its answer is complete."""
    from regcore.bench.visitor import NeverCameError

    _unfold(visitor, step.knob)
    began = time.perf_counter()
    try:
        _begin(visitor, step)
        was_trained = visitor.is_polled
        answer = visitor.finish()
    except NeverCameError as error:
        record.lost_run(f"session {seat.number}, {step}: {error}")
        return
    seconds = time.perf_counter() - began
    record.did(Action(seat.number, PROGRAM, step.kind, began, seconds, was_trained))
    for sentence in answer.refusals:
        record.failed(f"session {seat.number}, {step}: {sentence}")
    if page == LAB and visitor.drawn(THIS_RUN) != WHOLE_RUN:
        record.lost_run(f"session {seat.number}, {step}: its curves end after {visitor.drawn(THIS_RUN)}.")


def _begin(visitor: Visitor, step: Step) -> None:
    if step.kind == LINK:
        visitor.open(step.to)
    elif step.to in TO_PAGE:
        visitor.turn_to(step.to)
    else:
        visitor.move(step.knob, _step_of_slider(visitor, step.knob, step.to))


def _unfold(visitor: Visitor, knob: str) -> None:
    """Open where a knob is folded away, before it is moved; it is closed again on each return to the page."""
    if knob and not visitor.has_slider(knob):
        visitor.unfold(FOLDED)
        visitor.finish()


def _step_of_slider(visitor: Visitor, knob: str, to: str) -> str:
    """Return a step as the slider writes it; of a rate it says what it keeps as well."""
    for written in visitor.options(knob):
        if written.partition(",")[0] == to:
            return written
    raise RegcoreError(f"the slider of {knob!r} has no step {to!r}, where the bench wants to move it.")


def _sample(server: Server) -> Sample:
    """Return what everybody has used so far."""
    theirs = server.family()
    mine = psutil.Process()
    browser = [each for each in mine.children(recursive=True) if each not in theirs]
    used = {
        SERVER: usage_of(theirs[:1]),
        WORKERS: usage_of(theirs[1:]),
        BENCH: usage_of([mine]),
        BROWSER: usage_of(browser),
    }
    return Sample(
        time.perf_counter(),
        {who: each.seconds for who, each in used.items()},
        {who: each.memory for who, each in used.items()},
        _piece_of_work(),
    )


def _piece_of_work() -> float:
    """Return the processor seconds that a small piece of work of Python takes: how fast the machine is."""
    began = time.thread_time()
    sum(number * number % 7 for number in range(NUMBERS))
    return time.thread_time() - began


def _first_faults(load: Load) -> tuple[str, ...]:
    """Return the first sentences about what went wrong, for people to read."""
    return tuple(
        sentence for phase in load.in_order() for sentence in (*phase.faults, *phase.lost)[:FAULTS_SHOWN]
    )


def _settings(effort: Effort, why_no_tabs: str | None) -> tuple[str, ...]:
    beside = f", and {effort.tabs} tabs of a Chromium beside them" if effort.tabs and not why_no_tabs else ""
    return (
        "A real server on this machine's loopback, warm: everything is compiled, and what many look at was "
        "trained before. A program for each session answers it as Streamlit's page does: timers, kept "
        f"messages, cookies{beside}."
        + (f" No tabs of a browser: {why_no_tabs}." if effort.tabs and why_no_tabs else ""),
        f"A lesson: the Lab by a link ({START.to_query()}), a knob to where many stand, to where nobody has "
        f"been ({WHOLE_RUN} network-epochs to train), patience, back, and to another page and back; "
        f"{LOOKS[0]:g} to {LOOKS[1]:g} s of looking between two moves. Everyone waits for an answer before "
        "looking at it.",
        f"{' and then '.join(map(str, effort.sessions))} sessions for {effort.minutes:g} min each, coming "
        f"within {SECONDS_TO_ARRIVE:g} s. Alone: the median of one session on the same server, right before "
        "and right after.",
        f"The script of each session is the same in every run (seed {SEED}).",
        machine(),
    )
