"""The page on ensembles in a real browser: arrival, k that moves at once, and sources that are asked for."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import figure, finished, press, settled

QUERY = "data=digits&n_train=60&n_val=40&hidden=8&epochs=4&seeds=2&members=5&label_noise=0.3"


def test_k_moves_at_once_and_sources_are_trained_when_asked(server, open_page):
    page = finished(open_page(f"{server.url}/ensembles?{QUERY}"))
    expect(page).to_have_title("Ensembles · Regularization Lab")
    expect(figure(page, "Brier score of the average of k networks, 2 seeds")).to_be_visible()
    expect(figure(page, "Gain in Brier score over a single network")).to_be_visible()
    expect(page.get_by_text(re.compile("averaging 5 networks moves")).first).to_be_visible()

    press(page, "Networks averaged, k", "ArrowRight")

    expect(page.get_by_text(re.compile("averaging 6 networks moves")).first).to_be_visible()
    expect(page).to_have_url(re.compile("members=6"))
    expect(page.get_by_text("Training, ")).to_have_count(0)
    expect(page.get_by_text("average of 6", exact=True)).to_be_visible()

    page.get_by_role("link", name="all 32").click()

    expect(page.get_by_text(re.compile("averaging 32 networks moves")).first).to_be_visible()
    expect(page).to_have_url(re.compile("members=32"))

    page.get_by_role("button", name="Train 96 networks").click()

    expect(figure(page, "Brier score by what differs between the members")).to_be_visible()
    settled(page)


@pytest.mark.slow
def test_a_curve_shows_its_members(server, open_page):
    page = finished(open_page(f"{server.url}/ensembles?data=sine&hidden=8&epochs=20&seeds=2&members=4"))

    expect(figure(page, "Predictions of y over x, seed 0: 4 networks and their average.")).to_be_visible()

    press(page, "Networks averaged, k", "ArrowRight")

    expect(figure(page, "Predictions of y over x, seed 0: 5 networks and their average.")).to_be_visible()
