"""TensorFlow as the engine runs it: one thread a process, and what its bits depend on."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import threading
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regcore.engine.replicate import ENGINE_VERSION

# Where tensors begin, in bytes: TensorFlow computes with the widest instructions of any processor.
_ALIGNMENT = 64


@cache
def tensorflow() -> Any:
    """Return the TensorFlow module, set to one thread before anything has run.

    More threads make networks of this size slower, and one worker a core uses the machine whole. Where
    TensorFlow has run something already in this process, its threads cannot be changed any more and are left
    as they are; results then agree within tolerance instead of bit by bit. TensorFlow's logger is set to
    errors.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow

    try:
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        pass
    # It takes the first traces of different programs, of which every shape of network has its own, for one
    # program that is traced again and again, and warns of it.
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


def configure() -> None:
    """Import TensorFlow and set it to one thread; for the start of a worker."""
    tensorflow()


class Workspace(threading.local):
    """Memory that TensorFlow can use as it is, the same again in each round; every thread has its own.

    To touch memory for the first time costs more than to draw what it will hold.
    """

    def __init__(self) -> None:
        self._pieces: list[NDArray[np.uint8]] = []
        self._n_used = 0

    def begin(self) -> None:
        """Begin a round: what was handed out before is overwritten from now on."""
        self._n_used = 0

    def array(self, shape: tuple[int, ...], dtype: Any, fill: Any = 0) -> NDArray[Any]:
        """Return an array filled with a value; None: with whatever it held."""
        n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
        if self._n_used == len(self._pieces):
            self._pieces.append(np.empty(0, np.uint8))
        if len(self._pieces[self._n_used]) < n_bytes + _ALIGNMENT:
            self._pieces[self._n_used] = np.empty(n_bytes + _ALIGNMENT, np.uint8)
        memory = self._pieces[self._n_used]
        self._n_used += 1
        begin = -memory.ctypes.data % _ALIGNMENT
        array: NDArray[Any] = memory[begin : begin + n_bytes].view(dtype).reshape(shape)
        if fill is not None:
            array[...] = fill
        return array


def shared(array: NDArray[Any]) -> Any:
    """Return an array as a tensor in the same memory, which must not change while it is used.

    Args:
        array: What a `Workspace` gave; another array is copied.
    """
    tf = tensorflow()
    if not array.size or array.ctypes.data % _ALIGNMENT:
        return tf.convert_to_tensor(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


@cache
def multiplies_alone_as_among_others(dtype: str) -> bool:
    """Return whether a matrix product has the same bits for one pair of matrices as for one of several.

    It has with oneDNN. Eigen, which TensorFlow uses for float64, and everywhere if oneDNN is off or missing,
    multiplies a single pair by another algorithm than several.
    """
    multiply, random = tensorflow().raw_ops.BatchMatMulV2, np.random.default_rng(0)
    for n_rows, n_in, n_out in product((7, 32), (2, 13), (3, 10)):
        x, kernel, gradient = (
            random.standard_normal((2, *shape)).astype(dtype)
            for shape in ((n_rows, n_in), (n_in, n_out), (n_rows, n_out))
        )
        products = [(x, kernel, {}), (x, gradient, {"adj_x": True}), (gradient, kernel, {"adj_y": True})]
        for a, b, turned in products:
            among = multiply(x=a, y=b, **turned).numpy()
            alone = multiply(x=a[:1], y=b[:1], **turned).numpy()
            if alone.tobytes() != among[:1].tobytes():
                return False
    return True


def fingerprint() -> str:
    """Return what the bits of a training depend on beside the replicate; call it where the training runs.

    Equal fingerprints promise equal bits; with different ones, results are equal within tolerance.
    """
    tf = tensorflow()
    parts = {
        "engine": ENGINE_VERSION,
        "machine": platform.machine(),
        "system": platform.system(),
        "features": _processor_features(),
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _processor_features() -> list[str]:
    found: Any = np.show_config(mode="dicts")
    features: list[str] = found.get("SIMD Extensions", {}).get("found", [])
    return [platform.processor(), *features]
