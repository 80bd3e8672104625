"""How stopping early and L2 shrink a linear model, direction by direction: formulas, and real trainings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.figures._layout import set_layout
from regcore.figures._style import COLOURS, LINE_WIDTH, OUTLINE, THIN_LINE, template
from regcore.spectral_filters import matching_l2, ridge_filter, stopping_filter

if TYPE_CHECKING:
    from regcore.spectral_filters import Factors

HEIGHT = 360
MARGIN = {"l": 56, "r": 8, "t": 92, "b": 48, "autoexpand": False}
GAP = 0.04
N_PLACES = 200
STOPPED, RIDGE = "stopped early", "L2"
COLOUR_OF = {STOPPED: COLOURS[1], RIDGE: COLOURS[3]}
DASH_OF = {STOPPED: "solid", RIDGE: "dash"}
SYMBOL_OF = {STOPPED: "circle", RIDGE: "diamond-open"}
PANELS = ("Theory", "Measured")


class FiltersInfo(NamedTuple):
    """Every number of the figure.

    Attributes:
        steps: Steps after which one training was stopped.
        l2: Penalty of the other.
        eigenvalues: Places of the formulas, [200].
        theory: Factors there, by training.
        measured: (seed, eigenvalue, factor) by training.
        largest_gap: Largest difference between a measured factor and its formula.
    """

    steps: int
    l2: float
    eigenvalues: tuple[float, ...]
    theory: dict[str, tuple[float, ...]]
    measured: dict[str, tuple[tuple[int, float, float], ...]]
    largest_gap: float


def plot_filters(
    stopped: Sequence[Factors],
    ridge: Sequence[Factors],
    learning_rate: float,
    steps: int,
    *,
    dark: bool = False,
) -> go.Figure:
    """Return what two trainings of a linear model have of least squares in each direction of the data.

    The left panel has the formulas, for `steps` steps and for the L2 that matches them; the right one what
    was measured, over the same formulas drawn thin.

    Args:
        stopped: Of each seed, from `spectral_filters.stopped_factors`.
        ridge: Of each seed, from `spectral_filters.ridge_factors`, trained with the matching L2.
        learning_rate: Of the training that was stopped.
        steps: After which it was stopped.
        dark: Draw for a dark page.
    """
    return _draw(_info(stopped, ridge, learning_rate, steps), dark)


def _info(
    stopped: Sequence[Factors], ridge: Sequence[Factors], learning_rate: float, steps: int
) -> FiltersInfo:
    found = {STOPPED: stopped, RIDGE: ridge}
    values = [value for of_run in found.values() for each in of_run for value in each.eigenvalues]
    positive = [value for value in values if value > 0] or [0.01, 1.0]
    places = np.geomspace(min(positive) / 2, max(positive) * 1.2, N_PLACES)
    l2 = matching_l2(learning_rate, steps)
    gaps = [
        abs(measured - theory)
        for of_run in found.values()
        for each in of_run
        for measured, theory in zip(each.measured, each.theory, strict=True)
    ]
    return FiltersInfo(
        steps=steps,
        l2=l2,
        eigenvalues=tuple(places.tolist()),
        theory={
            STOPPED: tuple(stopping_filter(places, learning_rate, steps).tolist()),
            RIDGE: tuple(ridge_filter(places, l2).tolist()),
        },
        measured={name: _points(of_run) for name, of_run in found.items()},
        largest_gap=max(gaps, default=0.0),
    )


def _points(factors: Sequence[Factors]) -> tuple[tuple[int, float, float], ...]:
    return tuple(
        (each.seed, eigenvalue, measured)
        for each in factors
        for eigenvalue, measured in zip(each.eigenvalues, each.measured, strict=True)
    )


def _draw(info: FiltersInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure()
    for name in (STOPPED, RIDGE):
        figure.add_trace(_formula(info, name, LINE_WIDTH, "x", "y", f"{_named(info, name)}"))
        figure.add_trace(_formula(info, name, THIN_LINE, "x2", "y2", None))
        figure.add_trace(_measured(info, name))
    width = (1 - GAP) / 2
    x_axis = {
        "type": "log",
        "title": {"text": "curvature Λ"},
        "tickformat": "~g",
        "dtick": 1,
    }
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        hovermode="closest",
        meta={"description": _describe(info)},
        legend={"orientation": "h", "x": 0, "y": 1.1, "yanchor": "bottom", "traceorder": "normal"},
        annotations=[
            {
                "text": f"<b>{title}</b>", "x": at * (width + GAP), "y": 1, "xref": "paper", "yref": "paper",
                "xanchor": "left", "yanchor": "bottom", "showarrow": False,
            }
            for at, title in enumerate(PANELS)
        ],
        xaxis={**x_axis, "domain": (0, width), "anchor": "y"},
        xaxis2={**x_axis, "domain": (width + GAP, 1), "anchor": "y2", "matches": "x"},
        yaxis={"title": {"text": "part of least squares kept"}, "range": [-0.05, 1.1], "anchor": "x"},
        yaxis2={"range": [-0.05, 1.1], "anchor": "x2", "matches": "y", "showticklabels": False},
    )  # fmt: skip
    return figure


def _named(info: FiltersInfo, name: str) -> str:
    return f"stopped after {info.steps} steps" if name == STOPPED else f"L2 of {info.l2:.3g}"


def _formula(
    info: FiltersInfo, name: str, width: float, xaxis: str, yaxis: str, legend: str | None
) -> go.Scatter:
    return go.Scatter(
        x=info.eigenvalues,
        y=info.theory[name],
        name=legend,
        showlegend=legend is not None,
        legendgroup=name,
        mode="lines",
        line={"color": COLOUR_OF[name], "dash": DASH_OF[name], "width": width},
        xaxis=xaxis,
        yaxis=yaxis,
        hovertemplate=f"theory, {_named(info, name)}, curvature %{{x:.3g}}: %{{y:.4f}}<extra></extra>",
    )


def _measured(info: FiltersInfo, name: str) -> go.Scatter:
    seeds, eigenvalues, factors = zip(*info.measured[name], strict=True) if info.measured[name] else ((),) * 3
    line = {"width": 2} if SYMBOL_OF[name].endswith("open") else {"width": 1, "color": OUTLINE}
    return go.Scatter(
        x=eigenvalues,
        y=factors,
        showlegend=False,
        legendgroup=name,
        mode="markers",
        marker={"symbol": SYMBOL_OF[name], "size": 8, "color": COLOUR_OF[name], "line": line},
        xaxis="x2",
        yaxis="y2",
        customdata=seeds,
        hovertemplate=f"{_named(info, name)}, seed %{{customdata}}, curvature %{{x:.3g}}: %{{y:.4f}}"
        "<extra></extra>",
    )


def _describe(info: FiltersInfo) -> str:
    n_points = sum(len(points) for points in info.measured.values())
    return (
        f"Part of least squares kept in each direction of a linear model, stopped after {info.steps} steps "
        f"and with L2 of {info.l2:.3g}. Left, theory: from {info.theory[STOPPED][0]:.3g} and "
        f"{info.theory[RIDGE][0]:.3g} at curvature {info.eigenvalues[0]:.3g} to "
        f"{info.theory[STOPPED][-1]:.3g} and {info.theory[RIDGE][-1]:.3g} at {info.eigenvalues[-1]:.3g}. "
        f"Right, {n_points} measured factors, at most {info.largest_gap:.2g} from their formula."
    )
