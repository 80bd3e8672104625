"""Memory that is given back: what the C library keeps for later, the workers miss on a small host."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

# As malloc.h of glibc names them.
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
# What is larger has pages of its own, which go back when it goes. By itself glibc raises this, up to 32 MB,
# when something large goes. From then on the recordings of networks lie between all else, and what they leave
# is seldom given back.
OWN_PAGES_BYTES = 512 * 1024
# Heaps that threads share. There would be eight a core, and what is free in one is of no use to another.
N_HEAPS = 2


@cache
def give_back() -> bool:
    """Have the C library of this process give back what is large; return whether it can, as glibc does."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, OWN_PAGES_BYTES) and mallopt(M_ARENA_MAX, N_HEAPS))
