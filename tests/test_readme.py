"""README.md: its commands, its picture and its example are real."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from regcore.cli import main
from regcore.cli.parser import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_commands_are_the_two_that_were_promised():
    assert re.findall(r"^    (pip .+)$", README, re.MULTILINE) == [
        "pip install -r requirements.txt && streamlit run app.py",
        "pip install -r tests/requirements.txt && pytest",
    ]


def test_files_it_points_to_are_there():
    links = re.findall(r"\]\((?!http)([^)]+)\)", README)

    assert ".github/lab.png" in links
    assert all((ROOT / link).is_file() for link in links)


def run_example(about, network):
    """Run the example that says this, with another network, and return its names."""
    (code,) = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if about in code]
    tiny = code.replace("hidden=(256, 256)", network)
    assert tiny != code
    names = {}
    exec(tiny, names)
    return names


def test_python_example_runs():
    """The example as it stands, but for a network and a number of epochs that take no time."""
    names = run_example("train(config)", "hidden=(4,), epochs=2, seeds=2")

    result = names["result"]
    assert isinstance(result.metrics("val"), pd.DataFrame)
    assert result.config.data == "digits"


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")
def test_example_of_what_is_taken_away_runs(tmp_path, monkeypatch):
    """The same of the files that leave the lab, which are there afterwards."""
    monkeypatch.chdir(tmp_path)
    names = run_example("load_model", "hidden=(4,), epochs=2, seeds=2")

    assert {file.name for file in tmp_path.iterdir()} == {"report.html", "config.json", "dropout.keras"}
    assert names["Config"].from_json(Path("config.json").read_text(encoding="utf-8")) == names["config"]


def test_commands_without_a_browser_run(tmp_path, monkeypatch, capsys):
    """The four as they stand, but for a network, epochs and seeds that take no time."""
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^    python -m regcore (.+)$", README, re.MULTILINE)
    assert [command.split()[0] for command in commands] == list(COMMANDS)

    for command in commands:
        assert main([*shlex.split(command), "--hidden", "4", "--epochs", "2", "--seeds", "2"]) == 0

    assert "Seed by seed" in capsys.readouterr().out
    assert {file.name for file in (tmp_path / "dropout").iterdir()} >= {"config.json", "history.csv"}
    assert len(pd.read_csv(tmp_path / "l2.csv")) == 4


def test_scikit_learn_example_runs():
    """The same of the estimators, but for a network and a number of epochs that take no time."""
    names = run_example("GridSearchCV", "hidden=(4,), epochs=2")

    search = names["search"]
    assert search.best_params_.keys() == {"l2"}
    assert list(search.best_estimator_.history_["epoch"]) == [1, 2]
