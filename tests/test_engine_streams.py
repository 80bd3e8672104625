"""What is drawn for a training has the distribution it claims, and is keyed by what it should be."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regcore.config import Config, Variation
from regcore.data import load_dataset
from regcore.engine import streams
from regcore.engine.replicate import Replicate
from tests.engine_runs import replicates

N_FEATURES = 20


def replicate(
    seed: int = 0, init: int = 0, order: int = 0, bootstrap: int | None = None, **fields: Any
) -> Replicate:
    return Replicate(Config(**fields), seed, init, order, bootstrap, dataset_key="any")


# Weights


def test_he_normal_has_twice_the_inverse_of_the_inputs_as_variance_and_half_of_that_at_the_output():
    kernels = streams.initial_weights(replicate(hidden=(400, 300), initializer="he_normal"), 500, 200)

    for kernel, variance in zip(kernels, (2 / 500, 2 / 400, 1 / 300), strict=True):
        # The variance of n truncated normal numbers scatters by at most sqrt(2 / n): five of these.
        assert abs(kernel.var() / variance - 1) < 5 * math.sqrt(2 / kernel.size)
        assert abs(kernel.mean()) < 5 * math.sqrt(variance / kernel.size)
        # Cut off at two standard deviations, of which 0.88 are left: at 2.27 of those that are left.
        assert 2.2 < np.abs(kernel).max() / math.sqrt(variance) < 2.2738


def test_glorot_uniform_fills_its_interval():
    for kernel in streams.initial_weights(replicate(hidden=(300,), initializer="glorot_uniform"), 500, 200):
        limit = math.sqrt(6 / sum(kernel.shape))
        assert 0.999 * limit < np.abs(kernel).max() <= limit
        assert abs(kernel.var() / (limit**2 / 3) - 1) < 5 * math.sqrt(1 / kernel.size)


def test_zeros_are_zeros_and_a_linear_model_has_one_kernel():
    (kernel,) = streams.initial_weights(replicate(hidden=(), initializer="zeros"), 5, 3)

    np.testing.assert_array_equal(kernel, np.zeros((5, 3)))


def test_negative_is_the_lower_half_of_he_uniform_but_for_the_output_kernel():
    hidden, output = streams.initial_weights(replicate(hidden=(300,), initializer="negative"), 500, 200)
    (_, same) = streams.initial_weights(replicate(hidden=(300,), initializer="he_normal"), 500, 200)

    limit = math.sqrt(6 / 500)
    assert -limit <= hidden.min() < -0.999 * limit
    assert -0.001 * limit < hidden.max() <= 0
    np.testing.assert_array_equal(output, same)


def test_initial_weights_are_those_of_the_seed_and_member_whatever_regularizes_them():
    def weights(**changes: Any) -> list[bytes]:
        return [kernel.tobytes() for kernel in streams.initial_weights(replicate(**changes), N_FEATURES, 3)]

    assert weights() == weights(l2=0.1, dropout_hidden=0.5, mixup=1.0, learning_rate=0.1)
    assert weights() == weights(order=1, bootstrap=2)
    assert weights() != weights(seed=1)
    assert weights() != weights(init=1)


# Rows


@given(st.integers(0, 1000), st.integers(0, 50), st.integers(1, 200))
def test_an_order_is_a_permutation(seed, epoch, n_rows):
    for draw in (streams.order, streams.mixup_order):
        assert sorted(draw(replicate(seed), epoch, n_rows)) == list(range(n_rows))


def test_orders_are_those_of_the_seed_member_and_epoch_whatever_else_differs():
    def places(epoch: int = 0, draw: Any = streams.order, **changes: Any) -> tuple[int, ...]:
        return tuple(draw(replicate(**changes), epoch, 50))

    assert places() == places(l2=0.1, dropout_input=0.5, batch_size=7, hidden=(3,))
    assert places() == places(init=1, bootstrap=1)
    others = places(draw=streams.mixup_order)
    assert len({places(), places(epoch=1), places(seed=1), places(order=1), others}) == 5


def test_bootstrap_draws_with_replacement():
    n = 10_000
    rows = streams.training_rows(replicate(bootstrap=0), n)

    assert len(rows) == n
    assert rows.min() >= 0
    assert rows.max() < n
    # A row is left out with probability (1 - 1/n)^n, near 1/e; the fraction scatters less than 1/(2 sqrt n).
    assert abs(len(np.unique(rows)) / n - (1 - 1 / math.e)) < 5 / (2 * math.sqrt(n))
    assert (rows != streams.training_rows(replicate(bootstrap=1), n)).any()
    np.testing.assert_array_equal(rows, streams.training_rows(replicate(bootstrap=0, init=3, order=4), n))


def test_without_bootstrap_every_row_is_trained_on_once():
    np.testing.assert_array_equal(streams.training_rows(replicate(), 7), np.arange(7))


# Masks


def masks(n_blocks: int = 1, **changes: Any) -> list[np.ndarray | None]:
    """Return the masks of the input and every hidden layer for some blocks of steps."""
    drawn = [streams.dropout_masks(replicate(**changes), block, N_FEATURES) for block in range(n_blocks)]
    return [None if layer[0] is None else np.concatenate(layer) for layer in zip(*drawn, strict=True)]


@pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.8, 0.95])
def test_units_are_kept_as_often_as_the_rate_leaves_them(rate):
    for mask in masks(20, hidden=(40,), dropout_input=rate, dropout_hidden=rate):
        assert mask is not None
        keep = 1 - rate
        assert abs(mask.mean() - keep) < 5 * math.sqrt(keep * rate / mask.size)


def test_units_rows_and_steps_are_dropped_independently():
    (mask,) = masks(40, hidden=(), dropout_input=0.3)
    assert mask is not None
    kept = (mask - mask.mean()) / mask.std()
    for axis in range(3):
        neighbours = kept.take(range(1, kept.shape[axis]), axis), kept.take(range(kept.shape[axis] - 1), axis)
        correlation = np.mean(neighbours[0] * neighbours[1])
        assert abs(correlation) < 5 / math.sqrt(neighbours[0].size)


@given(st.floats(0, 0.95))
def test_the_keep_probability_is_the_rate_in_sixteen_bits(rate):
    keep = streams.keep_probability(rate)

    assert abs(keep - (1 - rate)) <= 2**-17
    assert (keep * 2**16).is_integer()


def test_rate_0_draws_nothing_and_a_rate_near_0_drops_almost_nothing():
    assert masks(hidden=(4, 4)) == [None, None, None]
    assert [mask is None for mask in masks(hidden=(4, 4), dropout_hidden=(0.0, 0.5))] == [True, True, False]
    (smallest,) = masks(20, hidden=(), dropout_input=1e-6)
    assert smallest is not None
    assert smallest.all()
    assert streams.keep_probability(0.0) == streams.keep_probability(1e-6) == 1.0


def test_masks_are_those_of_the_seed_member_and_block_whatever_else_differs():
    dropped: dict[str, Any] = {"hidden": (30,), "dropout_input": 0.5, "dropout_hidden": 0.5}

    def bits(block: int = 0, **changes: Any) -> bytes:
        layers = streams.dropout_masks(replicate(**{**dropped, **changes}), block, N_FEATURES)
        return b"".join(mask.tobytes() for mask in layers if mask is not None)

    assert bits() == bits(l2=0.1, jitter=0.1, learning_rate=0.1) == bits(init=5, bootstrap=1)
    assert len({bits(), bits(1), bits(seed=1), bits(order=1)}) == 4


@given(st.integers(1, 8192), st.integers(0, 3), st.integers(1, 4096))
def test_a_block_holds_at_least_one_step_and_no_more_units_than_its_bound(batch_size, depth, width):
    config = Config(batch_size=batch_size, hidden=(width,) * depth)
    n_steps = streams.steps_per_block(config, N_FEATURES)

    assert 1 <= n_steps <= 64
    assert n_steps == 1 or n_steps * batch_size * (N_FEATURES + depth * width) <= 2**19


# Augmentation


def drawn(n_blocks: int = 10, **changes: Any) -> list[streams.Augmentation]:
    return [streams.augmentation(replicate(**changes), block, 64, (8, 8)) for block in range(n_blocks)]


def test_nothing_is_drawn_for_what_is_not_used():
    assert drawn(1) == [streams.Augmentation(None, None, None, None)]


def test_jitter_is_standard_normal():
    noise = np.concatenate([block.jitter for block in drawn(jitter=0.1)])

    assert abs(noise.mean()) < 5 / math.sqrt(noise.size)
    assert abs(noise.var() - 1) < 5 * math.sqrt(2 / noise.size)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_mixup_shares_follow_the_beta_distribution(alpha):
    shares = np.concatenate([block.mixup for block in drawn(200, mixup=alpha)])
    variance = 1 / (4 * (2 * alpha + 1))

    assert abs(shares.mean() - 0.5) < 5 * math.sqrt(variance / shares.size)
    assert abs(shares.var() / variance - 1) < 5 * math.sqrt(2 / shares.size)


def test_half_of_the_shifts_are_whole_pixel_moves_of_at_most_that_length_each_as_often():
    transforms = np.concatenate([block.geometry for block in drawn(20, shift=2)]).reshape(-1, 8)

    np.testing.assert_array_equal(transforms[:, [0, 1, 3, 4, 6, 7]], [[1, 0, 0, 1, 0, 0]] * len(transforms))
    moves, counts = np.unique(transforms[:, [2, 5]], axis=0, return_counts=True)
    within = [(x, y) for x in range(-2, 3) for y in range(-2, 3) if math.hypot(x, y) <= 2]
    assert [tuple(move) for move in moves] == within
    expected = np.array([0.5 / len(within) + 0.5 * (move == (0, 0)) for move in within])
    assert (abs(counts / len(transforms) - expected) < 5 * np.sqrt(expected / len(transforms))).all()


def test_a_turn_keeps_lengths_and_the_centre():
    transforms = np.concatenate([block.geometry for block in drawn(rotate=30.0)]).reshape(-1, 8)
    matrices = transforms[:, [0, 1, 3, 4]].reshape(-1, 2, 2)
    angles = np.rad2deg(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))

    squared = matrices @ matrices.transpose(0, 2, 1)
    np.testing.assert_allclose(squared, [np.eye(2)] * len(matrices), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(matrices), 1)
    np.testing.assert_allclose(matrices @ [3.5, 3.5] + transforms[:, [2, 5]], 3.5)
    assert 29 < np.abs(angles).max() <= 30
    assert abs(angles.mean()) < 5 * 30 / math.sqrt(3 * len(angles))


def test_a_zoom_scales_about_the_centre():
    transforms = np.concatenate([block.geometry for block in drawn(zoom=0.25)]).reshape(-1, 8)
    scales = 1 / transforms[:, 0]

    np.testing.assert_array_equal(transforms[:, 0], transforms[:, 4])
    np.testing.assert_array_equal(transforms[:, [1, 3]], 0)
    np.testing.assert_allclose(3.5 / scales + transforms[:, 2], 3.5)
    assert 0.75 <= scales.min() < 0.76
    assert 1.24 < scales.max() <= 1.25


def test_a_flip_mirrors_columns_half_of_the_time():
    transforms = np.concatenate([block.geometry for block in drawn(flip=True)]).reshape(-1, 8)
    flipped = transforms[:, 0] == -1

    np.testing.assert_array_equal(transforms[flipped], [[-1, 0, 7, 0, 1, 0, 0, 0]] * flipped.sum())
    np.testing.assert_array_equal(transforms[~flipped], [[1, 0, 0, 0, 1, 0, 0, 0]] * (~flipped).sum())
    assert abs(flipped.mean() - 0.5) < 5 / (2 * math.sqrt(len(flipped)))


def test_cutout_squares_are_centred_on_every_pixel_as_often():
    corners = np.concatenate([block.cutout for block in drawn(20, cutout=4)]).reshape(-1, 2)
    values, counts = np.unique(corners, return_counts=True)

    assert list(values) == list(range(-2, 6))
    assert (abs(counts / corners.size - 1 / 8) < 5 * math.sqrt(7 / 64 / corners.size)).all()


def test_augmentation_is_that_of_the_seed_member_and_block_whatever_else_differs():
    used: dict[str, Any] = {"jitter": 0.1, "mixup": 1.0, "shift": 1, "cutout": 2}

    def bits(block: int = 0, **changes: Any) -> bytes:
        arrays = streams.augmentation(replicate(**{**used, **changes}), block, 64, (8, 8))
        return b"".join(array.tobytes() for array in arrays if array is not None)

    assert bits() == bits(l2=0.1, dropout_input=0.5, jitter=0.3) == bits(init=5, bootstrap=1)
    assert len({bits(), bits(1), bits(seed=1), bits(order=1)}) == 4


# Keys


def test_a_replicate_is_known_by_what_its_training_sees():
    asked = {"data": "moons", "hidden": (4,), "seeds": 1}
    config = Config(**asked)
    dataset = load_dataset(config)
    (one,) = replicates(config, dataset)

    unseen = config.replace(patience=3, min_delta=0.1, members=1, member_varies=("order",), seeds=1)
    assert replicates(unseen, dataset)[0].key == one.key
    assert replicates(config.replace(dropout_hidden=(0.0,)), dataset)[0].key == one.key
    for changes in ({"l2": 0.1}, {"seed": 1}, {"epochs": 3}, {"hidden": (5,)}, {"bootstrap": True}):
        assert replicates(Config(**{**asked, **changes}), dataset)[0].key != one.key
    assert replace(one, dataset_key="another").key != one.key


def test_members_vary_in_what_they_are_told_to():
    def told(*varies: Variation, bootstrap: bool = False) -> list[tuple[int, int, int | None]]:
        config = Config(data="moons", seeds=1, members=2, member_varies=varies, bootstrap=bootstrap)
        return [(r.init_member, r.order_member, r.bootstrap_member) for r in replicates(config)]

    assert told() == [(0, 0, None), (0, 0, None)]
    assert told("init") == [(0, 0, None), (1, 0, None)]
    assert told("order") == [(0, 0, None), (0, 1, None)]
    assert told("init", "order", bootstrap=True) == [(0, 0, 0), (1, 1, 1)]
