"""`Config`: one frozen, validated value that says everything about an experiment.

A Config is flat, so that a field is at once a keyword, a URL parameter, a command-line flag and a sweep axis. The
description, unit and range of a field stand once, beside it, and `field_help` hands them to pages and docs.

How a field is written in a URL (`Config.to_query`, `Config.from_query`):

- a whole number: decimal digits 0 to 9, `-` before them; no `+`, spaces, underscores or decimal point;
- any other number: the same with one decimal point and an exponent allowed, as `0.001` or `1e-3`;
- `true`, `false` and `none` (Python's `True`, `False` and `None` are read too);
- several values: commas between them, as `hidden=64,64`; `none` when there are none. One comma may end them, and
  tells `dropout_hidden=0.5,` (a rate for the only hidden layer) from `dropout_hidden=0.5` (one for every layer).
"""

import hashlib
import json
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self, get_args
from urllib.parse import quote, unquote_plus

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from regcore.errors import ConfigError

DatasetName = Literal[
    "moons", "circles", "spirals", "xor", "blobs", "sine",
    "breast_cancer", "wine", "iris", "digits", "diabetes",
    "article_binary", "article_regression", "mnist", "fashion_mnist",
]  # fmt: skip
Activation = Literal["relu", "tanh"]
Initializer = Literal["he_normal", "glorot_uniform", "zeros"]
Optimizer = Literal["adam", "sgd"]
Variation = Literal["init", "order"]

DATASETS: tuple[str, ...] = get_args(DatasetName)
ACTIVATIONS: tuple[str, ...] = get_args(Activation)
INITIALIZERS: tuple[str, ...] = get_args(Initializer)
OPTIMIZERS: tuple[str, ...] = get_args(Optimizer)
MEMBER_VARIATIONS: tuple[str, ...] = get_args(Variation)

MAX_ROWS = 60_000
MAX_SEED = 2**31 - 1
MAX_LAYERS = 6
MAX_WIDTH = 4096
MAX_DROPOUT = 0.95
MAX_QUERY_LENGTH = 4_000
MAX_JSON_LENGTH = 20_000

DATA_FIELDS = ("data", "n_train", "n_val", "noise", "label_noise", "data_seed")
MODEL_FIELDS = (
    "hidden", "activation", "initializer", "optimizer", "learning_rate", "momentum", "batch_size", "epochs",
)  # fmt: skip
AUGMENTATION_FIELDS = ("jitter", "mixup", "shift", "rotate", "zoom", "flip", "cutout")
PENALTY_FIELDS = ("l2", "weight_decay", "max_norm")
DROPOUT_FIELDS = ("dropout_input", "dropout_hidden")
STOPPING_FIELDS = ("patience", "min_delta", "start_from_epoch", "restore_best_weights")
ENSEMBLE_FIELDS = ("members", "member_varies", "bootstrap")
REPETITION_FIELDS = ("seeds", "seed")
FIELD_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "data": DATA_FIELDS,
        "model": MODEL_FIELDS,
        "augmentation": AUGMENTATION_FIELDS,
        "penalty": PENALTY_FIELDS,
        "dropout": DROPOUT_FIELDS,
        "stopping": STOPPING_FIELDS,
        "ensemble": ENSEMBLE_FIELDS,
        "repetition": REPETITION_FIELDS,
    }
)
REGULARIZER_FIELDS = (
    *AUGMENTATION_FIELDS, *PENALTY_FIELDS, *DROPOUT_FIELDS, *STOPPING_FIELDS, *ENSEMBLE_FIELDS,
)  # fmt: skip

# What people write who come from Keras, scikit-learn or a paper, so that they too are led to the right field.
_SYNONYMS = MappingProxyType(
    {
        "dataset": "data",
        "layers": "hidden",
        "units": "hidden",
        "hidden_layers": "hidden",
        "hidden_layer_sizes": "hidden",
        "lr": "learning_rate",
        "n_epochs": "epochs",
        "dropout": "dropout_hidden",
        "dropout_rate": "dropout_hidden",
        "lambda": "l2",
        "early_stopping": "patience",
        "ensemble": "members",
        "n_members": "members",
        "n_seeds": "seeds",
        "random_state": "seed",
    }
)

_shortened = reprlib.Repr()
_shortened.maxstring = _shortened.maxother = _shortened.maxlong = 60


@dataclass(frozen=True)
class FieldHelp:
    """What a page or a document says about one field of `Config`.

    Attributes:
        name: The field.
        group: The key of `FIELD_GROUPS` it belongs to.
        description: One or two sentences.
        unit: What the number counts; empty where it has no unit.
        default: The value `Config()` has.
        minimum: The lowest value a number in the field may have (learning_rate and max_norm: only above it).
        maximum: The highest value a number in the field may have (momentum: only below it).
        choices: The names the field may have; empty for numbers.
        rule: The valid values in words, as an error message states them.
    """

    name: str
    group: str
    description: str
    unit: str
    default: Any
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    rule: str


class ParsedQuery(NamedTuple):
    """A query that was read: its config, or `Config()` and one sentence that says what is wrong with it."""

    config: "Config"
    problem: str | None


def _number_text(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _field(default: Any, rule: str, unit: str, description: str, **constraints: Any) -> Any:
    extra = {"rule": rule, "unit": unit}
    return Field(default, description=description, json_schema_extra=extra, **constraints)


def _choice(default: str, choices: tuple[str, ...], description: str) -> Any:
    return _field(default, f"one of {', '.join(choices)}", "", description)


def _switch(default: bool, description: str) -> Any:
    return _field(default, "True or False", "", description)


def _whole(default: int | None, minimum: int, maximum: int, unit: str, description: str) -> Any:
    rule = f"{'None or ' if default is None else ''}a whole number from {minimum} to {maximum}"
    return _field(default, rule, unit, description, ge=minimum, le=maximum)


def _number(default: float, minimum: float, maximum: float, unit: str, description: str) -> Any:
    rule = f"a number from {_number_text(minimum)} to {_number_text(maximum)}"
    return _field(default, rule, unit, description, ge=minimum, le=maximum)


def _positive(default: float | None, maximum: float, unit: str, description: str) -> Any:
    rule = f"{'None or ' if default is None else ''}a number above 0 and at most {_number_text(maximum)}"
    return _field(default, rule, unit, description, gt=0, le=maximum)


Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
Rate = Annotated[float, Field(ge=0, le=MAX_DROPOUT)]


class Config(BaseModel):
    """One experiment: data, model, regularizers and repetition.

    A Config is immutable, hashable and equal by value. Values are checked strictly: True is no number, "3" is not 3
    and 3.0 is no whole number; whole numbers are taken for any number, lists for tuples, numpy's numbers for
    Python's. `field_help` gives the description, unit and range of each field.

    Raises:
        ConfigError: if a field is unknown or out of its range, or if fields contradict each other; one sentence that
            names field, rule and value (of the first failure, if there are several).
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True,
    )  # fmt: skip

    data: DatasetName = _choice("moons", DATASETS, "The data set: a generator, or real data.")
    n_train: int | None = _whole(
        None, 2, MAX_ROWS, "rows",
        "Rows to train on. Fewer rows overfit more. None: the number recommended for the data set.",
    )  # fmt: skip
    n_val: int | None = _whole(
        None, 1, MAX_ROWS, "rows",
        "Rows to validate on, which choices are made by. None: the number recommended for the data set.",
    )  # fmt: skip
    noise: float = _number(
        0.3, 0, 10, "units of the generator",
        "Standard deviation of the Gaussian noise a generator adds. Real data sets ignore it.",
    )  # fmt: skip
    label_noise: float = _number(
        0.0, 0, 1, "fraction of labels",
        "Part of the train and validation labels that is redrawn uniformly over the classes. Test labels stay clean.",
    )  # fmt: skip
    data_seed: int = _whole(0, 0, MAX_SEED, "", "Fixes which rows exist and which of them are the test set.")

    hidden: tuple[Width, ...] = _field(
        (64, 64), f"a tuple of 0 to {MAX_LAYERS} whole numbers from 1 to {MAX_WIDTH}", "units in each hidden layer",
        "Widths of the hidden layers, from the input on. Empty: a linear model.", max_length=MAX_LAYERS,
    )  # fmt: skip
    activation: Activation = _choice("relu", ACTIVATIONS, "What each hidden unit does to its weighted sum.")
    initializer: Initializer = _choice(
        "he_normal", INITIALIZERS, "How the kernels are drawn before training. Biases start at 0.",
    )  # fmt: skip
    optimizer: Optimizer = _choice("adam", OPTIMIZERS, "The rule that turns gradients into updates.")
    learning_rate: float = _positive(1e-3, 10, "", "Step size of the optimizer.")
    momentum: float = _field(
        0.0, "a number from 0 to below 1", "fraction of the last update",
        "How much of the last update goes on into the next. Only sgd takes it.", ge=0, lt=1,
    )  # fmt: skip
    batch_size: int = _whole(32, 1, 8192, "rows", "Rows in each update. The last, partial batch is used.")
    epochs: int = _whole(120, 1, 10_000, "epochs", "Passes over the train rows.")

    jitter: float = _number(
        0.0, 0, 10, "units of the scaled input",
        "Standard deviation of the Gaussian noise added to every input each time it is seen.",
    )  # fmt: skip
    mixup: float = _number(
        0.0, 0, 10, "alpha of the Beta distribution",
        "Trains on blends of two rows and their targets, weighted by a draw from Beta(alpha, alpha). 0: off.",
    )  # fmt: skip
    shift: int = _whole(0, 0, 32, "pixels", "Moves each image by up to this much in both directions. Images only.")
    rotate: float = _number(0.0, 0, 180, "degrees", "Turns each image by up to this much either way. Images only.")
    zoom: float = _number(0.0, 0, 0.9, "fraction", "Scales each image by up to this much either way. Images only.")
    flip: bool = _switch(False, "Mirrors each image left to right half of the time. Images only.")
    cutout: int = _whole(0, 0, 32, "pixels", "Blanks a square of this side in each image. Images only.")

    l2: float = _number(
        0.0, 0, 1e3, "", "Adds l2 * sum of w^2 over the hidden kernels to the loss (as Keras does: no one half).",
    )  # fmt: skip
    weight_decay: float = _number(
        0.0, 0, 1e3, "",
        "Decoupled decay, as in AdamW: each update takes learning_rate * weight_decay * w off the hidden kernels.",
    )  # fmt: skip
    max_norm: float | None = _positive(
        None, 1e3, "norm of a unit's incoming weights",
        "Shrinks the incoming weights of a hidden unit to this norm after each update, if it is larger. None: off.",
    )  # fmt: skip

    dropout_input: float = _number(
        0.0, 0, MAX_DROPOUT, "fraction dropped",
        "Part of the inputs that is dropped at random in each update. Papers often state 1 - rate, the part kept.",
    )  # fmt: skip
    dropout_hidden: Rate | tuple[Rate, ...] = _field(
        0.0, f"a number from 0 to {MAX_DROPOUT}, or a tuple of one such number per hidden layer", "fraction dropped",
        "Part of the units of a hidden layer that is dropped at random in each update: one rate for all layers, or "
        "one per layer. Papers often state 1 - rate, the part kept.",
    )  # fmt: skip

    patience: int | None = _whole(
        None, 0, 10_000, "epochs",
        "Training stops after this many epochs without a better validation loss; 0 and 1 are the same. None: off.",
    )  # fmt: skip
    min_delta: float = _number(
        0.0, 0, 1e3, "loss", "How far the validation loss must fall to count as better.",
    )  # fmt: skip
    start_from_epoch: int = _whole(
        0, 0, 10_000, "epochs", "Epochs at the start during which early stopping does not watch the validation loss.",
    )  # fmt: skip
    restore_best_weights: bool = _switch(
        True, "With patience set: keep the weights of the best epoch rather than the last ones.",
    )  # fmt: skip

    members: int = _whole(1, 1, 64, "networks", "Networks in the ensemble, whose predictions are averaged.")
    member_varies: tuple[Variation, ...] = _field(
        MEMBER_VARIATIONS, "a tuple of init, order, both or neither", "",
        "What differs between the members of an ensemble: initial weights (init), and the order of batches with all "
        "that is drawn for each batch, as masks, jitter, mixup and shift (order).",
    )  # fmt: skip
    bootstrap: bool = _switch(False, "Trains each member on its own draw, with replacement, of the train rows.")

    seeds: int = _whole(
        8, 1, 64, "repetitions", "How often the whole experiment is repeated. Two or more give error bars.",
    )  # fmt: skip
    seed: int = _whole(
        0, 0, MAX_SEED, "",
        "The first repetition's seed. Each seed draws its own split, label noise, initial weights and batch order.",
    )  # fmt: skip

    # Hidden from type checkers, which then know the name and type of every keyword from the fields above.
    if not TYPE_CHECKING:

        def __init__(self, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise ConfigError(_sentence(error, values)) from None

    @field_validator("*", mode="before")
    @classmethod
    def _take_python_values(cls, value: Any) -> Any:
        value = _python_value(value)
        if isinstance(value, (list, tuple, range, set, frozenset)):
            return tuple(_python_value(item) for item in value)
        return value

    @field_validator("member_varies")
    @classmethod
    def _order_variations(cls, variations: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(variations)) < len(variations):
            raise ValueError("repeated")
        return tuple(sorted(variations, key=MEMBER_VARIATIONS.index))

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        rates, n_layers = self.dropout_hidden, len(self.hidden)
        if isinstance(rates, tuple) and len(rates) != n_layers:
            raise ConfigError(
                f"dropout_hidden must be one number or one per hidden layer ({n_layers} for hidden={self.hidden}), "
                f"got {rates}"
            )
        if not n_layers and rates:
            raise ConfigError(f"dropout_hidden must be 0 with hidden=(), where there is nothing to drop, got {rates}")
        if not n_layers and self.max_norm is not None:
            raise ConfigError(f"max_norm must be None with hidden=(), which has no hidden units, got {self.max_norm}")
        if self.momentum and self.optimizer != "sgd":
            raise ConfigError(
                f"momentum must be 0 with optimizer={self.optimizer!r} (only 'sgd' takes it), got {self.momentum}"
            )
        if self.seed + self.seeds > MAX_SEED + 1:
            raise ConfigError(
                f"seed + seeds must be at most {MAX_SEED + 1}, got {self.seed} + {self.seeds}"
            )
        return self

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [(name, value) for name, value in self._values().items() if value != _DEFAULTS[name]]

    def replace(self, **changes: Any) -> "Config":
        """Return a Config with some fields changed, checked as a new one is.

        Raises:
            ConfigError: as `Config(...)` does.
        """
        return Config(**{**self._values(), **changes})

    def plain(self) -> "Config":
        """Return the baseline: same data, model and repetition; augmentation, penalty, dropout, stopping, ensemble off."""
        return self.replace(**{name: _DEFAULTS[name] for name in REGULARIZER_FIELDS})

    def changes(self, other: "Config") -> dict[str, Any]:
        """Return the fields in which this Config differs from `other`, with this one's values, in field order."""
        before = other._values()
        return {name: value for name, value in self._values().items() if value != before[name]}

    def dropout_rates(self) -> tuple[float, ...]:
        """Return the drop rate of each hidden layer, from the input on."""
        if isinstance(self.dropout_hidden, tuple):
            return self.dropout_hidden
        return (self.dropout_hidden,) * len(self.hidden)

    def to_query(self) -> str:
        """Return the Config as a URL's query, without "?", as "data=digits&l2=0.001"; defaults are left out.

        `from_query` gives exactly this Config back.
        """
        changed = self.changes(Config())
        return "&".join(f"{name}={quote(_query_text(name, value), safe=',')}" for name, value in changed.items())

    @classmethod
    def from_query(cls, query: str | Mapping[str, str | Sequence[str]]) -> ParsedQuery:
        """Return the Config a URL's query asks for, or `Config()` and one sentence on the first thing wrong with it.

        Never raises.

        Args:
            query: Percent-encoded text, with or without the leading "?"; or decoded texts by field, each alone or in
                a list of one.
        """
        try:
            texts = _split_query(query) if isinstance(query, str) else _single_texts(query)
            return ParsedQuery(cls(**{name: _query_value(name, text) for name, text in texts.items()}), None)
        except ConfigError as error:
            return ParsedQuery(cls(), str(error))

    def to_json(self) -> str:
        """Return all fields as one JSON object, on one line, in field order."""
        return json.dumps(self._values())

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Return the Config of a JSON object; fields that are left out have their defaults.

        Raises:
            ConfigError: if `text` is no JSON object, or as `Config(...)` does.
        """
        if not isinstance(text, str):
            raise ConfigError(f"the JSON of a Config must be text, got {_shown(text)}")
        if len(text) > MAX_JSON_LENGTH:
            raise ConfigError(f"the JSON of a Config must be at most {MAX_JSON_LENGTH} characters, got {len(text)}")
        try:
            values = json.loads(text, object_pairs_hook=_unique_pairs)
        except ConfigError:
            raise
        except (ValueError, RecursionError):
            raise ConfigError(f"the JSON of a Config must be valid JSON, got {_shown(text)}") from None
        if not isinstance(values, dict):
            raise ConfigError(f"the JSON of a Config must be an object, got {_shown(text)}")
        return cls(**values)

    def key(self) -> str:
        """Return a SHA-256 in hex: the same for equal Configs in every process, another for any other Config."""
        canonical = json.dumps(self._values(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Config.model_fields}


def field_help(name: str) -> FieldHelp:
    """Return description, unit and range of the field `name` of `Config`.

    Raises:
        ConfigError: if there is no such field.
    """
    if name not in _HELP:
        raise ConfigError(_unknown_field(name))
    return _HELP[name]


def _describe(name: str) -> FieldHelp:
    info = Config.model_fields[name]
    extra: Any = info.json_schema_extra
    elements = [item for item in info.metadata]
    if name in ("hidden", "dropout_hidden"):
        elements = list((Width if name == "hidden" else Rate).__metadata__[0].metadata)
    bounds = {bound: getattr(item, bound) for item in elements for bound in ("ge", "gt", "le", "lt") if hasattr(item, bound)}
    choices = {
        "data": DATASETS, "activation": ACTIVATIONS, "initializer": INITIALIZERS, "optimizer": OPTIMIZERS,
        "member_varies": MEMBER_VARIATIONS,
    }  # fmt: skip
    return FieldHelp(
        name=name,
        group=next(group for group, names in FIELD_GROUPS.items() if name in names),
        description=info.description or "",
        unit=extra["unit"],
        default=info.default,
        minimum=bounds.get("ge", bounds.get("gt")),
        maximum=bounds.get("le", bounds.get("lt")),
        choices=choices.get(name, ()),
        rule=extra["rule"],
    )


def _python_value(value: Any) -> Any:
    # numpy's scalars and arrays, told by their module so that numpy need not be imported.
    if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
        value = value.tolist()
    return 0.0 if isinstance(value, float) and value == 0 else value


def _shown(value: object) -> str:
    try:
        return " ".join(_shortened.repr(value).split())
    except Exception:  # a number of thousands of digits, or a repr that fails, must not hide the message
        return f"a {type(value).__name__}"


def _nearest(name: object, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, 1) if isinstance(name, str) else []
    return f"; did you mean {_SYNONYMS.get(close[0], close[0])!r}?" if close else ""


def _unknown_field(name: object) -> str:
    return f"unknown field {_shown(name)}" + _nearest(name, [*Config.model_fields, *_SYNONYMS])


def _sentence(error: ValidationError, given: Mapping[str, Any]) -> str:
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        return str(first["ctx"]["error"])
    name = str(first["loc"][0])
    if name not in Config.model_fields:
        return _unknown_field(name)
    help_ = field_help(name)
    value = given[name]
    return f"{name} must be {help_.rule}, got {_shown(value)}{_nearest(value, help_.choices)}"


def _query_text(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        comma = "," if name == "dropout_hidden" and len(value) == 1 else ""
        return ",".join(_query_text(name, item) for item in value) + comma or "none"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else repr(value)


_WORDS = MappingProxyType(
    {"none": None, "None": None, "true": True, "True": True, "false": False, "False": False}
)
_WHOLE = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")


def _query_value(name: str, text: str) -> Any:
    several = name in ("hidden", "member_varies")
    if text == "none" and (several or name == "dropout_hidden"):
        return ()
    if "," in text or several:
        return tuple(_single_value(item) for item in text.removesuffix(",").split(","))
    return _single_value(text)


def _single_value(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _split_query(query: str) -> dict[str, str]:
    if len(query) > MAX_QUERY_LENGTH:
        raise ConfigError(f"the query must be at most {MAX_QUERY_LENGTH} characters, got {len(query)}")
    pairs = []
    for part in filter(None, query.removeprefix("?").split("&")):
        name, equals, text = part.partition("=")
        if not equals:
            raise ConfigError(f"every part of the query must be field=value, got {_shown(part)}")
        try:
            pairs.append((unquote_plus(name, errors="strict"), unquote_plus(text, errors="strict")))
        except UnicodeDecodeError:
            raise ConfigError(f"the query must be percent-encoded UTF-8, got {_shown(part)}") from None
    return _unique_pairs(pairs)


def _single_texts(query: Mapping[str, str | Sequence[str]]) -> dict[str, str]:
    if not isinstance(query, Mapping):
        raise ConfigError(f"the query must be text or a mapping, got {_shown(query)}")
    texts: dict[str, str] = {}
    for name, value in query.items():
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, (list, tuple)) or not all(isinstance(item, str) for item in values):
            raise ConfigError(f"{_shown(name)} must be text in the query, got {_shown(value)}")
        if len(values) != 1:
            raise ConfigError(f"{_shown(name)} must appear once in the query, got {_shown(value)}")
        texts[name] = values[0]
    length = sum(len(str(name)) + len(text) for name, text in texts.items())
    if length > MAX_QUERY_LENGTH:
        raise ConfigError(f"the query must be at most {MAX_QUERY_LENGTH} characters, got {length}")
    return texts


def _unique_pairs(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    unique: dict[str, Any] = {}
    for name, value in pairs:
        if name in unique:
            raise ConfigError(f"{_shown(name)} must be given once, got {_shown(unique[name])} and {_shown(value)}")
        unique[name] = value
    return unique


_DEFAULTS: Mapping[str, Any] = MappingProxyType({name: info.default for name, info in Config.model_fields.items()})
_HELP: Mapping[str, FieldHelp] = MappingProxyType({name: _describe(name) for name in Config.model_fields})
