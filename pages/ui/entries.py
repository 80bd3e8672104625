"""Finished runs as a shelf: which are kept, in which colour, and under which name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from regcore.config import Config
from regcore.figures import BASELINE, COLOURS, THIS_RUN, RunCurves
from regcore.pairing import Scores
from regcore.provenance import Made
from regcore.store.records import run_key

# Of `COLOURS`, the first two are those of the baseline and of this run.
OWN_COLOURS = {BASELINE: 0, THIS_RUN: 1}
MAX_EARLIER = len(COLOURS) - len(OWN_COLOURS)
MAX_LETTERS = 100
# What heads the other columns of the tables.
RESERVED = (*OWN_COLOURS, "field", "metric", "difference", "95 % interval", "lower on", "verdict")


class Origin(NamedTuple):
    """Where the numbers of a run come from, by which it is found where it is kept.

    Attributes:
        data_key: Key of the data that it ran on.
        made: Where its numbers were made, and a digest of them.
        finished: When, in seconds since 1970.
    """

    data_key: str
    made: Made
    finished: float


class Entry(NamedTuple):
    """A finished run on the shelf.

    Attributes:
        config: The experiment, by which a run is known.
        name: What it is called.
        curves: Its validation curves.
        scores: Its validation metrics.
        colour: Place in `COLOURS`; None for the run that the page shows.
        is_pinned: Whether it stays when the shelf is full.
        is_visible: Whether its curve is drawn once it is an earlier run.
        baseline: What it was held against when it was finished; None: nothing, as it is one itself.
        origin: Where its numbers come from; None: the session alone keeps it.
        is_restored: Whether it was kept from before, and not trained again since.
    """

    config: Config
    name: str
    curves: RunCurves
    scores: Scores
    colour: int | None = None
    is_pinned: bool = False
    is_visible: bool = True
    baseline: Entry | None = None
    origin: Origin | None = None
    is_restored: bool = False

    @property
    def key(self) -> str | None:
        """By which it is known where it is kept; None if the session alone keeps it."""
        return run_key(self.config, self.origin.data_key, self.origin.made) if self.origin else None


Shelf = tuple[Entry, ...]
"""Finished runs, the newest last."""


def put(shelf: Shelf, entry: Entry) -> Shelf:
    """Return the shelf with this run as its newest; one that is there keeps its name, pin and eye."""
    before = find(shelf, entry.config)
    others = [other for other in shelf if other.config != entry.config]
    if before is None:
        return (*others, entry._replace(name=_unlike([other.name for other in others], entry.name)))
    given = {field: getattr(before, field) for field in ("name", "colour", "is_pinned", "is_visible")}
    return (*others, entry._replace(**given))


def restored(kept: Iterable[Entry], shelf: Shelf) -> Shelf:
    """Return the shelf with runs that were kept from before, as older ones; what is on it stays as it is.

    Tabs of one browser keep theirs on the same desk, so two of them may have one name or colour, and more of
    them may be pinned than there are colours: then the newest are.

    Args:
        kept: What was kept, the newest last.
        shelf: What the session has.
    """
    older: list[Entry] = []
    for entry in kept:
        if find(shelf, entry.config) is None and find(tuple(older), entry.config) is None:
            older.append(entry)
    pinned = [entry for entry in (*older, *shelf) if entry.is_pinned][-MAX_EARLIER:]
    names, colours = [entry.name for entry in shelf], {entry.colour for entry in shelf}
    for at, entry in enumerate(older):
        is_free = entry.colour not in colours
        older[at] = entry._replace(
            name=_unlike(names, entry.name),
            colour=entry.colour if is_free else None,
            is_pinned=entry in pinned,
            is_restored=True,
        )
        names.append(older[at].name)
        colours.add(older[at].colour)
    return (*older, *shelf)


def arrange(shelf: Shelf, current: Config) -> Shelf:
    """Return the shelf with room and colours for all: the oldest unpinned go, the others keep their colour.

    The run that the page shows is no earlier one: it has a colour of its own.
    """
    earlier = [entry for entry in shelf if entry.config != current]
    n_too_many = max(0, len(earlier) - MAX_EARLIER)
    gone = [entry.config for entry in earlier if not entry.is_pinned][:n_too_many]
    kept = [entry for entry in shelf if entry.config not in gone]
    taken = {entry.colour for entry in kept if entry.config != current}
    free = iter(number for number in range(len(OWN_COLOURS), len(COLOURS)) if number not in taken)
    return tuple(
        entry._replace(colour=None)
        if entry.config == current
        else entry._replace(colour=next(free) if entry.colour is None else entry.colour)
        for entry in kept
    )


def find(shelf: Shelf, config: Config) -> Entry | None:
    """Return the run of this configuration, if it is on the shelf."""
    return next((entry for entry in shelf if entry.config == config), None)


def change(shelf: Shelf, config: Config, **changes: Any) -> Shelf:
    """Return the shelf with one of its runs changed."""
    return tuple(entry._replace(**changes) if entry.config == config else entry for entry in shelf)


def renamed(shelf: Shelf, config: Config, name: str) -> Shelf:
    """Return the shelf with a run renamed, on one line and as no other is called; no name changes nothing."""
    others = [entry.name for entry in shelf if entry.config != config]
    tidy = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    return change(shelf, config, name=_unlike(others, tidy)) if tidy else shelf


def is_full_of_pins(shelf: Shelf) -> bool:
    """Return whether no more runs can be pinned: each pinned run needs a colour."""
    return sum(entry.is_pinned for entry in shelf) >= MAX_EARLIER


def _unlike(others: Sequence[str], name: str) -> str:
    """Return the name, with a number if something is called so already; at most `MAX_LETTERS` long."""
    taken = {each.casefold() for each in (*others, *RESERVED)}
    number, numbered = 1, _cut(name, MAX_LETTERS)
    while numbered.casefold() in taken:
        number += 1
        numbered = f"{_cut(name, MAX_LETTERS - 5)} ({number})"
    return numbered


def _cut(name: str, n_letters: int) -> str:
    """Return the name, or as many of its words as there is room for, and a mark that there are more."""
    if len(name) <= n_letters:
        return name.strip()
    kept = name[: n_letters - 1]
    return (kept.rpartition(" ")[0] or kept).rstrip(" ,") + "…"
