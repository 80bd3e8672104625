"""The desk of a visitor in the Lab: what the run table has outlives sessions and servers."""

import re

import pytest
import streamlit as st

from pages.ui import desk, shelf
from regcore import store
from regcore.execution import fingerprint
from regcore.hosting.desk import NAME
from tests.test_pages import TINY, open_app
from tests.test_pages_shelf import button, eyes, move, overlaid

VISITOR = "v" * 64


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Give a database of one file, and a visitor whom pages know."""
    # No session and no server has a visitor's cookie here.
    monkeypatch.setattr(desk, "name", lambda: VISITOR)
    monkeypatch.setenv("REGCORE_DATABASE", f"sqlite:///{tmp_path / 'lab.sqlite'}")
    store.stop_keeper()
    yield tmp_path / "lab.sqlite"
    store.stop_keeper()


def restart():
    """End what the server has of the database, as its death would."""
    store.stop_keeper(0.0)


def open_lab(query="&dropout_hidden=0.5"):
    return open_app("pages/lab.py", TINY + query)


def rename(app, at, name):
    [field for field in app.text_input if field.label == "Name"][at].set_value(name).run()


def kept_names():
    return [kept.placed.name for kept in store.own_keeper().read(lambda each: each.desk(VISITOR)).kept]


def test_after_a_restart_the_run_table_is_as_it_was(file):
    lab = move(move(open_lab(), 0.4), 0.3)
    rename(lab, 1, "mine")
    button(lab, "Pin", 2).click().run()
    before = eyes(lab), overlaid(lab)
    store.own_keeper().flush(10)

    restart()
    lab = open_lab("&dropout_hidden=0.3")

    assert not lab.exception
    assert (eyes(lab), overlaid(lab)) == before
    assert overlaid(lab) == ["baseline", "this run", "mine", "hidden dropout 0.5"]
    assert [each.label for each in lab.button if each.label in ("Pin", "Unpin")] == ["Pin", "Pin", "Unpin"]
    lab.selectbox(key="shelf.from").set_value("mine").run()
    lab.selectbox(key="shelf.to").set_value("hidden dropout 0.5").run()
    fields, metrics = (table.value for table in lab.table[-2:])
    assert fields.to_dict("records") == [
        {"Field": "hidden dropout", "Mine": "0.4", "Hidden dropout 0.5": "0.5"}
    ]
    assert metrics["Metric"].tolist() == ["Error, %", "Data loss", "Brier score"]
    assert set(metrics["Lower on"].str[-4:]) == {"of 2"}


def test_a_finished_run_is_on_the_disk_when_the_page_has_drawn_it(file):
    open_lab()

    assert kept_names() == ["hidden dropout 0.5"]


def test_what_is_removed_stays_away(file):
    lab = move(open_lab(), 0.4)
    button(lab, "Remove").click().run()
    store.own_keeper().flush(10)

    restart()

    assert list(eyes(open_lab("&dropout_hidden=0.4"))) == ["baseline", "this run"]


def test_without_a_visitor_nothing_is_written(file, monkeypatch):
    monkeypatch.setattr(desk, "name", lambda: None)

    lab = open_lab()

    assert "Runs of this session" in [each.value for each in lab.subheader]
    assert not file.exists()


def test_the_history_of_a_kept_run_is_that_of_its_training(file):
    lab = open_lab()
    result = lab.session_state["lab.kept.lab"].run.results()["this run"]
    (kept,) = store.own_keeper().read(lambda each: each.desk(VISITOR)).kept

    assert kept.run.made.engine == fingerprint()
    assert store.own_keeper().read(lambda each: each.history(kept.placed.run)).equals(result.history)


@pytest.mark.parametrize(("cookies", "n_letters"), [({}, 0), ({NAME: "guessed"}, 0), ({NAME: "A" * 22}, 64)])
def test_a_visitor_is_known_by_a_digest_of_the_cookie(monkeypatch, cookies, n_letters):
    monkeypatch.setattr(type(st.context), "cookies", cookies)

    name = desk.name() or ""

    assert len(name) == n_letters
    assert "A" * 22 not in name


def test_an_earlier_run_tells_what_it_was_against_its_own_baseline(file):
    move(open_lab(), 0.4)

    restart()

    line = about(open_lab("&dropout_hidden=0.4"))[2]
    assert re.search(r"error \*\*[\d.]+\*\*&nbsp;%, \S+ against its baseline \(.+\)\]$", line), line


def markdown(app):
    return [element.value for element in app.markdown]


def test_openings_of_the_test_are_counted_on(file):
    lab = open_lab()
    assert "It would be opening 1 of this browser." in [each.value for each in lab.caption]
    lab.button(key="seal.open").click().run()
    before = lab.table[-1].value

    restart()
    lab = open_lab()

    assert lab.table[-1].value.equals(before)
    assert "**Opened once in this browser, for 1 run:**" in markdown(lab)
    lab.button(key="seal.open").click().run()
    assert lab.table[-1].value["Remark"].tolist() == [
        "first look at these test rows",
        "the same run again, as in opening 1",
    ]


def test_a_run_that_another_engine_has_made_is_labelled_until_it_is_trained_here(file, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(desk, "fingerprint", lambda seconds: "e" * 16)
        move(open_lab(), 0.4)

    restart()

    lab = open_lab("&dropout_hidden=0.4")
    assert [shelf.ELSEWHERE in text for text in about(lab)] == [False, False, True]
    lab = move(lab, 0.5)
    assert [shelf.ELSEWHERE in text for text in about(lab)] == [False, False, False]
    assert kept_names() == ["hidden dropout 0.4", "hidden dropout 0.5"]


def about(app):
    """Return the lines of the run table: the baseline, this run, earlier runs."""
    return [text for text in markdown(app) if text.startswith(":small[Iris")]
