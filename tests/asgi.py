"""Requests to an ASGI app without a server."""

import asyncio
from typing import NamedTuple


class Answer(NamedTuple):
    """What came back: status, headers as (name, value), and the body."""

    status: int
    headers: list[tuple[str, str]]
    text: str

    def all(self, name: str) -> list[str]:
        """Return every header of a name."""
        return [value for header, value in self.headers if header == name]


def ask(app, path="/", headers=(), *, method="GET", scheme="http", client=("127.0.0.1", 50000)) -> Answer:
    """Return what an app answers to one request; headers are pairs of name and value."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "scheme": scheme,
        "path": path,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": client,
    }
    asyncio.run(app(scope, receive, send))
    start = sent[0]
    assert start["type"] == "http.response.start"
    told = [(name.decode().lower(), value.decode()) for name, value in start["headers"]]
    return Answer(start["status"], told, b"".join(part.get("body", b"") for part in sent[1:]).decode())
