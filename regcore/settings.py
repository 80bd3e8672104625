"""What the machine allows: the one place that reads the environment.

| variable | default | host | meaning |
|---|---|---|---|
| `REGCORE_PROFILE` | laptop | host | which of these two columns holds where a variable is not set |
| `REGCORE_WORKERS` | one a core, at most 8, as memory allows | 2 | worker processes that train |
| `REGCORE_WORKER_NICE` | 15 | 19 | how far workers stand back for the server, 0 to 19; not on Windows |
| `REGCORE_MEMORY` | what is free when a run starts | 512MiB | memory of all runs together; more wait |
| `REGCORE_OUTPUT_BYTES` | 8MiB | 1MiB | outputs kept of one network, over all its epochs |
| `REGCORE_CHECKPOINT_BYTES` | 4MiB | 1MiB | training states kept of one network; the last is always kept |
| `REGCORE_CHECKPOINT_STEPS` | 1000 | 1000 | optimizer steps between such states, at least |
| `REGCORE_CACHE_BYTES` | 1GiB | 192MiB | finished networks kept for the next run that asks for them |
| `REGCORE_HELD_BYTES` | 1GiB | 256MiB | networks that open pages hold; those seen longest ago go first |
| `REGCORE_DRAWN_BYTES` | 128MiB | 40MiB | figures and tables of finished runs, drawn once for all pages |
| `REGCORE_DATA_BYTES` | 512MiB | 40MiB | data sets that the server and each worker keep for the next run |
| `REGCORE_SHARD_NETWORKS` | 32 | 32 | networks that train side by side in one program, at most |
| `REGCORE_QUEUE` | 256 | 64 | runs that train or wait, at most; more are refused |
| `REGCORE_SESSION_RUNS` | 8 | 4 | runs of one session that are served at a time; its others wait |
| `REGCORE_RUN_SECONDS` | none | 60 | core-seconds that one run may take, as estimated; `none`: any |
| `REGCORE_STEP_SECONDS` | 30 | 3 | seconds that one update may take, as estimated: it is never cancelled |
| `REGCORE_GRACE_SECONDS` | 30 | 30 | how long the runs of a closed tab go on, should it come back |
| `REGCORE_POLL_SECONDS` | 0.5 | 0.5 | how often a page looks at its run; with many that train, less often |
| `REGCORE_SESSIONS` | none | 90 | pages open at a time; who comes later is asked to wait; `none`: any |
| `REGCORE_LOG` | plain | plain | the log of the server: `plain` for people, `json` for programs |
| `REGCORE_METRICS_TOKEN` | none | none | who sends it may read `/metrics`; `none`: this machine alone may |
| `REGCORE_DATABASE` | the user's file | the user's file | where finished runs are kept: a URL, or `none` |
| `REGCORE_DATABASE_BYTES` | 256MiB | 256MiB | runs kept there; the oldest that nobody pinned go first |
| `REGCORE_UNWRITTEN_BYTES` | 64MiB | 32MiB | finished runs that wait where the database is locked or away |
| `REGCORE_DESK_DAYS` | 90 | 90 | how long a browser's runs are kept that does not come back |

`host` is a small hosted machine of 2.7 GB that serves everyone; `laptop` is one's own machine. Bytes are
written as `2147483648`, `512MiB` or `2.7GB`, seconds as `30` or `0.5`. A database is
`sqlite:////folder/lab.sqlite`, in a folder that is there, or `postgresql://user:password@host/name`. Days are
those on which the lab was used.
"""

import math
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from regcore.errors import ConfigError

KIB, MIB, GIB = 2**10, 2**20, 2**30
# Stands for the URL of `own_file`.
OWN_FILE = "file"

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": KIB, "MIB": MIB, "GIB": GIB}


@dataclass(frozen=True)
class Settings:
    """What runs, and the pages that show them, may use.

    Attributes:
        profile: Name of the defaults: a key of `PROFILES`.
        workers: Worker processes; None: as many as the machine is good for.
        worker_nice: By how much their priority is below that of this process.
        memory: Bytes that all runs together may use; None: what is free when a run starts.
        output_bytes: Outputs kept of one network, over all its epochs.
        checkpoint_bytes: Training states kept of one network; the last one is always kept.
        checkpoint_steps: Optimizer steps between them, at least: what trains in a moment is trained again.
        cache_bytes: Finished networks kept for the next run that asks for them.
        held_bytes: Networks that the pages of all sessions hold together.
        drawn_bytes: Figures and tables of finished runs, drawn once for the pages of all sessions.
        data_bytes: Data sets that this process and each worker keep; the one used last is always kept.
        shard_networks: Networks that train side by side in one program, at most.
        queue: Runs that train or wait, at most.
        session_runs: Runs of one owner that are served at a time.
        run_seconds: Core-seconds that one run may take, as estimated; None: any.
        step_seconds: Seconds that one optimizer step of one network may take, as estimated.
        grace_seconds: How long the runs of a session that has ended go on.
        poll_seconds: How often a page looks at its run, at most.
        sessions: Pages that are open at a time; None: any number.
        log: How the server writes its log: "plain" or "json".
        metrics_token: What a request for the operator's figures has to bring; None: it has to come from here.
        database: URL of the database; `OWN_FILE`: a file of the user; None: runs are kept by sessions alone.
        database_bytes: Finished runs that are kept there.
        unwritten_bytes: Finished runs that wait for a database that cannot be had.
        desk_days: Days of use after which the runs of a browser go that did not come back.
    """

    profile: str = "laptop"
    workers: int | None = None
    # Beside a busy server a worker has a part of its core all the same: with 10 a tenth, with 15 a thirtieth,
    # with 19 a seventieth. Pages wait for that; but where other programs are busy, training has no more.
    worker_nice: int = 15
    memory: int | None = None
    output_bytes: int = 8 * MIB
    checkpoint_bytes: int = 4 * MIB
    checkpoint_steps: int = 1000
    cache_bytes: int = 1024 * MIB
    held_bytes: int = 1024 * MIB
    drawn_bytes: int = 128 * MIB
    data_bytes: int = 512 * MIB
    shard_networks: int = 32
    queue: int = 256
    session_runs: int = 8
    run_seconds: float | None = None
    step_seconds: float = 30.0
    grace_seconds: float = 30.0
    poll_seconds: float = 0.5
    sessions: int | None = None
    log: Literal["plain", "json"] = "plain"
    metrics_token: str | None = field(default=None, repr=False)
    database: str | None = field(default=OWN_FILE, repr=False)
    database_bytes: int = 256 * MIB
    unwritten_bytes: int = 64 * MIB
    desk_days: int = 90


LAPTOP = Settings()
# 2.7 GB: the server has about 300 MB and 2 for each session, a worker 400 to 500 with TensorFlow loaded.
# All that is bounded here fits beside that.
HOST = Settings(
    profile="host",
    workers=2,
    worker_nice=19,
    memory=512 * MIB,
    output_bytes=MIB,
    checkpoint_bytes=MIB,
    cache_bytes=192 * MIB,
    held_bytes=256 * MIB,
    drawn_bytes=40 * MIB,
    data_bytes=40 * MIB,
    queue=64,
    session_runs=4,
    run_seconds=60.0,
    step_seconds=3.0,
    sessions=90,
    unwritten_bytes=32 * MIB,
)
PROFILES = {settings.profile: settings for settings in (LAPTOP, HOST)}


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings that the environment asks for; a variable that is empty counts as not set.

    Raises:
        ConfigError: a variable has a value it cannot have; the sentence names it.
    """
    given = {name: text.strip() for name, text in environment.items() if text.strip()}
    profile = given.get("REGCORE_PROFILE", LAPTOP.profile)
    if profile not in PROFILES:
        raise ConfigError(f"REGCORE_PROFILE must be one of {', '.join(PROFILES)}, got {profile!r}")
    variables = {name: f"REGCORE_{name.upper()}" for name in _READERS}
    changes = {
        name: _READERS[name](variable, given[variable])
        for name, variable in variables.items()
        if variable in given
    }
    return replace(PROFILES[profile], **changes)


def _count(name: str, text: str, minimum: int = 1, *, maximum: int) -> int:
    if not (re.fullmatch(r"[0-9]{1,9}", text) and minimum <= int(text) <= maximum):
        raise ConfigError(f"{name} must be a whole number from {minimum} to {maximum}, got {text!r}")
    return int(text)


def _bytes(name: str, text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) *([KMG]?I?B)?", text.upper())
    if not match or match[2] == "IB":
        raise ConfigError(f"{name} must be a number of bytes, as 512MiB or 2.7GB, got {text!r}")
    return int(float(match[1]) * _UNITS[match[2] or "B"])


def _seconds(name: str, text: str, *, maximum: float = math.inf) -> float:
    if not (re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) and 0 < float(text) <= maximum):
        limit = f", at most {maximum:g}" if maximum < math.inf else ""
        raise ConfigError(f"{name} must be a number of seconds above 0{limit}, as 30 or 0.5, got {text!r}")
    return float(text)


def _choice(name: str, text: str, *, choices: Sequence[str]) -> str:
    if text not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, got {text!r}")
    return text


def _token(name: str, text: str) -> str:
    if not re.fullmatch(r"[!-~]{16,200}", text):
        # Not shown: it may be most of a secret.
        raise ConfigError(f"{name} must be 16 to 200 letters, digits and signs, without spaces")
    return text


def _database(name: str, text: str) -> str:
    if text == OWN_FILE or re.match(r"sqlite:///.|postgres(ql)?(\+psycopg)?://.", text):
        return text
    # The rest of a URL may have a password in it.
    raise ConfigError(
        f"{name} must be none, {OWN_FILE}, sqlite:///path or postgresql://user:password@host/name, got one "
        f"that begins with {text.partition(':')[0][:20]!r}"
    )


def own_file(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> Path:
    """Return where a database of the user is kept who named none: where this system has data of programs.

    Raises:
        ConfigError: the user has no home.
    """
    try:
        home = Path.home()
    except RuntimeError:
        raise ConfigError("REGCORE_DATABASE must be set where the user has no home folder") from None
    folder, variable = {
        "win32": (home / "AppData" / "Local", "LOCALAPPDATA"),
        "darwin": (home / "Library" / "Application Support", ""),
    }.get(system, (home / ".local" / "share", "XDG_DATA_HOME"))
    return Path(environment.get(variable) or folder) / "regularization-lab" / "lab.sqlite"


def _limit(read: Callable[[str, str], Any], name: str, text: str) -> Any:
    """Return what a reader makes of the text; "none" is no limit."""
    return None if text.lower() == "none" else read(name, text)


# A field that is read from the environment has its reader here, and a line in the table above.
_READERS: Mapping[str, Callable[[str, str], Any]] = {
    "workers": partial(_count, maximum=256),
    "worker_nice": partial(_count, minimum=0, maximum=19),
    "memory": _bytes,
    "output_bytes": _bytes,
    "checkpoint_bytes": _bytes,
    "checkpoint_steps": partial(_count, maximum=1_000_000),
    "cache_bytes": _bytes,
    "held_bytes": _bytes,
    "drawn_bytes": _bytes,
    "data_bytes": _bytes,
    "shard_networks": partial(_count, maximum=1024),
    "queue": partial(_count, maximum=100_000),
    "session_runs": partial(_count, maximum=1000),
    "run_seconds": partial(_limit, _seconds),
    "step_seconds": partial(_seconds, maximum=3600),
    "grace_seconds": partial(_seconds, maximum=3600),
    "poll_seconds": partial(_seconds, maximum=60),
    "sessions": partial(_limit, partial(_count, maximum=100_000)),
    "log": partial(_choice, choices=("plain", "json")),
    "metrics_token": partial(_limit, _token),
    "database": partial(_limit, _database),
    "database_bytes": _bytes,
    "unwritten_bytes": _bytes,
    "desk_days": partial(_count, maximum=100_000),
}
