"""Panels side by side, one a run, that share their axes, with room for a legend above and a slider below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

GAP = 0.03
PLOT = 270
# Fixed, so that nothing moves from one run to the next: room for titles of two lines, for as many rows of
# legend as a narrow page needs, and below for the slider.
TITLE, LEGEND_ROW, FOOT = 42, 30, 122


class Axes(NamedTuple):
    """What all panels share: titles and ranges."""

    x_title: str
    y_title: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]


def axes_of(at: int) -> dict[str, str]:
    """Return the axes of a trace of one panel, from 0."""
    suffix = _suffix(at)
    return {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}


def panels_layout(
    captions: Sequence[tuple[str, str]], axes: Axes, legend_rows: int, template: object
) -> dict[str, Any]:
    """Return the layout of panels, whose traces are in them by `axes_of`.

    Args:
        captions: Of each panel: the run's name, and which epochs it keeps in words, or nothing.
        axes: What the panels share.
        legend_rows: Rows of legend that there is room for.
        template: That of all figures.
    """
    top = TITLE + LEGEND_ROW * legend_rows
    width = (1 - GAP * (len(captions) - 1)) / len(captions)
    lefts = [at * (width + GAP) for at in range(len(captions))]
    layout: dict[str, Any] = {
        "template": template,
        "height": PLOT + top + FOOT,
        "margin": {"l": 46, "r": 8, "t": top, "b": FOOT, "autoexpand": False},
        "hovermode": "closest",
        "legend": {
            "orientation": "h", "x": 0, "y": 1 + TITLE / PLOT, "yanchor": "bottom", "font": {"size": 13},
        },
        "annotations": [
            _caption(run, kept, left) for (run, kept), left in zip(captions, lefts, strict=True)
        ],
    }  # fmt: skip
    for at, left in enumerate(lefts):
        layout |= _axes_layout(at, (left, left + width), axes)
    return layout


def _caption(run: str, kept: str, left: float) -> dict[str, Any]:
    return {
        "text": f"<b>{run}</b><br>{f'keeps {kept}' if kept else ''}",
        "align": "left",
        "x": left,
        "y": 1,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
    }


def _axes_layout(at: int, domain: tuple[float, float], axes: Axes) -> dict[str, Any]:
    suffix = _suffix(at)
    plain = {"showgrid": False, "zeroline": False, "automargin": False}
    x_title = {"text": axes.x_title, "standoff": 4}
    y_title = {"text": "" if at else axes.y_title, "standoff": 4}
    return {
        f"xaxis{suffix}": {
            "anchor": f"y{suffix}", "domain": domain, "range": axes.x_range, "title": x_title, **plain,
            **({"matches": "x"} if at else {}),
        },
        f"yaxis{suffix}": {
            "anchor": f"x{suffix}", "range": axes.y_range, "title": y_title, **plain,
            **({"matches": "y", "showticklabels": False} if at else {}),
        },
    }  # fmt: skip


def _suffix(at: int) -> str:
    return str(at + 1) if at else ""
