"""Searches for garbage that hardly stop the server: in pauses, and without what never goes."""

from __future__ import annotations

import gc
import pkgutil
import threading
import time
from collections.abc import Callable
from functools import cache
from importlib import import_module

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_run_context_attr import SCRIPT_RUN_CONTEXT_ATTR_NAME

from pages import ui
from pages.ui import turns
from pages.ui.turns import Turns

# Objects that are made between two searches of the young, searches of the young between two of the older, and
# so on, where there is no pause. A search holds Python's lock for some 40 ms, and a page that it falls into
# takes twice as long.
THRESHOLDS = (50_000, 10, 1)
# Objects for which a pause is used.
YOUNG = 2_000
# After a page: what it has drawn is on its way to the browser meanwhile.
PAUSE_SECONDS = 0.01
# Between two searches of everything, which take 0.2 s. What does not go without them are figures and parts of
# pages, which hold networks. So that is not put off for longer.
SECONDS_BETWEEN_ALL = 120.0


@cache
def search_less() -> None:
    """Leave what is loaded out of all searches, which would go through it for half a second each.

    And search in pauses, in which no page runs, and for less.
    """
    _let_go_of_contexts()
    for module in pkgutil.iter_modules(ui.__path__):
        import_module(f"{ui.__name__}.{module.name}")
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    threading.Thread(target=_search_in_pauses, args=(turns.of_pages,), name="garbage", daemon=True).start()


def _let_go_of_contexts() -> None:
    """Have what a page ran with, and has drawn with, go with its thread.

    In Streamlit 1.67 the thread goes on holding it, and through it the runner of the page, which holds the
    thread. A session holds its last runner until the next one, longer than the young stay young. So a search
    of everything would find those of all pages.
    """
    run = ScriptRunner._run_script_thread

    def run_and_let_go(runner: ScriptRunner) -> None:
        try:
            run(runner)
        finally:
            vars(threading.current_thread()).pop(SCRIPT_RUN_CONTEXT_ATTR_NAME, None)

    ScriptRunner._run_script_thread = run_and_let_go  # type: ignore[assignment, method-assign]


def _search_in_pauses(of_pages: Turns) -> None:
    pauses = Pauses()
    while True:
        _search_after_a_page(of_pages, pauses)


def _search_after_a_page(of_pages: Turns, pauses: Pauses) -> None:
    of_pages.ended.wait()
    of_pages.ended.clear()
    time.sleep(PAUSE_SECONDS)
    if of_pages.are_all_over:
        pauses.use()


class Pauses:
    """Searches in the pauses between pages.

    Args:
        search: Searches a generation and those that are younger, as `gc.collect`.
        n_young: Returns how many objects no search has seen.
        clock: Tells the time, in seconds.
    """

    def __init__(
        self,
        search: Callable[[int], object] = gc.collect,
        n_young: Callable[[], int] = lambda: gc.get_count()[0],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._search, self._n_young, self._clock = search, n_young, clock
        self._searched_all = clock()

    def use(self) -> None:
        """Search what is young, if there is enough of it, and everything where that was long ago."""
        if self._n_young() < YOUNG:
            return
        if self._clock() - self._searched_all >= SECONDS_BETWEEN_ALL:
            self._search(2)
            self._searched_all = self._clock()
        else:
            self._search(1)
