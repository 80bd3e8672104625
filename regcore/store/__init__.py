"""Finished runs and the desks of visitors, kept in SQLite or PostgreSQL."""

from regcore.store.keeper import Keeper, Status, Write, arranging
from regcore.store.openings import Seen
from regcore.store.records import Arrangement, Desk, FinishedRun, Kept, Placed, packed_history
from regcore.store.service import own_keeper, status, stop_keeper
from regcore.store.store import Store

__all__ = [
    "Arrangement",
    "Desk",
    "FinishedRun",
    "Keeper",
    "Kept",
    "Placed",
    "Seen",
    "Status",
    "Store",
    "Write",
    "arranging",
    "own_keeper",
    "packed_history",
    "status",
    "stop_keeper",
]
