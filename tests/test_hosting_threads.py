"""Threads of linear algebra, in a process of its own: the settings hold for a whole process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from regcore.hosting.threads import NAMES

ROOT = Path(__file__).parents[1]
# numpy and scipy each bring a library; scipy's is loaded after the limit was set.
COUNTED = """
import sys
import numpy
import threadpoolctl
from regcore.hosting.threads import one_for_arithmetic

if sys.argv[1] == "one":
    one_for_arithmetic()
import scipy.linalg
pools = threadpoolctl.threadpool_info()
assert len(pools) >= 2
print(*sorted({pool["num_threads"] for pool in pools}))
"""


def threads(how, **environment):
    """Return how many threads the libraries of a process use."""
    plain = {name: value for name, value in os.environ.items() if name not in NAMES}
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, how],
        cwd=ROOT, env=plain | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {int(number) for number in done.stdout.split()}


def test_libraries_use_one_thread_whenever_they_are_loaded():
    assert threads("one") == {1}


@pytest.mark.skipif(os.cpu_count() == 1, reason="one core has one thread anyway")
def test_by_themselves_they_use_more():
    assert max(threads("as they are")) > 1


@pytest.mark.skipif(os.cpu_count() == 1, reason="one core has one thread anyway")
def test_who_has_set_it_in_the_environment_keeps_that():
    assert max(threads("one", OPENBLAS_NUM_THREADS="2")) == 2
