"""Every field of a configuration works with every other, or is refused by name: configurations at random."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regcore.config import Config
from regcore.data import check_fits, load_dataset
from regcore.engine.shard import RecordingPlan
from regcore.errors import ConfigError
from tests.engine_runs import replicates, train
from tests.test_config import valid_values

EVERY_OUTPUT = RecordingPlan(output_every=1)
DATA = (
    "moons",
    "spirals",
    "sine",
    "iris",
    "wine",
    "breast_cancer",
    "digits",
    "diabetes",
    "article_regression",
)


@st.composite
def small_configs(draw: st.DrawFn) -> Config:
    """Draw any values of all fields, and make what costs time small."""
    values: dict[str, Any] = draw(valid_values())
    return Config(
        **{
            **values,
            "data": draw(st.sampled_from(DATA)),
            "n_train": draw(st.integers(20, 40)),
            "n_val": draw(st.integers(10, 20)),
            "hidden": tuple(1 + width % 9 for width in values.get("hidden", Config().hidden)),
            "epochs": draw(st.integers(1, 3)),
            "seeds": 2,
            "seed": values.get("seed", 0) % 1000,
            "members": draw(st.integers(1, 2)),
        }
    )


def assert_trains_alone_as_among_others(config: Config) -> None:
    try:
        dataset = load_dataset(config)
        check_fits(config, dataset)
    except ConfigError as refused:
        assert str(refused).split()[0] in Config.model_fields
        return
    several = replicates(config, dataset)
    run = train(several, dataset, plan=EVERY_OUTPUT)
    alone = train(several[-1:], dataset, [3, 2], EVERY_OUTPUT)

    assert alone.bits(0) == run.bits(len(several) - 1)
    assert run.history.shape[:2] == (2 * config.members, config.epochs)
    # What is not finite has diverged: its weights are not finite either, or its loss is beyond float32.
    if np.isfinite(run.history).all():
        assert all(np.isfinite(kernel).all() for kernel in run.state.kernels)
    assert not np.isinf(run.history).all()


def properties(n: int) -> settings:
    return settings(max_examples=n, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


@properties(5)
@given(small_configs())
def test_any_configuration_trains_or_is_refused(config):
    assert_trains_alone_as_among_others(config)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@properties(150)
@given(small_configs())
def test_many_configurations_train_or_are_refused(config):
    assert_trains_alone_as_among_others(config)
