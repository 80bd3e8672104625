"""A real Chromium, a real server, and pages that fail their test on any error in the console."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NoReturn

import psutil
import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Response,
    expect,
    sync_playwright,
)

from regcore.bench.tabs import BROWSERS
from tests.installing import install

# Workers of several servers may start at once, on two processors.
PATIENCE_MS = 240_000
expect.set_options(timeout=PATIENCE_MS)
Scheme = Literal["light", "dark"]
ROOT = Path(__file__).resolve().parents[2]
SYSTEM_BROWSERS = (
    *BROWSERS,
    "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
# The last three keep Chromium from asking for updates: a closed network answers each with a console error.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Streamlit first looks for its server below the page's path: a 404 on every deep link, no fault of the app.
PROBE = re.compile(r"/[a-z0-9_]+/_stcore/(health|host-config)$")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the browser tests."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # The first of them may have to install a browser.
            item.add_marker(pytest.mark.timeout(900))


def _candidates() -> Iterator[str | None]:
    """Yield paths of browsers, the wanted one first; None is Playwright's own."""
    if wanted := os.environ.get("LAB_BROWSER"):
        yield wanted
    yield None
    yield from filter(None, map(shutil.which, SYSTEM_BROWSERS))


def _installers() -> Iterator[list[list[str]]]:
    """Yield ways to get a Chromium, each a list of commands."""
    yield [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and getattr(os, "geteuid", lambda: 1)() == 0:
        yield [["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "chromium"]]


def _launch(playwright: Playwright, reasons: list[str]) -> Browser | None:
    for path in _candidates():
        try:
            return playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        except Error as error:
            reasons.append(f"{path or 'the browser of Playwright'}: {error.message.splitlines()[0]}")
    return None


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI=true, so this is a failure)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Return a Chromium: one that is there, else one that is installed now; else skip, or fail under CI.

    It ends with the browser tests: Playwright keeps an event loop on the thread of the tests after them.
    """
    reasons: list[str] = []
    with sync_playwright() as playwright:
        found = _launch(playwright, reasons)
        for commands in _installers():
            if found:
                break
            if failure := install(commands):
                reasons.append(failure)
            found = _launch(playwright, reasons)
        if found is None:
            _give_up("no Chromium could be found or installed: " + "; ".join(dict.fromkeys(reasons)))
        yield found
        found.close()


@dataclass
class Server:
    """A running `streamlit run app.py`: its address, its process and its log."""

    url: str
    process: psutil.Popen
    log: Path

    def tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def fail_on_traceback(self) -> None:
        """Fail if anything went wrong in the server that no page has shown."""
        told = self.log.read_text(encoding="utf-8", errors="replace")
        assert "Traceback" not in told, told[told.index("Traceback") :][:4000]

    def is_up(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/_stcore/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def wait_until_up(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.tail()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End the process and the workers it has started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [*self.process.children(recursive=True), self.process]
            for one in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            psutil.wait_procs(family, timeout=10)
        self.process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def serve(log: Path, script: Path = ROOT / "app.py") -> Iterator[Server]:
    port = _free_port()
    options = {"address": "127.0.0.1", "port": port, "headless": "true", "fileWatcherType": "none"}
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    for name, value in options.items():
        command += [f"--server.{name}", str(value)]
    with log.open("wb") as output:
        process = psutil.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="package")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server that all browser tests share; without a browser it is not even started."""
    with serve(tmp_path_factory.mktemp("server") / "log.txt") as running:
        yield running
        running.fail_on_traceback()


@pytest.fixture
def start_server(browser: Browser, tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """Return a function that starts one more server process, for tests in which one dies."""
    with contextlib.ExitStack() as stack:
        started: list[Server] = []

        def start() -> Server:
            started.append(stack.enter_context(serve(tmp_path / f"log-{len(started)}.txt")))
            return started[-1]

        yield start
        for server in started:
            server.fail_on_traceback()


@dataclass
class Faults:
    """What went wrong in a page: console errors, page errors, failed requests."""

    seen: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        # A failed request is told by `response`, with its address.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.seen.append(f"console: {message.text}")

    def error(self, error: Error) -> None:
        self.seen.append(f"page: {error.message}")

    def response(self, response: Response) -> None:
        if response.status >= 400 and not PROBE.search(response.url):
            self.seen.append(f"{response.status}: {response.url}")

    def watch(self, page: Page) -> Page:
        page.on("console", self.console)
        page.on("pageerror", self.error)
        page.on("response", self.response)
        return page


@contextlib.contextmanager
def visits(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Give a function that opens a page in a session of its own; the block fails for any fault in it."""
    faults, contexts = Faults(), []
    with contextlib.ExitStack() as stack:

        def opened(url: str, *, width: int = 1440, height: int = 1000, scheme: Scheme = "light") -> Page:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            stack.callback(context.close)
            contexts.append(context)
            page = faults.watch(context.new_page())
            page.set_default_timeout(PATIENCE_MS)
            page.goto(url)
            return page

        yield opened
        for context in contexts:
            for page in context.pages:
                faults.seen += page.locator("[data-testid=stException]").all_inner_texts()
    assert faults.seen == []


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page; any fault in it fails its test."""
    with visits(browser) as opened:
        yield opened


@pytest.fixture(scope="module")
def open_once(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page for several tests of a file; a fault in it fails the last of them.

    To open one takes five seconds of a core, more than most tests do with it. Each test leaves the page where
    the next one can begin.
    """
    with visits(browser) as opened:
        yield opened
