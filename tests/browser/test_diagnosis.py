"""The card of the diagnosis in a real browser: the next experiment is one click away."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import finished

# Steps this small learn next to nothing in so few epochs.
QUERY = "data=iris&hidden=8&epochs=10&seeds=4&learning_rate=0.0005"


@pytest.mark.parametrize("width", [1440, 390])
def test_the_next_experiment_is_one_click(server, open_page, width):
    page = finished(open_page(f"{server.url}/lab?{QUERY}", width=width))
    card = page.locator(".st-key-diagnosis")
    expect(card.get_by_text(re.compile("^Diagnosis: .* stopped too early"))).to_be_visible()
    expect(card.get_by_role("table").first).to_contain_text("What more epochs would gain")

    card.get_by_role("button", name="Try epochs 30").click()

    expect(page).to_have_url(re.compile("epochs=30"))
    finished(page)
    expect(card.get_by_role("button", name="Try epochs 30")).to_have_count(0)
    expect(card.get_by_text(re.compile("^Diagnosis: "))).to_be_visible()
    box = card.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
