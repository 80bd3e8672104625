"""The page on ablation: all of it from one run, what is asked for first, and what is said of each part."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import ablation_story as story
from pages.ui import take_away
from regcore import ablation
from regcore.ablation import ablation_of, configurations
from regcore.config import Config
from regcore.execution.service import scheduler_for
from regcore.lessons.ablation import LESSONS, trained

APP = Path(__file__).parents[1] / "app.py"
TINY = {"data": "digits", "n_train": "40", "n_val": "30", "label_noise": "0.3", "hidden": "4", "epochs": "3",
        "seeds": "2"}  # fmt: skip
FOUR = {**TINY, "shift": "1", "l2": "0.01", "patience": "2", "dropout_hidden": "0.5"}


def open_page(**query):
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/ablation.py")
    for name, value in query.items():
        app.query_params[name] = value
    return finish(app.run())


def finish(app, place="ablation"):
    """Wait for the run under way, if there is one, and let the page draw it."""
    if f"lab.kept.{place}" not in app.session_state:
        return app
    app.session_state[f"lab.kept.{place}"].run.wait(60)
    return app.run()


def knob(app, widgets, name):
    begins = re.compile(re.escape(f"lab.widget.{name}.") + "[0-9]+$")
    (found,) = [widget for widget in getattr(app, widgets) if begins.match(widget.key or "")]
    return found


def charts(app):
    return [element.proto.alt for element in app.get("plotly_chart")]


def words(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def tables(app):
    return [element.value for element in app.table]


def steps_trained():
    return scheduler_for().steps_submitted


@pytest.fixture(scope="module")
def shared():
    return open_page(**FOUR, members="2")


def test_all_of_it_comes_from_one_run(shared):
    assert not shared.exception
    waterfall, parts = charts(shared)[0], charts(shared)[-1]
    assert waterfall.startswith("Validation error, one part after another, 2 seeds: none: ")
    assert [f"+ {part}: " in waterfall for part in ("augmentation", "L2", "dropout", "ensemble")] == [
        True
    ] * 4
    assert waterfall.endswith("Noisy labels allow 27.0 % on average.")
    assert parts.startswith(
        "Change of the validation error by each part. augmentation, alone, against none: "
    )
    assert len(charts(shared)) == 1 + 2 + 1


def test_the_answer_says_what_all_parts_do(shared):
    said = next(
        element.value for element in shared.markdown if element.value.startswith("All parts together")
    )
    assert "the validation error" in said


def test_the_table_has_every_role_with_a_bar_for_each_seed(shared):
    table = tables(shared)[-1]

    assert list(table["Run"]) == [
        "none",
        "augmentation alone", "L2 alone", "early stopping alone", "dropout alone", "ensemble alone",
        "… + augmentation", "… + L2", "… + early stopping", "… + dropout", "… + ensemble",
        "all but augmentation", "all but L2", "all but early stopping", "all but dropout", "all but ensemble",
        "all",
    ]  # fmt: skip
    assert list(table.columns) == [
        "Run", "Error, %", "Difference (95 %)", "Each seed", "Verdict", "Epochs",
    ]  # fmt: skip
    assert table["Each seed"][1].startswith("![lower on ")
    assert table["Epochs"][0] == "3"
    assert "14 configurations on 2 seeds, read off 26 trainings" in words(shared)


def test_moving_patience_trains_nothing(shared):
    before = steps_trained()

    knob(shared, "select_slider", "patience").set_value(1).run()

    assert not shared.exception
    assert steps_trained() == before
    assert shared.query_params["patience"] == "1"
    assert "Read off the recording: nothing was trained again." in words(shared)


def test_nothing_on_has_nothing_to_take_apart():
    app = open_page(**TINY)

    assert not app.exception
    assert "Nothing to take apart: every regularizer is off." in words(app)
    assert story.NOTHING_ON in words(app)
    assert not any("one part after another" in text for text in charts(app))


def test_one_part_is_told_alone():
    app = open_page(**TINY, l2="0.01")

    assert not app.exception
    assert any(element.value.startswith("L2 alone ") for element in app.markdown)
    assert list(tables(app)[-1]["Run"]) == ["none", "L2 alone"]
    assert ": none: " in charts(app)[0] and "; + L2: " in charts(app)[0] and "; with L2: " in charts(app)[0]


def test_what_is_taken_away_is_an_ablation(monkeypatch):
    made, cards = [], []
    monkeypatch.setattr(take_away, "report", lambda results, **of: made.append(of["ablation"]))
    monkeypatch.setattr(take_away, "_card", lambda taken, checklist: cards.append(taken))
    app = open_page(**TINY, l2="0.01")
    app.session_state[take_away.FOLDED] = True
    app.run()
    cards[-1].report()

    assert [found.parts for found in made] == [("L2",)]


def test_a_number_is_told_in_its_own_units():
    app = open_page(data="sine", hidden="4", epochs="3", seeds="2", l2="0.01", dropout_hidden="0.5")

    assert not app.exception
    assert charts(app)[0].startswith("Validation mean absolute error, one part after another")
    assert "Mean absolute error" in tables(app)[-1].columns


def test_one_seed_cannot_tell():
    app = open_page(**{**FOUR, "seeds": "1"})

    assert not app.exception
    assert "One seed cannot tell." in words(app)
    assert list(tables(app)[-1]["Verdict"])[1] == "one seed cannot tell"


def test_a_large_set_is_trained_when_asked(monkeypatch):
    monkeypatch.setattr(story, "AT_ONCE", 0.0)
    before = steps_trained()
    app = open_page(**{**FOUR, "seed": "50"})

    assert not app.exception
    assert steps_trained() == before
    button = app.button(key="ablation.train")
    assert button.label == "Train 16 networks"
    assert "times the work of the first experiment; while it trains, the time left is told" in words(app)

    button.click().run()
    finish(app)

    assert not app.exception
    assert steps_trained() > before
    assert charts(app)[0].startswith("Validation error, one part after another")

    # Patience is none of what is trained, so it asks for nothing.
    knob(app, "select_slider", "patience").set_value(1).run()
    assert charts(app)[0].startswith("Validation error, one part after another")

    knob(app, "select_slider", "dropout_hidden").set_value(0.2).run()
    assert app.button(key="ablation.train").label == "Train 16 networks"


def test_the_learning_curve_is_trained_when_asked():
    app = open_page(**TINY, l2="0.01", members="2")
    app.button(key="ablation.curve.train").click().run()
    finish(app, "ablation.curve")

    assert not app.exception
    (text,) = [text for text in charts(app) if text.startswith("Validation error against training rows")]
    assert "With all parts: " in text
    assert "At 40 rows, the whole set" in words(app)


def test_the_first_experiment_is_trained_on_arrival_and_the_wide_one_when_asked():
    first, wide = LESSONS[0].config, LESSONS[1].config

    assert ablation.n_networks(trained(first)) == 72
    work = ablation.work_of(trained(first))
    assert ablation.work_of(trained(wide)) > story.AT_ONCE * work
    assert all(ablation.work_of(trained(lesson.config)) <= work for lesson in LESSONS[2:])


def test_words_of_the_prose_set_knobs(shared):
    shared.button(key="set-l2-0-05").click().run()

    assert shared.session_state["lab.config.Ablation"].l2 == 0.05


def test_a_row_without_a_difference_has_dashes():
    values = {"none": {0: 0.5, 1: 0.6}, "L2": {}}
    found = ablation_of(Config(l2=0.1), values, {"none": 5.0, "L2": float("nan")}, "error")

    (_, row) = story.in_table(found)
    assert (row["Difference (95 %)"], row["Each seed"], row["Verdict"]) == ("–", "–", "–")
    assert set(configurations(Config(l2=0.1))) == set(values)
