"""Searches for garbage that hardly stop the server: of what it has loaded nothing ever goes."""

from __future__ import annotations

import gc
import pkgutil
from functools import cache
from importlib import import_module

from pages import ui

# Objects that are made between two searches of the young, searches of the young between two of the older, and
# so on. Nearly all that a run of a page makes goes without a search. What does not is in memory until all is
# searched: figures and parts of pages, which hold networks. So that is not put off for longer.
THRESHOLDS = (20_000, 10, 1)


@cache
def search_less() -> None:
    """Leave what is loaded out of all searches, which would go through it for half a second each."""
    for module in pkgutil.iter_modules(ui.__path__):
        import_module(f"{ui.__name__}.{module.name}")
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
