"""The figure of one batch: its lines, its levels, and what it says."""

import math

import numpy as np
import pytest

from regcore.figures._one_batch import _info, plot_one_batch
from regcore.results import HISTORY_COLUMNS, Recording, Result
from tests.test_checklist import CONFIG, DATASET


def of_losses(*seeds: list[float]) -> Result:
    recordings = {}
    for seed, losses in enumerate(seeds):
        rows = [[loss if name == "train_loss" else 0.0 for name in HISTORY_COLUMNS] for loss in losses]
        recordings[seed, 0] = Recording("", np.array(rows))
    return Result(CONFIG.replace(epochs=len(seeds[0])), DATASET, recordings)


RESULTS = {"baseline": of_losses([1.0, 0.1], [3.0, 0.3]), "this run": of_losses([2.0, 2.0], [2.0, 2.0])}


def test_lines_are_medians_over_networks():
    info = _info(RESULTS)

    assert info.runs["baseline"].median == (2.0, pytest.approx(0.2))
    assert info.guessing == pytest.approx(math.log(2))
    lines = {trace.name: list(trace.y) for trace in plot_one_batch(RESULTS).data if trace.name}
    assert lines == {"baseline": pytest.approx([2.0, 0.2]), "this run": [2.0, 2.0]}


def test_levels_are_named_where_they_are_drawn():
    figure = plot_one_batch(RESULTS)

    drawn = [shape.y0 for shape in figure.layout.shapes]
    assert drawn == pytest.approx([math.log(2), 0.05])
    named = [10**each.y for each in figure.layout.annotations]
    assert named == pytest.approx(drawn)


def test_what_it_says_has_its_numbers():
    assert plot_one_batch(RESULTS).layout.meta["description"] == (
        "Train loss on one batch of 16 rows, median of 2 seeds: baseline ends at 0.2 after 2 updates; "
        "this run ends at 2 after 2 updates. Guessing loses 0.693, asked for is 0.05."
    )


def test_a_loss_that_is_nothing_is_drawn_on_the_edge():
    *_, line = plot_one_batch({"baseline": of_losses([1.0, 0.0], [1.0, 0.0])}).data

    assert list(line.y) == [1.0, 1e-5]


def test_before_the_first_update_there_is_nothing_to_say():
    nothing = Result(CONFIG, DATASET, {})

    assert plot_one_batch({"baseline": nothing}).layout.meta["description"] == (
        "No update has been taken yet."
    )
