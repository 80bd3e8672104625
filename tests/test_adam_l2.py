"""Adam with L2 against AdamW: gradients held against the engine's own steps, shrinkage by hand."""

import numpy as np
import pytest

from regcore.adam_l2 import (
    ShrinkOfBin,
    Twins,
    adam_first_step,
    first_layer_gradient,
    measure_adam_shrink,
    measure_first_step,
    shrink_by_gradient,
)
from regcore.config import Config
from regcore.data import load_dataset
from regcore.errors import ConfigError
from regcore.weight_decay import recorded_weights
from tests.theory.training import probing, train

RATE = 0.01
TASKS = {
    "multiclass": Config(data="digits", n_train=40, n_val=20, hidden=(6, 5)),
    "binary": Config(data="moons", n_train=40, n_val=20, hidden=(6,), activation="tanh"),
    "regression": Config(data="diabetes", n_train=40, n_val=20, hidden=(6,)),
    "linear": Config(data="diabetes", n_train=40, n_val=20, hidden=()),
}


def recorded(dataset, config, epochs=(0, 1), dtype="float64"):
    """Return what a probe of the weights records of each seed of a real training."""
    rows = train(dataset, config, plan=probing(epochs), dtype=dtype).rows.probes["weights"]
    return [
        {epoch: tuple(array[seed] for array in arrays) for epoch, arrays in rows.items()}
        for seed in range(config.seeds)
    ]


def twins_of(config):
    dataset = load_dataset(config)
    kinds = config.replace(l2=0.0), config, config.replace(l2=0.0, weight_decay=2 * config.l2)
    return Twins(*(recorded(dataset, kind) for kind in kinds)), dataset


@pytest.mark.parametrize("config", TASKS.values(), ids=TASKS.keys())
def test_gradient_is_that_of_the_engine(config):
    config = config.replace(optimizer="sgd", learning_rate=RATE, batch_size=40, epochs=1, seeds=1)
    dataset = load_dataset(config)
    (steps,) = recorded(dataset, config)
    rows = dataset.split(0)
    before = recorded_weights(steps, 0)
    gradient = first_layer_gradient(before, rows.X_train, rows.y_train, dataset.task, config.activation, 40)
    np.testing.assert_allclose(steps[0][0] - steps[1][0], RATE * gradient.mean, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(gradient.scale, np.abs(gradient.mean))


def test_scale_is_the_root_mean_square_over_all_batches():
    config = TASKS["regression"].replace(n_train=4)
    dataset = load_dataset(config)
    rows = dataset.split(0)
    begin = recorded_weights(recorded(dataset, config.replace(epochs=1, seeds=1), (0,))[0], 0)

    def gradient(chosen, batch_size):
        y = rows.y_train[chosen]
        return first_layer_gradient(begin, rows.X_train[chosen], y, "regression", "relu", batch_size)

    pairs = [(a, b) for a in range(4) for b in range(a)]
    squares = [gradient(list(pair), 2).mean ** 2 for pair in pairs]
    np.testing.assert_allclose(gradient([0, 1, 2, 3], 2).scale, np.sqrt(np.mean(squares, axis=0)))


def test_first_step_of_adam_is_the_learning_rate_and_nothing_without_a_gradient():
    steps = adam_first_step([5.0, -0.01, 0.0], RATE)
    np.testing.assert_allclose(steps, [RATE, -RATE, 0.0], rtol=1e-3)


def test_shrink_by_hand():
    found = shrink_by_gradient(
        before=[1.0, 2.0, 1.0, -1.0, 3.0],
        plain=[1.0, 2.0, 1.5, -1.0, 3.0],
        penalised=[0.5, 1.0, 1.4, -0.9, 0.0],
        scale=[0.1, 0.2, 3.0, 5.0, 0.0],
        n_bins=2,
    )
    assert found == (
        ShrinkOfBin(pytest.approx(0.15), pytest.approx(0.5), 2),
        ShrinkOfBin(pytest.approx(4.0), pytest.approx(0.1), 2),
    )


def test_no_bins_are_named():
    with pytest.raises(ConfigError, match="^n_bins must be 1 or more, got 0$"):
        shrink_by_gradient([1.0], [1.0], [1.0], [1.0], 0)


def test_adam_takes_most_off_quiet_weights_and_decoupled_decay_the_same_off_all():
    config = Config(data="digits", n_train=200, label_noise=0.3, l2=0.01, epochs=1, seeds=2)
    shrink = measure_adam_shrink(*twins_of(config), config)

    n_steps = 7
    assert shrink.nominal == pytest.approx(n_steps * 2 * config.learning_rate * config.l2)
    taken = [each.taken for each in shrink.l2]
    assert min(taken[:4]) > max(taken[4:]) > 10 * shrink.nominal
    assert taken[0] > 3 * taken[-1]
    np.testing.assert_allclose([each.taken for each in shrink.decoupled], shrink.nominal, rtol=0.1)
    # Where the data is silent, decay is exact (but for units silent in between), and Adam takes most.
    exact = 1 - (1 - config.learning_rate * 2 * config.l2) ** n_steps
    assert shrink.silent_decoupled == pytest.approx(exact, rel=1e-3)
    assert shrink.silent_l2 > taken[0]
    # Seven steps are few for a root mean square: theory is right within a factor of two.
    assert np.abs(np.log2(np.array(shrink.theory) / taken)).max() < 1
    assert shrink.n_seeds == 2


def test_first_steps_are_their_closed_forms():
    config = Config(
        data="digits", n_train=60, n_val=20, hidden=(8,), batch_size=60, epochs=1, seeds=1,
        learning_rate=RATE, l2=0.01,
    )  # fmt: skip
    found = measure_first_step(*twins_of(config), config)

    assert found.keys() == {"silent", "loud"}
    for step in found.values():
        assert step.l2 == pytest.approx(step.l2_theory, rel=1e-9)
        assert step.decoupled == pytest.approx(step.decoupled_theory, rel=1e-9)
    assert found["silent"].l2 == pytest.approx(1.0, rel=0.01)
    assert found["loud"].l2 < 0.01


def test_data_that_is_never_silent_has_no_silent_weights():
    config = TASKS["regression"].replace(batch_size=40, epochs=1, seeds=1, l2=1e-4, activation="tanh")
    twins, dataset = twins_of(config)
    assert measure_first_step(twins, dataset, config).keys() == {"loud"}
    assert np.isnan(measure_adam_shrink(twins, dataset, config).silent_l2)
