"""`plot_boundary`: the pictures, points and steps of a landscape."""

import json

import numpy as np
import pytest

from regcore.data import Dataset
from regcore.errors import ConfigError
from regcore.figures import BASELINE, THIS_RUN, plot_boundary
from regcore.figures._boundary import BoundaryInfo, Panel, Picture, Points, _info
from regcore.figures._scrubber import MAX_BYTES
from regcore.figures._style import class_colour, class_symbol
from regcore.landscape import Grid, Landscape

PLACES = Grid(np.array([0.0, 1.0]), np.array([0.0, 2.0]), np.array([[0, 0], [1, 0], [0, 2], [1, 2.0]]))


TENTH = Picture(bytes([10] * 4), bytes([25] * 4))


class Noisy:
    """Two classes of two rows each; the second train row was given the wrong label."""

    task = "binary"
    n_classes = 2
    feature_names = ("width", "height")
    target_names = ("no", "yes")
    X = np.array([[0.0, 0.5], [1.0, 1.5], [0.25, 1.0], [0.75, 2.0]])
    y = np.array([0, 0, 0, 1])

    def rows(self, seed):
        full = Dataset.from_arrays(self.X, [0, 0, 0, 1], train_rows=[0, 1], val_rows=[3], test_rows=[2]).rows(
            0
        )
        return full._replace(y_train=np.array([0, 1]))


def described(*args):
    return plot_boundary(*args).layout.meta["description"]


def of(*predictions, epochs=None, kept=None, kept_epochs=(), grid=PLACES, seed=0):
    arrays = tuple(np.array(values, dtype=float) for values in predictions)
    kept = None if kept is None else np.array(kept, dtype=float)
    return Landscape(grid, seed, epochs or tuple(range(1, len(arrays) + 1)), arrays, kept_epochs, kept)


@pytest.fixture
def growing():
    return of([0, 0.25, 0.504, 1.0], [0, 0, 1, 1])


@pytest.fixture
def finished():
    return of([0, 0, 1, 1], [1, 1, 0, 0], kept=[0.5] * 4, kept_epochs=(1,))


@pytest.fixture
def three():
    """Three classes over four rows, and the picture of the first, the second, the third, and of none."""
    dataset = Dataset.from_arrays(np.arange(24.0).reshape(12, 2), [0, 1, 2] * 4, target_names=["a", "b", "c"])
    sure = [[0.75, 0.25, 0], [0.25, 0.75, 0], [0, 0.25, 0.75], [1 / 3] * 3]
    return dataset, of(sure, sure)


def test_info_holds_percentages_rows_and_steps(growing):
    assert _info({THIS_RUN: growing}, Noisy()) == BoundaryInfo(
        features=("width", "height"),
        classes=("no", "yes"),
        seed=0,
        x=(0.0, 1.0),
        y=(0.0, 2.0),
        steps=("1", "2"),
        shown=1,
        panels=(
            Panel(
                THIS_RUN,
                "",
                (
                    Picture(percents=bytes([0, 25, 50, 100]), levels=bytes([0, 62, 126, 250])),
                    Picture(percents=bytes([0, 0, 100, 100]), levels=bytes([0, 0, 250, 250])),
                ),
            ),
        ),
        points=(
            Points("val", 0, (), (), (), ()),
            Points("val", 1, (0.75,), (2.0,), (3,), (None,)),
            Points("train", 0, (0.0,), (0.5,), (0,), (None,)),
            Points("train", 1, (1.0,), (1.5,), (1,), (0,)),
        ),
    )


def test_what_is_kept_is_the_last_step_and_shown_first(finished):
    info = _info({BASELINE: finished, THIS_RUN: finished}, Noisy())

    assert (info.steps, info.shown) == (("1", "2", "kept"), 2)
    assert [panel.kept for panel in info.panels] == ["epoch 1", "epoch 1"]
    assert info.panels[0].pictures[2] == Picture(bytes([50] * 4), bytes([125] * 4))


@pytest.mark.parametrize(("epoch", "shown"), [(1, 0), (2, 1), (99, 1), (0, 0)])
def test_an_epoch_can_be_shown_first(finished, epoch, shown):
    figure = plot_boundary({THIS_RUN: finished}, Noisy(), epoch=epoch)

    assert figure.layout.sliders[0].active == shown
    assert figure.data[0].z.tolist() == figure.frames[shown].data[0].z.tolist()


def test_a_run_with_fewer_epochs_stays_at_its_last_one(finished, growing):
    short = of([0.1] * 4)

    assert _info({BASELINE: short, THIS_RUN: finished}, Noisy()).panels[0].pictures == (TENTH,) * 3


def test_both_panels_move_together_and_share_their_axes(finished, growing):
    figure = plot_boundary({BASELINE: growing, THIS_RUN: finished}, Noisy())

    layers = [at for at, trace in enumerate(figure.data) if trace.type == "contour"]
    assert [frame.name for frame in figure.frames] == ["1", "2", "kept"]
    assert all(list(frame.traces) == layers for frame in figure.frames)
    assert [trace.z.tolist() for trace in figure.frames[0].data] == [
        [[0, 62], [126, 250]],
        [[0, 0], [250, 250]],
    ]
    assert [step.args[0] for step in figure.layout.sliders[0].steps] == [("1",), ("2",), ("kept",)]
    assert (figure.layout.xaxis2.matches, figure.layout.yaxis2.matches) == ("x", "y")
    assert figure.data[0].colorscale == figure.data[layers[1]].colorscale


def test_the_line_is_at_one_half(growing):
    layer = plot_boundary({THIS_RUN: growing}, Noisy()).data[0]

    assert (layer.contours.start, layer.contours.end, layer.zmin, layer.zmax) == (125, 125, 0, 250)


def test_rows_have_colour_and_symbol_of_their_given_label(growing):
    figure = plot_boundary({THIS_RUN: growing}, Noisy())

    train = figure.data[4]
    assert (list(train.x), list(train.y), train.name) == ([1.0], [1.5], "yes")
    assert (train.marker.color, train.marker.symbol) == (class_colour(1), class_symbol(1))
    assert (list(train.customdata), list(train.text)) == ([1], [" (truly no)"])
    assert train.hovertemplate == "train row %{customdata}: yes%{text}<extra></extra>"
    assert figure.data[2].marker.size < train.marker.size


def test_of_many_rows_some_are_drawn():
    X = np.random.default_rng(0).random((4000, 2))
    many = Dataset.from_arrays(X, (X[:, 0] > 0.5).astype(int), n_train=2500, n_val=500)

    n_drawn = {"train": 0, "val": 0}
    for points in _info({THIS_RUN: of([0.0] * 4)}, many).points:
        n_drawn[points.split] += len(points.rows)

    assert n_drawn == {"train": 1000, "val": 500}


def test_a_ring_is_around_the_wrong_label(growing):
    figure = plot_boundary({THIS_RUN: growing}, Noisy())

    rings = [trace for trace in figure.data if trace.name == "wrong label"]
    assert [(list(ring.x), list(ring.y)) for ring in rings] == [
        ([None], [None]),
        ([1.0], [1.5]),
        ([1.0], [1.5]),
    ]
    assert [ring.showlegend for ring in rings] == [True, False, False]


def test_each_of_several_classes_is_coloured_where_it_leads(three):
    dataset, landscape = three

    figure = plot_boundary({THIS_RUN: landscape}, dataset)

    leads = [trace.z.ravel().tolist() for trace in figure.data[:3]]
    assert leads == [[188, 62, 31, 125], [62, 188, 62, 125], [31, 31, 188, 125]]
    assert [trace.contours.start for trace in figure.data[:3]] == [125] * 3
    assert figure.data[2].customdata[0, 0].tolist() == [75, 25, 0]
    assert figure.data[2].hovertemplate.endswith(
        "a: %{customdata[0]} %<br>b: %{customdata[1]} %<br>c: %{customdata[2]} %<extra></extra>"
    )


def test_a_network_that_diverged_leaves_its_panel_blank():
    diverged = of([np.nan] * 4)

    figure = plot_boundary({THIS_RUN: diverged}, Noisy())

    assert np.isnan(figure.data[0].z).all()
    assert described({THIS_RUN: diverged}, Noisy()).endswith(
        "this run, after epoch 1: the training has diverged."
    )


def test_a_run_without_epochs_shows_its_rows():
    nothing = {THIS_RUN: of()}

    figure = plot_boundary(nothing, Noisy())

    assert np.isnan(figure.data[0].z).all()
    assert list(figure.data[3].x) == [0.0]
    assert (len(figure.frames), len(figure.layout.sliders)) == (0, 0)
    assert described(nothing, Noisy()) == ("Decision boundaries over width and height: nothing recorded yet.")


def test_figures_keep_their_size_from_empty_to_finished(finished):
    empty, full = (plot_boundary({THIS_RUN: found}, Noisy()) for found in (of(), finished))

    assert empty.layout.height == full.layout.height
    assert empty.layout.margin == full.layout.margin


def test_a_figure_is_small_enough_to_be_sent():
    side = np.linspace(0, 1, 48)
    grid = Grid(side, side, np.zeros((48 * 48, 2)))
    noise = np.random.default_rng(0).random((16, 48 * 48))
    landscape = of(*noise, grid=grid, kept=noise[0], kept_epochs=(3,))

    figure = plot_boundary({BASELINE: landscape, THIS_RUN: landscape}, Noisy())

    assert len(figure.frames) == 17
    assert len(figure.to_json()) < 400_000


def test_fewer_epochs_are_shown_where_pictures_are_large():
    n_points = MAX_BYTES // 8
    large = Grid(PLACES.x, PLACES.y, np.zeros((n_points, 2)))
    landscape = of(*np.zeros((9, 4)), grid=large, kept=[0.0] * 4, kept_epochs=(9,))

    assert _info({THIS_RUN: landscape}, Noisy()).steps == ("3", "6", "9", "kept")


def test_arrays_are_sent_as_bytes(growing):
    figure = json.loads(plot_boundary({THIS_RUN: growing}, Noisy()).to_json())

    frame = figure["frames"][1]["data"][0]
    assert frame["z"] == {"dtype": "u1", "bdata": "AAD6+g==", "shape": "2, 2"}
    assert frame["customdata"] == {"dtype": "u1", "bdata": "AABkZA==", "shape": "2, 2"}


def test_description_has_the_numbers(finished):
    assert described({BASELINE: of([0, 0.25, 0.504, 1.0]), THIS_RUN: finished}, Noisy()) == (
        "Decision boundaries over width and height, seed 0, 2 train rows (1 with a wrong label), "
        "1 validation rows. baseline, with the weights it keeps: no on 75 %, yes on 25 % of the area; at "
        "least 90 % sure on 50 % of it. this run, with the weights it keeps (epoch 1): no on 100 %, yes on "
        "0 % of the area; at least 90 % sure on 0 % of it."
    )


def test_landscapes_are_of_one_seed(growing):
    with pytest.raises(ConfigError, match=r"all of one seed, got seeds \[0, 1\]$"):
        plot_boundary({BASELINE: growing, THIS_RUN: of([0.0] * 4, seed=1)}, Noisy())


def test_dark_and_light_differ_in_their_template_alone(growing):
    light, dark = (plot_boundary({THIS_RUN: growing}, Noisy(), dark=dark) for dark in (False, True))

    assert light.data == dark.data
    assert light.layout.template != dark.layout.template
