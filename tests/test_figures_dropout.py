"""The figures of dropout: what is drawn is what was measured."""

import math

import numpy as np
import pytest

from regcore.coadaptation import CoAdaptation
from regcore.data import Dataset, load_dataset
from regcore.dropout import CLASSIC, IN_TRAINING, INVERTED, NO_SCALING, TWICE, Gap, Sampled, Scaling
from regcore.dropout_runs import DROPPED, PLAIN, Cell, CostCurve, Costs, RateTable
from regcore.dropout_steps import Counts, Step, replay_steps
from regcore.errors import ConfigError
from regcore.figures import (
    BASELINE,
    COLOURS,
    THIS_RUN,
    plot_costs,
    plot_gaps,
    plot_monte_carlo,
    plot_network,
    plot_objective_beside_val,
    plot_rates,
    plot_removal,
    plot_scalings,
)
from regcore.figures._network import DRIFTS, LEARNS, RESTS, Edge, Node
from regcore.figures._network import _info as network_info
from regcore.figures._rates import RatesInfo, Square
from regcore.figures._rates import _info as rates_info
from regcore.figures._removal import Ranked
from regcore.figures._removal import _info as removal_info
from regcore.lessons.dropout import ARTICLE_STEPS
from regcore.results import Weights
from regcore.statistics import MeanInterval, mean_interval, paired_difference
from tests.test_figures_objective import Tables


def sampled(shift=0.0, before_output=True):
    """Return what one seed sampled, with 1 and with 4 masks."""
    return Sampled(
        gaps=(Gap(0.4 + shift, 0.4 + shift, 0.0), Gap(0.2 + shift, 0.1 + shift, 0.05)),
        gaps_before_output=(Gap(0.3, 0.3, 0.0), Gap(0.1, 0.15, 0.02)) if before_output else (),
        loss=(2.0 + shift, 1.5 + shift),
        error=(0.5, 0.25),
        scaled_loss=1.25,
        scaled_error=0.3,
    )


def lines(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


def test_gaps_are_means_over_seeds_and_nothing_is_drawn_where_they_are_zero():
    drawn = lines(plot_gaps([sampled(), sampled(0.2)], (1, 4)))

    assert list(drawn) == [
        "arithmetic to scaled",
        "geometric to scaled",
        "arithmetic to geometric",
        "geometric, only before output",
    ]
    assert list(drawn["arithmetic to scaled"].y) == pytest.approx([0.5, 0.3])
    assert list(drawn["geometric to scaled"].y) == pytest.approx([0.5, 0.2])
    between = drawn["arithmetic to geometric"]
    assert (list(between.x), list(between.y)) == ([4.0], pytest.approx([0.05]))
    assert drawn["geometric, only before output"].line.dash == "dash"


def test_without_dropout_before_the_output_there_is_no_line_for_it():
    assert len(lines(plot_gaps([sampled(before_output=False)], (1, 4)))) == 3


def test_gaps_are_said_in_words():
    said = plot_gaps([sampled()], (1, 4)).layout.meta["description"]

    assert said == (
        "Distance of predictions by the number of masks, mean of 1 seed: arithmetic to scaled 0.4 at 1 "
        "and 0.2 at 4 masks; geometric to scaled 0.4 at 1 and 0.1 at 4 masks; arithmetic to geometric "
        "0.05 at 4 and 0.05 at 4 masks; geometric, only before output 0.3 at 1 and 0.15 at 4 masks."
    )


def test_monte_carlo_stands_beside_the_scaled_network():
    drawn = lines(plot_monte_carlo([sampled(), sampled(1.0)], "loss", (1, 4)))

    masks, scaled = drawn.values()
    assert list(masks.y) == [2.5, 2.0]
    assert list(scaled.y) == [1.25, 1.25]
    interval = mean_interval([2.0, 3.0])
    assert masks.customdata[0].tolist() == [interval.low, interval.high]


def test_the_error_of_classes_is_in_percent_and_that_of_a_number_is_not():
    of_classes = plot_monte_carlo([sampled()], "error", (1, 4)).layout.yaxis
    of_number = plot_monte_carlo([sampled()], "error", (1, 4), is_regression=True).layout.yaxis

    assert (of_classes.tickformat, of_classes.title.text) == (".1%", "validation error")
    assert (of_number.tickformat, of_number.title.text) == (".3~g", "validation mean absolute error")


@pytest.mark.parametrize("plot", [plot_gaps, plot_monte_carlo])
def test_no_seed_is_refused(plot):
    with pytest.raises(ConfigError, match="^sampled must be of at least one seed, got none$"):
        plot([])


def test_scalings_are_multiples_of_the_training():
    of_seed = {
        IN_TRAINING: Scaling((2.0, 4.0), 1.0, 0.1),
        INVERTED: Scaling((2.0, 4.0), 1.0, 0.1),
        CLASSIC: Scaling((2.0, 4.0), 1.0, 0.1),
        NO_SCALING: Scaling((4.0, 20.0), 1.0, 0.1),
        TWICE: Scaling((1.0, 1.0), 1.0, 0.1),
    }

    drawn = lines(plot_scalings([of_seed]))

    assert {name: list(trace.y) for name, trace in drawn.items()} == {
        INVERTED: [1, 1], CLASSIC: [1, 1], NO_SCALING: [2, 5], TWICE: [0.5, 0.25],
    }  # fmt: skip
    assert list(drawn[INVERTED].x) == ["hidden layer 1", "outputs"]
    assert len({trace.marker.symbol for trace in drawn.values()}) == 4


def test_units_are_ranked_by_how_much_the_loss_changes_either_way():
    found = {
        BASELINE: [CoAdaptation(0.0, 0.0, 0.0, 1.0, (0.1, -0.5, 0.2))] * 2,
        THIS_RUN: [CoAdaptation(0.0, 0.0, 0.0, 1.0, (0.02, 0.0))],
    }

    assert removal_info(found) == (
        Ranked(BASELINE, COLOURS[0], (0.5, 0.2, 0.1), (0.5, 0.2, 0.1), (0.5, 0.2, 0.1), 2),
        Ranked(THIS_RUN, COLOURS[1], (0.02, 0.0), (0.02, 0.0), (0.02, 0.0), 1),
    )
    drawn = lines(plot_removal(found))
    assert list(drawn[BASELINE].x) == [1, 2, 3]
    with pytest.raises(
        ConfigError, match="^found must have at least one seed of each run, got none of 'this"
    ):
        plot_removal({THIS_RUN: []})


def table():
    values = {
        (0.0, 0.0): [0.4, 0.5, 0.6],
        (0.0, 0.5): [0.2, 0.3, 0.3],
        (0.2, 0.0): [0.5, 0.7, 0.8],
        (0.2, 0.5): [0.3, 0.5, 0.6],
    }
    none = values[0.0, 0.0]
    cells = [
        Cell(*rates, mean_interval(of_cell), paired_difference(of_cell, none) if any(rates) else None)
        for rates, of_cell in values.items()
    ]
    return RateTable("error", tuple(cells), best=1, simplest=1)


def test_rates_are_squares_with_a_mark_where_the_seeds_can_tell():
    info = rates_info(table())

    assert isinstance(info, RatesInfo)
    assert info.squares[0] == Square("0", "0", 0.5, "50.0 %", "inputs 0, hidden 0: 50.0 %<br>no dropout")
    assert [square.text for square in info.squares[1:]] == ["26.7 % ▼", "66.7 % ▲", "46.7 %"]


def test_rates_are_drawn_input_by_hidden_with_a_frame_around_the_best():
    figure = plot_rates(table())

    cells, numbers = figure.data
    assert list(numbers.text) == ["50.0 %", "26.7 % ▼", "66.7 % ▲", "46.7 %"]
    assert (list(cells.x), list(cells.y)) == (["0", "0.5"], ["0", "0.2"])
    np.testing.assert_allclose(cells.z, [[0.5, 0.8 / 3], [2 / 3, 1.4 / 3]])
    frame = figure.layout.shapes[0]
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (0.5, 1.5, -0.5, 0.5)
    assert figure.layout.meta["description"] == (
        "Validation error by drop rates of inputs and hidden layers. Without dropout 50.0 %; lowest 26.7 % "
        "at 0 and 0.5; the least dropout within one standard error of it: 0 and 0.5, 26.7 %."
    )


def test_costs_are_drawn_by_the_networks_trained():
    interval = MeanInterval(0.4, 0.1, 0.3, 0.5, 4)
    curves = (CostCurve(PLAIN, (1, 2), (interval, interval)), CostCurve(DROPPED, (1,), (interval,)))
    found = Costs("error", curves, paired_difference([0.1, 0.2], [0.3, 0.3]))

    drawn = lines(plot_costs(found))

    assert {name: (list(trace.x), trace.line.color) for name, trace in drawn.items()} == {
        PLAIN: ([1.0, 2.0], COLOURS[0]),
        DROPPED: ([1.0], COLOURS[1]),
    }


def test_the_objective_stands_beside_train_and_validation():
    run = Tables([(4.0, 2.0, 1.0)])
    run.history_columns["val_loss"] = np.array([3.0])

    figure = plot_objective_beside_val({THIS_RUN: run}, THIS_RUN)

    assert {trace.name: list(trace.y) for trace in figure.data} == {
        "objective, as trained": [4.0], "data loss, train": [2.0], "data loss, validation": [3.0],
    }  # fmt: skip
    assert figure.layout.meta["description"].endswith("with dropout off 2, on validation 3.")


def step():
    """Return a step of two inputs, one hidden unit, one output; the second input is out for the only row."""
    before = Weights((np.array([[1.0], [2.0]]), np.array([[3.0]])), (np.zeros(1), np.zeros(1)))
    after = Weights((np.array([[0.75], [2.5]]), np.array([[3.0]])), before.biases)
    gradient = Weights((np.array([[0.5], [0.0]]), np.array([[0.0]])), before.biases)
    return Step(7, 1, np.array([3]), (np.array([[True, False]]), np.array([[True]])), before, after, gradient)


DATASET = Dataset.from_arrays([[0.0, 0.0]] * 4 + [[1.0, 1.0]] * 4, [0, 1] * 4, feature_names=["a", "b"])


def test_a_network_is_drawn_with_who_is_out_and_what_each_weight_did():
    info = network_info(step(), DATASET, 0)

    assert info.layers == ("inputs", "hidden 1", "outputs")
    assert info.nodes == (
        Node(0.0, 0.75, "a", False),
        Node(0.0, 0.25, "b", True),
        Node(1.0, 0.5, "hidden 1, unit 1", False),
        Node(2.0, 0.5, "output", False),
    )
    assert info.edges == (
        Edge((0.0, 0.75), (1.0, 0.5), LEARNS, 0.5, -0.25),
        Edge((0.0, 0.25), (1.0, 0.5), DRIFTS, 0.0, 0.5),
        Edge((1.0, 0.5), (2.0, 0.5), RESTS, 0.0, 0.0),
    )
    assert info.counts == Counts(weights=3, out=1, out_with_gradient=0, out_moved=1, silent=1)
    assert (info.step, info.row) == (7, 3)


def test_the_drawn_network_says_the_same_in_words():
    figure = plot_network(step(), DATASET)

    assert figure.layout.meta["description"] == (
        "Step 7, row 3: 1 of 4 units are out: b. Of 3 weights 1 has a gradient, 1 moves without a gradient, "
        "1 stands still. 1 weights are at a unit that was out for the whole batch: 0 of them have a "
        "gradient, 1 move all the same."
    )
    drawn = lines(figure)
    assert f"{LEARNS}: 1" in drawn
    assert list(drawn["out for this row: 1"].customdata) == ["b"]
    assert drawn["in: 3"].marker.symbol != drawn["out for this row: 1"].marker.symbol


def test_of_a_network_with_too_many_weights_units_are_drawn_and_weights_counted():
    dataset = load_dataset(ARTICLE_STEPS)
    taken = replay_steps(ARTICLE_STEPS, dataset, 0, 2)[1]

    info, figure = network_info(taken, dataset, 5), plot_network(taken, dataset, 5)

    assert len(info.nodes) == 32 + 128 + 64 + 1
    assert len({(node.x, node.y) for node in info.nodes}) == len(info.nodes)
    kept = np.concatenate([mask[5] for mask in taken.kept])
    assert [node.is_out for node in info.nodes] == [*~kept, False]
    assert info.edges == ()
    assert sum(info.states.values()) == info.counts.weights == 32 * 128 + 128 * 64 + 64
    drawn = lines(figure)
    assert len(drawn[f"out for this row: {np.count_nonzero(~kept)}"].x) == np.count_nonzero(~kept)
    # In a batch of 32 there is a row for each weight that both of its ends are in; a relu may be silent.
    assert info.counts.out == 0
    assert list(drawn[f"{LEARNS}: {info.states[LEARNS]:,}"].x) == [None]
    assert f"Of 12,352 weights {info.states[LEARNS]:,} has a gradient" in figure.layout.meta["description"]


def test_a_row_that_the_batch_has_not_is_refused():
    with pytest.raises(ConfigError, match="^row must be 0 to 0, the rows of the batch, got 1$"):
        plot_network(step(), DATASET, 1)


def test_a_band_on_an_axis_of_logarithms_never_goes_to_zero():
    figure = plot_gaps([sampled(), sampled(2.0)], (1, 4))

    assert all(y > 0 and math.isfinite(y) for trace in figure.data for y in trace.y)
