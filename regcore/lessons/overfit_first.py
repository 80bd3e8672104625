"""The lessons of the page on overfitting first, and a healthy network for each data set of classes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from regcore.checklist import experiments
from regcore.config import Config
from regcore.data import DATASET_INFO
from regcore.faults import FAULTS, repaired
from regcore.lessons.lesson import BASELINE, THIS_RUN, Effect, Lesson

# In the plane a label that means nothing has others close around it: fewer rows, more layers and epochs.
_PLANE = Config(hidden=(128,) * 4, learning_rate=2e-3, n_train=40, batch_size=40, epochs=800, seeds=4)
# Of a few features that go together the first outputs are large, and the first loss far from ln C, unless the
# first weights are small.
_TABLE = Config(hidden=(128, 128), initializer="glorot_uniform", batch_size=50, epochs=300, seeds=4)
_IMAGES = Config(n_train=200, epochs=100, seeds=4)
# Arms that wind take more rows to be seen, and more validation rows to be told from a guess.
_SPIRALS = _PLANE.replace(
    data="spirals", learning_rate=1e-3, n_train=50, n_val=300, batch_size=50, epochs=2000
)


def _healthy(data: str) -> Config:
    info = DATASET_INFO[data]
    if data == "spirals":
        return _SPIRALS
    if info.image_shape is not None:
        return _IMAGES.replace(data=data)
    return (_PLANE if info.n_features == 2 else _TABLE).replace(data=data)


HEALTHY: Mapping[str, Config] = MappingProxyType(
    {data: _healthy(data) for data, info in DATASET_INFO.items() if info.task != "regression"}
)
"""A network that passes every check, by data set; the bench holds it to that."""

_DIGITS = HEALTHY["digits"]
_FAULTS = {fault.name: fault for fault in FAULTS}


def _broken(name: str, look_for: str) -> Lesson:
    fault = _FAULTS[name]
    return Lesson(
        name, fault.broken(_DIGITS), "bad", fault.why, look_for, (Effect("error", "higher", _DIGITS),)
    )


LESSONS = (
    Lesson(
        "Healthy digits",
        _DIGITS,
        "good",
        "Nothing keeps this network from learning 200 digits by heart: so there is something to regularize.",
        "Every check passes. Labels that mean nothing are learnt as well as right ones, only later.",
    ),
    _broken(
        "Two units wide",
        "The network learns something, but neither 200 digits nor one batch of 16 by heart. At eight widths, "
        "further down, you see where it begins to.",
    ),
    _broken(
        "Step size too small",
        "The loss begins where it should, near ln C, and stays there: not even one batch is learnt.",
    ),
    Lesson(
        "Shuffled labels",
        _DIGITS.replace(label_noise=1.0),
        "bad",
        "As if a coding error had brought rows and labels out of step. The train loss cannot tell: it falls "
        "to nothing all the same.",
        "The training set is memorised, and yet the input does not matter: on the validation rows it "
        "guesses.",
        (Effect("error", "higher", _DIGITS),),
    ),
)  # fmt: skip


def sides(config: Config) -> dict[str, Config]:
    """Return what the checklist is gone through for: the repaired network first, where one is broken."""
    plain = config.plain()
    healthy = repaired(plain, HEALTHY[config.data]) if config.data in HEALTHY else plain
    return {BASELINE: plain} if healthy == plain else {BASELINE: healthy, THIS_RUN: plain}


def trained(config: Config) -> dict[str, Config]:
    """Return what the page trains for a configuration: all experiments of each side, as "side, experiment".

    Raises:
        ConfigError: the data has no classes.
    """
    return {
        f"{side}, {name}": each
        for side, of_side in sides(config).items()
        for name, each in experiments(of_side).items()
    }
