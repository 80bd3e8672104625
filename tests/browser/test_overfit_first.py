"""The page Overfit first in a real browser: arrival, a fault, the words that break it, and a split."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import figure, rows, settled
from tests.browser.stillness import still
from tests.browser.test_accessibility import check, open_all


def test_arrival_a_fault_widths_and_a_split(server, open_page):
    page = settled(open_page(f"{server.url}/overfit_first", scheme="dark"))
    expect(page).to_have_title("Overfit first · Regularization Lab")
    expect(page.get_by_text("6 of 6 checks pass").first).to_be_visible()
    expect(figure(page, "Train loss on one batch of 16 rows, median of 4 seeds")).to_be_visible()

    page.get_by_role("radio", name="A dead layer").click()

    expect(page).to_have_url(re.compile("initializer=negative"))
    expect(page.get_by_text("“A dead layer” is told by “The input matters”.")).to_be_visible()
    settled(page)
    table = rows(page.locator(".st-key-checklist"))
    assert [row[-1][0] for row in table] == ["✓", "✗", "✗", "✗", "✗", "✓"]

    page.get_by_role("link", name="not done").click()

    expect(page).to_have_url(re.compile("epochs=5"))
    expect(page.get_by_role("figure", name=re.compile("after 5 epochs"))).to_be_visible()
    settled(page)

    page.get_by_role("button", name="Train eight widths").click()

    expect(figure(page, "Data loss against units in each hidden layer")).to_be_visible()
    open_all(still(page))
    check(page, 320)


@pytest.mark.slow
def test_a_split_is_asked_for_and_another_one_chosen(server, open_page):
    page = settled(open_page(f"{server.url}/overfit_first?data=iris&hidden=8&epochs=3&seeds=2"))

    page.get_by_role("button", name="Train 40 networks").click()
    expect(page.get_by_text("Random re-splits of the same rows have as high")).to_be_visible()

    page.get_by_role("radio", name="Rows in their order").click()
    expect(page.locator(".st-key-shift-verdict").get_by_text(re.compile("ifferent"))).to_be_visible()
    settled(page)
    assert len(rows(page.locator(".st-key-shift-tests"))) == 4
