"""The Lab in a real browser: what nobody sees in Python alone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

QUERY = "data=breast_cancer&hidden=8&epochs=20&seeds=3&label_noise=0.2"


def finished(page: Page) -> Page:
    """Wait for the table of a run that has ended."""
    expect(page.get_by_text(re.compile("against the baseline|This is the baseline"))).to_be_visible()
    expect(page.locator(".js-plotly-plot").last.locator("path.js-line").first).to_be_attached()
    return page


def curves(page: Page) -> list[str]:
    """Return the paths of all lines drawn in the last chart, that of this run."""
    lines = page.locator(".js-plotly-plot").last.locator("path.js-line")
    return [path or "" for path in lines.evaluate_all("lines => lines.map(line => line.getAttribute('d'))")]


def cells(page: Page) -> list[str]:
    return page.get_by_test_id("stTable").locator("td").all_inner_texts()


def eventually(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until something holds that the page itself does not tell, such as that a chart was drawn anew."""
    for _ in range(200):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come to hold within 20 seconds of waiting")


def press(page: Page, knob: str, key: str) -> None:
    """Move a slider by keyboard."""
    slider = page.get_by_role("slider", name=knob)
    slider.focus()
    slider.press(key)


def test_deep_link_on_a_fresh_server_then_a_knob(fresh_server, open_page):
    page = finished(open_page(f"{fresh_server.url}/lab?{QUERY}&dropout_hidden=0.2"))
    expect(page).to_have_title("Lab · Regularization Lab")
    curves_before, cells_before = curves(page), cells(page)
    assert curves_before

    press(page, "Dropout, hidden", "ArrowRight")

    expect(page.get_by_text("hidden dropout 0.25")).to_be_visible()
    finished(page)
    expect(page).to_have_url(re.compile(r"dropout_hidden=0\.25"))
    eventually(page, lambda: curves(page) != curves_before)
    assert cells(page) != cells_before


def test_a_long_run_grows_and_is_cancelled(server, open_page):
    page = open_page(f"{server.url}/lab?data=digits&epochs=10000&dropout_hidden=0.5")
    cancel = page.get_by_role("button", name="Cancel")
    expect(page.get_by_text(re.compile("Training, .* left"))).to_be_visible()

    cancel.click()

    expect(page.get_by_text("Cancelled at")).to_be_visible()
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
    expect(cancel).to_have_count(0)


def test_a_refused_change_leaves_open_what_is_open(server, open_page):
    page = finished(open_page(f"{server.url}/lab?{QUERY}"))
    page.get_by_text("Seeds and rows").click()
    rows = page.get_by_role("spinbutton", name="Train rows", exact=True)
    rows.fill("50000")
    rows.press("Enter")

    expect(page.get_by_text("n_train + n_val must be at most").first).to_be_visible()
    expect(rows).to_be_visible()


def test_a_run_in_flight_makes_way_for_the_next(server, open_page):
    page = open_page(f"{server.url}/lab?data=digits&epochs=9999&dropout_hidden=0.5")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()

    page.get_by_text("Network and optimizer").click()
    epochs = page.get_by_role("spinbutton", name="Epochs", exact=True)
    epochs.fill("2")
    epochs.press("Enter")

    finished(page)
    expect(page.get_by_text("16 networks of 2 epochs")).to_be_visible()


def test_a_broken_link_is_one_sentence_and_the_defaults(server, open_page):
    page = finished(open_page(f"{server.url}/lab?dropout_hidden=1.5"))

    expect(page.get_by_text("dropout_hidden must be")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/lab\?data=moons$"))


def test_home_leads_to_the_lab_which_keeps_its_knobs(server, open_page):
    page = finished(open_page(server.url))
    page.get_by_role("link", name="Turn the knobs yourself").click()
    expect(page.get_by_role("heading", name="Lab", exact=True)).to_be_visible()
    finished(page)
    press(page, "Dropout, hidden", "ArrowLeft")
    expect(page).to_have_url(re.compile(r"dropout_hidden=0\.45"))

    menu = page.get_by_test_id("stSidebar")
    menu.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="My network overfits")).to_be_visible()
    menu.get_by_role("link", name="Lab").click()

    expect(page).to_have_url(re.compile(r"/lab\?.*dropout_hidden=0\.45"))
    finished(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_sticks_out_at_any_width(server, open_page, scheme, width):
    page = finished(open_page(f"{server.url}/lab?{QUERY}&dropout_hidden=0.2", width=width, scheme=scheme))

    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
