"""`plot_curves`: the numbers drawn are those of the tables."""

import math

import pandas as pd
import pytest

from regcore.errors import ConfigError
from regcore.figures import BASELINE, THIS_RUN, plot_curves
from regcore.figures._curves import MAX_POINTS, Curve, CurvesInfo, Restored, _info
from regcore.figures._style import COLOURS, DASHES


class Tables:
    """A result written by hand: losses by seed, and the epoch at which patience restored a seed."""

    def __init__(self, val, train, restored=None, error="error"):
        self.history = pd.DataFrame(
            [
                (seed, 0, epoch, train[seed][epoch - 1], loss, 10 * loss, 10 * train[seed][epoch - 1])
                for seed, losses in val.items()
                for epoch, loss in enumerate(losses, start=1)
            ],
            columns=["seed", "member", "epoch", "train_loss", "val_loss", f"val_{error}", f"train_{error}"],
        )
        restored = restored or {}
        self.stops = pd.DataFrame(
            {
                "seed": list(val),
                "member": 0,
                "best_epoch": 1,
                "stopped_epoch": pd.array([3 if seed in restored else pd.NA for seed in val], dtype="Int64"),
                "restored_epoch": [restored.get(seed, 3) for seed in val],
            }
        )


@pytest.fixture
def three_seeds():
    return Tables(
        val={0: [3.0, 2.0, 2.5], 1: [4.0, 3.0, 3.5], 2: [5.0, 4.0, 4.5]},
        train={0: [3.0, 1.0, 0.5], 1: [3.0, 1.0, 0.5], 2: [3.0, 1.0, 0.5]},
    )


@pytest.fixture
def one_seed():
    return Tables(val={0: [2.0, 1.0, 4.0]}, train={0: [2.0, 1.0, 0.0]}, restored={0: 2})


def test_info_holds_medians_and_restored_epochs(one_seed):
    other = Tables(val={0: [3.0, 2.0, 2.5]}, train={0: [3.0, 1.0, 0.5]})

    info = _info({BASELINE: other, THIS_RUN: one_seed}, THIS_RUN, "loss")

    orange, blue = COLOURS[:2]
    epochs, train, val, other_val = (1, 2, 3), (2.0, 1.0, 0.0), (2.0, 1.0, 4.0), (3.0, 2.0, 2.5)
    assert info == CurvesInfo(
        title=THIS_RUN,
        y_title="data loss",
        n_networks=1,
        curves=(
            Curve(THIS_RUN, "train", blue, epochs, train, train, train),
            Curve(THIS_RUN, "val", blue, epochs, val, val, val),
        ),
        others=(Curve(BASELINE, "val", orange, epochs, other_val, other_val, other_val),),
        restored=(Restored(seed=0, member=0, epoch=2, value=1.0),),
        y_top=4.2,
        x_end=3,
    )


def test_figure_draws_thin_others_then_train_then_val(three_seeds, one_seed):
    figure = plot_curves({BASELINE: three_seeds, THIS_RUN: one_seed}, THIS_RUN)

    drawn = [trace for trace in figure.data if trace.showlegend is not False]
    assert [trace.name for trace in drawn] == ["baseline, val", "train", "val", "restored"]
    assert list(drawn[0].y) == [4.0, 3.0, 3.5]
    assert list(drawn[1].y) == [2.0, 1.0, 0.0]
    assert list(drawn[2].y) == [2.0, 1.0, 4.0]
    assert [trace.line.dash for trace in drawn[:3]] == [DASHES["val"], DASHES["train"], DASHES["val"]]
    assert (list(drawn[3].x), list(drawn[3].y)) == ([2], [1.0])


def test_bands_lie_between_the_lowest_and_the_highest_tenth(three_seeds):
    figure = plot_curves({BASELINE: three_seeds}, BASELINE)

    low, high = figure.data[2:4]
    assert list(low.y) == pytest.approx([3.2, 2.2, 2.7])
    assert list(high.y) == pytest.approx([4.8, 3.8, 4.3])
    assert high.fill == "tonexty"


def test_all_runs_share_their_axes(three_seeds, one_seed):
    results = {BASELINE: three_seeds, THIS_RUN: one_seed}

    ranges = {plot_curves(results, name, epochs=40).layout.yaxis.range for name in results}
    ends = {plot_curves(results, name, epochs=40).layout.xaxis.range for name in results}

    assert (len(ranges), ends) == (1, {(0, 40)})


def test_error_is_drawn_on_demand(one_seed):
    figure = plot_curves({THIS_RUN: one_seed}, THIS_RUN, "error")

    assert list(figure.data[-2].y) == [20.0, 10.0, 40.0]
    assert figure.layout.yaxis.title.text == "error (fraction)"


def test_error_of_a_regression_is_the_mean_absolute_error():
    result = Tables(val={0: [0.5]}, train={0: [0.25]}, error="mae")

    figure = plot_curves({THIS_RUN: result}, THIS_RUN, "error")

    assert list(figure.data[-1].y) == [5.0]
    assert figure.layout.yaxis.title.text == "mean absolute error"


def test_a_growing_run_is_drawn_up_to_the_epoch_every_network_has_reached():
    growing = Tables(val={0: [3.0, 2.0, 1.0], 1: [5.0, 4.0]}, train={0: [3.0, 2.0, 1.0], 1: [5.0, 4.0]})

    curve = _info({THIS_RUN: growing}, THIS_RUN, "loss").curves[1]

    assert (curve.epochs, curve.median) == ((1, 2), (4.0, 3.0))


def test_a_run_without_epochs_is_an_empty_figure():
    nothing = Tables(val={}, train={})

    figure = plot_curves({THIS_RUN: nothing}, THIS_RUN, epochs=120)

    assert all(len(trace.y) == 0 for trace in figure.data)
    assert figure.layout.xaxis.range == (0, 120)
    assert figure.layout.meta == {"description": "this run: nothing recorded yet."}


def test_a_long_run_is_thinned_to_its_first_and_last_epoch_and_some_between():
    long = Tables(val={0: list(range(5000))}, train={0: [1.0] * 5000})

    curve = _info({THIS_RUN: long}, THIS_RUN, "loss").curves[1]

    assert (len(curve.epochs), curve.epochs[0], curve.epochs[-1]) == (MAX_POINTS, 1, 5000)
    assert curve.median == tuple(epoch - 1.0 for epoch in curve.epochs)


def test_diverged_networks_leave_a_gap_and_stay_out_of_the_median():
    diverged = Tables(
        val={0: [1.0, math.inf, math.nan], 1: [3.0, 2.0, math.nan]}, train={0: [1.0] * 3, 1: [1.0] * 3}
    )

    curve = _info({THIS_RUN: diverged}, THIS_RUN, "loss").curves[1]

    assert curve.median[:2] == (2.0, 2.0)
    assert math.isnan(curve.median[2])
    assert _info({THIS_RUN: diverged}, THIS_RUN, "loss").y_top == pytest.approx(1.05 * 2.8, rel=0.05)


def test_a_run_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match="^shown must be one of baseline, got 'ablation'$"):
        plot_curves({BASELINE: Tables(val={}, train={})}, "ablation")


def test_description_has_the_numbers(one_seed):
    assert plot_curves({THIS_RUN: one_seed}, THIS_RUN).layout.meta["description"] == (
        "this run, data loss, median of 1 networks: after 3 epochs 0 on train and 4 on validation; lowest on "
        "validation 1 at epoch 2. Early stopping restored 1 of them, the median at epoch 2."
    )


def test_dark_and_light_differ_in_their_template_alone(one_seed):
    light, dark = (plot_curves({THIS_RUN: one_seed}, THIS_RUN, dark=dark) for dark in (False, True))

    assert light.data == dark.data
    assert light.layout.template.layout.paper_bgcolor == "#ffffff"
    assert dark.layout.template.layout.paper_bgcolor == "#171614"
