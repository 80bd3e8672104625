"""The bench of many at once: its arithmetic, what a lesson does, and how a visitor takes its steps.

No time is asserted; what the server takes under load is what the bench itself prints.
"""

import math
import time
from collections import Counter
from contextlib import nullcontext

import psutil
import pytest

from pages.ui import controls
from regcore.bench import __main__ as command
from regcore.bench import load, load_lesson, load_tables, visitor
from regcore.bench.load_lesson import (
    ARRIVAL,
    CACHED,
    LAB,
    LINK,
    NEW,
    REPLAY,
    SHARED,
    START,
    TO_PAGE,
    UNCACHED,
)  # fmt: skip
from regcore.bench.load_record import (
    BENCH,
    BROWSER,
    PROGRAM,
    SERVER,
    TAB,
    WORKERS,
    Action,
    Load,
    Phase,
    Record,
    Sample,
)
from regcore.bench.report import Report
from regcore.bench.server import FAULT
from regcore.bench.visitor import Answer, NeverCameError
from regcore.config import Config
from regcore.errors import ConfigError, RegcoreError

MB = 10**6


def samples(seconds=300.0, server=(300, 300), workers_cores=0.5, piece_seconds=0.001):
    """Return samples every five seconds: memory of the server in MB after a minute, and at the end."""
    first, last = server
    return [
        Sample(
            at,
            {SERVER: 0.4 * at, WORKERS: workers_cores * at, BENCH: 0.1 * at, BROWSER: 0.0},
            {SERVER: (last if at > 100 else first) * MB, WORKERS: 1000 * MB, BENCH: 100 * MB, BROWSER: 0},
            piece_seconds,
        )
        for at in [5.0 * n for n in range(int(seconds / 5) + 1)]
    ]


def actions(kind, *seconds, by=PROGRAM, every=100.0):
    """Return actions of sessions 0, 1, ..., far apart in time."""
    return [Action(at, by, kind, every * at, each) for at, each in enumerate(seconds)]


ALONE = Phase(
    1,
    1,
    [
        *actions(CACHED, 0.1, 0.1, 0.5),
        *actions(UNCACHED, 1.0),
        *actions(REPLAY, 0.1),
        *actions(CACHED, 0.2, by=TAB),
    ],
    [],
    [],
    samples(20.0),
)


def many(found, n_sessions=2, faults=(), lost=(), **of_samples):
    return Load(
        2, [ALONE, ALONE], [Phase(n_sessions, 0, found, list(faults), list(lost), samples(**of_samples))]
    )


# --- arithmetic --------------------------------------------------------------------------------------------


def test_a_percentile_is_a_value_that_was_measured():
    assert load_tables.percentile(list(range(1, 101)), 95) == 95
    assert load_tables.percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert load_tables.percentile([7.0]) == 7.0
    assert math.isnan(load_tables.percentile([]))


def test_jobs_under_way_are_averaged_over_the_time_of_the_one_that_shares_with_them():
    one = Action(0, PROGRAM, UNCACHED, 10.0, 4.0)
    others = [Action(1, PROGRAM, UNCACHED, 8.0, 4.0), Action(2, PROGRAM, UNCACHED, 13.0, 9.0)]

    assert load_tables.active_jobs(one, [one]) == 1.0
    assert load_tables.active_jobs(one, [one, *others]) == 1 + 2 / 4 + 1 / 4


def test_what_trains_is_held_against_its_share_of_the_cores():
    at_once = [Action(session, PROGRAM, UNCACHED, 0.0, 3.0) for session in range(4)]
    loaded = many(at_once, 4)

    # Four jobs on two cores, one second alone: two seconds each, and three were taken.
    assert load_tables.ratios(loaded, loaded.phases[0], UNCACHED) == [1.5] * 4


def test_with_fewer_jobs_than_cores_each_has_a_core():
    loaded = many(actions(UNCACHED, 1.2))

    assert load_tables.ratios(loaded, loaded.phases[0], UNCACHED) == [1.2]


def test_what_trains_nothing_is_held_against_the_median_alone():
    loaded = many(actions(CACHED, 0.2, 0.3))

    assert load_tables.ratios(loaded, loaded.phases[0], CACHED) == pytest.approx([2.0, 3.0])


def test_tabs_are_held_against_a_tab():
    loaded = many(actions(CACHED, 0.4, by=TAB))

    assert load_tables.ratios(loaded, loaded.phases[0], CACHED, TAB) == [2.0]
    assert load_tables.ratios(loaded, loaded.phases[0], CACHED) == []


def test_a_session_that_saw_no_run_finish_is_counted():
    runs = [Action(0, PROGRAM, UNCACHED, float(at), 1.0) for at in range(3)]

    assert load_tables.finished_runs(many(runs, 2).phases[0]) == [3, 0]


def test_memory_is_taken_after_the_first_minute_and_at_the_end():
    phase = many([], server=(300, 330)).phases[0]

    assert load_tables.memory_change(phase, SERVER) == (300 * MB, 330 * MB)


# --- claims ------------------------------------------------------------------------------------------------

FAIR = [Action(session, PROGRAM, UNCACHED, 10.0 * at, 1.0) for session in range(2) for at in range(4)]


def test_all_that_must_hold_is_claimed_and_met():
    claims = load_tables.claims(
        many([*FAIR, *actions(CACHED, 0.2), *actions(REPLAY, 0.1)], workers_cores=0.02)
    )

    assert len(claims) == 8
    assert all(claim.holds for claim in claims)


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"faults": ["it failed"]}, "no error, and no run is lost"),
        ({"lost": ["it never came"]}, "no error, and no run is lost"),
        ({"found": [*FAIR, *actions(CACHED, 0.31)]}, f"{CACHED}: at most 3 times its time alone"),
        ({"found": [*FAIR, *actions(REPLAY, 0.31)]}, f"{REPLAY}: at most 3 times its time alone"),
        (
            {"found": FAIR[:7] + [Action(1, PROGRAM, UNCACHED, 90.0, 1.6)]},
            f"{UNCACHED}: at most 1.5 times its time alone times the jobs that share a core",
        ),
        ({"found": FAIR[:6]}, "shares of finished chunks within a factor 1.5"),
        ({"server": (300, 440)}, "memory at the end within 10% of that after the first minute"),
        ({"workers_cores": 0.03}, "a new run takes at most 1 core-second"),
    ],
)
def test_a_bound_that_does_not_hold_is_missed(changed, missed):
    claims = load_tables.claims(many(**{"found": FAIR, "workers_cores": 0.02} | changed))

    texts = [claim.text for claim in claims if not claim.holds]
    assert len(texts) == 1
    assert missed in texts[0]


def test_what_goes_wrong_for_one_alone_is_missed_as_well():
    loaded = many(FAIR, workers_cores=0.02)
    broken = ALONE._replace(faults=["it failed"], lost=["it never came"])

    missed = [
        claim for claim in load_tables.claims(loaded._replace(alone=[ALONE, broken])) if not claim.holds
    ]
    assert [(claim.text, claim.measured) for claim in missed] == [
        ("one alone: no error, and no run is lost", "1 errors, 1 lost")
    ]


def test_a_short_run_says_nothing_of_memory_and_shares():
    texts = [claim.text for claim in load_tables.claims(many(FAIR[:1], seconds=40.0))]

    assert not any("memory" in text or "shares" in text for text in texts)


def test_tables_have_a_row_for_each_kind_with_its_time_alone():
    loaded = many([*actions(CACHED, 0.2, 0.3, 0.4), *actions(UNCACHED, 1.2)])
    rows = load_tables.actions_table(loaded).json()["rows"]

    assert [(row["kind"], row["count"], row["alone"], row["median"], row["p95"]) for row in rows] == [
        (CACHED, 3, 0.1, 0.3, 0.4),
        (UNCACHED, 1, 1.0, 1.2, 1.2),
    ]
    assert rows[0]["ratio"] == 4.0


def test_usage_is_told_apart_by_who_it_is():
    rows = load_tables.usage_table(many([], server=(300, 330))).json()["rows"]
    of_many = {row["who"]: row for row in rows if row["sessions"] == 2}

    assert of_many[SERVER]["cores"] == pytest.approx(0.4)
    assert of_many[BENCH]["cores"] == pytest.approx(0.1)
    assert of_many[SERVER]["growth"] == pytest.approx(10.0)


def test_how_fast_the_machine_was_is_told_in_the_order_of_time():
    rows = load_tables.machine_table(many([], piece_seconds=0.0015)).json()["rows"]

    assert [(row["sessions"], row["count"], row["median"], row["p95"]) for row in rows] == [
        (1, 5, 1.0, 1.0),
        (2, 61, 1.5, 1.5),
        (1, 5, 1.0, 1.0),
    ]


def test_many_are_held_against_one_alone_right_before_and_right_after_them():
    """A machine that becomes slower while it is measured: the last of the three is twice as slow."""
    alone = [Phase(1, 0, actions(CACHED, each, each), [], [], samples(20.0)) for each in (0.1, 0.1, 0.2)]
    phases = [Phase(2, 0, actions(CACHED, *each), [], [], samples()) for each in ((0.3,), (0.3, 0.4))]
    loaded = Load(2, alone, phases)

    assert [loaded.seconds_alone(phase, CACHED) for phase in phases] == pytest.approx([0.1, 0.15])
    assert load_tables.ratios(loaded, phases[1], CACHED) == pytest.approx([2.0, 0.4 / 0.15])
    assert [phase.n_sessions for phase in loaded.in_order()] == [1, 2, 1, 2, 1]


def test_a_piece_of_work_is_measured_in_seconds_of_the_processor():
    before = time.thread_time()
    seconds = load._piece_of_work()

    assert 0 < seconds <= time.thread_time() - before


def test_what_had_to_be_trained_again_is_counted():
    again = Action(0, PROGRAM, CACHED, 0.0, 1.0, trained=True)
    loaded = many([again, *actions(CACHED, 0.2), Action(0, PROGRAM, UNCACHED, 5.0, 1.0, trained=True)])

    assert load_tables.sessions_table(loaded).json()["rows"][0]["surprises"] == 1


# --- the lesson --------------------------------------------------------------------------------------------


def test_the_script_of_a_lesson_is_the_same_every_time():
    cards = load_lesson.deck()[:4]

    assert list(load_lesson.lesson(cards, 3)) == list(load_lesson.lesson(cards, 3))
    assert list(load_lesson.lesson(cards, 3)) != list(load_lesson.lesson(cards, 4))


def test_a_lesson_does_what_people_do():
    steps = list(load_lesson.lesson(load_lesson.deck()[:2], 0))

    assert Counter(step.kind for step in steps) == {
        CACHED: 6, UNCACHED: 2, REPLAY: 4, TO_PAGE["early_stopping"]: 1, TO_PAGE[LAB]: 1,
    }  # fmt: skip
    assert all(4.0 <= step.look <= 10.0 for step in steps)
    assert (ARRIVAL.kind, Config.from_query(ARRIVAL.to).config) == (LINK, START)


def test_whoever_is_alone_turns_to_every_page_that_many_turn_to():
    cards = load_lesson.deck()[: load.CARDS_ALONE]
    alone = {step.kind for seat in range(load.LESSONS_ALONE) for step in load_lesson.lesson(cards, seat)} | {
        ARRIVAL.kind
    }

    assert alone == set(load_lesson.KINDS)


def configs_of(steps):
    """Return the configuration of the Lab after each step that moves a knob there."""
    config = START
    for step in steps:
        if step.knob:
            none = Config.model_fields[step.knob].default
            value = none if step.to == "off" else int(step.to) if step.knob == "patience" else float(step.to)
            config = config.replace(**{step.knob: value})
            yield step.kind, config.replace(patience=None)


def test_new_is_where_nobody_has_been_and_cached_is_where_all_have_been():
    cards = load_lesson.deck()
    shared = {START.replace(l2=0.0 if l2 == "off" else float(l2)) for l2 in SHARED}
    new = []
    for session in range(20):
        for kind, config in configs_of(load_lesson.lesson(cards[4 * session : 4 * session + 4], session)):
            if kind == CACHED:
                assert config in shared
            elif kind == UNCACHED:
                new.append(config)

    assert len(new) == len(set(new)) == 80
    assert shared.isdisjoint(new)


def test_all_new_places_cost_about_the_same():
    cost = {(config.seeds, config.epochs, config.hidden) for config in [START]}
    for card in load_lesson.deck():
        config = START.replace(l2=0.0, **{card.knob: float(card.to)})
        assert {(config.seeds, config.epochs, config.hidden)} == cost
    assert set(NEW) == {card.knob for card in load_lesson.deck()}


# --- taking its steps --------------------------------------------------------------------------------------


class Visited:
    """A page that does as it is told, and what it was asked for."""

    is_polled = False

    def __init__(self, refusals=(), drawn=load.WHOLE_RUN, comes=True):
        self.asked, self._refusals, self._drawn, self._comes = [], list(refusals), drawn, comes

    def open(self, query):
        self.asked.append(("open", query))

    def turn_to(self, page):
        self.asked.append(("page", page))

    def move(self, name, to):
        self.asked.append((name, to))

    def has_slider(self, name):
        return name != "max_norm" or ("unfold", controls.MORE) in self.asked

    def unfold(self, key):
        self.asked.append(("unfold", key))

    def options(self, name):
        return ["off", "0.1, keeps 0.9", "0.2, keeps 0.8"] if name.startswith("dropout") else ["off", "0.1"]

    def finish(self):
        if not self._comes:
            raise NeverCameError("it never came")
        return Answer(refusals=self._refusals)

    def drawn(self, run):
        return self._drawn

    def rest(self, seconds):
        pass


def taken(visited, *steps):
    record = Record()
    seat = load._Seat(7, [], (0.0, 0.0))
    load._go_on(visited, seat, iter(steps), record)
    return record


def test_steps_are_taken_as_they_are_written():
    step, visited = load_lesson.Step, Visited()
    record = taken(
        visited,
        step(CACHED, 1.0, "l2", "0.1"),
        step(UNCACHED, 1.0, "dropout_hidden", "0.2"),
        step(TO_PAGE["early_stopping"], 1.0, to="early_stopping"),
    )

    assert visited.asked == [
        ("open", ARRIVAL.to), ("l2", "0.1"), ("dropout_hidden", "0.2, keeps 0.8"), ("page", "early_stopping"),
    ]  # fmt: skip
    assert [(action.session, action.kind) for action in record.actions] == [
        (7, LINK), (7, CACHED), (7, UNCACHED), (7, "another page: early stopping"),
    ]  # fmt: skip
    assert record.faults == record.lost == []


def test_a_knob_that_is_folded_away_is_unfolded_before_it_is_moved():
    step, visited = load_lesson.Step, Visited()
    taken(visited, step(UNCACHED, 0.0, "max_norm", "0.1"), step(CACHED, 0.0, "max_norm", "off"))

    assert visited.asked[1:] == [("unfold", controls.MORE), ("max_norm", "0.1"), ("max_norm", "off")]


def test_a_sentence_in_a_box_for_errors_is_an_error():
    record = taken(Visited(refusals=["A worker died."]))

    assert len(record.faults) == 1
    assert "A worker died." in record.faults[0]


def test_a_run_that_never_finishes_is_lost():
    assert "it never came" in taken(Visited(comes=False)).lost[0]


def test_a_run_whose_curves_end_too_early_is_lost():
    assert "its curves end after 30" in taken(Visited(drawn=30)).lost[0]


def test_on_another_page_the_curves_of_the_lab_are_not_looked_for():
    visited = Visited()
    record = taken(visited, load_lesson.Step(TO_PAGE["dropout"], 0.0, to="dropout"))
    visited._drawn = 0

    assert record.lost == []
    assert len(record.actions) == 2


def test_a_step_that_a_slider_does_not_have_is_one_sentence():
    with pytest.raises(RegcoreError, match="the slider of 'l2' has no step '7'"):
        taken(Visited(), load_lesson.Step(CACHED, 0.0, "l2", "7"))


# --- how many and for how long -----------------------------------------------------------------------------


def test_what_is_not_asked_for_is_as_usual():
    assert load.effort_for(False, None, None, None) == load.FULL
    assert load.effort_for(True, None, None, None) == load.QUICK
    assert load.effort_for(False, "5, 10", 2.0, 0) == load.Effort((5, 10), 2.0, 0)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("0", None, None), "sessions must be whole numbers from 1 to 100 with commas between them, got '0'"),
        (("3;4", None, None), "sessions must be whole numbers"),
        ((None, 0.0, None), "minutes must be a number above 0 and at most 10, got 0.0"),
        ((None, math.nan, None), "minutes must be a number above 0"),
        ((None, None, 9), "tabs must be a whole number from 0 to 4, got 9"),
        (("100", 10.0, None), "sessions must be at most 55 in all for 10 min each"),
    ],
)
def test_what_is_out_of_range_is_refused(asked, sentence):
    with pytest.raises(ConfigError) as refused:
        load.effort_for(False, *asked)
    assert str(refused.value).startswith(sentence)


def test_options_of_the_load_are_handed_to_it(monkeypatch):
    given = {}
    monkeypatch.setattr(load, "run", lambda quick, progress, effort: given.update(effort=effort) or REPORT)

    assert command.main(["load", "--sessions", "4", "--minutes", "0.5", "--tabs", "1"]) == 0
    assert given["effort"] == load.Effort((4,), 0.5, 1)


def test_options_of_the_load_beside_other_benches_are_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["speed", "--tabs", "1"])
    assert ended.value.code == 2
    assert "must stand beside load" in capsys.readouterr().err


# --- from end to end ---------------------------------------------------------------------------------------


class Served:
    """A server that is this process, and has nothing to say."""

    address = "127.0.0.1:1"

    def family(self):
        return [psutil.Process()]

    def faults(self):
        return []


class Guest(Visited):
    """A visitor of it."""

    def __init__(self, address, page, patience=None):
        super().__init__()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def options(self, name):
        return [
            "off",
            *sorted({*load_lesson.PATIENCES, *SHARED, *(to for steps in NEW.values() for to in steps)}),
        ]

    def finish(self):
        time.sleep(0.001)
        return Answer()


def test_a_load_is_measured_and_told(monkeypatch):
    monkeypatch.setattr(load, "serve", lambda: nullcontext(Served()))
    monkeypatch.setattr(visitor, "Visitor", Guest)
    monkeypatch.setattr(load, "SECONDS_TO_ARRIVE", 0.1)
    monkeypatch.setattr(load, "SECONDS_BETWEEN_SAMPLES", 0.2)
    monkeypatch.setattr(load, "SECONDS_TO_LEAVE", 0.0)

    report = load.run(effort=load.Effort((2, 3), 0.01, 0))

    assert [claim.holds for claim in report.claims if "no error" in claim.text] == [True] * 3
    rows = report.json()["tables"]["actions"]["rows"]
    assert {(row["sessions"], row["kind"]) for row in rows} >= {
        (2, UNCACHED),
        (3, UNCACHED),
        (3, TO_PAGE[LAB]),
    }
    assert {row["who"] for row in report.json()["tables"]["usage"]["rows"]} == {
        SERVER, WORKERS, BENCH, BROWSER,
    }  # fmt: skip
    assert "3 sessions" in report.text()


REPORT = Report(title="Load", settings=(), tables=())


@pytest.mark.parametrize(
    ("line", "is_fault"),
    [
        ("Traceback (most recent call last):", True),
        ("2026-11-28 ERROR regcore.store: the database is gone", True),
        ('{"time": "2026-11-28", "level": "error", "message": "the database is gone"}', True),
        ("2026-11-28 INFO regcore: a run was refused run=['data=moons'] error=TooCostlyError", False),
        ('{"level": "info", "message": "a run was refused", "error": "TooCostlyError"}', False),
    ],
)
def test_a_line_of_the_log_tells_of_a_fault_by_its_level(line, is_fault):
    assert bool(FAULT.search(line)) == is_fault
