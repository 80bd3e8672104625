"""The lessons of the page on ablation."""

from __future__ import annotations

from regcore.ablation import configurations
from regcore.config import Config
from regcore.lessons.lesson import Effect, Lesson

# Few rows and wrong labels, where each of the five has something to do.
_DIGITS = Config(
    data="digits", label_noise=0.3, shift=1, l2=1e-3, patience=10, dropout_input=0.2, dropout_hidden=0.5,
    members=3, epochs=50, seeds=4,
)  # fmt: skip

# What `regcore.bench effects` has each alone of, in its first table.
_WIDE = _DIGITS.replace(n_train=400, n_val=400, hidden=(256, 256), learning_rate=1e-3, epochs=120, members=5)

LESSONS = (
    Lesson(
        "All five at once",
        _DIGITS,
        "bad",
        "Augmentation, early stopping and dropout each help alone, and all by the same thing: wrong labels "
        "are not learnt by heart. Once one of them has seen to that, there is little left for the next.",
        "Early stopping alone does as well as all of them, for less than a fifth of the epochs. On top of "
        "the others most do nothing: what helps alone need not help in a set.",
        (Effect("error", "lower"),),
    ),
    Lesson(
        "A wider network",
        _WIDE,
        "good",
        "256 units a layer leave enough when half of them are dropped, and steps of 0.001 and 120 epochs "
        "give variations time to be learnt.",
        "Alone they rank as their errors on clean test rows do: dropout and early stopping far ahead, then "
        "augmentation, then ensemble and L2. This set is larger, so it is trained when you ask.",
        (Effect("error", "lower"),),
    ),
    Lesson(
        "One spoils the set",
        _DIGITS.replace(l2=0.05),
        "bad",
        "This L2 helps alone. With half of the units dropped and images moving, the same L2 leaves the "
        "network no weights to learn with.",
        "L2 to the left of the line alone, far to the right on top of the others: tuned alone is not tuned "
        "for the set.",
        (Effect("error", "higher"),),
    ),
    Lesson(
        "Nothing to gain",
        _DIGITS.replace(label_noise=0.0),
        "bad",
        "Labels are right and digits are easy: no part has much to do, and some are in the way.",
        "No part lowers the error by a point alone, and all together raise it; without dropout they do not.",
        (Effect("error", "higher"),),
    ),
)  # fmt: skip


def trained(config: Config) -> dict[str, Config]:
    """Return what the page trains for a configuration, by name: all that an ablation needs."""
    return configurations(config)
