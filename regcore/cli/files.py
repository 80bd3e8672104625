"""Where `--out` writes: into one file, or several in a folder; never over what is there, unless told to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from regcore.errors import ConfigError

# What a report writes, by the ending of a single file, and into a folder.
OF_FILE = {".csv": "table.csv", ".json": "result.json"}
OF_FOLDER = ("config.json", "history.csv", "table.csv", "result.json")


class Destination(NamedTuple):
    """Where everything goes: name in a report -> file."""

    files: Mapping[str, Path]

    def write(self, texts: Mapping[str, str], is_complete: bool) -> list[Path]:
        """Write what a report holds, and return the files.

        What is partial goes beside the name that was asked for, as table.partial.csv: a file of that name is
        always whole, and all files of such names are of one run. What is complete takes the place of partial
        files that are there.

        Raises:
            OSError: a file cannot be written.
        """
        written = []
        for name, file in self.files.items():
            path = file if is_complete else partial_name(file)
            _write(path, texts[name])
            written.append(path)
        if is_complete:
            for file in self.files.values():
                partial_name(file).unlink(missing_ok=True)
        return written


def destination(out: str, force: bool) -> Destination:
    """Return where `--out` says, if that can be written.

    Raises:
        ConfigError: it cannot, or something is there already and `force` is not given.
    """
    if not out:
        raise ConfigError("--out must name a file or a folder, got ''")
    try:
        return _destination(out, force)
    except OSError as error:
        # As of a name that is too long, or below a folder that may not be entered.
        raise _not_writable(out, error) from None


def _destination(out: str, force: bool) -> Destination:
    path = Path(out)
    is_file = path.suffix.lower() in OF_FILE and not path.is_dir()
    files = {OF_FILE[path.suffix.lower()]: path} if is_file else {name: path / name for name in OF_FOLDER}
    if not is_file and path.exists() and not path.is_dir():
        raise ConfigError(
            f"--out must be a folder, or a file that ends with .csv or .json, got the file {out!r}"
        )
    names = [each for file in files.values() for each in (file, partial_name(file))]
    taken = [each for each in names if each.exists()]
    if taken and not force:
        raise ConfigError(
            f"--out must not be there yet, got {str(taken[0])!r}, which is: name another, or add --force to "
            "overwrite it"
        )
    _check_writable(out, path.parent if is_file else path, names)
    return Destination(files)


def partial_name(file: Path) -> Path:
    """Return the file that a partial result goes to: table.partial.csv for table.csv."""
    return file.with_name(f"{file.stem}.partial{file.suffix}")


def _check_writable(out: str, folder: Path, files: Iterable[Path]) -> None:
    """Refuse now, and not after minutes of training, a folder that cannot be made or written into.

    Raises:
        OSError: so it is, or a name is too long.
    """
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    tempfile.TemporaryFile(dir=there).close()
    for file in files:
        # Below a folder that is still to be made, the system does not look at the length of a name.
        for name in file.absolute().relative_to(there.absolute()).parts:
            _check_length(there / name)
        _check_length(file)


def _check_length(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.lstat()


def _not_writable(out: str, error: OSError) -> ConfigError:
    return ConfigError(f"--out must be where files can be written, got {out!r}: {error.strerror}")


def _write(file: Path, text: str) -> None:
    """Write a file at once: whoever looks sees the old one or the new one, whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # Not made of the name of the file, which may be as long as a name can be.
    beside = file.with_name(f".{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
