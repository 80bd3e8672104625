"""A visitor of the running app: a program that answers its server as Streamlit's page in a browser does.

It asks again on the timers that the server sets, follows the address that the server writes, and keeps large
messages, which the server then sends by their hash alone. What a browser draws of it takes time on top.

This file alone of regcore knows Streamlit: its messages. It is loaded by nothing but the bench of the app.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Block_pb2 import Block
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from regcore.bench.wire import Wire
from regcore.errors import RegcoreError

# What the keys of the knobs begin with.
KNOB = "lab.widget."
PATIENCE_SECONDS = 180.0
QUIET_SECONDS = 0.2

_FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
_DRAWN = re.compile(r"median of (\d+) networks: after (\d+) epochs")
_DESCRIPTION = re.compile(r'"meta":\s*\{"description":\s*("(?:[^"\\]|\\.)*")')


class NeverCameError(RegcoreError):
    """What a visitor waited for did not come."""


class Figure(NamedTuple):
    """A figure that was sent.

    Attributes:
        seconds: When it came, since the visitor's last move.
        n_bytes: Size of its message.
        description: What it says of itself in words.
        is_repeated: Whether it was on the page already, to the last number.
    """

    seconds: float
    n_bytes: int
    description: str
    is_repeated: bool

    def network_epochs_of(self, run: str) -> int:
        """Return how many networks times epochs the figure shows of a run; 0 if it is not of its curves."""
        return _network_epochs(self.description, run)


@dataclass
class Answer:
    """What a server sent back to one move of a visitor.

    Attributes:
        seconds: Until the script had run through; what it draws later, as training goes on, comes after.
        n_bytes: Bytes of all messages.
        n_messages: Number of messages.
        figures: The figures among them, in their order.
        finished: Seconds until nothing was under way any more; None: it is, or nobody waited for its end.
        refusals: What the page said in a box for errors.
    """

    seconds: float = 0.0
    n_bytes: int = 0
    n_messages: int = 0
    figures: list[Figure] = field(default_factory=list)
    finished: float | None = None
    refusals: list[str] = field(default_factory=list)


class _Timer(NamedTuple):
    """When a part of the page is asked for next."""

    interval: float
    due: float


class _Kept(NamedTuple):
    """A message that the server may send by its hash: in which run it was seen last, and of which part."""

    run: int
    fragment: str
    content: str | None


class _Shown(NamedTuple):
    """A figure on the page, and the run that drew it."""

    run: int
    content: str


def _network_epochs(description: str, run: str) -> int:
    drawn = _DRAWN.search(description) if description.startswith(f"{run},") else None
    return int(drawn[1]) * int(drawn[2]) if drawn else 0


def _description(content: str) -> str:
    """Return what a figure says of itself in words; read off its text, which is long."""
    found = _DESCRIPTION.search(content)
    return str(json.loads(found[1])) if found else ""


class Visitor:
    """One visit: a session of the server.

    Args:
        address: Of the server, as "127.0.0.1:8501".
        page: Which page to stay on; empty: the first one.
        patience: Seconds to wait for something that does not come; None: some minutes.
    """

    def __init__(self, address: str, page: str = "", patience: float | None = None) -> None:
        self._wire = Wire(address, page)
        self._address, self._page = address, page
        self._patience = PATIENCE_SECONDS if patience is None else patience
        self._session = ""
        self._script = ""
        self._scripts: dict[str, str] = {}
        self._query = ""
        self._running: tuple[str, ...] | None = None
        self._awaited: str | None = None
        self._n_runs = 0
        self._kept_runs = 2
        self._kept: dict[str, _Kept] = {}
        self._timers: dict[str, _Timer] = {}
        self._elements: dict[str, tuple[str, str, Element]] = {}
        self._folds: dict[str, str] = {}
        self._moved: dict[str, WidgetState] = {}
        self._shown: dict[tuple[int, ...], _Shown] = {}
        self._began = 0.0
        self._answer = Answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._wire.close()

    def leave(self) -> None:
        """Lose the connection, as a tab that is closed or a laptop that sleeps."""
        self._wire.close()

    def come_back(self) -> Answer:
        """Connect again to the session that was left, and have its page run once more."""
        self._wire = Wire(self._address, self._page, self._session)
        self._timers.clear()
        return self.rerun()

    def open(self, query: str) -> Answer:
        """Follow a link to the page, until its script has run through."""
        self._query = query
        return self.rerun()

    def turn_to(self, page: str) -> Answer:
        """Click on another page in the menu, until its script has run through.

        Args:
            page: As the address names it, as "early_stopping"; empty: the first page.
        """
        if page not in self._scripts:
            raise RegcoreError(f"the app has no page {page!r}, which the bench wants to open.")
        self._script, self._query = self._scripts[page], ""
        # What stood on the page before is gone, and with it what was set there.
        self._moved.clear()
        self._elements.clear()
        self._folds.clear()
        self._shown.clear()
        self._timers.clear()
        return self._act("")

    def rerun(self) -> Answer:
        """Have the page run once more, with nothing moved."""
        return self._act("")

    def options(self, name: str) -> list[str]:
        """Return the steps of a slider of the configuration, as they are written."""
        return list(self._slider(name)[2].slider.options)

    def move(self, name: str, to: str) -> Answer:
        """Move a slider of the configuration to a step, until the script has run through."""
        identity, fragment, _ = self._slider(name)
        state = WidgetState(id=identity)
        state.string_array_value.data.append(to)
        self._moved[identity] = state
        return self._act(fragment)

    def has_slider(self, name: str) -> bool:
        """Return whether the page shows a slider of the configuration; some are folded away."""
        at = self._elements.get(KNOB + name)
        return at is not None and at[2].WhichOneof("type") == "slider"

    def unfold(self, key: str) -> Answer:
        """Open what is folded away, until the script has run through and filled it."""
        if key not in self._folds:
            raise RegcoreError(f"the page has nothing folded away as {key!r}, which the bench wants to open.")
        identity = self._folds[key]
        self._moved[identity] = WidgetState(id=identity, bool_value=True)
        return self._act("")

    def wait_for(self, holds: Callable[[Figure], bool]) -> Figure:
        """Return the first figure since the last move for which something holds, as soon as it comes."""
        self._listen(lambda: any(map(holds, self._answer.figures)))
        return next(filter(holds, self._answer.figures))

    def drawn(self, run: str) -> int:
        """Return how many networks times epochs the page shows of a run by now."""
        on_page = (_network_epochs(_description(each.content), run) for each in self._shown.values())
        return max(on_page, default=0)

    @property
    def is_polled(self) -> bool:
        """Whether the server has set a timer, as it does while something is under way."""
        return bool(self._timers)

    def rest(self, seconds: float) -> None:
        """Move nothing for a while; what the server asks for is answered meanwhile."""
        self._listen(lambda: False, seconds)

    def finish(self) -> Answer:
        """Wait until nothing is under way on the page, and return all that came since the last move."""
        self._listen(lambda: self._running is None and not self._timers)
        self._answer.finished = self._now()
        return self._answer

    def settle(self) -> Answer:
        """Wait until the page is not drawn again any more, and return all that came since the last move."""
        self.finish()
        # What was asked for by a timer just before may still be under way.
        with suppress(TimeoutError):
            while True:
                self._take(self._wire.recv(timeout=QUIET_SECONDS))
        return self._answer

    def _slider(self, name: str) -> tuple[str, str, Element]:
        if not self.has_slider(name):
            raise RegcoreError(f"the page has no slider of {name!r}, which the bench wants to move.")
        return self._elements[KNOB + name]

    def _act(self, fragment: str) -> Answer:
        self._began, self._answer = time.perf_counter(), Answer()
        self._ask(fragment)
        self._awaited = fragment
        self._listen(lambda: self._awaited is None)
        self._answer.seconds = self._now()
        return self._answer

    def _now(self) -> float:
        return time.perf_counter() - self._began

    def _ask(self, fragment: str, by_timer: bool = False) -> None:
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.fragment_id = self._query, fragment
        # A page is asked for by its name once, and then by what the server calls it.
        asked.page_name, asked.page_script_hash = ("", self._script) if self._script else (self._page, "")
        asked.is_auto_rerun = by_timer
        asked.widget_states.widgets.extend(self._moved.values())
        asked.cached_message_hashes.extend(self._kept)
        self._wire.send(message.SerializeToString())

    def _listen(self, is_enough: Callable[[], bool], rest: float | None = None) -> None:
        """Take what comes and ask on the timers, until it is enough, or the time to rest is over."""
        deadline = time.perf_counter() + (self._patience if rest is None else rest)
        while not is_enough():
            if time.perf_counter() > deadline:
                if rest is not None:
                    return
                under_way = (
                    "a run of the page" if self._running is not None else f"{len(self._timers)} timers"
                )
                raise NeverCameError(
                    f"the app did not do what was waited for within {self._patience:g} s: {under_way}."
                )
            due = min((timer.due for timer in self._timers.values()), default=deadline)
            with suppress(TimeoutError):
                self._take(self._wire.recv(timeout=max(0.0, min(due, deadline) - time.perf_counter())))
            self._ask_again()

    def _ask_again(self) -> None:
        now = time.perf_counter()
        for fragment, timer in list(self._timers.items()):
            if timer.due <= now:
                self._timers[fragment] = timer._replace(due=now + timer.interval)
                self._ask(fragment, by_timer=True)

    def _take(self, payload: str | bytes) -> None:
        message = ForwardMsg.FromString(payload if isinstance(payload, bytes) else payload.encode())
        self._answer.n_bytes += len(payload)
        self._answer.n_messages += 1
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._session = message.new_session.initialize.session_id
            self._begin_run(message)
        elif kind == "script_finished":
            self._end_run(message)
        elif kind == "navigation":
            self._script = message.navigation.page_script_hash
            self._scripts = {
                "" if page.is_default else page.url_pathname: page.page_script_hash
                for page in message.navigation.app_pages
            }
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            asked = message.auto_rerun
            self._timers.setdefault(
                asked.fragment_id, _Timer(asked.interval, time.perf_counter() + asked.interval)
            )
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._timers.pop(fragment, None)
        elif kind == "ref_hash":
            self._take_kept(message)
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._take_element(message, len(payload))
        elif kind == "delta" and message.delta.WhichOneof("type") == "add_block":
            self._take_block(message.delta.add_block)

    def _begin_run(self, message: ForwardMsg) -> None:
        # As Streamlit's page: a message that was not seen for so many runs of the script is dropped.
        self._kept_runs = message.new_session.config.max_cached_message_age or self._kept_runs
        self._running = tuple(message.metadata.run.fragment_ids)
        if not self._running:
            self._timers.clear()

    def _end_run(self, message: ForwardMsg) -> None:
        if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            raise RegcoreError("the page could not be compiled.")
        if message.script_finished not in _FINISHED:
            return  # It is run again at once.
        drawn = self._running or ()
        for key, kept in list(self._kept.items()):
            if (not drawn or kept.fragment in drawn) and self._n_runs - kept.run >= self._kept_runs:
                del self._kept[key]
        if not drawn:
            # A whole run draws all that stays on the page.
            self._shown = {path: each for path, each in self._shown.items() if each.run == self._n_runs}
        if not drawn or self._awaited in drawn:
            self._awaited = None
        self._running = None
        self._n_runs += 1

    def _take_kept(self, message: ForwardMsg) -> None:
        if message.ref_hash not in self._kept:
            raise RegcoreError("the server sent by its hash what the page has dropped: it would stand still.")
        kept = self._kept[message.ref_hash]._replace(run=self._n_runs)
        self._kept[message.ref_hash] = kept
        if kept.content is not None:
            self._shown[tuple(message.metadata.delta_path)] = _Shown(self._n_runs, kept.content)

    def _take_element(self, message: ForwardMsg, n_bytes: int) -> None:
        element, fragment = message.delta.new_element, message.delta.fragment_id
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise RegcoreError(f"the page failed: {element.exception.type} {element.exception.message}")
        if kind == "alert" and element.alert.format == Alert.ERROR:
            self._answer.refusals.append(element.alert.body)
        content = element.plotly_chart.spec if kind == "plotly_chart" else None
        if message.metadata.cacheable:
            self._kept[message.hash] = _Kept(self._n_runs, fragment, content)
        if content is not None:
            self._take_figure(tuple(message.metadata.delta_path), content, n_bytes)
        identity = str(getattr(getattr(element, kind or "empty"), "id", ""))
        if identity.startswith("$$"):
            # "$$ID-<hash>-<the key that the page gave it>"; and of a knob ".<how many were before it>"
            key = identity.split("-", 2)[-1]
            name = key.rpartition(".")[0] if key.startswith(KNOB) else key
            before = self._elements.get(name)
            if before is not None and before[0] != identity:
                # It has made way for a new one, and is asked no more where it stands.
                self._moved.pop(before[0], None)
            self._elements[name] = identity, fragment, element

    def _take_block(self, block: Block) -> None:
        for identity in (block.expandable.id, block.popover.id):
            if identity.startswith("$$"):
                self._folds[identity.split("-", 2)[-1]] = identity

    def _take_figure(self, path: tuple[int, ...], content: str, n_bytes: int) -> None:
        is_repeated = content in (each.content for each in self._shown.values())
        self._answer.figures.append(Figure(self._now(), n_bytes, _description(content), is_repeated))
        self._shown[path] = _Shown(self._n_runs, content)
