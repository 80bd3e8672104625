"""The checklist of `regcore.checklist` in Keras: can the network overfit at all?"""

from regcore.checklist import (
    BATCH_BOUND,
    CHANCE,
    EPOCHS_OF_BATCH,
    FIRST_LOSS,
    INITIAL_BOUND,
    MEMORISED,
    MEMORISED_BOUND,
    ONE_BATCH,
    ROWS_OF_BATCH,
    SHUFFLED,
    STANDARD_ERRORS,
    THE_INPUT,
)
from regcore.config import Config
from regcore.data.catalog import DATASET_INFO
from regcore.errors import ConfigError
from regcore.export.script_training import model_section
from regcore.export.section import Section, call, lines


def checklist_sections(config: Config) -> tuple[Section, ...]:
    """Return the sections from the model to the last check, each of which prints whether it passes.

    Args:
        config: An experiment without regularizers that its data set can give.

    Raises:
        ConfigError: the target of the data is a number.
    """
    if DATASET_INFO[config.data].task == "regression":
        raise ConfigError(f"data must be of classes for this checklist, got {config.data!r}")
    return model_section(config), _tools(config), _untrained(), _trained(), _shuffled()


def checklist_constants(config: Config) -> dict[str, object]:
    """Return the constants that the sections use beside those of any script."""
    return {
        "N_CLASSES": DATASET_INFO[config.data].n_classes,
        "ROWS_OF_BATCH": ROWS_OF_BATCH,
        "EPOCHS_OF_BATCH": EPOCHS_OF_BATCH,
    }


def _tools(config: Config) -> Section:
    said = "(probabilities[:, 0] > 0.5)"
    if DATASET_INFO[config.data].task == "multiclass":
        said = "probabilities.argmax(axis=1)"
    code = lines(
        "def new_model():",
        "    keras.utils.set_random_seed(SEED)",
        "    return build_model()",
        "",
        "",
        "def error(model, X, y):",
        "    probabilities = model.predict(X, verbose=0)",
        f"    return np.mean({said} != y)",
        "",
        "",
        "def below(error):",
        f'    """Return what luck does not reach: {STANDARD_ERRORS:g} standard errors below."""',
        f"    return error - {STANDARD_ERRORS:g} * np.sqrt(error * (1 - error) / N_VAL)",
        "",
        "",
        "def check(name, value, low=0.0, high=1.0):",
        '    passes = "passes" if low <= value <= high else "FAILS"',
        '    print(f"{passes}: {name}, {value:.3f}, asked for {low:.3f} to {high:.3f}")',
    )
    return Section("Tools", (), code)


def _check(name: str, value: str, bound: str) -> str:
    return call("check", f'"{name}"', value, bound)


def _untrained() -> Section:
    return Section(
        "Before it is trained, and on one batch",
        ("Whoever knows nothing loses ln C. Sixteen rows are learnt by heart by any network that works.",),
        lines(
            "model = new_model()",
            "loss = model.evaluate(X_train, y_train, verbose=0)",
            _check(f"{FIRST_LOSS}, from ln C", "abs(loss - np.log(N_CLASSES))", f"high={INITIAL_BOUND:g}"),
            "",
            "X_batch, y_batch = X_train[:ROWS_OF_BATCH], y_train[:ROWS_OF_BATCH]",
            "model.fit(X_batch, y_batch, batch_size=ROWS_OF_BATCH, epochs=EPOCHS_OF_BATCH, verbose=0)",
            "loss = model.evaluate(X_batch, y_batch, verbose=0)",
            _check(ONE_BATCH, "loss", f"high={BATCH_BOUND:g}"),
        ),
    )


def _trained() -> Section:
    return Section(
        "The whole training set",
        ("Who never looks at the input does best by naming the most frequent class.",),
        lines(
            "model = new_model()",
            "model.fit(X_train, y_train, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)",
            "blind = 1 - np.bincount(y_val).max() / N_VAL",
            _check(THE_INPUT, "error(model, X_val, y_val)", "high=below(blind)"),
            _check(MEMORISED, "error(model, X_train, y_train)", f"high={MEMORISED_BOUND:g}"),
        ),
    )


def _shuffled() -> Section:
    return Section(
        "Labels that mean nothing",
        ("The network can learn these too, but nothing from them.",),
        lines(
            "rng = np.random.default_rng(SEED)",
            "y_train, y_val = (rng.integers(N_CLASSES, size=n) for n in (N_TRAIN, N_VAL))",
            "model = new_model()",
            "model.fit(X_train, y_train, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)",
            _check(SHUFFLED, "error(model, X_train, y_train)", f"high={MEMORISED_BOUND:g}"),
            "chance = 1 - 1 / N_CLASSES",
            _check(CHANCE, "error(model, X_val, y_val)", "low=below(chance)"),
        ),
    )
