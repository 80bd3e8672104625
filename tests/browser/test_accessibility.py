"""Every page for everyone: axe finds nothing serious, light and dark, on narrow and wide screens.

What a change cannot wait for; the tests of each page look at it on one screen, with the functions below.
"""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.stillness import still

pytestmark = pytest.mark.slow
SCREENS = [(scheme, width) for scheme in ("light", "dark") for width in (320, 768, 1440)]
# What keeps somebody from using a page; axe calls the rest moderate or minor.
KEEPING_OUT = ("serious", "critical")


def findings(page: Page) -> list[str]:
    """Return what axe finds in a page that keeps somebody out: rule, element and why, one line each."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]}: {_reason(node)}"
        for violation in violations
        if violation["impact"] in KEEPING_OUT
        for node in violation["nodes"]
    ]


def _reason(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return "; ".join(check["message"] for check in checks)


def check(page: Page, width: int) -> None:
    """Fail if the page keeps anybody out on a screen of this width, in pixels."""
    # As high as the page, since axe judges no colours of what is scrolled out of sight.
    page.set_viewport_size({"width": width, "height": 1000})
    height = still(page).get_by_test_id("stMain").evaluate("main => main.scrollHeight")
    page.set_viewport_size({"width": width, "height": height})
    found = findings(still(page))
    assert not found, f"{width} pixels wide:\n" + "\n".join(found)


def open_all(page: Page) -> None:
    """Open everything that is folded away."""
    for summary in page.get_by_test_id("stExpander").locator("summary").all():
        summary.evaluate("summary => summary.parentElement.open || summary.click()")


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_home_keeps_nobody_out(server, open_page, scheme, width):
    page = still(open_page(server.url, width=width, scheme=scheme))

    check(page, width)


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_the_table_of_home_keeps_nobody_out(server, open_page, scheme, width):
    page = still(open_page(server.url, width=width, scheme=scheme))
    page.get_by_role("button", name="Train each of them").click()
    expect(page.get_by_text("Lower than with none")).to_be_visible()

    check(page, width)


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_lab_keeps_nobody_out(server, open_page, scheme, width):
    page = still(open_page(f"{server.url}/lab", width=width, scheme=scheme))
    open_all(page)

    check(page, width)
    for chooser in ("Data:", "Lesson:"):
        page.get_by_role("button", name=chooser).click()
        assert not findings(still(page)), chooser
        page.keyboard.press("Escape")


@pytest.mark.parametrize(
    ("scheme", "width", "query"),
    [
        ("dark", 1440, "data=sine&dropout_hidden=0.5"),
        ("light", 320, "data=moons&label_noise=0.2&l2=0.01"),
        ("dark", 1440, "data=moons&label_noise=0.2&l2=0.01"),
        ("light", 320, "data=sine&dropout_hidden=0.5"),
    ],
)
def test_pictures_of_the_lab_keep_nobody_out(server, open_page, scheme, width, query):
    page = still(open_page(f"{server.url}/lab?{query}&epochs=50", width=width, scheme=scheme))

    check(page, width)


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_overfit_first_keeps_nobody_out(server, open_page, scheme, width):
    page = still(
        open_page(
            f"{server.url}/overfit_first?data=iris&hidden=2,2&epochs=3&seeds=2", width=width, scheme=scheme
        )
    )
    for name in ("Train eight widths", "Train 40 networks"):
        page.get_by_role("button", name=name).click()
        still(page)
    open_all(page)

    check(page, width)
