"""What a page has drawn and the server has not sent yet: Streamlit 1.67 loses it in two cases, and not here.

Both need a server that is busy, and a part of the page that is drawn anew on a timer just when the page has
run through. The browser then lacks a part of the page, or finds no place for what is drawn anew: "Bad delta
path index", and the page is blank.
"""

from __future__ import annotations

from functools import cache

from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner import RerunData

from pages.ui import sending


@cache
def keep() -> None:
    """Have the server send all that its pages draw."""
    _keep_what_waits_in_the_queue()
    _keep_what_waits_for_the_queue()


def _keep_what_waits_in_the_queue() -> None:
    """Send what a fragment has drawn before what it draws anew, rather than drop it."""
    drop = ForwardMsgQueue.clear

    def clear(
        queue: ForwardMsgQueue,
        retain_lifecycle_msgs: bool = False,
        fragment_ids_this_run: list[str] | None = None,
    ) -> None:
        # A run of no fragment's is one of a fragment still, which drops nothing.
        drop(queue, retain_lifecycle_msgs, None if fragment_ids_this_run is None else [])

    ForwardMsgQueue.clear = clear  # type: ignore[assignment, method-assign]


def _keep_what_waits_for_the_queue() -> None:
    """Begin the next run of a page when all that the one before has drawn is in the queue.

    A session listens to its newest runner alone. One that has ended may have messages under way.
    """
    begin = AppSession._create_scriptrunner

    def begin_later(session: AppSession, asked: RerunData) -> None:
        ended = session._scriptrunner
        if ended is None:
            begin(session, asked)
            return

        def begin_now() -> None:
            sending.catch_up(session)
            newest = session._scriptrunner
            if session._state == AppSessionState.SHUTDOWN_REQUESTED:
                return
            if newest is None or newest is ended:
                begin(session, asked)
            elif not newest.request_rerun(asked):
                begin_later(session, asked)

        # Behind what is under way of the runner that has ended: all was handed to the loop before it did.
        session._event_loop.call_soon(begin_now)

    AppSession._create_scriptrunner = begin_later  # type: ignore[assignment, method-assign]
