"""What an import loads: TensorFlow costs five seconds and 600 MB, and belongs to the workers."""

import subprocess
import sys
from pathlib import Path

import pytest

import regcore

HEAVY = {"tensorflow", "keras", "streamlit"}


def loaded_by(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after this code."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import regcore",
        "import regcore.figures",
        "import regcore.cli.reports, regcore.cli.training",
        "import regcore.store",
        "from regcore import Config, Dataset, train, compare, sweep",
        "from regcore import RegularizedClassifier, RegularizedRegressor",
    ],
)
def test_an_import_loads_neither_tensorflow_nor_streamlit(code):
    assert loaded_by(code) & HEAVY == set()


def test_importing_regcore_loads_next_to_nothing():
    assert (
        loaded_by("import regcore") & {"numpy", "pandas", "plotly", "pydantic", "scipy", "sklearn"} == set()
    )


def test_every_public_name_is_there():
    for name in regcore.__all__:
        assert getattr(regcore, name).__name__ == name
    assert set(regcore.__all__) <= set(dir(regcore))


def test_a_name_that_is_not_there_is_refused():
    with pytest.raises(AttributeError, match="module 'regcore' has no attribute 'fit'"):
        regcore.fit  # noqa: B018
