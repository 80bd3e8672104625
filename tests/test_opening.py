"""What an opened test says: known answers, read off recordings made by hand."""

import math

import numpy as np
import pytest

from regcore import opening
from regcore.config import Config
from regcore.errors import ConfigError, RegcoreError
from regcore.opening import FLATTERED, HARSH, NOT_ALIKE, open_test, run_key
from regcore.results import Recording, Result
from regcore.statistics import ONE_SEED, TOO_FEW_SEEDS, WITHIN_NOISE
from tests.opened_runs import N_TEST, N_VAL, data, errors, recording, result


def of(opened, metric="error", run=-1):
    return opened.runs[run].of(metric)


# --- flattery ----------------------------------------------------------------------------------------------


def test_flattery_is_test_minus_val_with_its_paired_interval():
    found = of(open_test({"run": errors([0.1, 0.2, 0.3], [0.3, 0.3, 0.45])}))

    assert (found.val, found.test, found.test_alike) == pytest.approx((0.2, 0.35, 0.35))
    # Differences .2, .1, .15: mean .15, sd .05; t with two degrees of freedom is 4.302653.
    assert found.difference.mean == pytest.approx(0.15)
    assert found.difference.low == pytest.approx(0.15 - 4.302653 * 0.05 / 3**0.5, abs=1e-7)
    assert found.difference.high == pytest.approx(0.15 + 4.302653 * 0.05 / 3**0.5, abs=1e-7)
    assert found.verdict == FLATTERED


def test_a_test_score_that_is_better_says_that_validation_was_harsh():
    assert of(open_test({"run": errors([0.4, 0.5, 0.4], [0.1, 0.1, 0.05])})).verdict == HARSH


def test_flattery_that_the_seeds_cannot_tell_is_noise():
    assert of(open_test({"run": errors([0.1, 0.3], [0.3, 0.15])})).verdict == WITHIN_NOISE


def test_one_seed_has_a_difference_and_no_interval():
    found = of(open_test({"run": errors([0.1], [0.3])}))

    assert found.difference.mean == pytest.approx(0.2)
    assert math.isnan(found.difference.low) and math.isnan(found.difference.high)
    assert found.verdict == ONE_SEED


def test_the_same_difference_on_few_seeds_is_no_verdict():
    assert of(open_test({"run": errors([0.1, 0.2], [0.2, 0.3])})).verdict == TOO_FEW_SEEDS


def test_a_diverged_seed_leaves_no_verdict_and_no_mean():
    found = of(open_test({"run": errors([0.1, math.nan], [0.2, math.nan])}))

    assert math.isnan(found.val) and math.isnan(found.test)
    assert found.verdict == "no verdict: 1 of 2 seeds diverged"


def test_each_metric_of_the_task_is_opened():
    (run,) = open_test({"run": errors([0.1, 0.2], [0.3, 0.3])}).runs

    assert [each.metric for each in run.flattery] == ["loss", "error", "brier"]
    assert (run.name, run.data, run.n_test, run.label_noise) == ("run", "your data", N_TEST, 0.0)


def test_a_regression_is_opened_in_the_units_of_y():
    numbers = data(task="regression")
    scale = numbers.rows(0).y_scale
    seeds = [[{"val_error": 0.1, "test_error": 0.2, "val_loss": 0.04, "test_loss": 0.09}]] * 2
    opened = open_test({"run": result(seeds, numbers)})

    assert [each.metric for each in opened.runs[0].flattery] == ["loss", "mae", "rmse"]
    assert (of(opened, "mae").val, of(opened, "mae").test) == pytest.approx((0.1 * scale, 0.2 * scale))
    assert of(opened, "rmse").difference.mean == pytest.approx(0.1 * scale)


def test_the_epoch_that_patience_keeps_is_the_one_that_is_opened():
    epochs = [{"val_loss": loss, "test_error": error} for loss, error in ((3, 0.3), (1, 0.1), (2, 0.2))]
    run = result([epochs, epochs])

    assert of(open_test({"run": run})).test == pytest.approx(0.2)
    assert of(open_test({"run": run.with_stopping(patience=1)})).test == pytest.approx(0.1)


def test_members_are_averaged_before_they_are_scored():
    def member(sign):
        outputs = {
            split: np.full((1, n, 1), sign, np.float32) for split, n in (("val", N_VAL), ("test", N_TEST))
        }
        return Recording("key", np.ones((1, 12)), outputs, np.array([1]))

    # Class 1 with logit 3 and class 0 with logit 1: together class 1, which every other row is.
    run = Result(Config(seeds=1, epochs=1, members=2), data(), {(0, 0): member(3.0), (0, 1): member(-1.0)})

    found = of(open_test({"run": run}))
    assert (found.val, found.test) == (0.5, 0.5)


# --- label noise -------------------------------------------------------------------------------------------


def test_error_under_noise_is_that_of_guessing_on_redrawn_labels():
    assert opening.error_under_noise(0.1, 0.3, 10) == pytest.approx(0.7 * 0.1 + 0.3 * 0.9)
    assert opening.error_under_noise(0.1, 0.0, 10) == 0.1
    assert opening.error_under_noise(0.1, 1.0, 2) == 0.5


def test_error_under_noise_is_what_redrawn_labels_show_on_average():
    random = np.random.default_rng(0)
    labels = random.integers(3, size=200_000)
    predicted = np.where(random.random(len(labels)) < 0.2, (labels + 1) % 3, labels)
    redrawn = np.where(random.random(len(labels)) < 0.4, random.integers(3, size=len(labels)), labels)

    clean, noisy = np.mean(predicted != labels), np.mean(predicted != redrawn)
    assert noisy == pytest.approx(opening.error_under_noise(clean, 0.4, 3), abs=0.005)


def test_noise_of_validation_labels_is_no_flattery():
    # 40 % of the labels redrawn over two classes: a test error of .1 would be .6 * .1 + .4 * .5 = .26.
    opened = open_test({"run": errors([0.2, 0.3, 0.3, 0.2, 0.3], [0.1] * 5, data(label_noise=0.4))})
    found = of(opened)

    assert (found.test, found.test_alike) == pytest.approx((0.1, 0.26))
    assert found.difference.mean == pytest.approx(0.0)
    assert found.verdict == WITHIN_NOISE
    assert opened.runs[0].guessing_error == 0.5


def test_noise_is_counted_in_whole_validation_rows():
    # 4 % of ten rows is none.
    (run,) = open_test({"run": errors([0.1, 0.2], [0.1, 0.3], data(label_noise=0.04))}).runs

    assert run.label_noise == 0.0


def test_of_noisy_labels_only_the_error_can_be_told():
    opened = open_test({"run": errors([0.2, 0.3], [0.1, 0.1], data(label_noise=0.4))})

    for metric in ("loss", "brier"):
        found = of(opened, metric)
        assert (found.difference, found.verdict) == (None, NOT_ALIKE)
        assert math.isnan(found.test_alike)
        assert math.isfinite(found.test)


# --- runs --------------------------------------------------------------------------------------------------


def test_the_last_run_is_held_against_the_first_on_the_test():
    baseline, run = errors([0.1] * 3, [0.4, 0.5, 0.4]), errors([0.1] * 3, [0.1, 0.1, 0.05], l2=0.1)
    opened = open_test({"baseline": baseline, "this run": run})

    assert [each.name for each in opened.runs] == ["baseline", "this run"]
    assert opened.difference.mean == pytest.approx(-0.35)
    assert (opened.difference.wins, opened.difference.verdict) == (3, "better")


def test_one_run_alone_is_held_against_nothing():
    assert open_test({"baseline": errors([0.1], [0.2])}).difference is None


def test_an_unfinished_run_is_refused():
    unfinished = errors([0.1, 0.2], [0.2, 0.3], epochs=5)

    with pytest.raises(ConfigError, match="must be trained to the end .* for 'this run'"):
        open_test({"baseline": errors([0.1, 0.2], [0.2, 0.3]), "this run": unfinished})


def test_no_run_and_runs_of_other_seeds_are_refused():
    with pytest.raises(ConfigError, match="at least one result"):
        open_test({})
    with pytest.raises(ConfigError, match="share their seeds"):
        open_test({"a": errors([0.1], [0.2]), "b": errors([0.1, 0.1], [0.2, 0.2])})


def test_an_ensemble_whose_outputs_were_not_kept_says_so():
    run = Result(
        Config(seeds=1, epochs=1, members=2),
        data(),
        {(0, member): recording([{"val_error": 0.1}]) for member in range(2)},
    )

    with pytest.raises(RegcoreError, match="was not recorded"):
        open_test({"run": run})


# --- keys --------------------------------------------------------------------------------------------------


def keys(run):
    (opened,) = open_test({"run": run}).runs
    return opened.key, opened.trainings_key, opened.test_rows_key


def test_equal_runs_have_equal_keys():
    one, other = errors([0.1], [0.2], l2=0.1), errors([0.1], [0.2], l2=0.1)

    assert keys(one) == keys(other)
    assert keys(one)[0] == run_key(other)


def test_another_patience_is_another_run_of_the_same_trainings():
    run = errors([0.1], [0.2])
    key, trainings, rows = keys(run)
    other_key, other_trainings, other_rows = keys(run.with_stopping(patience=3, min_delta=0.1))

    assert other_key != key
    assert (other_trainings, other_rows) == (trainings, rows)


def test_another_configuration_is_another_training_on_the_same_test_rows():
    key, trainings, rows = keys(errors([0.1], [0.2]))
    other_key, other_trainings, other_rows = keys(errors([0.1], [0.2], l2=0.1))

    assert other_key != key and other_trainings != trainings
    assert other_rows == rows


def test_label_noise_leaves_the_test_rows_as_they_are():
    key, _, rows = keys(errors([0.1], [0.2]))
    other_key, _, other_rows = keys(errors([0.1], [0.2], data(label_noise=0.4)))

    assert other_key != key
    assert other_rows == rows


@pytest.mark.parametrize("other", [data(offset=1.0), data(y=np.arange(50) // 2 % 2)])
def test_other_test_rows_have_another_key(other):
    assert keys(errors([0.1], [0.2], other))[2] != keys(errors([0.1], [0.2]))[2]
