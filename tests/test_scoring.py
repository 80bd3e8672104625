"""Losses and errors against scikit-learn, closed forms, and logits too large for exp."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from sklearn.metrics import (
    brier_score_loss,
    log_loss,
    mean_absolute_error,
    root_mean_squared_error,
    zero_one_loss,
)

from regcore.errors import ConfigError, DataError
from regcore.scoring import log_probabilities, mean_prediction, metric_names, noise_floor, score

rng = np.random.default_rng(0)


def softmax(logits):
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def test_binary_scores_are_those_of_scikit_learn():
    logits, y = rng.normal(0, 2, (200, 1)), rng.integers(0, 2, 200)
    p = sigmoid(logits[:, 0])
    found = score(logits, y, "binary")
    assert found == pytest.approx(
        {"loss": log_loss(y, p), "error": zero_one_loss(y, p > 0.5), "brier": brier_score_loss(y, p)},
        rel=1e-12,
    )


def test_multiclass_scores_are_those_of_scikit_learn():
    logits, y = rng.normal(0, 2, (200, 4)), rng.integers(0, 4, 200)
    p = softmax(logits)
    found = score(logits, y, "multiclass")
    assert found == pytest.approx(
        {
            "loss": log_loss(y, p),
            "error": zero_one_loss(y, p.argmax(axis=1)),
            "brier": brier_score_loss(y, p, scale_by_half=False, labels=[0, 1, 2, 3]),
        },
        rel=1e-12,
    )


def test_regression_scores_are_those_of_scikit_learn_in_own_units():
    outputs, y = rng.normal(size=(50, 1)), rng.normal(size=50)
    found = score(outputs, y, "regression", y_scale=3.0)
    own, predicted = 10 + 3 * y, 10 + 3 * outputs[:, 0]
    assert found == pytest.approx(
        {
            "loss": np.mean((outputs[:, 0] - y) ** 2),
            "mae": mean_absolute_error(own, predicted),
            "rmse": root_mean_squared_error(own, predicted),
        },
        rel=1e-12,
    )


def test_scores_come_in_the_order_of_their_names():
    assert tuple(score([1.0], [1], "binary")) == metric_names("binary") == ("loss", "error", "brier")
    assert tuple(score([1.0], [1.0], "regression")) == metric_names("regression") == ("loss", "mae", "rmse")


def test_a_logit_of_ten_thousand_neither_overflows_nor_is_clipped():
    found = score([[1e4], [-1e4]], [0, 0], "binary")
    assert found == {"loss": 5000.0, "error": 0.5, "brier": 0.5}
    assert score([[1e4, 0.0, -1e4]], [2], "multiclass") == {"loss": 20000.0, "error": 1.0, "brier": 2.0}


def test_the_loss_of_a_sure_network_is_tiny_not_zero():
    assert score([[60.0]], [1], "binary")["loss"] == pytest.approx(math.exp(-60), rel=1e-12)
    assert score([[80.0, 0.0, 0.0]], [0], "multiclass")["loss"] == pytest.approx(2 * math.exp(-80), rel=1e-12)


def test_a_right_and_certain_network_has_loss_zero():
    assert score([[1e4]], [1], "binary") == {"loss": 0.0, "error": 0.0, "brier": 0.0}


def test_a_tie_goes_to_the_first_class():
    assert score([[0.0], [0.0]], [0, 1], "binary")["error"] == 0.5
    assert score([[1.0, 1.0], [1.0, 1.0]], [0, 1], "multiclass")["error"] == 0.5


@pytest.mark.parametrize("output", [math.nan, math.inf])
def test_an_output_that_is_no_number_makes_every_metric_nan(output):
    assert all(math.isnan(value) for value in score([[output, 0.0]], [1], "multiclass").values())


def test_a_diverged_regression_is_not_finite():
    assert all(math.isnan(value) for value in score([math.nan, 1.0], [0.0, 1.0], "regression").values())
    assert score([1e200], [0.0], "regression")["loss"] == math.inf


def test_probabilities_are_averaged_not_logits():
    members = [np.array([[0.0]]), np.array([[2.0]]), np.array([[-5.0]])]
    y = [1]
    mean_p = np.mean([sigmoid(member[0, 0]) for member in members])
    found = score(mean_prediction(members, "binary"), y, "binary")
    assert found == pytest.approx(
        {"loss": -math.log(mean_p), "error": 1.0, "brier": (1 - mean_p) ** 2}, rel=1e-12
    )


def test_the_multiclass_average_is_the_mean_of_probabilities():
    members = rng.normal(0, 3, (5, 20, 3))
    mean_p = np.mean([softmax(member) for member in members], axis=0)
    assert_allclose(np.exp(mean_prediction(members, "multiclass")), mean_p, rtol=1e-12)


def test_one_member_averages_to_itself():
    logits = rng.normal(0, 3, (20, 1))
    assert_allclose(mean_prediction([logits], "binary"), logits, rtol=1e-12)


def test_regression_members_average_their_values():
    assert mean_prediction([np.array([[1.0]]), np.array([[4.0]])], "regression").tolist() == [[2.5]]


def test_the_loss_of_a_mean_of_sure_members_is_exact():
    # Two members, sure of the wrong class by 1e4 and 5e3: log of the mean of e^-1e4 and e^-5e3.
    found = score(mean_prediction([[[1e4]], [[5e3]]], "binary"), [0], "binary")
    assert found["loss"] == pytest.approx(5e3 + math.log(2), rel=1e-15)


logit_arrays = arrays(np.float64, (3, 4, 3), elements=st.floats(-1e4, 1e4))


@given(logit_arrays)
def test_the_loss_of_the_mean_is_at_most_the_mean_loss(members):
    y = [0, 1, 2, 0]
    mean_loss = np.mean([score(member, y, "multiclass")["loss"] for member in members])
    assert score(mean_prediction(members, "multiclass"), y, "multiclass")["loss"] <= mean_loss + 1e-9 * (
        1 + mean_loss
    )


@given(logit_arrays)
def test_probabilities_sum_to_one(members):
    assert_allclose(np.exp(log_probabilities(members[0], "multiclass")).sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize(
    ("outputs", "y"), [(np.zeros((3, 1)), [0, 1]), (np.zeros((0, 1)), []), (np.zeros((2, 1)), [[0], [1]])]
)
def test_rows_that_do_not_match_are_refused(outputs, y):
    with pytest.raises(DataError, match="outputs must have one row for each y"):
        score(outputs, y, "binary")


def test_an_ensemble_without_members_is_refused():
    with pytest.raises(DataError, match="at least one member"):
        mean_prediction([], "binary")


def test_the_floor_of_30_percent_noise_over_ten_classes_is_27_percent_error():
    floor = noise_floor(0.3, 10)
    assert floor.error == pytest.approx(0.27)
    assert floor.loss == pytest.approx(-0.73 * math.log(0.73) - 0.27 * math.log(0.03))
    assert floor.brier == pytest.approx(1 - 0.73**2 - 9 * 0.03**2)


@pytest.mark.parametrize(("n_classes", "task"), [(2, "binary"), (5, "multiclass")])
def test_the_floor_is_what_a_perfect_network_scores(n_classes, task):
    wrong = 0.4 * (n_classes - 1) / n_classes
    # Every label a row of true class 0 can carry, as often as it does.
    counts = np.round(1000 * np.array([1 - wrong] + [wrong / (n_classes - 1)] * (n_classes - 1))).astype(int)
    log_p = np.log(counts / counts.sum())
    outputs = log_p[1:] - log_p[:1] if task == "binary" else log_p
    y = np.repeat(np.arange(n_classes), counts)
    found = score(np.tile(outputs, (len(y), 1)), y, task)
    assert tuple(found[name] for name in ("error", "loss", "brier")) == pytest.approx(
        noise_floor(0.4, n_classes)
    )


def test_clean_labels_allow_a_perfect_score():
    assert noise_floor(0.0, 3) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((1.5, 3), "label_noise"), ((math.nan, 3), "label_noise"), ((0.1, 1), "n_classes")],
)
def test_a_floor_that_makes_no_sense_is_refused(arguments, name):
    with pytest.raises(ConfigError, match=f"^{name} must be"):
        noise_floor(*arguments)
