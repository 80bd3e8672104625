"""requirements.txt: exact pins of what is imported, all of it and nothing else."""

import ast
import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Distributions whose modules are named otherwise.
DISTRIBUTION_OF = {"sklearn": "scikit-learn"}
OWN = {"app", "pages", "regcore"}
# The driver of a database, which SQLAlchemy imports, and the event loop that Streamlit takes.
LOADED_BY_NAME = {"psycopg", "uvloop"}
# A bench opens tabs of a browser where the tests' own requirements are there.
OPTIONAL = {"playwright"}


def pins(path):
    """Return distribution -> version of the lines `name==version  # reason`."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] not in "#-"]
    form = r'([\w-]+)(?:\[\w+\])?==([\w.]+)(; sys_platform != "win32")? +# .+'
    matches = [re.fullmatch(form, line) for line in lines]
    assert all(matches), f"not of the form name==version  # reason: {lines}"
    return {match[1]: match[2] for match in matches if match and not (match[3] and sys.platform == "win32")}


def imported(path):
    """Return the top-level modules that a file imports, anywhere in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0]


def test_pins_are_what_is_imported_and_no_more():
    files = [ROOT / "app.py", *ROOT.glob("pages/**/*.py"), *ROOT.glob("regcore/**/*.py")]
    modules = {module for path in files for module in imported(path)}
    third_party = modules - set(sys.stdlib_module_names) - OWN

    needed = {DISTRIBUTION_OF.get(module, module) for module in third_party} | LOADED_BY_NAME
    assert needed - OPTIONAL == set(pins(ROOT / "requirements.txt"))
    assert set(pins(ROOT / "tests" / "requirements.txt")) >= OPTIONAL


@pytest.mark.parametrize("name", ["requirements.txt", "tests/requirements.txt"])
def test_what_is_pinned_is_installed(name):
    for distribution, pinned in pins(ROOT / name).items():
        assert version(distribution) == pinned
