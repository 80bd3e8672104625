"""`plot_predictions`: lines of seeds and their mean over one feature."""

import numpy as np
import pytest

from regcore.data import Dataset
from regcore.errors import ConfigError
from regcore.figures import BASELINE, THIS_RUN, plot_predictions
from regcore.figures._predictions import Panel, Picture, PredictionsInfo, Rows, _info
from regcore.figures._style import COLOURS
from regcore.landscape import Grid, Landscape

GRID = Grid(np.array([0.0, 1.0]), None, np.array([[0.0], [1.0]]))
LINE = Dataset.from_arrays(
    [[0.0], [1.0], [2.0], [3.0]],
    [10.0, 30.0, 20.0, 0.0],
    task="regression",
    feature_names=["x"],
    train_rows=[0, 1],
    val_rows=[2],
    test_rows=[3],
)


def described(*args):
    return plot_predictions(*args).layout.meta["description"]


def of(seed, *predictions, kept=None, kept_epochs=()):
    arrays = tuple(np.array(values, dtype=float) for values in predictions)
    kept = None if kept is None else np.array(kept, dtype=float)
    return Landscape(GRID, seed, tuple(range(1, len(arrays) + 1)), arrays, kept_epochs, kept)


@pytest.fixture
def two_seeds():
    return [of(0, [1, 2], [3, 4]), of(1, [3, 6], [5, 8])]


@pytest.fixture
def finished():
    return [of(0, [1, 2], kept=[3, 4], kept_epochs=(1,)), of(1, [3, 6], kept=[5, 8], kept_epochs=(7,))]


def test_info_holds_lines_mean_and_rows(two_seeds):
    assert _info({BASELINE: two_seeds}, LINE) == PredictionsInfo(
        feature="x",
        target="y",
        seeds=(0, 1),
        x=(0.0, 1.0),
        y_range=pytest.approx((7.6, 32.4)),
        steps=("1", "2"),
        shown=1,
        panels=(
            Panel(
                BASELINE,
                COLOURS[0],
                "",
                (Picture(((1, 2), (3, 6)), (2, 4)), Picture(((3, 4), (5, 8)), (4, 6))),
            ),
        ),
        rows=(Rows("val", (2.0,), (20.0,), (2,)), Rows("train", (0.0, 1.0), (10.0, 30.0), (0, 1))),
    )


def test_thin_lines_of_all_seeds_then_their_mean(two_seeds):
    figure = plot_predictions({BASELINE: two_seeds}, LINE)

    val, train, thin, mean = figure.data
    assert (list(val.y), list(train.y)) == ([20.0], [10.0, 30.0])
    assert str(thin.y.tolist()) == "[3.0, 4.0, nan, 5.0, 8.0, nan]"
    assert str(thin.x.tolist()) == "[0.0, 1.0, nan, 0.0, 1.0, nan]"
    assert mean.y.tolist() == [4.0, 6.0]
    assert (mean.line.color, mean.line.width > thin.line.width) == (COLOURS[0], True)


def test_both_panels_move_together(two_seeds, finished):
    figure = plot_predictions({BASELINE: two_seeds, THIS_RUN: finished}, LINE)

    first, *_, kept = figure.frames
    assert list(first.traces) == [2, 3, 6, 7]
    assert [first.data[at].y.tolist() for at in (1, 3)] == [[2.0, 4.0], [2.0, 4.0]]
    assert [kept.data[at].y.tolist() for at in (1, 3)] == [[4.0, 6.0], [4.0, 6.0]]
    assert [note.text for note in figure.layout.annotations] == [
        "<b>baseline</b><br>",
        "<b>this run</b><br>keeps epochs 1 to 7",
    ]


def test_a_run_without_epochs_shows_its_rows():
    nothing = {BASELINE: [of(0), of(1)]}

    figure = plot_predictions(nothing, LINE)

    assert [len(trace.y) for trace in figure.data] == [1, 2, 0, 0]
    assert len(figure.layout.sliders) == 0
    assert described(nothing, LINE).endswith("baseline: nothing recorded yet.")


def test_description_has_the_numbers(finished):
    assert described({THIS_RUN: finished}, LINE) == (
        "Predictions of y over x, 2 seeds, with 2 train rows and 1 validation rows of seed 0. this run, with "
        "the weights it keeps (epochs 1 to 7): the mean runs from 4 at x = 0 to 6 at 1; seeds lie 3 apart at "
        "half of the places, 4 at most."
    )


def test_a_run_that_diverged_says_so():
    diverged = {THIS_RUN: [of(0, [np.nan, np.nan])]}

    assert described(diverged, LINE).endswith("this run, after epoch 1: the training has diverged.")


def test_a_figure_is_small_enough_to_be_sent():
    x = np.linspace(0, 1, 200)
    lines = np.random.default_rng(0).random((16, 200))
    grid = Grid(x, None, x[:, None])
    seeds = [Landscape(grid, seed, tuple(range(1, 17)), tuple(lines), (1,), lines[0]) for seed in range(8)]

    figure = plot_predictions({BASELINE: seeds, THIS_RUN: seeds}, LINE)

    assert [frame.name for frame in figure.frames][-2:] == ["16", "kept"]
    assert len(figure.to_json()) < 400_000


def test_runs_share_their_seeds(two_seeds):
    with pytest.raises(ConfigError, match="^landscapes must be of the same seeds, at least one, got"):
        plot_predictions({BASELINE: two_seeds, THIS_RUN: two_seeds[:1]}, LINE)
