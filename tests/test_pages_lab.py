"""The Lab: lessons, pictures, views of the curves, and what is read off a recording instead of trained."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import controls
from regcore.config import Config, field_help
from regcore.data import DATASET_INFO
from regcore.errors import WorkerError
from regcore.execution.service import scheduler_for
from regcore.lessons import lab, named
from tests.folds import unfold

APP = Path(__file__).parents[1] / "app.py"
TINY = {"hidden": "4", "epochs": "6", "seeds": "2"}


def open_lab(**query):
    app = unfold(AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/lab.py"))
    for name, value in query.items():
        app.query_params[name] = value
    return finish(app.run())


def finish(app):
    """Wait for the run under way, and let the page draw it."""
    app.session_state["lab.kept.lab"].run.wait(60)
    return app.run()


def knob(app, widgets, name):
    """Return a widget of the page, whose key begins with that of its name."""
    begins = re.compile(re.escape(f"lab.widget.{name}.") + "[0-9]+$")
    (found,) = [widget for widget in getattr(app, widgets) if begins.match(widget.key or "")]
    return found


def words(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def charts(app):
    """Return the text of each chart in order, but for that of the run table."""
    shown = [element.proto for element in app.get("plotly_chart")]
    return [chart.alt for chart in shown if "shelf.overlay" not in chart.id]


def recordings(app):
    return app.session_state["lab.kept.lab"].results()["this run"].recordings


def steps_trained():
    return scheduler_for().steps_submitted


@pytest.fixture(scope="module")
def moons():
    return open_lab(data="moons", label_noise="0.2", l2="0.01", **TINY)


def test_any_run_alone_tells_a_browser_what_all_knobs_show():
    # A browser may never hear of a run that the next one follows at once.
    app = open_lab(data="moons", **TINY)
    knob(app, "button_group", "lesson").set_value("Early stopping").run()
    finish(app)
    wanted = named(lab.LESSONS, "Early stopping").config

    for widgets in ("select_slider", "number_input", "toggle", "selectbox", "text_input", "button_group"):
        for widget in getattr(app, widgets):
            if (widget.key or "").startswith("lab.widget."):
                assert not widget.proto.set_value, widget.key
    assert wanted.n_train is None
    patience = knob(app, "select_slider", "patience").proto
    assert [patience.options[int(at)] for at in patience.default] == [f"{wanted.patience}"]
    assert knob(app, "number_input", "epochs").proto.default == wanted.epochs
    assert knob(app, "number_input", "start_from_epoch").proto.default == wanted.start_from_epoch
    assert not knob(app, "number_input", "n_train").proto.HasField("default")
    assert knob(app, "toggle", "restore_best_weights").proto.default is wanted.restore_best_weights
    assert knob(app, "text_input", "hidden").proto.default == ", ".join(map(str, wanted.hidden))
    chosen = knob(app, "selectbox", "activation").proto
    assert chosen.options[chosen.default] == wanted.activation
    lessons = knob(app, "button_group", "lesson").proto
    assert [lessons.options[at].content for at in lessons.default] == ["Early stopping"]


def test_two_features_have_boundaries_of_both_runs(moons):
    assert not moons.exception
    text = charts(moons)[0]
    assert text.startswith("Decision boundaries over x1 and x2, seed 0")
    assert "baseline, with the weights it keeps (epoch 6)" in text
    assert "this run, with the weights it keeps (epoch 6)" in text


def test_one_feature_has_predictions():
    app = open_lab(data="sine", dropout_hidden="0.5", **TINY)

    assert not app.exception
    assert charts(app)[0].startswith("Predictions of y over x, 2 seeds")
    assert len(charts(app)) == 3


def test_many_features_have_no_picture_of_the_input_but_one_of_mistakes():
    app = open_lab(data="iris", l2="0.1", **TINY)

    texts = charts(app)
    assert [text.split(",")[0] for text in texts] == ["baseline", "this run", "baseline", "this run"]
    assert "labels by predictions" in texts[2]


def test_images_have_their_worst_errors():
    app = open_lab(data="digits", n_train="60", n_val="30", label_noise="0.3", l2="0.1", **TINY)

    app.button_group(key="pictures.kind").set_value("Worst errors").run()

    assert not app.exception
    assert [text for text in charts(app) if text.startswith("The 12 rows with the largest loss")]


def test_mistakes_are_counted_by_either_label(moons):
    moons.button_group(key="pictures.labels").set_value("true labels").run()

    assert "true labels by predictions" in charts(moons)[-1]
    assert "Each number counts validation rows, mean over seeds." in words(moons)


def test_noisy_labels_have_a_floor(moons):
    assert "Noisy labels allow 0.325 on average." in charts(moons)[1]


def test_each_view_of_the_curves_says_what_it_shows(moons):
    view = moons.button_group(key="cards.measure")

    view.set_value("As trained").run()
    assert "objective as trained" in charts(moons)[1]
    assert "Neither is data loss" in words(moons)

    moons.button_group(key="cards.measure").set_value("Loss and penalty").run()
    assert "and a penalty of" in charts(moons)[2]

    moons.button_group(key="cards.measure").set_value("Error").run()
    assert "error (fraction)" in charts(moons)[1]
    assert not moons.exception


def test_the_network_is_summed_up():
    app = open_lab(
        data="article_regression", n_train="40", n_val="20", hidden="128,64", epochs="1", seeds="1"
    )

    assert not app.exception
    assert any(expander.label == "The network: 12,545 parameters" for expander in app.expander)


def test_a_lesson_brings_its_settings_and_says_what_to_look_for():
    app = open_lab(data="iris", **TINY)
    assert "Your own settings." in words(app)

    knob(app, "button_group", "lesson").set_value("A smooth boundary").run()

    assert app.session_state["lab.config.Lab"] == named(lab.LESSONS, "A smooth boundary").config
    assert named(lab.LESSONS, "A smooth boundary").look_for in words(app)
    finish(app)
    assert not app.exception


def test_to_leave_a_lesson_or_data_set_changes_nothing():
    app = open_lab(data="iris", **TINY)
    before = app.session_state["lab.config.Lab"]

    knob(app, "button_group", "data").set_value(None).run()
    knob(app, "button_group", "lesson").set_value(None).run()

    assert not app.exception
    assert app.session_state["lab.config.Lab"] == before
    assert knob(app, "button_group", "data").value == "iris"


def test_patience_and_fewer_members_train_nothing():
    app = open_lab(data="iris", l2="0.1", members="3", **TINY)
    run, before = app.session_state["lab.kept.lab"].run, steps_trained()

    knob(app, "select_slider", "patience").set_value(1).run()
    knob(app, "select_slider", "min_delta").set_value(0.01).run()
    knob(app, "toggle", "restore_best_weights").set_value(False).run()
    knob(app, "select_slider", "members").set_value(2).run()

    assert not app.exception
    assert app.session_state["lab.kept.lab"].run is run
    assert steps_trained() == before
    assert "Read off the recording: nothing was trained again." in words(app)
    assert "patience 1" in words(app)


def test_more_members_train_the_missing_ones_alone():
    app = open_lab(data="iris", l2="0.2", members="2", **TINY)
    before = recordings(app)

    knob(app, "select_slider", "members").set_value(4).run()
    finish(app)

    after = recordings(app)
    assert len(after) == 2 * len(before)
    assert all(after[network] is recording for network, recording in before.items())


def test_beyond_the_byte_budget_the_page_says_that_it_trained_again():
    # The recording has 8 states, the last at epoch 200; a patience keeps one in between.
    app = open_lab(data="moons", l2="0.005", hidden="4", epochs="200", seeds="2")

    knob(app, "select_slider", "patience").set_value(2).run()

    assert not app.exception
    assert "beyond what is kept in memory" in words(app)


def test_what_cannot_be_trained_again_is_one_sentence(monkeypatch):
    app = open_lab(data="moons", l2="0.005", hidden="4", epochs="200", seeds="3")
    monkeypatch.setattr("regcore.execution.run._Recall.__call__", broken)

    knob(app, "select_slider", "patience").set_value(2).run()

    assert not app.exception
    assert [error.value for error in app.error] == ["a worker died."]


def broken(*_):
    raise WorkerError("a worker died.")


def ends():
    """Yield each field that a number can be set in, with its lowest and its highest value on the page."""
    steps = {
        "noise": controls.NOISES, "label_noise": controls.LABEL_NOISES, "jitter": controls.JITTERS,
        "mixup": controls.MIXUPS, "shift": controls.SHIFTS, "rotate": controls.ANGLES,
        "zoom": controls.ZOOMS, "cutout": (0, 6), "l2": controls.LOG_STEPS,
        "dropout_input": controls.RATES, "dropout_hidden": controls.RATES,
        "patience": controls.PATIENCES, "members": controls.MEMBERS, "seeds": controls.SEEDS,
        "learning_rate": controls.LEARNING_RATES, "max_norm": (0.5, 4.0), "weight_decay": (0.0, 1.0),
    }  # fmt: skip
    for field, values in steps.items():
        yield field, values[0]
        yield field, values[-1]


@pytest.mark.parametrize(("field", "value"), list(ends()))
def test_the_extremes_of_every_knob(field, value):
    data = "moons" if field == "noise" else "digits"
    app = open_lab(data=data, n_train="20", n_val="20", hidden="4", epochs="2", seeds="2")

    knob(app, "select_slider", field).set_value(value).run()
    finish(app)

    assert not app.exception
    assert not app.error
    assert not app.warning
    assert getattr(app.session_state["lab.config.Lab"], field) == value
    assert app.table[0].value["Metric"].tolist() == ["Error, %", "Data loss", "Brier score"]


@pytest.mark.parametrize(
    ("field", "value"), [("batch_size", 8192), ("batch_size", 1), ("epochs", 1), ("n_train", 2), ("n_val", 1)]
)
def test_the_extremes_of_every_number(field, value):
    app = open_lab(data="iris", l2="0.1", hidden="4", epochs="2", seeds="2")

    knob(app, "number_input", field).set_value(value).run()
    finish(app)

    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("data", [name for name, info in DATASET_INFO.items() if "keras" not in info.source])
def test_every_data_set_is_chosen_by_its_picture(data):
    app = open_lab(data="iris", **TINY)

    knob(app, "button_group", "data").set_value(data).run()
    finish(app)

    assert not app.exception
    assert app.session_state["lab.config.Lab"] == Config(
        data=data, hidden=(4,), epochs=6, seeds=2, label_noise=field_help("label_noise").default
    )
