"""`python -m regcore`: its flags, what it prints and writes, and its exit codes; an engine of known answers.

That each command trains for real is shown by the commands of the README, in test_readme.py.
"""

import json
import math
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regcore.cli import experiments, main, program, reports, tables, training
from regcore.cli.parser import COMMANDS, EXAMPLES, flag_of, parse
from regcore.config import Config, field_help, query_text
from regcore.errors import DataError, WorkerError
from regcore.execution import requests
from regcore.execution.scheduler import Scheduler
from regcore.settings import Settings
from regcore.terminal import ProgressLine
from tests.fake_engine import ENGINE, ByHand, refusing_advance, slow_engine, weight
from tests.test_config import valid_configs

ROOT = Path(__file__).parent.parent
SMALL = ["--data", "iris", "--epochs", "6", "--seeds", "3"]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture(autouse=True)
def scheduler(monkeypatch, pool) -> Scheduler:
    """Let all that trains here be trained by the engine of known answers."""
    return use(monkeypatch, pool)


def use(monkeypatch, pool, engine=ENGINE) -> Scheduler:
    scheduler = Scheduler(pool.submit, 1, engine, Settings())
    monkeypatch.setattr(requests, "scheduler_for", lambda executor: scheduler)
    return scheduler


def refusal(arguments, capsys):
    """Return the sentence on arguments that make no sense, after which the program ended with 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (2, "")
    assert printed.err.endswith(" (see --help)\n")
    return printed.err.removesuffix(" (see --help)\n")


def told(arguments, capsys):
    """Return the JSON that arguments lead to."""
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)


# Flags


def test_alone_it_prints_help_and_its_exit_codes(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(f"\n    {command} " in text for command in COMMANDS)
    assert "  130  ended by Ctrl-C" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_tells_every_field(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    for name in Config.model_fields:
        told = field_help(name)
        assert f"{flag_of(name)} " in text
        for words in (told.rule, told.unit, f"default {query_text(name, told.default)}]"):
            assert words in text
    assert f"python -m regcore {command} " in text.partition("examples:")[2]


def test_examples_in_the_help_are_understood():
    for command, text in EXAMPLES.items():
        lines = [shlex.split(line)[3:] for line in text.replace("\\\n", "").splitlines()]
        assert len(lines) >= 1
        for line in lines:
            asked = parse(line)
            assert asked.command == command
            if command == "compare":
                assert len(experiments.compared(asked)) >= 2
            elif asked.config is None:
                assert experiments.experiment(asked).data in ("digits", "wine")


@given(valid_configs())
def test_every_configuration_can_be_written_as_flags(config):
    flags = [
        part
        for name in Config.model_fields
        for part in (flag_of(name), query_text(name, getattr(config, name)))
    ]
    assert experiments.experiment(parse(["train", *flags])) == config


@given(valid_configs(), st.sampled_from(sorted(Config.model_fields)))
def test_a_flag_overrides_a_link_whichever_stands_first(config, name):
    flag = f"{flag_of(name)}={query_text(name, getattr(config, name))}"
    link = f"http://localhost:8501/lab?{config.to_query()}&made=0123456789abcdef-0123456789abcdef#top"
    for arguments in (["train", "--query", link, flag], ["train", flag, "--query", link]):
        assert experiments.experiment(parse(arguments)) == config


@pytest.mark.parametrize(
    ("flags", "value"),
    [
        (["--flip"], True), (["--flip", "--l2", "0"], True), (["--flip", "true"], True),
        (["--flip=false"], False), (["--no-flip"], False), (["--flip", "--no_flip"], False),
    ],
)  # fmt: skip
def test_a_switch_needs_no_value(flags, value):
    assert experiments.experiment(parse(["train", *flags])).flip is value


def test_a_switch_takes_no_word_that_is_not_its_own():
    asked = parse(["sweep", "--bootstrap", "l2", "0", "0.1"])
    assert (asked.field, asked.values, asked.bootstrap) == ("l2", ["0", "0.1"], "true")


def test_a_configuration_comes_from_a_file_then_a_query_then_flags(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(Config(l2=0.1, jitter=0.2, epochs=5).to_json())
    arguments = ["train", "--config", str(file), "--query", "?jitter=0.3&epochs=6", "--epochs", "7"]
    assert experiments.experiment(parse(arguments)) == Config(l2=0.1, jitter=0.3, epochs=7)


def test_fields_that_need_each_other_may_come_from_two_places():
    arguments = ["train", "--query", "momentum=0.9", "--optimizer", "sgd"]
    assert experiments.experiment(parse(arguments)) == Config(momentum=0.9, optimizer="sgd")


@pytest.mark.parametrize(
    ("text", "name", "changes"),
    [
        ("dropout: dropout_hidden=0.5", "dropout", {"dropout_hidden": 0.5}),
        ("both: dropout-hidden=0.2,0.5 l2=0.01", "both", {"dropout_hidden": (0.2, 0.5), "l2": 0.01}),
        ("both: dropout_hidden=0.5, l2=0.01", "both", {"dropout_hidden": 0.5, "l2": 0.01}),
        ("both=dropout_hidden=0.5&l2=0.01", "both", {"dropout_hidden": 0.5, "l2": 0.01}),
        ("l2=l2=0.01", "l2", {"l2": 0.01}),
        ("l2=0.01", "l2=0.01", {"l2": 0.01}),
        ("link=http://localhost:8501/lab?l2=0.01&jitter=0.1", "link", {"l2": 0.01, "jitter": 0.1}),
        ("link: http://localhost:8501/lab?l2=0.01", "link", {"l2": 0.01}),
    ],
)
def test_a_variant_is_a_name_and_changes(text, name, changes):
    configs = experiments.compared(parse(["compare", "--epochs", "9", "--variant", text]))
    assert configs == {"plain": Config(epochs=9), name: Config(epochs=9).replace(**changes)}


def test_the_baseline_may_be_another_one():
    flags = ["--l2", "0.01", "--baseline", "as it is:", "--variant", "more: l2=0.1"]
    assert experiments.compared(parse(["compare", *flags])) == {
        "as it is": Config(l2=0.01),
        "more": Config(l2=0.1),
    }


def test_without_variants_the_experiment_is_held_against_plain():
    assert experiments.compared(parse(["compare", "--l2", "0.01"])) == {
        "plain": Config(),
        "experiment": Config(l2=0.01),
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["trian"],
            "command must be one of train, compare, sweep, ablate, got 'trian'; did you mean 'train'?",
        ),
        (["--json"], "python -m regcore has no flag '--json'"),
        (["train", "--lr", "0.1"], "train has no flag '--lr'; did you mean '--learning-rate'?"),
        (
            ["train", "--droput-hidden=1"],
            "train has no flag '--droput-hidden'; did you mean '--dropout-hidden'?",
        ),
        (["train", "--forse"], "train has no flag '--forse'; did you mean '--force'?"),
        (["train", "--metric", "loss"], "train has no flag '--metric'"),
        (["train", "l2"], "train takes no further argument, got 'l2'"),
        (["train", "--l2", "-0.1"], "l2 must be a number from 0 to 1000, got -0.1"),
        (["train", "--l2"], "argument --l2: expected one argument"),
        (["train", "--epochs", "many"], "epochs must be a whole number from 1 to 10000, got 'many'"),
        (
            ["train", "--momentum", "0.9"],
            "momentum must be 0 with optimizer='adam', for only 'sgd' takes it, got 0.9",
        ),
        (
            ["train", "--data", "wine", "--shift", "1"],
            "shift must be 0 on wine, whose rows are not images, got 1",
        ),
        (
            ["train", "--data", "wine", "--n-train", "999"],
            "n_train + n_val must be at most 120 on wine, beside its 58 test rows, got 999 + 1",
        ),
        (["train", "--split", "all"], "--split must be one of val, test, train, got 'all'"),
        (["train", "--query", "l2"], "every part of the query must be field=value, got 'l2'"),
        (["train", "--query", "lr=1"], "unknown field 'lr'; did you mean 'learning_rate'?"),
        (
            ["train", "--config", "missing.json"],
            "--config must be a file that can be read, got 'missing.json': No such file or directory",
        ),
        (
            ["compare"],
            "variants must differ from the baseline 'plain' in a field, got 'experiment', which does not: "
            "set a flag of a regularizer, or a --variant",
        ),
        (["compare", "--variant", "l2"], "every part of the query must be field=value, got 'l2'"),
        (["compare", "--variant", ": l2=1"], "--variant must be 'NAME: FIELD=VALUE ...', got ': l2=1'"),
        (["compare", "--variant", "l2=-1"], "l2 must be a number from 0 to 1000, got -1"),
        (
            ["compare", "--variant", "a: l2=1", "--variant", "a: l2=2"],
            "names of variants must differ, got 'a' twice: name them 'NAME: ...'",
        ),
        (
            ["compare", "--l2", "1", "--metric", "mae"],
            "--metric must be one of loss, error, brier, got 'mae'",
        ),
        (
            ["compare", "--variant", "few: seeds=3 l2=1"],
            "compared results must share their seeds, got seeds 0 to 7 for 'plain' and seeds 0 to 2 for "
            "'few': set seed and seeds alike",
        ),
        (["sweep"], "the following arguments are required: FIELD, VALUE"),
        (["sweep", "l2"], "the following arguments are required: VALUE"),
        (["sweep", "lr", "1"], "unknown field 'lr'; did you mean 'learning_rate'?"),
        (["sweep", "l2", "0", "x"], "l2 must be a number from 0 to 1000, got 'x'"),
        (["sweep", "l2", "0", "0.0"], "values of l2 must differ from each other, got 0 0.0"),
        (["sweep", "l2", "0", "--metric", "rmse"], "--metric must be one of loss, error, brier, got 'rmse'"),
        (
            ["ablate"],
            "ablate needs at least one regularizer to take apart, got none: set the flag of one, as "
            "--dropout-hidden 0.5",
        ),
        (["ablate", "--l2", "1", "--split", "test"], "ablate has no flag '--split'"),
        (["ablate", "--l2", "2000"], "l2 must be a number from 0 to 1000, got 2000"),
    ],
)
def test_bad_arguments_end_with_two_and_one_sentence(arguments, sentence, scheduler, capsys):
    said = refusal(arguments, capsys)
    has_command = arguments[0] in COMMANDS
    assert said == f"python -m regcore{f' {arguments[0]}' if has_command else ''}: {sentence}"
    assert scheduler.steps_submitted == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "the JSON of a Config must be valid JSON, got '{'"),
        ("[]", "the JSON of a Config must be an object, got '[]'"),
        ('{"l2": 1, "l2": 2}', "'l2' must be given once, got 1 and 2"),
        ('{"a": {"l2": -1}}', "l2 must be a number from 0 to 1000, got -1"),
        ('{"lr": 1}', "unknown field 'lr'; did you mean 'learning_rate'?"),
    ],
)
def test_a_bad_file_of_a_configuration_is_named(text, sentence, tmp_path, capsys):
    file = tmp_path / "bad.json"
    file.write_text(text)
    said = refusal(["train", "--config", str(file)], capsys)
    assert said == f"python -m regcore train: --config {str(file)!r}: {sentence}"


def test_several_configurations_of_a_file_are_for_compare_alone(tmp_path, capsys):
    file = tmp_path / "several.json"
    file.write_text('{"a": {}, "b": {"l2": 0.1}}')
    assert experiments.compared(parse(["compare", "--config", str(file), "--epochs", "5"])) == {
        "a": Config(epochs=5),
        "b": Config(epochs=5, l2=0.1),
    }
    said = refusal(["train", "--config", str(file)], capsys)
    assert "--config must hold one configuration, which train takes, got a, b: leave one in it" in said
    said = refusal(["compare", "--config", str(file), "--variant", "l2=1"], capsys)
    assert "--variant and --baseline must be left out where --config holds several" in said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '{"a": {}, "b": {"l2": 0.1}, "b": {"l2": 0.2}}',
            "--config {file}: 'b' must be given once, got {{'l2': 0.1}} and {{'l2': 0.2}}",
        ),
        ('{"a": {}, "b": {"l2": 1, "l2": 2}}', "--config {file}: 'l2' must be given once, got 1 and 2"),
        ('{"": {}, "b": {"l2": 0.1}}', "--config {file}: every configuration must have a name, got ''"),
        (
            '{"a": {"l2": 0.1}}',
            "--config must hold at least two configurations by name, or one without a name, which is held "
            "against plain, got a alone",
        ),
        (
            '{"a": {"l2": 0.1}, "b": {"l2": 0.1, "seed": 0}}',
            "variants must differ from the baseline 'a' in a field, got 'b', which does not: change it in "
            "--config, or leave it out",
        ),
    ],
)
def test_no_configuration_of_a_file_is_lost_silently(text, sentence, tmp_path, scheduler, capsys):
    file = tmp_path / "several.json"
    file.write_text(text)
    said = refusal(["compare", "--config", str(file)], capsys)
    assert said == f"python -m regcore compare: {sentence.format(file=repr(str(file)))}"
    assert scheduler.steps_submitted == 0


# What is told


def test_train_tells_each_seed_and_their_mean(capsys):
    found = told(["train", *SMALL, "--patience", "1"], capsys)
    assert (found["command"], found["complete"], found["split"]) == ("train", True, "val")
    # The weights of the engine grow, so patience 1 stops at epoch 2 and restores epoch 1, after two steps.
    assert [row["loss"] for row in found["seeds"]] == [weight(seed, 2) for seed in range(3)]
    assert [row["stopped_epoch"] for row in found["seeds"]] == [2, 2, 2]
    loss = next(row for row in found["summary"] if row["metric"] == "loss")
    assert (loss["mean"], loss["train_mean"], loss["n"]) == (8.0, 8.0, 3)
    (run,) = found["runs"]
    assert run["query"] == "data=iris&epochs=6&patience=1&seeds=3"
    assert run["finished_seeds"] == [0, 1, 2]
    assert run["data"]["n_test"] == 50
    assert Config(**run["config"]) == Config(data="iris", epochs=6, seeds=3, patience=1)


def test_train_prints_tables(capsys):
    assert main(["train", *SMALL, "--patience", "1"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.splitlines()[-5:] == [
        "seed  error, %  data loss  Brier score  best epoch  stopped epoch  restored epoch",
        "----  --------  ---------  -----------  ----------  -------------  --------------",
        "   0    400.00     4.0000       4.0000           1              2               1",
        "   1    800.00     8.0000       8.0000           1              2               1",
        "   2   1200.00    12.0000      12.0000           1              2               1",
    ]
    assert "query: data=iris&epochs=6&patience=1&seeds=3\n" in printed.out


def test_one_seed_has_no_interval_and_json_no_nan(capsys):
    found = told(["train", *SMALL, "--seeds", "1"], capsys)
    assert [row["sd"] for row in found["summary"]] == [None] * 3


def test_compare_tells_differences_wins_and_a_verdict(capsys):
    arguments = ["compare", *SMALL, "--variant", "stopped: patience=1", "--metric", "loss"]
    plain, stopped = told(arguments, capsys)["table"]
    assert (plain["name"], plain["difference"], plain["verdict"]) == ("plain", None, "baseline")
    assert stopped["difference"] == pytest.approx(
        sum(weight(seed, 2) - weight(seed, 12) for seed in range(3)) / 3
    )
    lower = [seed for seed in range(3) if weight(seed, 2) < weight(seed, 12)]
    assert (stopped["wins"], stopped["n"]) == (len(lower), 3)
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert text.startswith("Data loss on validation rows: mean of 3 seeds\n")
    assert f"{len(lower)} of 3" in text and stopped["verdict"] in text


def test_sweep_tells_the_choice_of_validation(capsys):
    # Of each seed, the loss after one epoch and after two: the first is lower.
    arguments = ["sweep", "patience", "none", "1", *SMALL, "--metric", "loss", "--epochs", "2"]
    found = told(arguments, capsys)
    assert [row["value"] for row in found["table"]] == [None, 1]
    assert [row["mean"] for row in found["table"]] == [
        sum(weight(seed, n) for seed in range(3)) / 3 for n in (4, 2)
    ]
    assert (found["best"]["value"], found["best"]["mean"]) == (1, 8.0)
    assert main(arguments) == 0
    assert "lowest on validation: patience = 1\n" in capsys.readouterr().out


def test_a_sweep_without_a_direction_has_one_choice(capsys):
    found = told(["sweep", "activation", "relu", "tanh", *SMALL], capsys)
    assert found["best"]["value"] == "relu"
    assert found["one_standard_error_choice"] is None


def test_ablate_tells_what_each_part_does(capsys):
    arguments = ["ablate", *SMALL, "--patience", "1", "--l2", "0.01", "--metric", "loss"]
    found = told(arguments, capsys)
    assert [(row["role"], row["part"]) for row in found["table"]] == [
        ("none", ""),
        ("alone", "L2"),
        ("alone", "early stopping"),
        ("ladder", "L2"),
        ("ladder", "early stopping"),
        ("left out", "L2"),
        ("left out", "early stopping"),
        ("all", ""),
    ]
    by_role = {(row["role"], row["part"]): row["difference"] for row in found["table"]}
    assert by_role["alone", "L2"] == 0
    assert by_role["alone", "early stopping"] == by_role["left out", "early stopping"]
    assert set(found["kinds"]) == {"L2", "early stopping"}
    assert main(arguments) == 0
    assert " ".join(found["summary"].split()) in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", [["train"], ["compare", "--l2", "1"], ["sweep", "l2", "0"]])
def test_the_test_rows_are_opened_on_request_alone_and_it_is_said(command, capsys):
    assert main([*command, *SMALL]) == 0
    shut = capsys.readouterr().out
    assert "on validation rows" in shut and "The test rows were opened" not in shut
    assert main([*command, *SMALL, "--split", "test"]) == 0
    opened = capsys.readouterr().out
    assert "on test rows" in opened and "The test rows were opened" in opened


def test_a_summary_of_train_rows_names_them_once(capsys):
    assert main(["train", *SMALL, "--split", "train"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == [
        "train", "rows", "sd", "95", "%", "interval", "of", "the", "mean",
    ]  # fmt: skip


def test_a_seed_that_diverged_is_told_and_no_failure(monkeypatch, pool, capsys):
    def lose_seed_1(shard, *rest):
        state, rows = ENGINE.advance(shard, *rest)
        rows.history[[replicate.seed == 1 for replicate in shard.replicates]] = math.nan
        return state, rows

    use(monkeypatch, pool, replace(ENGINE, advance=lose_seed_1))
    arguments = ["compare", *SMALL, "--l2", "0.1"]
    found = told(arguments, capsys)
    assert [run["diverged"] for run in found["runs"]] == [[[1, 0]], [[1, 0]]]
    assert [row["mean"] for row in found["table"]] == [None, None]
    assert found["table"][1]["verdict"] == "no verdict: 1 of 3 seeds diverged"
    assert main(arguments) == 0
    said = "DIVERGED: the loss was not finite in 1 of 3 seeds of plain, 1 of 3 seeds of experiment.\n"
    assert capsys.readouterr().out.endswith(said)


def test_the_same_arguments_tell_the_same_to_the_last_character(capsys, monkeypatch, pool):
    texts = []
    for _ in range(2):
        use(monkeypatch, pool)
        assert main(["compare", *SMALL, "--l2", "0.1", "--json"]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]


# What is written


def test_a_folder_holds_configuration_history_table_and_result(tmp_path, capsys):
    folder = tmp_path / "new" / "out"
    found = told(["train", *SMALL, "--out", str(folder)], capsys)
    assert sorted(file.name for file in folder.iterdir()) == [
        "config.json", "history.csv", "result.json", "table.csv",
    ]  # fmt: skip
    assert json.loads((folder / "result.json").read_text()) == found
    history = pd.read_csv(folder / "history.csv")
    assert list(history.columns)[:3] == ["seed", "member", "epoch"]
    assert history["val_loss"].tolist() == [weight(seed, 2 * n) for seed in range(3) for n in range(1, 7)]
    assert not [name for name in history.columns if name.startswith("test")]
    assert pd.read_csv(folder / "table.csv")["loss"].tolist() == [weight(seed, 12) for seed in range(3)]


def test_the_written_configuration_leads_to_the_same_again(tmp_path, capsys):
    first = told(["train", *SMALL, "--l2", "0.1", "--out", str(tmp_path / "a")], capsys)
    assert told(["train", "--config", str(tmp_path / "a" / "config.json")], capsys) == first
    first = told(["compare", *SMALL, "--variant", "x: l2=0.1", "--out", str(tmp_path / "b")], capsys)
    assert told(["compare", "--config", str(tmp_path / "b" / "config.json")], capsys) == first


@pytest.mark.parametrize(
    ("command", "column", "names"),
    [
        (["compare", "--l2", "0.1"], "name", ["plain", "experiment"]),
        (["sweep", "hidden", "none", "8", "8,4"], "value", ["none", "8", "8,4"]),
        (["ablate", "--l2", "0.1"], "name", ["none", "L2"]),
    ],
)
def test_a_history_of_several_names_them(command, column, names, tmp_path, capsys):
    assert main([*command, *SMALL, "--out", str(tmp_path)]) == 0
    history = pd.read_csv(tmp_path / "history.csv", dtype={column: str}, keep_default_na=False)
    assert history[column].unique().tolist() == names
    assert len(history) == len(names) * 3 * 6
    table = pd.read_csv(tmp_path / "table.csv", dtype=str, keep_default_na=False)
    assert table["run" if command[0] == "ablate" else column].tolist() == names


def test_the_ending_of_a_file_says_what_goes_into_it(tmp_path, capsys):
    table, result = tmp_path / "t.csv", tmp_path / "r.JSON"
    assert main(["compare", *SMALL, "--l2", "0.1", "--out", str(table)]) == 0
    assert capsys.readouterr().err == f"python -m regcore: wrote {table}\n"
    assert pd.read_csv(table)["verdict"].tolist() == ["baseline", "within seed noise"]
    assert main(["train", *SMALL, "--out", str(result)]) == 0
    assert json.loads(result.read_text())["command"] == "train"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["r.JSON", "t.csv"]


def test_what_is_there_is_overwritten_by_force_alone(tmp_path, scheduler, capsys):
    file = tmp_path / "table.csv"
    file.write_text("mine")
    for out in (tmp_path, file):
        said = refusal(["train", *SMALL, "--out", str(out)], capsys)
        assert said.endswith(
            f"--out must not be there yet, got {str(file)!r}, which is: name another, or add --force to "
            "overwrite it"
        )
    assert (file.read_text(), scheduler.steps_submitted) == ("mine", 0)
    assert main(["train", *SMALL, "--out", str(tmp_path), "--force"]) == 0
    assert len(pd.read_csv(file)) == 3


def test_an_interrupt_leaves_the_files_of_the_run_before_as_they_were(tmp_path, monkeypatch, pool, capsys):
    assert main(["train", *SMALL, "--out", str(tmp_path)]) == 0
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    use(monkeypatch, pool, engine_that_fails_once(lambda: False))
    monkeypatch.setattr(training.Run, "wait", interrupted_when(lambda found: found["plain"].is_complete))
    assert main([*LONG, "--out", str(tmp_path), "--force"]) == 130
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    partial = set(os.listdir(tmp_path)) - set(before)
    assert partial == {
        "config.partial.json", "history.partial.csv", "result.partial.json", "table.partial.csv",
    }  # fmt: skip
    assert set(json.loads((tmp_path / "config.partial.json").read_text())) == {"plain", "long"}


def test_what_is_complete_takes_the_place_of_what_was_partial(tmp_path, capsys):
    whole = {"config.json", "history.csv", "result.json", "table.csv"}
    for name in whole:
        (tmp_path / name.replace(".", ".partial.")).write_text("old")
    (tmp_path / "other.partial.csv").write_text("mine")
    assert main(["train", *SMALL, "--out", str(tmp_path), "--force"]) == 0
    assert set(os.listdir(tmp_path)) == whole | {"other.partial.csv"}


@pytest.mark.parametrize("name", ["file/out.json", "file/folder", "file"])
def test_where_nothing_can_be_written_nothing_is_trained(name, tmp_path, scheduler, capsys):
    (tmp_path / "file").write_text("")
    said = refusal(["train", *SMALL, "--out", str(tmp_path / name)], capsys)
    assert "train: --out must be " in said
    assert scheduler.steps_submitted == 0


@pytest.mark.parametrize(
    "name",
    [
        300 * "x" + ".csv", "new/" + 300 * "x" + ".csv", 248 * "x" + ".csv", 300 * "x", "new/" + 300 * "x",
        "new/" + 300 * "x" + "/t.csv", 50 * (100 * "x" + "/"),
    ],
)  # fmt: skip
def test_a_name_that_is_too_long_is_refused_before_training(name, tmp_path, scheduler, capsys):
    said = refusal(["train", *SMALL, "--out", str(tmp_path / name)], capsys)
    assert "train: --out must be where files can be written, got " in said
    assert said.endswith(": File name too long")
    assert (scheduler.steps_submitted, os.listdir(tmp_path)) == (0, [])


def test_the_longest_name_that_can_be_is_written(tmp_path):
    file = tmp_path / (255 * "x")[len(".partial.csv") :]
    assert main(["train", *SMALL, "--out", f"{file}.csv"]) == 0
    assert os.listdir(tmp_path) == [f"{file.name}.csv"]


def test_out_must_name_something(scheduler, capsys):
    said = refusal(["train", *SMALL, "--out", ""], capsys)
    assert said.endswith("train: --out must name a file or a folder, got ''")
    assert scheduler.steps_submitted == 0


def test_what_is_refused_leaves_no_folder(tmp_path, capsys):
    refusal(["compare", "--variant", "few: seeds=3 l2=1", "--out", str(tmp_path / "a" / "b")], capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_afterwards_loses_nothing_that_is_printed(tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert main(["train", *SMALL, "--out", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    assert "Seed by seed" in printed.out
    assert "--out could not be written: [Errno 28] No space left on device" in printed.err
    assert list((tmp_path / "out").iterdir()) == []


# What ends early


@pytest.mark.parametrize("ends_by", ["interrupt", "error"])
def test_a_failed_write_is_said_of_what_ended_early_as_well(
    ends_by, tmp_path, monkeypatch, scheduler, capsys
):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    train_all = training.train_all

    def ended_early(*what, **named):
        cause = KeyboardInterrupt() if ends_by == "interrupt" else DataError("X must be finite")
        return replace(train_all(*what, **named), **{ends_by: cause})

    monkeypatch.setattr(training, "train_all", ended_early)
    monkeypatch.setattr(Path, "write_text", full)
    assert main(["train", *SMALL, "--out", str(tmp_path)]) == {"interrupt": 130, "error": 1}[ends_by]
    said = capsys.readouterr().err
    assert "--out could not be written: [Errno 28] No space left on device" in said
    assert ("interrupted" if ends_by == "interrupt" else "X must be finite") in said


def test_a_training_that_fails_ends_with_one(monkeypatch, pool, tmp_path, capsys):
    use(monkeypatch, pool, replace(ENGINE, advance=refusing_advance))
    assert main(["train", *SMALL, "--out", str(tmp_path / "r.json")]) == 1
    printed = capsys.readouterr()
    assert printed.err == "python -m regcore: X must be finite, got nan\n"
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_does_not_fit_ends_with_one(monkeypatch, pool, capsys):
    use(monkeypatch, pool, replace(ENGINE, estimate_bytes=lambda *_: 2**60))
    assert main(["train", *SMALL]) == 1
    assert "memory" in capsys.readouterr().err


def interrupted_when(is_time):
    """Return a `Run.wait` that somebody interrupts as soon as the results so far are of this kind."""

    def wait(run, timeout=None):
        while not is_time(run.results(partial=True)):
            time.sleep(0.001)
        raise KeyboardInterrupt

    return wait


LONG = ["compare", *SMALL, "--variant", "long: activation=tanh epochs=5000"]


def engine_that_fails_once(it_is_time):
    """Return the engine, which advances tanh step by step, so that relu is done before, until it is time."""

    def advance(shard, state, n_steps, dataset):
        if shard.replicates[0].config.activation == "relu":
            return ENGINE.advance(shard, state, n_steps, dataset)
        return (refusing_advance if it_is_time() else ENGINE.advance)(shard, state, 1, dataset)

    return replace(ENGINE, advance=advance)


def test_what_is_finished_at_ctrl_c_is_printed_and_written_as_partial(tmp_path, monkeypatch, pool, capsys):
    use(monkeypatch, pool, engine_that_fails_once(lambda: False))
    monkeypatch.setattr(training.Run, "wait", interrupted_when(lambda found: found["plain"].is_complete))
    assert main([*LONG, "--json", "--out", str(tmp_path)]) == 130
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert (found["complete"], found["ended_by"]) == (False, "interrupt")
    assert [run["finished_seeds"] for run in found["runs"]] == [[0, 1, 2], []]
    assert [row["mean"] for row in found["table"]] == [sum(weight(seed, 12) for seed in range(3)) / 3, None]
    assert "interrupted: what was finished is told, marked as partial" in printed.err
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "config.partial.json", "history.partial.csv", "result.partial.json", "table.partial.csv",
    ]  # fmt: skip
    assert json.loads((tmp_path / "result.partial.json").read_text()) == found


def test_what_was_finished_before_a_failure_is_kept(tmp_path, monkeypatch, pool, capsys):
    is_time, wait = threading.Event(), training.Run.wait
    use(monkeypatch, pool, engine_that_fails_once(is_time.is_set))

    def wait_for_plain(run, timeout):
        if run.results(partial=True)["plain"].is_complete:
            is_time.set()
        return wait(run, timeout)

    monkeypatch.setattr(training.Run, "wait", wait_for_plain)
    assert main([*LONG, "--out", str(tmp_path / "t.csv")]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("PARTIAL: ")
    assert "3 of 3 seeds of plain, 0 of 3 seeds of long" in printed.out
    assert printed.err.endswith("python -m regcore: X must be finite, got nan\n")
    assert pd.read_csv(tmp_path / "t.partial.csv")["mean"].notna().tolist() == [True, False]


def test_no_value_is_chosen_over_unequal_seeds():
    configs = {text: Config(data="iris", epochs=6, seeds=2, l2=float(text)) for text in ("0", "0.1")}
    run = requests.submit(configs)
    whole = run.results()

    def choices(results):
        told = tables.tell_of_sweep(results, "l2", (0.0, 0.1), "val", "loss")
        chosen = told.values["best"], told.values["one_standard_error_choice"]
        noted = any("lowest on validation" in note for note in told.tables[0].notes)
        return [each is not None for each in chosen], noted

    assert choices(whole) == ([True, True], True)
    first = {at: recording for at, recording in whole["0.1"].recordings.items() if at[0] == 0}
    assert choices({**whole, "0.1": replace(whole["0.1"], recordings=first)}) == ([False, False], False)


def test_a_seed_is_finished_when_all_of_its_members_are():
    run = requests.submit({"": Config(data="iris", epochs=6, seeds=2, members=2)})
    run.wait()
    whole = run.results()[""]
    short = replace(whole.recordings[1, 1], history=whole.recordings[1, 1].history[:3])
    cut = replace(whole, recordings={**whole.recordings, (1, 1): short})
    assert set(training._finished(cut).recordings) == {(0, 0), (0, 1)}


def test_nothing_finished_is_said_and_nothing_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training.Run, "wait", interrupted_when(lambda results: True))
    monkeypatch.setattr(requests, "scheduler_for", lambda executor: idle_scheduler())
    assert main(["train", *SMALL, "--out", str(tmp_path / "r.json")]) == 130
    printed = capsys.readouterr()
    assert printed.out == "PARTIAL: it ended early, and this is of what was finished: 0 of 3 seeds.\n"
    assert printed.err == "python -m regcore: interrupted: no seed was finished\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_telling_loses_nothing(number, tmp_path, monkeypatch, capsys):
    report = reports.report

    def disturbed(*what):
        signal.raise_signal(number)
        return report(*what)

    monkeypatch.setattr(reports, "report", disturbed)
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    assert main(["train", *SMALL, "--out", str(tmp_path / "t.csv")]) == 0
    assert "Seed by seed" in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "t.csv")) == 3
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_an_interrupt_as_the_last_results_come_loses_nothing(monkeypatch, capsys):
    results = training.Run.results

    def disturbed(run, partial=False):
        if not partial:
            signal.raise_signal(signal.SIGINT)
        return results(run, partial)

    monkeypatch.setattr(training.Run, "results", disturbed)
    assert main(["train", *SMALL]) == 130
    assert "3 of 3 seeds." in capsys.readouterr().out


def test_a_second_ctrl_c_loses_nothing(monkeypatch, pool, capsys):
    use(monkeypatch, pool, engine_that_fails_once(lambda: False))
    cancel = training.Run.cancel

    def wait(run, timeout=None):
        while not run.results(partial=True)["plain"].is_complete:
            time.sleep(0.001)
        signal.raise_signal(signal.SIGINT)

    def disturbed_cancel(run):
        cancel(run)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(training.Run, "wait", wait)
    monkeypatch.setattr(training.Run, "cancel", disturbed_cancel)
    assert main(LONG) == 130
    assert "3 of 3 seeds of plain, 0 of 3 seeds of long" in " ".join(capsys.readouterr().out.split())


def test_what_cannot_be_measured_is_left_out_and_named(tmp_path, monkeypatch, capsys):
    score, train_all = training.Result._scored, training.train_all

    def failing(result, split):
        if result.config.activation == "tanh" and result.recordings:
            raise WorkerError("the workers died")
        return score(result, split)

    def failing_afterwards(*what, **named):
        outcome = train_all(*what, **named)
        monkeypatch.setattr(training.Result, "_scored", failing)
        return outcome

    monkeypatch.setattr(training, "train_all", failing_afterwards)
    arguments = ["compare", *SMALL, "--variant", "other: activation=tanh", "--out", str(tmp_path)]
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert "3 of 3 seeds of plain, 0 of 3 seeds of other" in " ".join(printed.out.split())
    assert "LEFT OUT: it could not be measured: other." in printed.out
    assert json.loads((tmp_path / "result.partial.json").read_text())["left_out"] == ["other"]
    assert "left out, for it could not be measured: other\n" in printed.err
    assert printed.err.endswith("python -m regcore: the workers died\n")
    assert pd.read_csv(tmp_path / "table.partial.csv")["mean"].notna().tolist() == [True, False]
    assert len(pd.read_csv(tmp_path / "history.partial.csv")) == 2 * 3 * 6


def test_what_is_measured_at_the_second_time_is_told_whole(monkeypatch, capsys):
    report, n_reports = reports.report, []

    def failing_once(*what):
        n_reports.append(True)
        if len(n_reports) == 1:
            raise WorkerError("a worker died")
        return report(*what)

    monkeypatch.setattr(reports, "report", failing_once)
    assert told(["train", *SMALL], capsys)["complete"]


def idle_scheduler() -> Scheduler:
    """Return a scheduler whose workers never answer."""
    return Scheduler(ByHand().submit, 1, ENGINE, Settings())


@pytest.mark.parametrize("is_terminal", [False, True])
def test_progress_is_shown_on_a_terminal_alone(is_terminal, monkeypatch, pool, capsys):
    shown = []
    use(monkeypatch, pool, slow_engine(0.02))
    monkeypatch.setattr(training, "SECONDS_A_PIECE", 0.001)
    monkeypatch.setattr(ProgressLine, "show", lambda line, *what: shown.append(what[1]))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)
    assert main(["train", *SMALL]) == 0
    assert ("training" in shown) == bool(shown) == is_terminal


# As a process

PROCESS = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from regcore.cli import run
from regcore.execution import requests
from regcore.execution.scheduler import Scheduler
from regcore.settings import Settings
from tests.fake_engine import ENGINE, advance, total_steps

done, slow = [], []

def advance_slowly(shard, state, n_steps, dataset):
    if shard.replicates[0].config.activation == "relu":
        answer = advance(shard, state, n_steps, dataset)
        done.extend([True] * (answer[0].step == total_steps(shard, dataset)))
        return answer
    slow.extend(done)
    if len(slow) == 4:  # With one worker, what was trained before has been taken in by now.
        mark.touch()
    time.sleep(0.05)
    return advance(shard, state, 1, dataset)

scheduler = Scheduler(ThreadPoolExecutor(1).submit, 1, replace(ENGINE, advance=advance_slowly), Settings())
requests.scheduler_for = lambda executor: scheduler
mark = Path(sys.argv.pop(1))
run()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signal to one process")
def test_ctrl_c_leaves_what_is_finished(tmp_path):
    mark, out = tmp_path / "mark", tmp_path / "out"
    arguments = [
        "compare",
        *SMALL,
        "--epochs",
        "500",
        "--variant",
        "slow: activation=tanh",
        "--out",
        str(out),
    ]
    command = [sys.executable, "-c", PROCESS, str(mark), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not mark.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    of_seeds = "3 of 3 seeds of plain, 0 of 3 seeds of slow"
    assert printed.startswith(f"PARTIAL: it ended early, and this is of what was finished: {of_seeds}.")
    assert "Traceback" not in said
    assert "interrupted: what was finished is told, marked as partial" in said
    assert pd.read_csv(out / "table.partial.csv")["mean"].notna().tolist() == [True, False]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to answer")
def test_sigterm_is_answered_as_ctrl_c_is_with_a_code_of_its_own(monkeypatch, capsys):
    monkeypatch.setattr(requests, "scheduler_for", lambda executor: idle_scheduler())
    monkeypatch.setattr(training.Run, "wait", lambda run, timeout: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.signal(signal.SIGTERM, program._terminate)
    try:
        assert main(["train", *SMALL]) == 143
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().err == "python -m regcore: interrupted: no seed was finished\n"


def test_a_reader_that_goes_away_is_no_failure(tmp_path, monkeypatch, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["train", *SMALL, "--out", str(tmp_path / "t.csv")]) == 0
    assert len(pd.read_csv(tmp_path / "t.csv")) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_stdout_that_cannot_be_written_is_said(tmp_path, monkeypatch, capsys):
    for arguments in (["train", *SMALL, "--out", str(tmp_path / "t.csv")], []):
        with open("/dev/full", "w") as stdout:
            monkeypatch.setattr(sys, "stdout", stdout)
            assert main(arguments) == 1
        said = capsys.readouterr().err
        assert said.endswith(
            "python -m regcore: stdout could not be written: [Errno 28] No space left on device\n"
        )
    assert len(pd.read_csv(tmp_path / "t.csv")) == 3


@pytest.mark.slow
def test_the_program_trains_as_a_process_of_its_own():
    command = [sys.executable, "-m", "regcore", "train", "--epochs", "2", "--seeds", "2", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["runs"][0]["finished_seeds"] == [0, 1]
