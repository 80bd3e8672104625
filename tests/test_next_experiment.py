"""What is tried next: one change each, and never one that the data cannot give."""

import numpy as np
import pytest

from regcore import next_experiment
from regcore.config import DATASETS, MAX_SEED, Config
from regcore.data import DATASET_INFO, Dataset, check_built_in
from regcore.data.builtin import check_rows
from regcore.results import Result

# Of wine there are no more rows.
ALL_ON = {"data": "wine", "n_train": 70, "n_val": 50, "jitter": 0.1, "dropout_hidden": 0.5, "patience": 5}
SMALL = [name for name in DATASETS if not name.endswith("mnist")]


class Named:
    """What is asked about a data set, without loading it."""

    fixed = None

    def __init__(self, config):
        info = DATASET_INFO[config.data]
        self.name, self.task, self.image_shape = config.data, info.task, info.image_shape
        self.n_features = info.n_features
        self.n_train, self.n_val = check_rows(config)


def result(config):
    return Result(config, Named(config), {})


def overfits_less(config, has_risen=False):
    return next_experiment.less_overfitting(result(config), has_risen).config


def test_regularizers_are_tried_in_turn_until_all_are_on():
    config, tried = Config(data="digits", n_train=400), []

    for _ in range(8):
        following = overfits_less(config)
        tried.append(following.changes(config))
        config = following

    assert tried == [
        {"dropout_input": 0.2, "dropout_hidden": 0.5}, {"shift": 1}, {"l2": 0.01}, {"patience": 10},
        {"n_train": 800}, {"n_train": 897}, {"jitter": 0.2}, {"l2": 0.03},
    ]  # fmt: skip


def test_weight_decay_is_made_stronger_where_there_is_no_l2():
    on = Config(**ALL_ON, weight_decay=0.1)
    following = next_experiment.less_overfitting(result(on), has_risen=False)

    assert following.config.changes(on) == {"weight_decay": pytest.approx(0.3)}
    assert following.why == "Three times the decoupled weight decay."


@pytest.mark.parametrize("l2", [1000.0, 0.0])
def test_where_all_is_on_and_strong_nothing_is_proposed(l2):
    on = Config(**ALL_ON, l2=l2, weight_decay=0.0 if l2 else 1000.0)
    following = next_experiment.less_overfitting(result(on), has_risen=False)

    assert following.config == on
    assert following.why.startswith("Nothing: ")


def test_patience_comes_first_where_validation_has_turned_up():
    assert overfits_less(Config(), has_risen=True) == Config(patience=10)


def test_a_number_to_predict_has_a_weaker_penalty_and_no_dropout():
    assert overfits_less(Config(data="sine")) == Config(data="sine", l2=1e-3)


def fits_better(config, is_blind=False, is_falling=False, baseline_fits=None):
    return next_experiment.better_fit(config, is_blind, is_falling, baseline_fits).config


def test_who_cannot_fit_is_first_asked_whether_regularizers_are_the_cause():
    config = Config(l2=0.1, dropout_hidden=0.5, max_norm=2.0)

    assert fits_better(config) == Config()
    assert fits_better(config, baseline_fits=True) == Config(l2=0.01, dropout_hidden=0.25, max_norm=4.0)
    assert fits_better(config, baseline_fits=False) == config.replace(hidden=(256, 256))


def test_a_network_that_cannot_fit_is_mended_by_what_it_lacks():
    assert fits_better(Config(initializer="zeros")) == Config()
    assert fits_better(Config(hidden=())) == Config(hidden=(64, 64))
    assert fits_better(Config(), is_blind=True) == Config(learning_rate=3e-4)
    assert fits_better(Config(), is_falling=True) == Config(epochs=600)
    assert fits_better(Config(hidden=(8,))) == Config(hidden=(32,))
    assert fits_better(Config(hidden=(512,))) == Config(hidden=(512,), epochs=600)


def test_each_rate_and_each_switch_is_weakened():
    config = Config(data="digits", shift=2, flip=True, zoom=0.2, dropout_hidden=(0.4, 0.2), weight_decay=0.1)

    assert next_experiment.weaker(config) == Config(
        data="digits", shift=1, zoom=0.1, dropout_hidden=(0.2, 0.1), weight_decay=0.01
    )


def quieter(config, rows_are_the_cause=True):
    return next_experiment.quieter_validation(result(config), rows_are_the_cause)


def test_noisy_validation_gets_more_rows_or_seeds_or_smaller_steps():
    assert quieter(Config(n_val=10)).config == Config(n_val=40)
    assert quieter(Config(data="wine", n_train=60, n_val=50)).config == Config(
        data="wine", n_train=60, n_val=50, seeds=32
    )
    assert quieter(Config(), rows_are_the_cause=False).config == Config(learning_rate=1e-3)


def test_rows_of_ones_own_get_more_seeds_or_random_resplits():
    X, y = np.arange(60.0)[:, None], np.arange(60) % 2
    drawn = Dataset.from_arrays(X, y, n_train=20, n_val=4)
    kept = Dataset.from_arrays(X, y, train_rows=range(20), val_rows=range(20, 24), test_rows=range(24, 60))

    of_drawn, of_kept = (
        next_experiment.quieter_validation(Result(Config(), data, {}), True) for data in (drawn, kept)
    )

    assert (of_drawn.config, of_drawn.on_resplits) == (Config(seeds=32), False)
    assert (of_kept.config.seeds, of_kept.on_resplits) == (40, True)


def test_longer_means_patience_where_it_fired():
    assert next_experiment.longer(Config(patience=5), fired=True).config == Config(patience=15)
    assert next_experiment.longer(Config(), fired=False).config == Config(epochs=600)
    longest = Config(epochs=10_000)
    assert next_experiment.longer(longest, fired=False).config == longest.replace(learning_rate=9e-3)


def test_where_there_is_no_more_of_one_thing_it_is_another():
    longest = Config(epochs=10_000, learning_rate=10.0, patience=10_000)

    assert next_experiment.longer(longest, fired=True).config == longest.replace(patience=None)
    assert next_experiment.longer(longest, fired=False).why.startswith("Nothing: ")
    assert next_experiment.longer(Config(epochs=5000), fired=False).why.startswith("More epochs: ")
    assert fits_better(Config(patience=5), baseline_fits=True) == Config(patience=15)
    assert quieter(Config(data="wine", n_train=60, n_val=50, seeds=64)).config.seed == 64


def test_a_network_that_is_slow_has_no_more_epochs_than_there_are():
    most = Config(epochs=10_000)

    assert next_experiment.better_fit(most, False, True, None).why.startswith("Three times the learning rate")


def test_what_is_healthy_is_held_against_other_seeds_or_fewer_rows():
    assert next_experiment.does_it_hold(result(Config(l2=0.01))).config == Config(l2=0.01, seed=8)
    assert next_experiment.does_it_hold(result(Config())).config == Config(n_train=15)


def test_seeds_end_where_they_end():
    last = Config(l2=0.01, seed=MAX_SEED - 7)

    assert next_experiment.more_seeds(last.replace(seeds=4)).config.seeds == 8
    assert next_experiment.does_it_hold(result(last)).config.seed + 8 <= MAX_SEED + 1
    assert next_experiment.does_it_hold(result(last)).config == last.replace(seed=MAX_SEED - 15)
    assert next_experiment.more_seeds(last).config == last.replace(seed=MAX_SEED - 15)
    assert next_experiment.more_seeds(Config(seeds=64)).config == Config(seeds=64, seed=64)


@pytest.mark.parametrize("data", SMALL)
@pytest.mark.parametrize("changes", [{}, {"l2": 0.01, "patience": 3, "jitter": 0.1}, {"seeds": 64}])
def test_nothing_is_asked_for_that_the_data_cannot_give(data, changes):
    config = Config(data=data, **changes)
    run = result(config)

    proposed = [
        next_experiment.less_overfitting(run, has_risen=False), next_experiment.quieter_validation(run, True),
        next_experiment.does_it_hold(run), next_experiment.more_seeds(config),
        next_experiment.better_fit(config, False, False, None), next_experiment.smaller_steps(config),
        next_experiment.longer(config, fired=False),
    ]  # fmt: skip

    for each in proposed:
        check_built_in(each.config)
        assert each.config != config
