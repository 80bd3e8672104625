"""`regcore.dropout`: thinned networks, the means of all of them, and ways to scale: known answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regcore.config import Config
from regcore.data import Dataset
from regcore.dropout import (
    CLASSIC,
    IN_TRAINING,
    INVERTED,
    NO_SCALING,
    TWICE,
    Gap,
    all_masks,
    classic_weights,
    distance,
    draw_masks,
    droppable_units,
    exact_gap,
    gap,
    keep_probabilities,
    means,
    only_before_the_output,
    sample,
    scalings,
    thinned_outputs,
)
from regcore.errors import ConfigError
from regcore.forward import activations
from regcore.results import HISTORY_COLUMNS, Recording, Result, Weights

ARTICLE = Config(hidden=(6, 5), dropout_input=0.2, dropout_hidden=0.4)
X = np.array([[1.0, -0.6, 0.3], [0.2, 0.9, -1.1]])


def network(widths, seed=0, bias=0.3):
    """Return a network of these widths with weights drawn at random."""
    random = np.random.default_rng(seed)
    kernels = tuple(random.normal(size=pair) for pair in zip(widths[:-1], widths[1:], strict=True))
    return Weights(kernels, tuple(np.full(width, bias) for width in widths[1:]))


def result_of(weights, task="regression", **fields):
    """Return a finished result of one epoch and seed, with these weights; validation rows are X."""
    y = np.array([1.0, 2.0, 0.0, 3.0, 1.0]) if task == "regression" else np.array([0, 1, 0, 1, 1])
    rows = np.concatenate([X, X, X[:1]])
    # As images of largest value 1.1: rows are divided by it, and not shifted.
    dataset = Dataset.from_arrays(
        rows, y, task=task, image_shape=(1, 3), train_rows=[0, 1], val_rows=[2, 3], test_rows=[4]
    )
    history = np.zeros((1, len(HISTORY_COLUMNS)))
    config = Config(epochs=1, seeds=1, hidden=tuple(len(bias) for bias in weights.biases[:-1]), **fields)
    return Result(config, dataset, {(0, 0): Recording("", history, checkpoints={1: weights})})


def test_a_network_has_two_to_the_units_that_can_be_out_thinned_networks():
    assert droppable_units(ARTICLE, n_features=4) == 4 + 6 + 5
    assert droppable_units(ARTICLE.replace(dropout_input=0.0), n_features=4) == 11
    assert droppable_units(ARTICLE.replace(dropout_hidden=(0.0, 0.4)), n_features=4) == 9
    assert droppable_units(ARTICLE.plain(), n_features=4) == 0


def test_the_articles_keep_probabilities_are_rates_of_two_and_four_tenths():
    assert keep_probabilities(ARTICLE) == pytest.approx((0.8, 0.6, 0.6), abs=1e-5)


def test_all_masks_of_two_layers_with_their_probabilities():
    (of_input, none, of_hidden), probability = all_masks((0.8, 1.0, 0.6), (1, 3, 1))

    assert none is None
    assert of_input[:, 0, 0].tolist() == [False, True, False, True]
    assert of_hidden[:, 0, 0].tolist() == [False, False, True, True]
    assert probability == pytest.approx([0.2 * 0.4, 0.8 * 0.4, 0.2 * 0.6, 0.8 * 0.6])


def test_more_thinned_networks_than_can_be_counted_through_are_refused():
    with pytest.raises(ConfigError, match="^units that can be out must be at most 16, got 17$"):
        all_masks((0.5, 0.5), (10, 7))


def test_masks_are_drawn_with_their_probability_and_stay_when_more_are_drawn():
    few, many = (draw_masks((0.8, 1.0, 0.6), (50, 3, 40), n, seed=3) for n in (5, 400))

    assert few[1] is None
    assert few[0].shape == (5, 1, 50)
    np.testing.assert_array_equal(few[0], many[0][:5])
    np.testing.assert_array_equal(few[2], many[2][:5])
    for mask, keep in ((many[0], 0.8), (many[2], 0.6)):
        assert abs(mask.mean() - keep) < 4 * np.sqrt(keep * (1 - keep) / mask.size)


def test_a_thinned_network_lacks_what_is_out_and_scales_what_is_kept():
    weights = Weights((np.array([[1.0], [2.0], [4.0]]),), (np.array([0.5]),))
    mask = np.array([[[True, False, True]], [[False, True, False]]])

    outputs = thinned_outputs(weights, np.array([[1.0, 10.0, 100.0]]), "relu", (mask,), (0.5,))

    assert outputs[:, 0, 0].tolist() == [2 * (1 + 400) + 0.5, 2 * 20 + 0.5]


def test_without_masks_there_is_one_thinned_network_the_whole():
    weights = network((3, 4, 2))

    outputs = thinned_outputs(weights, X, "relu", (None, None), (1.0, 1.0))

    np.testing.assert_array_equal(outputs, [activations(weights, X, "relu")[-1]])


def test_means_of_two_predictions_by_hand():
    logits = np.log([[[0.9, 0.1]], [[0.5, 0.5]]])

    found = means(logits, "multiclass")

    assert np.exp(found.arithmetic[0]) == pytest.approx([0.7, 0.3])
    # sqrt(.9 * .5) against sqrt(.1 * .5): three to one.
    assert np.exp(found.geometric[0]) == pytest.approx([0.75, 0.25])


def test_means_of_a_binary_task_are_those_of_its_two_classes():
    odds = np.log([[[0.9 / 0.1]], [[1.0]]])

    found = means(odds, "binary")

    assert np.exp(found.arithmetic[0]) == pytest.approx([0.3, 0.7])
    assert np.exp(found.geometric[0]) == pytest.approx([0.25, 0.75])


def test_means_weigh_each_mask_by_its_probability():
    values = np.array([[[1.0]], [[5.0]]])

    found = means(values, "regression", [0.75, 0.25])

    assert found.arithmetic.item() == found.geometric.item() == pytest.approx(2.0)


def test_means_of_nothing_are_refused():
    with pytest.raises(ConfigError, match="^outputs must be of at least one thinned network, got none$"):
        means(np.zeros((0, 1, 2)), "multiclass")


def test_the_distance_of_predictions_is_the_probability_that_moved():
    one, other = np.log([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]]), np.log([[0.5, 0.3, 0.2], [0.5, 0.25, 0.25]])

    assert distance(one, other, "multiclass") == pytest.approx((0.2 + 0.0) / 2)
    assert distance(np.array([[1.0], [2.0]]), np.array([[1.5], [0.0]]), "regression") == pytest.approx(1.25)


EXACT = {
    "last hidden layer": Config(hidden=(4, 5), dropout_hidden=(0.0, 0.4)),
    "inputs of a linear model": Config(hidden=(), dropout_input=0.2),
    "tanh": Config(hidden=(5,), activation="tanh", dropout_hidden=0.7),
}
APPROXIMATE = {
    "inputs before a hidden layer": Config(hidden=(6,), dropout_input=0.2),
    "the first of two hidden layers": Config(hidden=(4, 5), dropout_hidden=(0.4, 0.0)),
    "everywhere": Config(hidden=(4, 5), dropout_input=0.2, dropout_hidden=0.4),
}


@pytest.mark.parametrize("config", EXACT.values(), ids=EXACT.keys())
@pytest.mark.parametrize(("task", "n_outputs"), [("multiclass", 3), ("binary", 1), ("regression", 1)])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_weight_scaling_is_the_geometric_mean_where_only_the_output_follows(config, task, n_outputs, seed):
    weights = network((3, *config.hidden, n_outputs), seed)

    assert exact_gap(weights, X, config, task).gap.geometric_to_scaled < 1e-12


@pytest.mark.parametrize("config", APPROXIMATE.values(), ids=APPROXIMATE.keys())
def test_weight_scaling_is_an_approximation_where_another_layer_follows(config):
    weights = network((3, *config.hidden, 3), seed=1)

    found = exact_gap(weights, X, config, "multiclass")

    assert found.n_networks == 2 ** droppable_units(config, 3)
    assert 1e-3 < found.gap.geometric_to_scaled < found.gap.arithmetic_to_scaled < 0.5


def test_the_arithmetic_mean_differs_from_the_scaled_network_even_before_the_softmax():
    weights = network((3, 5, 3), seed=1)

    found = exact_gap(weights, X, Config(hidden=(5,), dropout_hidden=0.4), "multiclass").gap

    assert found.arithmetic_to_scaled == pytest.approx(found.arithmetic_to_geometric, abs=1e-12)
    assert found.arithmetic_to_scaled > 0.01


def test_a_sample_of_masks_comes_near_all_of_them():
    config = Config(hidden=(5,), dropout_input=0.2, dropout_hidden=0.4)
    weights, keeps = network((3, 5, 3), seed=1), keep_probabilities(config)
    scaled = activations(weights, X, "relu")[-1]

    outputs = thinned_outputs(weights, X, "relu", draw_masks(keeps, (3, 5), 40_000, 0), keeps)

    everything = exact_gap(weights, X, config, "multiclass").gap
    assert gap(outputs, scaled, "multiclass") == pytest.approx(everything, abs=0.01)


def test_dropout_only_before_the_output_leaves_the_rate_of_the_last_hidden_layer():
    assert only_before_the_output(ARTICLE) == Config(hidden=(6, 5), dropout_hidden=(0.0, 0.4))
    linear = Config(hidden=(), dropout_input=0.2)
    assert only_before_the_output(linear) == linear


def test_a_sample_of_a_linear_model_has_its_scores_by_hand():
    # One feature counts, weight 1.1 after scaling by the largest value: outputs are the raw first feature.
    weights = Weights((np.array([[1.1], [0.0], [0.0]]),), (np.zeros(1),))
    result = result_of(weights, dropout_input=0.5)

    (found,) = sample(result, n_masks=(1, 4096))

    # Targets, standardized by train rows 1 and 2: 0 and 3 become -3 and 3.
    y, x = np.array([-3.0, 3.0]), X[:, 0]
    assert found.scaled_loss == pytest.approx(np.mean((x - y) ** 2))
    assert found.scaled_error == pytest.approx(np.mean(np.abs(x - y)) / 2)
    assert found.loss[0] == pytest.approx(
        min(np.mean((2 * x - y) ** 2), np.mean(y**2), key=lambda loss: abs(loss - found.loss[0]))
    )
    assert found.loss[1] == pytest.approx(found.scaled_loss, abs=0.1)
    assert found.gaps[0].arithmetic_to_geometric == 0
    assert found.gaps[1].geometric_to_scaled < 0.05
    assert found.gaps_before_output == found.gaps


def test_a_sample_without_dropout_is_the_network_itself():
    result = result_of(network((3, 4, 1)), task="binary")

    (found,) = sample(result, n_masks=(1, 2))

    assert found.loss == pytest.approx((found.scaled_loss,) * 2)
    assert found.gaps == (pytest.approx(Gap(0, 0, 0)),) * 2
    assert found.gaps_before_output == ()


def test_classic_and_inverted_dropout_agree_and_the_two_mistakes_do_not():
    # No biases and no bends: outputs scale with the product of all factors, 0.5 at the input, 0.8 hidden.
    weights = Weights((np.abs(network((3, 4)).kernels[0]), np.ones((4, 1))), (np.zeros(4), np.zeros(1)))
    result = result_of(weights, dropout_input=0.5, dropout_hidden=0.2)
    result.dataset.X.flags.writeable = True
    result.dataset.X[:] = np.abs(result.dataset.X)

    found = scalings(result, 0, n_masks=2000)

    right = np.array(found[INVERTED].activations)
    assert found[CLASSIC].activations == pytest.approx(right, rel=1e-4)
    assert found[CLASSIC].loss == pytest.approx(found[INVERTED].loss, rel=1e-4)
    assert found[NO_SCALING].activations == pytest.approx(right / [0.5, 0.5 * 0.8], rel=1e-4)
    assert found[TWICE].activations == pytest.approx(right * [0.5, 0.5 * 0.8], rel=1e-4)
    assert found[IN_TRAINING].activations == pytest.approx(right, rel=0.05)


def test_classic_weights_are_larger_by_what_is_kept():
    weights = Weights((np.ones((2, 2)), np.full((2, 1), 3.0)), (np.ones(2), np.ones(1)))

    classic = classic_weights(weights, (0.8, 0.5))

    assert classic.kernels[0][0, 0] == 1.25
    assert classic.kernels[1][0, 0] == 6.0
    assert classic.biases is weights.biases
