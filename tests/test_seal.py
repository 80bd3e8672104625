"""The sealed test on a page: what is opened, what is counted, and that nothing of it is there before."""

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from pages.ui import seal, state
from pages.ui.seal import Counted
from regcore.config import Config
from regcore.execution import Run
from regcore.opening import open_test
from regcore.results import Result
from tests.opened_runs import data, errors, recording, result
from tests.test_pages import finish, knob, open_app

PAGE = """
import streamlit as st
from pages.ui import seal
seal.show(st.session_state.results)
"""
VAL = [0.1, 0.2, 0.3]
# On the test the baseline is where it was, and this run loses what validation had flattered it by.
BASELINE = errors([0.4, 0.4, 0.5], [0.4, 0.45, 0.45])
THIS_RUN = errors(VAL, [0.3, 0.3, 0.45], l2=0.1)


def page(results):
    """Return a page that has nothing but the seal of these results."""
    app = AppTest.from_string(PAGE, default_timeout=60)
    return turn_to(app, results)


def turn_to(app, results):
    app.session_state["results"] = results
    app.run()
    assert not app.exception
    return app


def press(app, what):
    app.button(key=f"seal.{what}").click().run()
    assert not app.exception
    return app


def said(app):
    return [element.value for element in (*app.subheader, *app.markdown, *app.caption)]


def buttons(app):
    return [button.label for button in app.button]


def remarks(app):
    return app.table[-1].value["Remark"].tolist()


RUNS = {"baseline": BASELINE, "this run": THIS_RUN}


# --- sealed ------------------------------------------------------------------------------------------------


def test_before_it_is_opened_the_test_is_not_even_read(monkeypatch):
    read = []
    score = Result._scored
    monkeypatch.setattr(Result, "_scored", lambda self, split: read.append(split) or score(self, split))

    app = page(RUNS)

    assert read == []
    assert app.subheader[0].value == "The test is sealed"
    assert buttons(app) == ["Open the test"]
    assert not app.table


def test_an_unfinished_run_cannot_be_opened():
    app = page({"baseline": BASELINE, "this run": errors(VAL, VAL, epochs=9)})

    assert app.button(key="seal.open").disabled
    assert seal.UNFINISHED in said(app)


# --- opened ------------------------------------------------------------------------------------------------


def test_opened_once_it_tells_answer_flattery_and_table():
    app = press(page(RUNS), "open")

    assert app.subheader[0].value == "The test is open"
    assert buttons(app) == ["Seal it again"]
    # Test: .35 against .4333, differences -.1, -.15 and 0.
    assert app.markdown[0].value == (
        "**Within seed noise on the test rows:** error −8.3 points against the baseline "
        "(95 % interval −27.3 to +10.6, which contains 0), lower on 2 of 3 seeds."
    )
    # .35 against .2, differences .2, .1 and .15.
    assert app.markdown[1].value == (
        "**This run: validation flattered**, test error +15.0 points against validation "
        "(95 % interval +2.6 to +27.4)."
    )
    table = app.table[0].value
    assert table.columns.tolist() == [
        "Metric", "Run", "Validation", "Test", "Flattery", "95 % interval", "Verdict",
    ]  # fmt: skip
    assert table["Metric"].tolist() == ["Error, %"] * 2 + ["Data loss"] * 2 + ["Brier score"] * 2
    assert table.iloc[1].tolist() == [
        "Error, %", "This run", "20.0", "35.0", "+15.0", "+2.6 to +27.4", "validation flattered",
    ]  # fmt: skip


def test_opened_once_it_is_counted():
    app = press(page(RUNS), "open")

    assert "**Opened once in this session, for 1 run:**" in said(app)
    (row,) = app.table[1].value.to_dict("records")
    assert re.fullmatch(r"1, at \d\d:\d\d UTC", row.pop("Opening"))
    assert row == {
        "Run": "your data: L2 0.1 (epochs 1, seeds 3)", "Metric": "Error, %", "Validation": "20.0",
        "Test": "35.0", "Flattery": "+15.0", "95 % interval": "+2.6 to +27.4",
        "Remark": "first look at these test rows",
    }  # fmt: skip


def test_sealed_again_and_opened_twice_both_count():
    app = press(press(page(RUNS), "open"), "close")
    assert app.subheader[0].value == "The test is sealed"
    assert any(text.startswith("This run was seen in opening 1, at ") for text in said(app))
    assert len(app.table) == 1

    press(app, "open")

    assert "**Opened 2 times in this session, for 1 run:**" in said(app)
    assert remarks(app) == ["first look at these test rows", "the same run again, as in opening 1"]


def test_a_double_click_is_one_opening(monkeypatch):
    app = page(RUNS)
    keys = tuple(map(seal.run_key, RUNS.values()))
    monkeypatch.setattr(state, "recall", lambda name: keys if name == "seal.shown" else ())
    monkeypatch.setattr(state, "keep", pytest.fail)

    seal._open(RUNS, keys)

    assert not app.exception


def test_another_run_is_sealed_and_counted_as_chosen_after_a_look():
    app = press(page(RUNS), "open")

    turn_to(app, {"baseline": BASELINE, "this run": errors(VAL, VAL, l2=0.2)})
    assert app.subheader[0].value == "The test is sealed"
    assert "It would be opening 2 of this session." in said(app)
    assert len(app.table) == 1
    press(app, "open")

    assert remarks(app)[1] == "another run, chosen after these test rows were seen once"
    assert "**Opened 2 times in this session, for 2 runs:**" in said(app)


def test_a_run_one_comes_back_to_is_sealed_again():
    app = press(page(RUNS), "open")
    turn_to(app, {"baseline": BASELINE, "this run": errors(VAL, VAL, l2=0.2)})

    turn_to(app, RUNS)

    assert buttons(app) == ["Open the test"]


def test_another_patience_after_a_look_is_another_choice():
    app = press(page(RUNS), "open")

    turn_to(app, {**RUNS, "this run": THIS_RUN.with_stopping(patience=3)})
    assert app.subheader[0].value == "The test is sealed"
    press(app, "open")

    assert remarks(app)[1] == (
        "the same trainings, stopped otherwise, chosen after these test rows were seen once"
    )


def test_other_test_rows_have_not_been_seen():
    app = press(page(RUNS), "open")

    turn_to(app, {"baseline": errors(VAL, VAL, data(offset=1.0))})
    press(app, "open")

    assert remarks(app) == ["first look at these test rows"] * 2


def test_results_that_are_made_anew_stay_open():
    # A page reads its results anew each time it runs.
    app = press(page(RUNS), "open")

    turn_to(app, {name: replace(each) for name, each in RUNS.items()})

    assert app.subheader[0].value == "The test is open"
    assert "**Opened once in this session, for 1 run:**" in said(app)


def test_the_baseline_alone_is_held_against_nothing():
    app = press(page({"baseline": BASELINE}), "open")

    assert app.markdown[0].value.startswith("**Baseline: within seed noise**, test error")


def test_one_seed_has_no_interval():
    app = press(page({"baseline": errors([0.2], [0.3]), "this run": errors([0.1], [0.4], l2=0.1)}), "open")

    assert said(app)[1:3] == [
        "**On the test rows: one seed cannot tell**",
        "**This run: one seed cannot tell**",
    ]
    assert app.table[0].value.iloc[1].tolist() == [
        "Error, %", "This run", "10.0", "40.0", "+30.0", "–", "one seed cannot tell",
    ]  # fmt: skip


def test_a_diverged_seed_is_said_and_shown_as_a_dash():
    nan = float("nan")
    app = press(
        page({"baseline": BASELINE, "this run": errors([0.1, 0.1, nan], [0.2, 0.2, nan], l2=9.0)}), "open"
    )

    assert said(app)[1:3] == [
        "**On the test rows: no verdict: 1 of 3 seeds diverged**",
        "**This run: no verdict: 1 of 3 seeds diverged**",
    ]
    assert app.table[0].value.iloc[1].tolist()[2:6] == ["–", "–", "–", "–"]


def test_a_regression_is_in_the_units_of_y():
    numbers = data(task="regression")
    scale = numbers.rows(0).y_scale
    seeds = [
        [{"val_error": 0.1, "test_error": each, "val_loss": 0.1, "test_loss": 0.1}] for each in (0.2, 0.3)
    ]
    app = press(page({"baseline": result(seeds, numbers)}), "open")

    table = app.table[0].value
    assert table["Metric"].tolist() == ["Mean absolute error", "Root mean squared error", "Data loss"]
    assert table["Test"][0] == f"{0.25 * scale:.1f}"
    assert "points" not in " ".join(said(app))


def test_noisy_validation_labels_are_held_like_for_like():
    noisy = data(label_noise=0.4)
    app = press(page({"baseline": errors([0.2, 0.3, 0.3, 0.2, 0.3], [0.1] * 5, noisy)}), "open")

    row = app.table[0].value.iloc[0]
    assert row[["Validation", "Test", "Test, like for like", "Flattery"]].tolist() == [
        "26.0",
        "10.0",
        "26.0",
        "0.0",
    ]
    assert app.table[1].value["Test, like for like"].tolist() == ["26.0"]
    assert any("0.6 × 10.0 + 0.4 × 50.0" in text for text in said(app))
    assert app.table[0].value["Verdict"].tolist()[1:] == ["labels are not alike"] * 2


def test_what_cannot_be_opened_says_why_and_is_not_counted():
    # An ensemble whose outputs were not kept, and that cannot be trained again.
    lost = Result(
        Config(seeds=1, epochs=1, members=2), data(), {(0, member): recording([{}]) for member in range(2)}
    )
    app = press(page({"baseline": lost}), "open")

    assert "was not recorded" in app.error[0].value
    assert app.subheader[0].value == "The test is sealed"
    assert not app.table


def test_only_the_latest_openings_are_listed_and_all_are_counted():
    opening = open_test(RUNS)
    counted = [Counted(at + 1, datetime(2024, 1, 1, 12, at, tzinfo=UTC), opening) for at in range(12)]

    table = seal.listed(counted)

    assert table[0]["Opening"] == "3, at 12:02 UTC"
    assert len(table) == seal.N_LISTED
    assert seal.how_often(counted) == "Opened 12 times in this session, for 1 run; the latest 10:"


# --- in the Lab --------------------------------------------------------------------------------------------

TINY = "data=iris&hidden=4&epochs=3&seeds=2&dropout_hidden=0.5"
POISON = 7654321.0
# As words write it, as Arrow and plotly do, and as bytes.
FORMS = (
    b"7654321", b"7,654,321", b"7.65e+06", b"7.65e+08",
    np.float32(POISON).tobytes(), np.float64(POISON).tobytes(),
)  # fmt: skip


@pytest.fixture
def poisoned(monkeypatch):
    """Make every test score and test output of a run a number that is found wherever it gets to."""
    results = Run.results

    def poison(recording):
        sealed = np.full_like(recording._sealed_history, POISON)
        outputs = {**recording.outputs}
        if recording._sealed is not None:
            outputs["test"] = np.full_like(recording._sealed, POISON)
        return replace(recording, history=np.hstack([recording.history, sealed]), outputs=outputs)

    def poisoned_results(self, partial=False):
        return {
            name: replace(each, recordings={at: poison(one) for at, one in each.recordings.items()})
            for name, each in results(self, partial).items()
        }

    monkeypatch.setattr(Run, "results", poisoned_results)


@pytest.fixture
def sent(monkeypatch):
    """Return the messages that pages send to the browser, until they are cleared."""
    messages = []
    forward_msgs = LocalScriptRunner.forward_msgs

    def noted(self):
        messages.extend(forward_msgs(self))
        return forward_msgs(self)

    monkeypatch.setattr(LocalScriptRunner, "forward_msgs", noted)
    return messages


def with_poison(messages):
    """Return the messages in which the poison is, in any form."""
    return [message for message in messages if any(form in as_bytes(message) for form in FORMS)]


def as_bytes(message):
    """Return a message as it is sent, followed by the numbers of its figure, which are sent in base64."""
    element = message.delta.new_element
    figure = json.loads(element.plotly_chart.spec) if element.HasField("plotly_chart") else {}
    return message.SerializeToString() + b"".join(arrays(figure))


def arrays(value):
    if isinstance(value, dict):
        if "bdata" in value:
            yield base64.b64decode(value["bdata"])
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from arrays(each)


def test_the_poison_is_found_in_a_figure(sent):
    AppTest.from_string(
        "import numpy as np, plotly.graph_objects as go, streamlit as st\n"
        f"st.plotly_chart(go.Figure(go.Scatter(y=np.full(50, {POISON}))))"
    ).run()

    assert len(with_poison(sent)) == 1


def test_nothing_of_the_test_is_sent_before_it_is_opened(poisoned, sent):
    app = open_app("pages/lab.py", TINY)
    assert not app.exception
    assert len(sent) > 50
    assert with_poison(sent) == []

    press(app, "open")
    assert with_poison(sent) != []


def test_nothing_of_an_opened_test_is_left_when_a_knob_moves(poisoned, sent):
    app = press(open_app("pages/lab.py", TINY), "open")
    sent.clear()

    knob(app, "select_slider", "dropout_hidden").set_value(0.4).run()
    assert not app.exception
    assert buttons(app)[-1] == "Open the test"

    # What was opened is in the list of openings, and nowhere else.
    (left,) = with_poison(sent)
    assert b"first look at these test rows" in as_bytes(left)


def test_openings_survive_a_change_of_page():
    app = press(open_app("pages/lab.py", TINY), "open")
    before = [table.value.to_dict() for table in app.table]

    finish(app.switch_page("app.py").run())
    app.query_params.clear()
    finish(app.switch_page("pages/lab.py").run())

    assert not app.exception
    assert any(text == "The test is open" for text in said(app))
    assert [table.value.to_dict() for table in app.table] == before
