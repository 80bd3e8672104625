"""The data sets that come with the lab."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from regcore.config import Config
from regcore.data import generators
from regcore.data.catalog import DATASET_INFO
from regcore.data.dataset import Dataset
from regcore.data.kept import Kept
from regcore.data.keras_images import read_keras_images
from regcore.data.sampling import stratified_order
from regcore.data.splits import draw_test_rows
from regcore.data.streams import random_stream
from regcore.data.types import Floats, Integers, Targets
from regcore.errors import ConfigError, DataError

MIN_POOL = 2048


class _Table(NamedTuple):
    X: Floats
    y: Targets
    test_rows: Integers
    feature_names: tuple[str, ...]


def load_dataset(config: Config) -> Dataset:
    """Return the built-in data set that a configuration names.

    `data_seed` fixes the rows and which of them are the test set; neither depends on `n_train`, `n_val` or
    `label_noise`. Generated sets, MNIST and Fashion-MNIST come with 2,048 rows beside the test set, doubled
    until they are at least twice `n_train + n_val` (or all), so that seeds draw different rows; the test rows
    are drawn apart and stay the same. `noise` moves the points of a generated set; the points remain the same
    ones. A number of rows that is None becomes the recommended one, or what the other leaves.

    Raises:
        ConfigError: The data set has too few rows, or its task has no labels to make noisy.
        DataError: mnist or fashion_mnist is not on this machine; the message says which file to put where.
    """
    n_train, n_val = check_rows(config)
    noise = config.noise if DATASET_INFO[config.data].noise_meaning else 0.0
    named = config.data, n_train, n_val, noise, config.label_noise, config.data_seed
    return _datasets.once(named, partial(_load, *named))


def check_rows(config: Config) -> tuple[int, int]:
    """Return how many train and validation rows a configuration means, if its data set has them.

    Raises:
        ConfigError: The data set has too few rows, or its task has no labels to make noisy.
    """
    info = DATASET_INFO[config.data]
    if config.label_noise > 0 and info.task == "regression":
        raise ConfigError(
            f"label_noise must be 0 on {config.data}, whose target is a number and not a class, "
            f"got {config.label_noise!r}"
        )
    n_train = config.n_train or min(info.n_train, max(2, info.n_available - (config.n_val or info.n_val)))
    n_val = config.n_val or min(info.n_val, max(1, info.n_available - n_train))
    if n_train + n_val > info.n_available:
        raise ConfigError(
            f"n_train + n_val must be at most {info.n_available} on {config.data}, "
            f"beside its {info.n_test} test rows, got {n_train} + {n_val}"
        )
    return n_train, n_val


_datasets: Kept[Dataset] = Kept(lambda dataset: dataset.nbytes)
_tables: Kept[_Table] = Kept(lambda table: table.X.nbytes + table.y.nbytes)


def _load(name: str, n_train: int, n_val: int, noise: float, label_noise: float, data_seed: int) -> Dataset:
    info = DATASET_INFO[name]
    made_of = name, noise, data_seed, pool_size(n_train + n_val)
    table = _tables.once(made_of, partial(_load_table, *made_of))
    n_others = len(table.y) - len(table.test_rows)
    if n_others < n_train + n_val:
        raise DataError(
            f"the files of {name} must hold at least {n_train + n_val} train images, got {n_others}: "
            f"download them again, or lower n_train and n_val"
        )
    return Dataset(
        name=name,
        X=table.X,
        y=table.y,
        task=info.task,
        n_classes=info.n_classes,
        feature_names=table.feature_names,
        target_names=info.target_names,
        image_shape=info.image_shape,
        test_rows=table.test_rows,
        n_train=n_train,
        n_val=n_val,
        label_noise=label_noise,
    )


def pool_size(n_drawn: int) -> int:
    """Return of how many rows, beside the test set, a set that has any number of them is made.

    Args:
        n_drawn: Train and validation rows of a seed.
    """
    # Powers of two: the rows change only at a few values of n_train + n_val, not at each step of a slider.
    return int(max(MIN_POOL, 2 ** np.ceil(np.log2(2 * n_drawn))))


def _load_table(name: str, noise: float, data_seed: int, pool_size: int) -> _Table:
    if name in _GENERATORS:
        return _generate(name, noise, data_seed, pool_size)
    if name in ("mnist", "fashion_mnist"):
        return _load_images(name, data_seed, pool_size)
    return _load_scikit_learn(name, data_seed)


_GENERATORS: dict[str, Callable[[int, float, np.random.Generator], generators.Table]] = {
    "moons": generators.make_moons,
    "circles": generators.make_circles,
    "spirals": generators.make_spirals,
    "xor": generators.make_xor,
    "blobs": generators.make_blobs,
    "sine": generators.make_sine,
    "article_binary": generators.make_article_binary,
    "article_regression": generators.make_article_regression,
}


def _generate(name: str, noise: float, data_seed: int, pool_size: int) -> _Table:
    make, n_test = _GENERATORS[name], DATASET_INFO[name].n_test
    test = make(n_test, noise, random_stream(f"test rows of {name}", data_seed))
    pool = make(pool_size, noise, random_stream(f"other rows of {name}", data_seed))
    X, y = np.concatenate([test[0], pool[0]]), np.concatenate([test[1], pool[1]])
    names = tuple(f"x{column}" for column in range(1, X.shape[1] + 1)) if X.shape[1] > 1 else ("x",)
    return _Table(X, y, np.arange(n_test, dtype=np.int64), names)


def _load_scikit_learn(name: str, data_seed: int) -> _Table:
    from sklearn import datasets

    options = {"scaled": False} if name == "diabetes" else {}
    bunch = getattr(datasets, f"load_{name}")(**options)
    info = DATASET_INFO[name]
    labels = None if info.task == "regression" else np.array(bunch.target, dtype=np.int64)
    y = np.array(bunch.target, dtype=np.float64) if labels is None else labels
    X = np.array(bunch.data, dtype=np.float64)
    test_rows = draw_test_rows(len(y), labels, info.n_test, data_seed)
    return _Table(X, y, test_rows, tuple(map(str, bunch.feature_names)))


def _load_images(name: str, data_seed: int, pool_size: int) -> _Table:
    images, n_test = read_keras_images(name), DATASET_INFO[name].n_test
    test_labels, pool_labels = images.test_labels.astype(np.int64), images.train_labels.astype(np.int64)
    test = stratified_order(test_labels, random_stream(f"test rows of {name}", data_seed))[:n_test]
    pool = stratified_order(pool_labels, random_stream(f"other rows of {name}", data_seed))[:pool_size]
    chosen = np.concatenate([images.test_images[test], images.train_images[pool]])
    X = chosen.reshape(len(chosen), -1).astype(np.float64)
    y = np.concatenate([test_labels[test], pool_labels[pool]])
    names = tuple(f"pixel_{row}_{column}" for row in range(28) for column in range(28))
    return _Table(X, y, np.arange(len(test), dtype=np.int64), names)
