"""Lessons: each fits its data, is known by its settings, and claims what holds on seeds it has not seen."""

import pytest

from pages.ui import presets
from regcore.config import Config
from regcore.data import check_built_in
from regcore.execution import compare

# As in the benchmark of effects: nothing was chosen by looking at these seeds or later ones.
FIRST_UNSEEN_SEED, N_SEEDS = 2000, 16

BETTER = ("Dropout", "L2", "Early stopping", "Augmentation", "Ensemble", "A smooth boundary")
WORSE = ("Too much dropout", "L2, too strong", "Dropout on a curve")
WITHIN_NOISE = ("L2, too weak", "Nothing to gain")
BASELINE = ("Learns by heart",)


def test_every_lesson_claims_something():
    assert sorted((*BETTER, *WORSE, *WITHIN_NOISE, *BASELINE)) == sorted(
        preset.name for preset in presets.PRESETS
    )
    assert [preset.name for preset in presets.PRESETS if preset.kind == "good"] == [
        preset.name for preset in presets.PRESETS if preset.name in BETTER
    ]


def test_lessons_are_known_by_their_settings():
    assert [presets.preset_of(preset.config) for preset in presets.PRESETS] == list(presets.PRESETS)
    assert presets.preset_of(Config(seed=7)) is None


def test_lessons_are_chosen_by_name():
    assert [presets.named(preset.name) for preset in presets.PRESETS] == list(presets.PRESETS)


@pytest.mark.parametrize("preset", presets.PRESETS, ids=lambda preset: preset.name)
def test_lessons_fit_their_data(preset):
    check_built_in(preset.config)


def verdict(name):
    """Return the verdict on the validation error of a lesson, on seeds that it was not tuned on."""
    config = presets.named(name).config.replace(seed=FIRST_UNSEEN_SEED, seeds=N_SEEDS)
    table = compare({"baseline": config.plain(), "lesson": config}).table("val")
    return table["verdict"].tolist()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("name", BETTER)
def test_good_lessons_lower_the_error(name):
    assert verdict(name) == "better"


@pytest.mark.slow
@pytest.mark.parametrize("name", WORSE)
def test_some_bad_lessons_raise_the_error(name):
    assert verdict(name) == "worse"


@pytest.mark.slow
@pytest.mark.parametrize("name", WITHIN_NOISE)
def test_other_bad_lessons_change_nothing_that_can_be_told(name):
    assert verdict(name) == "within seed noise"


@pytest.mark.slow
def test_without_a_regularizer_wrong_labels_are_learnt_by_heart():
    config = presets.named("Learns by heart").config.replace(seed=FIRST_UNSEEN_SEED, seeds=N_SEEDS)

    history = compare({"baseline": config}).results["baseline"].history
    by_epoch = history.groupby("epoch")[["train_loss", "val_loss"]].median()

    assert by_epoch["train_loss"].iloc[-1] < 0.3
    assert by_epoch["val_loss"].iloc[-1] > 1.4 * by_epoch["val_loss"].min()
