"""The values that travel: a shard to train, its state between chunks, and what was recorded on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from regcore.engine.replicate import Replicate

Array = NDArray[np.floating]
ProbeKind = Literal["outputs", "activations", "weights"]


@dataclass(frozen=True)
class Probe:
    """Something more to record at chosen epochs, by name.

    Attributes:
        name: under which the recording keeps it.
        kind: "outputs" (what the network gives for the rows `X`), "activations" (of every hidden layer, for
            the rows `X`), or "weights".
        epochs: 1-based, ascending; 0 is the network before its first step.
        X: raw rows, [n, n_features]; None for "weights".
    """

    name: str
    kind: ProbeKind
    epochs: tuple[int, ...]
    X: Array | None = None


@dataclass(frozen=True)
class RecordingPlan:
    """What to keep of a training beside its losses and metrics.

    Attributes:
        output_every: outputs for the train, validation and test rows are kept after every so many epochs;
            0 keeps none.
        checkpoints: epochs after which the whole state is kept, ascending.
        probes: what else was asked for.
    """

    output_every: int = 0
    checkpoints: tuple[int, ...] = ()
    probes: tuple[Probe, ...] = ()


@dataclass(frozen=True)
class Shard:
    """Replicates of one `shape_key`, trained in one program, and what to record of them."""

    replicates: tuple[Replicate, ...]
    plan: RecordingPlan = field(default_factory=RecordingPlan)

    @property
    def epochs(self) -> int:
        return self.replicates[0].config.epochs


@dataclass(frozen=True)
class ShardState:
    """Everything that training goes on from. Arrays are [R, ...], R the number of replicates.

    Attributes:
        step: optimizer steps taken so far.
        kernels: one [R, n_in, n_out] a layer.
        biases: one [R, 1, n_out] a layer.
        slots: the optimizer's own memory: Adam's first, then second moments, or the velocities of sgd; each
            in the order of kernels, then biases.
        objective_sum: [R], the objective summed over the rows of the epoch under way.
    """

    step: int
    kernels: tuple[Array, ...]
    biases: tuple[Array, ...]
    slots: tuple[Array, ...]
    objective_sum: Array

    def take(self, indices: Sequence[int]) -> ShardState:
        """Return the state of some of the replicates, in the order given."""
        rows = list(indices)
        return ShardState(
            step=self.step,
            kernels=tuple(array[rows] for array in self.kernels),
            biases=tuple(array[rows] for array in self.biases),
            slots=tuple(array[rows] for array in self.slots),
            objective_sum=self.objective_sum[rows],
        )

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in (*self.kernels, *self.biases, *self.slots, self.objective_sum))


@dataclass(frozen=True)
class Rows:
    """What one chunk recorded.

    Attributes:
        history: [R, E, 12], one row for each of the E epochs that ended; columns as
            `results.HISTORY_COLUMNS`.
        output_epochs: [K], the epochs whose outputs were kept.
        outputs: for "train", "val" and "test", [R, K, n_rows, n_outputs], float32.
        checkpoints: epoch -> state.
        probes: name -> epoch -> one array, or one a layer, each [R, ...].
    """

    history: Array
    output_epochs: NDArray[np.int64]
    outputs: Mapping[str, Array]
    checkpoints: Mapping[int, ShardState]
    probes: Mapping[str, Mapping[int, tuple[Array, ...]]]

    def take(self, indices: Sequence[int]) -> Rows:
        """Return what was recorded of some of the replicates, in the order given."""
        rows = list(indices)
        return Rows(
            history=self.history[rows],
            output_epochs=self.output_epochs,
            outputs={split: array[rows] for split, array in self.outputs.items()},
            checkpoints={epoch: state.take(rows) for epoch, state in self.checkpoints.items()},
            probes={
                name: {epoch: tuple(array[rows] for array in arrays) for epoch, arrays in epochs.items()}
                for name, epochs in self.probes.items()
            },
        )
