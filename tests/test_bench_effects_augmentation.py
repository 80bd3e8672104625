"""What the bench claims of augmentation: each claim holds, or is missed, by numbers made by hand."""

import numpy as np
import pytest

from regcore.bench import effects_augmentation as bench
from regcore.bench.effects import OF_PAGES
from regcore.data import load_dataset
from regcore.data_worth import LearningCurve
from regcore.jitter_ridge import JitterPoint
from regcore.leak import Leak, Way
from regcore.results import Result
from regcore.statistics import mean_interval
from tests.opened_runs import recording

SEEDS = np.array([0.0, 0.01, 0.02, 0.01])


def near(value):
    return value + SEEDS


def point(norm=1.01):
    return JitterPoint(
        0.5, mean_interval(near(norm)), mean_interval(near(1.0)), *[mean_interval(near(1.0))] * 2, 1.0
    )


CURVE = LearningCurve(
    "error",
    (100, 200, 400, 897),
    np.stack([near(level) for level in (0.5, 0.45, 0.4, 0.35)]),
    np.stack([near(level) for level in (0.45, 0.38, 0.35, 0.3)]),
)
HOLDING = bench.Measured(
    curve=CURVE,
    leak=Leak("error", Way(near(0.2), near(0.45)), Way(near(0.45), 0.47 - SEEDS)),
    learnt={"none": near(0.9).tolist(), "mixup": near(0.5).tolist(), "shift": near(0.3).tolist()},
    validated={"clean": near(0.38).tolist(), "augmented": near(0.42).tolist()},
    ridge=(point(),),
    mirrored=(near(0.04).tolist(), near(0.07).tolist()),
    turned=(near(0.04).tolist(), near(0.08).tolist()),
)


def varied(values):
    """Return values whose differences to those of `HOLDING` vary, as a t-interval needs."""
    return (np.asarray(values) + np.array([0.0, 0.02, -0.01, 0.01])).tolist()


HOLDING = HOLDING._replace(
    learnt={name: varied(each) if name != "none" else each for name, each in HOLDING.learnt.items()},
    validated={"clean": HOLDING.validated["clean"], "augmented": varied(HOLDING.validated["augmented"])},
    leak=HOLDING.leak._replace(before=Way(np.array(varied(near(0.2))), near(0.45))),
    mirrored=(HOLDING.mirrored[0], varied(HOLDING.mirrored[1])),
    turned=(HOLDING.turned[0], varied(HOLDING.turned[1])),
)


def test_the_bench_measures_the_page():
    assert bench.measure in OF_PAGES


def test_claims_hold_where_they_do():
    assert [claim.holds for claim in bench.claims(HOLDING)] == [True] * 9


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"curve": LearningCurve("error", CURVE.sizes, CURVE.without, CURVE.without - 0.02)}, {0}),
        ({"leak": HOLDING.leak._replace(before=HOLDING.leak.after)}, {1}),
        ({"leak": HOLDING.leak._replace(after=HOLDING.leak.before)}, {2}),
        ({"learnt": {**HOLDING.learnt, "mixup": varied(near(0.9))}}, {3}),
        ({"learnt": {**HOLDING.learnt, "shift": varied(near(0.9))}}, {4}),
        ({"validated": {**HOLDING.validated, "augmented": varied(near(0.38))}}, {5}),
        ({"ridge": (point(), point(1.05))}, {6}),
        ({"mirrored": (near(0.04), varied(near(0.04)))}, {7}),
        ({"turned": (near(0.04), varied(near(0.04)))}, {8}),
    ],
)
def test_a_claim_that_does_not_hold_is_missed(changed, missed):
    claims = bench.claims(HOLDING._replace(**changed))
    assert {at for at, claim in enumerate(claims) if not claim.holds} == missed


def test_the_error_of_six_and_nine_is_of_their_rows_alone():
    config = bench.TURNED.replace(n_train=40, n_val=40, epochs=1, seeds=1)
    dataset = load_dataset(config)
    y = dataset.rows(0).y_val
    said = np.where(y == 6, 9, np.where(y == 9, 9, (y + 1) % 10))
    of_seed = recording([{"val_loss": 1.0}])
    outputs = {"val": np.eye(10, dtype=np.float32)[said][None]}
    recorded = type(of_seed)("", of_seed.history, outputs, np.array([1]))

    found = bench._error_of_six_and_nine(Result(config, dataset, {(0, 0): recorded}), 0)

    assert found == pytest.approx(np.sum(y == 6) / np.sum((y == 6) | (y == 9)))


def test_the_curve_has_a_row_for_each_size_with_its_worth():
    curve, ridge = bench.tables(HOLDING)
    assert [row[0] for row in curve.rows] == [100, 200, 400, 897]
    rows, without, with_it, times, low, high = curve.rows[0]
    assert (rows, without, with_it) == (100, pytest.approx(0.51), pytest.approx(0.46))
    assert low <= 2.0 <= high
    assert times == pytest.approx(2.0)
    assert ridge.rows == [(0.5, pytest.approx(1.02), pytest.approx(1.01), 1.0)]
