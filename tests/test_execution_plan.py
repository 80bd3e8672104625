"""What is recorded within its budgets, and what trains beside what."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regcore.config import Config
from regcore.data import Dataset
from regcore.engine.replicate import replicates_of
from regcore.engine.shard import Probe, RecordingPlan
from regcore.execution.plan import Task, recording_plan, shards_of
from regcore.settings import Settings
from tests.fake_engine import CONFIG, DATASET, tasks_of

N_ROWS = 20


def plan_of(config: Config, **settings: Any) -> RecordingPlan:
    replicate = next(iter(replicates_of(config, DATASET).values()))
    return recording_plan(replicate, DATASET, Settings(**settings))


def test_everything_is_recorded_where_it_fits():
    plan = plan_of(CONFIG.replace(epochs=120), checkpoint_steps=1)
    assert plan == RecordingPlan(1, (15, 30, 45, 60, 75, 90, 105, 120))


def test_what_trains_in_a_moment_needs_no_checkpoint_but_the_last():
    assert plan_of(CONFIG.replace(epochs=120)).checkpoints == (120,)
    assert plan_of(CONFIG.replace(epochs=1000)).checkpoints == (500, 1000)


@given(epochs=st.integers(1, 300), n_kept=st.integers(0, 320))
def test_outputs_are_kept_as_often_as_their_budget_allows(epochs, n_kept):
    every = plan_of(CONFIG.replace(epochs=epochs), output_bytes=n_kept * N_ROWS * 4).output_every
    fitting = [k for k in range(1, epochs + 1) if epochs // k <= n_kept]
    assert every == min(fitting, default=0)


@given(epochs=st.integers(1, 300), n_states=st.integers(0, 12))
def test_checkpoints_are_evenly_spaced_within_their_budget_and_end_with_the_last_epoch(epochs, n_states):
    state_bytes = 3 * 4 * 3  # two weights and a bias, with Adam's two moments, in float32
    kept = plan_of(
        CONFIG.replace(epochs=epochs), checkpoint_bytes=n_states * state_bytes, checkpoint_steps=1
    ).checkpoints
    assert len(kept) == max(1, min(8, epochs, n_states))
    assert kept[-1] == epochs
    gaps = np.diff([0, *kept])
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= 1


def test_the_plan_does_not_depend_on_seed_or_member():
    config = CONFIG.replace(seeds=3, members=2)
    plans = {recording_plan(r, DATASET, Settings()) for r in replicates_of(config, DATASET).values()}
    assert len(plans) == 1


def groups(tasks: list[Task], n_workers: int = 1, largest: int = 32) -> list[list[int]]:
    return [[task.replicate.seed for task in group] for group in shards_of(tasks, n_workers, largest)]


def test_one_shape_trains_in_one_shard_on_one_worker():
    assert groups(tasks_of(CONFIG.replace(seeds=8))) == [list(range(8))]


def test_every_worker_gets_a_balanced_part_of_at_least_four():
    eight = tasks_of(CONFIG.replace(seeds=8))
    assert groups(eight, n_workers=2) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert groups(eight, n_workers=8) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert groups(eight[:7], n_workers=2) == [list(range(7))]
    assert [len(part) for part in groups(tasks_of(CONFIG.replace(seeds=13)), n_workers=3)] == [4, 5, 4]


def test_groups_that_keep_all_workers_busy_are_not_cut_any_further():
    plain, dropped = (tasks_of(CONFIG.replace(seeds=8, dropout_input=rate)) for rate in (0.0, 0.2))
    stronger = tasks_of(CONFIG.replace(seeds=8, dropout_input=0.9))

    assert list(map(len, groups(plain + dropped, n_workers=2))) == [8, 8]
    assert list(map(len, groups(plain + dropped, n_workers=4))) == [4, 4, 4, 4]
    assert list(map(len, groups(plain + dropped + stronger, n_workers=2))) == [8, 8, 8]


def test_a_shard_has_a_largest_size():
    assert [len(part) for part in groups(tasks_of(CONFIG.replace(seeds=64)), largest=30)] == [21, 22, 21]


def test_large_networks_train_in_smaller_shards():
    wide = tasks_of(
        CONFIG.replace(hidden=(300, 300), seeds=16)
    )  # 91,501 parameters: 1.05 MiB with Adam's moments
    assert [len(part) for part in groups(wide)] == [3, 2, 3, 3, 2, 3]
    widest = tasks_of(CONFIG.replace(hidden=(1000, 1000), seeds=2))
    assert [len(part) for part in groups(widest)] == [1, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"hidden": (3,)}, {"activation": "tanh"}, {"optimizer": "sgd"}, {"learning_rate": 0.1},
        {"batch_size": 3}, {"epochs": 7}, {"dropout_input": 0.1},
    ],
)  # fmt: skip
def test_shapes_and_dropout_are_kept_apart(change):
    tasks = tasks_of(CONFIG.replace(seeds=2)) + tasks_of(CONFIG.replace(seeds=2, **change))
    assert groups(tasks) == [[0, 1], [0, 1]]


def test_numeric_knobs_train_side_by_side():
    tasks = tasks_of(CONFIG.replace(seeds=2)) + tasks_of(CONFIG.replace(seeds=2, l2=0.1, jitter=1.0))
    assert groups(tasks) == [[0, 1, 0, 1]]


def test_data_sets_are_kept_apart():
    other = Dataset.from_arrays(np.arange(60.0).reshape(20, 3), np.arange(20) % 2, n_train=8, n_val=4)
    replicates = replicates_of(CONFIG.replace(seeds=1), other)
    tasks = tasks_of(CONFIG.replace(seeds=1))
    tasks += [Task(replicate, tasks[0].plan, other, until=6) for replicate in replicates.values()]
    assert groups(tasks) == [[0], [0]]


def test_the_key_of_a_task_tells_what_is_recorded():
    replicate = tasks_of(CONFIG)[0].replicate
    grid = Probe("grid", "outputs", (1, 2), np.zeros((3, 2)))
    plans = [
        RecordingPlan(),
        RecordingPlan(1),
        RecordingPlan(1, (6,)),
        RecordingPlan(1, (6,), (grid,)),
        RecordingPlan(1, (6,), (Probe("grid", "outputs", (1, 2), np.ones((3, 2))),)),
        RecordingPlan(1, (6,), (Probe("weights", "weights", (1, 2)),)),
    ]
    keys = [Task(replicate, plan, DATASET, until=6).key for plan in plans]
    keys.append(Task(replicate, plans[0], DATASET, until=5).key)
    assert len(set(keys)) == len(keys)
    same = Probe("grid", "outputs", (1, 2), np.zeros((3, 2)))
    assert Task(replicate, RecordingPlan(1, (6,), (same,)), DATASET, until=6).key == keys[3]
