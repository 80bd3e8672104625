"""Adam with L2 is not AdamW, though under plain gradient descent the two penalties are one.

Adam's first step (Kingma and Ba 2015, section 2, with the epsilon of its faster form, as in Keras) is
lr * g / (|g| + epsilon / sqrt(1 - beta_2)): about lr, however large the gradient. L2 goes into g and is lost
in that quotient; decoupled decay (Loshchilov and Hutter 2019, algorithm 2) is taken off the weight itself.
"""

import numpy as np

from regcore.config import Config
from tests.theory.training import LINEAR, initial, learned_whole, train

RATE, L2 = 0.01, 0.05
EPSILON = 1e-7 / np.sqrt(1 - 0.999)
ADAM = LINEAR.replace(optimizer="adam", learning_rate=RATE, batch_size=16)


def noisy_line():
    random = np.random.default_rng(3)
    X = random.normal(size=(16, 4))
    return learned_whole(X, X @ [1.0, 0.0, -1.0, 0.3] + random.normal(size=16))


def penalised(config):
    """Return the configuration with L2, and with the decay that is the same under gradient descent."""
    return config.replace(l2=L2), config.replace(weight_decay=2 * L2)


def first_step(g):
    return RATE * g / (np.abs(g) + EPSILON)


def data_gradient(dataset, kernel):
    split = dataset.split(0)
    return 2 * split.X_train.T @ (split.X_train @ kernel - split.y_train) / len(split.y_train)


def test_first_steps_differ_as_their_closed_forms():
    dataset = noisy_line()
    before = initial(dataset, ADAM).kernels[0][0, :, 0]
    with_l2, adamw, plain = train(dataset, *penalised(ADAM), ADAM).kernel
    gradient = data_gradient(dataset, before)
    np.testing.assert_allclose(before - plain, first_step(gradient), rtol=1e-12)
    np.testing.assert_allclose(before - with_l2, first_step(gradient + 2 * L2 * before), rtol=1e-12)
    np.testing.assert_allclose(before - adamw, first_step(gradient) + RATE * 2 * L2 * before, rtol=1e-12)
    # L2 has all but vanished from the first step; decoupled decay is there in full.
    assert np.abs(with_l2 - plain).max() < 1e-6 < 1e-5 < np.abs(adamw - plain).max()


def test_where_the_data_is_silent_l2_takes_lr_from_every_weight_and_decay_a_share():
    silent = learned_whole(np.zeros((4, 3)), np.zeros(4))
    config = Config(hidden=(6,), learning_rate=RATE, batch_size=4, epochs=1, seeds=1)
    before = initial(silent, config).kernels[0][0]
    with_l2, adamw = train(silent, *penalised(config)).state.kernels[0]
    np.testing.assert_allclose(before - with_l2, first_step(2 * L2 * before), rtol=1e-12)
    np.testing.assert_allclose(np.abs(before - with_l2), RATE, rtol=1e-3)
    np.testing.assert_allclose(before - adamw, RATE * 2 * L2 * before, rtol=1e-12)


def test_under_gradient_descent_they_are_one():
    config = LINEAR.replace(learning_rate=RATE, batch_size=5, epochs=50)
    l2, decay, plain = train(noisy_line(), *penalised(config), config).kernel
    np.testing.assert_allclose(l2, decay, rtol=1e-12)
    assert np.abs(l2 - plain).max() > 1e-3


def test_under_adam_they_end_in_different_places():
    config = ADAM.replace(epochs=2000)
    dataset = noisy_line()
    l2, decay = train(dataset, *penalised(config)).kernel
    # L2 has a minimum: there its gradient is zero. That of AdamW is no minimum of data loss plus penalty.
    assert np.abs(data_gradient(dataset, l2) + 2 * L2 * l2).max() < 1e-6
    assert np.abs(data_gradient(dataset, decay) + 2 * L2 * decay).max() > 1e-3
