"""Every error regcore raises on purpose.

Each message is one sentence for a person: what, the rule, the value, and the remedy where there is one. A
page shows the message of a `RegcoreError`; anything else that is raised is a bug.
"""

from collections.abc import Mapping


class RegcoreError(Exception):
    """The root of the errors below."""


class ConfigError(RegcoreError, ValueError):
    """A field, or two fields together, that no experiment can have."""


class DataError(RegcoreError, ValueError):
    """Data that cannot be loaded, read or split."""


class TooLargeError(RegcoreError):
    """A run that was refused before it started, because it would not fit into memory."""


class TooCostlyError(RegcoreError):
    """A run that was refused before it started, because it would keep the machine for too long.

    Attributes:
        proposal: Fields of a configuration, with values that would be admitted; empty if none are known.
    """

    def __init__(self, message: str, proposal: Mapping[str, int] | None = None) -> None:
        super().__init__(message)
        self.proposal = dict(proposal or {})


class BusyError(RegcoreError):
    """A run that was refused before it started, because as many wait as may wait."""


class CancelledError(RegcoreError):
    """A run that somebody cancelled."""


class WorkerError(RegcoreError):
    """A worker process that failed, or died again and again, on the same piece of work."""


class StoreError(RegcoreError):
    """A database that cannot be read or written just now, or is none of the lab's."""
