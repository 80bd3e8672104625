"""The arithmetic of the bench's tables, its command line, and one tiny real run. No time is asserted."""

import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from regcore.bench import __main__ as command
from regcore.bench import contenders, effects, speed, speed_tables
from regcore.bench.contenders import Setting, Speed
from regcore.bench.report import Claim, Column, Processor, ProgressLine, Report, Table
from regcore.bench.seeds import FIRST_SEED
from regcore.config import Config
from regcore.errors import WorkerError

ROOT = Path(__file__).parent.parent


def speeds(*rates: float, cpu: float = 1.0) -> list[Speed]:
    """Return one speed a round: so many network-epochs in a second."""
    return [Speed(rate, 1.0, cpu) for rate in rates]


SIDE_BY_SIDE = {
    "lab": speeds(800, 1000, 900),
    "fit": speeds(10, 8, 9),
    "tuned": speeds(80, 50, 60),
    "lab without dropout": speeds(1200, 1200, 1200),
    "scikit-learn": speeds(100, 150, 120),
    "products": speeds(2000, 2000, 2000),
    "products of steps": speeds(4000, 4000, 4000),
}

WORKERS = {
    (16, 1): speeds(500, 500),
    (16, 2): speeds(700, 800),
    (32, 1): speeds(500, 500),
    (32, 2): speeds(900, 1000),
}

# Four seeds; differences to none of -10, -12, -14 and -16 for dropout, say.
ERRORS = {
    "none": [20.0, 22.0, 24.0, 26.0],
    "L2 1e-3": [20.0, 23.0, 23.0, 25.0],
    "ensemble of 5": [19.0, 21.0, 23.0, 25.5],
    "mixup 1": [18.0, 20.0, 22.0, 25.0],
    "jitter .2": [15.0, 16.0, 19.0, 20.0],
    "shift 1 px": [14.0, 15.0, 15.0, 18.0],
    "early stop, patience 10": [11.0, 11.0, 10.0, 12.0],
    "dropout .2/.5": [10.0, 10.0, 10.0, 10.0],
    "shift + dropout": [9.0, 9.0, 8.0, 8.0],
    "ensemble of 5 of those": [8.0, 8.0, 7.0, 8.0],
}


def rows_of(table: Table) -> dict[object, dict[str, object]]:
    """Return the rows by their first value, as they are in JSON."""
    return {next(iter(row.values())): row for row in table.json()["rows"]}


# Effects


def test_a_row_of_effects_has_mean_sd_and_paired_interval():
    rows = rows_of(effects.table({"none": [10.0, 12.0, 14.0], "treated": [8.0, 11.0, 11.0]}))
    treated = rows["treated"]
    assert treated["mean"] == 10.0
    assert treated["sd"] == pytest.approx(3**0.5)
    # Differences -2, -1, -3: mean -2, sd 1; t with two degrees of freedom is 4.302653.
    assert treated["difference"] == -2.0
    assert treated["low"] == pytest.approx(-2 - 4.302653 / 3**0.5, abs=1e-6)
    assert treated["high"] == pytest.approx(-2 + 4.302653 / 3**0.5, abs=1e-6)
    assert treated["wins"] == "3/3"
    assert rows["none"]["difference"] is None


def test_claims_of_effects_hold_where_they_do():
    assert [claim.holds for claim in effects.claims(ERRORS)] == [True] * 7


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"shift 1 px": [14.0, 30.0, 15.0, 18.0]}, "shift 1 px: lower than none, interval clear of 0"),
        ({"dropout .2/.5": [12.0] * 4}, "dropout .2/.5: at most half the error of none"),
        ({"shift + dropout": [7.0] * 4}, "ensemble of 5 with shift and dropout: lowest of all"),
    ],
)
def test_a_claim_of_effects_that_does_not_hold_is_missed(changed, missed):
    claims = effects.claims({**ERRORS, **changed})
    assert [claim.text for claim in claims if not claim.holds] == [missed]


def test_effects_has_the_rows_of_the_lesson_on_unseen_seeds():
    configs = effects.configurations()
    assert list(configs) == list(ERRORS)
    assert {(config.seed, config.seeds) for config in configs.values()} == {(FIRST_SEED, 16)}
    best = configs["ensemble of 5 of those"]
    assert best.plain() == effects.PLAIN
    assert (best.shift, best.dropout_input, best.dropout_hidden, best.members) == (1, 0.2, 0.5, 5)


def test_effects_run_for_real():
    progress = io.StringIO()
    plain = effects.PLAIN.replace(hidden=(16,), epochs=3, seed=0, seeds=2)
    report = effects.report(plain, ProgressLine(progress))
    rows = rows_of(report.tables[0])
    assert list(rows) == list(ERRORS)
    errors = report.details["test_error_percent"]
    assert all(len(of_seeds) == 2 and 0 < min(of_seeds) < 100 for of_seeds in errors.values())
    assert rows["none"]["mean"] == pytest.approx(sum(errors["none"]) / 2)
    assert "0%  effects, seeds 0 to 1" in progress.getvalue()
    assert "not used to tune" not in report.text()


# Speed


def test_ratios_are_taken_round_by_round():
    assert speed_tables.ratios(SIDE_BY_SIDE["lab"], SIDE_BY_SIDE["fit"]) == (100.0, 80.0, 125.0)
    rows = rows_of(speed_tables.ratios_table(SIDE_BY_SIDE, WORKERS))
    assert rows["the lab / Keras tuned"]["median"] == 15.0
    assert rows["the lab / matrix products"]["median"] == 0.45
    assert rows["without dropout: the lab / scikit-learn"]["low"] == 8.0
    assert rows["16 networks: two workers / one worker"]["median"] == pytest.approx(1.5)
    assert rows["32 networks: two workers / one worker"]["median"] == pytest.approx(1.9)
    assert rows["32 networks: two workers / one worker"]["target"] == "at least 1.7"


def test_core_milliseconds_are_processor_time_of_a_network_epoch():
    measured = [Speed(100, 1.0, 0.2), Speed(100, 9.0, 0.3), Speed(100, 2.0, 0.4)]
    assert speed_tables.core_milliseconds(measured) == pytest.approx(3.0)


def test_growth_is_held_against_one_network():
    rows = rows_of(speed_tables.networks_table({1: speeds(100), 8: speeds(450)}, n_workers=2))
    assert rows[1]["gain"] == 1.0
    assert rows[8]["gain"] == 4.5


def test_growth_with_rows_counts_rows_a_second():
    assert rows_of(speed_tables.rows_table({250: speeds(40, 20, 30)}))[250]["rows_a_second"] == 7500


def test_growth_with_widths_is_held_against_the_products():
    hidden = (128, 64)
    row = rows_of(speed_tables.widths_table({hidden: speeds(50)}, {hidden: speeds(200)}))["128-64"]
    assert (row["parameters"], row["of_products"]) == (12545, 0.25)


def test_targets_of_speed_are_met():
    claims = speed_tables.claims(SIDE_BY_SIDE, WORKERS, n_traces=0)
    assert [claim.holds for claim in claims] == [True] * 4
    assert "aim of 100 is reached" in claims[0].measured


def test_targets_of_speed_are_missed():
    slow = {**SIDE_BY_SIDE, "lab": speeds(700, 700, 700)}
    claims = speed_tables.claims(slow, {(16, 1): speeds(10), (16, 2): speeds(16)}, n_traces=1)
    assert [claim.holds for claim in claims] == [False] * 4
    assert "aim of 100 is not reached" in claims[0].measured


def test_one_core_leaves_two_workers_out_and_says_so():
    assert len(speed_tables.claims(SIDE_BY_SIDE, {}, n_traces=0)) == 3
    said = speed_tables.warnings({"side by side": [0.0]})
    assert said == ("two workers were not measured: this machine has one core.",)


def test_a_busy_machine_is_told():
    quiet = {"side by side": [0.01, 0.05], "workers": [0.02, 0.0]}
    assert speed_tables.warnings(quiet) == ()
    assert "'rows'" not in speed_tables.warnings({**quiet, "workers": [0.02, 0.5]})[0]
    assert "50% in 'workers'" in speed_tables.warnings({**quiet, "workers": [0.02, 0.5]})[0]


def test_others_use_what_is_left_of_the_processor_time(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    before = Processor(wall=10.0, ours=1.0, everybodys=50.0)
    # In 5 s of two cores 6 s were used, 4 s of them by us.
    assert Processor(wall=15.0, ours=5.0, everybodys=56.0).others_since(before) == pytest.approx(0.2)


def test_rounds_that_others_disturbed_are_measured_again(monkeypatch):
    used = iter([0.5, 0.0, 0.3, 0.05])
    monkeypatch.setattr(Processor, "others_since", lambda after, before: next(used))
    counted = iter(range(10))
    turns = speed._Turns(10, None)
    measured = turns.take({"A": lambda: Speed(next(counted), 1, 1)}, 2, "both", n_more=4)
    assert [each.network_epochs for each in measured["A"]] == [1, 3]
    assert turns.others == {"both": [0.0, 0.05]}


def test_where_it_never_gets_quiet_the_quietest_rounds_count(monkeypatch):
    used = iter([0.5, 0.9, 0.3])
    monkeypatch.setattr(Processor, "others_since", lambda after, before: next(used))
    turns = speed._Turns(10, None)
    turns.take({"A": lambda: Speed(1, 1, 1)}, 2, "both", n_more=1)
    assert turns.others == {"both": [0.3, 0.5]}


def test_the_contenders_train_what_the_lab_trains():
    lab, others = speed.ARTICLE, Setting()
    assert (lab.n_train, lab.n_val, lab.hidden, lab.batch_size) == (
        others.n_train, others.n_val, others.hidden, others.batch_size,
    )  # fmt: skip
    assert (lab.dropout_input, lab.dropout_hidden, lab.l2) == (
        others.dropout_input, others.dropout_hidden, others.l2,
    )  # fmt: skip
    assert others.n_parameters == 12545


def test_the_lab_is_never_timed_on_a_network_it_has_in_its_cache(monkeypatch):
    asked: list[Config] = []
    monkeypatch.setattr(speed, "train", lambda config, executor: asked.append(config))
    lab = speed.Lab(executor=None)
    assert lab.speed(speed.ARTICLE.replace(seeds=16, epochs=10)).network_epochs == 160
    lab.speed(speed.ARTICLE.replace(seeds=2))
    lab.speed(speed.ARTICLE)
    assert [config.seed for config in asked] == [0, 16, 18]


def test_the_floor_adds_up_the_rates_of_all_workers(monkeypatch):
    monkeypatch.setattr(contenders, "products", lambda *_: Speed(800, 0.5, 0.4))
    with ThreadPoolExecutor(2) as executor:
        floor = speed._floor(executor, 2, Setting(), n_epochs=100, with_look=True)
    assert floor == (1600, 0.5, 0.8)
    assert floor.rate == 3200


def test_contenders_take_turns(monkeypatch):
    monkeypatch.setattr(Processor, "others_since", lambda after, before: 0.0)
    order = []

    def measure(name: str) -> Speed:
        order.append(name)
        return Speed(1, len(order), 1)

    progress = io.StringIO()
    turns = speed._Turns(4, ProgressLine(progress, seconds_between_lines=-1))
    measured = turns.take({name: lambda name=name: measure(name) for name in "AB"}, 2, "both")
    assert order == ["A", "B", "A", "B"]
    assert [each.seconds for each in measured["B"]] == [2, 4]
    assert progress.getvalue().split("\n")[3] == " 75%  speed: both"


# Report


def test_a_table_aligns_words_left_and_numbers_right():
    columns = (Column("name", ""), Column("mean", "mean", ".2f"), Column("high", "to", "+.1f"))
    table = Table("t", "Title", columns, [("none", 12.345, None), ("jitter .2", 7.0, float("nan"))])
    assert table.text().split("\n") == [
        "Title",
        "            mean  to",
        "---------  -----  --",
        "none       12.35   -",
        "jitter .2   7.00   -",
    ]
    assert table.json()["rows"][1] == {"name": "jitter .2", "mean": 7.0, "high": None}


def test_a_report_says_which_claims_are_missed():
    claims = (Claim("a is less", "1 to 2", True), Claim("b is less", "3 to 2", False))
    report = Report("T", (), (), claims)
    assert not report.holds
    assert "met     a is less: 1 to 2\nMISSED  b is less: 3 to 2" in report.text()


# Command line


def stub(holds: bool, asked: list[bool] | None = None):
    def run(quick, progress):
        if asked is not None:
            asked.append(quick)
        return Report("Stub", (), (), (Claim("it holds", "1", holds),), details={"seconds": [1.0]})

    return run


def test_help_names_what_there_is(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("effects", "speed", "app", "--json FILE", "--quick"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["effect"], "bench must be one of speed, effects, app, pages, shift, load, got 'effect'"),
        (["--fast"], "unrecognized arguments: --fast"),
        (["--json"], "argument --json: expected one argument"),
    ],
)
def test_bad_arguments_end_with_two_and_one_sentence(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"python -m regcore.bench: {sentence}\n"


@pytest.mark.parametrize("name", ["missing/out.json", "."])
def test_a_file_that_cannot_be_written_is_refused_before_the_run(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "BENCHES", {"effects": pytest.fail})
    with pytest.raises(SystemExit) as ended:
        command.main(["--json", str(tmp_path / name)])
    assert ended.value.code == 2
    assert "--json must be a file that can be written, got" in capsys.readouterr().err


@pytest.mark.parametrize(("holds", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_tells_whether_claims_hold(holds, code, monkeypatch, capsys):
    monkeypatch.setattr(command, "BENCHES", {"good": stub(True), "other": stub(holds)})
    assert command.main([]) == code
    assert capsys.readouterr().out.count("Stub") == 2


def test_json_holds_what_was_asked_for(tmp_path, monkeypatch, capsys):
    asked: list[bool] = []
    monkeypatch.setattr(command, "BENCHES", {"one": stub(True, asked), "two": stub(True)})
    file = tmp_path / "out.json"
    assert command.main(["one", "--quick", "--json", str(file)]) == 0
    assert asked == [True]
    written = json.loads(file.read_text(encoding="utf-8"))
    assert list(written) == ["one"]
    assert written["one"]["claims"] == [{"text": "it holds", "measured": "1", "holds": True}]
    assert written["one"]["details"] == {"seconds": [1.0]}


def test_a_failed_run_is_one_sentence(monkeypatch, capsys):
    def fail(quick, progress):
        raise WorkerError("a worker died.")

    monkeypatch.setattr(command, "BENCHES", {"one": fail})
    assert command.main([]) == 1
    assert capsys.readouterr().err == "python -m regcore.bench: a worker died.\n"


def test_the_bench_loads_no_tensorflow_itself():
    code = "import sys, regcore.bench.__main__; print({'tensorflow', 'keras', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
