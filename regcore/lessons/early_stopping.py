"""What the page about early stopping teaches, and what it trains."""

from __future__ import annotations

from regcore.config import Config
from regcore.lessons.lesson import BASELINE, THIS_RUN, Effect, Lesson
from regcore.spectral_filters import matching_l2

# Few rows and wrong labels: the validation loss turns up long before the last epoch.
_DIGITS = Config(data="digits", label_noise=0.3, epochs=50)
_BUMPY = _DIGITS.replace(dropout_input=0.2, dropout_hidden=0.5, epochs=100)
# The article leaves the step size to Keras, whose Adam takes steps of 0.001.
_ARTICLE = Config(data="article_binary", hidden=(10,), learning_rate=0.01, epochs=100)

ARTICLE = "The article's example"


def _without(config: Config) -> Config:
    """Return the same training, of which the last epoch is kept."""
    return config.replace(patience=None, min_delta=0.0, start_from_epoch=0, restore_best_weights=True)


LESSONS = (
    Lesson(
        "Patience of ten",
        _DIGITS.replace(patience=10),
        "good",
        "The right labels are learned first. The epoch with the lowest validation loss keeps those, and not "
        "the wrong ones that are learned by heart after it.",
        "In each lane the curve turns up after its star. The cross is ten epochs later; what comes after it "
        "need not be trained.",
        (Effect("error", "lower"), Effect("loss", "lower")),
    ),
    Lesson(
        "Stops at the first bump",
        _BUMPY.replace(patience=1),
        "bad",
        "With dropout the network learns slowly, and its validation loss falls by fits and starts. One epoch "
        "without an improvement says nothing.",
        "The crosses stand where the curves still fall. In the map of patience the loss kept goes down for "
        "some ten epochs more.",
        (
            Effect("error", "higher", _BUMPY),
            Effect("loss", "higher", _BUMPY),
            Effect("loss", "higher", _BUMPY.replace(patience=10)),
        ),
    ),
    Lesson(
        "Stops, restores nothing",
        _DIGITS.replace(patience=20, restore_best_weights=False),
        "bad",
        "Keras restores nothing unless it is told to: what is kept are the weights of the epoch in which "
        "patience ran out, twenty epochs after the best one.",
        "The rings, which say what is kept, have left the stars: each epoch of patience costs loss.",
        (
            Effect("loss", "higher", _DIGITS.replace(patience=20)),
            Effect("error", "higher", _DIGITS.replace(patience=20)),
        ),
    ),
    Lesson(
        ARTICLE,
        _ARTICLE.replace(patience=3),
        "good",
        "Five features, ten hidden units, patience of three, up to 100 epochs. With steps of 0.01 it has "
        "learned what there is, and waited three more, after 20 to 30 of them on average.",
        "Its log, as Keras prints it, ends in “stopped after N epochs”. N is not the same on all seeds.",
        (Effect("loss", "lower"),),
    ),
)

# Labels that mean nothing: every network is wrong on nine validation rows in ten, but for luck.
RANDOM_LABELS = Config(data="digits", label_noise=1.0, epochs=50)

STEPS = (2, 5, 10, 20, 50, 100, 200, 400)
"""Steps after which the linear model is stopped: powers of two and more, all read off one training."""

# Ten features that go with one another, so that some directions hardly vary.
LINEAR = Config(
    data="diabetes", hidden=(), initializer="zeros", optimizer="sgd", learning_rate=0.1, batch_size=8192,
    epochs=STEPS[-1], seeds=4,
)  # fmt: skip
# Where it ends does not depend on the way, so it may go faster.
_CONVERGED = LINEAR.replace(momentum=0.9, epochs=600)
STOPPED = "stopped early"


def trained(config: Config) -> dict[str, Config]:
    """Return what the page trains: the training to its last epoch, and the same one with early stopping.

    Both are read off one recording.
    """
    baseline = _without(config)
    return {BASELINE: baseline} if config == baseline else {BASELINE: baseline, THIS_RUN: config}


def linear_runs() -> dict[str, Config]:
    """Return the linear model that is stopped, and one for each L2 that matches one of `STEPS`."""
    ridges = {ridge_name(steps): _CONVERGED.replace(l2=l2_of(steps)) for steps in STEPS}
    return {STOPPED: LINEAR, **ridges}


def l2_of(steps: int) -> float:
    """Return the L2 that shrinks as stopping after so many steps does."""
    return matching_l2(LINEAR.learning_rate, steps)


def ridge_name(steps: int) -> str:
    """Return the name of the run with the L2 that matches so many steps."""
    return f"L2 matching {steps} steps"
