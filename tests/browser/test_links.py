"""Links in a real browser: what is shared is what is opened, and a reload finds the run again."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab_page import cells, finished, press, settled

QUERY = "data=moons&label_noise=0.2&hidden=16&epochs=20&seeds=3&learning_rate=0.05&l2=0.02&dropout_hidden=0.1"
SAME, ELSEWHERE, CHANGED = "The same numbers as where", "Made elsewhere: equal", "Not the numbers of the link"
MADE = re.compile(r"made=([0-9a-f]{16})-([0-9a-f]{16})$")


def shared(page: Page) -> str:
    """Return the link behind the share button."""
    page.get_by_role("button", name="Share").click()
    code = page.get_by_role("dialog").get_by_role("code")
    expect(code).to_contain_text("made=")
    return code.inner_text().strip()


def knobs(page: Page) -> list[str]:
    """Return where all sliders of the page stand, once they are there: browsers load what draws them last."""
    sliders = page.locator("input[type=range]")
    expect(sliders.first).to_be_attached()
    return [slider.input_value() for slider in sliders.all()]


def labels(page: Page) -> list[str]:
    """Return what the page says of where the numbers of a link were made."""
    return [text for text in (SAME, ELSEWHERE, CHANGED) if page.get_by_text(text).count()]


@pytest.fixture(scope="module")
def page(server, open_once):
    """Return the page whose link is shared."""
    page = finished(open_once(f"{server.url}/lab?{QUERY}"))
    assert labels(page) == []
    return page


@pytest.fixture(scope="module")
def link(page):
    """Return the link behind its share button."""
    return shared(page)


def test_a_shared_link_shows_the_same_knobs_and_numbers_in_a_fresh_session(server, page, link, open_page):
    assert link.startswith(f"{server.url}/lab?")

    other = finished(open_page(link))

    expect(other.get_by_text(SAME)).to_be_visible()
    assert labels(other) == [SAME]
    assert knobs(other) == knobs(page)
    assert cells(other) == cells(page)
    assert shared(other) == link


@pytest.mark.parametrize(
    "there, said",
    [
        (r"made=0000000000000000-0000000000000000", ELSEWHERE),
        pytest.param(r"made=\1-0000000000000000", CHANGED, marks=pytest.mark.slow),
    ],
)
def test_a_link_with_other_numbers_is_labelled(page, link, open_page, there, said):
    other = finished(open_page(MADE.sub(there, link)))

    expect(other.get_by_text(said)).to_be_visible()
    assert labels(other) == [said]
    assert cells(other) == cells(page)


@pytest.mark.slow
def test_a_link_whose_made_is_nonsense_is_opened_without_a_word(server, open_page):
    page = finished(open_page(f"{server.url}/lab?{QUERY}&made=nonsense"))

    assert labels(page) == []
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


@pytest.mark.slow
def test_a_reload_in_mid_run_shows_it_and_it_can_be_cancelled(server, open_page):
    page = open_page(f"{server.url}/lab?data=digits&epochs=9998&dropout_hidden=0.5")
    expect(page.get_by_text(re.compile("Training, .* left"))).to_be_visible()

    page.reload()

    expect(page.get_by_text(re.compile("Training, .* left"))).to_be_visible()
    expect(page).to_have_url(re.compile("epochs=9998"))
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled at")).to_be_visible()


def test_a_reload_in_mid_run_sees_it_through(server, open_page):
    page = open_page(f"{server.url}/lab?data=digits&epochs=400&dropout_hidden=0.45")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()

    page.reload()

    finished(page)
    expect(page.get_by_text("16 networks of 400 epochs")).to_be_visible()


def test_back_leads_to_the_page_before_however_often_a_knob_has_moved(server, open_page):
    page = settled(open_page(server.url))
    page.get_by_role("link", name="Patience of 10 epochs").click()
    finished(page)
    for at in ("l2=1e-05", "l2=2e-05"):
        press(page, "L2", "ArrowRight")
        expect(page).to_have_url(re.compile(re.escape(at)))
    finished(page)

    page.go_back()

    expect(page).to_have_url(f"{server.url}/")
    expect(page.get_by_role("heading", name="Here and now")).to_be_visible()
    page.go_forward()
    expect(page).to_have_url(re.compile("l2=2e-05"))
    expect(page.get_by_role("group", name="L2", exact=True)).to_contain_text("2e-05")


@pytest.mark.slow
def test_on_the_way_back_each_page_has_its_own_settings(server, open_page):
    page = settled(open_page(f"{server.url}/early_stopping?epochs=20&seeds=2"))
    menu = page.get_by_test_id("stSidebar")
    for name in ("Lab", "Early stopping", "Dropout"):
        menu.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        settled(page)

    for name, its_own in (
        ("Early stopping", r"/early_stopping\?.*epochs=20"),
        ("Lab", r"/lab\?(?!.*epochs=20)"),
    ):
        page.go_back()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        settled(page)
        expect(page).to_have_url(re.compile(its_own))
