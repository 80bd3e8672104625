"""`ridge_path`: held against scikit-learn, the eigenvalues and the definition of a minimum."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from regcore.errors import ConfigError
from regcore.ridge_path import TwoWeights, ridge_path, tilted_valley

VALLEY = tilted_valley(1.0, 0.1, 30.0, (1.0, 2.0))
STRENGTHS = (0.0, 0.01, 0.3, 5.0)


def test_a_valley_along_the_axes_has_its_curvatures_on_the_diagonal():
    assert tilted_valley(3.0, 0.5, 0.0, (1.0, 1.0)).curvature == ((3.0, 0.0), (0.0, 0.5))
    np.testing.assert_allclose(
        tilted_valley(3.0, 0.5, 90.0, (1.0, 1.0)).curvature, [[0.5, 0.0], [0.0, 3.0]], atol=1e-15
    )


def test_a_tilted_valley_keeps_its_eigenvalues():
    np.testing.assert_allclose(np.linalg.eigvalsh(np.array(VALLEY.curvature)), [0.1, 1.0])


def test_loss_along_and_across():
    problem = TwoWeights(((2.0, 0.5), (0.5, 1.0)), (1.0, -1.0))
    assert problem.loss([1.0, 2.0, 2.0], [-1.0, -1.0, 0.0]).tolist() == [0.0, 2.0, 4.0]


def test_without_a_penalty_the_minimum_is_the_optimum():
    np.testing.assert_allclose(ridge_path(VALLEY, 0.0), [[1.0, 2.0]])


def test_path_is_that_of_scikit_learn():
    random = np.random.default_rng(5)
    X = random.normal(size=(50, 2)) @ [[1.0, 0.8], [0.0, 0.4]]
    y = X @ [1.5, -0.5] + random.normal(size=50)
    curvature = X.T @ X / 50
    optimum = np.linalg.solve(curvature, X.T @ y / 50)
    problem = TwoWeights(tuple(map(tuple, curvature.tolist())), tuple(optimum.tolist()))
    expected = [
        Ridge(alpha=50 * l2, fit_intercept=False, solver="svd").fit(X, y).coef_ for l2 in STRENGTHS[1:]
    ]
    np.testing.assert_allclose(ridge_path(problem, STRENGTHS[1:]), expected, rtol=1e-10)


def test_each_direction_shrinks_by_its_curvature():
    values, vectors = np.linalg.eigh(np.array(VALLEY.curvature))
    in_directions = ridge_path(VALLEY, STRENGTHS) @ vectors
    factors = values / (values + np.array(STRENGTHS)[:, None])
    np.testing.assert_allclose(in_directions, factors * (np.array(VALLEY.optimum) @ vectors), rtol=1e-12)


@given(st.floats(0, 1e3), st.floats(-1, 1), st.floats(-1, 1))
def test_no_other_point_is_lower(l2, right, up):
    (w,) = ridge_path(VALLEY, l2)

    def objective(first, second):
        return float(VALLEY.loss(first, second)) + l2 * (first**2 + second**2)

    assert objective(*w) <= objective(w[0] + right, w[1] + up) + 1e-9


@pytest.mark.parametrize("l2", [-1.0, math.nan, [0.0, math.inf]])
def test_a_strength_out_of_range_is_named(l2):
    with pytest.raises(ConfigError, match="^l2 must be 0 or more and finite, got "):
        ridge_path(VALLEY, l2)


def test_a_curvature_out_of_range_is_named():
    with pytest.raises(ConfigError, match="^flat must be above 0 and finite, got 0.0$"):
        tilted_valley(1.0, 0.0, 0.0, (1.0, 1.0))
