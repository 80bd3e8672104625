"""The bench of the page on L2: claims held against numbers made by hand, and one small real measurement."""

import pytest

from regcore.adam_l2 import FirstStep, ShrinkOfBin, ShrinkUnderAdam
from regcore.bench import effects_l2 as bench
from regcore.bench.effects import OF_PAGES
from regcore.lessons import BASELINE
from regcore.weight_decay import Decay, Stillness

EXACT = Decay((1.0, 0.99, 0.9801), (0.99, 0.99))
FOUND = bench.Mechanism(
    decays={**dict.fromkeys(bench.EXACT_KINDS, (EXACT,)), "Adam, L2": (Decay((1.0, 0.95), (0.95,)),)},
    first_steps={"silent": FirstStep(10, 0.99, 0.99, 0.003, 0.003)},
    shrink=ShrinkUnderAdam(
        l2=(ShrinkOfBin(0.001, 0.15, 5), ShrinkOfBin(0.01, 0.04, 5)),
        decoupled=(ShrinkOfBin(0.001, 0.0105, 5), ShrinkOfBin(0.01, 0.0095, 5)),
        silent_l2=0.2,
        silent_decoupled=0.01,
        nominal=0.01,
        theory=(0.2, 0.05),
        n_seeds=1,
    ),
    stillness=Stillness(8, 8),
)  # fmt: skip
ON_VAL = {
    BASELINE: {"error": [0.4, 0.41, 0.42, 0.4]},
    bench.HUNDREDFOLD: {"error": [0.35, 0.35, 0.36, 0.36]},
    bench.TOO_MUCH: {"error": [0.9, 0.9, 0.9, 0.9]},
}
ON_TRAIN = {name: {"error": [each - 0.03 for each in metrics["error"]]} for name, metrics in ON_VAL.items()}


def holds(claims):
    return [claim.holds for claim in claims]


def test_the_bench_measures_the_page():
    assert bench.measure_l2 in OF_PAGES


def test_claims_hold_where_the_numbers_say_so():
    assert holds(bench.mechanism_claims(FOUND)) == [True] * 8
    assert holds(bench.strength_claims(ON_VAL, ON_TRAIN)) == [True, True]


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"decays": {**FOUND.decays, "SGD, L2": (Decay((1.0, 0.98), (0.9901,)),)}}, 0),
        ({"decays": {**FOUND.decays, "Adam, L2": (EXACT,)}}, 3),
        ({"first_steps": {"silent": FirstStep(10, 0.99, 0.95, 0.003, 0.003)}}, 4),
        ({"shrink": FOUND.shrink._replace(l2=(ShrinkOfBin(0.001, 0.1, 5), ShrinkOfBin(0.01, 0.04, 5)))}, 5),
        ({"shrink": FOUND.shrink._replace(decoupled=(ShrinkOfBin(0.001, 0.02, 5),))}, 6),
        ({"stillness": Stillness(8, 7)}, 7),
        ({"stillness": Stillness(0, 0)}, 7),
    ],
)
def test_a_claim_is_missed_where_they_do_not(changed, missed):
    expected = [at != missed for at in range(8)]
    assert holds(bench.mechanism_claims(FOUND._replace(**changed))) == expected


def test_whole_trainings_that_do_not_do_as_claimed():
    as_plain = {**ON_VAL, bench.HUNDREDFOLD: ON_VAL[BASELINE]}
    learning = {**ON_TRAIN, bench.TOO_MUCH: {"error": [0.9, 0.9, 0.9, 0.8]}}
    assert holds(bench.strength_claims(as_plain, learning)) == [False, False]


def test_table_of_strengths_is_in_percent_and_minus_the_baseline():
    baseline, hundredfold, _ = bench.strengths_table(ON_VAL, ON_TRAIN).rows
    assert baseline[:3] == (BASELINE, pytest.approx(37.75), pytest.approx(40.75))
    assert baseline[3:] == (None,) * 4
    assert hundredfold[3] == pytest.approx(-5.25)
    assert hundredfold[-1] == "4/4"


def test_tables_of_the_mechanism():
    rows = {row[0]: row[1:] for row in bench.decay_table(FOUND).rows}
    assert rows["SGD, L2"] == (0.99, 0.99, pytest.approx(98.01))
    assert bench.shrink_table(FOUND.shrink).rows[1:] == [
        (0.001, pytest.approx(15.0), pytest.approx(1.05), pytest.approx(20.0)),
        (0.01, pytest.approx(4.0), pytest.approx(0.95), pytest.approx(5.0)),
    ]


def test_one_seed_measured_for_real():
    claims = bench.mechanism_claims(bench.measure_mechanism(n_seeds=1, first_seed=0))
    assert holds(claims) == [True] * 8
