"""`plot_objective` and `plot_penalty`: columns of the history, as medians over networks."""

import pytest

from regcore.errors import ConfigError
from regcore.figures import BASELINE, THIS_RUN, plot_objective, plot_penalty
from regcore.figures._objective import ObjectiveInfo, Series, _info
from regcore.figures._style import COLOURS, DASHES
from tests.tables_by_hand import columns


class Tables:
    """A history written by hand: objective, train loss and penalty by seed."""

    def __init__(self, *seeds):
        rows = [
            (seed, 0, epoch, *values)
            for seed, of_seed in enumerate(seeds)
            for epoch, values in enumerate(of_seed, start=1)
        ]
        names = ("seed", "member", "epoch", "objective", "train_loss", "penalty")
        self.history_columns = columns(rows, names)


@pytest.fixture
def run():
    return Tables([(4.0, 2.0, 1.0), (3.0, 1.0, 0.5)], [(6.0, 3.0, 2.0), (5.0, 2.0, 1.0)])


def test_info_holds_medians(run):
    assert _info(
        {BASELINE: Tables([(9.0, 1.0, 0.0)]), THIS_RUN: run}, THIS_RUN, ("objective",)
    ) == ObjectiveInfo(
        title=THIS_RUN,
        colour=COLOURS[1],
        n_networks=2,
        series=(Series("objective", (1, 2), (5.0, 4.0)),),
        y_top=pytest.approx(9.45),
        x_end=2,
    )


def test_objective_is_drawn_beside_the_data_loss(run):
    figure = plot_objective({THIS_RUN: run}, THIS_RUN)

    objective, loss = figure.data
    assert (list(objective.x), list(objective.y), list(loss.y)) == ([1, 2], [5.0, 4.0], [2.5, 1.5])
    assert [trace.name for trace in figure.data] == ["objective, as trained", "data loss, train"]
    assert (loss.line.dash, loss.line.color) == (DASHES["train"], COLOURS[0])
    assert figure.layout.meta["description"] == (
        "this run, median of 2 networks after 2 epochs: objective as trained 4, data loss on train with "
        "dropout off 1.5."
    )


def test_penalty_is_stacked_on_the_data_loss(run):
    figure = plot_penalty({THIS_RUN: run}, THIS_RUN)

    loss, penalty = figure.data
    assert (list(loss.y), list(penalty.y)) == ([2.5, 1.5], [1.5, 0.75])
    assert loss.stackgroup == penalty.stackgroup
    assert figure.layout.yaxis.range == (0, pytest.approx(4.2))
    assert figure.layout.meta["description"] == (
        "this run, median of 2 networks after 2 epochs: data loss on train 1.5, and a penalty of 0.75 on top."
    )


@pytest.mark.parametrize("plot", [plot_objective, plot_penalty])
def test_runs_share_their_axes(plot, run):
    results = {BASELINE: Tables([(9.0, 1.0, 0.0)]), THIS_RUN: run}

    layouts = [plot(results, name, epochs=7).layout for name in results]

    assert layouts[0].yaxis.range == layouts[1].yaxis.range
    assert layouts[0].xaxis.range == layouts[1].xaxis.range == (0, 7)


@pytest.mark.parametrize("plot", [plot_objective, plot_penalty])
def test_a_run_without_epochs_is_an_empty_figure(plot):
    figure = plot({THIS_RUN: Tables()}, THIS_RUN)

    assert [len(trace.y) for trace in figure.data] == [0, 0]
    assert figure.layout.meta["description"] == "this run: nothing recorded yet."


def test_a_run_that_diverged_has_an_axis_all_the_same():
    diverged = Tables([(float("inf"), float("nan"), 0.0)])

    assert plot_objective({THIS_RUN: diverged}, THIS_RUN).layout.yaxis.range == (0, 1.0)


@pytest.mark.parametrize("plot", [plot_objective, plot_penalty])
def test_a_run_that_is_not_there_is_named(plot, run):
    with pytest.raises(ConfigError, match="^shown must be one of baseline, got 'ablation'$"):
        plot({BASELINE: run}, "ablation")
