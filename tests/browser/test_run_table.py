"""The run table in a real browser: runs are named, pinned, hidden, held against each other, and come back."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab_page import cells, eventually, figure, finished, press, rows, settled

QUERY = "data=moons&label_noise=0.2&hidden=16&epochs=20&seeds=6&learning_rate=0.05&l2=0.01"


# Contrast of the text of a button with the page, as in WCAG 2.
CONTRAST = """button => {
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const light = (colour) => {
        const [red, green, blue] = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => linear(part / 255));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const page = getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor;
    const [low, high] = [page, getComputedStyle(button).color].map(light).sort((one, other) => one - other);
    return (high + 0.05) / (low + 0.05);
}"""


def line(page: Page, name: str) -> Locator:
    """Return the line of a run."""
    lines = page.locator("[class*=st-key-shelf-line-]")
    return lines.filter(has=page.get_by_role("checkbox", name=name, exact=True))


def legend(page: Page) -> list[str]:
    """Return which runs are overlaid, as the chart itself says."""
    return page.locator(".st-key-shelf-overlay .legendtext").all_text_contents()


def turn_eye(page: Page, name: str) -> None:
    line(page, name).get_by_text(name, exact=True).click()


def edit(page: Page, name: str) -> Locator:
    """Open what can be done with a run."""
    line(page, name).get_by_role("button", name="Edit").click()
    return page.get_by_role("dialog")


def two_runs(page: Page) -> Page:
    """Make an earlier run, "Large weights cost", of the one that is shown, and one more with dropout."""
    finished(page)
    name = edit(page, "this run").get_by_role("textbox", name="Name")
    expect(name).to_have_value("L2 0.01")
    name.fill("Large weights cost")
    name.press("Enter")
    settled(page)
    page.keyboard.press("Escape")
    press(page, "Dropout, hidden", "ArrowRight")
    expect(line(page, "Large weights cost")).to_be_visible()
    # Only a run that has ended is kept when the next one takes its place.
    expect(line(page, "this run")).to_contain_text("L2 0.01, hidden dropout 0.05: error")
    return finished(page)


@pytest.fixture(scope="module", params=[pytest.param("light", marks=pytest.mark.slow), "dark"])
def page(server, open_once, request):
    """Return a page with two runs, for the tests that say nothing else."""
    return two_runs(open_once(f"{server.url}/lab?{QUERY}", scheme=request.param))


def test_eyes_say_which_runs_are_overlaid(page):
    overlay = figure(page, "Validation data loss")
    eventually(page, lambda: legend(page) == ["baseline", "this run", "Large weights cost"])
    expect(overlay).to_have_accessible_name(re.compile("Large weights cost: .* after 20 epochs"))

    turn_eye(page, "Large weights cost")
    eventually(page, lambda: legend(page) == ["baseline", "this run"])
    expect(page.get_by_role("checkbox", name="Large weights cost")).not_to_be_checked()
    expect(overlay).not_to_have_accessible_name(re.compile("Large weights cost"))

    turn_eye(page, "baseline")
    eventually(page, lambda: legend(page) == ["this run"])

    turn_eye(page, "Large weights cost")
    eventually(page, lambda: legend(page) == ["this run", "Large weights cost"])


def test_what_differs_between_two_runs(page):
    page.get_by_text("What differs between two runs").click()
    difference = page.get_by_test_id("stExpander").filter(has_text="What differs between two runs")
    fields, metrics = (difference.get_by_role("table").nth(at) for at in range(2))
    expect(fields).to_contain_text("hidden dropout")
    assert rows(fields) == [["L2", "0", "0.01"], ["hidden dropout", "0", "0.05"]]
    # The same two runs are in the table of validation metrics.
    assert [text for row in rows(metrics) for text in row] == cells(page)

    start = difference.get_by_role("combobox", name="From")
    start.click()
    page.get_by_role("option", name="Large weights cost").click()
    expect(fields).to_contain_text("Large weights cost")
    settled(page)

    assert rows(fields) == [["hidden dropout", "0", "0.05"]]
    assert [row[2] for row in rows(metrics)] == cells(page)[2::7]


def test_what_is_pointed_at_can_be_read(page):
    button = line(page, "this run").get_by_role("button", name="Edit")

    button.hover()

    page.wait_for_timeout(500)
    assert button.locator("p").evaluate(CONTRAST) >= 4.5
    button.click()
    page.wait_for_timeout(500)
    assert button.locator("p").evaluate(CONTRAST) >= 4.5
    page.keyboard.press("Escape")


def test_a_run_is_renamed_pinned_and_shown_again(page):
    earlier = line(page, "Large weights cost")
    expect(earlier).to_contain_text("Two moons, L2 0.01: error")

    earlier.get_by_role("button", name="Pin", exact=True).click()
    expect(earlier.get_by_role("button", name="Unpin")).to_be_visible()
    expect(line(page, "this run").get_by_role("button", name="Pin", exact=True)).to_be_visible()

    edit(page, "Large weights cost").get_by_role("button", name="Show in the Lab").click()
    expect(page).to_have_url(re.compile("l2=0.01(?!.*dropout)"))
    expect(line(page, "L2 0.01, hidden dropout 0.05")).to_be_visible()
    finished(page)
    expect(line(page, "this run").get_by_role("button", name="Unpin")).to_be_visible()

    edit(page, "L2 0.01, hidden dropout 0.05").get_by_role("button", name="Remove").click()
    expect(line(page, "L2 0.01, hidden dropout 0.05")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1440])
def test_a_long_name_is_shown_whole(server, open_page, width):
    page = finished(open_page(f"{server.url}/lab?{QUERY}&dropout_input=0.05&jitter=0.05", width=width))
    long = "Small weights, some jitter and a little input dropout, to see all of a long name"
    name = edit(page, "this run").get_by_role("textbox", name="Name")
    name.fill(long)
    name.press("Enter")
    settled(page)
    page.keyboard.press("Escape")
    press(page, "Dropout, hidden", "ArrowRight")

    shown = line(page, long).get_by_text(long)

    expect(shown).to_be_visible()
    assert shown.evaluate("text => text.scrollWidth <= text.clientWidth")
    assert (
        line(page, long)
        .get_by_test_id("stWidgetLabel")
        .evaluate(
            "label => [...label.querySelectorAll('*')].every(each => each.scrollWidth <= each.clientWidth)"
        )
    )
