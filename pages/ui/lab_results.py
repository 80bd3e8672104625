"""What the Lab shows of its runs: pictures where inputs can be drawn, curves, metrics, mistakes, the network.

Not a function of the page: Streamlit makes a page anew for each run, and one that has functions, which have
it, is in memory with all that it shows until garbage is searched for.
"""

from __future__ import annotations

from collections.abc import Mapping

from pages.ui import cards, diagnosis_card, pictures, runs
from regcore.results import Result


def draw(live: runs.Live, results: Mapping[str, Result]) -> None:
    """Show what was measured."""
    last = list(results.values())[-1]
    if pictures.has_pictures(last.config):
        pictures.landscapes(live, results)
    cards.curves(results)
    cards.table(results)
    runs.say_how_it_was_had(live)
    diagnosis_card.show(results)
    if last.dataset.task != "regression":
        pictures.mistakes(results)
    cards.network(last)
