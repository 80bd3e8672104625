"""Figures of augmentation: every number drawn is one that was handed in, and the text says them."""

import math

import numpy as np
import pytest

from regcore import figures
from regcore.augmentation import Seen
from regcore.class_errors import ClassErrors
from regcore.data import Dataset
from regcore.data_worth import LearningCurve, Worth
from regcore.errors import ConfigError
from regcore.figures._data_worth import _info as worth_info
from regcore.figures._gallery import _info as gallery_info
from regcore.figures._seen_points import _info as points_info
from regcore.jitter_ridge import JitterPoint
from regcore.leak import Leak, Way
from regcore.memorisation import Memorisation
from regcore.statistics import mean_interval, paired_difference

IMAGES = Dataset.from_arrays(
    np.arange(54.0).reshape(9, 2, 3), [0, 1, 2] * 3, target_names=["a", "b", "c"], n_train=4, n_val=2
)


def seen(share=1.0, dataset=IMAGES, labels=(0, 2)):
    """Return rows 0 and 1, labelled a and c, in epochs 1 and 2: as they are, then ten more everywhere."""
    original = dataset.X[:2]
    return Seen(
        rows=np.array([0, 1]),
        labels=np.array(labels),
        original=original,
        shown=np.stack([original, original + 10], axis=1),
        share=np.array([[1.0, share]] * 2),
        mixed_with=np.array([[0, 1]] * 2),
        epochs=(1, 2),
    )


def test_a_line_of_the_gallery_is_an_image_its_label_and_what_was_shown():
    first, second = gallery_info(seen(), IMAGES).lines

    assert (first.name, second.name) == ("a", "c,<br>truly b")
    assert [tile.tolist() for tile in first.tiles] == [
        [[0, 1, 2], [3, 4, 5]], [[0, 1, 2], [3, 4, 5]], [[10, 11, 12], [13, 14, 15]],
    ]  # fmt: skip
    assert first.hovers == ("as it is", "epoch 1", "epoch 2")
    assert first.captions == ("", "", "")


def test_a_blend_says_of_what():
    (first, _) = gallery_info(seen(0.75), IMAGES).lines
    assert first.hovers[2] == "epoch 2: 0.750 of it, 0.250 of a b"
    assert first.captions == ("", "", "+ b")


def test_the_gallery_draws_every_tile_upright():
    figure = figures.plot_gallery(seen(), IMAGES)
    tiles = [trace for trace in figure.data if trace.type == "heatmap"]
    assert len(tiles) == 6
    assert np.asarray(tiles[2].z).tolist() == [[10, 11, 12], [13, 14, 15]]
    assert tiles[0].dy == -1
    assert figure.layout.meta["description"] == (
        "Images as they are, and as one network was shown them in epochs 1 to 2: a; c, truly b. Of the "
        "first, 1 of 2 differ from the original."
    )


def test_operations_are_named():
    figure = figures.plot_operations({"shift 1 px": seen(), "flip": seen()}, IMAGES)
    assert "shift 1 px; flip" in figure.layout.meta["description"]
    assert len([trace for trace in figure.data if trace.type == "heatmap"]) == 6


def test_a_table_has_no_gallery():
    table = Dataset.from_arrays(np.arange(18.0).reshape(9, 2), [0, 1, 2] * 3, n_train=4, n_val=2, name="rows")
    with pytest.raises(ConfigError, match="dataset must be of images, got 'rows'"):
        figures.plot_gallery(seen(dataset=table), table)
    with pytest.raises(ConfigError, match="dataset must have two features and classes"):
        figures.plot_seen_points(seen(), IMAGES)


def test_points_count_for_the_class_with_the_larger_share():
    table = Dataset.from_arrays(np.arange(18.0).reshape(9, 2), [0, 1, 2] * 3, n_train=4, n_val=2)
    info = points_info(seen(0.4, table), table)
    assert info.rows == (((0.0, 1.0),), (), ((2.0, 3.0),))
    assert info.shown == (((0.0, 1.0),), ((10.0, 11.0), (12.0, 13.0)), ((2.0, 3.0),))
    figure = figures.plot_seen_points(seen(0.4, table), table)
    assert figure.layout.meta["description"].startswith("2 rows as they are, and 4 places where 2 epochs")


CURVE = LearningCurve(
    "error",
    (100, 200, 400),
    np.array([[0.5, 0.7], [0.4, 0.6], [0.3, 0.5]]),
    np.array([[0.4, 0.6], [0.3, 0.5], [0.2, 0.4]]),
)


@pytest.mark.parametrize(
    ("worth", "head", "says"),
    [
        (Worth(100, 2.0, 1.5, 2.5, 1.0, 4.0), 200.0, "2.0 × the data"),
        (Worth(100, math.nan, 3.0, math.inf, 1.0, 4.0), 400.0, "more than 3.0 ×"),
        (Worth(200, math.nan, 0.0, 0.7, 0.5, 2.0), 100.0, "less than 0.7 ×"),
    ],
)
def test_the_arrow_goes_to_where_the_other_curve_is_as_low(worth, head, says):
    info = worth_info(CURVE, worth)
    height = {100: 0.5, 200: 0.4}[worth.n_train]
    assert info.arrow == (worth.n_train, head, pytest.approx(height))
    assert info.says == says

    figure = figures.plot_data_worth(CURVE, worth)
    arrow, text = figure.layout.annotations
    assert (arrow.x, arrow.ax) == pytest.approx((math.log10(head), math.log10(worth.n_train)))
    assert text.text == f"<b>{says}</b>"
    assert "100 rows: 0.6 (" in figure.layout.meta["description"]


def test_curves_have_the_names_that_they_are_given():
    figure = figures.plot_data_worth(CURVE, Worth(100, 2.0, 1.5, 2.5, 1.0, 4.0), ("bare", "with all"))
    assert [trace.name for trace in figure.data if trace.name] == ["bare", "with all"]
    assert figure.layout.meta["description"].endswith("With all: 2.0 × the data.")


def test_what_cannot_be_told_has_no_arrow():
    unknown = Worth(100, 1.3, 0.0, math.inf, 1.0, 4.0)
    figure = figures.plot_data_worth(CURVE, unknown)
    assert figure.layout.annotations == ()
    assert figure.layout.meta["description"].endswith("With augmentation: cannot be told.")


def test_curves_are_means_over_seeds():
    figure = figures.plot_data_worth(CURVE, Worth(100, 2.0, 1.5, 2.5, 1.0, 4.0))
    without, with_it = (trace for trace in figure.data if trace.name)
    assert list(without.y) == pytest.approx([0.6, 0.5, 0.4])
    assert list(with_it.y) == pytest.approx([0.5, 0.4, 0.3])
    assert list(without.x) == [100, 200, 400]


def test_classes_that_are_hurt_have_a_mark():
    before, after = [0.1, 0.11, 0.12], [0.3, 0.32, 0.31]

    def of(name, treated):
        return ClassErrors(
            name, mean_interval(before), mean_interval(treated), paired_difference(treated, before), "b", 0.1
        )

    figure = figures.plot_class_errors((of("a", before), of("b", after)))

    baseline, treated = figure.data
    assert list(baseline.x) == ["a", "b ▲"]
    assert list(baseline.y) == pytest.approx([0.11, 0.11])
    assert list(treated.y) == pytest.approx([0.11, 0.31])
    assert figure.layout.meta["description"].endswith("Higher beyond seed noise: b.")


def test_the_leak_has_both_ways():
    before = Way(np.array([0.1, 0.2]), np.array([0.4, 0.5]))
    after = Way(np.array([0.4, 0.6]), np.array([0.5, 0.5]))
    figure = figures.plot_leak(Leak("error", before, after))
    claimed, unseen = figure.data
    assert list(claimed.y) == pytest.approx([0.15, 0.5])
    assert list(unseen.y) == pytest.approx([0.45, 0.5])
    assert "augment, then split: validation claims 0.15 (" in figure.layout.meta["description"]


@pytest.mark.parametrize(("drawn", "measured", "theory"), [("norm", 1.5, 2.5), ("loss", 3.5, 4.5)])
def test_jitter_stands_beside_its_theory(drawn, measured, theory):
    point = JitterPoint(0.5, *(mean_interval([low, low + 1]) for low in (1.0, 2.0, 3.0, 4.0)), 1.0)
    figure = figures.plot_jitter_ridge([point], drawn)
    line, dashed = (trace for trace in figure.data if trace.name)
    assert (list(dashed.y), dashed.line.dash) == ([theory], "dash")
    assert (list(line.y), list(line.x)) == ([measured], [0.5])
    assert f"ridge {theory:g}" in figure.layout.meta["description"]


def test_other_measures_of_ridge_are_refused():
    with pytest.raises(ConfigError, match="drawn must be one of norm, loss, got 'bias'"):
        figures.plot_jitter_ridge([], "bias")


def test_wrong_labels_learnt_and_true_ones_by_run():
    found = Memorisation(
        (1, 10), np.array([[0.1, 0.3], [0.8, 1.0]]), np.array([[0.6, 0.8], [0.0, 0.2]]), (4, 5)
    )
    figure = figures.plot_memorisation({"baseline": found, "this run": found})
    lines = [trace for trace in figure.data if trace.name]
    assert [line.name for line in lines] == [
        "baseline: wrong label learnt", "baseline: true label", "this run: wrong label learnt",
        "this run: true label",
    ]  # fmt: skip
    assert list(lines[0].y) == pytest.approx([0.2, 0.9])
    assert list(lines[1].y) == pytest.approx([0.7, 0.1])
    assert figure.layout.meta["description"].startswith(
        "Training rows whose label is wrong, after epoch 10. baseline: 90.0% get the wrong label"
    )
