"""What curves say of a fit: arithmetic on recordings made by hand, of which every number is known."""

import math

import numpy as np
import pytest

from regcore import readings
from regcore.config import Config
from regcore.data import Dataset
from tests.opened_runs import data, result

LN2 = math.log(2)


def of(*epochs, dataset=None, **fields):
    """Return what is read of a run of one seed with these epochs."""
    return readings.read(result([list(epochs)], dataset, **fields))


def curve(*losses):
    return [{"val_loss": loss} for loss in losses]


def test_two_classes_are_learnt_from_one_half_of_the_rows_wrong_and_ln_2():
    run = result([curve(1.0)])

    assert readings.errors_to_learn(run).blind == pytest.approx([0.5])
    assert readings.losses_to_learn(run).blind == pytest.approx([LN2])
    assert readings.errors_to_learn(run).unit == pytest.approx([0.5])


def test_of_the_same_rows_there_is_the_same_to_learn_and_of_other_seeds_something_else():
    def drawn(label_noise=0.5):
        return Dataset.from_arrays(
            np.arange(60.0)[:, None], [0, 0, 1] * 20, n_train=20, n_val=5, label_noise=label_noise
        )

    def gaps(dataset, n_seeds):
        return readings.read(result([[{"val_error": 0.75}]] * n_seeds, dataset)).gap.tolist()

    shared = drawn()
    assert [gaps(shared, n_seeds) for n_seeds in (1, 4, 1)] == [
        gaps(drawn(), n_seeds) for n_seeds in (1, 4, 1)
    ]
    assert len(set(gaps(shared, 4))) > 1
    assert gaps(drawn(0.0), 4) != gaps(shared, 4)


def test_wrong_labels_leave_less_to_learn_but_never_less_than_half():
    some, all_wrong = (result([curve(1.0)], data(label_noise=noise)) for noise in (0.4, 1.0))

    blind = readings.errors_to_learn(some).blind
    assert readings.errors_to_learn(some).unit == pytest.approx(blind - 0.2)
    assert readings.errors_to_learn(all_wrong).unit == pytest.approx(
        readings.errors_to_learn(all_wrong).blind / 2
    )


def test_a_number_is_learnt_from_its_distance_to_the_median_and_its_variance():
    run = result([curve(1.0)], data(task="regression", y=np.arange(50) % 2 * 4.0))

    assert readings.errors_to_learn(run).blind == pytest.approx([1.0])
    assert readings.losses_to_learn(run).blind == pytest.approx([1.0])


def test_one_class_alone_leaves_nothing_to_learn():
    dataset = Dataset.from_arrays(
        np.arange(8.0)[:, None], [0, 0, 0, 0, 0, 1, 0, 1],
        train_rows=range(4), val_rows=[4, 5], test_rows=[6, 7],
    )  # fmt: skip

    assert of({"val_error": 0.5, "train_error": 0.0}, dataset=dataset).gap == pytest.approx([0.5])


def test_gap_and_what_is_left_are_parts_of_what_there_is_to_learn():
    found = of({"train_error": 0.1, "val_error": 0.3})

    assert (found.unlearnt[0], found.gap[0]) == pytest.approx((0.2, 0.4))
    assert (found.train_error[0], found.val_error[0]) == pytest.approx((0.1, 0.3))


def test_errors_of_numbers_are_told_in_their_own_units():
    found = of({"train_error": 0.5, "val_error": 1.0}, dataset=data(task="regression"))

    y_scale = (np.arange(20) ** 2.0).std()
    assert (found.train_error[0], found.val_error[0]) == pytest.approx((0.5 * y_scale, y_scale))


def test_members_are_read_one_by_one_and_averaged():
    run = result([[{"train_error": 0.0, "val_error": 0.2}]])
    other = result([[{"train_error": 0.0, "val_error": 0.4}]])
    both = {(0, 0): run.recordings[0, 0], (0, 1): other.recordings[0, 0]}

    ensemble = type(run)(run.config.replace(members=2), run.dataset, both)

    assert readings.read(ensemble).gap == pytest.approx([0.6])


def test_what_is_read_is_the_epoch_that_is_kept():
    epochs = [{"val_loss": 0.2, "val_error": 0.1, "train_error": 0.1}, {"val_loss": 0.9, "val_error": 0.4}]

    assert of(*epochs, patience=5).gap == pytest.approx([0.0])
    assert of(*epochs).gap == pytest.approx([-0.2])


def test_the_rise_is_that_since_the_lowest_loss():
    assert of(*curve(0.6, 0.4, 0.5)).rise == pytest.approx([0.1 / LN2])
    assert of(*curve(0.6, 0.5, 0.4)).rise == pytest.approx([0.0])


def test_one_epoch_is_the_lowest_of_all_networks():
    # Each has a lowest loss of its own, 0.3 and 0.3; together they are lowest at the second epoch.
    run = result([curve(0.3, 0.4, 0.8), curve(0.9, 0.4, 0.3)])

    assert readings.read(run).rise * LN2 == pytest.approx([0.4, -0.1])


def test_the_next_doubling_is_thought_to_gain_what_the_last_one_did():
    assert of(*curve(0.9, 0.7)).gain == pytest.approx([0.2 / LN2])
    # Parts of 2 of 10 epochs, around 7.5 and 9.5.
    falling = curve(*[1.0] * 6, 0.9, 0.9, 0.8, 0.8)
    assert of(*falling).gain == pytest.approx([0.1 / math.log2(9.5 / 7.5) / LN2])


def test_one_epoch_has_no_pace():
    assert math.isnan(of(*curve(0.9)).gain[0])


def test_where_patience_fired_it_is_known_what_more_epochs_gained():
    # It waits for two epochs, stops after the third, and keeps the first.
    found = of(*curve(0.6, 0.7, 0.7, 0.7, 0.2), patience=2)

    assert found.gain == pytest.approx([0.4 / LN2])
    assert found.rise == pytest.approx([0.0])


def test_jumps_are_told_from_a_trend():
    up_and_down = of(*curve(*[0.4, 0.6] * 10))
    falling = of(*curve(*np.linspace(1.0, 0.1, 20)))

    # Second differences of 0.4 each.
    assert up_and_down.jumps == pytest.approx([math.sqrt(0.4**2 / 6) / LN2])
    assert falling.jumps == pytest.approx([0.0], abs=1e-12)
    assert of(*curve(0.5, 0.9)).jumps == pytest.approx([0.0])


def test_jumps_of_a_known_size_are_found():
    noisy = 0.5 + np.random.default_rng(0).normal(0.0, 0.1, 4000)

    assert of(*curve(*noisy)).jumps * LN2 == pytest.approx([0.1], rel=0.05)


def test_few_rows_without_a_mistake_prove_little():
    # Two of each kind more: 2 of 14 wrong.
    found = of({"val_error": 0.0})

    assert found.row_noise * 0.5 == pytest.approx([math.sqrt(2 / 14 * 12 / 14 / 14)])


def test_the_noise_of_absolute_errors_is_their_spread():
    found = of(
        {"val_error": 0.6, "val_loss": 1.0}, dataset=data(task="regression", y=np.arange(50) % 2 * 4.0)
    )

    assert found.row_noise == pytest.approx([math.sqrt((1.0 - 0.36) / 10)])


def test_a_blow_up_is_seen_in_the_objective_but_for_a_penalty():
    epochs = [{"objective": 1000 * LN2, "train_loss": 10 * LN2}, {}]

    assert of(*epochs).blow_up == pytest.approx([3.0])
    assert of(*epochs, l2=0.1).blow_up == pytest.approx([1.0])
    assert of({"objective": math.inf}).blow_up == pytest.approx([12.0])


def test_a_loss_that_is_not_finite_is_noted():
    run = result([curve(0.5, 0.5), curve(0.5, math.nan)])

    assert readings.read(run).lost.tolist() == [0.0, 1.0]


def test_nothing_is_read_of_the_test():
    seen = [readings.read(result([[{"test_error": test, "test_loss": test}]], None)) for test in (0.1, 0.9)]

    assert all(np.array_equal(*each, equal_nan=True) for each in zip(*seen, strict=True))


def test_two_runs_of_the_same_curves_are_read_alike_whatever_their_config():
    assert of(*curve(0.5, 0.4)).gain == of(*curve(0.5, 0.4), learning_rate=Config().learning_rate / 2).gain


def test_a_result_is_read_once_and_another_stop_anew():
    run = result([[{"val_error": 0.5}, {"val_error": 0.25}]])
    assert readings.read(run) is readings.read(run)
    assert readings.read(run.with_stopping(patience=1)) is not readings.read(run)
