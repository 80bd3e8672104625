"""`regcore.ablation`: its configurations, what each part does, and the sentence, on values known by hand."""

import math

import pytest

from regcore import ablation
from regcore.ablation import ablation_of, configurations, in_words, kind_of, kinds, parts, table, trainings
from regcore.config import Config
from regcore.errors import ConfigError
from regcore.execution import compare
from regcore.results import Comparison
from regcore.statistics import paired_difference

ALL_FIVE = Config(
    data="digits", shift=1, jitter=0.1, l2=1e-3, patience=3, dropout_input=0.2, dropout_hidden=0.5, members=3,
    epochs=4, hidden=(8,), n_train=40, n_val=30, seeds=2,
)  # fmt: skip
TWO = Config(l2=0.01, dropout_hidden=0.5)
NOISE = (0.001, -0.001, 0.0005, -0.0005)


def of_seeds(mean, noise=NOISE):
    return {seed: mean + each for seed, each in enumerate(noise)}


def measured(config, costs=None, metric="error", **means):
    """Return an ablation whose runs have these means; each run's seeds differ by a noise of its own."""
    values = {}
    for at, name in enumerate(configurations(config)):
        noise = NOISE[at % 4 :] + NOISE[: at % 4]
        values[name] = of_seeds(means[name.replace(" ", "_")], noise)
    return ablation_of(config, values, costs or dict.fromkeys(values, 100.0), metric)


def two(none, l2, dropout, both):
    return measured(TWO, none=none, L2=l2, dropout=dropout, all=both)


def test_parts_are_what_is_on_in_the_order_of_the_ladder():
    assert parts(ALL_FIVE) == {
        "augmentation": {"jitter": 0.1, "shift": 1},
        "L2": {"l2": 1e-3},
        "early stopping": {"patience": 3},
        "dropout": {"dropout_input": 0.2, "dropout_hidden": 0.5},
        "ensemble": {"members": 3},
    }


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (Config(), []),
        (Config(min_delta=0.1, restore_best_weights=False), []),
        (Config(member_varies=("init",)), []),
        (Config(dropout_hidden=(0.0, 0.0)), []),
        (Config(weight_decay=0.1), ["weight decay"]),
        (Config(l2=0.1, max_norm=2.0), ["L2 and max-norm"]),
        (Config(bootstrap=True), ["ensemble"]),
        (Config(patience=0), ["early stopping"]),
    ],
)
def test_what_does_nothing_is_no_part(config, names):
    assert list(parts(config)) == names


def test_five_parts_are_fourteen_configurations_each_once():
    configs = configurations(ALL_FIVE)

    assert list(configs) == [
        "none", "augmentation", "L2", "early stopping", "dropout", "ensemble",
        "augmentation + L2", "augmentation + L2 + early stopping", "all but ensemble",
        "all but augmentation", "all but L2", "all but early stopping", "all but dropout", "all",
    ]  # fmt: skip
    assert configs["none"] == ALL_FIVE.plain()
    assert configs["all"] == ALL_FIVE
    assert configs["early stopping"] == ALL_FIVE.plain().replace(patience=3)
    assert configs["augmentation + L2"] == ALL_FIVE.plain().replace(jitter=0.1, shift=1, l2=1e-3)
    assert configs["all but dropout"] == ALL_FIVE.replace(dropout_input=0.0, dropout_hidden=0.0)
    assert len(set(configs.values())) == len(configs)


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (Config(), ["none"]),
        (Config(l2=0.1), ["none", "L2"]),
        (TWO, ["none", "L2", "dropout", "all"]),
        (
            TWO.replace(members=2),
            [
                "none", "L2", "dropout", "ensemble", "all but ensemble", "all but L2", "all but dropout",
                "all",
            ],
        ),
    ],
)  # fmt: skip
def test_fewer_parts_are_fewer_configurations(config, names):
    configs = configurations(config)

    assert list(configs) == names
    assert len(set(configs.values())) == len(configs)


def test_patience_and_members_are_read_off():
    trained = trainings(configurations(ALL_FIVE))

    plain = ALL_FIVE.plain()
    noisy, dropped = {"jitter": 0.1, "shift": 1}, {"dropout_input": 0.2, "dropout_hidden": 0.5}
    assert trained == {
        plain: 3,
        plain.replace(**noisy): 1,
        plain.replace(l2=1e-3): 1,
        plain.replace(**dropped): 1,
        plain.replace(**noisy, l2=1e-3): 3,
        plain.replace(l2=1e-3, **dropped): 3,
        plain.replace(**noisy, **dropped): 3,
        plain.replace(**noisy, l2=1e-3, **dropped): 3,
    }
    assert ablation.n_networks(configurations(ALL_FIVE)) == 18 * 2


def test_each_role_has_its_difference():
    found = measured(
        TWO.replace(patience=3),
        none=0.50,
        L2=0.40,
        early_stopping=0.30,
        dropout=0.45,
        all_but_dropout=0.28,
        all_but_early_stopping=0.39,
        all_but_L2=0.29,
        all=0.25,
        costs={
            "none": 200.0, "L2": 200.0, "early stopping": 20.0, "dropout": 200.0, "all but dropout": 30.0,
            "all but early stopping": 200.0, "all but L2": 25.0, "all": 40.0,
        },
    )  # fmt: skip

    def told(role):
        return [(row.part, row.run, round(row.difference.mean, 6)) for row in found.of_role(role)]

    assert told("alone") == [
        ("L2", "L2", -0.1),
        ("early stopping", "early stopping", -0.2),
        ("dropout", "dropout", -0.05),
    ]
    assert told("ladder") == [
        ("L2", "L2", -0.1),
        ("early stopping", "all but dropout", -0.12),
        ("dropout", "all", -0.03),
    ]
    assert told("left out") == [
        ("L2", "all but L2", -0.04), ("early stopping", "all but early stopping", -0.14),
        ("dropout", "all but dropout", -0.03),
    ]  # fmt: skip
    assert told("all") == [("", "all", -0.25)]
    assert found.row("left out", "L2").interval.mean == pytest.approx(0.29)
    assert found.row("left out", "early stopping").cost == 200.0
    assert found.row("none").difference is None
    assert found.overlap.mean == pytest.approx(-0.25 - (-0.1 - 0.2 - 0.05))


def test_differences_are_paired_by_seed():
    values = {
        "none": {0: 0.5, 1: 0.6, 2: 0.7},
        "L2": {0: 0.4, 1: 0.55, 2: 0.6},
        "dropout": {0: 0.3, 1: 0.4},
        "all": {0: 0.2, 1: 0.3, 2: 0.4},
    }
    found = ablation_of(TWO, values, dict.fromkeys(values, 1.0), "error")

    assert found.row("alone", "L2").of_seeds == pytest.approx((-0.1, -0.05, -0.1))
    assert found.row("alone", "L2").difference == paired_difference([0.4, 0.55, 0.6], [0.5, 0.6, 0.7])
    assert found.row("left out", "L2").of_seeds == pytest.approx((-0.1, -0.1))


def test_results_of_something_else_are_refused():
    with pytest.raises(ConfigError, match="got none of 'dropout', 'all'"):
        ablation_of(TWO, {"none": {}, "L2": {}}, {}, "error")
    with pytest.raises(ConfigError, match="got none"):
        table({})
    with pytest.raises(ConfigError, match="role and part"):
        two(0.5, 0.4, 0.3, 0.2).row("alone", "ensemble")


BETTER = paired_difference([0.1, 0.2, 0.3], [0.5, 0.61, 0.7])
WORSE = paired_difference([0.5, 0.61, 0.7], [0.1, 0.2, 0.3])
NOTHING = paired_difference([0.1, 0.2, 0.3], [0.2, 0.1, 0.3])
ONE_SEED = paired_difference([0.1], [0.2])


@pytest.mark.parametrize(
    ("alone", "on_top", "kind"),
    [
        (BETTER, BETTER, "helps"),
        (BETTER, NOTHING, "replaceable"),
        (NOTHING, BETTER, "on top only"),
        (WORSE, BETTER, "on top only"),
        (NOTHING, NOTHING, "nothing"),
        (BETTER, WORSE, "harms"),
        (NOTHING, WORSE, "harms"),
        (WORSE, NOTHING, "unclear"),
        (ONE_SEED, ONE_SEED, "untold"),
        (BETTER, None, "untold"),
    ],
)
def test_what_a_part_is_to_the_set(alone, on_top, kind):
    assert kind_of(alone, on_top) == kind


def test_a_part_that_carries_and_one_that_does_nothing():
    assert in_words(two(0.5, 0.5, 0.2, 0.2)) == (
        "All parts together lower the validation error from 50.0 % to 20.0 %, by 30.0 points (95 % interval "
        "29.7 to 30.3). Dropout carries most of the gain (without it +30.0 points). Dropout alone does "
        "as well as all of them, within seed noise. L2 does nothing here: within seed noise alone and on "
        "top of the others."
    )


def test_two_parts_that_do_the_same():
    found = two(0.5, 0.3, 0.2, 0.2)

    assert kinds(found) == {"L2": "replaceable", "dropout": "helps"}
    assert in_words(found).endswith(
        "Dropout alone does as well as all of them, within seed noise. "
        "Dropout helps alone and on top of the others (without it +10.0 points). L2 helps alone "
        "(−20.0 points) and adds nothing beyond seed noise on top of the others. What they do alone adds up "
        "to more than they do together (−50.0 against −30.0 points together): they overlap."
    )


def test_a_part_that_is_better_without_the_others():
    text = in_words(two(0.5, 0.4, 0.2, 0.3))

    assert "Dropout alone does better than all of them (−10.0 points)." in text


def test_none_is_missed_where_each_does_what_the_others_do():
    assert (
        "Dropout and L2 help alone (−30.0 and −30.0 points) and add nothing beyond seed noise on top of the "
        "others."
    ) in in_words(two(0.5, 0.2, 0.2, 0.2)).replace("L2 and dropout", "Dropout and L2")


def test_parts_that_help_only_together():
    text = in_words(two(0.5, 0.5, 0.5, 0.3))

    assert "L2 and dropout help only on top of the others (without each +20.0 and +20.0 points)." in text
    assert (
        "Together they do more than what they do alone adds up to (0.0 against −20.0 points together)."
        in text
    )


def test_a_part_that_does_harm():
    assert "L2 does harm on top of the others (with it +10.0 points)." in in_words(two(0.5, 0.4, 0.2, 0.3))


def test_no_part_carries_what_all_add_to():
    three = TWO.replace(patience=3)
    means = dict(none=0.5, L2=0.4, early_stopping=0.4, dropout=0.4, all=0.2)
    pairs = {f"all_but_{part}": 0.3 for part in ("L2", "early_stopping", "dropout")}

    text = in_words(measured(three, **means, **pairs))

    assert "No part gains most of it alone. " in text
    assert "help alone and on top of the others (without each +10.0, +10.0 and +10.0 points)." in text


def test_a_part_that_gains_most_of_it_alone_and_less_than_all():
    three = TWO.replace(patience=3)
    means = dict(none=0.5, L2=0.45, early_stopping=0.36, dropout=0.32, all=0.3)
    pairs = {f"all_but_{part}": 0.3 for part in ("L2", "early_stopping", "dropout")}
    assert "Dropout alone gains most of it (−18.0 of −20.0 points)." in in_words(
        measured(three, **means, **pairs)
    )


def test_parts_that_spoil_each_other():
    text = in_words(two(0.5, 0.4, 0.41, 0.7))

    assert "Each part alone does better than all of them (−30.0 and −29.0 points)." in text
    assert text.endswith(
        "Together they do worse than what they do alone adds up to (−19.0 against +20.0 points together)."
    )


def test_parts_that_do_harm_but_less_than_they_add_up_to():
    text = in_words(two(0.2, 0.8, 0.8, 0.799))

    assert text.startswith("All parts together raise the validation error")
    assert text.endswith(
        "Together they do less harm than what they do alone adds up to (+120.0 against +59.9 points "
        "together)."
    )


def test_nothing_beyond_seed_noise():
    assert in_words(two(0.5, 0.5, 0.5, 0.5)).startswith(
        "All parts together change the validation error by 0.0 points, within seed noise (95 % interval "
    )


def test_one_part_alone():
    found = measured(Config(l2=0.1), none=0.5, L2=0.4)

    assert [row.role for row in found.rows] == ["none", "alone"]
    assert in_words(found).startswith(
        "L2 alone lowers the validation error from 50.0 % to 40.0 %, by 10.0 points"
    )


def test_no_part_at_all():
    assert in_words(measured(Config(), none=0.5)) == "Nothing to take apart: every regularizer is off."


def test_one_seed_cannot_tell():
    values = {name: {0: 0.5 - at / 10} for at, name in enumerate(configurations(TWO))}

    assert in_words(ablation_of(TWO, values, dict.fromkeys(values, 1.0), "error")) == "One seed cannot tell."


def test_a_part_that_diverged_tells_nothing_nor_does_what_is_held_against_it():
    values = {
        "none": of_seeds(0.5),
        "L2": {**of_seeds(0.4), 2: math.nan},
        "dropout": of_seeds(0.2, NOISE[::-1]),
        "all": of_seeds(0.21, NOISE[1:] + NOISE[:1]),
    }
    text = in_words(ablation_of(TWO, values, dict.fromkeys(values, 1.0), "error"))

    assert text.startswith("All parts together lower the validation error")
    assert text.endswith("Of L2 and dropout nothing can be told.")


def test_a_set_that_diverged_has_no_verdict():
    values = {name: of_seeds(0.5) for name in ("none", "L2", "dropout")} | {
        "all": {**of_seeds(0.4), 0: math.nan}
    }

    text = in_words(ablation_of(TWO, values, dict.fromkeys(values, 1.0), "error"))
    assert text == "No verdict: 1 of 4 seeds diverged."


def test_a_number_is_told_in_its_own_units():
    found = measured(Config(data="sine", l2=0.1), metric="mae", none=0.512, L2=0.4)

    assert in_words(found).startswith(
        "L2 alone lowers the validation mean absolute error from 0.512 to 0.4, by 0.11 (95 % interval "
    )


@pytest.fixture(scope="module")
def results():
    return compare(configurations(ALL_FIVE)).results


def test_the_table_has_what_comparisons_have(results):
    found = table(results)

    assert list(found.columns) == [
        "role", "part", "run", "mean", "sd", "difference", "low", "high", "wins", "ties", "n", "verdict",
        "cost",
    ]  # fmt: skip
    assert len(found) == 1 + 3 * 5 + 1
    assert found["role"].value_counts().to_dict() == {
        "none": 1, "alone": 5, "ladder": 5, "left out": 5, "all": 1,
    }  # fmt: skip
    pair = Comparison({name: results[name] for name in ("all but L2", "all")}).table().iloc[1]
    row = found[(found.role == "left out") & (found.part == "L2")].iloc[0]
    for name in ("difference", "low", "high", "wins", "ties", "n", "verdict"):
        assert row[name] == pair[name] or (math.isnan(row[name]) and math.isnan(pair[name]))


def test_the_cost_ends_where_patience_ran_out(results):
    costs = {row.run: row.cost for row in ablation.ablation(results).rows}
    stopped = results["early stopping"].stops["stopped_epoch"].fillna(4)

    assert (costs["none"], costs["dropout"], costs["ensemble"]) == (4.0, 4.0, 12.0)
    assert costs["early stopping"] == stopped.mean()
    assert costs["all but early stopping"] == 12.0


def test_other_metrics_are_those_of_the_task(results):
    assert ablation.ablation(results, "brier").metric == "brier"
    assert ablation.summary(results) == in_words(ablation.ablation(results))
    with pytest.raises(ConfigError, match="metric must be one of loss, error, brier, got 'mae'"):
        table(results, "mae")
