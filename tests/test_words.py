"""Words: one rounding, one sign and one name for the same thing on every page."""

import math

import pytest

from pages.ui import words
from regcore.config import Config


@pytest.mark.parametrize(
    ("value", "metric", "decimals", "text"),
    [
        (-0.0001, "error", 1, "0.0"),
        (0.0, "loss", 3, "0.000"),
        (1234.44, "mae", 1, "+1,234.4"),
        (-3e27, "loss", 3, "−3.00e+27"),
        (math.nan, "loss", 3, "–"),
    ],
)
def test_signs(value, metric, decimals, text):
    assert words.signed(value, metric, decimals) == text


@pytest.mark.parametrize(
    ("value", "metric", "decimals", "text"),
    [(0.2581, "error", 1, "25.8"), (0.2581, "loss", 3, "0.258"), (math.inf, "loss", 3, "–")],
)
def test_numbers(value, metric, decimals, text):
    assert words.number(value, metric, decimals) == text


def test_interval_has_the_signs_of_both_ends():
    assert words.interval(-0.053, 0.029, "error", 1) == "−5.3 to +2.9"
    assert words.interval(math.nan, math.nan, "error", 1) == "–"


@pytest.mark.parametrize(
    ("metric", "size", "decimals"), [("error", 0.2, 1), ("mae", 53.6, 1), ("loss", 9.99, 3)]
)
def test_decimals_suit_the_size(metric, size, decimals):
    assert words.decimals_of(metric, size) == decimals


def test_regularizers_that_are_on_are_named():
    config = Config(dropout_hidden=(0.2, 0.5), l2=0.001, patience=10)

    assert words.what_is_on(config) == "L2 0.001, hidden dropout 0.2/0.5, patience 10"
    assert words.what_is_on(config.plain()) == "no regularizer"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "off"),
        (True, "on"),
        (False, "off"),
        ((), "none"),
        ((64, 32), "64/32"),
        (3e-3, "0.003"),
        ("sgd", "sgd"),
    ],
)
def test_values_of_fields(value, text):
    assert words.field_value(value) == text


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ((0.1, 0.3), ["0.1", "0.3"]),
        ((0.1234567, 0.1234568), ["0.1234567", "0.1234568"]),
        ((0.1 + 0.2, 0.3), ["0.30000000000000004", "0.29999999999999999"]),
        ((0.1234567, 0.1234567), ["0.123457", "0.123457"]),
        ((0.1234567, None, (0.1234568, 0.5)), ["0.123457", "off", "0.123457/0.5"]),
        ((0.5, (0.5,)), ["0.5", "0.5"]),
    ],
)
def test_values_of_a_field_that_differ_are_told_apart(values, texts):
    assert words.field_values(values) == texts


@pytest.mark.parametrize(("n", "text"), [(0, "0 seeds"), (1, "1 seed"), (1200, "1,200 seeds")])
def test_counts(n, text):
    assert words.count(n, "seed") == text


def test_only_errors_are_in_percent():
    assert words.metric_title("error") == "Error, %"
    assert words.metric_title("mae") == "Mean absolute error"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "1 s"), (4.4, "4 s"), (89.0, "89 s"), (90.0, "2 min"), (3600.0, "60 min"), (5400.0, "1.5 h")],
)
def test_durations(seconds, text):
    assert words.duration(seconds) == text
