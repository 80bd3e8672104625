"""The checklist: what it trains, its arithmetic on recordings made by hand, and real networks."""

import math

import numpy as np
import pytest

from regcore import checklist as module
from regcore.checklist import Check, checklist, experiments, joined
from regcore.config import Config
from regcore.data import Dataset
from regcore.errors import ConfigError
from regcore.execution import compare
from regcore.lessons.overfit_first import HEALTHY
from regcore.results import HISTORY_COLUMNS, Recording, Result

# 8 train rows, 3 of class 0 and 5 of class 1; 16 validation rows, of which 12 are of class 1.
LABELS = [0] * 3 + [1] * 5 + [0] * 4 + [1] * 12 + [0, 1]
DATASET = Dataset.from_arrays(
    np.arange(52.0).reshape(26, 2), LABELS, train_rows=range(8), val_rows=range(8, 24), test_rows=[24, 25]
)
CONFIG = Config(seeds=2, epochs=1, hidden=())


def result(*seeds: dict[str, float]) -> Result:
    """Return a result of one epoch with these values; all others are NaN, but the train loss."""
    recordings = {}
    for seed, values in enumerate(seeds):
        row = [values.get(name, 1.0 if name == "train_loss" else math.nan) for name in HISTORY_COLUMNS]
        recordings[seed, 0] = Recording("", np.array([row]))
    return Result(CONFIG, DATASET, recordings)


def results(**changes: Result) -> dict[str, Result]:
    return {
        module.INITIAL: result({"objective": math.log(2) + 0.2}, {"objective": math.log(2) - 0.4}),
        module.BATCH: result({"train_loss": 0.01}, {"train_loss": 0.05}),
        module.NETWORK: result(
            {"train_error": 0.0, "val_error": 0.125}, {"train_error": 0.0, "val_error": 0.0}
        ),
        module.RANDOM: result({"train_error": 0.0, "val_error": 0.5}, {"train_error": 0.0, "val_error": 0.6}),
    } | changes


def by_name(found: tuple[Check, ...]) -> dict[str, Check]:
    return {check.name: check for check in found}


def test_what_is_trained_has_no_regularizers_and_differs_as_the_checks_say():
    config = Config(data="digits", n_train=100, dropout_hidden=0.5, epochs=30, seeds=2)

    found = experiments(config)

    plain = config.plain()
    assert {name: each.changes(plain) for name, each in found.items()} == {
        module.NETWORK: {},
        module.INITIAL: {"epochs": 1, "batch_size": 100},
        module.BATCH: {"n_train": 16, "batch_size": 16, "epochs": 200},
        module.RANDOM: {"label_noise": 1.0},
    }


def test_a_number_has_no_classes_to_guess_among():
    with pytest.raises(ConfigError, match="^data must be of classes for this checklist, got 'sine'$"):
        experiments(Config(data="sine"))


def test_the_loss_at_initialisation_is_held_against_ln_c():
    check = by_name(checklist(results()))[module.FIRST_LOSS]

    assert check.values == pytest.approx((0.2, 0.4))
    assert check.number == pytest.approx(0.3)
    assert (check.bound, check.passes, check.passes_on) == (0.5, True, 2)


def test_whoever_is_blind_does_best_by_naming_the_most_frequent_class():
    check = by_name(checklist(results()))[module.THE_INPUT]

    # 4 of 16 validation rows are of the other class; three standard errors of sqrt(1/4 * 3/4 / 16).
    assert check.bounds == pytest.approx((0.25 - 3 * math.sqrt(3) / 16,) * 2)
    # No luck can be told from skill on so few rows: the bound is below 0.
    assert not check.passes


def test_guesses_on_shuffled_labels_may_not_be_too_good():
    check = by_name(checklist(results()))[module.CHANCE]

    assert check.bound == pytest.approx(0.5 - 3 / 8)
    assert (check.number, check.passes) == (pytest.approx(0.55), True)
    leaked = results(**{module.RANDOM: result({"val_error": 0.1}, {"val_error": 0.0})})
    assert not by_name(checklist(leaked))[module.CHANCE].passes


def test_one_percent_of_the_rows_may_be_wrong_on_average():
    network = result({"train_error": 0.02, "val_error": 0.0}, {"train_error": 0.0, "val_error": 0.0})
    check = by_name(checklist(results(**{module.NETWORK: network})))[module.MEMORISED]

    assert (check.number, check.passes, check.passes_on) == (0.01, True, 1)


def test_a_seed_that_diverged_fails_its_check():
    diverged = result({"train_loss": math.nan, "train_error": 0.0}, {"train_loss": 0.0, "train_error": 0.0})
    found = by_name(checklist(results(**{module.NETWORK: diverged, module.BATCH: diverged})))

    assert not found[module.MEMORISED].passes
    assert not found[module.ONE_BATCH].passes
    assert found[module.ONE_BATCH].passes_on == 1


def test_groups_of_seeds_are_joined():
    first, second = checklist(results()), checklist(results())

    assert joined([first, second])[1].values == (0.01, 0.05, 0.01, 0.05)
    assert len(joined([first, second])[1].bounds) == 4


def test_equal_rows_with_other_labels_are_allowed_for():
    # Of eight rows three are alike, one of them of the other class.
    X = np.array([[0.0], [0.0], [0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [7.0]])
    dataset = Dataset.from_arrays(
        X, [0, 1, 0, 1, 0, 1, 0, 1, 0, 1], train_rows=range(8), val_rows=[8], test_rows=[9]
    )
    network = result({"train_error": 1 / 8}, {"train_error": 2 / 8})
    alike = Result(CONFIG, dataset, network.recordings)

    check = by_name(checklist(results(**{module.NETWORK: alike})))[module.MEMORISED]

    assert check.bounds == pytest.approx((module.MEMORISED_BOUND + 1 / 8,) * 2)
    assert check.passes_on == 1


@pytest.mark.parametrize("data", ["digits", "wine", "iris", "moons"])
def test_a_healthy_network_passes_every_check(data):
    config = HEALTHY[data].replace(seed=100)

    found = checklist(compare(experiments(config)).results)

    assert [check.name for check in found if not check.passes] == []


def test_the_first_loss_is_that_before_any_update():
    # Weights of zero make every class as likely, whatever the step size.
    config = HEALTHY["wine"].replace(initializer="zeros", learning_rate=1.0, seeds=2)

    check = checklist(compare(experiments(config)).results)[0]

    assert check.values == pytest.approx((0.0, 0.0), abs=1e-6)


def test_shuffled_labels_are_memorised_but_the_input_does_not_matter():
    config = HEALTHY["digits"].replace(label_noise=1.0, seed=100, seeds=2)

    found = by_name(checklist(compare(experiments(config)).results))

    assert found[module.MEMORISED].passes
    assert found[module.THE_INPUT].passes_on == 0
