"""Every error regcore raises on purpose.

Each message is one sentence for a person: what, the rule, the value, and the remedy where there is one. A
page shows the message of a `RegcoreError`; anything else that is raised is a bug.
"""


class RegcoreError(Exception):
    """The root of the errors below."""


class ConfigError(RegcoreError, ValueError):
    """A field, or two fields together, that no experiment can have."""


class DataError(RegcoreError, ValueError):
    """Data that cannot be loaded, read or split."""


class TooLargeError(RegcoreError):
    """A run that was refused before it started, because it would not fit into memory."""


class CancelledError(RegcoreError):
    """A run that somebody cancelled."""


class WorkerError(RegcoreError):
    """A worker process that failed, or died again and again, on the same piece of work."""
