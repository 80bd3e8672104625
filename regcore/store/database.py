"""A database by its URL, SQLite or PostgreSQL: its transactions, and one sentence for whatever is wrong."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from regcore.errors import StoreError
from regcore.settings import OWN_FILE, own_file
from regcore.store.schema import Found, prepare

# How long a transaction waits for those of others.
PATIENCE_SECONDS = 2.0
CONNECT_SECONDS = 3
# "regcore", in digits: whoever makes or upgrades the tables of PostgreSQL holds this lock.
LOCK = 73_736_267_325

LOCKED = "{name} is locked by another program"
FULL = "the disk of {name} is full"
READ_ONLY = "{name} cannot be written"
AWAY = "{name} cannot be reached"
DAMAGED = (
    "{name} is damaged or no database, so nothing is written to it: move it away, or name another one in "
    "REGCORE_DATABASE"
)

_OF_SQLITE = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_IOERR: READ_ONLY,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}
_OF_POSTGRESQL = {
    "55P03": LOCKED,  # lock_timeout
    "57014": LOCKED,  # statement_timeout
    "40P01": LOCKED,  # deadlock
    "53100": FULL,
    "25006": READ_ONLY,
    "42501": READ_ONLY,
}


class Database:
    """A database of the lab. It is opened when it is first used, and again after anything went wrong.

    Safe under threads, and beside other processes that use the same one.

    Args:
        url: `sqlite:///path`, `postgresql://...`, or `OWN_FILE`.
        patience: Seconds that a transaction waits for those of others; None: `PATIENCE_SECONDS`.
    """

    def __init__(self, url: str, patience: float | None = None) -> None:
        self._patience = PATIENCE_SECONDS if patience is None else patience
        self._is_own_file = url == OWN_FILE
        self._url = _own_url() if self._is_own_file else _tidy(url)
        self._file = Path(self._url.database or "") if self._is_sqlite else None
        self._engine: Engine | None = None
        self._identity: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._own = threading.local()
        self.n_new = 0
        """How often it was found empty, or another one than before: what sessions have is not in it then."""

    @property
    def name(self) -> str:
        """What sentences for everybody call it: nothing of the machine is in it."""
        return f"the database {self._file.name}" if self._file else "the database (PostgreSQL)"

    @property
    def address(self) -> str:
        """Where it is, for whoever runs the server; without its password."""
        return str(self._file) if self._file else self._url.render_as_string(hide_password=True)

    @property
    def _is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a transaction that sees one moment of the database.

        Within one of the same thread that writes, this is that one, and sees what it has changed.

        Raises:
            StoreError: the database cannot be had, or is none of the lab's.
        """
        if (outer := self._writing()) is not None:
            yield outer
            return
        with self._spoken(), self._opened().connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a transaction that may change the database: all of it, or nothing.

        Within another one of the same thread, this is that one: what fails within has to end that as well.

        Raises:
            StoreError: the database cannot be had or written, or is none of the lab's.
        """
        if (outer := self._writing()) is not None:
            yield outer
            return
        with self._spoken(), self._opened().connect() as plain:
            connection = plain.execution_options(is_writing=True)
            with connection.begin():
                self._own.writing = connection
                try:
                    yield connection
                finally:
                    self._own.writing = None

    def settle(self) -> bool:
        """Have what is committed survive a loss of power as well, and not only of the process.

        SQLite takes it from its log into its file, while others read and write. That can take a second on a
        busy disk. PostgreSQL has done so when it commits.

        Returns:
            Whether all of it has; else another process is at it, or somebody still reads what was before.

        Raises:
            StoreError: the disk is full, or away.
        """
        with self._lock:
            engine = self._engine if self._identity == self._identity_now() else None
        if engine is None or not self._is_sqlite:
            return True
        with self._spoken(), engine.connect() as connection:
            # Outside of any transaction: there it is refused.
            driver: Any = connection.connection.driver_connection
            is_busy, n_pages, n_taken = driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return not is_busy and n_taken >= n_pages

    def _writing(self) -> Connection | None:
        """Return the transaction of this thread that writes; None where there is none."""
        return getattr(self._own, "writing", None)

    def close(self) -> None:
        """Let go of all connections; the next use opens the database again."""
        with self._lock:
            self._forget()

    def _opened(self) -> Engine:
        with self._lock:
            if self._engine is not None and self._identity != self._identity_now():
                # Somebody has taken the file away: what would be written to it now, nobody would find.
                self._forget()
            if self._engine is None:
                engine = self._connected()
                try:
                    self._prepare(engine)
                except BaseException:
                    engine.dispose()
                    raise
                before, self._identity = self._identity, self._identity_now()
                self.n_new += before not in (None, self._identity)
                self._engine = engine
            return self._engine

    def _forget(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None

    def _identity_now(self) -> tuple[int, int] | None:
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _connected(self) -> Engine:
        if self._is_own_file and self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        # Parameters are what visitors have typed: they are hidden, for errors get into the log.
        if self._is_sqlite:
            engine = create_engine(self._url, hide_parameters=True, connect_args={"timeout": self._patience})
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        engine = create_engine(
            self._url,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=2,
            max_overflow=4,
            pool_timeout=self._patience,
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                # A network that swallows everything ends the wait as well.
                "tcp_user_timeout": round(5000 * self._patience),
                # What is prepared on one connection is not there on the next, behind a pool of the host's.
                "prepare_threshold": None,
            },
        )
        event.listen(engine, "begin", partial(_begin_postgresql, round(1000 * self._patience)))
        return engine

    def _prepare(self, engine: Engine) -> None:
        """Make the tables of a database that is new, upgrade older ones, and refuse what is not the lab's."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                self._prepare_once(engine)
                return
            except DBAPIError as error:
                # Where two processes begin with the same new file, SQLite refuses one of them at once.
                if _kind(error) != LOCKED or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _prepare_once(self, engine: Engine) -> None:
        with engine.connect() as connection, connection.begin():
            found = prepare(connection, self.name, may_write=False)
        if found is Found.CURRENT:
            return
        with engine.connect() as plain:
            connection = plain.execution_options(is_writing=True)
            if self._is_sqlite and found is Found.NOTHING:
                # It stays with the file, so it is asked for once; outside of any transaction.
                driver: Any = connection.connection.driver_connection
                driver.execute("PRAGMA journal_mode = WAL")
                _commit_at_once(driver)
            with connection.begin():
                if not self._is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
                if prepare(connection, self.name, may_write=True) is Found.NOTHING:
                    self.n_new += 1

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        """Turn what is wrong with the database into a `StoreError`; faults of the lab stay what they are."""
        try:
            yield
        except (IntegrityError, DataError):
            raise
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            self.close()
            raise StoreError(_kind(error).format(name=self.name)) from error
        except StoreError:
            self.close()
            raise


def _own_url() -> URL:
    return URL.create("sqlite", database=str(own_file()))


def _tidy(url: str) -> URL:
    found = make_url(url)
    is_postgresql = found.drivername in ("postgres", "postgresql", "postgresql+psycopg")
    return found.set(drivername="postgresql+psycopg") if is_postgresql else found


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # The driver would begin transactions late, and none before tables are made: see `_begin_sqlite`.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    _commit_at_once(connection)


def _commit_at_once(connection: Any) -> None:
    """Have a commit not wait for the disk, where what it writes survives the end of the process without that.

    The loss of power it survives when it is settled. To wait for the disk with each commit would have all
    pages wait that show what is kept. Without SQLite's log a file could be damaged so.
    """
    has_log = connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if has_log else 'FULL'}")


def _begin_sqlite(connection: Connection) -> None:
    # Who will write takes the lock first: two that read and then both want to write would end each other.
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _begin_postgresql(milliseconds: int, connection: Connection) -> None:
    # Nobody waits longer than this for a lock, and no statement works on when nobody waits for it any more.
    connection.exec_driver_sql(
        f"SET LOCAL lock_timeout = {milliseconds}; SET LOCAL statement_timeout = {5 * milliseconds}"
    )


def _kind(error: BaseException) -> str:
    """Return the sentence about what is wrong."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        # The lower byte is the kind, the others say which of its kind.
        return _OF_SQLITE.get((code or 0) & 0xFF, AWAY)
    return _OF_POSTGRESQL.get(getattr(cause, "sqlstate", None) or "", AWAY)
