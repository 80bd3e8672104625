"""A network without dropout stands for all its thinned networks: when exactly, and when only about.

With one layer between the mask and the softmax, what the whole network predicts is the normalized geometric
mean of what all 2^n thinned networks predict, each weighted with its probability (Hinton et al. 2012; Baldi
and Sadowski 2013). With a nonlinearity between them it is an approximation.
"""

import itertools

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import Dataset
from regcore.engine import streams
from regcore.engine.advance import advance
from regcore.engine.shard import Probe, RecordingPlan, Shard
from regcore.scoring import log_probabilities
from tests.theory.training import initial, replicates

KEEP = 0.75  # Rates are multiples of 1/65536: this one is exact.
ROW = np.array([1.0, -0.6, 0.3, 0.8, -0.9])
N_CLASSES = 3


def labelled(label):
    """Return a data set that trains on the one row, always with this label."""
    y = np.concatenate([[label, label], np.arange(2 * N_CLASSES) % N_CLASSES])
    rows = np.tile(ROW, (len(y), 1))
    # As an image, which is divided by its largest value, 1: standardized, equal rows would be zero.
    image_shape = (1, len(ROW))
    return Dataset.from_arrays(
        rows, y, task="multiclass", image_shape=image_shape, train_rows=[0, 1], val_rows=[2, 3]
    )


def predictions(monkeypatch, config, width):
    """Return log p of the whole network, and the normalized geometric mean over its thinned ones, [C] each.

    The engine trains one step with each of the 2^width masks in place of those it draws: the objective of
    that step is what the thinned network gives the label, as a negative log-likelihood.
    """
    masks = np.array(list(itertools.product([False, True], repeat=width)))
    probability = KEEP ** masks.sum(axis=1) * (1 - KEEP) ** (~masks).sum(axis=1)

    def mask_of(replicate, block, n_features):
        mask = np.broadcast_to(masks[replicate.seed], (streams.steps_per_block(config, n_features), 2, width))
        return tuple(mask if rate else None for rate in streams.mask_rates(config))

    monkeypatch.setattr(streams, "dropout_masks", mask_of)
    config = config.replace(batch_size=2, epochs=1, seeds=len(masks))
    losses = []
    for label in range(N_CLASSES):
        dataset = labelled(label)
        plan = RecordingPlan(probes=(Probe("whole", "outputs", (0,), ROW[None]),))
        # All with the weights of the first: they differ in the mask alone.
        begin = initial(dataset, config).take([0] * len(masks))
        _, recorded = advance(Shard(replicates(dataset, config), plan), begin, 1, dataset)
        losses.append(recorded.history[:, 0, 0])
    mean_log = probability @ -np.stack(losses, axis=1)
    (outputs,) = recorded.probes["whole"][0]
    return log_probabilities(outputs[0], "multiclass")[0], mean_log - np.logaddexp.reduce(mean_log)


EXACT = {
    "hidden units before the softmax": Config(hidden=(7, 5), dropout_hidden=(0.0, 1 - KEEP)),
    "inputs before the softmax": Config(hidden=(), dropout_input=1 - KEEP),
    "tanh units before the softmax": Config(hidden=(5,), activation="tanh", dropout_hidden=1 - KEEP),
}
APPROXIMATE = {
    "inputs before a hidden layer": Config(hidden=(7,), dropout_input=1 - KEEP),
    "hidden units before another layer": Config(hidden=(5, 7), dropout_hidden=(1 - KEEP, 0.0)),
}


@pytest.mark.parametrize("config", EXACT.values(), ids=EXACT.keys())
def test_weight_scaling_is_the_normalized_geometric_mean(monkeypatch, config):
    whole, geometric_mean = predictions(monkeypatch, config, width=5)
    np.testing.assert_allclose(whole, geometric_mean, atol=1e-12)


@pytest.mark.parametrize("config", APPROXIMATE.values(), ids=APPROXIMATE.keys())
def test_weight_scaling_is_an_approximation_where_a_nonlinearity_follows(monkeypatch, config):
    whole, geometric_mean = predictions(monkeypatch, config, width=5)
    assert 1e-4 < np.abs(np.exp(whole) - np.exp(geometric_mean)).max() < 0.2


def test_dropout_masks_keep_each_unit_with_the_probability_it_is_scaled_by():
    config = Config(hidden=(32,), dropout_input=0.1, dropout_hidden=0.6, seeds=1)
    (replicate,) = replicates(labelled(0), config)
    drawn = [streams.dropout_masks(replicate, block, 5) for block in range(20)]
    for rate, masks in zip((0.1, 0.6), zip(*drawn, strict=True), strict=True):
        kept = np.stack([mask for mask in masks if mask is not None])
        keep = streams.keep_probability(rate)
        assert abs(keep - (1 - rate)) < 1e-5
        assert abs(kept.mean() - keep) < 4 * np.sqrt(keep * (1 - keep) / kept.size)
