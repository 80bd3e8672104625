"""The store: finished runs, each once, and the desks of visitors; bounded in bytes and in days of use."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from typing import Any

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Integer,
    Row,
    Table,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from regcore.config import Config
from regcore.errors import RegcoreError
from regcore.pairing import Scores
from regcore.provenance import Made
from regcore.store import schema
from regcore.store.database import Database
from regcore.store.openings import Seen, opening_from_json, opening_to_json
from regcore.store.packing import Columns, pack, unpack
from regcore.store.records import Desk, FinishedRun, Kept, Placed

logger = logging.getLogger(__name__)

# Of one visitor; sessions show fewer, and several tabs may add up.
RUNS_OF_DESK = 50
OPENINGS_OF_DESK = 500
DESKS = 10_000
# What changes of a run that is on the desk already.
PLACED_ANEW = tuple(name for name in Placed._fields if name != "run")


class Store:
    """Finished runs and desks in a database.

    Every method may raise a `StoreError`: nothing was changed then, and the same call can be made again.

    Args:
        database: Where.
        max_bytes: Of finished runs; the oldest go first that nobody has pinned.
        desk_days: Days of use after which a desk goes that nobody came back to.
    """

    def __init__(self, database: Database, max_bytes: int, desk_days: int) -> None:
        self.database = database
        self._max_bytes = max_bytes
        self._desk_days = desk_days

    def check(self) -> None:
        """Return if the database can be had."""
        with self.database.reading() as connection:
            connection.execute(select(schema.state.c.version)).one()

    def put(
        self,
        desk: str,
        placed: Sequence[Placed] = (),
        runs: Iterable[FinishedRun] = (),
        removed: Iterable[str] = (),
        hidden: frozenset[str] | None = None,
        newest: Sequence[str] = (),
    ) -> None:
        """Put runs on a desk, or change how they are there; those of other tabs stay.

        Args:
            desk: Name of the desk.
            placed: Runs, the newest last; those that are there already keep their place.
            runs: Those of them that may not be kept yet.
            removed: Keys of runs that are no longer on the desk.
            hidden: Which of the runs that a page shows are not drawn; None: as before.
            newest: Keys of runs that become the newest, one after the other, though they may be there.
        """
        with self.database.writing() as connection:
            tick = self._begin(connection, desk, hidden)
            # One that is there stays as it is: the same key is the same numbers.
            given = {run.key: run for run in runs}.values()
            new = [_row_of_run(run, tick) for run in given if not _touch(connection, run, tick)]
            _upsert(connection, schema.runs, new, ("tick",))
            rows = [_row_of_placed(desk, each, tick, at) for at, each in enumerate(placed)]
            if rows:
                connection.execute(_placing(connection.dialect.name), rows)
            first = (tick + 1) * 1000 - len(newest)
            if last := [
                {"of_desk": desk, "of_run": key, "position": first + at} for at, key in enumerate(newest)
            ]:
                connection.execute(_MOVE, last)
            if gone := [{"of_desk": desk, "of_run": key} for key in removed]:
                connection.execute(_REMOVE, gone)
            if new:
                self._make_room(connection, desk)

    def desk(self, desk: str) -> Desk:
        """Return what is kept of a visitor; of one who is not known, nothing."""
        with self.database.reading() as connection:
            hidden = connection.scalar(select(schema.desks.c.hidden).where(schema.desks.c.desk == desk))
            rows = connection.execute(
                select(schema.placed, *_but_history())
                .join(schema.runs, schema.runs.c.key == schema.placed.c.run)
                .where(schema.placed.c.desk == desk)
                .order_by(schema.placed.c.position)
            ).all()
            wanted = {row.baseline for row in rows if row.baseline}
            others = connection.execute(select(*_but_history()).where(schema.runs.c.key.in_(wanted))).all()
        baselines = {row.key: _run(row) for row in others}
        runs = [(_run(row), _placed(row)) for row in rows]
        kept = [Kept(run, placed, baselines.get(placed.baseline or "")) for run, placed in runs if run]
        return Desk(tuple(kept), frozenset(json.loads(hidden or "[]")))

    def configs(self, desk: str) -> set[Config]:
        """Return the experiments of the runs on a desk, without reading what came of them."""
        with self.database.reading() as connection:
            found = connection.scalars(_CONFIGS, {"of_desk": desk}).all()
        return {config for config in map(_config, found) if config is not None}

    def put_opening(self, desk: str, seen: Seen) -> None:
        """Count an opening of the test; one that was handed over before is not counted again."""
        with self.database.writing() as connection:
            self._begin(connection, desk)
            of_desk = schema.openings.c.desk == desk
            number = 1 + (connection.scalar(select(func.max(schema.openings.c.number)).where(of_desk)) or 0)
            row = {
                "identity": seen.identity,
                "desk": desk,
                "number": number,
                "seen": seen.when,
                "opening": opening_to_json(seen.opening),
            }
            _upsert(connection, schema.openings, [row], ("seen",))
            # The number of the latest tells how many there were.
            too_old = schema.openings.c.number <= number - OPENINGS_OF_DESK
            connection.execute(delete(schema.openings).where(of_desk, too_old))

    def openings(self, desk: str) -> tuple[Seen, ...]:
        """Return the latest openings of a visitor, the first one first."""
        table = schema.openings
        with self.database.reading() as connection:
            rows = connection.execute(
                select(table).where(table.c.desk == desk).order_by(table.c.number)
            ).all()
        return tuple(seen for seen in map(_seen, rows) if seen is not None)

    def history(self, run: str) -> pd.DataFrame | None:
        """Return the recording of every epoch of a run; None if it is not kept."""
        with self.database.reading() as connection:
            packed = connection.scalar(select(schema.runs.c.history).where(schema.runs.c.key == run))
        return pd.DataFrame(unpack(packed)) if packed is not None else None

    def _begin(self, connection: Connection, desk: str, hidden: frozenset[str] | None = None) -> int:
        """Return the number of this write, and note that a visitor was here.

        This number and that of the day of use only grow, whatever the clock says.
        """
        tick: int
        today = _today()
        tick, day, last = connection.execute(_COUNT).one()
        if last != today:
            day += 1
            connection.execute(update(schema.state).values(day=day, date=today))
        seen = {"of_desk": desk, "day": day, "tick": tick}
        eyes = {} if hidden is None else {"hidden": json.dumps(sorted(hidden))}
        is_new = not connection.execute(_SEE, seen | eyes).rowcount
        if is_new:
            row = {"desk": desk, "day": day, "tick": tick, "hidden": "[]", **eyes}
            connection.execute(schema.desks.insert().values(row))
        if is_new or last != today:
            self._clear(connection, day)
        return tick

    def _clear(self, connection: Connection, day: int) -> None:
        """Let go of desks that nobody came back to, and of those beyond the latest so many."""
        connection.execute(delete(schema.desks).where(schema.desks.c.day < day - self._desk_days))
        latest = select(schema.desks.c.desk).order_by(schema.desks.c.tick.desc()).limit(DESKS)
        connection.execute(delete(schema.desks).where(schema.desks.c.desk.not_in(latest)))

    def _make_room(self, connection: Connection, desk: str) -> None:
        """Let go of runs for which there is no room: on this desk, and among all."""
        connection.execute(_CROP, {"of_desk": desk, "most": RUNS_OF_DESK})
        excess = (connection.scalar(_ALL_BYTES) or 0) - self._max_bytes
        if excess > 0:
            self._drop(connection, excess)

    def _drop(self, connection: Connection, excess: int) -> None:
        """Drop so many bytes of runs: what no desk has any more first, then the oldest that nobody pinned."""
        own = or_(schema.placed.c.run == schema.runs.c.key, schema.placed.c.baseline == schema.runs.c.key)
        is_pinned = exists().where(own, schema.placed.c.is_pinned)
        is_placed = exists().where(own)
        oldest = connection.execute(
            select(schema.runs.c.key, schema.runs.c.n_bytes)
            .where(~is_pinned)
            .order_by(is_placed, schema.runs.c.tick)
        )
        dropped = []
        for key, n_bytes in oldest:
            if excess <= 0:
                break
            dropped.append(key)
            excess -= n_bytes
        connection.execute(delete(schema.runs).where(schema.runs.c.key.in_(dropped)))


# What every write asks for. They are built once: that takes the processor as long as all else that a write
# asks of it. What is given at each time has names that are no columns, but for what is set.
_COUNT = (
    update(schema.state)
    .values(tick=schema.state.c.tick + 1)
    .returning(schema.state.c.tick, schema.state.c.day, schema.state.c.date)
)
_SEE = update(schema.desks).where(schema.desks.c.desk == bindparam("of_desk"))
_TOUCH = update(schema.runs).where(schema.runs.c.key == bindparam("of_run"))
_OF_DESK = schema.placed.c.desk == bindparam("of_desk")
_MOVE = update(schema.placed).where(_OF_DESK, schema.placed.c.run == bindparam("of_run"))
_REMOVE = delete(schema.placed).where(_OF_DESK, schema.placed.c.run == bindparam("of_run"))
_NEWEST = (
    select(schema.placed.c.run)
    .where(_OF_DESK)
    .order_by(schema.placed.c.position.desc())
    .limit(bindparam("most", type_=Integer))
)
_CROP = delete(schema.placed).where(_OF_DESK, schema.placed.c.run.not_in(_NEWEST))
_CONFIGS = (
    select(schema.runs.c.config).join(schema.placed, schema.placed.c.run == schema.runs.c.key).where(_OF_DESK)
)
_ALL_BYTES = select(func.sum(schema.runs.c.n_bytes))


def _touch(connection: Connection, run: FinishedRun, tick: int) -> bool:
    """Return whether a run is kept; then it counts as asked for just now."""
    return connection.execute(_TOUCH, {"of_run": run.key, "tick": tick}).rowcount > 0


def _today() -> str:
    return date.today().isoformat()


def _upsert(
    connection: Connection, table: Table, rows: list[dict[str, Any]], changed: tuple[str, ...]
) -> None:
    """Insert rows; of those that are there, change these columns."""
    if rows:
        connection.execute(_upserting(connection.dialect.name, table, changed), rows)


@cache
def _upserting(dialect: str, table: Table, changed: tuple[str, ...]) -> Executable:
    return _or_change(_dialect(dialect).insert(table), changed)


@cache
def _placing(dialect: str) -> Executable:
    """Return what puts a run on a desk, if it is kept: it may have gone since, for want of room."""
    given: dict[str, ColumnElement[Any]]
    given = {column.name: bindparam(f"new_{column.name}", type_=column.type) for column in schema.placed.c}
    # Of what has gone, nothing is held against.
    baseline = schema.runs.alias()
    given["baseline"] = select(baseline.c.key).where(baseline.c.key == given["baseline"]).scalar_subquery()
    kept = select(*given.values()).select_from(schema.runs).where(schema.runs.c.key == given["run"])
    return _or_change(_dialect(dialect).insert(schema.placed).from_select(list(given), kept), PLACED_ANEW)


def _dialect(name: str) -> Any:
    return sqlite if name == "sqlite" else postgresql


def _or_change(insert: Any, changed: tuple[str, ...]) -> Executable:
    """Return an insertion that changes these columns of rows that are there."""
    keys = [column.name for column in insert.table.primary_key]
    new = {name: insert.excluded[name] for name in changed}
    upserting: Executable = insert.on_conflict_do_update(index_elements=keys, set_=new)
    return upserting


def _row_of_run(run: FinishedRun, tick: int) -> dict[str, Any]:
    curves = pack(
        {f"{measure} {name}": values for measure, of in run.curves.items() for name, values in of.items()}
    )
    return {
        "key": run.key,
        "config": run.config.to_json(),
        "data_key": run.data_key,
        "engine": run.made.engine,
        "numbers": run.made.numbers,
        "finished": run.finished,
        "tick": tick,
        "n_bytes": len(curves) + len(run.history or b""),
        "scores": json.dumps(run.scores._asdict()),
        "curves": curves,
        "history": run.history,
    }


def _row_of_placed(desk: str, each: Placed, tick: int, at: int) -> dict[str, Any]:
    # Runs of one write are next to each other, after those of all writes before it.
    row = {"desk": desk, **each._asdict(), "position": tick * 1000 + at}
    return {f"new_{name}": value for name, value in row.items()}


# Those of one class are few, and the same ones are asked for at every run that is finished.
@lru_cache(maxsize=1024)
def _config(text: str) -> Config | None:
    """Return an experiment that was kept; None if this lab cannot read it: a field may have gone since."""
    try:
        return Config.from_json(text)
    except RegcoreError as error:
        logger.warning("A run that was kept is left out: %s", error)
        return None


def _run(row: Row[Any]) -> FinishedRun | None:
    """Return a run that was kept; None if this lab cannot read it."""
    config = _config(row.config)
    if config is None:
        return None
    try:
        return FinishedRun(
            config=config,
            data_key=row.data_key,
            made=Made(row.engine, row.numbers),
            finished=row.finished,
            scores=_scores(row.scores),
            curves=_curves(unpack(row.curves)),
            history=None,
        )
    except RegcoreError as error:
        logger.warning("A run that was kept is left out: %s", error)
        return None


def _seen(row: Row[Any]) -> Seen | None:
    try:
        return Seen(row.identity, row.seen, opening_from_json(row.opening), row.number)
    except RegcoreError as error:
        logger.warning("An opening that was kept is left out: %s", error)
        return None


def _placed(row: Row[Any]) -> Placed:
    return Placed(*(getattr(row, name) for name in Placed._fields))


def _scores(text: str) -> Scores:
    found = json.loads(text)
    by_seed = {
        metric: {int(seed): value for seed, value in values.items()}
        for metric, values in found["by_seed"].items()
    }
    return Scores(found["task"], by_seed, {int(seed): rows for seed, rows in found["rows"].items()})


def _curves(columns: Columns) -> Mapping[str, Columns]:
    curves: dict[str, dict[str, Any]] = {}
    for name, values in columns.items():
        measure, _, column = name.partition(" ")
        curves.setdefault(measure, {})[column] = values
    return curves


def _but_history() -> list[Any]:
    """Return the columns of a run that the run table needs."""
    return [column for column in schema.runs.c if column.name not in ("history", "tick")]
