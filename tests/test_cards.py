"""Cards: what a comparison says in words, and the rounding of its table."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from pages.ui import cards, shared, shelf, state
from regcore.answers import how_many
from regcore.config import Config
from regcore.data import load_dataset
from regcore.figures import _curves, plot_curves
from regcore.results import Recording, Result
from regcore.statistics import paired_difference
from tests.opened_runs import result


def table(verdict, difference=-0.041, low=-0.053, high=-0.029, mean=0.217, metric_mean=0.258):
    missing = {"difference": math.nan, "low": math.nan, "high": math.nan, "wins": None, "n": 8}
    return [
        {"name": "baseline", "mean": metric_mean, **missing, "verdict": "baseline"},
        {
            "name": "this run", "mean": mean, "difference": difference, "low": low, "high": high,
            "wins": 7, "n": 8, "verdict": verdict,
        },
    ]  # fmt: skip


def test_answer_says_which_is_better_in_what_and_by_how_much():
    assert cards.answer({"error": table("better")}) == (
        ":green[**This run is better than the baseline:**] validation error 21.7 % against 25.8 %, "
        "−4.1 points (95 % interval −5.3 to −2.9), lower on 7 of 8 seeds."
    )


def test_answer_within_noise_says_why():
    answer = cards.answer({"mae": table("within seed noise", -0.1, -0.5, 0.3, 2.4, 2.5)})

    assert answer == (
        "**This run and the baseline are within seed noise:** validation mean absolute error 2.400 against "
        "2.500, −0.100 (95 % interval −0.500 to +0.300, which contains 0), lower on 7 of 8 seeds."
    )


def test_answer_without_an_interval_has_both_numbers():
    one_seed = table("one seed cannot tell", low=math.nan, high=math.nan)

    assert cards.answer({"error": one_seed}) == (
        "**One seed cannot tell:** validation error 21.7 % against 25.8 % of the baseline"
    )


def test_answer_of_a_run_that_diverged_is_the_verdict():
    diverged = table("no verdict: 1 of 8 seeds diverged", math.nan, math.nan, math.nan, math.nan)

    assert cards.answer({"loss": diverged}) == "**No verdict: 1 of 8 seeds diverged**"


def test_a_name_in_front_of_a_sentence_keeps_its_capitals():
    plain, run = table("worse")

    answer = cards.held_against(
        plain | {"name": "no regularizer"}, run | {"name": "max-norm and L2"}, "error"
    )

    assert answer.startswith(
        ":red[**Max-norm and L2 is worse than no regularizer:**] validation error 21.7 %"
    )


def test_answer_of_too_few_seeds_is_in_words():
    found = paired_difference([0.10, 0.15], [0.125, 0.175])
    few = table(found.verdict, found.mean, found.low, found.high)

    assert cards.answer({"error": few}).startswith("**Too few seeds to tell:** validation error 21.7 %")
    (row,) = cards.in_words({"error": few}, is_complete=True)
    assert (row["Difference"], row["95 % interval"]) == ("–", "–")


def test_networks_that_runs_share_are_counted_once():
    trained = result([[{"val_loss": 1.0}], [{"val_loss": 2.0}]])
    stopped, other = trained.with_stopping(patience=3), result([[{"val_loss": 3.0}]])

    assert how_many({"baseline": trained, "this run": stopped}) == (
        "2 networks of 1 epoch, trained on this machine: 2 seeds of each run."
    )
    assert how_many({"baseline": trained, "this run": other}).startswith("3 networks of 1 epoch")


def test_table_is_rounded_alike():
    words = cards.in_words({"error": table("better"), "loss": table("worse", 0.5, 0.2, 0.8, 1.2, 0.7)}, True)

    assert words == [
        {
            "Metric": "Error, %", "Baseline": "25.8", "This run": "21.7", "Difference": "−4.1",
            "95 % interval": "−5.3 to −2.9", "Lower on": "7 of 8", "Verdict": "better",
        },
        {
            "Metric": "Data loss", "Baseline": "0.700", "This run": "1.200", "Difference": "+0.500",
            "95 % interval": "+0.200 to +0.800", "Lower on": "7 of 8", "Verdict": "worse",
        },
    ]  # fmt: skip


def test_table_of_runs_that_still_grow_compares_nothing():
    (row,) = cards.in_words({"error": table("better")}, is_complete=False)

    assert (row["Baseline"], row["This run"]) == ("25.8", "21.7")
    assert [row[name] for name in ("Difference", "95 % interval", "Lower on", "Verdict")] == ["–"] * 4


def grown(n_epochs, epochs=1000):
    recordings = {(0, 0): Recording("", np.zeros((n_epochs, 12)))} if n_epochs else {}
    return {"baseline": Result(Config(epochs=epochs), load_dataset(Config()), recordings)}


@pytest.mark.parametrize(("n_epochs", "end"), [(0, 16), (1, 16), (17, 32), (600, 1000), (1000, 1000)])
def test_axis_of_a_growing_run_ends_at_the_next_power_of_two(n_epochs, end):
    assert cards.epochs_shown(grown(n_epochs)) == end


def test_axis_of_a_short_run_ends_with_it():
    assert cards.epochs_shown(grown(1, epochs=3)) == 3


def test_differences_have_the_decimals_of_what_they_differ_from():
    (row,) = cards.in_words({"mae": table("better", -4.086, -7.83, -0.342, 53.6, 57.7)}, True)

    assert (row["Baseline"], row["Difference"], row["95 % interval"]) == ("57.7", "−4.1", "−7.8 to −0.3")


def test_tables_are_built_once_for_the_same_results(monkeypatch):
    monkeypatch.setattr(state, "st", SimpleNamespace(session_state={}))
    built = []
    monkeypatch.setattr(cards.answers, "validation_tables", lambda results: built.append(results) or {})
    config = Config(data="iris", seeds=1)
    first, second = (Result(config, load_dataset(config), {}) for _ in range(2))

    cards._tables({"baseline": first})
    cards._tables({"baseline": first})
    cards._tables({"baseline": second})

    assert built == [{"baseline": first}, {"baseline": second}]


@pytest.fixture
def nothing_kept():
    shared.of_all_sessions.cache_clear()
    yield
    shared.of_all_sessions.cache_clear()


def falling_then_rising(**fields):
    losses = [3.0, 1.0, 2.0, 4.0, 0.5]
    return result([[{"val_loss": loss + seed} for loss in losses] for seed in range(3)], **fields)


@pytest.mark.usefixtures("nothing_kept")
def test_curves_are_summarised_once_whatever_patience_and_drawn_alike(monkeypatch):
    asked = []
    summarize = _curves.summarize_epochs
    monkeypatch.setattr(_curves, "summarize_epochs", lambda *of: asked.append(of) or summarize(*of))
    plain, run = falling_then_rising(), falling_then_rising(l2=0.1)
    beside = [
        {"baseline": plain, "this run": run.with_stopping(patience=patience)} for patience in (None, 1, 2)
    ]

    drawn = [cards._drawn_curves(results, "this run", "loss", lines=True, dark=True) for results in beside]

    assert len(asked) == 4, "train and validation of two runs"
    assert drawn == [plot_curves(results, "this run", "loss", lines=True, dark=True) for results in beside]
    assert len({figure.layout.meta["description"] for figure in drawn}) == 3


@pytest.mark.usefixtures("nothing_kept")
def test_the_run_table_keeps_the_same_curves_whatever_patience():
    run = falling_then_rising()
    stopped = [run.with_stopping(patience=patience) for patience in (1, 4)]

    first, second = (shelf.entry_of("a run", each, None) for each in stopped)

    assert first.curves is second.curves
    assert first.curves == shelf.summarize_curves(stopped[0])
    assert (first.config, second.config) == (stopped[0].config, stopped[1].config)
    assert first.scores != second.scores
