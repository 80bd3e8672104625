"""The page about dropout in a real browser: the run, single steps by keyboard, and what is asked for."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import eventually, figure, finished
from tests.browser.test_accessibility import check

QUERY = "data=iris&hidden=8,8&epochs=10&seeds=2&dropout_input=0.2&dropout_hidden=0.5"


@pytest.fixture(scope="module")
def page(server, open_once):
    """Return a page that the tests use one after the other."""
    return finished(open_once(f"{server.url}/dropout?{QUERY}", scheme="dark"))


def test_steps_are_moved_by_keyboard_and_the_drawn_network_follows(page):
    expect(page).to_have_title("Dropout · Regularization Lab")
    expect(figure(page, "Step 10, row")).to_be_visible()

    slider = page.get_by_role("slider", name="Step")
    slider.focus()
    slider.press("ArrowRight")

    expect(figure(page, "Step 11, row")).to_be_visible()
    expect(
        page.get_by_text(re.compile("no weight differs from the engine's own by more than"))
    ).to_be_visible()


def test_a_word_of_the_prose_sets_the_rates_and_trains(page):
    page.get_by_role("link", name="the article's 0.8 and 0.6 kept").click()

    eventually(page, lambda: "dropout_hidden=0.4" in page.url)
    finished(page)


def test_the_page_keeps_nobody_out(page):
    for width in (1440, 390):
        check(page, width)


@pytest.mark.slow
def test_the_rate_map_is_trained_when_asked_for(server, open_page):
    page = finished(open_page(f"{server.url}/dropout?{QUERY}"))

    page.get_by_role("button", name="Train all pairs of rates").click()

    expect(page.get_by_text("Lowest error:")).to_be_visible()
    expect(figure(page, "Validation error by drop rates")).to_be_visible()
