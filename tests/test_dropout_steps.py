"""`regcore.dropout_steps`: steps taken again in numpy are the engine's, with the masks that it used."""

from dataclasses import replace

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import load_dataset
from regcore.dropout_steps import (
    Counts,
    Movement,
    Step,
    count_movements,
    largest_difference,
    movements,
    replay_steps,
)
from regcore.engine import streams
from regcore.engine.advance import advance, start
from regcore.engine.shard import Shard
from regcore.errors import ConfigError
from regcore.lessons.dropout import ARTICLE_STEPS, ARTICLE_STEPS_SGD
from regcore.results import Weights
from tests.engine_runs import replicates

ARTICLE = Config(
    data="iris", hidden=(6, 5), dropout_input=0.2, dropout_hidden=0.4, batch_size=4, epochs=3, seeds=1, seed=5
)
SGD = {"optimizer": "sgd", "learning_rate": 0.05}
N_STEPS = 15

CONFIGS = {
    "adam": ARTICLE,
    "adam, l2": ARTICLE.replace(l2=0.01),
    "adam, weight decay": ARTICLE.replace(weight_decay=0.5),
    "sgd": ARTICLE.replace(**SGD),
    "momentum, l2, norm": ARTICLE.replace(**SGD, momentum=0.9, l2=0.01, max_norm=1.2),
    "tanh": ARTICLE.replace(activation="tanh"),
    "rates of one half": ARTICLE.replace(dropout_input=0.5, dropout_hidden=(0.5, 0.0)),
    "two classes": ARTICLE.replace(data="moons"),
    "a number": ARTICLE.replace(data="sine", hidden=(8,)),
    "linear": ARTICLE.replace(hidden=(), dropout_hidden=0.0, l2=0.1),
    "bootstrap": ARTICLE.replace(bootstrap=True),
}


def engine_weights(config, dataset, n_steps):
    """Return the weights of the engine after each step, in float64."""
    shard = Shard(replicates(config, dataset))
    state = start(shard, dataset, "float64")
    found = []
    for _ in range(n_steps):
        state, _ = advance(shard, state, 1, dataset)
        found.append(Weights(tuple(k[0] for k in state.kernels), tuple(b[0, 0] for b in state.biases)))
    return found


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_every_step_is_the_engines_own(config):
    dataset = load_dataset(config)

    steps = replay_steps(config, dataset, 5, N_STEPS)

    for step, weights in zip(steps, engine_weights(config, dataset, N_STEPS), strict=True):
        assert largest_difference(step.after, weights) < 1e-12


def test_with_other_masks_the_weights_are_others(monkeypatch):
    dataset = load_dataset(ARTICLE)
    drawn = streams.dropout_masks
    expected = engine_weights(ARTICLE, dataset, 3)
    monkeypatch.setattr(
        streams, "dropout_masks", lambda *of: tuple(None if mask is None else ~mask for mask in drawn(*of))
    )

    steps = replay_steps(ARTICLE, dataset, 5, 3)

    assert largest_difference(steps[0].after, expected[0]) > 1e-3


def test_the_units_shown_as_out_are_those_that_the_engine_drew():
    dataset = load_dataset(ARTICLE)
    (replicate,) = replicates(ARTICLE, dataset)
    per_epoch = int(np.ceil(dataset.n_train / 4))

    steps = replay_steps(ARTICLE, dataset, 5, 3 * per_epoch)

    block = streams.steps_per_block(replicate.config, 4)
    for step in (steps[0], steps[per_epoch - 1], steps[-1]):
        drawn = streams.dropout_masks(replicate, (step.number - 1) // block, 4)
        for kept, mask in zip(step.kept, drawn, strict=True):
            np.testing.assert_array_equal(kept, mask[(step.number - 1) % block, : len(step.rows)])


def test_steps_go_through_the_rows_epoch_by_epoch():
    dataset = load_dataset(ARTICLE)
    per_epoch = int(np.ceil(dataset.n_train / 4))

    steps = replay_steps(ARTICLE, dataset, 5, 1_000)

    assert [step.number for step in steps] == list(range(1, 3 * per_epoch + 1))
    assert [step.epoch for step in steps] == [1] * per_epoch + [2] * per_epoch + [3] * per_epoch
    of_epoch = np.concatenate([step.rows for step in steps[:per_epoch]])
    assert sorted(of_epoch.tolist()) == sorted(dataset.rows(5).train.tolist())
    for before, after in zip(steps[:-1], steps[1:], strict=True):
        assert before.after is after.before


def by_hand(moved):
    """Return a step of two inputs, one hidden unit and one output; the second input is out for both rows."""
    before = Weights((np.array([[1.0], [2.0]]), np.array([[3.0]])), (np.zeros(1), np.zeros(1)))
    after = Weights((before.kernels[0] + np.array([[0.1], [moved]]), np.array([[3.1]])), before.biases)
    gradient = Weights((np.array([[0.5], [0.0]]), np.array([[0.0]])), before.biases)
    kept = (np.array([[True, False], [True, False]]), np.array([[True], [False]]))
    return Step(1, 1, np.array([7, 8]), kept, before, after, gradient)


def test_movements_by_hand():
    first, last = movements(by_hand(moved=0.2))

    assert [part.ravel().tolist() for part in first] == [[False, True], [True, False], [True, True]]
    assert last == Movement(np.array([[False]]), np.array([[False]]), np.array([[True]]))
    assert count_movements(by_hand(moved=0.2)) == Counts(3, 1, 0, 1, 1)
    assert count_movements(by_hand(moved=0.0)) == Counts(3, 1, 0, 0, 1)


def test_a_unit_is_out_for_a_weight_only_if_no_row_has_both_ends():
    kept = (np.array([[True, False], [False, True]]), np.array([[True], [False]]))
    step = replace(by_hand(0.0), kept=kept)

    assert movements(step)[0].out.ravel().tolist() == [False, True]


def counted(**changes):
    config = ARTICLE.replace(batch_size=1, **changes)
    return [count_movements(step) for step in replay_steps(config, load_dataset(config), 5, 50)]


def test_no_weight_at_a_unit_that_is_out_ever_has_a_gradient():
    for counts in counted():
        assert counts.out > 0
        assert counts.out_with_gradient == 0


def test_under_plain_sgd_weights_of_dropped_units_stand_still():
    assert sum(counts.out_moved for counts in counted(**SGD)) == 0


def test_under_adam_momentum_or_l2_they_move_all_the_same():
    for changes in ({}, {**SGD, "momentum": 0.9}):
        found = counted(**changes)
        assert found[0].out_moved == 0
        assert sum(counts.out_moved for counts in found[20:]) > 0.8 * sum(counts.out for counts in found[20:])
    with_l2 = counted(**SGD, l2=0.01)
    # The penalty acts on hidden kernels: those of the output, 15 weights, rest.
    assert sum(counts.out_moved for counts in with_l2) > 0.7 * sum(counts.out for counts in with_l2)


def test_a_network_that_diverges_does_so_in_silence():
    config = ARTICLE.replace(data="sine", hidden=(8,), optimizer="sgd", learning_rate=10.0, epochs=60)

    last = replay_steps(config, load_dataset(config), 5, 300)[-1]

    assert np.isnan(last.after.kernels[0]).all()
    whole = Weights((np.zeros((1, 1)), np.zeros((1, 1))), (np.zeros(1), np.zeros(1)))
    assert np.isnan(largest_difference(whole, whole._replace(biases=(np.zeros(1), np.full(1, np.nan)))))


@pytest.mark.parametrize("config", [ARTICLE_STEPS, ARTICLE_STEPS_SGD], ids=["adam", "sgd"])
@pytest.mark.parametrize("batch_size", [1, 32])
def test_the_articles_network_learns_in_the_steps_that_are_shown(config, batch_size):
    config = config.replace(batch_size=batch_size)

    steps = replay_steps(config, load_dataset(config), 0, 32)

    assert len(steps) == 32
    assert max(np.abs(kernel).max() for kernel in steps[-1].after.kernels) < 2


def test_augmented_rows_and_no_steps_are_refused():
    dataset = load_dataset(ARTICLE)
    with pytest.raises(ConfigError, match=r"^jitter must be off to take steps again, got 0\.1$"):
        replay_steps(ARTICLE.replace(jitter=0.1), dataset, 5, 1)
    with pytest.raises(ConfigError, match="^n_steps must be 1 or more, got 0$"):
        replay_steps(ARTICLE, dataset, 5, 0)
