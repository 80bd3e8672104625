"""The cookie by which a visitor finds his runs again: a random token that says nothing of him.

| cookie | when |
|---|---|
| `SameSite=Lax` | the page has a tab of its own |
| `SameSite=Lax; Secure` | the same, by https |
| `SameSite=None; Secure; Partitioned` | https, in a frame of another site, as on Hugging Face Spaces |

A partitioned cookie is a framing site's own: it follows nobody from site to site.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAME = "regcore_desk"
N_RANDOM_BYTES = 16
# Browsers keep no cookie much longer, and each visit begins it anew.
SECONDS_KEPT = 365 * 24 * 3600

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


def new_token() -> str:
    """Return 128 random bits in 22 letters."""
    return secrets.token_urlsafe(N_RANDOM_BYTES)


def token_of(cookies: Mapping[str, str]) -> str | None:
    """Return the token among a visitor's cookies; None if there is none, or one that was not made here."""
    text = cookies.get(NAME, "")
    return text if _TOKEN.fullmatch(text) else None


def asks_for_page(scope: Scope) -> bool:
    """Return whether a browser asks for something to show, and not for a file or a connection of a page."""
    is_get = scope["type"] == "http" and scope["method"] == "GET"
    return is_get and "text/html" in Headers(scope=scope).get("accept", "")


class DeskCookie:
    """Middleware that gives whoever opens a page a token, and keeps the one that is there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; where it opens a page, with the cookie."""
        if not asks_for_page(scope):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        cookie = _cookie(token_of(dict(_cookies(headers))) or new_token(), headers, scope["scheme"])

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                message["headers"] = [*message.get("headers", ()), (b"set-cookie", cookie.encode("ascii"))]
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def _is_page(start: Message) -> bool:
    # What the browser has already is "not modified" and tells no kind; its cookie may be gone all the same.
    kind = Headers(raw=start.get("headers", [])).get("content-type", "")
    return start["status"] == 304 or (start["status"] == 200 and kind.startswith("text/html"))


def _cookies(headers: Headers) -> Iterator[tuple[str, str]]:
    """Yield names and values. The standard library's parser drops all cookies after one it does not like."""
    for line in headers.getlist("cookie"):
        for pair in line.split(";"):
            name, _, value = pair.strip().partition("=")
            yield name, value


def _cookie(token: str, headers: Headers, scheme: str) -> str:
    is_https = scheme == "https" or headers.get("x-forwarded-proto", "").split(",")[0].strip() == "https"
    is_framed = headers.get("sec-fetch-dest") == "iframe" and headers.get("sec-fetch-site") == "cross-site"
    site = "SameSite=None; Secure; Partitioned" if is_https and is_framed else "SameSite=Lax"
    if is_https and not is_framed:
        site += "; Secure"
    return f"{NAME}={token}; Path=/; Max-Age={SECONDS_KEPT}; HttpOnly; {site}"
