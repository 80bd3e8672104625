"""Stopping early is a filter on directions of the data.

Gradient descent on a linear model from zero, all rows in each step, has after t steps the weights
w_t = Q [I - (I - eps * Lambda)^t] Q' w*, with 2 X'X / n = Q Lambda Q' and w* those of least squares
(Goodfellow et al. 2016, equation 7.40): directions of large eigenvalue are learned first.
"""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from tests.theory.training import LINEAR, learned_whole, probing, train

N_ROWS, RATE = 30, 0.2
EPOCHS = (0, 1, 2, 5, 20, 100, 400)


@pytest.fixture(scope="module")
def line():
    """Return scaled X and y of correlated columns, and the weights after each of EPOCHS, [epochs, 4]."""
    random = np.random.default_rng(4)
    X = random.normal(size=(N_ROWS, 4)) @ [[1, 0.9, 0.5, 0], [0, 0.4, 0.5, 0], [0, 0, 0.7, 0.3], [0, 0, 0, 1]]
    dataset = learned_whole(X, X @ [1.0, -1.0, 2.0, 0.5] + random.normal(size=N_ROWS))
    config = LINEAR.replace(initializer="zeros", learning_rate=RATE, batch_size=N_ROWS, epochs=EPOCHS[-1])
    split = dataset.split(0)
    return split.X_train, split.y_train, train(dataset, config, plan=probing(EPOCHS)).kernels_at()[:, 0, :, 0]


def filtered(X, y, curvature, t):
    eigenvalues, Q = np.linalg.eigh(curvature * X.T @ X / len(X))
    w = LinearRegression().fit(X, y).coef_
    return Q @ ((1 - (1 - RATE * eigenvalues) ** t) * (Q.T @ w))


@pytest.mark.parametrize("at", range(len(EPOCHS)), ids=[f"epoch {epoch}" for epoch in EPOCHS])
def test_weights_are_least_squares_filtered(line, at):
    X, y, weights = line
    np.testing.assert_allclose(weights[at], filtered(X, y, 2, EPOCHS[at]), atol=1e-12)


@pytest.mark.parametrize("curvature", [1, 4])
def test_the_curvature_is_that_of_a_mean_square_without_one_half(line, curvature):
    X, y, weights = line
    assert np.abs(weights[3] - filtered(X, y, curvature, EPOCHS[3])).max() > 0.01


def test_directions_of_large_eigenvalue_are_learned_first(line):
    X, y, weights = line
    eigenvalues, Q = np.linalg.eigh(2 * X.T @ X / len(X))
    learned = (Q.T @ weights[3]) / (Q.T @ LinearRegression().fit(X, y).coef_)
    assert eigenvalues[-1] / eigenvalues[0] > 10
    np.testing.assert_allclose(learned, 1 - (1 - RATE * eigenvalues) ** 5, atol=1e-10)
    assert list(np.argsort(learned)) == [0, 1, 2, 3]
