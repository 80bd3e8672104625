"""The arithmetic of the bench of ablations, the configurations of the effects table, and one real seed."""

import numpy as np
import pytest

from regcore.ablation import ablation_of, configurations
from regcore.bench import effects
from regcore.bench import effects_ablation as bench
from regcore.bench.effects import OF_PAGES
from regcore.bench.seeds import N_SEEDS_QUICK
from regcore.config import Config
from regcore.lessons import named
from regcore.lessons.ablation import LESSONS

FIRST = {
    "none": 0.43, "augmentation": 0.35, "L2": 0.42, "early stopping": 0.33, "dropout": 0.32, "ensemble": 0.39,
    "all but L2": 0.33, "all but early stopping": 0.33, "all but dropout": 0.30, "all": 0.33,
}  # fmt: skip
WIDE = {**FIRST, "augmentation": 0.36, "L2": 0.42, "ensemble": 0.41}
SPOILED = {**FIRST, "all": 0.66}
WIDE_CLAIMS = f"Ablation, {bench.WIDE.lower()}: "
CLEAN = {**dict.fromkeys(FIRST, 0.04), "all but dropout": 0.03, "all": 0.06}


def ablation(name, means, costs=None):
    """Return an ablation of these means; runs that are not named do as none does."""
    config = named(LESSONS, name).config
    values, cost = {}, {}
    for at, run in enumerate(configurations(config)):
        noise = np.random.default_rng(at).normal(scale=0.001, size=6)
        noise -= noise.mean()
        values[run] = {seed: means.get(run, means["none"]) + each for seed, each in enumerate(noise.tolist())}
        cost[run] = (costs or {}).get(run, 150.0)
    return ablation_of(config, values, cost, "error")


def found(first=FIRST, wide=WIDE, spoiled=SPOILED, clean=CLEAN, stopped_after=17.0, test=WIDE):
    return bench.Found(
        ablation(bench.FIRST, first, {"early stopping": stopped_after}),
        ablation(bench.WIDE, wide),
        ablation(bench.SPOILED, spoiled),
        ablation(bench.CLEAN, clean),
        ablation(bench.WIDE, test),
    )


def missed(of):
    return [claim.text.split(": ", 1)[1] for claim in bench.claims(of) if not claim.holds]


def test_the_bench_measures_the_page():
    assert bench.measure in OF_PAGES


def test_the_wide_network_is_that_of_the_effects_table():
    wide = named(LESSONS, bench.WIDE).config
    alone = configurations(wide.replace(seeds=effects.PLAIN.seeds, seed=effects.PLAIN.seed))
    rows = effects.configurations()

    for part, row in {
        "none": effects.BASELINE, "augmentation": "shift 1 px", "L2": "L2 1e-3",
        "early stopping": "early stop, patience 10", "dropout": "dropout .2/.5", "ensemble": "ensemble of 5",
    }.items():  # fmt: skip
        assert alone[part] == rows[row]


def test_ranks_are_those_that_the_effects_table_claims():
    rows = [part for rank in bench.RANKS for part in rank]
    claimed = {
        "dropout .2/.5": "dropout",
        "early stop, patience 10": "early stopping",
        "shift 1 px": "augmentation",
    }

    in_order = [claimed[name] for name in effects.BETTER if name in claimed]
    assert rows[:3] == in_order


def test_claims_hold_where_the_numbers_say_so():
    assert missed(found()) == []
    assert len(bench.claims(found())) == (2 + 1) + 1 + 3 + 2 + 2 + 2 + 2


@pytest.mark.parametrize(
    ("changed", "which"),
    [
        ({"wide": {**WIDE, "augmentation": 0.32}}, "augmentation alone ahead of none"),
        ({"wide": {**WIDE, "dropout": 0.37}}, "dropout alone ahead of augmentation"),
        ({"wide": {**WIDE, "L2": 0.44}}, "what test rows tell apart, alone or none, validation has"),
        ({"test": {**WIDE, "L2": 0.35}}, "what test rows tell apart, alone or none, validation has"),
        ({"test": dict.fromkeys(WIDE, 0.4)}, "what test rows tell apart, alone or none, validation has"),
        ({"first": {**FIRST, "augmentation": 0.43}}, "augmentation alone: better"),
        ({"first": {**FIRST, "all but L2": 0.36}}, "L2 on top of the others: within seed noise"),
        ({"first": {**FIRST, "all": 0.20}}, "early stopping alone is no worse than all"),
        ({"stopped_after": 40.0}, "early stopping alone is no worse than all"),
        ({"spoiled": {**SPOILED, "L2": 0.43}}, "L2 alone: better"),
        ({"spoiled": FIRST}, "L2 on top of the others: worse"),
        ({"clean": {**CLEAN, "ensemble": 0.025}}, "no part lowers the error by a point alone"),
        ({"clean": {**CLEAN, "all": 0.03}}, "dropout on top of the others: worse"),
    ],
)
def test_a_claim_is_missed_where_they_do_not(changed, which):
    texts = missed(found(**changed))

    assert texts
    if changed.get("wide", {}).get("augmentation") == 0.32:
        assert any(text.startswith("early stopping alone ahead of augmentation") for text in texts)
    else:
        assert any(text.startswith(which) for text in texts)


@pytest.mark.slow
def test_the_wide_network_trained_on_unused_seeds_ranks_as_the_effects_table_does():
    wide = bench.measured_of(named(LESSONS, bench.WIDE).config, N_SEEDS_QUICK)
    # What is claimed of the other experiments holds of the numbers above.
    trained = found()._replace(wide=wide["val"], wide_test=wide["test"])
    of_wide = {claim.text: claim for claim in bench.claims(trained) if claim.text.startswith(WIDE_CLAIMS)}

    assert [row.interval.n for row in wide["val"].of_role("alone")] == [N_SEEDS_QUICK] * 5
    assert [text.split(": ", 1)[1] for text in of_wide] == [
        "dropout alone ahead of augmentation, as in the effects table",
        "early stopping alone ahead of augmentation, as in the effects table",
        "augmentation alone ahead of none, as in the effects table",
        "what test rows tell apart, alone or none, validation has in that order",
    ]
    assert {text: claim.measured for text, claim in of_wide.items() if not claim.holds} == {}


def test_the_table_has_every_row_in_percent():
    rows = bench.table(bench.FIRST, found().first).json()["rows"]

    assert [row["role"] for row in rows] == [
        "none",
        *["alone"] * 5,
        *["ladder"] * 5,
        *["left out"] * 5,
        "all",
    ]
    assert rows[0]["mean"] == pytest.approx(43, abs=0.1)
    assert (rows[0]["difference"], rows[3]["cost"]) == (None, 17.0)
    assert rows[3]["difference"] == pytest.approx(-10, abs=0.1)


def test_the_order_is_told_with_its_pairs():
    (claim,) = [claim for claim in bench.claims(found()) if "what test rows tell apart" in claim.text]

    assert claim.measured == "15 of 15 pairs; dropout, early stopping, augmentation, ensemble, L2, none"


def test_one_experiment_measured_for_real():
    tiny = Config(
        data="digits", n_train=40, n_val=30, hidden=(4,), epochs=3, patience=1, dropout_hidden=0.5, seeds=2
    )
    measured = bench.measured_of(tiny, 1)

    assert list(measured) == ["val", "test"]
    assert measured["val"].parts == ("early stopping", "dropout")
    assert [row.interval.n for row in measured["test"].rows] == [1] * len(measured["test"].rows)
    assert measured["val"].row("none").cost == 3.0
