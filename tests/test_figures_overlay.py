"""`plot_overlay`: each run's validation median, in its colour, with its own symbol."""

import math

import numpy as np
import pytest

from regcore.figures import COLOURS, Overlaid, RunCurves, plot_overlay, summarize_curves
from regcore.figures._overlay import MAX_BANDS, SYMBOLS
from regcore.figures._summary import Summary, lowest_place
from tests.tables_by_hand import columns


class Tables:
    """A result written by hand: validation losses by seed; errors are ten times as much."""

    def __init__(self, val, error="error"):
        rows = [
            (seed, 0, epoch, loss, 10 * loss)
            for seed, losses in val.items()
            for epoch, loss in enumerate(losses, start=1)
        ]
        self.history_columns = columns(rows, ("seed", "member", "epoch", "val_loss", f"val_{error}"))


def run(name, at=0, values=(3.0, 2.0, 2.5)):
    summary = Summary(tuple(range(1, len(values) + 1)), values, values, values)
    curves = RunCurves({"loss": summary, "error": summary}, "error (fraction)", 1)
    return Overlaid(name, curves, COLOURS[at], SYMBOLS[at])


def lines(figure):
    return [trace for trace in figure.data if trace.name]


def test_curves_are_the_median_and_its_band():
    found = summarize_curves(Tables({0: [3.0, 1.0], 1: [4.0, 2.0], 2: [5.0, 3.0]}))

    assert found.n_networks == 3
    assert found.error == "error (fraction)"
    assert found.by_measure["loss"] == Summary(
        (1, 2), (4.0, 2.0), pytest.approx((3.2, 1.2)), pytest.approx((4.8, 2.8))
    )
    assert found.by_measure["error"].median == (40.0, 20.0)


def test_the_error_of_a_regression_is_a_mean_absolute_one():
    assert summarize_curves(Tables({0: [1.0]}, error="mae")).error == "mean absolute error"


def test_each_run_has_its_colour_symbol_and_values():
    figure = plot_overlay((run("baseline"), run("L2 0.1", 2, (2.0, 1.0))))

    assert [trace.name for trace in lines(figure)] == ["baseline", "L2 0.1"]
    assert [list(trace.y) for trace in lines(figure)] == [[3.0, 2.0, 2.5], [2.0, 1.0]]
    assert [trace.line.color for trace in lines(figure)] == [COLOURS[0], COLOURS[2]]
    assert [trace.marker.symbol for trace in lines(figure)] == [SYMBOLS[0], SYMBOLS[2]]
    assert figure.layout.xaxis.range == (0, 3)


@pytest.mark.parametrize(("n_runs", "n_bands"), [(MAX_BANDS, 2 * MAX_BANDS), (MAX_BANDS + 1, 0)])
def test_bands_are_drawn_of_few_runs(n_runs, n_bands):
    figure = plot_overlay([run(f"run {at}", at) for at in range(n_runs)])

    assert len(figure.data) - len(lines(figure)) == n_bands


def test_markers_at_the_end_of_the_axis_are_drawn_whole():
    (line,) = lines(plot_overlay([run("baseline")]))

    assert line.cliponaxis is False


def test_a_run_that_blows_up_leaves_the_others_their_axis():
    figure = plot_overlay((run("tame", 0, (1.0, 0.5)), run("wild", 1, (1.0, 1e9))))

    assert figure.layout.yaxis.range == pytest.approx((0, 4.2))


def test_the_text_has_the_numbers():
    figure = plot_overlay((run("baseline"), run("broken", 1, (math.nan, math.nan))))

    assert figure.layout.meta["description"] == (
        "Validation data loss, median over networks. baseline: 2.5 after 3 epochs, lowest 2 at epoch 2; "
        "broken: not finite in any epoch."
    )


def test_names_are_no_markup_and_not_too_long_for_the_legend():
    figure = plot_overlay((run("<b>bold</b> & " + 40 * "x"),))

    assert lines(figure)[0].name == "&lt;b&gt;bold&lt;/b&gt; &amp; " + 4 * "x" + "…" + 17 * "x"


def test_long_names_that_differ_at_the_end_differ_in_the_legend():
    names = [f"mixup 0.1, L2 0.01, input dropout 0.2, hidden dropout {rate}" for rate in (0.4, 0.45)]

    first, second = lines(plot_overlay([run(name) for name in names]))

    assert len(first.name) == len(second.name) == 36
    assert (first.name[-4:], second.name[-4:]) == (" 0.4", "0.45")


def test_no_run_is_an_empty_figure_that_says_so():
    figure = plot_overlay(())

    assert len(figure.data) == 0
    assert figure.layout.meta["description"] == "No run is shown."


def test_every_colour_has_a_symbol_of_its_own():
    assert len(set(SYMBOLS)) == len(SYMBOLS) == len(COLOURS)


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ([2.0, 1.0, 1.0], 1),
        ([math.nan, 3.0, 2.0], 2),
        ([math.inf, 3.0], 1),
        ([math.nan, math.inf], None),
        ([math.inf], None),
    ],
)
def test_the_lowest_place_is_of_a_number(values, place):
    assert lowest_place(np.array(values)) == place
