"""The page on early stopping: trained once, and everything about the rule read off the recording."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import early_stopping_story as story
from regcore import patience
from regcore.config import Config
from regcore.execution.service import scheduler_for
from regcore.lessons.early_stopping import LESSONS, RANDOM_LABELS, STEPS, linear_runs, trained
from regcore.patience import NetworkStop
from regcore.stopping_optimism import SeedOptimism
from tests.opened_runs import result

APP = Path(__file__).parents[1] / "app.py"
# Learns so fast that its validation loss turns up within a few epochs.
TINY = {
    "data": "moons", "label_noise": "0.2", "hidden": "32", "learning_rate": "0.05", "epochs": "30",
    "seeds": "3", "patience": "5",
}  # fmt: skip
PLACE = "lab.kept.early_stopping"


def open_page(**query):
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/early_stopping.py")
    for name, value in query.items():
        app.query_params[name] = value
    return finish(app.run())


def finish(app, place=PLACE):
    """Wait for the run under way, and let the page draw it."""
    app.session_state[place].run.wait(60)
    return app.run()


def knob(app, widgets, name):
    """Return a widget of the page, whose key begins with that of its name."""
    begins = re.compile(re.escape(f"lab.widget.{name}.") + "[0-9]+$")
    (found,) = [widget for widget in getattr(app, widgets) if begins.match(widget.key or "")]
    return found


def words(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def charts(app):
    return [element.proto.alt for element in app.get("plotly_chart")]


def chart(app, beginning):
    (found,) = [text for text in charts(app) if text.startswith(beginning)]
    return found


def results(app):
    return app.session_state[PLACE].results()


@pytest.fixture
def app():
    return open_page(**TINY)


def test_page_shows_lanes_curves_map_rules_log_and_optimism(app):
    assert not app.exception
    assert not app.error
    beginnings = [text.split(",")[0].split(" of ")[0] for text in charts(app)]
    assert beginnings == [
        "Validation loss", "baseline", "this run", "Map", "Two stopping rules", "Optimism",
    ]  # fmt: skip


def test_baseline_and_this_run_are_one_training(app):
    baseline, run = results(app).values()
    assert baseline.recordings[0, 0] is run.recordings[0, 0]
    assert baseline.config == run.config.replace(patience=None)
    assert "3 networks of 30 epochs, trained on this machine: 3 seeds of each run." in words(app)


def test_moving_the_rule_sends_no_training_to_the_workers(app):
    run, before = app.session_state[PLACE].run, scheduler_for().steps_submitted
    lanes, marked = chart(app, "Validation loss"), chart(app, "Map of patience")

    knob(app, "select_slider", "patience").set_value(1).run()
    assert chart(app, "Validation loss") != lanes
    assert " Patience 1: " in chart(app, "Map of patience") != marked
    knob(app, "select_slider", "min_delta").set_value(0.02).run()
    knob(app, "number_input", "start_from_epoch").set_value(4).run()
    knob(app, "toggle", "restore_best_weights").set_value(False).run()

    assert not app.exception
    assert scheduler_for().steps_submitted == before
    assert app.session_state[PLACE].run is run
    assert "nothing was trained again" in words(app)
    assert results(app)["this run"].stops["stopped_epoch"].min() >= 6


def test_the_code_of_the_loop_is_the_rule_that_is_set():
    assert story.callback_of(Config(patience=3)) == "EarlyStopping(patience=3, restore_best_weights=True)"
    assert story.callback_of(
        Config(patience=1, min_delta=0.02, start_from_epoch=4, restore_best_weights=False)
    ) == ("EarlyStopping(patience=1, min_delta=0.02, start_from_epoch=4)")


def test_without_restoring_both_rules_keep_where_they_stopped_and_the_answer_says_what_that_costs():
    app = open_page(**{**TINY, "restore_best_weights": "false"})
    stops = patience.network_stops(results(app)["this run"])
    cost = sum(stop.cost_of_not_restoring for stop in stops) / 3
    run = results(app)["baseline"].with_stopping(restore_best_weights=False)
    first, *_, last = (point.loss.mean for point in patience.alpha_points(run))

    assert f"Not restoring costs +{cost:.3f} validation loss." in words(app)
    assert f"alpha of GL 0 to 150: loss kept {first:.3g} to {last:.3g}" in chart(app, "Two stopping rules")
    assert any("EarlyStopping(patience=5)\n" in code.value for code in app.code)


def test_answer_says_where_networks_stopped_and_what_that_saved(app):
    stops = patience.network_stops(results(app)["this run"])
    assert story.stops_in_words(stops) in words(app)


def test_without_patience_nothing_stops_and_the_page_says_so():
    app = open_page(**{**TINY, "patience": "none"})

    assert not app.exception
    assert "**Nothing stops:**" in words(app)
    assert "Set a patience first" in words(app)
    assert list(results(app)) == ["baseline"]


def test_a_loop_of_fits_never_stops_and_one_fit_does(app):
    cost = patience.cost_of_a_loop(results(app)["this run"])
    assert "**0 of 3 stopped.** Epochs trained: 30.0 of 30." in words(app)
    assert f"Validation loss kept: **{cost.loop.loss.mean:.3f}" in words(app)

    app.button_group(key="early_stopping.loop").set_value(story.ONCE).run()

    assert f"**{cost.once.n_stopped} of 3 stopped.**" in words(app)
    assert f"Validation loss kept: **{cost.once.loss.mean:.3f}" in words(app)


def test_log_is_of_the_seed_that_is_chosen(app):
    stops = {stop.seed: stop for stop in patience.network_stops(results(app)["this run"])}
    app.selectbox(key="early_stopping.seed.0.3").set_value(2).run()

    at = next(at for at, code in enumerate(app.code) if "Epoch 1/30" in code.value)
    epochs, ending = (code.value.splitlines() for code in app.code[at : at + 2])

    assert len(epochs) == 2 * stops[2].trained_epochs
    assert ending[-1] == f"stopped after {stops[2].trained_epochs} epochs"


def test_alpha_of_the_other_rule_is_read_off_as_well(app):
    before = scheduler_for().steps_submitted
    app.button_group(key="early_stopping.rules").set_value("GL by epoch").run()
    app.select_slider(key="early_stopping.alpha").set_value(12.0).run()

    assert not app.exception
    assert "it passes alpha 12 % in" in chart(app, "GL of 3 networks")
    assert scheduler_for().steps_submitted == before


def test_optimism_of_loss_or_error(app):
    assert chart(app, "Optimism").startswith("Optimism, validation error (fraction), 3 seeds")
    app.button_group(key="early_stopping.score").set_value("Loss").run()
    assert chart(app, "Optimism").startswith("Optimism, validation loss, 3 seeds")


def test_a_regression_has_its_own_scores():
    app = open_page(data="sine", hidden="8", epochs="20", seeds="2", patience="3")

    assert not app.exception
    assert chart(app, "Optimism").startswith("Optimism, mean absolute error (standardized), 2 seeds")


def test_a_single_validation_row_is_not_halved():
    app = open_page(**{**TINY, "n_val": "1", "seeds": "2"})

    assert not app.exception
    assert not app.error
    assert "A single validation row cannot be halved." in words(app)


def test_random_labels_are_trained_when_asked_for(app):
    app.button(key="early_stopping.random.train").click().run()
    finish(app, "lab.kept.early_stopping.random")

    assert not app.exception
    live = app.session_state["lab.kept.early_stopping.random"]
    assert live.configs == {"baseline": RANDOM_LABELS.replace(seeds=3)}
    text = [each for each in charts(app) if each.startswith("Optimism")][1]
    assert text.endswith("chance is 0.9.")
    assert "it is wrong on 90 % of such rows on average" in words(app)


def test_linear_models_are_trained_once_and_any_steps_are_read_off(app):
    app.button(key="early_stopping.linear.train").click().run()
    finish(app, "lab.kept.early_stopping.linear")
    before = scheduler_for().steps_submitted
    assert "stopped after 20 steps and with L2 of 0.25" in chart(app, "Part of least squares kept")

    app.select_slider(key="early_stopping.steps").set_value(100).run()

    assert not app.exception
    text = chart(app, "Part of least squares kept")
    assert "stopped after 100 steps and with L2 of 0.05" in text
    gap = float(re.search(r"80 measured factors, at most (\S+) from", text)[1])
    assert gap < 1e-4
    assert scheduler_for().steps_submitted == before


def test_the_articles_example_is_measured_when_it_is_on_the_page(app):
    assert "Choose the experiment “The article's example” to run it here." in words(app)

    knob(app, "button_group", "lesson").set_value("The article's example").run()
    finish(app)

    assert not app.exception
    assert "With steps of 0.01: " in words(app)
    log = next(code.value for code in app.code if "Epoch 1/100" in code.value)
    assert "7/7 - loss: " in log.splitlines()[1]


def test_words_of_the_prose_move_the_rule(app):
    before = scheduler_for().steps_submitted
    app.button(key="set-patience-30").click().run()

    assert app.session_state["lab.config.Early stopping"].patience == 30
    assert scheduler_for().steps_submitted == before


def test_the_page_begins_with_its_first_lesson():
    app = open_page()
    assert app.session_state["lab.config.Early stopping"] == LESSONS[0].config
    assert LESSONS[0].look_for in words(app)


def test_what_is_trained_is_the_same_with_and_without_the_rule():
    config = Config(dropout_hidden=0.5, patience=3, min_delta=0.1, start_from_epoch=2)
    assert trained(config) == {"baseline": Config(dropout_hidden=0.5), "this run": config}
    assert trained(Config(l2=0.1)) == {"baseline": Config(l2=0.1)}


def test_linear_runs_are_matched_to_the_steps():
    stopped, *ridges = linear_runs().values()
    assert (stopped.epochs, stopped.l2, stopped.momentum) == (STEPS[-1], 0.0, 0.0)
    assert [config.l2 for config in ridges] == [1 / (2 * 0.1 * steps) for steps in STEPS]


def stop(stopped, n_epochs=50, **fields):
    values = {"seed": 0, "member": 0, "best_epoch": 3, "restored_epoch": 3, "restored_loss": 1.0}
    return NetworkStop(stopped_epoch=stopped, n_epochs=n_epochs, last_loss=1.25, **{**values, **fields})


def test_stops_in_words():
    assert story.stops_in_words([stop(10), stop(None), stop(20)]) == (
        "2 of 3 stopped, at epochs 10 to 20: 46.7 % saved."
    )
    assert story.stops_in_words([stop(10)]) == "1 of 1 stopped, at epoch 10: 80 % saved."
    assert story.stops_in_words([stop(None)]) == "No network stopped before its last epoch."


def test_how_far_apart_networks_stop_in_words():
    assert story.spread_in_words([stop(10), stop(None), stop(20), stop(12)]) == (
        "Stopping epochs: 10 to 20, median 12."
    )
    assert story.spread_in_words([stop(10), stop(None)]) == ""


@pytest.mark.parametrize(
    ("fresh", "chosen", "metric", "said"),
    [
        (
            (0.34, 0.33, 0.36), (0.3, 0.3, 0.31), "error",
            "On rows that did not choose, the error is +4.0 points against the rows that did (95 % interval "
            "+1.5 to +6.5), higher on 3 of 3 seeds. That is the optimism.",
        ),
        (
            (1.0, 1.2), (1.1, 1.05), "loss",
            "On rows that did not choose, the data loss is +0.025 against the rows that did (95 % interval "
            "−1.563 to +1.613): within seed noise.",
        ),
        (
            (1.0, 1.25, 1.0), (2.0, 2.0, 1.875), "mae",
            "On rows that did not choose, the mean absolute error is −0.875 against the rows that did (95 % "
            "interval −1.186 to −0.564): no optimism here.",
        ),
        (
            (0.5,), (0.25,), "loss",
            "On rows that did not choose, the data loss is +0.250 against the rows that did; one seed cannot "
            "tell.",
        ),
    ],
)  # fmt: skip
def test_optimism_in_words(fresh, chosen, metric, said):
    seeds = tuple(
        SeedOptimism(seed, one, other, 3.0)
        for seed, (other, one) in enumerate(zip(fresh, chosen, strict=True))
    )
    assert story.optimism_in_words(seeds, metric) == said


def test_networks_in_numbers():
    table = story.in_numbers([stop(10), stop(None, seed=1, restored_epoch=50, best_epoch=48)])

    assert table == [
        {
            "Seed": "0", "Best": "3", "Stopped": "10", "Restored": "3", "Saved": "40",
            "Loss restored": "1.000", "Not restoring costs": "+0.250",
        },
        {
            "Seed": "1", "Best": "48", "Stopped": "–", "Restored": "50", "Saved": "0",
            "Loss restored": "1.000", "Not restoring costs": "+0.250",
        },
    ]  # fmt: skip
    assert "Member" in story.in_numbers([stop(10), stop(10, member=1)])[0]


def test_the_smallest_patience_that_is_good_enough_is_told():
    run = result([[{"val_loss": loss} for loss in (3.0, 2.0, 2.5, 1.0, 2.0)]], patience=1)
    points = patience.patience_points(run, [1, 2, 3])
    assert story.cheapest_in_words(points) == ("The lowest loss, 1.000, takes a patience of 2 and 5 epochs.")


def test_a_smaller_patience_that_keeps_about_the_same_is_told_too():
    run = result([[{"val_loss": loss} for loss in (3.0, 2.0, 2.5, 1.99, 2.0, 2.5)]], patience=1)
    points = patience.patience_points(run, [1, 2, 3])
    assert story.cheapest_in_words(points) == (
        "The lowest loss, 1.990, takes a patience of 2 and 6 epochs; a patience of 1 comes within 1 % of it "
        "in 3."
    )
