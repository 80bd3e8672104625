"""What is installed, by either of its names."""

from importlib.metadata import PackageNotFoundError, version

import pytest

from regcore import versions
from regcore.versions import installed


def pretend(monkeypatch, there):
    def told(name):
        if name not in there:
            raise PackageNotFoundError(name)
        return there[name]

    monkeypatch.setattr(versions, "version", told)


def test_a_package_that_is_there_tells_its_version():
    assert installed("numpy") == version("numpy")


@pytest.mark.parametrize("name", ["tensorflow", "tensorflow-cpu"])
def test_tensorflow_is_there_by_either_name(monkeypatch, name):
    pretend(monkeypatch, {name: "2.21.0"})

    assert installed("tensorflow") == "2.21.0"


def test_what_is_not_there_is_said(monkeypatch):
    pretend(monkeypatch, {"tensorflow-cpu": "2.21.0"})

    assert installed("keras") == "not installed"
