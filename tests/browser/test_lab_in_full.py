"""The Lab's parts in a real browser: lessons, pictures, patience, the sealed test, widths, light and dark."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from regcore.figures._curves import MARGIN
from tests.browser.lab_page import CURVES, cells, curves, eventually, figure, finished, press, rows, settled
from tests.browser.stillness import still
from tests.browser.test_accessibility import check, open_all

# A second of training at most.
QUICK = "data=moons&label_noise=0.2&hidden=16&epochs=20&seeds=6&learning_rate=0.05"
# Long enough that training shows that it does: half a second is waited for in silence.
LONGER = "data=digits&label_noise=0.3&epochs=40&learning_rate=0.005&patience=1"

# Notes whatever is drawn of training, be it for one frame.
NOTE_TRAINING = """() => {
    window.trained = false;
    const drawn = "[data-testid=stProgress], .st-key-lab-cancel, .st-key-lab-again";
    const note = () => { window.trained ||= document.querySelector(drawn) !== null; };
    new MutationObserver(note).observe(document.body, {childList: true, subtree: true});
}"""

# Contrast of the text on the axes of a chart with the page that it is on, as in WCAG 2.
CONTRAST = """chart => {
    const parts = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const light = (colour) => {
        const [red, green, blue] = parts(colour).map(linear);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const page = getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor;
    const text = getComputedStyle(chart.querySelector(".xtick text")).fill;
    const [low, high] = [light(page), light(text)].sort((one, other) => one - other);
    return (high + 0.05) / (low + 0.05);
}"""


# Left, right, top and bottom of the words of each legend, and of the title of the axis, within their chart.
LEGENDS = """charts => charts.map(chart => {
    const outer = chart.getBoundingClientRect();
    const within = thing => {
        const box = thing.getBoundingClientRect();
        return [box.left - outer.left, box.right - outer.left, box.top - outer.top, box.bottom - outer.top];
    };
    const texts = [...chart.querySelectorAll(".legendtext")].map(within);
    return {width: outer.width, texts, title: within(chart.querySelector(".ytitle"))};
})"""


@pytest.fixture(scope="module", params=[pytest.param("light", marks=pytest.mark.slow), "dark"])
def scheme(request):
    """Return a colour scheme."""
    return request.param


@pytest.fixture(scope="module")
def page(server, open_once, scheme):
    """Return a page that the next tests look at one after the other."""
    return finished(open_once(f"{server.url}/lab?{QUICK}&l2=0.01", scheme=scheme))


def test_charts_can_be_read_on_a_page_of_either_colour(page, scheme):
    background = page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    for name in ("Decision boundaries", "this run, data loss", "Validation data loss"):
        chart = figure(page, name)
        eventually(page, lambda chart=chart: chart.evaluate(CONTRAST) >= 4.5)


def test_the_scrubber_moves_the_picture_by_keyboard_and_by_mouse(page):
    picture = page.locator(".st-key-pictures-boundary .js-plotly-plot")
    epoch = page.get_by_role("slider", name="Epoch of the pictures")

    def drawn() -> list[str]:
        images = picture.locator("image, .contourlevel path, .contourlines path")
        shapes = images.evaluate_all(
            "all => all.map(one => one.getAttribute('href') ?? one.getAttribute('d'))"
        )
        return [str(shape) for shape in shapes]

    expect(epoch).to_have_attribute("aria-valuetext", "kept")
    eventually(page, lambda: len(drawn()) > 0)
    kept = drawn()

    epoch.press("Home")
    expect(epoch).to_have_attribute("aria-valuetext", "1")
    eventually(page, lambda: drawn() not in ([], kept))
    first = drawn()

    rail = picture.locator(".slider-rail-touch-rect")
    box = rail.bounding_box()
    assert box
    rail.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(epoch).to_have_attribute("aria-valuetext", re.compile("^(9|10|11)$"))
    eventually(page, lambda: drawn() not in ([], kept, first))

    epoch.press("End")
    expect(epoch).to_have_attribute("aria-valuetext", "kept")
    eventually(page, lambda: drawn() == kept)


def test_the_test_is_opened_twice(page):
    seal = page.locator(".st-key-seal")
    expect(seal.get_by_role("heading", name="The test is sealed")).to_be_visible()
    expect(seal).to_contain_text("It would be opening 1 of this session.")
    assert re.findall(r"\d", seal.inner_text()) == ["1"]
    expect(page.get_by_text("on the test rows")).to_have_count(0)

    seal.get_by_role("button", name="Open the test").click()
    expect(seal.get_by_text("Opened once in this session, for 1 run:")).to_be_visible()
    expect(seal.get_by_role("heading", name="The test is open")).to_be_visible()
    opened = rows(seal.get_by_role("table").first)
    assert [row[:2] for row in opened[:2]] == [["Error, %", "Baseline"], ["Error, %", "This run"]]
    # What validation said there is what the table of validation metrics says.
    assert [row[2] for row in opened[:2]] == cells(page)[1:3]

    seal.get_by_role("button", name="Seal it again").click()
    expect(
        seal.get_by_text(re.compile("This run was seen in opening 1, at .* It counts again"))
    ).to_be_visible()
    expect(seal.get_by_role("table")).to_have_count(1)

    seal.get_by_role("button", name="Open the test").click()
    expect(seal.get_by_text("Opened 2 times in this session, for 1 run:")).to_be_visible()
    assert rows(seal.get_by_role("table").first) == opened
    first, second = rows(seal.get_by_role("table").last)
    assert (first[0][:3], first[-1]) == ("1, ", "first look at these test rows")
    assert (second[0][:3], second[-1]) == ("2, ", "the same run again, as in opening 1")
    # How much validation had flattered is said of each opening, and is the same of the same run.
    assert first[1:-1] == second[1:-1]
    assert opened[1][2] in first


def test_a_lesson_turns_the_knobs_and_draws_its_own_curves(page):
    expect(page.locator(".st-key-lesson")).to_contain_text("Your own settings")
    before = curves(page)

    page.get_by_role("button", name="Lesson:").click()
    page.get_by_role("radio", name="A smooth boundary", exact=True).click()

    expect(page.locator(".st-key-lesson")).to_contain_text("good")
    expect(page.locator(".st-key-lesson")).to_contain_text("Look for:")
    expect(page).to_have_url(re.compile(r"/lab\?label_noise=0\.2&l2=0\.01$"))
    expect(page.get_by_role("group", name="L2", exact=True)).to_contain_text("0.01")
    expect(page.get_by_role("slider", name="Dropout, hidden")).to_have_value("0")
    finished(page)
    eventually(page, lambda: curves(page) not in ([], before))


def test_nothing_sticks_out_and_nobody_is_kept_out_on_a_narrow_screen(page):
    page.set_viewport_size({"width": 390, "height": 1000})
    nothing_sticks_out(page, 390)
    page.set_viewport_size({"width": 390, "height": 1000})
    open_all(still(page))
    check(page, 320)


@pytest.mark.slow
def test_patience_is_read_off_the_recording(server, open_page):
    page = finished(open_page(f"{server.url}/lab?{LONGER}"))
    before = cells(page)
    page.evaluate(NOTE_TRAINING)

    press(page, "Patience, epochs", "End")

    expect(page.get_by_text("This run: patience 50", exact=True)).to_be_visible()
    expect(page.get_by_text("Read off the recording: nothing was trained again.")).to_be_visible()
    eventually(page, lambda: cells(finished(page)) != before)
    assert not page.evaluate("trained")


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_at_any_width(server, open_page, scheme, width):
    nothing_sticks_out(
        finished(open_page(f"{server.url}/lab?{QUICK}&l2=0.01", width=width, scheme=scheme)), width
    )


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 768, 1024, 1280])
def test_legends_lie_within_their_figures_at_any_width(server, open_page, width):
    page = finished(open_page(f"{server.url}/lab?{QUICK}&l2=0.01&patience=2", width=width))

    drawn = page.locator(CURVES).evaluate_all(LEGENDS)
    assert [len(boxes["texts"]) for boxes in drawn] == [4, 6]
    for boxes in drawn:
        assert boxes["title"][1] < 40, "the title of the axis is left of it"
        for left, right, top, bottom in boxes["texts"]:
            assert 0 <= left < right <= boxes["width"] and 0 <= top < bottom <= MARGIN["t"]


def nothing_sticks_out(page: Page, width: int) -> None:
    page.get_by_role("button", name="Open the test").click()
    page.get_by_text("What differs between two runs").click()
    expect(page.get_by_role("combobox", name="From")).to_be_visible()
    expect(page.get_by_text(re.compile("^Opened .* in this session"))).to_be_visible()
    settled(page)

    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for chooser, choices in (("Lesson:", "Lessons"), ("Data:", "Data")):
        page.get_by_role("button", name=chooser).click()
        sticks_not_out(page.get_by_role("radiogroup", name=choices), width)
        page.keyboard.press("Escape")
    for thing in (
        page.get_by_role("heading", name="Lab", exact=True),
        page.locator(".st-key-lab-answer"),
        page.locator(".st-key-lab-choices"),
        page.locator(".st-key-lab-knobs"),
        page.get_by_role("slider", name="Epoch of the pictures"),
        figure(page, "Decision boundaries"),
        figure(page, "baseline, data loss"),
        figure(page, "this run, data loss"),
        page.locator(".st-key-metrics table"),
        page.get_by_role("checkbox", name="this run"),
        figure(page, "Validation data loss"),
        page.get_by_role("button", name="Seal it again"),
        page.get_by_role("button", name="Share"),
    ):
        sticks_not_out(thing, width)


def sticks_not_out(thing: Locator, width: int) -> None:
    thing.scroll_into_view_if_needed()
    expect(thing).to_be_visible()
    box = thing.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= width, thing
