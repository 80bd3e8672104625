"""The arithmetic of the benches of the page Overfit first. Nothing is trained."""

import math

import pandas as pd

from regcore.bench import effects_overfit, shift
from regcore.checklist import FIRST_LOSS, MEMORISED, ONE_BATCH, SHUFFLED, THE_INPUT, Check
from regcore.faults import FAULTS, Fault
from regcore.shift import Answer, ClassifierTest, FeatureTest, LabelTest, ResplitTest, Verdict
from regcore.shift_cases import CASES


def check(name: str, *values: float) -> Check:
    return Check(name, values, (0.01,) * len(values), True, True, "what", "why")


CHECKS = (check(FAULTS[0].caught_by, 0.5, 0.5), check("another", 0.0, 0.5))


def verdict(answer: Answer, p: float) -> Verdict:
    return Verdict(
        answer, ResplitTest(2.0, (1.0,) * 39, (0.1, 0.2)), FeatureTest((0.5,), (p,)),
        ClassifierTest(0.5, 10, 0.5), LabelTest(1.0, 0.008),
    )  # fmt: skip


def test_seeds_on_which_a_check_fails_are_counted():
    (row,) = effects_overfit.fault_table({FAULTS[0]: CHECKS}).json()["rows"]

    assert list(row.values()) == [FAULTS[0].name, 2, 1, FAULTS[0].caught_by]


def test_a_fault_is_caught_if_its_check_fails_on_every_seed():
    caught = effects_overfit._is_caught(FAULTS[0], CHECKS)
    missed = effects_overfit._is_caught(FAULTS[0], (check(FAULTS[0].caught_by, 0.5, 0.0),))

    assert (caught.holds, caught.measured) == (True, "on 2 of 2 seeds")
    assert (missed.holds, missed.measured) == (False, "on 1 of 2 seeds")


def test_a_healthy_network_passes_every_check_and_what_it_fails_is_named():
    assert effects_overfit._is_healthy("iris", (check("a", 0.0), check("b", 0.01))).holds
    failed = effects_overfit._is_healthy("iris", CHECKS)
    assert (failed.holds, failed.measured) == (False, f"{FAULTS[0].caught_by}, 0.5; another, 0.25")


def of_faults(**changed: dict[str, tuple[float, float]]) -> dict[Fault, tuple[Check, ...]]:
    """Return checks of two seeds of which 0.5 fails and 0 passes; `changed` is by fault, then by check."""
    fails, passes = (0.5, 0.5), (0.0, 0.0)
    by_check = {FIRST_LOSS: passes, ONE_BATCH: fails, THE_INPUT: fails, MEMORISED: fails, SHUFFLED: fails}
    found = {}
    for fault in FAULTS:
        own = by_check | ({THE_INPUT: passes} if fault.name == "Two units wide" else {})
        own |= changed.get(fault.name.replace(" ", "_"), {})
        found[fault] = tuple(check(name, *values) for name, values in own.items())
    return found


def test_what_is_said_of_faults_is_held_against_their_checks():
    one_fails = (0.5, 0.0)
    holding = of_faults()

    assert effects_overfit._begins_right(holding).holds
    assert effects_overfit._learns_something(holding).holds
    assert effects_overfit._look_alike(holding).holds
    small = of_faults(Step_size_too_small={FIRST_LOSS: one_fails})
    assert not effects_overfit._begins_right(small).holds
    wide = of_faults(Two_units_wide={ONE_BATCH: one_fails})
    assert not effects_overfit._learns_something(wide).holds
    dead = of_faults(A_dead_layer={MEMORISED: (0.0, 0.0)})
    assert not effects_overfit._look_alike(dead).holds


def test_labels_that_mean_nothing_are_memorised_later_on_every_seed():
    claim = effects_overfit._is_later([9.0, 12.0], [60.0, 70.0])
    assert (claim.holds, claim.measured) == (True, "on 2 of 2 seeds; epochs 9 to 12, and 60 to 70")
    assert not effects_overfit._is_later([9.0, 60.0], [60.0, 60.0]).holds
    assert not effects_overfit._is_later([9.0], [math.inf]).holds


def test_the_first_epoch_without_errors_is_found():
    history = pd.DataFrame({"epoch": [1, 2, 3], "train_error": [0.5, 0.01, 0.0]})

    assert effects_overfit._first_epoch(history) == 2
    assert effects_overfit._first_epoch(history[:1]) == math.inf


def test_sets_that_are_not_there_are_named():
    table = effects_overfit.healthy_table({"iris": CHECKS[:1]}, ["MNIST"], 2)

    assert table.notes[-1] == "Not on this machine, and left out: MNIST."
    assert list(table.json()["rows"][0].values()) == ["iris", FAULTS[0].caught_by, 0.5, 0.01, "0/2"]


def test_splits_that_are_called_different_are_counted_by_test():
    found = {CASES[0]: [verdict("overfitting", 0.5), verdict("a different distribution", 0.001)]}

    (row,) = shift.table(found).json()["rows"]

    assert list(row.values()) == [CASES[0].name, 2, 1, 2, 1, 0, 2]


def test_false_alarms_are_bounded_and_shifts_have_to_be_found():
    alarm, none = verdict("a different distribution", 0.5), verdict("overfitting", 0.5)

    assert shift._claim(CASES[0], [alarm] * 18 + [none] * 182).holds
    assert not shift._claim(CASES[0], [alarm] * 19 + [none] * 181).holds
    assert shift._claim(CASES[1], [alarm] * 40 + [none] * 10).holds
    assert not shift._claim(CASES[1], [alarm] * 39 + [none] * 11).holds


def test_a_test_that_is_said_to_tell_a_case_has_to_by_itself():
    one = verdict("different, but not harder", 0.008)
    none = one._replace(features=FeatureTest((0.5,), (0.009,)))

    assert shift._told(CASES[1], "features", [one] * 4 + [none]).holds
    assert not shift._told(CASES[1], "features", [one] * 3 + [none]).holds
    # The re-split test has a level of its own: one of 40 is enough.
    assert shift._told(CASES[1], "resplit", [none]).holds
    assert shift._told(CASES[1], "labels", [none]).measured == "1 of 1"
