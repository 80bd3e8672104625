"""What pages say in words: what all of the lab says so (`regcore.words`), and what pages alone say."""

from datetime import datetime, timedelta

import streamlit as st

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
    "clock",
    "count",
    "day",
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


def clock(when: datetime) -> str:
    """Return the time of day where the browser is; in UTC if it has not said."""
    offset = st.context.timezone_offset
    return f"{when:%H:%M} UTC" if offset is None else f"{when - timedelta(minutes=offset):%H:%M}"


def day(when: datetime) -> str:
    """Return the date where the browser is; in UTC if it has not said."""
    return f"{when - timedelta(minutes=st.context.timezone_offset or 0):%Y-%m-%d}"
