"""`regcore.ensembles`: identities to the last digits, hand-made votes and bins, scikit-learn as judge."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.ensemble import VotingClassifier

from regcore import ensembles, scoring
from regcore.config import Config
from regcore.data import Dataset
from regcore.errors import ConfigError
from regcore.results import HISTORY_COLUMNS, Recording, Result

TASKS = ("regression", "binary", "multiclass")
N_COLUMNS = {"regression": 1, "binary": 1, "multiclass": 3}
SQUARED = {"regression": "loss", "binary": "brier", "multiclass": "brier"}
N_MEMBERS, N_ROWS = 6, 25


def random_pool(task, n_members=N_MEMBERS, seed=0, shared=1.0):
    """Return a pool whose members have a part in common, and their outputs."""
    rng = np.random.default_rng(seed)
    shape = (N_ROWS, N_COLUMNS[task])
    outputs = shared * rng.normal(size=shape) + rng.normal(size=(n_members, *shape))
    y = rng.normal(size=N_ROWS) if task == "regression" else rng.integers(0, max(2, shape[1]), N_ROWS)
    return ensembles.pool(outputs, y, task, seed=seed), outputs


@pytest.fixture(params=TASKS)
def members(request):
    return random_pool(request.param)[0]


def every(k, n=N_MEMBERS):
    return ensembles.subsets(n, k, math.comb(n, k))


@pytest.mark.parametrize("k", range(1, N_MEMBERS + 1))
def test_squared_error_over_all_subsets_is_that_of_the_moments(members, k):
    moments = ensembles.error_moments(members)

    measured = ensembles.measure(members, every(k))["squared_error"]

    assert measured == pytest.approx(moments.squared_error(k), abs=1e-10)
    rho, variance = moments.correlation, moments.variance
    assert measured == pytest.approx(rho * variance + (1 - rho) * variance / k, abs=1e-10)


def test_moments_by_hand():
    members = ensembles.pool([[[1.0], [0.0]], [[0.0], [2.0]]], [0.0, 0.0], "regression")

    assert ensembles.error_moments(members) == ensembles.ErrorMoments(variance=1.25, covariance=0.0)
    assert ensembles.error_moments(members).if_independent(2) == 0.625


def test_errors_that_cancel_have_a_negative_correlation():
    members = ensembles.pool([[[1.0]], [[-1.0]]], [0.0], "regression")

    moments = ensembles.error_moments(members)

    assert (moments.correlation, moments.squared_error(2)) == (-1.0, 0.0)


def test_independent_errors_fall_with_one_over_k():
    rng = np.random.default_rng(0)
    members = ensembles.pool(rng.normal(size=(8, 20_000, 1)), np.zeros(20_000), "regression")

    measured = [ensembles.measure(members, every(k, 8))["squared_error"] for k in (1, 2, 4, 8)]

    assert measured == pytest.approx([1.0, 0.5, 0.25, 0.125], rel=0.03)
    assert ensembles.error_moments(members).correlation == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("task", TASKS)
def test_one_subset_of_all_members_scores_as_the_library_does(task):
    members, outputs = random_pool(task)
    expected = scoring.score(scoring.mean_prediction(outputs, task), members.y, task)

    measured = ensembles.measure(members, every(N_MEMBERS))

    assert measured["squared_error"] == pytest.approx(expected[SQUARED[task]], abs=1e-12)
    if task == "regression":
        assert measured["mae"] == pytest.approx(expected["mae"], abs=1e-12)
    else:
        assert measured["loss"] == pytest.approx(expected["loss"], abs=1e-12)
        assert measured["error"] == expected["error"]


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_loss_falls_with_every_member_on_average(task):
    members, _ = random_pool(task)

    losses = [ensembles.measure(members, every(k))["loss"] for k in range(1, N_MEMBERS + 1)]

    assert all(after < before for before, after in zip(losses, losses[1:], strict=False))


def test_a_loss_too_large_for_probabilities_is_exact():
    members = ensembles.pool([[[-2000.0]], [[-1000.0]]], [1], "binary")

    measured = ensembles.measure(members, every(2, 2))

    assert measured["loss"] == pytest.approx(1000 + math.log(2))


@pytest.mark.parametrize("k", range(1, N_MEMBERS + 1))
def test_ambiguity_is_the_rest_of_the_members_error(members, k):
    parts = ensembles.ambiguity(members, k)

    assert parts.of_mean == pytest.approx(parts.of_members - parts.spread, abs=1e-10)
    assert parts.of_mean == pytest.approx(
        ensembles.measure(members, np.arange(k)[None])["squared_error"], abs=1e-12
    )
    assert (parts.spread > 0) == (k > 1)


def test_ambiguity_by_hand():
    members = ensembles.pool([[[3.0]], [[1.0]]], [0.0], "regression")

    assert ensembles.ambiguity(members, 2) == ensembles.Ambiguity(of_members=5.0, of_mean=4.0, spread=1.0)


@pytest.mark.parametrize("task", TASKS)
def test_identical_members_gain_nothing(task):
    _, outputs = random_pool(task, n_members=1)
    members = ensembles.pool([outputs[0]] * 5, random_pool(task)[0].y, task)

    alone, together = (ensembles.measure(members, every(k, 5)) for k in (1, 5))

    assert together == pytest.approx(alone, abs=1e-12)
    assert ensembles.error_moments(members).correlation == pytest.approx(1)
    assert ensembles.ambiguity(members, 5).spread == pytest.approx(0, abs=1e-30)
    assert ensembles.variance_between(members, 2) == pytest.approx(0, abs=1e-30)


def test_variance_between_single_members_is_their_variance(members):
    expected = members.values.var(axis=0, ddof=1).sum(axis=1).mean()

    assert ensembles.variance_between(members, 1) == pytest.approx(expected)


def test_variance_between_ensembles_falls_with_one_over_k_although_errors_are_correlated():
    members, _ = random_pool("regression", n_members=64, shared=10.0)
    alone = ensembles.variance_between(members, 1)

    measured = [ensembles.variance_between(members, k) for k in (2, 4, 8)]

    assert ensembles.error_moments(members).correlation > 0.9
    assert measured == pytest.approx([alone / 2, alone / 4, alone / 8], rel=0.12)


def test_variance_between_ensembles_needs_two_of_them(members):
    assert math.isnan(ensembles.variance_between(members, 4))


@given(st.integers(1, 12), st.data())
def test_subsets_are_of_different_members(n, data):
    k = data.draw(st.integers(1, n))
    limit = data.draw(st.integers(1, 40))

    chosen = ensembles.subsets(n, k, limit)

    assert chosen.shape == (min(limit, math.comb(n, k)), k)
    assert all(len(set(one)) == k and set(one) <= set(range(n)) for one in chosen.tolist())


def test_subsets_that_are_drawn_are_the_same_for_the_same_seed():
    drawn = [ensembles.subsets(32, 8, 50, seed).tolist() for seed in (1, 1, 2)]

    assert drawn[0] == drawn[1] != drawn[2]


def test_drawn_subsets_estimate_what_all_of_them_have():
    members, _ = random_pool("multiclass", n_members=16)

    drawn = ensembles.measure(members, ensembles.subsets(16, 8, 1000))["squared_error"]

    assert drawn == pytest.approx(ensembles.error_moments(members).squared_error(8), rel=0.01)


def test_large_pools_are_measured_in_parts(monkeypatch, members):
    expected = ensembles.measure(members, every(3))

    monkeypatch.setattr(ensembles, "MAX_NUMBERS", 1)

    assert ensembles.measure(members, every(3)) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("k", [0, 7, -1])
def test_sizes_that_are_not_there_are_refused(k):
    members, _ = random_pool("binary")
    message = f"^k must be 1 to 6, the members there are, got {k}$"

    for refused in (
        lambda: ensembles.subsets(6, k),
        lambda: ensembles.ambiguity(members, k),
        lambda: ensembles.voting(members, k),
        lambda: members.first(k),
    ):
        with pytest.raises(ConfigError, match=message):
            refused()


def logits(*rows):
    return np.log(np.array(rows))


def test_a_sure_minority_is_heard_by_averaging_and_not_by_a_vote():
    sure, unsure = logits([0.98, 0.01, 0.01]), logits([0.4, 0.6 - 1e-3, 1e-3])
    members = ensembles.pool([sure, unsure, unsure], [0], "multiclass")

    found = ensembles.voting(members, 3)

    assert (found.averaging, found.voting, found.ties) == (0.0, 1.0, 0.0)
    assert found.brier_voting == pytest.approx((2 / 3) ** 2 * 2)


def test_a_tied_vote_goes_to_the_first_class():
    members = ensembles.pool([logits([0.1, 0.9, 1e-9]), logits([0.6, 0.4, 1e-9])], [0], "multiclass")

    found = ensembles.voting(members, 2)

    assert (found.averaging, found.voting, found.ties) == (1.0, 0.0, 1.0)


class Fixed:
    """A scikit-learn classifier with these answers, for any rows."""

    def __init__(self, classes):
        self.classes = classes

    def predict(self, X):
        return self.classes


@pytest.mark.parametrize("k", [2, 3, 4, 6])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_votes_agree_with_scikit_learn(task, k):
    members, outputs = random_pool(task, seed=3)
    judge = VotingClassifier([(str(at), None) for at in range(k)], voting="hard")
    judge.estimators_ = [Fixed(scoring.log_probabilities(one, task).argmax(axis=1)) for one in outputs[:k]]
    judge.le_ = type("Labels", (), {"inverse_transform": staticmethod(lambda labels: labels)})()

    voted = judge.predict(np.zeros((N_ROWS, 1)))

    assert ensembles.voting(members, k).voting == np.mean(voted != members.y)


def test_a_number_cannot_be_voted_on():
    with pytest.raises(ConfigError, match="^the task must have classes for a vote, got regression$"):
        ensembles.voting(random_pool("regression")[0], 2)


def test_reliability_by_hand():
    found = ensembles.reliability([0.55, 0.65, 0.6, 0.95, 1.0], [1, 0, 1, 1, 1])

    assert found.bins == (
        ensembles.Bin(pytest.approx(0.575), 1.0, 2),
        ensembles.Bin(0.65, 0.0, 1),
        ensembles.Bin(pytest.approx(0.975), 1.0, 2),
    )
    assert found.expected_calibration_error == pytest.approx((2 * 0.425 + 0.65 + 2 * 0.025) / 5)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.integers(1, 15))
def test_bins_agree_with_scikit_learn(rows, n_bins):
    confidence, right = zip(*rows, strict=True)
    # With one class alone scikit-learn cannot tell which.
    accuracy, sure = calibration_curve([*right, True, False], [*confidence, 0.5, 0.5], n_bins=n_bins)

    found = ensembles.reliability([*confidence, 0.5, 0.5], [*right, True, False], n_bins)

    assert [each.accuracy for each in found.bins] == pytest.approx(accuracy.tolist())
    assert [each.confidence for each in found.bins] == pytest.approx(sure.tolist())


def result_of(outputs, y, task, **fields):
    """Return a result: outputs[seed][member] are those of the validation rows after the only epoch."""
    n_val, n_columns = np.shape(outputs)[2:]
    dataset = Dataset.from_arrays(
        np.arange(n_val + 6.0)[:, None],
        np.concatenate([y, np.resize(y, 6)]),
        task=task,
        val_rows=range(n_val),
        train_rows=range(n_val, n_val + 4),
        test_rows=range(n_val + 4, n_val + 6),
    )
    recordings = {
        (seed, member): Recording(
            "",
            np.zeros((1, len(HISTORY_COLUMNS))),
            {"val": np.array(logits, dtype=np.float32)[None]},
            np.array([1]),
        )
        for seed, members in enumerate(outputs)
        for member, logits in enumerate(members)
    }
    config = Config(hidden=(), epochs=1, seeds=len(outputs), members=len(outputs[0]), **fields)
    return Result(config, dataset, recordings)


@pytest.fixture
def three_seeds():
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 30)
    own = rng.normal(size=(3, 8, 30, 3))
    return result_of(own + 1.5 * np.eye(3)[y], y, "multiclass")


def sized(result, limit=ensembles.N_SUBSETS):
    return ensembles.by_size(ensembles.pools_of(result), ensembles.sizes_of(result.config.members), limit)


def test_sizes_end_with_all_members_and_have_those_wanted():
    assert ensembles.sizes_of(6) == (1, 2, 3, 4, 5, 6)
    assert ensembles.sizes_of(20, 7) == (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20)
    assert ensembles.sizes_of(1) == (1,)


def test_sizes_have_a_value_for_each_seed(three_seeds):
    found = sized(three_seeds, limit=30)

    assert found.sizes == (1, 2, 3, 4, 5, 6, 8)
    assert found.n_subsets == (8, 28, 30, 30, 30, 28, 1)
    assert found.is_all == (True, True, False, False, False, True, True)
    assert {name: values.shape for name, values in found.values.items()} == dict.fromkeys(
        ("squared_error", "loss", "error"), (3, 7)
    )
    at_two = [each.squared_error(2) for each in found.moments]
    assert found.values["squared_error"][:, 1].tolist() == pytest.approx(at_two, abs=1e-10)


def test_the_largest_ensemble_is_what_the_result_says(three_seeds):
    found = sized(three_seeds)
    table = three_seeds.metrics("val")

    assert found.values["squared_error"][:, -1].tolist() == pytest.approx(table["brier"].tolist(), abs=1e-10)
    assert found.values["loss"][:, -1].tolist() == pytest.approx(table["loss"].tolist(), abs=1e-10)
    assert found.values["error"][:, -1].tolist() == table["error"].tolist()


def test_gains_are_paired_by_seed(three_seeds):
    found = sized(three_seeds)
    values = found.values["loss"]

    assert found.gains("loss")[0].mean == 0
    assert found.gains("loss")[-1].mean == pytest.approx(np.mean(values[:, 0] - values[:, -1]))
    assert found.intervals("loss")[-1].mean == pytest.approx(values[:, -1].mean())


def test_a_size_is_paired_with_single_members(three_seeds):
    found = sized(three_seeds)
    values = found.values["error"]

    paired = found.paired("error", 8)

    assert paired.mean == pytest.approx(np.mean(values[:, -1] - values[:, 0]))
    assert (paired.wins, paired.n) == (3, 3)
    with pytest.raises(ConfigError, match="^k must be one of 1, 2, 3, 4, 5, 6, 8, got 7$"):
        found.paired("error", 7)


def curve(*seeds, sizes=(1, 2, 4)):
    moments = (ensembles.ErrorMoments(1.0, 0.5),) * len(seeds)
    values = np.array(seeds)
    return ensembles.BySize(
        "regression", 4, sizes, (4, 6, 1), (True,) * 3, {"squared_error": values}, values, moments
    )


def test_the_knee_is_the_smallest_size_with_nine_tenths_of_the_gain():
    # The pool gains 1 on average, two members 0.8 or 0.9; how far seeds lie apart has no say.
    assert curve([2.0, 1.2, 1.0], [9.0, 8.2, 8.0]).knee() == 4
    assert curve([2.0, 1.0, 1.0], [9.0, 8.2, 8.0]).knee() == 2


@pytest.mark.parametrize("values", [[math.nan] * 3, [1.0, 1.0, 1.0], [0.3, 0.3, 0.1 + 0.2], [1.0, 0.5, 1.5]])
def test_members_that_diverged_or_gain_nothing_have_no_knee(values):
    assert curve(values, values).knee() is None


def test_theory_is_the_mean_over_seeds():
    found = curve([1.0, 1.0, 1.0])

    assert found.theory(2) == (0.75, 0.5, 0.5)
    assert found.correlation.mean == 0.5


def test_calibration_holds_members_against_their_mean():
    # Two members, sure of different classes: each is right on half of the rows, their mean is sure of none.
    a, b = [[4.0], [4.0]], [[-4.0], [-4.0]]
    found = ensembles.calibration([ensembles.pool([a, b], [0, 1], "binary")])
    sure = 1 / (1 + math.exp(-4))

    assert found.members.bins == (ensembles.Bin(pytest.approx(sure), 0.5, 4),)
    assert found.error_of_members == (pytest.approx(sure - 0.5),)
    # Halves go to the first class, which is right once.
    assert found.ensemble.bins == (ensembles.Bin(pytest.approx(0.5), 0.5, 2),)
    assert found.error_of_ensemble == (pytest.approx(0, abs=1e-7),)


def test_numbers_have_no_calibration():
    with pytest.raises(ConfigError, match="^the task must have classes for probabilities"):
        ensembles.calibration([random_pool("regression")[0]])


def test_sources_say_what_members_and_their_mean_measure(three_seeds):
    (found,) = ensembles.sources({"order": ensembles.pools_of(three_seeds)})
    by_size = sized(three_seeds)

    assert found.name == "order"
    assert found.single.mean == pytest.approx(by_size.intervals("squared_error")[0].mean, abs=1e-12)
    assert found.ensemble.mean == pytest.approx(by_size.intervals("squared_error")[-1].mean, abs=1e-12)
    assert found.gain.mean == pytest.approx(found.single.mean - found.ensemble.mean, abs=1e-12)
    assert found.correlation == by_size.correlation


def test_every_source_is_a_configuration_of_its_own():
    configs = ensembles.source_configs(Config(data="sine"), 8)

    assert len({config.key() for config in configs.values()}) == len(ensembles.SOURCES)
    assert {config.members for config in configs.values()} == {8}
    assert configs["nothing"].member_varies == ()
    assert configs["bootstrap"].bootstrap and configs["bootstrap"].member_varies == ()
    assert configs["order"].member_varies == ("order",) and not configs["order"].bootstrap
