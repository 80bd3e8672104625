"""What a penalty does to a weight on its own, where the data asks for nothing.

Inputs and targets are zero, so every gradient of the data is exactly zero. A step of gradient descent then
multiplies a weight by 1 - 2 * lr * l2 under L2, and by 1 - lr * weight_decay where the decay is decoupled
(Loshchilov and Hutter 2019, equations 1 and 2).
"""

import numpy as np
import pytest

from regcore.config import Config
from tests.theory.training import initial, learned_whole, probing, train

SILENT = learned_whole(np.zeros((4, 3)), np.zeros(4))
RATE, L2, WEIGHT_DECAY, MOMENTUM = 0.1, 0.03, 0.2, 0.9
N_STEPS = 20
DEEP = Config(hidden=(6, 5), optimizer="sgd", learning_rate=RATE, batch_size=4, epochs=N_STEPS, seeds=1)
PLANS = {
    "l2": ({"l2": L2}, 1 - 2 * RATE * L2),
    "decoupled": ({"weight_decay": WEIGHT_DECAY}, 1 - RATE * WEIGHT_DECAY),
    "both": ({"l2": L2, "weight_decay": WEIGHT_DECAY}, 1 - 2 * RATE * L2 - RATE * WEIGHT_DECAY),
    "neither": ({}, 1.0),
}


def weights_by_step(config):
    """Return the kernels of each layer after 0, 1, ... steps, [1 + N_STEPS, n_in, n_out]."""
    trained = train(SILENT, config, plan=probing(range(N_STEPS + 1)))
    return [trained.kernels_at(layer)[:, 0] for layer in range(len(config.hidden) + 1)]


@pytest.mark.parametrize("penalty, factor", PLANS.values(), ids=PLANS.keys())
def test_hidden_weights_shrink_by_the_same_factor_every_step(penalty, factor):
    *hidden, output = weights_by_step(DEEP.replace(**penalty))
    powers = factor ** np.arange(N_STEPS + 1)[:, None, None]
    for weights in hidden:
        np.testing.assert_allclose(weights, powers * weights[0], rtol=1e-13)
    np.testing.assert_array_equal(output, np.broadcast_to(output[0], output.shape))


@pytest.mark.parametrize("penalty, factor", PLANS.values(), ids=PLANS.keys())
def test_the_only_kernel_of_a_linear_model_shrinks(penalty, factor):
    (weights,) = weights_by_step(DEEP.replace(hidden=(), **penalty))
    powers = factor ** np.arange(N_STEPS + 1)[:, None, None]
    np.testing.assert_allclose(weights, powers * weights[0], rtol=1e-13)


def test_biases_are_left_alone():
    config = DEEP.replace(l2=L2, weight_decay=WEIGHT_DECAY)
    begin = initial(SILENT, config)
    # The last bias alone reaches the output, and the data pulls it to zero: the hidden ones must stay put.
    for layer in range(2):
        begin.biases[layer][...] = -0.5
    trained = train(SILENT, config, begin=begin)
    for layer in range(2):
        np.testing.assert_array_equal(trained.state.biases[layer], -0.5)


def test_momentum_gathers_the_pull_of_l2():
    weights, *_ = weights_by_step(DEEP.replace(momentum=MOMENTUM, l2=L2))
    expected, velocity = [weights[0]], np.zeros_like(weights[0])
    for _ in range(N_STEPS):
        velocity = MOMENTUM * velocity - RATE * 2 * L2 * expected[-1]
        expected.append(expected[-1] + velocity)
    np.testing.assert_allclose(weights, expected, rtol=1e-12)


@pytest.mark.parametrize("optimizer, momentum", [("sgd", MOMENTUM), ("adam", 0.0)])
def test_decoupled_decay_goes_past_the_optimizer(optimizer, momentum):
    config = DEEP.replace(optimizer=optimizer, momentum=momentum, weight_decay=WEIGHT_DECAY)
    *hidden, output = weights_by_step(config)
    powers = (1 - RATE * WEIGHT_DECAY) ** np.arange(N_STEPS + 1)[:, None, None]
    for weights in hidden:
        np.testing.assert_allclose(weights, powers * weights[0], rtol=1e-13)
    np.testing.assert_array_equal(output, np.broadcast_to(output[0], output.shape))
