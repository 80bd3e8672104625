"""What the engine says beside training: what needs no step, and how much memory the rest needs."""

from dataclasses import replace

import numpy as np

from regcore.config import Config
from regcore.data import load_dataset
from regcore.engine.advance import advance, estimate_bytes, start, total_steps
from regcore.engine.shard import RecordingPlan, Shard
from tests.engine_runs import replicates

CONFIG = Config(data="iris", hidden=(3,), epochs=5, seeds=2)
DATASET = load_dataset(CONFIG)


def test_a_training_that_has_ended_stays_as_it_is():
    shard = Shard(replicates(CONFIG, DATASET))
    ended = replace(start(shard, DATASET), step=total_steps(shard, DATASET))
    after, rows = advance(shard, ended, 7, DATASET)

    assert after is ended
    assert (rows.history.shape, rows.history.dtype) == ((2, 0, 12), np.float64)
    assert list(rows.output_epochs) == []
    assert (rows.outputs, rows.checkpoints, rows.probes) == ({}, {}, {})
    assert rows.take([1]).history.shape == (1, 0, 12)


def test_the_estimate_holds_a_row_of_twelve_numbers_for_each_epoch_and_network():
    short, long = (
        Shard(replicates(CONFIG.replace(seeds=3, epochs=epochs), DATASET)) for epochs in (1000, 10_000)
    )

    assert estimate_bytes(long, DATASET) - estimate_bytes(short, DATASET) == 9_000 * 3 * 12 * 8


def test_a_training_that_ends_early_is_estimated_for_its_own_epochs_alone():
    plan = RecordingPlan(output_every=2, checkpoints=(2,))
    short, long = (Shard(replicates(CONFIG.replace(epochs=epochs), DATASET), plan) for epochs in (2, 10_000))

    assert estimate_bytes(long, DATASET, until=2) == estimate_bytes(short, DATASET)
