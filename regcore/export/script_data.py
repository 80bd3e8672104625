"""The first half of the Keras script: which rows there are, and what a network sees of them."""

from regcore.config import Config
from regcore.data.builtin import check_rows
from regcore.data.catalog import DATASET_INFO, KERAS
from regcore.export.section import Section, call, lines, notes

_ALTERNATING = "y = np.arange(n_rows) % 2"
_BLUR = "NOISE * rng.standard_normal((n_rows, 2))"
# The formulas of `regcore.data.generators`.
_GENERATORS = {
    "moons": lines(
        _ALTERNATING,
        "angle = np.pi * rng.random(n_rows)",
        "upper = np.column_stack([np.cos(angle), np.sin(angle)])",
        "lower = np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])",
        f"X = np.where(y[:, None] == 0, upper, lower) + {_BLUR}",
    ),
    "circles": lines(
        _ALTERNATING,
        "radius, angle = 1 + y, 2 * np.pi * rng.random(n_rows)",
        "circles = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])",
        f"X = circles + {_BLUR}",
    ),
    "spirals": lines(
        _ALTERNATING,
        "# The length of an arm grows with the square of its angle: the root spreads evenly.",
        "angle = 3 * np.pi * np.sqrt(rng.random(n_rows))",
        "radius, turned = angle / np.pi, angle + np.pi * y",
        "arms = np.column_stack([radius * np.cos(turned), radius * np.sin(turned)])",
        f"X = arms + {_BLUR}",
    ),
    "xor": lines(
        "quadrant = np.arange(n_rows) % 4",
        "signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])[quadrant]",
        f"X = signs * 2 * rng.random((n_rows, 2)) + {_BLUR}",
        "y = quadrant % 2",
    ),
    "blobs": lines(
        "y = np.arange(n_rows) % 4",
        "centers = np.array([[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]])",
        f"X = centers[y] + {_BLUR}",
    ),
    "sine": lines(
        "X = np.pi * (2 * rng.random((n_rows, 1)) - 1)",
        "y = np.sin(X[:, 0]) + NOISE * rng.standard_normal(n_rows)",
    ),
    "article_binary": lines(
        "X = rng.standard_normal((n_rows, 5))",
        "score = (X[:, 0] + X[:, 1]) / np.sqrt(2) + NOISE * rng.standard_normal(n_rows)",
        "y = (score > 0).astype(int)",
    ),
    "article_regression": lines(
        "X = rng.random((n_rows, 32))",
        "y = rng.random(n_rows)",
    ),
}


def data_sections(config: Config) -> tuple[Section, ...]:
    """Return the sections from the data set to scaled rows and targets.

    Args:
        config: An experiment that its data set can give, as `check_built_in` says.
    """
    noise = (_label_noise(),) if config.label_noise else ()
    return (_data(config), _split(config), *noise, _scaling(config))


def _data(config: Config) -> Section:
    info = DATASET_INFO[config.data]
    return Section(f"Data: {info.title}", (info.description,), _loading(config.data))


def _loading(name: str) -> str:
    info = DATASET_INFO[name]
    if info.is_generated:
        seeded = "rng = np.random.default_rng(DATA_SEED)"
        return lines(seeded, "n_rows = N_POOL + N_TEST", _GENERATORS[name])
    if info.source == KERAS:
        return lines(
            f"(X_pool, y_pool), (X_test, y_test) = keras.datasets.{name}.load_data()",
            f"X_pool, X_test = X_pool.reshape(-1, {info.n_features}), X_test.reshape(-1, {info.n_features})",
        )
    scaled = ", scaled=False" if name == "diabetes" else ""
    return f"X, y = load_{name}(return_X_y=True{scaled})"


def _split(config: Config) -> Section:
    info = DATASET_INFO[config.data]
    has_classes = info.task != "regression"
    has_all = min(check_rows(config)) >= info.n_classes
    said = notes(
        "`DATA_SEED` decides which rows are the test set, `SEED` which others train and validate.",
        has_classes and has_all and "Every part holds the classes in the same proportions (`stratify`).",
        has_classes and not has_all and "So few rows cannot hold every class, so the draw is a plain one.",
    )
    parts, X, y = "X_pool, X_test, y_pool, y_test", "X", "y"
    if info.source == KERAS:
        parts, X, y = "_, X_test, _, y_test", "X_test", "y_test"
    code = lines(
        call(
            f"{parts} = train_test_split",
            *(X, y, "test_size=N_TEST"),
            has_classes and f"stratify={y}",
            "random_state=DATA_SEED",
        ),
        call(
            "X_train, X_val, y_train, y_val = train_test_split",
            *("X_pool", "y_pool", "train_size=N_TRAIN", "test_size=N_VAL"),
            has_classes and has_all and "stratify=y_pool",
            "random_state=SEED",
        ),
    )
    return Section("Split", said, code)


def _label_noise() -> Section:
    return Section(
        "Label noise",
        (
            "This part of the train and validation labels is redrawn over all classes, and may hit the right "
            "one. Test labels stay clean.",
        ),
        lines(
            "rng = np.random.default_rng(SEED)",
            "for labels in (y_train, y_val):",
            "    noisy = rng.permutation(len(labels))[: round(LABEL_NOISE * len(labels))]",
            "    labels[noisy] = rng.integers(N_CLASSES, size=len(noisy))",
        ),
    )


def _scaling(config: Config) -> Section:
    info = DATASET_INFO[config.data]
    if info.image_shape:
        said = "Pixels are divided by the largest of the train rows."
        fitted, scaled = "largest = X_train.max()", "X / largest"
    else:
        said = (
            "Mean 0, standard deviation 1: fitted on the train rows alone, for the others are not known yet."
        )
        fitted, scaled = "scaler = StandardScaler().fit(X_train)", "scaler.transform(X)"
    of_target = info.task == "regression" and "The target as well: losses are in its standard deviations."
    code = lines(
        fitted,
        f"X_train, X_val, X_test = ({scaled} for X in (X_train, X_val, X_test))",
        info.task == "regression" and _SCALED_TARGET,
        info.task == "multiclass" and config.mixup > 0 and _ONE_HOT,
    )
    return Section("Scaling", notes(said, of_target), code)


_SCALED_TARGET = lines(
    "target_scaler = StandardScaler().fit(y_train[:, None])",
    "y_train, y_val, y_test = (",
    "    target_scaler.transform(y[:, None]) for y in (y_train, y_val, y_test)",
    ")",
)
_ONE_HOT = lines(
    "# Blends of two rows have blends of two labels: a column for each class.",
    "y_train, y_val, y_test = (",
    "    keras.utils.to_categorical(y, N_CLASSES) for y in (y_train, y_val, y_test)",
    ")",
)
