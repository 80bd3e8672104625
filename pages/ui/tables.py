"""The one way a table of text gets onto a page: from its rows, ruled between them, the rows not numbered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import pyarrow as pa
import streamlit as st

Rows = Sequence[Mapping[str, str]]
"""The rows of a table, by the heads of its columns."""

# As pandas writes text, so that browsers are sent what they would be sent of a data frame.
TEXT = pa.large_string()
# Of some kilobytes each; those with pictures in them take some tens.
N_KEPT = 128


def show(rows: Rows) -> None:
    """Show a table of text; cells and heads are read as Markdown.

    Args:
        rows: From the top. Columns come in the order in which rows name them first; where a row has none of
            one, nothing stands.
    """
    st.table(_columns(tuple(tuple(row.items()) for row in rows)), hide_index=True, border="horizontal")


# Most tables are what they were in the last run of a page.
@lru_cache(maxsize=N_KEPT)
def _columns(rows: tuple[tuple[tuple[str, str], ...], ...]) -> pa.Table:
    # Not by way of a data frame: pandas takes ten times as long.
    cells = [dict(row) for row in rows]
    heads = list(dict.fromkeys(head for row in cells for head in row))
    return pa.table([pa.array([row.get(head) for row in cells], TEXT) for head in heads], heads)
