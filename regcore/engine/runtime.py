"""TensorFlow as the engine runs it: one thread a process, and what its bits depend on."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from functools import cache
from typing import Any

from regcore.engine.replicate import ENGINE_VERSION


@cache
def tensorflow() -> Any:
    """Return the TensorFlow module, set to one thread before anything has run.

    More threads make networks of this size slower, and one worker a core uses the machine whole. Where
    TensorFlow has run something already in this process, its threads cannot be changed any more and are left
    as they are; results then agree within tolerance instead of bit by bit.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow

    try:
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        pass
    return tensorflow


def configure() -> None:
    """Import TensorFlow and set it to one thread; for the start of a worker."""
    tensorflow()


def fingerprint() -> str:
    """Return what the bits of a training depend on beside the replicate; call it where the training runs.

    Equal fingerprints promise equal bits; with different ones, results are equal within tolerance.
    """
    tf = tensorflow()
    import numpy

    parts = {
        "engine": ENGINE_VERSION,
        "machine": platform.machine(),
        "system": platform.system(),
        "features": _processor_features(),
        "tensorflow": tf.__version__,
        "numpy": numpy.__version__,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _processor_features() -> list[str]:
    import numpy

    found: Any = numpy.show_config(mode="dicts")
    features: list[str] = found.get("SIMD Extensions", {}).get("found", [])
    return [platform.processor(), *features]
