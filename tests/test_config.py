import hashlib
import json
import math
import os
import pickle
import string
import subprocess
import sys
from enum import IntEnum
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regcore.config import (
    ACTIVATIONS,
    DATASETS,
    FIELD_GROUPS,
    INITIALIZERS,
    MAX_JSON_LENGTH,
    MAX_QUERY_LENGTH,
    MEMBER_VARIATIONS,
    OPTIMIZERS,
    REGULARIZER_FIELDS,
    Config,
    field_help,
    nearest_field,
    query_values,
)
from regcore.errors import ConfigError, RegcoreError

WHOLE_RANGES = {
    "n_train": (2, 60_000),
    "n_val": (1, 60_000),
    "data_seed": (0, 2**31 - 1),
    "batch_size": (1, 8192),
    "epochs": (1, 10_000),
    "shift": (0, 32),
    "cutout": (0, 32),
    "patience": (0, 10_000),
    "start_from_epoch": (0, 10_000),
    "members": (1, 64),
    "seeds": (1, 64),
    "seed": (0, 2**31 - 2),
}
NUMBER_RANGES = {
    "noise": (0.0, 10.0),
    "label_noise": (0.0, 1.0),
    "learning_rate": (math.nextafter(0.0, 1.0), 10.0),
    "momentum": (0.0, math.nextafter(1.0, 0.0)),
    "jitter": (0.0, 10.0),
    "mixup": (0.0, 10.0),
    "rotate": (0.0, 180.0),
    "zoom": (0.0, 0.9),
    "l2": (0.0, 1e3),
    "weight_decay": (0.0, 1e3),
    "max_norm": (math.nextafter(0.0, 1.0), 1e3),
    "dropout_input": (0.0, 0.95),
    "dropout_hidden": (0.0, 0.95),
    "min_delta": (0.0, 1e3),
}
CHOICES = {
    "data": DATASETS,
    "activation": ACTIVATIONS,
    "initializer": INITIALIZERS,
    "optimizer": OPTIMIZERS,
}
SWITCHES = ("flip", "restore_best_weights", "bootstrap")
OPTIONAL = ("n_train", "n_val", "max_norm", "patience")
FIELDS = tuple(Config.model_fields)

# Every field, none with the default it had when this was written.
FULL: dict[str, Any] = {
    "data": "digits",
    "n_train": 400,
    "n_val": 300,
    "noise": 0.1,
    "label_noise": 0.3,
    "data_seed": 7,
    "hidden": (256, 128),
    "activation": "tanh",
    "initializer": "glorot_uniform",
    "optimizer": "sgd",
    "learning_rate": 1e-05,
    "momentum": 0.9,
    "batch_size": 16,
    "epochs": 50,
    "jitter": 0.2,
    "mixup": 1.0,
    "shift": 1,
    "rotate": 15.0,
    "zoom": 0.1,
    "flip": True,
    "cutout": 3,
    "l2": 0.001,
    "weight_decay": 0.01,
    "max_norm": 3.0,
    "dropout_input": 0.2,
    "dropout_hidden": (0.5, 0.25),
    "patience": 10,
    "min_delta": 0.0001,
    "start_from_epoch": 5,
    "restore_best_weights": False,
    "members": 5,
    "member_varies": ("order",),
    "bootstrap": True,
    "seeds": 4,
    "seed": 100,
}
FULL_KEY = "1fada2468053be3c6af1cc4fc0c2d32dd8bed41b96b053e658018b422329fd6b"


def config_of(**values: Any) -> Config:
    """Return the Config of values whose types a type checker would refuse."""
    return Config(**values)


def refusal(**values: Any) -> str:
    """Return the sentence with which Config refuses the values."""
    with pytest.raises(ConfigError) as caught:
        Config(**values)
    return str(caught.value)


def with_neighbours(name: str) -> dict[str, Any]:
    """Return what another field must be for every value of this one to be valid."""
    others: dict[str, dict[str, Any]] = {"momentum": {"optimizer": "sgd"}, "seed": {"seeds": 1}}
    return others.get(name, {})


def is_one_sentence(text: str) -> bool:
    return bool(text.strip()) and text.isprintable() and "pydantic" not in text and len(text) < 500


# Strategies


def numbers(name: str) -> st.SearchStrategy[float]:
    low, high = NUMBER_RANGES[name]
    return st.floats(low, high) | st.integers(math.ceil(low), math.floor(high)).map(float)


def independent_fields() -> dict[str, st.SearchStrategy[Any]]:
    by_name: dict[str, st.SearchStrategy[Any]] = {}
    for name, (low, high) in WHOLE_RANGES.items():
        by_name[name] = st.integers(low, high)
    for name in NUMBER_RANGES:
        by_name[name] = numbers(name)
    for name in OPTIONAL:
        by_name[name] |= st.none()
    for name, choices in CHOICES.items():
        by_name[name] = st.sampled_from(choices)
    for name in SWITCHES:
        by_name[name] = st.booleans()
    by_name["member_varies"] = st.lists(st.sampled_from(MEMBER_VARIATIONS), unique=True).map(tuple)
    by_name["hidden"] = st.lists(st.integers(1, 4096), max_size=6).map(tuple)
    return by_name


@st.composite
def valid_values(draw: st.DrawFn) -> dict[str, Any]:
    values: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=VALUES))
    n_layers = len(values.get("hidden", Config().hidden))
    if not n_layers:
        values.pop("max_norm", None)
        values.pop("dropout_hidden", None)
    if draw(st.booleans()):
        rates = st.lists(numbers("dropout_hidden"), min_size=n_layers, max_size=n_layers)
        values["dropout_hidden"] = tuple(draw(rates))
    if values.get("optimizer", Config().optimizer) != "sgd":
        values.pop("momentum", None)
    if values.get("seed", 0) > 2**31 - 64:
        values["seeds"] = 1
    return values


def valid_configs() -> st.SearchStrategy[Config]:
    return valid_values().map(lambda values: Config(**values))


JUNK_TEXTS = st.sampled_from(
    [
        "",
        " ",
        ",",
        ",,",
        "none",
        "None",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "-1",
        "+5",
        "1_000",
        "٣",
        "1,2",
        "0x10",
    ]
    + ["true", "TRUE", "1.", ".5", "1e-3", "3.0", "9" * 30, "relu", "moons", "init,init", "%", "%zz", "\x00"]
    + ["\u2028", "\ud800", "0.5,", "64,none", "=", "a=b", "-0", "-0.0", "order,init", "None,"]
)
NAMES = st.sampled_from(
    [*FIELDS, "dropuot", "lr", "self", "cls", "", "L2", "hidden ", "model_config", "x" * 99]
)
JUNK_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.sampled_from(
        [*DATASETS, *MEMBER_VARIATIONS, "sgd", 1j, object(), type, np.nan, 10**4000, "x" * 9999]
    )
    | st.sampled_from(
        [np.float64(0.5), np.int32(3), np.bool_(True), np.array(7), np.array([8, 8]), np.eye(9)]
    ),
    lambda inner: st.lists(inner, max_size=7) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)
VALUES = independent_fields()


@st.composite
def keywords(draw: st.DrawFn) -> dict[str, Any]:
    """Draw up to three fields in their ranges, and as often as not one keyword of any name and value."""
    names = draw(st.lists(st.sampled_from(FIELDS), max_size=3))
    values = {name: draw(VALUES[name]) for name in names}
    if draw(st.booleans()):
        values[draw(NAMES)] = draw(JUNK_VALUES)
    return values


VALID_QUERIES = (
    config_of(**FULL).to_query(),
    "data=digits&n_train=400&label_noise=0.3&hidden=256,256&dropout_input=0.2&dropout_hidden=0.5",
    "?hidden=8&dropout_hidden=0.5,&max_norm=3.0&patience=none&flip=true",
    "hidden=none&member_varies=none&seed=2147483647&seeds=1",
)


@st.composite
def mutated_queries(draw: st.DrawFn) -> str:
    """Draw a valid query of which up to three short pieces were cut out or replaced."""
    query = draw(st.sampled_from(VALID_QUERIES))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(query)))
        until = at + draw(st.integers(0, 3))
        inserted = draw(st.text("&=?,%+-._#;0123456789einotrusN \x00é", max_size=3) | JUNK_TEXTS)
        query = query[:at] + inserted + query[until:]
    return query


def joined_queries() -> st.SearchStrategy[str]:
    parts = st.tuples(NAMES, JUNK_TEXTS | st.text(max_size=8)).map("=".join)
    return st.lists(parts, max_size=5).map("&".join)


def quote_all(query: str) -> str:
    return quote(query, safe="&=", errors="replace")


def decoded_queries() -> st.SearchStrategy[dict[Any, Any]]:
    texts = JUNK_TEXTS | st.lists(JUNK_TEXTS, max_size=2) | JUNK_VALUES
    return st.dictionaries(NAMES | st.none() | st.integers(), texts, max_size=4)


# What a Config is


def test_defaults_are_valid_and_are_the_stated_defaults_of_every_field() -> None:
    assert {name: getattr(Config(), name) for name in FIELDS} == {
        name: field_help(name).default for name in FIELDS
    }


def test_groups_hold_every_field_once_and_in_order() -> None:
    assert [name for names in FIELD_GROUPS.values() for name in names] == list(FIELDS)


def test_equal_values_are_equal_hash_alike_and_have_one_key() -> None:
    left, right = (
        Config(l2=0, hidden=(8, 4)),
        config_of(hidden=[np.int64(8), 4], l2=np.float32(-0.0)),
    )
    assert left == right
    assert hash(left) == hash(right)
    assert left.key() == right.key()
    assert {left: 1}[right] == 1


def test_a_config_is_another_one_if_any_field_is_and_what_else_there_is_never_equals_it() -> None:
    config = Config(l2=0.1)
    assert config != config.replace(seed=1)
    assert config.replace(seed=1).replace(seed=0) == config
    assert config != Config()
    assert config != object()


def test_its_hash_stays_in_its_process() -> None:
    config = Config(l2=0.1)
    before = pickle.dumps(config)
    hash(config)
    assert pickle.dumps(config) == before
    assert pickle.loads(before) == config


def test_numbers_are_held_as_plain_python_numbers() -> None:
    class Three(IntEnum):
        THREE = 3

    config = config_of(
        l2=1, noise=np.float64(0.5), epochs=Three.THREE, shift=np.uint8(2), flip=np.bool_(True)
    )
    values = [config.l2, config.noise, config.epochs, config.shift, config.flip]
    assert values == [1.0, 0.5, 3, 2, True]
    assert [type(value) for value in values] == [float, float, int, int, bool]


def test_sequences_become_tuples_and_one_dropout_rate_stays_one_number() -> None:
    lists = config_of(hidden=[8, 4], dropout_hidden=[0, 0.5], member_varies=["order", "init"])
    arrays = config_of(hidden=np.array([8, 4]), dropout_hidden=np.array([-0.0, 0.5]))
    assert (lists.hidden, lists.dropout_hidden, lists.member_varies) == (
        (8, 4),
        (0.0, 0.5),
        ("init", "order"),
    )
    assert (arrays.hidden, arrays.dropout_hidden) == ((8, 4), (0.0, 0.5))
    assert repr(arrays.dropout_hidden) == "(0.0, 0.5)"
    assert Config(dropout_hidden=0.5).dropout_hidden == 0.5


def test_member_varies_takes_a_set_and_keeps_one_order() -> None:
    assert config_of(member_varies={"order", "init"}).member_varies == ("init", "order")
    assert Config(member_varies=()).member_varies == ()


def test_repr_shows_the_changed_fields_and_evaluates_to_the_config() -> None:
    config = Config(l2=0.125, hidden=(3,), patience=11)
    assert repr(config) == "Config(hidden=(3,), l2=0.125, patience=11)"
    assert eval(repr(config)) == config


def test_a_config_cannot_be_changed() -> None:
    config = Config()
    with pytest.raises(
        ConfigError, match=r"^a Config cannot be changed, use replace\(l2=...\) to get another"
    ):
        setattr(config, "l2", 0.5)  # noqa: B010
    with pytest.raises(ConfigError, match=r"^a Config cannot be changed, and l2 cannot be deleted from it$"):
        del config.l2
    assert config == Config()


def test_a_copy_with_changes_is_checked_as_a_new_config_is() -> None:
    assert Config(l2=0.5).model_copy(update={"patience": 3}) == Config(l2=0.5, patience=3)
    with pytest.raises(ConfigError, match=r"^l2 must be "):
        Config().model_copy(update={"l2": -1.0})


# Ranges


@pytest.mark.parametrize("name", WHOLE_RANGES)
def test_whole_number_takes_its_range_and_nothing_beyond(name: str) -> None:
    low, high = WHOLE_RANGES[name]
    others = with_neighbours(name)
    for value in (low, high):
        assert getattr(config_of(**{name: value}, **others), name) == value
    above = 2**31 if name == "seed" else high + 1
    for wrong in (low - 1, above, float(low), True, str(low), math.nan, [low]):
        assert refusal(**{name: wrong}, **others).startswith(f"{name} must be {field_help(name).rule}, got ")


@pytest.mark.parametrize("name", NUMBER_RANGES)
def test_number_takes_its_range_and_nothing_beyond(name: str) -> None:
    low, high = NUMBER_RANGES[name]
    others = with_neighbours(name)
    for value in (low, high):
        assert getattr(config_of(**{name: value}, **others), name) == value
    below = -low if low else math.nextafter(0.0, -1.0)
    for wrong in (below, math.nextafter(high, 9e9), math.nan, math.inf, -math.inf, True, "0.5", 1j, [[0.5]]):
        assert refusal(**{name: wrong}, **others).startswith(f"{name} must be {field_help(name).rule}, got ")


@pytest.mark.parametrize("name", [*CHOICES, *SWITCHES])
def test_choice_or_switch_takes_its_values_and_nothing_else(name: str) -> None:
    values = CHOICES.get(name, (True, False))
    assert [getattr(config_of(**{name: value}), name) for value in values] == list(values)
    for wrong in (None, 1, 0, "", "yes", "RELU", [], object()):
        assert refusal(**{name: wrong}).startswith(f"{name} must be {field_help(name).rule}, got ")


@pytest.mark.parametrize("name", FIELDS)
def test_only_optional_fields_take_none(name: str) -> None:
    if name in OPTIONAL:
        assert getattr(config_of(**{name: None}), name) is None
    else:
        assert refusal(**{name: None}) == f"{name} must be {field_help(name).rule}, got None"


@pytest.mark.parametrize("hidden", [(), (1,), (4096,) * 6])
def test_hidden_takes_none_to_six_layers(hidden: tuple[int, ...]) -> None:
    assert Config(hidden=hidden).hidden == hidden


@pytest.mark.parametrize(
    "hidden", [(1,) * 7, (0,), (4097,), (8, -8), (8, True), (8.0,), ("8",), 8, "8", {8}, [[8]]]
)
def test_hidden_takes_nothing_beyond_its_range(hidden: Any) -> None:
    assert refusal(hidden=hidden).startswith(
        "hidden must be a tuple of 0 to 6 whole numbers from 1 to 4096, got "
    )


def test_dropout_rates_gives_one_rate_a_layer() -> None:
    assert Config(hidden=(8, 4, 2), dropout_hidden=0.5).dropout_rates() == (0.5, 0.5, 0.5)
    assert Config(hidden=(8, 4), dropout_hidden=(0.5, 0.0)).dropout_rates() == (0.5, 0.0)
    assert Config(hidden=()).dropout_rates() == ()


def test_penalties_act_on_the_only_kernel_of_a_linear_model() -> None:
    config = Config(hidden=(), l2=0.1, weight_decay=0.2, dropout_input=0.3)
    assert (config.l2, config.weight_decay, config.dropout_input) == (0.1, 0.2, 0.3)


def test_last_seed_may_be_the_largest() -> None:
    assert Config(seed=2**31 - 64, seeds=64).seed == 2**31 - 64


# Sentences


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"l2": -1}, "l2 must be a number from 0 to 1000, got -1"),
        ({"l2": math.nan}, "l2 must be a number from 0 to 1000, got nan"),
        ({"l2": True}, "l2 must be a number from 0 to 1000, got True"),
        ({"n_train": 1}, "n_train must be None or a whole number from 2 to 60000, got 1"),
        ({"epochs": 3.0}, "epochs must be a whole number from 1 to 10000, got 3.0"),
        ({"data_seed": 2**31}, "data_seed must be a whole number from 0 to 2147483647, got 2147483648"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0 and at most 10, got 0"),
        ({"max_norm": 0}, "max_norm must be None or a number above 0 and at most 1000, got 0"),
        ({"momentum": 1, "optimizer": "sgd"}, "momentum must be a number from 0 to below 1, got 1"),
        ({"zoom": 0.91}, "zoom must be a number from 0 to 0.9, got 0.91"),
        ({"flip": "yes"}, "flip must be True or False, got 'yes'"),
        ({"activation": "swish"}, "activation must be one of relu, tanh, got 'swish'"),
        ({"activation": "relu6"}, "activation must be one of relu, tanh, got 'relu6'; did you mean 'relu'?"),
        (
            {"member_varies": ("inti", "order")},
            "member_varies must be a tuple that has each of init, order at most once, got ('inti', 'order'); "
            "did you mean 'init'?",
        ),
        (
            {"member_varies": ("init", "init")},
            "member_varies must be a tuple that has each of init, order at most once, got ('init', 'init')",
        ),
        (
            {"dropout_hidden": 1},
            "dropout_hidden must be a number from 0 to 0.95, or a tuple of one such number per hidden layer, "
            "got 1",
        ),
        ({"hidden": [8, 0]}, "hidden must be a tuple of 0 to 6 whole numbers from 1 to 4096, got [8, 0]"),
        (
            {"hidden": [8] * 100},
            "hidden must be a tuple of 0 to 6 whole numbers from 1 to 4096, got [8, 8, 8, 8, 8, 8, ...]",
        ),
        ({"l2": "x" * 999}, f"l2 must be a number from 0 to 1000, got '{'x' * 27}...{'x' * 28}'"),
        (
            {"epochs": 10**5000},
            "epochs must be a whole number from 1 to 10000, got a number of more than 60 digits",
        ),
        ({"l2": -(10**5000)}, "l2 must be a number from 0 to 1000, got a number of more than 60 digits"),
        ({"l2": np.array([1, 2])}, "l2 must be a number from 0 to 1000, got array([1, 2])"),
        ({"dropuot": 0.5}, "unknown field 'dropuot'; did you mean 'dropout_hidden'?"),
        ({"utm_source": "x"}, "unknown field 'utm_source'"),
        ({"L2": 0.5}, "unknown field 'L2'; did you mean 'l2'?"),
        ({"sedes": 3}, "unknown field 'sedes'; did you mean 'seeds'?"),
        ({"lr": 3}, "unknown field 'lr'; did you mean 'learning_rate'?"),
        ({"dataset": "iris"}, "unknown field 'dataset'; did you mean 'data'?"),
        ({"self": 3}, "unknown field 'self'"),
        ({"l2": -1, "epochs": 0}, "epochs must be a whole number from 1 to 10000, got 0"),
        ({"epochs": 0, "q": 3}, "unknown field 'q'"),
        ({"\ud800": 3}, "unknown field '\\ud800'"),
        (
            {"hidden": (8, 4), "dropout_hidden": (0.5,)},
            "dropout_hidden must be one number or one per hidden layer (2 with hidden=(8, 4)), got (0.5,)",
        ),
        (
            {"hidden": (), "dropout_hidden": 0.5},
            "dropout_hidden must be 0 with hidden=(), which has no units, got 0.5",
        ),
        ({"hidden": (), "max_norm": 3}, "max_norm must be None with hidden=(), which has no units, got 3.0"),
        (
            {"optimizer": "adam", "momentum": 0.9},
            "momentum must be 0 with optimizer='adam', for only 'sgd' takes it, got 0.9",
        ),
        (
            {"seed": 2**31 - 1, "seeds": 2},
            "seed + seeds must be at most 2147483648, got 2147483647 + 2",
        ),
    ],
)
def test_sentence_names_field_rule_and_value(values: dict[str, Any], sentence: str) -> None:
    assert refusal(**values) == sentence


@pytest.mark.parametrize("name", DATASETS)
def test_misspelt_choice_is_answered_with_the_nearest(name: str) -> None:
    assert refusal(data=name[:-1] + "_").endswith(f"got '{name[:-1]}_'; did you mean {name!r}?")


def test_a_failure_is_both_a_regcore_error_and_a_value_error() -> None:
    with pytest.raises(RegcoreError):
        Config(l2=-1)
    with pytest.raises(ValueError, match="^l2 must be"):
        Config(l2=-1)


def test_a_failure_does_not_drag_pydantic_text_along() -> None:
    with pytest.raises(ConfigError) as caught:
        Config(l2=-1)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_value_whose_repr_fails_is_refused_all_the_same() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no repr")

    for value in (Broken(), [10**5000]):
        sentence = refusal(l2=value)
        assert sentence.startswith("l2 must be a number from 0 to 1000, got ")
        assert is_one_sentence(sentence)


def test_a_value_of_many_lines_is_shown_in_one() -> None:
    assert refusal(l2=np.array([[1, 2], [3, 4]])) == (
        "l2 must be a number from 0 to 1000, got array([[1, 2], [3, 4]])"
    )


@settings(max_examples=1000, deadline=None)
@given(keywords())
def test_any_keywords_give_a_config_or_one_sentence(values: dict[str, Any]) -> None:
    try:
        config = Config(**values)
    except ConfigError as error:
        assert is_one_sentence(str(error))
    else:
        assert set(values) <= set(FIELDS)
        assert Config.from_json(config.to_json()) == config


# Another Config from one


def test_replace_changes_what_is_asked_for_and_checks_it() -> None:
    config = config_of(**FULL)
    assert config.replace(l2=0.5, hidden=[8, 4]) == config_of(**{**FULL, "l2": 0.5, "hidden": (8, 4)})
    with pytest.raises(ConfigError, match=r"^l2 must be a number from 0 to 1000, got -1$"):
        config.replace(l2=-1)
    with pytest.raises(ConfigError, match=r"^dropout_hidden must be one number or one per hidden layer \(1 "):
        config.replace(hidden=(8,))
    with pytest.raises(ConfigError, match=r"^unknown field 'epoch'; did you mean 'epochs'\?$"):
        config.replace(epoch=3)


def test_plain_keeps_data_model_and_repetition_and_turns_the_rest_off() -> None:
    kept = ("data", "model", "repetition")
    plain = config_of(**FULL).plain()
    for group, names in FIELD_GROUPS.items():
        for name in names:
            assert getattr(plain, name) == (FULL[name] if group in kept else field_help(name).default)


def test_off_means_that_nothing_regularizes() -> None:
    off = {name: getattr(config_of(**FULL).plain(), name) for name in REGULARIZER_FIELDS}
    assert off == {
        **dict.fromkeys(("jitter", "mixup", "shift", "rotate", "zoom", "cutout", "l2", "weight_decay"), 0),
        **dict.fromkeys(("dropout_input", "dropout_hidden", "min_delta", "start_from_epoch"), 0),
        **{"flip": False, "bootstrap": False, "restore_best_weights": True},
        **{"max_norm": None, "patience": None, "members": 1, "member_varies": ("init", "order")},
    }


def test_changes_are_the_fields_that_differ() -> None:
    config = config_of(**FULL)
    assert config.changes(config.replace(seed=1, l2=0.5)) == {"l2": FULL["l2"], "seed": FULL["seed"]}
    assert config.changes(config) == {}


@settings(max_examples=100, deadline=None)
@given(valid_configs(), valid_configs())
def test_changes_lead_from_one_config_to_another(config: Config, other: Config) -> None:
    assert other.replace(**config.changes(other)) == config


# URLs


def test_to_query_leaves_defaults_out_and_keeps_field_order() -> None:
    assert Config().to_query() == ""
    assert Config(l2=0.001, data="digits").to_query() == "data=digits&l2=0.001"


def test_to_query_of_every_field() -> None:
    assert config_of(**FULL).to_query() == (
        "data=digits&n_train=400&n_val=300&noise=0.1&label_noise=0.3&data_seed=7&hidden=256,128&activation=tanh"
        "&initializer=glorot_uniform&optimizer=sgd&learning_rate=1e-05&momentum=0.9&batch_size=16&epochs=50"
        "&jitter=0.2&mixup=1.0&shift=1&rotate=15.0&zoom=0.1&flip=true&cutout=3&l2=0.001&weight_decay=0.01"
        "&max_norm=3.0&dropout_input=0.2&dropout_hidden=0.5,0.25&patience=10&min_delta=0.0001&start_from_epoch=5"
        "&restore_best_weights=false&members=5&member_varies=order&bootstrap=true&seeds=4&seed=100"
    )


def test_one_rate_and_a_tuple_of_one_rate_are_told_apart() -> None:
    one, tuple_of_one = Config(hidden=(8,), dropout_hidden=0.5), Config(hidden=(8,), dropout_hidden=(0.5,))
    assert one.to_query() == "hidden=8&dropout_hidden=0.5"
    assert tuple_of_one.to_query() == "hidden=8&dropout_hidden=0.5,"


def test_empty_tuples_are_none() -> None:
    assert Config(hidden=(), member_varies=()).to_query() == "hidden=none&member_varies=none"


@settings(max_examples=200, deadline=None)
@given(valid_configs())
def test_every_config_survives_query_json_and_pickle(config: Config) -> None:
    query = config.to_query()
    assert Config.from_query(query) == (config, None)
    assert Config.from_query("?" + query) == (config, None)
    assert Config.from_json(config.to_json()) == config
    assert pickle.loads(pickle.dumps(config)) == config


def test_longest_query_is_within_the_limit() -> None:
    digits = 1.2345678901234567e-301
    longest: dict[str, Any] = {name: digits for name in NUMBER_RANGES}
    longest |= {name: high for name, (_, high) in WHOLE_RANGES.items()}
    longest |= {
        "hidden": (4096,) * 6,
        "dropout_hidden": (digits,) * 6,
        "data": "article_regression",
        "seeds": 1,
    }
    longest |= {"initializer": "glorot_uniform", "optimizer": "sgd", "restore_best_weights": False}
    config = Config(**longest)
    assert len(config.to_query()) < MAX_QUERY_LENGTH / 3
    assert len(config.to_json()) < MAX_JSON_LENGTH / 3


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("?", {}),
        ("&l2=1&", {"l2": 1.0}),
        ("l2=1e-3", {"l2": 0.001}),
        ("l2=1E-3", {"l2": 0.001}),
        ("l2=-0.0", {"l2": 0.0}),
        ("l2=1.", {"l2": 1.0}),
        ("epochs=007", {"epochs": 7}),
        ("%6c2=%31", {"l2": 1.0}),
        ("hidden=8%2C4", {"hidden": (8, 4)}),
        ("hidden=8", {"hidden": (8,)}),
        ("hidden=8,", {"hidden": (8,)}),
        ("hidden=None", {"hidden": ()}),
        ("flip=true", {"flip": True}),
        ("flip=True", {"flip": True}),
        ("patience=none", {"patience": None}),
        ("patience=None&max_norm=none", {"patience": None, "max_norm": None}),
        ("member_varies=order,init", {"member_varies": ("init", "order")}),
        ("member_varies=init", {"member_varies": ("init",)}),
        ("dropout_hidden=1,&hidden=5", None),
        ({}, {}),
        ({"l2": "0.5", "hidden": ["8,4"]}, {"l2": 0.5, "hidden": (8, 4)}),
    ],
)
def test_query_says_what_its_documentation_says(query: Any, values: dict[str, Any] | None) -> None:
    config, problem = Config.from_query(query)
    if values is None:
        assert (config, problem is None) == (Config(), False)
    else:
        assert (config, problem) == (Config(**values), None)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("l2=-5", "l2 must be a number from 0 to 1000, got -5"),
        ("l2=nan", "l2 must be a number from 0 to 1000, got 'nan'"),
        ("l2=1e999", "l2 must be a number from 0 to 1000, got inf"),
        ("l2=", "l2 must be a number from 0 to 1000, got ''"),
        ("l2=1_0", "l2 must be a number from 0 to 1000, got '1_0'"),
        ("l2=+5", "l2 must be a number from 0 to 1000, got ' 5'"),
        ("l2=%2B5", "l2 must be a number from 0 to 1000, got '+5'"),
        ("l2=5%0A", "l2 must be a number from 0 to 1000, got '5\\n'"),
        ("l2=%D9%A3", "l2 must be a number from 0 to 1000, got '٣'"),
        ("l2=.5", "l2 must be a number from 0 to 1000, got '.5'"),
        ("l2=%zz", "l2 must be a number from 0 to 1000, got '%zz'"),
        ("l2=1,2", "l2 must be a number from 0 to 1000, got (1, 2)"),
        ("l2=true", "l2 must be a number from 0 to 1000, got True"),
        ("epochs=3.0", "epochs must be a whole number from 1 to 10000, got 3.0"),
        ("epochs=1e2", "epochs must be a whole number from 1 to 10000, got 100.0"),
        ("epochs=none", "epochs must be a whole number from 1 to 10000, got None"),
        ("flip=1", "flip must be True or False, got 1"),
        ("flip=TRUE", "flip must be True or False, got 'TRUE'"),
        ("activation=Relu", "activation must be one of relu, tanh, got 'Relu'; did you mean 'relu'?"),
        ("hidden=", "hidden must be a tuple of 0 to 6 whole numbers from 1 to 4096, got ('',)"),
        ("hidden=8,,", "hidden must be a tuple of 0 to 6 whole numbers from 1 to 4096, got (8, '')"),
        (
            "hidden=none&dropout_hidden=0.5",
            "dropout_hidden must be 0 with hidden=(), which has no units, got 0.5",
        ),
        ("l2=1&noise=1&l2=1", "'l2' must be given once, got '1' and '1'"),
        ("dropuot=0.5", "unknown field 'dropuot'; did you mean 'dropout_hidden'?"),
        ("=5", "unknown field ''"),
        ("l2", "every part of the query must be field=value, got 'l2'"),
        ("l2=%ff", "the query must be percent-encoded UTF-8, got 'l2=%ff'"),
        ("??l2=1", "unknown field '?l2'; did you mean 'l2'?"),
        ("l2=" + "1" * 3998, "the query must be at most 4,000 characters long, got 4,001"),
        ({"l2": "1" * 3999}, "the query must be at most 4,000 characters long, got 4,001"),
        ({"l2": ["1", "2"]}, "'l2' must have one text in the query, got ['1', '2']"),
        ({"l2": []}, "'l2' must have one text in the query, got []"),
        ({"l2": 1}, "'l2' must have one text in the query, got 1"),
        ({5: "1"}, "unknown field 5"),
        (None, "the query must be text or a mapping, got None"),
        (b"l2=1", "the query must be text or a mapping, got b'l2=1'"),
    ],
)
def test_broken_query_gives_the_defaults_and_a_sentence(query: Any, problem: str) -> None:
    assert Config.from_query(query) == (Config(), problem)


def test_long_number_is_refused_where_python_reads_few_digits() -> None:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        problem = Config.from_query("epochs=" + "1" * 1000).problem
    finally:
        sys.set_int_max_str_digits(limit)
    assert problem == "epochs must be a whole number from 1 to 10000, got inf"


@settings(max_examples=2000, deadline=None)
@given(mutated_queries() | joined_queries() | joined_queries().map(quote_all) | st.text() | decoded_queries())
def test_any_query_gives_a_config_or_the_defaults_and_one_sentence(query: Any) -> None:
    config, problem = Config.from_query(query)
    if problem is None:
        assert Config.from_query(config.to_query()) == (config, None)
    else:
        assert config == Config()
        assert is_one_sentence(problem)


# JSON and keys


def test_json_holds_every_field_in_order() -> None:
    assert json.loads(config_of(**FULL).to_json()) == json.loads(json.dumps(FULL))
    assert list(json.loads(Config().to_json())) == list(FIELDS)


def test_json_may_leave_fields_out() -> None:
    assert Config.from_json('{"l2": 1, "hidden": [8]}') == Config(l2=1.0, hidden=(8,))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the JSON of a Config must be valid JSON, got ''"),
        ("{'l2': 1}", "the JSON of a Config must be valid JSON, got \"{'l2': 1}\""),
        ("[1]", "the JSON of a Config must be an object, got '[1]'"),
        ("null", "the JSON of a Config must be an object, got 'null'"),
        (None, "the JSON of a Config must be text, got None"),
        ("[" * 20_000, f"the JSON of a Config must be valid JSON, got '{'[' * 27}...{'[' * 28}'"),
        ("1" * 5_000, f"the JSON of a Config must be valid JSON, got '{'1' * 27}...{'1' * 28}'"),
        (" " * 20_001, "the JSON of a Config must be at most 20,000 characters long, got 20,001"),
        ('{"l2": 1, "l2": 2}', "'l2' must be given once, got 1 and 2"),
        ('{"l2": NaN}', "l2 must be a number from 0 to 1000, got nan"),
        ('{"l2": "1"}', "l2 must be a number from 0 to 1000, got '1'"),
        ('{"l22": 1}', "unknown field 'l22'; did you mean 'l2'?"),
    ],
)
def test_broken_json_is_refused_in_a_sentence(text: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_json(text)
    assert str(caught.value) == sentence


@settings(max_examples=200, deadline=None)
@given(
    st.text() | st.dictionaries(NAMES, JUNK_TEXTS | st.integers() | st.floats(), max_size=3).map(json.dumps)
)
def test_any_text_as_json_gives_a_config_or_one_sentence(text: str) -> None:
    try:
        config = Config.from_json(text)
    except ConfigError as error:
        assert is_one_sentence(str(error))
    else:
        assert isinstance(config, Config)


def test_key_is_the_sha256_of_the_sorted_json() -> None:
    canonical = json.dumps(dict(sorted(FULL.items())), separators=(",", ":"))
    assert config_of(**FULL).key() == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_key_is_the_same_in_another_process_and_for_another_order_of_keywords(hash_seed: str) -> None:
    backwards = dict(reversed(FULL.items()))
    program = f"from regcore.config import Config; print(Config(**{backwards!r}).key())"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    printed = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True)
    # A change of this answer loses every cached result and every key that was ever stored.
    assert printed.strip() == config_of(**FULL).key() == FULL_KEY


@pytest.mark.parametrize("name", FIELDS)
def test_key_depends_on_every_field(name: str) -> None:
    config = config_of(**{**FULL, "momentum": 0.0})
    value = getattr(config, name)
    if name in CHOICES:
        other: Any = next(choice for choice in CHOICES[name] if choice != value)
    elif name in SWITCHES:
        other = not value
    elif isinstance(value, tuple):
        other = ("init",) if name == "member_varies" else tuple(reversed(value))
    else:
        other = value + (1 if name in WHOLE_RANGES else 1e-9)
    assert config.replace(**{name: other}).key() != config.key()


# Words for pages


@pytest.mark.parametrize("name", FIELDS)
def test_field_help_is_filled_for_every_field(name: str) -> None:
    help_ = field_help(name)
    assert help_.name == name
    assert name in FIELD_GROUPS[help_.group]
    assert help_.description.endswith((".", ". None: off."))
    assert help_.description[0] in string.ascii_uppercase


@pytest.mark.parametrize(
    ("name", "unit", "minimum", "maximum"),
    [
        ("n_train", "rows", 2, 60_000),
        ("learning_rate", "", 0.0, 10.0),
        ("momentum", "fraction of the last update", 0.0, 1.0),
        ("jitter", "units of the scaled input", 0.0, 10.0),
        ("rotate", "degrees", 0.0, 180.0),
        ("hidden", "units", 1, 4096),
        ("dropout_hidden", "fraction dropped", 0.0, 0.95),
        ("patience", "epochs", 0, 10_000),
        ("flip", "", None, None),
    ],
)
def test_field_help_knows_unit_and_range(name: str, unit: str, minimum: float, maximum: float) -> None:
    help_ = field_help(name)
    assert (help_.unit, help_.minimum, help_.maximum) == (unit, minimum, maximum)


@pytest.mark.parametrize("name", [*WHOLE_RANGES, *NUMBER_RANGES])
def test_bounds_have_the_type_of_the_field(name: str) -> None:
    bounds = (field_help(name).minimum, field_help(name).maximum)
    assert {type(bound) for bound in bounds} == {int if name in WHOLE_RANGES else float}


def test_field_help_knows_the_choices() -> None:
    assert field_help("optimizer").choices == ("adam", "sgd")
    assert field_help("member_varies").choices == ("init", "order")
    assert field_help("l2").choices == ()


def test_help_for_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"^unknown field 'moment'; did you mean 'momentum'\?$"):
        field_help("moment")


def test_importing_config_loads_nothing_heavy() -> None:
    program = "import sys, regcore.config; print(*sorted(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    printed = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True)
    assert not {"sklearn", "pandas", "scipy", "tensorflow", "streamlit"} & set(printed.split())


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("lr", "learning_rate"),
        ("dropout", "dropout_hidden"),
        ("epoch", "epochs"),
        ("L2", "l2"),
        ("xyz", None),
    ],
)
def test_the_nearest_field_is_the_one_that_was_meant(name, field):
    assert nearest_field(name) == field


def test_values_of_a_query_are_checked_by_whoever_takes_them():
    assert query_values("l2=-1&hidden=8,&lr=none") == {"l2": -1, "hidden": (8,), "lr": None}
    with pytest.raises(ConfigError, match="every part of the query must be field=value, got 'l2'"):
        query_values("l2")
