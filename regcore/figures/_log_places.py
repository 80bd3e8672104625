"""Places on a logarithmic axis that has one for nothing as well, left of all others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

# How far left of the smallest value, in decades.
GAP = 0.6


def places_of(values: Sequence[float]) -> tuple[float, ...]:
    """Return where values of 0 or more stand: their decimal logarithm, and 0 left of the smallest.

    At least one of them is above 0.
    """
    smallest = min(math.log10(value) for value in values if value > 0)
    return tuple(math.log10(value) if value > 0 else smallest - GAP for value in values)


def axis_of(values: Sequence[float], title: str, off: str = "off") -> dict[str, Any]:
    """Return the axis of such values, with a tick at each of them."""
    places = places_of(values)
    return {
        "title": {"text": title},
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [f"{value:g}" if value else off for value in values],
        "range": [min(places) - 0.2, max(places) + 0.2],
        "zeroline": False,
        "automargin": False,
    }
