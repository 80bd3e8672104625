"""The bench of the app: its arithmetic, and how its visitor reads what a server sends. No time asserted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from regcore.bench import app, visitor
from regcore.bench.app import ARRIVAL, FINISHED, FIRST, LINK, MOVE, NOTHING, PATIENCE, Curve, Measured, Rerun
from regcore.bench.contenders import Speed
from regcore.bench.speed import ARTICLE
from regcore.bench.visitor import Answer, Figure, Visitor
from regcore.errors import RegcoreError

ROOT = Path(__file__).parent.parent


def figure(description="", seconds=1.0, n_bytes=1000, is_repeated=False):
    return Figure(seconds, n_bytes, description, is_repeated)


def curves_of(run, n_networks, n_epochs, seconds=1.0):
    """Return a figure that says of itself what figures of curves say."""
    return figure(
        f"{run}, data loss, median of {n_networks} networks: after {n_epochs} epochs 1.2 on train.", seconds
    )


# --- arithmetic --------------------------------------------------------------------------------------------

# Keras: 10 network-epochs a second with dropout, 20 without.
FIT = {"baseline": [Speed(20, 1.0, 1.0)] * 2, "this run": [Speed(10, 1.0, 1.0)] * 2}


def measured(first=0.5, own=0.05, repeated=0):
    rerun = Rerun(own, 20_000, 2, repeated, 5_000 * repeated)
    return Measured(
        curves={
            (ARRIVAL, FIRST): [Curve(first, {"baseline": 200, "this run": 200})] * 2,
            (MOVE, FINISHED): [Curve(1.0, {"this run": 800})] * 2,
        },
        fit=FIT,
        growing=[Rerun(9.0, 300_000, 12, 0, 0)],
        reruns={
            ("moons", NOTHING): [rerun, rerun],
            ("moons", PATIENCE): [Rerun(0.09, 1000, 1, 0, 0)] * 2,
            ("moons", LINK): [Rerun(5.0, 1000, 1, 7, 0)] * 2,
        },
    )


def test_a_curve_is_held_against_what_keras_needs_for_all_that_was_trained_for_it():
    curve = Curve(0.5, {"baseline": 200, "this run": 200})

    assert app.fit_seconds(curve, {name: speeds[0] for name, speeds in FIT.items()}) == 200 / 20 + 200 / 10
    assert app.ratios([curve, curve], FIT) == [60.0, 60.0]


def test_epochs_are_those_that_were_shown_when_a_figure_came():
    first = curves_of("this run", 8, 5)
    figures = [
        curves_of("baseline", 8, 7),
        first,
        curves_of("baseline", 8, 100),
        curves_of("this run", 8, 100),
    ]

    assert app.network_epochs(figures, first, ("baseline", "this run")) == {"baseline": 56, "this run": 40}
    assert app.network_epochs(figures, first, ("this run",)) == {"this run": 40}


def test_a_figure_of_something_else_shows_no_epochs():
    assert figure("this run: nothing recorded yet.").network_epochs_of("this run") == 0
    assert curves_of("baseline", 8, 5).network_epochs_of("this run") == 0


def test_figures_that_were_sent_twice_are_counted_with_their_bytes():
    answer = Answer(0.1, 9_000, 30, [figure(n_bytes=4_000), figure(n_bytes=3_000, is_repeated=True)])

    assert app.sent(answer) == Rerun(0.1, 9_000, 2, 1, 3_000)


def test_targets_of_the_app_are_met():
    claims = app.claims(measured())

    assert [claim.holds for claim in claims] == [True] * 5
    assert claims[0].measured == "60.0 times, 60.0 to 60.0, after 0.50 s"
    assert claims[2].measured == "90 ms at most, on moons with patience moved"


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"first": 1.0}, "first curve when a link is opened: at least 50 times as fast as Keras fit"),
        ({"own": 0.1}, "own work of a rerun below 100 ms"),
        ({"repeated": 1}, "a rerun sends no figure that has not changed"),
    ],
)
def test_a_target_of_the_app_is_missed(changed, missed):
    claims = app.claims(measured(**changed))

    assert [claim.text for claim in claims if not claim.holds] == [missed]


def test_tables_have_medians_and_what_was_sent_twice():
    curves = app.curves_table(measured().curves, FIT).json()["rows"]
    reruns = app.reruns_table(measured(repeated=1).reruns, measured().growing).json()["rows"]

    assert (curves[0]["network_epochs"], curves[0]["fit_seconds"], curves[0]["ratio"]) == (400, 30.0, 60.0)
    assert (reruns[0]["milliseconds"], reruns[0]["kb"], reruns[0]["repeated"], reruns[0]["repeated_kb"]) == (
        50.0, 20.0, 2, 10.0,
    )  # fmt: skip
    assert (reruns[-1]["moved"], reruns[-1]["milliseconds"], reruns[-1]["figures"]) == (
        "a run grows",
        None,
        12,
    )


def test_keras_trains_what_the_app_trains():
    run, others = app.RUN, app.settings_of_keras()

    for name, config in {"baseline": run.plain(), "this run": run}.items():
        setting = others[name]
        assert (config.n_train, config.n_val, config.hidden) == (
            setting.n_train,
            setting.n_val,
            setting.hidden,
        )
        assert (config.dropout_input, config.dropout_hidden, config.l2) == (
            setting.dropout_input, setting.dropout_hidden, setting.l2,
        )  # fmt: skip
    assert run == ARTICLE.replace(seeds=run.seeds)


def test_streamlit_is_loaded_by_the_bench_that_needs_it_alone():
    code = "import sys, regcore.bench.__main__; print({'streamlit', 'websockets'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# --- the visitor -------------------------------------------------------------------------------------------


class Server:
    """What a visitor is connected to: it answers each question with the messages that are next."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.waiting = []
        self.asked = []

    def send(self, payload):
        self.asked.append(BackMsg.FromString(payload).rerun_script)
        self.waiting += self.answers.pop(0) if self.answers else []

    def recv(self, timeout):
        if not self.waiting:
            raise TimeoutError
        return self.waiting.pop(0).SerializeToString()

    def close(self):
        pass


@pytest.fixture
def visit(monkeypatch):
    """Return a function that starts a visit of a server that gives these answers."""

    def started(*answers):
        server = Server(*answers)
        monkeypatch.setattr(visitor, "Wire", lambda *_, **__: server)
        monkeypatch.setattr(visitor, "PATIENCE_SECONDS", 1.0)
        return Visitor("127.0.0.1:1", "lab"), server

    return started


def message(fragments=(), path=(), fragment="", **fields):
    made = ForwardMsg()
    for name, value in fields.items():
        if isinstance(value, (str, int)):
            setattr(made, name, value)
        else:
            getattr(made, name).CopyFrom(value)
    made.metadata.run.fragment_ids.extend(fragments)
    made.metadata.delta_path.extend(path)
    if fragment:
        made.delta.fragment_id = fragment
    return made


def begins(*fragments, kept_runs=0):
    made = message(fragments)
    made.new_session.name = "app"
    made.new_session.config.max_cached_message_age = kept_runs
    return made


def ends(*fragments):
    status = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY if fragments else ForwardMsg.FINISHED_SUCCESSFULLY
    return message(fragments, script_finished=status)


def chart(content, path=(0, 1), hash_of_it="", fragment=""):
    made = message(path=path, fragment=fragment)
    made.delta.new_element.plotly_chart.spec = json.dumps({"layout": {"meta": {"description": content}}})
    made.hash, made.metadata.cacheable = hash_of_it, bool(hash_of_it)
    return made


def slider(name, *steps, turn=0):
    made = message(path=(0, 0))
    made.delta.new_element.slider.id = f"$$ID-0f-lab.widget.{name}.{turn}"
    made.delta.new_element.slider.options.extend(steps)
    return made


def fold(key, is_popover=False):
    made = message(path=(0, 1))
    block = made.delta.add_block.popover if is_popover else made.delta.add_block.expandable
    block.id = f"$$ID-0f-{key}"
    return made


def timer(fragment, interval=0.01):
    made = message()
    made.auto_rerun.fragment_id, made.auto_rerun.interval = fragment, interval
    return made


def on_page(page_hash, **pages):
    """Return what says which page is shown, and which there are: path -> hash."""
    made = message()
    made.navigation.page_script_hash = page_hash
    for path, its_hash in pages.items():
        made.navigation.app_pages.add(url_pathname=path, page_script_hash=its_hash)
    return made


def refused(sentence):
    made = message(path=(0, 3))
    made.delta.new_element.alert.body = sentence
    made.delta.new_element.alert.format = Alert.ERROR
    return made


def repeated(answer):
    return [(each.description, each.is_repeated) for each in answer.figures]


def test_a_figure_that_is_sent_again_is_noticed(visit):
    first = [begins(), chart("A"), ends()]
    then = [begins(), chart("A"), chart("B", path=(0, 2)), ends()]
    visitor_, _ = visit(first, then)

    assert repeated(visitor_.open("l2=0.1")) == [("A", False)]
    assert repeated(visitor_.rerun()) == [("A", True), ("B", False)]


def test_a_figure_that_had_left_the_page_is_no_repetition(visit):
    gone = [begins(), ends()]
    visitor_, _ = visit([begins(), chart("A"), ends()], gone, [begins(), chart("A"), ends()])
    visitor_.open("")
    visitor_.rerun()

    assert repeated(visitor_.rerun()) == [("A", False)]


def test_kept_messages_are_named_and_what_they_show_stays_on_the_page(visit):
    by_hash = message(path=(0, 1), ref_hash="h")
    visitor_, server = visit(
        [begins(), chart("A", hash_of_it="h"), ends()],
        [begins(), by_hash, ends()],
        [begins(), chart("A"), ends()],
    )
    visitor_.open("")

    assert repeated(visitor_.rerun()) == []
    assert list(server.asked[1].cached_message_hashes) == ["h"]
    assert repeated(visitor_.rerun()) == [("A", True)]


def test_messages_that_were_not_seen_for_long_are_dropped(visit):
    empty = [begins(), ends()]
    visitor_, server = visit([begins(), chart("A", hash_of_it="h"), ends()], empty, empty, empty)
    visitor_.open("")
    for _ in range(3):
        visitor_.rerun()

    assert [list(asked.cached_message_hashes) for asked in server.asked] == [[], ["h"], ["h"], []]


def test_a_page_is_asked_for_by_name_and_then_by_its_hash(visit):
    visitor_, server = visit([begins(), on_page("7f"), ends()], [begins(), ends()])
    visitor_.open("l2=0.1")
    visitor_.rerun()

    assert [(asked.page_name, asked.page_script_hash) for asked in server.asked] == [("lab", ""), ("", "7f")]
    assert server.asked[0].query_string == "l2=0.1"


def test_the_address_that_the_server_writes_is_sent_back(visit):
    written = message()
    written.page_info_changed.query_string = "l2=0.2"
    visitor_, server = visit([begins(), written, ends()], [begins(), ends()])
    visitor_.open("l2=0.1")
    visitor_.rerun()

    assert server.asked[1].query_string == "l2=0.2"


def test_a_slider_is_moved_to_a_step_and_stays_there(visit):
    visitor_, server = visit(
        [begins(), slider("l2", "off", "0.1", turn=3), ends()], [begins(), ends()], [begins(), ends()]
    )
    visitor_.open("")
    assert visitor_.options("l2") == ["off", "0.1"]

    visitor_.move("l2", "0.1")
    visitor_.rerun()

    for asked in server.asked[1:]:
        (state,) = asked.widget_states.widgets
        assert (state.id, list(state.string_array_value.data)) == ("$$ID-0f-lab.widget.l2.3", ["0.1"])


def test_a_slider_that_is_not_there_is_one_sentence(visit):
    visitor_, _ = visit([begins(), ends()])
    visitor_.open("")

    with pytest.raises(RegcoreError, match="no slider of 'l2'"):
        visitor_.move("l2", "0.1")


def test_timers_are_followed_until_the_whole_page_runs_without_them(visit):
    part = [begins("f"), chart("A", fragment="f"), ends("f")]
    last = [
        begins("f"),
        message(script_finished=ForwardMsg.FINISHED_EARLY_FOR_RERUN),
        begins(),
        chart("B"),
        ends(),
    ]
    visitor_, server = visit([begins(), timer("f"), ends()], part, last)
    visitor_.open("")

    assert repeated(visitor_.settle()) == [("A", False), ("B", False)]
    assert [(asked.fragment_id, asked.is_auto_rerun) for asked in server.asked] == [
        ("", False), ("f", True), ("f", True),
    ]  # fmt: skip


def test_the_end_of_a_part_is_not_the_end_of_the_page(visit):
    visitor_, _ = visit([begins("f"), ends("f"), begins(), chart("A"), ends()])

    assert repeated(visitor_.open("")) == [("A", False)]


def test_the_first_figure_of_a_kind_is_waited_for(visit):
    visitor_, _ = visit(
        [begins(), timer("f"), ends()], [begins("f"), chart("A"), chart("B", path=(1,)), ends("f")]
    )
    visitor_.open("")

    assert visitor_.wait_for(lambda found: found.description == "B").description == "B"


def test_what_never_comes_is_one_sentence(visit):
    visitor_, _ = visit([begins(), ends()])
    visitor_.open("")

    with pytest.raises(RegcoreError, match="did not do what was waited for"):
        visitor_.wait_for(lambda found: True)


def test_a_page_that_fails_is_one_sentence(visit):
    failed = message(path=(0,))
    failed.delta.new_element.exception.type, failed.delta.new_element.exception.message = "KeyError", "'l2'"
    visitor_, _ = visit([begins(), failed, ends()])

    with pytest.raises(RegcoreError, match="the page failed: KeyError 'l2'"):
        visitor_.open("")


def test_messages_are_kept_for_as_long_as_the_server_says(visit):
    first = [begins(kept_runs=9), chart("A", hash_of_it="h"), ends()]
    visitor_, server = visit(first, *[[begins(kept_runs=9), ends()]] * 3)
    visitor_.open("")
    for _ in range(3):
        visitor_.rerun()

    assert list(server.asked[3].cached_message_hashes) == ["h"]


def test_a_message_that_was_dropped_is_one_sentence(visit):
    visitor_, _ = visit([begins(), message(path=(0, 1), ref_hash="h"), ends()])

    with pytest.raises(RegcoreError, match="by its hash what the page has dropped"):
        visitor_.open("")


def test_another_page_is_turned_to_with_nothing_of_the_one_before(visit):
    pages = {"lab": "7f", "dropout": "8a"}
    visitor_, server = visit(
        [begins(), on_page("7f", **pages), slider("l2", "off", "0.1"), chart("A"), ends()],
        [begins(), ends()],
        [begins(), on_page("8a", **pages), ends()],
    )
    visitor_.open("l2=0.1")
    visitor_.move("l2", "0.1")
    visitor_.turn_to("dropout")

    asked = server.asked[2]
    assert (asked.page_script_hash, asked.query_string, len(asked.widget_states.widgets)) == ("8a", "", 0)
    with pytest.raises(RegcoreError, match="no slider of 'l2'"):
        visitor_.move("l2", "off")


def test_a_page_that_is_not_there_is_one_sentence(visit):
    visitor_, _ = visit([begins(), on_page("7f", lab="7f"), ends()])
    visitor_.open("")

    with pytest.raises(RegcoreError, match="no page 'dropout'"):
        visitor_.turn_to("dropout")


def test_the_end_of_what_is_under_way_is_waited_for(visit):
    curves = "this run, data loss, median of 5 networks: after {} epochs."
    visitor_, _ = visit(
        [begins(), timer("f"), chart(curves.format(10)), ends()],
        [begins("f"), message(script_finished=ForwardMsg.FINISHED_EARLY_FOR_RERUN), begins()]
        + [chart(curves.format(50)), ends()],
    )
    answer = visitor_.open("")
    assert visitor_.is_polled
    assert (visitor_.drawn("this run"), answer.finished) == (5 * 10, None)

    assert visitor_.finish().finished is not None
    assert not visitor_.is_polled
    assert (visitor_.drawn("this run"), visitor_.drawn("baseline")) == (250, 0)


def test_what_the_server_asks_for_is_answered_while_nothing_is_moved(visit):
    visitor_, server = visit([begins(), timer("f"), ends()], [begins("f"), ends("f")])
    visitor_.open("")
    visitor_.rest(0.05)

    assert any(asked.is_auto_rerun for asked in server.asked)


def test_a_box_for_errors_is_noted(visit):
    visitor_, _ = visit([begins(), refused("A worker died."), ends()])

    assert visitor_.open("").refusals == ["A worker died."]


def test_a_knob_that_made_way_for_a_new_one_is_not_sent_any_more(visit):
    visitor_, server = visit(
        [begins(), slider("l2", "off", "0.1"), ends()],
        [begins(), slider("l2", "off", "0.1", turn=1), ends()],
        [begins(), ends()],
    )
    visitor_.open("")
    visitor_.move("l2", "0.1")
    visitor_.rerun()

    assert len(server.asked[2].widget_states.widgets) == 0


@pytest.mark.parametrize("is_popover", [True, False])
def test_what_is_folded_away_is_opened_and_stays_open(is_popover, visit):
    closed = [begins(), fold("lab-more", is_popover), ends()]
    opened = [begins(), fold("lab-more", is_popover), slider("max_norm", "off", "1"), ends()]
    visitor_, server = visit(closed, opened, opened)

    visitor_.open("l2=0.1")
    assert not visitor_.has_slider("max_norm")
    visitor_.unfold("lab-more")
    assert visitor_.has_slider("max_norm")
    visitor_.move("max_norm", "1")

    moved = [{each.id: each.bool_value for each in asked.widget_states.widgets} for asked in server.asked]
    assert [states.get("$$ID-0f-lab-more") for states in moved] == [None, True, True]


def test_what_is_not_there_cannot_be_opened(visit):
    visitor_, _ = visit([begins(), ends()])
    visitor_.open("l2=0.1")

    with pytest.raises(RegcoreError, match="nothing folded away as 'lab-more'"):
        visitor_.unfold("lab-more")
