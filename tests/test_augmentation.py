"""`regcore.augmentation`: what is shown of a training is what the engine trains on, for each operation."""

import numpy as np
import pytest
from scipy import ndimage

from regcore import augmentation
from regcore.augmentation import RowDraws, augmented, covered, seen, transformed, validate_augmented
from regcore.config import Config
from regcore.data import Dataset, load_dataset
from regcore.engine import streams
from regcore.engine.advance import _Training, start, total_steps
from regcore.engine.replicate import replicates_of
from regcore.engine.shard import Shard
from regcore.errors import ConfigError
from regcore.execution import train

DIGITS = Config(
    data="digits", n_train=70, n_val=40, hidden=(4,), batch_size=16, epochs=15, seeds=2, members=2,
    label_noise=0.3,
)  # fmt: skip
OPERATIONS = {
    "jitter": {"jitter": 0.3},
    "mixup": {"mixup": 0.7},
    "shift": {"shift": 2},
    "rotate": {"rotate": 180.0},
    "zoom": {"zoom": 0.9},
    "flip": {"flip": True},
    "cutout": {"cutout": 4},
    "all": {"jitter": 0.1, "mixup": 1.0, "shift": 1, "rotate": 30.0, "zoom": 0.3, "flip": True, "cutout": 3},
    "all of a bootstrap": {"mixup": 1.0, "shift": 1, "bootstrap": True},
}


def trained_on(config, dataset, seed, member):
    """Return the inputs and one-hot targets of every epoch as the engine computes them, in the order of
    places: [epochs, n_train, features] and [epochs, n_train, classes]."""
    replicates = replicates_of(config, dataset)
    # All networks together, so that each is found among others.
    shard = Shard(tuple(replicates.values()))
    training = _Training(shard, dataset, "float32")
    network = training.program
    network.load(start(shard, dataset))
    batches = training.source.batches(0, total_steps(shard, dataset))
    inputs, targets = network.inputs(training.data, batches.rows), network._targets(batches.y)
    x, y = network._augment(training.data, training.knobs, batches, inputs, targets)
    r = list(replicates).index((seed, member))
    n_steps = -(-dataset.n_train // config.batch_size)

    def by_place(values):
        of_epochs = np.asarray(values)[:, r].reshape(config.epochs, n_steps * config.batch_size, -1)
        network = replicates[seed, member]
        orders = [streams.order(network, epoch, dataset.n_train) for epoch in range(config.epochs)]
        return np.stack([of[np.argsort(order)] for of, order in zip(of_epochs, orders, strict=True)])

    return by_place(x), by_place(y)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_shown_is_what_the_engine_trains_on(operation):
    config = DIGITS.replace(**OPERATIONS[operation])
    dataset = load_dataset(config)
    epochs = range(1, config.epochs + 1)

    shown = seen(config, dataset, 1, range(dataset.n_train), epochs, member=1)
    x, y = trained_on(config, dataset, 1, 1)

    np.testing.assert_allclose(shown.shown.transpose(1, 0, 2), x, atol=1e-5)
    one_hot = np.eye(dataset.n_classes)
    targets = shown.share[..., None] * one_hot[shown.labels][:, None]
    targets += (1 - shown.share[..., None]) * one_hot[shown.mixed_with]
    np.testing.assert_allclose(targets.transpose(1, 0, 2), y, atol=1e-6)


def test_rows_of_a_table_are_jittered_and_blended_as_in_the_engine():
    config = Config(data="wine", hidden=(4,), batch_size=7, epochs=3, seeds=1, jitter=0.5, mixup=1.0)
    dataset = load_dataset(config)
    shown = seen(config, dataset, 0, range(dataset.n_train), range(1, 4))
    x, _ = trained_on(config, dataset, 0, 0)
    np.testing.assert_allclose(shown.shown.transpose(1, 0, 2), x, atol=1e-5)


def test_without_augmentation_rows_are_shown_as_they_are():
    dataset = load_dataset(DIGITS)
    shown = seen(DIGITS, dataset, 0, [3, 5], [1, 2])
    np.testing.assert_array_equal(shown.rows, dataset.rows(0).train[[3, 5]])
    np.testing.assert_array_equal(shown.labels, dataset.rows(0).y_train[[3, 5]])
    np.testing.assert_array_equal(shown.shown, np.stack([shown.original] * 2, axis=1))
    np.testing.assert_array_equal(shown.share, np.ones((2, 2)))


def test_a_turned_image_is_that_of_scipy():
    image = np.random.default_rng(0).random((9, 9))
    angle = np.deg2rad(25.0)
    c, s = np.cos(angle), np.sin(angle)
    centre = np.array([4.0, 4.0])
    matrix = np.array([[c, s], [-s, c]])
    expected = ndimage.affine_transform(
        image, matrix, centre - matrix @ centre, order=1, mode="grid-constant"
    )
    # scipy has (row, column), the transform x = column first.
    (down, across) = centre - matrix @ centre
    t = np.array([[matrix[1, 1], matrix[1, 0], across, matrix[0, 1], matrix[0, 0], down, 0, 0]])

    np.testing.assert_allclose(transformed(image[None], t)[0], expected, atol=1e-12)


def test_half_a_turn_and_a_mirror_are_those_of_numpy():
    image = np.arange(12.0).reshape(3, 4)
    half_a_turn = np.array([[-1.0, 0, 3, 0, -1, 2, 0, 0]])
    mirror = np.array([[-1.0, 0, 3, 0, 1, 0, 0, 0]])
    np.testing.assert_array_equal(transformed(image[None], half_a_turn)[0], np.rot90(image, 2))
    np.testing.assert_array_equal(transformed(image[None], mirror)[0], image[:, ::-1])


def test_a_move_lets_zeros_in_and_half_a_pixel_is_a_mean():
    image = np.array([[1.0, 2.0, 4.0]])
    right = np.array([[1.0, 0, -1, 0, 1, 0, 0, 0]])
    half = np.array([[1.0, 0, 0.5, 0, 1, 0, 0, 0]])
    assert transformed(image[None], right).tolist() == [[[0.0, 1.0, 2.0]]]
    assert transformed(image[None], half).tolist() == [[[1.5, 3.0, 2.0]]]


def test_a_square_may_begin_outside_of_the_image():
    expected = [[True, True, False], [False, False, False]]
    assert covered(np.array([[-1, 0]]), 2, (2, 3)).tolist() == [expected]


def test_jitter_comes_after_cutout():
    dataset = Dataset.from_arrays(np.ones((9, 4)), [0, 1] * 4 + [0], image_shape=(2, 2), n_train=4, n_val=2)
    drawn = RowDraws(jitter=np.full((1, 4), 2.0), geometry=None, cutout=np.array([[0, 0]]))
    found = augmented(np.ones((1, 4)), drawn, Config(jitter=0.5, cutout=1), dataset)
    assert found.tolist() == [[1.0, 2.0, 2.0, 2.0]]


def test_operations_are_those_that_the_data_can_have():
    assert augmentation.operations(load_dataset(Config(data="wine"))) == ("jitter", "mixup")
    assert augmentation.operations(load_dataset(DIGITS)) == (
        "jitter", "mixup", "shift", "rotate", "zoom", "flip", "cutout",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "arguments", "sentence"),
    [
        (
            {},
            (7, [0], [1]),
            r"\(seed, member\) must be one of .* 2 seeds from 0 .* got \(7, 0\)",
        ),
        ({}, (0, [70], [1]), r"places must be from 0 to 69, at least one, got \[70\]"),
        ({}, (0, [0], [16]), r"epochs must be from 1 to 15, at least one, got \[16\]"),
        ({}, (0, [0], []), r"epochs must be from 1 to 15, at least one, got \[\]"),
        ({"cutout": 9}, (0, [0], [1]), "cutout must be less than 8 pixels"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(changes, arguments, sentence):
    with pytest.raises(ConfigError, match=sentence):
        seen(DIGITS.replace(**changes), load_dataset(DIGITS), *arguments)


@pytest.fixture(scope="module")
def moved():
    return train(DIGITS.replace(shift=2, members=1, epochs=40))


def test_clean_validation_is_what_the_engine_measured(moved):
    found = validate_augmented(moved, n_draws=3)
    assert found.clean.tolist() == pytest.approx(moved.metrics("val")["error"].tolist())
    assert found.augmented.shape == (2, 3)


def test_augmented_validation_differs_from_draw_to_draw_and_repeats(moved):
    found = validate_augmented(moved, n_draws=6)
    assert (np.ptp(found.augmented, axis=1) > 0).all()
    np.testing.assert_array_equal(found.augmented, validate_augmented(moved, n_draws=6).augmented)


def test_mixup_alone_leaves_nothing_to_validate(moved):
    result = type(moved)(moved.config.replace(shift=0, mixup=1.0), moved.dataset, moved.recordings)
    with pytest.raises(ConfigError, match="config must augment single rows"):
        validate_augmented(result)
