"""What the units of a network give, layer by layer, where some of them may be out or scaled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from regcore.results import Weights

Floats = npt.NDArray[np.float64]
Factors = Sequence[npt.NDArray[Any] | float | None]
"""Of the input, then of every hidden layer: what its units are multiplied with before the next layer is fed;
broadcast to [..., rows, width]. None: nothing."""


def activations(
    weights: Weights, X: npt.NDArray[Any], activation: str, factors: Factors = ()
) -> tuple[Floats, ...]:
    """Return what every layer gives, in float64: hidden units after their activation, then the outputs.

    Each is [..., rows, width]. Hidden units are given as they are before their own factor.

    Args:
        weights: Of the network.
        X: Rows as the network sees them, scaled, [rows, features].
        activation: Of its hidden units, "relu" or "tanh".
        factors: Masks or scales; empty: the whole network as it is.
    """
    bend = np.tanh if activation == "tanh" else _relu
    hidden = np.asarray(X, dtype=np.float64)
    given = []
    # A network that diverged has weights that overflow here as well; its outputs are NaN.
    with np.errstate(over="ignore", invalid="ignore"):
        for layer, (kernel, bias) in enumerate(zip(weights.kernels, weights.biases, strict=True)):
            factor = factors[layer] if factors else None
            fed = hidden if factor is None else hidden * factor
            hidden = fed @ kernel.astype(np.float64)
            # In place: of thousands of rows, fresh memory takes longer than what is done in it.
            hidden += bias
            if layer < len(weights.kernels) - 1:
                bend(hidden, out=hidden)
            given.append(hidden)
    return tuple(given)


def _relu(z: Floats, out: Floats) -> Floats:
    return np.maximum(z, 0.0, out=out)
