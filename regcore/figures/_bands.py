"""A band around a line: from its lower to its upper edge."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from regcore.figures._style import BAND_OPACITY, faded


def band(x: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str) -> list[go.Scatter]:
    """Return the invisible lower edge, and the upper edge filled down to it."""
    edge = {"mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
    return [
        go.Scatter(x=x, y=low, **edge),
        go.Scatter(x=x, y=high, fill="tonexty", fillcolor=faded(colour, BAND_OPACITY), **edge),
    ]
