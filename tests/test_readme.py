"""README.md: its commands, its picture and its example are real."""

import re
from pathlib import Path

import pandas as pd

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


def test_scikit_learn_example_runs():
    """The same of the estimators, but for a network and a number of epochs that take no time."""
    names = run_example("GridSearchCV", "hidden=(4,), epochs=2")

    search = names["search"]
    assert search.best_params_.keys() == {"l2"}
    assert list(search.best_estimator_.history_["epoch"]) == [1, 2]
