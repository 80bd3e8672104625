"""The page on augmentation in a real browser: arrival, words that set knobs, training that is asked for."""

import re

from playwright.sync_api import expect

from tests.browser.lab_page import figure, finished, settled
from tests.browser.stillness import still
from tests.browser.test_accessibility import check

QUERY = "data=digits&n_train=60&n_val=40&hidden=8&epochs=8&seeds=2&label_noise=0.3&shift=1"


def test_arrival_words_curve_and_leak(server, open_page):
    page = finished(open_page(f"{server.url}/augmentation?{QUERY}"))
    expect(page).to_have_title("Augmentation · Regularization Lab")
    expect(figure(page, "Images as they are, and as one network was shown them").first).to_be_visible()
    expect(figure(page, "Training rows whose label is wrong, after epoch 8")).to_be_visible()

    page.get_by_role("link", name="noisy").click()

    expect(page).to_have_url(re.compile(r"jitter=0\.2"))
    expect(page.get_by_text("This run: jitter 0.2, shift 1", exact=True)).to_be_visible()

    # A page that is being drawn moves what is clicked at away from below the mouse.
    still(page).get_by_role("button", name="networks both ways").click()

    expect(figure(page, "Error. augment, then split: validation claims")).to_be_visible()

    page.get_by_role("button", name=re.compile(r"^Train 20 networks")).click()

    expect(figure(page, "Validation error against training rows: 30 rows")).to_be_visible()
    settled(page)
    # Its formulas are the widest of all.
    check(page, 320)
