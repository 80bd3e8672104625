"""How a network learns wrong labels by heart: what it says of the rows that have one, epoch by epoch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import scoring
from regcore.data import Task
from regcore.errors import ConfigError
from regcore.results import Result

Floats = npt.NDArray[np.float64]


class Memorisation(NamedTuple):
    """What networks say of the training rows whose label is wrong.

    Attributes:
        epochs: 1-based, those whose outputs were kept.
        learnt: [epochs, seeds], the part of these rows that get the wrong label they were given.
        true: [epochs, seeds], the part that get their true label, which training never told.
        n_wrong: Rows with a wrong label, by seed.
    """

    epochs: tuple[int, ...]
    learnt: Floats
    true: Floats
    n_wrong: tuple[int, ...]


def memorisation(result: Result) -> Memorisation:
    """Return how much of the wrong labels the networks of a result have learnt, at every epoch that was kept.

    Ensembles: the first member.

    Args:
        result: What was measured, complete, of classes with `label_noise`.

    Raises:
        ConfigError: no label is wrong, or no outputs were kept.
    """
    dataset = result.dataset
    if dataset.task == "regression" or not dataset.label_noise:
        raise ConfigError(f"result must be of classes with label noise, got {dataset.name!r}")
    recordings = [result.recordings[seed, 0] for seed in result.seeds]
    epochs = tuple(int(epoch) for epoch in recordings[0].output_epochs)
    if not epochs:
        raise ConfigError("outputs must have been kept during training, got none: take fewer rows or epochs")
    wrong = [_wrong_rows(result, seed) for seed in result.seeds]
    by_epoch = [
        [
            _parts(recording.outputs["train"][at], rows, dataset.task)
            for recording, rows in zip(recordings, wrong, strict=True)
        ]
        for at in range(len(epochs))
    ]
    parts = np.array(by_epoch)
    return Memorisation(epochs, parts[..., 0], parts[..., 1], tuple(len(rows.places) for rows in wrong))


class _WrongRows(NamedTuple):
    """Places among the training rows, given labels and true labels, where the two differ."""

    places: npt.NDArray[np.intp]
    given: npt.NDArray[Any]
    true: npt.NDArray[Any]


def _wrong_rows(result: Result, seed: int) -> _WrongRows:
    rows = result.dataset.rows(seed)
    true = result.dataset.y[rows.train]
    places = np.flatnonzero(rows.y_train != true)
    return _WrongRows(places, rows.y_train[places], true[places])


def _parts(outputs: npt.NDArray[Any], rows: _WrongRows, task: Task) -> tuple[float, float]:
    """Return the part of the wrongly labelled rows that get the label they were given, and their true one."""
    if not len(rows.places) or np.isnan(outputs).any():
        return np.nan, np.nan
    predicted = scoring.log_probabilities(outputs[rows.places], task).argmax(axis=1)
    return float(np.mean(predicted == rows.given)), float(np.mean(predicted == rows.true))
