"""What an operator may ask a server: whether all is well, and how it is used.

`/health` is for everyone and says no more than that. `/metrics`, and Streamlit's own, are for whoever brings
the token of the settings; where none is set, for programs on this machine.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import BrokenExecutor
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from regcore.errors import RegcoreError
from regcore.hosting import METRICS
from regcore.settings import read_settings

# A proxy on this machine is no operator: these tell that somebody else asks by it.
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
SECONDS_AN_ANSWER_HOLDS = 2.0

Check = Callable[[], Awaitable[str]]
"""Asks for one part of the server; returns "ready", or what is wrong in a word or two."""

READY = "ready"


class OperatorOnly:
    """Middleware that keeps figures from everyone but the operator."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        # At the end of any path: Streamlit's own are at /_stcore/metrics, below what the app is served at.
        is_asked_for = scope["type"] == "http" and scope["path"].rstrip("/").endswith(METRICS)
        if is_asked_for and (refusal := _refusal(scope)):
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _refusal(scope: Scope) -> Response | None:
    headers = Headers(scope=scope)
    try:
        token = read_settings().metrics_token
    except RegcoreError:
        return PlainTextResponse("The settings of this server cannot be read.", 503)
    if token is not None:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if secrets.compare_digest(given.encode(), token.encode()):
            return None
        return PlainTextResponse("The operator's token is needed.", 401, {"WWW-Authenticate": "Bearer"})
    if _is_of_this_machine(scope) and not any(name in headers for name in FORWARDED):
        return None
    return PlainTextResponse("For programs on this machine: set REGCORE_METRICS_TOKEN for others.", 403)


def _is_of_this_machine(scope: Scope) -> bool:
    try:
        return ip_address((scope.get("client") or ("",))[0]).is_loopback
    except ValueError:
        return False


class Health:
    """Answers whether all parts of a server are ready: 200 if they are, else 503.

    However many ask, a part is asked once at a time, and its answer holds for two seconds.

    Args:
        checks: Name of a part -> how to ask for it.
        seconds: How long a part may take to answer.
    """

    def __init__(self, checks: Mapping[str, Check], seconds: float = 5.0) -> None:
        self._checks = checks
        self._seconds = seconds
        self._asked: asyncio.Task[dict[str, str]] | None = None
        self._answered = -float("inf")

    async def answer(self, _: Request) -> Response:
        """Answer a request."""
        holds = time.monotonic() - self._answered < SECONDS_AN_ANSWER_HOLDS
        if self._asked is None or (self._asked.done() and not holds):
            self._asked = asyncio.create_task(self._ask())
        parts = await asyncio.shield(self._asked)
        is_well = all(said == READY for said in parts.values())
        return JSONResponse(parts, 200 if is_well else 503, {"Cache-Control": "no-store"})

    async def _ask(self) -> dict[str, str]:
        said = await asyncio.gather(*(self._said(check) for check in self._checks.values()))
        self._answered = time.monotonic()
        return dict(zip(self._checks, said, strict=True))

    async def _said(self, check: Check) -> str:
        try:
            return await asyncio.wait_for(check(), self._seconds)
        except TimeoutError:
            return "no answer"
        except (RegcoreError, BrokenExecutor):
            return "not available"
