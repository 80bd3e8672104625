"""`Dataset.from_arrays`: what it reads, what it infers, and the sentence for what it cannot take."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from regcore.data import Dataset
from regcore.errors import DataError

X = np.arange(40.0).reshape(20, 2)
Y = np.arange(20) % 2


def dataset(features: Any = X, target: Any = Y, **options: Any) -> Dataset:
    return Dataset.from_arrays(features, target, **options)


def message(features: Any = X, target: Any = Y, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        Dataset.from_arrays(features, target, **options)
    return str(caught.value)


# What is read


@pytest.mark.parametrize(
    "features",
    [
        X.tolist(),
        X.astype(np.int32),
        X.astype(np.float32),
        X.astype(object),
        np.asfortranarray(X),
        pd.DataFrame(X),
        pd.DataFrame(X).astype("Int64"),
        csr_matrix(X),
    ],
    ids=["lists", "ints", "float32", "objects", "fortran", "frame", "nullable frame", "sparse"],
)
def test_all_forms_of_a_table_are_the_same(features):
    assert dataset(features).X.tolist() == X.tolist()
    assert dataset(features).X.dtype == np.float64
    assert dataset(features).key == dataset().key


@pytest.mark.parametrize(
    "target",
    [
        Y.tolist(),
        Y.astype(bool),
        Y.astype(float),
        Y[:, None],
        Y.astype(object),
        pd.Series(Y),
        pd.Series(Y == 1),
    ],
    ids=["list", "bools", "floats", "a column", "objects", "series", "series of bools"],
)
def test_all_forms_of_labels_are_the_same(target):
    assert dataset(target=target).y.tolist() == Y.tolist()
    assert dataset(target=target).key == dataset().key


def test_the_arrays_are_copied():
    features, target = X.copy(), Y.copy()
    kept = dataset(features, target)
    features[:] = 0
    target[:] = 0
    assert kept.X.tolist() == X.tolist() and kept.y.tolist() == Y.tolist()


def test_a_frame_names_the_columns():
    frame = pd.DataFrame({"age": X[:, 0], "is_new": Y == 1})
    assert dataset(frame).feature_names == ("age", "is_new")
    assert dataset(frame).X[:, 1].tolist() == Y.tolist()


def test_columns_of_one_name_are_both_read():
    assert dataset(pd.DataFrame(X, columns=["a", "a"])).X.tolist() == X.tolist()


def test_names_that_are_given_win():
    named = dataset(pd.DataFrame(X), feature_names=["a", "b"], target_names=["no", "yes"])
    assert (named.feature_names, named.target_names) == (("a", "b"), ("no", "yes"))


def test_columns_without_names_are_numbered():
    assert dataset().feature_names == ("x1", "x2")


def test_three_dimensions_are_images():
    images = dataset(np.zeros((20, 2, 3)))
    assert images.image_shape == (2, 3)
    assert images.X.shape == (20, 6)
    assert images.feature_names[:4] == ("pixel_0_0", "pixel_0_1", "pixel_0_2", "pixel_1_0")


def test_rows_are_images_where_a_shape_says_so():
    assert dataset(image_shape=[1, 2]).image_shape == (1, 2)


# What is inferred


@pytest.mark.parametrize(
    ("target", "task", "names"),
    [
        (["no", "yes"] * 10, "binary", ("no", "yes")),
        (["b", "a", "c", "a"] * 5, "multiclass", ("a", "b", "c")),
        (pd.Series(["b", "a"] * 10), "binary", ("a", "b")),
        (pd.Categorical(["b", "a"] * 10), "binary", ("a", "b")),
        ([True, False] * 10, "binary", ("False", "True")),
        ([-1, 1] * 10, "binary", ("-1", "1")),
        ([2.0, 5.0, 7.0, 5.0] * 5, "multiclass", ("2", "5", "7")),
        (np.linspace(0, 1, 20), "regression", ("y",)),
        ([0.5, 1.5] * 10, "regression", ("y",)),
        (np.arange(20), "regression", ("y",)),
    ],
)
def test_the_task_is_inferred(target, task, names):
    inferred = dataset(target=target)
    assert (inferred.task, inferred.target_names) == (task, names)
    assert inferred.n_classes == len(names)


def test_more_than_twenty_whole_numbers_are_a_quantity():
    target = np.arange(84) % 21
    assert Dataset.from_arrays(np.zeros((84, 1)), target).task == "regression"
    assert Dataset.from_arrays(np.zeros((84, 1)), target, task="multiclass").n_classes == 21


def test_labels_are_in_the_order_of_their_values():
    assert dataset(target=["yes", "no"] * 10).y.tolist() == [1, 0] * 10
    assert dataset(target=[10, 9] * 10).y.tolist() == [1, 0] * 10


def test_a_given_task_is_kept():
    assert dataset(task="regression").y.dtype == np.float64
    assert dataset(task="multiclass").n_outputs == 2


# How it is split


def test_a_quarter_is_for_testing_and_a_quarter_of_the_rest_for_validation():
    halves = Dataset.from_arrays(np.zeros((160, 1)), np.arange(160) % 2)
    assert (halves.n_train, halves.n_val, len(halves.test_rows)) == (90, 30, 40)


@pytest.mark.parametrize(
    ("options", "n_train", "n_val", "n_test"),
    [
        ({"test_size": 0.5}, 8, 2, 10),
        ({"test_size": 0.001}, 14, 5, 1),
        ({"n_train": 4}, 4, 4, 5),
        ({"n_train": 13}, 13, 2, 5),
        ({"n_val": 1}, 14, 1, 5),
        ({"n_train": 3, "n_val": np.int64(2)}, 3, 2, 5),
        ({"test_rows": [3, 1]}, 14, 4, 2),
    ],
)
def test_sizes(options, n_train, n_val, n_test):
    sized = dataset(**options)
    assert (sized.n_train, sized.n_val, len(sized.test_rows)) == (n_train, n_val, n_test)
    rows = sized.rows(0)
    assert (len(rows.train), len(rows.val), len(rows.test)) == (n_train, n_val, n_test)


def test_test_rows_that_are_given_are_kept():
    kept = dataset(test_rows=[7, 3])
    assert kept.test_rows.tolist() == [3, 7]
    assert not {3, 7} & {*kept.rows(0).train.tolist(), *kept.rows(0).val.tolist()}


def test_a_split_that_is_given_is_kept_by_every_seed():
    kept = dataset(train_rows=[5, 1, 2], val_rows=[9], test_rows=[11, 10])
    for seed in (0, 1):
        rows = kept.rows(seed)
        assert (rows.train.tolist(), rows.val.tolist(), rows.test.tolist()) == ([5, 1, 2], [9], [10, 11])
    assert (kept.n_train, kept.n_val) == (3, 1)


def test_rows_that_are_neither_train_nor_val_are_the_test():
    assert dataset(train_rows=range(12), val_rows=range(12, 16)).test_rows.tolist() == [16, 17, 18, 19]


def test_masks_are_row_numbers():
    row = np.arange(20)
    rows = dataset(train_rows=row < 12, val_rows=row >= 16).rows(0)
    assert rows.train.tolist() == list(range(12))
    assert (rows.val.tolist(), rows.test.tolist()) == ([16, 17, 18, 19], [12, 13, 14, 15])


# What is refused, and how


def with_value(value: float | None, dtype: Any = float) -> Any:
    features = X.astype(dtype)
    features[3, 1] = features[4, 1] = value
    return features


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        (
            with_value(math.nan),
            "X must have no missing values, got 2, 2 of them in column 'x2': fill them in or drop those rows",
        ),
        (
            with_value(-math.inf),
            "X must have no infinite values, got 2, 2 of them in column 'x2': "
            "fill them in or drop those rows",
        ),
        (
            pd.DataFrame(with_value(None, object), columns=["age", "pay"]),
            "X must have no missing values, got 2, 2 of them in column 'pay': "
            "fill them in or drop those rows",
        ),
        (
            pd.DataFrame({"age": X[:, 0], "city": ["Ulm"] * 20}),
            "column 'city' of X must hold numbers, got 'Ulm': turn it into numbers or leave it out",
        ),
        (
            pd.DataFrame({"day": pd.to_datetime(["2020-01-01"] * 20)}),
            "column 'day' of X must hold numbers, got datetime64[us]: turn it into numbers or leave it out",
        ),
        (
            [[1, "a"]] * 20,
            "column 'x2' of X must hold numbers, got 'a': turn it into numbers or leave it out",
        ),
        (
            X + 1j,
            "column 'x1' of X must hold numbers, got complex128: turn it into numbers or leave it out",
        ),
        (
            X[:, 0],
            "X must have two dimensions, rows and columns (or three: images, height, width), got shape (20,)",
        ),
        ([[1, 2], [3]] * 10, "X must have rows of equal length, got rows that differ"),
        (X[:3], "X must have at least 4 rows and a column, got shape (3, 2)"),
        (X[:, :0], "X must have at least 4 rows and a column, got shape (20, 0)"),
        (np.zeros((0, 2, 2)), "X must have at least 4 rows and a column, got shape (0, 4)"),
        (X * 1e200, "X must be within 1e+100 of 0, got 3.9e+201: choose another unit"),
        (X[:19], "X and y must have the same number of rows, got 19 and 20"),
    ],
)
def test_features_that_are_refused(features, sentence):
    assert message(features) == sentence


@pytest.mark.parametrize(
    ("target", "options", "sentence"),
    [
        ([None, 1.0] * 10, {}, "y must have no missing values, got 10: drop those rows"),
        (["a", math.nan] * 10, {}, "y must have no missing values, got 10: drop those rows"),
        ([math.inf, 1.0] * 10, {}, "y must have no infinite values, got 10: drop those rows"),
        (X, {}, "y must have one value for each row, got shape (20, 2)"),
        (["a"] * 20, {}, "y must hold at least two classes, got 'a': add rows of another class"),
        ([3] * 20, {}, "y must hold at least two classes, got 3: add rows of another class"),
        (
            [f"row {row}" for row in range(20)],
            {},
            "y must hold at most half as many classes as rows, got 20 classes in 20 rows: "
            "join or drop rare classes, or use task='regression' where y is a number",
        ),
        (
            [0, 1, 2, 0] * 5,
            {"task": "binary"},
            "y must hold two classes for a binary task, got 3: use task='multiclass'",
        ),
        (
            [b"a", b"b"] * 10,
            {},
            "y must hold numbers or names of classes, got bytes such as b'a': decode them, as with "
            "value.decode()",
        ),
        (
            ["a", 1] * 10,
            {},
            "y must hold values of one kind, all numbers or all names of classes, got 'a' and 1: turn all of "
            "them into text, or all into numbers",
        ),
        (
            [True, "yes"] * 10,
            {},
            "y must hold values of one kind, all numbers or all names of classes, got True and 'yes': turn "
            "all of them into text, or all into numbers",
        ),
        (["a", "b"] * 10, {"task": "regression"}, "y must hold numbers for a regression, got 'a'"),
        (
            [1e200, 0] * 10,
            {"task": "regression"},
            "y must be within 1e+100 of 0, got 1e+200: choose another unit",
        ),
        (
            pd.to_datetime(["2020-01-01"] * 20),
            {},
            "y must hold numbers or names of classes, got datetime64[us]",
        ),
        (Y, {"task": "ranking"}, "task must be one of binary, multiclass, regression or None, got 'ranking'"),
        ([10**400, 1] * 10, {}, "y must have no infinite values, got 10: drop those rows"),
        (np.ma.masked_equal(Y, 1), {}, "y must have no missing values, got 10: drop those rows"),
        (Y, {"target_names": 2}, "target_names must be a list of 2, one for each class, got 1"),
        (Y, {"target_names": ["a"]}, "target_names must be a list of 2, one for each class, got 1"),
        (Y, {"feature_names": "ab"}, "feature_names must be a list of 2, one for each column, got 1"),
        (
            Y,
            {"image_shape": (2, 2)},
            "image_shape must be (height, width) with height * width = 2, the columns of X, got (2, 2)",
        ),
        (
            Y,
            {"image_shape": 2},
            "image_shape must be (height, width) with height * width = 2, the columns of X, got 2",
        ),
        (Y, {"label_noise": 1.5}, "label_noise must be a fraction from 0 to 1, got 1.5"),
        (Y, {"label_noise": math.nan}, "label_noise must be a fraction from 0 to 1, got nan"),
        (
            X[:, 0] / 3,
            {"label_noise": 0.1},
            "label_noise must be 0 for a regression, which has no labels, got 0.1",
        ),
    ],
)
def test_targets_and_options_that_are_refused(target, options, sentence):
    assert message(target=target, **options) == sentence


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"test_size": 0}, "test_size must be a fraction above 0 and below 1, got 0"),
        ({"test_size": 1.0}, "test_size must be a fraction above 0 and below 1, got 1.0"),
        ({"test_size": math.nan}, "test_size must be a fraction above 0 and below 1, got nan"),
        ({"test_size": "a"}, "test_size must be a fraction above 0 and below 1, got 'a'"),
        (
            {"test_size": 0.95},
            "the rows that are not for testing must be at least 3, got 1 of 20: set fewer aside for testing",
        ),
        ({"n_train": 1}, "n_train must be a whole number of at least 2, got 1"),
        ({"n_train": 5.0}, "n_train must be a whole number of at least 2, got 5.0"),
        ({"n_val": True}, "n_val must be a whole number of at least 1, got True"),
        ({"data_seed": -1}, "data_seed must be a whole number of at least 0, got -1"),
        (
            {"n_train": 10, "n_val": 6},
            "n_train + n_val must be at most 15, the rows that are not for testing, got 10 + 6",
        ),
        (
            {"n_train": 15},
            "n_train + n_val must be at most 15, the rows that are not for testing, got 15 + 1",
        ),
        ({"train_rows": [1, 2]}, "train_rows and val_rows must be given together, got only one of them"),
        (
            {"train_rows": [1, 2], "val_rows": [3], "n_val": 1},
            "n_train and n_val must be left out where train_rows and val_rows are given",
        ),
        (
            {"train_rows": [1, 2], "val_rows": [2]},
            "train_rows and val_rows must share no row, got 1, first 2",
        ),
        (
            {"train_rows": [1, 2], "val_rows": [3], "test_rows": [4, 3]},
            "val_rows and test_rows must share no row, got 1, first 3",
        ),
        ({"test_rows": [4, 20]}, "test_rows must be row numbers from 0 to 19, got 20"),
        ({"test_rows": [-1]}, "test_rows must be row numbers from 0 to 19, got -1"),
        ({"test_rows": [3, 3]}, "test_rows must not repeat a row, got row 3 2 times"),
        ({"test_rows": []}, "test_rows must hold at least 1 of the 20 rows, got 0"),
        (
            {"test_rows": [0.5]},
            "test_rows must be a list of row numbers or a mask of 20 truth values, got float64 of shape (1,)",
        ),
        (
            {"test_rows": [True, False]},
            "test_rows must be a list of row numbers or a mask of 20 truth values, got bool of shape (2,)",
        ),
        (
            {"test_rows": [[1], [2, 3]]},
            "test_rows must be a list of row numbers or a mask of 20 truth values, got object of shape ()",
        ),
        ({"train_rows": [1], "val_rows": [3]}, "train_rows must hold at least 2 of the 20 rows, got 1"),
        (
            {"train_rows": range(15), "val_rows": range(15, 20)},
            "test_rows must hold at least 1 of the 20 rows, got 0",
        ),
    ],
)
def test_splits_that_are_refused(options, sentence):
    assert message(**options) == sentence


CELLS = st.one_of(st.integers(-3, 3), st.floats(), st.booleans(), st.none(), st.text(max_size=2))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=2), min_size=1, max_size=8),
    st.lists(CELLS, min_size=1, max_size=8),
    st.one_of(st.none(), st.integers(-1, 9)),
    st.floats(-0.5, 1.5),
)
def test_whatever_is_handed_in_is_read_or_refused_in_a_sentence(features, target, n_train, test_size):
    try:
        read = Dataset.from_arrays(features, target, n_train=n_train, test_size=test_size)
    except DataError as error:
        assert "\n" not in str(error) and " must " in str(error)
    else:
        split = read.split(0)
        assert np.isfinite(split.X_train).all() and np.isfinite(split.X_test).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=12, max_size=60), st.floats(0.05, 0.6), st.integers(0, 1000))
def test_sizes_are_exact_for_any_classes(labels, test_size, seed):
    if len(set(labels)) < 2:
        return
    drawn = Dataset.from_arrays(np.zeros((len(labels), 1)), labels, test_size=test_size)
    rows = drawn.rows(seed)
    assert len(rows.test) == max(1, round(test_size * len(labels)))
    assert len(rows.train) + len(rows.val) + len(rows.test) == len(labels)
    assert sorted(np.concatenate(rows[:3]).tolist()) == list(range(len(labels)))
    if drawn.n_train >= drawn.n_classes:
        assert len(set(rows.y_train.tolist())) == drawn.n_classes


def test_what_is_masked_is_missing():
    assert message(np.ma.masked_greater(X, 37)) == (
        "X must have no missing values, got 2, 1 of them in column 'x1': fill them in or drop those rows"
    )
    unmasked = dataset(np.ma.masked_greater(X.astype(int), 50), np.ma.masked_greater(Y, 50))
    assert np.array_equal(unmasked.X, X) and np.array_equal(unmasked.y, Y)


def test_a_whole_number_beyond_float64_is_infinite():
    assert message([[1, 10**400], *X[1:].tolist()]) == (
        "X must have no infinite values, got 1, 1 of them in column 'x2': fill them in or drop those rows"
    )
