"""Memory that is given back to the system, in a process of its own: the settings hold for a whole process."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Arrays as recordings have them, of which the last is left, as in a cache: with glibc's own settings it holds
# the room of all that were before it, and the process has grown by 300 MiB.
LEFT_BEHIND = """
import sys
import numpy as np
import psutil
from regcore.hosting.allocator import give_back

if sys.argv[1] == "give back":
    assert give_back()
first = np.ones(3 * 2**20)  # By it glibc learns that what is large comes and goes.
del first
before = psutil.Process().memory_info().rss
arrays = [np.ones(2**17 + at) for at in range(300)]
del arrays[:-1]
print((psutil.Process().memory_info().rss - before) / 2**20)
"""


def grown_by(how):
    """Return by how many MiB a process has grown that has let go of nearly all it had."""
    done = subprocess.run(
        [sys.executable, "-c", LEFT_BEHIND, how], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="settings of the C library of Linux")
def test_what_is_large_goes_back_to_the_system_when_it_goes():
    assert grown_by("give back") < 20
