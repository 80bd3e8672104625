"""Links and configurations that nobody would write: the Lab shows a sentence or a run, never a traceback."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from pages.ui import controls, frame, runs, state
from regcore.config import DATASETS, Config, field_help
from regcore.data import check_built_in, check_fits, load_dataset
from regcore.errors import ConfigError
from regcore.execution import Progress
from regcore.lessons import LESSONS
from regcore.results import Result
from tests.folds import unfold

APP = Path(__file__).parents[1] / "app.py"

names = st.sampled_from(list(Config.model_fields)) | st.text(max_size=8)
texts = (
    st.sampled_from(
        ["0", "1", "-1", "0.5", "1e-3", "nan", "inf", "none", "true", "64,64", "", "sgd", "9" * 30]
    )
    | st.sampled_from(DATASETS)
    | st.integers(-5, 100).map(str)
    | st.floats().map(str)
    | st.text(max_size=12)
)
links = st.dictionaries(names, texts, max_size=5)


@st.composite
def extreme_configs(draw):
    """Draw a valid configuration with fields at the ends of their ranges."""
    config = Config(data=draw(st.sampled_from([name for name in DATASETS if "mnist" not in name])))
    for name in draw(st.lists(st.sampled_from(list(Config.model_fields)), max_size=6)):
        about = field_help(name)
        ends = [end for end in (about.minimum, about.maximum, *about.choices) if end is not None]
        if ends and name != "data":
            value = draw(st.sampled_from(ends))
            whole = isinstance(about.default, int) or "whole" in about.rule
            try:
                config = config.replace(**{name: int(value) if whole else value})
            except ValueError:
                continue
    return config


class Untrained:
    """A run that was refused, or one that was cancelled before its first epoch: nothing here trains."""

    error = None
    is_let_go = False

    def __init__(self, configs, dataset=None, owner="", probes=()):
        self.datasets = {name: load_dataset(config) for name, config in configs.items()}
        for name, config in configs.items():
            check_fits(config, self.datasets[name])
        self.configs = configs

    def progress(self):
        return Progress(0, 100, None, "cancelled")

    def results(self, partial):
        return {name: Result(config, self.datasets[name], {}) for name, config in self.configs.items()}

    def probe(self, name, probe, seed, member=0):
        return {}

    def wait_for_more(self, timeout):
        return True

    def sizes(self):
        return {}

    def let_go(self):
        pass

    def cancel(self):
        pass


@pytest.fixture(autouse=True)
def untrained(monkeypatch):
    monkeypatch.setattr(runs, "submit", Untrained)
    monkeypatch.setattr("pages.ui.frame.start_workers", lambda: None)


def open_lab(link):
    app = unfold(AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/lab.py"))
    for name, text in link.items():
        app.query_params[name] = text
    return app.run()


def fits(config):
    try:
        check_built_in(config)
    except ConfigError:
        return False
    return True


def shows_a_sentence_or_a_run(app):
    assert not app.exception
    sentences = [element.value for element in (*app.warning, *app.error)]
    assert all(sentence and "\n" not in sentence for sentence in sentences)
    assert app.table or app.error


def few(n_examples):
    kinds = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=n_examples, deadline=None, suppress_health_check=kinds)


@few(15)
@given(links)
def test_any_link_shows_a_sentence_or_a_run(link):
    shows_a_sentence_or_a_run(open_lab(link))


@few(15)
@given(extreme_configs())
def test_any_valid_configuration_is_shown_by_every_control(config):
    app = open_lab(state.query_of(config))

    shows_a_sentence_or_a_run(app)
    assert app.session_state["lab.config.Lab"] == (config if fits(config) else state.START)


@pytest.mark.parametrize(
    ("more", "is_told"),
    [
        ({"members": "3", "member_varies": "none"}, True),
        ({"members": "3", "member_varies": "order"}, False),
        ({"members": "3", "member_varies": "none", "bootstrap": "true"}, False),
        ({"members": "1", "member_varies": "none"}, False),
    ],
)
def test_identical_members_are_told_to_gain_nothing(more, is_told):
    app = open_lab({"data": "iris"} | more)

    assert not app.exception
    assert not app.warning
    assert any(controls.IDENTICAL in text.value for text in app.markdown) == is_told


@pytest.mark.parametrize(
    "page", ["overfit_first", "augmentation", "l2", "early_stopping", "dropout", "ensembles"]
)
def test_a_broken_link_to_a_page_leads_to_where_it_begins(page):
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page(f"pages/{page}.py")
    app.query_params["patience"] = "never"
    app.run()

    (label,) = (entry.label for entry in frame.MENU if entry.path == f"pages/{page}.py")
    assert not app.exception
    assert app.warning[0].value.startswith(f"{state.REFUSED_LINK}: patience must be")
    assert app.session_state[f"lab.config.{label}"] == LESSONS[label][0].config
    # The share button is by the title of every page that has a configuration.
    assert app.code[0].value.startswith("?data=")


@pytest.mark.parametrize(
    ("widgets", "field", "values"),
    [
        ("select_slider", "rotate", (0.0, 180.0)),
        ("select_slider", "zoom", (0.0, 0.5)),
        ("select_slider", "min_delta", (0.0, 0.1)),
        ("number_input", "start_from_epoch", (0, 10_000)),
        ("select_slider", "momentum", (0.0, 0.99)),
    ],
)
def test_a_knob_that_is_folded_away_goes_from_end_to_end(widgets, field, values):
    app = open_lab({"data": "digits", "optimizer": "sgd", "patience": "5"})

    for value in reversed(values):
        (widget,) = (
            each
            for each in getattr(app, widgets)
            if re.fullmatch(rf"lab\.widget\.{field}\.\d+", each.key or "")
        )
        if widgets == "select_slider":
            # The text of a step that is left out of the slider would not be among its options.
            assert widget.options[0] == "off"
        widget.set_value(value).run()

        shows_a_sentence_or_a_run(app)
        assert not app.warning
        assert getattr(app.session_state["lab.config.Lab"], field) == value


@pytest.mark.slow
@few(2000)
@given(links)
def test_thousands_of_links_show_a_sentence_or_a_run(link):
    shows_a_sentence_or_a_run(open_lab(link))


@pytest.mark.slow
@few(2000)
@given(extreme_configs())
def test_thousands_of_configurations_are_shown(config):
    shows_a_sentence_or_a_run(open_lab(state.query_of(config)))
