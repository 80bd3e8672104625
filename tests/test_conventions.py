"""`strength`: one penalty in every convention, held against scikit-learn and Keras themselves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from regcore.conventions import CONVENTIONS, Strength, strength
from regcore.errors import ConfigError

WEIGHTS = np.array([[0.5, -2.0], [1.0, 0.25]], dtype=np.float32)
SUM_OF_SQUARES = 5.3125


@pytest.mark.parametrize(
    "value, convention",
    [(0.01, "keras"), (0.01, "article"), (0.02, "book"), (4.0, "ridge"), (0.02, "decay")],
)
def test_the_same_penalty_by_any_name(value, convention):
    assert strength(value, convention, 400) == pytest.approx(Strength(0.01, 0.01, 0.02, 4.0, 0.02))


def test_keras_adds_as_much_as_the_article_and_the_book():
    from keras.regularizers import L2

    found = strength(0.03, "keras", 7)
    added = float(L2(found.keras)(WEIGHTS))
    assert added == pytest.approx(found.article * SUM_OF_SQUARES, rel=1e-6)
    assert added == pytest.approx(found.book / 2 * SUM_OF_SQUARES, rel=1e-6)


def test_ridge_finds_the_minimum_of_mean_loss_plus_penalty():
    random = np.random.default_rng(0)
    X = random.normal(size=(30, 4))
    y = X @ [1.0, -2.0, 0.0, 3.0] + random.normal(size=30)
    found = strength(0.2, "keras", len(y))
    w = Ridge(alpha=found.ridge, fit_intercept=False).fit(X, y).coef_
    gradient = 2 * X.T @ (X @ w - y) / len(y) + 2 * found.keras * w
    np.testing.assert_allclose(gradient, 0.0, atol=1e-12)


def test_decay_is_one_step_of_gradient_descent_on_the_penalty():
    found, w, learning_rate = strength(0.2, "keras", 5), 1.5, 0.1
    assert w - learning_rate * 2 * found.keras * w == pytest.approx(w - learning_rate * found.decay * w)


@given(st.floats(0, 1e6), st.sampled_from(CONVENTIONS), st.integers(1, 60_000))
def test_there_and_back(value, convention, n_train):
    there = strength(value, convention, n_train)
    for other in CONVENTIONS:
        back = strength(getattr(there, other), other, n_train)
        assert getattr(back, convention) == pytest.approx(value)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, True, "0.1"])
def test_a_value_out_of_range_is_named(value):
    with pytest.raises(ConfigError, match="^value must be 0 or more and finite, got "):
        strength(value, "keras", 10)


def test_rows_and_convention_out_of_range_are_named():
    with pytest.raises(ConfigError, match="^n_train must be 1 or more rows, got 0$"):
        strength(0.1, "keras", 0)
    with pytest.raises(ConfigError, match="^convention must be one of keras, article, book, ridge, decay"):
        strength(0.1, "torch", 10)
