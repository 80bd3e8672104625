"""How the answers of workers travel: megabytes each, which the server reads into memory that it has already.

By itself the answer to a chunk is in the server four times, one copy after the other: in pieces as they come
out of the pipe, joined, as arrays, and network by network. New memory for each takes longer than the copying.
Here it is read in one piece, into memory that an earlier answer has left, and its arrays are views of that.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import weakref
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regcore.execution.worker import Advanced
from regcore.settings import KIB, MIB

# What is smaller is copied: it would keep the memory of a whole answer from the next.
LARGE_BYTES = 256 * KIB
# Memory that waits for the next answer: so many pieces, none larger.
N_KEPT, LARGEST_KEPT = 2, 16 * MIB
# An array begins at a multiple of so many bytes from the begin of its message, so its numbers are aligned.
ALIGNMENT = 64

# No pickle begins so.
_MARK = b"\x00"
_COUNT = struct.Struct("<cxxxxxxxQ")
_LENGTH = struct.Struct("<Q")


def travel_apart() -> bool:
    """Return whether answers travel so: where pipes are files, not on Windows."""
    return sys.platform != "win32"


def pack_answers() -> None:
    """Have this worker send the large arrays of its answers as they are, behind all else."""
    from joblib.externals.loky.backend import queues

    dumps = queues.dumps

    def pack_answer(item: Any, reducers: Any = None) -> Any:
        # Of what else is called in workers it is not known for how long it is kept.
        return pack(item) if isinstance(getattr(item, "result", None), Advanced) else dumps(item, reducers)

    queues.dumps = pack_answer


def pack(item: Any) -> bytearray:
    """Return something pickled, its large arrays apart."""
    arrays: list[memoryview] = []

    def take(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < LARGE_BYTES:
            return True
        arrays.append(raw)
        return False

    pickled = pickle.dumps(item, protocol=5, buffer_callback=take)
    parts = [memoryview(pickled), *arrays]
    packed = bytearray(_COUNT.pack(_MARK, len(parts)))
    packed += b"".join(_LENGTH.pack(part.nbytes) for part in parts)
    for part in parts:
        packed += bytes(-len(packed) % ALIGNMENT)
        packed += part
    return packed


def unpack(packed: memoryview) -> Any:
    """Return what was pickled; arrays that travelled apart are views of the bytes given."""
    if packed[:1] != _MARK:
        return pickle.loads(packed)
    _, n_parts = _COUNT.unpack_from(packed)
    lengths = [_LENGTH.unpack_from(packed, _COUNT.size + _LENGTH.size * part)[0] for part in range(n_parts)]
    parts, end = [], _COUNT.size + _LENGTH.size * n_parts
    for length in lengths:
        begin = end + -end % ALIGNMENT
        end = begin + length
        parts.append(packed[begin:end])
    return pickle.loads(parts[0], buffers=parts[1:])


class Memory:
    """Memory for one answer after the other. Without a lock: any thread may give it back, at any time."""

    def __init__(self) -> None:
        self._free: list[NDArray[np.uint8]] = []

    def lend(self, n_bytes: int) -> memoryview:
        """Return memory for so many bytes. It is free for another answer when nobody looks at it any more."""
        piece = self._free_piece()
        if piece is None or piece.nbytes < n_bytes:
            # The next answer may be a little larger.
            piece = np.empty(n_bytes + n_bytes // 4, np.uint8)
        lent = piece[:n_bytes]
        weakref.finalize(lent, self._take_back, piece).atexit = False
        return lent.data

    def _free_piece(self) -> NDArray[np.uint8] | None:
        try:
            return self._free.pop()
        except IndexError:
            return None

    def _take_back(self, piece: NDArray[np.uint8]) -> None:
        if piece.nbytes <= LARGEST_KEPT and len(self._free) < N_KEPT:
            self._free.append(piece)


def read_in_one_piece(reader: Connection) -> None:
    """Have the end of a pipe receive what workers pack, and any other object as ever."""
    reader.recv = _receiver(weakref.ref(reader), Memory())  # type: ignore[method-assign]


def _receiver(reader: weakref.ref[Connection], memory: Memory) -> Callable[[], Any]:
    def fill(buffer: memoryview) -> memoryview:
        end = reader()
        got = 0
        while got < len(buffer):
            n_bytes = os.readv(end.fileno(), [buffer[got:]]) if end is not None else 0
            if not n_bytes:
                raise OSError("got end of file during message") if got else EOFError
            got += n_bytes
        return buffer

    def receive() -> Any:
        # As a `Connection` writes how much follows.
        (n_bytes,) = struct.unpack("!i", fill(memoryview(bytearray(4))))
        if n_bytes == -1:
            (n_bytes,) = struct.unpack("!Q", fill(memoryview(bytearray(8))))
        return unpack(fill(memory.lend(n_bytes)))

    return receive
