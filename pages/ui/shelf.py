"""The run table: finished runs kept beside the one that is shown, overlaid, and held against each other.

What is kept of a run is its curves and validation scores: some tens of kilobytes, no weights, and nothing of
the test. The baseline and this run have their own two colours; each run before them has one of the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import streamlit as st

from pages.ui import again, charts, desk, runs, shared, state, tables, words
from pages.ui.entries import (
    MAX_EARLIER,
    MAX_LETTERS,
    OWN_COLOURS,
    Entry,
    Origin,
    Shelf,
    arrange,
    change,
    find,
    is_full_of_pins,
    put,
    renamed,
    restored,
)
from regcore.config import Config
from regcore.data import DATASET_INFO
from regcore.figures import BASELINE, COLOURS, Measure, Overlaid, plot_overlay, summarize_curves
from regcore.figures._overlay import SYMBOLS
from regcore.pairing import MetricPair, changed_fields, pair, scores_of
from regcore.results import Result
from regcore.statistics import mean_interval

MEASURES: dict[str, Measure] = {"Loss": "loss", "Error": "error"}

# An eye in place of the box of a check box, which stays what it is for the keyboard and for screen readers.
EYES = """
[class*=st-key-shelf-eye-] label > div:first-of-type {display: none}
[class*=st-key-shelf-eye-] [data-testid=stWidgetLabel]::before {
    font-family: "Material Symbols Rounded"; font-feature-settings: "liga"; font-size: 1.5rem; line-height: 1;
    margin-right: 0.5rem;
}
[class*=st-key-shelf-eye-] [data-testid=stWidgetLabel] :is(div, p) {
    white-space: normal; overflow: visible; overflow-wrap: anywhere;
}
[class*=st-key-shelf-eye-] label:has(input:focus-visible) {
    outline: 2px solid currentColor; outline-offset: 2px; border-radius: 0.25rem;
}
"""

ELSEWHERE = "made elsewhere, equal within tolerance"

_SHELF = "shelf.runs"
_BASELINE = "shelf.baseline"
_HIDDEN = "shelf.hidden"
_ABOUTS = "shelf.abouts"
DIFFERENCES = "shelf.differences"


class Row(NamedTuple):
    """One line of the table: a run, and the part that it has on the page just now."""

    label: str
    config: Config
    entry: Entry | None
    colour: int
    is_visible: bool

    @property
    def is_earlier(self) -> bool:
        return self.label not in OWN_COLOURS


def rows(
    shelf: Shelf, results: Mapping[str, Config], baseline: Entry | None, hidden: frozenset[str] = frozenset()
) -> list[Row]:
    """Return the lines of the table: the baseline, this run, and the earlier runs, the newest first.

    Args:
        shelf: Finished runs, arranged.
        results: What the page shows, by name: the configurations of the baseline and of this run.
        baseline: What is known of the baseline; None while it trains.
        hidden: Which of `results` are not drawn.
    """
    own = [
        Row(
            label=name,
            config=config,
            entry=baseline if name == BASELINE else find(shelf, config),
            colour=OWN_COLOURS[name],
            is_visible=name not in hidden,
        )
        for name, config in results.items()
    ]
    shown = set(results.values())
    earlier = [
        Row(entry.name, entry.config, entry, entry.colour, entry.is_visible)
        for entry in reversed(shelf)
        if entry.config not in shown and entry.colour is not None
    ]
    return own + earlier


def overlaid(table: Sequence[Row], data: str) -> tuple[Overlaid, ...]:
    """Return the runs that are drawn: finished, visible, and of this data set, whose axis they share."""
    return tuple(
        Overlaid(row.label, row.entry.curves, COLOURS[row.colour], SYMBOLS[row.colour])
        for row in table
        if row.entry is not None and row.is_visible and row.config.data == data
    )


def fields_in_words(one: Row, other: Row) -> list[dict[str, str]]:
    """Return one line for each field in which two runs differ."""
    heads = _head(one), _head(other)
    return [
        {
            "Field": words.field_name(found.field),
            **dict(zip(heads, words.field_values([found.baseline, found.treatment]), strict=True)),
        }
        for found in changed_fields(one.config, other.config)
    ]


def metrics_in_words(one: Row, other: Row) -> list[dict[str, str]]:
    """Return one line for each metric of two finished runs, with the paired difference where there is one."""
    if one.entry is None or other.entry is None:
        return []
    pairs = {found.metric: found for found in pair(one.entry.scores, other.entry.scores)}
    heads = _head(one), _head(other)
    return [_metric_in_words(pairs[metric], *heads) for metric in words.METRICS if metric in pairs]


def _metric_in_words(found: MetricPair, one: str, other: str) -> dict[str, str]:
    decimals = words.decimals_of(found.metric, found.baseline)
    line = {
        "Metric": words.metric_title(found.metric),
        one: words.number(found.baseline, found.metric, decimals),
        other: words.number(found.treatment, found.metric, decimals),
    }
    difference = found.difference
    if difference is None:
        compared = (*[words.NOTHING] * 3, "no seed and rows in common")
    elif math.isnan(difference.low):
        compared = (*[words.NOTHING] * 3, difference.verdict)
    else:
        compared = (
            words.signed(difference.mean, found.metric, decimals),
            words.interval(difference.low, difference.high, found.metric, decimals),
            f"{difference.wins} of {difference.n}",
            difference.verdict,
        )
    return line | dict(zip(("Difference", "95 % interval", "Lower on", "Verdict"), compared, strict=True))


def _head(row: Row) -> str:
    """Return the head of a run's column."""
    return _plain(row.label[:1].upper() + row.label[1:])


def expect(name: str, live: runs.Live) -> None:
    """See to it that a run is kept when it is done, whether or not the page is there to see its end.

    Args:
        name: What it is called, until somebody renames it.
        live: The run.
    """
    if not live.is_expected:
        live.is_expected = True
        if live.is_under_way:  # Else the page keeps it itself, in a moment.
            desk.expect(name, live.run, entry_of)


def add(name: str, results: Mapping[str, Result]) -> None:
    """Put a run that is done on the shelf: the last of the results, which is this run, or a baseline alone.

    It is on the visitor's desk when this returns, so that nobody has seen a run as finished that may be lost.

    Args:
        name: What it is called, until somebody renames it.
        results: What the page shows, the baseline first. Results that are not complete are not kept.
    """
    baseline, run = next(iter(results.values())), list(results.values())[-1]
    if not (baseline.is_complete and run.is_complete):
        return
    held_against: Entry | None = state.recall(_BASELINE)
    finished = [run]
    if held_against is None or held_against.config != baseline.config:
        finished = [baseline, run]
        held_against = entry_of(BASELINE, baseline, desk.origin(baseline))
        state.keep(_BASELINE, held_against)
    _restore()
    shelf = _shelf()
    found = find(shelf, run.config)
    if found is None or found.is_restored:
        entry = entry_of(name, run, desk.origin(run), held_against)
        # Arranged as the table will be, so that it is written once.
        _keep(arrange(put(shelf, entry), run.config), finished)
    elif shelf[-1] is not found:
        _keep(arrange(put(shelf, found), run.config))
    desk.wait_until_kept()


def once_kept(name: str, draw: Callable[[Mapping[str, Result]], None]) -> Callable[..., None]:
    """Return what draws results: those of a run that is done when it is on the shelf, and not before.

    A part of a page that is drawn again and again may be the first to see that a run is done.

    Args:
        name: What it is called, until somebody renames it.
        draw: Draws results.
    """

    def keep_and_draw(results: Mapping[str, Result]) -> None:
        add(name, results)
        draw(results)

    return keep_and_draw


def show(results: Mapping[str, Result]) -> None:
    """Show the run table: what the page shows now, and the finished runs before it.

    Args:
        results: What the page shows, the baseline first; it may still be training.
    """
    configs = {name: result.config for name, result in results.items()}
    current = list(configs.values())[-1]
    _restore()
    shelf = arrange(_shelf(), current)
    _keep(shelf)
    known: Entry | None = state.recall(_BASELINE)
    baseline = known if known and known.config == configs.get(BASELINE) else None
    table = rows(shelf, configs, baseline, _hidden())
    st.subheader(f"Runs of this {desk.whose()}")
    desk.show_problem()
    _small(
        f"Keeps this run and the last {MAX_EARLIER} before it; then the oldest that is not pinned goes. "
        "Each has the colour of its curve."
    )
    st.html(_style(table))
    here = desk.engine() if any(row.entry and row.entry.origin for row in table) else None
    can_pin = not is_full_of_pins(shelf)
    for row, about in zip(table, _abouts(table, here), strict=True):
        if st.session_state.get(editor_key(row.config)):
            _line(row, about, can_pin)
        else:
            again.draw_own(_key("line", row.config), _line, row, about, can_pin)
    _overlay(table, current)
    # Its tables are made for who looks at them: in each run of the page they cost as much as two charts.
    with st.expander("What differs between two runs", key=DIFFERENCES, on_change="rerun") as differences:
        if differences.open:
            _difference(table)


def entry_of(name: str, result: Result, origin: Origin | None, baseline: Entry | None = None) -> Entry:
    """Return what is kept of a complete result.

    Args:
        name: What it is called.
        result: What was measured.
        origin: Where its numbers come from.
        baseline: What it is held against, if it is not that itself.
    """
    against = baseline if baseline is not None and baseline.config != result.config else None
    # Curves go on after patience has fired.
    curves = shared.once(summarize_curves, result.without_stopping())
    scores = shared.once(scores_of, result)
    return Entry(result.config, name, curves, scores, baseline=against, origin=origin)


def _keep(shelf: Shelf, results: Sequence[Result] = ()) -> None:
    """Keep the shelf for this session, and on the visitor's desk what has changed.

    Args:
        shelf: What is kept.
        results: What was finished just now: its newest run, and the baseline.
    """
    before = _shelf()
    state.keep(_SHELF, shelf)
    desk.save(before, shelf, _hidden(), results)


def _restore() -> None:
    """Put back what the desk has kept from before this session, as soon as that can be read."""
    found = desk.kept_runs()
    if found is None:
        return
    state.keep(_SHELF, restored(found.shelf, _shelf()))
    state.keep(_HIDDEN, _hidden() or found.hidden)
    desk.save_all(_shelf(), _hidden(), found.shelf)


def _shelf() -> Shelf:
    shelf: Shelf = state.recall(_SHELF) or ()
    return shelf


def _hidden() -> frozenset[str]:
    hidden: frozenset[str] = state.recall(_HIDDEN) or frozenset()
    return hidden


def editor_key(config: Config) -> str:
    """Return the key of what can be done with a run; its state is whether it is open."""
    return _key("edit", config)


def _key(what: str, config: Config) -> str:
    return f"shelf-{what}-{config.key()[:12]}"


def _style(table: Sequence[Row]) -> str:
    """Return the style that gives each line and its eye the colour of its curve.

    Streamlit has names for few colours only. Where the style does not take, an eye is a check box.
    """
    return f"<style>{EYES} {' '.join(map(_style_of_row, table))}</style>"


def _style_of_row(row: Row) -> str:
    colour, edge = COLOURS[row.colour], "solid" if row.is_visible else "dotted"
    line, eye = (f".st-key-{_key(what, row.config)}" for what in ("line", "eye"))
    icon = "visibility" if row.is_visible else "visibility_off"
    return (
        f"{line} {{border-left: 4px {edge} {colour}; padding-left: 0.6rem}} "
        f"{eye} [data-testid=stWidgetLabel]::before {{content: '{icon}'; color: {colour}}}"
    )


def _line(row: Row, about: str, can_pin: bool) -> None:
    key = _key("line", row.config)
    with st.container(key=key, horizontal=True, vertical_alignment="center", gap="small"):
        st.checkbox(
            _plain(row.label),
            row.is_visible,
            key=_key("eye", row.config),
            on_change=_turn_eye,
            args=(row,),
            width=250,
        )
        _small(about, width="stretch")
        if row.entry is not None and row.label != BASELINE:
            _pin(row.entry, can_pin)
            _edit(row, row.entry)


def _abouts(table: Sequence[Row], here: str | None) -> list[str]:
    """Return what is said of each run; what was said of the same before is not worked out again."""
    before: Mapping[Config, tuple[Any, str]] = state.recall(_ABOUTS) or {}
    now = {}
    for row in table:
        asked = row.entry, row.label, row.is_earlier, here
        said = before.get(row.config)
        now[row.config] = said if said and said[0] == asked else (asked, _about(row, here))
    state.keep(_ABOUTS, now)
    return [now[row.config][1] for row in table]


def _about(row: Row, here: str | None) -> str:
    """Return data, regularizers and the metric that matters of a run, in one line of Markdown.

    Args:
        row: The run.
        here: Fingerprint of this machine's engine; None: not known yet.
    """
    what_is_on = words.what_is_on(row.config)
    what = DATASET_INFO[row.config.data].title + (f", {what_is_on}" if what_is_on != row.label else "")
    if row.entry is None:
        return f"{what}: no numbers yet"
    by_seed = row.entry.scores.by_seed
    metric = next(metric for metric in words.METRICS if metric in by_seed)
    mean = mean_interval(list(by_seed[metric].values())).mean
    shown = words.number(mean, metric, words.decimals_of(metric, mean))
    unit = "&nbsp;%" if metric == "error" else ""
    said = f"{what}: {words.METRICS[metric].lower()} **{shown}**{unit}"
    if row.is_earlier:
        said += _against_baseline(row.entry, metric)
    made_by = row.entry.origin.made.engine if row.entry.origin else here
    return f"{said} · {ELSEWHERE}" if here and made_by != here else said


def _against_baseline(entry: Entry, metric: str) -> str:
    """Return how a run did against what it was held against when it was finished; nothing if it was not."""
    pairs = pair(entry.baseline.scores, entry.scores, (metric,)) if entry.baseline else ()
    difference = pairs[0].difference if pairs else None
    if difference is None or math.isnan(difference.low):
        return ""
    shown = words.signed(difference.mean, metric, words.decimals_of(metric, difference.mean))
    return f", {shown} against its baseline ({difference.verdict})"


def _pin(entry: Entry, can_pin: bool) -> None:
    is_refused = not entry.is_pinned and not can_pin
    st.button(
        "Unpin" if entry.is_pinned else "Pin",
        key=_key("pin", entry.config),
        icon=":material/keep_off:" if entry.is_pinned else ":material/keep:",
        type="tertiary",
        disabled=is_refused,
        help=f"At most {MAX_EARLIER} runs can be pinned: unpin one first." if is_refused else None,
        on_click=_change,
        args=(entry.config,),
        kwargs={"is_pinned": not entry.is_pinned},
    )


def _edit(row: Row, entry: Entry) -> None:
    # Filled for who opens it: a shelf has nine of them.
    with st.popover(
        "Edit", icon=":material/edit:", type="tertiary", key=editor_key(entry.config), on_change="rerun"
    ) as editor:
        if editor.open:
            _editor(row, entry)


def _editor(row: Row, entry: Entry) -> None:
    # By a callback: to click elsewhere ends the name and closes this at once, so that it is not drawn again.
    st.text_input(
        "Name",
        entry.name,
        max_chars=MAX_LETTERS,
        key=_key("name", entry.config),
        on_change=_rename,
        args=(entry.config,),
    )
    if row.is_earlier:
        if entry.origin:
            when = datetime.fromtimestamp(entry.origin.finished, UTC)
            _small(f"Trained on {words.day(when)} at {words.clock(when)}.")
        st.button(
            "Show in the Lab",
            key=_key("open", entry.config),
            icon=":material/experiment:",
            on_click=_open,
            args=(entry.config,),
        )
        history = desk.history_of(entry)
        if history:
            st.download_button(
                "History (.csv)",
                history,
                f"{entry.config.data}-history.csv",
                "text/csv",
                key=_key("history", entry.config),
                icon=":material/download:",
                on_click="ignore",
            )
        st.button(
            "Remove",
            key=_key("remove", entry.config),
            icon=":material/delete:",
            on_click=_remove,
            args=(entry.config,),
        )


def _overlay(table: Sequence[Row], current: Config) -> None:
    drawn = overlaid(table, current.data)
    chosen = st.segmented_control(
        "Overlaid curves of",
        list(MEASURES),
        default="Loss",
        required=True,
        key="shelf.measure",
        label_visibility="collapsed",
    )
    charts.show("shelf.overlay", plot_overlay, drawn, of_session=True, measure=MEASURES[chosen or "Loss"])
    n_others = sum(row.is_visible and row.config.data != current.data for row in table)
    if n_others:
        _small(
            f"{words.count(n_others, 'visible run')} of other data not drawn: losses of different data share "
            "no axis."
        )


def _difference(table: Sequence[Row]) -> None:
    finished = [row for row in table if row.entry is not None]
    if len(finished) < 2:
        _small("Needs two finished runs.")
        return
    labels = [row.label for row in finished]
    left, right = st.columns(2)
    one = left.selectbox("From", labels, 0, key="shelf.from")
    other = right.selectbox("To", labels, 1, key="shelf.to")
    first, second = finished[labels.index(one)], finished[labels.index(other)]
    if first.config == second.config:
        _small("This is the same run twice: choose two.")
        return
    tables.show(fields_in_words(first, second))
    metrics = metrics_in_words(first, second)
    if not metrics:
        _small("Their tasks differ, so no metric is of the same kind.")
        return
    with st.container(key="shelf-metrics"):
        tables.show(metrics)
    _small(
        "On the validation rows. The difference pairs the seeds on which both runs were asked about the same "
        "rows with the same labels."
    )


def _small(text: str, width: Literal["auto", "stretch"] = "auto") -> None:
    # Small, and not a caption: captions are too pale on the light page.
    st.markdown(f":small[{text}]", width=width)


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return "".join(f"\\{letter}" if letter in r"\`*_[]<>~$:" else letter for letter in text)


def _turn_eye(row: Row) -> None:
    if row.is_earlier:
        _change(row.config, is_visible=not row.is_visible)
    else:
        hidden = _hidden() ^ {row.label}
        state.keep(_HIDDEN, hidden)
        desk.save_all(_shelf(), hidden, _shelf())


def _rename(config: Config) -> None:
    shelf = renamed(_shelf(), config, st.session_state[_key("name", config)])
    if shelf != _shelf():
        _keep(shelf)


def _change(config: Config, **changes: Any) -> None:
    _keep(change(_shelf(), config, **changes))


def _open(config: Config) -> None:
    state.choose(config.changes(state.config()))


def _remove(config: Config) -> None:
    _keep(tuple(entry for entry in _shelf() if entry.config != config))
