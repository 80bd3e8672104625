"""How much memory there is, and refusing at once what cannot fit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from regcore.errors import TooLargeError
from regcore.settings import GIB, KIB, MIB

# What is left to everything else, and to what an estimate overlooks.
USABLE_FRACTION = 0.85


def free_memory(root: Path = Path("/")) -> int:
    """Return the bytes that can be had now: what is free, and what a container still allows.

    Args:
        root: Folder that holds `proc` and `sys`.
    """
    import psutil

    return min([psutil.virtual_memory().available, *_group_memory(root, used=True)])


def total_memory(root: Path = Path("/")) -> int:
    """Return the bytes of memory that this machine or container has."""
    import psutil

    return min([psutil.virtual_memory().total, *_group_memory(root, used=False)])


def check_memory(needed: int, free: int, n_networks: int, needed_by_one: int) -> None:
    """Refuse a run that would need more than there is.

    Args:
        needed: Bytes for the whole run.
        free: Bytes there are.
        n_networks: Networks the run would train.
        needed_by_one: Bytes for one of them, trained alone.

    Raises:
        TooLargeError: it does not fit; one sentence says what it would need, what there is and what to lower.
    """
    if needed <= free:
        return
    if n_networks > 1 and needed_by_one <= free:
        fitting = max(1, min(n_networks - 1, n_networks * free // needed))
        remedy = f"lower seeds or members: about {fitting} would fit"
    else:
        remedy = "lower n_train, batch_size or the widths in hidden"
    networks = f"{n_networks} networks" if n_networks > 1 else "this network"
    raise TooLargeError(
        f"training {networks} would need {in_words(needed)} of memory, and {in_words(free)} can be had: "
        f"{remedy}."
    )


def in_words(n_bytes: int) -> str:
    """Return a number of bytes as a person would write it: "310 MB", "4.2 GB"."""
    for unit, name in ((GIB, "GB"), (MIB, "MB"), (KIB, "KB")):
        if n_bytes >= unit:
            digits = 1 if n_bytes < 10 * unit else 0
            return f"{n_bytes / unit:.{digits}f} {name}"
    return f"{max(0, n_bytes)} bytes"


def _group_memory(root: Path, used: bool) -> Iterator[int]:
    """Yield the limit of every control group this process is in; with `used`, what is left of it."""
    if not sys.platform.startswith("linux"):
        return
    for folder, limit_name, usage_name, reclaimable_name in _groups(root):
        limit = _number(folder / limit_name)
        if limit is not None and used:
            # The kernel counts its file cache as used, and gives it up when asked.
            reclaimable = _statistic(folder / "memory.stat", reclaimable_name)
            limit = max(0, limit - max(0, (_number(folder / usage_name) or 0) - reclaimable))
        if limit is not None:
            yield limit


def _groups(root: Path) -> Iterator[tuple[Path, str, str, str]]:
    mounted = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            names = ("memory.max", "memory.current", "inactive_file")
            top = mounted
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            top = mounted / "memory"
        else:
            continue
        folder = top / path.strip("/")
        # In a container the path may be the host's, which is not mounted: the top is then the own group.
        for group in (folder, *folder.parents):
            yield group, *names
            if group == top:
                break


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _statistic(path: Path, name: str) -> int:
    for line in _text(path).splitlines():
        if line.startswith(f"{name} "):
            return int(line.split()[1])
    return 0
