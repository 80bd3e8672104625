"""How many visitors are there, and what becomes of one too many."""

import asyncio

import pytest
from starlette.responses import Response

from regcore.hosting.sessions import CountSessions, Sessions
from tests.asgi import ask

PAGE = [("Accept", "text/html")]


class Server:
    """Counts sessions over an app whose connections last until `leave`."""

    def __init__(self):
        self.sessions = Sessions()
        self.app = CountSessions(self._serve, self.sessions)
        self.sent = []
        self._ends = []

    async def _serve(self, scope, receive, send):
        if scope["type"] == "websocket":
            self._ends.append(asyncio.Event())
            await self._ends[-1].wait()
        else:
            await Response("a page")(scope, receive, send)

    async def connect(self):
        async def send(message):
            self.sent.append(message)

        visit = asyncio.create_task(self.app({"type": "websocket"}, None, send))
        await asyncio.sleep(0)
        return visit

    def leave(self):
        self._ends.pop().set()


@pytest.fixture
def two_at_most(monkeypatch):
    monkeypatch.setenv("REGCORE_SESSIONS", "2")


def test_sessions_are_counted_while_they_last():
    server = Server()

    async def visits():
        first, _ = await server.connect(), await server.connect()
        n_open = server.sessions.n_open
        server.leave()
        server.leave()
        await first
        await asyncio.sleep(0)
        return n_open

    assert asyncio.run(visits()) == 2
    assert (server.sessions.n_open, server.sessions.n_opened) == (0, 2)


def test_a_session_that_fails_is_counted_no_longer():
    async def fails(scope, receive, send):
        raise ConnectionError

    sessions = Sessions()
    with pytest.raises(ConnectionError):
        asyncio.run(CountSessions(fails, sessions)({"type": "websocket"}, None, None))

    assert sessions.n_open == 0


@pytest.mark.usefixtures("two_at_most")
def test_who_comes_when_all_places_are_taken_is_told_so_and_let_in_when_somebody_leaves():
    server = Server()

    async def visits():
        await server.connect()
        second = await server.connect()
        refused = await server.connect()
        n_open, sent = server.sessions.n_open, list(server.sent)
        server.leave()
        await second
        await server.connect()
        return refused.done(), n_open, sent, server.sessions.n_open

    assert asyncio.run(visits()) == (True, 2, [{"type": "websocket.close", "code": 1013}], 2)


@pytest.mark.usefixtures("two_at_most")
def test_a_page_that_there_is_no_place_for_is_one_sentence_that_tries_again():
    server = Server()
    server.sessions.n_open = 2

    answer = ask(server.app, "/lab", PAGE)
    assert (answer.status, answer.all("retry-after")) == (503, ["20"])
    assert "As many people are here as this machine has room for." in answer.text
    assert ask(server.app, "/health", PAGE).status == 200
    server.sessions.n_open = 1
    assert ask(server.app, "/lab", PAGE).text == "a page"


@pytest.mark.parametrize("limit", ["none", "many"])
def test_without_a_limit_that_can_be_read_everyone_is_let_in(monkeypatch, limit):
    monkeypatch.setenv("REGCORE_SESSIONS", limit)
    server = Server()
    server.sessions.n_open = 10_000

    assert ask(server.app, "/lab", PAGE).status == 200
