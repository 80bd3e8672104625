"""The only owner of session state and of the URL.

Each page of a session has one `Config`: widgets show and change it, the URL spells it, and it outlives a
change of page. Whoever moved last is right, be it a widget or a link that was pasted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypedDict, TypeVar
from urllib.parse import parse_qs
from uuid import uuid4

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from regcore.config import Config
from regcore.data import check_built_in
from regcore.errors import ConfigError
from regcore.lessons import lab
from regcore.provenance import Made, read_made

# Where the Lab begins in a session without a link.
START = lab.LESSONS[0].config

_CONFIG = "lab.config."
_PROBLEM = "lab.problem."
_REFUSED = "lab.refused"
_WRITTEN = "lab.written"
_SENT = "lab.sent"
_MOVED = "lab.moved"
_N_MOVES = "lab.moves"
_PAGE = "lab.page"
_ARRIVED = "lab.arrived"
_OWNER = "lab.owner"
_MADE = "lab.made."
_WIDGET = "lab.widget."
_TURN = "lab.turn."
_KEPT = "lab.kept."

N_WRITTEN = 100
REFUSED_LINK = "This link cannot be opened, so the defaults are shown"
# The one URL parameter that is no field: where the numbers of a shared link were made.
MADE = "made"
# What newsletters and networks add to a link that is posted there.
TRACKING = re.compile(r"utm_\w+|fbclid|gclid|dclid|msclkid|mc_cid|mc_eid|igshid")

Changes = Mapping[str, Any]
T = TypeVar("T")


class Binding(TypedDict):
    """The arguments by which a widget is tied to the configuration."""

    key: str
    on_change: Callable[[str, str, Callable[[Any], Changes]], None]
    args: tuple[str, str, Callable[[Any], Changes]]


def enter(page: str) -> None:
    """Note which page is shown. Called by every page first."""
    before = st.session_state.get(_PAGE)
    if before != page:
        st.session_state[_PAGE] = page
        st.session_state[_ARRIVED] = True
        _forget_all_but(before, page)


def begin_without_link() -> None:
    """Clear the URL on arrival: called by a page without a configuration, so that none of another stays."""
    if st.session_state.get(_ARRIVED, True):
        st.session_state[_ARRIVED] = False
        st.query_params.clear()


def begin(start: Config = START) -> Config:
    """Return the page's configuration, from its URL if that is a link, and write it to the URL.

    Called by a page once, before its widgets. A link that cannot be opened leads to where the page begins,
    and to a `problem`.

    Args:
        start: Where the page begins in a session that comes without a link.
    """
    query = _query()
    if _is_link(query):
        _open(query, start)
    elif _of_page(_CONFIG) not in st.session_state:
        _set(start)
    st.session_state[_ARRIVED] = st.session_state[_MOVED] = False
    chosen = config()
    _write(chosen)
    return chosen


def config() -> Config:
    """Return the configuration of the page that is shown."""
    chosen: Config = st.session_state[_of_page(_CONFIG)]
    return chosen


def told() -> dict[str, str]:
    """Return what the log may tell of this session: the page that is shown, and its configuration."""
    page, chosen = st.session_state.get(_PAGE), st.session_state.get(_of_page(_CONFIG))
    return {"page": str(page)} | ({"run": chosen.to_query()} if chosen else {})


def made() -> Made | None:
    """Return what the link of this configuration says of where its numbers were made; None if nothing."""
    linked: tuple[Config, Made | None] | None = st.session_state.get(_of_page(_MADE))
    return linked[1] if linked and linked[0] == config() else None


def problem() -> str | None:
    """Return one sentence about a link or a change that was refused, until the next change."""
    sentence: str | None = st.session_state.get(_of_page(_PROBLEM))
    return sentence


def was_just_refused() -> bool:
    """Return, once, whether the last change was refused."""
    return bool(st.session_state.pop(_REFUSED, False))


def choose(changes: Changes) -> None:
    """Change fields of the configuration; a change that is refused leaves it and sets the `problem`."""
    st.session_state[_MOVED] = True
    st.session_state[_N_MOVES] = n_moves() + 1
    try:
        changed = config().replace(**changes)
        check_built_in(changed)
    except ConfigError as error:
        _refuse(error)
    else:
        _set(changed)


def would_lower(changes: Mapping[str, int]) -> bool:
    """Return whether the page has a configuration, and all of these fields are higher in it."""
    chosen: Config | None = st.session_state.get(_of_page(_CONFIG))
    lower = [chosen is not None and getattr(chosen, name) > value for name, value in changes.items()]
    return bool(lower) and all(lower)


def load(read: Callable[[], Config]) -> None:
    """Take a whole configuration that comes from outside; one that is refused sets the `problem`.

    Args:
        read: Returns it, or raises a `ConfigError` with what is wrong.
    """
    try:
        loaded = read()
    except ConfigError as error:
        _refuse(error)
    else:
        choose(loaded.changes(config()))


def config_of_link(text: str) -> Config:
    """Return the configuration that a link spells, whatever page it is of.

    Raises:
        ConfigError: it spells none.
    """
    _, mark, query = text.partition("?")
    if not mark:
        raise ConfigError(f"a link must have its settings after a question mark, got {text[:60]!r}")
    spelled = parse_qs(query.partition("#")[0], keep_blank_values=True)
    loaded, sentence = Config.from_query(_fields_of(spelled))
    if sentence is not None:
        raise ConfigError(sentence)
    return loaded


def n_moves() -> int:
    """Return how often a configuration was changed, or a change refused, in this session."""
    n: int = st.session_state.get(_N_MOVES, 0)
    return n


def bind(name: str, shown: Any, changes: Callable[[Any], Changes]) -> Binding:
    """Return the arguments that make a widget show a value of the configuration and change it.

    The value itself is given to the widget as what it starts with. A widget that stands elsewhere, because
    the configuration moved without it, makes way for a new one. To set it instead would be lost on a browser
    that a run's messages never reach, as happens when the next run follows at once: it would go on showing
    the old value, or none, and send that back as if somebody had chosen it.

    Args:
        name: Names the widget among all of the page.
        shown: What the widget shows now.
        changes: From what the widget is moved to, to the fields that this changes.
    """
    key = bound_key(name, shown)
    return {"key": key, "on_change": _take, "args": (name, key, changes)}


def bound_key(name: str, shown: Any) -> str:
    """Return the session key of a widget that is bound and shows this: another one where it makes way."""
    key = widget_key(name)
    if key in st.session_state and st.session_state[key] != shown:
        st.session_state[_TURN + name] = st.session_state.get(_TURN + name, 0) + 1
        key = widget_key(name)
    return key


def widget_key(name: str) -> str:
    """Return the session key of a bound widget."""
    return f"{_WIDGET}{name}.{st.session_state.get(_TURN + name, 0)}"


def query_of(chosen: Config) -> dict[str, str]:
    """Return the URL parameters that spell a configuration: one for each field that is no default.

    Of the default configuration its data set: a URL with no parameters at all is no link, and its page shows
    what it showed before, or where it begins.
    """
    spelled = parse_qs(chosen.to_query(), strict_parsing=False)
    return {name: values[0] for name, values in spelled.items()} or {"data": chosen.data}


def recall(name: str) -> Any:
    """Return what a page has kept under this name in this session; None if nothing."""
    return st.session_state.get(_KEPT + name)


def keep(name: str, value: Any) -> None:
    """Keep something for this session, across reruns and pages."""
    st.session_state[_KEPT + name] = value


def kept_of(name: str, make: Callable[..., T], *inputs: Any, **options: Any) -> T:
    """Return what `make` makes of the inputs; of equal ones the same as before.

    It is kept for this page and the next that is opened: figures of all pages are megabytes a session. A
    `Result` equals itself alone.

    Args:
        name: Names what is made among all that pages keep.
        make: What makes it. One that is defined in a page's own file is another one in each run of the page.
        *inputs: What it is made from.
        **options: The same, by name.
    """
    before: _KeptOf | None = recall(name)
    page = st.session_state.get(_PAGE)
    if before is None or (before.make, before.inputs, before.options) != (make, inputs, options):
        made = _KeptOf(make, inputs, options, make(*inputs, **options), page)
    else:
        made = before if before.page == page else before._replace(page=page)
    if made is not before:
        keep(name, made)
    what: T = made.what
    return what


class _KeptOf(NamedTuple):
    """What was made, from what, and on which page it was wanted last."""

    make: Callable[..., Any]
    inputs: tuple[Any, ...]
    options: Mapping[str, Any]
    what: Any
    page: str | None


def _forget_all_but(*pages: str | None) -> None:
    """Forget what was made for other pages; it is made again when they are opened."""
    for name, kept in list(st.session_state.items()):
        if isinstance(kept, _KeptOf) and kept.page not in pages:
            del st.session_state[name]


def owner() -> str:
    """Return a name for this session, among whose runs and those of others turns are taken."""
    name: str = st.session_state.setdefault(_OWNER, uuid4().hex)
    return name


def _of_page(name: str) -> str:
    """Return the session key of something that each page has for itself."""
    return f"{name}{st.session_state.get(_PAGE, '')}"


def _open(query: dict[str, list[str]], start: Config) -> None:
    """Take the configuration of a link, or where the page begins if the link asks for what cannot be had."""
    chosen, sentence = Config.from_query(query)
    if sentence is None:
        try:
            check_built_in(chosen)
        except ConfigError as error:
            sentence = str(error)
    if sentence is not None:
        chosen, sentence = start, f"{REFUSED_LINK}: {sentence}"
    _set(chosen, sentence)
    made_there = st.query_params.get_all(MADE) if MADE in st.query_params else []
    st.session_state[_of_page(_MADE)] = (
        (chosen, read_made(made_there[0])) if made_there and not sentence else None
    )


def _set(chosen: Config, sentence: str | None = None) -> None:
    st.session_state[_of_page(_CONFIG)] = chosen
    st.session_state[_of_page(_PROBLEM)] = sentence


def _refuse(error: ConfigError) -> None:
    st.session_state[_of_page(_PROBLEM)] = str(error)
    st.session_state[_REFUSED] = True


def _take(name: str, key: str, changes: Callable[[Any], Changes]) -> None:
    """Change what a widget of this name and key stands for to what it was moved to."""
    if key != widget_key(name):
        # A browser that has not yet heard that the widget made way still sends where it stood.
        return
    try:
        changed = changes(st.session_state[key])
    except ConfigError as error:
        _refuse(error)
        return
    choose(changed)


def _query() -> dict[str, list[str]]:
    """Return the fields that the URL spells."""
    return _fields_of({name: st.query_params.get_all(name) for name in st.query_params})


def _fields_of(query: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return what a query says of fields, without what else links carry."""
    return {name: values for name, values in query.items() if name != MADE and not TRACKING.fullmatch(name)}


def _is_link(query: dict[str, list[str]]) -> bool:
    """Return whether somebody followed or pasted this query.

    It is none if a page has written it: a browser that has not heard of the last change sends the one before.
    And it is none on the way back to a page that has been shown: what another page has written last may have
    come so late that it stands there.
    """
    if _is_way_back() and _of_page(_CONFIG) in st.session_state:
        return False
    if not query or st.session_state.get(_ARRIVED, True):
        return bool(query)
    return not st.session_state.get(_MOVED) and query not in st.session_state.get(_WRITTEN, [])


def _is_way_back() -> bool:
    """Return whether this run was asked for by the browser's Back or Forward."""
    context = get_script_run_ctx(suppress_warning=True)
    return context is not None and context.is_history_navigation


def _write(chosen: Config) -> None:
    """Have the URL spell a configuration, unless it does and nothing else is on its way to the browser.

    A browser that asks for the next run at once has not yet read what the run before has written.
    """
    wanted = query_of(chosen)
    as_read = {name: [value] for name, value in wanted.items()}
    others = [query for query in st.session_state.get(_WRITTEN, []) if query != as_read]
    # Before it is sent: a run that is broken off after that has written it as well.
    st.session_state[_WRITTEN] = [*others[-N_WRITTEN:], as_read]
    made_there = made()
    spelled = wanted | ({MADE: str(made_there)} if made_there else {})
    stands = {name: st.query_params.get_all(name) for name in st.query_params}
    is_another_sent = st.session_state.get(_SENT, spelled) != spelled
    if is_another_sent or stands != {name: [value] for name, value in spelled.items()}:
        st.query_params.from_dict(spelled)
        # Behind it: a run that is broken off before has sent nothing.
        st.session_state[_SENT] = spelled
