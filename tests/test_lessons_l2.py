"""What the page on L2 trains: every strength at once, so that its cursor moves over what is there."""

import pytest

from regcore.config import Config
from regcore.lessons import BASELINE, THIS_RUN, l2

START = l2.LESSONS[0].config


@pytest.mark.parametrize("value", l2.L2_VALUES)
def test_moving_the_cursor_changes_nothing_of_what_is_trained(value):
    assert l2.trained(START.replace(l2=value)) == l2.trained(START)


def test_every_value_is_trained_once_the_baseline_first():
    trained = l2.trained(START)
    assert list(trained) == [BASELINE, *(f"l2 = {value:g}" for value in l2.L2_VALUES[1:])]
    assert [config.l2 for config in trained.values()] == list(l2.L2_VALUES)
    assert trained[BASELINE] == START.plain()


def test_what_is_none_of_them_is_trained_beside():
    own = START.replace(l2=0.02)
    assert l2.trained(own) == {**l2.trained(START), THIS_RUN: own}


def test_other_regularizers_stay_on_in_the_sweep_and_off_in_the_baseline():
    trained = l2.trained(START.replace(dropout_hidden=0.5))
    assert trained[BASELINE] == START.plain()
    assert {config.dropout_hidden for name, config in trained.items() if name != BASELINE} == {0.5}
    assert len(trained) == 1 + len(l2.L2_VALUES)


def test_decoupled_decay_of_the_same_nominal_strength_is_twice_the_number():
    for strength, config in l2.decoupled(START).items():
        assert (config.l2, config.weight_decay) == (0.0, 2 * strength)
        assert l2.strength_of(config) == strength
    assert l2.strength_of(START) == 0.01


def test_twins_differ_in_their_penalty_alone_and_are_an_epoch_of_adam():
    plain, penalised, decoupled = l2.twins(0.03, START.replace(optimizer="sgd", momentum=0.9))
    assert penalised.changes(plain) == {"l2": 0.03}
    assert decoupled.changes(plain) == {"weight_decay": 0.06}
    assert (plain.optimizer, plain.epochs, plain.momentum) == ("adam", 1, 0.0)


def test_steps_have_all_rows_in_a_batch_and_the_same_nominal_decay():
    for config in l2.STEPS.values():
        assert config.batch_size >= config.n_train
        assert config.learning_rate * (2 * config.l2 + config.weight_decay) == pytest.approx(0.01)


def test_the_mechanism_does_not_follow_the_cursor_and_is_known_by_its_keys():
    mechanism = l2.mechanism(START)
    assert mechanism == l2.mechanism(START.replace(l2=0.0, weight_decay=2.0))
    assert all(config.key() == name for name, config in mechanism.items())
    assert {config.key() for config in (*l2.STEPS.values(), *l2.boundaries().values())} <= set(mechanism)


def test_names_of_the_sweep():
    assert [l2.name_of(Config(**fields)) for fields in ({}, {"l2": 0.1}, {"weight_decay": 2.0})] == [
        "off",
        "l2 = 0.1",
        "weight decay = 2",
    ]
