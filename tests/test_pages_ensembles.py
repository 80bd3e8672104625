"""The page on ensembles: k is read off a pool, sources are trained when asked, all numbers are measured."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import ensembles_story as story
from regcore.ensembles import BySize, ErrorMoments, Source
from regcore.execution.service import scheduler_for
from regcore.lessons.ensembles import LESSONS, trained
from regcore.statistics import MeanInterval

APP = Path(__file__).parents[1] / "app.py"
TINY = {"hidden": "4", "epochs": "3", "seeds": "2", "members": "3"}


def open_page(**query):
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/ensembles.py")
    for name, value in query.items():
        app.query_params[name] = value
    return finish(app.run())


def finish(app, place="ensembles"):
    """Wait for the run under way, and let the page draw it."""
    app.session_state[f"lab.kept.{place}"].run.wait(60)
    return app.run()


def knob(app, widgets, name):
    begins = re.compile(re.escape(f"lab.widget.{name}.") + "[0-9]+$")
    (found,) = [widget for widget in getattr(app, widgets) if begins.match(widget.key or "")]
    return found


def charts(app):
    return [element.proto.alt for element in app.get("plotly_chart")]


def words(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def config_of(app):
    return app.session_state["lab.config.Ensembles"]


def steps_trained():
    return scheduler_for().steps_submitted


@pytest.fixture
def digits():
    return open_page(data="digits", n_train="40", n_val="30", label_noise="0.3", **TINY)


def test_the_pool_is_one_for_every_size():
    config = LESSONS[0].config
    assert trained(config)["this run"] == trained(config.replace(members=32))["this run"]
    assert trained(config.replace(members=40))["this run"].members == 40
    assert trained(config)["baseline"] == config.plain()


def test_classes_have_all_figures(digits):
    assert not digits.exception
    begins = [text.split(" of")[0] for text in charts(digits)]
    assert begins[0] == "Brier score"
    assert charts(digits)[0].startswith(
        "Brier score of the average of k networks, 2 seeds, over subsets of 32 networks: measured "
    )
    assert len(charts(digits)) == 1 + 2 + 4
    assert any(text.startswith("Confidence against accuracy in 10 bins.") for text in charts(digits))
    assert any("Voting against averaging" in text for text in charts(digits))
    assert "averaging 3 networks moves the validation error by" in words(digits)


def test_the_table_is_of_what_the_answer_says(digits):
    found = digits.session_state["lab.kept.ensembles.by_size"].what
    difference = story.words.signed(found.paired("error", 3).mean, "error", 1)
    (table,) = [one.value for one in digits.table if "Average of 3" in one.value.columns]

    assert f"moves the validation error by {difference} points" in words(digits)
    assert table["Metric"].tolist() == ["Error, %", "Data loss", "Brier score"]
    assert table["Difference"].iloc[0] == difference
    assert table["One network"].iloc[2] == f"{found.values['squared_error'][:, 0].mean():.3f}"
    assert "64 networks of 3 epochs, trained on this machine: 32 for each of 2 seeds." in words(digits)


def test_one_network_has_a_table_of_its_own():
    assert story.in_numbers(by_size(), 1) == [
        {"Metric": "Mean absolute error", "One network": "0.500"},
        {"Metric": "Mean squared error", "One network": "1.000"},
    ]


def by_size(squared=((1.0, 0.75, 0.625), (1.0, 0.75, 0.625))):
    """Return what two seeds measure of 1, 2 and 8 networks."""
    values = np.array(squared)
    return BySize(
        "regression", 8, (1, 2, 8), (8, 28, 1), (True,) * 3,
        {"squared_error": values, "mae": values / 2}, values / 4, (ErrorMoments(1.0, 0.5),) * 2,
    )  # fmt: skip


def test_the_table_has_difference_interval_wins_and_verdict():
    (_, row) = story.in_numbers(by_size(((1.0, 0.75, 0.5), (1.0, 0.75, 0.625))), 8)
    assert row == {
        "Metric": "Mean squared error", "One network": "1.000", "Average of 8": "0.562",
        "Difference": "−0.438", "95 % interval": "−1.232 to +0.357", "Lower on": "2 of 2",
        "Verdict": "within seed noise",
    }  # fmt: skip


def test_the_knee_in_words():
    assert story.gain_in_words(by_size()) == (
        "Knee: the smallest k with nine tenths of what all 8 gain: 8 networks gain 0.375, 8 gain 0.375. By "
        "the identity on top, k networks have 1 − 1/k of all that averaging can ever gain: half with two, "
        "nine tenths with ten."
    )
    same, lost = ((1.0, 1.0, 1.0),) * 2, ((math.nan,) * 3,) * 2
    assert story.gain_in_words(by_size(same)) == "No knee: nothing is gained."
    assert story.gain_in_words(by_size(lost)) == "No knee: networks have diverged."


def source(name, correlation, single, ensemble):
    rho, one, all_of_them, gain = (
        MeanInterval(value, 0.0, value, value, 4)
        for value in (correlation, single, ensemble, single - ensemble)
    )
    return Source(name, rho, one, all_of_them, gain)


def test_sources_in_words():
    order, both = source("order", 0.95, 0.6, 0.58), source("weights and order", 0.9, 0.6, 0.55)
    bootstrap = source("bootstrap", 0.8, 0.7, 0.575)

    assert story.sources_in_words([order, both]) == (
        "**Lowest average: weights and order**, 0.550, where one member has 0.600. Its members differ most "
        "as well: ρ is 0.90."
    )
    assert story.sources_in_words([order, both, bootstrap]) == (
        "**Lowest average: weights and order**, 0.550, where one member has 0.600. Members differ most with "
        "bootstrap (ρ is 0.80, against 0.90), but there one has 0.700, and the average 0.575."
    )
    assert story.sources_in_words([source("order", math.nan, 1.0, 1.0)]) == (
        "No source can be told: networks have diverged."
    )


def test_moving_k_trains_nothing(digits):
    before, answer = steps_trained(), words(digits)

    knob(digits, "select_slider", "members").set_value(16).run()

    assert not digits.exception
    assert steps_trained() == before
    assert config_of(digits).members == 16
    assert digits.query_params["members"] == "16"
    assert "averaging 16 networks moves the validation error by" in words(digits)
    assert words(digits) != answer
    assert any("average of 16" in text for text in charts(digits))


def test_one_network_is_no_ensemble(digits):
    knob(digits, "select_slider", "members").set_value(1).run()

    assert not digits.exception
    assert "**One network:** there is nothing to average." in words(digits)


def test_other_measures_are_of_the_same_pool(digits):
    before = steps_trained()

    for measure, begins in (
        ("error", "Error (fraction) of the average"),
        ("loss", "Data loss of the average"),
        ("between", "Variance between ensembles of the average"),
    ):
        digits.button_group(key="ensembles.shown.multiclass").set_value(measure).run()
        assert charts(digits)[0].startswith(begins)

    found = digits.session_state["lab.kept.ensembles.by_size"].what
    part = found.between[:, 0].mean() / found.values["squared_error"][:, 0].mean()
    assert f"Of the squared error of one network that is {100 * part:.3g} %." in words(digits)
    assert not digits.exception
    assert steps_trained() == before


def test_a_curve_shows_members_and_their_average():
    app = open_page(data="sine", **TINY)

    assert not app.exception
    assert charts(app)[1].startswith("Predictions of y over x, seed 0: 3 networks and their average.")
    assert "averaging 3 networks moves the validation mean absolute error by" in words(app)
    assert len(charts(app)) == 2 + 2 + 2


def test_two_features_show_boundaries_of_members():
    app = open_page(data="moons", **TINY)

    assert not app.exception
    assert charts(app)[1].startswith("Boundaries of 3 networks over x1 and x2, seed 0, and of their average.")


def test_several_classes_of_two_features_show_boundaries_of_members():
    app = open_page(data="blobs", **TINY)

    assert not app.exception
    assert charts(app)[1].startswith("Boundaries of 3 networks over x1 and x2, seed 0, and of their average.")
    assert len(charts(app)) == 2 + 2 + 4


def test_identical_members_gain_nothing():
    app = open_page(data="iris", member_varies="none", **TINY)

    assert not app.exception
    assert "**Within seed noise:** averaging 3 networks moves the validation error by 0.0 points" in words(
        app
    )
    assert "ρ is 1.00" in words(app)
    assert "No knee: nothing is gained." in words(app)
    (table,) = [one.value for one in app.table if "Average of 3" in one.value.columns]
    assert table["Lower on"].tolist() == ["0 of 2"] * 3


def test_words_of_the_prose_set_knobs(digits):
    digits.button(key="set-members-5").click().run()
    assert config_of(digits).members == 5

    digits.button(key="set-member-varies-none-bootstrap-true").click().run()
    assert (config_of(digits).member_varies, config_of(digits).bootstrap) == ((), True)


def test_an_experiment_brings_its_settings():
    app = open_page(data="iris", **TINY)

    knob(app, "button_group", "lesson").set_value("Boundaries").run()

    assert config_of(app) == LESSONS[2].config
    finish(app)
    assert not app.exception


def test_sources_are_trained_when_asked():
    app = open_page(data="iris", **TINY)
    before = steps_trained()
    assert not any("by what differs" in text for text in charts(app))

    app.button(key="ensembles.sources.train").click().run()
    finish(app, "ensembles.sources")

    assert not app.exception
    assert steps_trained() > before
    (text,) = [text for text in charts(app) if "by what differs between the members" in text]
    assert "**Lowest average: " in words(app)
    assert "nothing: one member" in text and "errors correlate by 1;" in text

    trained_then = steps_trained()
    knob(app, "select_slider", "members").set_value(8).run()
    assert steps_trained() == trained_then
    assert [text for text in charts(app) if "by what differs between the members" in text] == [text]


def test_other_settings_ask_again_before_sources_are_trained():
    app = open_page(data="iris", **TINY)
    app.button(key="ensembles.sources.train").click().run()
    finish(app, "ensembles.sources")

    knob(app, "select_slider", "seeds").set_value(1).run()
    finish(app)

    assert not app.exception
    assert app.button(key="ensembles.sources.train").label == "Train 48 networks"


def test_the_article_is_measured(digits):
    shown = words(digits)

    assert "**The article says:** averaging k models divides the variance by k: σ²/k." in shown
    assert "the variance from one ensemble to the next is divided by k:" in shown
    assert "the errors of two members correlate by ρ =" in shown


def test_more_members_than_the_pool_are_a_larger_pool():
    app = open_page(data="iris", hidden="4", epochs="2", seeds="2", members="40")

    assert not app.exception
    assert "over subsets of 40 networks" in charts(app)[0]


def test_a_page_without_a_link_begins_with_the_first_experiment():
    assert config_of(open_page()) == LESSONS[0].config


def test_one_seed_cannot_tell():
    app = open_page(data="iris", hidden="4", epochs="2", seeds="1", members="5")

    assert not app.exception
    assert "**One seed cannot tell" in words(app)
