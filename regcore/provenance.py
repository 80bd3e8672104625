"""Where numbers were made, in a few letters that fit into a link, and whether these are the same ones."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from regcore.results import Result

Origin = Literal["here", "elsewhere", "changed"]

_SPELLED = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16})")


class Made(NamedTuple):
    """The fingerprint of an engine (`execution.fingerprint`), and a digest of numbers that it made."""

    engine: str
    numbers: str

    def __str__(self) -> str:
        return f"{self.engine}-{self.numbers}"


def read_made(text: str | None) -> Made | None:
    """Return what `str(made)` spells; None if the text is nothing of the kind."""
    found = _SPELLED.fullmatch(text or "")
    return Made(found[1], found[2]) if found else None


def numbers_of(result: Result) -> str:
    """Return 16 hex digits over every bit of the train and validation curves of a complete run."""
    digest = hashlib.sha256()
    for seed in result.seeds:
        for member in range(result.config.members):
            told = result.recordings[seed, member].history[: result.config.epochs]
            digest.update(np.ascontiguousarray(told, dtype="<f8").data)
    return digest.hexdigest()[:16]


def origin(there: Made, here: Made) -> Origin:
    """Return how numbers that were made there relate to those of the same configuration made here.

    "here": the same, bit for bit. "elsewhere": another processor or version, equal within tolerance.
    "changed": the same engine, whose numbers should be the same and are not, as where data have changed.
    """
    if there.numbers == here.numbers:
        return "here"
    return "elsewhere" if there.engine != here.engine else "changed"
