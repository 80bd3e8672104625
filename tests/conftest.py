"""What all tests share."""

import functools
import os
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest
import streamlit as st
from hypothesis import settings
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_runner
from xdist.scheduler import LoadFileScheduling

from pages.ui import again

# TensorFlow reads these when it first runs something. Bits are promised at one thread; whichever test ran
# first in this process would otherwise decide.
os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
os.environ["TF_NUM_INTEROP_THREADS"] = "1"

# Several processes run tests side by side, and servers beside them: one worker each is enough. To start one
# takes ten seconds of a core, more than most tests train.
os.environ.setdefault("REGCORE_WORKERS", "1")

# Tests of pages and servers leave nothing in the user's own database; tests of the store name theirs.
os.environ["REGCORE_DATABASE"] = "none"

# Of a process that runs tests, with its worker, its server and its browser.
BYTES_OF_A_PROCESS = 4 * 2**30
MAX_PROCESSES = 4


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes run tests: one a core, which they keep busy, if they fit.

    Each more loads TensorFlow, and starts a worker and a server of its own, before it is of any use.
    """
    cores = len(psutil.Process().cpu_affinity()) if psutil.LINUX else psutil.cpu_count()
    return max(1, min(cores or 1, psutil.virtual_memory().total // BYTES_OF_A_PROCESS, MAX_PROCESSES))


BROWSER_TESTS = "tests/browser"


class Rooms(LoadFileScheduling):
    """Gives each process a file at a time, and all browser tests to one: they share browser and server."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return BROWSER_TESTS if file.startswith(f"{BROWSER_TESTS}/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    """Return what hands the tests out."""
    return Rooms(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the browser tests begin first, for they take longest, and of the others the files with many tests.

    The Lab's file is the first of all: its first test wants a server that nobody has visited.
    """
    in_file = Counter(item.path for item in items)
    browser_tests = Path(__file__).parent / "browser"

    def place(item: pytest.Item) -> tuple[bool, bool, int]:
        is_first = item.path == browser_tests / "test_lab.py"
        return item.path.parent != browser_tests, not is_first, -in_file[item.path]

    items.sort(key=place)


# No test asserts time: a busy machine is no reason to fail.
settings.register_profile("lab", deadline=None)
settings.load_profile("lab")

# AppTest looks through all installed packages for components before each run of a page, a quarter of what it
# costs; nothing is installed while tests run.
manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)

# Where Keras is loaded, Streamlit clears its state after each run of a page, and collects all garbage for it:
# four fifths of what the run costs. A server never loads Keras; in this process other tests have.
script_runner._clean_problem_modules = lambda: None


class _OfEach:
    """What each session has drawn: `AppTest` notes in a session how its sliders spell their steps."""

    def get(self, key: object) -> Any:
        return st.session_state.get("of_each", {}).get(key)

    def put(self, key: object, drawn: object) -> None:
        st.session_state.setdefault("of_each", {})[key] = drawn


again._of_all = _OfEach()  # type: ignore[assignment]
