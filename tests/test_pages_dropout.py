"""The page about dropout, run by Streamlit itself: real trainings, but tiny ones."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import take_away
from pages.ui.dropout_steps_story import NETWORKS
from regcore.config import Config
from regcore.execution.service import scheduler_for
from regcore.lessons.dropout import LESSONS

APP = Path(__file__).parents[1] / "app.py"
TINY = {"data": "iris", "hidden": "6,6", "epochs": "6", "seeds": "2"}
PLACES = ("dropout", "dropout.steps", "dropout.boundaries", "dropout.rates", "dropout.cheap")


def opened(**query):
    app = AppTest.from_file(str(APP), default_timeout=120).switch_page("pages/dropout.py")
    for name, value in query.items():
        app.query_params[name] = value
    return finish(app.run())


def finish(app):
    """Wait for all runs under way, and let the page draw them."""
    for place in PLACES:
        key = f"lab.kept.{place}"
        if key in app.session_state and app.session_state[key]:
            app.session_state[key].run.wait(120)
    return app.run()


def words(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def said(app):
    """Return what each chart says to those who do not see it."""
    return [element.proto.alt for element in app.get("plotly_chart")]


def steps_trained():
    return scheduler_for().steps_submitted


@pytest.fixture(scope="module")
def app():
    return opened(**TINY, dropout_input="0.2", dropout_hidden="0.5")


def test_the_page_shows_the_run_and_what_dropout_did_to_its_networks(app):
    assert not app.exception
    beginnings = (
        "this run, median of 2 networks after 6 epochs: objective as trained",
        "Distance of predictions by the number of masks, mean of 2 seeds",
        "Validation loss by the number of masks, mean of 2 seeds",
        "Mean activations as a multiple of those in training, mean of 2 seeds",
        "Absolute change of the validation loss when one unit of the last layer is taken out",
        "Step 10, row",
    )
    for beginning in beginnings:
        assert any(text.startswith(beginning) for text in said(app)), beginning


def test_units_that_can_be_out_are_counted(app):
    assert "16 units can be out: $2^{16}$ thinned networks, about $10^{5}$." in words(app)


def test_every_thinned_network_of_the_small_one_is_counted_through(app):
    (table,) = [each.value for each in app.table if "Distance" in each.value]
    assert list(table.columns)[1:] == ["Masks everywhere (32,768)", "Only before the output (32)"]
    geometric = table.iloc[1].tolist()
    assert float(geometric[1]) > 1e-3
    assert geometric[2].endswith("(exact)")


def test_the_steps_are_said_to_be_the_engines_own(app):
    found = re.search(r"no weight differs from the engine's own by more than (\S+)\. ", words(app) + " ")
    assert float(found[1]) < 1e-5


def test_the_article_stands_beside_what_was_measured(app):
    assert "when the run is done" not in words(app)
    assert "They have no gradient: 0 of" in words(app)


def test_moving_what_is_replayed_trains_nothing(app):
    before, first = steps_trained(), said(app)
    app.slider(key="dropout.step.50").set_value(30).run()
    app.slider(key="dropout.row.4").set_value(3).run()
    app.slider(key="dropout.thinned").set_value(7).run()
    app.button_group(key="dropout.scaling").set_value("scaled twice").run()
    app.button_group(key="dropout.measure").set_value("error").run()

    assert not app.exception
    assert steps_trained() == before
    assert any(text.startswith("Step 30, row") for text in said(app))
    assert said(app) != first
    assert "**Scaled twice:** outputs are" in words(app)


def test_under_plain_sgd_the_small_network_moves_no_weight_of_a_unit_that_is_out(app):
    app.button_group(key="dropout.steps_optimizer").set_value("Plain SGD").run()
    finish(app)

    assert "**0** times (0 %) they moved all the same" in words(app)


def test_the_articles_own_network_is_stepped_through_with_the_engines_masks(app):
    (network,) = [name for name in NETWORKS if "32-128-64-1" in name]
    app.button_group(key="dropout.steps_network").set_value(network).run()
    finish(app)

    assert not app.exception
    assert any(
        re.match("Step 10, row .* of 225 units are out. Of 12,352 weights", text) for text in said(app)
    )
    found = re.search(r"no weight differs from the engine's own by more than (\S+)\. ", words(app) + " ")
    assert float(found[1]) < 1e-5
    assert "Choose the small network above" in words(app)

    app.button_group(key="dropout.steps_batch").set_value(32).run()
    finish(app)

    assert "In none of the first 32 steps a unit was out for all rows of the batch" in words(app)


def test_rates_and_real_ensembles_are_trained_when_asked_for():
    app = opened(**TINY, dropout_hidden="0.5")
    assert "Train all pairs of rates" in [button.label for button in app.button]

    app.button(key="dropout.rates.train").click().run()
    app.button(key="dropout.cheap.train").click().run()
    finish(app)

    assert not app.exception
    assert any(text.startswith("Validation error by drop rates") for text in said(app))
    assert any(text.startswith("Validation error by the number of networks") for text in said(app))
    assert "**One network with dropout against 8 plain ones averaged:**" in words(app)
    assert "**Lowest error:" in words(app)


def test_words_of_the_prose_set_the_rates():
    app = opened(**TINY)
    assert [each.value for each in app.info] == ["Dropout is off: turn a rate up to see what it does."]
    assert "This run has no hidden units that can be out" in words(app)
    assert "when the run is done" not in words(app)

    app.button(key="set-dropout-input-0-2-dropout-hidden-0-4").click().run()

    config = app.session_state["lab.config.Dropout"]
    assert (config.dropout_input, config.dropout_hidden) == (0.2, 0.4)


@pytest.mark.parametrize(
    "query",
    [
        {"data": "sine", "hidden": "8", "epochs": "4", "seeds": "2", "dropout_hidden": "0.5"},
        {"data": "moons", "hidden": "8", "epochs": "4", "seeds": "1", "dropout_hidden": "0.5"},
        {"data": "iris", "hidden": "none", "epochs": "4", "seeds": "2", "dropout_input": "0.3"},
        {"data": "iris", "hidden": "6,6", "epochs": "4", "seeds": "2", "dropout_hidden": "0.5,0"},
    ],
    ids=["a number", "one seed", "linear", "not before the output"],
)
def test_other_runs_have_a_page_too(query):
    app = opened(**query)

    assert not app.exception
    assert not app.error
    assert any(text.startswith("Distance of predictions") for text in said(app))


def test_the_page_begins_with_its_first_lesson():
    assert LESSONS[0].config == Config(
        data="digits", label_noise=0.3, epochs=50, dropout_input=0.2, dropout_hidden=0.5
    )


def test_the_keras_code_drops_what_the_page_drops(app):
    app.session_state[take_away.FOLDED] = True
    (script,) = [each.value for each in app.run().code if "import keras" in each.value]
    for line in ("DROPOUT_INPUT = 0.2", "DROPOUT_HIDDEN = 0.5", "layers.Dropout(DROPOUT_HIDDEN),"):
        assert line in script
