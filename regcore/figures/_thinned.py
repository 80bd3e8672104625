"""What stands for all thinned networks, against how many of them are drawn: distances, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import plotly.graph_objects as go

from regcore.dropout import N_MASKS
from regcore.errors import ConfigError
from regcore.figures._series import Axis, Series, draw_series
from regcore.figures._style import COLOURS, NEUTRAL
from regcore.statistics import mean_interval

if TYPE_CHECKING:
    from regcore.dropout import Sampled

ARITHMETIC, GEOMETRIC, BETWEEN = COLOURS[2], COLOURS[1], COLOURS[3]
# Of each distance: field of `Gap`, name, colour.
DISTANCES = (
    ("arithmetic_to_scaled", "arithmetic to scaled", ARITHMETIC),
    ("geometric_to_scaled", "geometric to scaled", GEOMETRIC),
    ("arithmetic_to_geometric", "arithmetic to geometric", BETWEEN),
)
ROUNDING = 1e-9
BEFORE_OUTPUT = "geometric, only before output"


class ThinnedInfo(NamedTuple):
    """Every number of a figure."""

    what: str
    n_seeds: int
    series: tuple[Series, ...]


def plot_gaps(
    sampled: Sequence[Sampled], n_masks: Sequence[int] = N_MASKS, *, dark: bool = False
) -> go.Figure:
    """Return how far the means of thinned networks are from the whole network, by the number of masks.

    Distances as in `regcore.dropout.distance`, mean over seeds with 95 % intervals, both axes in logarithms.
    The dashed line is of the same networks with masks in the last hidden layer alone: there the scaled
    network is the geometric mean, so the distance is that of a random sample and falls like 1 / sqrt(masks).

    `layout.meta["description"]` says in words what is drawn, with its numbers.

    Args:
        sampled: Of each seed, from `regcore.dropout.sample`.
        n_masks: Numbers of masks that it was asked for.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if there is no seed.
    """
    info = _gaps_info(sampled, n_masks)
    return _draw(info, Axis("distance of predictions", is_log=True), dark)


def plot_monte_carlo(
    sampled: Sequence[Sampled],
    measure: Literal["loss", "error"] = "loss",
    n_masks: Sequence[int] = N_MASKS,
    *,
    is_regression: bool = False,
    dark: bool = False,
) -> go.Figure:
    """Return the validation loss or error of the mean of several masks, beside that of the scaled network.

    `layout.meta["description"]` says in words what is drawn, with its numbers.

    Args:
        sampled: Of each seed, from `regcore.dropout.sample`.
        measure: "loss" or "error".
        n_masks: Numbers of masks that it was asked for.
        is_regression: Whether the error is an absolute one, not a fraction of rows.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if there is no seed.
    """
    info = _monte_carlo_info(sampled, measure, n_masks)
    as_percent = measure == "error" and not is_regression
    title = "mean absolute error" if measure == "error" and is_regression else measure
    return _draw(info, Axis(f"validation {title}", tick_format=".1%" if as_percent else ".3~g"), dark)


def _gaps_info(sampled: Sequence[Sampled], n_masks: Sequence[int]) -> ThinnedInfo:
    _check(sampled)
    lines = [
        _series(
            name, colour, "solid", n_masks, [[getattr(each, field) for each in one.gaps] for one in sampled]
        )
        for field, name, colour in DISTANCES
    ]
    if sampled[0].gaps_before_output:
        before = [[each.geometric_to_scaled for each in one.gaps_before_output] for one in sampled]
        lines.append(_series(BEFORE_OUTPUT, GEOMETRIC, "dash", n_masks, before))
    # One mask is its own mean, both ways: 0 but for rounding, which has no place among logarithms.
    shown = tuple(_without_zeros(line) for line in lines)
    return ThinnedInfo("Distance of predictions", len(sampled), shown)


def _without_zeros(line: Series) -> Series:
    kept = [(x, each) for x, each in zip(line.x, line.intervals, strict=True) if each.mean > ROUNDING]
    return line._replace(x=tuple(x for x, _ in kept), intervals=tuple(each for _, each in kept))


def _monte_carlo_info(
    sampled: Sequence[Sampled], measure: Literal["loss", "error"], n_masks: Sequence[int]
) -> ThinnedInfo:
    _check(sampled)
    by_mask = [list(getattr(one, measure)) for one in sampled]
    scaled = [[getattr(one, f"scaled_{measure}")] * len(n_masks) for one in sampled]
    return ThinnedInfo(
        f"Validation {measure}",
        len(sampled),
        (
            _series("mean of the masks (Monte Carlo)", ARITHMETIC, "solid", n_masks, by_mask),
            _series("whole network, scaled", NEUTRAL, "dash", n_masks, scaled),
        ),
    )


def _check(sampled: Sequence[Sampled]) -> None:
    if not sampled:
        raise ConfigError("sampled must be of at least one seed, got none")


def _series(
    name: str, colour: str, dash: str, n_masks: Sequence[int], by_seed: Sequence[Sequence[float]]
) -> Series:
    intervals = tuple(mean_interval(values) for values in zip(*by_seed, strict=True))
    return Series(name, colour, dash, tuple(float(n) for n in n_masks), intervals)


def _draw(info: ThinnedInfo, y: Axis, dark: bool) -> go.Figure:
    ticks = max((line.x for line in info.series), key=len)
    x = Axis("masks drawn", is_log=True, ticks=ticks)
    return draw_series(info.series, x, y, _describe(info), dark=dark)


def _describe(info: ThinnedInfo) -> str:
    seeds = "1 seed" if info.n_seeds == 1 else f"{info.n_seeds} seeds"
    lines = "; ".join(
        f"{line.name} {line.intervals[0].mean:.3g} at {line.x[0]:g} and {line.intervals[-1].mean:.3g} at "
        f"{line.x[-1]:g} masks"
        for line in info.series
        if line.x
    )
    return f"{info.what} by the number of masks, mean of {seeds}: {lines}."
