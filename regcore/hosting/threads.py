"""One thread for the arithmetic of a page: many pages, and the workers, share the cores of a server."""

from __future__ import annotations

import os
from functools import cache

import threadpoolctl

# Asked by libraries when they are loaded.
NAMES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@cache
def one_for_arithmetic() -> None:
    """Have linear algebra use the thread that asks for it, in libraries that are loaded now or later.

    By themselves they wake a thread a core for each product of matrices, and have it spin until the next one,
    which takes the cores from the workers: of a page, half of what it asked of the processor was that. Who
    has set how many threads there are in the environment keeps that.
    """
    if any(name in os.environ for name in NAMES):
        return
    threadpoolctl.threadpool_limits(1)
    os.environ.update(dict.fromkeys(NAMES, "1"))
