"""Home's story: its configurations can be had, its comparisons are paired, its tables are rounded alike."""

import numpy as np
import pandas as pd
import pytest

from pages.ui import frame, state, story
from regcore.config import Config
from regcore.data import Dataset, check_built_in
from regcore.lessons import lab, named
from regcore.results import HISTORY_COLUMNS, Recording, Result

LINKS = [link for chapter in story.CHAPTERS for link in chapter.links]
DATASET = Dataset.from_arrays(
    np.arange(640.0).reshape(320, 2),
    np.arange(320) % 2,
    train_rows=range(200),
    val_rows=range(200, 300),
    test_rows=range(300, 320),
)


def trained(val_errors, train_error=0.0, epochs=1):
    """Return a result with one epoch recorded, and one seed for each of these errors."""
    recordings = {}
    for seed, val_error in enumerate(val_errors):
        history = np.zeros((1, len(HISTORY_COLUMNS)))
        history[:, HISTORY_COLUMNS.index("val_error")] = val_error
        history[:, HISTORY_COLUMNS.index("train_error")] = train_error
        recordings[seed, 0] = Recording("", history)
    return Result(Config(seeds=len(val_errors), epochs=epochs), DATASET, recordings)


@pytest.fixture
def three():
    return {
        story.NONE: trained([0.40, 0.44, 0.42], 0.035),
        story.RIGHT: trained([0.32, 0.33, 0.31], 0.29),
        story.TOO_MUCH: trained([0.86, 0.88, 0.90], 0.85),
    }


@pytest.fixture
def shown(monkeypatch):
    """Return what the page shows as Markdown."""
    found = []
    monkeypatch.setattr(story.st, "markdown", found.append)
    return found


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.label)
def test_links_are_of_experiments_that_can_be_had(link):
    check_built_in(link.config)
    query = {name: [value] for name, value in state.query_of(link.config).items()}
    assert Config.from_query(query) == (link.config, None)


@pytest.mark.parametrize("lessons", [story.LESSONS, story.EFFECTS])
def test_what_is_compared_differs_from_its_baseline_in_regularizers_alone(lessons):
    baseline, *others = story.configs(lessons).values()

    assert baseline == baseline.plain()
    assert [other.plain() for other in others] == [baseline] * len(others)
    assert len({baseline, *others}) == 1 + len(others)


def test_dropout_is_right_and_too_much_by_the_lessons_own_word():
    assert [named(lab.LESSONS, lesson).kind for lesson in story.LESSONS.values()] == ["bad", "good", "bad"]


def test_every_page_but_home_answers_a_question():
    assert set(story.ANSWERS) == {entry.label for entry in frame.MENU} - {frame.HOME.label}


def test_errors_are_held_against_the_first_run(three):
    assert pd.DataFrame(story.error_rows(three)).to_dict("list") == {
        "Run": ["No dropout", "Dropout", "Too much dropout"],
        "Train error, %": ["3.5", "29.0", "85.0"],
        "Validation error, %": ["42.0", "32.0", "88.0"],
        "Difference (95 % interval)": ["–", "−10.0 (−14.3 to −5.7)", "+46.0 (+41.0 to +51.0)"],
        "Verdict, lower on": ["baseline", "better, 3 of 3", "worse, 0 of 3"],
    }


def test_errors_are_dashes_until_all_runs_are_complete(three):
    three[story.RIGHT] = trained([0.3, 0.3, 0.3], epochs=2)

    assert pd.DataFrame(story.error_rows(three)).iloc[:, 1:].to_numpy().tolist() == [["–"] * 4] * 3


def test_verdict_is_a_line_for_each_amount_of_dropout(three, shown):
    story.verdict(three)

    assert shown == [
        ":green[**Dropout is better than no dropout:**] validation error 32.0 % against 42.0 %, −10.0 points "
        "(95 % interval −14.3 to −5.7), lower on 3 of 3 seeds.  \n"
        ":red[**Too much dropout is worse than no dropout:**] validation error 88.0 % against 42.0 %, "
        "+46.0 points (95 % interval +41.0 to +51.0), lower on 0 of 3 seeds."
    ]


def test_ranking_names_what_is_better_the_lowest_first(shown):
    story.ranking(
        {
            "no regularizer": trained([0.40, 0.44, 0.42]),
            "augmentation": trained([0.35, 0.38, 0.37]),
            "L2": trained([0.41, 0.43, 0.42]),
            "dropout": trained([0.32, 0.33, 0.31]),
        }
    )

    assert shown == ["**Lower than with none, by more than seed noise:** dropout, augmentation."]


def test_ranking_without_a_winner_says_so(shown):
    story.ranking({"no regularizer": trained([0.40, 0.44]), "L2": trained([0.42, 0.41])})

    assert shown == ["None of them is lower than with none by more than seed noise."]


def test_this_page_stands_beside_what_is_published(three):
    row = story.here(three)

    assert (row["Without, %"], row["With dropout, %"]) == ("**42.0**", "**32.0**")
    assert row["Network"] == "64 × 64 ReLU, 30 % of the labels redrawn"
    assert story.here(None)["Without, %"] == "**–**"
