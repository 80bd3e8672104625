"""What is broken on purpose, to see which check of `regcore.checklist` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from regcore.checklist import MEMORISED, ONE_BATCH, THE_INPUT
from regcore.config import Config

# A layer is dead if its inputs cannot be negative: those of a second relu layer never are.
MIN_LAYERS = 2


@dataclass(frozen=True)
class Fault:
    """Something that keeps a network from learning.

    Attributes:
        name: What it is called, short.
        fields: Fields of `Config` and the values that make it. Widths are those of every hidden layer.
        caught_by: The name of the check that tells it.
        why: What it does to a network, in a sentence.
    """

    name: str
    fields: tuple[tuple[str, Any], ...]
    caught_by: str
    why: str

    def broken(self, config: Config) -> Config:
        """Return a configuration with this fault in it."""
        changes = dict(self.fields)
        if "hidden" in changes:
            changes["hidden"] *= max(1, len(config.hidden))
        if changes.get("initializer") == "negative":
            changes |= {"activation": "relu", "hidden": _deep(config.hidden)}
        return config.replace(**changes)

    def is_in(self, config: Config) -> bool:
        """Return whether a configuration has this fault."""
        return self.broken(config) == config


def _deep(hidden: tuple[int, ...]) -> tuple[int, ...]:
    return (hidden * MIN_LAYERS if len(hidden) < MIN_LAYERS else hidden) or Config().hidden


def _fault(name: str, caught_by: str, why: str, **fields: Any) -> Fault:
    return Fault(name, tuple(fields.items()), caught_by, why)


FAULTS = (
    _fault(
        "Zero initial weights",
        THE_INPUT,
        "All units of a layer are alike and relus of 0 pass no gradient: only the biases of the output move.",
        initializer="zeros",
    ),
    _fault(
        "Step size too small",
        ONE_BATCH,
        "Every update goes the right way, and nowhere.",
        learning_rate=1e-6,
    ),
    _fault(
        "Step size too large",
        ONE_BATCH,
        "Every update jumps over what it was to reach, and the loss is thrown up.",
        learning_rate=1.0,
    ),
    _fault(
        "A dead layer",
        THE_INPUT,
        "All weights into a relu layer are negative, as its inputs never are: it gives 0 for every row and "
        "passes no gradient on. The layers before it are not connected to the loss.",
        initializer="negative",
    ),
    _fault(
        "Two units wide",
        MEMORISED,
        "All that is known of a row has to pass through two numbers.",
        hidden=(2,),
    ),
    _fault(
        "Five epochs",
        MEMORISED,
        "Nothing is wrong with the network, which has only just begun to learn.",
        epochs=5,
    ),
)  # fmt: skip


def fault_of(config: Config) -> Fault | None:
    """Return the first fault that a configuration has; None if it has none."""
    return next((fault for fault in FAULTS if fault.is_in(config)), None)


def repaired(config: Config, healthy: Config) -> Config:
    """Return a configuration without its faults: their fields as in a healthy one."""
    wrong = {field for fault in FAULTS if fault.is_in(config) for field, _ in fault.fields}
    return config.replace(**{field: getattr(healthy, field) for field in wrong})
