"""`plot_curves`: the numbers drawn are those of the tables."""

import math

import pytest

from regcore.errors import ConfigError
from regcore.figures import BASELINE, THIS_RUN, plot_curves
from regcore.figures._curves import MAX_LINES, Curve, CurvesInfo, Line, Mark, _info
from regcore.figures._style import COLOURS, DASHES
from regcore.figures._summary import MAX_POINTS
from regcore.scoring import NoiseFloor
from tests.tables_by_hand import columns


class Tables:
    """A result written by hand: losses by seed, and the epoch at which patience restored a seed."""

    def __init__(self, val, train, restored=None, error="error"):
        rows = [
            (seed, 0, epoch, train[seed][epoch - 1], loss, 10 * loss, 10 * train[seed][epoch - 1])
            for seed, losses in val.items()
            for epoch, loss in enumerate(losses, start=1)
        ]
        names = ("seed", "member", "epoch", "train_loss", "val_loss", f"val_{error}", f"train_{error}")
        self.history_columns = columns(rows, names)
        restored = restored or {}
        self.stop_columns = {
            "seed": list(val),
            "member": [0] * len(val),
            "best_epoch": [1] * len(val),
            "stopped_epoch": [3 if seed in restored else None for seed in val],
            "restored_epoch": [restored.get(seed, 3) for seed in val],
        }


def named(figure, name):
    (found,) = (trace for trace in figure.data if trace.name == name)
    return found


@pytest.fixture
def three_seeds():
    return Tables(
        val={0: [3.0, 2.0, 2.5], 1: [4.0, 3.0, 3.5], 2: [5.0, 4.0, 4.5]},
        train={0: [3.0, 1.0, 0.5], 1: [3.0, 1.0, 0.5], 2: [3.0, 1.0, 0.5]},
    )


@pytest.fixture
def one_seed():
    return Tables(val={0: [2.0, 1.0, 4.0]}, train={0: [2.0, 1.0, 0.0]}, restored={0: 2})


def test_others_can_be_left_out_and_the_axes_stay(one_seed, three_seeds):
    results = {BASELINE: three_seeds, THIS_RUN: one_seed}

    alone, both = plot_curves(results, THIS_RUN, others=False), plot_curves(results, THIS_RUN)

    assert [trace.name for trace in alone.data if trace.name not in {each.name for each in both.data}] == []
    assert [trace.name for trace in both.data if trace.name not in {each.name for each in alone.data}] == [
        "baseline, val"
    ]
    assert alone.layout.yaxis.range == both.layout.yaxis.range


def test_info_holds_medians_and_marks(one_seed):
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
        marks=(
            Mark("best", epoch=1, low=1, high=1, n_networks=1, value=2.0),
            Mark("stopped", epoch=3, low=3, high=3, n_networks=1, value=4.0),
            Mark("restored", epoch=2, low=2, high=2, n_networks=1, value=1.0),
        ),
        lines=(),
        floor=None,
        y_top=4.2,
        x_end=3,
    )


def test_figure_draws_thin_others_then_train_then_val(three_seeds, one_seed):
    figure = plot_curves({BASELINE: three_seeds, THIS_RUN: one_seed}, THIS_RUN)

    drawn = [trace for trace in figure.data if trace.showlegend is not False]
    assert [trace.name for trace in drawn] == [
        "baseline, val", "train", "val", "best", "stopped", "restored",
    ]  # fmt: skip
    assert list(drawn[0].y) == [4.0, 3.0, 3.5]
    assert list(drawn[1].y) == [2.0, 1.0, 0.0]
    assert list(drawn[2].y) == [2.0, 1.0, 4.0]
    assert [trace.line.dash for trace in drawn[:3]] == [DASHES["val"], DASHES["train"], DASHES["val"]]
    assert (list(drawn[5].x), list(drawn[5].y)) == ([2], [1.0])


def test_many_entries_of_the_legend_have_half_of_the_figure_each(three_seeds, one_seed):
    results = {BASELINE: three_seeds, THIS_RUN: one_seed}

    many = plot_curves(results, THIS_RUN).layout
    few = plot_curves(results, BASELINE, others=False).layout

    assert (many.legend.entrywidthmode, many.legend.entrywidth) == ("fraction", 0.5)
    # Both: where one alone is the container, plotly moves the title of the other axis.
    assert (many.legend.xref, many.legend.yref) == ("container", "container")
    assert many.legend.y * many.height == many.height - many.margin.t
    assert (few.legend.entrywidth, few.legend.xref) == (None, None)


def test_marks_at_the_end_of_the_axis_are_drawn_whole(one_seed):
    figure = plot_curves({THIS_RUN: one_seed}, THIS_RUN)

    assert [named(figure, name).cliponaxis for name in ("best", "stopped", "restored")] == [False] * 3


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

    assert list(named(figure, "val").y) == [20.0, 10.0, 40.0]
    assert figure.layout.yaxis.title.text == "error (fraction)"


def test_error_of_a_regression_is_the_mean_absolute_error():
    result = Tables(val={0: [0.5]}, train={0: [0.25]}, error="mae")

    figure = plot_curves({THIS_RUN: result}, THIS_RUN, "error")

    assert list(named(figure, "val").y) == [5.0]
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
        "validation 1 at epoch 2. Best epoch: 1. Stopped epoch: 3. Restored epoch: 2."
    )


def test_dark_and_light_differ_in_their_template_alone(one_seed):
    light, dark = (plot_curves({THIS_RUN: one_seed}, THIS_RUN, dark=dark) for dark in (False, True))

    assert light.data == dark.data
    assert light.layout.template.layout.paper_bgcolor == "#ffffff"
    assert dark.layout.template.layout.paper_bgcolor == "#171614"


def test_marks_are_medians_with_their_range(three_seeds):
    three_seeds.stop_columns["best_epoch"] = [1, 3, 2]
    three_seeds.stop_columns["stopped_epoch"] = [3, None, 2]

    marks = _info({THIS_RUN: three_seeds}, THIS_RUN, "loss").marks

    assert marks == (
        Mark("best", epoch=2, low=1, high=3, n_networks=3, value=3.0),
        Mark("stopped", epoch=2, low=2, high=3, n_networks=2, value=3.0),
    )
    figure = plot_curves({THIS_RUN: three_seeds}, THIS_RUN)
    assert named(figure, "best").hovertemplate == "epoch 2 (1 to 3), %{y:.4g}"
    assert named(figure, "stopped").hovertemplate == "epoch 2 (2 to 3), 2 of 3 networks, %{y:.4g}"
    assert figure.layout.meta["description"].endswith(
        "Best epoch: 2 (1 to 3). Stopped epoch for 2 of them: 2 (2 to 3)."
    )


def test_a_run_that_keeps_its_last_epoch_has_only_its_best_marked(three_seeds):
    assert [mark.name for mark in _info({THIS_RUN: three_seeds}, THIS_RUN, "loss").marks] == ["best"]


def test_an_epoch_that_was_thinned_out_is_marked_between_its_neighbours():
    long = Tables(val={0: [float(epoch) for epoch in range(5000)]}, train={0: [1.0] * 5000})
    long.stop_columns["best_epoch"] = [2500]

    assert _info({THIS_RUN: long}, THIS_RUN, "loss").marks[0].value == pytest.approx(2499.0)


def test_the_noise_floor_is_of_the_measure_drawn(one_seed):
    floor = NoiseFloor(error=50.0, loss=0.5, brier=0.25)
    figures = [plot_curves({THIS_RUN: one_seed}, THIS_RUN, of, floor=floor) for of in ("loss", "error")]

    assert [figure.layout.shapes[0].y0 for figure in figures] == [0.5, 50.0]
    assert [figure.layout.annotations[0].text for figure in figures] == ["noise floor 0.5", "noise floor 50"]
    assert figures[1].layout.yaxis.range[1] == pytest.approx(52.5)
    assert figures[0].layout.meta["description"].endswith("Noisy labels allow 0.5 on average.")


def test_thin_lines_are_drawn_on_demand(three_seeds):
    lines = _info({THIS_RUN: three_seeds}, THIS_RUN, "loss", lines=True).lines

    assert lines[2:4] == (
        Line(seed=1, member=0, split="train", epochs=(1, 2, 3), values=(3.0, 1.0, 0.5)),
        Line(seed=1, member=0, split="val", epochs=(1, 2, 3), values=(4.0, 3.0, 3.5)),
    )
    with_lines, without = (
        plot_curves({THIS_RUN: three_seeds}, THIS_RUN, lines=drawn) for drawn in (True, False)
    )
    assert len(with_lines.data) == len(without.data) + 6
    assert (with_lines.layout.hovermode, without.layout.hovermode) == ("closest", "x unified")


def test_thin_lines_are_of_a_bounded_number_of_networks():
    many = Tables(val={seed: [1.0] for seed in range(99)}, train={seed: [1.0] for seed in range(99)})

    assert len(_info({THIS_RUN: many}, THIS_RUN, "loss", lines=True).lines) == 2 * MAX_LINES


def test_hover_has_the_median_and_the_band(three_seeds):
    val = named(plot_curves({THIS_RUN: three_seeds}, THIS_RUN), "val")

    assert val.customdata.tolist()[0] == pytest.approx([3.2, 4.8])
    assert val.hovertemplate == "%{y:.4g} (%{customdata[0]:.4g} to %{customdata[1]:.4g})"
