"""What Keras would have printed of a recorded training, with `EarlyStopping(verbose=1)` among its callbacks.

Keras's numbers are not those of the curves: its `loss` is a running mean over the epoch with dropout on, and
the L2 penalty is in both its `loss` and its `val_loss`. So it also watches the loss with the penalty.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from regcore.early_stopping import Replay, replay_quietly
from regcore.errors import ConfigError
from regcore.results import HISTORY_COLUMNS

if TYPE_CHECKING:
    from regcore.results import Result


class KerasLog(NamedTuple):
    """One network's training as Keras tells it.

    Attributes:
        lines: What `fit(verbose=2)` prints, times left out, and what the callback and the article's last line
            say.
        n_of_epochs: How many of the lines are of epochs; those that follow say how it ended.
        stop: Where Keras stops, which watches the loss with the penalty.
        lab_stop: Where the lab stops, which watches the data loss alone; the same without L2.
    """

    lines: tuple[str, ...]
    n_of_epochs: int
    stop: Replay
    lab_stop: Replay


def keras_log(result: Result, seed: int, member: int = 0) -> KerasLog:
    """Return what Keras would have printed while it trained one network of a result.

    Args:
        result: What was trained.
        seed: Value of the seed column.
        member: Member of the ensemble, from 0.

    Raises:
        ConfigError: if this seed or member is not in the result, or has no epoch yet.
    """
    recording = result.recordings.get((seed, member))
    if recording is None or not recording.n_epochs:
        raise ConfigError(
            f"(seed, member) must be a network of the result with an epoch, got {(seed, member)}"
        )
    config = result.config
    rule = config.patience, config.min_delta, config.start_from_epoch
    loss, penalty, data_loss = (
        recording.history[:, HISTORY_COLUMNS.index(name)] for name in ("objective", "penalty", "val_loss")
    )
    val_loss = data_loss + penalty
    stop = replay_quietly(val_loss, *rule)
    last = stop.stopped_epoch or len(loss)
    n_steps = math.ceil(result.dataset.n_train / config.batch_size)
    of_epochs = tuple(
        chain.from_iterable(
            epoch_lines(epoch, config.epochs, n_steps, float(loss[epoch - 1]), float(val_loss[epoch - 1]))
            for epoch in range(1, last + 1)
        )
    )
    is_restored = (
        config.restore_best_weights and config.patience is not None and config.start_from_epoch < len(loss)
    )
    kept = stop.restored_epoch if is_restored else None
    lines = (*of_epochs, *ending_lines(stop.stopped_epoch, kept, last))
    return KerasLog(lines, len(of_epochs), stop, replay_quietly(data_loss, *rule))


def epoch_lines(epoch: int, epochs: int, n_steps: int, loss: float, val_loss: float) -> tuple[str, str]:
    """Return the two lines that Keras prints of an epoch with `verbose=2`, without its times."""
    counts = f"{n_steps}/{n_steps}"
    return f"Epoch {epoch}/{epochs}", f"{counts} - loss: {_printed(loss)} - val_loss: {_printed(val_loss)}"


def ending_lines(stopped_epoch: int | None, restored_epoch: int | None, n_epochs: int) -> tuple[str, ...]:
    """Return what is printed at the end.

    Args:
        stopped_epoch: Where patience fired; None: it never did.
        restored_epoch: Whose weights are restored; None: none are.
        n_epochs: Epochs trained.
    """
    lines = [f"Epoch {stopped_epoch}: early stopping"] if stopped_epoch else []
    if restored_epoch is not None:
        lines.append(f"Restoring model weights from the end of the best epoch: {restored_epoch}.")
    return (*lines, f"stopped after {n_epochs} epochs")


def _printed(value: float) -> str:
    # Keras's own threshold and formats (keras.utils.Progbar).
    return f"{value:.4f}" if value > 1e-3 else f"{value:.4e}"
