"""The lessons of the page on ensembles."""

from __future__ import annotations

from regcore.config import Config
from regcore.ensembles import POOL
from regcore.lessons.lesson import BASELINE, THIS_RUN, Effect, Lesson

# A large step and a small batch, so that networks that begin elsewhere end elsewhere, and few rows of which
# some are labelled wrong, so that where they end matters.
_DIGITS = Config(
    data="digits", n_train=200, label_noise=0.3, hidden=(32, 32), learning_rate=0.01, batch_size=16,
    epochs=15, members=5, seeds=5,
)  # fmt: skip

LESSONS = (
    Lesson(
        "Digits, wrong labels",
        _DIGITS,
        "good",
        "Each network learns part of the wrong labels, and is wrong about other rows in a way of its own.",
        "The first networks buy most of the gain. The measured points follow the line with the members' own "
        "correlation down to its floor, and leave σ²/k far below.",
        (Effect("error", "lower"), Effect("loss", "lower"), Effect("brier", "lower")),
    ),
    Lesson(
        "A curve",
        Config(
            data="sine", hidden=(32, 32), learning_rate=0.03, batch_size=5, epochs=100, members=8, seeds=5
        ),
        "good",
        "20 points and a flexible network: each draws its own curve between the points.",
        "Thin lines part where no point holds them, and the thick one runs between them. Where all of them "
        "follow a noisy point, so does their average.",
    ),
    Lesson(
        "Boundaries",
        Config(
            data="moons", label_noise=0.2, hidden=(32, 32), learning_rate=0.03, batch_size=8, epochs=60,
            members=10, seeds=5,
        ),
        "good",
        "Ten networks bend around the same wrong labels; between the rows each goes a way of its own.",
        "The data loss falls, for the average is less sure where networks differ; the error hardly moves, "
        "for they are wrong about the same rows.",
        (Effect("loss", "lower"), Effect("error", "within seed noise")),
    ),
    Lesson(
        "Identical members",
        _DIGITS.replace(member_varies=()),
        "bad",
        "Same first weights, same order, same rows: five times the cost for the same network five times.",
        "ρ is 1, the spread is nothing, and the average of any number is the single network.",
        (Effect("error", "within seed noise"),),
    ),
)  # fmt: skip


def trained(config: Config) -> dict[str, Config]:
    """Return what the page trains for a configuration: a single network, and a pool of members.

    The pool is the same for every ensemble size up to `POOL`, so that moving the size trains nothing.
    """
    return {BASELINE: config.plain(), THIS_RUN: config.replace(members=max(POOL, config.members))}
