"""Figures of the page on L2: every number drawn, from tables written by hand."""

import numpy as np
import pytest

from regcore.adam_l2 import ShrinkOfBin, ShrinkUnderAdam
from regcore.config import Config
from regcore.data import load_dataset
from regcore.errors import ConfigError
from regcore.figures import (
    COLOURS,
    plot_adam_shrink,
    plot_boundary_row,
    plot_decay,
    plot_penalty_contours,
    plot_validation_curve,
    plot_weight_histogram,
    plot_weight_norms,
)
from regcore.figures._log_places import axis_of, places_of
from regcore.figures._validation_curve import ChosenValue, _info
from regcore.landscape import Landscape, grid
from regcore.results import Sweep
from regcore.ridge_path import tilted_valley
from regcore.scoring import noise_floor
from regcore.weight_decay import Decay
from regcore.weight_histogram import Histogram
from tests.opened_runs import result
from tests.tables_by_hand import columns

L2 = (0.0, 0.01, 0.1)


def trace(figure, name):
    (found,) = [each for each in figure.data if each.name == name]
    return found


def description(figure):
    return figure.layout.meta["description"]


def test_nothing_has_a_place_left_of_the_smallest():
    assert places_of([0.0, 0.01, 1.0]) == (-2.6, -2.0, 0.0)
    axis = axis_of([0.0, 0.01, 1.0], "l2")
    assert (axis["tickvals"], axis["ticktext"]) == ((-2.6, -2.0, 0.0), ["off", "0.01", "1"])


def swept(*errors, field="l2", values=L2):
    """Return a sweep of these validation errors, one list a value with one number a seed; train is half."""
    results = tuple(
        result([[{"val_error": each, "train_error": each / 2}] for each in of_value], **{field: value})
        for value, of_value in zip(values, errors, strict=True)
    )
    return Sweep(field, values, results)


@pytest.fixture
def sweep():
    # The mean at 0.01 is lowest, 0.2 with a standard error of 0.1; that at 0.1 is within it.
    return swept([0.5, 0.5], [0.1, 0.3], [0.2, 0.3])


def test_validation_curve_has_means_intervals_and_both_choices(sweep):
    info = _info({"l2": sweep}, None, {}, shown=0.01)

    train, val = info.lines
    assert (train.mean, val.mean) == ((0.25, 0.1, 0.125), (0.5, 0.2, 0.25))
    assert val.low[1:] == pytest.approx((0.2 - 1.2706205, 0.25 - 0.6353102))
    assert val.high[1] == pytest.approx(0.2 + 1.2706205)
    assert info.chosen == (
        ChosenValue("l2", "lowest", 0.01, 0.2),
        ChosenValue("l2", "one standard error", 0.1, 0.25),
    )
    assert info.chance == 0.5


def test_validation_curve_is_drawn_over_a_logarithmic_axis(sweep):
    figure = plot_validation_curve({"l2": sweep}, shown=0.01, floor=noise_floor(0.2, 2))

    val = trace(figure, "validation")
    assert (list(val.x), list(val.y)) == ([-2.6, -2.0, -1.0], [0.5, 0.2, 0.25])
    assert list(trace(figure, "lowest: 0.01").x) == [-2.0]
    assert list(trace(figure, "one standard error: 0.1").y) == [0.25]
    assert [note.text for note in figure.layout.annotations] == ["guessing 0.5", "noise floor 0.1"]
    assert [line.x0 for line in figure.layout.shapes][-1] == -2.0
    assert description(figure) == (
        "error (fraction) against l2, mean of 2 seeds: train 0.25 at 0, 0.1 at 0.01, 0.125 at 0.1; "
        "validation 0.5 at 0, 0.2 at 0.01, 0.25 at 0.1. Chosen on validation: l2, lowest: 0.01 (0.2); l2, "
        "one standard error: 0.1 (0.25)."
    )


def test_two_kinds_stand_at_their_nominal_strengths(sweep):
    decoupled = swept([0.5, 0.5], [0.4, 0.4], field="weight_decay", values=(0.0, 2.0))
    figure = plot_validation_curve(
        {"L2": sweep, "decoupled": decoupled}, strengths={"decoupled": (0.0, 1.0)}, shown=None
    )
    assert list(trace(figure, "decoupled, validation").x) == [-2.6, 0.0]
    assert list(trace(figure, "L2, validation").x) == [-2.6, -2.0, -1.0]
    assert trace(figure, "decoupled, validation").line.color != trace(figure, "L2, validation").line.color


def test_a_sweep_under_way_has_no_choice():
    growing = Sweep("l2", (0.0, 0.1), tuple(result([[{}]], l2=l2, epochs=2) for l2 in (0.0, 0.1)))
    assert _info({"l2": growing}, None, {}).chosen == ()


def test_loss_has_the_loss_of_guessing(sweep):
    assert _info({"l2": sweep}, "loss", {}).chance == pytest.approx(np.log(2))


def test_no_sweep_and_too_many_are_named(sweep):
    with pytest.raises(ConfigError, match="^sweeps must be one or two, got 0$"):
        plot_validation_curve({})
    with pytest.raises(ConfigError, match="^sweeps must be one or two, got 3$"):
        plot_validation_curve(dict.fromkeys("abc", sweep))


class Norms:
    """A history of norms written by hand, one list a seed."""

    def __init__(self, *seeds):
        rows = [
            (seed, 0, epoch, norm)
            for seed, norms in enumerate(seeds)
            for epoch, norm in enumerate(norms, start=1)
        ]
        self.history_columns = columns(rows, ("seed", "member", "epoch", "weight_norm"))


def test_norms_are_medians_and_tiny_ones_are_at_the_foot():
    runs = {"off": Norms([10.0, 20.0]), "0.1": Norms([10.0, 1.0], [8.0, 3.0]), "1": Norms([10.0, 1e-9])}
    figure = plot_weight_norms(runs, "0.1")

    lines = [each for each in figure.data if each.hovertemplate]
    assert [list(line.y) for line in lines] == [[10.0, 20.0], [9.0, 2.0], [10.0, 0.02]]
    assert list(lines[2].customdata) == [10.0, 1e-9]
    assert [line.line.color for line in lines[:2]] == list(COLOURS[:2])
    assert {note.text for note in figure.layout.annotations} == {"off", "<b>0.1</b>", "1"}
    assert description(figure) == (
        "Norm of the penalised weights after 2 epochs, median of 2 networks each: off 20, 0.1 2, 1 1e-09. "
        "The cursor is at 0.1."
    )


def test_of_lines_that_end_together_that_at_the_cursor_has_its_name():
    runs = {name: Norms([5.0, 5.0]) for name in ("off", "0.1", "1")}
    assert [note.text for note in plot_weight_norms(runs, "1").layout.annotations] == ["off"]
    runs["0.1"] = runs["off"] = Norms([50.0, 50.0])
    assert [note.text for note in plot_weight_norms(runs, "1").layout.annotations] == ["off", "<b>1</b>"]


def test_norms_of_nothing_yet_and_of_no_run():
    assert description(plot_weight_norms({"off": Norms()}, "off")).endswith("nothing recorded yet.")
    with pytest.raises(ConfigError, match="^shown must be one of off, got 'on'$"):
        plot_weight_norms({"off": Norms()}, "on")


def histogram(*shares, near_zero=0.5, largest=2.0):
    return Histogram((-1.0, 0.0, 1.0), shares, near_zero, largest)


def test_histogram_has_a_picture_an_epoch_and_empty_bins_at_the_foot():
    figure = plot_weight_histogram(
        {
            "baseline": {0: histogram(0.5, 0.5), 4: histogram(0.25, 0.75)},
            "this run": {0: histogram(0.5, 0.5), 2: histogram(1.0, 0.0), 4: histogram(0.0, 1.0)},
        }
    )
    baseline, this_run = figure.data
    assert (list(baseline.x), list(baseline.y)) == ([-0.5, 0.5], [0.25, 0.75])
    assert list(this_run.y) == [1e-4, 1.0]
    assert list(this_run.customdata) == [0.0, 1.0]
    assert [frame.name for frame in figure.frames] == ["0", "4"]
    assert list(figure.frames[0].data[1].y) == [0.5, 0.5]
    assert description(figure) == (
        "Penalised weights by size after epoch 4. baseline: 50.0% of the weights below 0.01 in size, the "
        "largest 2; this run: 50.0% of the weights below 0.01 in size, the largest 2."
    )


def test_histograms_that_share_no_epoch_are_named():
    with pytest.raises(ConfigError, match="^histograms must share at least one epoch, got none$"):
        plot_weight_histogram({"a": {0: histogram(1.0, 0.0)}, "b": {1: histogram(1.0, 0.0)}})


def test_contours_have_the_path_and_a_circle_through_the_minimum():
    problem = tilted_valley(1.0, 1.0, 0.0, (1.0, 2.0))
    figure = plot_penalty_contours(problem, L2, 1.0)

    cursor = trace(figure, "l2 = 1")
    assert (list(cursor.x), list(cursor.y)) == ([pytest.approx(0.5)], [pytest.approx(1.0)])
    path = trace(figure, "minimum of both, as l2 grows")
    assert (path.x[0], path.y[0]) == pytest.approx((1.0, 2.0))
    assert (path.x[-1], path.y[-1]) == pytest.approx((0.0, 0.0), abs=0.01)
    circle = trace(figure, "same penalty as at 1")
    np.testing.assert_allclose(np.hypot(circle.x, circle.y), np.hypot(0.5, 1.0))
    assert description(figure) == (
        "Theory, two weights: the data loss alone is lowest at 1, 2; with l2 1 the sum is lowest at 0.5, 1, "
        "1.12 away from 0, where the data loss is 25.0% of that at 0."
    )


def test_decay_has_theory_as_a_line_and_measurements_as_marks():
    figure = plot_decay(
        {"SGD": Decay((1.0, 0.9, 0.81), (0.9, 0.9)), "Adam": Decay((1.0, 0.5, 0.2), (0.5, 0.4))}, 0.9
    )

    theory, sgd, adam = figure.data
    assert list(theory.y) == pytest.approx([1.0, 0.9, 0.81])
    assert (list(sgd.x), list(sgd.y)) == ([0, 1, 2], [1.0, 0.9, 0.81])
    assert list(adam.customdata[1:]) == [0.5, 0.4]
    assert (theory.mode, sgd.mode) == ("lines", "markers")
    assert description(figure) == (
        "What is left of weights without a data gradient after 2 steps. Theory: × 0.9 a step, 81.0% left. "
        "Measured: SGD: 0.90000 to 0.90000 a step, 81.0% left; Adam: 0.40000 to 0.50000 a step, 20.0% left."
    )


def shrink(silent=0.5):
    return ShrinkUnderAdam(
        l2=(ShrinkOfBin(0.001, 0.4, 10), ShrinkOfBin(0.01, 0.1, 10)),
        decoupled=(ShrinkOfBin(0.001, 0.02, 10), ShrinkOfBin(0.01, 0.03, 10)),
        silent_l2=silent,
        silent_decoupled=silent / 20,
        nominal=0.025,
        theory=(0.5, 0.1),
        n_seeds=2,
    )  # fmt: skip


def test_shrink_has_both_kinds_and_a_place_for_no_gradient():
    figure = plot_adam_shrink(shrink())

    l2 = trace(figure, "L2 in the loss")
    assert (list(l2.x), list(l2.y)) == ([-3.6, -3.0, -2.0], [0.5, 0.4, 0.1])
    assert list(trace(figure, "decoupled (AdamW)").y) == [0.025, 0.02, 0.03]
    assert list(trace(figure, "theory: divided by the gradient").x) == [-3.0, -2.0]
    assert list(trace(figure, "theory: nominal, off every weight").y) == [0.025] * 3
    assert figure.layout.xaxis.ticktext == ("0", "0.001", "0.01")
    assert "Nominal: 2.50%. L2 in the loss: 50.00% without a gradient, 40.00% at 0.001" in description(figure)


def test_shrink_without_silent_weights_has_no_such_place():
    figure = plot_adam_shrink(shrink(float("nan")))
    assert list(trace(figure, "L2 in the loss").x) == [-3.0, -2.0]
    assert figure.layout.xaxis.ticktext == ("0.001", "0.01")


def test_shrink_where_no_weight_has_a_gradient_is_refused():
    with pytest.raises(
        ConfigError, match="^shrink must be of weights with a gradient of the data, got none$"
    ):
        plot_adam_shrink(shrink()._replace(l2=(), decoupled=(), theory=()))


def landscapes(*chances):
    dataset = load_dataset(Config(data="moons"))
    points = grid(dataset)
    return dataset, [Landscape(points, 0, (), (), (7,), np.full(len(points.X), chance)) for chance in chances]


def test_boundaries_stand_four_in_a_row_and_the_one_at_the_cursor_has_a_frame():
    dataset, found = landscapes(0.9, 0.2, 0.2, 0.2, 0.2)
    figure = plot_boundary_row(dict(zip((0.0, 0.1, 0.2, 0.3, 0.4), found, strict=True)), dataset, 0.1)

    assert [each.text for each in figure.layout.annotations] == ["off", "<b>0.1</b>", "0.2", "0.3", "0.4"]
    assert [figure.layout[f"xaxis{at}"].showline for at in ("", 2, 5)] == [None, True, None]
    assert figure.layout.yaxis.domain == figure.layout.yaxis4.domain != figure.layout.yaxis5.domain
    first = next(each for each in figure.data if each.type == "contour")
    assert set(np.asarray(first.customdata).ravel().tolist()) == {90}
    text = description(figure)
    assert "The cursor is at 0.1. off, with the weights it keeps (epoch 7): upper on 0 %" in text
    assert "0.4, with the weights it keeps (epoch 7): upper on 100 %" in text


def test_boundaries_without_predictions_are_named():
    dataset, (found,) = landscapes(0.5)
    nothing = Landscape(found.grid, 0, (), ())
    with pytest.raises(ConfigError, match="^landscapes must have predictions, got none"):
        plot_boundary_row({0.0: nothing}, dataset)


@pytest.mark.parametrize("dark", [False, True])
def test_figures_can_be_dark(sweep, dark):
    figures = (
        plot_validation_curve({"l2": sweep}, dark=dark),
        plot_weight_norms({"off": Norms([1.0])}, "off", dark=dark),
        plot_adam_shrink(shrink(), dark=dark),
        plot_decay({"SGD": Decay((1.0, 0.9), (0.9,))}, 0.9, dark=dark),
        plot_penalty_contours(tilted_valley(1.0, 0.5, 0.0, (1.0, 1.0)), L2, 0.1, dark=dark),
    )
    papers = {figure.layout.template.layout.paper_bgcolor for figure in figures}
    assert papers == {"#171614" if dark else "#ffffff"}
