"""The Dockerfile without a container engine: its steps, one by one, in a folder that stands for the image."""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
# Where the image has what the Dockerfile makes; in the folder they are below it.
PLACES = ("/home/lab", "/data", "/app")


class Instruction(NamedTuple):
    """One instruction: its name, and all that follows it."""

    name: str
    text: str


def instructions(text: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile, lines that are continued as one."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [Instruction(*line.split(None, 1)) for line in whole.splitlines()]


def is_in_context(path: str, patterns: list[str]) -> bool:
    """Return whether a file is sent to the engine: the last pattern of .dockerignore that matches decides."""
    ignored = False
    for pattern in patterns:
        if _matches(path, pattern.removeprefix("!")):
            ignored = not pattern.startswith("!")
    return not ignored


def patterns(text: str) -> list[str]:
    """Return the patterns of a .dockerignore."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _matches(path: str, pattern: str) -> bool:
    """Return whether a pattern is of the file or of a folder it is in."""
    parts = (re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*"), "(?:/.*)?")
    return re.fullmatch("".join(parts), path) is not None


class Image:
    """What the steps of a Dockerfile have made so far.

    Args:
        folder: Stands for the root of the image.
        programs: Where programs are looked for before those of this machine.
        context: Folder with the files that are copied.
    """

    def __init__(self, folder: Path, programs: list[Path], context: Path = ROOT) -> None:
        self.folder = folder
        self.context = context
        self.workdir = "/"
        self.env: dict[str, str] = {}
        self.user = self.health = self.command = ""
        self.ports: list[str] = []
        self.volumes: list[str] = []
        self.base = ""
        self._programs = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
        self._patterns = patterns((context / ".dockerignore").read_text(encoding="utf-8"))

    def do(self, step: Instruction) -> None:
        """Do one step."""
        getattr(self, f"_{step.name.lower()}")(step.text)

    def path(self, inside: str) -> Path:
        """Return where something of the image is on this machine."""
        return Path(self.here(inside))

    def here(self, text: str) -> str:
        """Return a text with paths of the image as those on this machine."""
        return re.sub(rf"({'|'.join(PLACES)})(?![\w.])", lambda found: f"{self.folder}{found[1]}", text)

    def environment(self, **more: str) -> dict[str, str]:
        """Return what a process of the image finds: nothing of this project but what the image sets."""
        mine = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("REGCORE_", "STREAMLIT_", "PYTHON", "TF_", "SPACE_"))
        }
        told = {name: self.here(value) for name, value in self.env.items()}
        return {**mine, "PATH": self._programs, **told, **more}

    def words(self, text: str) -> list[str]:
        """Return the words of a command in either form, for a shell in the second."""
        try:
            words: list[str] = json.loads(text)
        except json.JSONDecodeError:
            words = ["sh", "-c", text]
        return [self.here(word) for word in words]

    def _from(self, text: str) -> None:
        self.base = text

    def _env(self, text: str) -> None:
        for pair in shlex.split(text):
            name, _, value = pair.partition("=")
            self.env[name] = value

    def _workdir(self, text: str) -> None:
        self.workdir = text
        self.path(text).mkdir(parents=True, exist_ok=True)

    def _copy(self, text: str) -> None:
        *sources, target = text.split()
        into = self.path(self.workdir) / target
        for source in sources:
            found = self.context / source
            files = [found] if found.is_file() else [each for each in found.rglob("*") if each.is_file()]
            kept = [
                each
                for each in files
                if is_in_context(each.relative_to(self.context).as_posix(), self._patterns)
            ]
            assert kept, f"nothing of {source} is in the context"
            for each in kept:
                whole = into / each.name if found.is_file() else into / each.relative_to(found)
                whole.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(each, whole)

    def _run(self, text: str) -> None:
        folder = self.path(self.workdir) if self.workdir != "/" else self.folder
        done = subprocess.run(
            ["sh", "-euc", self.here(text)],
            cwd=folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=3000,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"

    def _user(self, text: str) -> None:
        self.user = text

    def _volume(self, text: str) -> None:
        self.volumes.append(text)

    def _expose(self, text: str) -> None:
        self.ports.append(text)

    def _healthcheck(self, text: str) -> None:
        self.health = text.split("CMD", 1)[1].strip()

    def _cmd(self, text: str) -> None:
        self.command = text


def fakes(folder: Path, names: tuple[str, ...]) -> Path:
    """Return a folder with programs that note how they were called, in `folder/calls`, and do little.

    What makes an account makes its home, and what installs keeps the list of what it was to install.
    """
    folder.mkdir()
    does = {"useradd": f'mkdir -p "{folder.parent}/image/home/lab"', "pip": f'cp "$3" "{folder}/installed"'}
    for name in names:
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> "{folder}/calls"\n{does.get(name, ":")}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return folder
