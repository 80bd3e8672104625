"""How pages get to browsers: many messages at a time, where Streamlit 1.67 sends each by itself.

One run of the Lab is some 160 messages. For each of them Streamlit wakes its event loop, which has to get
Python's lock from the page that runs; goes once around the loop, which lets go of the lock and has to get it
back; and writes to the network, which takes longer than all the rest. The same messages are sent here, in the
same order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunnerEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# Messages between two goes around the loop. Up to 500 may wait for a browser, and one that lets more wait is
# taken for gone. So they are passed on long before.
MESSAGES_AT_ONCE = 100

_HANDED = "_regcore_handed"


@cache
def gather() -> None:
    """Have the server send its pages many messages at a time."""
    _wake_the_loop_once()
    _catch_up_before_a_browser_is_heard()
    _pass_on_many()
    _write_once()


class Handed:
    """What is to be called on an event loop, in its order; the loop is woken once for all that waits.

    Waking it takes longer than most of what it is woken for, and has both threads wait for each other.

    Args:
        wake: Has the loop call something soon; safe under threads.
        tell: Tells whoever sends messages that there are some. It then calls `drain`. On the loop alone.
    """

    def __init__(self, wake: Callable[[Callable[[], None]], None], tell: Callable[[], None]) -> None:
        self._wake = wake
        self._tell = tell
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_woken = False
        self._is_told = False

    def __bool__(self) -> bool:
        """Return whether there is anything to do: something waits, or it is to be told anew of what comes."""
        return bool(self._waiting) or self._is_woken or self._is_told

    def put(self, call: Callable[[], None]) -> None:
        """Hand something over that is called soon; from any thread."""
        self._waiting.append(call)
        if not self._is_woken:
            self._is_woken = True
            self._wake(self.run)

    def put_off(self, call: Callable[[], None]) -> None:
        """Hand something over that is called before messages are sent next; from any thread."""
        self._waiting.append(call)
        if not (self._is_woken or self._is_told):
            self._is_told = True
            self._wake(self._tell)

    def run(self) -> None:
        """Call all that waits, and have the messages sent that came of it. On the loop alone."""
        self._tell()
        self.drain()

    def drain(self) -> None:
        """Call all that waits. On the loop alone."""
        # Before anything is taken: what comes from now on wakes the loop again, be it taken here or not.
        self._is_woken = self._is_told = False
        try:
            while self._waiting:
                self._waiting.popleft()()
        finally:
            if self._waiting and not self._is_woken:
                # One has failed, which the loop tells. The others have their turn.
                self._is_woken = True
                self._wake(self.run)


def catch_up(session: AppSession) -> None:
    """Do what was handed to the loop for a session until now; the loop tells what fails of it."""
    _do(session, Handed.run)


def _do(session: AppSession, all_of_it: Callable[[Handed], None]) -> None:
    handed: Handed | None = session.__dict__.get(_HANDED)
    if handed is None:
        return
    try:
        all_of_it(handed)
    except Exception as error:
        about = {"message": "Exception in what a page handed over", "exception": error}
        asyncio.get_running_loop().call_exception_handler(about)


def _handed(session: AppSession, wake: Callable[[AppSession, Callable[[], None]], None]) -> Handed:
    handed: Handed | None = session.__dict__.get(_HANDED)
    if handed is None:
        new = Handed(lambda run: wake(session, run), session._message_enqueued_callback or (lambda: None))
        # Two threads may be first at once, and one of them is.
        handed = session.__dict__.setdefault(_HANDED, new)
    return handed


def _wake_the_loop_once() -> None:
    wake = AppSession._call_soon_on_event_loop
    handle = AppSession._on_scriptrunner_event

    def hand_over(session: AppSession, call: Callable[[], None]) -> None:
        _handed(session, wake).put(call)

    def on_event(session: AppSession, sender: Any, event: ScriptRunnerEvent, **about: Any) -> None:
        """Put the elements of a page into the queue of its session without asking what else they might be.

        They are sent every few milliseconds, and until then need nobody.
        """
        if event is not ScriptRunnerEvent.ENQUEUE_FORWARD_MSG:
            handle(session, sender, event, **about)
            return

        def enqueue() -> None:
            # A session listens to its newest runner alone.
            if sender is session._scriptrunner:
                session._browser_queue.enqueue(about["forward_msg"])

        _handed(session, wake).put_off(enqueue)

    AppSession._call_soon_on_event_loop = hand_over  # type: ignore[assignment, method-assign]
    AppSession._on_scriptrunner_event = on_event  # type: ignore[assignment, method-assign]


def _catch_up_before_a_browser_is_heard() -> None:
    """Take what a page has drawn before its browser asks for another, which ends that page's say."""
    hear = AppSession.handle_backmsg

    def handle_backmsg(session: AppSession, message: BackMsg) -> None:
        catch_up(session)
        hear(session, message)

    AppSession.handle_backmsg = handle_backmsg  # type: ignore[assignment, method-assign]


def _pass_on_many() -> None:
    """Pass messages on to the connection of a session without going around the loop after each."""
    flush = AppSession.flush_browser_queue
    send = Runtime._send_message

    def flush_in_parts(session: AppSession) -> list[list[ForwardMsg]]:
        handed: Handed | None = session.__dict__.get(_HANDED)
        if not handed and session._browser_queue.is_empty():
            # Each time all sessions are asked, and most have nothing to send.
            return []
        _do(session, Handed.drain)
        messages = flush(session)
        return [
            messages[first : first + MESSAGES_AT_ONCE] for first in range(0, len(messages), MESSAGES_AT_ONCE)
        ]

    def send_all(runtime: Runtime, to: Any, messages: list[ForwardMsg]) -> None:
        # Where the connection is closed, the others are as lost as this one.
        for message in messages:
            send(runtime, to, message)

    AppSession.flush_browser_queue = flush_in_parts  # type: ignore[assignment, method-assign]
    Runtime._send_message = send_all  # type: ignore[assignment, method-assign]


class Gathered:
    """A connection to which all is written at once that is to be written in one go around the loop.

    Args:
        transport: The connection. What is asked of it beside writing and closing is asked of it as ever.
        soon: Has the loop call something in its next go.
    """

    def __init__(self, transport: asyncio.Transport, soon: Callable[[Callable[[], None]], object]) -> None:
        self._transport = transport
        self._soon = soon
        self._waiting: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write soon, behind what waits."""
        if not self._waiting:
            self._soon(self._write)
        self._waiting.append(data)

    def close(self) -> None:
        """Write what waits, and close."""
        self._write()
        self._transport.close()

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and not self._transport.is_closing():
            self._transport.write(b"".join(waiting))


def _write_once() -> None:
    connect = WebSocketsSansIOProtocol.connection_made

    def connection_made(protocol: WebSocketsSansIOProtocol, transport: Any) -> None:
        connect(protocol, cast(asyncio.Transport, Gathered(transport, protocol.loop.call_soon)))

    WebSocketsSansIOProtocol.connection_made = connection_made  # type: ignore[assignment, method-assign]
