"""The lessons of the page on augmentation."""

from __future__ import annotations

from regcore.config import Config
from regcore.lessons.lesson import Effect, Lesson, beside_baseline

# Few rows and wrong labels, which a network learns by heart unless it sees something new each time.
_DIGITS = Config(data="digits", n_train=200, label_noise=0.3, epochs=50)

# The other way to make another digit of one: all labels are right, so that only the transform can hurt.
MIRRORED = _DIGITS.replace(n_train=400, label_noise=0.0, flip=True)

LESSONS = (
    Lesson(
        "Shift by a pixel",
        _DIGITS.replace(shift=1),
        "good",
        "A digit that moved by a pixel is the same digit. In two epochs of five it stands elsewhere, so that "
        "its label, right or wrong, is harder to learn by heart.",
        "The validation loss climbs far less, and fewer of the wrong labels are learnt. Then ask how many "
        "rows that is worth.",
        (Effect("error", "lower"), Effect("loss", "lower")),
    ),
    Lesson(
        "Noise on every pixel",
        _DIGITS.replace(jitter=0.3),
        "good",
        "Jitter knows nothing of images and works on any table. It says: what is near has the same label.",
        "It lowers the error here, where labels are wrong, as the shift does. On a linear model it is ridge: "
        "see below.",
        (Effect("error", "lower"),),
    ),
    Lesson(
        "Blends of two",
        _DIGITS.replace(mixup=1.0),
        "good",
        "Mixup trains on blends of two images and of their labels: a wrong label is never seen pure.",
        "Fewer wrong labels are learnt by heart, and the loss falls, for the network is less sure.",
        (Effect("error", "lower"), Effect("loss", "lower")),
    ),
    Lesson(
        "Upside down",
        MIRRORED.replace(flip=False, rotate=180.0),
        "bad",
        "A 6 that is turned round is a 9, and is still labelled 6. This is wrong for digits; for leaves or "
        "cells seen from above it would be right.",
        "The error rises, though labels are all right here, and not on 6 and 9 alone: half of the digits are "
        "turned, to any angle, and nobody will ask about such. Errors by class show whom it hurts.",
        (Effect("error", "higher"),),
    ),
)  # fmt: skip


def trained(config: Config) -> dict[str, Config]:
    """Return what the page trains for a configuration, by name."""
    return beside_baseline(config)
