"""The card with everything that can be taken away, and the way back of a configuration."""

import io
import json
import re

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import state, take_away
from regcore.config import Config
from regcore.errors import ConfigError
from regcore.export.keras_script import keras_script
from regcore.lessons import LESSONS, THIS_RUN
from regcore.lessons.ensembles import trained as trained_ensembles
from regcore.lessons.l2 import trained as trained_l2
from regcore.results import Result
from tests.keras_scripts import run_scripts
from tests.opened_runs import data, errors

CARD = """
import streamlit as st
from pages.ui import take_away
given = st.session_state
take_away.show(
    given.config, given.results, checklist=given.checklist, is_ablation=given.is_ablation
)
"""
LOAD = """
import streamlit as st
from pages.ui import state, take_away
state.begin()
st.text(state.problem() or "nothing wrong")
take_away.load()
"""
LABELS = [
    "Report (.html)", "History (.csv)", "Configuration (.json)", "Model (.keras)", "Script (.py)",
    "Notebook (.ipynb)",
]  # fmt: skip


def card(config, results=None, checklist=False, is_ablation=False, is_open=True):
    app = AppTest.from_string(CARD, default_timeout=60)
    app.session_state[take_away.FOLDED] = is_open
    given = {"config": config, "results": results, "checklist": checklist, "is_ablation": is_ablation}
    for name, value in given.items():
        app.session_state[name] = value
    app.run()
    assert not app.exception
    return app


def buttons(app):
    return [element.proto for element in app.get("download_button")]


def runs():
    return {"baseline": errors([0.3, 0.4], [0.9, 0.8]), "this run": errors([0.1, 0.2], [0.7, 0.6], l2=0.1)}


@pytest.fixture
def handed(monkeypatch):
    """Return what buttons make: file name -> content, as made when somebody presses them."""
    made = {}
    monkeypatch.setattr(
        take_away.st, "download_button", lambda label, make, name, mime, **_: made.update({name: make})
    )
    return made


def test_the_card_is_folded_and_filled_for_who_opens_it_with_the_script_as_python():
    config = Config(data="digits", dropout_hidden=0.5)
    app = card(config, is_open=False)

    assert [(each.label, each.proto.expanded) for each in app.expander] == [("Take it away", False)]
    assert not app.code and not buttons(app)

    app = card(config)

    assert (app.code[-1].value, app.code[-1].language) == (keras_script(config).strip(), "python")


def test_everything_of_a_run_can_be_taken_away_without_a_rerun_and_is_made_when_asked_for():
    shown = buttons(card(Config(data="wine", seeds=2), runs()))

    assert [each.label for each in shown] == LABELS
    assert all(each.ignore_rerun and each.deferred_file_id and not each.url for each in shown)
    assert not any(each.disabled for each in shown)


def test_what_needs_a_run_waits_for_it():
    half = {"this run": Result(Config(seeds=2), data(), {})}
    for results in (None, half):
        app = card(Config(seeds=2), results)

        assert [each.label for each in buttons(app) if each.disabled] == [
            "Report (.html)", "History (.csv)", "Model (.keras)",
        ]  # fmt: skip
        assert take_away.UNFINISHED in [caption.value for caption in app.caption]


def test_a_checklist_has_neither_a_report_nor_a_model():
    shown = [each.label for each in buttons(card(Config(data="wine"), runs(), checklist=True))]

    assert shown == [label for label in LABELS if label not in ("Report (.html)", "Model (.keras)")]


def test_the_buttons_hand_over_what_is_shown(handed):
    config = Config(data="wine")
    app = card(config)

    assert handed["wine.py"]().strip() == app.code[-1].value
    cells = json.loads(handed["wine.ipynb"]())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert all(line in app.code[-1].value for line in code.splitlines())
    assert Config.from_json(handed["wine-config.json"]()) == config


def test_report_and_history_are_of_the_runs_shown_and_have_no_test(handed, monkeypatch):
    monkeypatch.setattr(take_away, "fingerprint", lambda seconds: "0123456789abcdef")
    card(Config(data="wine", seeds=2), runs())
    report, history = handed["wine.html"](), handed["wine-history.csv"]()

    assert "0123456789abcdef" in report
    assert "validation error 15.0 % against 35.0 %" in report
    read = pd.read_csv(io.StringIO(history))
    assert read.groupby("name")["val_error"].mean().to_dict() == pytest.approx(
        {"baseline": 0.35, "this run": 0.15}
    )
    assert "test" not in " ".join(read)


def test_the_report_of_an_ablation_says_what_each_part_does(handed, monkeypatch):
    monkeypatch.setattr(take_away, "fingerprint", lambda seconds: "0123456789abcdef")
    asked = Config(data="wine", l2=0.1, seeds=3)
    results = {"none": errors([0.7, 0.8, 0.9], [0.5] * 3), "L2": errors([0.1, 0.1, 0.4], [0.5] * 3, l2=0.1)}
    card(asked, results, is_ablation=True)

    assert "L2 alone lowers the validation error from 80.0 % to 20.0 %" in handed["wine.html"]()
    card(asked, results)
    assert "Which part helped" not in handed["wine.html"]()


def test_the_model_is_of_the_seed_that_was_chosen_and_of_the_last_run(handed, monkeypatch):
    results, asked = runs(), []
    monkeypatch.setattr(take_away, "keras_file", lambda *of: asked.append(of) or b"model")
    app = card(Config(data="wine", seeds=2), results)
    app.selectbox[0].set_value(1).run()

    assert handed["wine-seed-1.keras"]() == b"model"
    assert asked == [(results["this run"], 1)]
    assert 'keras.saving.load_model("wine-seed-1.keras")' in app.code[0].value


def test_what_the_data_set_cannot_give_is_said_in_one_sentence():
    app = card(Config(data="moons", shift=1))

    assert [each.value for each in app.info] == ["shift must be 0 on moons, whose rows are not images, got 1"]
    assert "Script (.py)" not in [each.label for each in buttons(app)]


class Live:
    """Stands in for a run of these configurations, of which nothing has been recorded."""

    def __init__(self, configs):
        self.made = {name: Result(config, data(), {}) for name, config in configs.items()}

    def results(self):
        return self.made


def test_of_all_that_a_page_trains_the_baseline_and_this_run_are_taken():
    config = LESSONS["L2"][0].config
    taken = take_away.of_page(Live(trained_l2(config)), config)

    assert {name: result.config for name, result in taken.items()} == {
        "baseline": config.plain(), THIS_RUN: config,
    }  # fmt: skip


def test_of_a_pool_of_members_as_many_are_taken_as_are_chosen():
    config = LESSONS["Ensembles"][0].config.replace(members=3)
    taken = take_away.of_page(Live(trained_ensembles(config)), config)

    assert taken[THIS_RUN].config == config


def test_the_baseline_alone_is_taken_once():
    config = Config()

    assert list(take_away.of_page(Live({"baseline": config}), config)) == ["baseline"]
    assert take_away.of_page(Live({"baseline": config}), config.replace(l2=0.1)) is None
    assert take_away.of_page(None, config) is None


def lab():
    return AppTest.from_string(LOAD, default_timeout=60).run()


def upload(app, content):
    return app.file_uploader[0].set_value(("config.json", content, "application/json")).run()


def chosen(app):
    return app.session_state[state._CONFIG]


def test_a_configuration_that_was_taken_away_comes_back():
    config = Config(data="digits", n_train=60, hidden=(8,), dropout_hidden=0.5, patience=3)
    app = upload(lab(), take_away.Taken(config, {}).settings().encode())

    assert chosen(app) == config
    assert app.text[0].value == "nothing wrong"
    assert app.query_params["dropout_hidden"] == "0.5"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"l2": -1}', "^l2 must be a number from 0 to 1000, got -1$"),
        (b'{"dropout": 0.5}', "^unknown field 'dropout'; did you mean 'dropout_hidden'"),
        (b"[1, 2]", "^the JSON of a Config must be an object, got "),
        (b"nothing", "^the JSON of a Config must be valid JSON, got 'nothing'$"),
        (b"\xff\xfe\x00", "^the file must be JSON, got bytes that are no text"),
        (b'{"data": "moons", "shift": 1}', "^shift must be 0 on moons"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_sentence_and_changes_nothing(content, sentence):
    app = lab()
    before = chosen(app)
    upload(app, content)

    assert not app.exception
    assert re.search(sentence, app.text[0].value), app.text[0].value
    assert "\n" not in app.text[0].value
    assert chosen(app) == before


def test_a_link_comes_back_whatever_it_carries_besides():
    app = lab()
    app.text_input[0].set_value("https://lab/dropout?data=wine&l2=0.01&made=0-0&utm_source=x#results").run()

    assert chosen(app) == Config(data="wine", l2=0.01)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hello", "^a link must have its settings after a question mark, got 'hello'$"),
        ("?l2=much", "^l2 must be"),
    ],
)
def test_a_link_that_is_none_is_refused_in_one_sentence(text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        state.config_of_link(text)


@pytest.mark.slow
@pytest.mark.parametrize("name", LESSONS)
def test_what_a_page_shows_on_arrival_runs_as_shown(name, tmp_path):
    config = LESSONS[name][0].config
    shown = card(config).code[-1]

    printed = run_scripts({name: [shown.value]}, tmp_path)[name]

    assert re.search(r"^validation (error|MAE): ", printed, re.MULTILINE)
    n_told = len(re.findall(r"stopped after \d+ epochs", printed))
    assert n_told == (config.members if config.patience is not None else 0)
