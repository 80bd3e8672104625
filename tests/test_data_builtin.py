"""The data sets that come with the lab."""

import numpy as np
import pytest

from regcore.config import DATASETS, Config
from regcore.data import DATASET_INFO, load_dataset
from regcore.errors import ConfigError

LOCAL = [name for name in DATASETS if name not in ("mnist", "fashion_mnist")]
GENERATED = [name for name in LOCAL if DATASET_INFO[name].is_generated]
each_dataset = pytest.mark.parametrize("name", LOCAL)
each_generated = pytest.mark.parametrize("name", GENERATED)


def test_the_catalog_lists_what_a_configuration_may_name():
    assert tuple(DATASET_INFO) == DATASETS


@each_dataset
def test_a_data_set_is_what_the_catalog_says(name):
    dataset, info = load_dataset(Config(data=name)), DATASET_INFO[name]
    assert (dataset.task, dataset.n_classes, dataset.image_shape) == (
        info.task,
        info.n_classes,
        info.image_shape,
    )
    assert (dataset.n_features, len(dataset.feature_names)) == (info.n_features, info.n_features)
    assert (dataset.n_train, dataset.n_val, len(dataset.test_rows)) == (info.n_train, info.n_val, info.n_test)
    assert dataset.target_names == info.target_names


@each_dataset
def test_all_classes_are_trained_on_and_tested(name):
    dataset = load_dataset(Config(data=name))
    if dataset.task != "regression":
        rows = dataset.rows(0)
        for labels in (rows.y_train, rows.y_val, rows.y_test):
            assert set(labels.tolist()) == set(range(dataset.n_classes))


@each_dataset
def test_the_most_rows_can_be_asked_for(name):
    info = DATASET_INFO[name]
    n_train = min(info.n_available - 1, 3000)
    assert load_dataset(Config(data=name, n_train=n_train, n_val=1)).n_train == n_train


@each_dataset
def test_test_rows_do_not_depend_on_rows_for_training(name):
    few, many = load_dataset(Config(data=name)), load_dataset(Config(data=name, n_train=60, n_val=30))
    np.testing.assert_array_equal(few.X[few.test_rows], many.X[many.test_rows])
    np.testing.assert_array_equal(few.y[few.test_rows], many.y[many.test_rows])


@each_generated
def test_test_rows_of_generated_data_survive_a_larger_pool(name):
    few, many = load_dataset(Config(data=name)), load_dataset(Config(data=name, n_train=5000))
    assert len(many.X) > len(few.X)
    np.testing.assert_array_equal(few.X[few.test_rows], many.X[many.test_rows])


@each_generated
def test_the_pool_holds_twice_what_a_seed_draws(name):
    dataset = load_dataset(Config(data=name, n_train=3000, n_val=2000))
    assert dataset.n_rows - len(dataset.test_rows) >= 2 * 5000


@each_dataset
def test_data_seeds_test_on_different_rows(name):
    first, second = load_dataset(Config(data=name)), load_dataset(Config(data=name, data_seed=1))
    assert not np.array_equal(first.X[first.test_rows], second.X[second.test_rows])


def test_a_seed_draws_the_same_points_at_any_noise():
    calm, noisy = (load_dataset(Config(data="moons", noise=noise)) for noise in (0.0, 0.5))
    np.testing.assert_array_equal(calm.rows(3).train, noisy.rows(3).train)
    np.testing.assert_array_equal(calm.rows(3).y_train, noisy.rows(3).y_train)


def test_real_data_ignore_the_noise_of_generators():
    assert load_dataset(Config(data="iris", noise=0)).key == load_dataset(Config(data="iris", noise=5)).key


def test_the_target_without_signal_ignores_noise():
    keys = {load_dataset(Config(data="article_regression", noise=noise)).key for noise in (0, 5)}
    assert len(keys) == 1


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    dataset = load_dataset(Config(data="digits"))
    assert dataset.X.shape == (1797, 64)
    np.testing.assert_array_equal(dataset.X, load_digits().data)
    np.testing.assert_array_equal(dataset.y, load_digits().target)


def test_digits_are_scaled_to_one():
    split = load_dataset(Config(data="digits")).split(0)
    assert (split.X_train.min(), split.X_train.max()) == (0, 1)


def test_diabetes_is_in_its_own_units():
    dataset = load_dataset(Config(data="diabetes"))
    assert dataset.X[:, 0].min() == 19
    assert (dataset.y.min(), dataset.y.max()) == (25, 346)


def test_breast_cancer_counts_benign_as_one():
    dataset = load_dataset(Config(data="breast_cancer"))
    assert dataset.target_names[1] == "benign"
    assert int(dataset.y.sum()) == 357


def test_the_articles_regression_has_1000_rows_of_32_features():
    dataset = load_dataset(Config(data="article_regression"))
    assert (dataset.n_train, dataset.n_val, dataset.n_features) == (1000, 250, 32)


def test_label_noise_reaches_the_data_set():
    dataset = load_dataset(Config(data="digits", label_noise=1.0))
    rows = dataset.rows(0)
    assert np.mean(rows.y_train != dataset.y[rows.train]) == pytest.approx(0.9, abs=0.05)
    assert np.array_equal(rows.y_test, dataset.y[rows.test])


def test_train_rows_are_the_same_with_label_noise():
    clean, noisy = load_dataset(Config(data="digits")), load_dataset(Config(data="digits", label_noise=0.3))
    np.testing.assert_array_equal(clean.rows(2).train, noisy.rows(2).train)


def test_a_data_set_is_loaded_once():
    config = Config(data="wine", n_train=40)
    assert load_dataset(config) is load_dataset(config.replace(l2=0.1, seeds=3))


@pytest.mark.parametrize(
    ("asked", "n_train", "n_val"),
    [({"n_train": 1200}, 1200, 97), ({"n_val": 1000}, 297, 1000), ({"n_train": 50}, 50, 400)],
)
def test_a_number_left_out_is_the_recommended_one_or_what_is_left(asked, n_train, n_val):
    dataset = load_dataset(Config(data="digits", **asked))
    assert (dataset.n_train, dataset.n_val) == (n_train, n_val)


@pytest.mark.parametrize("asked", [{"n_train": 1000, "n_val": 298}, {"n_train": 1297}, {"n_val": 1296}])
def test_too_many_rows_are_refused(asked):
    with pytest.raises(
        ConfigError, match=r"^n_train \+ n_val must be at most 1297 on digits.*got \d+ \+ \d+"
    ):
        load_dataset(Config(data="digits", **asked))


@pytest.mark.parametrize("name", ["sine", "diabetes", "article_regression"])
def test_label_noise_is_refused_on_regression(name):
    with pytest.raises(ConfigError, match=f"^label_noise must be 0 on {name}, .*, got 0.1"):
        load_dataset(Config(data=name, label_noise=0.1))
