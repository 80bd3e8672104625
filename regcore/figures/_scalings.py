"""How large activations are under right and wrong ways of scaling, against those in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from regcore.dropout import IN_TRAINING
from regcore.errors import ConfigError
from regcore.figures._layout import set_layout
from regcore.figures._style import COLOURS, NEUTRAL, OUTLINE, template
from regcore.statistics import MeanInterval, mean_interval

if TYPE_CHECKING:
    from regcore.dropout import Scaling

HEIGHT = 368
MARGIN = {"l": 60, "r": 8, "t": 112, "b": 48, "autoexpand": False}
LOOKS = (
    ("circle", COLOURS[1]),
    ("diamond-open", COLOURS[2]),
    ("triangle-up", COLOURS[7]),
    ("triangle-down", COLOURS[3]),
)


class Bars(NamedTuple):
    """One way of scaling: of each layer, its mean activation relative to that in training."""

    name: str
    ratios: tuple[MeanInterval, ...]


class ScalingsInfo(NamedTuple):
    """Every number of the figure."""

    layers: tuple[str, ...]
    n_seeds: int
    bars: tuple[Bars, ...]


def plot_scalings(by_seed: Sequence[Mapping[str, Scaling]], *, dark: bool = False) -> go.Figure:
    """Return mean absolute activations under each way of scaling, as a multiple of those in training.

    Mean over seeds with 95 % intervals, on an axis of logarithms. `layout.meta["description"]` says in words
    what is drawn, with its numbers.

    Args:
        by_seed: Of each seed, from `regcore.dropout.scalings`.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if there is no seed.
    """
    return _draw(_info(by_seed), dark)


def _info(by_seed: Sequence[Mapping[str, Scaling]]) -> ScalingsInfo:
    if not by_seed:
        raise ConfigError("by_seed must be of at least one seed, got none")
    n_layers = len(by_seed[0][IN_TRAINING].activations)
    layers = (*(f"hidden layer {at}" for at in range(1, n_layers)), "outputs")
    bars = tuple(
        Bars(
            name,
            tuple(
                mean_interval([_ratio(of_seed, name, at) for of_seed in by_seed]) for at in range(n_layers)
            ),
        )
        for name in by_seed[0]
        if name != IN_TRAINING
    )
    return ScalingsInfo(layers, len(by_seed), bars)


def _ratio(of_seed: Mapping[str, Scaling], name: str, layer: int) -> float:
    trained = of_seed[IN_TRAINING].activations[layer]
    return of_seed[name].activations[layer] / trained if trained else float("nan")


def _draw(info: ScalingsInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure()
    for bars, (symbol, colour) in zip(info.bars, LOOKS, strict=True):
        figure.add_trace(_points(bars, info.layers, symbol, colour))
    figure.add_hline(y=1, line={"color": NEUTRAL, "dash": "longdash", "width": 1})
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        hovermode="closest",
        meta={"description": _describe(info)},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        scattermode="group",
        xaxis={"type": "category", "automargin": False},
        yaxis={
            "title": {"text": "activations, times those in training"},
            "type": "log",
            "automargin": False,
            "tickvals": [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50],
        },
    )
    return figure


def _points(bars: Bars, layers: tuple[str, ...], symbol: str, colour: str) -> go.Scatter:
    return go.Scatter(
        x=layers,
        y=[each.mean for each in bars.ratios],
        name=bars.name,
        mode="markers",
        offsetgroup=bars.name,
        marker={
            "symbol": symbol,
            "size": 12,
            "color": colour,
            "line": {"width": 2 if "open" in symbol else 1, "color": colour if "open" in symbol else OUTLINE},
        },
        error_y={
            "type": "data",
            "symmetric": True,
            "array": [each.high - each.mean for each in bars.ratios],
            "color": colour,
            "thickness": 1.5,
        },
        customdata=[[each.low, each.high] for each in bars.ratios],
        hovertemplate=f"{bars.name}, %{{x}}: %{{y:.3g}} times (95 %: %{{customdata[0]:.3g}} to "
        "%{customdata[1]:.3g})<extra></extra>",
    )


def _describe(info: ScalingsInfo) -> str:
    seeds = "1 seed" if info.n_seeds == 1 else f"{info.n_seeds} seeds"
    said = "; ".join(
        f"{bars.name}: "
        + ", ".join(
            f"{ratio.mean:.3g} in {layer}" for ratio, layer in zip(bars.ratios, info.layers, strict=True)
        )
        for bars in info.bars
    )
    return f"Mean activations as a multiple of those in training, mean of {seeds}. {said}."
