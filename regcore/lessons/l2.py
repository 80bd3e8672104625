"""The lessons on L2 and weight decay, and what their page trains."""

from __future__ import annotations

from collections.abc import Iterable

from regcore.config import Config
from regcore.lessons.lesson import BASELINE, THIS_RUN, Effect, Lesson

L2_VALUES = (0.0, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3)
"""What the page sweeps: every value has all the seeds."""

DECOUPLED_VALUES = (0.0, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Nominal strengths of decoupled decay, whose weight_decay is twice as large; so far up, since under Adam it
takes a hundred times more to have the effect of L2."""

# Few rows and wrong labels, as in the Lab; four seeds, since eight values are trained.
_DIGITS = Config(data="digits", label_noise=0.3, epochs=30, seeds=4)
_HELPS = _DIGITS.replace(l2=0.01)

LESSONS = (
    Lesson(
        "L2 where it helps",
        _HELPS,
        "good",
        "Large weights cost more than a wrong label is worth, so most wrong labels are not learnt.",
        "The train error rises to what the wrong labels allow, and validation's falls towards it. The "
        "histogram of the weights becomes a needle.",
        (Effect("error", "lower"), Effect("loss", "lower")),
    ),
    Lesson(
        "Too weak",
        _DIGITS.replace(l2=3e-4),
        "bad",
        "The penalty is there, but wrong labels are still worth its price.",
        "The curves lie close to those of the baseline: a stronger penalty buys far more.",
        (Effect("error", "higher", against=_HELPS),),
    ),
    Lesson(
        "Too strong",
        _DIGITS.replace(l2=0.3),
        "bad",
        "No weight is worth its price any more: all of them go to zero, and every row gets the same answer.",
        "The error is that of guessing, on validation and on train alike: this is no longer overfitting.",
        (Effect("error", "higher"),),
    ),
    Lesson(
        "Decoupled, the same strength",
        _DIGITS.replace(weight_decay=0.02),
        "bad",
        "AdamW with twice the number of l2 0.01, which under plain gradient descent would be the same.",
        "The error stays close to that of the baseline, far above that of L2. Under Adam the two are "
        "different penalties: why, is measured below. Try a hundred times as much.",
        (Effect("error", "higher", against=_HELPS),),
    ),
)  # fmt: skip

# One step an epoch, so that the weights after each step are recorded. Steps of 1 % show within a few.
_STEPS = Config(
    data="digits", n_train=100, n_val=100, label_noise=0.3, batch_size=100, epochs=20, learning_rate=0.01,
    seeds=1,
)  # fmt: skip
STEPS_L2, STEPS_DECAY = 0.5, 1.0
STEPS: dict[str, Config] = {
    "SGD, L2": _STEPS.replace(optimizer="sgd", l2=STEPS_L2),
    "SGD, decoupled": _STEPS.replace(optimizer="sgd", weight_decay=STEPS_DECAY),
    "Adam, decoupled (AdamW)": _STEPS.replace(weight_decay=STEPS_DECAY),
    "Adam, L2": _STEPS.replace(l2=STEPS_L2),
}
"""The same nominal decay of 1 % a step, by optimizer and kind."""

FIRST_STEP_L2 = _STEPS.replace(l2=0.01, epochs=1)
"""Whose first step is held against AdamW's."""

MOONS = Config(data="moons", label_noise=0.2, epochs=60, seeds=1)
"""What boundaries are drawn of: two features."""


def name_of(config: Config) -> str:
    """Return what a value of the sweep is called."""
    if config.weight_decay:
        return f"weight decay = {config.weight_decay:g}"
    return f"l2 = {config.l2:g}" if config.l2 else "off"


def strength_of(config: Config) -> float:
    """Return the nominal strength of a configuration's decay, as an l2: under plain gradient descent a
    weight_decay does what half as much l2 does."""
    return config.l2 + config.weight_decay / 2


def bare(config: Config) -> Config:
    """Return a configuration without L2 and weight decay."""
    return config.replace(l2=0.0, weight_decay=0.0)


def swept(config: Config) -> dict[float, Config]:
    """Return what the page sweeps: l2 -> configuration, whatever else is set."""
    return {l2: bare(config).replace(l2=l2) for l2 in L2_VALUES}


def decoupled(config: Config) -> dict[float, Config]:
    """Return the sweep of decoupled decay: nominal strength -> configuration."""
    return {strength: bare(config).replace(weight_decay=2 * strength) for strength in DECOUPLED_VALUES}


def trained(config: Config) -> dict[str, Config]:
    """Return what the page trains for a configuration, by name: the baseline, every value of the sweep, and
    this run if it is none of them. So moving l2 over the values of the sweep changes nothing."""
    configs = {BASELINE: config.plain()}
    for each in swept(config).values():
        if each not in configs.values():
            configs[name_of(each)] = each
    return configs if config in configs.values() else {**configs, THIS_RUN: config}


def trained_decoupled(config: Config) -> dict[str, Config]:
    """Return what the page trains for the sweep of decoupled decay, by name."""
    return {name_of(each): each for each in decoupled(config).values()}


def twins(l2: float, config: Config) -> tuple[Config, Config, Config]:
    """Return the first epoch under Adam without a penalty, with L2, and with decoupled decay of the same
    nominal strength."""
    plain = config.plain().replace(optimizer="adam", momentum=0.0, epochs=1)
    return plain, plain.replace(l2=l2), plain.replace(weight_decay=2 * l2)


def first_steps() -> tuple[Config, Config, Config]:
    """Return a single step of Adam without a penalty, with L2, and with decoupled decay of the same nominal
    strength."""
    return twins(FIRST_STEP_L2.l2, FIRST_STEP_L2)


def mechanism(config: Config) -> dict[str, Config]:
    """Return what the page's pictures of the mechanism are trained from, by their configurations' keys: first
    epochs, single steps, and boundaries."""
    first_epochs = (each for l2 in L2_VALUES[1:] for each in twins(l2, config))
    return by_key((*first_epochs, *first_steps(), *STEPS.values(), *boundaries().values()))


def boundaries() -> dict[float, Config]:
    """Return what boundaries are drawn of: l2 -> configuration."""
    return {l2: MOONS.replace(l2=l2) for l2 in L2_VALUES}


def by_key(configs: Iterable[Config]) -> dict[str, Config]:
    """Return configurations by their keys, each once."""
    return {config.key(): config for config in configs}
