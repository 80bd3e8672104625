"""Noise on the inputs of a linear model is a penalty on its weights.

Averaged over the noise, Gaussian jitter adds sigma^2 * sum(w^2) to the loss (Bishop 1995), and dropping
inputs at rate r with what is kept divided by p = 1 - r adds (r/p) * sum_j mean(x_j^2) w_j^2 (Wager et al.
2013). A step of gradient descent is linear in the weights, and its noise is drawn anew: so the expected
weights converge to the minimum of the penalised loss itself, at any learning rate that converges.
"""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from tests.theory.training import LINEAR, Floats, learned_whole, probing, standard_errors_off, train

N_ROWS, N_SEEDS = 24, 32
SIGMA, RATE = 0.7, 0.3
# Weights that are a few steps apart are much alike: every tenth, when the first steps are forgotten.
LATE_EPOCHS = range(300, 701, 10)


def rows() -> tuple[Floats, Floats]:
    """Return X [24, 3], centred columns that are correlated and of different sizes, and y with noise."""
    random = np.random.default_rng(2)
    X = random.normal(size=(N_ROWS, 3)) @ [[1.0, 0.6, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, 1.0]]
    X = (X - X.mean(axis=0)) * [1.0, 0.6, 0.4]
    y = X @ [1.0, -2.0, 3.0] + random.normal(size=N_ROWS)
    return X, y


def late_weights(dataset, **settings):
    """Return the weights of every seed, averaged over late epochs, [32, 3]."""
    config = LINEAR.replace(batch_size=N_ROWS, epochs=LATE_EPOCHS[-1], seeds=N_SEEDS, **settings)
    trained = train(dataset, config, plan=probing(LATE_EPOCHS))
    return trained.kernels_at()[..., 0].mean(axis=0)


@pytest.fixture(scope="module")
def jittered():
    dataset = learned_whole(*rows())
    return dataset.split(0), late_weights(dataset, learning_rate=0.1, jitter=SIGMA)


@pytest.fixture(scope="module")
def dropped():
    """Columns keep their different sizes, without which dropout is nothing but ridge."""
    dataset = learned_whole(*rows(), as_images=True)
    return dataset.split(0), late_weights(dataset, learning_rate=0.8, dropout_input=RATE)


def dropout_solution(split, strength):
    X, y = split.X_train, split.y_train
    return np.linalg.solve(X.T @ X + strength * np.diag(np.sum(X**2, axis=0)), X.T @ y)


def test_jitter_tends_to_ridge_with_alpha_n_sigma_squared(jittered):
    split, weights = jittered
    ridge = Ridge(alpha=N_ROWS * SIGMA**2).fit(split.X_train, split.y_train)
    assert standard_errors_off(weights, ridge.coef_) < 4


@pytest.mark.parametrize("alpha", [N_ROWS * SIGMA**2 / 2, N_ROWS * SIGMA**2 * 2, N_ROWS * SIGMA, 1e-9])
def test_jitter_tends_to_no_other_ridge(jittered, alpha):
    split, weights = jittered
    ridge = Ridge(alpha=alpha).fit(split.X_train, split.y_train)
    assert standard_errors_off(weights, ridge.coef_) > 12


def test_dropped_inputs_tend_to_a_penalty_scaled_by_each_column(dropped):
    split, weights = dropped
    assert standard_errors_off(weights, dropout_solution(split, RATE / (1 - RATE))) < 4


OTHER_STRENGTHS = [RATE, (1 - RATE) / RATE, RATE / (1 - RATE) ** 2, 2 * RATE / (1 - RATE), 0.0]


@pytest.mark.parametrize("strength", OTHER_STRENGTHS)
def test_dropped_inputs_tend_to_no_other_strength(dropped, strength):
    split, weights = dropped
    assert standard_errors_off(weights, dropout_solution(split, strength)) > 12


def test_dropped_inputs_are_not_ridge(dropped):
    split, weights = dropped
    # The same penalty on average over columns, but the same for each.
    alpha = RATE / (1 - RATE) * np.mean(np.sum(split.X_train**2, axis=0))
    assert standard_errors_off(weights, Ridge(alpha=alpha).fit(split.X_train, split.y_train).coef_) > 12


@pytest.mark.parametrize("as_images, learning_rate", [(False, 0.1), (True, 0.8)], ids=["jittered", "dropped"])
def test_without_noise_every_seed_forgets_its_start(as_images, learning_rate):
    dataset = learned_whole(*rows(), as_images=as_images)
    config = LINEAR.replace(learning_rate=learning_rate, batch_size=N_ROWS, epochs=LATE_EPOCHS[0], seeds=3)
    split = dataset.split(0)
    expected = LinearRegression().fit(split.X_train, split.y_train).coef_
    np.testing.assert_allclose(train(dataset, config).kernel, [expected] * 3, atol=1e-4)
