"""Metrics over many seeds, trained and read a few at a time: recordings of all would take gigabytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from regcore.bench.report import ProgressLine
from regcore.config import Config
from regcore.execution import Progress, compare
from regcore.results import Split

# No setting, default or lesson was chosen by looking at these seeds or later ones.
FIRST_SEED = 7000
N_SEEDS, N_SEEDS_QUICK = 16, 4
SEEDS_AT_ONCE = 4

BySeed = dict[str, dict[str, list[float]]]
"""Name of a configuration -> metric -> one value a seed."""


def measure(
    configs: Mapping[str, Config], split: Split, what: str, progress: ProgressLine | None = None
) -> BySeed:
    """Return all metrics of some configurations on one split, over the seeds of the first of them.

    Args:
        configs: Name -> configuration; all of one task.
        split: "train", "val" or "test".
        what: What is measured, for people.
        progress: Where to say how far it is.
    """
    first_config = next(iter(configs.values()))
    end = first_config.seed + first_config.seeds
    blocks = [(at, min(SEEDS_AT_ONCE, end - at)) for at in range(first_config.seed, end, SEEDS_AT_ONCE)]
    found: BySeed = {name: {} for name in configs}
    for at, (first, n_seeds) in enumerate(blocks):
        # One call for all: what configurations share, as "none" and early stopping do, is trained once.
        comparison = compare(
            {name: config.replace(seed=first, seeds=n_seeds) for name, config in configs.items()},
            on_progress=shown(progress, at, len(blocks), f"{what}, seeds {first} to {first + n_seeds - 1}"),
        )
        for name, result in comparison.results.items():
            for metric, values in result.metrics(split).drop(columns="seed").items():
                found[name].setdefault(str(metric), []).extend(values.tolist())
    return found


def shown(
    progress: ProgressLine | None, block: int, n_blocks: int, what: str
) -> Callable[[Progress], None] | None:
    """Return what shows how far a run is that is one of several; None where nobody looks."""
    if progress is None:
        return None
    return lambda now: progress.show((block + now.fraction) / n_blocks, what)
