"""Everything random in a training, drawn from keyed streams: weights, order, masks and augmentation.

A stream is named by (seed, member, purpose, position), and drawn a whole block of steps at a time, so that
its numbers depend neither on what trains beside it nor on where a chunk begins. It is numpy's work, not
TensorFlow's: drawing 16 bits a unit by numpy's PCG64 took 0.5 ns against 2 ns by TensorFlow's Philox, and
whoever wants to show the masks that a training used can draw them again without TensorFlow.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regcore.config import Config
from regcore.data.streams import random_stream
from regcore.engine.replicate import Replicate

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

# Keras divides by the standard deviation of a normal distribution truncated at two sigma, to keep the
# variance asked for.
_TRUNCATED_NORMAL_STDDEV = 0.87962566103423978

_BITS = 1 << 16
_MOST_STEPS_PER_BLOCK = 64
_MOST_UNITS_PER_BLOCK = 1 << 19


def initial_weights(replicate: Replicate, n_features: int, n_outputs: int) -> tuple[Floats, ...]:
    """Return the initial kernels, [n_in, n_out] each, float64; biases begin at zero.

    `he_normal` draws hidden kernels from a normal distribution truncated at two sigma with variance 2 / n_in
    (He et al. 2015, equation 10). The output kernel has no relu behind it and takes variance 1 / n_in (LeCun
    et al. 1998), so that the first predictions are near uniform. `glorot_uniform` (Glorot and Bengio 2010,
    equation 16) and `zeros` are the same for every kernel. `negative` takes the negative half of He's uniform
    distribution for hidden kernels, and the output kernel of `he_normal`: relus whose inputs cannot be
    negative, as those of another relu layer, then give 0 for every row and have no gradient to leave it by.
    """
    config = replicate.config
    widths = (n_features, *config.hidden, n_outputs)
    kernels: list[Floats] = []
    for layer, (n_in, n_out) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
        random = random_stream("kernel", replicate.seed, replicate.init_member, layer)
        if config.initializer == "zeros":
            kernels.append(np.zeros((n_in, n_out)))
        elif config.initializer == "glorot_uniform":
            limit = math.sqrt(6 / (n_in + n_out))
            kernels.append(random.uniform(-limit, limit, (n_in, n_out)))
        elif config.initializer == "negative" and layer < len(config.hidden):
            kernels.append(random.uniform(-math.sqrt(6 / n_in), 0, (n_in, n_out)))
        else:
            variance = (2 if layer < len(config.hidden) else 1) / n_in
            stddev = math.sqrt(variance) / _TRUNCATED_NORMAL_STDDEV
            kernels.append(stddev * _truncated_normal(random, (n_in, n_out)))
    return tuple(kernels)


def _truncated_normal(random: np.random.Generator, shape: tuple[int, int]) -> Floats:
    values = random.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = random.standard_normal(int(outside.sum()))
    return values


def training_rows(replicate: Replicate, n_train: int) -> Ints:
    """Return which of the seed's training rows are trained on: all, or as many drawn with replacement."""
    if replicate.bootstrap_member is None:
        return np.arange(n_train)
    return random_stream("bootstrap", replicate.seed, replicate.bootstrap_member).integers(
        0, n_train, n_train
    )


def order(replicate: Replicate, epoch: int, n_rows: int) -> Ints:
    """Return the order of the rows in an epoch (0-based): batches are its consecutive pieces."""
    return random_stream("order", replicate.seed, replicate.order_member, epoch).permutation(n_rows)


def mixup_order(replicate: Replicate, epoch: int, n_rows: int) -> Ints:
    """Return the order of the rows that those of `order` are mixed with in an epoch (0-based)."""
    return random_stream("mixup order", replicate.seed, replicate.order_member, epoch).permutation(n_rows)


def steps_per_block(config: Config, n_features: int) -> int:
    """Return how many steps one draw covers: a function of the replicate's own shape alone."""
    n_units = n_features + sum(config.hidden)
    return max(1, min(_MOST_STEPS_PER_BLOCK, _MOST_UNITS_PER_BLOCK // (config.batch_size * n_units)))


def keep_probability(rate: float) -> float:
    """Return the probability with which a unit is kept: drawn with 16 bits, so a multiple of 1/65536."""
    return 1 - _threshold(rate) / _BITS


def _threshold(rate: float) -> int:
    return round(rate * _BITS)


def mask_rates(config: Config) -> tuple[float, ...]:
    """Return the drop rate of the input, then of every hidden layer."""
    return (config.dropout_input, *config.dropout_rates())


def dropout_masks(replicate: Replicate, block: int, n_features: int) -> tuple[Bools | None, ...]:
    """Return which units are kept in a block of steps, for the input and for every hidden layer.

    Returns:
        One [steps_per_block, batch_size, width] a layer, True where the unit is kept; None where the rate is
        0.
    """
    config = replicate.config
    random = random_stream("dropout", replicate.seed, replicate.order_member, block).bit_generator
    n_rows = steps_per_block(config, n_features) * config.batch_size
    masks: list[Bools | None] = []
    for rate, width in zip(mask_rates(config), (n_features, *config.hidden), strict=True):
        if rate == 0:
            masks.append(None)
            continue
        masks.append(_kept(random, rate, n_rows * width).reshape(-1, config.batch_size, width))
    return tuple(masks)


def _kept(random: np.random.BitGenerator, rate: float, n: int) -> Bools:
    if rate == 0.5:
        # A coin takes one bit and not sixteen, a tenth of the time.
        return np.unpackbits(random.random_raw(math.ceil(n / 64)).view(np.uint8), count=n).view(np.bool_)
    kept: Bools = random.random_raw(math.ceil(n / 4)).view(np.uint16)[:n] >= _threshold(rate)
    return kept


class Augmentation(NamedTuple):
    """What is drawn for augmenting a block of steps; None for what the configuration does not use.

    Attributes:
        jitter: [steps, batch_size, n_features], standard normal.
        mixup: [steps], lambda ~ Beta(alpha, alpha), one a batch (Zhang et al. 2018).
        geometry: [steps, batch_size, 8], for each image the projective transform from the pixels of the
            augmented image to those of the original: x' = t0*x + t1*y + t2, y' = t3*x + t4*y + t5.
        cutout: [steps, batch_size, 2], row and column of the first pixel of the square that is set to zero;
            it may begin outside of the image (DeVries and Taylor 2017).
    """

    jitter: Floats | None
    mixup: Floats | None
    geometry: Floats | None
    cutout: Ints | None


def augmentation(
    replicate: Replicate, block: int, n_features: int, image_shape: tuple[int, int] | None
) -> Augmentation:
    """Return what is drawn for augmenting a block of steps."""
    config = replicate.config
    shape = (steps_per_block(config, n_features), config.batch_size)

    def random(purpose: str) -> np.random.Generator:
        return random_stream(purpose, replicate.seed, replicate.order_member, block)

    return Augmentation(
        jitter=random("jitter").standard_normal((*shape, n_features), dtype=np.float32)
        if config.jitter
        else None,
        mixup=_beta(random("mixup"), config.mixup, shape[0]) if config.mixup else None,
        geometry=_transforms(random("geometry"), config, shape, image_shape)
        if moves_pixels(config)
        else None,
        cutout=_squares(random("cutout"), config.cutout, shape, image_shape) if config.cutout else None,
    )


def moves_pixels(config: Config) -> bool:
    """Return whether images are shifted, rotated, zoomed or flipped."""
    return bool(config.shift or config.rotate or config.zoom or config.flip)


def _beta(random: np.random.Generator, alpha: float, n: int) -> Floats:
    return random.beta(alpha, alpha, n)


def _transforms(
    random: np.random.Generator, config: Config, shape: tuple[int, int], image_shape: tuple[int, int] | None
) -> Floats:
    height, width = _sides(image_shape)
    # Half of the images stay as they are, so that a network goes on seeing what it will be asked about.
    changes = random.random(shape) < 0.5
    moves = _moves_within(config.shift)
    moved = moves[random.integers(0, len(moves), shape)] * changes[..., None]
    angle = np.deg2rad(random.uniform(-config.rotate, config.rotate, shape)) * changes
    scale = 1 / np.where(changes, random.uniform(1 - config.zoom, 1 + config.zoom, shape), 1)
    mirror = np.where(random.random(shape) < 0.5, -1.0, 1.0) if config.flip else np.ones(shape)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    # About the centre of the image: original = M (augmented - centre - moved) + centre, M mirroring columns
    # last.
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    x, y = centre_x + moved[..., 1], centre_y + moved[..., 0]
    transforms = np.zeros((*shape, 8))
    transforms[..., 0], transforms[..., 1] = mirror * cosine, mirror * -sine
    transforms[..., 3], transforms[..., 4] = sine, cosine
    transforms[..., 2] = centre_x - transforms[..., 0] * x - transforms[..., 1] * y
    transforms[..., 5] = centre_y - transforms[..., 3] * x - transforms[..., 4] * y
    return transforms


def _moves_within(distance: int) -> Ints:
    """Return the (rows, columns) of every whole-pixel move of at most this length, none among them."""
    sides = np.arange(-distance, distance + 1)
    moves = np.stack(np.meshgrid(sides, sides, indexing="ij"), axis=-1).reshape(-1, 2)
    within: Ints = moves[(moves**2).sum(axis=1) <= distance**2]
    return within


def _squares(
    random: np.random.Generator, side: int, shape: tuple[int, int], image_shape: tuple[int, int] | None
) -> Ints:
    height, width = _sides(image_shape)
    centres = np.stack([random.integers(0, height, shape), random.integers(0, width, shape)], axis=-1)
    return centres - side // 2


def _sides(image_shape: tuple[int, int] | None) -> tuple[int, int]:
    if image_shape is None:
        raise AssertionError(
            "pixels were to be moved in a data set that has none; check_fits refuses that first"
        )
    return image_shape
