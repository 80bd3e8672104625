"""A run as a `.keras` file, written by a worker: this process need not load TensorFlow for it."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor

from regcore.errors import WorkerError
from regcore.execution.service import scheduler_for
from regcore.export.keras_model import ensemble_parts, saved_model
from regcore.results import Result

# A worker may have died of something else: the next call starts new ones.
N_TRIES = 3


def keras_file(result: Result, seed: int) -> bytes:
    """Return the content of a `.keras` file with the restored weights of one seed.

    The model takes raw rows and needs nothing of this library (`export.keras_model.keras_model`); that of an
    ensemble gives the mean of its members.

    Args:
        result: Where the networks were trained.
        seed: Value of the seed column.

    Raises:
        ConfigError: if the result has no such seed.
        WorkerError: workers cannot load the engine, or died each time.
    """
    members = ensemble_parts(result, seed)
    for _ in range(N_TRIES):
        try:
            content: bytes = scheduler_for().call(saved_model, members).result()
            return content
        except BrokenExecutor:
            continue
    raise WorkerError(f"the model could not be saved: a worker died each of {N_TRIES} times.")
