"""The estimators: scikit-learn's own checks, closed forms, and the lab's trainings they must equal."""

import inspect
import multiprocessing
import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from regcore import (
    Config,
    Dataset,
    RegularizedClassifier,
    RegularizedRegressor,
    early_stopping,
    estimators,
    train,
)
from regcore.errors import ConfigError, DataError
from regcore.estimators import CONFIG_PARAMETERS
from regcore.execution import service, start_workers
from regcore.execution.local import ThisProcess
from tests.test_imports import loaded_by

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
# Little, and not at all at the minimum: bits differ wherever anything differs.
QUICK: dict[str, Any] = {"hidden": (8,), "epochs": 6, "dropout_hidden": 0.2, "random_state": 3}


@pytest.fixture(scope="module", autouse=True)
def _workers() -> None:
    # The fits of this file and its own trainings then share one worker, as they do in a session.
    start_workers()


@pytest.fixture(scope="module")
def classifier() -> RegularizedClassifier:
    return RegularizedClassifier(**QUICK).fit(*IRIS)


@pytest.fixture(scope="module")
def patient() -> RegularizedClassifier:
    """Return one that stops early, a few epochs after its best."""
    return RegularizedClassifier(
        hidden=(32,),
        learning_rate=0.1,
        epochs=80,
        patience=4,
        members=2,
        validation_fraction=0.2,
        random_state=1,
    ).fit(*IRIS)


@pytest.mark.parametrize(
    "estimator", [RegularizedClassifier(), RegularizedRegressor()], ids=["classifier", "regressor"]
)
def test_scikit_learns_checks_pass(estimator):
    done = check_estimator(estimator, on_skip=None)
    skipped = {check["check_name"] for check in done if check["status"] != "passed"}
    # Skipped by scikit-learn itself where array libraries beside numpy are not installed.
    assert all("array_api" in name for name in skipped)


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [
        RegularizedClassifier(patience=20, members=2, dropout_hidden=0.1),
        RegularizedRegressor(patience=20, members=2, dropout_hidden=0.1),
    ],
    ids=["classifier", "regressor"],
)
def test_scikit_learns_checks_pass_with_stopping_dropout_and_an_ensemble(estimator):
    check_estimator(estimator, on_skip=None)


@pytest.mark.parametrize("estimator", [RegularizedClassifier, RegularizedRegressor])
def test_parameters_are_fields_of_config_with_its_defaults(estimator):
    defaults = {name: p.default for name, p in inspect.signature(estimator).parameters.items()}
    own = {"validation_fraction": 0.1, "image_shape": None, "random_state": None}
    assert defaults == {**{name: getattr(Config(), name) for name in CONFIG_PARAMETERS}, **own}


def test_fields_that_are_no_parameters_are_those_of_data_and_repetition():
    others = Config.model_fields.keys() - set(CONFIG_PARAMETERS)
    assert others == {"data", "n_train", "n_val", "noise", "label_noise", "data_seed", "seeds", "seed"}


def test_weights_are_those_of_the_labs_own_training(classifier):
    X, y = IRIS
    dataset = Dataset.without_test(X, y, task="multiclass")
    result = train(classifier.config_, dataset)

    assert classifier.config_ == Config(hidden=(8,), epochs=6, dropout_hidden=0.2, seeds=1, seed=3)
    expected = result.weights(seed=3)
    for layer, other in zip((*classifier.weights_[0].kernels, *classifier.weights_[0].biases),
                            (*expected.kernels, *expected.biases), strict=True):  # fmt: skip
        assert_array_equal(layer, other)
    assert_array_equal(classifier.history_["train_loss"], result.history["train_loss"])
    # Of the rows in the order they were trained in, by TensorFlow in float32.
    logits = result.outputs(seed=3, split="train")
    by_engine = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_allclose(classifier.predict_proba(X[dataset.rows(3).train]), by_engine, rtol=1e-4, atol=1e-6)


def test_regression_predicts_in_the_units_of_y():
    X, y = DIABETES
    model = RegularizedRegressor(**QUICK).fit(X, y * 1000 + 7)
    shown = model.history_["train_mae"].iloc[-1]
    assert np.abs(model.predict(X) - (y * 1000 + 7)).mean() == pytest.approx(shown, rel=1e-4)


def test_all_rows_are_trained_on_and_none_is_validated_on(classifier):
    X, _ = IRIS
    assert_allclose(classifier.shift_, X.mean(axis=0))
    assert_allclose(classifier.scale_, X.std(axis=0))
    assert list(classifier.history_) == [
        "member", "epoch", "objective", "penalty", "train_loss", "train_error", "weight_norm"
    ]  # fmt: skip
    assert (classifier.n_iter_, classifier.restored_epochs_) == (6, [6])


def test_a_patience_sets_validation_rows_aside_and_restores_the_best_weights(patient):
    X, y = IRIS
    dataset = Dataset.without_test(X, y, task="multiclass", n_val=30)
    whole = train(patient.config_, dataset)

    stops = []
    for member, weights in enumerate(patient.weights_):
        curve = whole.history.query("member == @member")["val_loss"].to_numpy()
        stops.append(early_stopping.replay(curve, patience=4))
        expected = whole.weights(seed=1, member=member, epoch=stops[-1].restored_epoch)
        assert_array_equal(weights.kernels[0], expected.kernels[0])
        history = patient.history_.query("member == @member")
        assert_array_equal(history["val_loss"], curve[: stops[-1].stopped_epoch])
    assert patient.restored_epochs_ == [stop.restored_epoch for stop in stops]
    assert patient.n_iter_ == max(stop.stopped_epoch for stop in stops)
    assert patient.n_iter_ < 80


def test_members_are_averaged_in_probability(patient):
    X, _ = IRIS
    each = []
    for weights in patient.weights_:
        hidden = np.maximum((X - patient.shift_) / patient.scale_ @ weights.kernels[0] + weights.biases[0], 0)
        powers = np.exp(hidden @ weights.kernels[1] + weights.biases[1])
        each.append(powers / powers.sum(axis=1, keepdims=True))
    assert not np.allclose(*each)
    assert_allclose(patient.predict_proba(X), np.mean(each, axis=0), rtol=1e-9, atol=1e-12)
    assert_array_equal(patient.predict(X), np.mean(each, axis=0).argmax(axis=1))


def test_many_rows_are_predicted_in_blocks(classifier, monkeypatch):
    X, _ = IRIS
    expected = classifier.predict_proba(X)
    monkeypatch.setattr(estimators, "_ROWS_PER_BLOCK", 7)
    assert_allclose(classifier.predict_proba(X), expected, rtol=1e-12)


def test_a_linear_model_with_l2_is_ridge_regression():
    X, y = DIABETES
    model = RegularizedRegressor(
        hidden=(), l2=0.05, batch_size=442, learning_rate=0.02, epochs=600, random_state=0
    ).fit(X, y)
    # The engine's mean of squares + l2 * w^2, times n, is Ridge's sum of squares + alpha * w^2.
    ridge = make_pipeline(StandardScaler(), Ridge(alpha=0.05 * len(X))).fit(X, y)
    assert_allclose(model.predict(X), ridge.predict(X), rtol=1e-3)


def test_a_linear_classifier_with_l2_is_logistic_regression():
    X, y = IRIS
    X, y = X[y > 0], np.array(["versicolor", "virginica"])[y[y > 0] - 1]
    model = RegularizedClassifier(
        hidden=(), l2=0.01, batch_size=100, learning_rate=0.05, epochs=600, random_state=0
    ).fit(X, y)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=1 / (2 * 0.01 * 100), tol=1e-8)).fit(X, y)
    assert model.classes_.tolist() == ["versicolor", "virginica"]
    assert_allclose(model.predict_proba(X), logistic.predict_proba(X), atol=1e-3)
    assert_array_equal(model.predict(X), logistic.predict(X))


def bits(model) -> tuple[bytes, ...]:
    return tuple(array.tobytes() for layers in model.weights_[0] for array in layers)


def test_the_same_random_state_gives_the_same_bits(classifier):
    service.scheduler_for_fits().cache.clear()
    assert bits(clone(classifier).fit(*IRIS)) == bits(classifier)


def test_another_random_state_gives_others(classifier):
    others = [
        clone(classifier).set_params(random_state=state).fit(*IRIS)
        for state in (4, None, None, np.random.RandomState(0), np.random.RandomState(1))
    ]
    assert len({bits(model) for model in (classifier, *others)}) == 6


def test_grid_search_over_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), RegularizedClassifier(**QUICK))
    grid = {"regularizedclassifier__hidden": [(4,), (8,)], "regularizedclassifier__l2": [0.0, 0.1]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(*IRIS)
    assert search.best_params_.keys() == grid.keys()
    assert search.best_estimator_[-1].weights_[0].kernels[0].shape[0] == 4


def test_cross_validation_scores_each_fold_as_a_fit_by_hand():
    X, y = DIABETES
    folds = [(np.arange(200, 442), np.arange(200)), (np.arange(200), np.arange(200, 442))]
    model = RegularizedRegressor(**QUICK)
    by_hand = [clone(model).fit(X[fit], y[fit]).score(X[held], y[held]) for fit, held in folds]
    assert cross_val_score(model, X, y, cv=folds).tolist() == by_hand


def test_names_of_features_are_kept_and_checked():
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), RegularizedClassifier(**QUICK)).set_output(transform="pandas")
    model.fit(X, y)
    assert model[-1].feature_names_in_.tolist() == X.columns.tolist()
    with pytest.raises(ValueError, match="feature names"):
        model[-1].predict(X[X.columns[::-1]])


def test_images_are_scaled_and_augmented_as_images():
    X, y = load_digits(return_X_y=True)
    model = RegularizedClassifier(**QUICK, image_shape=(8, 8), shift=1, rotate=10).fit(X[:100], y[:100])
    assert set(model.scale_) == {16.0}
    assert set(model.shift_) == {0.0}


def test_a_fitted_estimator_predicts_elsewhere_without_the_rows_or_tensorflow(classifier, tmp_path):
    X = np.random.default_rng(0).normal(size=(5000, 4))
    model = clone(classifier).set_params(epochs=1).fit(X, X[:, 0] > 0)
    pickled = pickle.dumps(model)
    (tmp_path / "model.pickle").write_bytes(pickled)
    code = f"""
import pickle
with open({str(tmp_path / "model.pickle")!r}, "rb") as file:
    model = pickle.load(file)
assert model.predict({X[:5].tolist()}).tolist() == {model.predict(X[:5]).tolist()}
"""
    assert len(pickled) < X.nbytes / 10
    assert not loaded_by(code) & {"tensorflow", "keras", "streamlit"}


def test_a_training_that_diverges_warns():
    X, y = DIABETES
    model = RegularizedRegressor(hidden=(8,), optimizer="sgd", learning_rate=10.0, epochs=8, random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged.*Lower learning_rate, which is 10"):
        model.fit(X * 1e3, y)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"l2": -1}, "l2 must be a number from 0 to .*, got -1"),
        ({"hidden": (0,)}, "hidden must be a tuple of 0 to 6 whole numbers"),
        ({"shift": 1}, "shift must be 0 on X without an image_shape, whose rows are not images, got 1"),
        ({"image_shape": (3, 3)}, r"image_shape must be .* = 4, the columns of X, got \(3, 3\)"),
        ({"patience": 1, "validation_fraction": 1.0}, "validation_fraction must be a fraction .*, got 1.0"),
        ({"patience": 1, "validation_fraction": 0.99}, "X must have rows enough to train on 3 of them"),
        ({"random_state": -1}, "random_state must be None, a RandomState or a whole number .*, got -1"),
    ],
)
def test_what_cannot_be_trained_is_told_in_a_sentence(parameters, sentence):
    with pytest.raises((ConfigError, DataError), match=sentence):
        RegularizedClassifier(**parameters).fit(*IRIS)


@pytest.mark.parametrize(
    ("X", "y", "sentence"),
    [
        ([[1.0], [2.0]], ["a", "a"], "y must hold at least two classes, got one class, a"),
        ([[1.0]], ["a"], "1 sample"),
        ([[1e200], [2.0]], ["a", "b"], "X must be within 1e\\+100 of 0"),
    ],
)
def test_rows_that_cannot_be_trained_on_are_told_in_a_sentence(X, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        RegularizedClassifier().fit(X, y)


@pytest.fixture
def in_this_process(monkeypatch) -> Iterator[None]:
    """Make this process believe that another one started it for work."""
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "somebody")
    monkeypatch.setattr(service, "_for_fits", None)
    yield
    executor = service._for_fits
    assert isinstance(executor, ThisProcess)
    service._handed_in.pop(executor)
    executor.shutdown()


def test_bits_are_the_same_where_the_process_trains_itself(classifier, in_this_process):
    assert bits(clone(classifier).fit(*IRIS)) == bits(classifier)


@pytest.mark.slow
def test_scores_are_the_same_with_two_jobs():
    X, y = DIABETES
    model = RegularizedRegressor(**QUICK)
    with warnings.catch_warnings():
        # Of loky: a worker that grew by what TensorFlow takes is no leak.
        warnings.simplefilter("error")
        side_by_side = cross_val_score(model, X, y, cv=4, n_jobs=2)
    assert side_by_side.tolist() == cross_val_score(model, X, y, cv=4).tolist()


def test_history_is_tidy(patient):
    assert isinstance(patient.history_, pd.DataFrame)
    assert {"val_loss", "val_error"} <= set(patient.history_)
    assert patient.history_["epoch"].min() == 1
