"""What the server is beside its pages, for `streamlit run` and for whoever operates it."""

from __future__ import annotations

import asyncio
import logging
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from pages.ui import garbage, lighter, moved, sending, state, turns, unsent
from regcore.errors import RegcoreError
from regcore.execution import start_workers, stop_workers
from regcore.hosting import allocator, logs, threads
from regcore.settings import read_settings
from regcore.store import stop_keeper

logger = logging.getLogger(__name__)

# The server listens when this module has started it.
SECONDS_TO_LISTEN = 1.0
EVERYWHERE = ("0.0.0.0", "::")


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Start the log and the workers with the server, so that the first visitor need not wait for them."""
    allocator.give_back()
    threads.one_for_arithmetic()
    unsent.keep()
    moved.keep()
    turns.take()
    lighter.make()
    sending.gather()
    garbage.search_less()
    try:
        style = read_settings().log
    except RegcoreError:
        style = "plain"  # What is wrong is said below.
    logs.set_up(style)
    try:
        start_workers()
    except RegcoreError as error:
        # Every page says it as well.
        logger.error("%s", error)
    opening = asyncio.get_running_loop().call_later(SECONDS_TO_LISTEN, _open_browser)
    yield
    opening.cancel()
    stop_workers()
    stop_keeper()


def log_fault(_: Exception) -> None:
    """Log which page an exception ended, and its run; Streamlit logs the exception, and shows its kind."""
    logger.error("a page failed", extra=state.told())


def _open_browser() -> None:
    """Open a browser where there is one: Streamlit does so itself only for a file without an `st.App`."""
    if not st.get_option("server.headless"):
        webbrowser.open(_address())


def _address() -> str:
    """Return where the server is found from this machine."""
    bound = st.get_option("server.address")
    host = st.get_option("browser.serverAddress") if bound in (None, "", *EVERYWHERE) else bound
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"{scheme}://{host}:{st.get_option('server.port')}/{base}"
