"""The card of the diagnosis: its words, and the next experiment as one click."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import diagnosis_card, frame
from regcore import next_experiment
from regcore.config import Config
from regcore.diagnosis import KINDS, Number

APP = Path(__file__).parents[1] / "app.py"
TINY = {"data": "iris", "hidden": "4", "epochs": "6", "seeds": "2"}


def open_lab(**query):
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/lab.py")
    for name, value in query.items():
        app.query_params[name] = value
    return finish(app.run())


def finish(app):
    """Wait for the run under way, and let the page draw it."""
    app.session_state["lab.kept.lab"].run.wait(60)
    return app.run()


def words_of(number):
    return {
        head: text.replace("\N{NO-BREAK SPACE}", " ")
        for head, text in diagnosis_card.in_words(number).items()
    }


def said(app):
    (text,) = [each.value for each in app.markdown if each.value.startswith("**Diagnosis:**")]
    return text


def test_every_kind_has_a_badge():
    assert set(diagnosis_card.BADGES) == set(KINDS)


def test_a_number_that_rounds_to_nothing_has_no_sign():
    number = Number("Gap", (-0.004, -0.002), 0.2, "")

    assert words_of(number)["Value"] == "0 %"


def test_a_number_has_its_interval_and_its_bound_in_per_cent():
    number = Number("Gap", (0.1, 0.3), 0.2, "")

    assert words_of(number) == {
        "Number": "Gap", "Value": "20 %", "95 % interval": "−107 % to 147 %", "Bound": "at most 20 %",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("number", "value", "interval", "bound"),
    [
        (Number("Gap", (0.1,), 0.2, ""), "10 %", "–", "at most 20 %"),
        (Number("Lost", (1.0, 0.0), 0.0, "", "networks"), "50 %", "–", "at most 0 %"),
        (Number("p", (0.025,), 0.008, "", "p", at_most=False), "0.025", "–", "above 0.008"),
        (Number("Loss", (2.0,), 1.0, "", "times"), "100", "–", "at most 10"),
        (Number("Loss", (12.0,), 1.0, "", "times"), "10^12", "–", "at most 10"),
        (Number("Left", (0.1,), float("inf"), ""), "10 %", "–", "none"),
        (Number("Gain", (float("nan"),), 0.1, ""), "–", "–", "at most 10 %"),
    ],
)
def test_each_kind_of_number_is_spelled(number, value, interval, bound):
    words = words_of(number)

    assert (words["Value"], words["95 % interval"], words["Bound"]) == (value, interval, bound)


def test_each_number_is_listed_with_where_its_bound_is_from():
    numbers = (Number("Gap", (0.1, 0.1), 0.2, "A convention."), Number("Left", (0.1, 0.3), 0.5, "Half."))

    assert diagnosis_card.listed(numbers).replace("\N{NO-BREAK SPACE}", " ") == (
        "- **Gap:** 10 %; bound: at most 20 %. A convention.\n"
        "- **Left:** 20 % (−107 % to 147 %); bound: at most 50 %. Half."
    )


def test_what_is_tried_is_spelled_by_what_changes():
    before = Config(l2=0.1, dropout_hidden=0.5)

    assert diagnosis_card.spelled(before.replace(patience=10), before) == "patience 10"
    assert diagnosis_card.spelled(before.replace(dropout_hidden=0.25, l2=0.01), before) == (
        "L2 0.01, hidden dropout 0.25"
    )
    assert diagnosis_card.spelled(Config(), before) == "without regularizers"


def test_the_lab_tells_the_diagnosis_of_this_run_and_tries_the_next_with_a_click():
    app = open_lab(**TINY, learning_rate="0.0001", l2="0.1")

    assert not app.exception
    assert "badge[:material/" in said(app)
    assert "The baseline " in said(app)
    before = app.session_state["lab.config.Lab"]
    app.button(key="diagnosis.next").click().run()
    finish(app)

    assert not app.exception
    after = app.session_state["lab.config.Lab"]
    assert re.fullmatch("Try .+", app.button(key="diagnosis.next").label)
    assert after != before
    assert app.session_state["lab.kept.diagnosis"].inputs[1].config == after


def test_the_baseline_alone_has_a_diagnosis_of_its_own():
    app = open_lab(**TINY)

    assert not app.exception
    assert "The baseline" not in said(app)


def test_a_run_under_way_has_no_diagnosis_yet():
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/lab.py")
    for name, value in {**TINY, "epochs": "10000", "seed": "77"}.items():
        app.query_params[name] = value

    app.run()

    app.session_state["lab.kept.lab"].run.cancel()
    assert not app.exception
    assert not [each for each in app.markdown if each.value.startswith("**Diagnosis:**")]


def in_short():
    from types import SimpleNamespace

    import streamlit as st

    from pages.ui import diagnosis_card
    from tests.test_diagnosis import run

    for name, shown in (("baseline", run(0.0, 0.4)), ("the network", run(0.0, 0.4, l2=0.001))):
        st.session_state["lab.config."] = shown.config
        diagnosis_card.show_in_short(SimpleNamespace(results=lambda name=name, shown=shown: {name: shown}))


def test_a_page_about_a_technique_has_it_in_short_with_a_link_to_the_lab(monkeypatch):
    links = []
    # Out of an app there are no pages to lead to.
    monkeypatch.setattr(diagnosis_card.st, "page_link", lambda path, **about: links.append((path, about)))

    app = AppTest.from_function(in_short).run()

    assert not app.exception
    assert said(app).startswith("**Diagnosis:** :red-badge[:material/expand: overfitting] ")
    ((path, about),) = links
    assert (path, about["label"]) == (frame.LAB.path, "Next, in the Lab: hidden dropout 0.5")
    assert about["query_params"]["dropout_hidden"] == "0.5"


@pytest.mark.parametrize("page", ["ensembles", "ablation"])
def test_a_run_that_is_read_off_others_has_a_diagnosis_beside_its_baseline(page):
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page(f"pages/{page}.py")
    for name, value in {
        **TINY,
        "epochs": "2",
        "l2": "0.1",
        "members": "2",
        "learning_rate": "0.0001",
    }.items():
        app.query_params[name] = value
    app.run()
    app.session_state[f"lab.kept.{page}"].run.wait(60)

    app.run()

    assert not app.exception
    assert "badge[:material/" in said(app)
    assert "The baseline " in said(app)
    *_, run, baseline = app.session_state["lab.kept.diagnosis"].inputs
    assert (run.config.members, run.config.l2, baseline.config) == (2, 0.1, run.config.plain())


def nothing_to_try():
    import streamlit as st

    from pages.ui import diagnosis_card
    from regcore import next_experiment
    from tests.test_diagnosis import run

    overfits = run(0.0, 0.4, patience=5)
    next_experiment.less_overfitting = lambda result, _: next_experiment.Experiment(result.config, "Nothing.")
    st.session_state["lab.config."] = overfits.config
    diagnosis_card.show({"baseline": overfits})


def test_what_changes_nothing_has_no_button(monkeypatch):
    # Put back after the script has set another one.
    monkeypatch.setattr(next_experiment, "less_overfitting", next_experiment.less_overfitting)

    app = AppTest.from_function(nothing_to_try).run()

    assert not app.exception
    assert "**Next:** Nothing." in [each.value for each in app.markdown]
    assert not app.button


def test_numbers_that_decide_are_a_table_and_all_of_them_a_list():
    numbers = (
        Number("gap", (0.2, 0.3), 0.1, "a paper", decides=True),
        Number("rise", (0.0, 0.0), 0.1, "a rule"),
    )
    table, listed = diagnosis_card._numbers_in_words(numbers)

    assert [row["Number"] for row in table] == ["gap"]
    assert listed == diagnosis_card.listed(numbers)
    assert "rise" in listed
