"""`regcore.jitter_ridge`: scikit-learn's ridge, and that jitter tends to it and to no other."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from regcore.data import load_dataset
from regcore.execution import submit
from regcore.jitter_ridge import LINEAR, PROBE, jitter_configs, jitter_point, jitter_probe, ridge


def test_ridge_is_that_of_scikit_learn():
    split = load_dataset(LINEAR).split(0)
    expected = Ridge(alpha=7.0).fit(split.X_train, split.y_train)
    np.testing.assert_allclose(ridge(split.X_train, split.y_train, 7.0), expected.coef_, atol=1e-10)
    assert expected.intercept_ == pytest.approx(0, abs=1e-10)


def test_only_the_strength_varies():
    configs = jitter_configs()
    assert list(configs) == [0.2, 0.3, 0.45, 0.7, 1.0, 1.5]
    assert all(config.replace(jitter=0.0) == LINEAR for config in configs.values())
    assert LINEAR.batch_size == load_dataset(LINEAR).n_train


@pytest.fixture(scope="module")
def point():
    config = LINEAR.replace(jitter=0.7)
    run = submit({"": config}, probes=(jitter_probe(),))
    result = run.results()[""]
    recorded = [run.probe("", PROBE, seed) for seed in result.seeds]
    return jitter_point(result, recorded), result, recorded


def test_jitter_tends_to_ridge(point):
    found, _, _ = point
    assert found.sigma == 0.7
    assert found.norm.mean == pytest.approx(found.ridge_norm.mean, rel=0.02)
    assert found.loss.mean == pytest.approx(found.ridge_loss.mean, rel=0.02)
    # The largest of ten.
    assert found.apart < 5


def test_jitter_does_not_tend_to_half_or_twice_the_penalty(point):
    found, result, _ = point
    norms = {
        times: np.mean([
            np.sum(ridge(split.X_train, split.y_train, times * 100 * 0.7**2) ** 2)
            for split in map(result.dataset.split, result.seeds)
        ])
        for times in (0.5, 1.0, 2.0)
    }  # fmt: skip
    assert found.ridge_norm.mean == pytest.approx(norms[1.0])
    assert abs(found.norm.mean - norms[0.5]) > 10 * abs(found.norm.mean - norms[1.0])
    assert abs(found.norm.mean - norms[2.0]) > 10 * abs(found.norm.mean - norms[1.0])
