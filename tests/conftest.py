"""What all tests share."""

import functools
import os

import psutil
from hypothesis import settings
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_runner

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
    """Return how many processes run tests: one a core, which its worker or its browser keeps busy, if they fit.

    Each more loads TensorFlow, and starts a worker and a server of its own, before it is of any use.
    """
    cores = len(psutil.Process().cpu_affinity()) if psutil.LINUX else psutil.cpu_count()
    return max(1, min(cores or 1, psutil.virtual_memory().total // BYTES_OF_A_PROCESS, MAX_PROCESSES))


# No test asserts time: a busy machine is no reason to fail.
settings.register_profile("lab", deadline=None)
settings.load_profile("lab")

# AppTest looks through all installed packages for components before each run of a page, a quarter of what it
# costs; nothing is installed while tests run.
manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)

# Where Keras is loaded, Streamlit clears its state after each run of a page, and collects all garbage for it:
# four fifths of what the run costs. A server never loads Keras; in this process other tests have.
script_runner._clean_problem_modules = lambda: None
