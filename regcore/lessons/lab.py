"""The lessons of the Lab."""

from __future__ import annotations

from regcore.config import Config
from regcore.lessons.lesson import Effect, Lesson, beside_baseline

# Few rows and wrong labels: where regularizers show what they can do. On clean digits none of them can.
_DIGITS = Config(data="digits", label_noise=0.3, epochs=50)
_MOONS = Config(data="moons", label_noise=0.2)

LESSONS = (
    Lesson(
        "Dropout",
        _DIGITS.replace(dropout_input=0.2, dropout_hidden=0.5),
        "good",
        "A different half of the units is missing in each update, so no wrong label can be learnt by heart.",
        "The baseline's validation loss turns up after a few epochs; with dropout it stays down, near what "
        "the wrong labels allow.",
        (Effect("error", "lower"),),
    ),
    Lesson(
        "Learns by heart",
        _DIGITS,
        "bad",
        "Three labels in ten are redrawn, and nothing keeps the network from learning the wrong ones too.",
        "The train loss falls to nothing while the validation loss climbs: that is overfitting.",
    ),
    Lesson(
        "Too much dropout",
        _DIGITS.replace(dropout_hidden=0.9),
        "bad",
        "Six of 64 units are left in each update: too few to learn anything.",
        "Train and validation loss stay together, both high: that is underfitting.",
        (Effect("error", "higher"),),
    ),
    Lesson(
        "L2",
        _DIGITS.replace(l2=0.01),
        "good",
        "Large weights cost more than a wrong label is worth.",
        "Under “Loss and penalty” the penalty is a good part of what is minimised; the gap between train and "
        "validation nearly closes.",
        (Effect("error", "lower"),),
    ),
    Lesson(
        "L2, too weak",
        _DIGITS.replace(l2=1e-4),
        "bad",
        "A value one often sees, a hundred times too small here.",
        "The curves lie on those of the baseline, and the verdict is “within seed noise”.",
        (Effect("error", "within seed noise"),),
    ),
    Lesson(
        "L2, too strong",
        _DIGITS.replace(l2=0.1),
        "bad",
        "The penalty outweighs the data: the weights have no room to fit the digits.",
        "The validation loss is below the baseline's, yet more digits are wrong: the table has both.",
        (Effect("error", "higher"), Effect("loss", "lower")),
    ),
    Lesson(
        "Early stopping",
        _DIGITS.replace(patience=10),
        "good",
        "The right labels are learnt first. Keeping the best epoch on the validation rows keeps those.",
        "The star is the epoch kept, the cross the one where patience ran out. Move patience: it is read off "
        "the recording, and nothing trains again.",
        (Effect("error", "lower"),),
    ),
    Lesson(
        "Augmentation",
        _DIGITS.replace(shift=1),
        "good",
        "Half of the images move by a pixel each time they are seen; a digit that moved is the same digit.",
        "The train loss no longer falls to nothing, since no image is seen twice.",
        (Effect("error", "lower"),),
    ),
    Lesson(
        "Ensemble",
        _DIGITS.replace(members=5),
        "good",
        "Five networks learn the same wrong labels, but are wrong about other rows in ways of their own.",
        "It helps less than dropout does here, and costs five times the training. Its curves are those of "
        "single networks, the table has their average.",
        (Effect("error", "lower"),),
    ),
    Lesson(
        "Nothing to gain",
        Config(data="digits", epochs=50, dropout_input=0.1, dropout_hidden=0.2),
        "bad",
        "All labels are right and the digits are easy, so there is little to regularize.",
        "The verdict on the error: seeds differ by more than dropout changes.",
        (Effect("error", "within seed noise"),),
    ),
    Lesson(
        "A smooth boundary",
        _MOONS.replace(l2=0.01),
        "good",
        "60 points, one label in five redrawn: small weights cannot bend around each of them.",
        "The baseline's boundary bends around rows in rings, whose labels are wrong. Move the epoch under "
        "the pictures to see when it does.",
        (Effect("error", "lower"),),
    ),
    Lesson(
        "Dropout on a curve",
        Config(data="sine", dropout_hidden=0.5),
        "bad",
        "Few units and a number to predict: masks add more noise than they take away.",
        "The predictions flatten, and the error is higher on nearly every seed.",
        (Effect("mae", "higher"),),
    ),
)  # fmt: skip


def trained(config: Config) -> dict[str, Config]:
    """Return what the Lab trains for a configuration, by name."""
    return beside_baseline(config)
