"""The bench of dropout's page: what makes a claim hold, and what needs no training, on two unseen seeds."""

import pytest

from regcore.bench import effects, effects_dropout
from regcore.bench.effects_dropout import (
    Row,
    _higher,
    _higher_on_every_seed,
    _lower,
    _same,
    _steps,
    _table,
    article_claim,
    too_much_claims,
)
from regcore.lessons import BASELINE, THIS_RUN
from tests.opened_runs import result

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


def test_higher_on_every_seed_is_not_higher_on_most():
    assert [_higher_on_every_seed(row).holds for row in (HIGHER, NOISE, LOWER)] == [True, False, False]
    assert _higher_on_every_seed(NOISE).measured == "1 of 3"


def runs(plain, dropped, train):
    """Return results of two seeds by their losses: of validation rows, and of train rows with dropout."""
    pairs = {BASELINE: zip(plain, [0.1, 0.1], strict=True), THIS_RUN: zip(dropped, train, strict=True)}
    return {
        name: result([[{"val_loss": val, "train_loss": of_train}] for val, of_train in of_run])
        for name, of_run in pairs.items()
    }


@pytest.mark.parametrize(
    ("plain", "dropped", "expected"),
    [
        ([2.4, 2.5], [2.3, 2.35], [True, True]),
        ([2.2, 2.21], [2.31, 2.315], [True, False]),
        ([2.4, 2.5], [2.3, 2.1], [False, True]),
    ],
    ids=["as claimed", "the baseline's loss is lower", "one seed learns"],
)
def test_too_much_leaves_the_loss_of_a_guess_and_the_baseline_none_that_is_lower(plain, dropped, expected):
    claims = too_much_claims(runs(plain, dropped, [2.25, 2.3]))
    assert [claim.holds for claim in claims] == expected


@pytest.mark.parametrize(
    ("plain", "dropped", "holds"),
    [
        ([1.4, 1.5], [0.95, 1.1], True),
        ([1.2, 1.15], [0.95, 1.1], False),
        ([1.6, 0.99], [0.95, 1.1], False),
        ([1.4, 1.5], [1.1, 1.2], False),
    ],
    ids=["as claimed", "the baseline is near 1", "one seed is below", "with dropout it is not"],
)
def test_the_articles_network_stays_near_the_loss_of_the_mean(plain, dropped, holds):
    assert article_claim(runs(plain, dropped, [0.95, 0.97])).holds == holds


def test_the_bench_of_effects_measures_it():
    assert effects_dropout.measure in effects.OF_PAGES
