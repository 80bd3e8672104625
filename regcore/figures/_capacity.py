"""Train and validation loss against the width of a network, with the width from which on it fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from regcore.capacity import Width, first_that_fits
from regcore.figures._layout import interval_in_words
from regcore.figures._series import Axis, Series, draw_series
from regcore.figures._style import COLOURS, DASHES, NEUTRAL, THIN_LINE


class CapacityInfo(NamedTuple):
    """Every number of the figure; `fits` is None where even the widest network does not."""

    series: tuple[Series, ...]
    units: tuple[int, ...]
    fits: int | None
    n_seeds: int


def plot_capacity(measured: Sequence[Width], *, dark: bool = False) -> go.Figure:
    """Return mean losses after the last epoch against the units of each hidden layer, both on log axes.

    Bands are 95 % t-intervals over seeds. A line marks the width from which on at most 1 % of the train rows
    are wrong. `layout.meta["description"]` has the numbers in words.

    Args:
        measured: One for each width, ascending.
        dark: Draw for a dark page.
    """
    return _draw(_info(measured), dark)


def _info(measured: Sequence[Width]) -> CapacityInfo:
    units = tuple(width.units for width in measured)
    losses = {
        "train": [width.train_loss for width in measured],
        "val": [width.val_loss for width in measured],
    }
    names = {"train": "train", "val": "validation"}
    return CapacityInfo(
        tuple(
            Series(names[split], COLOURS[0], DASHES[split], tuple(map(float, units)), tuple(intervals))
            for split, intervals in losses.items()
        ),
        units,
        first_that_fits(measured),
        measured[0].train_loss.n if measured else 0,
    )


def _draw(info: CapacityInfo, dark: bool = False) -> go.Figure:
    x = Axis("units in each hidden layer", is_log=True, ticks=tuple(map(float, info.units)))
    figure = draw_series(info.series, x, Axis("data loss", is_log=True), _describe(info), dark=dark)
    figure.update_yaxes(range=_range(info))
    if info.fits is not None:
        figure.add_vline(x=info.fits, line={"color": NEUTRAL, "width": THIN_LINE, "dash": "longdash"})
        # On a logarithmic axis annotations stand at the logarithm, lines at the value itself.
        figure.add_annotation(
            text=f"fits from {info.fits} on",
            x=math.log10(info.fits),
            y=1,
            yref="y domain",
            xanchor="left",
            yanchor="top",
            xshift=4,
            showarrow=False,
            font={"size": 12},
        )
    return figure


def _range(info: CapacityInfo) -> tuple[float, float] | None:
    """Return the decimal logarithms between which the means lie, a decade at least."""
    means = [each.mean for line in info.series for each in line.intervals]
    drawn = [math.log10(mean) for mean in means if 0 < mean < math.inf]
    if not drawn:
        return None
    return min(min(drawn), max(drawn) - 1) - 0.2, max(drawn) + 0.3


def _describe(info: CapacityInfo) -> str:
    if not info.units:
        return "No width has been trained yet."
    said = [
        f"{line.name} {interval_in_words(line.intervals[0])} with {info.units[0]}, "
        f"{interval_in_words(line.intervals[-1])} with {info.units[-1]}"
        for line in info.series
    ]
    fits = (
        f"At most 1 % of the train rows are wrong from {info.fits} units on."
        if info.fits is not None
        else "No width fits the train rows."
    )
    seeds = "1 seed" if info.n_seeds == 1 else f"{info.n_seeds} seeds"
    return f"Data loss against units in each hidden layer, mean of {seeds}: {'; '.join(said)}. {fits}"
