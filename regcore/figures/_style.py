"""The look that all figures share: the same colour and dash for the same thing everywhere.

A page replaces the template's colours of text, grid and paper by its own theme's; an exported figure keeps
them. So a figure names only colours that can be read on light and on dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import plotly.graph_objects as go

# Each has a contrast of 3 to 1 or more on the light and on the dark page, and neighbours differ for those
# who are blind to red and green. In the order of runs: the baseline, this run, then whatever is pinned.
COLOURS = ("#cf6a12", "#2a82d2", "#1f936c", "#b966a5", "#8d7d21", "#7a7fd0", "#5b8b99", "#c05a5a")

# Of the classes of a data set, kept apart from those of runs. Violet and green lie on either side of what is
# hard to tell apart for colour-blind eyes; each class has a symbol of its own as well, for print.
CLASS_COLOURS = (
    "#8a5cd0", "#5c9a1f", "#33757f", "#b0563a", "#c2498c", "#a97f12", "#4a76d8", "#6f7f8d",
)  # fmt: skip
CLASS_SYMBOLS = (
    "circle", "diamond", "square", "triangle-up", "cross", "triangle-down", "pentagon", "star",
)  # fmt: skip
# Readable on the light and on the dark page: figures take the colours of text and paper from the page.
NEUTRAL = "#808080"
OUTLINE = "#f4f4f4"

DASHES = {"train": "dot", "val": "solid", "test": "dash"}

LINE_WIDTH = 2.2
THIN_LINE = 1.2
BAND_OPACITY = 0.18

_INK = {False: "#31333f", True: "#e6e4df"}
_GRID = {False: "#e4e4e2", True: "#3a3833"}
_PAPER = {False: "#ffffff", True: "#171614"}


def colour_of(name: str, names: Sequence[str]) -> str:
    """Return the colour of one of several runs, by its place among them."""
    return COLOURS[list(names).index(name) % len(COLOURS)]


def class_colour(label: int) -> str:
    """Return the colour of a class of a data set."""
    return CLASS_COLOURS[label % len(CLASS_COLOURS)]


def class_symbol(label: int) -> str:
    """Return the symbol of the rows of a class."""
    return CLASS_SYMBOLS[label % len(CLASS_SYMBOLS)]


def faded(colour: str, opacity: float) -> str:
    """Return a `#rrggbb` colour as rgba with this opacity."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


@cache
def written_template(dark: bool = False) -> dict[str, Any]:
    """Return the template as plotly writes it, for figures that are not checked; nobody may change it."""
    written: dict[str, Any] = template(dark).to_plotly_json()
    return written


@cache
def template(dark: bool = False) -> go.layout.Template:
    """Return the template of every figure, for a light or a dark page; nobody may change it."""
    ink, grid, paper = _INK[dark], _GRID[dark], _PAPER[dark]
    axis = {
        "gridcolor": grid, "linecolor": grid, "zerolinecolor": grid, "ticks": "", "automargin": True,
        "tickfont": {"size": 12}, "ticklabelstandoff": 4, "title": {"font": {"size": 13}},
    }  # fmt: skip
    return go.layout.Template(
        layout={
            "colorway": COLOURS,
            "font": {"family": '"Source Sans", "Source Sans Pro", sans-serif', "size": 14, "color": ink},
            "paper_bgcolor": paper,
            "plot_bgcolor": paper,
            "hovermode": "x unified",
            "hoverlabel": {"bgcolor": paper, "font": {"color": ink}},
            "xaxis": {**axis, "showgrid": False},
            "yaxis": axis,
        }
    )
