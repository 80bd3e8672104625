"""The desk of a visitor: what the run table has outlives sessions, servers and faults of the database."""

import re
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.ui import cards, desk, shelf
from regcore import store
from regcore.execution import fingerprint
from regcore.figures import BASELINE, THIS_RUN
from regcore.hosting.desk import NAME
from regcore.store import Store, database
from regcore.store.keeper import Status
from tests.opened_runs import errors
from tests.test_pages import TINY, open_app
from tests.test_pages_shelf import button, edit, eyes, move, overlaid

VISITOR = "v" * 64
# The run table and the seal of results that were made by hand.
PAGE = """
import streamlit as st
from pages.ui import seal, shelf, words
results = st.session_state.results
shelf.add(words.what_is_on(list(results.values())[-1].config), results)
shelf.show(results)
seal.show(results)
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Give a database of one file, and a visitor whom pages know."""
    # No session and no server has a visitor's cookie here.
    monkeypatch.setattr(desk, "name", lambda: VISITOR)
    monkeypatch.setenv("REGCORE_DATABASE", f"sqlite:///{tmp_path}/data/lab.sqlite")
    (tmp_path / "data").mkdir()
    # The machine may be busy with other tests.
    monkeypatch.setattr(desk, "SECONDS_TO_KEEP", 30.0)
    store.stop_keeper()
    yield tmp_path / "data" / "lab.sqlite"
    store.stop_keeper()


@pytest.fixture
def here(monkeypatch):
    """Know the engine of this machine without asking a worker."""
    monkeypatch.setattr(desk, "fingerprint", lambda seconds: "a" * 16)


def restart():
    """End what the server has of the database, as its death would."""
    store.stop_keeper(0.0)


def page(*penalties):
    """Open the run table in a new session, after runs with these L2 penalties, one after the other."""
    app = AppTest.from_string(PAGE, default_timeout=60)
    for l2 in penalties:
        turn_to(app, l2)
    return app


def turn_to(app, l2):
    app.session_state["results"] = {
        BASELINE: errors([0.3, 0.4, 0.4], [0.4, 0.4, 0.5]),
        THIS_RUN: errors([0.1, 0.2, 0.3], [0.1, 0.3, 0.3], l2=l2),
    }
    app.run()
    assert not app.exception
    return app


def rename(app, at, name):
    [field for field in edit(app).text_input if field.label == "Name"][at].set_value(name).run()


def kept_names():
    return [kept.placed.name for kept in store.own_keeper().read(lambda each: each.desk(VISITOR)).kept]


def all_written():
    """Wait until everything is written, and return what is."""
    kept_by = store.own_keeper()
    with kept_by._changed:
        kept_by._changed.wait_for(lambda: not kept_by._n_left() and kept_by._problem is None, 30)
    return kept_names()


def markdown(app):
    return [element.value for element in app.markdown]


def about(app):
    """Return the lines of the run table: the baseline, this run, earlier runs."""
    return [text for text in markdown(app) if text.startswith(":small[Two moons")]


def warnings(app):
    return [element.value for element in app.warning]


# --- in the Lab, with real trainings -----------------------------------------------------------------------


def test_after_a_restart_the_run_table_of_the_lab_is_as_it_was(file):
    lab = move(open_app("pages/lab.py", TINY + "&dropout_hidden=0.5"), 0.4)
    rename(lab, 1, "mine")
    button(lab, "Pin", 1).click().run()
    before = eyes(lab), overlaid(lab)
    result = lab.session_state["lab.kept.lab"].run.results()[THIS_RUN]
    (_, kept) = store.own_keeper().read(lambda each: each.desk(VISITOR)).kept
    assert kept.run.made.engine == fingerprint()
    assert store.own_keeper().read(lambda each: each.history(kept.placed.run)).equals(result.history)
    all_written()

    restart()
    lab = open_app("pages/lab.py", TINY + "&dropout_hidden=0.4")

    assert not lab.exception
    assert (eyes(lab), overlaid(lab)) == before
    assert overlaid(lab) == ["baseline", "this run", "mine"]
    assert [each.label for each in lab.button if each.label in ("Pin", "Unpin")] == ["Pin", "Unpin"]
    lab.session_state[shelf.DIFFERENCES] = True
    lab.run().selectbox(key="shelf.from").set_value("mine").run()
    fields, metrics = (table.value for table in lab.table[-2:])
    assert fields.to_dict("records") == [{"Field": "hidden dropout", "Mine": "0.5", "This run": "0.4"}]
    assert set(metrics["Lower on"].str[-4:]) == {"of 2"}


# --- what is kept ------------------------------------------------------------------------------------------


def test_a_finished_run_is_on_the_disk_when_the_page_has_drawn_it(file, here):
    page(0.1)

    assert kept_names() == ["L2 0.1"]


DRAWN_WHEN_KEPT = """
import streamlit as st
from pages.ui import shelf
shelf.once_kept("mine", st.session_state.draw)(st.session_state.results)
"""


@pytest.fixture
def slowly(monkeypatch):
    """Have a run written later than its page is drawn."""
    put = Store.put

    def put_slowly(*args):
        time.sleep(0.3)
        put(*args)

    monkeypatch.setattr(Store, "put", put_slowly)


def drawn_when_kept(results):
    """Return what was kept whenever a page drew these results, which draws them when they are kept."""
    there = []
    app = AppTest.from_string(DRAWN_WHEN_KEPT, default_timeout=60)
    app.session_state["results"] = results
    app.session_state["draw"] = lambda _: there.append(kept_names())
    app.run()
    assert not app.exception
    return there


def test_nobody_sees_that_a_run_is_done_before_it_is_kept(file, here, slowly):
    assert drawn_when_kept({THIS_RUN: errors([0.1, 0.2], [0.1, 0.3], l2=0.1)}) == [["mine"]]


def test_a_run_that_still_grows_is_drawn_at_once_and_not_kept(file, here):
    growing = errors([0.1, 0.2], [0.1, 0.3], l2=0.1)
    del growing.recordings[1, 0]

    assert drawn_when_kept({THIS_RUN: growing}) == [[]]


def test_the_lab_shows_no_answer_before_the_run_is_kept(file, here, slowly, monkeypatch):
    there = []
    for part in ("verdict", "table"):
        draw = getattr(cards, part)

        def draw_and_look(results, draw=draw):
            if all(result.is_complete for result in results.values()):
                there.append(kept_names())
            draw(results)

        monkeypatch.setattr(cards, part, draw_and_look)

    lab = open_app("pages/lab.py", TINY + "&dropout_hidden=0.5")

    assert not lab.exception
    assert there and set(map(tuple, there)) == {("hidden dropout 0.5",)}


def test_a_knob_that_moves_while_a_run_is_written_is_not_kept_waiting(monkeypatch):
    class MovedError(Exception):
        pass

    def recall(name):
        looks.append(name)
        if len(looks) == 2:
            raise MovedError
        return 1

    looks, kept_by = [], SimpleNamespace(flush=lambda seconds, until: False, status=lambda: Status(None, 1))
    monkeypatch.setattr(desk, "_found", lambda: ("desk", kept_by))
    monkeypatch.setattr(desk.state, "recall", recall)

    with pytest.raises(MovedError):
        desk.wait_until_kept()


class DoneRun:
    """A run whose end the test tells."""

    def __init__(self, results):
        self.results = lambda: results
        self.waiting = []
        self.when_done = self.waiting.append


def test_a_run_is_kept_when_it_is_done_and_no_page_is_there_to_see_it(file, here):
    run = DoneRun(
        {BASELINE: errors([0.3, 0.4], [0.4, 0.4]), THIS_RUN: errors([0.1, 0.2], [0.1, 0.3], l2=0.1)}
    )
    desk.expect("L2 0.1", run, shelf.entry_of)
    run.waiting.pop()()

    assert all_written() == ["L2 0.1"]
    (kept,) = store.own_keeper().read(lambda each: each.desk(VISITOR)).kept
    assert kept.baseline.config == kept.run.config.plain()


def test_a_run_that_is_on_the_desk_keeps_its_name_when_it_is_done_again(file, here):
    app = page(0.1)
    rename(app, 0, "mine")
    run = DoneRun(app.session_state["results"])
    desk.expect("L2 0.1", run, shelf.entry_of)
    run.waiting.pop()()

    assert all_written() == ["mine"]


def test_an_ensemble_that_would_have_to_be_trained_again_is_left_to_its_page(file, here):
    lost = errors([0.1, 0.2], [0.1, 0.3], members=2)
    lost = replace(
        lost, recordings={(seed, member): lost.recordings[seed, 0] for seed in (0, 1) for member in (0, 1)}
    )
    run = DoneRun({BASELINE: lost})
    desk.expect("2 members", run, shelf.entry_of)
    run.waiting.pop()()

    assert all_written() == []


def test_what_is_removed_stays_away_and_eyes_stay_shut(file, here):
    app = page(0.1, 0.2, 0.3)
    button(edit(app), "Remove", 1).click().run()
    for label in ("L2 0.2", "baseline"):
        next(box for box in app.checkbox if box.label == label).uncheck().run()
    all_written()

    restart()

    assert eyes(page(0.3)) == {"baseline": False, "this run": True, "L2 0.2": False}


def test_without_a_visitor_nothing_is_written(file, here, monkeypatch):
    monkeypatch.setattr(desk, "name", lambda: None)

    app = page(0.1)

    assert "Runs of this session" in [each.value for each in app.subheader]
    assert not file.exists()


@pytest.mark.parametrize(("cookies", "n_letters"), [({}, 0), ({NAME: "guessed"}, 0), ({NAME: "A" * 22}, 64)])
def test_a_visitor_is_known_by_a_digest_of_the_cookie(monkeypatch, cookies, n_letters):
    monkeypatch.setattr(type(st.context), "cookies", cookies)

    name = desk.name() or ""

    assert len(name) == n_letters
    assert "A" * 22 not in name


def test_two_tabs_of_one_browser_keep_the_runs_of_both(file, here):
    one, other = page(0.1), page(0.2)
    turn_to(one, 0.3)
    turn_to(other, 0.4)
    all_written()

    restart()

    assert list(eyes(page(0.4)))[2:] == ["L2 0.3", "L2 0.2", "L2 0.1"]


def test_an_earlier_run_tells_what_it_was_against_its_own_baseline(file, here):
    page(0.1, 0.2)

    restart()

    line = about(page(0.2))[2]
    # Differences of -.2, -.2 and -.1.
    assert line.endswith("error **20.0**&nbsp;%, −16.7 against its baseline (better)]")


def test_of_an_earlier_run_its_time_and_its_history_can_be_had(file, here):
    app = page(0.1, 0.2)

    restart()
    app = edit(page(0.2))

    assert any(
        re.fullmatch(r":small\[Trained on \d{4}-\d\d-\d\d at \d\d:\d\d UTC\.\]", text)
        for text in markdown(app)
    )
    (kept, _) = app.session_state["lab.kept.shelf.runs"]
    csv = desk.history_of(kept)().splitlines()
    assert csv[0].startswith("seed,member,epoch,objective,penalty,train_loss,val_loss,")
    assert len(csv) == 1 + 3
    assert "History (.csv)" in [each.proto.label for each in app.get("download_button")]


def test_openings_of_the_test_are_counted_on(file, here):
    app = page(0.1)
    assert "It would be opening 1 of this browser." in [each.value for each in app.caption]
    app.button(key="seal.open").click().run()
    before = app.table[-1].value

    restart()
    app = page(0.1)

    assert app.table[-1].value.equals(before)
    assert "**Opened once in this browser, for 1 run:**" in markdown(app)
    app.button(key="seal.open").click().run()
    assert app.table[-1].value["Remark"].tolist() == [
        "first look at these test rows",
        "the same run again, as in opening 1",
    ]


def test_a_run_that_another_engine_has_made_is_labelled_until_it_is_trained_here(file, here, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(desk, "fingerprint", lambda seconds: "e" * 16)
        page(0.1, 0.2)

    restart()

    app = page(0.2)
    assert [shelf.ELSEWHERE in text for text in about(app)] == [False, False, True]
    turn_to(app, 0.1)
    assert [shelf.ELSEWHERE in text for text in about(app)] == [False, False, False]
    assert kept_names() == ["L2 0.2", "L2 0.1"]


# --- faults of the database --------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch):
    """Wait for no lock, and try again at once."""
    monkeypatch.setattr("regcore.store.database.PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr("regcore.store.keeper.FIRST_PAUSE", 0.02)


def test_while_the_file_is_locked_the_page_goes_on_and_says_it_in_one_sentence(file, here, impatient):
    app = page(0.1)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        turn_to(app, 0.2).run()

        assert list(eyes(app)) == ["baseline", "this run", "L2 0.1"]
        assert warnings(app) == [f"The database lab.sqlite is locked by another program. {desk.MEANWHILE}"]
        other.execute("ROLLBACK")

    assert all_written() == ["L2 0.1", "L2 0.2"]
    assert warnings(app.run()) == []


def test_while_the_disk_is_full_the_page_goes_on_and_says_it_in_one_sentence(
    file, here, impatient, monkeypatch
):
    app = page(0.1)
    set_up = database._set_up_sqlite

    def set_up_without_room(connection, record):
        set_up(connection, record)
        connection.execute("PRAGMA max_page_count = 1")

    store.own_keeper()._store.database.close()
    with monkeypatch.context() as full:
        full.setattr(database, "_set_up_sqlite", set_up_without_room)
        # Each run has curves and a history of its own, for which there is no page left.
        full.setattr(desk, "packed_history", lambda result: bytes(100_000))
        turn_to(app, 0.2).run()

        assert list(eyes(app)) == ["baseline", "this run", "L2 0.1"]
        assert warnings(app) == [f"The disk of the database lab.sqlite is full. {desk.MEANWHILE}"]

    assert all_written() == ["L2 0.1", "L2 0.2"]
    assert warnings(app.run()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no file that is open")
def test_a_file_that_was_taken_away_has_all_runs_of_the_session_again(file, here, impatient):
    app = page(0.1, 0.2)
    app.button(key="seal.open").click().run()
    rename(app, 1, "mine")
    all_written()
    for part in file.parent.glob("lab.sqlite*"):
        part.unlink()

    # The next change finds it gone, and the page after that hands over what it has.
    button(app, "Pin", 1).click().run()
    all_written()
    app.run()

    assert all_written() == ["mine", "L2 0.2"]
    restart()
    app = page(0.2)
    assert list(eyes(app)) == ["baseline", "this run", "mine"]
    assert "**Opened once in this browser, for 1 run:**" in markdown(app)


def test_a_file_of_something_else_is_refused_by_name_and_the_page_works(file, here):
    file.write_bytes(b"Dear all, " * 1000)

    app = page(0.1, 0.2)

    assert list(eyes(app)) == ["baseline", "this run", "L2 0.1"]
    (sentence,) = warnings(app)
    assert sentence.startswith("The database lab.sqlite is damaged or no database, so nothing is written")
    assert file.read_bytes() == b"Dear all, " * 1000


def test_runs_of_before_come_when_a_database_that_was_away_is_back(file, here, impatient):
    page(0.1, 0.2)
    restart()
    away = file.parent.rename(file.parent.with_name("away"))
    app = page(0.3)
    assert list(eyes(app)) == ["baseline", "this run"]
    assert warnings(app) == [f"The database lab.sqlite cannot be reached. {desk.MEANWHILE}"]

    away.rename(file.parent)
    all_written()
    app.run()

    assert list(eyes(app)) == ["baseline", "this run", "L2 0.2", "L2 0.1"]
    assert warnings(app) == []


class KeeperAt:
    """A keeper in some state, as far as a page asks it."""

    def __init__(self, problem, n_waiting):
        self.now = Status(problem, n_waiting)

    def status(self):
        return self.now


@pytest.mark.parametrize(
    ("problem", "n_waiting", "told", "is_settled"),
    [
        (None, 0, None, True),
        (None, 2, None, False),
        ("locked", 2, None, True),
        ("locked", 2, "locked", False),
        (None, 0, "locked", True),
    ],
)
def test_a_write_that_took_long_is_looked_at_until_it_is_there_or_something_is_wrong(
    problem, n_waiting, told, is_settled
):
    assert desk._is_settled(KeeperAt(problem, n_waiting), told) is is_settled


def test_a_write_that_is_there_by_now_is_not_looked_at_again(monkeypatch):
    kept, watched = {desk._UNSURE: True}, []
    monkeypatch.setattr(desk.state, "recall", kept.get)
    monkeypatch.setattr(desk.state, "keep", kept.__setitem__)
    monkeypatch.setattr(desk, "_watch", watched.append)
    monkeypatch.setattr(desk, "_found", lambda: ("desk", KeeperAt(None, 0)))

    desk.show_problem()

    assert (watched, kept[desk._UNSURE]) == ([], None)
