"""Made-up data sets: formulas, noise, and rows that stay the same ones."""

import numpy as np
import pytest

from regcore.data import generators

MAKERS = [
    generators.make_moons,
    generators.make_circles,
    generators.make_spirals,
    generators.make_xor,
    generators.make_blobs,
    generators.make_sine,
    generators.make_article_binary,
    generators.make_article_regression,
]
each_maker = pytest.mark.parametrize("make", MAKERS, ids=[make.__name__ for make in MAKERS])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@each_maker
def test_more_rows_begin_with_the_fewer(make):
    few, many = make(40, 0.3, rng()), make(100, 0.3, rng())
    np.testing.assert_array_equal(many[0][:40], few[0])
    np.testing.assert_array_equal(many[1][:40], few[1])


@each_maker
def test_seeds_give_different_rows(make):
    assert not np.array_equal(make(20, 0.3, rng(0))[0], make(20, 0.3, rng(1))[0])


@each_maker
def test_features_are_floats_and_labels_whole(make):
    X, y = make(20, 0.3, rng())
    assert X.dtype == np.float64
    assert y.dtype == (np.float64 if make in (MAKERS[5], MAKERS[7]) else np.int64)


@pytest.mark.parametrize("make", MAKERS[:5], ids=[make.__name__ for make in MAKERS[:5]])
def test_noise_moves_each_point_by_a_normal_distance(make):
    clean, noisy = make(4000, 0.0, rng()), make(4000, 0.5, rng())
    moved = noisy[0] - clean[0]
    assert moved.std(axis=0) == pytest.approx([0.5, 0.5], rel=0.05)
    assert moved.mean(axis=0) == pytest.approx([0, 0], abs=0.03)
    np.testing.assert_array_equal(noisy[1], clean[1])


@pytest.mark.parametrize("make", MAKERS[:5], ids=[make.__name__ for make in MAKERS[:5]])
def test_classes_are_balanced(make):
    counts = np.bincount(make(402, 0.3, rng())[1])
    assert counts.max() - counts.min() <= 2


def test_moons_lie_on_half_circles():
    X, y = generators.make_moons(100, 0.0, rng())
    upper, lower = X[y == 0], X[y == 1] - [1, 0.5]
    np.testing.assert_allclose(np.hypot(*upper.T), 1)
    np.testing.assert_allclose(np.hypot(*lower.T), 1)
    assert (upper[:, 1] >= 0).all() and (lower[:, 1] <= 0).all()


def test_circles_have_radius_one_and_two():
    X, y = generators.make_circles(100, 0.0, rng())
    np.testing.assert_allclose(np.hypot(*X.T), 1 + y)


def test_spiral_arms_are_half_a_turn_apart():
    X, y = generators.make_spirals(500, 0.0, rng())
    radius, angle = np.hypot(*X.T), np.arctan2(X[:, 1], X[:, 0])
    np.testing.assert_allclose(np.cos(angle - np.pi * radius - np.pi * y), 1)
    assert radius.max() <= 3


def test_xor_is_the_product_of_signs():
    X, y = generators.make_xor(200, 0.0, rng())
    np.testing.assert_array_equal(y, X[:, 0] * X[:, 1] < 0)
    assert np.abs(X).max() <= 2


def test_blobs_without_noise_are_corners_of_a_unit_square():
    X, y = generators.make_blobs(8, 0.0, rng())
    assert X[:4].tolist() == [[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]]
    assert y[:4].tolist() == [0, 1, 2, 3]


def test_sine_is_a_sine_plus_noise():
    x, y = generators.make_sine(4000, 0.2, rng())
    error = y - np.sin(x[:, 0])
    assert error.std() == pytest.approx(0.2, rel=0.05)
    assert np.abs(x).max() <= np.pi


def test_article_binary_without_noise_is_decided_by_two_features():
    X, y = generators.make_article_binary(500, 0.0, rng())
    np.testing.assert_array_equal(y, X[:, 0] + X[:, 1] > 0)


@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_the_true_rule_of_article_binary_is_wrong_as_often_as_stated(noise):
    X, y = generators.make_article_binary(40_000, noise, rng())
    assert np.mean((X[:, 0] + X[:, 1] > 0) != y) == pytest.approx(np.arctan(noise) / np.pi, abs=0.005)


def test_nothing_predicts_the_target_of_article_regression():
    X, y = generators.make_article_regression(40_000, 0.3, rng())
    correlations = np.corrcoef(np.column_stack([X, y]), rowvar=False)[-1, :-1]
    assert np.abs(correlations).max() < 4 / np.sqrt(40_000)
    # The best constant, the mean, leaves the variance of a uniform target.
    assert y.var() == pytest.approx(1 / 12, rel=0.02)


def test_a_linear_model_of_article_regression_is_worse_than_the_mean():
    X, y = generators.make_article_regression(1500, 0.3, rng())
    design = np.column_stack([np.ones(1500), X])
    coefficients = np.linalg.lstsq(design[:1000], y[:1000])[0]
    errors = y[1000:] - design[1000:] @ coefficients
    assert np.mean(errors**2) > np.mean((y[1000:] - y[:1000].mean()) ** 2)
