"""`thumbnail`: one small SVG a data set."""

import re
from xml.etree import ElementTree

import pytest

from regcore.config import DATASETS
from regcore.data import DATASET_INFO
from regcore.errors import ConfigError
from regcore.figures import thumbnail
from regcore.figures._style import CLASS_COLOURS
from regcore.figures._thumbnail import HEIGHT, N_POINTS, WIDTH

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def no_files(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))


def paths(name):
    return ElementTree.fromstring(thumbnail(name)).findall(f"{SVG}path")


def starts(path):
    """Return where the strokes of a path begin."""
    return [(float(x), float(y)) for x, y in re.findall(r"M([-\d.]+) ([-\d.]+)", path.get("d"))]


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_has_a_small_picture_with_a_title(name):
    svg = thumbnail(name)

    root = ElementTree.fromstring(svg)
    assert (root.tag, root.get("viewBox")) == (f"{SVG}svg", "0 0 96 64")
    assert root.find(f"{SVG}title").text == f"{DATASET_INFO[name].title}: {DATASET_INFO[name].description}"
    assert root.findall(f"{SVG}path")
    assert len(svg) < 6_000


@pytest.mark.parametrize("name", [name for name in DATASETS if name not in ("mnist", "fashion_mnist")])
def test_everything_drawn_is_inside(name):
    places = [place for path in paths(name) for place in starts(path)]

    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)


@pytest.mark.parametrize(("name", "n_classes"), [("moons", 2), ("blobs", 4), ("wine", 3)])
def test_each_class_has_its_colour(name, n_classes):
    drawn = paths(name)

    assert [path.get("stroke") for path in drawn] == list(CLASS_COLOURS[:n_classes])
    assert sum(len(starts(path)) for path in drawn) == N_POINTS


def test_blobs_stand_in_their_corners():
    upper_right, upper_left, lower_left, lower_right = (starts(path) for path in paths("blobs"))

    assert all(x > WIDTH / 2 and y < HEIGHT / 2 for x, y in upper_right)
    assert all(x < WIDTH / 2 and y < HEIGHT / 2 for x, y in upper_left)
    assert all(x < WIDTH / 2 and y > HEIGHT / 2 for x, y in lower_left)
    assert all(x > WIDTH / 2 and y > HEIGHT / 2 for x, y in lower_right)


def test_a_picture_is_made_once():
    assert thumbnail("moons") is thumbnail("moons")


def test_a_data_set_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="^name must be one of moons, .*, got 'cifar'$"):
        thumbnail("cifar")
