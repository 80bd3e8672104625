"""How many visitors are there, and no more than there is room for: each open page holds one connection."""

from __future__ import annotations

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from regcore.errors import RegcoreError
from regcore.hosting import HEALTH, METRICS
from regcore.hosting.desk import asks_for_page
from regcore.settings import read_settings

SECONDS_TO_TRY_AGAIN = 20
FULL = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="{SECONDS_TO_TRY_AGAIN}"><title>Regularization Lab</title></head>
<body style="font: 1.1rem/1.5 sans-serif; margin: 20vh auto; max-width: 32rem; padding: 0 1rem">
<h1 style="font-size: 1.4rem">The lab is full just now</h1>
<p>As many people are here as this machine has room for. This page tries again by itself, and opens as soon as
somebody leaves.</p></body></html>
"""
# As HTTP's 503: try again later.
TRY_AGAIN_LATER = 1013


class Sessions:
    """Counts the connections that are open, of one server."""

    def __init__(self) -> None:
        self.n_open = 0
        self.n_opened = 0


class CountSessions:
    """Middleware that counts connections while they last, and lets no more in than the settings allow."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        elif asks_for_page(scope) and scope["path"] not in (HEALTH, METRICS) and self._is_full():
            answer = HTMLResponse(FULL, 503, {"Retry-After": str(SECONDS_TO_TRY_AGAIN)})
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_full():
            # A page that lost its connection meanwhile tries again by itself.
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
            return
        self._sessions.n_open += 1
        self._sessions.n_opened += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._sessions.n_open -= 1

    def _is_full(self) -> bool:
        try:
            limit = read_settings().sessions
        except RegcoreError:
            return False  # Every page says what is wrong.
        return limit is not None and self._sessions.n_open >= limit
