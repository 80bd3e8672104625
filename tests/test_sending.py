"""Messages to browsers, many at a time: the same ones as Streamlit sends, in the same order."""

import asyncio
import threading
from types import SimpleNamespace

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.runtime import AsyncObjects, RuntimeState
from streamlit.runtime.scriptrunner import ScriptRunnerEvent
from streamlit.runtime.session_manager import SessionClientDisconnectedError
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from pages.ui import sending
from pages.ui.sending import MESSAGES_AT_ONCE, Gathered, Handed

# As Streamlit has them: other tests start a server, which does otherwise from then on.
FLUSH, SEND = AppSession.flush_browser_queue, Runtime._send_message


def handle(session, sender, event, **about):
    session._call_soon_on_event_loop(lambda: session.told.append(event))


def connect(protocol, transport):
    protocol.transport = transport


@pytest.fixture
def gathered(monkeypatch):
    monkeypatch.setattr(
        AppSession, "_call_soon_on_event_loop", lambda session, call: session.woken.append(call)
    )
    monkeypatch.setattr(AppSession, "_on_scriptrunner_event", handle)
    monkeypatch.setattr(AppSession, "handle_backmsg", lambda session, asked: session.told.append(asked))
    monkeypatch.setattr(AppSession, "flush_browser_queue", FLUSH)
    monkeypatch.setattr(Runtime, "_send_message", SEND)
    monkeypatch.setattr(WebSocketsSansIOProtocol, "connection_made", connect)
    sending.gather.cache_clear()
    yield sending.gather
    sending.gather.cache_clear()


@pytest.fixture
def made(gathered):
    gathered()


def handed_to(woken):
    return Handed(woken.append, lambda: None)


def test_what_is_handed_over_is_called_in_its_order_and_the_loop_is_woken_once():
    woken, done = [], []
    handed = handed_to(woken)
    for number in range(3):
        handed.put(lambda number=number: done.append(number))

    assert (len(woken), done) == (1, [])
    woken.pop()()
    assert (woken, done) == ([], [0, 1, 2])


def test_what_comes_while_the_loop_is_at_it_is_called_as_well():
    woken, done = [], []
    handed = handed_to(woken)
    handed.put(lambda: handed.put(lambda: done.append("later")))
    while woken:
        woken.pop()()

    assert done == ["later"]


def test_the_others_have_their_turn_where_one_fails():
    woken, done = [], []
    handed = handed_to(woken)
    handed.put(lambda: 1 / 0)
    handed.put(lambda: done.append("the other"))

    with pytest.raises(ZeroDivisionError):
        woken.pop()()
    woken.pop()()
    assert (woken, done) == ([], ["the other"])


def test_what_is_put_off_waits_until_messages_are_sent_and_they_are_asked_for_once():
    woken, done = [], []
    handed = Handed(woken.append, lambda: done.append("told"))
    for number in range(3):
        handed.put_off(lambda number=number: done.append(number))

    woken.pop()()
    assert (woken, done) == ([], ["told"])
    handed.drain()
    assert done == ["told", 0, 1, 2]
    handed.put_off(lambda: done.append("next"))
    assert len(woken) == 1


def test_a_session_is_left_alone_only_where_what_comes_next_wakes_the_loop():
    woken = []
    handed = Handed(woken.append, lambda: None)
    assert not handed
    # What comes while it is taken has the loop woken once more, though it was taken as well.
    handed.put_off(lambda: handed.put_off(lambda: None))
    assert handed
    handed.drain()
    assert len(woken) == 2
    assert handed
    handed.drain()
    assert not handed
    handed.put_off(lambda: None)
    assert len(woken) == 3


def test_what_is_put_off_is_called_before_what_comes_after_it():
    woken, done = [], []
    handed = handed_to(woken)
    handed.put_off(lambda: done.append("element"))
    handed.put(lambda: done.append("the end"))
    while woken:
        woken.pop()()

    assert done == ["element", "the end"]


@pytest.mark.parametrize("name", ["put", "put_off"])
def test_of_many_threads_nothing_is_lost(name):
    done, is_over = [], threading.Event()
    woken = []
    handed = Handed(woken.append, lambda: woken.append(handed.drain))

    def loop():
        while not is_over.is_set() or woken:
            if woken:
                woken.pop()()

    def put():
        for number in range(500):
            getattr(handed, name)(lambda number=number: done.append(number))

    threads = [threading.Thread(target=put) for _ in range(4)]
    looping = threading.Thread(target=loop)
    for thread in (looping, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    is_over.set()
    looping.join()
    assert sorted(done) == sorted(4 * list(range(500)))


class Session:
    """A session, as far as something is handed to its loop and sent from there."""

    def __init__(self):
        self.woken, self.told = [], []
        self._scriptrunner = "its newest runner"
        self._browser_queue = ForwardMsgQueue()
        self._message_enqueued_callback = lambda: self.told.append("to send")

    def _call_soon_on_event_loop(self, call):
        AppSession._call_soon_on_event_loop(self, call)

    def flush_browser_queue(self):
        return AppSession.flush_browser_queue(self)

    def on_flushed_messages_sent(self):
        pass


def text(body, *path):
    message = ForwardMsg()
    message.delta.new_element.text.body = str(body)
    message.metadata.delta_path[:] = path
    return message


def draw(session, body, *path, sender="its newest runner"):
    AppSession._on_scriptrunner_event(
        session, sender, event=ScriptRunnerEvent.ENQUEUE_FORWARD_MSG, forward_msg=text(body, *path)
    )


def bodies(messages):
    return [each.delta.new_element.text.body for each in messages]


def test_each_session_wakes_its_loop_once(made):
    first, second = Session(), Session()
    for session in (first, second, first):
        AppSession._call_soon_on_event_loop(session, lambda: None)

    assert [len(session.woken) for session in (first, second)] == [1, 1]


def test_elements_of_the_newest_runner_are_queued_between_what_else_it_tells(made):
    session = Session()
    session._browser_queue = SimpleNamespace(
        enqueue=lambda message: session.told.extend(bodies([message])), is_empty=lambda: True
    )
    start, end = ScriptRunnerEvent.SCRIPT_STARTED, ScriptRunnerEvent.SHUTDOWN
    AppSession._on_scriptrunner_event(session, "its newest runner", event=start)
    draw(session, "a title")
    draw(session, "an old title", sender="one that has ended")
    AppSession._on_scriptrunner_event(session, "its newest runner", event=end)
    for woken in session.woken:
        woken()

    assert session.told == ["to send", start, "a title", end]


def test_elements_wake_the_loop_once_and_are_there_when_it_sends(made):
    session = Session()
    for number in range(3):
        draw(session, number, 0, number)

    assert len(session.woken) == 1
    session.woken.pop()()
    assert session.told == ["to send"]
    assert [bodies(part) for part in session.flush_browser_queue()] == [["0", "1", "2"]]
    assert session.flush_browser_queue() == []


def test_what_a_page_has_drawn_is_taken_before_its_browser_asks_for_another(made):
    session = Session()
    draw(session, "a title", 0, 0)
    AppSession.handle_backmsg(session, "another")
    session._scriptrunner = "the next runner"

    assert [bodies(part) for part in session.flush_browser_queue()] == [["a title"]]
    assert session.told == ["to send", "another"]


def test_an_element_that_fails_is_told_and_stops_neither_the_loop_nor_the_others(made):
    session, told = Session(), []

    async def flush():
        asyncio.get_running_loop().set_exception_handler(lambda _, about: told.append(about["exception"]))
        return session.flush_browser_queue()

    AppSession._on_scriptrunner_event(
        session, "its newest runner", ScriptRunnerEvent.ENQUEUE_FORWARD_MSG, forward_msg="no message"
    )
    draw(session, "a title", 0, 0)

    assert asyncio.run(flush()) == []
    assert [type(each) for each in told] == [AttributeError]
    assert [bodies(part) for part in session.flush_browser_queue()] == [["a title"]]


class Client:
    """A browser's connection, which may close after some messages."""

    def __init__(self, n_until_closed=None):
        self.sent = []
        self._n_until_closed = n_until_closed

    def write_forward_msg(self, message):
        if len(self.sent) == self._n_until_closed:
            raise SessionClientDisconnectedError
        self.sent.append(message)


def send(session, client):
    """Return which sessions were disconnected while Streamlit sent all that waits in the queue of one."""

    async def run():
        loop = asyncio.get_running_loop()
        told = [asyncio.Event() for _ in range(3)]
        about = AsyncObjects(loop, *told, loop.create_future(), loop.create_future())
        info = SimpleNamespace(session=session, client=client, script_run_count=0)
        gone = []
        runtime = SimpleNamespace(
            _get_async_objs=lambda: about,
            _state=RuntimeState.ONE_OR_MORE_SESSIONS_CONNECTED,
            _set_state=lambda state: None,
            _session_mgr=SimpleNamespace(list_active_sessions=lambda: [info], list_sessions=lambda: []),
            _send_message=lambda to, what: Runtime._send_message(runtime, to, what),
            disconnect_session=lambda name, client: gone.append(name),
        )
        loop.call_later(0.001, about.must_stop.set)
        await Runtime._loop_coroutine(runtime)
        return gone

    return asyncio.run(run())


@pytest.mark.parametrize("n_messages", [0, 1, MESSAGES_AT_ONCE, 2 * MESSAGES_AT_ONCE + 1])
def test_what_streamlit_itself_sends_is_sent_in_its_order(gathered, n_messages):
    sent = []
    for prepare in (lambda: None, gathered):
        prepare()
        session, client = Session(), Client()
        for number in range(n_messages):
            # Each third takes the place of one that waits.
            session._browser_queue.enqueue(text(number, 0, number - number % 3))
        send(session, client)
        sent.append(client.sent)

    assert sent[0] == sent[1]
    assert len(sent[1]) == -(-n_messages // 3)


def test_a_connection_that_is_closed_is_let_go_of(made):
    session, client = Session(), Client(n_until_closed=2)
    session.id = "a session"
    for number in range(5):
        session._browser_queue.enqueue(text(number, 0, number))

    assert send(session, client) == ["a session"]
    assert bodies(client.sent) == ["0", "1"]


class Transport:
    """A connection that remembers what was done with it."""

    def __init__(self):
        self.done = []
        self.is_closed = False

    def write(self, data):
        self.done.append(data)

    def close(self):
        self.is_closed = True
        self.done.append("closed")

    def is_closing(self):
        return self.is_closed

    def get_extra_info(self, name):
        return f"its {name}"


def test_what_is_written_in_one_go_is_one_write():
    soon, transport = [], Transport()
    together = Gathered(transport, soon.append)
    for data in (b"one ", b"two"):
        together.write(data)

    assert (len(soon), transport.done) == (1, [])
    soon.pop()()
    together.write(b"three")
    soon.pop()()
    assert transport.done == [b"one two", b"three"]


def test_what_waits_is_written_before_the_connection_is_closed():
    soon, transport = [], Transport()
    together = Gathered(transport, soon.append)
    together.write(b"last")
    together.close()
    soon.pop()()

    assert transport.done == [b"last", "closed"]


def test_nothing_is_written_to_a_connection_that_was_lost():
    soon, transport = [], Transport()
    together = Gathered(transport, soon.append)
    together.write(b"too late")
    transport.is_closed = True
    soon.pop()()

    assert transport.done == []


def test_a_browser_is_connected_so(made):
    protocol, soon, transport = SimpleNamespace(), [], Transport()
    protocol.loop = SimpleNamespace(call_soon=soon.append)
    WebSocketsSansIOProtocol.connection_made(protocol, transport)
    protocol.transport.write(b"hello")
    soon.pop()()

    assert transport.done == [b"hello"]
    assert protocol.transport.get_extra_info("socket") == "its socket"
