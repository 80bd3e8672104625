"""The ladder as a waterfall: from no part to all of them, and what each part adds on the way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from regcore.figures._layout import lay_out
from regcore.figures._style import COLOURS, NEUTRAL, faded
from regcore.statistics import BETTER, WORSE

if TYPE_CHECKING:
    from regcore.ablation import Ablation, Row
    from regcore.scoring import NoiseFloor
    from regcore.statistics import MeanInterval

# Of what lowers the metric, of what raises it, of what cannot be told, and of the two ends.
LOWER, HIGHER, NOISE, ENDS = COLOURS[2], COLOURS[7], NEUTRAL, COLOURS[1]
NAMES = {LOWER: "lower", HIGHER: "higher", NOISE: "within seed noise", ENDS: "none and all"}
TITLES = {
    "error": "validation error", "mae": "validation mean absolute error",
    "rmse": "validation root mean squared error", "loss": "validation data loss",
    "brier": "validation Brier score",
}  # fmt: skip
# Light enough for the interval at its end to be seen on it, on a light and on a dark page.
OPACITY = 0.4
ROW, TOP, FOOT = 38, 64, 48
MARGIN = {"l": 128, "r": 16, "t": TOP, "b": FOOT, "autoexpand": False}


class Bar(NamedTuple):
    """One bar: its name, where it begins and ends, its 95 % interval at the end, colour and hover text."""

    name: str
    begin: float
    end: float
    low: float
    high: float
    colour: str
    text: str


class WaterfallInfo(NamedTuple):
    """Everything that the figure shows; bars from the top down, and seeds."""

    metric: str
    bars: tuple[Bar, ...]
    n_seeds: int
    floor: float | None


def plot_waterfall(found: Ablation, floor: NoiseFloor | None = None, *, dark: bool = False) -> go.Figure:
    """Return the validation metric without any part, what each rung of the ladder adds, and with all parts.

    Error bars are 95 % intervals over seeds: of the ends, of their mean; of a rung, of the paired difference
    to the rung before. A rung has the colour of its verdict. `layout.meta["description"]` has the numbers.

    Args:
        found: From `regcore.ablation.ablation`.
        floor: What noisy labels allow (`scoring.noise_floor`), drawn as a line; None: no line.
        dark: Draw for a dark page.
    """
    return _draw(_info(found, floor), dark)


def _info(found: Ablation, floor: NoiseFloor | None = None) -> WaterfallInfo:
    lowest = None if floor is None else getattr(floor, found.metric)
    first = found.row("none")
    rungs = found.of_role("ladder") or found.of_role("alone")
    bars = [_end_bar("none", first.interval, found.metric)]
    before = first.interval.mean
    for rung in rungs:
        bars.append(_rung_bar(rung, before, found.metric))
        before = rung.interval.mean
    if found.parts:
        name = "all" if len(found.parts) > 1 else f"with {found.parts[0]}"
        bars.append(_end_bar(name, found.rows[-1].interval, found.metric))
    return WaterfallInfo(found.metric, tuple(bars), first.interval.n, lowest)


def _end_bar(name: str, interval: MeanInterval, metric: str) -> Bar:
    ends = "" if math.isnan(interval.low) else f" (95 %: {number(interval.low, metric)} to "
    ends += f"{number(interval.high, metric)})" if ends else ""
    text = f"{name}: {number(interval.mean, metric)}{ends}"
    return Bar(name, 0.0, interval.mean, interval.low, interval.high, ENDS, text)


def _rung_bar(rung: Row, before: float, metric: str) -> Bar:
    end, paired = rung.interval.mean, rung.difference
    name = f"+ {rung.part}"
    if paired is None:
        return Bar(name, before, end, math.nan, math.nan, NOISE, f"{name}: {number(end, metric)}")
    colour = {BETTER: LOWER, WORSE: HIGHER}.get(paired.verdict, NOISE)
    text = f"{name}: {signed(paired.mean, metric)}{in_interval(paired.low, paired.high, metric)}"
    return Bar(
        name, before, end, before + paired.low, before + paired.high, colour, f"{text}, {paired.verdict}"
    )


def number(value: float, metric: str) -> str:
    """Return a metric as figures write it, errors in percent."""
    return f"{100 * value:.1f} %" if metric == "error" else f"{value:.3g}"


def signed(value: float, metric: str) -> str:
    """Return a difference of a metric as figures write it, errors in points."""
    return f"{100 * value:+.1f} points" if metric == "error" else f"{value:+.3g}"


def in_interval(low: float, high: float, metric: str) -> str:
    """Return the interval of a difference in brackets; nothing where there is none."""
    if math.isnan(low):
        return ""
    factor, form = (100, ".1f") if metric == "error" else (1, ".3g")
    return f" (95 %: {factor * low:+{form}} to {factor * high:+{form}})"


def _draw(info: WaterfallInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure()
    for colour, name in NAMES.items():
        bars = [bar for bar in info.bars if bar.colour == colour]
        if bars:
            figure.add_trace(_trace(bars, colour, name))
    if info.floor is not None:
        figure.add_trace(_floor(info.floor, info))
    is_error = info.metric == "error"
    names = [bar.name for bar in info.bars]
    lay_out(
        figure,
        _describe(info),
        {"title": {"text": TITLES[info.metric]}, "tickformat": ".0%" if is_error else ".3~g",
         "showgrid": True, "rangemode": "tozero"},
        {"type": "category", "categoryorder": "array", "categoryarray": names[::-1], "showgrid": False},
        dark=dark,
        hovermode="closest",
        margin=MARGIN,
    )  # fmt: skip
    figure.update_layout(barmode="overlay", bargap=0.35, height=ROW * len(names) + TOP + FOOT)
    # From the edge of the figure on: on a telephone it has two rows then, and not four.
    figure.update_layout(legend={"xref": "container"})
    for at, bar in enumerate(info.bars[:-1]):
        figure.add_shape(_connection(bar, len(names) - 1 - at))
    return figure


def _trace(bars: list[Bar], colour: str, name: str) -> go.Bar:
    return go.Bar(
        orientation="h",
        y=[bar.name for bar in bars],
        base=[bar.begin for bar in bars],
        x=[bar.end - bar.begin for bar in bars],
        error_x={
            "type": "data",
            "array": [bar.high - bar.end for bar in bars],
            "arrayminus": [bar.end - bar.low for bar in bars],
            "color": colour,
            "thickness": 1.6,
            "width": 5,
        },
        name=name,
        # None and all are named on their axis.
        showlegend=colour != ENDS,
        marker={"color": faded(colour, OPACITY), "line": {"color": colour, "width": 1.5}},
        text=[bar.text for bar in bars],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
    )


def _floor(floor: float, info: WaterfallInfo) -> go.Scatter:
    return go.Scatter(
        x=[floor, floor],
        y=[info.bars[0].name, info.bars[-1].name],
        name=f"noise floor {number(floor, info.metric)}",
        mode="lines",
        showlegend=True,
        hoverinfo="skip",
        line={"color": NEUTRAL, "width": 1.2, "dash": "longdash"},
    )


def _connection(bar: Bar, place: int) -> dict[str, object]:
    """Return a thin line from the end of a bar down to the next one."""
    return {
        "type": "line", "x0": bar.end, "x1": bar.end, "y0": place + 0.33, "y1": place - 1.33,
        "line": {"color": NEUTRAL, "width": 1, "dash": "dot"}, "layer": "below",
    }  # fmt: skip


def _describe(info: WaterfallInfo) -> str:
    seeds = "1 seed" if info.n_seeds == 1 else f"{info.n_seeds} seeds"
    title = TITLES[info.metric].capitalize()
    text = f"{title}, one part after another, {seeds}: {'; '.join(bar.text for bar in info.bars)}."
    if info.floor is not None:
        text += f" Noisy labels allow {number(info.floor, info.metric)} on average."
    return text
