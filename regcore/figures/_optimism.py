"""The score that chose the epoch beside one that had no say, a dumbbell for each seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from regcore.figures._layout import set_layout
from regcore.figures._style import COLOURS, NEUTRAL, OUTLINE, THIN_LINE, template

if TYPE_CHECKING:
    from regcore.stopping_optimism import SeedOptimism

LANE, TOP, FOOT = 26, 44, 48
CHOSEN, FRESH = "on the rows that chose", "on rows that did not"
COLOUR_OF = {CHOSEN: COLOURS[1], FRESH: COLOURS[3]}
SYMBOL_OF = {CHOSEN: "circle", FRESH: "diamond"}


def plot_optimism(
    seeds: Sequence[SeedOptimism], title: str, chance: float | None = None, *, dark: bool = False
) -> go.Figure:
    """Return for each seed the score on the rows that chose its epoch, joined with that on other rows.

    Args:
        seeds: As `stopping_optimism.seed_optimism` returns them.
        title: What the score is, with its unit.
        chance: What no network can beat other than by luck; None: no line.
        dark: Draw for a dark page.
    """
    figure = go.Figure(_bars(seeds))
    for name, values in _ends(seeds).items():
        figure.add_trace(_end(name, seeds, values))
    if chance is not None:
        figure.add_vline(
            x=chance,
            line={"color": NEUTRAL, "width": THIN_LINE, "dash": "longdash"},
            annotation={"text": f"chance {chance:.3g}", "font": {"size": 12}},
            annotation_position="bottom right",
        )
    set_layout(
        figure,
        template=template(dark),
        height=LANE * max(4, len(seeds)) + TOP + FOOT,
        margin={"l": 8, "r": 8, "t": TOP, "b": FOOT},
        hovermode="closest",
        meta={"description": _describe(seeds, title, chance)},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": {"text": title}, "showgrid": True, "tickformat": ".3~g"},
        yaxis={
            "tickmode": "array", "showgrid": False, "zeroline": False,
            "tickvals": list(range(len(seeds))), "ticktext": [f"seed {seed.seed}" for seed in seeds],
            # Room for what stands at the line of chance.
            "range": [len(seeds) + 0.1, -0.6],
        },
    )  # fmt: skip
    return figure


def _ends(seeds: Sequence[SeedOptimism]) -> dict[str, list[float]]:
    return {CHOSEN: [seed.chosen for seed in seeds], FRESH: [seed.fresh for seed in seeds]}


def _bars(seeds: Sequence[SeedOptimism]) -> go.Scatter:
    """Return the lines between both ends, apart from each other by gaps."""
    x = [value for seed in seeds for value in (seed.chosen, seed.fresh, None)]
    y = [value for at in range(len(seeds)) for value in (at, at, None)]
    line = {"color": NEUTRAL, "width": THIN_LINE}
    return go.Scatter(x=x, y=y, mode="lines", line=line, showlegend=False, hoverinfo="skip")


def _end(name: str, seeds: Sequence[SeedOptimism], values: list[float]) -> go.Scatter:
    return go.Scatter(
        x=values,
        y=list(range(len(values))),
        name=name,
        mode="markers",
        marker={
            "symbol": SYMBOL_OF[name], "size": 10, "color": COLOUR_OF[name],
            "line": {"width": 1, "color": OUTLINE},
        },
        customdata=[[seed.seed, seed.epoch] for seed in seeds],
        hovertemplate=f"seed %{{customdata[0]}}, {name}: %{{x:.4g}} (epoch %{{customdata[1]:.3g}} on average)"
        "<extra></extra>",
    )  # fmt: skip


def _describe(seeds: Sequence[SeedOptimism], title: str, chance: float | None) -> str:
    if not seeds:
        return f"Optimism, {title}: nothing recorded yet."
    chosen, fresh = (float(np.mean(values)) for values in _ends(seeds).values())
    text = f"Optimism, {title}, {len(seeds)} seeds: {chosen:.4g} {CHOSEN}, {fresh:.4g} {FRESH}"
    return f"{text}." if chance is None else f"{text}; chance is {chance:.3g}."
