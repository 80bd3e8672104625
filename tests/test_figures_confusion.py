"""`plot_confusion` and `plot_worst`: counts and images as they are drawn."""

import math

import numpy as np
import pytest

from regcore.confusion import Confusion, WorstRow
from regcore.data import Dataset
from regcore.errors import ConfigError
from regcore.figures import BASELINE, THIS_RUN, most_mistakes, plot_confusion, plot_worst
from regcore.figures._confusion import ConfusionInfo
from regcore.figures._confusion import _info as confusion_info
from regcore.figures._style import COLOURS
from regcore.figures._worst import Tile, WorstInfo
from regcore.figures._worst import _info as worst_info

FEW = Confusion("given", ("cat", "dog"), ((8.5, 1.5), (0.0, 10.0)), 20, 2)
MANY = Confusion("given", ("cat", "dog"), ((5.0, 5.0), (4.0, 6.0)), 20, 2)
IMAGES = Dataset.from_arrays(
    np.arange(16.0).reshape(4, 2, 2) % 5, [0, 1, 0, 1], train_rows=[0, 1], val_rows=[2], test_rows=[3]
)
RIGHT = WorstRow(2, 0, 0, 1, 0.9, 0.1, 2.302585)
NOISY = WorstRow(1, 0, 1, 1, 0.75, 0.25, 1.386294)


def without_nan(z):
    return [[None if math.isnan(value) else value for value in row] for row in z]


def test_info_has_the_counts_and_the_largest_mistake_of_all_runs():
    assert confusion_info({BASELINE: MANY, THIS_RUN: FEW}, THIS_RUN) == ConfusionInfo(
        title=THIS_RUN, colour=COLOURS[1], confusion=FEW, top=5.0
    )


def test_a_run_alone_is_drawn_as_beside_others_by_their_largest_mistake():
    beside = plot_confusion({BASELINE: MANY, THIS_RUN: FEW}, THIS_RUN)
    top = most_mistakes([MANY, FEW])

    assert top == 5.0
    assert plot_confusion({BASELINE: FEW, THIS_RUN: FEW}, THIS_RUN, top=top) == beside


def test_mistakes_are_coloured_and_the_diagonal_is_grey():
    mistakes, right, numbers = plot_confusion({BASELINE: MANY, THIS_RUN: FEW}, THIS_RUN).data

    assert without_nan(mistakes.z) == [[None, 1.5], [0.0, None]]
    assert without_nan(right.z) == [[8.5, None], [None, 10.0]]
    assert (mistakes.zmin, mistakes.zmax) == (0, 5.0)
    assert (list(numbers.x), list(numbers.y), list(numbers.text)) == (
        ["cat", "dog", "dog"],
        ["cat", "cat", "dog"],
        ["8.5", "1.5", "10"],
    )


def test_counts_of_one_seed_are_whole():
    one = FEW._replace(counts=((8.0, 2.0), (1.0, 9.0)), n_seeds=1)

    assert list(plot_confusion({THIS_RUN: one}, THIS_RUN).data[2].text) == ["8", "2", "1", "9"]


def test_rows_are_labels_from_the_top():
    layout = plot_confusion({THIS_RUN: FEW._replace(labels="true")}, THIS_RUN).layout

    assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("predicted", "true label")
    assert layout.yaxis.autorange == "reversed"


def test_description_of_the_matrix_has_the_numbers():
    described = plot_confusion({THIS_RUN: MANY}, THIS_RUN).layout.meta["description"]

    assert described == (
        "this run, given labels by predictions, 2 seeds: of 20 rows 11 are predicted as labelled. "
        "Most mistakes: cat as dog (5.0), dog as cat (4.0)."
    )


def test_nothing_to_count_is_an_empty_matrix():
    nothing = Confusion("given", ("cat", "dog"), ((0.0, 0.0), (0.0, 0.0)), 20, 0)

    figure = plot_confusion({THIS_RUN: nothing}, THIS_RUN)

    assert len(figure.data[2].text) == 0
    assert figure.layout.meta["description"] == "this run: nothing to count yet."


def test_a_matrix_of_a_run_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="^shown must be one of baseline, got 'ablation'$"):
        plot_confusion({BASELINE: FEW}, "ablation")


def test_info_has_pixels_and_captions():
    assert worst_info([NOISY], IMAGES) == WorstInfo(
        shape=(2, 2),
        columns=4,
        tiles=(
            Tile(
                pixels=bytes([255, 0, 64, 128]),
                caption=("label 0", "truly 1", "says 1, 75 %"),
                hover="row 1<br>label 0: 25 %<br>predicted 1: 75 %<br>loss 1.39",
            ),
        ),
    )


def test_images_stand_four_a_line_with_their_captions():
    figure = plot_worst([RIGHT] * 5, IMAGES)

    assert [(image.x0, image.y0, image.dy) for image in figure.data][::4] == [
        (0.5, -0.5, -1),
        (0.5, pytest.approx(-0.5 - 2 * 1.75), -1),
    ]
    assert figure.data[0].z.tolist() == [[191, 255], [0, 64]]
    assert figure.layout.annotations[0].text == "label 0<br>says 1, 90 %"
    assert len(figure.layout.annotations) == 5


def test_classes_with_names_stand_three_a_line():
    names = Dataset.from_arrays(
        np.arange(16.0).reshape(4, 2, 2),
        ["shirt", "coat"] * 2,
        train_rows=[0, 1],
        val_rows=[2],
        test_rows=[3],
    )

    assert worst_info([], names).columns == 3


def test_description_of_images_has_their_captions():
    assert plot_worst([NOISY, RIGHT], IMAGES).layout.meta["description"] == (
        "The 2 rows with the largest loss, the worst first: label 0, truly 1, says 1, 75 %; label 0, "
        "says 1, 90 %."
    )
    assert plot_worst([], IMAGES).layout.meta["description"] == "No rows to show yet."


def test_rows_that_are_no_images_are_refused():
    table = Dataset.from_arrays(np.arange(16.0).reshape(8, 2), [0, 1] * 4)

    with pytest.raises(ConfigError, match="^dataset must be of images, got 'your data'$"):
        plot_worst([], table)
