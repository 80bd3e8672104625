"""How many visitors are there: each open page of the app holds one connection."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class Sessions:
    """Counts the connections that are open, of one server."""

    def __init__(self) -> None:
        self.n_open = 0
        self.n_opened = 0


class CountSessions:
    """Middleware that counts connections while they last."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        self._sessions.n_open += 1
        self._sessions.n_opened += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._sessions.n_open -= 1
