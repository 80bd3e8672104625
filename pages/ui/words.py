"""What pages say in words: what all of the lab says so (`regcore.words`), and what pages alone say."""

from regcore.words import (
    METRICS,
    MINUS,
    NAMES,
    NOTHING,
    count,
    decimals_of,
    duration,
    field_name,
    field_value,
    field_values,
    interval,
    metric_title,
    number,
    percent,
    signed,
    what_is_on,
)

STARTING = "Starting the training processes, once per server: this takes some seconds"

__all__ = [
    "METRICS",
    "MINUS",
    "NAMES",
    "NOTHING",
    "STARTING",
    "count",
    "decimals_of",
    "duration",
    "field_name",
    "field_value",
    "field_values",
    "interval",
    "metric_title",
    "number",
    "percent",
    "signed",
    "what_is_on",
]
