"""The engine held against Keras, gradient tapes, SciPy and scikit-learn."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import ndimage, special
from sklearn import metrics

from regcore.config import Config
from regcore.data import Dataset, load_dataset
from regcore.engine import streams
from regcore.engine.advance import start
from regcore.engine.replicate import Replicate
from regcore.engine.runtime import tensorflow
from regcore.engine.shard import RecordingPlan, Shard, ShardState
from regcore.results import HISTORY_COLUMNS
from tests.engine_runs import replicates, train

Array = np.ndarray

# Two layers of odd width, and 50 rows in batches of 16, so that the last batch of an epoch has two.
SMALL: dict[str, Any] = {"n_train": 50, "n_val": 20, "hidden": (13, 5), "batch_size": 16, "epochs": 20}
# Measured: 1e-15 for most cases. What is asked for is 1e-6.
DOUBLE = 1e-9
MEASURED = ("objective", "penalty", "weight_norm", "train_loss", "val_loss", "test_loss")


@pytest.fixture
def keras() -> Iterator[Any]:
    """Keras, with its own settings put back afterwards."""
    tensorflow()
    import keras

    floatx, policy, epsilon = keras.config.floatx(), keras.config.dtype_policy(), keras.config.epsilon()
    yield keras
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)
    keras.config.set_epsilon(epsilon)


def column(history: Array, name: str) -> Array:
    """Return one column of the first replicate's history."""
    return np.asarray(history[0, :, HISTORY_COLUMNS.index(name)])


def batches(replicate: Replicate, dataset: Dataset, epoch: int, order: Any = streams.order) -> list[Array]:
    """Return the places among the seed's training rows of each batch of an epoch (0-based)."""
    places = streams.training_rows(replicate, dataset.n_train)[order(replicate, epoch, dataset.n_train)]
    return np.split(places, range(replicate.config.batch_size, len(places), replicate.config.batch_size))


# Against Keras's own training


def keras_optimizer(keras: Any, config: Config, not_decayed: list[Any]) -> Any:
    # Keras takes Python's floats through float32 even in double precision, which moves Adam's first steps by
    # 1e-5; numpy's floats stay what they are.
    rate, decay, momentum = map(np.float64, (config.learning_rate, config.weight_decay, config.momentum))
    betas = {"beta_1": np.float64(0.9), "beta_2": np.float64(0.999)}
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, momentum=momentum, weight_decay=decay or None)
    elif decay:
        optimizer = keras.optimizers.AdamW(rate, weight_decay=decay, **betas)
    else:
        optimizer = keras.optimizers.Adam(rate, **betas)
    if decay:
        optimizer.exclude_from_weight_decay(var_list=not_decayed)
    return optimizer


def keras_l2(keras: Any, l2: float) -> Any:
    regularizer = keras.regularizers.L2(l2)
    regularizer.l2 = np.float64(l2)
    return regularizer


def keras_model(keras: Any, config: Config, dataset: Dataset, state: ShardState) -> Any:
    """Return a compiled model with the weights that the engine starts from."""
    n_penalised = max(len(config.hidden), 1)
    limit = keras.constraints.MaxNorm(config.max_norm) if config.max_norm else None
    model = keras.Sequential([keras.layers.Input((dataset.n_features,))])
    for layer, width in enumerate((*config.hidden, dataset.n_outputs)):
        is_hidden = layer < len(config.hidden)
        model.add(
            keras.layers.Dense(
                width,
                activation=config.activation if is_hidden else None,
                kernel_regularizer=keras_l2(keras, config.l2) if layer < n_penalised else None,
                kernel_constraint=limit if is_hidden else None,
            )
        )
    for layer, kernel, bias in zip(model.layers, state.kernels, state.biases, strict=True):
        layer.set_weights([kernel[0], bias[0, 0]])
    kernels, biases = model.trainable_variables[::2], model.trainable_variables[1::2]
    optimizer = keras_optimizer(keras, config, [*kernels[n_penalised:], *biases])
    model.compile(optimizer, keras_loss(keras, dataset), jit_compile=False)
    return model


def keras_loss(keras: Any, dataset: Dataset) -> Any:
    if dataset.task == "regression":
        return keras.losses.MeanSquaredError()
    if dataset.task == "binary":
        return keras.losses.BinaryCrossentropy(from_logits=True)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def train_with_keras(keras: Any, replicate: Replicate, dataset: Dataset, dtype: str) -> dict[str, Array]:
    """Return what is measured after every epoch of `fit`, fed the batches that the engine trains on."""
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    config, split = replicate.config, dataset.split(replicate.seed)
    model = keras_model(keras, config, dataset, start(Shard((replicate,)), dataset, dtype))
    kernels = model.trainable_variables[::2][: max(len(config.hidden), 1)]
    loss = keras_loss(keras, dataset)
    parts = (split.X_train, split.y_train), (split.X_val, split.y_val), (split.X_test, split.y_test)
    measured: list[tuple[float, ...]] = []

    def measure(epoch: int, logs: dict[str, float]) -> None:
        norm = np.sqrt(sum(np.sum(kernel.numpy() ** 2) for kernel in kernels))
        losses = [float(loss(y[:, None], model(X.astype(dtype)))) for X, y in parts]
        measured.append((logs["loss"], float(sum(model.losses)), norm, *losses))

    def epochs() -> Iterator[tuple[Array, Array]]:
        for epoch in range(config.epochs):
            for places in batches(replicate, dataset, epoch):
                yield split.X_train[places].astype(dtype), split.y_train[places, None]

    spec = tensorflow().TensorSpec
    types = spec([None, dataset.n_features], dtype), spec([None, 1], split.y_train.dtype)
    model.fit(
        tensorflow().data.Dataset.from_generator(epochs, output_signature=types),
        epochs=config.epochs,
        steps_per_epoch=len(batches(replicate, dataset, 0)),
        shuffle=False,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=measure)],
        verbose=0,
    )
    return dict(zip(MEASURED, np.transpose(measured), strict=True))


def worst_deviation(keras: Any, config: Config, dtype: str) -> float:
    """Return the largest relative difference between the engine and Keras in all that is measured."""
    dataset = load_dataset(config)
    replicate = replicates(config, dataset)[0]
    history = train([replicate], dataset, dtype=dtype).history
    expected = train_with_keras(keras, replicate, dataset, dtype)
    for name in MEASURED:
        assert np.isfinite(expected[name]).all()
    differences = {name: np.abs(column(history, name) - expected[name]) for name in MEASURED}
    return max(float(np.max(differences[name] / np.maximum(expected[name], 1e-30))) for name in MEASURED)


KERAS_CASES = {
    "adam binary relu": {"data": "moons"},
    "adam multiclass tanh l2": {"data": "iris", "activation": "tanh", "l2": 0.01},
    "adam regression relu weight decay": {"data": "diabetes", "weight_decay": 0.1},
    "adam multiclass relu l2 weight decay": {"data": "blobs", "l2": 0.003, "weight_decay": 0.03},
    "adam binary glorot bootstrap": {"data": "xor", "initializer": "glorot_uniform", "bootstrap": True},
    "adam regression linear l2": {"data": "diabetes", "hidden": (), "l2": 0.02},
    "sgd regression tanh": {"data": "sine", "optimizer": "sgd", "activation": "tanh"},
    "sgd momentum multiclass relu l2": {"data": "wine", "optimizer": "sgd", "momentum": 0.9, "l2": 0.01},
    "sgd momentum binary tanh weight decay": {
        "data": "circles", "optimizer": "sgd", "momentum": 0.5, "weight_decay": 0.1, "activation": "tanh",
    },
    "sgd binary linear l2 weight decay": {
        "data": "breast_cancer", "optimizer": "sgd", "hidden": (), "l2": 0.01, "weight_decay": 0.1,
    },
}  # fmt: skip

# What double precision is held to already, within what single precision rounds.
SINGLE_CASES = (
    "adam multiclass relu l2 weight decay",
    "sgd momentum binary tanh weight decay",
    *(
        pytest.param(case, marks=pytest.mark.slow)
        for case in (
            "adam binary relu",
            "adam regression relu weight decay",
            "sgd momentum multiclass relu l2",
        )
    ),
)


# What the others hold as well, one way or another.
LATER = {"adam binary glorot bootstrap", "adam regression linear l2", "sgd binary linear l2 weight decay"}


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow) if case in LATER else case for case in KERAS_CASES],
)
def test_twenty_epochs_in_double_precision_are_those_of_keras(keras, case):
    config = Config(**{**SMALL, "learning_rate": 0.01, **KERAS_CASES[case]})

    assert worst_deviation(keras, config, "float64") < DOUBLE


@pytest.mark.parametrize("case", SINGLE_CASES)
def test_three_epochs_in_single_precision_are_those_of_keras(keras, case):
    config = Config(**{**SMALL, "learning_rate": 0.01, **KERAS_CASES[case], "epochs": 3})

    assert worst_deviation(keras, config, "float32") < 1e-4


MAX_NORM = Config(**{**SMALL, "data": "iris", "learning_rate": 0.01, "max_norm": 0.8})


def test_max_norm_is_that_of_keras_without_its_epsilon(keras):
    keras.config.set_epsilon(1e-300)

    assert worst_deviation(keras, MAX_NORM, "float64") < DOUBLE


def test_max_norm_stays_near_that_of_keras_with_its_epsilon(keras):
    # Keras divides by norm + 1e-7, so it shrinks every kernel by 1e-7 a step even within the limit: 80 steps
    # make up to 1e-5 in the weights (measured in the losses: 1.2e-6).
    deviation = worst_deviation(keras, MAX_NORM, "float64")

    assert 1e-8 < deviation < 1e-4


# Against gradient tapes, fed the masks and the augmentation that the engine draws


class Course(NamedTuple):
    """The objective and the validation loss of every epoch, and the last weights."""

    objective: Array
    val_loss: Array
    weights: list[Array]


def moved(image: Array, down: int, right: int) -> Array:
    """Return an image moved by whole pixels, zeros coming in."""
    height, width = image.shape
    rolled = np.roll(image, (down, right), axis=(0, 1))
    rows, columns = np.arange(height)[:, None], np.arange(width)
    inside = (rows >= down) & (rows < height + down) & (columns >= right) & (columns < width + right)
    return np.where(inside, rolled, 0)


def transformed(image: Array, t: Array) -> Array:
    """Return an image seen through the projective transform of eight numbers that TensorFlow takes."""
    if (t[[0, 1, 3, 4]] == (1, 0, 0, 1)).all():
        assert (t == np.round(t)).all()
        return moved(image, -int(t[5]), -int(t[2]))
    matrix, offset = t[[4, 3, 1, 0]].reshape(2, 2), t[[5, 2]]
    return np.asarray(ndimage.affine_transform(image, matrix, offset, order=1, mode="grid-constant"))


def without_square(image: Array, corner: Array, side: int) -> Array:
    image = image.copy()
    top, left = corner
    image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = 0
    return image


def augmented(X: Array, drawn: streams.Augmentation, step: int, config: Config, dataset: Dataset) -> Array:
    """Return rows with everything done to them that moves pixels or adds noise."""
    images = [row.reshape(dataset.image_shape or (1, -1)) for row in X]
    if drawn.geometry is not None:
        images = [transformed(image, t) for image, t in zip(images, drawn.geometry[step], strict=False)]
    if drawn.cutout is not None:
        cuts = zip(images, drawn.cutout[step], strict=False)
        images = [without_square(image, corner, config.cutout) for image, corner in cuts]
    rows = np.stack(images).reshape(len(X), -1)
    return rows if drawn.jitter is None else rows + config.jitter * drawn.jitter[step, : len(X)].astype(float)


def train_by_tape(keras: Any, replicate: Replicate, dataset: Dataset) -> Course:
    """Return the course of a training in double precision whose gradients TensorFlow derives."""
    tf = tensorflow()
    keras.config.set_floatx("float64")
    config, split = replicate.config, dataset.split(replicate.seed)
    state = start(Shard((replicate,)), dataset, "float64")
    kernels = [tf.Variable(kernel[0]) for kernel in state.kernels]
    biases = [tf.Variable(bias[0, 0]) for bias in state.biases]
    optimizer = keras_optimizer(keras, config, [])
    activate = {"relu": tf.nn.relu, "tanh": tf.tanh}[config.activation]
    if dataset.task == "multiclass":
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        targets, val_targets = (np.eye(dataset.n_classes)[y] for y in (split.y_train, split.y_val))
    else:
        loss = keras_loss(keras, dataset)
        targets, val_targets = (y[:, None].astype(float) for y in (split.y_train, split.y_val))

    def forward(x: Any, masks: Any) -> Any:
        for layer, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
            x = x if layer == 0 else activate(x)
            if masks[layer] is not None:
                x = x * masks[layer] / streams.keep_probability(streams.mask_rates(config)[layer])
            x = x @ kernel + bias
        return x

    course = Course(np.zeros(config.epochs), np.zeros(config.epochs), [])
    step = 0
    for epoch in range(config.epochs):
        others = batches(replicate, dataset, epoch, streams.mixup_order)
        for places, mixed_in in zip(batches(replicate, dataset, epoch), others, strict=True):
            block, place = divmod(step, streams.steps_per_block(config, dataset.n_features))
            drawn = streams.augmentation(replicate, block, dataset.n_features, dataset.image_shape)
            masks = [
                None if mask is None else mask[place, : len(places)].astype(float)
                for mask in streams.dropout_masks(replicate, block, dataset.n_features)
            ]
            X, y = augmented(split.X_train[places], drawn, place, config, dataset), targets[places]
            if drawn.mixup is not None:
                share = drawn.mixup[place]
                X = share * X + (1 - share) * split.X_train[mixed_in]
                y = share * y + (1 - share) * targets[mixed_in]
            with tf.GradientTape() as tape:
                penalty = sum(tf.reduce_sum(kernel**2) for kernel in kernels[: max(len(config.hidden), 1)])
                objective = loss(y, forward(tf.constant(X), masks)) + np.float64(config.l2) * penalty
            variables = [*kernels, *biases]
            optimizer.apply(tape.gradient(objective, variables), variables)
            course.objective[epoch] += float(objective) * len(places) / dataset.n_train
            step += 1
        clean = forward(tf.constant(split.X_val), [None] * len(kernels))
        course.val_loss[epoch] = float(loss(val_targets, clean))
    course.weights.extend(variable.numpy() for variable in (*kernels, *biases))
    return course


def assert_trains_like_a_tape(keras: Any, config: Config, tolerance: float) -> None:
    dataset = load_dataset(config)
    replicate = replicates(config, dataset)[0]
    run = train([replicate], dataset, dtype="float64")
    expected = train_by_tape(keras, replicate, dataset)
    np.testing.assert_allclose(column(run.history, "objective"), expected.objective, rtol=tolerance)
    np.testing.assert_allclose(column(run.history, "val_loss"), expected.val_loss, rtol=tolerance)
    for ours, theirs in zip((*run.state.kernels, *run.state.biases), expected.weights, strict=True):
        np.testing.assert_allclose(ours[0].reshape(theirs.shape), theirs, rtol=tolerance, atol=tolerance)


# Seventeen epochs of four batches: more steps than the 64 that are drawn at once.
BRIEF: dict[str, Any] = {**SMALL, "epochs": 17, "learning_rate": 0.01}
DROPOUT = {"dropout_input": 0.2, "dropout_hidden": (0.5, 0.3)}
TAPE_CASES = {
    "dropout relu binary": {"data": "moons", **DROPOUT},
    "dropout tanh regression sgd": {"data": "diabetes", "activation": "tanh", "optimizer": "sgd", **DROPOUT},
    "dropout of one layer multiclass l2": {"data": "wine", "dropout_hidden": (0.0, 0.4), "l2": 0.01},
    "dropout linear": {"data": "breast_cancer", "hidden": (), "dropout_input": 0.5},
    "jitter": {"data": "wine", "jitter": 0.5},
    "mixup multiclass": {"data": "iris", "mixup": 0.4},
    "mixup binary bootstrap": {"data": "circles", "mixup": 1.0, "bootstrap": True},
    "mixup regression": {"data": "sine", "mixup": 0.2},
    "shift": {"data": "digits", "shift": 2},
    "cutout": {"data": "digits", "cutout": 3},
    "all": {
        "data": "digits", "shift": 1, "cutout": 4, "jitter": 0.1, "mixup": 1.0, "l2": 0.001,
        "activation": "tanh", **DROPOUT,
    },
}  # fmt: skip


@pytest.mark.parametrize("case", TAPE_CASES)
def test_dropout_and_augmentation_train_as_a_gradient_tape_does(keras, case):
    assert_trains_like_a_tape(keras, Config(**{**BRIEF, **TAPE_CASES[case]}), DOUBLE)


def test_turned_zoomed_and_mirrored_images_are_those_of_scipy(keras):
    config = Config(**BRIEF, data="digits", rotate=20.0, zoom=0.2, flip=True, shift=1)

    # TensorFlow works out in single precision where a pixel comes from.
    assert_trains_like_a_tape(keras, config, 1e-4)


# Metrics against scikit-learn


@pytest.mark.parametrize("data", ["moons", "digits", "sine"])
def test_loss_error_and_brier_are_those_of_scikit_learn(data):
    config = Config(**{**SMALL, "epochs": 3}, data=data, label_noise=0.0 if data == "sine" else 0.3)
    dataset = load_dataset(config)
    run = train(replicates(config, dataset)[:1], dataset, plan=RecordingPlan(output_every=1), dtype="float64")
    rows = dataset.rows(config.seed)
    for split, y in {"train": rows.y_train, "val": rows.y_val, "test": rows.y_test}.items():
        expected = [scores(outputs, y, dataset) for outputs in run.outputs[split][0]]
        measured = [column(run.history, f"{split}_{name}") for name in ("loss", "error", "brier")]
        np.testing.assert_allclose(np.transpose(measured), expected, rtol=1e-12)


def scores(outputs: Array, y: Array, dataset: Dataset) -> tuple[float, float, float]:
    if dataset.task == "regression":
        return metrics.mean_squared_error(y, outputs), metrics.mean_absolute_error(y, outputs), np.nan
    logits = outputs if dataset.task == "multiclass" else np.hstack([np.zeros_like(outputs), outputs])
    p, labels = special.softmax(logits, axis=1), range(dataset.n_classes)
    binary = dataset.task == "binary"
    return (
        metrics.log_loss(y, p, labels=labels),
        metrics.zero_one_loss(y, p.argmax(axis=1)),
        metrics.brier_score_loss(y, p, labels=labels, scale_by_half=binary),
    )
