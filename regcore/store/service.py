"""The one keeper of this process, over the database that the settings name."""

from __future__ import annotations

import atexit
import threading

from regcore.settings import read_settings
from regcore.store.database import Database
from regcore.store.keeper import Keeper, Status
from regcore.store.store import Store

# A server that ends has this long to write what it has just been given.
LAST_SECONDS = 2.0

_lock = threading.Lock()
_keeper: Keeper | None = None


def own_keeper() -> Keeper | None:
    """Return this process's keeper; None where runs are kept by sessions alone.

    The database is opened when the keeper first uses it.

    Raises:
        ConfigError: a setting has a value that it cannot have.
    """
    global _keeper
    with _lock:
        if _keeper is None:
            settings = read_settings()
            if settings.database is None:
                return None
            store = Store(Database(settings.database), settings.database_bytes, settings.desk_days)
            _keeper = Keeper(store, max_bytes=settings.unwritten_bytes)
        return _keeper


def status() -> Status | None:
    """Return how the store of this process is; None where there is none."""
    kept_by = own_keeper()
    return kept_by.status() if kept_by else None


def stop_keeper(seconds: float = LAST_SECONDS) -> None:
    """Write what waits, within this time, and let go of the database."""
    global _keeper
    with _lock:
        ended, _keeper = _keeper, None
    if ended is not None:
        ended.close(seconds)


atexit.register(stop_keeper)
