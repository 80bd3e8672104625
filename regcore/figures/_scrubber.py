"""The slider under a picture that moves through the epochs, and how many pictures it can hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from regcore.figures._style import NEUTRAL, faded
from regcore.landscape import Landscape

KEPT = "kept"
# Of the arrays of one figure. A page sends it whole, and base64 adds a third.
MAX_BYTES = 230_000


def steps_of(landscapes: Iterable[Landscape], bytes_a_step: int) -> tuple[str, ...]:
    """Return what the slider can be set to: epochs, at last "kept".

    Where the pictures of all epochs are too large, fewer of them are shown, the last epoch always.
    """
    landscapes = list(landscapes)
    epochs = sorted({epoch for landscape in landscapes for epoch in landscape.epochs})
    kept = any(landscape.kept is not None for landscape in landscapes)
    n_shown = min(len(epochs), max(1, MAX_BYTES // bytes_a_step - kept))
    # From the last backwards, evenly.
    shown = [str(epochs[-1 - round(at * len(epochs) / n_shown)]) for at in reversed(range(n_shown))]
    return (*shown, KEPT) if kept else tuple(shown)


def predictions_at(landscape: Landscape, step: str) -> Any:
    """Return the predictions at a step: of the last epoch recorded until then; None if there is none."""
    if step == KEPT and landscape.kept is not None:
        return landscape.kept
    reached = [at for at, epoch in enumerate(landscape.epochs) if step == KEPT or epoch <= int(step)]
    return landscape.predictions[reached[-1]] if reached else None


def kept_in_words(landscapes: Sequence[Landscape]) -> str:
    """Return which epochs the networks keep, as "epoch 12" or "epochs 9 to 20"; empty while they grow."""
    epochs = [epoch for landscape in landscapes for epoch in landscape.kept_epochs]
    if not epochs:
        return ""
    low, high = min(epochs), max(epochs)
    return f"epoch {low}" if low == high else f"epochs {low} to {high}"


def shown_step(steps: Sequence[str], epoch: int | None) -> int:
    """Return which step is shown first: what is kept, else the last; or the last one until `epoch`."""
    if epoch is None:
        return max(0, len(steps) - 1)
    until = [at for at, step in enumerate(steps) if step != KEPT and int(step) <= epoch]
    return until[-1] if until else 0


def scrubber(steps: Sequence[str], active: int) -> dict[str, Any]:
    """Return the slider that moves through the frames of these steps, drawn at the figure's foot."""
    options = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    return {
        "active": active,
        "steps": [{"method": "animate", "label": step, "args": [[step], options]} for step in steps],
        "currentvalue": {"prefix": "epoch: ", "xanchor": "left"},
        "x": 0,
        "len": 1,
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 34, "b": 0, "l": 0, "r": 0},
        "ticklen": 4,
        "minorticklen": 0,
        "tickcolor": NEUTRAL,
        "bgcolor": faded(NEUTRAL, 0.35),
        "activebgcolor": NEUTRAL,
        "bordercolor": faded(NEUTRAL, 0.5),
        "borderwidth": 1,
    }


def add_scrubber(
    figure: go.Figure, steps: Sequence[str], active: int, frames: Sequence[Mapping[str, Any]]
) -> None:
    """Add the pictures of all steps, and the slider that moves through them."""
    figure.frames = frames
    figure.update_layout(sliders=[scrubber(steps, active)])
