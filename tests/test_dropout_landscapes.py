"""`regcore.dropout_landscapes`: what thinned networks predict over the inputs, of a network known by hand."""

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import Dataset
from regcore.dropout import draw_masks
from regcore.dropout_landscapes import SCALED, thinned_landscapes
from regcore.errors import ConfigError
from regcore.results import HISTORY_COLUMNS, Recording, Result, Weights

DATASET = Dataset.from_arrays(
    [[-1.0], [1.0], [0.0], [1.0], [-1.0]],
    [-1.0, 1.0, 0.0, 1.0, -1.0],
    task="regression",
    train_rows=[0, 1],
    val_rows=[2, 3],
    test_rows=[4],
)


def doubling(rate=0.5, dataset=DATASET):
    """Return a result of a linear model that gives its one input, with this drop rate."""
    weights = Weights((np.ones((dataset.n_features, 1)),), (np.zeros(1),))
    config = Config(hidden=(), epochs=1, seeds=1, dropout_input=rate)
    recording = Recording("", np.zeros((1, len(HISTORY_COLUMNS))), checkpoints={1: weights})
    return Result(config, dataset, {(0, 0): recording})


def test_a_thinned_network_is_drawn_as_it_was_trained():
    kept = draw_masks((0.5,), (1,), 64, 0)[0].ravel()
    kept_one, out = int(np.flatnonzero(kept)[0]) + 1, int(np.flatnonzero(~kept)[0]) + 1

    found = thinned_landscapes(doubling(), 0, (kept_one, out))

    assert list(found) == [
        f"thinned network {kept_one}", f"thinned network {out}", "mean of 64", SCALED,
    ]  # fmt: skip
    x = found[SCALED].grid.x
    of_kept, of_out, mean, scaled = (landscape.kept for landscape in found.values())
    np.testing.assert_allclose(of_kept, 2 * x)
    np.testing.assert_allclose(of_out, 0 * x, atol=1e-12)
    np.testing.assert_allclose(mean, 2 * x * kept.mean())
    np.testing.assert_allclose(scaled, x)


def test_without_dropout_all_are_the_network():
    found = thinned_landscapes(doubling(rate=0.0), 0, (1, 2))

    assert "mean of 1" in found
    for landscape in found.values():
        np.testing.assert_allclose(landscape.kept, landscape.grid.x)


def test_what_cannot_be_drawn_is_refused():
    wide = Dataset.from_arrays(np.arange(24.0).reshape(8, 3), np.linspace(0, 1, 8), task="regression")
    with pytest.raises(
        ConfigError, match="^dataset must have one feature or two to be drawn, got 'your data'$"
    ):
        thinned_landscapes(doubling(dataset=wide), 0, (1, 2))
    with pytest.raises(ConfigError, match=r"^singles must be from 1 to 64, got \(64, 65\)$"):
        thinned_landscapes(doubling(), 0, (64, 65))
