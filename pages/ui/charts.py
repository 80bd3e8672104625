"""The one way a figure gets onto a page: with its text, in the colours of the page, made when it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.ui import again, shared, state
from regcore.figures._drawn import Written, written

Make = Callable[..., go.Figure]

CONFIG = {"displaylogo": False}


def show(key: str, figure: go.Figure | Make, *inputs: Any, of_session: bool = False, **options: Any) -> None:
    """Show a figure; its `layout.meta["description"]` is what a screen reader says.

    The figure of equal inputs is kept in the session, so an unchanged one is neither made nor sent again; of
    finished runs it is made once for all sessions. A `Result` equals itself alone.

    Args:
        key: Names the chart among all of the page; it keeps its place under it.
        figure: A figure, or what makes one of the inputs, with `dark` among the options: a `plot_` function.
            One that is defined in a page's own file is another one in each run of the page.
        *inputs: What it is made from.
        of_session: It is drawn of what one session alone has, and made for no other.
        **options: The same, by name.
    """
    if isinstance(figure, go.Figure):
        _show(key, Final(figure))
        return
    kept_of = state.kept_of if of_session else shared.kept_of
    drawn = kept_of(f"chart.{key}", _final, figure, inputs, {**options, "dark": is_dark()})
    if of_session:
        again.draw_own(f"chart.{key}", _show, key, drawn)
    else:
        again.draw(_show, key, drawn)


def _show(key: str, drawn: Final) -> None:
    # The figures' own template has the colours of the page, and text of more contrast than Streamlit's.
    st.plotly_chart(drawn, key=key, theme=None, config=CONFIG, alt=drawn.description)


def is_dark() -> bool:
    """Return whether the page is dark, as far as its browser has told."""
    return bool(st.context.theme.type == "dark")


class Final(go.Figure):  # type: ignore[misc]
    """A figure that is not changed any more, as it is sent: written once, for all who are shown it.

    Attributes:
        description: What it says in words; None: nothing.
        nbytes: What it takes.
    """

    # Plotly would compare all that is drawn.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, figure: go.Figure) -> None:
        # Not begun as plotly begins a figure: its parts would know it, and all that is written would stay in
        # memory until garbage is searched for. And to take parts over, plotly would check them all again.
        self._written: Written = written(figure)

    @property
    def description(self) -> str | None:
        return self._written.description

    @property
    def nbytes(self) -> int:
        return self._written.n_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return what `plotly.io.to_json` needs, which is as good as JSON; nobody may change it."""
        return self._written.parts


def _final(make: Make, inputs: tuple[Any, ...], options: Mapping[str, Any]) -> Final:
    return Final(make(*inputs, **options))
