"""The connection of a visitor, against a websocket server of another make than its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

import pytest
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from regcore.bench.wire import Wire
from regcore.errors import RegcoreError

COOKIE = "desk=7f; Path=/; HttpOnly"


@contextmanager
def served(handle: Callable[[ServerConnection], None]) -> Iterator[str]:
    """Serve on loopback: pages set a cookie, and sessions are handled."""

    def page(connection, request):
        if "Upgrade" in request.headers:
            return None
        answer = connection.respond(HTTPStatus.OK, "a page")
        answer.headers["Set-Cookie"] = COOKIE
        return answer

    server = serve(
        handle,
        "127.0.0.1",
        0,
        process_request=page,
        subprotocols=[Subprotocol("streamlit")],
        compression=None,
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.socket.getsockname()[1]}"
    finally:
        server.shutdown()
        thread.join()


def echo(connection):
    for message in connection:
        connection.send(message)


def test_messages_come_back_whole_and_in_their_order():
    messages = [b"", b"a", b"b" * 200, b"c" * 70_000]
    with served(echo) as address:
        wire = Wire(address)
        for message in messages:
            wire.send(message)

        assert [wire.recv(10.0) for _ in messages] == messages
        wire.close()


def test_a_message_in_parts_is_one_message():
    with served(lambda connection: connection.send([b"one ", b"and ", b"the same"])) as address:
        wire = Wire(address)

        assert wire.recv(10.0) == b"one and the same"
        wire.close()


def test_what_does_not_come_is_a_timeout():
    with served(echo) as address:
        wire = Wire(address)
        with pytest.raises(TimeoutError):
            wire.recv(0.0)
        wire.close()


def test_the_page_is_fetched_first_and_its_cookies_are_sent_along():
    seen = []

    def handle(connection):
        seen.append((connection.request.headers["Cookie"], connection.subprotocol))
        connection.send(b"seen")

    with served(handle) as address:
        wire = Wire(address, "lab")
        wire.recv(10.0)
        wire.close()

    assert seen == [("desk=7f", "streamlit")]


def test_a_session_that_the_server_ends_is_one_sentence():
    with served(lambda connection: connection.close(1001, "going away")) as address:
        wire = Wire(address)
        with pytest.raises(RegcoreError, match=r"ended a session \(1001 going away\)\."):
            wire.recv(10.0)
        wire.close()


def test_what_came_before_the_end_is_read_first():
    def handle(connection):
        connection.send(b"last words")
        connection.close()

    with served(handle) as address:
        wire = Wire(address)

        assert wire.recv(10.0) == b"last words"
        with pytest.raises(RegcoreError, match="ended a session"):
            wire.recv(10.0)
        wire.close()


def test_where_nobody_listens_is_one_sentence():
    with served(echo) as address:
        pass
    with pytest.raises(RegcoreError, match=f"does not answer at {address}"):
        Wire(address)
