"""Messages to a browser that were not sent when a part of a page is drawn anew: kept, and in order."""

import asyncio
from types import SimpleNamespace

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from pages.ui import unsent


@pytest.fixture
def kept(monkeypatch):
    monkeypatch.setattr(ForwardMsgQueue, "clear", ForwardMsgQueue.clear)
    monkeypatch.setattr(AppSession, "_create_scriptrunner", begin)
    unsent.keep.cache_clear()
    unsent.keep()
    yield
    unsent.keep.cache_clear()


def begin(session, asked):
    session.told.append(f"run of {asked}")
    session._scriptrunner = Runner()


class Runner:
    """A runner, ended or not, as far as a session asks one."""

    def __init__(self, is_ended=False):
        self.is_ended = is_ended
        self.asked = []

    def request_rerun(self, asked):
        if not self.is_ended:
            self.asked.append(asked)
        return not self.is_ended


def text(body, path, fragment=""):
    message = ForwardMsg()
    message.delta.new_element.text.body = body
    message.delta.fragment_id = fragment
    message.metadata.delta_path[:] = path
    return message


def finished():
    message = ForwardMsg()
    message.script_finished = ForwardMsg.FINISHED_SUCCESSFULLY
    return message


def waiting():
    """Return a queue with a whole page in it, of which one part is a fragment's."""
    queue = ForwardMsgQueue()
    for message in (text("title", (0, 0)), text("old", (0, 1), "part"), finished()):
        queue.enqueue(message)
    return queue


def bodies(queue):
    return [each.delta.new_element.text.body for each in queue.flush() if each.HasField("delta")]


def test_streamlit_itself_drops_what_a_fragment_has_drawn():
    # The reason for all this: where it fails, `unsent.py` can go.
    queue = waiting()

    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["part"])

    assert bodies(queue) == ["title"]


def test_what_a_fragment_has_drawn_is_sent_before_what_it_draws_anew(kept):
    queue = waiting()

    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["part"])
    queue.enqueue(text("new", (0, 1), "part"))

    assert bodies(queue) == ["title", "old", "new"]


def test_a_whole_page_still_takes_the_place_of_the_one_before(kept):
    queue = waiting()

    queue.clear(retain_lifecycle_msgs=True)

    assert [each.WhichOneof("type") for each in queue.flush()] == ["script_finished"]


def test_a_session_has_such_a_queue():
    assert app_session.ForwardMsgQueue is ForwardMsgQueue


def in_a_loop(act, state=AppSessionState.APP_NOT_RUNNING):
    """Return what a session was told that is asked for something by `act`, while a message is under way."""

    async def run():
        session = SimpleNamespace(
            _scriptrunner=Runner(is_ended=True), _event_loop=asyncio.get_running_loop(), _state=state, told=[]
        )
        session._event_loop.call_soon(session.told.append, "last message")
        act(session)
        await asyncio.sleep(0.01)
        return session

    return asyncio.run(run())


def test_a_run_begins_behind_the_last_messages_of_the_one_before(kept):
    session = in_a_loop(lambda session: AppSession._create_scriptrunner(session, "part"))

    assert session.told == ["last message", "run of part"]


def test_what_is_asked_for_meanwhile_is_asked_of_the_run_that_began(kept):
    def ask_twice(session):
        for part in ("one", "two"):
            AppSession._create_scriptrunner(session, part)

    session = in_a_loop(ask_twice)

    assert session.told == ["last message", "run of one"]
    assert session._scriptrunner.asked == ["two"]


def test_a_session_that_ends_meanwhile_begins_nothing(kept):
    session = in_a_loop(
        lambda session: AppSession._create_scriptrunner(session, "part"), AppSessionState.SHUTDOWN_REQUESTED
    )

    assert session.told == ["last message"]


def test_a_first_run_begins_at_once(kept):
    session = SimpleNamespace(_scriptrunner=None, told=[])

    AppSession._create_scriptrunner(session, "page")

    assert session.told == ["run of page"]
