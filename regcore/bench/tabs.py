"""Tabs of a real browser that do what a lesson does, beside the programs: what they draw takes time as well.

Only a few, for each takes more of the machine than the server does. Needs Playwright and a Chromium.
"""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from regcore.bench.load_lesson import (
    CACHED,
    LAB,
    LINK,
    NEXT,
    REPLAY,
    SEED,
    START,
    TO_PAGE,
    UNCACHED,
    Card,
)
from regcore.bench.load_record import TAB, Action, Record
from regcore.config import Config
from regcore.errors import RegcoreError

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Playwright

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)
LABELS = {
    "dropout_input": "Dropout, inputs",
    "dropout_hidden": "Dropout, hidden",
    "jitter": "Jitter",
    "l2": "L2",
    "patience": "Patience, epochs",
}
BACK = {"ArrowLeft": "ArrowRight", "ArrowRight": "ArrowLeft"}
PATIENCE_MS = 60_000
# Where tabs turn to and back, by the title in the menu.
TURNS = {"Early stopping": "early_stopping", "Lab": LAB}
# Nothing runs, nothing waits to be drawn anew, and no run is under way.
AT_REST = """() => {
    const app = document.querySelector('[data-testid=stApp]');
    return app && app.dataset.testScriptState === 'notRunning'
        && !document.querySelector('[data-stale=true]')
        && document.querySelector('[data-testid=stMain] h1')
        && ![...document.querySelectorAll('button')].some(each => each.innerText.trim().endsWith('Cancel'));
}"""


def why_not() -> str | None:
    """Return why no tab can be opened here; None if it can."""
    try:
        asyncio.run(_try())
    except ImportError:
        return "Playwright is not installed"
    except RegcoreError as error:
        return str(error)
    return None


def visit(
    address: str,
    hands: Sequence[Sequence[Card]],
    looks: tuple[float, float],
    until: float,
    record: Record,
) -> None:
    """Open a tab for each hand of cards, and do there what a lesson does until the time is over.

    Args:
        address: Of the server.
        hands: Where each tab goes that nobody else does.
        looks: The shortest and the longest look between two moves, in seconds.
        until: When no more is begun, on the clock of `time.perf_counter`.
        record: Where to note what was answered, and what went wrong.
    """
    asyncio.run(_visit(address, hands, looks, until, record))


async def _try() -> None:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        await (await _launched(playwright)).close()


async def _visit(
    address: str,
    hands: Sequence[Sequence[Card]],
    looks: tuple[float, float],
    until: float,
    record: Record,
) -> None:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await _launched(playwright)
        tabs = [_Tab(address, at, looks, until, record) for at in range(len(hands))]
        await asyncio.gather(*(tab.lesson(browser, hand) for tab, hand in zip(tabs, hands, strict=True)))
        await browser.close()


async def _launched(playwright: Playwright) -> Browser:
    from playwright.async_api import Error

    reasons = []
    for path in (None, *filter(None, map(shutil.which, BROWSERS))):
        try:
            return await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        except Error as error:
            reasons.append(error.message.splitlines()[0])
    raise RegcoreError(f"no Chromium starts here ({reasons[-1]})")


class _Tab:
    """One tab, and what it does."""

    def __init__(
        self, address: str, number: int, looks: tuple[float, float], until: float, record: Record
    ) -> None:
        self._address = address
        self._number = number
        self._looks = looks
        self._until = until
        self._record = record
        self._chance = random.Random(f"{SEED} tab {number}")
        self._config = START

    async def lesson(self, browser: Browser, cards: Sequence[Card]) -> None:
        """Play the cards: to where many stand by a link, from there to where nobody has been, and back."""
        from playwright.async_api import Error

        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self._record.failed(f"a tab: {error.message}"))
        try:
            for card in cards:
                await self._play(page, card)
        except Error as error:
            self._record.failed(f"a tab: {error.message.splitlines()[0]}")
        await page.close()

    async def _play(self, page: Page, card: Card) -> None:
        place = START.replace(l2=0.0 if card.l2 == "off" else float(card.l2))
        key = NEXT[card.knob, card.to]
        await self._do(
            LINK, page, place, lambda: page.goto(f"http://{self._address}/{LAB}?{place.to_query()}")
        )
        new = place.replace(**{card.knob: float(card.to)})
        await self._press(UNCACHED, page, new, card.knob, key)
        await self._press(REPLAY, page, new.replace(patience=1), "patience", "ArrowRight")
        await self._press(REPLAY, page, new, "patience", "ArrowLeft")
        await self._press(CACHED, page, place, card.knob, BACK[key])
        for title, path in TURNS.items():
            link = page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True)
            await self._do(TO_PAGE[path], page, place if path == LAB else None, link.click)

    async def _press(self, kind: str, page: Page, wanted: Config, knob: str, key: str) -> None:
        # Their whole name is the label twice.
        slider = page.get_by_role("slider", name=re.compile(f"^{re.escape(LABELS[knob])}")).first
        await self._do(kind, page, wanted, lambda: slider.press(key))

    async def _do(
        self, kind: str, page: Page, wanted: Config | None, act: Callable[[], Awaitable[object]]
    ) -> None:
        """Look for a while, do something, and note how long it takes until the page is at rest again.

        Args:
            kind: One of `KINDS`.
            page: The tab.
            wanted: What the address of the Lab spells then; None: another page is shown.
            act: What is done.
        """
        if time.perf_counter() > self._until:
            return
        await asyncio.sleep(self._chance.uniform(*self._looks))
        began = time.perf_counter()
        await act()
        await page.wait_for_url(lambda url: _spells(url, wanted))
        await page.wait_for_function(AT_REST, polling=50)
        self._record.did(Action(self._number, TAB, kind, began, time.perf_counter() - began))


def _spells(url: str, wanted: Config | None) -> bool:
    """Return whether an address is that of the Lab with a configuration, or, without one, of another page."""
    parts = urlsplit(url)
    is_lab = parts.path.strip("/") == LAB
    if wanted is None:
        return not is_lab
    return is_lab and Config.from_query(parts.query).config == wanted
