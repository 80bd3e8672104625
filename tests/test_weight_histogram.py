"""`weight_histogram`: counts by hand."""

import math

import numpy as np
import pytest

from regcore.errors import ConfigError
from regcore.results import Weights
from regcore.weight_histogram import Histogram, penalised_weights, weight_histogram

BIASES = (np.zeros(2), np.zeros(1))


def test_only_hidden_kernels_are_penalised():
    network = Weights((np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])), BIASES)
    assert penalised_weights([network, network]).tolist() == [1.0, 2.0, 1.0, 2.0]


def test_the_only_kernel_of_a_linear_model_is_penalised():
    assert penalised_weights([Weights((np.array([[5.0], [6.0]]),), (np.zeros(1),))]).tolist() == [5.0, 6.0]


def test_weights_are_counted_by_size_and_those_beyond_the_ends_in_the_outermost_bins():
    found = weight_histogram([-9.0, -0.8, 0.0, 0.005, 0.2, 0.5, 0.9, 3.0], 1.0, 4)
    assert found == Histogram(
        edges=(-1.0, -0.5, 0.0, 0.5, 1.0), shares=(0.25, 0.0, 0.375, 0.375), near_zero=0.25, largest=9.0
    )


@pytest.mark.parametrize("weights", [[], [1.0, math.nan]])
def test_weights_that_cannot_be_counted_are_named(weights):
    with pytest.raises(ConfigError, match="^weights must be finite, at least one, got "):
        weight_histogram(weights, 1.0)


def test_a_limit_out_of_range_is_named():
    with pytest.raises(ConfigError, match="^limit must be above 0 and finite, got 0.0$"):
        weight_histogram([1.0], 0.0)
