"""The server's searches for garbage: what is loaded is left out of them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CODE = """
import gc, sys
from pages.ui import garbage
garbage.search_less()
print(gc.get_freeze_count() > 10 * len(gc.get_objects()), gc.get_threshold() == garbage.THRESHOLDS)
print({"pages.ui.shelf", "pages.ui.dropout_story", "plotly", "pandas"} <= set(sys.modules))
print("tensorflow" in sys.modules)
"""


def test_what_is_loaded_is_left_out():
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True", "False"]
