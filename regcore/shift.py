"""Validation is poor: overfitting, or a different distribution?

Whoever splits rows at random has one distribution by construction, and a gap between train and validation
is overfitting. A split that was not random (by date, by place, in the order of a file) can have two. Four
tests ask whether validation rows could be some of the same:

- the re-split test trains on random re-splits of all rows together, as many networks side by side, and
  ranks the validation loss that was observed among theirs. It sees whatever makes validation harder, and
  nothing else;
- Kolmogorov-Smirnov, feature by feature: sees that a single feature is distributed otherwise, but no change
  in how features go together, nor in labels;
- a classifier that is to tell train rows from validation rows (Lopez-Paz and Oquab, Revisiting classifier
  two-sample tests, 2017): sees what a weighted sum of features can tell, but no labels;
- chi-squared on the labels: sees that classes are more or less frequent, but never the input.

One verdict is drawn from all four at a level of 5 %: half of it goes to the re-split test, the other half to
the three beside it together (Bonferroni).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from regcore import statistics
from regcore.data import Dataset
from regcore.data.streams import random_stream
from regcore.errors import ConfigError, DataError

if TYPE_CHECKING:
    from regcore.config import Config
    from regcore.results import Result
    from regcore.statistics import MeanInterval

N_RESPLITS = 39
LEVEL = 0.05
# Of the re-split test, and of each of the three beside it.
RESPLIT_LEVEL = LEVEL / 2
BESIDE_LEVEL = LEVEL / 2 / 3
N_FOLDS = 5

Answer = Literal[
    "a different distribution", "different, but not harder", "overfitting", "neither", "diverged"
]
DIFFERENT: Answer = "a different distribution"
NOT_HARDER: Answer = "different, but not harder"
OVERFITTING: Answer = "overfitting"
NEITHER: Answer = "neither"
DIVERGED: Answer = "diverged"

Floats = npt.NDArray[np.float64]


class ResplitTest(NamedTuple):
    """The validation loss of a split among those of random re-splits of the same rows.

    Attributes:
        observed: Its validation loss after the last epoch.
        resplits: Theirs.
        gaps: Validation loss minus train loss of the re-splits, where both are of one distribution.
    """

    observed: float
    resplits: tuple[float, ...]
    gaps: tuple[float, ...]

    @property
    def p(self) -> float:
        """Rank p-value: how likely a random split is to be as bad, (1 + as bad or worse) / (1 + re-splits).

        Exact, whatever the network, since a random split is as likely to have any rank as any other (Phipson
        and Smyth, Permutation P-values should never be zero, 2010). A loss that is not finite is the worst.
        """
        return (1 + self.n_worse) / (1 + len(self.resplits))

    @property
    def n_worse(self) -> int:
        """How many re-splits are as bad as the split observed, or worse."""
        losses = np.nan_to_num((self.observed, *self.resplits), nan=np.inf, posinf=np.inf)
        return int(np.sum(losses[1:] >= losses[0]))

    @property
    def gap(self) -> MeanInterval:
        """The gap of a random split, with its 95 % interval."""
        return statistics.mean_interval(self.gaps)


class FeatureTest(NamedTuple):
    """Kolmogorov-Smirnov for each feature.

    Attributes:
        distances: Largest distance of the two empirical distribution functions, 0 to 1, one a feature.
        p_values: Two-sided, one a feature.
    """

    distances: tuple[float, ...]
    p_values: tuple[float, ...]

    @property
    def feature(self) -> int:
        """The position of the feature with the smallest p-value."""
        return int(np.argmin(self.p_values))

    @property
    def p(self) -> float:
        """The smallest p-value times the number of features, at most 1 (Bonferroni)."""
        return min(1.0, min(self.p_values) * len(self.p_values))


class ClassifierTest(NamedTuple):
    """How well a linear classifier tells train rows from validation rows that it was not fitted on."""

    accuracy: float
    n_rows: int
    p: float


class LabelTest(NamedTuple):
    """Chi-squared on the labels (Kolmogorov-Smirnov on the target of a regression)."""

    statistic: float
    p: float


class Verdict(NamedTuple):
    """What all four tests say together.

    Attributes:
        answer: "a different distribution" if the re-split test says so; "different, but not harder" if only
            one beside it does; else "overfitting" if random re-splits have a gap, or "neither". Where losses
            of re-splits are not finite, and only there, "diverged" instead of the last two.
        resplit, features, classifier, labels: The tests.
    """

    answer: Answer
    resplit: ResplitTest
    features: FeatureTest
    classifier: ClassifierTest
    labels: LabelTest

    @property
    def is_different(self) -> bool:
        """Whether any test found a different distribution."""
        return self.answer in (DIFFERENT, NOT_HARDER)


def resplits(dataset: Dataset, seed: int = 0, n_resplits: int = N_RESPLITS) -> Dataset:
    """Return the train and validation rows of a seed, and random re-splits of them, as one data set.

    Its seed 0 has the split as it was, each of the seeds after it another one, drawn without regard to
    labels. Labels are those that the seed sees, noisy ones as they are.

    Args:
        dataset: The data.
        seed: Whose split is tested.
        n_resplits: How many; seeds 1 to this.
    """
    rows = dataset.rows(seed)
    together = np.concatenate([rows.train, rows.val])
    y = dataset.y.copy()
    if dataset.task != "regression":
        y[together] = np.concatenate([rows.y_train, rows.y_val])
    random = random_stream("re-splits", seed)
    orders = np.stack([together, *(random.permutation(together) for _ in range(n_resplits))])
    train, val = np.split(orders, [len(rows.train)], axis=1)
    return dataclasses.replace(
        dataset, name=f"{dataset.name}, re-split", y=y, label_noise=0.0, fixed=(train, val)
    )


def experiment(config: Config, n_resplits: int = N_RESPLITS) -> Config:
    """Return what is trained on `resplits`: the configuration without regularizers, one seed a split."""
    return config.plain().replace(seed=0, seeds=1 + n_resplits)


def verdict(result: Result) -> Verdict:
    """Return what the four tests say of the split that is the first seed of `resplits`.

    Args:
        result: Of `experiment` on `resplits`, complete.

    Raises:
        ConfigError: it is of one split alone.
    """
    if result.config.seeds < 2:
        raise ConfigError(f"seeds must be one for each split, at least 2, got {result.config.seeds}")
    split = result.dataset.split(result.seeds[0])
    resplit = resplit_test(result)
    features = feature_test(split.X_train, split.X_val)
    classifier = classifier_test(split.X_train, split.X_val)
    labels = label_test(split.y_train, split.y_val)
    beside = min(features.p, classifier.p, labels.p) <= BESIDE_LEVEL
    return Verdict(_answer(resplit, beside), resplit, features, classifier, labels)


def _answer(resplit: ResplitTest, beside: bool) -> Answer:
    if resplit.p <= RESPLIT_LEVEL:
        return DIFFERENT
    if beside:
        return NOT_HARDER
    if not np.isfinite(resplit.gaps).all():
        return DIVERGED
    return OVERFITTING if resplit.gap.low > 0 else NEITHER


def resplit_test(result: Result) -> ResplitTest:
    """Return the re-split test of the first seed against all others, after the last epoch."""
    last = result.history.groupby("seed").last()
    val, train = last["val_loss"].to_numpy(), last["train_loss"].to_numpy()
    return ResplitTest(float(val[0]), tuple(val[1:].tolist()), tuple((val - train)[1:].tolist()))


def feature_test(train: npt.ArrayLike, val: npt.ArrayLike) -> FeatureTest:
    """Return Kolmogorov-Smirnov for each column of two tables [n, f], by `scipy.stats.ks_2samp`.

    Ties, as pixels have them, make it conservative.

    Raises:
        DataError: a table has no rows, or they differ in columns.
    """
    from scipy import stats

    first, second = _tables(train, val)
    found = [stats.ks_2samp(*columns, method="asymp") for columns in zip(first.T, second.T, strict=True)]
    return FeatureTest(
        tuple(float(each.statistic) for each in found), tuple(float(each.pvalue) for each in found)
    )


def classifier_test(train: npt.ArrayLike, val: npt.ArrayLike) -> ClassifierTest:
    """Return how well logistic regression tells rows of two tables [n, f] apart, cross-validated.

    As many rows of each are taken, so that guessing is right on half of them. The p-value is that of the
    binomial distribution, one-sided: the folds share rows, so it is near and not exact; the bench counts its
    false alarms.

    Raises:
        DataError: a table has less than five rows, or they differ in columns.
    """
    from scipy import stats
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    first, second = _tables(train, val, N_FOLDS)
    n = min(len(first), len(second))
    random = random_stream("classifier test", n)
    X = np.concatenate([each[random.permutation(len(each))[:n]] for each in (first, second)])
    origin = np.repeat([0, 1], n)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    right = int(np.sum(cross_val_predict(model, X, origin, cv=folds) == origin))
    p = stats.binomtest(right, 2 * n, 0.5, alternative="greater").pvalue
    return ClassifierTest(right / (2 * n), 2 * n, float(p))


def label_test(train: npt.ArrayLike, val: npt.ArrayLike) -> LabelTest:
    """Return whether two lists of labels have their classes in the same proportions.

    Pearson's chi-squared by `scipy.stats.chi2_contingency`, without a correction for continuity. Where
    targets are no whole numbers, Kolmogorov-Smirnov.

    Raises:
        DataError: there are no labels on one side.
    """
    from scipy import stats

    first, second = np.asarray(train), np.asarray(val)
    if not (first.size and second.size):
        raise DataError(f"labels must be there on both sides, got {first.size} and {second.size}")
    if first.dtype.kind == "f":
        found = stats.ks_2samp(first, second, method="asymp")
        return LabelTest(float(found.statistic), float(found.pvalue))
    classes = np.unique(np.concatenate([first, second]))
    if len(classes) == 1:
        return LabelTest(0.0, 1.0)
    counts = [[np.sum(labels == each) for each in classes] for labels in (first, second)]
    found = stats.chi2_contingency(counts, correction=False)
    return LabelTest(float(found.statistic), float(found.pvalue))


def _tables(train: npt.ArrayLike, val: npt.ArrayLike, minimum: int = 1) -> tuple[Floats, Floats]:
    first, second = np.asarray(train, dtype=np.float64), np.asarray(val, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise DataError(
            f"train and val must be tables of the same columns, got shapes {first.shape} and {second.shape}"
        )
    if min(len(first), len(second)) < minimum:
        raise DataError(
            f"train and val must have at least {minimum} rows, got {len(first)} and {len(second)}"
        )
    return first, second
