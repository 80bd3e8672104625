"""What a network really sees: its rows as augmentation shows them, epoch by epoch.

The numbers come from the engine's own streams, so what is returned for a seed and an epoch is what the
network of that seed was trained on in that epoch. The operations of the compiled loop are restated here in
numpy, so that no TensorFlow is needed to show them; tests hold them against the engine's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import scoring
from regcore.config import AUGMENTATION_FIELDS, Config
from regcore.data import Dataset, check_fits
from regcore.data.checks import IMAGE_FIELDS
from regcore.engine import streams
from regcore.engine.replicate import Replicate, replicates_of
from regcore.errors import ConfigError
from regcore.landscape import network_outputs
from regcore.results import Result

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]

# Draws for validation rows, which no training makes: beyond every block that one could reach.
_BLOCK_OF_VALIDATION = 1 << 40


@dataclass(frozen=True, eq=False)
class Seen:
    """Training rows as one network saw them.

    Attributes:
        rows: [n], row numbers in `Dataset.X`.
        labels: [n], the targets they were given.
        original: [n, features], scaled, as they are without augmentation.
        shown: [n, epochs, features], scaled, as they were shown in each epoch.
        share: [n, epochs], the part of the row itself in what was shown; the rest is of another row. 1
            without mixup.
        mixed_with: [n, epochs], the targets of those other rows.
        epochs: 1-based.
    """

    rows: Ints
    labels: npt.NDArray[Any]
    original: Floats
    shown: Floats
    share: Floats
    mixed_with: npt.NDArray[Any]
    epochs: tuple[int, ...]


def seen(
    config: Config, dataset: Dataset, seed: int, places: Sequence[int], epochs: Sequence[int], member: int = 0
) -> Seen:
    """Return some training rows as a network of this configuration is shown them.

    Args:
        config: The experiment.
        dataset: Its data.
        seed: Value of the seed column.
        places: Which training rows, from 0, in the order of `dataset.rows(seed).train`; with `bootstrap`, in
            that of the member's own draw.
        epochs: 1-based.
        member: Member of the ensemble, from 0.

    Raises:
        ConfigError: the configuration asks for what the data cannot give, or has no such seed or member; a
            place or an epoch is out of range.
    """
    replicate = _replicate(config, dataset, seed, member)
    _check_range("places", places, 0, dataset.n_train - 1)
    _check_range("epochs", epochs, 1, config.epochs)
    chosen = np.asarray(places, dtype=np.int64)
    split, rows = dataset.split(seed), dataset.rows(seed)
    trained = streams.training_rows(replicate, dataset.n_train)
    own = trained[chosen]
    by_epoch = [_one_epoch(replicate, dataset, split.X_train, chosen, epoch - 1) for epoch in epochs]
    return Seen(
        rows=rows.train[own],
        labels=rows.y_train[own],
        original=split.X_train[own],
        shown=np.stack([shown for shown, _, _ in by_epoch], axis=1),
        share=np.stack([share for _, share, _ in by_epoch], axis=1),
        mixed_with=np.stack([rows.y_train[other] for _, _, other in by_epoch], axis=1),
        epochs=tuple(epochs),
    )


def _replicate(config: Config, dataset: Dataset, seed: int, member: int) -> Replicate:
    check_fits(config, dataset)
    replicates = replicates_of(config, dataset)
    if (seed, member) not in replicates:
        raise ConfigError(
            f"(seed, member) must be one of the configuration's {config.seeds} seeds from {config.seed} and "
            f"{config.members} members from 0, got {(seed, member)}"
        )
    return replicates[seed, member]


def _check_range(name: str, values: Sequence[int], low: int, high: int) -> None:
    outside = [value for value in values if not low <= value <= high]
    if outside or not len(values):
        raise ConfigError(f"{name} must be from {low} to {high}, at least one, got {list(values)!r}")


def _one_epoch(
    replicate: Replicate, dataset: Dataset, X: Floats, places: Ints, epoch: int
) -> tuple[Floats, Floats, Ints]:
    """Return what is shown of these places in an epoch (0-based), the share of each, and what it is mixed
    with."""
    config, n = replicate.config, dataset.n_train
    trained = streams.training_rows(replicate, n)
    positions = np.argsort(streams.order(replicate, epoch, n))[places]
    batch, slot = np.divmod(positions, config.batch_size)
    step = epoch * math.ceil(n / config.batch_size) + batch
    block, of_block = np.divmod(step, streams.steps_per_block(config, dataset.n_features))
    shown = np.empty((len(places), dataset.n_features))
    share = np.ones(len(places))
    for number in np.unique(block):
        at = block == number
        drawn = streams.augmentation(replicate, int(number), dataset.n_features, dataset.image_shape)
        of_rows = _of_rows(drawn, of_block[at], slot[at])
        shown[at] = augmented(X[trained[places[at]]], of_rows, config, dataset)
        if drawn.mixup is not None:
            share[at] = drawn.mixup[of_block[at]]
    other = trained[places]
    if config.mixup:
        other = trained[streams.mixup_order(replicate, epoch, n)[positions]]
        shown = share[:, None] * shown + (1 - share[:, None]) * X[other]
    return shown, share, other


class RowDraws(NamedTuple):
    """What is drawn for each of some rows: jitter [n, features], geometry [n, 8], cutout [n, 2]; None where
    it is not used."""

    jitter: Floats | None
    geometry: Floats | None
    cutout: Ints | None

    def part(self, rows: slice) -> RowDraws:
        """Return what is drawn for some of the rows."""

        def chosen(values: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
            return None if values is None else values[rows]

        return RowDraws(chosen(self.jitter), chosen(self.geometry), chosen(self.cutout))


def _of_rows(drawn: streams.Augmentation, steps: Ints, slots: Ints) -> RowDraws:
    def chosen(values: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
        return None if values is None else values[steps, slots]

    return RowDraws(chosen(drawn.jitter), chosen(drawn.geometry), chosen(drawn.cutout))


def augmented(X: Floats, drawn: RowDraws, config: Config, dataset: Dataset) -> Floats:
    """Return rows after everything that moves pixels, then cutout, then jitter: mixup alone is left.

    Args:
        X: [n, features], scaled.
        drawn: What was drawn for them.
        config: Whose jitter and cutout are used.
        dataset: Which gives images their shape.
    """
    shown: Floats = np.array(X, dtype=np.float64)
    if dataset.image_shape is not None:
        images: Floats = shown.reshape(-1, *dataset.image_shape)
        if drawn.geometry is not None:
            images = transformed(images, drawn.geometry)
        if drawn.cutout is not None:
            images = np.where(covered(drawn.cutout, config.cutout, dataset.image_shape), 0.0, images)
        shown = images.reshape(len(X), -1)
    return shown if drawn.jitter is None else shown + config.jitter * drawn.jitter


def transformed(images: Floats, transforms: Floats) -> Floats:
    """Return images seen through projective transforms, as the engine's ImageProjectiveTransformV3 does it.

    The pixel in column x and row y of a new image is read off the old one at x' = t0*x + t1*y + t2,
    y' = t3*x + t4*y + t5, between its four neighbours in proportion (bilinear); outside of the image is zero.

    Args:
        images: [n, height, width].
        transforms: [n, 8]; the last two are 0.
    """
    n, height, width = images.shape
    y, x = np.mgrid[:height, :width]
    t = transforms[:, :6, None, None]
    column = t[:, 0] * x + t[:, 1] * y + t[:, 2]
    row = t[:, 3] * x + t[:, 4] * y + t[:, 5]
    left, top = np.floor(column).astype(np.int64), np.floor(row).astype(np.int64)
    right_part, lower_part = column - left, row - top
    at = np.arange(n)[:, None, None]

    def read(rows: Ints, columns: Ints) -> Floats:
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        return np.where(inside, images[at, rows.clip(0, height - 1), columns.clip(0, width - 1)], 0.0)

    upper = (1 - right_part) * read(top, left) + right_part * read(top, left + 1)
    lower = (1 - right_part) * read(top + 1, left) + right_part * read(top + 1, left + 1)
    new: Floats = (1 - lower_part) * upper + lower_part * lower
    return new


def covered(corners: Ints, side: int, image_shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return which pixels a square covers, [n, height, width].

    Args:
        corners: [n, 2], row and column of its first pixel; it may begin outside of the image.
        side: In pixels.
        image_shape: (height, width).
    """
    row, column = (
        (np.arange(size) >= first[:, None]) & (np.arange(size) < first[:, None] + side)
        for size, first in zip(image_shape, corners.T, strict=True)
    )
    return np.asarray(row[:, :, None] & column[:, None, :])


def operations(dataset: Dataset) -> tuple[str, ...]:
    """Return the fields of augmentation that a data set can have: images all of them, tables two."""
    return tuple(name for name in AUGMENTATION_FIELDS if dataset.image_shape or name not in IMAGE_FIELDS)


def is_augmented(config: Config) -> bool:
    """Return whether rows are changed one by one: by anything but mixup, which takes two."""
    return any(getattr(config, name) for name in AUGMENTATION_FIELDS if name != "mixup")


class ValidationSeen(NamedTuple):
    """The error of each seed on validation rows as they are, and if they were augmented too.

    Attributes:
        clean: [seeds], error, or mae, of the epoch kept.
        augmented: [seeds, draws], the same on augmented validation rows, each draw another one.
    """

    clean: Floats
    augmented: Floats


def validate_augmented(result: Result, n_draws: int = 8) -> ValidationSeen:
    """Return what validation would measure if its rows were augmented as well, which they never are.

    Args:
        result: What was measured, complete, with augmentation of single rows. Its first member is taken.
        n_draws: How often validation is asked.

    Raises:
        ConfigError: the configuration augments no single rows.
    """
    if not is_augmented(result.config):
        raise ConfigError("config must augment single rows, by more than mixup, got a config that does not")
    each = [_validated(result, seed, n_draws) for seed in result.seeds]
    return ValidationSeen(np.array([clean for clean, _ in each]), np.array([drawn for _, drawn in each]))


def _validated(result: Result, seed: int, n_draws: int) -> tuple[float, list[float]]:
    dataset, replicate = result.dataset, _replicate(result.config, result.dataset, seed, 0)
    X, rows, weights = dataset.split(seed).X_val, dataset.rows(seed), result.weights(seed)

    def error(shown: Floats) -> float:
        outputs = network_outputs(weights, np.asarray(shown, np.float64), result.config.activation)
        metric = scoring.metric_names(dataset.task)[1]
        return scoring.score(outputs, rows.y_val, dataset.task, rows.y_scale)[metric]

    drawn = _draws_beyond_training(replicate, dataset, n_draws * len(X))
    errors = []
    for draw in range(n_draws):
        part = slice(draw * len(X), (draw + 1) * len(X))
        errors.append(error(augmented(X, drawn.part(part), replicate.config, dataset)))
    return error(X), errors


def _draws_beyond_training(replicate: Replicate, dataset: Dataset, n_rows: int) -> RowDraws:
    """Return draws for so many rows, of blocks that no training reaches."""
    a_block = streams.steps_per_block(replicate.config, dataset.n_features) * replicate.config.batch_size
    blocks = [
        streams.augmentation(replicate, _BLOCK_OF_VALIDATION + at, dataset.n_features, dataset.image_shape)
        for at in range(math.ceil(n_rows / a_block))
    ]

    def joined(name: str) -> npt.NDArray[Any] | None:
        values = [getattr(block, name) for block in blocks]
        if values[0] is None:
            return None
        return np.concatenate([value.reshape(-1, value.shape[-1]) for value in values])[:n_rows]

    return RowDraws(joined("jitter"), joined("geometry"), joined("cutout"))
