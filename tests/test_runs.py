"""Runs of a page: one replaces another, and those of a session that has ended do not go on for ever."""

import re
import time
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from pages.ui import runs
from pages.ui.grace import Grace
from regcore.config import Config
from regcore.data import load_dataset
from regcore.errors import BusyError
from regcore.execution import Progress
from regcore.results import HISTORY_COLUMNS, Moment, Recording, Result, Snapshot, Weights


class Recorded:
    """A run under way that only notes that it was cancelled."""

    is_let_go = False

    def __init__(self):
        self.is_cancelled = False

    def progress(self):
        return Progress(0, 100, None, "cancelled" if self.is_cancelled else "running")

    def wait_for_more(self, timeout):
        return True

    def cancel(self):
        self.is_cancelled = True

    def let_go(self):
        self.is_let_go = True


def test_runs_of_a_session_that_has_ended_are_cancelled_by_and_by(monkeypatch):
    grace = Grace(0.05)
    monkeypatch.setattr(runs, "_grace", lambda: grace)
    live = runs.Live({}, Recorded())

    runs._let_go({"lab": live})

    deadline = time.monotonic() + 10
    while not live.run.is_cancelled and time.monotonic() < deadline:
        time.sleep(0.01)
    assert live.run.is_cancelled


def test_a_session_that_was_away_follows_its_runs_again(monkeypatch):
    followed = {}
    monkeypatch.setattr(runs, "_followed", lambda: followed)
    monkeypatch.setattr(runs.state, "n_moves", lambda: 0)
    live = runs.Live({}, Recorded())
    before = live.seen

    runs._polled(lambda *_: None, "lab", live, print, None, 0, 0)

    assert followed == {"lab": live}
    assert live.seen >= before


class Said:
    """Where a page says how far a run is."""

    def __init__(self, clock=None):
        self.clock, self.shown = clock, []

    def caption(self, text):
        self.shown.append((round(self.clock.now - 100.0, 1), text))

    def empty(self):
        self.caption("")


class Endless(Recorded):
    """A run that never ends."""

    def wait_for_more(self, timeout):
        return False


def test_a_knob_that_moves_ends_the_wait_for_a_short_run(monkeypatch):
    looks = []

    def recall(name):
        looks.append(name)
        if len(looks) == 2:
            raise Moved

    monkeypatch.setattr(runs.state, "recall", recall)

    with pytest.raises(Moved):
        runs._wait_a_little(Endless(), "lab", Said())


def test_a_run_that_is_not_short_is_waited_for_no_longer(monkeypatch):
    monkeypatch.setattr(runs.state, "recall", lambda name: None)
    monkeypatch.setattr(runs, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(runs, "NEXT_SECONDS", 0.0)

    runs._wait_a_little(Endless(), "lab", Said())


def waited(monkeypatch, n_owners, pieces, seconds_to_end=None):
    """Return how long a run is waited for of which pieces come at these seconds, and what is said meanwhile.

    Args:
        monkeypatch: Sets the clock.
        n_owners: Sessions that have runs under way.
        pieces: When pieces come; with none left it ends.
        seconds_to_end: When the run ends, as it is told.
    """
    clock = SimpleNamespace(now=100.0)
    said = Said(clock)
    monkeypatch.setattr(runs, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(runs.state, "recall", lambda name: None)

    class Growing(Endless):
        def progress(self):
            n_done = sum(100.0 + seconds <= clock.now for seconds in pieces)
            left = None if seconds_to_end is None else 100.0 + seconds_to_end - clock.now
            return Progress(n_done, 100, left, "running", rounds=n_done, n_owners=n_owners)

        def wait_for_more(self, timeout):
            to_come = [100.0 + seconds - clock.now for seconds in pieces if 100.0 + seconds > clock.now]
            clock.now += min([timeout, *to_come])
            return False

    runs._wait_a_little(Growing(), "lab", said, n_owners)
    return clock.now - 100.0, said.shown


@pytest.mark.parametrize(("n_owners", "seconds"), [(1, 0.5), (2, 0.5), (3, 0.75), (10, 2.5), (60, 5.0)])
def test_with_many_that_train_a_run_is_waited_for_longer(n_owners, seconds, monkeypatch):
    pieces = [0.1 * number for number in range(60)]
    took, _ = waited(monkeypatch, n_owners, pieces, seconds_to_end=seconds)

    assert took == pytest.approx(seconds, abs=0.26)


@pytest.mark.parametrize("seconds_to_end", [None, 2.7, 60.0])
def test_one_that_will_not_have_ended_is_drawn_after_a_second(seconds_to_end, monkeypatch):
    took, said = waited(monkeypatch, 10, [0.1 * number for number in range(60)], seconds_to_end)

    assert took == pytest.approx(1.0, abs=0.2)
    assert said == []


def test_how_far_a_run_is_that_is_waited_for_is_told_each_second_and_not_after_it(monkeypatch):
    _, said = waited(monkeypatch, 10, [0.1 * number for number in range(60)], seconds_to_end=2.4)

    assert [at for at, _ in said] == pytest.approx([1.0, 2.0, 2.5], abs=0.2)
    first, second, last = (text for _, text in said)
    told = r"Training, [12]\d %, about \d.* left, shared with 9 others"
    assert all(re.fullmatch(told, text) for text in (first, second)), said
    assert last == ""


def test_nothing_is_said_of_a_short_run(monkeypatch):
    assert waited(monkeypatch, 2, [0.1, 0.3])[1] == []


@pytest.mark.parametrize(
    ("pieces", "seconds"),
    [([0.07, 0.33, 0.6], 0.6), ([0.07, 0.33, 0.9], 0.65), ([], 0.65), ([0.07, 0.48, 0.6], 0.5)],
    ids=["it comes", "it does not", "none came", "one has just come"],
)
def test_a_piece_that_is_about_to_come_is_waited_for(pieces, seconds, monkeypatch):
    assert waited(monkeypatch, 1, pieces)[0] == pytest.approx(seconds, abs=1.01 * runs.LOOK_SECONDS)


class Moved(BaseException):
    """What Streamlit stops a run of the page with, at its next touch of the session, when a knob moves."""


def test_a_run_that_was_submitted_as_the_knobs_moved_on_is_cancelled(monkeypatch):
    submitted = Recorded()

    def keep(place, live):
        if live is not None:
            raise Moved

    monkeypatch.setattr(runs.state, "recall", lambda name: None)
    monkeypatch.setattr(runs.state, "keep", keep)
    monkeypatch.setattr(runs, "_followed", dict)
    monkeypatch.setattr(runs, "_submit", lambda *_: submitted)

    with pytest.raises(Moved):
        runs.follow("lab", {})

    assert submitted.is_cancelled


@pytest.mark.parametrize("n_moves, drawn", [(3, ["panel"]), (2, [])], ids=["as before", "moved within it"])
def test_a_part_of_the_page_whose_words_moved_a_knob_leaves_it_to_the_whole_page(monkeypatch, n_moves, drawn):
    def rerun():
        raise Moved

    shown = []
    monkeypatch.setattr(runs, "_followed", dict)
    monkeypatch.setattr(runs.state, "n_moves", lambda: 3)
    monkeypatch.setattr(runs.st, "rerun", rerun)

    with nullcontext() if drawn else pytest.raises(Moved):
        live = runs.Live({}, Recorded())
        runs._polled(lambda *_: shown.append("panel"), "l2", live, print, None, 0, n_moves)

    assert shown == drawn


def test_the_same_on_other_data_is_another_run(monkeypatch):
    kept = {}
    monkeypatch.setattr(runs.state, "recall", kept.get)
    monkeypatch.setattr(runs.state, "keep", kept.__setitem__)
    monkeypatch.setattr(runs, "_followed", dict)
    monkeypatch.setattr(runs, "_submit", lambda *_: Recorded())
    other = load_dataset(Config(data="iris", n_train=9, n_val=4))

    first, again = (runs.follow("split", {}, dataset=DATASET) for _ in range(2))
    second = runs.follow("split", {}, dataset=other)

    assert first is again
    assert second is not first
    assert first.run.is_cancelled and first.run.is_let_go
    assert not second.run.is_let_go


DATASET = load_dataset(Config(data="iris", n_train=8, n_val=4))
ASKED = Config(data="iris", n_train=8, n_val=4, hidden=(), epochs=4, seeds=1, members=3, l2=0.1)
CURVE = (0.5, 0.4, 0.3, 0.6)


class Fixed:
    """A run that trained one network a member, whose validation loss is `CURVE`."""

    is_let_go = False

    def __init__(self, config=ASKED, state="done", done_steps=100, name="this run"):
        self.configs, self.state, self.done_steps = {name: config}, state, done_steps
        self.n_read = 0

    def progress(self):
        return Progress(self.done_steps, 100, None, self.state)

    def results(self, partial):
        self.n_read += 1
        return {name: self.result(config) for name, config in self.configs.items()}

    def result(self, config):
        history = np.zeros((len(CURVE), 12))
        history[:, HISTORY_COLUMNS.index("val_loss")] = CURVE
        recordings = {(0, member): Recording("", history) for member in range(config.members)}
        return Result(config, DATASET, recordings, self.recall)

    def recall(self, moments):
        return dict.fromkeys(moments, Snapshot(Weights((), ()), {"val": np.zeros((4, 3))}))

    def probe(self, name, probe, seed, member=0):
        return {1: (name, probe, seed, member)}


def live_of(run, **changes):
    return runs.Live({"this run": ASKED.replace(**changes)}, run)


@pytest.mark.parametrize(
    ("changes", "is_read_off"),
    [
        ({}, True),
        ({"patience": 2}, True),
        ({"min_delta": 0.1, "start_from_epoch": 1, "restore_best_weights": False}, True),
        ({"members": 2, "patience": 1}, True),
        ({"members": 4}, False),
        ({"l2": 0.2}, False),
        ({"seeds": 2}, False),
        ({"patience": 2, "epochs": 5}, False),
    ],
)
def test_stopping_and_fewer_members_are_read_off_a_training(changes, is_read_off):
    found = runs.source_of(ASKED.replace(**changes), {"this run": ASKED})

    assert found == ("this run" if is_read_off else None)


def test_a_moved_patience_is_read_off_the_recording():
    live = live_of(Fixed())
    before = live.results()["this run"]

    assert live.turn_to({"this run": ASKED.replace(patience=1, members=2)})

    after = live.results()["this run"]
    assert before.stops["restored_epoch"].tolist() == [4, 4, 4]
    assert after.stops["restored_epoch"].tolist() == [3, 3]
    assert after.config == ASKED.replace(patience=1, members=2)
    assert after.config is live.configs["this run"], "the one that pages have: they look for it again"
    assert live.is_turned


def test_what_was_trained_is_no_longer_turned():
    live = live_of(Fixed())

    live.turn_to({"this run": ASKED.replace(patience=1)})
    live.turn_to({"this run": ASKED})

    assert not live.is_turned


def test_a_run_is_not_turned_to_what_it_did_not_train():
    live = live_of(Fixed())

    assert not live.turn_to({"this run": ASKED.replace(l2=0.5)})
    assert live.configs == {"this run": ASKED}


def test_early_stopping_alone_is_read_off_the_baseline():
    live = runs.Live({"baseline": ASKED.plain()}, Fixed(ASKED.plain(), name="baseline"))
    stopped = ASKED.plain().replace(patience=1)

    assert live.turn_to({"baseline": ASKED.plain(), "this run": stopped})

    assert live.results()["this run"].stops["restored_epoch"].tolist() == [3]
    assert live.recorded("this run", "landscape", 0) == [{1: ("baseline", "landscape", 0, 0)}]


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_a_run_that_did_not_end_well_is_not_turned(state):
    assert not live_of(Fixed(state=state)).turn_to({"this run": ASKED.replace(patience=1)})


def test_a_run_under_way_is_turned_only_if_all_of_it_is_of_use():
    run = Fixed(state="running")
    run.configs["baseline"] = ASKED.plain()
    live = runs.Live(dict(run.configs), run)

    assert not live.turn_to({"baseline": ASKED.plain()})
    assert live.turn_to({"baseline": ASKED.plain(), "this run": ASKED.replace(patience=1)})


def test_results_are_the_same_objects_until_there_is_more():
    run = Fixed(state="running", done_steps=50)
    live = live_of(run)

    first, second = live.results(), live.results()
    run.done_steps = 60
    third = live.results()

    assert first is second
    assert third is not first
    assert run.n_read == 2


def test_a_result_that_is_not_turned_is_the_same_object():
    run = Fixed(name="baseline")
    run.configs["this run"] = ASKED.replace(l2=0.5)
    live = runs.Live(dict(run.configs), run)
    before = live.results()

    live.turn_to(run.configs | {"this run": ASKED.replace(l2=0.5, patience=1)})
    after = live.results()

    assert after["baseline"] is before["baseline"]
    assert after["this run"].config.patience == 1
    assert run.n_read == 1


def test_runs_of_which_the_same_was_recorded_are_one_to_all_sessions_once_they_are_done(monkeypatch):
    run = Fixed()
    recorded = run.results(partial=True)
    monkeypatch.setattr(run, "results", lambda partial: recorded)

    assert live_of(run).shared_key() is not None
    # Which epoch is kept is told by what is read off the run, not by the run.
    assert live_of(run).shared_key() == live_of(run, patience=1).shared_key()
    # What was let go and trained again is the same, and another configuration is not.
    assert live_of(run).shared_key() == live_of(Fixed()).shared_key()
    assert live_of(run).shared_key() != live_of(Fixed(ASKED.replace(l2=0.5)), l2=0.5).shared_key()
    assert live_of(Fixed(ASKED.replace(epochs=5)), epochs=5).shared_key() is None


def test_what_had_to_be_trained_again_is_noted_until_the_next_turn():
    live = live_of(Fixed())

    live.results()["this run"].metrics("val")
    assert live.recalled == {Moment(0, member, 4) for member in range(3)}

    live.turn_to({"this run": ASKED.replace(patience=1)})
    assert live.recalled == set()


@pytest.mark.parametrize(
    ("data", "is_there", "said"),
    [
        ("mnist", False, ["Downloading MNIST, once for this machine"]),
        ("mnist", True, []),
        ("digits", False, []),
    ],
)
def test_a_download_is_not_waited_for_without_a_word(monkeypatch, data, is_there, said):
    heard = []

    def spinner(text, show_time):
        heard.append(text)
        return nullcontext()

    monkeypatch.setattr(runs.st, "spinner", spinner)
    monkeypatch.setattr(runs, "has_keras_images", lambda name: is_there)
    monkeypatch.setattr(runs, "submit", lambda configs, dataset, owner, probes: Recorded())
    monkeypatch.setattr(runs.state, "owner", lambda: "somebody")
    runs._submit({"a": Config(data=data), "b": Config(data=data, l2=0.1)}, None, (), None)
    assert heard == said


def test_a_run_whose_recording_made_way_for_others_is_asked_for_again(monkeypatch):
    kept, followed, seen = {}, {}, []
    gone = Fixed()
    monkeypatch.setattr(runs.state, "recall", kept.get)
    monkeypatch.setattr(runs.state, "keep", kept.__setitem__)
    monkeypatch.setattr(runs, "_followed", lambda: followed)
    monkeypatch.setattr(runs, "_held", lambda: Seen(seen))
    submitted = iter([gone, Recorded()])
    monkeypatch.setattr(runs, "_submit", lambda *_: next(submitted))
    gone.wait_for_more, gone.cancel = lambda timeout: True, lambda: None
    first = runs.follow("lab", {"this run": ASKED})
    assert runs.follow("lab", {"this run": ASKED}) is first

    gone.is_let_go = True

    again = runs.follow("lab", {"this run": ASKED})
    assert again is not first
    assert followed == {"lab": again}
    assert seen == [gone, gone, gone]


class Seen:
    """Notes which runs were seen."""

    def __init__(self, seen):
        self.see = seen.append


@pytest.mark.parametrize(("every", "is_drawn"), [(2.0, True), (1.0, False)])
def test_a_page_that_looks_at_its_run_far_too_often_runs_anew(monkeypatch, every, is_drawn):
    def rerun():
        raise Moved

    drawn = []
    crowd = Recorded()
    # Thirty-two sessions are looked at every four seconds.
    crowd.progress = lambda: Progress(0, 100, None, "running", n_owners=32)
    monkeypatch.setattr(runs, "_followed", dict)
    monkeypatch.setattr(runs.state, "n_moves", lambda: 0)
    monkeypatch.setattr(runs.st, "rerun", rerun)

    with nullcontext() if is_drawn else pytest.raises(Moved):
        live = runs.Live({}, crowd, last_polled=1)
        runs._polled(lambda *_: drawn.append("panel"), "lab", live, print, every, 1, 0)

    assert drawn == ["panel"] * is_drawn


@pytest.mark.parametrize(
    ("left", "every", "n_waits"),
    [(0.1, 0.5, 3), (0.6, 0.5, 0), (0.6, 1.4, 3), (0.9, 5.0, 3), (2.0, 5.0, 0), (None, 0.5, 0)],
)
def test_a_run_that_is_about_to_end_is_waited_for(monkeypatch, left, every, n_waits):
    waited, touched, soon = [], [], Recorded()
    soon.progress = lambda: Progress(90, 100, left, "running")
    soon.wait = lambda timeout: waited.append(timeout) or len(waited) == 3
    monkeypatch.setattr(runs, "_followed", dict)
    monkeypatch.setattr(runs.state, "n_moves", lambda: 0)
    monkeypatch.setattr(runs.state, "recall", touched.append)

    runs._polled(lambda *_: None, "lab", runs.Live({}, soon, last_polled=0), print, every, 0, 0)

    assert len(waited) == n_waits
    # A knob that moves meanwhile ends the page at a touch of its session.
    assert len(touched) >= n_waits


@pytest.mark.parametrize(
    ("n_owners", "left", "seconds"),
    [
        (1, None, 0.5),
        (1, 0.3, 0.5),
        (1, 1.3, 0.5),
        (8, None, 2.0),
        # One look, and it is at the end; then one on the way, and two.
        (8, 1.5, 1.5),
        (8, 3.0, 1.5),
        (8, 4.8, 1.6),
        (8, 0.2, 1.0),
    ],
)
def test_a_look_falls_on_the_end_of_a_run(monkeypatch, n_owners, left, seconds):
    run = Recorded()
    run.progress = lambda: Progress(10, 100, left, "running", n_owners=n_owners)
    monkeypatch.setattr(runs, "read_settings", lambda: SimpleNamespace(poll_seconds=0.5))

    live = runs.Live({}, run)
    assert runs._until_a_look(live, runs._poll_seconds(live)) == pytest.approx(seconds)


def test_all_parts_of_a_page_look_at_the_same_time(monkeypatch):
    looks = []
    run = Recorded()
    left = [3.2, 3.2, 2.9, 2.9, 2.4, 2.4]
    run.progress = lambda: Progress(10, 100, left.pop(0), "running", n_owners=8)
    monkeypatch.setattr(runs, "read_settings", lambda: SimpleNamespace(poll_seconds=0.5))
    monkeypatch.setattr(runs.state, "n_moves", lambda: 0)
    monkeypatch.setattr(
        runs.st, "fragment", lambda _, run_every: looks.append(run_every) or (lambda *_: None)
    )
    live = runs.Live({}, run)
    live.begin_page()
    for _ in range(3):
        runs.show_results("lab", live, print)

    assert looks == [pytest.approx(1.6)] * 3
    run.progress = lambda: Progress(100, 100, None, "done")
    live.begin_page()
    runs.show_results("lab", live, print)
    assert looks[-1] is None


class Ended(Recorded):
    """A run that was at half of its steps when it was first asked, and has ended since."""

    def __init__(self, state="done"):
        super().__init__()
        self.progresses = [Progress(50, 100, None, "running")]
        self.end = Progress(100, 100, None, state)

    def progress(self):
        return self.progresses.pop() if self.progresses else self.end


@pytest.mark.parametrize(
    ("state", "n_looks", "part", "is_drawn"),
    [
        ("done", 1, 0, True),
        ("done", 1, 1, False),
        # The last part did not come.
        ("done", 2, 0, False),
        ("cancelled", 1, 0, False),
        ("failed", 1, 0, False),
    ],
)
def test_the_last_part_has_the_whole_page_see_that_a_run_is_done(monkeypatch, state, n_looks, part, is_drawn):
    def rerun():
        raise Moved

    told = []
    live = runs.Live({}, Ended(state), n_parts=2, last_polled=1)
    live.progress()
    monkeypatch.setattr(runs, "_followed", dict)
    monkeypatch.setattr(runs, "_held", lambda: SimpleNamespace(see=lambda run: None))
    monkeypatch.setattr(runs.state, "n_moves", lambda: 0)
    monkeypatch.setattr(runs.st, "rerun", rerun)

    def look():
        runs._polled(lambda *_: told.append(live.progress().done_steps), "lab", live, print, 0.5, part, 0)

    for _ in range(n_looks - 1):
        look()
    told.clear()
    with nullcontext() if is_drawn else pytest.raises(Moved):
        look()
    # Until then the part stays as it was.
    assert told == [50] * is_drawn

    live.begin_page()
    assert live.progress().done_steps == 100


def test_a_busy_machine_takes_the_place_of_the_run_that_is_replaced(monkeypatch):
    before, after = runs.Live({}, Recorded()), Recorded()

    def submit(configs, dataset, owner, probes):
        if not before.run.is_cancelled:
            raise BusyError("64 runs train or wait")
        return after

    monkeypatch.setattr(runs, "submit", submit)
    monkeypatch.setattr(runs.state, "owner", lambda: "somebody")

    assert runs._submit({"a": ASKED}, None, (), before) is after
