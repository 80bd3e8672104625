"""The page on L2: every strength at once, a cursor that trains nothing, and pictures of a real training."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import take_away
from regcore.config import Config
from regcore.execution.service import scheduler_for
from regcore.export.keras_script import keras_script
from regcore.lessons import l2

APP = Path(__file__).parents[1] / "app.py"
TINY = {"data": "digits", "n_train": "60", "n_val": "40", "hidden": "8", "epochs": "6", "seeds": "2"}


def open_page(**query):
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/l2.py")
    for name, value in {**TINY, **query}.items():
        app.query_params[name] = value
    return finish(app.run())


def finish(app):
    """Wait for the runs under way, and let the page draw them."""
    for place in ("l2", "l2.mechanism", "l2.decoupled"):
        name = f"lab.kept.{place}"
        if name in app.session_state and app.session_state[name]:
            app.session_state[name].run.wait(60)
    return app.run()


def cancel(app):
    """Cancel the runs of a test that does not look at them: the next one counts steps."""
    for place in ("l2", "l2.mechanism"):
        app.session_state[f"lab.kept.{place}"].run.cancel()


def knob(app, widgets, name):
    """Return a widget of the page, whose key begins with that of its name."""
    begins = re.compile(re.escape(f"lab.widget.{name}.") + "[0-9]+$")
    (found,) = [widget for widget in getattr(app, widgets) if begins.match(widget.key or "")]
    return found


def words(app):
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def charts(app):
    """Return the text of each chart, by its key."""
    shown = [element.proto for element in app.get("plotly_chart")]
    return {re.search(r"(l2\.[a-z_]+|cards\.curves\..*)$", chart.id)[0]: chart.alt for chart in shown}


def config_of(app):
    return app.session_state["lab.config.L2"]


@pytest.fixture
def page():
    return open_page(l2="0.01")


def test_every_picture_has_its_numbers(page):
    assert not page.exception
    texts = charts(page)
    assert texts["l2.validation_curve"].startswith("error (fraction) against l2, mean of 2 seeds: train ")
    assert texts["l2.norms"].startswith("Norm of the penalised weights after 6 epochs, median of 2 networks")
    assert texts["l2.histogram"].startswith("Penalised weights by size after epoch 6. baseline: ")
    assert texts["l2.contours"].startswith("Theory, two weights")
    assert texts["l2.penalty"].startswith("this run, median of 2 networks after 6 epochs: data loss on train")
    assert "The cursor is at 0.01. off, with the weights it keeps" in texts["l2.boundaries"]
    assert "SGD, L2: 0.99000 to 0.99000 a step, 81.8% left" in texts["l2.decay"]
    assert "Adam, decoupled (AdamW): 0.99000 to 0.99000 a step" in texts["l2.decay"]
    assert texts["l2.adam"].startswith("What the first epoch of Adam took off")


def test_the_answer_has_the_verdict_and_both_choices(page):
    assert re.search("This run (is .* than|and) the baseline", words(page))
    assert re.search(r"Of 8 values of l2, validation is lowest at \*\*[0-9.]+\*\*", words(page))


@pytest.mark.parametrize("value", [0.1, 0.0])
def test_moving_the_cursor_trains_nothing(page, value):
    before, shown = scheduler_for().steps_submitted, charts(page)

    knob(page, "select_slider", "l2").set_value(value).run()

    assert not page.exception
    assert config_of(page).l2 == value
    assert scheduler_for().steps_submitted == before
    after = charts(page)
    assert after["l2.norms"] != shown["l2.norms"]
    assert after["l2.boundaries"] != shown["l2.boundaries"]
    assert after["l2.contours"] != shown["l2.contours"]


def test_words_of_the_prose_move_the_cursor_and_train_nothing(page):
    before = scheduler_for().steps_submitted

    page.button(key="set-l2-0-3-weight-decay-0").click().run()

    assert config_of(page).l2 == 0.3
    assert scheduler_for().steps_submitted == before
    assert "This run**: L2 0.3" in words(page)


def test_an_experiment_brings_its_settings_and_says_what_to_look_for(page):
    knob(page, "button_group", "lesson").set_value("Decoupled, the same strength").run()

    assert config_of(page) == l2.LESSONS[3].config
    assert "**Look for:** The error stays close to that of the baseline" in words(page)
    cancel(page)


def test_both_kinds_on_one_axis_are_trained_when_asked_for(page):
    assert "l2.both_kinds" not in charts(page)

    finish(page.button(key="l2.decoupled.wanted").click().run())

    assert not page.exception
    assert "decoupled, validation" in charts(page)["l2.both_kinds"]
    before = scheduler_for().steps_submitted
    knob(page, "select_slider", "l2").set_value(0.0).run()
    knob(page, "select_slider", "weight_decay").set_value(2.0).run()
    finish(page)
    assert config_of(page).weight_decay == 2.0
    assert "decay 2" in charts(page)["l2.norms"]
    # Two seeds of 12 steps: in its sweep the weights were not recorded.
    assert scheduler_for().steps_submitted - before == 2 * 12


def test_loss_instead_of_error(page):
    page.button_group(key="l2.metric").set_value("Loss").run()
    assert charts(page)["l2.validation_curve"].startswith("data loss against l2")


def test_a_value_of_ones_own_is_trained_beside_the_sweep():
    app = open_page(l2="0.02")
    assert not app.exception
    assert "The cursor is at 0.02." in charts(app)["l2.norms"]
    # Pictures that are trained for the values of the sweep alone have the nearest one.
    assert "At l2 0.03 and weight decay 0.06" in words(app)


def test_the_article_is_held_against_what_was_measured(page):
    assert "were the same to the last bit after an epoch of Adam without a penalty" in words(page)
    counts = re.search(r"Of ([0-9,]+) weights of pixels .* image, ([0-9,]+) were the same", words(page))
    assert counts[1] == counts[2]
    assert "SGD multiplied them by 0.9900 in each step" in words(page)
    assert "Without a penalty their norm ends at " in words(page)


def test_the_first_step_is_its_closed_form(page):
    (table,) = [each.value for each in page.table if "Adam, L2" in each.value]
    for kind in ("Adam, L2", "AdamW"):
        measured, theory = zip(*(re.findall(r"[0-9.]+", cell) for cell in table[kind]), strict=True)
        assert list(map(float, measured)) == pytest.approx(list(map(float, theory)), abs=2e-4)


def test_the_keras_code_has_the_penalty_at_the_cursor(page):
    page.session_state[take_away.FOLDED] = True
    code = next(code for code in page.run().code if "import keras" in code.value)
    assert code.value.strip() == keras_script(config_of(page)).strip()
    assert "L2 = 0.01" in code.value


def test_a_penalty_by_other_names(page):
    page.selectbox(key="l2.convention").set_value("ridge")
    page.number_input(key="l2.value").set_value(4.0)
    page.number_input(key="l2.rows").set_value(400).run()

    (table,) = [each.value for each in page.table if "Convention" in each.value]
    assert table["Value"].tolist() == ["0.01", "0.01", "0.02", "4", "0.02"]


@pytest.mark.parametrize(
    "query",
    [
        {"data": "diabetes", "l2": "0.1"},
        {"optimizer": "sgd", "l2": "0.1"},
        {"l2": "0.1", "weight_decay": "0.5"},
        {"hidden": "none"},
        {"initializer": "zeros", "l2": "0.01"},
        {"dropout_hidden": "0.5", "l2": "0.01"},
        {"learning_rate": "10", "optimizer": "sgd", "l2": "0.3"},
    ],
    ids=lambda query: "&".join(f"{name}={value}" for name, value in query.items()),
)
def test_whatever_else_is_set(query):
    app = open_page(**query)
    assert not app.exception
    assert not app.error
    assert "l2.validation_curve" in charts(app)


def test_it_begins_where_l2_helps():
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/l2.py").run()
    assert config_of(app) == l2.LESSONS[0].config == Config(
        data="digits", label_noise=0.3, epochs=30, seeds=4, l2=0.01
    )  # fmt: skip
    cancel(app)
