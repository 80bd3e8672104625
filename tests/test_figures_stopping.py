"""Figures of early stopping: what is drawn is what was computed."""

import pytest

from regcore import patience
from regcore.figures import (
    plot_filters,
    plot_generalization_loss,
    plot_optimism,
    plot_patience_map,
    plot_stopping_rules,
    plot_stops,
)
from regcore.figures._filters import RIDGE, STOPPED
from regcore.figures._filters import _info as filters_info
from regcore.figures._patience import _gain_info
from regcore.figures._stops import MAX_LANES, Lane
from regcore.figures._stops import _info as stops_info
from regcore.spectral_filters import Factors
from regcore.stopping_optimism import SeedOptimism
from tests.opened_runs import result

FIRST = [5.0, 3.0, 4.0, 6.0, 8.0]
SECOND = [4.0, 3.0, 2.0, 1.0, 3.0]


def trained(*curves, **fields):
    return result([[{"val_loss": loss} for loss in curve] for curve in curves], **fields)


@pytest.fixture
def both():
    return trained(FIRST, SECOND, patience=2)


def drawn(figure):
    return {trace.name: trace for trace in figure.data if trace.showlegend is not False}


def test_each_network_has_a_lane_with_its_curve(both):
    info = stops_info(both)

    assert info.lanes == tuple(
        Lane(stop, stop.restored_epoch, (1, 2, 3, 4, 5), tuple(curve))
        for stop, curve in zip(patience.network_stops(both), (FIRST, SECOND), strict=True)
    )
    assert (info.low, info.n_networks, info.x_end) == (1.0, 2, 5)
    assert info.high == pytest.approx(7.64)


def test_what_is_trained_is_apart_from_what_is_saved(both):
    saved, trained_part = plot_stops(both).data[:2]

    assert (list(saved.x), list(saved.customdata)) == ([4, 5], [6.0, 8.0])
    assert (list(trained_part.x), list(trained_part.customdata)) == ([1, 2, 3, 4], [5.0, 3.0, 4.0, 6.0])
    assert (saved.line.dash, trained_part.line.dash) == ("dot", None)


def test_marks_are_on_the_curves_at_the_epochs_of_the_replay(both):
    figure = plot_stops(both)
    marks = drawn(figure)

    assert (list(marks["best"].x), list(marks["best"].customdata)) == ([2, 4], [3.0, 1.0])
    assert (list(marks["stopped"].x), list(marks["stopped"].customdata)) == ([4], [6.0])
    assert (list(marks["restored"].x), list(marks["restored"].customdata)) == ([2, 4], [3.0, 1.0])
    assert marks["best"].y[0] == figure.data[1].y[1]


def test_lanes_say_which_network_they_are_of_and_what_was_stopped(both):
    figure = plot_stops(both)

    assert figure.layout.yaxis.ticktext == ("seed 0", "seed 1")
    assert figure.layout.meta["description"] == (
        "Validation loss of 2 networks, a lane each. 1 of 2 stopped, at epochs 4 to 4, median 4; the epochs "
        "kept are 2 to 4."
    )


def test_where_nothing_is_restored_the_ring_is_around_the_last_epoch_trained(both):
    figure = plot_stops(both.with_stopping(restore_best_weights=False))
    marks = drawn(figure)

    assert list(marks["best"].x) == [2, 4]
    assert (list(marks["restored"].x), list(marks["restored"].customdata)) == ([4, 5], [6.0, 3.0])
    assert figure.layout.meta["description"].endswith("the epochs kept are 4 to 5.")


def test_of_many_networks_the_first_have_lanes():
    many = trained(*[FIRST] * (MAX_LANES + 3))
    assert len(stops_info(many).lanes) == MAX_LANES
    assert plot_stops(many).layout.meta["description"] == (
        f"Validation loss of {MAX_LANES} networks, a lane each, of {MAX_LANES + 3}. None stopped before "
        "epoch 5."
    )


def test_a_long_run_keeps_its_marked_epochs():
    long = trained([*range(3000, 0, -1), *range(1, 2002)], patience=7)
    (lane,) = stops_info(long).lanes
    assert {3000, 3007} <= set(lane.epochs)
    assert len(lane.epochs) < 410


def test_nothing_recorded_is_an_empty_figure():
    nothing = trained(FIRST, seed=9)
    assert plot_stops(nothing).layout.meta["description"] == "Stops: nothing recorded yet."


def test_map_has_loss_above_epochs_with_the_patience_that_is_set(both):
    points = patience.patience_points(both, [1, 2, 3])
    figure = plot_patience_map(points, 2)
    low, high, loss, star = figure.data[:4]

    assert (list(loss.x), list(loss.y)) == ([1, 2, 3], [2.0, 2.0, 2.0])
    assert [list(low.y), list(high.y)] == [
        [point.loss.low for point in points],
        [point.loss.high for point in points],
    ]
    assert list(figure.data[6].y) == [4.0, 4.5, 5.0]
    assert [(list(mark.x), list(mark.y)) for mark in (star, figure.data[7])] == [([2], [2.0]), ([2], [4.5])]
    assert figure.layout.meta["description"] == (
        "Map of patience from 1 to 3, means over 2 seeds: loss kept 2 after 4 epochs at patience 1, 2 after "
        "5 epochs at 3; lowest 2 from patience 1 on. Patience 2: 2 after 4.5 epochs."
    )


def test_map_of_one_seed_has_no_band_and_marks_only_what_is_on_it():
    figure = plot_patience_map(patience.patience_points(trained(FIRST), [1, 2]), 60)
    assert [trace.name for trace in figure.data] == ["loss", "epochs"]
    assert not figure.layout.shapes


def test_rules_are_loss_against_epochs(both):
    figure = plot_stopping_rules(
        patience.patience_points(both, [1, 2]), patience.alpha_points(both, [30.0, 150.0]), 1, 30.0
    )
    rules = drawn(figure)

    assert (list(rules["patience"].x), list(rules["patience"].y)) == ([4.0, 4.5], [2.0, 2.0])
    assert list(rules["GL, alpha in %"].x) == [4.0, 5.0]
    assert [list(trace.x) for trace in figure.data if trace.showlegend is False] == [[4.0], [4.0]]
    assert figure.layout.meta["description"] == (
        "Two stopping rules, loss kept against epochs trained. patience 1 to 2: loss kept 2 to 2 for 4 to "
        "4.5 epochs; alpha of GL 30 to 150: loss kept 2 to 2 for 4 to 5 epochs."
    )


def test_generalization_loss_is_drawn_with_its_alpha(both):
    info = _gain_info(both, 150.0)
    assert info.curves[0, 0][1] == pytest.approx((0, 0, 100 / 3, 100, 500 / 3))
    assert info.stops == {(0, 0): 5, (1, 0): 5}

    figure = plot_generalization_loss(both, 150.0)

    assert figure.layout.shapes[0].y0 == 150.0
    assert figure.layout.meta["description"] == (
        "GL of 2 networks over 5 epochs; it passes alpha 150 % in 2 of them, at epochs 5 to 5."
    )
    never = plot_generalization_loss(both, 500.0).layout.meta["description"]
    assert never.endswith("it passes alpha 500 % in none of them.")


def test_optimism_joins_the_score_that_chose_with_the_one_that_did_not():
    seeds = (SeedOptimism(3, 0.86, 0.9, 12.0), SeedOptimism(4, 0.88, 0.92, 3.0))
    figure = plot_optimism(seeds, "validation error", 0.9)
    bars, chosen, fresh = figure.data

    assert list(bars.x) == [0.86, 0.9, None, 0.88, 0.92, None]
    assert (list(chosen.x), list(fresh.x)) == ([0.86, 0.88], [0.9, 0.92])
    assert figure.layout.yaxis.ticktext == ("seed 3", "seed 4")
    assert figure.layout.shapes[0].x0 == 0.9
    assert figure.layout.meta["description"] == (
        "Optimism, validation error, 2 seeds: 0.87 on the rows that chose, 0.91 on rows that did not; chance "
        "is 0.9."
    )


def test_without_chance_there_is_no_line():
    assert not plot_optimism((SeedOptimism(0, 0.1, 0.2, 1.0),), "loss").layout.shapes
    assert plot_optimism((), "loss").layout.meta["description"] == "Optimism, loss: nothing recorded yet."


@pytest.fixture
def factors():
    stopped = Factors(0, (0.1, 4.0), (0.1, 0.95), (0.1, 0.96))
    ridge = Factors(0, (0.1, 4.0), (0.09, 0.8), (0.09, 0.8))
    return (stopped,), (ridge,)


def test_filters_have_theory_left_and_measured_points_right(factors):
    info = filters_info(*factors, learning_rate=0.1, steps=10)

    assert info.l2 == 0.5
    assert info.measured == {STOPPED: ((0, 0.1, 0.1), (0, 4.0, 0.95)), RIDGE: ((0, 0.1, 0.09), (0, 4.0, 0.8))}
    assert info.largest_gap == pytest.approx(0.01)
    assert (info.eigenvalues[0], info.eigenvalues[-1]) == pytest.approx((0.05, 4.8))
    assert info.theory[STOPPED][0] == pytest.approx(1 - (1 - 0.005) ** 10)
    assert info.theory[RIDGE][-1] == pytest.approx(4.8 / 5.8)

    figure = plot_filters(*factors, 0.1, 10)
    assert [trace.xaxis for trace in figure.data] == ["x", "x2", "x2"] * 2
    assert [list(trace.y) for trace in figure.data if trace.mode == "markers"] == [[0.1, 0.95], [0.09, 0.8]]
    assert [note.text for note in figure.layout.annotations] == [
        "<b>Theory</b>", "<b>Measured</b>",
    ]  # fmt: skip
    assert "4 measured factors, at most 0.01 from their formula." in figure.layout.meta["description"]


def test_dark_figures_have_the_same_numbers(both, factors):
    points = patience.patience_points(both, [1, 2])
    for plot, inputs in (
        (plot_stops, (both,)),
        (plot_patience_map, (points, 1)),
        (plot_stopping_rules, (points, points, 1, 2.0)),
        (plot_generalization_loss, (both, 5.0)),
        (plot_optimism, ((SeedOptimism(0, 0.1, 0.2, 1.0),), "loss")),
        (plot_filters, (*factors, 0.1, 10)),
    ):
        light, dark = plot(*inputs), plot(*inputs, dark=True)
        assert light.data == dark.data
        assert dark.layout.template.layout.paper_bgcolor == "#171614"
