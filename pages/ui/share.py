"""The share button: the whole link of an experiment, and whether numbers of a link are the same ones here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

import streamlit as st

from pages.ui import state
from regcore.config import Config
from regcore.errors import RegcoreError
from regcore.execution import fingerprint
from regcore.provenance import Made, numbers_of, origin
from regcore.results import Result

# A worker answers within a chunk; until then the link goes without.
SECONDS_FOR_ENGINE = 1.0

ORIGINS = {
    "here": ":material/verified: The same numbers as where this link was made, bit for bit.",
    "elsewhere": (
        ":material/info: **Made elsewhere: equal within tolerance.** The link was made on another processor "
        "or with other versions, so the last digits may differ."
    ),
    "changed": (
        ":material/warning: **Not the numbers of the link**, though its engine is the same: its data or its "
        "code have changed since."
    ),
}
WAITING = ":material/link: From a shared link; its numbers are compared when the run is done."

_NUMBERS = "share.numbers"


class Numbers(NamedTuple):
    """A digest of the numbers of a run, kept so that it is not computed in each rerun."""

    config: Config
    digest: str


def link(url: str | None, config: Config, made: Made | None) -> str:
    """Return the whole link of an experiment.

    Args:
        url: Address of the page, without a query; None: a link that begins with its query.
        config: The experiment.
        made: Where its numbers were made; None: not known.
    """
    fields = state.query_of(config) | ({state.MADE: str(made)} if made else {})
    query = "&".join(f"{name}={quote(text, safe=',')}" for name, text in fields.items())
    return f"{url or ''}?{query}"


def verdict(there: Made, engine: str | None, numbers: str | None) -> str:
    """Return, in one line of Markdown, how the numbers of a link relate to those of this machine.

    Args:
        there: What the link says.
        engine: Fingerprint of this machine's engine; None: not known yet.
        numbers: Digest of the numbers here; None while the run is not done.
    """
    if numbers is not None and engine is not None:
        return ORIGINS[origin(there, Made(engine, numbers))]
    return ORIGINS["elsewhere"] if engine is not None and there.engine != engine else WAITING


def label(results: Mapping[str, Result]) -> None:
    """Say where the numbers of a link that was followed come from; of no such link, nothing.

    Args:
        results: What the page shows; the last is the experiment of the link.
    """
    there = state.made()
    if there is not None:
        numbers = _numbers(_run(results))
        st.markdown(verdict(there, _engine(numbers), numbers))


def show(config: Config, results: Mapping[str, Result] | None = None) -> None:
    """Show the share button.

    Args:
        config: The experiment of the page.
        results: What the page shows of it, the last being the experiment itself; None: the link tells no
            numbers.
    """
    with st.popover("Share", icon=":material/share:", key="share"):
        st.markdown("**This link holds the whole experiment.** Who opens it trains the same networks.")
        made = _made_here(_run(results)) if results else None
        st.code(link(st.context.url, config, made), language=None, wrap_lines=True)
        if made:
            told = "made, tells engine and numbers: the page that opens it says if they are the same."
            st.markdown(f":small[Its last part, {told}]")
        elif results:
            st.markdown(":small[This run is not done: the link cannot tell its numbers yet.]")


def _made_here(run: Result) -> Made | None:
    """Return where the numbers of a run are made; None until it is done."""
    numbers = _numbers(run)
    engine = _engine(numbers) if numbers else None
    return Made(engine, numbers) if engine and numbers else None


def _run(results: Mapping[str, Result]) -> Result:
    return list(results.values())[-1]


def _engine(numbers: str | None) -> str | None:
    """Return the fingerprint of this machine's engine; it is waited for only when there are numbers."""
    try:
        return fingerprint(SECONDS_FOR_ENGINE if numbers else 0.0)
    except RegcoreError:
        # The run says what is wrong with the workers.
        return None


def _numbers(run: Result) -> str | None:
    if not run.is_complete:
        return None
    kept: Numbers | None = state.recall(_NUMBERS)
    if kept is None or kept.config != run.config:
        kept = Numbers(run.config, numbers_of(run))
        state.keep(_NUMBERS, kept)
    return kept.digest
