"""Random streams that are named, so that no two purposes ever share their numbers."""

import hashlib

import numpy as np


def random_stream(purpose: str, *numbers: int) -> np.random.Generator:
    """Return a generator fixed by a purpose and some numbers.

    Different purposes, or different numbers, give independent streams; the same ones give the same stream in
    every process.

    Args:
        purpose: What is drawn, for example `"test rows"`.
        *numbers: What distinguishes the draws of one purpose, for example the seed.
    """
    label = "/".join([purpose, *(str(int(number)) for number in numbers)])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(label.encode()).digest(), "big"))
