"""Servers that are killed and databases that are locked, as a browser sees it: nothing finished is lost."""

import contextlib
import sqlite3

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.lab_page import eventually, finished, press, rows, settled
from tests.browser.test_run_table import edit, legend, line

QUERY = "data=moons&label_noise=0.2&hidden=16&epochs=20&seeds=6&learning_rate=0.05"
# Under way for minutes, so that the server dies in the midst of it.
LONG = QUERY.replace("epochs=20", "epochs=2000").replace("hidden=16", "hidden=256,256")


@pytest.fixture
def visitor(browser):
    """Give a page whose server may die, which its console tells as an error."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()


@pytest.mark.slow
def test_a_killed_server_loses_no_finished_run(start_server, visitor, tmp_path, monkeypatch):
    monkeypatch.setenv("REGCORE_DATABASE", f"sqlite:///{tmp_path / 'lab.sqlite'}")
    server = start_server()
    page = visitor
    page.goto(f"{server.url}/lab?{QUERY}&l2=0.01")
    finished(page)
    name = edit(page, "this run").get_by_role("textbox", name="Name")
    name.fill("Large weights cost")
    name.press("Enter")
    settled(page)
    page.keyboard.press("Escape")
    line(page, "this run").get_by_role("button", name="Pin", exact=True).click()
    expect(line(page, "this run").get_by_role("button", name="Unpin")).to_be_visible()
    page.get_by_role("button", name="Open the test").click()
    expect(page.get_by_text("Opened once in this browser, for 1 run:")).to_be_visible()
    press(page, "Dropout, hidden", "ArrowRight")
    finished(page)
    expect(line(page, "this run")).to_contain_text("L2 0.01, hidden dropout 0.05: error")

    page.goto(f"{server.url}/lab?{LONG}&l2=0.02")
    expect(page.get_by_text("Training, ")).to_be_visible()
    server.stop()

    page.goto(f"{start_server().url}/lab?{QUERY}&l2=0.03")
    finished(page)
    expect(line(page, "Large weights cost").get_by_role("button", name="Unpin")).to_be_visible()
    eventually(
        page,
        lambda: (
            legend(page) == ["baseline", "this run", "L2 0.01, hidden dropout 0.05", "Large weights cost"]
        ),
    )
    expect(page.get_by_text("Opened once in this browser, for 1 run:")).to_be_visible()
    expect(page.get_by_text("It would be opening 2 of this browser.")).to_be_visible()
    page.get_by_text("What differs between two runs").click()
    difference = page.get_by_test_id("stExpander").filter(has_text="What differs between two runs")
    # Filled for who opens it: what opens before the page has run anew is closed by that.
    expect(difference.get_by_role("table").first).to_be_visible()
    for chooser, name in (("From", "Large weights cost"), ("To", "this run")):
        settled(page)
        difference.get_by_role("combobox", name=chooser).click()
        page.get_by_role("option", name=name, exact=True).click()
        expect(difference.get_by_role("table").first).to_contain_text(name, ignore_case=True)
    settled(page)
    assert rows(difference.get_by_role("table").first) == [["L2", "0.01", "0.03"]]
    assert [row[5][-4:] for row in rows(difference.get_by_role("table").last)] == ["of 6"] * 3


@pytest.mark.slow
def test_a_page_says_by_itself_that_the_database_is_locked_and_that_it_is_not(
    start_server, open_page, tmp_path, monkeypatch
):
    file = tmp_path / "lab.sqlite"
    monkeypatch.setenv("REGCORE_DATABASE", f"sqlite:///{file}")
    page = finished(open_page(f"{start_server().url}/lab?{QUERY}&l2=0.01"))
    sentence = page.get_by_text("The database lab.sqlite is locked by another program.")
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        press(page, "Dropout, hidden", "ArrowRight")
        expect(sentence).to_be_visible()
        finished(page)
        expect(line(page, "L2 0.01")).to_be_visible()
        other.execute("ROLLBACK")
    expect(sentence).to_have_count(0)

    page.reload()
    finished(page)
    expect(line(page, "L2 0.01")).to_be_visible()
