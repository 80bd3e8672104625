"""The pages, run by Streamlit itself: real trainings, but tiny ones."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import state, story
from pages.ui import words as words_of_pages
from regcore.config import Config
from regcore.errors import WorkerError
from regcore.settings import read_settings
from tests.folds import unfold

APP = Path(__file__).parents[1] / "app.py"
TINY = "data=iris&hidden=4&epochs=3&seeds=2"


def open_app(page=None, query="", seconds=60):
    """Open a page with a link, as a browser does, and wait until its run has ended."""
    app = unfold(AppTest.from_file(str(APP), default_timeout=seconds))
    if page:
        app.switch_page(page)
    for part in filter(None, query.split("&")):
        name, value = part.split("=")
        app.query_params[name] = value
    return finish(app.run())


def finish(app):
    """Wait for the run under way, and let the page draw it."""
    for key in ("lab.kept.home", "lab.kept.home.effects", "lab.kept.lab"):
        if key in app.session_state and app.session_state[key]:
            app.session_state[key].run.wait(60)
    return app.run()


def knob(app, widgets, name):
    """Return a widget of the page, whose key begins with that of its name."""
    begins = re.compile(re.escape(f"lab.widget.{name}.") + "[0-9]+$")
    (found,) = [widget for widget in getattr(app, widgets) if begins.match(widget.key or "")]
    return found


def words(app):
    return " ".join(element.value for element in app.markdown)


def charts(app):
    """Return the figures of the page as JSON text, but for that of the run table."""
    return [chart.proto.spec for chart in app.get("plotly_chart") if "shelf.overlay" not in chart.proto.id]


def links(app):
    """Return the links of the page, but for the menu's."""
    return [element.proto for element in app.main.get("page_link")]


@pytest.fixture(scope="module")
def home():
    return open_app()


@pytest.fixture(scope="module")
def lab():
    return open_app("pages/lab.py", TINY + "&dropout_hidden=0.5")


def test_home_trains_on_arrival_and_leads_to_the_lab(home):
    assert not home.exception
    assert ":green[**Dropout is better than no dropout:**] validation error " in words(home)
    assert len(charts(home)) == 3
    assert home.table[0].value["Run"].tolist() == ["No dropout", "Dropout", "Too much dropout"]
    assert links(home)[0].label == "Turn the knobs yourself, in the Lab"


def test_links_of_home_set_the_knobs(home):
    meant = [state.START, *(link.config for chapter in story.CHAPTERS for link in chapter.links)]

    assert [Config.from_query(link.query_string) for link in links(home)[: len(meant)]] == [
        (config, None) for config in meant
    ]


def test_home_trains_each_regularizer_when_asked():
    app = open_app()
    before = app.table[1].value

    app.button(key="home.effects.train").click().run()
    finish(app)

    assert not app.exception
    assert before["Verdict, lower on"].tolist() == ["–"] * 6
    assert app.table[1].value["Run"].tolist() == before["Run"].tolist()
    assert "–" not in app.table[1].value["Verdict, lower on"].tolist()
    assert "**Lower than with none, by more than seed noise:** " in words(app)


def test_home_shows_its_own_errors_beside_the_published_ones(home):
    published = home.table[-1].value

    assert published["Without, %"].iloc[0] == f"**{home.table[0].value['Validation error, %'].iloc[0]}**"
    assert published["Without, %"].iloc[1:].tolist() == [
        "1.60", "1.60", "1.60", "–", "–", "–", "1.62", "1.35",
    ]  # fmt: skip


def test_lab_shows_the_linked_experiment(lab):
    assert not lab.exception
    assert lab.session_state["lab.config.Lab"] == Config(
        data="iris", hidden=(4,), epochs=3, seeds=2, dropout_hidden=0.5
    )
    assert knob(lab, "button_group", "data").value == "iris"
    assert knob(lab, "select_slider", "dropout_hidden").value == 0.5
    # Curves and confusion matrix, baseline and this run.
    assert len(charts(lab)) == 4


def test_lab_tabulates_validation_metrics_beside_the_baseline(lab):
    table = lab.table[0].value

    assert table["Metric"].tolist() == ["Error, %", "Data loss", "Brier score"]
    assert table.columns.tolist() == [
        "Metric", "Baseline", "This run", "Difference", "95 % interval", "Lower on", "Verdict",
    ]  # fmt: skip


def test_lab_without_a_link_begins_at_the_start_and_spells_it():
    app = open_app("pages/lab.py")

    assert not app.exception
    assert app.query_params == state.query_of(state.START)


def test_a_moved_knob_trains_again_and_changes_the_link():
    app = open_app("pages/lab.py", TINY)
    before = charts(app)

    knob(app, "select_slider", "dropout_hidden").set_value(0.4).run()
    finish(app)

    assert not app.exception
    assert app.query_params["dropout_hidden"] == "0.4"
    assert charts(app) != before
    assert "hidden dropout 0.4" in words(app)


def test_without_a_regularizer_there_is_the_baseline_alone():
    app = open_app("pages/lab.py", TINY)

    assert not app.exception
    assert "This is the baseline" in words(app)
    assert len(charts(app)) == 2


def test_another_data_set_drops_what_it_cannot_take():
    app = open_app(
        "pages/lab.py", "data=digits&n_train=100&shift=1&label_noise=0.2&hidden=4&epochs=1&seeds=2"
    )

    knob(app, "button_group", "data").set_value("diabetes").run()

    assert not app.exception
    assert app.session_state["lab.config.Lab"] == Config(data="diabetes", hidden=(4,), epochs=1, seeds=2)
    assert not app.warning


def test_a_broken_link_gives_the_defaults_and_one_sentence():
    app = open_app("pages/lab.py", "dropout_hidden=1.5")

    assert not app.exception
    assert [warning.value for warning in app.warning] == [
        f"{state.REFUSED_LINK}: {Config.from_query('dropout_hidden=1.5').problem}"
    ]
    assert app.session_state["lab.config.Lab"] == state.START


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("data=moons&shift=2", "shift must be 0 on moons, whose rows are not images, got 2"),
        ("data=moons&rotate=20.0", "rotate must be 0 on moons, whose rows are not images, got 20.0"),
        ("data=diabetes&label_noise=0.3", "label_noise must be 0 on diabetes"),
        ("data=iris&n_train=5000", "n_train + n_val must be at most 100 on iris"),
    ],
)
def test_a_link_that_does_not_fit_its_data_gives_the_defaults_and_one_sentence(query, sentence):
    app = open_app("pages/lab.py", query)

    assert not app.exception
    assert not app.error
    (warning,) = app.warning
    assert warning.value.startswith(f"{state.REFUSED_LINK}: {sentence}")
    assert app.session_state["lab.config.Lab"] == state.START


def test_an_impossible_change_is_refused_with_one_sentence():
    app = open_app("pages/lab.py", TINY)

    knob(app, "number_input", "n_train").set_value(5000).run()

    assert not app.exception
    assert "n_train + n_val must be at most 100 on iris" in app.warning[0].value
    assert app.session_state["lab.config.Lab"].n_train is None
    assert [toast.value for toast in app.toast] == [app.warning[0].value]

    knob(app, "select_slider", "l2").set_value(0.01).run()

    assert not app.warning
    assert not app.toast


def test_a_refused_change_moves_nothing_below_it():
    # An element that comes and goes above the controls would close what is open in them.
    app = open_app("pages/lab.py", TINY)
    before = list(app.main.children)

    knob(app, "number_input", "n_train").set_value(5000).run()

    assert list(app.main.children) == before


def test_without_layers_nothing_of_layers_is_dropped_or_bounded():
    app = open_app("pages/lab.py", TINY + "&dropout_hidden=0.5&max_norm=2.0")

    knob(app, "text_input", "hidden").set_value("").run()

    assert not app.exception
    assert not app.warning
    assert app.session_state["lab.config.Lab"] == Config(data="iris", hidden=(), epochs=3, seeds=2)


def test_text_that_is_no_number_is_refused_with_one_sentence():
    app = open_app("pages/lab.py", TINY)

    knob(app, "text_input", "hidden").set_value("64, many").run()

    assert app.warning[0].value == "hidden must be numbers with commas between them, got '64, many'"


def test_a_change_of_page_keeps_the_configuration():
    app = open_app("pages/lab.py", TINY + "&l2=0.01")

    app.switch_page("app.py").run()
    app.query_params.clear()
    app.switch_page("pages/lab.py").run()

    assert app.session_state["lab.config.Lab"].l2 == 0.01


def test_a_cancelled_run_says_so_and_can_be_run_again():
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/lab.py")
    app.query_params["epochs"] = "10000"
    app.query_params["jitter"] = "0.1"
    app.run()

    app.button(key="lab.cancel").click().run()
    finish(app)

    assert not app.exception
    assert any("Cancelled at" in caption.value for caption in app.caption)
    assert any("not all of them trained to the end" in caption.value for caption in app.caption)
    cancelled = app.session_state["lab.kept.lab"].run

    app.button(key="lab.again").click().run()

    again = app.session_state["lab.kept.lab"].run
    assert again is not cancelled
    assert again.progress().state in ("queued", "running")
    again.cancel()


def test_a_page_says_once_that_the_workers_are_starting(monkeypatch):
    monkeypatch.setattr("pages.ui.frame.workers_are_ready", lambda: False)
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert [toast.value for toast in app.toast] == [words_of_pages.STARTING]

    app.run()

    assert not app.toast


def test_settings_that_cannot_be_read_are_one_sentence(monkeypatch):
    monkeypatch.setattr("pages.ui.frame.start_workers", lambda: read_settings({"REGCORE_WORKERS": "many"}))

    app = AppTest.from_file(str(APP), default_timeout=60).run()

    assert not app.exception
    assert len(app.error) == 1
    assert "REGCORE_WORKERS must be" in app.error[0].value


def test_a_fault_of_the_lab_is_shown_as_what_it_is_and_logged_once(monkeypatch, caplog):
    app = open_app("pages/lab.py", TINY)
    live = app.session_state["lab.kept.lab"]
    monkeypatch.setattr(live.run._job, "state", "failed")
    monkeypatch.setattr(live.run._job, "error", WorkerError("a worker died three times."))

    app.run()
    app.run()

    assert [error.value for error in app.error] == ["a worker died three times."]
    assert [record.message for record in caplog.records if "A run failed" in record.message] == [
        "A run failed: {'baseline': 'data=iris&hidden=4&epochs=3&seeds=2'}"
    ]
