"""Runs scripts in a fresh process that knows nothing of this library, several for one start of TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# Keeps what each script prints apart; mnist is not on every machine, so its rows are made up.
_DRIVER = """
import contextlib, io, json, sys
import keras
import numpy as np

def load_data():
    rng, sizes = np.random.default_rng(0), (600, 2500)
    labels = [np.arange(size, dtype=np.uint8) % 10 for size in sizes]
    return tuple((rng.integers(0, 256, (len(each), 28, 28), dtype=np.uint8), each) for each in labels)

keras.datasets.mnist.load_data = keras.datasets.fashion_mnist.load_data = load_data
printed = {}
for name, parts in json.load(sys.stdin).items():
    own = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()) as text:
        for part in parts:
            exec(compile(part, name, "exec"), own)
    printed[name] = text.getvalue()
print(json.dumps(printed))
"""


def run_scripts(scripts: Mapping[str, list[str]], folder: Path) -> dict[str, str]:
    """Return what each script prints; its parts run one after the other, like the cells of a notebook.

    Raises:
        AssertionError: one of them failed; the message ends with its traceback.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", _DRIVER],
        input=json.dumps(scripts),
        cwd=folder,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    printed: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return printed
