"""The diagnosis: runs built to be each kind, by hand and trained, and what is said near the borders."""

import math

import numpy as np
import pytest

from regcore import diagnosis as module
from regcore import shift
from regcore.config import Config
from regcore.data import Dataset, check_built_in
from regcore.diagnosis import (
    CANNOT_FIT,
    DIFFERENT,
    DIVERGED,
    HEALTHY,
    KINDS,
    NOISY,
    OVERFITTING,
    TOO_EARLY,
    diagnose,
)
from regcore.errors import ConfigError
from regcore.execution import submit, train
from regcore.lessons import lab, named
from regcore.results import Result
from regcore.shift_cases import CASES, NETWORK
from regcore.shift_cases import halves as halves_of
from tests.opened_runs import recording
from tests.opened_runs import result as made

LN2 = math.log(2)
N_EPOCHS = 20


def rows(n_val=400):
    """Return rows of two classes, which the lab splits at random."""
    X = np.arange(1200.0)[:, None]
    return Dataset.from_arrays(X, np.arange(1200) % 2, n_train=400, n_val=n_val)


DATA = rows()


def run(train=0.0, val=0.0, losses=None, seeds=4, dataset=DATA, **fields):
    """Return a run of these errors, in parts of what there is to learn; a list has one for each seed.

    Its validation loss goes along `losses`, in the same parts; by default it stays where it is.
    """
    curve = [LN2 * loss for loss in losses] if losses is not None else [0.5] * N_EPOCHS
    of_seed = [
        [
            {"train_error": one / 2, "val_error": other / 2, "val_loss": loss, "objective": 0.5}
            for loss in curve
        ]
        for one, other in zip(spread(train, seeds), spread(val, seeds), strict=True)
    ]
    return made(of_seed, dataset, **fields)


def spread(values, seeds):
    return values if isinstance(values, list) else [values] * seeds


def diverged(n_lost, seeds=4):
    lost = run(seeds=seeds, losses=[math.nan] * N_EPOCHS).recordings
    whole = run(seeds=seeds)
    recordings = {pair: lost[pair] if pair[0] < n_lost else each for pair, each in whole.recordings.items()}
    return Result(whole.config, DATA, recordings)


def number(found, name):
    (one,) = [each for each in found.numbers if each.name == name]
    return one


UP = [1.0] * 4 + [0.5] * 4 + [0.7] * 12
DOWN = np.linspace(1.0, 0.5, N_EPOCHS).tolist()


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        (DIVERGED, diverged(4)),
        (TOO_EARLY, run(0.3, 0.3, DOWN)),
        (CANNOT_FIT, run(0.7, 0.75)),
        (NOISY, run(0.0, 0.0, dataset=rows(n_val=4))),
        (NOISY, run(0.0, 0.0, [0.2, 0.9] * 10)),
        (OVERFITTING, run(0.0, 0.4)),
        (OVERFITTING, run(0.0, 0.05, UP)),
        (HEALTHY, run(0.05, 0.1)),
    ],
)
def test_a_run_built_to_be_of_a_kind_is_told(kind, result):
    found = diagnose(result)

    assert (found.kind, found.neighbour) == (kind, None)
    assert set(found.seeds) == {kind}
    assert found.doubt.startswith("Each of 4 seeds says so by itself.")


@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize("after", [[math.nan], [5.0, 1e9, math.inf, math.nan]])
def test_what_is_recorded_after_patience_stopped_is_of_no_network_that_is_kept(after, restore):
    losses = [1, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, *after]
    losses += [math.nan] * (N_EPOCHS - len(losses))

    found = diagnose(run(0.05, 0.1, losses, patience=2, restore_best_weights=restore))

    assert found.kind == (HEALTHY if restore else OVERFITTING)
    assert number(found, module.LOST).value == 0
    assert all(math.isfinite(each.value) for each in found.numbers)


def test_what_blew_up_after_patience_stopped_is_not_held_against_the_network():
    epochs = [{"val_loss": loss, "train_error": 0.4} for loss in (0.5, 0.6, 0.7)]
    epochs += [{"val_loss": 0.8, "objective": 1e6}]

    assert number(diagnose(made([epochs], DATA, patience=2)), module.BLOWN).value < 0


def test_a_loss_that_is_lost_before_patience_fired_is_lost():
    losses = [1.0, 0.5, math.nan, math.nan, *[0.5] * 16]

    assert diagnose(run(0.05, 0.1, losses, patience=2)).kind == DIVERGED


def test_of_ensembles_networks_are_counted_that_are_lost():
    whole = run()
    recordings = {(seed, member): whole.recordings[seed, 0] for seed in range(4) for member in range(5)}
    recordings[2, 3] = recording([{"val_loss": math.nan}] * N_EPOCHS)

    found = diagnose(Result(whole.config.replace(members=5), DATA, recordings))

    assert found.kind == DIVERGED
    assert number(found, module.LOST).values == (0.0, 0.0, 0.2, 0.0)
    assert number(found, module.LOST).in_words(number(found, module.LOST).value) == "5 %"
    assert found.sentence == "The loss was not finite on 1 of 20 networks."


def test_without_validation_rows_there_is_no_diagnosis():
    bare = run(dataset=Dataset.without_test(np.arange(40.0)[:, None], np.arange(40) % 2, task="binary"))

    with pytest.raises(ConfigError, match="result must have validation rows for a diagnosis, got none"):
        diagnose(bare)
    with pytest.raises(ConfigError, match="baseline must have validation rows"):
        diagnose(run(l2=0.1), bare)


@pytest.mark.parametrize(
    ("value", "kind", "neighbour"),
    [
        (0.1, HEALTHY, None),
        (0.19, HEALTHY, OVERFITTING),
        (0.21, OVERFITTING, HEALTHY),
        (0.3, OVERFITTING, None),
    ],
)
def test_a_gap_near_a_fifth_names_its_neighbour(value, kind, neighbour):
    found = diagnose(run(0.0, value))

    assert (found.kind, found.neighbour) == (kind, neighbour)
    assert ("Near the border" in found.doubt) == (neighbour is not None)


@pytest.mark.parametrize(
    ("value", "kind", "neighbour"),
    [(0.4, HEALTHY, None), (0.46, HEALTHY, CANNOT_FIT), (0.54, CANNOT_FIT, HEALTHY), (0.6, CANNOT_FIT, None)],
)
def test_a_half_that_is_left_to_learn_is_a_border(value, kind, neighbour):
    found = diagnose(run(value, value))

    assert (found.kind, found.neighbour) == (kind, neighbour)


@pytest.mark.parametrize(
    ("fall", "kind", "neighbour"), [(0.095, HEALTHY, TOO_EARLY), (0.105, TOO_EARLY, HEALTHY)]
)
def test_a_pace_near_a_tenth_names_its_neighbour(fall, kind, neighbour):
    found = diagnose(run(losses=[0.5 + fall, 0.5]))

    assert number(found, module.GAIN).value == pytest.approx(fall)
    assert (found.kind, found.neighbour) == (kind, neighbour)


@pytest.mark.parametrize(
    ("rise", "kind", "neighbour"), [(0.095, HEALTHY, OVERFITTING), (0.105, OVERFITTING, HEALTHY)]
)
def test_a_rise_near_a_tenth_names_its_neighbour(rise, kind, neighbour):
    found = diagnose(run(losses=[0.5, *[0.5 + rise] * 19]))

    assert number(found, module.RISE).value == pytest.approx(rise)
    assert (found.kind, found.neighbour) == (kind, neighbour)


def test_seeds_that_disagree_are_counted_and_their_interval_is_told():
    found = diagnose(run(0.0, [0.1, 0.3, 0.3, 0.3]))

    assert (found.kind, found.neighbour) == (OVERFITTING, HEALTHY)
    assert found.seeds == (HEALTHY, OVERFITTING, OVERFITTING, OVERFITTING)
    # 25 +- 3.18 * 10 / 2 %.
    assert found.doubt.startswith(
        "3 of 4 seeds say so by themselves; healthy on 1. Near the border to “healthy”: gap between train "
        "and validation error is 25 % (95 % interval 9 % to 41 %), and the bound is 20 %."
    )


def test_one_seed_has_no_interval_and_says_so():
    found = diagnose(run(0.0, 0.24, seeds=1))

    assert (found.kind, found.neighbour) == (OVERFITTING, HEALTHY)
    assert found.doubt.startswith("One seed cannot tell luck from effect. Near the border")
    assert diagnose(run(0.0, 0.3, seeds=1)).neighbour is None


def test_two_reasons_to_say_the_same_are_no_border():
    found = diagnose(run(0.0, 0.21, UP))

    assert (found.kind, found.neighbour) == (OVERFITTING, None)
    assert {each.name for each in found.numbers if each.decides} >= {module.GAP, module.RISE}


def test_some_seeds_that_diverge_are_enough():
    found = diagnose(diverged(1))

    assert (found.kind, found.seeds) == (DIVERGED, (DIVERGED, HEALTHY, HEALTHY, HEALTHY))
    assert found.sentence == "The loss was not finite on 1 of 4 seeds."
    assert found.next.config.learning_rate == pytest.approx(3e-4)


def test_a_blow_up_that_was_survived_is_no_divergence():
    blown = [[{"objective": 1e6, "train_error": error, "val_error": error}] * 3 for error in (0.0, 0.5)]

    survived, dead = (diagnose(made([epochs] * 2, DATA)) for epochs in blown)

    assert (survived.kind, dead.kind) == (HEALTHY, DIVERGED)
    assert dead.sentence.startswith("In one epoch the loss was 10^6 times that of a blind guess")


def test_the_first_thing_that_is_wrong_is_told():
    # It falls, cannot fit and has a gap: only when it no longer falls can the others be told.
    assert diagnose(run(0.6, 0.9, DOWN)).kind == TOO_EARLY
    assert diagnose(run(0.6, 0.9)).kind == CANNOT_FIT
    assert diagnose(run(0.4, 0.9)).kind == OVERFITTING


def test_wrong_labels_that_are_not_learnt_are_no_underfitting():
    y = np.arange(1200) % 2
    noisy = Dataset.from_arrays(np.arange(1200.0)[:, None], y, n_train=400, n_val=400, label_noise=0.6)
    # 30 % of the labels are wrong: who names the true ones has these errors.
    right = made([[{"train_error": 0.3, "val_error": 0.3}] * 3] * 4, noisy)

    found = diagnose(right)

    assert found.kind == HEALTHY
    assert number(found, module.UNLEARNT).value == pytest.approx(0.0, abs=0.05)
    assert diagnose(made([[{"train_error": 0.3, "val_error": 0.3}] * 3] * 4, DATA)).kind == CANNOT_FIT


def test_random_labels_learnt_by_heart_are_overfitting():
    noise = Dataset.from_arrays(
        np.arange(1200.0)[:, None], np.arange(1200) % 2, n_train=400, n_val=400, label_noise=1.0
    )

    assert diagnose(made([[{"train_error": 0.0, "val_error": 0.5}] * 3] * 4, noise)).kind == OVERFITTING
    assert diagnose(made([[{"train_error": 0.5, "val_error": 0.5}] * 3] * 4, noise)).kind == HEALTHY


def test_noise_of_few_rows_gives_way_to_a_gap_that_is_larger():
    few = rows(n_val=4)

    assert diagnose(run(0.0, 0.2, dataset=few)).kind == NOISY
    assert diagnose(run(0.0, 1.0, dataset=few)).kind == OVERFITTING


def test_more_seeds_make_few_rows_enough():
    few = rows(n_val=16)

    assert diagnose(run(0.0, 0.0, seeds=1, dataset=few)).kind == NOISY
    assert diagnose(run(0.0, 0.0, seeds=8, dataset=few)).kind == HEALTHY


def test_a_baseline_tells_too_much_regularization_from_noise_that_is_not_worth_learning():
    treated = run(0.4, [0.41, 0.42, 0.41, 0.42], dropout_hidden=0.5)
    plain_is_better, plain_is_worse = run(0.0, 0.3), run(0.0, 0.5)

    assert diagnose(treated).kind == HEALTHY
    assert diagnose(treated, plain_is_better).kind == CANNOT_FIT
    assert diagnose(treated, plain_is_worse).kind == HEALTHY
    assert diagnose(run(0.6, 0.6, dropout_hidden=0.5)).kind == CANNOT_FIT
    assert diagnose(run(0.6, 0.6, dropout_hidden=0.5), run(0.0, 0.7)).kind == HEALTHY


def test_what_the_baseline_does_is_told():
    found = diagnose(run(0.0, 0.05, dropout_hidden=0.5), run(0.0, 0.4))

    assert found.sentence == (
        "It learns, and it validates nearly as well: 0.0 % wrong on the train rows, 2.5 % on the validation "
        "rows. The baseline overfits."
    )
    same = run(0.0, 0.05)
    assert "baseline" not in diagnose(same, same).sentence


def halves(val_is_other, y_val=None):
    """Return 200 train and 200 validation rows in a split that is handed in."""
    random = np.random.default_rng(0)
    X = random.normal(size=(420, 3))
    X[200:400] += 2.0 * val_is_other
    return Dataset.from_arrays(
        X, np.arange(420) % 2, train_rows=range(200), val_rows=range(200, 400), test_rows=range(400, 420)
    )


def test_of_a_split_that_was_handed_in_it_is_told_what_can_be_told_without_training():
    other, same = (diagnose(run(0.0, 0.6, dataset=halves(is_other))) for is_other in (True, False))

    assert (other.kind, same.kind) == (DIFFERENT, OVERFITTING)
    assert number(other, module.BESIDE).value < 1e-9
    assert "random re-splits would tell" in other.doubt
    assert "random re-splits would tell" in same.doubt
    assert other.next.on_resplits
    assert other.next.config == shift.experiment(other.next.config)


def test_rows_that_can_be_told_apart_are_a_doubt_where_nothing_is_wrong():
    found = diagnose(run(0.0, 0.0, dataset=halves(True)))

    assert (found.kind, found.next.on_resplits) == (HEALTHY, True)
    assert "can be told apart: random re-splits would tell if that matters" in found.doubt


def resplit_verdict(observed):
    resplit = shift.ResplitTest(observed, tuple(np.linspace(0.5, 1.0, 39)), (0.1, 0.2))
    nothing = (
        shift.FeatureTest((0.0,), (1.0,)),
        shift.ClassifierTest(0.5, 400, 1.0),
        shift.LabelTest(0.0, 1.0),
    )
    return shift.Verdict(shift.NEITHER, resplit, *nothing)


def test_the_resplit_test_decides_where_it_was_made():
    dataset = halves(True)

    harder, as_hard = (
        diagnose(run(0.0, 0.6, dataset=dataset), split=resplit_verdict(at)) for at in (2.0, 0.7)
    )

    assert (harder.kind, as_hard.kind) == (DIFFERENT, OVERFITTING)
    assert number(harder, module.RESPLIT).value == pytest.approx(1 / 40)
    assert "it is no other distribution" in as_hard.doubt


def test_rows_that_the_lab_splits_are_of_one_distribution():
    assert "split at random, so it is no other distribution" in diagnose(run(0.0, 0.6)).doubt


def test_one_epoch_says_that_it_has_no_pace():
    found = diagnose(run(losses=[0.5]))

    assert "One epoch has no pace" in found.doubt
    assert found.next.config.epochs == 3


def test_patience_that_gave_up_is_told_from_the_epochs_after_it():
    found = diagnose(run(losses=[0.6, 0.7, 0.7, 0.7, 0.3, 0.3], patience=2))

    assert (found.kind, found.next.config.patience) == (TOO_EARLY, 6)
    assert found.sentence.startswith("Patience gave up, and epochs after that had a validation loss")
    assert diagnose(run(losses=[0.6, 0.7, 0.7, 0.7, 0.55, 0.55], patience=2)).kind == HEALTHY


def test_a_network_is_diagnosed_and_not_the_average_of_an_ensemble():
    alone = run(0.0, 0.4)
    twice = {(seed, member): each for (seed, _), each in alone.recordings.items() for member in (0, 1)}

    # Nothing but curves was recorded, so the average could not even be had.
    found = diagnose(Result(alone.config.replace(members=2), DATA, twice))

    assert found.kind == OVERFITTING


def test_a_number_to_predict_is_told_in_its_own_units():
    y = np.tile([0.0, 4.0], 600)
    dataset = Dataset.from_arrays(np.arange(1200.0)[:, None], y, task="regression", n_train=400, n_val=400)
    found = diagnose(made([[{"train_error": 0.1, "val_error": 0.5}] * 3] * 4, dataset))

    assert found.kind == OVERFITTING
    y_scale = np.mean([dataset.rows(seed).y_scale for seed in range(4)])
    assert found.sentence == (
        f"It is better on what it has seen: off by {0.1 * y_scale:.3g} on the train rows, by "
        f"{0.5 * y_scale:.3g} on the validation rows."
    )


def test_what_is_not_trained_to_the_end_is_refused():
    part = Result(Config(epochs=3, seeds=1), DATA, {(0, 0): recording([{}])})

    with pytest.raises(ConfigError, match="^result must be trained to the end for a diagnosis, got Result"):
        diagnose(part)
    with pytest.raises(ConfigError, match="^baseline must have the seeds of the result, 0 to 1, got 0 to 0$"):
        diagnose(run(seeds=2), run(seeds=1))


def test_it_is_printed_with_what_decides_it():
    assert str(diagnose(run(0.0, 0.4))) == (
        "Overfitting. It is better on what it has seen: 0.0 % wrong on the train rows, 20.0 % on the "
        "validation rows.\n"
        "  Gap between train and validation error: 40 %, bound 20 %\n"
        "Doubt: Each of 4 seeds says so by itself. The rows were split at random, so it is no other "
        "distribution.\n"
        "Next: Dropout: no unit can rely on another to learn by heart."
    )


# Built to be of each kind, on seeds that no bound was chosen on.
BUILT = {
    DIVERGED: Config(data="moons", optimizer="sgd", learning_rate=5.0, epochs=20),
    TOO_EARLY: Config(data="circles", n_train=400, n_val=400, optimizer="sgd", learning_rate=0.03, epochs=20),
    "gave up": Config(data="spirals", patience=3, epochs=200),
    CANNOT_FIT: Config(data="xor", hidden=(), optimizer="sgd", learning_rate=0.1, epochs=60),
    "few rows": Config(data="moons", n_val=10, patience=20, epochs=60, seeds=2),
    "jumps": Config(
        data="moons", hidden=(), optimizer="sgd", learning_rate=3.0, batch_size=1, n_val=400, epochs=20
    ),
    OVERFITTING: Config(data="moons", label_noise=0.2, epochs=120),
    HEALTHY: Config(data="circles", n_train=400, n_val=400, l2=1e-3, epochs=40),
    "by heart": named(lab.LESSONS, "Learns by heart").config,
    "dropout": named(lab.LESSONS, "Dropout").config,
    "too strong": named(lab.LESSONS, "L2, too strong").config,
}


@pytest.fixture(scope="module")
def trained():
    few = {name: config.replace(seed=100, seeds=min(config.seeds, 4)) for name, config in BUILT.items()}
    return submit(few).results()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (DIVERGED, DIVERGED),
        (TOO_EARLY, TOO_EARLY),
        ("gave up", TOO_EARLY),
        (CANNOT_FIT, CANNOT_FIT),
        ("few rows", NOISY),
        ("jumps", NOISY),
        (OVERFITTING, OVERFITTING),
        (HEALTHY, HEALTHY),
        ("by heart", OVERFITTING),
        ("dropout", HEALTHY),
    ],
)
def test_a_real_run_that_was_built_to_be_of_a_kind_is_told(trained, name, kind):
    assert diagnose(trained[name]).kind == kind


def test_a_penalty_that_is_too_strong_is_told_by_the_baseline(trained):
    found = diagnose(trained["too strong"], trained["by heart"])

    assert (found.kind, found.next.config.l2) == (CANNOT_FIT, 0.01)
    assert found.sentence.endswith("The baseline overfits.")


def test_images_of_another_scanner_are_told():
    (case,) = [each for each in CASES if each.name == "Covariate shift"]

    found = diagnose(train(NETWORK.replace(seed=100, seeds=2), halves_of(case, draw=100)))

    assert (found.kind, found.next.on_resplits) == (DIFFERENT, True)


def test_every_other_kind_was_trained(trained):
    assert {diagnose(each).kind for each in trained.values()} == set(KINDS) - {DIFFERENT}


def test_what_comes_next_can_be_trained(trained):
    for result in trained.values():
        found = diagnose(result).next

        check_built_in(found.config)
        assert found.config != result.config


def test_it_follows_from_the_configuration_and_its_numbers_alone():
    # Telling rows apart draws folds; made anew, nothing that was counted before is at hand.
    first, second = (diagnose(run(0.0, 0.6, dataset=halves(True))) for _ in range(2))

    assert number(first, module.BESIDE).value < 1e-9
    assert first == second
