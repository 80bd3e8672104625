"""What the average of k networks measures, against k, with what theory says of it."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.ensembles import (
    ERROR,
    LOSS,
    MAE,
    SQUARED_ERROR,
    SQUARED_ERROR_IS,
    BySize,
    Metric,
    metrics_of,
)
from regcore.errors import ConfigError
from regcore.figures._layout import (
    MARGIN,
    error_bars,
    interval_in_words,
    intervals_in_words,
    lay_out,
    of_sizes,
)
from regcore.figures._style import COLOURS, LINE_WIDTH, NEUTRAL, OUTLINE
from regcore.statistics import MeanInterval, mean_interval

Shown = Metric | Literal["between"]

BETWEEN: Literal["between"] = "between"
EXACT = "theory: ρσ² + (1 − ρ)σ²/k"
INDEPENDENT = "theory, independent errors: σ²/k"
OF_BETWEEN = "theory: s²/k"
# Room for a legend of three rows, as a narrow page needs.
TOP = 88
TITLES: dict[str, str] = {
    LOSS: "data loss",
    ERROR: "error (fraction)",
    MAE: "mean absolute error",
    BETWEEN: "variance between ensembles",
}


class Theory(NamedTuple):
    """A line that is computed, not measured: its name, dash, and one value for each size."""

    name: str
    dash: str
    values: tuple[float, ...]


class EnsembleSizeInfo(NamedTuple):
    """Everything that the figure shows.

    `floor` is what infinitely many members would have, None where theory says nothing of the metric.
    """

    title: str
    n_seeds: int
    pool: int
    k: int
    sizes: tuple[int, ...]
    subsets: tuple[str, ...]
    measured: tuple[MeanInterval, ...]
    theories: tuple[Theory, ...]
    floor: float | None
    correlation: float


def plot_ensemble_size(
    found: BySize, k: int = 1, shown: Shown = "squared_error", *, dark: bool = False
) -> go.Figure:
    """Return what ensembles of each size measure, means over seeds with 95 % intervals, over many subsets.

    The squared error has both lines of theory, with the members' own sigma^2 and rho, and the floor
    rho sigma^2. `layout.meta["description"]` has the numbers in words.

    Args:
        found: What was measured.
        k: The size that is marked.
        shown: A metric of the task, or "between": the variance of the averaged prediction from one ensemble
            to the next.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if the task has no such metric.
    """
    return _draw(_info(found, k, shown), dark)


def _info(found: BySize, k: int, shown: Shown) -> EnsembleSizeInfo:
    allowed = (*metrics_of(found.task), BETWEEN)
    if shown not in allowed:
        raise ConfigError(f"shown must be one of {', '.join(allowed)}, got {shown!r}")
    sizes = tuple(size for size in found.sizes if shown != BETWEEN or size <= found.pool // 2)
    if shown == BETWEEN:
        measured = tuple(mean_interval(of_size) for of_size in found.between[:, : len(sizes)].T)
    else:
        measured = found.intervals(shown)
    return EnsembleSizeInfo(
        title=SQUARED_ERROR_IS[found.task] if shown == SQUARED_ERROR else TITLES[shown],
        n_seeds=len(found.moments),
        pool=found.pool,
        k=k,
        sizes=sizes,
        subsets=tuple(
            f"{'all ' if is_all else ''}{n:,} subset{'s' if n > 1 else ''}"
            for n, is_all in zip(found.n_subsets, found.is_all, strict=True)
        )[: len(sizes)],
        measured=measured,
        theories=_theories(found, sizes, shown),
        floor=found.theory(found.pool)[2] if shown == SQUARED_ERROR and found.pool > 1 else None,
        correlation=found.correlation.mean,
    )


def _theories(found: BySize, sizes: tuple[int, ...], shown: Shown) -> tuple[Theory, ...]:
    if shown == BETWEEN:
        alone = float(np.mean(found.between[:, 0]))
        return (Theory(OF_BETWEEN, "dot", tuple(alone / size for size in sizes)),)
    if shown != SQUARED_ERROR:
        return ()
    exact, independent, _ = zip(*(found.theory(size) for size in sizes), strict=True)
    return (Theory(EXACT, "dash", exact), Theory(INDEPENDENT, "dot", independent))


def _draw(info: EnsembleSizeInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure([*(_theory(info, line) for line in info.theories), _measured(info)])
    if info.k in info.sizes:
        figure.add_trace(_mark(info))
    if info.floor is not None:
        figure.add_hline(
            y=info.floor,
            line={"color": NEUTRAL, "width": 1.2, "dash": "longdash"},
            annotation={"text": f"floor ρσ² = {info.floor:.3g}", "font": {"size": 12}},
            # Below the line there is room, but for where errors have hardly anything in common.
            annotation_position="bottom right" if info.correlation > 0.5 else "top right",
        )
    return lay_out(
        figure,
        _describe(info),
        of_sizes(info.sizes, "networks averaged, k"),
        {"title": {"text": info.title}, "rangemode": "tozero"},
        dark=dark,
        margin={**MARGIN, "t": TOP},
    )


def _measured(info: EnsembleSizeInfo) -> go.Scatter:
    return go.Scatter(
        x=info.sizes,
        y=[interval.mean for interval in info.measured],
        error_y=error_bars(info.measured, COLOURS[1]),
        name="measured",
        mode="markers",
        marker={"color": COLOURS[1], "size": 8},
        customdata=list(zip(intervals_in_words(info.measured), info.subsets, strict=True)),
        hovertemplate="%{customdata[0]}, %{customdata[1]}",
    )


def _theory(info: EnsembleSizeInfo, line: Theory) -> go.Scatter:
    return go.Scatter(
        x=info.sizes,
        y=line.values,
        name=line.name,
        mode="lines",
        line={"color": NEUTRAL, "dash": line.dash, "width": LINE_WIDTH},
        hovertemplate="%{y:.4g}",
    )


def _mark(info: EnsembleSizeInfo) -> go.Scatter:
    at = info.sizes.index(info.k)
    return go.Scatter(
        x=[info.k],
        y=[info.measured[at].mean],
        name=f"k = {info.k}",
        mode="markers",
        marker={
            "symbol": "diamond",
            "size": 14,
            "color": COLOURS[1],
            "line": {"color": OUTLINE, "width": 1.5},
        },
        hoverinfo="skip",
    )


def _describe(info: EnsembleSizeInfo) -> str:
    seeds = "1 seed" if info.n_seeds == 1 else f"{info.n_seeds} seeds"
    alone, largest = info.measured[0], info.measured[-1]
    text = (
        f"{info.title.capitalize()} of the average of k networks, {seeds}, over subsets of {info.pool} "
        f"networks: measured {interval_in_words(alone)} for 1 and {interval_in_words(largest)} for "
        f"{info.sizes[-1]}."
    )
    for line in info.theories:
        text += f" {line.name.capitalize()} gives {line.values[-1]:.3g} for {info.sizes[-1]}."
    if info.floor is not None:
        text += (
            f" The errors of two networks correlate by {info.correlation:.3g}: the floor is {info.floor:.3g}."
        )
    return text
