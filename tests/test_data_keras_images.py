"""MNIST and Fashion-MNIST from the files that Keras keeps: real formats, a few rows."""

import gzip
import socket
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import builtin, download_keras_images, load_dataset
from regcore.data.keras_images import FASHION_FILES, has_keras_images, keras_files, read_keras_images
from regcore.errors import ConfigError, DataError

rng = np.random.default_rng(0)
TRAIN_IMAGES = rng.integers(0, 256, (300, 28, 28), dtype=np.uint8)
TRAIN_LABELS = (np.arange(300) % 10).astype(np.uint8)
TEST_IMAGES = rng.integers(0, 256, (50, 28, 28), dtype=np.uint8)
TEST_LABELS = (np.arange(50) % 10).astype(np.uint8)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    builtin._datasets.clear()
    builtin._tables.clear()
    return tmp_path


def write_mnist(home: Path) -> None:
    (home / "datasets").mkdir()
    np.savez(
        home / "datasets" / "mnist.npz",
        x_train=TRAIN_IMAGES,
        y_train=TRAIN_LABELS,
        x_test=TEST_IMAGES,
        y_test=TEST_LABELS,
    )


def idx(array: np.ndarray) -> bytes:
    sizes = np.array(array.shape, dtype=">i4").tobytes()
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())


def write_fashion(home: Path) -> None:
    folder = home / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    arrays = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
    for name, array in zip(FASHION_FILES, arrays, strict=True):
        (folder / name).write_bytes(idx(array))


def pretend_keras(monkeypatch, load_data) -> None:
    source = SimpleNamespace(load_data=load_data)
    datasets = SimpleNamespace(mnist=source, fashion_mnist=source)
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(datasets=datasets))


@pytest.mark.parametrize(("name", "write"), [("mnist", write_mnist), ("fashion_mnist", write_fashion)])
def test_the_files_are_read(home, name, write):
    write(home)
    images = read_keras_images(name)
    np.testing.assert_array_equal(images.train_images, TRAIN_IMAGES)
    np.testing.assert_array_equal(images.train_labels, TRAIN_LABELS)
    np.testing.assert_array_equal(images.test_images, TEST_IMAGES)
    np.testing.assert_array_equal(images.test_labels, TEST_LABELS)


@pytest.mark.parametrize(("name", "write"), [("mnist", write_mnist), ("fashion_mnist", write_fashion)])
def test_the_data_set_trains_on_train_images_and_tests_on_test_images(home, name, write):
    write(home)
    dataset = load_dataset(Config(data=name, n_train=100, n_val=50))
    rows = dataset.rows(0)
    trained = {image.tobytes() for image in dataset.X[rows.train]}
    assert trained <= {image.astype(float).tobytes() for image in TRAIN_IMAGES}
    assert sorted(image.tobytes() for image in dataset.X[rows.test]) == sorted(
        image.astype(float).tobytes() for image in TEST_IMAGES
    )
    assert np.bincount(rows.y_train).tolist() == [10] * 10


def test_images_are_scaled_by_255(home):
    write_mnist(home)
    dataset = load_dataset(Config(data="mnist", n_train=100, n_val=50))
    assert dataset.image_shape == (28, 28)
    assert set(dataset.rows(0).scale.tolist()) == {255.0}


def test_labels_stay_with_their_images(home):
    write_fashion(home)
    dataset = load_dataset(Config(data="fashion_mnist", n_train=100, n_val=50))
    label_of = {
        image.astype(float).tobytes(): int(label)
        for image, label in zip(TRAIN_IMAGES, TRAIN_LABELS, strict=True)
    }
    rows = dataset.rows(0)
    assert [label_of[image.tobytes()] for image in dataset.X[rows.train]] == rows.y_train.tolist()


def test_a_missing_mnist_says_which_file_to_put_where(home):
    with pytest.raises(DataError) as caught:
        load_dataset(Config(data="mnist"))
    assert str(caught.value) == (
        "mnist is not on this machine and must be downloaded once: "
        "get https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz "
        f"and put it into {home / 'datasets'}"
    )


def test_a_missing_fashion_mnist_says_which_files_to_put_where(home):
    write_fashion(home)
    missing = keras_files("fashion_mnist")[2]
    missing.unlink()
    with pytest.raises(DataError) as caught:
        load_dataset(Config(data="fashion_mnist"))
    assert f"/{missing.name} and put it into {missing.parent} (all four files: " in str(caught.value)


@pytest.mark.parametrize("damage", [b"", b"half a file"])
@pytest.mark.parametrize(("name", "write"), [("mnist", write_mnist), ("fashion_mnist", write_fashion)])
def test_a_damaged_file_is_named(home, name, write, damage):
    write(home)
    keras_files(name)[0].write_bytes(damage)
    with pytest.raises(DataError, match=f"^the files of {name} in .* must be complete, .*: delete them"):
        read_keras_images(name)


def test_a_truncated_archive_is_named(home):
    write_fashion(home)
    path = keras_files("fashion_mnist")[0]
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match="must be complete"):
        read_keras_images("fashion_mnist")


def test_pickles_in_an_archive_are_not_opened(home):
    write_mnist(home)
    np.savez(keras_files("mnist")[0], x_train=np.array([{}], dtype=object), y_train=1, x_test=1, y_test=1)
    with pytest.raises(DataError, match="must be complete"):
        read_keras_images("mnist")


def test_labels_outside_the_ten_classes_are_refused(home):
    write_fashion(home)
    keras_files("fashion_mnist")[1].write_bytes(idx(TRAIN_LABELS + 1))
    with pytest.raises(DataError, match="labels outside 0..9"):
        read_keras_images("fashion_mnist")


def test_the_folder_is_in_the_home_directory_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert keras_files("mnist") == (tmp_path / ".keras" / "datasets" / "mnist.npz",)


def test_nothing_is_downloaded_where_the_files_are(home, monkeypatch):
    write_mnist(home)
    pretend_keras(monkeypatch, lambda: pytest.fail("asked Keras"))
    download_keras_images("mnist")


def test_keras_is_asked_to_download(home, monkeypatch):
    pretend_keras(monkeypatch, lambda: write_fashion(home))
    download_keras_images("fashion_mnist")
    assert len(read_keras_images("fashion_mnist").train_images) == 300


def test_a_failed_download_says_which_file_to_put_where(home, monkeypatch):
    def fail() -> None:
        raise Exception("URL fetch failure")

    pretend_keras(monkeypatch, fail)
    with pytest.raises(DataError, match="^mnist is not on this machine .* and put it into"):
        download_keras_images("mnist")


def test_an_archive_that_is_too_small_is_refused(home):
    write_mnist(home)
    with pytest.raises(DataError, match="^the files of mnist must hold at least 400 train images, got 300"):
        load_dataset(Config(data="mnist", n_train=300, n_val=100))


def test_more_than_60000_train_images_are_refused():
    with pytest.raises(ConfigError, match="n_train \\+ n_val must be at most 60000 on mnist"):
        load_dataset(Config(data="mnist", n_train=60_000, n_val=1))


@pytest.mark.parametrize("error", [None, Exception("the network is down")])
def test_a_network_that_says_nothing_is_given_up(home, monkeypatch, error):
    seen = []

    def load_data():
        seen.append(socket.getdefaulttimeout())
        if error:
            raise error

    pretend_keras(monkeypatch, load_data)
    with pytest.raises(DataError) if error else nullcontext():
        download_keras_images("mnist")
    assert seen == [15.0]
    assert socket.getdefaulttimeout() is None


def test_what_is_on_this_machine_is_known(home):
    assert not has_keras_images("mnist")
    write_mnist(home)
    assert has_keras_images("mnist") and not has_keras_images("fashion_mnist")
