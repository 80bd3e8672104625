"""Which packages are installed here; nothing of them is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

# The same TensorFlow under another name: without what graphics cards need, and a third smaller.
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {"tensorflow": ("tensorflow-cpu",)}


def installed(package: str) -> str:
    """Return the version of a package that is here, by this name or another, else "not installed"."""
    for name in (package, *OTHER_NAMES.get(package, ())):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "not installed"
