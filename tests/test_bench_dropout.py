"""The bench of dropout's page: what makes a claim hold, and what needs no training, on two unseen seeds."""

import pytest

from regcore.bench import effects, effects_dropout
from regcore.bench.effects_dropout import Row, _higher, _lower, _same, _steps, _table

LOWER = Row("error", [0.1, 0.2, 0.2], "none", [0.4, 0.4, 0.5])
HIGHER = Row("error", [0.4, 0.4, 0.5], "none", [0.1, 0.2, 0.2])
NOISE = Row("error", [0.4, 0.5, 0.6], "none", [0.5, 0.4, 0.7])


@pytest.mark.parametrize(
    ("row", "expected"),
    [(LOWER, (True, False, False)), (HIGHER, (False, True, False)), (NOISE, (False, False, True))],
)
def test_a_claim_holds_where_its_interval_says_so(row, expected):
    assert tuple(claim(row).holds for claim in (_lower, _higher, _same)) == expected


def test_a_claim_says_what_was_measured():
    claim = _lower(LOWER)

    assert claim.text == "Dropout, error: lower against none"
    assert claim.measured.startswith("-0.2667, from -0.41")


def test_the_table_has_both_means_and_their_difference():
    (row,) = _table([LOWER], 3).rows

    assert row[0] == "error"
    assert row[1] == pytest.approx(0.5 / 3)
    assert row[3] == pytest.approx(1.3 / 3)
    assert row[4] == pytest.approx(-0.8 / 3)


def test_weights_of_dropped_units_are_counted_on_unseen_seeds():
    claims = _steps(n_seeds=2)

    assert [claim.holds for claim in claims] == [True, True, True]
    assert claims[0].measured.startswith("0 of ")
    assert claims[2].measured.startswith("0 of ")


def test_the_bench_of_effects_measures_it():
    assert effects_dropout.measure in effects.OF_PAGES
