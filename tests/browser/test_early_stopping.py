"""The page on early stopping in a browser: the rule moves over the recording, words of the prose move it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import eventually, figure, finished, press

# A second of training at most; the validation loss turns up within a few epochs.
QUICK = "data=moons&label_noise=0.2&hidden=32&epochs=40&seeds=4&learning_rate=0.03&patience=3"

# Notes whatever is drawn of training, be it for one frame.
NOTE_TRAINING = """() => {
    window.trained = false;
    const drawn = "[data-testid=stProgress], .st-key-early_stopping-cancel";
    const note = () => { window.trained ||= document.querySelector(drawn) !== null; };
    new MutationObserver(note).observe(document.body, {childList: true, subtree: true});
}"""


@pytest.fixture(scope="module")
def page(server, open_once):
    """Return a page that the tests use one after the other."""
    return finished(open_once(f"{server.url}/early_stopping?{QUICK}"))


def test_the_bug_runs_and_the_linear_models_are_trained(page):
    expect(page.get_by_text("0 of 4 stopped.")).to_be_visible()
    page.get_by_role("radio", name="one fit").click()
    expect(page.get_by_text("4 of 4 stopped.", exact=True)).to_be_visible()

    page.get_by_role("button", name=re.compile("^Train 36 linear models")).click()

    filters = figure(page, "Part of least squares kept in each direction of a linear model, stopped after 20")
    expect(filters).to_be_visible()
    press(page, "Stopped after, steps", "ArrowRight")
    moved = figure(page, "Part of least squares kept in each direction of a linear model, stopped after 50")
    expect(moved).to_be_visible()


def test_patience_moves_the_marks_and_the_answer_and_trains_nothing(page):
    lanes = page.locator(".st-key-early_stopping-stops .js-plotly-plot")
    answer = page.locator(".st-key-lab-answer")
    expect(answer).to_contain_text("4 of 4 stopped")
    before, said = lanes.locator(".points path").count(), answer.inner_text()
    assert before == 12  # best, stopped and restored of four networks
    page.evaluate(NOTE_TRAINING)

    press(page, "Patience, epochs", "Home")
    expect(answer).to_contain_text("Nothing stops:")
    expect(figure(page, "Validation loss of 4 networks, a lane each. None stopped")).to_be_visible()
    press(page, "Patience, epochs", "ArrowRight")

    expect(page.get_by_text("This run: patience 1", exact=True)).to_be_visible()
    eventually(page, lambda: "4 of 4 stopped" in answer.inner_text() != said)
    expect(figure(page, "Map of patience from 1 to 50")).to_be_visible()
    assert not page.evaluate("trained")


@pytest.mark.slow
def test_words_of_the_prose_set_the_patience_and_the_link(server, open_page):
    page = finished(open_page(f"{server.url}/early_stopping?{QUICK}"))

    page.get_by_role("link", name="thirty", exact=True).click()

    expect(page).to_have_url(re.compile("patience=30"))
    expect(page.get_by_text("This run: patience 30", exact=True)).to_be_visible()
    expect(page.get_by_role("slider", name="Patience, epochs")).to_have_attribute("aria-valuetext", "30")
