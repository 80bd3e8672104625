"""What all pages about one technique share: idea, experiments, run, what the article says, pitfalls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import streamlit as st

from pages.ui import again, cards, diagnosis_card, frame, runs, share, state
from regcore.config import Config
from regcore.lessons import Lesson, lesson_of, named

KINDS = {"good": ":green-badge[:material/check: good]", "bad": ":red-badge[:material/close: bad]"}
OWN_SETTINGS = "**Your own settings.** An experiment brings back some that are known."

# A word of the prose that sets knobs, as [three epochs](?patience=3).
WORDS = re.compile(r"\]\(\?(?P<query>[^)\s]+)\)")
# Turns a click on such a word into one on the button that stands for it.
SCRIPT = f"<script>{Path(__file__).with_name('prose.js').read_text(encoding='utf-8')}</script>"

_WORDS_ON_PAGE = "technique.words"


class Places(NamedTuple):
    """Where things go: the answer on top, which stays in view; knobs left, results right, and below them."""

    answer: Any
    left: Any
    right: Any
    below: Any


class Says(NamedTuple):
    """A sentence of the article, and what was measured here; None while nothing is."""

    article: str
    measured: str | None


class Pitfall(NamedTuple):
    """Something that goes wrong easily: what, and why or what to do instead."""

    title: str
    text: str


def open_page(entry: frame.Entry, start: Config) -> Config:
    """Set the page up and return its configuration: what its link spells, else where it begins."""
    frame.begin(entry)
    beside_title = frame.title(entry.label)
    config = begin(start)
    with beside_title:
        share.show(config)
    frame.show_problem()
    return config


def begin(start: Config) -> Config:
    """Return the configuration of the page, which has no words yet."""
    state.keep(_WORDS_ON_PAGE, {})
    return state.begin(start)


def idea(sentences: str, formula: str, convention: str) -> None:
    """Show what the technique is: two sentences, the formula, and what its symbols stand for here."""
    prose(sentences)
    again.draw(_formula, formula, convention)


def _formula(formula: str, convention: str) -> None:
    with st.container(border=True, key="formula"):
        st.latex(formula)
        st.caption(convention)


def prose(text: str) -> None:
    """Show Markdown in which words can set knobs: [three epochs](?patience=3) is a link that does.

    The same words in two texts of a page are one knob; a text stands on a page once.
    """
    queries = WORDS.findall(text)
    # A part of the page that is drawn again on its own draws its words again, and no others.
    text_of: Mapping[str, str] = state.recall(_WORDS_ON_PAGE) or {}
    own = [query for query in dict.fromkeys(queries) if text_of.get(query, text) == text]
    if own:
        state.keep(_WORDS_ON_PAGE, {**text_of, **dict.fromkeys(own, text)})
    again.draw(_prose, text, *own)


def _prose(text: str, *own: str) -> None:
    st.markdown(WORDS.sub(lambda found: f"](#{_slug(found['query'])})", text), anchors=False)
    if not own:
        return
    # Out of sight, and pressed by the links: Markdown has none that stays in the session.
    with st.container(key=f"words-{_slug(own[0])}"):
        for query in own:
            st.button(query, key=_slug(query), on_click=state.choose, args=(changes_of(query),))
        st.html(SCRIPT, unsafe_allow_javascript=True)


def changes_of(query: str) -> dict[str, Any]:
    """Return the fields that a query such as "patience=3&l2=0.01" sets.

    Raises:
        ValueError: a field or value is none of a configuration.
    """
    spelled = parse_qs(query, keep_blank_values=True, strict_parsing=True)
    config, problem = Config.from_query(query)
    if problem:
        raise ValueError(problem)
    return {name: getattr(config, name) for name in spelled}


def places() -> Places:
    """Return where things go on the page."""
    answer = frame.answer()
    left, right = st.columns([1, 2], gap="large")
    return Places(answer, left, right, st.container())


def experiments(
    config: Config, lessons: Sequence[Lesson], title: str = "Try it", nothing: str = OWN_SETTINGS
) -> None:
    """Show experiments, one click each, with why the chosen one is good or bad and what to look for.

    Args:
        config: What is shown.
        lessons: The experiments.
        title: What they are called.
        nothing: What is said where the settings are nobody's.
    """
    pick(config, lessons, title)
    explain(config, lessons, nothing)


def pick(config: Config, lessons: Sequence[Lesson], title: str) -> None:
    """Show experiments, one click each."""
    chosen = lesson_of(lessons, config)
    shown = chosen.name if chosen else None
    again.draw(_pills, state.bound_key("lesson", shown), shown, title, *lessons)


def _pills(_: str, shown: str | None, title: str, *lessons: Lesson) -> None:
    st.pills(
        title,
        [lesson.name for lesson in lessons],
        default=shown,
        wrap=True,
        help="Settings that are known to be good or bad, and what to look for in them.",
        **state.bind("lesson", shown, lambda name: _taught(lessons, name)),
    )


def explain(config: Config, lessons: Sequence[Lesson], nothing: str) -> None:
    """Show why the experiment that is chosen is good or bad, and what to look for."""
    again.draw(_explained, lesson_of(lessons, config), nothing)


def _explained(chosen: Lesson | None, nothing: str) -> None:
    with st.container(border=True, key="lesson", gap="xsmall"):
        if chosen is None:
            st.markdown(nothing)
        else:
            st.markdown(f"**{chosen.name}** {KINDS[chosen.kind]}  \n{chosen.why}")
            st.markdown(f"**Look for:** {chosen.look_for}")


def show(
    place: str,
    live: runs.Live | None,
    where: Places,
    draw: runs.Draw,
    below: runs.Draw | None = None,
    answer: runs.Draw = cards.verdict,
) -> None:
    """Show a run: its progress and answer on top, results to the right and below; of a refused one nothing.

    Args:
        place: Where the run is followed.
        live: The run.
        where: The places of the page.
        draw: Shows results, complete or not, in the column beside the knobs.
        below: Shows them in the whole width below: what the technique does.
        answer: Shows what complete results say, in a line or two.
    """
    if live is None:
        return
    with where.answer:
        runs.show_status(place, live, answer)
    with where.right:
        st.html('<div id="results"></div>')
        runs.show_results(place, live, draw)
        diagnosis_card.show_in_short(live)
    if below is not None:
        with where.below:
            runs.show_results(place, live, below)


def asked(place: str, of_what: object, label: str, cost: str) -> bool:
    """Return whether somebody asked for more training; a button to ask for it, while nobody has.

    What was asked for before and is under way is cancelled when it has to be asked for again.

    Args:
        place: Where the run is followed.
        of_what: What it is of: when that changes, it has to be asked for again.
        label: Of the button.
        cost: How long it takes, as far as that is known.
    """
    wanted = f"{place}.wanted"
    if state.recall(wanted) == of_what:
        return True
    before: runs.Live | None = state.recall(place)
    if before and before.is_under_way:
        # Nobody sees it any more, nor the way to cancel it.
        before.run.cancel()
        state.keep(place, None)
    st.button(
        label, key=f"{place}.train", icon=":material/play_arrow:", on_click=state.keep, args=(wanted, of_what)
    )
    st.caption(f"{cost}; while it trains, the time left is told, and it can be cancelled.")
    return False


def article(says: Sequence[Says]) -> None:
    """Show what the article says, beside what was measured here."""
    again.draw(_article, *says)


def _article(*says: Says) -> None:
    st.subheader("The article says, measured here", anchor=False)
    for each in says:
        with st.container(border=True):
            left, right = st.columns(2, gap="medium")
            left.markdown(f"**The article says:** {each.article}")
            right.markdown(f"**Measured here:** {each.measured or 'when the run is done.'}")


def pitfalls(items: Sequence[Pitfall]) -> None:
    """Show what goes wrong easily."""
    st.subheader("Pitfalls", anchor=False)
    prose("\n".join(f"- **{each.title}** {each.text}" for each in items))


def _taught(lessons: Sequence[Lesson], name: str | None) -> state.Changes:
    """Return what an experiment changes; to choose the same one again changes nothing."""
    return named(lessons, name).config.changes(state.config()) if name else {}


def _slug(query: str) -> str:
    return "set-" + re.sub(r"[^a-z0-9]+", "-", query.lower()).strip("-")
