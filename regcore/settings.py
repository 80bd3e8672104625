"""What the machine allows: the one place that reads the environment.

| variable | default | meaning |
|---|---|---|
| `REGCORE_WORKERS` | one a core, at most 8, as memory allows | worker processes that train |
| `REGCORE_MEMORY` | what is free when a run starts | memory that all runs together may use |
| `REGCORE_OUTPUT_BYTES` | 8MiB | outputs kept of one network, over all its epochs |
| `REGCORE_CHECKPOINT_BYTES` | 4MiB | training states kept of one network; the last is always kept |
| `REGCORE_CHECKPOINT_STEPS` | 1000 | optimizer steps between such states, at least |
| `REGCORE_CACHE_BYTES` | 512MiB | finished networks kept for the next run that asks for them |
| `REGCORE_SHARD_NETWORKS` | 32 | networks that train side by side in one program, at most |

Bytes are written as `2147483648`, `512MiB` or `2.7GB`.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from regcore.errors import ConfigError

KIB, MIB, GIB = 2**10, 2**20, 2**30

Default = TypeVar("Default")

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": KIB, "MIB": MIB, "GIB": GIB}


@dataclass(frozen=True)
class Settings:
    """What runs may use.

    Attributes:
        workers: Worker processes; None: as many as the machine is good for.
        memory: Bytes that all runs together may use; None: what is free when a run starts.
        output_bytes: Outputs kept of one network, over all its epochs.
        checkpoint_bytes: Training states kept of one network; the last one is always kept.
        checkpoint_steps: Optimizer steps between them, at least: what trains in a moment is trained again.
        cache_bytes: Finished networks kept for the next run that asks for them.
        shard_networks: Networks that train side by side in one program, at most.
    """

    workers: int | None = None
    memory: int | None = None
    output_bytes: int = 8 * MIB
    checkpoint_bytes: int = 4 * MIB
    checkpoint_steps: int = 1000
    cache_bytes: int = 512 * MIB
    shard_networks: int = 32


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings that the environment asks for; a variable that is empty counts as not set.

    Raises:
        ConfigError: a variable has a value it cannot have; the sentence names it.
    """
    default = Settings()
    given = {name: text.strip() for name, text in environment.items() if text.strip()}
    return Settings(
        workers=_count(given, "REGCORE_WORKERS", default.workers, 256),
        memory=_bytes(given, "REGCORE_MEMORY", default.memory),
        output_bytes=_bytes(given, "REGCORE_OUTPUT_BYTES", default.output_bytes),
        checkpoint_bytes=_bytes(given, "REGCORE_CHECKPOINT_BYTES", default.checkpoint_bytes),
        checkpoint_steps=_count(given, "REGCORE_CHECKPOINT_STEPS", default.checkpoint_steps, 1_000_000),
        cache_bytes=_bytes(given, "REGCORE_CACHE_BYTES", default.cache_bytes),
        shard_networks=_count(given, "REGCORE_SHARD_NETWORKS", default.shard_networks, 1024),
    )


def _count(given: Mapping[str, str], name: str, default: Default, maximum: int) -> int | Default:
    if name not in given:
        return default
    text = given[name]
    if not (re.fullmatch(r"[0-9]{1,9}", text) and 1 <= int(text) <= maximum):
        raise ConfigError(f"{name} must be a whole number from 1 to {maximum}, got {text!r}")
    return int(text)


def _bytes(given: Mapping[str, str], name: str, default: Default) -> int | Default:
    if name not in given:
        return default
    match = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) *([KMG]?I?B)?", given[name].upper())
    if not match or match[2] == "IB":
        raise ConfigError(f"{name} must be a number of bytes, as 512MiB or 2.7GB, got {given[name]!r}")
    return int(float(match[1]) * _UNITS[match[2] or "B"])
