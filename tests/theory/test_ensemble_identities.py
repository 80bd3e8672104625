"""What averaging does to squared error and to log-loss, on networks that were trained.

With e_i the error of member i, v the mean of e_i^2 and c the mean of e_i e_j over all pairs, the squared
error of a mean of k members, averaged over all subsets of that size, is v / k + (k - 1) c / k: an identity,
for any members. The ambiguity decomposition is that of Krogh and Vedelsby (1995); the last is Jensen's
inequality, row by row.
"""

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from regcore.config import Config
from regcore.data import Task, load_dataset
from regcore.engine.shard import RecordingPlan
from regcore.scoring import log_probabilities, mean_prediction, score
from tests.theory.training import train

EXAMPLES = [Config(data="sine"), Config(data="moons"), Config(data="wine")]
SQUARED_ERROR = {"regression": "loss", "binary": "brier", "multiclass": "brier"}
N_MEMBERS = 6


class Members(NamedTuple):
    """An ensemble on validation rows: its task, outputs [members, rows, C], and targets."""

    task: Task
    outputs: np.ndarray
    y: np.ndarray

    def squared_error(self, outputs):
        return score(outputs, self.y, self.task)[SQUARED_ERROR[self.task]]

    def values(self, outputs):
        """Return what is averaged, [rows, C]: predictions or probabilities; of two classes, the second's."""
        if self.task == "regression":
            return outputs.astype(np.float64)
        p = np.exp(log_probabilities(outputs, self.task))
        return p[:, 1:] if self.task == "binary" else p

    def errors(self):
        """Return prediction minus target, [members, rows, C]."""
        target = np.eye(3)[self.y] if self.task == "multiclass" else self.y[:, None]
        return np.stack([self.values(outputs) for outputs in self.outputs]) - target


@pytest.fixture(scope="module", params=EXAMPLES, ids=[*SQUARED_ERROR])
def members(request):
    config = request.param.replace(
        n_train=40, n_val=30, hidden=(16,), learning_rate=0.01, batch_size=8, epochs=30,
        members=N_MEMBERS, bootstrap=True, seeds=1,
    )  # fmt: skip
    dataset = load_dataset(config)
    trained = train(dataset, config, plan=RecordingPlan(output_every=30), dtype="float32")
    return Members(dataset.task, trained.rows.outputs["val"][:, 0], dataset.rows(0).y_val)


def variance_and_covariance(members):
    """Return v and c: the mean product of a member's error with itself, and with another member's."""
    errors = members.errors()
    products = np.einsum("irc,jrc->ij", errors, errors) / errors.shape[1]
    v = np.trace(products) / N_MEMBERS
    return v, (products.sum() - np.trace(products)) / (N_MEMBERS * (N_MEMBERS - 1))


def mean_over_subsets(members, k):
    subsets = itertools.combinations(members.outputs, k)
    return np.mean([members.squared_error(mean_prediction(subset, members.task)) for subset in subsets])


@pytest.mark.parametrize("k", range(1, N_MEMBERS + 1))
def test_squared_error_over_all_subsets_of_k(members, k):
    v, c = variance_and_covariance(members)
    assert mean_over_subsets(members, k) == pytest.approx(v / k + (k - 1) * c / k, abs=1e-10)


def test_members_are_not_independent(members):
    v, c = variance_and_covariance(members)
    assert mean_over_subsets(members, N_MEMBERS) > 1.5 * v / N_MEMBERS
    assert 0 < c < v


def test_squared_error_of_the_mean_is_the_mean_less_the_spread(members):
    mean = mean_prediction(members.outputs, members.task)
    each = [members.squared_error(outputs) for outputs in members.outputs]
    around = [members.values(outputs) - members.values(mean) for outputs in members.outputs]
    spread = np.mean(np.sum(np.square(around), axis=2))
    assert spread > 1e-3
    assert members.squared_error(mean) == pytest.approx(np.mean(each) - spread, abs=1e-10)


def test_loss_of_the_mean_is_at_most_the_mean_on_every_row(members):
    losses = [row_losses(outputs, members.y, members.task) for outputs in members.outputs]
    of_mean = row_losses(mean_prediction(members.outputs, members.task), members.y, members.task)
    assert np.all(of_mean <= np.mean(losses, axis=0) + 1e-12)
    assert of_mean.mean() < np.mean(losses) - 1e-3


def row_losses(outputs, y, task):
    return np.array([score(outputs[row : row + 1], y[row : row + 1], task)["loss"] for row in range(len(y))])


@given(hnp.arrays(np.float64, (3, 4), elements=st.floats(-1e4, 1e4)), st.integers(0, 3))
def test_log_loss_of_the_mean_is_at_most_the_mean_for_any_logits(logits, label):
    members = [member[None] for member in logits]
    each = [score(member, [label], "multiclass")["loss"] for member in members]
    of_mean = score(mean_prediction(members, "multiclass"), [label], "multiclass")["loss"]
    rounding = 1e-12 * (1 + max(each))
    assert min(each) - rounding <= of_mean <= np.mean(each) + rounding
    # The mean gives the label at least a third of the probability that the best of three members does.
    assert of_mean <= min(each) + np.log(3) + rounding


def test_identical_members_gain_nothing(members):
    alone = members.outputs[0]
    together = score(mean_prediction([alone] * 5, members.task), members.y, members.task)
    assert together == pytest.approx(score(alone, members.y, members.task), rel=1e-12, abs=1e-15)
