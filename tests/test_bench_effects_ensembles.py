"""The bench of the page on ensembles: claims held against numbers made by hand, and one small real one."""

import numpy as np
import pytest

from regcore.bench import effects_ensembles as bench
from regcore.bench.effects import OF_PAGES
from regcore.ensembles import BySize, Calibration, ErrorMoments, Reliability, Source
from regcore.statistics import MeanInterval

SIZES = (1, 2, 5, 8, 16, 32)


def by_size(variance=0.6, covariance=0.54, **values):
    """Return two seeds that measure exactly what theory says, but for the values given."""
    moments = ErrorMoments(variance, covariance)
    squared = [moments.squared_error(k) for k in SIZES]
    given = {"squared_error": squared, "loss": [3 * each for each in squared]} | values
    between = [variance / 10 / k for k in SIZES]
    return BySize(
        "multiclass", 32, SIZES, (32,) * 6, (True,) * 6,
        {name: np.array([of_sizes, [1.01 * each for each in of_sizes]]) for name, of_sizes in given.items()
         if name != "between"},
        np.array([values.get("between", between)] * 2), (moments,) * 2,
    )  # fmt: skip


def interval(mean, half=0.01):
    return MeanInterval(mean, half, mean - half, mean + half, 4)


def source(name, correlation, single):
    return Source(name, interval(correlation), interval(single), interval(0.6), interval(single - 0.6))


NO_BINS = Reliability((), 0.0)
FOUND = bench.Found(
    digits=by_size(),
    pairs=(1e-16, -1e-16),
    train_errors=(0.16, 0.2),
    curve=by_size(),
    parting=(1.5, 1.52),
    boundaries=by_size(),
    same=by_size(covariance=0.6),
    sources=(source("weights and order", 0.9, 0.65), source("all of them", 0.78, 0.74)),
    calibration=Calibration(NO_BINS, NO_BINS, (0.14, 0.15, 0.14), (0.09, 0.11, 0.1)),
)


def holds(found):
    return [claim.holds for claim in bench.claims(found)]


def test_the_bench_measures_the_page():
    assert bench.measure in OF_PAGES


def test_claims_hold_where_the_numbers_say_so():
    assert holds(FOUND) == [True] * 12


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"pairs": (1e-16, 1e-9)}, {0}),
        ({"digits": by_size(squared_error=[0.6, 0.3, 0.12, 0.08, 0.04, 0.02])}, {1}),
        ({"digits": by_size(squared_error=[0.6, 0.6, 0.59, 0.58, 0.56, 0.54])}, {2}),
        ({"digits": by_size(between=[0.06, 0.05, 0.04, 0.03, 0.02, 0.01])}, {3}),
        ({"digits": by_size(loss=[1.0] * 6)}, {4}),
        ({"train_errors": (0.16, 0.28)}, {5}),
        ({"train_errors": (0.01, 0.2)}, {5}),
        ({"curve": by_size(squared_error=[0.6, 0.6, 0.6, 0.6, 0.6, 0.6])}, {6}),
        ({"parting": (1.5, 0.9)}, {7}),
        ({"boundaries": by_size(covariance=0.42)}, {8}),
        ({"same": by_size()}, {9}),
        ({"sources": (source("weights and order", 0.9, 0.65), source("all of them", 0.9, 0.74))}, {10}),
        ({"sources": (source("weights and order", 0.9, 0.65), source("all of them", 0.78, 0.6))}, {10}),
        ({"calibration": FOUND.calibration._replace(error_of_ensemble=(0.14, 0.16, 0.13))}, {11}),
    ],
)
def test_a_claim_is_missed_where_they_do_not(changed, missed):
    assert {at for at, held in enumerate(holds(FOUND._replace(**changed))) if not held} == missed


def test_tables_have_what_was_measured_beside_theory():
    sizes, sources = bench.size_table(FOUND.digits).json(), bench.source_table(FOUND.sources).json()

    row = sizes["rows"][2]
    assert row["k"] == 5
    assert row["squared_error"] == pytest.approx(1.005 * row["theory"])
    assert row["theory"] == pytest.approx(0.54 + 0.06 / 5)
    assert (row["independent"], row["between"]) == (pytest.approx(0.12), pytest.approx(0.012))
    assert [each["source"] for each in sources["rows"]] == ["weights and order", "all of them"]


def test_one_seed_measured_for_real():
    found = bench.measured(1, pool=8)

    assert len(found.digits.moments) == 1
    assert abs(found.pairs[0]) < 1e-10
    assert 0 < found.train_errors[0] < 1 and found.parting[0] > 0
    assert found.same.moments[0].correlation == pytest.approx(1)
    assert [each.name for each in found.sources] == list(bench.ensembles.SOURCES)
