"""`regcore.data_worth`: curves of which the worth is known, intervals that hold, and what cannot be told."""

import math

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import DATASET_INFO, check_built_in
from regcore.data_worth import LearningCurve, curve_configs, learning_curve, sizes_of, worth
from regcore.errors import DataError
from regcore.execution import compare

SIZES = (50, 100, 200, 400, 800)


def curve(times=2.0, n_seeds=8, noise=0.0, of_seed=0.05, seed=0, sizes=SIZES, slope=0.1):
    """Return a curve that falls by `slope` with each doubling; with the technique it is the one of so many
    times the rows. Seeds differ by `of_seed` in both."""
    random = np.random.default_rng(seed)
    level = of_seed * random.normal(size=n_seeds)
    doublings = np.log2(sizes)[:, None]

    def errors(shift):
        return 1 - slope * (doublings + shift) + level + noise * random.normal(size=(len(sizes), n_seeds))

    return LearningCurve("error", sizes, errors(0.0), errors(math.log2(times)))


@pytest.mark.parametrize("times", [1.0, 1.7, 2.0, 3.9])
@pytest.mark.parametrize("n_train", [50, 100, 200])
def test_without_noise_the_worth_is_exact_however_seeds_differ(times, n_train):
    found = worth(curve(times), n_train)
    assert found.times == pytest.approx(times, rel=1e-9)
    assert found.low <= times * (1 + 1e-9)
    assert found.high >= times * (1 - 1e-9)
    # At the smallest size tried, an interval that begins there is open below.
    assert found.high < 1.02 * found.low or (n_train, times, found.low) == (50, 1.0, 0.0)


def test_a_technique_that_does_harm_is_worth_less_than_its_rows():
    found = worth(curve(0.5), 200)
    assert found.times == pytest.approx(0.5, rel=1e-9)
    assert found.high < 0.52


def test_beyond_all_sizes_only_one_end_is_told():
    found = worth(curve(4.0), 400)
    assert math.isnan(found.times)
    assert (found.low, found.high, found.is_told) == (2.0, math.inf, True)
    below = worth(curve(1 / 4), 100)
    assert math.isnan(below.times)
    assert (below.low, below.high, below.is_told) == (0.0, 0.5, True)


def test_a_flat_curve_cannot_tell():
    found = worth(curve(2.0, slope=0.0, noise=0.05), 200)
    assert (found.low, found.high, found.is_told) == (0.0, math.inf, False)


def test_one_seed_cannot_tell():
    found = worth(curve(2.0, n_seeds=1), 100)
    assert (found.low, found.high, found.is_told) == (0.0, math.inf, False)


def test_a_network_that_diverged_leaves_nothing_to_tell():
    spoilt = curve(2.0)
    spoilt.without[2, 3] = math.nan
    found = worth(spoilt, 100)
    assert math.isnan(found.times)
    assert not found.is_told


def test_the_interval_holds_the_truth_as_often_as_it_says():
    inside = [
        found.low <= 2.0 <= found.high
        for found in (worth(curve(2.0, noise=0.04, seed=seed), 100) for seed in range(150))
    ]
    # Between sizes the noise of the curve is that of a mean of two, so a little above 95 % is right.
    assert 0.90 <= np.mean(inside) <= 1.0


def test_a_size_that_was_not_tried_is_refused():
    with pytest.raises(DataError, match="n_train must be one of 50, 100, 200, 400, 800, got 300"):
        worth(curve(), 300)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (Config(data="digits", n_train=50), (25, 50, 100, 200, 400)),
        (Config(data="digits", n_train=200), (100, 200, 400, 897)),
        (Config(data="digits"), (200, 400, 897)),
        (Config(data="digits", n_train=897), (448, 897)),
        (Config(data="wine"), (30, 60, 70)),
        (Config(data="sine"), (10, 20, 40, 80, 160)),
        (Config(data="digits", n_train=2), (2, 4, 8, 16)),
    ],
)
def test_sizes_double_as_far_as_there_are_rows(config, expected):
    assert sizes_of(config) == expected


@pytest.mark.parametrize("data", DATASET_INFO)
def test_every_data_set_has_the_sizes_its_own_among_them(data):
    config = Config(data=data, jitter=0.1)
    info = DATASET_INFO[data]
    assert info.n_train in sizes_of(config)
    for each in curve_configs(config).values():
        check_built_in(each)


def test_a_curve_has_the_errors_of_its_runs():
    config = Config(data="moons", n_train=20, n_val=30, hidden=(4,), epochs=3, seeds=2, jitter=0.3)
    configs = curve_configs(config)
    results = compare(configs).results

    found = learning_curve(config, results)

    assert found.sizes == (10, 20, 40, 80, 160)
    assert len(configs) == 10
    assert found.without[1].tolist() == results["without, 20 rows"].metrics("val")["error"].tolist()
    assert found.with_it[4].tolist() == results["with, 160 rows"].metrics("val")["error"].tolist()
    assert configs["without, 40 rows"] == config.plain().replace(n_train=40)
