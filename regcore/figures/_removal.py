"""What the loss does when one hidden unit is taken out, unit by unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._layout import set_layout
from regcore.figures._series import HEIGHT, MARGIN
from regcore.figures._style import BAND_OPACITY, LINE_WIDTH, colour_of, faded, template
from regcore.figures._summary import HIGH, LOW

if TYPE_CHECKING:
    from regcore.coadaptation import CoAdaptation


class Ranked(NamedTuple):
    """One run: how much the loss changes without a unit, the unit that matters most first.

    Attributes:
        name: Of the run.
        colour: Of its line.
        median: Absolute change of the loss, median over seeds of the units of one rank.
        low: Lowest tenth.
        high: Highest tenth.
        n_seeds: Seeds.
    """

    name: str
    colour: str
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n_seeds: int


def plot_removal(found: Mapping[str, Sequence[CoAdaptation]], *, dark: bool = False) -> go.Figure:
    """Return how much the validation loss changes, up or down, when one unit of the last layer is taken out.

    Units are ranked by it, the one that matters most first; a line is the median over seeds, its band the
    middle 80 %. `layout.meta["description"]` says in words what is drawn, with its numbers.

    Args:
        found: Name of a run -> of each seed, from `regcore.coadaptation`; in the order of their colours.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if a run has no seed.
    """
    return _draw(_info(found), dark)


def _info(found: Mapping[str, Sequence[CoAdaptation]]) -> tuple[Ranked, ...]:
    return tuple(_ranked(name, of_run, colour_of(name, list(found))) for name, of_run in found.items())


def _ranked(name: str, of_run: Sequence[CoAdaptation], colour: str) -> Ranked:
    if not of_run:
        raise ConfigError(f"found must have at least one seed of each run, got none of {name!r}")
    ranked = -np.sort(-np.abs([each.removed for each in of_run]), axis=1)
    low, median, high = np.quantile(ranked, [LOW, 0.5, HIGH], axis=0).tolist()
    return Ranked(name, colour, tuple(median), tuple(low), tuple(high), len(of_run))


def _draw(runs: Sequence[Ranked], dark: bool = False) -> go.Figure:
    figure = go.Figure()
    for run in runs:
        figure.add_traces(_band(run))
    for run in runs:
        figure.add_trace(_line(run))
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        meta={"description": _describe(runs)},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": {"text": "units, the one that matters most first"}, "automargin": False},
        yaxis={
            "title": {"text": "change of the loss without it"},
            "rangemode": "tozero",
            "tickformat": ".3~g",
            "automargin": False,
        },
    )
    return figure


def _ranks(run: Ranked) -> list[int]:
    return list(range(1, len(run.median) + 1))


def _line(run: Ranked) -> go.Scatter:
    return go.Scatter(
        x=_ranks(run),
        y=run.median,
        name=run.name,
        mode="lines",
        line={"color": run.colour, "width": LINE_WIDTH},
        customdata=np.column_stack([run.low, run.high]),
        hovertemplate="%{y:.3g} (%{customdata[0]:.3g} to %{customdata[1]:.3g})",
    )


def _band(run: Ranked) -> list[go.Scatter]:
    """Return the invisible lower edge, and the upper edge filled down to it."""
    edge = {
        "x": _ranks(run),
        "mode": "lines",
        "line": {"width": 0},
        "showlegend": False,
        "hoverinfo": "skip",
    }
    return [
        go.Scatter(y=run.low, **edge),
        go.Scatter(y=run.high, fill="tonexty", fillcolor=faded(run.colour, BAND_OPACITY), **edge),
    ]


def _describe(runs: Sequence[Ranked]) -> str:
    said = "; ".join(
        f"{run.name}: {run.median[0]:.3g} for the unit that matters most, "
        f"{run.median[len(run.median) // 2]:.3g} for the middle one, median of {run.n_seeds} seeds"
        for run in runs
    )
    return f"Absolute change of the validation loss when one unit of the last layer is taken out. {said}."
