"""The second half of the Keras script: augmentation, the model, its training, and what came of it."""

import math

from regcore.config import Config
from regcore.data.catalog import DATASET_INFO
from regcore.export.section import Section, call, indented, lines, notes
from regcore.scoring import noise_floor

# `keras.layers.GaussianNoise` takes no larger standard deviation.
MAX_JITTER_OF_KERAS = 1.0

_ACTIVATION = {"binary": "sigmoid", "multiclass": "softmax", "regression": "linear"}
_LOSS = {
    "binary": "binary_crossentropy",
    "multiclass": "sparse_categorical_crossentropy",
    "regression": "mse",
}
_DATA_LOSS = {
    "mse": "MeanSquaredError",
    "binary_crossentropy": "BinaryCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
}
# No relu follows the output kernel, so the engine draws it with variance 1 / n_in instead of 2 / n_in.
_OUTPUT_INITIALIZER = {"he_normal": "lecun_normal", "negative": "lecun_normal"}


def training_sections(config: Config) -> tuple[Section, ...]:
    """Return the sections from augmentation to the figure that is printed.

    Args:
        config: An experiment that its data set can give, as `check_built_in` says.
    """
    augmentation = (_augmentation(config),) if makes_batches(config) else ()
    return (*augmentation, model_section(config), _training(config), _result(config))


def makes_batches(config: Config) -> bool:
    """Return whether batches are changed before the model sees them, which no layer of the model can do."""
    return bool(config.mixup or changes_images(config) or (config.jitter and not _has_noise_layer(config)))


def changes_images(config: Config) -> bool:
    """Return whether images are moved, turned, zoomed, mirrored or partly blanked."""
    return bool(_moves(config) or config.flip or config.cutout)


def _moves(config: Config) -> bool:
    return bool(config.shift or config.rotate or config.zoom)


def _has_noise_layer(config: Config) -> bool:
    # Mixup blends noisy rows with clean ones, so its noise has to come before it.
    return 0 < config.jitter <= MAX_JITTER_OF_KERAS and not config.mixup


# Augmentation


def _augmentation(config: Config) -> Section:
    said = notes(
        "Every time a row is seen, it is another one; validation rows stay as they are.",
        _moves(config) and "Half of the images keep their place, so that the network goes on seeing those.",
        config.mixup > 0 and "Mixup blends each row with one of the whole train set, targets as well.",
    )
    images = lines(_moved(config), "", "") if changes_images(config) else None
    return Section("Augmentation", said, lines(images, _batches(config)))


def _moved(config: Config) -> str:
    constants = lines(
        config.shift > 0 and _WHOLE_PIXEL_MOVES,
        (config.rotate > 0 or config.zoom > 0) and "CENTER = np.array([(HEIGHT - 1) / 2, (WIDTH - 1) / 2])",
    )
    body = lines(
        '"""Return an image as it is seen once; what comes in from outside is 0."""',
        _moves(config) and lines("if rng.random() < 0.5:", indented(_move(config))),
        config.flip and lines("if rng.random() < 0.5:", "    image = image[:, ::-1]"),
        config.cutout > 0 and _CUTOUT,
        "return image",
    )
    head = lines(constants, "", "") if constants else None
    return lines(head, "def changed(image, rng):", indented(body))


_WHOLE_PIXEL_MOVES = lines(
    "MOVES = [",
    "    (down, right)",
    "    for down in range(-SHIFT, SHIFT + 1)",
    "    for right in range(-SHIFT, SHIFT + 1)",
    "    if down**2 + right**2 <= SHIFT**2",
    "]",
)
_CUTOUT = lines(
    "# The square's center is inside of the image; what sticks out is cut off.",
    "top = rng.integers(HEIGHT) - CUTOUT // 2",
    "left = rng.integers(WIDTH) - CUTOUT // 2",
    "image = image.copy()",
    "image[max(top, 0) : max(top + CUTOUT, 0), max(left, 0) : max(left + CUTOUT, 0)] = 0",
)
_TURN = lines(
    "angle = np.deg2rad(rng.uniform(-ROTATE, ROTATE))",
    "cosine, sine = np.cos(angle), np.sin(angle)",
    "matrix = np.array([[cosine, sine], [-sine, cosine]])",
)


def _move(config: Config) -> str:
    if not (config.rotate or config.zoom):
        return "image = ndimage.shift(image, rng.choice(MOVES), order=0)"
    to = "(CENTER + rng.choice(MOVES))" if config.shift else "CENTER"
    return lines(
        _TURN if config.rotate else "matrix = np.eye(2)",
        config.zoom > 0 and "matrix = matrix / rng.uniform(1 - ZOOM, 1 + ZOOM)",
        "# Each pixel is fetched from where it was, about the center.",
        f"offset = CENTER - matrix @ {to}",
        "image = ndimage.affine_transform(",
        '    image, matrix, offset, order=1, mode="grid-constant"',
        ")",
    )


def _batches(config: Config) -> str:
    mixes = config.mixup > 0
    return lines(
        "class Batches(keras.utils.PyDataset):",
        '    """The train rows, in another order in every epoch; the last batch may be small."""',
        "",
        "    def __init__(self, X, y, rng):",
        "        super().__init__()",
        "        self.X, self.y, self.rng = X, y, rng",
        "        self.on_epoch_end()",
        "",
        "    def on_epoch_end(self):",
        "        self.order = self.rng.permutation(len(self.X))",
        mixes and "        self.partners = self.rng.permutation(len(self.X))",
        "",
        "    def __len__(self):",
        "        return math.ceil(len(self.X) / BATCH_SIZE)",
        "",
        "    def __getitem__(self, index):",
        indented(_batch(config), 2),
    )


def _batch(config: Config) -> str:
    images, mixes = changes_images(config), config.mixup > 0
    jitters = config.jitter > 0 and not _has_noise_layer(config)
    return lines(
        "rows = slice(index * BATCH_SIZE, (index + 1) * BATCH_SIZE)",
        "X, y = self.X[self.order[rows]], self.y[self.order[rows]]",
        images and "images = X.reshape(-1, HEIGHT, WIDTH)",
        images and "X = np.reshape([changed(image, self.rng) for image in images], X.shape)",
        jitters and "X = X + JITTER * self.rng.standard_normal(X.shape)",
        mixes and "share = self.rng.beta(MIXUP, MIXUP)",
        mixes and "X = share * X + (1 - share) * self.X[self.partners[rows]]",
        mixes and "y = share * y + (1 - share) * self.y[self.partners[rows]]",
        "return X, y",
    )


# Model


def model_section(config: Config) -> Section:
    """Return the section that builds and compiles the network."""
    return Section("Model", _model_notes(config), lines("def build_model():", indented(_model_code(config))))


def _model_notes(config: Config) -> tuple[str, ...]:
    drops = config.dropout_input or any(config.dropout_rates())
    on = "on the hidden kernels alone" if config.hidden else "on the only kernel"
    decays = "AdamW takes" if config.optimizer == "adam" else "Decoupled weight decay takes"
    exempt = "biases and the output kernel are" if config.hidden else "the bias is"
    return notes(
        config.initializer == "he_normal"
        and bool(config.hidden)
        and "No relu follows the output kernel: variance 1 / n_in (`lecun_normal`), half of `he_normal`.",
        _has_noise_layer(config) and "`GaussianNoise` is on in training alone, anew for every batch.",
        drops
        and "`Dropout` takes the rate that is DROPPED (a paper's p is often the part kept, 1-rate), "
        "scales up what is left, and is off outside of training.",
        config.l2 > 0 and f"`L2(l2)` adds `l2 * sum(w**2)` to the loss, without one half, {on}.",
        config.weight_decay > 0
        and f"{decays} `learning_rate * weight_decay * w` off in each update, past the gradient: Keras would "
        f"decay all, so {exempt} excluded.",
        config.max_norm is not None
        and "`MaxNorm` with `axis=0` limits the norm of the weights into each hidden unit.",
    )


def _model_code(config: Config) -> str:
    return lines(
        "model = keras.Sequential(",
        "    [",
        indented(lines(*_layers(config)), 2),
        "    ]",
        ")",
        *_compilation(config),
        "return model",
    )


def _layers(config: Config) -> list[str]:
    info = DATASET_INFO[config.data]
    rates = config.dropout_rates()
    layers = [f"keras.Input(({info.n_features},)),"]
    if _has_noise_layer(config):
        layers.append("layers.GaussianNoise(JITTER),")
    if config.dropout_input:
        layers.append("layers.Dropout(DROPOUT_INPUT),")
    widths = (info.n_features, *config.hidden)
    for number, rate in enumerate(rates):
        units, initializer = config.hidden[number], _hidden_initializer(config, widths[number])
        options = [f'activation="{config.activation}"', f"kernel_initializer={initializer}"]
        options += [*_penalty(config), *_limit(config)]
        layers.append(_dense(units, options))
        if rate:
            which = "" if len(set(rates)) == 1 else f"[{number}]"
            layers.append(f"layers.Dropout(DROPOUT_HIDDEN{which}),")
    n_outputs = info.n_classes if info.task == "multiclass" else 1
    initializer = _OUTPUT_INITIALIZER.get(config.initializer, config.initializer)
    options = [f'activation="{_ACTIVATION[info.task]}"', f'kernel_initializer="{initializer}"']
    layers.append(_dense(n_outputs, options if config.hidden else [*options, *_penalty(config)]))
    return layers


def _hidden_initializer(config: Config, n_in: int) -> str:
    if config.initializer == "negative":
        return f"keras.initializers.RandomUniform({-math.sqrt(6 / n_in):.6g}, 0.0)"
    return f'"{config.initializer}"'


def _dense(units: int, options: list[str]) -> str:
    return call("layers.Dense", str(units), *options, end=",")


def _penalty(config: Config) -> list[str]:
    return ["kernel_regularizer=keras.regularizers.L2(L2)"] if config.l2 else []


def _limit(config: Config) -> list[str]:
    if config.max_norm is None:
        return []
    return ["kernel_constraint=keras.constraints.MaxNorm(MAX_NORM, axis=0)"]


def _compilation(config: Config) -> list[str]:
    loss = _loss(config)
    exempt = call(
        "optimizer.exclude_from_weight_decay",
        bool(config.hidden) and "var_list=[model.layers[-1].kernel]",
        'var_names=["bias"]',
    )
    metric = f'metrics=[keras.metrics.{_DATA_LOSS[loss]}(name="data_loss")]'
    compiled = call("model.compile", "optimizer", f'loss="{loss}"', config.l2 > 0 and metric)
    return [_optimizer(config), *([exempt] if config.weight_decay else []), compiled]


def _loss(config: Config) -> str:
    loss = _LOSS[DATASET_INFO[config.data].task]
    return loss.removeprefix("sparse_") if config.mixup else loss


def _optimizer(config: Config) -> str:
    decays = config.weight_decay > 0
    name = "SGD" if config.optimizer == "sgd" else "AdamW" if decays else "Adam"
    return call(
        f"optimizer = keras.optimizers.{name}",
        "LEARNING_RATE",
        config.momentum > 0 and "momentum=MOMENTUM",
        decays and "weight_decay=WEIGHT_DECAY",
    )


# Training


def _training(config: Config) -> Section:
    one = lines(*_built(config), _stopping(config), *_fit(config), *_report(config))
    if config.members == 1:
        return Section("Training", _training_notes(config), one)
    # Members of which nothing varies need no number.
    head = f"for {'member' if 'member' in one else '_'} in range(MEMBERS):"
    loop = lines("models = []", head, indented(one), "    models.append(model)")
    return Section("Training", _training_notes(config), loop)


def _training_notes(config: Config) -> tuple[str, ...]:
    stops = config.patience is not None
    return notes(
        config.members > 1 and _MEMBERS[config.member_varies],
        config.bootstrap
        and "Bootstrap: rows are drawn with replacement, which leaves out about 37 % of the train rows.",
        stops
        and config.restore_best_weights
        and "`restore_best_weights=True` takes back the weights of the best epoch; Keras's own default keeps "
        "the last ones, `patience` epochs later.",
        stops and config.min_delta > 0 and "An epoch is better only by more than `min_delta`.",
        stops and config.start_from_epoch > 0 and "`start_from_epoch` counts epochs from 0.",
        config.l2 > 0
        and "Keras adds the penalty to `loss` and to `val_loss`: the loss of the data alone is `data_loss`"
        + (", and early stopping watches that one." if stops else "."),
    )


_MEMBERS = {
    ("init", "order"): "Members differ in their first weights and in the order of batches, masks included.",
    ("init",): "Members differ in their first weights; they see the same batches and masks.",
    ("order",): "Members start from the same weights; they differ in the order of batches and in masks.",
    (): "Members share their first weights, batches and masks.",
}


def _built(config: Config) -> list[str]:
    """Return how a model gets its first weights, and what is drawn after them its own seed."""
    varies = config.member_varies if config.members > 1 else ()
    own = ["seed = SEED + 1000 * member"] if varies else []
    if len(varies) != 1:
        return [*own, f"keras.utils.set_random_seed({'seed' if varies else 'SEED'})", "model = build_model()"]
    init, order = ("seed", "SEED") if varies == ("init",) else ("SEED", "seed")
    return [
        *own,
        f"keras.utils.set_random_seed({init})",
        "first_weights = build_model().get_weights()",
        f"keras.utils.set_random_seed({order})",
        "model = build_model()",
        "model.set_weights(first_weights)",
    ]


def _stopping(config: Config) -> str | None:
    if config.patience is None:
        return None
    return call(
        "stopping = keras.callbacks.EarlyStopping",
        f'monitor="{"val_data_loss" if config.l2 else "val_loss"}"',
        'mode="min"',
        "patience=PATIENCE",
        config.min_delta > 0 and "min_delta=MIN_DELTA",
        config.start_from_epoch > 0 and "start_from_epoch=START_FROM_EPOCH",
        f"restore_best_weights={config.restore_best_weights}",
    )


def _fit(config: Config) -> list[str]:
    which = "[rows]" if config.bootstrap else ""
    trained = f"X_train{which}", f"y_train{which}"
    seed = "seed" if config.members > 1 and "order" in config.member_varies else "SEED"
    random = f"np.random.default_rng({seed})"
    code = [_bootstrapped(config)] if config.bootstrap else []
    if makes_batches(config):
        code.append(call("batches = Batches", *trained, random))
    stops = config.patience is not None
    fit = call(
        "history = model.fit" if stops else "model.fit",
        *(("batches",) if makes_batches(config) else (*trained, "batch_size=BATCH_SIZE")),
        "validation_data=(X_val, y_val)",
        "epochs=EPOCHS",
        stops and "callbacks=[stopping]",
        "verbose=0",
    )
    return [*code, fit]


def _bootstrapped(config: Config) -> str:
    member = "member" if config.members > 1 else "0"
    return f"rows = np.random.default_rng([SEED, {member}]).integers(N_TRAIN, size=N_TRAIN)"


def _report(config: Config) -> list[str]:
    who = "member {member}: " if config.members > 1 else ""
    code = []
    if config.patience is not None:
        keeps_best = config.restore_best_weights and config.start_from_epoch < config.epochs
        kept = ", kept epoch {best_epoch}" if keeps_best else ""
        code += [
            "n_epochs = len(history.epoch)",
            *(["best_epoch = stopping.best_epoch + 1"] if keeps_best else []),
            f'print(f"{who}stopped after {{n_epochs}} epochs{kept}")',
        ]
    if config.l2:
        code += [
            "loss, data_loss = model.evaluate(X_val, y_val, verbose=0)",
            f'print(f"{who}val_loss {{loss:.4f}}, of the data alone {{data_loss:.4f}}")',
        ]
    return code


# Result


def _result(config: Config) -> Section:
    info = DATASET_INFO[config.data]
    said = notes(
        config.members > 1 and "The members' predictions are averaged.",
        config.label_noise > 0
        and "Redrawn labels can only be guessed: on these validation rows, even the best network is wrong on "
        f"{100 * noise_floor(config.label_noise, info.n_classes).error:.0f} % on average.",
        "The test rows stay closed until nothing is left to choose; then they are opened once.",
    )
    return Section("Result", said, lines(_predicted(config), *_measured(config)))


def _predicted(config: Config) -> str:
    name = "predictions" if DATASET_INFO[config.data].task == "regression" else "probabilities"
    if config.members == 1:
        return f"{name} = model.predict(X_val, verbose=0)"
    return f"{name} = np.mean([model.predict(X_val, verbose=0) for model in models], axis=0)"


def _measured(config: Config) -> list[str]:
    task, count = DATASET_INFO[config.data].task, 'print(f"{model.count_params():,} parameters")'
    if task == "regression":
        return [
            "mae = np.mean(np.abs(predictions - y_val)) * target_scaler.scale_[0]",
            count,
            'print(f"validation MAE: {mae:.4g}")',
        ]
    if task == "binary":
        wrong = "(probabilities[:, 0] > 0.5) != y_val"
    else:
        wrong = f"probabilities.argmax(axis=1) != y_val{'.argmax(axis=1)' if config.mixup else ''}"
    return [f"error = np.mean({wrong})", count, 'print(f"validation error: {100 * error:.1f} %")']
