"""The lab's networks with scikit-learn's interface: `RegularizedClassifier` and `RegularizedRegressor`.

    from regcore import RegularizedClassifier

    cross_val_score(RegularizedClassifier(dropout_hidden=0.5, random_state=0), X, y)

Parameters are named as the fields of `Config`, have its defaults, and mean the same; `config.field_help`
tells unit and range of each. Fields of data and repetition are none of them: scikit-learn hands in the rows,
and its own tools repeat. `random_state` takes the place of `seed`.

Training runs in one worker process. The first `fit` starts it, which takes some seconds, and it stays for the
next ones. In a process that another one started, as `n_jobs=2` does, training runs in that process; the bits
are the same. What was trained before comes from a cache, so the time of a second `fit` says nothing.
Prediction is numpy's work, in the process that asks for it.

There are no weights of rows, no sparse rows and no targets of several columns.
"""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from regcore.config import (
    AUGMENTATION_FIELDS,
    DROPOUT_FIELDS,
    ENSEMBLE_FIELDS,
    MAX_SEED,
    MODEL_FIELDS,
    PENALTY_FIELDS,
    STOPPING_FIELDS,
    Config,
)
from regcore.data import Dataset, Task
from regcore.errors import ConfigError, DataError
from regcore.execution.fitting import fit
from regcore.forward import activations
from regcore.results import Result, Weights
from regcore.scoring import log_probabilities, mean_prediction

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

CONFIG_PARAMETERS = (
    *MODEL_FIELDS,
    *AUGMENTATION_FIELDS,
    *PENALTY_FIELDS,
    *DROPOUT_FIELDS,
    *STOPPING_FIELDS,
    *ENSEMBLE_FIELDS,
)
"""The parameters that are fields of `Config`."""

# Rows that are predicted at once: what every layer gives for them is kept until they are done.
_ROWS_PER_BLOCK = 8192


class _RegularizedNetwork(BaseEstimator):  # type: ignore[misc]
    """What the classifier and the regressor share."""

    # scikit-learn reads parameters and defaults off this signature; a test holds it against Config.
    def __init__(
        self,
        *,
        hidden: Sequence[int] = (64, 64),
        activation: str = "relu",
        initializer: str = "he_normal",
        optimizer: str = "adam",
        learning_rate: float = 3e-3,
        momentum: float = 0.0,
        batch_size: int = 32,
        epochs: int = 200,
        jitter: float = 0.0,
        mixup: float = 0.0,
        shift: int = 0,
        rotate: float = 0.0,
        zoom: float = 0.0,
        flip: bool = False,
        cutout: int = 0,
        l2: float = 0.0,
        weight_decay: float = 0.0,
        max_norm: float | None = None,
        dropout_input: float = 0.0,
        dropout_hidden: float | Sequence[float] = 0.0,
        patience: int | None = None,
        min_delta: float = 0.0,
        start_from_epoch: int = 0,
        restore_best_weights: bool = True,
        members: int = 1,
        member_varies: Sequence[str] = ("init", "order"),
        bootstrap: bool = False,
        validation_fraction: float = 0.1,
        image_shape: tuple[int, int] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.initializer = initializer
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.batch_size = batch_size
        self.epochs = epochs
        self.jitter = jitter
        self.mixup = mixup
        self.shift = shift
        self.rotate = rotate
        self.zoom = zoom
        self.flip = flip
        self.cutout = cutout
        self.l2 = l2
        self.weight_decay = weight_decay
        self.max_norm = max_norm
        self.dropout_input = dropout_input
        self.dropout_hidden = dropout_hidden
        self.patience = patience
        self.min_delta = min_delta
        self.start_from_epoch = start_from_epoch
        self.restore_best_weights = restore_best_weights
        self.members = members
        self.member_varies = member_varies
        self.bootstrap = bootstrap
        self.validation_fraction = validation_fraction
        self.image_shape = image_shape
        self.random_state = random_state

    def _train(self, X: Floats, y: npt.NDArray[Any], task: Task) -> None:
        """Train on checked rows, and set what was learned of them. `y` holds labels 0..C-1, or values."""
        fields = {name: getattr(self, name) for name in CONFIG_PARAMETERS}
        config = Config(**fields, seeds=1, seed=_seed(self.random_state))
        n_val = 0
        if config.patience is not None:
            n_classes = 0 if task == "regression" else int(y.max()) + 1
            n_val = _validation_rows(self.validation_fraction, len(X), n_classes)
        name = "X" if self.image_shape is not None else "X without an image_shape"
        dataset = Dataset.without_test(X, y, task=task, n_val=n_val, image_shape=self.image_shape, name=name)
        result = fit(config, dataset)
        rows = dataset.rows(config.seed)
        self.config_ = config
        self.shift_, self.scale_ = rows.shift, rows.scale
        self.y_shift_, self.y_scale_ = rows.y_shift, rows.y_scale
        self.weights_ = [_weights(result, member) for member in range(config.members)]
        self.history_ = _history(result)
        self.n_iter_ = int(self.history_["epoch"].max())
        self.restored_epochs_ = result.stops["restored_epoch"].tolist()
        self._task: Task = task
        self._warn_of_divergence()

    def _warn_of_divergence(self) -> None:
        if not all(np.isfinite(array).all() for layers in self.weights_ for part in layers for array in part):
            warnings.warn(
                "The training has diverged: weights are not finite, and predictions mean nothing. Lower "
                f"learning_rate, which is {self.config_.learning_rate:g}.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _outputs(self, X: Any) -> Floats:
        """Return the mean prediction of the members as outputs [rows, C], as `regcore.scoring` has them."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        blocks = [rows[at : at + _ROWS_PER_BLOCK] for at in range(0, len(rows), _ROWS_PER_BLOCK)]
        return np.concatenate([self._outputs_of_block(block) for block in blocks])

    def _outputs_of_block(self, rows: Floats) -> Floats:
        seen = (rows - self.shift_) / self.scale_
        members = [activations(weights, seen, self.config_.activation)[-1] for weights in self.weights_]
        return mean_prediction(members, self._task)


_PARAMETERS = """
    Args:
        hidden, activation, initializer, optimizer, learning_rate, momentum, batch_size, epochs: The network
            and its training.
        jitter, mixup, shift, rotate, zoom, flip, cutout: Augmentation; the last five need an `image_shape`.
        l2, weight_decay, max_norm: Penalties.
        dropout_input, dropout_hidden: Fractions dropped.
        patience, min_delta, start_from_epoch, restore_best_weights: Early stopping, off without a patience.
        members, member_varies, bootstrap: An ensemble, whose predictions are averaged.
        validation_fraction: Part of the rows that is set aside to watch the validation loss, at least one.
            Without a patience nobody watches, and all rows are trained on.
        image_shape: (height, width) where every row is a flattened image. All pixels are then divided by the
            largest; without it, every column is standardized.
        random_state: Fixes validation rows, first weights, order of batches and whatever else is drawn. A
            whole number gives the same bits each time, and is the `seed` of `config_`.

    Attributes:
        config_: The configuration that was trained. Its data fields mean nothing: the rows were handed in.
        history_: One row for each member and epoch, up to the epoch at which the member stopped: member,
            epoch, objective, penalty, train_loss, train_error (regressor: train_mae), weight_norm; with a
            patience, val_loss and val_error (val_mae) as well.
        n_iter_: Epochs that the longest member trained.
        restored_epochs_: For each member, the 1-based epoch whose weights it keeps.
        weights_: For each member, its kernels [in, out] and biases [out], float32, hidden layers first.
        shift_, scale_: [n_features_in_]; the networks see (X - shift_) / scale_.
        n_features_in_, feature_names_in_: Of the rows it was fitted on; names where X is a data frame whose
            columns are named by text.
"""


class RegularizedClassifier(ClassifierMixin, _RegularizedNetwork):  # type: ignore[misc]
    __doc__ = f"""A network, or an ensemble of some, that tells two or more classes apart.
{_PARAMETERS}        classes_: What y may be, ascending.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows X [N, f] and their classes y [N]: numbers or text; return the estimator itself.

        Raises:
            ValueError: X or y is nothing that a classifier can be trained on, or a parameter is out of its
                range (`ConfigError`, `DataError`).
            RegcoreError: training failed.

        Warns:
            ConvergenceWarning: if the training diverged.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        n_classes = len(self.classes_)
        if n_classes < 2:
            raise DataError(
                f"y must hold at least two classes, got one class, {self.classes_[0]!s}: add rows of another"
            )
        self._train(X, labels, "binary" if n_classes == 2 else "multiclass")
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable class of each row [N]; the first of `classes_` on a tie."""
        most_probable = np.argmax(self.predict_log_proba(X), axis=1)
        classes: npt.NDArray[Any] = self.classes_[most_probable]
        return classes

    def predict_proba(self, X: Any) -> Floats:
        """Return the probability of each class [N, C], in the order of `classes_`."""
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> Floats:
        """Return the natural logarithm of each probability [N, C], exact however small it is."""
        outputs = self._outputs(X)
        return log_probabilities(outputs, self._task)


class RegularizedRegressor(RegressorMixin, _RegularizedNetwork):  # type: ignore[misc]
    __doc__ = f"""A network, or an ensemble of some, that predicts a number.

    The target is standardized for training: losses of `history_` are in those units, mae and predictions in
    y's own.
{_PARAMETERS}        y_shift_, y_scale_: A prediction is the network's output * y_scale_ + y_shift_.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on rows X [N, f] and their values y [N]; return the estimator itself.

        Raises:
            ValueError: X or y is nothing that a regressor can be trained on, or a parameter is out of its
                range (`ConfigError`, `DataError`).
            RegcoreError: training failed.

        Warns:
            ConvergenceWarning: if the training diverged.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        self._train(X, y, "regression")
        return self

    def predict(self, X: Any) -> Floats:
        """Return the value of each row [N], in y's own units."""
        values: Floats = self._outputs(X)[:, 0] * self.y_scale_ + self.y_shift_
        return values


def _seed(random_state: Any) -> int:
    is_whole = isinstance(random_state, numbers.Integral) and not isinstance(random_state, bool)
    if not is_whole:
        # A new one for None, the next one of a RandomState; scikit-learn refuses what is neither.
        return int(check_random_state(random_state).randint(MAX_SEED))
    if not 0 <= random_state <= MAX_SEED:
        raise ConfigError(
            f"random_state must be None, a RandomState or a whole number from 0 to {MAX_SEED}, got "
            f"{random_state}"
        )
    return int(random_state)


def _validation_rows(fraction: Any, n_rows: int, n_classes: int) -> int:
    is_number = isinstance(fraction, numbers.Real) and not isinstance(fraction, bool)
    if not (is_number and 0 < fraction < 1):
        raise ConfigError(f"validation_fraction must be a fraction above 0 and below 1, got {fraction!r}")
    n_val = max(1, round(float(fraction) * n_rows))
    needed = max(2, n_classes)
    if n_rows - n_val < needed:
        raise DataError(
            f"X must have rows enough to train on {needed} of them and validate on {n_val}, got {n_rows}: "
            "add rows, or set patience to None"
        )
    return n_val


def _weights(result: Result, member: int) -> Weights:
    """Return the restored weights of one member, in arrays of their own."""
    weights = result.weights(result.config.seed, member)
    return Weights(*(tuple(np.array(array) for array in layers) for layers in weights))


def _history(result: Result) -> pd.DataFrame:
    stopped = result.stops.set_index("member")["stopped_epoch"].fillna(result.config.epochs)
    history = result.history.drop(columns="seed")
    history = history[history["epoch"] <= history["member"].map(stopped)].reset_index(drop=True)
    if result.config.patience is None:
        history = history.loc[:, ~history.columns.str.startswith("val_")]
    return history
