"""`regcore.dropout_runs`: rates, costs and losses of results made by hand."""

import pandas as pd
import pytest

from regcore.config import Config
from regcore.dropout_runs import (
    DROPPED,
    PLAIN,
    AboveValidation,
    above_validation,
    cost_configs,
    costs,
    rate_configs,
    rate_table,
)
from regcore.statistics import BETTER, WITHIN_NOISE, WORSE
from tests.opened_runs import data, errors, result


def test_every_pair_of_rates_is_trained_that_without_dropout_first():
    config = Config(dropout_input=0.3, dropout_hidden=0.1, l2=0.01, members=5, seeds=8)

    found = rate_configs(config, (0.0, 0.2), (0.0, 0.5))

    assert list(found) == ["0/0", "0/0.5", "0.2/0", "0.2/0.5"]
    assert found["0.2/0.5"] == Config(dropout_input=0.2, dropout_hidden=0.5, l2=0.01, seeds=4)
    assert found["0/0"] == Config(l2=0.01, seeds=4)


def test_a_linear_model_has_rates_of_its_input_alone():
    assert list(rate_configs(Config(hidden=(), seeds=2), (0.0, 0.2), (0.0, 0.5))) == ["0/0", "0.2/0"]


def by_hand():
    """Return results of four pairs of rates and three seeds each: errors of the validation rows."""
    of_val = {
        (0.0, 0.0): [0.4, 0.5, 0.6],
        (0.0, 0.5): [0.2, 0.3, 0.4],
        (0.2, 0.0): [0.4, 0.6, 0.5],
        (0.2, 0.5): [0.6, 0.7, 0.9],
    }
    dataset = data()
    return {
        f"{of_input:g}/{of_hidden:g}": errors(
            values, values, dataset, dropout_input=of_input, dropout_hidden=of_hidden
        )
        for (of_input, of_hidden), values in of_val.items()
    }


def test_a_table_of_rates_has_means_and_what_differs_from_no_dropout():
    # Differences of [-.2, -.2, -.2] are the same on each of three seeds, which is no verdict: vary them.
    results = by_hand() | {"0/0.5": errors([0.2, 0.3, 0.3], [0.0] * 3, data(), dropout_hidden=0.5)}

    table = rate_table(results)

    assert table.metric == "error"
    assert [(cell.dropout_input, cell.dropout_hidden) for cell in table.cells] == [
        (0.0, 0.0), (0.0, 0.5), (0.2, 0.0), (0.2, 0.5),
    ]  # fmt: skip
    assert [cell.interval.mean for cell in table.cells] == pytest.approx([0.5, 0.8 / 3, 0.5, 2.2 / 3])
    assert table.cells[0].difference is None
    assert [cell.difference.verdict for cell in table.cells[1:]] == [BETTER, WITHIN_NOISE, WORSE]
    assert (table.best, table.simplest) == (1, 1)


def test_the_least_dropout_that_the_noise_cannot_tell_from_the_best_is_named():
    results = by_hand() | {
        "0.2/0.5": errors([0.1, 0.3, 0.4], [0.0] * 3, data(), dropout_input=0.2, dropout_hidden=0.5)
    }

    table = rate_table(results)

    assert (table.best, table.simplest) == (3, 1)


def test_costs_are_held_against_plain_networks_with_dropout_alone():
    config = Config(dropout_input=0.1, dropout_hidden=0.3, l2=0.1, patience=5, seeds=6)

    found = cost_configs(config)

    assert found == {
        PLAIN: Config(members=8, seeds=4),
        DROPPED: Config(members=4, seeds=4, dropout_input=0.1, dropout_hidden=0.3),
    }
    assert cost_configs(Config(seeds=2))[DROPPED].dropout_rates() == (0.5, 0.5)
    assert cost_configs(Config(hidden=(), seeds=2))[DROPPED].dropout_input == 0.2


class Ensemble:
    """A result of which the errors of the first k members together are known."""

    def __init__(self, by_size, members):
        self.by_size, self.config, self.dataset = by_size, Config(members=members), data()

    def with_members(self, k):
        return Ensemble(self.by_size, k)

    def metrics(self, split):
        assert split == "val"
        return pd.DataFrame({"seed": [0, 1, 2], "error": self.by_size[self.config.members]})


def test_costs_of_ensembles_by_the_networks_trained():
    plain = {1: [0.5, 0.6, 0.7], 2: [0.5, 0.5, 0.6], 4: [0.4, 0.5, 0.5], 8: [0.4, 0.4, 0.5]}
    dropped = {1: [0.3, 0.2, 0.4], 2: [0.2, 0.2, 0.3], 4: [0.1, 0.2, 0.3]}

    found = costs({PLAIN: Ensemble(plain, 8), DROPPED: Ensemble(dropped, 4)})

    assert found.metric == "error"
    assert [curve.n_networks for curve in found.curves] == [(1, 2, 4, 8), (1, 2, 4)]
    assert [each.mean for each in found.curves[0].intervals] == pytest.approx(
        [0.6, 1.6 / 3, 1.4 / 3, 1.3 / 3]
    )
    assert found.one_against_all.mean == pytest.approx(-0.4 / 3)
    assert found.one_against_all.wins == 3


def test_epochs_in_which_training_looks_worse_than_validation_are_counted():
    found = above_validation(
        result(
            [
                [
                    {"objective": 3.0, "val_loss": 2.0, "train_loss": 2.5},
                    {"objective": 2.0, "val_loss": 1.5, "train_loss": 1.0},
                    {"objective": 1.0, "val_loss": 1.5, "train_loss": 0.5},
                ],
                [{"objective": 1.0, "val_loss": 2.0, "train_loss": 0.5}] * 3,
            ]
        )
    )

    assert found == AboveValidation(3, above=(2, 0), clean_above=(1, 0))
