"""What is trained: one network, named by its configuration, seed and member."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from regcore.config import DATA_FIELDS, Config
from regcore.data import Dataset

# A recording made by an engine whose arithmetic differs is another recording: raise this when bits change.
ENGINE_VERSION = 2


@dataclass(frozen=True)
class Replicate:
    """One network to train.

    Its bits depend on these values alone: not on what trains beside it, nor on where or in what pieces.

    Attributes:
        config: the configuration with everything that this one training does not see set to its default: data
            fields (the dataset's key stands for them), stopping, ensemble and repetition; a batch that asks
            for more rows than there are is one of all rows.
        seed: the repetition; draws the rows, the label noise, and keys every random stream.
        init_member: keys the initial weights.
        order_member: keys the order of batches and everything drawn per batch (masks, jitter, mixup, shifts).
        bootstrap_member: keys the draw with replacement of this member's training rows; None trains on all
            rows.
        dataset_key: the hash of the dataset.
    """

    config: Config
    seed: int
    init_member: int
    order_member: int
    bootstrap_member: int | None
    dataset_key: str

    @cached_property
    def key(self) -> str:
        """A hash that is equal exactly where the training is the same."""
        parts = [
            ENGINE_VERSION,
            self.config.to_json(),
            self.seed,
            self.init_member,
            self.order_member,
            self.bootstrap_member,
            self.dataset_key,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @cached_property
    def shape_key(self) -> str:
        """Equal for replicates that can train in one program: the same data, shape, optimizer and length."""
        config = self.config
        parts = [
            self.dataset_key,
            config.hidden,
            config.activation,
            config.optimizer,
            config.learning_rate,
            config.momentum,
            config.batch_size,
            config.epochs,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def replicates_of(config: Config, dataset: Dataset) -> dict[tuple[int, int], Replicate]:
    """Return the networks that a configuration asks for, by (seed, member), in that order."""
    canonical = _canonical(config, dataset.n_train)
    return {
        (seed, member): Replicate(
            config=canonical,
            seed=seed,
            init_member=member if "init" in config.member_varies else 0,
            order_member=member if "order" in config.member_varies else 0,
            bootstrap_member=member if config.bootstrap else None,
            dataset_key=dataset.key,
        )
        for seed in range(config.seed, config.seed + config.seeds)
        for member in range(config.members)
    }


_UNSEEN = (
    *DATA_FIELDS,
    "patience",
    "min_delta",
    "start_from_epoch",
    "restore_best_weights",
    "members",
    "member_varies",
    "bootstrap",
    "seeds",
    "seed",
)


def _canonical(config: Config, n_train: int) -> Config:
    default = Config()
    return config.replace(
        **{name: getattr(default, name) for name in _UNSEEN},
        batch_size=min(config.batch_size, n_train),
        dropout_hidden=config.dropout_rates() if config.hidden else 0.0,
    )
