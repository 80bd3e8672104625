"""What browser tests of the Lab look at, and how they wait for it."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

CURVES = "[class*=st-key-cards-curves] .js-plotly-plot"


def settled(page: Page) -> Page:
    """Wait until the page has drawn what it was last asked for."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    return page


def finished(page: Page) -> Page:
    """Wait for the table of a run that has ended."""
    settled(page)
    expect(page.get_by_text(re.compile("networks of .* epochs, trained on this machine"))).to_be_visible()
    expect(page.locator(CURVES).last.locator("path.js-line").first).to_be_attached()
    return settled(page)


def eventually(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until something holds that the page itself does not tell, such as that a chart was drawn anew."""
    for _ in range(200):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come to hold within 20 seconds of waiting")


def press(page: Page, knob: str, key: str) -> None:
    """Move a slider by keyboard."""
    slider = page.get_by_role("slider", name=knob)
    slider.focus()
    slider.press(key)


def curves(page: Page) -> list[str]:
    """Return the paths of all lines drawn in the chart of this run."""
    lines = page.locator(CURVES).last.locator("path.js-line")
    return [path or "" for path in lines.evaluate_all("lines => lines.map(line => line.getAttribute('d'))")]


def cells(page: Page) -> list[str]:
    """Return the table of validation metrics."""
    return page.locator(".st-key-metrics td").all_inner_texts()


def rows(table: Locator) -> list[list[str]]:
    """Return the texts of a table, without its head."""
    return [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]


def figure(page: Page, beginning: str) -> Locator:
    """Return the figure whose text, for those who do not see it, begins like this."""
    return page.get_by_role("figure", name=re.compile(f"^{re.escape(beginning)}"))
