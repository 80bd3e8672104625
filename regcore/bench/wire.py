"""The connection of a visitor: a websocket that is read by the thread that waits for it, and by no other.

Sixty visitors are sixty threads then, which rest while nothing comes, and not a hundred and twenty.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections import deque

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from regcore.errors import RegcoreError

SECONDS_TO_CONNECT = 60.0
BYTES_AT_ONCE = 2**18
# What carries the content of a message; the rest keeps the connection.
CONTENT = (Opcode.BINARY, Opcode.TEXT, Opcode.CONT)


class Wire:
    """An open connection to the server of the app.

    Args:
        address: Of the server, as "127.0.0.1:8501".
        page: Which page is fetched first, as a browser does; its cookies are sent along.
        session: A session to come back to; empty: a new one.

    Raises:
        RegcoreError: the server does not answer, or not as Streamlit's.
    """

    def __init__(self, address: str, page: str = "", session: str = "") -> None:
        host, port = address.split(":")
        self._messages: deque[bytes] = deque()
        self._parts: list[bytes] = []
        # A page that comes back names a token, which is looked at only where people log in, and its session.
        names = ["streamlit", "none", session] if session else ["streamlit"]
        self._protocol = ClientProtocol(
            parse_uri(f"ws://{address}/_stcore/stream"),
            origin=Origin(f"http://{address}"),
            subprotocols=[Subprotocol(name) for name in names],
            max_size=None,
        )
        try:
            cookies = _cookies(host, int(port), page)
            self._socket = socket.create_connection((host, int(port)), SECONDS_TO_CONNECT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            request = self._protocol.connect()
            if cookies:
                request.headers["Cookie"] = cookies
            self._protocol.send_request(request)
            self._flush()
            while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
                self._read(SECONDS_TO_CONNECT)
        except OSError as error:
            raise RegcoreError(f"the server of the app does not answer at {address}: {error}.") from error
        # A session that was let in may have ended since.
        if self._protocol.state is State.CONNECTING or self._protocol.handshake_exc is not None:
            self.close()
            raise RegcoreError(
                f"the server of the app refused a session at {address}: {self._protocol.handshake_exc}."
            )

    def send(self, message: bytes) -> None:
        """Send one message.

        Raises:
            RegcoreError: the connection has ended.
        """
        try:
            self._protocol.send_binary(message)
            self._flush()
        except Exception as error:
            raise self._lost() from error

    def recv(self, timeout: float) -> bytes:
        """Return the next message.

        Args:
            timeout: Seconds to wait at most.

        Raises:
            TimeoutError: none has come.
            RegcoreError: the connection has ended.
        """
        end = time.perf_counter() + timeout
        while not self._messages:
            # At least once: what has come already is read even when there is no time to wait.
            self._read(max(end - time.perf_counter(), 0.0))
        return self._messages.popleft()

    def close(self) -> None:
        """End the connection, as a tab that is closed does."""
        self._socket.close()

    def _read(self, timeout: float) -> None:
        """Take in what comes next, and answer what keeps the connection."""
        # No time at all would not wait for what has come by now.
        self._socket.settimeout(max(timeout, 1e-4))
        try:
            data = self._socket.recv(BYTES_AT_ONCE)
        except TimeoutError:
            raise
        except OSError as error:
            raise self._lost() from error
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in CONTENT:
                self._parts.append(bytes(event.data))
                if event.fin:
                    self._messages.append(b"".join(self._parts))
                    self._parts.clear()
        self._flush()
        if self._protocol.state is State.CLOSED and not self._messages:
            raise self._lost()

    def _flush(self) -> None:
        self._socket.settimeout(SECONDS_TO_CONNECT)
        for data in self._protocol.data_to_send():
            if data:
                self._socket.sendall(data)

    def _lost(self) -> RegcoreError:
        code, reason = self._protocol.close_code, self._protocol.close_reason
        told = f" ({code} {reason or ''})".replace(" )", ")") if code else ""
        return RegcoreError(f"the server of the app ended a session{told}.")


def _cookies(host: str, port: int, page: str) -> str:
    """Fetch a page, and return the cookies that its server sets, as they are sent back."""
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS_TO_CONNECT)
    try:
        connection.request("GET", f"/{page}", headers={"Accept": "text/html"})
        answer = connection.getresponse()
        answer.read()
        given = answer.headers.get_all("Set-Cookie") or []
    finally:
        connection.close()
    return "; ".join(each.split(";", 1)[0] for each in given)
