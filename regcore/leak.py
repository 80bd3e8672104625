"""What augmenting before splitting does: copies of one row on both sides, and a validation that flatters.

Measured on a seed's training rows alone, with its validation rows as rows that nobody has seen; the test set
has no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import scoring, statistics
from regcore.augmentation import is_augmented, seen
from regcore.config import Config
from regcore.data import Dataset
from regcore.data.streams import random_stream
from regcore.errors import ConfigError
from regcore.results import Result
from regcore.statistics import MeanInterval, PairedDifference

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Copies of each row beside the row itself.
N_COPIES = 3
VAL_FRACTION = 0.25
MAX_SEEDS = 5


class LeakData(NamedTuple):
    """One data set with both ways, a network of it each.

    Attributes:
        dataset: Seeds 0 to n - 1 augment, then split; seeds n to 2n - 1 split, then augment.
        n_seeds: n.
        n_claimed: So many of the validation rows are what validation would be; the others nobody has seen.
    """

    dataset: Dataset
    n_seeds: int
    n_claimed: int


@dataclass(frozen=True, eq=False)
class Way:
    """What one way of splitting measures, one value a seed.

    Attributes:
        claimed: The error, or mae, that its validation rows tell.
        unseen: The same on rows that had no part in anything.
    """

    claimed: Floats
    unseen: Floats

    @property
    def flattery(self) -> PairedDifference:
        """Claimed minus unseen, seed by seed: "better" where validation promises too much."""
        return statistics.paired_difference(self.claimed, self.unseen)

    @property
    def intervals(self) -> tuple[MeanInterval, MeanInterval]:
        """Claimed and unseen, means over seeds."""
        return statistics.mean_interval(self.claimed), statistics.mean_interval(self.unseen)


class Leak(NamedTuple):
    """Both ways: augmented before the split, and after it."""

    metric: str
    before: Way
    after: Way


def leak_data(config: Config, dataset: Dataset) -> LeakData:
    """Return the rows of both ways for a configuration's own augmentation of single rows.

    For each seed the training rows are copied three times as the network of that seed would see them in its
    first three epochs. One way shuffles rows and copies together and takes a quarter of them for validation;
    the other takes a quarter of the rows, uncopied, and trains on the others with their copies. Labels are
    those that the seed sees, noisy ones as they are: so a copy has the label of its row, wrong or not.

    Args:
        config: At most five of its seeds are taken; of its augmentation all but mixup, which has two labels.
        dataset: Its data.

    Raises:
        ConfigError: the configuration augments no single rows.
    """
    if not is_augmented(config):
        raise ConfigError("config must augment single rows, by more than mixup, got a config that does not")
    # A bootstrap has rows twice: they would be on both sides, whichever way.
    config = config.replace(mixup=0.0, bootstrap=False, epochs=max(config.epochs, N_COPIES), members=1)
    parts = [_of_seed(config, dataset, seed) for seed in _seeds(config)]
    n_each = len(parts[0].X)
    offsets = np.arange(len(parts))[:, None] * n_each
    joined = Dataset.from_arrays(
        np.concatenate([part.X for part in parts]),
        np.concatenate([part.y for part in parts]),
        task=dataset.task,
        image_shape=dataset.image_shape,
        train_rows=parts[0].before[0],
        val_rows=parts[0].before[1],
    )
    both = [part.before for part in parts], [part.after for part in parts]
    train, val = (
        np.concatenate([np.stack([way[side] for way in ways]) + offsets for ways in both]) for side in (0, 1)
    )
    nobody = np.array([joined.n_rows - 1])
    whole = replace(joined, fixed=(train, val), test_rows=nobody)
    return LeakData(whole, len(parts), val.shape[1] - dataset.n_val)


class _Part(NamedTuple):
    """The rows of one seed, and (train, val) of both ways among them; validation ends with rows unseen."""

    X: Floats
    y: npt.NDArray[np.generic]
    before: tuple[Integers, Integers]
    after: tuple[Integers, Integers]


def _of_seed(config: Config, dataset: Dataset, seed: int) -> _Part:
    n, rows = dataset.n_train, dataset.rows(seed)
    shown = seen(config, dataset, seed, range(n), range(1, N_COPIES + 1))
    copies = np.concatenate([shown.original[:, None], shown.shown], axis=1)
    scaled = np.concatenate([copies.reshape(-1, dataset.n_features), dataset.split(seed).X_val])
    y = np.concatenate([np.repeat(shown.labels, 1 + N_COPIES), rows.y_val])
    if dataset.task == "regression":
        y = y * rows.y_scale + rows.y_shift
    # One row more, which neither way asks: a data set has test rows.
    X = np.concatenate([scaled, scaled[:1]]) * rows.scale + rows.shift
    return _Part(X, np.concatenate([y, y[:1]]), *_ways(n, dataset.n_val, seed))


def _ways(n: int, n_unseen: int, seed: int) -> tuple[tuple[Integers, Integers], tuple[Integers, Integers]]:
    """Return train and validation rows, augmented before the split and after it, as many in both.

    Row i has its place at i * (1 + copies), its copies right behind it.
    """
    each = 1 + N_COPIES
    n_val = max(1, round(VAL_FRACTION * n))
    random = random_stream("leak", seed)
    unseen = np.arange(n * each, n * each + n_unseen)
    mixed, order = random.permutation(n * each), random.permutation(n)
    families = np.arange(n * each).reshape(n, each)
    before = mixed[n_val:][: (n - n_val) * each], mixed[:n_val]
    after = families[order[n_val:]].ravel(), families[order[:n_val], 0]
    return (before[0], np.append(before[1], unseen)), (after[0], np.append(after[1], unseen))


def leak_config(config: Config) -> Config:
    """Return what both ways train: no augmentation but the copies, one seed a split."""
    return config.plain().replace(seed=0, seeds=2 * len(_seeds(config)))


def _seeds(config: Config) -> range:
    return range(config.seed, config.seed + min(config.seeds, MAX_SEEDS))


def leak(result: Result, data: LeakData) -> Leak:
    """Return what both ways claim, and what is true of rows unseen.

    Args:
        result: Of `leak_config` on the data set of `data`, complete.
        data: From `leak_data`.
    """
    scores = np.array([_scores(result, seed, data.n_claimed) for seed in result.seeds])
    before, after = scores[: data.n_seeds], scores[data.n_seeds :]
    metric = scoring.metric_names(data.dataset.task)[1]
    return Leak(metric, Way(before[:, 0], before[:, 1]), Way(after[:, 0], after[:, 1]))


def _scores(result: Result, seed: int, n_claimed: int) -> tuple[float, float]:
    dataset, rows = result.dataset, result.dataset.rows(seed)
    outputs, metric = result.outputs(seed), scoring.metric_names(result.dataset.task)[1]
    claimed, unseen = (
        scoring.score(outputs[part], rows.y_val[part], dataset.task, rows.y_scale)[metric]
        for part in (slice(0, n_claimed), slice(n_claimed, None))
    )
    return claimed, unseen
