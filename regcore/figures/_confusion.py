"""A confusion matrix: rows of each class by the class that was predicted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from regcore.confusion import Confusion
from regcore.errors import ConfigError
from regcore.figures._drawn import drawn
from regcore.figures._style import NEUTRAL, colour_of, faded, written_template

HEIGHT = 360
MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}
OPACITY = 0.7
DIAGONAL_OPACITY = 0.18
N_DESCRIBED = 3


class ConfusionInfo(NamedTuple):
    """Every number of the figure; `top` is the count with the strongest colour."""

    title: str
    colour: str
    confusion: Confusion
    top: float


def plot_confusion(
    confusions: Mapping[str, Confusion], shown: str, *, top: float | None = None, dark: bool = False
) -> go.Figure:
    """Return the confusion matrix of one of several runs, with the same colours for the same counts.

    Mistakes are in the run's colour, the stronger the more there are; the diagonal, where the prediction is
    right, is grey. Counts are means over seeds. `layout.meta["description"]` has the numbers in words.

    Args:
        confusions: Runs by name, in the order of their colours.
        shown: The name of the run that is drawn.
        top: The count with the strongest colour; None: the largest mistake of all runs (`most_mistakes`).
        dark: Draw for a dark page.

    Raises:
        ConfigError: if `shown` is none of the runs.
    """
    return _draw(_info(confusions, shown, top), dark)


def most_mistakes(confusions: Iterable[Confusion]) -> float:
    """Return the largest count off the diagonal of all of these."""
    return max(count for confusion in confusions for count in _mistakes(confusion).values())


def _info(confusions: Mapping[str, Confusion], shown: str, top: float | None = None) -> ConfusionInfo:
    if shown not in confusions:
        raise ConfigError(f"shown must be one of {', '.join(confusions)}, got {shown!r}")
    top = most_mistakes(confusions.values()) if top is None else top
    return ConfusionInfo(shown, colour_of(shown, list(confusions)), confusions[shown], top)


def _mistakes(confusion: Confusion) -> dict[tuple[int, int], float]:
    """Return (label, predicted) -> count, off the diagonal."""
    return {
        (label, predicted): count
        for label, row in enumerate(confusion.counts)
        for predicted, count in enumerate(row)
        if label != predicted
    }


def _draw(info: ConfusionInfo, dark: bool = False) -> go.Figure:
    names = info.confusion.names
    counts = np.array(info.confusion.counts)
    on_diagonal = np.eye(len(names), dtype=bool)
    label = "label given" if info.confusion.labels == "given" else "true label"
    mistakes, right = np.where(on_diagonal, np.nan, counts), np.where(on_diagonal, counts, np.nan)
    axis = {"type": "category", "showgrid": False, "zeroline": False, "constrain": "domain"}
    return drawn(
        [
            _cells(names, mistakes, info.colour, (0, OPACITY), info.top or 1, label),
            _cells(names, right, NEUTRAL, (DIAGONAL_OPACITY,) * 2, 1, label),
            _numbers(info.confusion),
        ],
        template=written_template(dark),
        height=HEIGHT,
        margin=MARGIN,
        hovermode="closest",
        meta={"description": _describe(info)},
        xaxis={"title": {"text": "predicted", "standoff": 6}, **axis},
        yaxis={
            "title": {"text": label, "standoff": 12},
            "autorange": "reversed",
            "scaleanchor": "x",
            "constraintoward": "top",
            **axis,
        },
    )


def _cells(
    names: tuple[str, ...],
    counts: npt.NDArray[np.float64],
    colour: str,
    opacities: tuple[float, float],
    top: float,
    label: str,
) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": counts,
        "zmin": 0,
        "zmax": top,
        "colorscale": [[0, faded(colour, opacities[0])], [1, faded(colour, opacities[1])]],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "hovertemplate": f"{label} %{{y}}, predicted %{{x}}: %{{z:.4g}} rows<extra></extra>",
    }


def _numbers(confusion: Confusion) -> dict[str, Any]:
    """Return the counts as text, in the colour of text of the page; nothing where there is no row."""
    names, counts = confusion.names, np.array(confusion.counts)
    places = [(label, predicted) for label, predicted in np.argwhere(counts > 0).tolist()]
    return {
        "type": "scatter",
        "x": [names[predicted] for _, predicted in places],
        "y": [names[label] for label, _ in places],
        "text": [_rounded(counts[place], confusion) for place in places],
        "mode": "text",
        "textfont": {"size": 12 if len(names) <= 10 else 9},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _rounded(count: float, confusion: Confusion) -> str:
    return f"{count:.0f}" if count >= 10 or confusion.n_seeds == 1 else f"{count:.1f}"


def _describe(info: ConfusionInfo) -> str:
    confusion = info.confusion
    if not confusion.n_seeds:
        return f"{info.title}: nothing to count yet."
    right = sum(confusion.counts[at][at] for at in range(len(confusion.names)))
    seeds = "1 seed" if confusion.n_seeds == 1 else f"{confusion.n_seeds} seeds"
    most = sorted(_mistakes(confusion).items(), key=lambda item: -item[1])[:N_DESCRIBED]
    mistakes = ", ".join(
        f"{confusion.names[label]} as {confusion.names[predicted]} ({_rounded(count, confusion)})"
        for (label, predicted), count in most
        if count
    )
    text = (
        f"{info.title}, {confusion.labels} labels by predictions, {seeds}: of {confusion.n_rows} rows "
        f"{_rounded(right, confusion)} are predicted as labelled."
    )
    return f"{text} Most mistakes: {mistakes}." if mistakes else text
