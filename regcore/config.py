"""`Config`: one frozen, validated value that says everything about an experiment.

A Config is flat, so that a field is at once a keyword, a URL parameter, a command-line flag and a sweep axis.
The description, unit and range of a field stand once, beside it; `field_help` hands them to pages and docs.

How a field is written in a URL (`Config.to_query`, `Config.from_query`):

- a whole number: the digits 0 to 9, `-` before them; no `+`, spaces, underscores or decimal point;
- any other number: digits as well, with a decimal point and an exponent where needed, as `0.001` or `1e-3`;
- `true`, `false` and `none` (Python's `True`, `False` and `None` are read too);
- several values: commas between them, as `hidden=64,64`; `none` if there are none. One comma may end them: it
  tells `dropout_hidden=0.5,` (of the only hidden layer) from `dropout_hidden=0.5` (of every hidden layer).
"""

import hashlib
import json
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self, get_args
from urllib.parse import quote, unquote_plus

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from regcore.errors import ConfigError

DatasetName = Literal[
    "moons",
    "circles",
    "spirals",
    "xor",
    "blobs",
    "sine",
    "breast_cancer",
    "wine",
    "iris",
    "digits",
    "diabetes",
    "article_binary",
    "article_regression",
    "mnist",
    "fashion_mnist",
]
Activation = Literal["relu", "tanh"]
Initializer = Literal["he_normal", "glorot_uniform", "zeros", "negative"]
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
    "hidden",
    "activation",
    "initializer",
    "optimizer",
    "learning_rate",
    "momentum",
    "batch_size",
    "epochs",
)
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
    *AUGMENTATION_FIELDS,
    *PENALTY_FIELDS,
    *DROPOUT_FIELDS,
    *STOPPING_FIELDS,
    *ENSEMBLE_FIELDS,
)

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

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60


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


def _field(
    default: Any,
    rule: str,
    unit: str,
    description: str,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    **constraints: Any,
) -> Any:
    extra: dict[str, Any] = {
        "unit": unit,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "rule": rule,
    }
    return Field(default, description=description, json_schema_extra=extra, **constraints)


def _choice(default: str, choices: tuple[str, ...], description: str) -> Any:
    return _field(default, f"one of {', '.join(choices)}", "", description, choices=choices)


def _switch(default: bool, description: str) -> Any:
    return _field(default, "True or False", "", description)


def _whole(default: int | None, minimum: int, maximum: int, unit: str, description: str) -> Any:
    rule = f"{'None or ' if default is None else ''}a whole number from {minimum} to {maximum}"
    return _field(default, rule, unit, description, minimum, maximum, ge=minimum, le=maximum)


def _number(default: float, maximum: float, unit: str, description: str) -> Any:
    rule = f"a number from 0 to {maximum:g}"
    return _field(default, rule, unit, description, 0.0, maximum, ge=0.0, le=maximum)


def _positive(default: float | None, maximum: float, unit: str, description: str) -> Any:
    rule = f"{'None or ' if default is None else ''}a number above 0 and at most {maximum:g}"
    return _field(default, rule, unit, description, 0.0, maximum, gt=0.0, le=maximum)


Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
Rate = Annotated[float, Field(ge=0.0, le=MAX_DROPOUT)]


class Config(BaseModel):
    """One experiment: data, model, regularizers and repetition.

    A Config is immutable, hashable and equal by value. Values are checked strictly: True is no number, "3" is
    not 3, and 3.0 is no whole number. Whole numbers do for any number, lists for tuples, numpy's numbers for
    Python's. `field_help` gives the description, unit and range of each field.

    Raises:
        ConfigError: if a field is unknown or out of its range, or if two fields contradict each other: one
            sentence that names field, rule and value, on the first of these failures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)
    # Not pickled: text has another hash in each process.
    __slots__ = ("_hash",)

    data: DatasetName = _choice("moons", DATASETS, "The data set: a generator, or real data.")
    n_train: int | None = _whole(
        None,
        2,
        MAX_ROWS,
        "rows",
        "Rows to train on; fewer rows overfit more. None: the number recommended for the data set.",
    )
    n_val: int | None = _whole(
        None,
        1,
        MAX_ROWS,
        "rows",
        "Rows to validate on, by which choices are made. None: the number recommended for the data set.",
    )
    noise: float = _number(
        0.3,
        10.0,
        "units of the generator",
        "Standard deviation of the Gaussian noise that a generator adds. Real data sets ignore it.",
    )
    label_noise: float = _number(
        0.0,
        1.0,
        "fraction of labels",
        "Part of the train and validation labels redrawn uniformly over the classes. Test labels stay clean.",
    )
    data_seed: int = _whole(0, 0, MAX_SEED, "", "Fixes which rows exist and which of them are the test set.")

    hidden: tuple[Width, ...] = _field(
        (64, 64),
        f"a tuple of 0 to {MAX_LAYERS} whole numbers from 1 to {MAX_WIDTH}",
        "units",
        "Widths of the hidden layers, from the input on. Empty: a linear model.",
        1,
        MAX_WIDTH,
        max_length=MAX_LAYERS,
    )
    activation: Activation = _choice("relu", ACTIVATIONS, "What a hidden unit does to its weighted sum.")
    initializer: Initializer = _choice(
        "he_normal",
        INITIALIZERS,
        "How the kernels are drawn before training. Biases start at 0. With he_normal the output kernel, "
        "which no relu follows, is drawn with variance 1 / n_in (LeCun normal) instead of 2 / n_in. Two are "
        "known to be bad: zeros; and negative, which draws hidden kernels below 0, so that a relu layer is "
        "dead if its inputs cannot be negative.",
    )
    optimizer: Optimizer = _choice("adam", OPTIMIZERS, "The rule that turns gradients into updates.")
    learning_rate: float = _positive(3e-3, 10.0, "", "Step size of the optimizer.")
    momentum: float = _field(
        0.0,
        "a number from 0 to below 1",
        "fraction of the last update",
        "How much of the last update goes on into the next. Only sgd takes it.",
        0.0,
        1.0,
        ge=0.0,
        lt=1.0,
    )
    batch_size: int = _whole(32, 1, 8192, "rows", "Rows in each update. The last, partial batch is used.")
    epochs: int = _whole(200, 1, 10_000, "epochs", "Passes over the train rows.")

    jitter: float = _number(
        0.0,
        10.0,
        "units of the scaled input",
        "Standard deviation of the Gaussian noise added to every input each time it is seen.",
    )
    mixup: float = _number(
        0.0,
        10.0,
        "alpha of a Beta distribution",
        "Trains on blends of two rows and of their targets, weighted by draws of Beta(alpha, alpha). 0: off.",
    )
    shift: int = _whole(
        0, 0, 32, "pixels", "Images only: moves half of them by at most this much, in any direction."
    )
    rotate: float = _number(
        0.0, 180.0, "degrees", "Images only: turns half of them by up to this much either way."
    )
    zoom: float = _number(
        0.0, 0.9, "fraction", "Images only: scales half of them by up to this much up or down."
    )
    flip: bool = _switch(False, "Images only: mirrors half of them left to right.")
    cutout: int = _whole(0, 0, 32, "pixels", "Images only: blanks a square of this side somewhere in each.")

    l2: float = _number(
        0.0,
        1e3,
        "",
        "Adds l2 * sum of w^2 over the hidden kernels to the loss, as Keras does (no one half). Without "
        "hidden layers it acts on the only kernel.",
    )
    weight_decay: float = _number(
        0.0,
        1e3,
        "",
        "Decoupled decay, as in AdamW: each update takes learning_rate * weight_decay * w off the hidden "
        "kernels. Without hidden layers it acts on the only kernel.",
    )
    max_norm: float | None = _positive(
        None,
        1e3,
        "norm of incoming weights",
        "After each update, incoming weights of a hidden unit beyond this norm are scaled to it. None: off.",
    )

    dropout_input: float = _number(
        0.0,
        MAX_DROPOUT,
        "fraction dropped",
        "Part of the inputs dropped at random in each update. Papers often state the part kept, 1 - rate.",
    )
    dropout_hidden: Rate | tuple[Rate, ...] = _field(
        0.0,
        f"a number from 0 to {MAX_DROPOUT}, or a tuple of one such number per hidden layer",
        "fraction dropped",
        "Part of a hidden layer's units dropped at random in each update: one rate for all layers, or one "
        "per layer. Papers often state the part kept, 1 - rate.",
        0.0,
        MAX_DROPOUT,
    )

    patience: int | None = _whole(
        None,
        0,
        10_000,
        "epochs",
        "Stops after this many epochs without a better validation loss; 0 and 1 are the same. None: off.",
    )
    min_delta: float = _number(0.0, 1e3, "loss", "How far the validation loss must fall to count as better.")
    start_from_epoch: int = _whole(
        0, 0, 10_000, "epochs", "How many epochs pass before early stopping watches the validation loss."
    )
    restore_best_weights: bool = _switch(
        True, "With a patience: keeps the weights of the best epoch instead of the last."
    )

    members: int = _whole(1, 1, 64, "networks", "Networks in the ensemble; their predictions are averaged.")
    member_varies: tuple[Variation, ...] = _field(
        MEMBER_VARIATIONS,
        "a tuple that has each of init, order at most once",
        "",
        "What differs between the members: initial weights (init); the order of batches and everything drawn "
        "for each batch, such as masks, jitter, mixup and shift (order).",
        choices=MEMBER_VARIATIONS,
    )
    bootstrap: bool = _switch(
        False, "Trains each member on its own draw, with replacement, of the train rows."
    )

    seeds: int = _whole(
        8, 1, 64, "repetitions", "How often the whole experiment is repeated; two or more give error bars."
    )
    seed: int = _whole(
        0,
        0,
        MAX_SEED,
        "",
        "The first repetition's seed. Each draws its own split, label noise, first weights and batch order.",
    )

    # Hidden from type checkers, so that they take name and type of every keyword from the fields above.
    if not TYPE_CHECKING:

        def __init__(self, /, **values: Any) -> None:
            for name in values:
                if name not in _HELP:
                    raise ConfigError(_unknown_field(name))
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise ConfigError(_sentence(error, values)) from None

        def __setattr__(self, name: str, value: Any) -> None:
            raise ConfigError(f"a Config cannot be changed, use replace({name}=...) to get another one")

        def __delattr__(self, name: str) -> None:
            raise ConfigError(f"a Config cannot be changed, and {name} cannot be deleted from it")

        def __hash__(self) -> int:
            # A page finds what it keeps by its Configs, some hundred times in one run.
            try:
                return self._hash
            except AttributeError:
                found = hash(tuple(self.__dict__.values()))
                object.__setattr__(self, "_hash", found)
                return found

        def __eq__(self, other: object) -> bool:
            if self is other:
                return True
            if type(other) is not type(self):
                return NotImplemented
            return hash(self) == hash(other) and self.__dict__ == other.__dict__

        def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
            # pydantic's own takes any values unchecked.
            return type(self)(**{**self._values(), **(update or {})})

    @field_validator("*", mode="before")
    @classmethod
    def _take_python_values(cls, value: Any, info: ValidationInfo) -> Any:
        value = _python_value(value)
        is_set = isinstance(value, (set, frozenset)) and info.field_name == "member_varies"
        if is_set or isinstance(value, (list, tuple, range)):
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
                "dropout_hidden must be one number or one per hidden layer "
                f"({n_layers} with hidden={self.hidden}), got {rates}"
            )
        if rates and not n_layers:
            raise ConfigError(f"dropout_hidden must be 0 with hidden=(), which has no units, got {rates}")
        if self.max_norm is not None and not n_layers:
            raise ConfigError(
                f"max_norm must be None with hidden=(), which has no units, got {self.max_norm}"
            )
        if self.momentum and self.optimizer != "sgd":
            raise ConfigError(
                f"momentum must be 0 with optimizer={self.optimizer!r}, for only 'sgd' takes it, "
                f"got {self.momentum}"
            )
        if self.seed + self.seeds > MAX_SEED + 1:
            raise ConfigError(f"seed + seeds must be at most {MAX_SEED + 1}, got {self.seed} + {self.seeds}")
        return self

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [(name, value) for name, value in self._values().items() if value != _HELP[name].default]

    def replace(self, **changes: Any) -> "Config":
        """Return a Config with some fields changed, checked as a new one is.

        Raises:
            ConfigError: as `Config(...)` does.
        """
        return Config(**{**self._values(), **changes})

    def plain(self) -> "Config":
        """Return the baseline: same data, model and repetition, and every regularizer off.

        Augmentation, penalty, dropout, stopping and ensemble have their defaults, which do nothing.
        """
        return _plain_of(self)

    def changes(self, other: "Config") -> dict[str, Any]:
        """Return the fields in which this Config differs from `other`, with the values that this one has.

        `other.replace(**config.changes(other)) == config`. In field order.
        """
        before = other._values()
        return {name: value for name, value in self._values().items() if value != before[name]}

    def dropout_rates(self) -> tuple[float, ...]:
        """Return the drop rate of each hidden layer, from the input on."""
        if isinstance(self.dropout_hidden, tuple):
            return self.dropout_hidden
        return (self.dropout_hidden,) * len(self.hidden)

    def to_query(self) -> str:
        """Return the Config as a URL's query, "data=digits&l2=0.001": no "?", and defaults left out.

        `from_query` makes exactly this Config of it.
        """
        return _query_of(self)

    @classmethod
    def from_query(cls, query: str | Mapping[str, str | Sequence[str]]) -> ParsedQuery:
        """Return the Config a URL's query asks for, or `Config()` and one sentence on the first thing wrong.

        Never raises. The module's docstring says how fields are written.

        Args:
            query: Percent-encoded text, with or without the leading "?"; or the decoded text of each field,
                alone or in a list of one. At most 4,000 characters.
        """
        try:
            return ParsedQuery(cls(**query_values(query)), None)
        except ConfigError as error:
            return ParsedQuery(cls(), str(error))

    def to_json(self) -> str:
        """Return all fields as one JSON object, on one line, in field order."""
        return json.dumps(self._values())

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Return the Config that a JSON object describes; fields left out have their defaults.

        Raises:
            ConfigError: if `text` is no JSON object of at most 20,000 characters, or as `Config(...)` does.
        """
        return cls(**_json_object(text))

    def key(self) -> str:
        """Return a SHA-256 in hex over all fields, equal for equal Configs in every process."""
        return _key_of(self)

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in Config.model_fields}


# Widgets of pages are known by it, so that one run of a page asks for it some hundred times.
@lru_cache(maxsize=4096)
def _key_of(config: Config) -> str:
    canonical = json.dumps(config._values(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


# These a page asks for several times in one run, and the next run of it again.
@lru_cache(maxsize=64)
def _query_of(config: Config) -> str:
    changed = config.changes(Config()).items()
    return "&".join(f"{name}={quote(query_text(name, value), safe=',')}" for name, value in changed)


@lru_cache(maxsize=64)
def _plain_of(config: Config) -> Config:
    return config.replace(**{name: _HELP[name].default for name in REGULARIZER_FIELDS})


def query_values(query: str | Mapping[str, str | Sequence[str]]) -> dict[str, Any]:
    """Return what a URL's query says of each field that it names, for `Config(...)` or `replace` to check.

    Args:
        query: As for `Config.from_query`.

    Raises:
        ConfigError: if it is no query. That a field is known and in its range is checked by whoever takes it.
    """
    texts = _split_query(query) if isinstance(query, str) else _single_texts(query)
    return {name: _query_value(name, text) for name, text in texts.items()}


def field_help(name: str) -> FieldHelp:
    """Return description, unit and range of the field `name` of `Config`.

    Raises:
        ConfigError: if there is no such field.
    """
    if name not in _HELP:
        raise ConfigError(_unknown_field(name))
    return _HELP[name]


def nearest_field(name: str) -> str | None:
    """Return the field that a name from Keras, scikit-learn or a paper, or a misspelled one, stands for."""
    close = _closest(name, [*_HELP, *_SYNONYMS])
    return _SYNONYMS.get(close, close) if close is not None else None


def _describe(name: str) -> FieldHelp:
    info = Config.model_fields[name]
    extra: Any = info.json_schema_extra
    group = next(group for group, names in FIELD_GROUPS.items() if name in names)
    return FieldHelp(name, group, info.description or "", default=info.default, **extra)


_HELP: Mapping[str, FieldHelp] = MappingProxyType({name: _describe(name) for name in Config.model_fields})


def _python_value(value: Any) -> Any:
    # numpy's scalars and arrays are told by their module, so that numpy need not be imported for them.
    if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
        value = value.tolist()
    # -0.0 equals 0.0, but would have another key.
    return 0.0 if isinstance(value, float) and value == 0 else value


def _sentence(error: ValidationError, given: Mapping[str, Any]) -> str:
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        return str(first["ctx"]["error"])
    name = str(first["loc"][0])
    value, choices = given.get(name, _HELP[name].default), _HELP[name].choices
    items = value if isinstance(value, (list, tuple)) else [value]
    wrong = next((item for item in items if isinstance(item, str) and item not in choices), "")
    return f"{name} must be {_HELP[name].rule}, got {_shown(value)}{_did_you_mean(wrong, choices)}"


def _unknown_field(name: object) -> str:
    return f"unknown field {_shown(name)}{_did_you_mean(name, [*_HELP, *_SYNONYMS])}"


def _did_you_mean(name: object, known: Sequence[str]) -> str:
    close = _closest(name, known)
    return f"; did you mean {_SYNONYMS.get(close, close)!r}?" if close is not None else ""


def _closest(name: object, known: Sequence[str]) -> str | None:
    close = get_close_matches(name.lower(), known, 1) if isinstance(name, str) else []
    return close[0] if close else None


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 10**60:
        return "a number of more than 60 digits"
    try:
        return " ".join(_short.repr(value).split())
    except Exception:  # A repr that fails must not take the place of the message.
        return f"a value of type {type(value).__name__} that cannot be shown"


_WORDS = MappingProxyType(
    {"none": None, "None": None, "true": True, "True": True, "false": False, "False": False}
)
# Few enough digits for int() under any sys.set_int_max_str_digits; no field takes more.
_WHOLE = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")


def query_text(name: str, value: Any) -> str:
    """Return the value of a field as a URL spells it, before it is percent-encoded."""
    if isinstance(value, tuple):
        last_comma = "," if name == "dropout_hidden" and len(value) == 1 else ""
        return ",".join(query_text(name, item) for item in value) + last_comma or "none"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else repr(value)


def _query_value(name: str, text: str) -> Any:
    """Return what `text` says; text that says nothing stays text, which the check of its field refuses."""
    always_several = name in ("hidden", "member_varies")
    if text in ("none", "None") and (always_several or name == "dropout_hidden"):
        return ()
    if "," in text or always_several:
        return tuple(_single_value(item) for item in text.removesuffix(",").split(","))
    return _single_value(text)


def _single_value(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _split_query(query: str) -> dict[str, str]:
    _check_length("the query", len(query), MAX_QUERY_LENGTH)
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


def _single_texts(query: object) -> dict[str, str]:
    if not isinstance(query, Mapping):
        raise ConfigError(f"the query must be text or a mapping, got {_shown(query)}")
    texts: dict[str, str] = {}
    for name, value in query.items():
        text = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
        if not isinstance(name, str):
            raise ConfigError(_unknown_field(name))
        if not isinstance(text, str):
            raise ConfigError(f"{_shown(name)} must have one text in the query, got {_shown(value)}")
        texts[name] = text
    _check_length("the query", sum(len(name) + len(text) for name, text in texts.items()), MAX_QUERY_LENGTH)
    return texts


def _json_object(text: object) -> dict[str, Any]:
    what = "the JSON of a Config"
    if not isinstance(text, str):
        raise ConfigError(f"{what} must be text, got {_shown(text)}")
    _check_length(what, len(text), MAX_JSON_LENGTH)
    try:
        values = json.loads(text, object_pairs_hook=_unique_pairs)
    except ConfigError:
        raise
    except (ValueError, RecursionError):
        raise ConfigError(f"{what} must be valid JSON, got {_shown(text)}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{what} must be an object, got {_shown(text)}")
    return values


def _check_length(what: str, length: int, maximum: int) -> None:
    if length > maximum:
        raise ConfigError(f"{what} must be at most {maximum:,} characters long, got {length:,}")


def _unique_pairs(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    unique: dict[str, Any] = {}
    for name, value in pairs:
        if name in unique:
            both = f"{_shown(unique[name])} and {_shown(value)}"
            raise ConfigError(f"{_shown(name)} must be given once, got {both}")
        unique[name] = value
    return unique
