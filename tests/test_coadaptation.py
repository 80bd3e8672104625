"""`regcore.coadaptation`: units whose correlation, silence and use are known."""

import numpy as np
import pytest

from regcore.coadaptation import coadaptation, mean_correlation
from regcore.config import Config
from regcore.errors import ConfigError
from regcore.results import Weights
from tests.test_dropout import result_of


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]], 1.0),
        ([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]], 1.0),
        ([[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]], 0.0),
        # Pairs of 1, 0 and 0.
        ([[1.0, -1.0, 1.0, -1.0], [2.0, -2.0, 2.0, -2.0], [1.0, 1.0, -1.0, -1.0]], 1 / 3),
    ],
)
def test_the_mean_correlation_of_columns(columns, expected):
    assert mean_correlation(np.array(columns).T) == pytest.approx(expected)


def test_a_unit_that_never_varies_correlates_with_nothing():
    units = np.array([[1.0, 5.0, 2.0], [2.0, 5.0, 4.0], [3.0, 5.0, 6.0]])

    assert mean_correlation(units) == pytest.approx(1.0)
    assert np.isnan(mean_correlation(units[:, :2]))


def test_units_of_a_network_by_hand():
    # Two validation rows, features over 1.1: unit 0 is the first feature, unit 1 its negative (silent), and
    # unit 2 the second feature, silent for the first row.
    kernel = np.array([[1.1, -1.1, 0.0], [0.0, 0.0, 1.1], [0.0, 0.0, 0.0]])
    weights = Weights((kernel, np.array([[2.0], [7.0], [1.0]])), (np.zeros(3), np.zeros(1)))

    found = coadaptation(result_of(weights), 0)

    # Units [1, 0, 0] and [0.2, 0, 0.9]; outputs 2 and 1.3; targets -3 and 3.
    assert found.loss == pytest.approx((5**2 + 1.7**2) / 2)
    assert found.removed == pytest.approx(
        ((3**2 + 2.1**2) / 2 - found.loss, 0.0, (5**2 + 2.6**2) / 2 - found.loss)
    )
    assert found.mean_change == pytest.approx(np.mean(np.abs(found.removed)))
    assert found.zeros == pytest.approx(3 / 6)
    assert found.never == pytest.approx(1 / 3)
    assert found.correlation == pytest.approx(1.0)


def test_a_linear_model_has_no_units():
    weights = Weights((np.ones((3, 1)),), (np.zeros(1),))
    assert result_of(weights).config.hidden == Config(hidden=()).hidden
    with pytest.raises(
        ConfigError, match=r"^hidden must be at least one layer to look at its units, got \(\)$"
    ):
        coadaptation(result_of(weights), 0)
