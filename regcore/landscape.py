"""What networks predict all over the input space, where that can be drawn: one feature, or two.

Predictions are recorded during training by a `Probe` at a few epochs; those of the weights that a network
keeps, whichever epoch they are of, are computed from the weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import scoring
from regcore.data import Dataset
from regcore.engine.shard import Probe
from regcore.errors import ConfigError
from regcore.forward import activations
from regcore.results import Result, Weights

Floats = npt.NDArray[np.float64]
Recorded = Mapping[int, Sequence[npt.NDArray[Any]]]
"""What a probe recorded of one network, as `Run.probe` returns it: epoch -> one array [P, C]."""

PROBE = "landscape"
LINE_POINTS = 200
SIDE = 48
# A picture of several classes holds one layer a class.
SIDE_OF_CLASSES = 32
PADDING = 0.04
N_EPOCHS = 16


class Grid(NamedTuple):
    """Points of the input space.

    Attributes:
        x: Places along the first feature.
        y: Places along the second feature; None where there is only one.
        X: Raw rows [P, features]: all of `x` at the first place of `y`, then at the next.
    """

    x: Floats
    y: Floats | None
    X: Floats


@dataclass(frozen=True, eq=False, repr=False)
class Landscape:
    """What one seed's networks predict on a grid, members averaged.

    Predictions are P(class 1) [P], class probabilities [P, C], or values in y's own units [P].

    Attributes:
        grid: The P points.
        seed: Value of the seed column.
        epochs: 1-based, ascending: those that every member has reached.
        predictions: One array for each of `epochs`.
        kept_epochs: Restored epoch of each member; empty while training is under way.
        kept: Predictions with the restored weights; None while training is under way.
    """

    grid: Grid
    seed: int
    epochs: tuple[int, ...]
    predictions: tuple[Floats, ...]
    kept_epochs: tuple[int, ...] = ()
    kept: Floats | None = None

    def __repr__(self) -> str:
        return f"Landscape(seed {self.seed}, {len(self.grid.X)} points, {len(self.epochs)} epochs)"

    def keeping(self, epochs: tuple[int, ...], kept: Floats) -> Landscape:
        """Return this landscape with the epochs that are kept, and what is predicted with their weights."""
        return replace(self, kept_epochs=epochs, kept=kept)


def has_landscape(dataset: Dataset) -> bool:
    """Return whether predictions can be drawn: classes over two features, or numbers over one."""
    if dataset.image_shape is not None:
        return False
    return dataset.n_features == (1 if dataset.task == "regression" else 2)


def grid(dataset: Dataset) -> Grid | None:
    """Return points that cover the rows of a data set with a margin; None if it has no landscape.

    One feature: 200 points. Two: 48 by 48, or 32 by 32 where there are more than two classes. The test rows
    have no say in the range.
    """
    if not has_landscape(dataset):
        return None
    pool = np.delete(dataset.X, dataset.test_rows, axis=0)
    if dataset.n_features == 1:
        x = _places(pool[:, 0], LINE_POINTS)
        return Grid(x, None, x[:, None])
    side = SIDE if dataset.task == "binary" else SIDE_OF_CLASSES
    x, y = _places(pool[:, 0], side), _places(pool[:, 1], side)
    columns, rows = np.meshgrid(x, y)
    return Grid(x, y, np.column_stack([columns.ravel(), rows.ravel()]))


def _places(column: Floats, n_places: int) -> Floats:
    low, high = float(column.min()), float(column.max())
    margin = PADDING * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, n_places)


def probe_epochs(epochs: int, n: int = N_EPOCHS) -> tuple[int, ...]:
    """Return at most `n` of the epochs 1 to `epochs`, the first and the last among them, dense at the start.

    Each is about the same multiple of the one before, since networks change most in their first epochs.

    Raises:
        ConfigError: if `epochs` is less than 1 or `n` less than 2.
    """
    if not epochs >= 1:
        raise ConfigError(f"epochs must be 1 or more, got {epochs!r}")
    if not n >= 2:
        raise ConfigError(f"n must be 2 or more, got {n!r}")
    chosen = [1]
    for n_left in range(n - 1, 0, -1):
        step = (epochs / chosen[-1]) ** (1 / n_left)
        chosen.append(min(epochs, max(chosen[-1] + 1, round(chosen[-1] * step))))
    return tuple(sorted(set(chosen)))


def landscape_probe(dataset: Dataset, epochs: int) -> Probe | None:
    """Return the probe that records a landscape, to be handed to `submit`; None if the data set has none.

    Args:
        dataset: What is trained on.
        epochs: How many epochs; `probe_epochs` chooses from them.
    """
    points = grid(dataset)
    return None if points is None else Probe(PROBE, "outputs", probe_epochs(epochs), points.X)


def landscape(result: Result, seed: int, recorded: Sequence[Recorded] = ()) -> Landscape | None:
    """Return what one seed's networks predict all over the input space; None if that cannot be drawn.

    Args:
        result: What was measured; it may still be growing.
        seed: Value of the seed column.
        recorded: What the probe of `landscape_probe` recorded of each member, in order:
            `[run.probe(name, PROBE, seed, member) for member in range(config.members)]`. Empty: nothing but
            what is kept.

    Raises:
        ConfigError: if a member is missing, or the result has no such seed.
        RegcoreError: if weights that are kept were not recorded, and the result has no `recall`.
    """
    growing = probed_landscape(result, seed, recorded)
    return growing if growing is None or not result.is_complete else with_kept(growing, result)


def probed_landscape(result: Result, seed: int, recorded: Sequence[Recorded]) -> Landscape | None:
    """Return a landscape without what is kept: it stays the same when early stopping keeps another epoch.

    Args:
        result: As for `landscape`.
        seed: Value of the seed column.
        recorded: As for `landscape`.

    Raises:
        ConfigError: if a member is missing, or the result has no such seed.
    """
    points = grid(result.dataset)
    if points is None:
        return None
    members = range(result.config.members)
    if recorded and len(recorded) < len(members):
        raise ConfigError(f"recorded must hold each of {len(members)} members, got {len(recorded)}")
    epochs = _common_epochs(recorded[: len(members)])
    probed = tuple(
        predictions([recorded[member][epoch][0] for member in members], result.dataset, seed)
        for epoch in epochs
    )
    return Landscape(points, seed, epochs, probed)


def with_kept(growing: Landscape, result: Result) -> Landscape:
    """Return a landscape with what networks predict with the weights that they keep.

    Args:
        growing: Without it.
        result: What was measured, complete.

    Raises:
        RegcoreError: if weights that are kept were not recorded, and the result has no `recall`.
    """
    kept_epochs = epochs_kept(result, growing.seed)
    return growing.keeping(kept_epochs, kept_predictions(result, growing.seed, kept_epochs))


def epochs_kept(result: Result, seed: int) -> tuple[int, ...]:
    """Return the restored epoch of each member of one seed, all that early stopping changes of a landscape.

    Raises:
        ConfigError: if the result has no such seed.
    """
    return tuple(result.restored_epoch(seed, member) for member in range(result.config.members))


def kept_predictions(result: Result, seed: int, epochs: Sequence[int]) -> Floats:
    """Return what one seed's networks predict on the grid with their weights after these epochs.

    Args:
        result: What was measured, of a data set that has a landscape.
        seed: Value of the seed column.
        epochs: 1-based, one for each member.

    Raises:
        RegcoreError: if those weights were not recorded, and the result has no `recall`.
    """
    points = grid(result.dataset)
    assert points is not None, "there is no landscape to keep anything of"
    return predictions(_outputs_at(result, points, seed, epochs), result.dataset, seed)


def _common_epochs(recorded: Sequence[Recorded]) -> tuple[int, ...]:
    reached = [set(of_member) - {0} for of_member in recorded]
    return tuple(sorted(set.intersection(*reached))) if reached else ()


class MembersLandscape(NamedTuple):
    """What each member of one seed predicts on a grid, as restored, and their average.

    Predictions are as in `Landscape`.

    Attributes:
        grid: The P points.
        seed: Value of the seed column.
        members: One array for each member.
        mean: Of the averaged prediction.
    """

    grid: Grid
    seed: int
    members: tuple[Floats, ...]
    mean: Floats


def members_landscape(result: Result, seed: int) -> MembersLandscape | None:
    """Return what each member predicts all over the input space; None if that cannot be drawn.

    Args:
        result: What was measured, complete.
        seed: Value of the seed column.

    Raises:
        ConfigError: if the result has no such seed.
        RegcoreError: if weights that are kept were not recorded, and the result has no `recall`.
    """
    points = grid(result.dataset)
    if points is None:
        return None
    outputs = _outputs_at(result, points, seed, epochs_kept(result, seed))
    alone = tuple(predictions([of_member], result.dataset, seed) for of_member in outputs)
    return MembersLandscape(points, seed, alone, predictions(outputs, result.dataset, seed))


def _outputs_at(result: Result, points: Grid, seed: int, epochs: Sequence[int]) -> list[Floats]:
    """Return the outputs [P, C] of each member with its weights after these epochs."""
    rows = result.dataset.rows(seed)
    X = (points.X - rows.shift) / rows.scale
    return [
        network_outputs(result.weights(seed, member, epoch), X, result.config.activation)
        for member, epoch in enumerate(epochs)
    ]


def predictions(outputs: Sequence[npt.ArrayLike], dataset: Dataset, seed: int) -> Floats:
    """Return what networks predict, averaged over them: P(class 1) [rows], class probabilities [rows, C], or
    values in y's own units [rows].

    Args:
        outputs: Of each network [rows, C]: logits, or standardized predictions.
        dataset: What they were trained on.
        seed: Value of the seed column, whose train rows standardize y.
    """
    mean = scoring.mean_prediction(outputs, dataset.task)
    if dataset.task == "regression":
        rows = dataset.rows(seed)
        values: Floats = mean[:, 0] * rows.y_scale + rows.y_shift
        return values
    probabilities: Floats = np.exp(scoring.log_probabilities(mean, dataset.task))
    return probabilities[:, 1] if dataset.task == "binary" else probabilities


def network_outputs(weights: Weights, X: Floats, activation: str) -> Floats:
    """Return the outputs [rows, C] of a network without dropout, in float64.

    Args:
        weights: Of the network.
        X: Rows as the network sees them, scaled.
        activation: Of its hidden units, "relu" or "tanh".
    """
    return activations(weights, X, activation)[-1]
