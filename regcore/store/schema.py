"""The tables, their version, and how older ones become those of today."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    inspect,
    select,
    text,
    update,
)

from regcore.errors import StoreError

logger = logging.getLogger(__name__)

VERSION = 2

metadata = MetaData()

state = Table(
    "regcore_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    # One more with each write: what is later has the higher one, whatever the clock says.
    Column("tick", BigInteger, nullable=False),
    # Days on which something was written, and the last of them.
    Column("day", Integer, nullable=False),
    Column("date", String(10), nullable=False),
)
runs = Table(
    "regcore_runs",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("config", Text, nullable=False),
    Column("data_key", String(64), nullable=False),
    Column("engine", String(16), nullable=False),
    Column("numbers", String(16), nullable=False),
    Column("finished", Float, nullable=False),
    Column("tick", BigInteger, nullable=False),
    Column("n_bytes", Integer, nullable=False),
    Column("scores", Text, nullable=False),
    Column("curves", LargeBinary, nullable=False),
    Column("history", LargeBinary),
    # All that is asked of every run at each write.
    Index("regcore_runs_tick", "tick", "n_bytes"),
)
desks = Table(
    "regcore_desks",
    metadata,
    Column("desk", String(64), primary_key=True),
    Column("day", Integer, nullable=False),
    Column("tick", BigInteger, nullable=False, index=True),
    Column("hidden", Text, nullable=False),
)
placed = Table(
    "regcore_placed",
    metadata,
    Column("desk", ForeignKey(desks.c.desk, ondelete="CASCADE"), primary_key=True),
    Column("run", ForeignKey(runs.c.key, ondelete="CASCADE"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("colour", Integer),
    Column("is_pinned", Boolean, nullable=False),
    Column("is_visible", Boolean, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("baseline", ForeignKey(runs.c.key, ondelete="SET NULL")),
    Index("regcore_placed_run", "run"),
    Index("regcore_placed_baseline", "baseline"),
)
openings = Table(
    "regcore_openings",
    metadata,
    Column("identity", String(32), primary_key=True),
    Column("desk", ForeignKey(desks.c.desk, ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("seen", Float, nullable=False),
    Column("opening", Text, nullable=False),
    Index("regcore_openings_desk", "desk", "number"),
)


class Found(Enum):
    """What was found in a database."""

    NOTHING = "nothing"
    OLDER = "older"
    CURRENT = "current"


class Upgrade(NamedTuple):
    """A step from one version to the next.

    Attributes:
        name: What it does, in a few words.
        apply: Does it, in a transaction of all steps.
    """

    name: str
    apply: Callable[[Connection], None]


def _add_baselines_and_openings(connection: Connection) -> None:
    connection.execute(
        text(
            "ALTER TABLE regcore_placed ADD COLUMN baseline VARCHAR(64) "
            "REFERENCES regcore_runs (key) ON DELETE SET NULL"
        )
    )
    connection.execute(text("CREATE INDEX regcore_placed_baseline ON regcore_placed (baseline)"))
    openings.create(connection)


UPGRADES: Mapping[int, Upgrade] = {
    1: Upgrade("baselines of runs, and openings of the test", _add_baselines_and_openings),
}
"""Version -> the step that leads from it to the next."""


def prepare(connection: Connection, name: str, *, may_write: bool) -> Found:
    """Return what the database was found to have; make or upgrade its tables if that is allowed.

    Raises:
        StoreError: it is none of the lab's, or of a version that this lab does not know.
    """
    tables = set(inspect(connection).get_table_names())
    # A file is the lab's own; in PostgreSQL others may have tables beside.
    own = tables if connection.dialect.name == "sqlite" else tables & set(metadata.tables)
    if not own:
        if may_write:
            metadata.create_all(connection)
            connection.execute(state.insert().values(id=1, version=VERSION, tick=0, day=0, date=""))
        return Found.NOTHING
    version = connection.scalar(select(state.c.version)) if state.name in own else None
    if version is None:
        raise StoreError(
            f"{name} has tables of something else, so nothing is written to it: name another one in "
            "REGCORE_DATABASE"
        )
    if version == VERSION:
        return Found.CURRENT
    _check(version, name)
    if may_write:
        for step in range(version, VERSION):
            UPGRADES[step].apply(connection)
            logger.warning("%s: upgraded to version %d: %s", name, step + 1, UPGRADES[step].name)
        connection.execute(update(state).values(version=VERSION))
    return Found.OLDER


def _check(version: int, name: str) -> None:
    """Refuse a version to which no steps lead from, by name."""
    if version > VERSION:
        raise StoreError(
            f"{name} was written by a newer lab (version {version}, this one knows {VERSION}), so nothing is "
            "written to it: start the newer lab, or name another database in REGCORE_DATABASE"
        )
    missing = [step for step in range(version, VERSION) if step not in UPGRADES]
    if missing:
        raise StoreError(
            f"{name} is of version {version}, from which this lab has no way to {VERSION}: name another "
            "database in REGCORE_DATABASE"
        )
