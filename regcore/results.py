"""What was measured, as tidy tables: recordings of trainings, and what can be derived from them at once.

Nothing here trains, and nothing here knows TensorFlow. Patience, `min_delta`, whose weights are restored and
the number of members are read off recordings, so changing them costs no training.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import early_stopping, scoring, statistics
from regcore.config import AUGMENTATION_FIELDS, DROPOUT_FIELDS, STOPPING_FIELDS, field_help
from regcore.data.checks import check_fits
from regcore.errors import ConfigError, RegcoreError

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from regcore.config import Config
    from regcore.data import Dataset
    from regcore.early_stopping import Replay
    from regcore.statistics import MeanInterval

Split = Literal["train", "val", "test"]
Array = npt.NDArray[Any]

SPLITS: tuple[Split, ...] = ("train", "val", "test")

HISTORY_COLUMNS: tuple[str, ...] = (
    "objective", "penalty", "weight_norm",
    "train_loss", "train_error", "train_brier",
    "val_loss", "val_error", "val_brier",
    "test_loss", "test_error", "test_brier",
)  # fmt: skip
"""What the engine writes of each epoch, in this order; `Recording.history` shows all but those of the test.

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


N_OPEN_COLUMNS = len(HISTORY_COLUMNS) - 3
"""Columns of `HISTORY_COLUMNS` that anybody may see: the last three are of the test."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a network was at a moment: its weights, and its outputs [rows, C] for train and validation rows.

    Outputs are logits, or standardized predictions, in the order of `dataset.rows(seed)`. Those for the test
    rows are taken in and sealed: `Result.metrics` alone reads them.
    """

    weights: Weights
    outputs: Mapping[str, Array]
    _sealed: Array | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        _seal(self, *_open_and_sealed(self.outputs))

    def _of_split(self, split: Split) -> Array:
        found: Mapping[str, Any] = {**self.outputs, "test": self._sealed}
        return np.asarray(found[split])


def _open_and_sealed(outputs: Mapping[str, Array]) -> tuple[dict[str, Array], Array | None]:
    return {split: array for split, array in outputs.items() if split != "test"}, outputs.get("test")


def _seal(value: Any, outputs: Mapping[str, Array], sealed: Array | None) -> None:
    # The one moment in which a frozen value is changed: before anybody has seen it.
    object.__setattr__(value, "outputs", outputs)
    object.__setattr__(value, "_sealed", sealed)


Recall = Callable[[Sequence[Moment]], Mapping[Moment, Snapshot]]
"""Fetches moments that were not recorded, all of them side by side, from the nearest checkpoints."""


@dataclass(frozen=True, eq=False, repr=False)
class Recording:
    """What the training of one replicate left behind, so far.

    What it takes in of the test is sealed: `Result.metrics` alone reads it.

    Attributes:
        replicate_key: Key of the replicate that was trained.
        history: float64 [epochs so far, 9], the first columns of `HISTORY_COLUMNS`; made from all 12, or from
            these alone.
        outputs: "train" and "val" -> float32 [n_recorded, rows, C], logits or standardized predictions.
        output_epochs: int [n_recorded], the 1-based epochs of `outputs`, ascending.
        checkpoints: 1-based epoch -> weights after it.
    """

    replicate_key: str
    history: npt.NDArray[np.float64]
    outputs: Mapping[str, Array] = field(default_factory=dict)
    output_epochs: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    checkpoints: Mapping[int, Weights] = field(default_factory=dict)
    _sealed: Array | None = field(init=False, default=None)
    _sealed_history: Array = field(init=False)

    def __post_init__(self) -> None:
        _seal(self, *_open_and_sealed(self.outputs))
        object.__setattr__(self, "_sealed_history", self.history[:, N_OPEN_COLUMNS:])
        object.__setattr__(self, "history", self.history[:, :N_OPEN_COLUMNS])

    def __repr__(self) -> str:
        kept = f"outputs of {len(self.output_epochs)} epochs, weights of {len(self.checkpoints)}"
        return f"Recording({self.n_epochs} epochs, {kept}, {self.nbytes / 1e6:.1f} MB)"

    @property
    def n_epochs(self) -> int:
        """Epochs recorded so far."""
        return len(self.history)

    @cached_property
    def content_key(self) -> str:
        """Equal exactly where the same was recorded, bit by bit, and as much of it is there."""
        digest = hashlib.sha256(
            repr((self.replicate_key, self.history.shape, sorted(self.checkpoints))).encode()
        )
        for array in (self.history, self._sealed_history, self.output_epochs):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays, for budgets and caches."""
        arrays = [self.history, self._sealed_history, self.output_epochs, *self.outputs.values()]
        arrays += [self._sealed] if self._sealed is not None else []
        return sum(array.nbytes for array in arrays) + sum(kept.nbytes for kept in self.checkpoints.values())

    def curves_alone(self) -> Recording:
        """Return the history, without the outputs and weights."""
        return Recording(self.replicate_key, np.hstack([self.history, self._sealed_history]))

    def snapshot(self, epoch: int) -> Snapshot:
        """Return what the network was after this 1-based epoch, one of `checkpoints`."""
        found = {split: self._outputs_at(epoch, split) for split in SPLITS}
        outputs: dict[str, Array] = {split: array for split, array in found.items() if array is not None}
        return Snapshot(self.checkpoints[epoch], outputs)

    def _outputs_at(self, epoch: int, split: Split) -> Array | None:
        """Return the outputs [rows, C] after this 1-based epoch; None if they were not recorded."""
        recorded = self._sealed if split == "test" else self.outputs.get(split)
        at = int(np.searchsorted(self.output_epochs, epoch))
        if recorded is None or at == len(self.output_epochs) or self.output_epochs[at] != epoch:
            return None
        array: Array = recorded[at]
        return array

    def _column(self, name: str) -> Array:
        at = HISTORY_COLUMNS.index(name)
        if at < N_OPEN_COLUMNS:
            return self.history[:, at]
        column: Array = self._sealed_history[:, at - N_OPEN_COLUMNS]
        return column


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """One configuration, trained for every seed and member: tables of what was measured.

    A result over recordings of fewer epochs or fewer replicates than the configuration asks for is a partial
    one (training is under way) and holds what is there.

    Attributes:
        config: The experiment.
        dataset: The data it ran on.
        recordings: (seed, member) -> recording.
        recall: Fetches moments that were not recorded; None where only the recording can be read, as after
            pickling.
    """

    config: Config
    dataset: Dataset
    recordings: Mapping[tuple[int, int], Recording]
    recall: Recall | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Recall leads to the scheduler of this process, its threads and its workers.
        return {**self.__dict__, "recall": None}

    def __repr__(self) -> str:
        networks = f"{self.config.seeds} seeds x {self.config.members} members, {self.config.epochs} epochs"
        return f"Result({self.dataset.name!r}, {networks}{'' if self.is_complete else ', not complete'})"

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
    def content_key(self) -> str:
        """Equal exactly where results of one configuration and data set hold the same, bit by bit.

        It is another one once outputs and weights were let go, in the same recordings.
        """
        recorded = [(at, self.recordings[at].content_key) for at in sorted(self.recordings)]
        return hashlib.sha256(repr(recorded).encode()).hexdigest()

    @property
    def history(self) -> pd.DataFrame:
        """One row for each seed, member and epoch.

        The columns are seed, member, epoch (1-based), objective (what the optimizer saw, averaged over the
        epoch), penalty, train_loss, val_loss (data loss alone, dropout off, end of epoch), train_error,
        val_error (fractions; for regression train_mae, val_mae in y's own units) and weight_norm.
        """
        import pandas as pd  # Half a second to import, and `import regcore` promises to be light.

        return pd.DataFrame(self.history_columns)

    @property
    def history_columns(self) -> dict[str, Array]:
        """The columns of `history`, of which figures are drawn without the table."""
        trained = list(self._trained())
        histories = [self.recordings[pair].history for pair in trained]
        lengths = [len(history) for history in histories]
        columns: dict[str, Array] = {
            "seed": np.repeat(np.array([seed for seed, _ in trained], dtype=np.int64), lengths),
            "member": np.repeat(np.array([member for _, member in trained], dtype=np.int64), lengths),
            "epoch": np.concatenate([_NO_EPOCHS, *(np.arange(1, length + 1) for length in lengths)]),
        }
        recorded = np.concatenate([np.empty((0, N_OPEN_COLUMNS)), *histories])
        y_scale = np.repeat([self._y_scale(seed) for seed, _ in trained], lengths)
        for name in _HISTORY_SHOWN:
            values = recorded[:, HISTORY_COLUMNS.index(name)]
            shown = name.replace("_error", "_mae") if self._is_regression else name
            columns[shown] = values * y_scale if name.endswith("_error") else values
        return columns

    @property
    def stops(self) -> pd.DataFrame:
        """One row for each seed and member: best_epoch, stopped_epoch (NA: never fired) and restored_epoch.

        `restored_epoch` is the epoch whose weights are kept, whatever `restore_best_weights` says.
        """
        import pandas as pd

        # Column by column: from rows pandas takes ten times as long.
        columns = self.stop_columns.items()
        return pd.DataFrame(
            {
                name: (_whole_or_missing if name == "stopped_epoch" else _whole)(values)
                for name, values in columns
            }
        )

    @property
    def stop_columns(self) -> dict[str, list[Any]]:
        """The columns of `stops`, without the table; None where patience never fired."""
        stops = self._stops.values()
        return {
            "seed": [seed for seed, _ in self._stops],
            "member": [member for _, member in self._stops],
            "best_epoch": [stop.best_epoch for stop in stops],
            "stopped_epoch": [stop.stopped_epoch for stop in stops],
            "restored_epoch": [stop.restored_epoch for stop in stops],
        }

    @property
    def has_stopped(self) -> bool:
        """Whether patience fired for any network."""
        return any(stop.stopped_epoch is not None for stop in self._stops.values())

    @property
    def diverged(self) -> tuple[tuple[int, int], ...]:
        """The (seed, member) whose training or validation loss was not finite in some epoch.

        What is recorded after early stopping has stopped is not looked at.
        """
        # Of no validation rows the loss is NaN, and no sign of anything.
        losses = ("train_loss", "val_loss") if self.dataset.n_val else ("train_loss",)
        return tuple(
            (seed, member)
            for (seed, member), stop in self._stops.items()
            if not all(
                np.isfinite(self._column(seed, member, name)[: stop.stopped_epoch]).all() for name in losses
            )
        )

    def metrics(self, split: Split) -> pd.DataFrame:
        """Return one row for each seed: loss, error, brier (regression: loss, mae, rmse), members averaged.

        Members are averaged in prediction, each at its own restored epoch. This is the only door to test
        numbers. While training is under way, a seed appears as soon as its numbers are there.

        Args:
            split: "train", "val" or "test".

        Raises:
            ConfigError: if there is no such split, or the data set has no rows of it.
            RegcoreError: if an ensemble needs outputs that were not recorded, and there is no `recall`.
        """
        import pandas as pd

        rows = [{"seed": seed, **values} for seed, values in self._scored(split).items()]
        return pd.DataFrame(rows, columns=["seed", *scoring.metric_names(self.dataset.task)])

    def val_scores(self) -> Mapping[int, Mapping[str, float]]:
        """Return what `metrics("val")` does, seed -> metric -> value, without the table.

        Raises:
            ConfigError: as `metrics` does.
            RegcoreError: as `metrics` does.
        """
        return self._scored("val")

    def _scored(self, split: Split) -> Mapping[int, Mapping[str, float]]:
        """Return what `metrics` does, seed -> metric -> value, of which no table has to be made."""
        _check_split(split, SPLITS)
        if not {"train": 1, "val": self.dataset.n_val, "test": len(self.dataset.test_rows)}[split]:
            raise ConfigError(f"split must be one that {self.dataset.name} has rows of, got {split!r}")
        if split not in self._scores:
            self._scores[split] = self._score_of_seeds(split)
        return self._scores[split]

    def _score_of_seeds(self, split: Split) -> dict[int, dict[str, float]]:
        if self.config.members == 1:
            return {seed: self._recorded_score(seed, split) for seed, _ in self._stops}
        outputs = self._ensemble_outputs(split)
        return {seed: self._score_of_ensemble(seed, members, split) for seed, members in outputs.items()}

    def _recorded_score(self, seed: int, split: Split) -> dict[str, float]:
        at = self._stops[seed, 0].restored_epoch - 1
        loss, error, brier = (
            float(self._column(seed, 0, f"{split}_{name}")[at]) for name in ("loss", "error", "brier")
        )
        if self._is_regression:
            y_scale = self._y_scale(seed)
            return {"loss": loss, "mae": error * y_scale, "rmse": math.sqrt(loss) * y_scale}
        if math.isnan(loss):
            # Of outputs that are NaN, comparing classes still makes an error, which means nothing.
            return {"loss": loss, "error": math.nan, "brier": math.nan}
        # The engine's float32 fraction as the exact one, so that equal errors tie with those of ensembles.
        n_rows = len(self._targets(seed, split))
        return {"loss": loss, "error": round(error * n_rows) / n_rows, "brier": brier}

    def _targets(self, seed: int, split: Split) -> Array:
        rows = self.dataset.rows(seed)
        return {"train": rows.y_train, "val": rows.y_val, "test": rows.y_test}[split]

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
        task = self.dataset.task
        outputs = scoring.mean_prediction(members, task)
        return scoring.score(outputs, self._targets(seed, split), task, self._y_scale(seed))

    def restored_epoch(self, seed: int, member: int = 0) -> int:
        """Return the 1-based epoch whose weights this network keeps.

        Raises:
            ConfigError: if this seed or member is not in the result, or has no epoch yet.
        """
        return self._stop(seed, member).restored_epoch

    def stopped_epoch(self, seed: int, member: int = 0) -> int | None:
        """Return the 1-based epoch in which patience fired for this network; None if it never did.

        Raises:
            ConfigError: as `restored_epoch` does.
        """
        return self._stop(seed, member).stopped_epoch

    def _stop(self, seed: int, member: int) -> Replay:
        found = self._stops.get((seed, member))
        if found is None:
            raise ConfigError(
                f"(seed, member) must be one of the result's {_listed(self._stops)}, got {(seed, member)}"
            )
        return found

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
        """Return a built Keras model with the restored weights.

        It takes raw rows, and gives probabilities or values in y's own units.

        Args:
            seed: Value of the seed column.
            member: Member of the ensemble, from 0.
        """
        # Exports stand above results, and this one loads TensorFlow (5 s, 600 MB) when it builds the model.
        from regcore.export.keras_model import keras_model

        return keras_model(self, seed, member)

    def with_stopping(self, **changes: Any) -> Result:
        """Return this result under another stopping rule, without training.

        Args:
            **changes: Any of patience, min_delta, start_from_epoch and restore_best_weights.

        Raises:
            ConfigError: if another field is named, a value is out of its range, or the data set has no
                validation rows to stop by.
        """
        for name in changes:
            if name not in STOPPING_FIELDS:
                raise ConfigError(f"with_stopping takes {', '.join(STOPPING_FIELDS)}, got {name!r}")
        config = self.config.replace(**changes)
        check_fits(config, self.dataset)
        return replace(self, config=config)

    def without_stopping(self) -> Result:
        """Return this result as if nothing had been stopped: of all stopping rules the same."""
        return self._unstopped or self

    @cached_property
    def _unstopped(self) -> Result | None:
        """Return this result under no stopping rule; None if it has none, for nothing holds itself."""
        rule = {name: field_help(name).default for name in STOPPING_FIELDS}
        if all(getattr(self.config, name) == default for name, default in rule.items()):
            return None
        return replace(self, config=self.config.replace(**rule))

    def with_members(self, members: int) -> Result:
        """Return the ensemble of the first `members` members, without training.

        Raises:
            ConfigError: if more members are asked for than were trained.
        """
        config = self.config.replace(members=members)
        if members > self.config.members:
            raise ConfigError(
                f"members must be 1 to {self.config.members}, the members trained, got {members!r}"
            )
        return replace(self, config=config)

    def _moment(self, seed: int, member: int, epoch: int | None) -> Moment:
        restored = self.restored_epoch(seed, member)
        n_epochs = self.recordings[seed, member].n_epochs
        if epoch is not None and not (_is_whole(epoch) and 1 <= epoch <= n_epochs):
            raise ConfigError(f"epoch must be 1 to {n_epochs}, the epochs recorded, got {epoch!r}")
        return Moment(seed, member, restored if epoch is None else int(epoch))

    def _outputs(self, moments: Sequence[Moment], split: Split) -> list[Array]:
        recorded = [self._recorded_outputs(moment, split) for moment in moments]
        missing = [moment for moment, found in zip(moments, recorded, strict=True) if found is None]
        recalled = self._recalled(missing) if missing else {}
        return [
            found if found is not None else recalled[moment]._of_split(split)
            for moment, found in zip(moments, recorded, strict=True)
        ]

    def _recorded_outputs(self, moment: Moment, split: Split) -> Array | None:
        return self.recordings[moment.seed, moment.member]._outputs_at(moment.epoch, split)

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
        return self.recordings[seed, member]._column(name)

    @property
    def _is_regression(self) -> bool:
        return self.dataset.task == "regression"

    def _y_scale(self, seed: int) -> float:
        return float(self.dataset.rows(seed).y_scale) if self._is_regression else 1.0

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
_NO_EPOCHS = np.empty(0, dtype=np.int64)


def _whole(values: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def _whole_or_missing(values: Sequence[int | None]) -> Any:
    """Return a column of whole numbers, NA where there is none."""
    import pandas as pd

    is_missing = np.array([value is None for value in values], dtype=np.bool_)
    return pd.arrays.IntegerArray(_whole([value or 0 for value in values]), is_missing)


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _check_split(split: str, allowed: Sequence[str]) -> None:
    if split not in allowed:
        raise ConfigError(f"split must be one of {', '.join(allowed)}, got {split!r}")


def _listed(pairs: Iterable[tuple[int, int]], n_shown: int = 4) -> str:
    shown = [str(pair) for pair in pairs]
    return ", ".join(shown[:n_shown]) + (f" and {len(shown) - n_shown} more" if len(shown) > n_shown else "")


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Several configurations over the same seeds; the first is the baseline the others are held against.

    Attributes:
        results: Name -> result.
    """

    results: Mapping[str, Result]

    def __post_init__(self) -> None:
        if not self.results:
            raise ConfigError("results must hold at least one result, got none")
        (baseline_name, baseline), *others = self.results.items()
        for name, result in others:
            if result.seeds != baseline.seeds:
                raise ConfigError(
                    f"compared results must share their seeds, got {_span(baseline)} for {baseline_name!r} "
                    f"and {_span(result)} for {name!r}: set seed and seeds alike."
                )
        _check_tasks(self.results.items())

    def __repr__(self) -> str:
        return f"Comparison({', '.join(repr(name) for name in self.results)})"

    def table(self, split: Split = "val", metric: str | None = None) -> pd.DataFrame:
        """Return one row for each result: its mean over seeds, and its paired difference to the baseline.

        Columns: name, mean, sd (over seeds), then of this result minus the baseline, seed by seed:
            difference,
        low, high (95 % paired t-interval), wins (seeds on which it is lower), ties, n (seeds) and verdict.
        The baseline has no difference. While training is under way, the seeds that both have are paired.

        Args:
            split: "train", "val" or "test".
            metric: "loss", "error" or "brier" (regression: "loss", "mae" or "rmse"); None: error, or mae.

        Raises:
            ConfigError: if there is no such split or metric.
        """
        import pandas as pd

        rows = self.rows(split, metric)
        columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
        return pd.DataFrame(columns | {name: _whole_or_missing(columns[name]) for name in ("wins", "ties")})

    def rows(self, split: Split = "val", metric: str | None = None) -> list[dict[str, Any]]:
        """Return the rows of `table`, without the table; wins and ties of the baseline are None.

        Args:
            split: As for `table`.
            metric: As for `table`.

        Raises:
            ConfigError: as `table` does.
        """
        values = {name: _by_seed(result, split, metric) for name, result in self.results.items()}
        baseline, *others = values
        nothing = dict.fromkeys(("difference", "low", "high"), math.nan)
        first = {**nothing, "wins": None, "ties": None, "n": len(values[baseline]), "verdict": "baseline"}
        differences = [first, *(_difference(values[name], values[baseline]) for name in others)]
        return [
            {"name": name, **_mean_and_sd(values[name]), **difference}
            for name, difference in zip(values, differences, strict=True)
        ]


class Choice(NamedTuple):
    """The value of a sweep that validation chose.

    Attributes:
        value: The field's value.
        mean: Mean of the metric on validation.
        standard_error: Of that mean, over seeds; NaN for one seed.
        result: What was measured there.
    """

    value: Any
    mean: float
    standard_error: float
    result: Result


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """One configuration at several values of one field.

    Attributes:
        field: The field of `Config` that varies.
        values: Its values, in the order they were asked for.
        results: One for each value.
    """

    field: str
    values: tuple[Any, ...]
    results: tuple[Result, ...]

    def __post_init__(self) -> None:
        if len(self.values) != len(self.results) or not self.values:
            raise ConfigError(
                f"values must be one for each result, at least one, got {len(self.values)} for "
                f"{len(self.results)}"
            )
        for at, value in enumerate(self.values):
            if value in self.values[:at]:
                same = self.values[self.values.index(value)]
                raise ConfigError(
                    f"values must differ from each other, got {same!r} and {value!r}: leave one of them out."
                )
        _check_tasks(zip(self.values, self.results, strict=True))

    def __repr__(self) -> str:
        return f"Sweep({self.field!r}, {list(self.values)!r})"

    def table(self, split: Split = "val", metric: str | None = None) -> pd.DataFrame:
        """Return one row for each value: value, mean, sd, low, high (95 % t-interval of the mean) and n
        (seeds).

        Args:
            split: "train", "val" or "test".
            metric: "loss", "error" or "brier" (regression: "loss", "mae" or "rmse"); None: error, or mae.

        Raises:
            ConfigError: if there is no such split or metric.
        """
        import pandas as pd

        # None (off) beside numbers would become NaN in a column of numbers.
        numeric = all(
            isinstance(value, (int, float)) and not isinstance(value, bool) for value in self.values
        )
        columns: dict[str, Any] = {"value": pd.Series(self.values, dtype=None if numeric else object)}
        intervals = self._intervals(split, metric)
        for name in ("mean", "sd", "low", "high", "n"):
            columns[name] = [getattr(interval, name) for interval in intervals]
        return pd.DataFrame(columns)

    def comparison(self) -> Comparison:
        """Return the same results held against the first value, named as in "l2 = 0.001"."""
        return Comparison(
            {
                f"{self.field} = {value}": result
                for value, result in zip(self.values, self.results, strict=True)
            }
        )

    def best(self, metric: str | None = None) -> Choice:
        """Return the value with the lowest mean on validation; the first on a tie.

        Args:
            metric: As for `table`.

        Raises:
            DataError: if every value diverged, or nothing has been measured yet.
        """
        intervals = self._intervals("val", metric)
        return self._choice(statistics.best_choice(intervals), intervals)

    def one_standard_error_choice(self, metric: str | None = None) -> Choice:
        """Return the most regularized value whose validation mean is within one standard error of the best.

        Args:
            metric: As for `table`.

        Raises:
            ConfigError: if no direction of the field regularizes more (learning_rate, say): use `best`.
            DataError: if every value diverged, or nothing has been measured yet.
        """
        intervals = self._intervals("val", metric)
        complexity = [
            _complexity(self.field, value, result)
            for value, result in zip(self.values, self.results, strict=True)
        ]
        return self._choice(statistics.one_standard_error_choice(intervals, complexity), intervals)

    def _intervals(self, split: Split, metric: str | None) -> list[MeanInterval]:
        return [
            statistics.mean_interval(list(_by_seed(result, split, metric).values()))
            for result in self.results
        ]

    def _choice(self, at: int, intervals: Sequence[MeanInterval]) -> Choice:
        return Choice(self.values[at], intervals[at].mean, intervals[at].standard_error, self.results[at])


def _check_tasks(results: Iterable[tuple[Any, Result]]) -> None:
    """Refuse results of different tasks, whose metrics are not of one kind."""
    (first_name, first), *others = results
    for name, result in others:
        if result.dataset.task != first.dataset.task:
            raise ConfigError(
                f"compared results must share their task, got {first.dataset.task} for {first_name!r} and "
                f"{result.dataset.task} for {name!r}."
            )


def _by_seed(result: Result, split: Split, metric: str | None) -> dict[int, float]:
    """Return seed -> metric."""
    names = scoring.metric_names(result.dataset.task)
    name = names[1] if metric is None else metric
    if name not in names:
        raise ConfigError(f"metric must be one of {', '.join(names)}, got {metric!r}")
    return {seed: values[name] for seed, values in result._scored(split).items()}


def _mean_and_sd(values: Mapping[int, float]) -> dict[str, Any]:
    interval = statistics.mean_interval(list(values.values()))
    return {"mean": interval.mean, "sd": interval.sd}


def _difference(treatment: Mapping[int, float], baseline: Mapping[int, float]) -> dict[str, Any]:
    shared = [seed for seed in treatment if seed in baseline]
    if not shared:
        nothing = dict.fromkeys(("difference", "low", "high"), np.nan)
        return {**nothing, "wins": 0, "ties": 0, "n": 0, "verdict": "no seed yet"}
    paired = statistics.paired_difference(
        [treatment[seed] for seed in shared], [baseline[seed] for seed in shared]
    )._asdict()
    return {"difference": paired.pop("mean"), **paired}


_MORE_REGULARIZES = (*AUGMENTATION_FIELDS, "l2", "weight_decay", *DROPOUT_FIELDS, "min_delta")
_LESS_REGULARIZES = ("max_norm", "patience", "epochs", "members")


def _complexity(field: str, value: Any, result: Result) -> float:
    """Return a number that is lower for values that regularize more (`members`: that cost less)."""
    if field in _MORE_REGULARIZES:
        return -float(np.mean(value))
    if field in _LESS_REGULARIZES:
        return math.inf if value is None else float(value)
    if field == "hidden":
        widths = (result.dataset.n_features, *value)
        return float(sum(n_in * n_out for n_in, n_out in pairwise(widths)))
    raise ConfigError(
        f"field must be a regularizer, hidden, epochs or members for this choice, got {field!r}"
    )


def _span(result: Result) -> str:
    first, last = result.seeds[0], result.seeds[-1]
    return f"seeds {first} to {last}" if last > first else f"seed {first}"
