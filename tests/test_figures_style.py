"""Colours and symbols that figures share: readable on light and on dark, and different from one another."""

import pytest

from regcore.figures import COLOURS, class_colour, class_symbol
from regcore.figures._style import CLASS_COLOURS, CLASS_SYMBOLS, NEUTRAL, faded

PAPERS = ("#ffffff", "#171614")


def luminance(colour):
    """Return the relative luminance of WCAG 2."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("colour", [*CLASS_COLOURS, NEUTRAL])
def test_rows_of_each_class_pass_aa_on_the_page(colour, paper):
    assert contrast(colour, paper) >= 3


def test_classes_look_like_no_run_and_no_other_class():
    assert len({*COLOURS, *CLASS_COLOURS}) == len(COLOURS) + len(CLASS_COLOURS)
    assert len({*CLASS_SYMBOLS}) == len(CLASS_SYMBOLS) == len(CLASS_COLOURS)


def test_colours_of_many_classes_begin_again():
    assert class_colour(len(CLASS_COLOURS)) == class_colour(0) == CLASS_COLOURS[0]
    assert class_symbol(len(CLASS_SYMBOLS) + 1) == CLASS_SYMBOLS[1]


def test_a_faded_colour_keeps_its_hue():
    assert faded("#0a1014", 0.25) == "rgba(10, 16, 20, 0.25)"
