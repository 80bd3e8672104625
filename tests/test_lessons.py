"""Lessons: each fits its data, is known by its settings, and what it claims is measured by the bench."""

import pytest

from regcore.bench.seeds import FIRST_SEED
from regcore.config import Config
from regcore.data import DATASET_INFO, check_built_in
from regcore.execution import compare
from regcore.lessons import LESSONS, lab, lesson_of, named
from regcore.scoring import metric_names

ALL = [(page, lesson) for page, lessons in LESSONS.items() for lesson in lessons]


@pytest.mark.parametrize("page", LESSONS)
def test_lessons_are_known_by_their_settings_and_by_their_names(page):
    lessons = LESSONS[page]
    assert [lesson_of(lessons, lesson.config) for lesson in lessons] == list(lessons)
    assert [named(lessons, lesson.name) for lesson in lessons] == list(lessons)


def test_settings_of_nobody_are_no_lesson():
    assert lesson_of(lab.LESSONS, Config(seed=7)) is None
    with pytest.raises(KeyError):
        named(lab.LESSONS, "nothing")


@pytest.mark.parametrize(("page", "lesson"), ALL, ids=lambda value: getattr(value, "name", value))
def test_lessons_fit_their_data_and_claim_what_can_be_measured(page, lesson):
    check_built_in(lesson.config)
    there = metric_names(DATASET_INFO[lesson.config.data].task)
    assert all(claim.metric in there for claim in lesson.claims)


def test_dropout_on_a_curve_is_worse_on_nearly_every_seed_as_its_card_says():
    lesson = named(lab.LESSONS, "Dropout on a curve")
    assert "nearly every seed" in lesson.look_for

    worse = compare(lab.trained(lesson.config)).table("val", "mae").iloc[-1]

    assert 1 <= worse["wins"] <= 2 < worse["n"] == 8


@pytest.mark.slow
def test_without_a_regularizer_wrong_labels_are_learnt_by_heart():
    # As in the bench: nothing was chosen by looking at these seeds or later ones.
    config = named(lab.LESSONS, "Learns by heart").config.replace(seed=FIRST_SEED, seeds=16)

    history = compare({"baseline": config}).results["baseline"].history
    by_epoch = history.groupby("epoch")[["train_loss", "val_loss"]].median()

    assert by_epoch["train_loss"].iloc[-1] < 0.3
    assert by_epoch["val_loss"].iloc[-1] > 1.4 * by_epoch["val_loss"].min()
