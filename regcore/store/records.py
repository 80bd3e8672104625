"""What is kept: finished runs, and of each visitor which of them are on the desk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from regcore.config import Config
from regcore.pairing import Scores
from regcore.provenance import Made
from regcore.results import Result
from regcore.store.packing import Columns, pack

# A longer history, as of hundreds of networks, is not kept: its curves and scores are.
HISTORY_BYTES = 4 * 2**20


class FinishedRun(NamedTuple):
    """A run that is done, without weights and without anything of the test.

    Attributes:
        config: The experiment.
        data_key: Key of the data that it ran on.
        made: Where its numbers were made, and a digest of them.
        finished: When, in seconds since 1970 by the clock of the server.
        scores: Its validation metrics.
        curves: Its validation curves, as figures draw them: measure -> column -> values.
        history: Its recording of every epoch, packed; None if it is too long, or was not asked for.
    """

    config: Config
    data_key: str
    made: Made
    finished: float
    scores: Scores
    curves: Mapping[str, Columns]
    history: bytes | None

    @property
    def key(self) -> str:
        """Equal for the same numbers of the same experiment, made by the same engine, and for no others."""
        return run_key(self.config, self.data_key, self.made)


class Placed(NamedTuple):
    """A run on a desk.

    Attributes:
        run: Key of the run.
        name: What its owner calls it.
        colour: Place in the colours of the run table; None for the run that is shown.
        is_pinned: Whether it stays when the table is full.
        is_visible: Whether its curve is drawn.
        baseline: Key of the run that it was held against; None if there was none.
    """

    run: str
    name: str
    colour: int | None = None
    is_pinned: bool = False
    is_visible: bool = True
    baseline: str | None = None


class Arrangement(NamedTuple):
    """How runs stand on a desk that has them already, for all that is known.

    Attributes:
        desk: Name of the desk.
        placed: Runs, the newest last; those that are there keep their place.
        removed: Keys of runs that are no longer there.
        hidden: Which of the runs that a page shows are not drawn; None: as before.
        newest: Keys of runs that become the newest, one after the other.
    """

    desk: str
    placed: tuple[Placed, ...]
    removed: frozenset[str] = frozenset()
    hidden: frozenset[str] | None = None
    newest: tuple[str, ...] = ()

    def then(self, later: Arrangement) -> Arrangement | None:
        """Return the one that comes to the same as this one and a later one; None where there is none.

        That is where the later one puts a run on the desk which this one does not, or takes away: such a run
        becomes the newest.
        """
        placed = {each.run: each for each in self.placed}
        new = {each.run: each for each in later.placed}
        if later.desk != self.desk or not new.keys() <= placed.keys() - self.removed:
            return None
        return Arrangement(
            self.desk,
            tuple((placed | new).values()),
            self.removed | later.removed,
            self.hidden if later.hidden is None else later.hidden,
            (*(run for run in self.newest if run not in later.newest), *later.newest),
        )


class Kept(NamedTuple):
    """A run that was found on a desk, what it is there, and what it was held against."""

    run: FinishedRun
    placed: Placed
    baseline: FinishedRun | None = None


class Desk(NamedTuple):
    """What is kept of one visitor.

    Attributes:
        kept: The runs, the newest last.
        hidden: Which of the runs that a page shows are not drawn.
    """

    kept: tuple[Kept, ...] = ()
    hidden: frozenset[str] = frozenset()


def run_key(config: Config, data_key: str, made: Made) -> str:
    """Return the key of a finished run, 64 hex digits."""
    return hashlib.sha256(f"{config.key()} {data_key} {made}".encode()).hexdigest()


def packed_history(result: Result) -> bytes | None:
    """Return the recording of every epoch, as its columns packed; None if it is too long to be kept."""
    history = result.history
    packed = pack({str(name): history[name].to_numpy() for name in history})
    return packed if len(packed) <= HISTORY_BYTES else None
