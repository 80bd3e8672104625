"""Faults: what they change, that they are known again, and that they can be repaired."""

import numpy as np
import pytest

from regcore.checklist import checklist, experiments
from regcore.config import Config
from regcore.data import load_dataset
from regcore.engine.replicate import replicates_of
from regcore.engine.shard import Probe, RecordingPlan
from regcore.execution import compare
from regcore.faults import FAULTS, Fault, fault_of, repaired
from regcore.lessons.overfit_first import HEALTHY
from tests.engine_runs import train

DIGITS = HEALTHY["digits"]
BY_NAME = {fault.name: fault for fault in FAULTS}


def test_faults_change_what_they_name():
    assert {fault.name: fault.broken(DIGITS).changes(DIGITS) for fault in FAULTS} == {
        "Zero initial weights": {"initializer": "zeros"},
        "Step size too small": {"learning_rate": 1e-6},
        "Step size too large": {"learning_rate": 1.0},
        "A dead layer": {"initializer": "negative"},
        "Two units wide": {"hidden": (2, 2)},
        "Five epochs": {"epochs": 5},
    }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_known_again_and_repaired(fault):
    broken = fault.broken(DIGITS)

    assert fault_of(broken) == fault
    assert repaired(broken, DIGITS) == DIGITS


def test_nothing_is_wrong_with_a_healthy_network():
    assert {data: fault_of(config) for data, config in HEALTHY.items()} == dict.fromkeys(HEALTHY)


def test_what_is_no_fault_is_not_repaired():
    mine = DIGITS.replace(hidden=(48,), batch_size=7, epochs=5)

    assert repaired(mine, DIGITS) == mine.replace(epochs=DIGITS.epochs)


def test_a_layer_is_dead_only_behind_another_one_so_there_are_two():
    dead = BY_NAME["A dead layer"]

    assert dead.broken(Config(hidden=(8,), activation="tanh")).hidden == (8, 8)
    assert dead.broken(Config(hidden=())).hidden == (64, 64)


def test_a_dead_layer_gives_nothing_and_learns_nothing():
    # Features of both signs: the first layer is alive, the second is fed by relus.
    config = BY_NAME["A dead layer"].broken(Config(data="moons", hidden=(8, 8), epochs=3, seeds=4))
    dataset = load_dataset(config)
    probes = (Probe("hidden", "activations", (0, 3), dataset.X), Probe("weights", "weights", (0, 3)))

    (piece,) = train(
        replicates_of(config, dataset).values(), dataset, plan=RecordingPlan(probes=probes)
    ).pieces

    for epoch in (0, 3):
        first, second = piece.probes["hidden"][epoch]
        assert np.all(first.max(axis=(1, 2)) > 0)
        assert not second.any()
    before, after = (piece.probes["weights"][epoch] for epoch in (0, 3))
    # Kernels of three layers, then biases: only the last bias is reached by a gradient.
    assert [np.array_equal(*pair) for pair in zip(before, after, strict=True)] == [True] * 5 + [False]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_caught_by_the_check_that_it_names_on_every_seed(fault):
    config = fault.broken(DIGITS).replace(seed=100, seeds=4)

    checks = {check.name: check for check in checklist(compare(experiments(config)).results)}

    assert checks[fault.caught_by].passes_on == 0


def test_a_fault_is_a_value():
    assert Fault("a", (("epochs", 5),), "b", "c") == Fault("a", (("epochs", 5),), "b", "c")
    assert len({*FAULTS, *FAULTS}) == 6
