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


def test_python_example_runs():
    """The example as it stands, but for a network and a number of epochs that take no time."""
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    tiny = code.replace("hidden=(256, 256)", "hidden=(4,), epochs=2, seeds=2")
    assert tiny != code
    names = {}

    exec(tiny, names)

    result = names["result"]
    assert isinstance(result.metrics("val"), pd.DataFrame)
    assert result.config.data == "digits"
