"""What thinned networks predict all over the input space: single ones, their mean, and the scaled network."""

from __future__ import annotations

from regcore.dropout import draw_masks, keep_probabilities, thinned_outputs, widths
from regcore.errors import ConfigError
from regcore.landscape import Landscape, grid, predictions
from regcore.results import Result

N_MASKS = 64
SCALED = "whole network"


def thinned_landscapes(
    result: Result, seed: int, singles: tuple[int, ...], n_masks: int = N_MASKS
) -> dict[str, Landscape]:
    """Return landscapes by name: of single thinned networks, of the mean of many, and of the whole network.

    Args:
        result: Complete, of a data set that has a landscape.
        seed: Value of the seed column (member 0, restored weights).
        singles: Which thinned networks are shown alone, from 1 to `n_masks`.
        n_masks: How many are averaged.

    Raises:
        ConfigError: if the data set has no landscape, or there is no such thinned network.
    """
    points = grid(result.dataset)
    if points is None:
        raise ConfigError(f"dataset must have one feature or two to be drawn, got {result.dataset.name!r}")
    if not all(1 <= single <= n_masks for single in singles):
        raise ConfigError(f"singles must be from 1 to {n_masks}, got {singles!r}")
    rows, weights, config = result.dataset.rows(seed), result.weights(seed), result.config
    X = (points.X - rows.shift) / rows.scale
    keeps = keep_probabilities(config)
    outputs = thinned_outputs(
        weights, X, config.activation, draw_masks(keeps, widths(weights), n_masks, seed), keeps
    )
    whole = thinned_outputs(weights, X, config.activation, (None,) * len(keeps), keeps)
    # Without dropout there is one network, which is all of them.
    shown = {f"thinned network {at}": outputs[[(at - 1) % len(outputs)]] for at in singles}
    shown |= {f"mean of {len(outputs)}": outputs, SCALED: whole}
    kept = (result.restored_epoch(seed),)
    return {
        name: Landscape(points, seed, (), (), kept, predictions(list(of_name), result.dataset, seed))
        for name, of_name in shown.items()
    }
