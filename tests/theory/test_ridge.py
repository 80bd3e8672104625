"""L2 on a linear model is ridge regression, once the units are translated.

The objective is mean((y - Xw - b)^2) + l2 * sum(w^2); n times that is what scikit-learn's `Ridge` minimises
with alpha = n * l2 (Hoerl and Kennard 1970). For log-loss, `LogisticRegression` minimises sum(w^2) / 2 + C
* sum(loss), so C = 1 / (2 * n * l2).
"""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from tests.theory.training import LINEAR, Floats, learned_whole, train

L2 = (0.01, 0.1, 1.0)
N_ROWS = 40


def rows() -> tuple[Floats, Floats]:
    """Return X [40, 5], columns of different means and sizes, and y with noise."""
    random = np.random.default_rng(1)
    X = random.normal(size=(N_ROWS, 5)) * [1.0, 0.5, 1.0, 2.0, 1.0] + [0.0, 1.0, -1.0, 0.5, 0.0]
    return X, X @ [1.0, -2.0, 0.5, 0.0, 3.0] + random.normal(size=N_ROWS)


def converged(dataset, l2_values=L2):
    config = LINEAR.replace(learning_rate=0.2, momentum=0.9, batch_size=N_ROWS, epochs=1500)
    return train(dataset, *(config.replace(l2=l2) for l2 in l2_values))


@pytest.fixture(scope="module", params=[False, True], ids=["standardized", "with an intercept"])
def regression(request):
    """Columns with means of their own need an intercept, which no penalty may touch."""
    dataset = learned_whole(*rows(), as_images=request.param)
    return dataset.split(0), converged(dataset)


@pytest.mark.parametrize("index", range(len(L2)))
def test_converged_l2_is_ridge_with_alpha_n_times_l2(regression, index):
    split, trained = regression
    ridge = Ridge(alpha=N_ROWS * L2[index]).fit(split.X_train, split.y_train)
    np.testing.assert_allclose(trained.kernel[index], ridge.coef_, atol=1e-9)
    np.testing.assert_allclose(trained.bias[index], ridge.intercept_, atol=1e-9)


@pytest.mark.parametrize("factor", [0.5, 2.0], ids=["one half", "twice"])
def test_no_other_alpha_fits(regression, factor):
    split, trained = regression
    for index, l2 in enumerate(L2):
        other = Ridge(alpha=factor * N_ROWS * l2).fit(split.X_train, split.y_train)
        assert np.abs(trained.kernel[index] - other.coef_).max() > 1e-3


def test_the_intercept_of_uncentred_columns_is_not_zero():
    split = learned_whole(*rows(), as_images=True).split(0)
    assert abs(Ridge(alpha=N_ROWS * L2[0]).fit(split.X_train, split.y_train).intercept_) > 0.1


def test_objective_is_data_loss_plus_penalty(regression):
    split, trained = regression
    objective, penalty, weight_norm, train_loss = trained.rows.history[:, -1, :4].T
    squares = np.sum(trained.kernel**2, axis=1)
    residuals = trained.kernel @ split.X_train.T + trained.bias[:, None] - split.y_train
    np.testing.assert_allclose(penalty, L2 * squares, rtol=1e-12)
    np.testing.assert_allclose(weight_norm, np.sqrt(squares), rtol=1e-12)
    np.testing.assert_allclose(train_loss, np.mean(residuals**2, axis=1), rtol=1e-12)
    # Of the epoch before its step; at the minimum that is the same.
    np.testing.assert_allclose(objective, train_loss + penalty, rtol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_converged_l2_is_penalised_logistic_regression(n_classes):
    X, y = rows()
    labels = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    dataset = learned_whole(X, labels, "binary" if n_classes == 2 else "multiclass")
    split, trained = dataset.split(0), converged(dataset)
    for index, l2 in enumerate(L2):
        independent = LogisticRegression(C=1 / (2 * N_ROWS * l2), tol=1e-10, max_iter=10_000)
        independent.fit(split.X_train, split.y_train)
        np.testing.assert_allclose(trained.state.kernels[0][index].T, independent.coef_, atol=1e-6)
