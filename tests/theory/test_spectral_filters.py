"""The shrinkage of stopping early and of L2, measured on real trainings in double precision."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from regcore import spectral_filters
from regcore.config import Config
from regcore.errors import ConfigError
from regcore.results import Recording, Result, Weights
from regcore.spectral_filters import (
    directions,
    matching_l2,
    ridge_factors,
    ridge_filter,
    stopped_factors,
    stopping_filter,
)
from tests.theory.training import LINEAR, learned_whole, probing, train

N_ROWS, RATE, L2 = 30, 0.1, 0.05
STEPS = (1, 5, 60)


@pytest.fixture(scope="module")
def dataset():
    random = np.random.default_rng(4)
    X = random.normal(size=(N_ROWS, 4)) @ [[1, 0.9, 0.5, 0], [0, 0.4, 0.5, 0], [0, 0, 0.7, 0.3], [0, 0, 0, 1]]
    return learned_whole(X, X @ [1.0, -1.0, 2.0, 0.5] + random.normal(size=N_ROWS))


def full_batch(**fields):
    return LINEAR.replace(initializer="zeros", learning_rate=RATE, batch_size=N_ROWS, **fields)


def result_of(config, dataset, kernel):
    """Return a result whose last weights are these."""
    weights = Weights((kernel,), (np.zeros(1),))
    recording = Recording("", np.zeros((config.epochs, 12)), checkpoints={config.epochs: weights})
    return Result(config, dataset, {(0, 0): recording})


def test_filters_by_hand():
    np.testing.assert_allclose(stopping_filter([0.0, 1.0, 5.0], 0.1, 2), [0.0, 0.19, 0.75])
    np.testing.assert_allclose(ridge_filter([0.0, 1.0, 5.0], 0.5), [0.0, 0.5, 5 / 6])
    np.testing.assert_allclose(ridge_filter([0.0, 1.0], 0.0), [1.0, 1.0])
    assert matching_l2(0.1, 50) == 0.1


def test_both_filters_are_alike_where_little_is_learned():
    eigenvalues = np.array([1e-6, 1e-5])
    stopped, ridge = (
        stopping_filter(eigenvalues, 0.05, 40),
        ridge_filter(eigenvalues, matching_l2(0.05, 40)),
    )
    np.testing.assert_allclose(stopped, ridge, rtol=1e-4)


def test_weights_stopped_at_any_step_lie_on_the_filter(dataset):
    config = full_batch(epochs=STEPS[-1])
    kernels = train(dataset, config, plan=probing(STEPS)).kernels_at()[:, 0]
    run = result_of(config, dataset, kernels[-1])
    for steps, kernel in zip(STEPS, kernels, strict=True):
        found = stopped_factors(run, 0, kernel, steps)
        np.testing.assert_allclose(found.measured, found.theory, atol=1e-10)
        assert found.eigenvalues == tuple(sorted(found.eigenvalues))


def test_weights_of_a_converged_penalty_lie_on_the_other(dataset):
    config = full_batch(epochs=1500, l2=L2, momentum=0.9)
    found = ridge_factors(result_of(config, dataset, train(dataset, config).state.kernels[0][0]), 0)
    np.testing.assert_allclose(found.measured, found.theory, atol=1e-9)


def test_scikit_learn_shrinks_as_the_filters_say(dataset):
    split, run = dataset.split(0), result_of(full_batch(), dataset, np.zeros((4, 1)))
    found = directions(run, 0)
    least_squares = LinearRegression().fit(split.X_train, split.y_train).coef_
    ridge = Ridge(alpha=N_ROWS * L2).fit(split.X_train, split.y_train).coef_

    np.testing.assert_allclose(found.least_squares, found.vectors.T @ least_squares, atol=1e-10)
    np.testing.assert_allclose(
        found.vectors.T @ ridge, ridge_filter(found.eigenvalues, L2) * found.least_squares, atol=1e-10
    )


def test_other_conventions_of_the_penalty_do_not_fit(dataset):
    config = full_batch(epochs=1500, l2=L2, momentum=0.9)
    found = ridge_factors(result_of(config, dataset, train(dataset, config).state.kernels[0][0]), 0)
    for wrong in (L2 / 2, 2 * L2):
        assert np.abs(ridge_filter(found.eigenvalues, wrong) - found.measured).max() > 0.01


def test_probe_records_weights():
    assert spectral_filters.weights_probe((3, 9)) == spectral_filters.Probe("weights", "weights", (3, 9))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: stopping_filter([-1.0], 0.1, 1), "eigenvalues"),
        (lambda: stopping_filter([1.0], 0.0, 1), "learning_rate"),
        (lambda: stopping_filter([1.0], 0.1, -1), "steps"),
        (lambda: ridge_filter([1.0], -0.1), "l2"),
        (lambda: matching_l2(0.0, 1), "learning_rate"),
        (lambda: matching_l2(0.1, 0), "steps"),
    ],
)
def test_an_impossible_argument_is_named(call, name):
    with pytest.raises(ConfigError, match=f"^{name} must be "):
        call()


@pytest.mark.parametrize("config", [Config(hidden=(4,)), Config(hidden=())])
def test_directions_are_of_a_linear_regression(config):
    from regcore.data import load_dataset

    with pytest.raises(ConfigError, match="^result must be of a linear model"):
        directions(Result(config, load_dataset(config), {}), 0)
