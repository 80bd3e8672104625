"""What one seed sees of a data set: rows, scaling, label noise; and the key."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from regcore.config import Config
from regcore.data import Dataset, Rows, load_dataset
from regcore.errors import DataError

rng = np.random.default_rng(7)
TABLE = np.column_stack([rng.normal(1e6, 3, 120), rng.normal(0, 1e-4, 120), np.full(120, 0.1)])
CLASSES = np.arange(120) % 3
VALUES = rng.normal(50, 20, 120)


def classes(**options) -> Dataset:
    return Dataset.from_arrays(TABLE, CLASSES, **options)


def values(**options) -> Dataset:
    return Dataset.from_arrays(TABLE, VALUES, **options)


def images() -> Dataset:
    pixels = np.zeros((40, 6))
    pixels[:, 2] = np.arange(40)
    return Dataset.from_arrays(pixels, np.arange(40) % 2, image_shape=(2, 3))


def test_features_are_standardized_as_scikit_learn_does():
    split = classes().split(0)
    scaler = StandardScaler().fit(split.raw.X_train)
    np.testing.assert_allclose(split.X_train, scaler.transform(split.raw.X_train), atol=1e-9)
    np.testing.assert_allclose(split.X_test, scaler.transform(split.raw.X_test), atol=1e-9)


def test_train_rows_have_mean_zero_and_variance_one():
    train = classes().split(3).X_train[:, :2]
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-8)
    np.testing.assert_allclose(train.var(axis=0), 1, rtol=1e-10)


def test_a_constant_column_keeps_scale_one():
    rows = classes().rows(0)
    assert rows.scale[2] == 1
    assert rows.shift[2] == pytest.approx(0.1)


def test_scaling_is_fitted_on_that_seeds_train_rows():
    dataset = classes()
    first, second = dataset.rows(0), dataset.rows(1)
    np.testing.assert_allclose(first.shift, TABLE[first.train].mean(axis=0))
    assert first.shift[0] != second.shift[0]


@pytest.mark.parametrize("make", [lambda: classes(label_noise=0.4), values, images])
def test_split_is_rows_applied(make):
    dataset = make()
    rows, split = dataset.rows(2), dataset.split(2)
    for part in ("train", "val", "test"):
        numbers = getattr(rows, part)
        X = getattr(split, f"X_{part}")
        np.testing.assert_array_equal(X, (dataset.X[numbers] - rows.shift) / rows.scale)
        np.testing.assert_array_equal(getattr(split.raw, f"X_{part}"), dataset.X[numbers])
        y, raw_y = getattr(split, f"y_{part}"), getattr(split.raw, f"y_{part}")
        np.testing.assert_array_equal(y, getattr(rows, f"y_{part}"))
        np.testing.assert_allclose(y * rows.y_scale + rows.y_shift, raw_y, rtol=1e-12)
        assert X.dtype == np.float64 and numbers.dtype == np.int64


def test_a_regression_target_is_standardized_by_the_train_rows():
    rows = values().rows(0)
    assert rows.y_shift == pytest.approx(VALUES[rows.train].mean())
    assert rows.y_scale == pytest.approx(VALUES[rows.train].std())
    assert rows.y_test.tolist() == pytest.approx(((VALUES[rows.test] - rows.y_shift) / rows.y_scale).tolist())


def test_labels_are_not_scaled():
    rows = classes().rows(0)
    assert (rows.y_shift, rows.y_scale) == (0.0, 1.0)
    assert rows.y_train.dtype == np.int64
    assert rows.y_val.tolist() == CLASSES[rows.val].tolist()


def test_a_constant_target_has_scale_one():
    rows = Dataset.from_arrays(TABLE, np.full(120, 3.5), task="regression").rows(0)
    assert (rows.y_shift, rows.y_scale) == (3.5, 1.0)
    assert not rows.y_train.any()


def test_images_are_divided_by_the_largest_train_pixel():
    dataset = images()
    rows = dataset.rows(0)
    assert rows.shift.tolist() == [0.0] * 6
    assert rows.scale.tolist() == [float(rows.train.max())] * 6


def test_black_images_stay_black():
    dataset = Dataset.from_arrays(np.zeros((20, 4)), np.arange(20) % 2, image_shape=(2, 2))
    assert not dataset.split(0).X_train.any()


def test_parts_have_the_stated_sizes_and_share_no_row():
    rows = classes(n_train=31, n_val=17, test_size=0.3).rows(5)
    assert (len(rows.train), len(rows.val), len(rows.test)) == (31, 17, 36)
    assert len(np.unique(np.concatenate(rows[:3]))) == 31 + 17 + 36


def test_classes_are_drawn_in_proportion():
    labels = np.repeat([0, 1, 2], [60, 40, 20])
    rows = Dataset.from_arrays(TABLE, labels, n_train=30, n_val=30, test_size=0.5).rows(0)
    assert np.bincount(labels[rows.train]).tolist() == [15, 10, 5]
    assert np.bincount(labels[rows.val]).tolist() == [15, 10, 5]
    assert np.bincount(labels[rows.test]).tolist() == [30, 20, 10]


def test_a_class_with_a_single_row_is_trained_on():
    labels = np.array([0] * 60 + [1] * 59 + [2])
    rows = Dataset.from_arrays(TABLE, labels, n_train=10, n_val=10).rows(4)
    assert 119 in rows.train


def test_all_seeds_share_the_test_rows():
    dataset = classes()
    assert dataset.rows(0).test.tolist() == dataset.rows(9).test.tolist() == dataset.test_rows.tolist()


def test_seeds_draw_different_rows():
    dataset = classes(n_train=30, n_val=20)
    assert set(dataset.rows(0).train) != set(dataset.rows(1).train)
    assert set(dataset.rows(0).val) != set(dataset.rows(1).val)


def test_data_seeds_set_different_rows_aside():
    assert classes(data_seed=0).test_rows.tolist() != classes(data_seed=1).test_rows.tolist()


def test_train_rows_do_not_depend_on_validation_or_noise():
    train = classes(n_train=20, n_val=10).rows(1).train.tolist()
    assert classes(n_train=20, n_val=40).rows(1).train.tolist() == train
    assert classes(n_train=20, n_val=10, label_noise=0.5).rows(1).train.tolist() == train


def test_validation_rows_do_not_depend_on_training():
    val = classes(n_train=20, n_val=10).rows(1).val.tolist()
    assert classes(n_train=50, n_val=10).rows(1).val.tolist() == val


def test_more_train_rows_begin_with_the_fewer():
    fewer, more = classes(n_train=20, n_val=10).rows(1).train, classes(n_train=50, n_val=10).rows(1).train
    assert more[:20].tolist() == fewer.tolist()


def test_label_noise_redraws_train_and_val_and_leaves_the_test_clean():
    n, n_classes = 8000, 10
    labels = np.arange(n) % n_classes
    dataset = Dataset.from_arrays(np.zeros((n, 1)), labels, n_train=3000, n_val=3000, label_noise=0.3)
    rows = dataset.rows(0)
    wrong_train = np.mean(rows.y_train != labels[rows.train])
    wrong_val = np.mean(rows.y_val != labels[rows.val])
    # 30 % redrawn over ten classes leaves 27 % wrong.
    assert wrong_train == pytest.approx(0.27, abs=0.02)
    assert wrong_val == pytest.approx(0.27, abs=0.02)
    assert rows.y_test.tolist() == labels[rows.test].tolist()


def test_label_noise_of_each_seed_is_its_own():
    dataset = Dataset.from_arrays(
        TABLE,
        CLASSES,
        label_noise=1.0,
        train_rows=range(60),
        val_rows=range(60, 90),
        test_rows=range(90, 120),
    )
    assert dataset.rows(0).train.tolist() == dataset.rows(1).train.tolist()
    assert dataset.rows(0).y_train.tolist() != dataset.rows(1).y_train.tolist()


def test_raw_labels_carry_the_noise_of_the_seed():
    split = classes(label_noise=0.5).split(0)
    assert split.raw.y_train.tolist() == split.y_train.tolist()


def test_the_same_seed_gives_the_same_rows_in_another_object():
    first, second = classes(label_noise=0.3).rows(6), classes(label_noise=0.3).rows(6)
    for name in Rows._fields:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_many_seeds_are_not_all_remembered():
    dataset = classes()
    first = dataset.rows(0).train.tolist()
    for seed in range(100):
        dataset.rows(seed)
    assert len(dataset._rows_of_seed) <= 64
    assert dataset.rows(0).train.tolist() == first


def test_the_rows_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        classes().X[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        classes().rows(0).y_train[0] = 1


def test_a_pickled_data_set_gives_the_same_rows_and_key():
    dataset = classes(label_noise=0.2)
    dataset.rows(0)
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.key == dataset.key
    assert copy.rows(0).y_train.tolist() == dataset.rows(0).y_train.tolist()


def test_a_pickle_leaves_the_remembered_rows_behind():
    dataset = classes()
    before = len(pickle.dumps(dataset))
    dataset.rows(0)
    assert len(pickle.dumps(dataset)) == before


def test_the_key_is_the_same_in_another_process():
    code = (
        "import numpy as np\n"
        "from regcore.data import Dataset\n"
        "print(Dataset.from_arrays(np.arange(40.).reshape(20, 2), np.arange(20) % 2).key)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == Dataset.from_arrays(np.arange(40.0).reshape(20, 2), np.arange(20) % 2).key


def test_names_do_not_change_the_key():
    plain = classes()
    named = classes(feature_names=["a", "b", "c"], target_names=["x", "y", "z"], name="mine")
    assert plain.key == named.key


CHANGES = {
    "n_train": {"n_train": 11},
    "n_val": {"n_val": 11},
    "label_noise": {"label_noise": 0.1},
    "X": {"X": TABLE + 1},
    "y": {"y": (CLASSES + 1) % 3},
    "test_rows": {"test_rows": np.arange(20)},
    "image_shape": {"image_shape": (1, 3)},
    "fixed": {"fixed": (np.arange(10), np.arange(10, 20))},
    "task": {"task": "regression"},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_matters_changes_the_key(changes):
    dataset = classes(n_train=10, n_val=10)
    assert replace(dataset, **changes).key != dataset.key


def test_the_representation_is_one_line():
    assert repr(classes(n_train=10, n_val=5)) == (
        "Dataset('your data', 120 rows of 3 features, multiclass, 3 classes; 10 train, 5 val, 30 test)"
    )


@pytest.mark.parametrize(("name", "n_outputs"), [("moons", 1), ("iris", 3), ("sine", 1)])
def test_outputs_are_one_logit_one_a_class_or_one_value(name, n_outputs):
    assert load_dataset(Config(data=name)).n_outputs == n_outputs


def test_importing_data_loads_no_heavy_library():
    heavy = ("sklearn", "pandas", "tensorflow", "keras")
    code = f"import sys, regcore.data; print([name for name in {heavy} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(DataError, match="^seed must be a whole number of at least 0, got "):
        classes().split(seed)


def test_without_a_test_set_all_rows_train():
    dataset = Dataset.without_test(TABLE, CLASSES, task="multiclass")
    rows = dataset.rows(0)
    assert sorted(rows.train) == list(range(120))
    assert (len(rows.val), len(rows.test)) == (0, 0)
    assert (dataset.n_train, dataset.n_val, dataset.n_classes) == (120, 0, 3)
    np.testing.assert_array_equal(rows.y_train, CLASSES[rows.train])


def test_without_a_test_set_validation_rows_are_drawn_by_class_for_each_seed():
    dataset = Dataset.without_test(TABLE, CLASSES, task="multiclass", n_val=30)
    first, second = dataset.rows(0), dataset.rows(1)
    assert sorted([*first.train, *first.val]) == list(range(120))
    assert np.bincount(first.y_val).tolist() == [10, 10, 10]
    assert set(first.val) != set(second.val)


def test_without_a_test_set_the_rows_handed_in_stay_writeable_and_apart():
    X, y = np.arange(6.0).reshape(3, 2), np.array([1.0, 2.0, 4.0])
    dataset = Dataset.without_test(X, y, task="regression")
    X[0, 0] = y[0] = 99.0
    assert (dataset.X[0, 0], dataset.y[0]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("X", "y", "options", "sentence"),
    [
        ([[1.0]], [1.0], {"task": "regression"}, "X must have at least 2 rows and a column"),
        ([[1.0], [2.0]], [1.0], {"task": "regression"}, "same number of rows, got 2 and 1"),
        ([[1.0], [2.0]], [1, 2], {"task": "binary"}, "y must hold the whole numbers 0 to C - 1, .*, got 2"),
        ([[1.0], [2.0]], [0, 1], {"task": "binary", "n_val": 1}, "leave 2 rows to train on, got 1 of 2"),
        ([[1.0], [2.0]], [0, 1], {"task": "binary", "n_val": -1}, "n_val must be a whole number"),
    ],
)
def test_without_a_test_set_what_is_wrong_is_told(X, y, options, sentence):
    with pytest.raises(DataError, match=sentence):
        Dataset.without_test(X, y, **options)
