"""What the lab's speed is held against. Everything here runs in other processes than the one that asks.

All train the article's network (32 features, two hidden layers, one output) on rows of the same numbers, or
with Keras `fit` one of another shape.
"""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Callable, Collection
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_ADAM_RATE = 1e-3
_ROWS_PER_BLOCK = 256  # As the lab looks at its rows.


class Setting(NamedTuple):
    """What is trained: numbers of rows and features, widths, batch size, regularizers.

    `n_classes` is 0 where a number is predicted.
    """

    n_train: int = 1000
    n_val: int = 250
    n_test: int = 250
    n_features: int = 32
    hidden: tuple[int, ...] = (128, 64)
    batch_size: int = 32
    dropout_input: float = 0.2
    dropout_hidden: float = 0.5
    l2: float = 1e-4
    n_classes: int = 0

    @property
    def widths(self) -> tuple[int, ...]:
        return (self.n_features, *self.hidden, self.n_classes if self.n_classes > 2 else 1)

    @property
    def n_parameters(self) -> int:
        return sum((n_in + 1) * n_out for n_in, n_out in pairwise(self.widths))


class Speed(NamedTuple):
    """Epochs summed over networks, the seconds they took, and the processor time, over all threads."""

    network_epochs: float
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Network-epochs a second."""
        return self.network_epochs / self.seconds


def keras_fit(setting: Setting, n_epochs: int) -> Speed:
    """Return the speed of `fit` as people write it, after a first epoch."""
    _load_keras()
    X, y, X_val, y_val = _rows(setting)
    model = _keras_model(setting)
    clock = _keras_clock()
    model.fit(
        X, y, batch_size=setting.batch_size, epochs=n_epochs + 1, validation_data=(X_val, y_val), verbose=0,
        callbacks=[clock],
    )  # fmt: skip
    return _speed(n_epochs, clock.ends[0], clock.ends[-1])


def keras_tuned(setting: Setting, n_epochs: int) -> Speed:
    """Return the speed of `fit` on cached `tf.data`, 32 steps an execution, after a first epoch."""
    _load_keras()
    import tensorflow as tf

    X, y, X_val, y_val = _rows(setting)
    train = tf.data.Dataset.from_tensor_slices((X, y)).cache().shuffle(setting.n_train)
    train = train.batch(setting.batch_size).prefetch(tf.data.AUTOTUNE)
    val = tf.data.Dataset.from_tensor_slices((X_val, y_val)).batch(setting.n_val).cache()
    model = _keras_model(setting, steps_per_execution=32)
    clock = _keras_clock()
    model.fit(train, epochs=n_epochs + 1, validation_data=val, shuffle=False, verbose=0, callbacks=[clock])
    return _speed(n_epochs, clock.ends[0], clock.ends[-1])


def scikit_learn(setting: Setting, n_epochs: int) -> Speed:
    """Return the speed of `MLPRegressor`: it scores validation rows each epoch, but knows no dropout."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    X, y, X_val, y_val = _rows(setting)
    model = MLPRegressor(
        hidden_layer_sizes=setting.hidden, alpha=setting.l2, batch_size=setting.batch_size,
        learning_rate_init=_ADAM_RATE, max_iter=n_epochs, n_iter_no_change=n_epochs + 1, early_stopping=True,
        random_state=0, validation_fraction=setting.n_val / (setting.n_train + setting.n_val),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # It is asked for so many epochs and no more.
        began = _now()
        model.fit(np.concatenate([X, X_val]), np.concatenate([y, y_val])[:, 0])
        return _speed(n_epochs, began, _now())


def products(setting: Setting, n_networks: int, n_epochs: int, with_look: bool) -> Speed:
    """Return the speed of the matrix products alone, on one thread: the floor of any training loop.

    Runs in a worker of the lab, with networks side by side as there.

    Args:
        setting: Whose shapes the products have.
        n_networks: Networks side by side.
        n_epochs: How often to do the products of an epoch.
        with_look: Whether the look at all rows at the end of an epoch counts, beside the steps.
    """
    from regcore.engine.runtime import tensorflow

    tf = tensorflow()
    n_full, n_rest = divmod(setting.n_train, setting.batch_size)
    n_looked = setting.n_train + setting.n_val + setting.n_test
    n_blocks = math.ceil(n_looked / _ROWS_PER_BLOCK)

    def rows(n_batches: int, n_rows: int) -> Any:
        return tf.random.normal([n_batches, n_networks, n_rows, setting.n_features])

    kernels = [
        tf.random.normal([n_networks, n_in, n_out], stddev=n_in**-0.5)
        for n_in, n_out in pairwise(setting.widths)
    ]
    full, rest = rows(n_full, setting.batch_size), rows(min(n_rest, 1), max(n_rest, 1))
    looked = rows(n_blocks if with_look else 0, math.ceil(n_looked / n_blocks))
    loop = _product_loop(len(kernels))
    loop(kernels, full, rest, looked, tf.constant(1)).numpy()
    began = _now()
    loop(kernels, full, rest, looked, tf.constant(n_epochs)).numpy()
    return _speed(n_networks * n_epochs, began, _now())


@cache
def _product_loop(n_layers: int) -> Any:
    """Return a compiled function that does the products of some epochs, each feeding the next one.

    It returns a number that every product has a part in: what nobody asks for, TensorFlow leaves out.
    """
    from regcore.engine.runtime import tensorflow

    tf = tensorflow()
    product = tf.raw_ops.BatchMatMulV2

    def forward(x: Any, kernels: list[Any]) -> list[Any]:
        values = [x]
        for kernel in kernels:
            values.append(product(x=values[-1], y=kernel))
        return values

    def step(x: Any, kernels: list[Any]) -> Any:
        values = forward(x, kernels)
        gradient, of_kernels = values[-1], []
        for layer in reversed(range(n_layers)):
            of_kernels.append(product(x=values[layer], y=gradient, adj_x=True))
            if layer > 0:
                gradient = product(x=gradient, y=kernels[layer], adj_y=True)
        return tf.add_n([each[0, 0, 0] for each in of_kernels])

    def over(batches: Any, do: Callable[[Any], Any], total: Any) -> Any:
        n = tf.shape(batches)[0]
        return tf.while_loop(
            lambda i, _: i < n,
            lambda i, so_far: (i + 1, so_far + do(batches[i])),
            (0, total),
            parallel_iterations=1,
        )[1]

    def epochs(kernels: list[Any], full: Any, rest: Any, looked: Any, n_epochs: Any) -> Any:
        def epoch(i: Any, total: Any) -> Any:
            total = over(full, lambda x: step(x, kernels), total)
            total = over(rest, lambda x: step(x, kernels), total)
            total = over(looked, lambda x: forward(x, kernels)[-1][0, 0, 0], total)
            return i + 1, total

        return tf.while_loop(lambda i, _: i < n_epochs, epoch, (0, 0.0), parallel_iterations=1)[1]

    spec = tf.TensorSpec
    rows = spec([None] * 4, tf.float32)
    signature = [[spec([None] * 3, tf.float32)] * n_layers, rows, rows, rows, spec([], tf.int32)]
    return tf.function(epochs, input_signature=signature, autograph=False)


def count_traces(kinds: Collection[tuple[int, str, str]]) -> int:
    """Return how often this worker compiled the step loops of these depths, activations and optimizers."""
    from regcore.engine.program import program

    return sum(program(*kind, "regression", "float32").n_traces for kind in kinds)


def _rows(setting: Setting) -> tuple[npt.NDArray[np.float32], ...]:
    random = np.random.default_rng(0)
    n = setting.n_train + setting.n_val
    X = random.uniform(size=(n, setting.n_features)).astype(np.float32)
    X = (X - X.mean(0)) / X.std(0)
    if setting.n_classes:
        y = random.integers(0, setting.n_classes, (n, 1)).astype(np.float32)
    else:
        y = random.uniform(size=(n, 1)).astype(np.float32)
        y = (y - y.mean()) / y.std()
    return X[: setting.n_train], y[: setting.n_train], X[setting.n_train :], y[setting.n_train :]


def _load_keras() -> None:
    """Import Keras, without what TensorFlow says about drivers and instructions at any log level."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import keras  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _keras_model(setting: Setting, steps_per_execution: int = 1) -> Any:
    import keras
    from keras import layers, regularizers

    model = keras.Sequential([keras.Input((setting.n_features,)), layers.Dropout(setting.dropout_input)])
    for width in setting.hidden:
        penalty = regularizers.l2(setting.l2)
        model.add(layers.Dense(width, "relu", kernel_initializer="he_normal", kernel_regularizer=penalty))
        model.add(layers.Dropout(setting.dropout_hidden))
    model.add(layers.Dense(setting.widths[-1]))
    loss, metric = _loss_and_metric(setting.n_classes)
    model.compile(
        optimizer=keras.optimizers.Adam(_ADAM_RATE),
        loss=loss,
        metrics=[metric],
        steps_per_execution=steps_per_execution,
    )
    return model


def _loss_and_metric(n_classes: int) -> tuple[Any, Any]:
    import keras

    if n_classes > 2:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True), "accuracy"
    if n_classes:
        return keras.losses.BinaryCrossentropy(from_logits=True), keras.metrics.BinaryAccuracy(threshold=0.0)
    return "mse", "mae"


def _keras_clock() -> Any:
    import keras

    class Clock(keras.callbacks.Callback):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.ends: list[_Moment] = []

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.ends.append(_now())

    return Clock()


class _Moment(NamedTuple):
    seconds: float
    cpu_seconds: float


def _now() -> _Moment:
    return _Moment(time.perf_counter(), time.process_time())


def _speed(network_epochs: int, began: _Moment, ended: _Moment) -> Speed:
    return Speed(network_epochs, ended.seconds - began.seconds, ended.cpu_seconds - began.cpu_seconds)
