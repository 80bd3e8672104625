"""Lessons: settings that are known to be good or bad, why, and what to look for in them.

What a lesson claims was measured on 16 seeds, from 2000 on, that were not used to choose its settings: the
paired 95 % interval of the validation error is on the side that is claimed, or contains 0 where the claim is
that nothing can be told.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from regcore.config import Config

Kind = Literal["good", "bad"]


class Preset(NamedTuple):
    """A lesson.

    Attributes:
        name: What it is chosen by, short.
        config: Its settings.
        kind: Whether they are good ones.
        why: Why they are, in a sentence.
        look_for: Where that shows, in a sentence.
    """

    name: str
    config: Config
    kind: Kind
    why: str
    look_for: str


# Few rows and wrong labels: where regularizers show what they can do. On clean digits none of them can.
_DIGITS = Config(data="digits", label_noise=0.3, epochs=50)
_MOONS = Config(data="moons", label_noise=0.2)

PRESETS = (
    Preset(
        "Dropout",
        _DIGITS.replace(dropout_input=0.2, dropout_hidden=0.5),
        "good",
        "A different half of the units is missing in each update, so no wrong label can be learnt by heart.",
        "The baseline's validation loss turns up after a few epochs; with dropout it stays down, near what "
        "the wrong labels allow.",
    ),
    Preset(
        "Learns by heart",
        _DIGITS,
        "bad",
        "Three labels in ten are redrawn, and nothing keeps the network from learning the wrong ones too.",
        "The train loss falls to nothing while the validation loss climbs: that is overfitting.",
    ),
    Preset(
        "Too much dropout",
        _DIGITS.replace(dropout_hidden=0.9),
        "bad",
        "Six of 64 units are left in each update: too few to learn anything.",
        "Train and validation loss stay together, both high: that is underfitting.",
    ),
    Preset(
        "L2",
        _DIGITS.replace(l2=0.01),
        "good",
        "Large weights cost more than a wrong label is worth.",
        "Under “Loss and penalty” the penalty is a good part of what is minimised; the gap between train and "
        "validation nearly closes.",
    ),
    Preset(
        "L2, too weak",
        _DIGITS.replace(l2=1e-4),
        "bad",
        "A value one often sees, a hundred times too small here.",
        "The curves lie on those of the baseline, and the verdict is “within seed noise”.",
    ),
    Preset(
        "L2, too strong",
        _DIGITS.replace(l2=0.1),
        "bad",
        "The penalty outweighs the data: the weights have no room to fit the digits.",
        "The validation loss is below the baseline's, yet more digits are wrong: the table has both.",
    ),
    Preset(
        "Early stopping",
        _DIGITS.replace(patience=10),
        "good",
        "The right labels are learnt first. Keeping the best epoch on the validation rows keeps those.",
        "The star is the epoch kept, the cross the one where patience ran out. Move patience: it is read off "
        "the recording, and nothing trains again.",
    ),
    Preset(
        "Augmentation",
        _DIGITS.replace(shift=1),
        "good",
        "Half of the images move by a pixel each time they are seen; a digit that moved is the same digit.",
        "The train loss no longer falls to nothing, since no image is seen twice.",
    ),
    Preset(
        "Ensemble",
        _DIGITS.replace(members=5),
        "good",
        "Five networks learn the same wrong labels, but are wrong about other rows in ways of their own.",
        "It helps less than dropout does here, and costs five times the training. Its curves are those of "
        "single networks, the table has their average.",
    ),
    Preset(
        "Nothing to gain",
        Config(data="digits", epochs=50, dropout_input=0.1, dropout_hidden=0.2),
        "bad",
        "All labels are right and the digits are easy, so there is little to regularize.",
        "The verdict on the error: seeds differ by more than dropout changes.",
    ),
    Preset(
        "A smooth boundary",
        _MOONS.replace(l2=0.01),
        "good",
        "60 points, one label in five redrawn: small weights cannot bend around each of them.",
        "The baseline's boundary bends around rows in rings, whose labels are wrong. Move the epoch under "
        "the pictures to see when it does.",
    ),
    Preset(
        "Dropout on a curve",
        Config(data="sine", dropout_hidden=0.5),
        "bad",
        "Few units and a number to predict: masks add more noise than they take away.",
        "The predictions flatten, and the error is higher on every seed.",
    ),
)  # fmt: skip

START = PRESETS[0]


def preset_of(config: Config) -> Preset | None:
    """Return the lesson that has these settings; None if they are nobody's."""
    return next((preset for preset in PRESETS if preset.config == config), None)


def named(name: str) -> Preset:
    """Return the lesson of this name."""
    return next(preset for preset in PRESETS if preset.name == name)
