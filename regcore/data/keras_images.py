"""MNIST and Fashion-MNIST: read from where Keras keeps them, without importing Keras."""

import gzip
import os
import socket
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regcore.errors import DataError

SOURCE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
# What a download may wait for the next byte.
SECONDS_OF_SILENCE = 15.0
FASHION_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


class KerasImages(NamedTuple):
    """Grey images, uint8 [n, 28, 28], and their labels, uint8 [n], as Keras delivers them."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def read_keras_images(name: str) -> KerasImages:
    """Return the images that Keras has stored on this machine.

    Args:
        name: "mnist" or "fashion_mnist".

    Raises:
        DataError: A file is missing or cannot be read; the message says which file to put where.
    """
    for path in keras_files(name):
        if not path.is_file():
            raise DataError(_missing(name, path))
    try:
        images = _read_npz(keras_files(name)[0]) if name == "mnist" else _read_idx(keras_files(name))
        _check(images)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        folder = keras_files(name)[0].parent
        raise DataError(
            f"the files of {name} in {folder} must be complete, got {str(error) or type(error).__name__!r}: "
            f"delete them and download them again from {SOURCE}"
        ) from error
    return images


def keras_files(name: str) -> tuple[Path, ...]:
    """Return where Keras keeps the files of "mnist" or "fashion_mnist", whether or not they exist."""
    folder = _keras_home() / "datasets"
    if name == "mnist":
        return (folder / "mnist.npz",)
    return tuple(folder / "fashion-mnist" / file for file in FASHION_FILES)


def download_keras_images(name: str) -> None:
    """Have Keras download the files of "mnist" or "fashion_mnist", unless they are there already.

    Imports Keras, and with it TensorFlow: call this in a worker process.

    Raises:
        DataError: They could not be downloaded; the message says which file to put where.
    """
    missing = [path for path in keras_files(name) if not path.is_file()]
    if not missing:
        return
    from keras import datasets

    # Keras waits without end for a network that says nothing, and this worker trains for everybody.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_OF_SILENCE)
    try:
        (datasets.mnist if name == "mnist" else datasets.fashion_mnist).load_data()
    # Keras raises a bare Exception where the network fails.
    except Exception as error:
        raise DataError(_missing(name, missing[0])) from error
    finally:
        socket.setdefaulttimeout(before)


def has_keras_images(name: str) -> bool:
    """Return whether the files of "mnist" or "fashion_mnist" are there, so that nothing is downloaded."""
    return all(path.is_file() for path in keras_files(name))


def _missing(name: str, path: Path) -> str:
    archive = "" if name == "mnist" else f" (all four files: {', '.join(FASHION_FILES)})"
    return (
        f"{name} is not on this machine and must be downloaded once: get {SOURCE}{path.name} "
        f"and put it into {path.parent}{archive}"
    )


def _keras_home() -> Path:
    """Return the folder that Keras would use, by Keras's own rule."""
    if "KERAS_HOME" in os.environ:
        return Path(os.environ["KERAS_HOME"])
    home = Path.home()
    return (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras"


def _read_npz(path: Path) -> KerasImages:
    with np.load(path, allow_pickle=False) as file:
        return KerasImages(file["x_train"], file["y_train"], file["x_test"], file["y_test"])


def _read_idx(paths: tuple[Path, ...]) -> KerasImages:
    return KerasImages(*(_read_idx_file(path) for path in paths))


def _read_idx_file(path: Path) -> NDArray[np.uint8]:
    """Return the bytes of a gzipped IDX file: 0, 0, 8 (bytes), rank, big-endian sizes, then data."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path.name} is not an IDX file of bytes")
    rank = content[3]
    shape = np.frombuffer(content, ">i4", count=rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def _check(images: KerasImages) -> None:
    for pixels, labels in (images[:2], images[2:]):
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or labels.shape != pixels.shape[:1]:
            raise ValueError(f"images of shape {pixels.shape} and labels of shape {labels.shape}")
        if pixels.shape[1:] != (28, 28) or not np.isin(labels, range(10)).all():
            raise ValueError("images that are not 28 by 28, or labels outside 0..9")
