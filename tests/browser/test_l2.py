"""The page on L2 in a real browser: arrival, words that move the cursor, and a sweep that is asked for."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import eventually, figure, finished, press, settled
from tests.browser.stillness import still
from tests.browser.test_accessibility import SCREENS, check, open_all

QUERY = "data=digits&n_train=60&n_val=40&hidden=8&epochs=6&seeds=2&l2=0.01"


@pytest.fixture(scope="module")
def page(server, open_once):
    """Return a page that the tests use one after the other."""
    return finished(open_once(f"{server.url}/l2?{QUERY}", width=768, scheme="dark"))


def test_the_slider_moves_the_histogram_through_the_epochs(page):
    chart = page.locator("[class*=st-key-l2-histogram] .js-plotly-plot")
    chart.scroll_into_view_if_needed()
    epoch = chart.get_by_role("slider", name="Epoch of the pictures")
    expect(epoch).to_have_attribute("aria-valuetext", "6")

    def drawn():
        return chart.locator(".scatterlayer path.js-line").last.get_attribute("d")

    before = drawn()

    epoch.press("Home")

    expect(epoch).to_have_attribute("aria-valuetext", "0")
    eventually(page, lambda: drawn() != before)


def test_arrival_cursor_and_both_kinds(page):
    expect(page).to_have_title("L2 · Regularization Lab")
    expect(figure(page, "error (fraction) against l2, mean of 2 seeds")).to_be_visible()
    expect(figure(page, "What is left of weights without a data gradient after 20 steps")).to_be_visible()
    expect(figure(page, "What the first epoch of Adam took off")).to_be_visible()

    press(page, "L2, in the loss", "ArrowRight")

    expect(page).to_have_url(re.compile(r"l2=0\.03"))
    expect(page.get_by_text("This run: L2 0.03", exact=True)).to_be_visible()
    norms = re.compile(r"^Norm of the penalised weights.* The cursor is at 0\.03\.$")
    expect(page.get_by_role("figure", name=norms)).to_be_visible()

    page.get_by_role("link", name="too strong").click()

    expect(page).to_have_url(re.compile(r"l2=0\.3"))
    expect(page.get_by_text("This run: L2 0.3", exact=True)).to_be_visible()
    expect(page.get_by_text("Training, ")).to_have_count(0)

    # These words are in a part of the page that the run draws on its own.
    page.get_by_role("link", name="weight decay of 2", exact=True).click()

    expect(page.get_by_text("This run: weight decay 2", exact=True)).to_be_visible()

    page.get_by_role("button", name="Train AdamW").click()

    expect(figure(page, "error (fraction) against nominal strength")).to_be_visible()
    settled(page)


def test_l2_keeps_nobody_out_with_all_that_is_asked_for(page):
    open_all(still(page))

    check(page, 768)


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_l2_keeps_nobody_out(server, open_page, scheme, width):
    page = finished(open_page(f"{server.url}/l2?{QUERY}", width=width, scheme=scheme))
    page.get_by_role("button", name="Train AdamW").click()
    expect(figure(page, "error (fraction) against nominal strength")).to_be_visible()
    open_all(still(page))

    check(page, width)
