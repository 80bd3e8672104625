"""Cards: what a comparison says in words, and the rounding of its table."""

import math

import pandas as pd
import pytest

from pages.ui import cards
from regcore.config import Config


def table(verdict, difference=-0.041, low=-0.053, high=-0.029, mean=0.217, metric_mean=0.258):
    missing = {"difference": math.nan, "low": math.nan, "high": math.nan, "wins": None, "n": 8}
    return pd.DataFrame(
        [
            {"name": "baseline", "mean": metric_mean, **missing, "verdict": "baseline"},
            {
                "name": "this run", "mean": mean, "difference": difference, "low": low, "high": high,
                "wins": 7, "n": 8, "verdict": verdict,
            },
        ]
    ).astype({"wins": "Int64"})  # fmt: skip


def test_answer_names_difference_interval_and_wins():
    assert cards.answer({"error": table("better")}, is_complete=True) == (
        ":green[**Better:**] validation error −4.1 points against the baseline (95 % interval −5.3 to −2.9), "
        "lower on 7 of 8 seeds."
    )


def test_answer_within_noise_says_why():
    answer = cards.answer({"mae": table("within seed noise", -0.1, -0.5, 0.3)}, is_complete=True)

    assert answer == (
        "**Within seed noise:** validation mean absolute error −0.100 against the baseline "
        "(95 % interval −0.500 to +0.300, which contains 0), lower on 7 of 8 seeds."
    )


def test_answer_of_a_growing_run_is_for_now():
    assert cards.answer({"error": table("worse")}, is_complete=False).endswith("seeds. *So far.*")


def test_answer_without_an_interval_is_the_verdict():
    one_seed = table("one seed cannot tell", low=math.nan, high=math.nan)

    assert cards.answer({"error": one_seed}, is_complete=True) == "**One seed cannot tell**"


def test_table_is_rounded_alike():
    words = cards.in_words({"error": table("better"), "loss": table("worse", 0.5, 0.2, 0.8, 1.2, 0.7)})

    assert words.to_dict("records") == [
        {
            "Metric": "Error, %", "Baseline": "25.8", "This run": "21.7", "Difference": "−4.1",
            "95 % interval": "−5.3 to −2.9", "Lower on": "7 of 8", "Verdict": "better",
        },
        {
            "Metric": "Data loss", "Baseline": "0.700", "This run": "1.200", "Difference": "+0.500",
            "95 % interval": "+0.200 to +0.800", "Lower on": "7 of 8", "Verdict": "worse",
        },
    ]  # fmt: skip


def test_table_of_a_run_without_a_seed_yet_has_no_verdict():
    nothing = table("no seed yet", math.nan, math.nan, math.nan, math.nan, math.nan)
    nothing["n"] = 0

    (row,) = cards.in_words({"error": nothing}).to_dict("records")

    assert (row["Baseline"], row["Difference"], row["Lower on"], row["Verdict"]) == ("–", "–", "–", "–")


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (-0.0001, "error", "0.0"),
        (0.0, "loss", "0.000"),
        (123.44, "mae", "+123.4"),
        (math.nan, "loss", "–"),
    ],
)
def test_signs(value, metric, text):
    assert cards._signed(value, metric) == text


def test_regularizers_that_are_on_are_named():
    config = Config(dropout_hidden=(0.2, 0.5), l2=0.001, patience=10)

    assert cards.what_is_on(config) == "L2 0.001, hidden dropout 0.2/0.5, patience 10"
    assert cards.what_is_on(config.plain()) == "no regularizer"
