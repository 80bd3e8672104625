"""Numbers, signs and configurations in words: the same rounding and the same names wherever they are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from regcore.config import Config

# In the order of tables; the first that a task has is the one that answers speak of.
METRICS = {
    "error": "Error",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "loss": "Data loss",
    "brier": "Brier score",
}
# Of fields whose name does not say it.
NAMES = {"dropout_input": "input dropout", "dropout_hidden": "hidden dropout", "l2": "L2"}
NOTHING = "–"
MINUS = "−"
# Significant ones, of a setting: as many as it is short with, and as many as tell any two numbers apart.
FEW_DIGITS, ALL_DIGITS = 6, 17


def metric_title(metric: str) -> str:
    """Return what a metric is called at the head of a row, with its unit."""
    return METRICS[metric] + (", %" if metric == "error" else "")


def field_name(name: str) -> str:
    """Return what a field of `Config` is called in a sentence."""
    return NAMES.get(name, name.replace("_", " "))


def field_value(value: Any, digits: int = FEW_DIGITS) -> str:
    """Return the value of a field of `Config` as short text; of several, with a slash between them.

    Args:
        value: The value.
        digits: Significant digits of a number that is none of counting.
    """
    if isinstance(value, tuple):
        return "/".join(field_value(each, digits) for each in value) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "off"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def field_values(values: Sequence[Any]) -> list[str]:
    """Return the values of one field of `Config` as texts that differ where the values do.

    They have as few digits as that takes.
    """
    texts = [[field_value(each, n) for each in values] for n in range(FEW_DIGITS, ALL_DIGITS + 1)]
    # The first of equals: with the fewest digits.
    return max(texts, key=lambda some: len(set(some)))


@lru_cache(maxsize=1024)
def what_is_on(config: Config) -> str:
    """Return the regularizers of a configuration that are on, in words."""
    changes = config.changes(config.plain())
    return ", ".join(f"{field_name(name)} {field_value(value)}" for name, value in changes.items()) or (
        "no regularizer"
    )


def decimals_of(metric: str, size: float) -> int:
    """Return how many decimals suit a metric of this size, and all that is compared with it."""
    return 1 if metric == "error" or abs(size) >= 10 else 3


def number(value: float, metric: str, decimals: int) -> str:
    """Return a metric as tables show it; errors in percent. A dash for what is not finite."""
    if not math.isfinite(value):
        return NOTHING
    shown = 100 * value if metric == "error" else value
    return f"{shown:,.{decimals}f}" if abs(shown) < 1e6 else f"{shown:.2e}"


def signed(value: float, metric: str, decimals: int) -> str:
    """Return a difference of a metric with its sign; one that rounds to nothing has none."""
    if math.isnan(value):
        return NOTHING
    text = number(abs(value), metric, decimals)
    return text if not text.strip("0.") else (MINUS if value < 0 else "+") + text


def interval(low: float, high: float, metric: str, decimals: int) -> str:
    """Return an interval of a difference, as "−5.3 to −2.9"; a dash where there is none."""
    if math.isnan(low) or math.isnan(high):
        return NOTHING
    return f"{signed(low, metric, decimals)} to {signed(high, metric, decimals)}"


def percent(fraction: float) -> str:
    """Return a fraction in percent."""
    return f"{100 * fraction:.3g} %"


def duration(seconds: float) -> str:
    """Return a duration as a person would say it: "4 s", "2 min", "1.5 h"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def count(n: int, what: str) -> str:
    """Return a number of things, as "1 seed" or "8 seeds"."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
