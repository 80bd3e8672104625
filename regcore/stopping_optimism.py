"""The optimism of a score that was used for stopping: the lowest of many noisy numbers is also a lucky one.

The validation rows are halved. The epoch is chosen by the score on one half; the other half, which had no
say, tells what that epoch is worth. On labels that are all random every network is worth the same, so
whatever is below chance is luck.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import scoring
from regcore.errors import ConfigError, RegcoreError
from regcore.statistics import paired_difference

if TYPE_CHECKING:
    from regcore.data import Task
    from regcore.results import Recording, Result
    from regcore.statistics import PairedDifference

Floats = npt.NDArray[np.float64]
Score = Literal["loss", "error"]

N_HALVINGS = 50


class SeedOptimism(NamedTuple):
    """One seed, averaged over its halvings (each half chooses once) and members.

    Attributes:
        seed: Value of the seed column.
        chosen: Score of the chosen epoch on the rows that chose it.
        fresh: Score of the same epoch on the other rows.
        epoch: The epoch chosen, 1-based.
    """

    seed: int
    chosen: float
    fresh: float
    epoch: float


def seed_optimism(
    result: Result, score: Score = "error", n_halvings: int = N_HALVINGS
) -> tuple[SeedOptimism, ...]:
    """Return what a score says that chose the epoch, and what one says that did not, seed by seed.

    Of the epochs whose outputs were recorded, the one with the lowest score on half of the validation rows is
    chosen, the first on a tie. No test row is looked at.

    Args:
        result: What was trained, with recorded outputs.
        score: "error" (the fraction of wrong labels; for regression the mean absolute error, standardized) or
            "loss".
        n_halvings: Random halves of each seed's validation rows; of an odd number, one row is left out.

    Raises:
        ConfigError: if there is no such score, less than one halving, or less than two validation rows.
        RegcoreError: if no outputs were recorded.
    """
    if score not in ("loss", "error"):
        raise ConfigError(f"score must be loss or error, got {score!r}")
    if not n_halvings >= 1:
        raise ConfigError(f"n_halvings must be 1 or more, got {n_halvings!r}")
    if result.dataset.n_val < 2:
        raise ConfigError(f"n_val must be 2 or more rows to be halved, got {result.dataset.n_val}")
    seeds = [seed for seed in result.seeds if (seed, 0) in result.recordings]
    return tuple(_of_seed(result, seed, score, n_halvings) for seed in seeds)


def optimism(seeds: tuple[SeedOptimism, ...]) -> PairedDifference:
    """Return the score on fresh rows minus that on the rows that chose, with its 95 % paired t-interval.

    The verdict "worse" says that fresh rows score higher: the score that chose was optimistic.
    """
    return paired_difference([seed.fresh for seed in seeds], [seed.chosen for seed in seeds])


def _of_seed(result: Result, seed: int, score: Score, n_halvings: int) -> SeedOptimism:
    y_val = result.dataset.rows(seed).y_val
    found = []
    for member in range(result.config.members):
        recording = result.recordings.get((seed, member))
        if recording is None or not len(recording.output_epochs):
            raise RegcoreError(
                f"outputs of seed {seed}, member {member} must be recorded to be halved, got none: fewer "
                "rows leave room for them."
            )
        rows = _row_scores(recording, y_val, result.dataset.task, score)
        found.append(_halved(rows, recording.output_epochs, seed, n_halvings))
    return SeedOptimism(seed, *np.mean(found, axis=0).tolist())


def _row_scores(recording: Recording, y: npt.NDArray[Any], task: Task, score: Score) -> Floats:
    """Return the score of each row at each recorded epoch, [epochs, rows]."""
    outputs = recording.outputs["val"]
    if task == "regression":
        off: Floats = np.abs(outputs[:, :, 0].astype(np.float64) - y)
        return off if score == "error" else np.square(off)
    log_p = np.stack([scoring.log_probabilities(of_epoch, task) for of_epoch in outputs])
    if score == "error":
        return np.asarray(log_p.argmax(axis=2) != y, dtype=np.float64)
    labels = np.broadcast_to(y.astype(np.int64)[None, :, None], (*log_p.shape[:2], 1))
    losses: Floats = -np.take_along_axis(log_p, labels, axis=2)[:, :, 0]
    return losses


def _halved(rows: Floats, epochs: npt.NDArray[np.int64], seed: int, n_halvings: int) -> Floats:
    """Return chosen and fresh score and the epoch, averaged over halvings, each half choosing once."""
    half = rows.shape[1] // 2
    # Keyed by the seed alone, so that runs of the same rows are halved alike and can be compared.
    random = np.random.default_rng(seed)
    found = []
    for _ in range(n_halvings):
        order = random.permutation(rows.shape[1])[: 2 * half]
        first, second = rows[:, order[:half]].mean(axis=1), rows[:, order[half:]].mean(axis=1)
        found += [_chosen(first, second, epochs), _chosen(second, first, epochs)]
    return np.asarray(np.mean(found, axis=0))


def _chosen(by: Floats, fresh: Floats, epochs: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    at = int(np.argmin(by))
    return float(by[at]), float(fresh[at]), float(epochs[at])
