"""The lessons about dropout."""

from __future__ import annotations

from regcore.config import Config
from regcore.lessons.lesson import Effect, Lesson, beside_baseline

# Few rows and wrong labels: where dropout shows what it can do. On clean digits it cannot.
_DIGITS = Config(data="digits", label_noise=0.3, epochs=50)
# 32-128-64-1: 32 features, and a target that has nothing to do with them.
ARTICLE = Config(
    data="article_regression", hidden=(128, 64), dropout_input=0.2, dropout_hidden=0.4, learning_rate=1e-3,
    epochs=20,
)  # fmt: skip

TOO_MUCH, ON_A_CURVE = "Too much", "On a curve"

LESSONS = (
    Lesson(
        "Dropout",
        _DIGITS.replace(dropout_input=0.2, dropout_hidden=0.5),
        "good",
        "A fifth of the pixels and half of the units are missing in each update, so no wrong label can be "
        "learnt by heart.",
        "The baseline's validation loss turns up after a few epochs; with dropout it stays down. Under “As "
        "trained” the loss that Keras prints stays far above the train loss.",
        (Effect("error", "lower"), Effect("loss", "lower")),
    ),
    Lesson(
        "The article's rates",
        _DIGITS.replace(dropout_input=0.2, dropout_hidden=0.4),
        "good",
        "The article keeps 0.8 of the inputs and 0.6 of the hidden units: rates of 0.2 and 0.4.",
        "The same verdict as with the first experiment's rates: a little less dropout does it too.",
        (Effect("error", "lower"), Effect("loss", "lower")),
    ),
    Lesson(
        "The article's network",
        ARTICLE,
        "good",
        "32-128-64-1, 0.8 and 0.6 kept, and 1,000 rows whose target has nothing to do with the features: the "
        "mean is the best answer, and its loss is 1.",
        "The baseline learns its rows by heart, and its validation loss rises well above 1. With dropout it "
        "stays near 1, and so does the train loss: nothing was there to be learnt.",
        (Effect("mae", "lower"), Effect("loss", "lower")),
    ),
    Lesson(
        TOO_MUCH,
        _DIGITS.replace(dropout_hidden=0.9),
        "bad",
        "Six of 64 units are left in each update: too few to learn more than a little.",
        "Train and validation loss stay together near ln 10 = 2.3, that of a guess. The baseline's loss is "
        "no lower, since it is sure of its mistakes; the error tells them apart.",
        (Effect("error", "higher"),),
    ),
    Lesson(
        ON_A_CURVE,
        Config(data="sine", dropout_hidden=0.5),
        "bad",
        "20 points and a number to predict: masks add more noise than they take away.",
        "The error is higher than the baseline's on every seed, and so is the train loss: it underfits.",
        (Effect("mae", "higher"), Effect("loss", "higher")),
    ),
)

# The article's rates on a network that can be drawn, and whose 2^15 thinned networks can be gone through.
SMALL = Config(
    data="iris", hidden=(6, 5), dropout_input=0.2, dropout_hidden=0.4, batch_size=4, epochs=40, seeds=1
)
SMALL_SGD = SMALL.replace(optimizer="sgd", learning_rate=0.05)
# The article's own network, on so few rows that an epoch of single ones can be stepped through.
ARTICLE_STEPS = ARTICLE.replace(n_train=32, n_val=32, epochs=32, seeds=1)
ARTICLE_STEPS_SGD = ARTICLE_STEPS.replace(optimizer="sgd", learning_rate=0.002)


def trained(config: Config) -> dict[str, Config]:
    """Return what the page trains: the baseline, and this run if it is another one."""
    return beside_baseline(config)
