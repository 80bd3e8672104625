"""How a network learns wrong labels by heart: what it says of the rows that have one, epoch by epoch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import scoring
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
    parts = np.array([
        [_parts(recording.outputs["train"][at], *of_seed, dataset.task) for of_seed, recording in
         zip(wrong, recordings, strict=True)]
        for at in range(len(epochs))
    ])  # fmt: skip
    return Memorisation(epochs, parts[..., 0], parts[..., 1], tuple(len(given) for _, given, _ in wrong))


def _wrong_rows(result: Result, seed: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.generic], ...]:
    """Return places among the training rows, given labels and true labels where the two differ."""
    rows = result.dataset.rows(seed)
    true = result.dataset.y[rows.train]
    places = np.flatnonzero(rows.y_train != true)
    return places, rows.y_train[places], true[places]


def _parts(
    outputs: npt.NDArray[np.floating],
    places: npt.NDArray[np.intp],
    given: npt.NDArray[np.generic],
    true: npt.NDArray[np.generic],
    task: scoring.Task,
) -> tuple[float, float]:
    if not len(places) or np.isnan(outputs).any():
        return np.nan, np.nan
    predicted = scoring.log_probabilities(outputs[places], task).argmax(axis=1)
    return float(np.mean(predicted == given)), float(np.mean(predicted == true))
