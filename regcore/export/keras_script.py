"""An experiment as a Keras script that needs nothing of this library, to be read, shown and run."""

import textwrap
from collections.abc import Mapping

from regcore.config import Config
from regcore.data.builtin import check_rows, pool_size
from regcore.data.catalog import DATASET_INFO
from regcore.data.checks import check_built_in
from regcore.export.script_checklist import checklist_constants, checklist_sections
from regcore.export.script_data import data_sections
from regcore.export.script_training import changes_images, training_sections
from regcore.export.section import Section, call, lines

WIDTH = 88

# What is imported where its name occurs in the code, in the order of `ruff`.
_IMPORTS = {
    "math.": "import math\n",
    "keras.": "import keras",
    "np.": "import numpy as np",
    "layers.": "from keras import layers",
    "ndimage.": "from scipy import ndimage",
    "load_breast_cancer(": "from sklearn.datasets import load_breast_cancer",
    "load_diabetes(": "from sklearn.datasets import load_diabetes",
    "load_digits(": "from sklearn.datasets import load_digits",
    "load_iris(": "from sklearn.datasets import load_iris",
    "load_wine(": "from sklearn.datasets import load_wine",
    "train_test_split(": "from sklearn.model_selection import train_test_split",
    "StandardScaler(": "from sklearn.preprocessing import StandardScaler",
}


def keras_script(config: Config, *, checklist: bool = False) -> str:
    """Return a Keras 3 script that does for one seed what the lab does for many.

    It has the parts that the configuration uses and no others, and prints the validation error, or the mean
    absolute error, of the weights that are kept. Its random numbers are its own: the figure is one more draw
    of the experiment. It needs Keras with a backend, scikit-learn and SciPy, and not this library.

    Args:
        config: The experiment; of its repetitions, the first seed.
        checklist: Ask whether the network can overfit at all, as `regcore.checklist` does, every regularizer
            off, instead of training it once.

    Raises:
        ConfigError: as `check_built_in` does, where the data set cannot give what is asked for; a checklist
            was asked for of a target that is a number.
    """
    first, *rest = sections(config, checklist=checklist)
    parts = [lines(f'"""{first.title}', "", _wrapped(first.notes), '"""', "", first.code)]
    for section in rest:
        told = bool(section.notes) and _wrapped(section.notes, "# ")
        parts.append(lines(f"# --- {section.title} ---", told, section.code))
    return "\n\n\n".join(parts) + "\n"


def sections(config: Config, *, checklist: bool = False) -> tuple[Section, ...]:
    """Return the pieces of `keras_script`; the first has the script's title, imports and constants.

    Raises:
        ConfigError: as `keras_script` does.
    """
    check_built_in(config)
    if checklist:
        config = config.plain()
    rest = (*data_sections(config), *(checklist_sections if checklist else training_sections)(config))
    code = lines(*(section.code for section in rest))
    imports = [line for name, line in _IMPORTS.items() if name in code]
    own = checklist_constants(config) if checklist else {}
    beginning = lines(*imports, "", *_constants(config, own))
    return (Section(_title(config), _introduction(config), beginning), *rest)


def _title(config: Config) -> str:
    info = DATASET_INFO[config.data]
    n_outputs = info.n_classes if info.task == "multiclass" else 1
    widths = "-".join(map(str, (info.n_features, *config.hidden, n_outputs)))
    return f"{info.title}, a {widths} network in Keras."


def _introduction(config: Config) -> tuple[str, ...]:
    changes = config.changes(config.plain())
    used = ", ".join(f"{name}={value!r}" for name, value in changes.items()) or "none, this is the baseline"
    return (
        f"Regularizers: {used}.",
        "One repetition of an experiment of the Regularization Lab, which repeats it over several seeds. "
        "Random numbers are drawn otherwise here, so no repetition is the same as one of the lab.",
        "To run: pip install tensorflow scikit-learn",
    )


def _wrapped(notes: tuple[str, ...], prefix: str = "") -> str:
    wrapper = textwrap.TextWrapper(WIDTH, prefix, prefix, break_long_words=False, break_on_hyphens=False)
    return lines(*map(wrapper.fill, notes))


def _constants(config: Config, own: Mapping[str, object]) -> list[str]:
    info = DATASET_INFO[config.data]
    n_train, n_val = check_rows(config)
    values: dict[str, object] = {"SEED": config.seed, "DATA_SEED": config.data_seed}
    values |= {"N_TRAIN": n_train, "N_VAL": n_val, "N_TEST": info.n_test}
    if info.is_generated:
        values["N_POOL"] = pool_size(n_train + n_val)
    if info.noise_meaning:
        values["NOISE"] = config.noise
    if config.label_noise or (config.mixup and info.task == "multiclass"):
        values["N_CLASSES"] = info.n_classes
    if changes_images(config) and info.image_shape:
        values["HEIGHT"], values["WIDTH"] = info.image_shape
    values |= {**_knobs(config), **own}
    return [_constant(name, value) for name, value in values.items()]


def _constant(name: str, value: object) -> str:
    comment = _COMMENTS.get(name, "")
    if isinstance(value, tuple):
        return call(f"{name} = ", *map(repr, value), end=comment)
    return f"{name} = {value!r}{comment}"


def _knobs(config: Config) -> dict[str, object]:
    """Return the constants that are fields of the configuration and not at their default of doing nothing."""
    rates = config.dropout_rates()
    always = {name.upper(): getattr(config, name) for name in ("learning_rate", "batch_size", "epochs")}
    used = {name.upper(): getattr(config, name) for name in _SWITCHED if getattr(config, name)}
    if any(rates):
        used["DROPOUT_HIDDEN"] = rates[0] if len(set(rates)) == 1 else rates
    if config.patience is not None:
        stopping = {name.upper(): getattr(config, name) for name in ("min_delta", "start_from_epoch")}
        used |= {"PATIENCE": config.patience} | {name: value for name, value in stopping.items() if value}
    if config.members > 1:
        used["MEMBERS"] = config.members
    return always | used


_SWITCHED = (
    "label_noise",
    "momentum",
    "jitter",
    "mixup",
    "shift",
    "rotate",
    "zoom",
    "cutout",
    "l2",
    "weight_decay",
    "max_norm",
    "dropout_input",
)
_COMMENTS = {
    "SEED": "  # everything that one repetition draws",
    "DATA_SEED": "  # which rows are the test set",
    "N_POOL": "  # rows that train and validation rows are drawn from",
    "NOISE": "  # standard deviation",
    "LABEL_NOISE": "  # part of the labels that is redrawn",
    "JITTER": "  # standard deviation of the noise on scaled inputs",
    "MIXUP": "  # alpha of Beta(alpha, alpha)",
    "SHIFT": "  # pixels, at most",
    "ROTATE": "  # degrees, at most",
    "ZOOM": "  # fraction, at most",
    "CUTOUT": "  # pixels of the side of the square",
    "DROPOUT_INPUT": "  # part that is dropped",
    "DROPOUT_HIDDEN": "  # part that is dropped",
    "PATIENCE": "  # epochs",
}
