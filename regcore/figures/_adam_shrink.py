"""What an epoch of Adam takes off weights, by the scale of their gradients: L2 in the loss against decoupled
decay of the same nominal strength."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from regcore.adam_l2 import ShrinkUnderAdam
from regcore.errors import ConfigError
from regcore.figures._layout import set_layout
from regcore.figures._log_places import places_of
from regcore.figures._style import COLOURS, LINE_WIDTH, NEUTRAL, OUTLINE, THIN_LINE, template

HEIGHT = 372
# On top there is room for a legend of four rows, as a narrow page has.
MARGIN = {"l": 64, "r": 12, "t": 88, "b": 52, "autoexpand": False}
L2_COLOUR, DECOUPLED_COLOUR = COLOURS[1], COLOURS[3]


class Taken(NamedTuple):
    """One kind of penalty: the scale of gradients (0: silent), and what was taken there."""

    kind: str
    gradients: tuple[float, ...]
    taken: tuple[float, ...]
    n_weights: tuple[int | None, ...]


class AdamShrinkInfo(NamedTuple):
    """Every number of the figure."""

    l2: Taken
    decoupled: Taken
    nominal: float
    theory: tuple[float, ...]
    n_seeds: int


def plot_adam_shrink(shrink: ShrinkUnderAdam, *, dark: bool = False) -> go.Figure:
    """Return what was taken off weights against the scale of their gradients, both on logarithmic axes.

    Lines are theory: decoupled decay takes its nominal part off every weight, and L2 its own divided by the
    root mean square of the gradient. `layout.meta["description"]` says in words what is drawn.

    Args:
        shrink: What was measured.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if no weight has a gradient of the data.
    """
    return _draw(_info(shrink), dark)


def _info(shrink: ShrinkUnderAdam) -> AdamShrinkInfo:
    if not shrink.l2:
        raise ConfigError("shrink must be of weights with a gradient of the data, got none")
    kinds = []
    for kind, bins, silent in (
        ("L2 in the loss", shrink.l2, shrink.silent_l2),
        ("decoupled (AdamW)", shrink.decoupled, shrink.silent_decoupled),
    ):
        has_silent = not math.isnan(silent)
        kinds.append(
            Taken(
                kind,
                (*([0.0] if has_silent else []), *(each.gradient for each in bins)),
                (*([silent] if has_silent else []), *(each.taken for each in bins)),
                (*([None] if has_silent else []), *(each.n_weights for each in bins)),
            )
        )
    return AdamShrinkInfo(kinds[0], kinds[1], shrink.nominal, shrink.theory, shrink.n_seeds)


def _draw(info: AdamShrinkInfo, dark: bool) -> go.Figure:
    x = places_of(info.l2.gradients)
    heard = [place for place, gradient in zip(x, info.l2.gradients, strict=True) if gradient]
    figure = go.Figure(
        [
            _theory("theory: nominal, off every weight", x, [info.nominal] * len(x), "dash"),
            _theory("theory: divided by the gradient", heard, info.theory, "solid"),
            _marks(info.l2, x, L2_COLOUR, "circle"),
            _marks(info.decoupled, x, DECOUPLED_COLOUR, "diamond"),
        ]
    )
    ticks = sorted({math.floor(place) for place in heard} | {math.ceil(place) for place in heard})
    shown = [tick for tick in ticks if min(heard) - 0.3 <= tick <= max(heard) + 0.3]
    silent = [min(x)] if len(heard) < len(x) else []
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        meta={"description": _describe(info)},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={
            "title": {"text": "scale of the gradient"}, "tickmode": "array", "tickvals": [*silent, *shown],
            "ticktext": [*(["0"] * len(silent)), *(f"{10.0**tick:g}" for tick in shown)],
            "range": [min(x) - 0.2, max(x) + 0.2], "automargin": False,
        },
        yaxis={
            "title": {"text": "taken off in the first epoch"}, "type": "log", "dtick": 1,
            "tickformat": ".2~%", "range": _decades(info), "automargin": False,
        },
    )  # fmt: skip
    return figure


def _decades(info: AdamShrinkInfo) -> tuple[int, int]:
    """Return the whole decades around all that is drawn."""
    drawn = [each for each in (info.nominal, *info.theory, *info.l2.taken, *info.decoupled.taken) if each > 0]
    return math.floor(math.log10(min(drawn))), math.ceil(math.log10(max(drawn)))


def _theory(name: str, x: Sequence[float], y: Sequence[float], dash: str) -> go.Scatter:
    line = {"color": NEUTRAL, "width": THIN_LINE if dash == "dash" else LINE_WIDTH, "dash": dash}
    return go.Scatter(
        x=x, y=y, name=name, mode="lines", line=line, hovertemplate="theory: %{y:.3%}<extra></extra>"
    )


def _marks(taken: Taken, x: Sequence[float], colour: str, symbol: str) -> go.Scatter:
    of = ["no gradient" if n is None else f"{n:,} weights" for n in taken.n_weights]
    return go.Scatter(
        x=x,
        y=taken.taken,
        mode="markers",
        name=taken.kind,
        marker={"symbol": symbol, "size": 10, "color": colour, "line": {"width": 1, "color": OUTLINE}},
        customdata=list(zip(taken.gradients, of, strict=True)),
        hovertemplate=f"{taken.kind}, gradients around %{{customdata[0]:.2g}} (%{{customdata[1]}}): "
        "%{y:.3%}<extra></extra>",
    )


def _describe(info: AdamShrinkInfo) -> str:
    def said(taken: Taken) -> str:
        parts = [
            f"{part:.2%} {f'at {gradient:.1g}' if gradient else 'without a gradient'}"
            for gradient, part in zip(taken.gradients, taken.taken, strict=True)
        ]
        return f"{taken.kind}: {', '.join(parts)}"

    return (
        f"What the first epoch of Adam took off the first layer's weights, by the scale of their gradients, "
        f"{info.n_seeds} seeds. Nominal: {info.nominal:.2%}. {said(info.l2)}. {said(info.decoupled)}."
    )
