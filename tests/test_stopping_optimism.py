"""The optimism of a score that chose: known where every epoch is worth the same, or where rows are alike."""

from math import comb

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import Dataset
from regcore.errors import ConfigError, RegcoreError
from regcore.results import HISTORY_COLUMNS, Recording, Result
from regcore.stopping_optimism import SeedOptimism, optimism, seed_optimism


def recorded(outputs, y_val, task="binary", seeds=1, every=1):
    """Return a result whose validation outputs [seeds, epochs, rows] are these."""
    n_val = len(y_val)
    y = np.concatenate([[0, 1], y_val, [0, 1]])
    dataset = Dataset.from_arrays(
        np.arange(float(len(y)))[:, None],
        y,
        task=task,
        train_rows=[0, 1],
        val_rows=range(2, 2 + n_val),
        test_rows=[2 + n_val, 3 + n_val],
    )
    recordings = {}
    for seed, of_seed in enumerate(np.asarray(outputs, dtype=np.float32)):
        n_epochs = len(of_seed) * every
        recordings[seed, 0] = Recording(
            "",
            np.zeros((n_epochs, len(HISTORY_COLUMNS))),
            outputs={"val": of_seed[:, :, None]},
            output_epochs=np.arange(every, n_epochs + 1, every),
        )
    return Result(Config(seeds=seeds, epochs=len(outputs[0]) * every), dataset, recordings)


def test_rows_that_are_alike_make_no_optimist():
    outputs = [[[-1.0] * 4, [2.0] * 4, [1.0] * 4]]
    run = recorded(outputs, [1, 1, 1, 1])

    assert seed_optimism(run, "error") == (SeedOptimism(0, 0.0, 0.0, 2.0),)
    (by_loss,) = seed_optimism(run, "loss")
    assert by_loss.chosen == by_loss.fresh == pytest.approx(np.log1p(np.exp(-2.0)))
    assert by_loss.epoch == 2.0


def test_the_first_epoch_is_taken_on_a_tie_and_epochs_are_those_recorded():
    run = recorded([[[3.0] * 4, [3.0] * 4]], [1, 1, 1, 1], every=5)
    assert seed_optimism(run)[0].epoch == 5.0


def test_two_rows_of_which_each_epoch_knows_one():
    # Whichever row chooses, it chooses the epoch that knows it and not the other one.
    run = recorded([[[1.0, -1.0], [-1.0, 1.0]]], [1, 1])
    assert seed_optimism(run, "error", 7) == (SeedOptimism(0, 0.0, 1.0, 1.5),)


def test_regression_is_scored_in_standardized_units():
    run = recorded([[[1.0, 3.0], [2.0, 5.0]]], [0.0, 0.0], task="regression")
    rows = run.dataset.rows(0)
    off = np.abs(np.array([[1.0, 3.0], [2.0, 5.0]]) - rows.y_val)
    chosen = [off[:, at].argmin() for at in (0, 1)]

    (found,) = seed_optimism(run, "error", 3)

    assert found.chosen == pytest.approx(np.mean([off[chosen[0], 0], off[chosen[1], 1]]), rel=1e-6)
    assert found.fresh == pytest.approx(np.mean([off[chosen[0], 1], off[chosen[1], 0]]), rel=1e-6)


def test_coins_are_as_optimistic_as_the_lowest_of_many_binomials():
    n_seeds, n_epochs, n_half = 64, 10, 20
    random = np.random.default_rng(5)
    outputs = random.choice([-1.0, 1.0], size=(n_seeds, n_epochs, 2 * n_half))
    run = recorded(outputs, random.integers(0, 2, 2 * n_half), seeds=n_seeds)
    # E min of 10 binomials(20, 1/2) / 20 = sum over k of P(X >= k)^10 / 20.
    tail = np.cumsum([comb(n_half, k) for k in range(n_half, 0, -1)])[::-1] / 2**n_half
    expected = np.sum(tail**n_epochs) / n_half

    seeds = seed_optimism(run, "error")
    found = optimism(seeds)

    chosen = np.array([seed.chosen for seed in seeds])
    fresh = np.array([seed.fresh for seed in seeds])
    assert abs(chosen.mean() - expected) < 4 * chosen.std(ddof=1) / np.sqrt(len(seeds)) < 0.02
    assert abs(fresh.mean() - 0.5) < 4 * fresh.std(ddof=1) / np.sqrt(len(seeds)) < 0.05
    assert found.mean == pytest.approx(fresh.mean() - chosen.mean())
    assert (found.verdict, found.low > 0) == ("worse", True)


def test_halves_are_the_same_each_time():
    random = np.random.default_rng(1)
    run = recorded(random.normal(size=(2, 6, 9)), random.integers(0, 2, 9), seeds=2)
    assert seed_optimism(run) == seed_optimism(run)


def test_outputs_that_were_not_recorded_are_asked_for_in_a_sentence():
    run = recorded([[[1.0, 1.0]]], [1, 0])
    run.recordings[0, 0] = Recording("", np.zeros((1, len(HISTORY_COLUMNS))))
    with pytest.raises(RegcoreError, match="^outputs of seed 0, member 0 must be recorded"):
        seed_optimism(run)


@pytest.mark.parametrize(("arguments", "name"), [(("accuracy",), "score"), (("loss", 0), "n_halvings")])
def test_an_impossible_argument_is_named(arguments, name):
    with pytest.raises(ConfigError, match=f"^{name} must be "):
        seed_optimism(recorded([[[1.0, 1.0]]], [1, 0]), *arguments)


def test_one_validation_row_cannot_be_halved():
    with pytest.raises(ConfigError, match="^n_val must be 2 or more rows to be halved, got 1$"):
        seed_optimism(recorded([[[1.0]]], [1]))
