"""The difference of each seed as a row of small bars, for a cell of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

from regcore.figures._style import COLOURS, NEUTRAL

BAR, GAP, HEIGHT = 10, 3, 32


def seed_bars(differences: Sequence[float], largest: float) -> str:
    """Return a picture of differences, one bar a seed, as SVG text on a transparent ground.

    Bars of what is lower hang below the line, in green; of what is higher they stand on it, in red.

    Args:
        differences: One for each seed; what is not finite has no bar.
        largest: The size that reaches the edge, the same for all cells of a column; above 0.
    """
    width = len(differences) * (BAR + GAP) + GAP
    middle = HEIGHT / 2
    bars = "".join(
        _bar(GAP + at * (BAR + GAP), each / largest, middle)
        for at, each in enumerate(differences)
        if math.isfinite(each) and each
    )
    line = f'<path d="M0 {middle:g}H{width}" stroke="{NEUTRAL}" stroke-width="1.5"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" '
        f'height="{HEIGHT}">{bars}{line}</svg>'
    )


def _bar(x: float, part: float, middle: float) -> str:
    # Never so low that it cannot be seen beside the line.
    height = max(1.5, min(1.0, abs(part)) * (middle - 1))
    top, colour = (middle, COLOURS[2]) if part < 0 else (middle - height, COLOURS[7])
    return f'<rect x="{x:g}" y="{top:.1f}" width="{BAR}" height="{height:.1f}" fill="{colour}"/>'
