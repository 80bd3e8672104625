"""The sealed test: opened on purpose, and each opening counted with what validation had flattered by.

Nothing of the test is read before the button is pressed, so nothing of it can be in the page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

import streamlit as st

from pages.ui import desk, state, tables, words
from regcore.config import Config
from regcore.data import DATASET_INFO
from regcore.errors import RegcoreError
from regcore.opening import OpenedRun, Opening, open_test, run_key
from regcore.results import Result
from regcore.statistics import BETTER, WORSE, PairedDifference
from regcore.store import Seen

WHY = (
    "What is chosen on the validation rows takes their luck along: the best of many tries is best by luck as "
    "well, so its validation score flatters. The test rows had no part in any choice, so they tell the truth "
    "once; turn a knob after you have seen them, and you choose on them as well."
)
UNFINISHED = "It opens when every network has been trained to the end."
COLOURS = {BETTER: "green", WORSE: "red"}
COUNTED_FOR = {
    "session": "A reload of the page begins a new session.",
    "browser": "They are counted for this browser, through reloads and restarts.",
}
LIKE_FOR_LIKE = "Test, like for like"
# Rows of the list of openings; all of them count.
N_LISTED = 10

_OPENINGS = "seal.openings"
_SHOWN = "seal.shown"
_PROBLEM = "seal.problem"


class Counted(NamedTuple):
    """One opening by this visitor: which it was, from 1, when, what was seen, and by what it is known."""

    number: int
    when: datetime
    opening: Opening
    identity: str = ""

    @property
    def run(self) -> OpenedRun:
        """The run that was opened; the baseline beside it is what it is held against."""
        return self.opening.runs[-1]

    def has_seen(self, key: str) -> bool:
        """Return whether the run, the trainings or the test rows of this key were in this opening."""
        return any(key in (run.key, run.trainings_key, run.test_rows_key) for run in self.opening.runs)


def show(results: Mapping[str, Result]) -> None:
    """Show the seal of these results: a button that opens their test, and the openings of this visitor.

    What was opened stays open until other runs take its place on the page.

    Args:
        results: Name -> result, the baseline first; as they are now, complete or not.
    """
    keys = tuple(run_key(result) for result in results.values())
    _restore()
    if state.recall(_SHOWN) not in (None, keys):
        state.keep(_SHOWN, None)
    with st.container(border=True, key="seal"):
        _panel(results, keys)


def openings() -> tuple[Counted, ...]:
    """Return the openings of this visitor, the first one first; of very many the latest."""
    counted: tuple[Counted, ...] | None = state.recall(_OPENINGS)
    return counted or ()


def _restore() -> None:
    """Take over the openings that the visitor's desk has kept from before this session."""
    kept = desk.kept_openings()
    if kept is None:
        return
    before = tuple(
        Counted(seen.number, datetime.fromtimestamp(seen.when, UTC), seen.opening, seen.identity)
        for seen in kept
    )
    known = {each.identity for each in before}
    counted = before
    for each in openings():
        if each.identity not in known:
            counted = (*counted, each._replace(number=_next_number(counted)))
            desk.save_opening(_seen(each))
    state.keep(_OPENINGS, counted)


def _next_number(counted: Sequence[Counted]) -> int:
    return counted[-1].number + 1 if counted else 1


def _seen(counted: Counted) -> Seen:
    return Seen(counted.identity, counted.when.timestamp(), counted.opening)


@st.fragment
def _panel(results: Mapping[str, Result], keys: tuple[str, ...]) -> None:
    is_open = state.recall(_SHOWN) == keys
    st.subheader("The test is open" if is_open else "The test is sealed", anchor=False)
    st.caption(WHY)
    if is_open:
        st.button("Seal it again", key="seal.close", icon=":material/lock:", on_click=_close)
        _opened(openings()[-1].opening)
    else:
        _sealed(results, keys)
    if openings():
        st.markdown(f"**{how_often(openings())}**")
        with st.container(key="seal-openings"):
            tables.show(listed(openings()))
        st.caption("Flattery is test minus validation, mean over seeds. " + COUNTED_FOR[desk.whose()])


def _sealed(results: Mapping[str, Result], keys: tuple[str, ...]) -> None:
    is_complete = all(result.is_complete for result in results.values())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Open the test",
            key="seal.open",
            icon=":material/lock_open:",
            disabled=not is_complete,
            on_click=_open,
            args=(results, keys),
        )
        st.caption(_before(keys[-1]) if is_complete else UNFINISHED)
    problem = state.recall(_PROBLEM)
    if problem and problem[0] == keys:
        st.error(problem[1], icon=":material/block:")


def _before(key: str) -> str:
    """Return what opening the test of a run would be."""
    same = [each for each in openings() if each.has_seen(key)]
    if same:
        seen_at = words.clock(same[-1].when)
        return f"This run was seen in opening {same[-1].number}, at {seen_at}. It counts again."
    return f"It would be opening {_next_number(openings())} of this {desk.whose()}."


def _open(results: Mapping[str, Result], keys: tuple[str, ...]) -> None:
    if state.recall(_SHOWN) == keys:
        return  # A double click is one opening.
    try:
        opening = open_test(results)
    except RegcoreError as error:
        state.keep(_PROBLEM, (keys, str(error)))
        return
    state.keep(_PROBLEM, None)
    counted = Counted(_next_number(openings()), datetime.now(UTC), opening, uuid4().hex)
    state.keep(_OPENINGS, (*openings(), counted))
    state.keep(_SHOWN, keys)
    desk.save_opening(_seen(counted))


def _close() -> None:
    state.keep(_SHOWN, None)


def _opened(opening: Opening) -> None:
    for sentence in (answer(opening), flattery(opening.runs[-1])):
        if sentence:
            st.markdown(sentence)
    with st.container(key="seal-opened"):
        tables.show(in_words(opening))
    st.caption(how_measured(opening.runs[-1]))


def answer(opening: Opening) -> str | None:
    """Return what the last run is against the baseline on the test rows, in one line of Markdown."""
    if opening.difference is None:
        return None
    metric = main_metric(opening.runs[-1])
    found, verdict = opening.difference, opening.difference.verdict
    if math.isnan(found.low):
        return f"**On the test rows: {verdict}**"
    lead = f"**{verdict.capitalize()} on the test rows:**"
    lead = f":{COLOURS[verdict]}[{lead}]" if verdict in COLOURS else lead
    decimals = words.decimals_of(metric, opening.runs[0].of(metric).test)
    difference = _difference(metric, found, decimals, "the baseline")
    return f"{lead} {difference}, lower on {found.wins} of {found.n} seeds."


def flattery(run: OpenedRun) -> str:
    """Return by how much validation had flattered a run, in one line of Markdown."""
    metric = main_metric(run)
    found = run.of(metric)
    lead = f"**{run.name.capitalize()}: {found.verdict}**"
    if found.difference is None or math.isnan(found.difference.low):
        return lead
    whom = "validation, like for like" if run.label_noise else "validation"
    difference = _difference(metric, found.difference, words.decimals_of(metric, found.val), whom)
    return f"{lead}, test {difference}."


def _difference(metric: str, found: PairedDifference, decimals: int, whom: str) -> str:
    difference = words.signed(found.mean, metric, decimals) + (" points" if metric == "error" else "")
    interval = words.interval(found.low, found.high, metric, decimals)
    because = ", which contains 0" if found.low <= 0 <= found.high else ""
    return f"{words.METRICS[metric].lower()} {difference} against {whom} (95 % interval {interval}{because})"


def in_words(opening: Opening) -> tables.Rows:
    """Return one row for each metric and run, as text; the metric that matters first."""
    there = [flattery.metric for flattery in opening.runs[0].flattery]
    return [
        _row(metric, run, words.decimals_of(metric, opening.runs[0].of(metric).val))
        for metric in words.METRICS
        if metric in there
        for run in opening.runs
    ]


def _row(metric: str, run: OpenedRun, decimals: int) -> dict[str, str]:
    row = {"Metric": words.metric_title(metric), "Run": run.name.capitalize()}
    return row | _numbers(run, metric, decimals) | {"Verdict": run.of(metric).verdict}


def _numbers(run: OpenedRun, metric: str, decimals: int) -> dict[str, str]:
    found = run.of(metric)
    row = {
        "Validation": words.number(found.val, metric, decimals),
        "Test": words.number(found.test, metric, decimals),
    }
    if run.label_noise:
        row[LIKE_FOR_LIKE] = words.number(found.test_alike, metric, decimals)
    difference = found.difference
    if difference is None:
        return row | {"Flattery": words.NOTHING, "95 % interval": words.NOTHING}
    return row | {
        "Flattery": words.signed(difference.mean, metric, decimals),
        "95 % interval": words.interval(difference.low, difference.high, metric, decimals),
    }


def how_measured(run: OpenedRun) -> str:
    """Return what a reader should know before believing the numbers of a run."""
    one_row = f": one row is {100 / run.n_test:.2g} points" if run.guessing_error > 0 else ""
    said = (
        "Mean over seeds, each network at the epoch it keeps. All seeds share the same "
        f"{run.n_test:,} test rows{one_row}. The interval is about seeds, not about other rows."
    )
    if not run.label_noise:
        return said
    error, guessing = (words.number(each, "error", 1) for each in (run.of("error").test, run.guessing_error))
    return (
        f"{said} {words.percent(run.label_noise)} of the validation labels were redrawn, none of the test's. "
        "Redrawn labels can only be guessed, so like for like the test error is "
        f"{1 - run.label_noise:.3g} × {error} + {run.label_noise:.3g} × {guessing} ({run.name}). Of loss and "
        "Brier score it cannot be told."
    )


def how_often(counted: Sequence[Counted]) -> str:
    """Return how often the test was opened, and for how many runs."""
    n_runs = len({each.run.key for each in counted})
    later = f"; the latest {N_LISTED}" if len(counted) > N_LISTED else ""
    n = counted[-1].number
    return f"Opened {_times(n)} in this {desk.whose()}, for {words.count(n_runs, 'run')}{later}:"


def listed(counted: Sequence[Counted]) -> tables.Rows:
    """Return one row for each of the latest openings, as text, in the order they were made."""
    latest = range(max(0, len(counted) - N_LISTED), len(counted))
    rows = [_entry(counted[at], counted[:at]) for at in latest]
    is_noisy = any(each.run.label_noise for each in counted[-N_LISTED:])
    heads = {"Test": LIKE_FOR_LIKE} if is_noisy else {}
    return [{heads.get(head, head): text for head, text in row.items()} for row in rows]


def _entry(counted: Counted, earlier: Sequence[Counted]) -> dict[str, str]:
    run, metric = counted.run, main_metric(counted.run)
    found = run.of(metric)
    numbers = _numbers(run, metric, words.decimals_of(metric, found.val))
    like_for_like = numbers.pop(LIKE_FOR_LIKE, numbers["Test"])
    return {
        "Opening": f"{counted.number}, at {words.clock(counted.when)}",
        "Run": described(run),
        "Metric": words.metric_title(metric),
        **numbers,
        "Test": like_for_like,
        "Remark": remark(counted, earlier),
    }


def described(run: OpenedRun) -> str:
    """Return data and configuration of a run in words: its regularizers, then what else is no default."""
    others = run.config.plain().changes(Config(data=run.config.data))
    more = ", ".join(f"{words.field_name(name)} {words.field_value(value)}" for name, value in others.items())
    title = DATASET_INFO[run.data].title if run.data in DATASET_INFO else run.data
    return f"{title}: {words.what_is_on(run.config)}" + (f" ({more})" if more else "")


def remark(counted: Counted, earlier: Sequence[Counted]) -> str:
    """Return what an opening was after those before it: a first look, a second one, or a choice after looks.

    Another patience is another choice even where it is read off the same trainings: whoever turns it after
    having seen the test may turn it to where the test is low.
    """
    run = counted.run
    looks = [each for each in earlier if each.has_seen(run.test_rows_key)]
    same = [each for each in looks if each.has_seen(run.key)]
    if not looks:
        return "first look at these test rows"
    if same:
        return f"the same run again, as in opening {same[0].number}"
    is_replay = any(each.has_seen(run.trainings_key) for each in looks)
    what = "the same trainings, stopped otherwise" if is_replay else "another run"
    return f"{what}, chosen after these test rows were seen {_times(len(looks))}"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def main_metric(run: OpenedRun) -> str:
    """Return the metric that answers speak of."""
    there = [flattery.metric for flattery in run.flattery]
    return next(metric for metric in words.METRICS if metric in there)
