"""Columns of numbers as bytes and back, to the last bit."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO

import numpy as np
import numpy.typing as npt

from regcore.errors import StoreError

Columns = Mapping[str, npt.NDArray[np.generic]]
"""Name -> values of a column; integers or floats."""


def pack(columns: Mapping[str, npt.ArrayLike]) -> bytes:
    """Return columns as a compressed `.npz`."""
    buffer = BytesIO()
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(packed: bytes) -> Columns:
    """Return the columns that were packed.

    Raises:
        StoreError: the bytes are none of `pack`.
    """
    try:
        with np.load(BytesIO(packed), allow_pickle=False) as columns:
            return {name: columns[name] for name in columns.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise StoreError("a run that was kept cannot be read: its columns are damaged") from error
