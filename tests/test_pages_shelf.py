"""The run table and the share button in the Lab, run by Streamlit itself: real trainings, but tiny ones."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import entries, state
from pages.ui.shelf import DIFFERENCES, editor_key
from tests.folds import unfold
from tests.test_pages import APP, TINY, finish, knob, open_app, words


def eyes(app):
    return {box.label: box.value for box in app.checkbox}


def overlaid(app):
    """Return the names of the curves in the overlay."""
    (chart,) = (chart for chart in app.get("plotly_chart") if "shelf.overlay" in chart.proto.id)
    return [trace["name"] for trace in json.loads(chart.proto.spec)["data"] if "name" in trace]


def eye(app, label):
    (found,) = (box for box in app.checkbox if box.label == label)
    return found


def button(app, label, at=0):
    return [each for each in app.button if each.label == label][at]


def edit(app):
    """Open what can be done with each run."""
    for entry in app.session_state["lab.kept.shelf.runs"]:
        app.session_state[editor_key(entry.config)] = True
    return app.run()


def move(app, rate):
    knob(app, "select_slider", "dropout_hidden").set_value(rate).run()
    return finish(app)


@pytest.fixture
def lab():
    """The Lab after two runs: dropout 0.5, and now 0.4."""
    return move(open_app("pages/lab.py", TINY + "&dropout_hidden=0.5"), 0.4)


def link_of(app):
    code = app.code[0]
    return dict(part.split("=") for part in code.value.partition("?")[2].split("&"))


def follow(link, **changes):
    app = unfold(AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/lab.py"))
    for name, value in {**link, **changes}.items():
        app.query_params[name] = value
    return finish(app.run())


def test_finished_runs_are_kept_and_overlaid(lab):
    assert not lab.exception
    assert eyes(lab) == {"baseline": True, "this run": True, "hidden dropout 0.5": True}
    assert overlaid(lab) == ["baseline", "this run", "hidden dropout 0.5"]


def test_a_run_is_kept_once_however_often_the_page_runs(lab):
    lab.run()

    assert len(eyes(lab)) == 3


def test_an_eye_hides_a_curve_and_shows_it_again(lab):
    for label, left in (("hidden dropout 0.5", ["baseline", "this run"]), ("baseline", ["this run"])):
        eye(lab, label).uncheck().run()
        assert overlaid(lab) == left

    eye(lab, "hidden dropout 0.5").check().run()

    assert overlaid(lab) == ["this run", "hidden dropout 0.5"]


def test_a_pinned_run_outlives_the_others(lab, monkeypatch):
    button(lab, "Pin", 1).click().run()
    monkeypatch.setattr(entries, "MAX_EARLIER", 1)

    move(lab, 0.3)

    assert list(eyes(lab)) == ["baseline", "this run", "hidden dropout 0.5"]


def test_what_can_be_done_with_a_run_is_there_for_who_opens_it(lab):
    assert "Name" not in [field.label for field in lab.text_input]

    edit(lab)

    assert [field.label for field in lab.text_input].count("Name") == 2


def test_a_removed_run_is_gone(lab):
    button(edit(lab), "Remove").click().run()

    assert list(eyes(lab)) == ["baseline", "this run"]


def test_an_earlier_run_is_shown_again(lab):
    button(edit(lab), "Show in the Lab").click().run()
    finish(lab)

    assert lab.session_state["lab.config.Lab"].dropout_hidden == 0.5
    assert list(eyes(lab)) == ["baseline", "this run", "hidden dropout 0.4"]


def test_a_renamed_run_is_called_so_everywhere(lab):
    names = [field for field in edit(lab).text_input if field.label == "Name"]

    names[1].set_value("mine").run()

    assert list(eyes(lab)) == ["baseline", "this run", "mine"]
    assert overlaid(lab) == ["baseline", "this run", "mine"]
    lab.session_state[DIFFERENCES] = True
    assert "mine" in lab.run().selectbox(key="shelf.to").options


def test_what_differs_between_two_runs(lab):
    lab.session_state[DIFFERENCES] = True
    lab.run().selectbox(key="shelf.from").set_value("hidden dropout 0.5").run()

    fields, metrics = (table.value for table in lab.table[-2:])
    assert fields.to_dict("records") == [
        {"Field": "hidden dropout", "Hidden dropout 0.5": "0.5", "This run": "0.4"}
    ]
    assert metrics["Metric"].tolist() == ["Error, %", "Data loss", "Brier score"]
    assert set(metrics["Lower on"].str[-4:]) == {"of 2"}


def test_the_same_run_twice_differs_in_nothing(lab):
    lab.session_state[DIFFERENCES] = True
    lab.run().selectbox(key="shelf.from").set_value("this run").run()

    assert not lab.exception
    assert "the same run twice" in words(lab)


def test_runs_of_other_data_are_kept_but_not_overlaid(lab):
    knob(lab, "button_group", "data").set_value("wine").run()
    finish(lab)

    assert list(eyes(lab)) == ["baseline", "this run", "hidden dropout 0.4", "hidden dropout 0.5"]
    assert overlaid(lab) == ["baseline", "this run"]
    assert "2 visible runs of other data not drawn" in words(lab)


def test_runs_survive_a_change_of_page(lab):
    lab.switch_page("app.py").run()
    lab.query_params.clear()
    lab.switch_page("pages/lab.py").run()
    finish(lab)

    assert list(eyes(lab)) == ["baseline", "this run", "hidden dropout 0.5"]


def test_nothing_but_curves_and_validation_is_kept_of_a_run(lab):
    (kept, _) = lab.session_state["lab.kept.shelf.runs"]

    assert set(kept.scores.by_seed) == {"loss", "error", "brier"}
    assert set(kept.curves.by_measure) == {"loss", "error"}


def test_a_shared_link_gives_the_same_numbers_in_another_session(lab):
    link = link_of(lab)

    app = follow(link)

    assert not app.exception
    assert app.session_state["lab.config.Lab"] == lab.session_state["lab.config.Lab"]
    assert "The same numbers as where this link was made" in words(app)
    assert app.query_params["made"] == link["made"]


def test_numbers_made_elsewhere_are_labelled(lab):
    app = follow(link_of(lab), made=f"{'0' * 16}-{'1' * 16}")

    assert "Made elsewhere: equal within tolerance" in words(app)


def test_other_numbers_of_the_same_engine_are_labelled(lab):
    link = link_of(lab)

    app = follow(link, made=link["made"][:17] + "1" * 16)

    assert "Not the numbers of the link" in words(app)


def test_a_label_goes_with_the_experiment_it_is_of(lab):
    app = move(follow(link_of(lab), made=f"{'0' * 16}-{'1' * 16}"), 0.3)

    assert "Made elsewhere" not in words(app)
    assert state.MADE not in app.query_params
