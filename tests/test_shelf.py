"""The run table: what is kept, in which colour, under which name, and what differs between two runs."""

import pytest

from pages.ui import entries, shelf
from pages.ui.entries import MAX_EARLIER, Entry
from pages.ui.shelf import Row
from regcore.config import Config
from regcore.figures import BASELINE, COLOURS, THIS_RUN, RunCurves
from regcore.figures._summary import Summary
from regcore.pairing import Scores

CURVE = Summary((1,), (1.0,), (1.0,), (1.0,))
CURVES = RunCurves({"loss": CURVE, "error": CURVE}, "error (fraction)", 2)


def config(number):
    return Config(seeds=2, l2=number / 1000)


def entry(number, name=None, error=(0.2, 0.3), **parts):
    scores = Scores("binary", {"error": dict(enumerate(error))}, {0: "rows", 1: "rows"})
    return Entry(config(number), name or f"run {number}", CURVES, scores, **parts)


def row(label, kept, colour=2, is_visible=True):
    return Row(label, kept.config, kept, colour, is_visible)


def names(kept):
    return [each.name for each in kept]


def filled(n_runs, pinned=()):
    """Return a shelf after so many runs, one after the other."""
    kept = ()
    for number in range(n_runs):
        kept = entries.arrange(entries.put(kept, entry(number, is_pinned=number in pinned)), config(number))
    return kept


def test_the_newest_run_is_last():
    assert names(entries.put((entry(1),), entry(2))) == ["run 1", "run 2"]


def test_a_run_that_is_there_becomes_the_newest_and_keeps_what_it_was_given():
    kept = (entry(1, "mine", is_pinned=True, is_visible=False), entry(2))

    assert entries.put(kept, entry(1)) == (kept[1], kept[0])


def test_two_runs_are_not_called_the_same():
    kept = entries.put(entries.put((entry(1, "L2"),), entry(2, "l2")), entry(3, "L2"))

    assert names(kept) == ["L2", "l2 (2)", "L2 (3)"]


def test_the_run_that_is_shown_has_no_colour_of_an_earlier_one():
    assert [each.colour for each in filled(3)] == [2, 3, None]


def test_the_oldest_run_goes_and_its_colour_is_taken():
    kept = filled(MAX_EARLIER + 2)

    assert names(kept) == [f"run {number}" for number in range(1, MAX_EARLIER + 2)]
    assert [each.colour for each in kept] == [3, 4, 5, 6, 7, 2, None]


def test_a_pinned_run_stays():
    assert names(filled(MAX_EARLIER + 2, pinned=[0])) == ["run 0", *(f"run {at}" for at in range(2, 8))]


def test_with_all_pins_taken_the_run_before_goes():
    kept = filled(MAX_EARLIER, pinned=range(MAX_EARLIER))
    assert entries.is_full_of_pins(kept)

    for number in (8, 9):
        kept = entries.arrange(entries.put(kept, entry(number)), config(number))

    assert names(kept) == [*(f"run {at}" for at in range(MAX_EARLIER)), "run 9"]
    assert sorted(each.colour for each in kept[:-1]) == list(range(2, len(COLOURS)))


def test_while_another_run_trains_the_last_one_is_an_earlier_one():
    kept = entries.arrange(filled(2), config(9))

    assert [each.colour for each in kept] == [2, 3]


def test_arranging_again_changes_nothing():
    kept = filled(5)

    assert entries.arrange(kept, config(4)) == kept


def test_going_back_to_a_run_and_forth_gives_the_colours_back():
    kept = filled(3)

    back = entries.arrange(entries.put(kept, kept[0]), config(0))
    forth = entries.arrange(entries.put(back, back[1]), config(2))

    assert {each.name: each.colour for each in back} == {"run 1": 3, "run 2": 2, "run 0": None}
    assert {each.name: each.colour for each in forth} == {"run 1": 3, "run 0": 2, "run 2": None}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("mine", "mine"),
        ("  two\nlines\t ", "two lines"),
        ("", "run 1"),
        (" \u200b", "run 1"),
        ("RUN 2", "RUN 2 (2)"),
        ("Baseline", "Baseline (2)"),
        ("Verdict", "Verdict (2)"),
        ("x" * 200, "x" * (entries.MAX_LETTERS - 1) + "…"),
        ("L2 0.01, " * 20, "L2 0.01, " * 10 + "L2 0.01…"),
    ],
)
def test_a_new_name_is_tidied(typed, name):
    kept = entries.renamed((entry(1), entry(2)), config(1), typed)

    assert names(kept) == [name, "run 2"]


def test_a_long_name_with_a_number_is_not_too_long():
    long = "x" * entries.MAX_LETTERS
    kept = entries.renamed((entry(1), entry(2, long)), config(1), long)

    assert names(kept) == ["x" * (entries.MAX_LETTERS - 6) + "… (2)", long]
    assert max(map(len, names(kept))) == entries.MAX_LETTERS


def test_rows_are_the_baseline_this_run_and_the_earlier_ones_newest_first():
    shown = {BASELINE: config(0), THIS_RUN: config(3)}
    kept = entries.arrange((entry(1), entry(2), entry(3)), config(3))

    table = shelf.rows(kept, shown, None, frozenset({THIS_RUN}))

    assert [(each.label, each.colour, each.is_visible) for each in table] == [
        (BASELINE, 0, True),
        (THIS_RUN, 1, False),
        ("run 2", 3, True),
        ("run 1", 2, True),
    ]
    assert [each.entry for each in table] == [None, kept[2], kept[1], kept[0]]


def test_an_earlier_run_that_is_now_the_baseline_has_one_row():
    kept = entries.arrange((entry(0), entry(1)), config(1))

    table = shelf.rows(kept, {BASELINE: config(0), THIS_RUN: config(1)}, entry(0))

    assert [each.label for each in table] == [BASELINE, THIS_RUN]


def test_drawn_is_what_is_finished_visible_and_of_the_same_data():
    other = entry(4)._replace(config=Config(data="iris"))
    table = [
        row("one", entry(1), 2),
        row("hidden", entry(2), 3, is_visible=False),
        Row("training", config(3), None, 1, True),
        row("other", other, 4),
    ]

    assert [(run.name, run.colour) for run in shelf.overlaid(table, "moons")] == [("one", COLOURS[2])]


def test_fields_that_differ_are_in_words():
    one = row("plain", entry(0))
    other = Row("mine", config(0).replace(dropout_hidden=0.5, patience=10), None, 3, True)

    assert shelf.fields_in_words(one, other) == [
        {"Field": "hidden dropout", "Plain": "0", "Mine": "0.5"},
        {"Field": "patience", "Plain": "off", "Mine": "10"},
    ]


def test_settings_that_hardly_differ_are_told_apart():
    one, other = (
        Row(name, config(0).replace(l2=l2), None, 3, True)
        for name, l2 in (("one", 0.1234567), ("two", 0.1234568))
    )

    assert shelf.fields_in_words(one, other) == [{"Field": "L2", "One": "0.1234567", "Two": "0.1234568"}]


def test_metrics_are_paired_and_rounded_alike():
    one, other = row("one", entry(1, error=(0.2, 0.3))), row("two", entry(2, error=(0.1, 0.19)))

    assert shelf.metrics_in_words(one, other) == [
        {
            "Metric": "Error, %", "One": "25.0", "Two": "14.5", "Difference": "−10.5",
            "95 % interval": "−16.9 to −4.1", "Lower on": "2 of 2", "Verdict": "better",
        }
    ]  # fmt: skip


def test_runs_without_shared_rows_are_not_paired():
    other = entry(2)._replace(scores=Scores("binary", {"error": {5: 0.1}}, {5: "rows"}))

    (line,) = shelf.metrics_in_words(row("one", entry(1)), row("two", other))

    assert (line["One"], line["Two"], line["Difference"]) == ("25.0", "10.0", "–")
    assert line["Verdict"] == "no seed and rows in common"


def test_names_are_no_markup():
    assert shelf._plain(":red[a] *b* $c$ L2 0.1") == r"\:red\[a\] \*b\* \$c\$ L2 0.1"


def test_what_is_said_of_a_run_is_worked_out_once_until_something_of_it_changes(monkeypatch):
    kept, asked = {}, []
    monkeypatch.setattr(shelf.state, "recall", kept.get)
    monkeypatch.setattr(shelf.state, "keep", kept.__setitem__)
    monkeypatch.setattr(shelf, "_about", lambda row, here: asked.append((row.label, here)) or f"{row} {here}")
    table = [Row(f"run {at}", config(at), entry(at), at, True) for at in range(2)]
    said = shelf._abouts(table, "here")

    assert shelf._abouts(table, "here") == said == [f"{row} here" for row in table]
    assert asked == [("run 0", "here"), ("run 1", "here")]
    for changed in (
        table[1]._replace(label=THIS_RUN),
        table[1]._replace(entry=None),
        table[1]._replace(entry=entry(1)._replace(scores=Scores("binary", {"error": {0: 0.5}}, {0: "rows"}))),
    ):
        assert shelf._abouts([table[0], changed], "here") == [said[0], f"{changed} here"]
    assert shelf._abouts(table, "there") == [f"{row} there" for row in table]
    assert shelf._abouts(table[:1], "there") == [f"{table[0]} there"]
    assert kept["shelf.abouts"].keys() == {config(0)}
