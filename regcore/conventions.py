"""One L2 penalty as different sources write it: the same number means different strengths.

The loss here is the mean over the rows, and `l2` adds l2 * sum(w^2) to it: its gradient is 2 * l2 * w.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, get_args

from regcore.errors import ConfigError

Convention = Literal["keras", "article", "book", "ridge", "decay"]
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)


class Strength(NamedTuple):
    """The strength of one penalty in every convention.

    Attributes:
        keras: `l2` of this lab and of `keras.regularizers.L2`: adds l2 * sum(w^2) to the mean loss.
        article: lambda of the article, loss + lambda * sum(w^2): the same as Keras's.
        book: alpha of Goodfellow, Bengio and Courville, Deep Learning (2016), equation 7.1: adds
            alpha / 2 * sum(w^2).
        ridge: alpha of scikit-learn's `Ridge`, which adds alpha * sum(w^2) to the sum of the squared errors,
            not to their mean.
        decay: weight_decay of AdamW that is the same under plain gradient descent, where each step takes
            learning_rate * weight_decay * w off a weight (Loshchilov and Hutter 2019, proposition 1). Under
            Adam it is not the same.
    """

    keras: float
    article: float
    book: float
    ridge: float
    decay: float


def strength(value: float, convention: Convention, n_train: int) -> Strength:
    """Return one penalty in every convention.

    Args:
        value: Its strength, 0 or more.
        convention: Which attribute of `Strength` the value is.
        n_train: Rows in the mean loss, which scikit-learn's alpha counts with.

    Raises:
        ConfigError: if an argument is out of its range.
    """
    if convention not in CONVENTIONS:
        raise ConfigError(f"convention must be one of {', '.join(CONVENTIONS)}, got {convention!r}")
    if not _is_number(value) or not 0 <= value < math.inf:
        raise ConfigError(f"value must be 0 or more and finite, got {value!r}")
    if not _is_number(n_train) or not 1 <= n_train < math.inf:
        raise ConfigError(f"n_train must be 1 or more rows, got {n_train!r}")
    per_l2 = {"keras": 1.0, "article": 1.0, "book": 2.0, "ridge": float(n_train), "decay": 2.0}
    return Strength(**{name: value * factor / per_l2[convention] for name, factor in per_l2.items()})


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
