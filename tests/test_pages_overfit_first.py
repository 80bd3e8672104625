"""The page Overfit first: a checklist, faults that it tells, and splits with one distribution or two."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import overfit_story as story
from regcore.checklist import CHANCE, FIRST_LOSS, MEMORISED, ONE_BATCH, SHUFFLED, THE_INPUT, Check
from regcore.config import Config
from regcore.execution.service import scheduler_for
from regcore.faults import FAULTS
from regcore.lessons.overfit_first import HEALTHY, LESSONS, sides, trained
from regcore.shift import ClassifierTest, FeatureTest, LabelTest, ResplitTest, Verdict
from regcore.shift_cases import SHOWN_DRAWS

APP = Path(__file__).parents[1] / "app.py"
TINY = {"data": "iris", "hidden": "8,8", "epochs": "3", "seeds": "2", "learning_rate": "0.01"}
PLACES = ("overfit_first", "overfit_first.capacity", "overfit_first.shift", "overfit_first.own_shift")


def open_page(**query):
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/overfit_first.py")
    for name, value in query.items():
        app.query_params[name] = value
    return finish(app.run())


def finish(app):
    """Wait for the runs under way, and let the page draw them."""
    for place in PLACES:
        name = f"lab.kept.{place}"
        if name in app.session_state and app.session_state[name]:
            app.session_state[name].run.wait(60)
    return app.run()


def pills(app, key):
    begins = re.compile(re.escape(key) + r"(\.[0-9]+)?$")
    (found,) = [widget for widget in app.button_group if begins.search(widget.key or "")]
    return found


def words(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def charts(app):
    """Return the text of each chart, by its key."""
    shown = [element.proto for element in app.get("plotly_chart")]
    return {re.search(r"overfit_first\.[a-z_]+$", chart.id)[0]: chart.alt for chart in shown}


def outcomes(app, column):
    """Return for each check whether it passes."""
    table = app.table[0].value
    names = [check.split("**")[1] for check in table["Check"]]
    return {name: shown.split(",")[0] for name, shown in zip(names, table[column], strict=True)}


@pytest.fixture(scope="module")
def arrived():
    return open_page()


def test_a_healthy_network_passes_every_check_on_arrival(arrived):
    assert not arrived.exception
    assert arrived.session_state["lab.config.Overfit first"] == LESSONS[0].config
    assert ":green[**This network can overfit:**] 6 of 6 checks pass." in words(arrived)
    assert set(outcomes(arrived, "Baseline").values()) == {"✓ passes"}


def test_the_network_itself_has_a_diagnosis_beside_its_checks(arrived):
    (found,) = [each.value for each in arrived.markdown if each.value.startswith("**Diagnosis:**")]

    assert "healthy" in found and "It learns" in found


def test_the_pictures_are_of_the_trainings_on_arrival(arrived):
    found = charts(arrived)

    assert found.keys() == {"overfit_first.batch", "overfit_first.shuffled"}
    assert "baseline ends at" in found["overfit_first.batch"]


def test_what_takes_longer_waits_for_its_button(arrived):
    labels = [button.label for button in arrived.main.button]

    assert {"Train eight widths", "Train 40 networks"} <= set(labels)
    assert "**Measured here:** Choose a split above and train, to see which." in words(arrived)


def test_breaking_it_trains_the_repaired_network_beside_it_and_names_the_check():
    app = open_page()

    pills(app, "fault").set_value("A dead layer").run()
    finish(app)

    assert not app.exception
    assert app.session_state["lab.config.Overfit first"] == LESSONS[0].config.replace(initializer="negative")
    assert outcomes(app, "Baseline") == dict.fromkeys(outcomes(app, "Baseline"), "✓ passes")
    assert outcomes(app, "This run") == {
        FIRST_LOSS: "✓ passes", ONE_BATCH: "✗ fails", THE_INPUT: "✗ fails", MEMORISED: "✗ fails",
        SHUFFLED: "✗ fails", CHANCE: "✓ passes",
    }  # fmt: skip
    assert "“A dead layer” is told by “The input matters”." in words(app)
    assert "- **The input matters** fails. Likely: layers not connected; or a coding error" in words(app)

    pills(app, "fault").set_value(None).run()

    assert app.session_state["lab.config.Overfit first"] == LESSONS[0].config


def test_a_fault_makes_way_for_the_next():
    app = open_page(**TINY)

    for fault in ("Two units wide", "Five epochs"):
        pills(app, "fault").set_value(fault).run()

    healthy = HEALTHY["iris"]
    assert app.session_state["lab.config.Overfit first"] == Config(
        data="iris", hidden=healthy.hidden, epochs=5, seeds=2, learning_rate=0.01
    )


def test_numbers_are_refused_in_one_sentence():
    app = open_page(data="sine")

    assert not app.exception
    assert [error.value for error in app.error] == ["data must be of classes for this checklist, got 'sine'"]


def test_eight_widths_are_trained_when_asked():
    app = open_page(**TINY)

    app.button(key="overfit_first.capacity.train").click().run()
    finish(app)

    assert not app.exception
    assert (
        "Data loss against units in each hidden layer, mean of 2 seeds"
        in charts(app)["overfit_first.capacity"]
    )


def test_a_split_is_tested_when_asked_and_another_one_at_once():
    app = open_page(**TINY)
    app.button(key="overfit_first.shift.train").click().run()
    finish(app)
    assert ":green[**Overfitting.**]" in words(app)
    assert app.table[1].value["Test"].tolist() == [
        "Re-split", "Kolmogorov-Smirnov", "Classifier", "Chi-squared",
    ]  # fmt: skip

    pills(app, "overfit_first.case").set_value("Covariate shift").run()
    finish(app)

    assert not app.exception
    assert ":red[**A different distribution.**]" in words(app)
    assert "Of the split chosen above: a different distribution" in words(app)

    (draw,) = [each for each in app.select_slider if each.key == "overfit_first.draw"]
    assert draw.value == SHOWN_DRAWS[0]
    tested = app.session_state["lab.kept.overfit_first.shift"].dataset.key
    draw.set_value(SHOWN_DRAWS[1]).run()
    assert app.session_state["lab.kept.overfit_first.shift"].dataset.key != tested

    pills(app, "overfit_first.case").set_value(story.OWN).run()

    assert "Iris, the rows of seed 0, and the network that is set above." in words(app)
    assert "Of the split chosen above" not in words(app)
    assert "overfit_first.resplits" not in charts(app)

    app.button(key="overfit_first.own_shift.train").click().run()
    finish(app)

    assert not app.exception
    tested = app.session_state["lab.kept.overfit_first.own_shift"]
    assert tested.dataset.name == "iris, re-split"
    assert tested.configs[story.SPLITS] == Config(
        data="iris", hidden=(8, 8), epochs=3, seeds=40, learning_rate=0.01
    )
    assert "Of the split chosen above: " in words(app)
    assert len(app.table) == 2


def test_another_network_has_to_ask_for_its_own_widths():
    app = open_page(**TINY)
    app.button(key="overfit_first.capacity.train").click().run()
    finish(app)

    pills(app, "fault").set_value("Five epochs").run()

    assert app.button(key="overfit_first.capacity.train").label == "Train eight widths"
    assert "overfit_first.capacity" not in charts(app)


def test_a_page_drawn_again_sends_nothing_to_the_workers(arrived, monkeypatch):
    def refuse(*_):
        raise AssertionError("something was sent to the workers")

    monkeypatch.setattr(scheduler_for(None), "submit", refuse)

    arrived.run()

    assert not arrived.exception
    assert len(charts(arrived)) == 2


def test_both_sides_are_there_only_where_one_is_broken():
    healthy = HEALTHY["digits"]

    assert sides(healthy.replace(l2=0.1)) == {"baseline": healthy}
    for fault in FAULTS:
        assert sides(fault.broken(healthy)) == {"baseline": healthy, "this run": fault.broken(healthy)}
    assert list(trained(healthy)) == [
        "baseline, the network", "baseline, initial", "baseline, one batch", "baseline, shuffled labels",
    ]  # fmt: skip


def test_the_table_has_numbers_bounds_and_seeds():
    check = Check("a", (0.01, 0.03), (0.025, 0.025), True, True, "what", "why")
    other = Check("b", (1.0, 3.0), (2.5, 2.5), False, False, "what", "why")

    table = story.table_of({"baseline": (check, other)}, ["baseline"])

    assert [{head: text.replace("\u00a0", " ") for head, text in row.items()} for row in table] == [
        {"Check": "**a**: what", "Asked for": "at most 2.5 %", "Baseline": "✓ passes, 2.0 % (1 of 2)"},
        {"Check": "**b**: what", "Asked for": "at least 2.500", "Baseline": "✗ fails, 2.000 (1 of 2)"},
    ]
    assert "2.5\u00a0%" in table[0]["Asked for"], "a number and its sign stay on one line"
    assert "(1\u00a0of\u00a02)" in table[0]["Baseline"]


def test_a_fault_is_said_to_be_told_only_where_its_check_fails():
    good = Check(MEMORISED, (0.0,), (0.01,), True, True, "what", "why")
    bad, other = good._replace(values=(0.5,)), good._replace(name=SHUFFLED, values=(0.5,))
    (wide,) = (fault for fault in FAULTS if fault.name == "Two units wide")

    assert story.answer_in_words((good,), None) == ":green[**This network can overfit:**] 1 of 1 checks pass."
    assert story.answer_in_words((bad, other), wide) == (
        f":red[**2 of 2 checks fail:**] “{MEMORISED}”, “{SHUFFLED}”. “Two units wide” is told by "
        f"“{MEMORISED}”."
    )
    assert story.answer_in_words((good, other), wide) == (
        f":red[**1 of 2 checks fail:**] “{SHUFFLED}”. “{MEMORISED}” is to tell “Two units wide”, and passes "
        "here."
    )


def test_the_tests_are_held_against_their_own_levels():
    found = Verdict(
        "overfitting", ResplitTest(0.5, (0.4,) * 39, (0.1, 0.2)), FeatureTest((0.2, 0.1), (0.01, 0.9)),
        ClassifierTest(0.51, 800, 0.3), LabelTest(12.5, 0.00001),
    )  # fmt: skip

    table = story.tests_table(found)

    assert [row["Found"].split(", ")[1] for row in table] == [
        "p = 0.025", "p = 0.02", "p = 0.3", "p < 0.0001",
    ]  # fmt: skip
    assert [row["Different"] for row in table] == [
        "yes (p up to 0.025)", "no (p up to 0.0083)", "no (p up to 0.0083)", "yes (p up to 0.0083)",
    ]  # fmt: skip
