"""The card of the diagnosis in a real browser: the next experiment is one click away."""

import re

from playwright.sync_api import expect

from tests.browser.lab_page import finished

# A few steps, after which there is still most to learn.
QUERY = "data=iris&hidden=8&epochs=10&seeds=4"
WIDTH = 390


def test_the_next_experiment_is_one_click(server, open_page):
    page = finished(open_page(f"{server.url}/lab?{QUERY}", width=WIDTH))
    card = page.locator(".st-key-diagnosis")
    expect(card).to_contain_text("stopped too early")
    expect(card.get_by_role("table").first).to_contain_text("What more epochs would gain")

    card.get_by_role("button", name="Try epochs 30").click()

    expect(page).to_have_url(re.compile("epochs=30"))
    finished(page)
    expect(card.get_by_role("button", name="Try epochs 30")).to_have_count(0)
    expect(card).to_contain_text("Diagnosis:")
    box = card.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= WIDTH
