"""Parts of a page that stay as they were: sent again as they were drawn, rather than drawn again.

Streamlit runs the whole page whenever anything moves, and by far the most of it stays as it was, or is what
others are shown as well. To draw an element costs ten times as much as to send it. Streamlit itself sends
again what a function of `st.cache_data` has drawn, but no widgets, and it would keep the results as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from streamlit.delta_generator import DeltaGenerator
from streamlit.delta_generator_singletons import get_dg_singleton_instance
from streamlit.elements.lib.utils import _register_element_id
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, ThreadState
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.common import WidgetMetadata, user_key_from_element_id
from streamlit.runtime.state.widgets import register_widget_from_metadata

from pages.ui import state
from regcore.segmented import Segmented

# What is longer is drawn anew: the figures of a visitor's page can be megabytes.
MAX_BYTES = 2**16
# What is the same to all sessions: each stand of the knobs, texts of all pages, and figures that many see.
MAX_BYTES_OF_ALL = 2**23
# What a message takes in memory beside what is sent.
BYTES_BESIDE = 500
# Parts that a session keeps of its own. A shelf has a dozen lines, and each run is on it for a while only.
N_OWN = 32
_DRAWN = "again.drawn"


class _Drawn(NamedTuple):
    """What a part of a page was when it was drawn.

    Attributes:
        path: Where it begins, as places from the root of the page down.
        n_places: How many places it takes there.
        messages: What was sent.
        ids: Its elements that have one.
        widgets: What Streamlit knows of those of them that are widgets.
    """

    path: tuple[int, ...]
    n_places: int
    messages: Sequence[ForwardMsg]
    ids: Sequence[str]
    widgets: Sequence[WidgetMetadata[Any]]

    @property
    def n_bytes(self) -> int:
        """What it takes, about."""
        return sum(message.ByteSize() + BYTES_BESIDE for message in self.messages)


class _Own(NamedTuple):
    """What a session has drawn, by what and of what."""

    how: Callable[..., None]
    inputs: tuple[Any, ...]
    drawn: _Drawn


_OfPage = dict[str | None, dict[str, _Own]]
"""What a session has drawn of a page, by fragment and by name; None: in none of its fragments."""


class _OfAll:
    """What was drawn for any session; safe under threads."""

    def __init__(self) -> None:
        self._drawn: Segmented[_Drawn] = Segmented(MAX_BYTES_OF_ALL)
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> _Drawn | None:
        with self._lock:
            return self._drawn.get(key)

    def put(self, key: Hashable, drawn: _Drawn) -> None:
        with self._lock:
            self._drawn.put(key, drawn, drawn.n_bytes)


_of_all = _OfAll()


def draw(how: Callable[..., None], *inputs: Hashable) -> None:
    """Draw a part of the page where the page is just now; of equal inputs, send what was drawn before.

    What it draws must follow from its inputs alone, and be the same to all sessions. It may have widgets, by
    key and with callbacks, for what they stand at is not told here; it may not offer files to download, for
    Streamlit forgets those that are not offered again. What belongs to a fragment of its own, to the whole
    page, or is elsewhere is drawn each time.

    Args:
        how: Draws it: a function of a module.
        *inputs: What it is drawn from.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        how(*inputs)
        return
    key = context.page_script_hash, ThreadState.get().fragment_id, how, inputs
    before = _of_all.get(key)
    if before is not None and _are_as_they_were(before.widgets, context):
        _send(before, context)
        return
    now = _record(context, how, inputs)
    if now is not None:
        _of_all.put(key, now)


def draw_own(name: str, how: Callable[..., None], *inputs: Any) -> None:
    """Draw a part of the page that is of this session alone, as `draw` does.

    Args:
        name: Names the part among all of the page; what was drawn last under it is kept. Of more than
            `N_OWN` names those that were drawn longest ago are forgotten.
        how: Draws it: a function of a module.
        *inputs: What it is drawn from.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        how(*inputs)
        return
    of_here = _of_here(context)
    before = of_here.pop(name, None)
    if (
        before is not None
        and (before.how, before.inputs) == (how, inputs)
        and _are_as_they_were(before.drawn.widgets, context)
    ):
        of_here[name] = before
        _send(before.drawn, context)
        return
    now = _record(context, how, inputs)
    if now is not None:
        of_here[name] = _Own(how, inputs, now)
        for oldest in list(of_here)[:-N_OWN]:
            del of_here[oldest]


def _of_here(context: ScriptRunContext) -> dict[str, _Own]:
    """Return what this session has drawn on this page, in this fragment of it or in none, by name.

    What was drawn longest ago comes first.
    """
    kept: dict[str, _OfPage] = state.recall(_DRAWN) or {}
    of_page = kept.pop(context.page_script_hash, {})
    # Of the page before as well, to which many go back.
    state.keep(_DRAWN, dict([*list(kept.items())[-1:], (context.page_script_hash, of_page)]))
    return of_page.setdefault(ThreadState.get().fragment_id, {})


def _are_as_they_were(widgets: Sequence[WidgetMetadata[Any]], context: ScriptRunContext) -> bool:
    """Return whether the browser need not be told where a widget stands, so what it was sent still holds.

    It is told of what was put into the session under the key of a widget, of one that comes back to where it
    was, and of a disabled one that it has moved nonetheless.
    """
    session = context.session_state._state
    for widget in widgets:
        if user_key_from_element_id(widget.id) is None or _is_put(widget, session):
            return False
        if widget.bind is not None or widget.persist_state is not None:
            return False
        if widget.disabled and widget.id in session._new_widget_state.states:
            return False
    return True


def _is_put(widget: WidgetMetadata[Any], session: SessionState) -> bool:
    """Return whether something was put into the session under the key of a widget: where it is to stand."""
    key = user_key_from_element_id(widget.id)
    return key in session._new_session_state or key in session._old_state


def _send(drawn: _Drawn, context: ScriptRunContext) -> None:
    cursor = _active()._cursor
    assert cursor is not None
    path = tuple(cursor.delta_path)
    depth, moved = len(path), path[-1] - drawn.path[-1]
    for element in drawn.ids:
        _register_element_id(context, "part of a page", element)
    for widget in drawn.widgets:
        register_widget_from_metadata(widget, context)
    for message in drawn.messages:
        again = ForwardMsg()
        # Another one: the one that was sent may not have left yet.
        again.CopyFrom(message)
        was = message.metadata.delta_path
        again.metadata.delta_path[:] = (*path[:-1], was[depth - 1] + moved, *was[depth:])
        context.enqueue(again)
    for _ in range(drawn.n_places):
        cursor.lock_element()


def _record(context: ScriptRunContext, how: Callable[..., None], inputs: tuple[Any, ...]) -> _Drawn | None:
    """Draw a part of the page; return what it takes to send it again, None: that cannot be."""
    cursor = _active()._cursor
    path = tuple(cursor.delta_path) if cursor is not None else ()
    ids_before = context.shared.widget_ids_this_run.snapshot()
    fragments_before = context.fragment_storage.registration_sequence()
    with _noted(context) as messages:
        how(*inputs)
    if cursor is None or context.fragment_storage.registration_sequence() != fragments_before:
        return None
    if not all(_is_behind(path, message) for message in messages):
        return None
    if sum(message.ByteSize() for message in messages) > MAX_BYTES:
        return None
    ids = context.shared.widget_ids_this_run.snapshot() - ids_before
    known = context.session_state._state._new_widget_state.widget_metadata
    widgets = [known[each] for each in ids if each in known]
    # What moves a widget would move it each time, and in other sessions too.
    if any(_is_put(widget, context.session_state._state) for widget in widgets):
        return None
    return _Drawn(path, cursor.index - path[-1], messages, tuple(ids), widgets)


@contextmanager
def _noted(context: ScriptRunContext) -> Iterator[list[ForwardMsg]]:
    """Note what is sent for the block."""
    messages: list[ForwardMsg] = []
    enqueue, of_outer = context.enqueue, context.__dict__.get("enqueue")

    def note(message: ForwardMsg) -> None:
        enqueue(message)
        messages.append(message)

    context.__dict__["enqueue"] = note
    try:
        yield messages
    finally:
        if of_outer is None:
            del context.__dict__["enqueue"]
        else:
            context.__dict__["enqueue"] = of_outer


def _is_behind(begin: tuple[int, ...], message: ForwardMsg) -> bool:
    """Return whether a message is of an element in the container of a place: there, or below, or deeper."""
    if message.WhichOneof("type") != "delta":
        return False
    *container, first = begin
    path = list(message.metadata.delta_path)
    return path[: len(container)] == container and first <= path[len(container)]


def _active() -> DeltaGenerator:
    """Return the container that elements are drawn in just now."""
    active: DeltaGenerator = get_dg_singleton_instance().main_dg._active_dg
    return active
