"""The Lab in a real browser: what nobody sees in Python alone."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab_page import cells, curves, eventually, figure, finished, press
from tests.browser.test_accessibility import check

QUERY = "data=breast_cancer&hidden=8&epochs=20&seeds=6&label_noise=0.2"

# Notes in each frame where the buttons are drawn; one that is stale is on its way out.
NOTE_PLACES = """() => {
    window.places = {};
    const main = document.querySelector("[data-testid=stMain]");
    const note = () => {
        for (const drawn of document.querySelectorAll(".st-key-lab-cancel, .st-key-lab-again")) {
            const name = drawn.classList.contains("st-key-lab-cancel") ? "lab-cancel" : "lab-again";
            const {x, y} = drawn.getBoundingClientRect();
            const place = `${Math.round(x)}, ${Math.round(y + main.scrollTop)}`;
            const known = window.places[name] ??= [];
            if (drawn.dataset.stale === "false" && !known.includes(place)) known.push(place);
        }
        requestAnimationFrame(note);
    };
    note();
}"""

# Notes in each frame where the first choices are drawn.
NOTE_CHOICES = """() => {
    window.places = [];
    const note = () => {
        const choices = document.querySelector(".st-key-lab-choices");
        const place = choices && Math.round(choices.getBoundingClientRect().y);
        if (choices && window.places.at(-1) !== place) window.places.push(place);
        requestAnimationFrame(note);
    };
    note();
}"""


# Whether the thumb of the slider that has the focus looks other than those of the others.
FOCUS_IS_SEEN = """() => {
    const look = (input) => {
        let thumb = input;
        while (thumb.getBoundingClientRect().width < 8) thumb = thumb.parentElement;
        const {boxShadow, outlineStyle, outlineWidth} = getComputedStyle(thumb);
        return [boxShadow, outlineStyle, outlineWidth].join();
    };
    const others = [...document.querySelectorAll(".st-key-lab-knobs input[type=range]")];
    const at = document.activeElement;
    return others.every(other => other === at || look(other) !== look(at));
}"""


def test_deep_link_on_a_fresh_server_then_a_knob(server, open_page):
    assert "a run ended" not in server.tail()
    page = finished(open_page(f"{server.url}/lab?{QUERY}&dropout_hidden=0.2"))
    expect(page).to_have_title("Lab · Regularization Lab")
    curves_before, cells_before = curves(page), cells(page)
    assert curves_before

    press(page, "Dropout, hidden", "ArrowRight")

    expect(page.get_by_text("This run: hidden dropout 0.25", exact=True)).to_be_visible()
    finished(page)
    expect(page).to_have_url(re.compile(r"dropout_hidden=0\.25"))
    eventually(page, lambda: curves(page) != curves_before)
    assert cells(page) != cells_before


@pytest.mark.parametrize("width", [pytest.param(390, marks=pytest.mark.slow), 1440])
def test_a_long_run_is_cancelled_run_again_and_cancelled_by_buttons_in_one_place(server, open_page, width):
    # A button that moves between the press and the release of a mouse is not clicked.
    page = open_page(f"{server.url}/lab?data=digits&epochs=10000&dropout_hidden=0.5", width=width)
    cancel, again = (page.get_by_role("button", name=name) for name in ("Cancel", "Run again"))
    trains, cancelled = page.get_by_text(re.compile("Training, .* left")), page.get_by_text("Cancelled at")
    expect(trains).to_be_visible()
    cancel.scroll_into_view_if_needed()
    page.evaluate(NOTE_PLACES)

    cancel.click()
    expect(cancelled).to_be_visible()
    expect(again).to_be_visible()
    expect(cancel).to_have_count(0)
    again.click()
    expect(trains).to_be_visible()
    expect(cancel).to_be_visible()
    expect(again).to_have_count(0)
    cancel.click()
    expect(cancelled).to_be_visible()

    places = page.evaluate("places")
    assert places.keys() == {"lab-cancel", "lab-again"}
    assert places["lab-cancel"] == places["lab-again"]
    assert len(places["lab-cancel"]) == 1


@pytest.mark.slow
def test_a_run_in_flight_makes_way_for_the_next(server, open_page):
    page = open_page(f"{server.url}/lab?data=digits&epochs=9999&dropout_hidden=0.5")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()

    page.get_by_text("Network and optimizer").click()
    epochs = page.get_by_role("spinbutton", name="Epochs", exact=True)
    epochs.fill("2")
    epochs.press("Enter")

    finished(page)
    expect(page.get_by_text("16 networks of 2 epochs")).to_be_visible()


def test_a_broken_link_is_one_sentence_and_a_refused_change_leaves_open_what_is_open(server, open_page):
    page = finished(open_page(f"{server.url}/lab?dropout_hidden=1.5"))

    sentence = "This link cannot be opened, so the defaults are shown: dropout_hidden must be"
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/lab\?data=digits&.*dropout_hidden=0\.5"))

    page.get_by_text("Seeds and rows").click()
    rows = page.get_by_role("spinbutton", name="Train rows", exact=True)
    rows.fill("50000")
    rows.press("Enter")

    expect(page.get_by_text("n_train + n_val must be at most").first).to_be_visible()
    expect(rows).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [pytest.param(1440, 900, marks=pytest.mark.slow), (390, 844)])
def test_knobs_and_results_are_where_one_looks_first(server, open_page, width, height):
    page = finished(open_page(f"{server.url}/lab", width=width, height=height))

    def bottom(thing: Locator) -> float:
        box = thing.bounding_box()
        assert box
        return box["y"] + box["height"]

    sliders = page.locator(".st-key-lab-knobs").get_by_role("slider")
    assert [slider.get_attribute("aria-label") for slider in sliders.all()] == [
        "Jitter", "Shift, pixels", "Mixup", "L2", "Dropout, inputs", "Dropout, hidden", "Patience, epochs",
        "Ensemble size",
    ]  # fmt: skip
    share = page.get_by_role("button", name="Share")
    expect(share).to_be_in_viewport(ratio=1)
    assert bottom(share) < bottom(page.get_by_text("Turn a knob: the same network"))
    expect(page.locator(".st-key-lab-answer")).to_be_in_viewport(ratio=1)
    if width > 640:
        assert bottom(page.locator(".st-key-lab-knobs")) <= height
        expect(figure(page, "this run, data loss")).to_be_in_viewport(ratio=0.8)
    else:
        # On a telephone the answer is above the knobs, and the curves begin on the second screen.
        assert bottom(page.locator(".st-key-lab-knobs")) <= 1.3 * height
        assert bottom(page.locator(".st-key-cards-measure")) <= 2 * height


@pytest.fixture(scope="module")
def page(server, open_once):
    """Return a page whose knobs the next two tests move."""
    return finished(open_once(f"{server.url}/lab?{QUERY}&l2=0.01"))


def test_fast_moves_of_a_knob_end_where_the_last_one_was(page):
    # That none of the runs of the page failed is looked for in the log, when the server ends.
    slider = page.get_by_role("slider", name="Patience, epochs")
    slider.focus()
    for _ in range(4):
        for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
            slider.press(key)
            page.wait_for_timeout(40)

    expect(page).to_have_url(re.compile(r"patience=5"))
    finished(page)
    expect(page.get_by_text("This run: L2 0.01, patience 5", exact=True)).to_be_visible()


def test_the_first_knobs_are_walked_through_and_moved_by_keyboard(page):
    sliders = page.locator(".st-key-lab-knobs").get_by_role("slider")
    page.get_by_role("button", name="Data:").focus()
    walked: list[str] = []
    while len(walked) < sliders.count():
        page.keyboard.press("Tab")
        name = page.evaluate(
            "document.activeElement.type === 'range' ? document.activeElement.ariaLabel : null"
        )
        if name:
            walked.append(name)
            # The slider itself is out of sight: its thumb shows that it has the focus.
            assert page.evaluate(FOCUS_IS_SEEN), name
        if name == "L2":
            page.keyboard.press("ArrowRight")

    assert walked == [slider.get_attribute("aria-label") for slider in sliders.all()]
    expect(page).to_have_url(re.compile(r"l2=0\.02"))
    finished(page)
    expect(page.get_by_text("This run: L2 0.02, patience 5", exact=True)).to_be_visible()


def test_home_keeps_nobody_out_and_leads_to_a_lab_that_does_not_move_and_keeps_its_knobs(server, open_page):
    page = open_page(server.url, scheme="dark")
    expect(page.get_by_text("lower on 8 of 8 seeds")).to_be_visible()
    check(page, 1440)
    page.evaluate(NOTE_CHOICES)
    page.get_by_role("link", name="Turn the knobs yourself").click()
    expect(page.get_by_role("heading", name="Lab", exact=True)).to_be_visible()
    finished(page)
    assert len(page.evaluate("places")) == 1
    press(page, "Dropout, hidden", "ArrowLeft")
    expect(page).to_have_url(re.compile(r"dropout_hidden=0\.45"))

    menu = page.get_by_test_id("stSidebar")
    menu.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="My network overfits")).to_be_visible()
    expect(page).to_have_url(f"{server.url}/")
    menu.get_by_role("link", name="Lab").click()

    expect(page).to_have_url(re.compile(r"/lab\?.*dropout_hidden=0\.45"))
    finished(page)
