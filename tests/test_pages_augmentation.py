"""The page on augmentation: what it shows, what it trains when asked, and in which words."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import augmentation_story as story
from pages.ui import state
from pages.ui.learning_curve import worth_in_words
from regcore.augmentation import ValidationSeen
from regcore.data_worth import Worth
from regcore.errors import DataError
from regcore.execution.service import scheduler_for
from regcore.leak import Leak, Way
from regcore.lessons.augmentation import LESSONS, MIRRORED, trained

APP = Path(__file__).parents[1] / "app.py"
TINY = {"data": "digits", "n_train": "40", "n_val": "30", "hidden": "4", "epochs": "8", "seeds": "2"}


def open_page(**query):
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/augmentation.py")
    for name, value in (TINY | query).items():
        app.query_params[name] = value
    return finish(app.run())


def finish(app, place="augmentation"):
    """Wait for the run under way, and let the page draw it."""
    app.session_state[f"lab.kept.{place}"].run.wait(60)
    return app.run()


def charts(app):
    return [element.proto.alt for element in app.get("plotly_chart")]


def words(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def begins_with(app, text):
    return [alt for alt in charts(app) if alt.startswith(text)]


def knob(app, widgets, name):
    begins = re.compile(re.escape(f"lab.widget.{name}.") + "[0-9]+$")
    (found,) = [widget for widget in getattr(app, widgets) if begins.match(widget.key or "")]
    return found


@pytest.fixture
def noisy():
    return open_page(label_noise="0.3", shift="1")


def test_it_begins_where_the_effect_exists():
    app = AppTest.from_file(str(APP), default_timeout=120).switch_page("pages/augmentation.py").run()
    assert not app.exception
    assert app.session_state["lab.config.Augmentation"] == LESSONS[0].config
    assert list(trained(LESSONS[0].config)) == ["baseline", "this run"]
    # Tests below count what is sent to the workers.
    app.session_state["lab.kept.augmentation"].run.cancel()


def test_images_have_all_pictures(noisy):
    assert not noisy.exception
    seen, *_ = begins_with(noisy, "Images as they are")
    assert "in epochs 1 to 7" in seen
    assert (
        "shift 1 px; rotate 20°; zoom 0.2; flip; cutout 3 px" in begins_with(noisy, "Images as they are")[1]
    )
    assert begins_with(noisy, "Training rows whose label is wrong, after epoch 8.")
    assert begins_with(noisy, "Validation error by class, baseline and this run: 0 ")
    assert "on augmented ones, which moves by" in words(noisy)


def test_the_learning_curve_comes_when_it_is_asked_for(noisy):
    noisy.button(key="augmentation.curve.train").click().run()
    finish(noisy, "augmentation.curve")

    assert not noisy.exception
    assert begins_with(noisy, "Validation error against training rows: 20 rows: ")
    assert "At 40 rows, shift 1" in words(noisy)
    before = scheduler_for().steps_submitted

    (at,) = [each for each in noisy.select_slider if (each.key or "").startswith("augmentation.curve.at.")]
    at.set_value(80).run()

    assert scheduler_for().steps_submitted == before
    assert "At 80 rows, shift 1" in words(noisy)


def test_another_knob_has_to_ask_for_its_own_curve(noisy):
    noisy.button(key="augmentation.curve.train").click().run()
    finish(noisy, "augmentation.curve")

    knob(noisy, "select_slider", "shift").set_value(2).run()

    assert noisy.button(key="augmentation.curve.train").label == "Train 20 networks"
    assert not begins_with(noisy, "Validation error against training rows")


def test_the_leak_comes_when_it_is_asked_for(noisy):
    noisy.button(key="augmentation.leak.train").click().run()
    finish(noisy, "augmentation.leak")

    assert not noisy.exception
    assert begins_with(noisy, "Error. augment, then split: validation claims ")
    assert "**Augment, then split:** validation is off by" in words(noisy)


def test_data_that_are_not_on_this_machine_are_one_sentence_wherever_they_are_asked_for(
    monkeypatch, tmp_path
):
    def refuse(*_, **__):
        raise DataError("mnist is not on this machine")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    # It would try to download them first.
    monkeypatch.setattr("pages.ui.runs.submit", refuse)
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/augmentation.py")
    for name, value in (TINY | {"data": "mnist", "shift": "1"}).items():
        app.query_params[name] = value
    app.run()

    app.button(key="augmentation.leak.train").click().run()

    assert not app.exception
    assert [error.value.startswith("mnist is not on this machine") for error in app.error] == [True, True]


def test_ridge_comes_when_it_is_asked_for(noisy):
    noisy.button(key="augmentation.ridge.train").click().run()
    finish(noisy, "augmentation.ridge")

    assert not noisy.exception
    assert begins_with(noisy, "Sum of squared weights of a linear model under jitter, and of ridge: σ 0.2:")
    assert begins_with(noisy, "Validation loss of a linear model under jitter")


def test_points_of_the_plane_are_drawn_where_they_were_seen():
    app = open_page(data="moons", jitter="0.2")
    assert not app.exception
    assert begins_with(app, "40 rows as they are, and 280 places where 7 epochs showed them.")
    assert "Rows of this data are no images" in words(app)


def test_numbers_of_many_features_cannot_be_drawn_but_leak():
    app = open_page(data="diabetes", jitter="0.2")
    assert not app.exception
    assert "Rows of 10 features cannot be drawn." in words(app)
    app.button(key="augmentation.leak.train").click().run()
    finish(app, "augmentation.leak")
    assert begins_with(app, "Mean absolute error. augment, then split")


def test_without_a_knob_there_is_nothing_to_ask_for():
    app = open_page()
    assert not app.exception
    keys = {button.key for button in app.button}
    assert "augmentation.ridge.train" in keys
    assert not keys & {"augmentation.curve.train", "augmentation.leak.train"}
    assert "Turn a knob first: there is nothing to be worth anything." in words(app)


def test_the_words_for_a_mirror_set_what_the_bench_measures():
    app = open_page(jitter="0.2", shift="1", label_noise="0.3")

    (in_a_mirror,) = [button for button in app.button if button.label.startswith("flip=true")]
    in_a_mirror.click().run()
    finish(app)

    assert not app.exception
    mine = {"hidden": (4,), "seeds": 2, "n_val": 30}
    assert app.session_state["lab.config.Augmentation"] == MIRRORED.replace(**mine)
    assert "**Measured here:** With flip on, validation error is " in words(app)


def test_a_transform_that_makes_no_sense_is_refused_by_name():
    app = open_page(data="wine", rotate="10.0")
    refused = "rotate must be 0 on wine, whose rows are not images, got 10.0"
    assert app.warning[0].value == f"{state.REFUSED_LINK}: {refused}"


def test_labels_that_are_right_have_nothing_to_learn_by_heart():
    app = open_page(rotate="180.0")
    assert not app.exception
    assert "All labels are right here." in words(app)


@pytest.mark.parametrize(
    ("worth", "said"),
    [
        (Worth(100, 2.0, 1.5, 2.5, 0.5, 8.0), "is worth **2.0 times the data** (95 % interval 1.5 to 2.5)."),
        (
            Worth(100, 1.1, 0.8, 1.4, 0.5, 8.0),
            "(95 % interval 0.8 to 1.4, which contains 1: within seed noise).",
        ),
        (Worth(100, 3.0, 2.0, math.inf, 0.5, 8.0), "from 2 up; its upper end is beyond the sizes tried)."),
        (Worth(100, 0.6, 0.0, 0.9, 0.5, 8.0), "up to 0.9; its lower end is below the sizes tried)."),
        (Worth(100, math.nan, 4.0, math.inf, 0.5, 4.0), "is worth **more than 4.0 times the data**"),
        (
            Worth(100, math.nan, 0.0, 0.5, 0.5, 4.0),
            "is worth **less than 0.5 times the data**: it does harm.",
        ),
        (Worth(100, 1.3, 0.0, math.inf, 0.5, 4.0), "**what it is worth cannot be told.**"),
    ],
)
def test_the_headline_says_as_much_as_is_known(worth, said):
    text = worth_in_words(worth, "shift 1")
    assert text.startswith("At 100 rows, shift 1")
    assert said in text


def test_the_leak_in_words():
    before = Way(np.array([0.1, 0.12, 0.11]), np.array([0.4, 0.43, 0.4]))
    after = Way(np.array([0.4, 0.5, 0.3]), np.array([0.4, 0.4, 0.4]))
    text = story.leak_in_words(Leak("error", before, after))
    assert "validation is off by −30.0 points against rows unseen (95 % interval −32.5 to −27.5)" in text
    assert text.endswith(
        "by 0.0 points against rows unseen (95 % interval −24.8 to +24.8: within seed noise)."
    )


def test_validation_in_words():
    found = ValidationSeen(np.array([0.2, 0.3]), np.array([[0.3, 0.4], [0.3, 0.4]]))
    assert story.validation_in_words(found, "error") == (
        "**Measured:** validation error 25.0 % on rows as they are, 35.0 % on augmented ones, which moves by "
        "7.1 points from draw to draw (standard deviation over 2 draws), with the same weights."
    )
