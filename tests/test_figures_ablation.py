"""Figures of an ablation: bars that add up, colours of verdicts, intervals, and seeds, on values by hand."""

import math
from xml.etree import ElementTree

import pytest

from regcore.ablation import ablation_of, configurations
from regcore.config import Config
from regcore.figures import COLOURS, plot_parts, plot_waterfall, seed_bars
from regcore.figures._parts import ALONE, ON_TOP
from regcore.figures._parts import _info as parts_info
from regcore.figures._waterfall import ENDS, HIGHER, LOWER, NOISE
from regcore.figures._waterfall import _info as waterfall_info
from regcore.scoring import NoiseFloor

CONFIG = Config(l2=0.01, patience=3, dropout_hidden=0.5)
# Of three seeds each, so that L2 lowers, early stopping does nothing, and dropout raises on the ladder.
VALUES = {
    "none": (0.50, 0.52, 0.51),
    "L2": (0.40, 0.43, 0.40),
    "early stopping": (0.30, 0.31, 0.33),
    "dropout": (0.35, 0.36, 0.38),
    "all but dropout": (0.41, 0.42, 0.40),
    "all but early stopping": (0.45, 0.46, 0.44),
    "all but L2": (0.31, 0.30, 0.33),
    "all": (0.46, 0.48, 0.46),
}


def found(values=VALUES, config=CONFIG, metric="error"):
    by_seed = {name: dict(enumerate(values[name])) for name in configurations(config)}
    return ablation_of(config, by_seed, dict.fromkeys(by_seed, 1.0), metric)


def test_bars_lead_from_none_to_all():
    bars = waterfall_info(found()).bars

    assert [bar.name for bar in bars] == ["none", "+ L2", "+ early stopping", "+ dropout", "all"]
    assert [(bar.begin, bar.end) for bar in bars] == [
        (0.0, pytest.approx(0.51)),
        (pytest.approx(0.51), pytest.approx(0.41)),
        (pytest.approx(0.41), pytest.approx(0.41)),
        (pytest.approx(0.41), pytest.approx(1.4 / 3)),
        (0.0, pytest.approx(1.4 / 3)),
    ]
    assert [bar.colour for bar in bars] == [ENDS, LOWER, NOISE, HIGHER, ENDS]
    assert len({ENDS, LOWER, NOISE, HIGHER}) == 4


def test_a_rung_has_the_interval_of_its_paired_difference():
    ablation = found()
    rung = waterfall_info(ablation).bars[1]
    paired = ablation.row("ladder", "L2").difference

    assert (rung.low, rung.high) == (pytest.approx(0.51 + paired.low), pytest.approx(0.51 + paired.high))
    assert rung.text == "+ L2: -10.0 points (95 %: -12.5 to -7.5), better"


def test_drawn_bars_are_those_of_the_information():
    figure = plot_waterfall(found(), NoiseFloor(0.27, 1.0, 0.5))
    drawn = {trace.name: trace for trace in figure.data}

    assert list(drawn) == ["lower", "higher", "within seed noise", "none and all", "noise floor 27.0 %"]
    lower = drawn["lower"]
    assert (lower.y, lower.base[0], lower.x[0]) == (("+ L2",), pytest.approx(0.51), pytest.approx(-0.1))
    assert lower.error_x.array[0] == pytest.approx(lower.error_x.arrayminus[0])
    assert drawn["noise floor 27.0 %"].x == (0.27, 0.27)
    assert figure.layout.yaxis.categoryarray[0] == "all"
    text = figure.layout.meta["description"]
    assert text.startswith("Validation error, one part after another, 3 seeds: none: 51.0 % (95 %: ")
    assert text.endswith("; all: 46.7 % (95 %: 43.8 % to 49.5 %). Noisy labels allow 27.0 % on average.")


def test_one_part_has_three_bars():
    values = {"none": (0.5, 0.6), "dropout": (0.4, 0.45)}
    bars = waterfall_info(found(values, Config(dropout_hidden=0.5))).bars

    assert [bar.name for bar in bars] == ["none", "+ dropout", "with dropout"]


def test_one_seed_has_no_interval():
    bars = waterfall_info(found({name: each[:1] for name, each in VALUES.items()})).bars

    assert all(math.isnan(bar.low) for bar in bars)
    assert bars[1].text == "+ L2: -10.0 points, one seed cannot tell"
    assert bars[1].colour == NOISE


def test_other_metrics_are_numbers_of_their_own():
    bars = waterfall_info(found(metric="loss")).bars

    assert bars[1].text == "+ L2: -0.1 (95 %: -0.125 to -0.0752), better"


def test_each_part_is_there_alone_and_on_top_of_the_others():
    info = parts_info(found())

    assert info.parts == ("L2", "early stopping", "dropout")
    assert [point.mean for point in info.points[ALONE]] == pytest.approx([-0.1, -0.59 / 3, -0.44 / 3])
    assert [point.mean for point in info.points[ON_TOP]] == pytest.approx([0.46 / 3, 0.05 / 3, 0.17 / 3])
    assert info.points[ALONE][0].of_seeds == pytest.approx((-0.1, -0.09, -0.11))
    assert info.points[ON_TOP][2].text.startswith("dropout, on top of all others: +5.7 points (95 %: ")
    assert info.points[ON_TOP][2].text.endswith("lower on 0 of 3 seeds, worse")


def test_drawn_points_lie_beside_their_part():
    figure = plot_parts(found())
    means = {trace.name: trace for trace in figure.data if trace.name}

    assert list(means) == [ALONE, ON_TOP]
    assert list(means[ALONE].y) == pytest.approx([2.17, 1.17, 0.17])
    assert list(means[ON_TOP].y) == pytest.approx([1.83, 0.83, -0.17])
    assert figure.layout.yaxis.ticktext == ("L2", "early stopping", "dropout")
    strokes = [trace for trace in figure.data if not trace.name]
    assert [len(trace.x) for trace in strokes] == [9, 9]
    assert figure.layout.meta["description"].count("; ") == 5


def test_a_single_part_is_there_alone():
    assert list(parts_info(found({"none": (0.5, 0.6), "L2": (0.4, 0.5)}, Config(l2=0.1))).points) == [ALONE]


def test_bars_of_seeds_stand_on_the_line_or_hang_below_it():
    svg = ElementTree.fromstring(seed_bars([-0.1, 0.05, 0.0, math.nan], 0.1))
    bars = [
        (each.get("fill"), float(each.get("y")), float(each.get("height")))
        for each in svg
        if each.tag.endswith("rect")
    ]

    assert bars == [(COLOURS[2], 16.0, 15.0), (COLOURS[7], 8.5, 7.5)]
    assert svg.get("width") == "55"
