"""What was measured, as tidy tables: recordings of trainings, and what can be derived from them at once.

Nothing here trains, and nothing here knows TensorFlow. Patience, `min_delta`, whose weights are restored and
the number of members are read off recordings, so changing them costs no training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import early_stopping, scoring
from regcore.config import STOPPING_FIELDS
from regcore.errors import ConfigError, RegcoreError

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from regcore.config import Config
    from regcore.data import Dataset
    from regcore.early_stopping import Replay

Split = Literal["train", "val", "test"]
Array = npt.NDArray[Any]

SPLITS: tuple[Split, ...] = ("train", "val", "test")

HISTORY_COLUMNS: tuple[str, ...] = (
    "objective", "penalty", "weight_norm",
    "train_loss", "train_error", "train_brier",
    "val_loss", "val_error", "val_brier",
    "test_loss", "test_error", "test_brier",
)  # fmt: skip
"""Columns of `Recording.history`, in the order the engine writes them.

Regression: `loss` is the mean squared error of the standardized target, `error` its mean absolute error,
`brier` NaN.
"""


class Weights(NamedTuple):
    """The weights of one network, hidden layers first: kernels [in, out] and biases [out]."""

    kernels: tuple[Array, ...]
    biases: tuple[Array, ...]

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays."""
        return sum(array.nbytes for array in (*self.kernels, *self.biases))


class Moment(NamedTuple):
    """One network after one epoch (1-based)."""

    seed: int
    member: int
    epoch: int


class Snapshot(NamedTuple):
    """What a network was at a moment: its weights, and its outputs [rows, C] on each split.

    Outputs are logits, or standardized predictions, in the order of `dataset.rows(seed)`.
    """

    weights: Weights
    outputs: Mapping[str, Array]


Recall = Callable[[Sequence[Moment]], Mapping[Moment, Snapshot]]
"""Fetches moments that were not recorded, all of them side by side, from the nearest checkpoints."""


@dataclass(frozen=True, eq=False)
class Recording:
    """What the training of one replicate left behind, so far.

    Attributes:
        replicate_key: Key of the replicate that was trained.
        history: float64 [epochs so far, 12], columns `HISTORY_COLUMNS`.
        outputs: split -> float32 [n_recorded, rows, C], logits or standardized predictions.
        output_epochs: int [n_recorded], the 1-based epochs of `outputs`, ascending.
        checkpoints: 1-based epoch -> weights after it.
    """

    replicate_key: str
    history: npt.NDArray[np.float64]
    outputs: Mapping[str, Array] = field(default_factory=dict)
    output_epochs: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    checkpoints: Mapping[int, Weights] = field(default_factory=dict)

    @property
    def n_epochs(self) -> int:
        """Epochs recorded so far."""
        return len(self.history)

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays, for budgets and caches."""
        arrays = (self.history, self.output_epochs, *self.outputs.values())
        return sum(array.nbytes for array in arrays) + sum(kept.nbytes for kept in self.checkpoints.values())

    def outputs_at(self, epoch: int, split: str) -> Array | None:
        """Return the outputs [rows, C] after this 1-based epoch; None if they were not recorded."""
        at = int(np.searchsorted(self.output_epochs, epoch))
        if split not in self.outputs or at == len(self.output_epochs) or self.output_epochs[at] != epoch:
            return None
        array: Array = self.outputs[split][at]
        return array


@dataclass(frozen=True, eq=False)
class Result:
    """One configuration, trained for every seed and member: tables of what was measured.

    A result over recordings of fewer epochs or fewer replicates than the configuration asks for is a partial
    one (training is under way) and holds what is there.

    Attributes:
        config: The experiment.
        dataset: The data it ran on.
        recordings: (seed, member) -> recording.
        recall: Fetches moments that were not recorded; None where only the recording can be read.
    """

    config: Config
    dataset: Dataset
    recordings: Mapping[tuple[int, int], Recording]
    recall: Recall | None = None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The values of the seed column."""
        return tuple(range(self.config.seed, self.config.seed + self.config.seeds))

    @property
    def is_complete(self) -> bool:
        """Whether every epoch of every seed and member has been recorded."""
        return all(
            (seed, member) in self.recordings and self.recordings[seed, member].n_epochs >= self.config.epochs
            for seed in self.seeds
            for member in range(self.config.members)
        )

    @property
    def history(self) -> pd.DataFrame:
        """One row for each seed, member and epoch.

        Columns: seed, member, epoch (1-based), objective (what the optimizer saw, averaged over the epoch),
            penalty,
        train_loss, val_loss (data loss alone, dropout off, end of epoch), train_error, val_error (fractions;
        for regression train_mae, val_mae in y's own units) and weight_norm.
        """
        import pandas as pd  # Half a second to import, and `import regcore` promises to be light.

        parts = [self._history_of(seed, member) for seed, member in self._trained()]
        columns = list(_history_names(self._is_regression))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)

    @property
    def stops(self) -> pd.DataFrame:
        """One row for each seed and member: best_epoch, stopped_epoch (NA: never fired) and restored_epoch.

        `restored_epoch` is the epoch whose weights are kept, whatever `restore_best_weights` says.
        """
        import pandas as pd

        rows = [
            (seed, member, stop.best_epoch, stop.stopped_epoch, stop.restored_epoch)
            for (seed, member), stop in self._stops.items()
        ]
        columns = ["seed", "member", "best_epoch", "stopped_epoch", "restored_epoch"]
        table = pd.DataFrame(rows, columns=columns)
        return table.astype({name: "Int64" if name == "stopped_epoch" else "int64" for name in columns})

    def metrics(self, split: Split) -> pd.DataFrame:
        """Return one row for each seed: loss, error, brier (regression: loss, mae, rmse), members averaged.

        Members are averaged in prediction, each at its own restored epoch. This is the only door to test
        numbers. While training is under way, a seed appears as soon as its numbers are there.

        Args:
            split: "train", "val" or "test".

        Raises:
            ConfigError: if there is no such split.
            RegcoreError: if an ensemble needs outputs that were not recorded, and there is no `recall`.
        """
        import pandas as pd

        _check_split(split, SPLITS)
        names = scoring.metric_names(self.dataset.task)
        if split not in self._scores:
            self._scores[split] = self._score_of_seeds(split)
        rows = [{"seed": seed, **values} for seed, values in self._scores[split].items()]
        return pd.DataFrame(rows, columns=["seed", *names])

    def _score_of_seeds(self, split: Split) -> dict[int, dict[str, float]]:
        if self.config.members == 1:
            return {seed: self._recorded_score(seed, split) for seed, _ in self._stops}
        outputs = self._ensemble_outputs(split)
        return {seed: self._score_of_ensemble(seed, members, split) for seed, members in outputs.items()}

    def _recorded_score(self, seed: int, split: Split) -> dict[str, float]:
        epoch = self._stops[seed, 0].restored_epoch
        loss, error, brier = (
            float(self._column(seed, 0, f"{split}_{name}")[epoch - 1]) for name in ("loss", "error", "brier")
        )
        if self._is_regression:
            y_scale = self._y_scale(seed)
            return {"loss": loss, "mae": error * y_scale, "rmse": math.sqrt(loss) * y_scale}
        return {"loss": loss, "error": error, "brier": brier}

    def _ensemble_outputs(self, split: Split) -> dict[int, list[Array]]:
        """Return the outputs of every member at its restored epoch, by seed, recalled side by side."""
        by_seed = {
            seed: [self._moment(seed, member, None) for member in range(self.config.members)]
            for seed in self.seeds
            if all((seed, member) in self._stops for member in range(self.config.members))
        }
        if not self.is_complete:
            # What was not recorded would have to wait for the training that is under way.
            by_seed = {
                seed: moments
                for seed, moments in by_seed.items()
                if all(self._recorded_outputs(moment, split) is not None for moment in moments)
            }
        outputs = iter(self._outputs([moment for moments in by_seed.values() for moment in moments], split))
        return {seed: [next(outputs) for _ in moments] for seed, moments in by_seed.items()}

    def _score_of_ensemble(self, seed: int, members: Sequence[Array], split: Split) -> dict[str, float]:
        rows = self.dataset.rows(seed)
        y = {"train": rows.y_train, "val": rows.y_val, "test": rows.y_test}[split]
        task = self.dataset.task
        return scoring.score(scoring.mean_prediction(members, task), y, task, self._y_scale(seed))

    def restored_epoch(self, seed: int, member: int = 0) -> int:
        """Return the 1-based epoch whose weights this network keeps.

        Raises:
            ConfigError: if this seed or member is not in the result, or has no epoch yet.
        """
        if (seed, member) not in self._stops:
            raise ConfigError(
                f"(seed, member) must be one of the result's {_listed(self._stops)}, got {(seed, member)}"
            )
        return self._stops[seed, member].restored_epoch

    def outputs(self, seed: int, member: int = 0, epoch: int | None = None, split: Split = "val") -> Array:
        """Return the outputs [rows, C] of one network: logits, or standardized predictions.

        Args:
            seed: Value of the seed column.
            member: Member of the ensemble, from 0.
            epoch: 1-based; None: the restored epoch.
            split: "train" or "val", in the order of `dataset.rows(seed)`. Test is sealed: see `metrics`.

        Raises:
            ConfigError: if there is no such split, seed, member or epoch.
            RegcoreError: if they were not recorded, and there is no `recall`.
        """
        _check_split(split, ("train", "val"))
        return self._outputs([self._moment(seed, member, epoch)], split)[0]

    def weights(self, seed: int, member: int = 0, epoch: int | None = None) -> Weights:
        """Return the weights of one network after this 1-based epoch; None: the restored epoch.

        Raises:
            ConfigError: if there is no such seed, member or epoch.
            RegcoreError: if they were not recorded, and there is no `recall`.
        """
        moment = self._moment(seed, member, epoch)
        kept = self.recordings[seed, member].checkpoints.get(moment.epoch)
        return kept if kept is not None else self._recalled([moment])[moment].weights

    def keras_model(self, seed: int, member: int = 0) -> keras.Sequential:
        """Return a built Keras model with the restored weights, from raw rows to probabilities or y's own
        units.

        Args:
            seed: Value of the seed column.
            member: Member of the ensemble, from 0.
        """
        # The only way from results to TensorFlow, which costs 5 s and 600 MB: whoever asks for a model pays
        # for it.
        from regcore.export.keras_model import keras_model

        return keras_model(self, seed, member)

    def with_stopping(self, **changes: Any) -> Result:
        """Return this result under another stopping rule, without training.

        Args:
            **changes: Any of patience, min_delta, start_from_epoch and restore_best_weights.

        Raises:
            ConfigError: if another field is named, or a value is out of its range.
        """
        for name in changes:
            if name not in STOPPING_FIELDS:
                raise ConfigError(f"with_stopping takes {', '.join(STOPPING_FIELDS)}, got {name!r}")
        return replace(self, config=self.config.replace(**changes))

    def with_members(self, members: int) -> Result:
        """Return the ensemble of the first `members` members, without training.

        Raises:
            ConfigError: if more members are asked for than were trained.
        """
        if not 1 <= members <= self.config.members:
            raise ConfigError(
                f"members must be 1 to {self.config.members}, the members trained, got {members!r}"
            )
        return replace(self, config=self.config.replace(members=members))

    def _moment(self, seed: int, member: int, epoch: int | None) -> Moment:
        restored = self.restored_epoch(seed, member)
        n_epochs = self.recordings[seed, member].n_epochs
        if epoch is not None and not 1 <= epoch <= n_epochs:
            raise ConfigError(f"epoch must be 1 to {n_epochs}, the epochs recorded, got {epoch!r}")
        return Moment(seed, member, restored if epoch is None else epoch)

    def _outputs(self, moments: Sequence[Moment], split: Split) -> list[Array]:
        recorded = [self._recorded_outputs(moment, split) for moment in moments]
        missing = [moment for moment, found in zip(moments, recorded, strict=True) if found is None]
        recalled = self._recalled(missing) if missing else {}
        return [
            found if found is not None else recalled[moment].outputs[split]
            for moment, found in zip(moments, recorded, strict=True)
        ]

    def _recorded_outputs(self, moment: Moment, split: Split) -> Array | None:
        return self.recordings[moment.seed, moment.member].outputs_at(moment.epoch, split)

    def _recalled(self, moments: Sequence[Moment]) -> Mapping[Moment, Snapshot]:
        if self.recall is None:
            raise RegcoreError(
                f"epoch {moments[0].epoch} of seed {moments[0].seed}, member {moments[0].member} was not "
                "recorded, and this result cannot train: run the configuration again."
            )
        return self.recall(moments)

    def _trained(self) -> Iterator[tuple[int, int]]:
        """Yield the (seed, member) of this configuration that have at least one epoch, in order."""
        for seed in self.seeds:
            for member in range(self.config.members):
                recording = self.recordings.get((seed, member))
                if recording is not None and recording.n_epochs:
                    yield seed, member

    def _column(self, seed: int, member: int, name: str) -> npt.NDArray[np.float64]:
        recorded = self.recordings[seed, member].history[: self.config.epochs]
        return recorded[:, HISTORY_COLUMNS.index(name)]

    @property
    def _is_regression(self) -> bool:
        return self.dataset.task == "regression"

    def _y_scale(self, seed: int) -> float:
        return float(self.dataset.rows(seed).y_scale) if self._is_regression else 1.0

    def _history_of(self, seed: int, member: int) -> pd.DataFrame:
        import pandas as pd

        y_scale = self._y_scale(seed)
        columns: dict[str, Any] = {"seed": seed, "member": member}
        columns["epoch"] = np.arange(1, len(self._column(seed, member, "objective")) + 1)
        for name, recorded in zip(_history_names(self._is_regression)[3:], _HISTORY_SHOWN, strict=True):
            unit = y_scale if recorded.endswith("_error") else 1.0
            columns[name] = self._column(seed, member, recorded) * unit
        return pd.DataFrame(columns)

    @cached_property
    def _scores(self) -> dict[Split, dict[int, dict[str, float]]]:
        return {}

    @cached_property
    def _stops(self) -> dict[tuple[int, int], Replay]:
        return {(seed, member): self._stop_of(seed, member) for seed, member in self._trained()}

    def _stop_of(self, seed: int, member: int) -> Replay:
        curve = self._column(seed, member, "val_loss")
        rule = self.config
        stop = early_stopping.replay_quietly(curve, rule.patience, rule.min_delta, rule.start_from_epoch)
        if rule.restore_best_weights:
            return stop
        return stop._replace(restored_epoch=stop.stopped_epoch or len(curve))


_HISTORY_SHOWN = ("objective", "penalty", "train_loss", "val_loss", "train_error", "val_error", "weight_norm")


def _history_names(regression: bool) -> tuple[str, ...]:
    shown = tuple(name.replace("_error", "_mae") if regression else name for name in _HISTORY_SHOWN)
    return ("seed", "member", "epoch", *shown)


def _check_split(split: str, allowed: Sequence[str]) -> None:
    if split not in allowed:
        raise ConfigError(f"split must be one of {', '.join(allowed)}, got {split!r}")


def _listed(pairs: Iterable[tuple[int, int]], n_shown: int = 4) -> str:
    shown = [str(pair) for pair in pairs]
    return ", ".join(shown[:n_shown]) + (f" and {len(shown) - n_shown} more" if len(shown) > n_shown else "")
