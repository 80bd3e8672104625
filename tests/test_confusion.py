"""`regcore.confusion`: counts and worst rows of outputs written by hand."""

import math

import numpy as np
import pytest

from regcore.config import Config
from regcore.confusion import Confusion, WorstRow, confusion_matrix, worst_rows
from regcore.data import Dataset
from regcore.errors import ConfigError
from regcore.results import HISTORY_COLUMNS, Recording, Result

HALF, THREE_QUARTERS, NINE_TENTHS = 0.0, math.log(3.0), math.log(9.0)
TWO = Dataset.from_arrays(
    np.arange(16.0).reshape(8, 2),
    [0, 1, 0, 1, 0, 1, 0, 1],
    target_names=["no", "yes"],
    train_rows=[0, 1],
    val_rows=[2, 3, 4, 5],
    test_rows=[6, 7],
)


def result_of(outputs, dataset=TWO, val_loss=(1.0,), **fields):
    """Return a result: outputs[seed][member][epoch] are the logits of the validation rows."""
    recordings = {}
    for seed, members in enumerate(outputs):
        for member, epochs in enumerate(members):
            history = np.zeros((len(epochs), len(HISTORY_COLUMNS)))
            history[:, HISTORY_COLUMNS.index("val_loss")] = val_loss
            logits = np.array(epochs, dtype=np.float32).reshape(len(epochs), dataset.n_val, -1)
            kept = {"val": logits, "train": logits[:, : dataset.n_train]}
            recordings[seed, member] = Recording("", history, kept, np.arange(1, len(epochs) + 1))
    config = Config(seeds=len(outputs), members=len(outputs[0]), epochs=len(outputs[0][0]), **fields)
    return Result(config, dataset, recordings)


@pytest.fixture
def two_seeds():
    """Validation labels are 0, 1, 0, 1; the first seed is right but for the third row."""
    return result_of([[[[-1.0, 1.0, 2.0, 3.0]]], [[[1.0, 1.0, -1.0, -2.0]]]])


@pytest.fixture
def noisy():
    """Labels that were all redrawn, so that those of seed 0 differ from the true ones in some rows."""
    dataset = Dataset.from_arrays(
        np.arange(80.0).reshape(40, 2), [0, 1] * 20, n_train=10, n_val=10, label_noise=1.0
    )
    rows = dataset.rows(0)
    assert (rows.y_val != dataset.y[rows.val]).any()
    logits = np.where(dataset.y[rows.val] == 1, 1.0, -1.0)
    return result_of([[[logits]]], dataset)


def test_counts_are_means_over_seeds(two_seeds):
    assert confusion_matrix(two_seeds) == Confusion(
        labels="given", names=("no", "yes"), counts=((1.0, 1.0), (0.5, 1.5)), n_rows=4, n_seeds=2
    )


def test_train_rows_are_counted_on_demand(two_seeds):
    assert confusion_matrix(two_seeds, "train").counts == ((0.5, 0.5), (0.0, 1.0))


def test_counts_agree_with_the_error(noisy):
    counts = np.array(confusion_matrix(noisy).counts)
    rows = noisy.dataset.rows(0)

    assert counts.sum() - np.trace(counts) == np.sum(rows.y_val != noisy.dataset.y[rows.val])


def test_true_labels_leave_the_noise_out(noisy):
    confusion = confusion_matrix(noisy, labels="true")

    assert (confusion.counts[0][1], confusion.counts[1][0], confusion.labels) == (0.0, 0.0, "true")


def test_members_are_averaged_in_prediction():
    # 50 % and 75 % for class 1 are 62.5 %; the logits' signs alone would tie.
    members = [[[-THREE_QUARTERS] * 4], [[3 * NINE_TENTHS] * 4]]

    assert confusion_matrix(result_of([members])).counts == ((0.0, 2.0), (0.0, 2.0))


def test_the_restored_epoch_is_looked_at():
    epochs = [[1.0] * 4, [-1.0] * 4]

    assert confusion_matrix(result_of([[epochs]], val_loss=(1, 2), patience=5)).counts == ((0, 2), (0, 2))


def test_three_classes_are_labels_by_predictions():
    three = Dataset.from_arrays(
        np.arange(18.0).reshape(9, 2),
        [0, 1, 2] * 3,
        train_rows=[0, 1],
        val_rows=[3, 4, 5],
        test_rows=[6, 7, 8],
    )
    logits = [[0, 0, 9], [0, 9, 0], [0, 9, 0]]

    assert confusion_matrix(result_of([[[logits]]], three)).counts == ((0, 0, 1), (0, 1, 0), (0, 1, 0))


def test_a_seed_that_diverged_is_left_out(two_seeds):
    diverged = result_of([[[[math.nan] * 4]], [[[1.0, 1.0, -1.0, -2.0]]]])

    assert confusion_matrix(diverged).n_seeds == 1
    assert confusion_matrix(diverged).counts == ((1.0, 1.0), (1.0, 1.0))
    assert worst_rows(diverged, 0) == ()


def test_nothing_trained_yet_is_a_matrix_of_zeros():
    nothing = Result(Config(), TWO, {})

    assert confusion_matrix(nothing) == Confusion("given", ("no", "yes"), ((0, 0), (0, 0)), 4, 0)


def test_worst_rows_have_the_largest_loss_first():
    result = result_of([[[[-NINE_TENTHS, -THREE_QUARTERS, NINE_TENTHS, HALF]]]])

    worst = worst_rows(result, 0, n=2)

    assert worst == (
        WorstRow(4, 0, 0, 1, pytest.approx(0.9), pytest.approx(0.1), pytest.approx(math.log(10))),
        WorstRow(3, 1, 1, 0, pytest.approx(0.75), pytest.approx(0.25), pytest.approx(math.log(4))),
    )


def test_worst_rows_are_no_more_than_there_are(two_seeds):
    assert len(worst_rows(two_seeds, 0, n=99)) == 4


def test_worst_rows_tell_the_given_label_from_the_true_one(noisy):
    worst = worst_rows(noisy, 0)

    assert all(row.predicted == row.true for row in worst)
    assert worst[0].given != worst[0].true
    assert worst[0].true == noisy.dataset.y[worst[0].row]


def test_numbers_have_no_classes_to_confuse():
    numbers = Dataset.from_arrays(np.arange(16.0).reshape(8, 2), np.linspace(0, 1, 8), task="regression")

    for function in (confusion_matrix, lambda result: worst_rows(result, 0)):
        with pytest.raises(ConfigError, match="^the task must have classes, got regression$"):
            function(Result(Config(), numbers, {}))


@pytest.mark.parametrize(("split", "labels"), [("test", "given"), ("val", "clean")])
def test_the_test_rows_and_unknown_labels_are_refused(two_seeds, split, labels):
    with pytest.raises(ConfigError, match=r"^(split|labels) must be"):
        confusion_matrix(two_seeds, split, labels)
