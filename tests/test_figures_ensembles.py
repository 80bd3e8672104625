"""Figures of ensembles: every number drawn is one that was handed in, and the text says them."""

import math

import numpy as np
import pytest

from regcore import figures
from regcore.data import Dataset
from regcore.ensembles import (
    Ambiguity,
    Bin,
    BySize,
    Calibration,
    ErrorMoments,
    Reliability,
    Source,
    Voting,
)
from regcore.errors import ConfigError
from regcore.figures._ensemble_size import Theory, _info
from regcore.figures._style import COLOURS
from regcore.landscape import Grid, MembersLandscape
from regcore.statistics import MeanInterval, mean_interval


def found_by_size(squared=((4.0, 3.0, 2.5), (6.0, 5.0, 4.5)), task="multiclass"):
    values = np.array(squared)
    moments = (ErrorMoments(4.0, 2.0), ErrorMoments(6.0, 4.0))[: len(values)]
    others = {"mae": values} if task == "regression" else {"loss": values / 2, "error": values / 10}
    return BySize(
        task, 4, (1, 2, 4), (4, 6, 1), (True, False, True), {"squared_error": values, **others},
        np.array([[2.0, 1.0, math.nan], [2.0, 0.8, math.nan]])[: len(values)], moments,
    )  # fmt: skip


def test_info_of_squared_error_holds_both_lines_of_theory_and_the_floor():
    info = _info(found_by_size(), k=2, shown="squared_error")

    assert info.title == "Brier score"
    assert (info.n_seeds, info.pool, info.k, info.sizes) == (2, 4, 2, (1, 2, 4))
    assert info.subsets == ("all 4 subsets", "6 subsets", "all 1 subset")
    assert [interval.mean for interval in info.measured] == [5.0, 4.0, 3.5]
    # (4 / k + (k - 1) / k * 2 and 6 / k + (k - 1) / k * 4) / 2
    assert info.theories == (
        Theory("theory: ρσ² + (1 − ρ)σ²/k", "dash", (5.0, 4.0, 3.5)),
        Theory("theory, independent errors: σ²/k", "dot", (5.0, 2.5, 1.25)),
    )
    assert info.floor == 3.0
    assert info.correlation == pytest.approx((2 / 4 + 4 / 6) / 2)


def test_measured_points_have_their_intervals_and_the_chosen_size_a_mark():
    figure = figures.plot_ensemble_size(found_by_size(), 2)
    exact, independent, measured, mark = figure.data
    expected = mean_interval([4.0, 6.0])

    assert (list(measured.x), list(measured.y)) == ([1, 2, 4], [5.0, 4.0, 3.5])
    assert measured.error_y.array[0] == pytest.approx(expected.high - 5.0)
    assert (list(mark.x), list(mark.y), mark.name) == ([2], [4.0], "k = 2")
    assert all(line.name.startswith("theory") for line in (exact, independent))
    assert figure.layout.shapes[0].y0 == 3.0
    assert figure.layout.meta["description"].startswith(
        "Brier score of the average of k networks, 2 seeds, over subsets of 4 networks: measured 5 ("
    )
    assert (
        "The errors of two networks correlate by 0.583: the floor is 3." in figure.layout.meta["description"]
    )


def test_other_metrics_have_no_theory():
    figure = figures.plot_ensemble_size(found_by_size(), 2, "error")

    assert [trace.name for trace in figure.data] == ["measured", "k = 2"]
    assert list(figure.data[0].y) == [0.5, 0.4, 0.35]
    assert len(figure.layout.shapes) == 0


def test_variance_between_ensembles_is_shown_where_there_are_two_of_them():
    figure = figures.plot_ensemble_size(found_by_size(), 4, "between")
    theory, measured = figure.data

    assert (list(measured.x), list(measured.y)) == ([1, 2], [2.0, pytest.approx(0.9)])
    assert list(theory.y) == [2.0, 1.0]


def test_one_seed_has_no_interval():
    figure = figures.plot_ensemble_size(found_by_size(((4.0, 3.0, 2.5),)), 1)

    assert np.isnan(figure.data[2].error_y.array).all()
    assert (
        "1 seed, over subsets of 4 networks: measured 4 for 1 and 2.5 for 4."
        in (figure.layout.meta["description"])
    )


def test_metrics_that_a_task_does_not_have_are_refused():
    found = found_by_size(task="regression")
    with pytest.raises(ConfigError, match="^shown must be one of squared_error, mae, between, got 'error'$"):
        figures.plot_ensemble_size(found, 1, "error")
    with pytest.raises(ConfigError, match="^metric must be one of squared_error, mae, got 'error'$"):
        figures.plot_gain(found, "error")


def test_a_gain_is_seed_by_seed_and_has_its_knee():
    figure = figures.plot_gain(found_by_size())

    assert list(figure.data[0].y) == [0.0, 1.0, 1.5]
    assert list(figure.data[0].error_y.array) == [0.0, 0.0, 0.0]
    # Two networks have two thirds of the gain of all four, which is less than nine tenths.
    assert (figure.layout.shapes[0].x0, figure.layout.annotations[0].text) == (4, "knee: k = 4")
    assert figure.layout.meta["description"] == (
        "Gain in Brier score over a single network, 2 seeds: 1.5 (1.5 to 1.5) for 4 networks. The knee is at "
        "4, with 1.5 (1.5 to 1.5)."
    )


def test_what_gains_nothing_but_rounding_gains_nothing():
    figure = figures.plot_gain(found_by_size(((0.3, 0.1 + 0.2, 0.3), (0.7, 0.7, 0.1 + 0.6))))

    assert list(figure.data[0].y) == list(figure.data[0].error_y.array) == [0.0, 0.0, 0.0]
    assert len(figure.layout.shapes) == 0
    assert figure.layout.meta["description"].endswith("There is no knee: nothing is gained.")


def test_networks_that_diverged_have_no_knee():
    figure = figures.plot_gain(found_by_size(((math.nan,) * 3, (math.nan,) * 3)))

    assert len(figure.layout.shapes) == 0
    assert figure.layout.meta["description"].endswith("There is no knee: networks have diverged.")


def test_ambiguity_is_stacked_to_a_members_error():
    figure = figures.plot_ambiguity({1: Ambiguity(5.0, 5.0, 0.0), 3: Ambiguity(5.0, 4.0, 1.0)}, "Brier score")
    of_mean, spread = figure.data

    assert figure.layout.barmode == "stack"
    assert (list(of_mean.x), list(of_mean.y), list(spread.y)) == (["1", "3"], [5.0, 4.0], [0.0, 1.0])
    assert "3: 4 + 1 = 5." in figure.layout.meta["description"]


def test_sources_have_a_member_and_the_average():
    source = Source(
        "order", MeanInterval(0.9, 0, 0.8, 1.0, 4), MeanInterval(5.0, 0, 4.0, 6.0, 4),
        MeanInterval(4.0, 0, 3.5, 4.5, 4), MeanInterval(1.0, 0, 0.5, 1.5, 4),
    )  # fmt: skip
    figure = figures.plot_sources([source], 8, "Brier score")
    single, average = figure.data

    assert (list(single.x), list(average.x), list(average.y)) == ([5.0], [4.0], ["order"])
    assert (list(single.error_x.array), list(average.error_x.array)) == ([1.0], [0.5])
    assert figure.layout.yaxis.ticktext == ("order<br>ρ = 0.90",)
    assert figure.layout.meta["description"] == (
        "Brier score by what differs between the members. order: one member 5, average of 8 4, gain 1 "
        "(0.5 to 1.5), errors correlate by 0.9."
    )


def test_votes_are_beside_averages():
    rows = {1: [Voting(0.4, 0.4, 0.0, 0.5, 0.8), Voting(0.2, 0.2, 0.0, 0.5, 0.8)],
            2: [Voting(0.3, 0.4, 0.5, 0.4, 0.5), Voting(0.1, 0.2, 0.3, 0.4, 0.5)]}  # fmt: skip
    figure = figures.plot_voting(rows)
    averaging, voting = figure.data

    assert list(averaging.y) == pytest.approx([0.3, 0.2])
    assert list(voting.y) == pytest.approx([0.3, 0.3])
    assert figure.layout.meta["description"].endswith(
        "with 40.0% of the votes tied. Voting against averaging: too few seeds to tell."
    )


def test_reliability_has_the_diagonal_and_larger_points_for_more_rows():
    one = Reliability((Bin(0.5, 0.25, 1), Bin(0.9, 0.6, 3)), 0.2875)
    together = Reliability((Bin(0.7, 0.7, 4),), 0.0)
    figure = figures.plot_reliability(Calibration(one, together, (0.2, 0.3), (0.0, 0.1)), 5)
    diagonal, members, ensemble = figure.data

    assert (list(diagonal.x), list(diagonal.y)) == ([0, 1], [0, 1])
    assert (list(members.x), list(members.y)) == ([0.5, 0.9], [0.25, 0.6])
    assert list(members.marker.size) == [12.5, pytest.approx(5 + 15 * 0.75**0.5)]
    assert (list(ensemble.y), ensemble.name, ensemble.line.color) == ([0.7], "average of 5", COLOURS[1])
    assert (
        "One network is 90.0% sure in its surest bin, and right 60.0% of the time."
        in (figure.layout.meta["description"])
    )


@pytest.fixture
def line():
    return Dataset.from_arrays(
        np.arange(6.0)[:, None], np.arange(6.0), train_rows=[0, 1], val_rows=[2, 3], test_rows=[4, 5],
        task="regression",
    )  # fmt: skip


def test_members_are_thin_lines_with_gaps_and_their_average_is_thick(line):
    x = np.array([0.0, 1.0])
    members = MembersLandscape(
        Grid(x, None, x[:, None]), 0, (np.array([1.0, 2.0]), np.array([3.0, 6.0])), np.array([2.0, 4.0])
    )
    figure = figures.plot_member_predictions(members, line)
    thin, average = figure.data[-2:]

    assert np.array_equal(thin.y, np.float32([1, 2, np.nan, 3, 6, np.nan]), equal_nan=True)
    assert list(average.y) == [2.0, 4.0]
    assert average.line.width > thin.line.width
    assert figure.layout.meta["description"].endswith(
        "seed 0: 2 networks and their average. They lie 3 apart at half of the places, 4 at most."
    )


@pytest.fixture
def square():
    X = [[0, 0], [10, 1], [0, 1], [10, 0], [5, 0.5]]
    return Dataset.from_arrays(X, [0, 1, 0, 1, 0], train_rows=[0, 1], val_rows=[2, 3], test_rows=[4])


def boundaries(*members):
    x = np.array([0.0, 1.0])
    points = Grid(x, x, np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    return MembersLandscape(points, 0, tuple(map(np.array, members)), np.mean(members, axis=0))


def test_every_member_has_its_boundary_over_the_average(square):
    members = boundaries([0.0, 1.0, 0.2, 1.0], [0.0, 1.0, 0.8, 0.6])
    figure = figures.plot_member_boundaries(members, square)
    average, first, second = (trace for trace in figure.data if trace.type == "contour")

    assert np.array(average.z).tolist() == [[0, 250], [125, 200]]
    assert np.array(first.z).tolist() == [[0, 250], [50, 250]]
    assert np.array(second.z).tolist() == [[0, 250], [200, 150]]
    assert (first.contours.start, first.showlegend, second.showlegend) == (125, True, False)
    assert figure.layout.meta["description"].endswith(
        "They predict different classes on 25.0% of the picture."
    )


def test_of_several_classes_each_but_the_last_has_its_boundary(square):
    X = np.vstack([square.X, [[7, 1]]])
    parts = {"train_rows": [0, 1], "val_rows": [2, 3], "test_rows": [4, 5]}
    three = Dataset.from_arrays(X, [0, 1, 2, 0, 1, 2], task="multiclass", **parts)
    sure, unsure = [1.0, 0.0, 0.0], [0.25, 0.25, 0.5]
    members = boundaries([sure, unsure, sure, sure], [sure, unsure, sure, [0.2, 0.6, 0.2]])
    figure = figures.plot_member_boundaries(members, three)
    contours = [trace for trace in figure.data if trace.type == "contour"]
    average, first, second = contours[:3], contours[3:5], contours[5:]

    assert [layer.line.color for layer in average] == [COLOURS[1]] * 3
    # 125 times 1 plus the lead of the class over the most probable other one.
    assert np.array(first[0].z).tolist() == [[250, 94], [250, 250]]
    assert np.array(first[1].z).tolist() == [[0, 94], [0, 0]]
    assert np.array(second[1].z).tolist() == [[0, 94], [0, 175]]
    assert [line.showlegend for line in (*first, *second)] == [True, False, False, False]
    assert figure.layout.meta["description"].endswith(
        "They predict different classes on 25.0% of the picture."
    )


def test_members_that_diverged_are_told_of(square):
    figure = figures.plot_member_boundaries(boundaries([0.0, 1.0, 0.2, math.nan], [0.0] * 4), square)

    assert figure.layout.meta["description"].endswith("A training has diverged.")


def test_each_picture_refuses_what_it_cannot_draw(line, square):
    with pytest.raises(ConfigError, match="^members must be over one feature, got two"):
        figures.plot_member_predictions(boundaries([0.0] * 4), square)
    with pytest.raises(ConfigError, match="^members must be of classes over two features, got regress"):
        figures.plot_member_boundaries(boundaries([0.0] * 4), line)
