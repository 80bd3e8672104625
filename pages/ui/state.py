"""The only owner of session state and of the URL.

The configuration of a session is one `Config`: widgets show and change it, the URL spells it, and it
outlives a change of page. Whoever moved last is right, be it a widget or a link that was pasted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict
from urllib.parse import parse_qs
from uuid import uuid4

import streamlit as st

from regcore.config import Config
from regcore.data import check_built_in
from regcore.errors import ConfigError

# Where a session without a link begins: a network that learns wrong labels by heart, and dropout against it.
START = Config(data="breast_cancer", label_noise=0.2, dropout_input=0.2, dropout_hidden=0.5)

_CONFIG = "lab.config"
_PROBLEM = "lab.problem"
_REFUSED = "lab.refused"
_WRITTEN = "lab.written"
_MOVED = "lab.moved"
_PAGE = "lab.page"
_ARRIVED = "lab.arrived"
_OWNER = "lab.owner"
_WIDGET = "lab.widget."
_KEPT = "lab.kept."

N_WRITTEN = 100

Changes = Mapping[str, Any]


class Binding(TypedDict):
    """The arguments by which a widget is tied to the configuration."""

    key: str
    on_change: Callable[[str, Callable[[Any], Changes]], None]
    args: tuple[str, Callable[[Any], Changes]]


def enter(page: str) -> None:
    """Note which page is shown. Called by every page first."""
    if st.session_state.get(_PAGE) != page:
        st.session_state[_PAGE] = page
        st.session_state[_ARRIVED] = True


def begin() -> Config:
    """Return the session's configuration, from its URL if that is a link, and write it to the URL.

    Called by a page once, before its widgets. A link that cannot be read gives the defaults and a `problem`.
    """
    query = _query()
    if _is_link(query):
        _open(query)
    elif _CONFIG not in st.session_state:
        _set(START)
    st.session_state[_ARRIVED] = st.session_state[_MOVED] = False
    chosen = config()
    _write(chosen)
    return chosen


def config() -> Config:
    """Return the session's configuration."""
    chosen: Config = st.session_state[_CONFIG]
    return chosen


def problem() -> str | None:
    """Return one sentence about a link or a change that was refused, until the next change."""
    sentence: str | None = st.session_state.get(_PROBLEM)
    return sentence


def was_just_refused() -> bool:
    """Return, once, whether the last change was refused."""
    return bool(st.session_state.pop(_REFUSED, False))


def choose(changes: Changes) -> None:
    """Change fields of the configuration; a change that is refused leaves it and sets the `problem`."""
    st.session_state[_MOVED] = True
    try:
        changed = config().replace(**changes)
        check_built_in(changed)
    except ConfigError as error:
        _refuse(error)
    else:
        _set(changed)


def bind(name: str, shown: Any, changes: Callable[[Any], Changes]) -> Binding:
    """Return the arguments that make a widget show a value of the configuration and change it.

    Args:
        name: Names the widget among all of the page.
        shown: What the widget shows now.
        changes: From what the widget is moved to, to the fields that this changes.
    """
    key = _WIDGET + name
    # Set only what differs: a value that is set is sent to the browser, over what somebody is typing there.
    if key not in st.session_state or st.session_state[key] != shown:
        st.session_state[key] = shown
    return {"key": key, "on_change": _take, "args": (key, changes)}


def widget_key(name: str) -> str:
    """Return the session key of a bound widget, by which tests find it."""
    return _WIDGET + name


def query_of(chosen: Config) -> dict[str, str]:
    """Return the URL parameters of a configuration, never none: a URL without any means `START`."""
    spelled = parse_qs(chosen.to_query(), strict_parsing=False)
    return {name: values[0] for name, values in spelled.items()} or {"data": chosen.data}


def recall(name: str) -> Any:
    """Return what a page has kept under this name in this session; None if nothing."""
    return st.session_state.get(_KEPT + name)


def keep(name: str, value: Any) -> None:
    """Keep something for this session, across reruns and pages."""
    st.session_state[_KEPT + name] = value


def owner() -> str:
    """Return a name for this session, among whose runs and those of others turns are taken."""
    name: str = st.session_state.setdefault(_OWNER, uuid4().hex)
    return name


def _open(query: dict[str, list[str]]) -> None:
    """Take the configuration of a link, or the defaults where the link asks for what cannot be had."""
    chosen, sentence = Config.from_query(query)
    try:
        check_built_in(chosen)
    except ConfigError as error:
        chosen, sentence = Config(), str(error)
    _set(chosen, sentence)


def _set(chosen: Config, sentence: str | None = None) -> None:
    st.session_state[_CONFIG] = chosen
    st.session_state[_PROBLEM] = sentence


def _refuse(error: ConfigError) -> None:
    st.session_state[_PROBLEM] = str(error)
    st.session_state[_REFUSED] = True


def _take(key: str, changes: Callable[[Any], Changes]) -> None:
    try:
        changed = changes(st.session_state[key])
    except ConfigError as error:
        _refuse(error)
        return
    choose(changed)


def _query() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _is_link(query: dict[str, list[str]]) -> bool:
    """Return whether somebody followed or pasted this query.

    It is none if a page has written it: a browser that has not heard of the last change sends the one before.
    """
    if not query or st.session_state.get(_ARRIVED, True):
        return bool(query)
    return not st.session_state.get(_MOVED) and query not in st.session_state.get(_WRITTEN, [])


def _write(chosen: Config) -> None:
    wanted = query_of(chosen)
    as_read = {name: [value] for name, value in wanted.items()}
    if _query() != as_read:
        st.query_params.from_dict(wanted)
    others = [query for query in st.session_state.get(_WRITTEN, []) if query != as_read]
    st.session_state[_WRITTEN] = [*others[-N_WRITTEN:], as_read]
