"""Tables on pages: what a browser is sent of rows is what it would be sent of a data frame of them."""

from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pytest
from streamlit.dataframe_util import convert_anything_to_arrow_bytes
from streamlit.testing.v1 import AppTest

from pages.ui import tables

ROWS = [
    {"Metric": "Error, %", "Baseline": "25.8", "Verdict": "**better** <b>\N{NO-BREAK SPACE}"},
    {"Metric": "Data loss", "Baseline": "−0.5", "Verdict": ""},
]


def sent(what):
    return pa.ipc.open_stream(convert_anything_to_arrow_bytes(what)).read_all()


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        ROWS[:1],
        [{"Run": "a"}, {"Run": "b", "Like for like": "1.0"}],
        [{"Like for like": "1.0", "Run": "a"}, {"Run": "b"}],
        [{"Name": "7"}, {"Name": "007"}],
        [],
    ],
)
def test_columns_are_those_of_a_data_frame(rows, monkeypatch):
    shown = []
    monkeypatch.setattr(tables, "st", SimpleNamespace(table=lambda what, **_: shown.append(what)))
    tables.show(rows)
    tables.show([dict(row) for row in rows])
    ours, theirs = sent(shown[0]), sent(pd.DataFrame(rows))

    assert shown[0] is shown[1], "equal rows are converted once"

    # The index of a data frame is beside: it is not shown.
    assert ours.equals(theirs)
    assert ours.schema.remove_metadata() == theirs.schema.remove_metadata()


def test_rows_are_ruled_and_not_numbered():
    def page():
        from pages.ui import tables
        from tests.test_tables import ROWS

        tables.show(ROWS)

    def as_before():
        import pandas as pd
        import streamlit as st

        from tests.test_tables import ROWS

        st.table(pd.DataFrame(ROWS), hide_index=True, border="horizontal")

    (table,), (before,) = (AppTest.from_function(each).run().table for each in (page, as_before))

    assert table.value.equals(before.value)
    for element in (table.proto, before.proto):
        element.ClearField("arrow_data")
    assert table.proto == before.proto
