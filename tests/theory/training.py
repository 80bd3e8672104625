"""Small trainings in this process, in double precision, and the data sets that make an answer known."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regcore.config import Config
from regcore.data import Dataset
from regcore.engine.advance import advance, start, total_steps
from regcore.engine.replicate import Replicate, replicates_of
from regcore.engine.shard import Probe, RecordingPlan, Rows, Shard, ShardState

Floats = NDArray[np.float64]

LINEAR = Config(hidden=(), optimizer="sgd", seeds=1, epochs=1)
"""A linear model, trained by gradient descent; the batch size is chosen with the data."""


class Trained(NamedTuple):
    """The state after the last step, and what was recorded; replicates first, those of the first
    configuration before those of the next."""

    state: ShardState
    rows: Rows

    @property
    def kernel(self) -> Floats:
        """The weights of a linear model with one output, [R, n_features]."""
        return np.asarray(self.state.kernels[0][:, :, 0])

    @property
    def bias(self) -> Floats:
        """The bias of a linear model with one output, [R]."""
        return np.asarray(self.state.biases[0][:, 0, 0])

    def kernels_at(self, layer: int = 0) -> Floats:
        """Return the kernel of a layer at every epoch of the probe of `probing`, [epochs, R, n_in, n_out]."""
        return np.stack([weights[layer] for weights in self.rows.probes["weights"].values()])


def train(
    dataset: Dataset,
    *configs: Config,
    plan: RecordingPlan | None = None,
    begin: ShardState | None = None,
    dtype: str = "float64",
) -> Trained:
    """Train every seed and member of the configurations to the end, side by side."""
    shard = Shard(replicates(dataset, *configs), plan or RecordingPlan())
    state = start(shard, dataset, dtype) if begin is None else begin
    return Trained(*advance(shard, state, total_steps(shard, dataset), dataset))


def replicates(dataset: Dataset, *configs: Config) -> tuple[Replicate, ...]:
    """Return the networks of the configurations, in their order."""
    return tuple(replicate for config in configs for replicate in replicates_of(config, dataset).values())


def initial(dataset: Dataset, *configs: Config, dtype: str = "float64") -> ShardState:
    """Return the state before the first step."""
    return start(Shard(replicates(dataset, *configs)), dataset, dtype)


def probing(epochs: Any) -> RecordingPlan:
    """Return a plan that records the weights after these epochs."""
    return RecordingPlan(probes=(Probe("weights", "weights", tuple(int(epoch) for epoch in epochs)),))


def learned_whole(X: Any, y: Any, task: Any = "regression", as_images: bool = False) -> Dataset:
    """Return a data set that trains on all the rows given, and is measured on them again.

    Args:
        X: [n, f].
        y: [n].
        task: As in `Dataset.from_arrays`.
        as_images: Whether columns are divided by the largest value of all, instead of standardized: their
            means and their different sizes stay.
    """
    n = len(X)
    return Dataset.from_arrays(
        np.concatenate([X, X, X]),
        np.concatenate([y, y, y]),
        task=task,
        image_shape=(1, np.shape(X)[1]) if as_images else None,
        train_rows=range(n),
        val_rows=range(n, 2 * n),
        test_rows=range(2 * n, 3 * n),
    )


def standard_errors_off(each: Floats, expected: Floats) -> float:
    """Return how far the mean over the first axis is from the expected, in its own standard errors; the
    largest over all other axes."""
    error = np.std(each, axis=0, ddof=1) / np.sqrt(len(each))
    return float(np.max(np.abs(np.mean(each, axis=0) - expected) / error))
