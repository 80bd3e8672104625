"""Home's story: one network three times, what each regularizer does, and what others have published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import plotly.graph_objects as go
import streamlit as st

from pages.ui import cards, charts, frame, state, tables, words
from regcore.answers import floor_of, how_many
from regcore.config import Config
from regcore.figures import plot_curves
from regcore.lessons import lab, named
from regcore.results import Comparison, Result
from regcore.scoring import NoiseFloor
from regcore.statistics import BETTER

# Room for a legend of two rows.
LEGEND = 52
STYLE = Path(__file__).with_name("story.css")

NONE, RIGHT, TOO_MUCH = "no dropout", "dropout", "too much dropout"
# The same network three times. The baseline comes first, as everywhere.
LESSONS = {NONE: "Learns by heart", RIGHT: "Dropout", TOO_MUCH: "Too much dropout"}

# What all of them are held against, then each regularizer alone, by its lesson.
EFFECTS = {
    "no regularizer": "Learns by heart",
    "augmentation": "Augmentation",
    "L2": "L2",
    "early stopping": "Early stopping",
    "dropout": "Dropout",
    "ensemble of 5": "Ensemble",
}

# The decoupled kind, which no lesson has: strong enough to show under a learning rate of 0.003.
WEIGHT_DECAY = named(lab.LESSONS, "Learns by heart").config.replace(weight_decay=1.0)


class Link(NamedTuple):
    """A way into the Lab, with its knobs set."""

    label: str
    config: Config


class Chapter(NamedTuple):
    """One regularizer: what it does, a sentence of theory, and where to try it."""

    title: str
    what: str
    theory: str
    links: tuple[Link, ...]


def _lesson(name: str, label: str | None = None) -> Link:
    return Link(label or name, named(lab.LESSONS, name).config)


CHAPTERS = (
    Chapter(
        "First make sure that it can overfit",
        "Turn every regularizer off and train on. A network that cannot learn its training rows by heart is "
        "too small or badly trained, and no regularizer mends that.",
        "With more parameters than rows a network can fit any labels, even random ones.",
        (_lesson("Learns by heart"),),
    ),
    Chapter(
        "Augmentation",
        "Shows the network its rows in ever new variations: a digit that moved by a pixel is the same digit.",
        "On a linear model, Gaussian jitter of standard deviation σ does on average what L2 of σ² does.",
        (_lesson("Augmentation", "Shift by a pixel"),),
    ),
    Chapter(
        "L2 and weight decay",
        "Make large weights cost something, so that a weight has to pay for itself on many rows.",
        "Under plain SGD, L2 multiplies each weight by 1 − 2 · learning rate · l2 in every step; under Adam "
        "it does not, so weight decay is a knob of its own there.",
        (_lesson("L2"), _lesson("L2, too strong"), Link("Weight decay", WEIGHT_DECAY)),
    ),
    Chapter(
        "Early stopping",
        "Watches the loss on the validation rows, and keeps the network of the epoch where it was lowest.",
        "On a linear model, gradient descent first fits the directions in which the rows vary most; stopping "
        "leaves the others unfitted, much as L2 does.",
        (_lesson("Early stopping", "Patience of 10 epochs"),),
    ),
    Chapter(
        "Dropout",
        "Switches off a random part of the units in each update, so that none can rely on another.",
        "With all units on, the network stands for the mean over all the thinned ones: a geometric mean, and "
        "exactly so where dropout sits right before the softmax alone.",
        (_lesson("Dropout"), _lesson("Too much dropout")),
    ),
    Chapter(
        "Ensembles",
        "Average the predictions of several networks that differ in their first weights and in the order of "
        "batches.",
        "If errors have variance v and covariance c, their mean over k networks has v / k + (k − 1) · c / k: "
        "what all get wrong together stays.",
        (_lesson("Ensemble", "Five networks"), _lesson("Nothing to gain", "Where nothing helps")),
    ),
)  # fmt: skip

# The question that a page answers, by its label in the menu.
ANSWERS = {
    "Lab": "What does each knob buy, alone or with others, on one of fifteen data sets? With lessons to "
    "begin with, and a link that holds whatever you have set.",
    "Overfit first": "Can the network overfit at all, and if not, what is broken? And where validation is "
    "poor: is it overfitting, or a different distribution?",
    "Augmentation": "What does the network really see, and how many more rows is that worth? With transforms "
    "that break labels, and what augmenting before splitting hides.",
    "Early stopping": "When to stop, what to keep, and what waiting longer costs: each training goes on past "
    "the stop, so patience moves at once.",
    "Ensembles": "What does the average of k networks buy, where does it stop, and why not σ²/k? From a pool "
    "of 32 that is trained once, so that k moves at once.",
    "Dropout": "Which units are out in a step, and what moves? What stands for all thinned networks, how "
    "exactly, and which rates are best here?",
    "L2": "How large may weights be? All strengths at once, what they do to the weights, when it is too "
    "much, and why L2 is not weight decay under Adam.",
    "Ablation": "Several are on: which of them helped? Each alone, one after another, and each left out, on "
    "the same seeds, with a sentence on which carry the gain and which do nothing.",
}


class Published(NamedTuple):
    """A published test error on MNIST in percent, without and with dropout; None where there is none."""

    source: str
    network: str
    without: float | None
    with_dropout: float


HINTON = "[Hinton et al. 2012](https://arxiv.org/abs/1207.0580)"
SRIVASTAVA = "[Srivastava et al. 2014](https://jmlr.org/papers/v15/srivastava14a.html)"

# Hinton et al. count errors among 10,000 test images: 160, "about 130" and "about 110".
PUBLISHED = (
    Published(f"{HINTON}, fig. 1", "50 % of the hidden units, norm of weights bounded", 1.60, 1.30),
    Published(f"{HINTON}, fig. 1", "and 20 % of the pixels as well", 1.60, 1.10),
    Published(f"{SRIVASTAVA}, table 2", "logistic units; 2 × 800 without, 3 × 1024 with", 1.60, 1.35),
    Published(f"{SRIVASTAVA}, table 2", "3 × 1024 ReLU", None, 1.25),
    Published(f"{SRIVASTAVA}, table 2", "3 × 1024 ReLU, max-norm", None, 1.06),
    Published(f"{SRIVASTAVA}, table 2", "2 × 8192 ReLU, max-norm", None, 0.95),
    Published(f"{SRIVASTAVA}, table 9", "1024-1024-2048 ReLU, L2 in both", 1.62, 1.25),
    Published(f"{SRIVASTAVA}, table 9", "1024-1024-2048 ReLU, max-norm in both", 1.35, 1.05),
)


def configs(lessons: Mapping[str, str]) -> dict[str, Config]:
    """Return what is trained, by the name it is shown under."""
    return {name: named(lab.LESSONS, lesson).config for name, lesson in lessons.items()}


def verdict(results: Mapping[str, Result]) -> None:
    """Show in a line or two what dropout did, and too much of it."""
    none, *others = Comparison(results).rows("val", "error")
    st.markdown("  \n".join(cards.held_against(none, run, "error") for run in others))


def three_times(results: Mapping[str, Result]) -> None:
    """Show the curves of each run with why they are so, and the errors of all in a table."""
    epochs = cards.epochs_shown(results)
    for column, (name, result) in zip(st.columns(3, gap="medium"), results.items(), strict=True):
        with column:
            st.markdown(f"**{name.capitalize()}**")
            charts.show(f"home.{name}", _curves, results, name, epochs, floor_of(result))
            st.markdown(named(lab.LESSONS, LESSONS[name]).why)
    _table("three", error_rows(results))
    st.caption(how_many(results))


def _curves(
    results: Mapping[str, Result], name: str, epochs: int, floor: NoiseFloor | None, *, dark: bool
) -> go.Figure:
    """Return the curves of one run alone, on the axes of all, with no more room above than it needs."""
    figure = plot_curves(results, name, epochs=epochs, floor=floor, others=False, dark=dark)
    spare = figure.layout.margin.t - LEGEND
    figure.update_layout(height=figure.layout.height - spare, margin={"t": LEGEND})
    return figure


def effects(results: Mapping[str, Result]) -> None:
    """Show what each regularizer alone did to the errors."""
    _table("effects", error_rows(results))


def no_effects_yet() -> None:
    """Show the table of effects before anything is trained, so that its room is kept."""
    _table("effects", [_row(name) for name in EFFECTS])


def ranking(results: Mapping[str, Result]) -> None:
    """Show which of the runs have a lower error than the first, the lowest first."""
    better = [row for row in Comparison(results).rows("val", "error") if row["verdict"] == BETTER]
    names = ", ".join(row["name"] for row in sorted(better, key=lambda row: row["mean"]))
    st.markdown(
        f"**Lower than with none, by more than seed noise:** {names}."
        if names
        else "None of them is lower than with none by more than seed noise."
    )


def _table(key: str, rows: list[dict[str, str]]) -> None:
    with st.container(key=f"home-table-{key}"):
        tables.show(rows)


def error_rows(results: Mapping[str, Result]) -> list[dict[str, str]]:
    """Return errors on train and validation rows as text, one row a run, each held against the first.

    They are dashes until all runs are complete: before, they are at different epochs.
    """
    if not all(result.is_complete for result in results.values()):
        return [_row(name) for name in results]
    train = [row["mean"] for row in Comparison(results).rows("train", "error")]
    validation = Comparison(results).rows("val", "error")
    return [
        _row(
            str(row["name"]),
            words.number(on_train, "error", 1),
            words.number(row["mean"], "error", 1),
            f"{words.signed(row['difference'], 'error', 1)} "
            f"({words.interval(row['low'], row['high'], 'error', 1)})"
            if at
            else words.NOTHING,
            f"{row['verdict']}, {row['wins']} of {row['n']}" if at else str(row["verdict"]),
        )
        for at, (on_train, row) in enumerate(zip(train, validation, strict=True))
    ]


def _row(name: str, *found: str) -> dict[str, str]:
    # Few columns, so that all of them are in view on a telephone.
    columns = ("Train error, %", "Validation error, %", "Difference (95 % interval)", "Verdict, lower on")
    shown = name[:1].upper() + name[1:]
    return {"Run": shown} | dict(zip(columns, found or (words.NOTHING,) * len(columns), strict=True))


def way_in() -> None:
    """Show the one thing to do next."""
    with st.container(key="way-in"):
        lab_link(Link("Turn the knobs yourself, in the Lab", state.START), ":material/arrow_forward:")


def lab_link(link: Link, icon: str = ":material/experiment:") -> None:
    """Show a link that opens the Lab with its knobs set."""
    st.page_link(frame.LAB.path, label=link.label, icon=icon, query_params=state.query_of(link.config))


def chapters() -> None:
    """Show the six chapters, two in a row."""
    numbered = list(enumerate(CHAPTERS, 1))
    for pair in zip(numbered[::2], numbered[1::2], strict=True):
        for column, (number, chapter) in zip(st.columns(2, gap="medium"), pair, strict=True):
            with column.container(border=True, height="stretch"):
                st.subheader(f"{number}. {chapter.title}", anchor=False)
                st.markdown(chapter.what)
                st.markdown(f"*In theory:* {chapter.theory}")
                with st.container(horizontal=True, gap="small", key=f"home-links-{number}"):
                    for link in chapter.links:
                        lab_link(link)


def published(measured: Mapping[str, Result] | None) -> None:
    """Show what others have published beside what this page has measured."""
    rows = [
        {
            "Source": each.source,
            "Network": each.network,
            "Without, %": words.NOTHING if each.without is None else f"{each.without:.2f}",
            "With dropout, %": f"{each.with_dropout:.2f}",
        }
        for each in PUBLISHED
    ]
    _table("published", [here(measured), *rows])


def here(measured: Mapping[str, Result] | None) -> dict[str, str]:
    """Return this page's own row beside the published ones; with dashes until its run is done."""
    config = named(lab.LESSONS, LESSONS[RIGHT]).config
    found = [words.NOTHING, words.NOTHING]
    if measured and all(result.is_complete for result in measured.values()):
        means = {row["name"]: row["mean"] for row in Comparison(measured).rows("val", "error")}
        found = [words.number(means[name], "error", 1) for name in (NONE, RIGHT)]
    return {
        "Source": "**This page, just now**: digits, validation error",
        "Network": f"{' × '.join(map(str, config.hidden))} ReLU, {words.percent(config.label_noise)} of the "
        "labels redrawn",
        "Without, %": f"**{found[0]}**",
        "With dropout, %": f"**{found[1]}**",
    }


def answers() -> None:
    """Show which question each page answers."""
    for entry in frame.MENU:
        if entry.label in ANSWERS:
            with st.container(border=True):
                st.page_link(entry.path, label=f"**{entry.label}**", icon=entry.icon)
                st.markdown(ANSWERS[entry.label])
