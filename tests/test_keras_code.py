"""The card with the Keras code: what it shows, and what its buttons hand over."""

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

from regcore.config import Config
from regcore.export.keras_script import keras_script
from regcore.lessons import LESSONS
from tests.keras_scripts import run_scripts

PAGE = """
import streamlit as st
from pages.ui.keras_code import keras_code
keras_code(st.session_state.config)
"""


def page(config):
    app = AppTest.from_string(PAGE, default_timeout=60)
    app.session_state["config"] = config
    app.run()
    assert not app.exception
    return app


def buttons(app):
    return [element.proto for element in app.get("download_button")]


def test_the_script_is_shown_as_python_and_folded_away():
    config = Config(data="digits", dropout_hidden=0.5)
    app = page(config)

    assert [(code.value, code.language) for code in app.code] == [(keras_script(config).strip(), "python")]
    assert [(each.label, each.proto.expanded) for each in app.expander] == [("The same in Keras", False)]


def test_script_and_notebook_can_be_taken_away_without_a_rerun():
    assert [(each.label, each.ignore_rerun) for each in buttons(page(Config(data="wine")))] == [
        ("Script (.py)", True), ("Notebook (.ipynb)", True),
    ]  # fmt: skip


def test_the_buttons_hand_over_what_is_shown(monkeypatch):
    from pages.ui import keras_code

    handed = {}
    monkeypatch.setattr(
        keras_code.st, "download_button", lambda label, text, name, mime, **_: handed.update({name: text})
    )
    app = page(Config(data="wine"))

    assert handed["wine.py"].strip() == app.code[0].value
    cells = json.loads(handed["wine.ipynb"])["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert all(line in app.code[0].value for line in code.splitlines())


def test_what_the_data_set_cannot_give_is_said_in_one_sentence():
    app = page(Config(data="moons", shift=1))

    assert [each.value for each in app.info] == ["shift must be 0 on moons, whose rows are not images, got 1"]
    assert not app.code
    assert not buttons(app)


@pytest.mark.slow
@pytest.mark.parametrize("name", LESSONS)
def test_what_a_page_shows_on_arrival_runs_as_shown(name, tmp_path):
    config = LESSONS[name][0].config
    (shown,) = page(config).code

    printed = run_scripts({name: [shown.value]}, tmp_path)[name]

    assert re.search(r"^validation (error|MAE): ", printed, re.MULTILINE)
    n_told = len(re.findall(r"stopped after \d+ epochs", printed))
    assert n_told == (config.members if config.patience is not None else 0)
