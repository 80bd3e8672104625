"""Charts: a figure of equal inputs is made once, and every figure has a text."""

import gc
import json
import weakref
from types import SimpleNamespace

import plotly.graph_objects as go
import pytest

from pages.ui import charts, shared, state


class Page(SimpleNamespace):
    """A page that notes what is shown on it."""

    def plotly_chart(self, figure, **options):
        self.shown.append((figure, options))


@pytest.fixture
def page(monkeypatch):
    theme = SimpleNamespace(type="light")
    page = Page(shown=[], session_state={}, context=SimpleNamespace(theme=theme))
    monkeypatch.setattr(charts, "st", page)
    monkeypatch.setattr(state, "st", page)
    return page


def plot(height, *, width=1, dark=False):
    return go.Figure(layout={"height": height, "meta": {"description": f"{height} by {width}, {dark}"}})


def test_a_figure_is_shown_with_its_text(page):
    charts.show("chart", plot(20))

    ((figure, options),) = page.shown
    assert json.loads(figure.to_json())["layout"]["height"] == 20
    assert options == {
        "key": "chart", "theme": None, "config": {"displaylogo": False}, "alt": "20 by 1, False",
    }  # fmt: skip


def test_equal_inputs_show_the_same_figure(page):
    charts.show("chart", plot, 20, width=3)
    charts.show("chart", plot, 20, width=3)

    (first, _), (second, _) = page.shown
    assert first is second


def test_other_inputs_options_or_colours_make_another(page):
    charts.show("chart", plot, 20)
    charts.show("chart", plot, 30)
    charts.show("chart", plot, 30, width=2)
    page.context.theme.type = "dark"
    charts.show("chart", plot, 30, width=2)

    assert [options["alt"] for _, options in page.shown] == [
        "20 by 1, False", "30 by 1, False", "30 by 2, False", "30 by 2, True",
    ]  # fmt: skip


def test_charts_are_kept_apart_by_key(page):
    charts.show("one", plot, 20)
    charts.show("other", plot, 30)
    charts.show("one", plot, 20)

    assert page.shown[0][0] is page.shown[2][0]


def test_a_figure_that_is_shown_no_more_goes_at_once():
    drawn = charts.Final(plot(20))
    parts = Parts(drawn.to_dict())
    drawn._written, gone = drawn._written._replace(parts=parts), weakref.ref(parts)
    gc.disable()
    try:
        del drawn, parts
        assert gone() is None
    finally:
        gc.enable()


class Parts(dict):
    """A dictionary that can be seen to go."""


def test_what_is_sent_of_a_figure_is_written_once_for_all(page):
    charts.show("chart", plot, 50)
    charts.show("another chart", plot, 50)

    (first, _), (second, _) = page.shown
    assert first.to_dict() is second.to_dict()
    assert json.loads(first.to_json()) == json.loads(plot(50).to_json())


def test_what_is_drawn_of_one_session_is_kept_for_it_alone(page):
    of_all = len(shared.of_all_sessions())
    charts.show("overlay", plot, 70, of_session=True)
    charts.show("overlay", plot, 70, of_session=True)

    assert page.shown[0][0] is page.shown[1][0]
    assert len(shared.of_all_sessions()) == of_all
