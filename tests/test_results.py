"""Tables read off recordings made by hand; nothing is trained."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from regcore.config import Config
from regcore.data import Dataset
from regcore.errors import ConfigError, DataError, RegcoreError
from regcore.results import (
    HISTORY_COLUMNS,
    Comparison,
    Moment,
    Recording,
    Result,
    Snapshot,
    Sweep,
    Weights,
)
from regcore.scoring import mean_prediction, score

CLASSES = Dataset.from_arrays(
    np.arange(40.0).reshape(20, 2),
    np.arange(20) % 2,
    train_rows=range(8),
    val_rows=range(8, 12),
    test_rows=range(12, 20),
)
NUMBERS = Dataset.from_arrays(
    np.arange(40.0).reshape(20, 2),
    np.arange(20.0) ** 2,
    task="regression",
    train_rows=range(8),
    val_rows=range(8, 12),
    test_rows=range(12, 20),
)


def recording(val_loss, *, outputs=None, output_epochs=(), checkpoints=None, **columns):
    """Return a recording of these validation losses; others hold their own number, rising."""
    n_epochs = len(val_loss)
    history = np.arange(12.0) + np.linspace(0, 0.5, n_epochs)[:, None]
    for name, values in {"val_loss": val_loss, **columns}.items():
        history[:, HISTORY_COLUMNS.index(name)] = values
    return Recording(
        "key", history, outputs or {}, np.array(output_epochs, dtype=np.int64), checkpoints or {}
    )


def single(curves, dataset=CLASSES, **fields):
    """Return a result of one member for each curve, seeds from 3."""
    config = Config(seeds=len(curves), seed=3, epochs=len(curves[0]), **fields)
    return Result(config, dataset, {(3 + at, 0): recording(curve) for at, curve in enumerate(curves)})


def errors(values, dataset=CLASSES, **fields):
    """Return a result whose val_error (and val_loss) is one of these values for each seed from 3."""
    fields = {"seeds": len(values), "seed": 3, "epochs": 1, **fields}
    recordings = {(3 + at, 0): recording([value], val_error=[value]) for at, value in enumerate(values)}
    return Result(Config(**fields), dataset, recordings)


ALL_ROWS = Dataset.without_test(CLASSES.X, CLASSES.y, task="binary")


# --- history -----------------------------------------------------------------------------------------------


def test_history_has_one_row_for_each_seed_and_epoch():
    history = single([[3.0, 2.0], [5.0, 4.0]]).history
    assert history[["seed", "member", "epoch", "val_loss"]].values.tolist() == [
        [3, 0, 1, 3.0],
        [3, 0, 2, 2.0],
        [4, 0, 1, 5.0],
        [4, 0, 2, 4.0],
    ]


def test_history_has_the_columns_of_the_design_and_no_test_numbers():
    assert single([[3.0]]).history.columns.tolist() == [
        "seed", "member", "epoch", "objective", "penalty",
        "train_loss", "val_loss", "train_error", "val_error", "weight_norm",
    ]  # fmt: skip


def test_each_column_of_the_recording_lands_in_its_own():
    row = single([[9.0]]).history.iloc[0]
    recorded = ["objective", "penalty", "weight_norm", "train_loss", "train_error", "val_error"]
    assert row[recorded].tolist() == [HISTORY_COLUMNS.index(name) for name in recorded]


def test_a_regression_history_is_in_the_units_of_y():
    result = single([[9.0]], NUMBERS)
    y_scale = NUMBERS.rows(3).y_scale
    assert result.history.columns.tolist()[7:9] == ["train_mae", "val_mae"]
    assert result.history["train_mae"].tolist() == [HISTORY_COLUMNS.index("train_error") * y_scale]
    assert result.history["train_loss"].tolist() == [HISTORY_COLUMNS.index("train_loss")]


def test_a_table_that_is_changed_does_not_change_the_result():
    result = single([[3.0]])
    history, metrics = result.history, result.metrics("val")
    history.loc[:, "val_loss"] = -1.0
    metrics.loc[:, "loss"] = -1.0
    assert result.history["val_loss"].tolist() == [3.0]
    assert result.metrics("val")["loss"].tolist() == [3.0]


# --- stops -------------------------------------------------------------------------------------------------

CURVE = [3.0, 1.0, 2.0, 2.5, 0.5]


def stop(result):
    best, stopped, restored = result.stops.iloc[0][["best_epoch", "stopped_epoch", "restored_epoch"]]
    return best, None if stopped is pd.NA else stopped, restored


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"patience": None}, (5, None, 5)),
        ({"patience": 2}, (2, 4, 2)),
        ({"patience": 3}, (5, None, 5)),
        ({"patience": 2, "restore_best_weights": False}, (2, 4, 4)),
        ({"patience": 4, "min_delta": 2.2, "restore_best_weights": True}, (5, None, 5)),
        ({"patience": 9, "min_delta": 2.6}, (5, None, 1)),
        ({"patience": 9, "min_delta": 2.6, "restore_best_weights": False}, (5, None, 5)),
        ({"patience": 1, "start_from_epoch": 2}, (2, 4, 3)),
    ],
)
def test_stops_follow_the_rule(fields, expected):
    assert stop(single([CURVE]).with_stopping(**fields)) == expected == stop(single([CURVE], **fields))


def test_stops_have_whole_epochs_and_a_stop_that_may_be_missing():
    stops = single([CURVE, [1.0, 2.0, 3.0, 4.0, 5.0]], patience=3).stops
    assert stops.columns.tolist() == ["seed", "member", "best_epoch", "stopped_epoch", "restored_epoch"]
    assert stops["stopped_epoch"].isna().tolist() == [True, False]
    assert [str(kind) for kind in stops.dtypes] == ["int64", "int64", "int64", "Int64", "int64"]


def test_a_stop_is_told_of_each_network_and_of_all():
    fired, went_on = single([CURVE], patience=1), single([CURVE])
    assert (fired.stopped_epoch(3), fired.has_stopped) == (int(stop(fired)[1]), True)
    assert (went_on.stopped_epoch(3), went_on.has_stopped) == (None, False)
    with pytest.raises(ConfigError, match="must be one of the result's"):
        fired.stopped_epoch(99)


def test_columns_are_those_of_the_tables():
    result = single([CURVE, CURVE], NUMBERS, patience=1)
    pd.testing.assert_frame_equal(pd.DataFrame(result.history_columns), result.history)
    pd.testing.assert_frame_equal(
        pd.DataFrame(result.stop_columns).astype({"stopped_epoch": "Int64"}), result.stops
    )


def test_a_first_nan_is_kept_without_a_warning():
    result = single([[math.nan, 1.0, 1.0]], patience=1)
    assert stop(result) == (2, 2, 1)
    assert result.diverged == ((3, 0),)


def test_what_is_recorded_after_the_stop_has_not_diverged():
    curve = [1.0, 2.0, 2.0, math.nan]
    assert single([curve]).diverged == ((3, 0),)
    assert single([curve], patience=2).diverged == ()
    assert single([curve], patience=3).diverged == ((3, 0),)


def test_with_stopping_shares_the_recordings():
    result = single([CURVE])
    changed = result.with_stopping(patience=2)
    assert changed.recordings is result.recordings
    assert changed.config == result.config.replace(patience=2)


def test_without_stopping_all_rules_are_the_same():
    stopped = single([CURVE], l2=0.1).with_stopping(patience=1, min_delta=0.1, restore_best_weights=False)
    assert stopped.without_stopping().config == Config(seeds=1, seed=3, epochs=5, l2=0.1)
    assert stopped.without_stopping().recordings is stopped.recordings
    assert stopped.without_stopping() is stopped.without_stopping().without_stopping()


def test_with_stopping_refuses_what_would_need_training():
    with pytest.raises(ConfigError, match="with_stopping takes patience.*, got 'l2'"):
        single([CURVE]).with_stopping(l2=0.1)


# --- metrics of single networks ----------------------------------------------------------------------------


def test_metrics_are_those_recorded_at_the_restored_epoch():
    columns = {
        f"{split}_{name}": [number, number + 1, number + 2]
        for number, (split, name) in enumerate(
            (s, n) for s in ("train", "test") for n in ("loss", "error", "brier")
        )
    }
    one = recording([2.0, 1.0, 3.0], val_error=[0.5, 0.25, 0.75], val_brier=[0.2, 0.1, 0.3], **columns)
    result = Result(Config(seeds=1, epochs=3, patience=5), CLASSES, {(0, 0): one})
    assert result.metrics("val").to_dict("records") == [{"seed": 0, "loss": 1.0, "error": 0.25, "brier": 0.1}]
    assert result.metrics("train").to_dict("records") == [{"seed": 0, "loss": 1, "error": 2, "brier": 3}]
    assert result.metrics("test").to_dict("records") == [{"seed": 0, "loss": 4, "error": 5, "brier": 6}]


def test_regression_metrics_are_in_the_units_of_y():
    one = recording([4.0], val_error=[1.5], val_brier=[math.nan])
    found = Result(Config(seeds=1, epochs=1), NUMBERS, {(0, 0): one}).metrics("val")
    y_scale = NUMBERS.rows(0).y_scale
    assert found.to_dict("records") == [{"seed": 0, "loss": 4.0, "mae": 1.5 * y_scale, "rmse": 2.0 * y_scale}]


def test_a_float32_error_is_given_as_the_exact_fraction():
    one = recording([1.0], train_error=[float(np.float32(3 / 8)) + 1e-8])
    assert Result(Config(seeds=1, epochs=1), CLASSES, {(0, 0): one}).metrics("train")["error"].tolist() == [
        0.375
    ]


def test_a_network_that_diverged_has_no_error():
    found = single([[math.nan]]).metrics("val").iloc[0]
    assert found[["loss", "error", "brier"]].isna().all()


def test_an_unknown_split_is_named():
    with pytest.raises(ConfigError, match="split must be one of train, val, test, got 'validation'"):
        single([CURVE]).metrics("validation")


# --- ensembles, and what was not recorded ------------------------------------------------------------------

WEIGHTS = Weights((np.ones((2, 1)),), (np.zeros(1),))
RESTORED = {0: 2, 1: 1}
VAL_LOSSES = {0: [3.0, 1.0], 1: [1.0, 3.0]}


def outputs_of(seed, member, epoch, split, dataset=CLASSES):
    n_rows = len(getattr(dataset.rows(seed), split))
    generator = np.random.default_rng([seed, member, epoch, ["train", "val", "test"].index(split)])
    return generator.normal(size=(n_rows, 1)).astype(np.float32)


def ensemble(output_epochs=(1, 2), recall=None, dataset=CLASSES, n_seeds=2):
    """Return a result of two members that restore epochs 2 and 1."""
    recordings = {
        (seed, member): recording(
            VAL_LOSSES[member],
            output_epochs=output_epochs,
            outputs={
                split: np.array([outputs_of(seed, member, epoch, split) for epoch in output_epochs])
                for split in ("train", "val", "test")
                if output_epochs
            },
        )
        for seed in range(n_seeds)
        for member in range(2)
    }
    return Result(Config(seeds=n_seeds, members=2, epochs=2, patience=5), dataset, recordings, recall)


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("dataset", [CLASSES, NUMBERS])
def test_members_are_averaged_in_prediction_each_at_its_own_restored_epoch(split, dataset):
    found = ensemble(dataset=dataset).metrics(split)
    assert found["seed"].tolist() == [0, 1]
    for seed in (0, 1):
        rows = dataset.rows(seed)
        members = [outputs_of(seed, member, RESTORED[member], split) for member in (0, 1)]
        y = {"train": rows.y_train, "val": rows.y_val, "test": rows.y_test}[split]
        expected = score(mean_prediction(members, dataset.task), y, dataset.task, rows.y_scale)
        assert found.drop(columns="seed").iloc[seed].to_dict() == expected


def test_what_was_not_recorded_is_recalled_in_one_request():
    requests = []

    def recall(moments):
        requests.append(list(moments))
        return {
            moment: Snapshot(
                WEIGHTS,
                {
                    split: outputs_of(moment.seed, moment.member, moment.epoch, split)
                    for split in ("train", "val", "test")
                },
            )
            for moment in moments
        }

    found = ensemble(output_epochs=(2,), recall=recall).metrics("val")
    assert requests == [[Moment(0, 1, 1), Moment(1, 1, 1)]]
    pd.testing.assert_frame_equal(found, ensemble().metrics("val"))


def test_without_recall_what_is_missing_is_named():
    with pytest.raises(RegcoreError, match="epoch 1 of seed 0, member 1 was not recorded"):
        ensemble(output_epochs=(2,)).metrics("val")


def test_with_members_takes_the_first_ones():
    result = ensemble()
    assert result.with_members(1).metrics("val")["loss"].tolist() == [1.0, 1.0]
    assert result.with_members(1).recordings is result.recordings
    pd.testing.assert_frame_equal(result.with_members(2).metrics("val"), result.metrics("val"))


@pytest.mark.parametrize("members", [0, 3, True, 1.5])
def test_more_members_than_were_trained_are_refused(members):
    with pytest.raises(ConfigError, match="^members must be"):
        ensemble().with_members(members)


def test_outputs_are_those_of_the_restored_epoch_or_of_the_one_asked_for():
    result = ensemble()
    assert np.array_equal(result.outputs(1, 0), outputs_of(1, 0, 2, "val"))
    assert np.array_equal(result.outputs(1, 0, epoch=1, split="train"), outputs_of(1, 0, 1, "train"))


def test_outputs_on_test_rows_stay_sealed():
    with pytest.raises(ConfigError, match="split must be one of train, val, got 'test'"):
        ensemble().outputs(0, 0, split="test")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((7, 0), r"\(0, 0\), \(0, 1\), \(1, 0\), \(1, 1\), got \(7, 0\)"),
        ((0, 0, 3), "epoch must be 1 to 2, .* got 3"),
    ],
)
def test_a_network_or_epoch_that_is_not_there_is_named(arguments, message):
    with pytest.raises(ConfigError, match=message):
        ensemble().outputs(*arguments)


def test_weights_come_from_the_checkpoint_of_the_restored_epoch():
    other = Weights((np.zeros((2, 1)),), (np.ones(1),))
    one = recording([1.0, 2.0], checkpoints={1: WEIGHTS, 2: other})
    result = Result(Config(seeds=1, epochs=2, patience=5), CLASSES, {(0, 0): one})
    assert result.weights(0) is WEIGHTS
    assert result.weights(0, epoch=2) is other


def test_weights_without_a_checkpoint_are_recalled():
    asked = []

    def recall(moments):
        asked.extend(moments)
        return {moment: Snapshot(WEIGHTS, {}) for moment in moments}

    assert ensemble(recall=recall).weights(1, 1) is WEIGHTS
    assert asked == [Moment(1, 1, 1)]


# --- while training is under way ---------------------------------------------------------------------------


def test_a_partial_result_gives_what_is_there():
    config = Config(seeds=3, epochs=5, patience=2)
    result = Result(config, CLASSES, {(0, 0): recording([3.0, 1.0]), (1, 0): recording([])})
    assert not result.is_complete
    assert result.history["epoch"].tolist() == [1, 2]
    assert stop(result) == (2, None, 2)
    assert result.metrics("val")["loss"].tolist() == [1.0]


def test_a_partial_ensemble_leaves_out_seeds_that_would_have_to_wait():
    whole = ensemble()
    recordings = {pair: one for pair, one in whole.recordings.items() if pair != (1, 1)}
    partial = Result(whole.config, CLASSES, recordings)
    assert partial.metrics("val")["seed"].tolist() == [0]
    unrecorded = {**recordings, (0, 0): recording(VAL_LOSSES[0])}
    assert Result(whole.config, CLASSES, unrecorded).metrics("val")["seed"].tolist() == []


def test_a_result_without_recordings_has_empty_tables_of_the_same_columns():
    empty = Result(Config(), CLASSES, {})
    for table in (
        lambda result: result.history,
        lambda result: result.stops,
        lambda result: result.metrics("val"),
    ):
        assert table(empty).columns.tolist() == table(single([CURVE])).columns.tolist()
        assert len(table(empty)) == 0
    assert empty.diverged == ()


def test_a_result_shows_itself_in_one_line():
    assert repr(ensemble()) == "Result('your data', 2 seeds x 2 members, 2 epochs)"
    assert repr(Result(Config(seeds=1, epochs=9), CLASSES, {})).endswith("9 epochs, not complete)")


def test_a_recording_knows_its_bytes():
    one = recording(
        [1.0], outputs={"val": np.zeros((1, 4, 1), np.float32)}, output_epochs=(1,), checkpoints={1: WEIGHTS}
    )
    assert one.nbytes == 12 * 8 + 4 * 4 + 8 + 3 * 8
    assert repr(one) == "Recording(1 epochs, outputs of 1 epochs, weights of 1, 0.0 MB)"


def test_a_result_travels_between_processes():
    result = ensemble()
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(result)).metrics("val"), result.metrics("val"))


def test_importing_results_loads_neither_tensorflow_nor_pandas():
    code = "import regcore.results, sys; print({'tensorflow', 'keras', 'pandas', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- comparison --------------------------------------------------------------------------------------------


def test_a_comparison_is_paired_with_its_first_result():
    plain, treated = errors([0.5, 0.75, 0.5, 0.75]), errors([0.25, 0.5, 0.25, 0.25])
    table = Comparison({"plain": plain, "dropout": treated}).table()
    assert table.columns.tolist() == [
        "name", "mean", "sd", "difference", "low", "high", "wins", "ties", "n", "verdict",
    ]  # fmt: skip
    first, second = table.to_dict("records")
    assert (first["name"], first["mean"], first["n"], first["verdict"]) == ("plain", 0.625, 4, "baseline")
    assert table.iloc[0][["difference", "low", "high", "wins", "ties"]].isna().all()
    assert (second["mean"], second["difference"]) == (0.3125, -0.3125)
    assert (second["wins"], second["ties"], second["verdict"]) == (4, 0, "better")
    assert second["low"] < -0.3125 < second["high"] < 0


def test_the_rows_of_a_comparison_are_those_of_its_table():
    compared = Comparison(
        {"plain": errors([0.5, 0.75, 0.5]), "b": errors([0.25, 0.5, 0.5]), "c": errors([0.5] * 3)}
    )
    first, *others = compared.rows("val", "loss")
    table = compared.table("val", "loss")

    assert list(first) == table.columns.tolist()
    assert (first["wins"], first["ties"], first["n"], first["verdict"]) == (None, None, 3, "baseline")
    assert others == table.iloc[1:].to_dict("records")


def test_a_comparison_takes_the_metric_asked_for():
    compared = Comparison({"a": errors([0.5, 0.5]), "b": errors([0.25, 0.75])})
    assert compared.table(metric="loss")["mean"].tolist() == [0.5, 0.5]
    with pytest.raises(ConfigError, match="metric must be one of loss, error, brier, got 'mae'"):
        compared.table(metric="mae")


def test_a_regression_comparison_shows_mae():
    found = Comparison({"a": errors([0.5, 0.5], NUMBERS)}).table()["mean"].tolist()
    assert found == [pytest.approx(0.5 * NUMBERS.rows(3).y_scale)]


def test_unpaired_seeds_are_refused():
    with pytest.raises(ConfigError, match="share their seeds, got seeds 3 to 4 for 'a' and seed 3 for 'b'"):
        Comparison({"a": errors([0.5, 0.5]), "b": errors([0.5])})


def test_another_task_is_refused():
    with pytest.raises(ConfigError, match="share their task, got binary for 'a' and regression for 'b'"):
        Comparison({"a": errors([0.5]), "b": errors([0.5], NUMBERS)})


def test_nothing_to_compare_is_refused():
    with pytest.raises(ConfigError, match="at least one result"):
        Comparison({})


def test_while_training_the_seeds_both_have_are_paired():
    plain, treated = errors([0.5, 0.75]), errors([0.25], seeds=2)
    row = Comparison({"plain": plain, "treated": treated}).table().iloc[1]
    assert (row["n"], row["difference"], row["verdict"]) == (1, -0.25, "one seed cannot tell")
    nothing = Result(plain.config, CLASSES, {})
    row = Comparison({"plain": plain, "treated": nothing}).table().iloc[1]
    assert (row["n"], row["verdict"]) == (0, "no seed yet")


# --- sweep -------------------------------------------------------------------------------------------------


def swept(field, by_value):
    return Sweep(field, tuple(by_value), tuple(errors(values) for values in by_value.values()))


def test_a_sweep_has_one_row_for_each_value():
    table = swept("l2", {0.0: [0.5, 0.75], 0.1: [0.25, 0.25]}).table()
    assert table.columns.tolist() == ["value", "mean", "sd", "low", "high", "n"]
    assert table["value"].tolist() == [0.0, 0.1]
    assert table["mean"].tolist() == [0.625, 0.25]
    assert table["sd"].tolist() == [pytest.approx(math.sqrt(1 / 32)), 0.0]
    assert table["n"].tolist() == [2, 2]


def test_values_that_are_no_numbers_stay_what_they_are():
    assert swept("patience", {None: [0.5, 0.5], 5: [0.5, 0.5]}).table()["value"].tolist() == [None, 5]
    assert swept("hidden", {(): [0.5], (4, 4): [0.5]}).table()["value"].tolist() == [(), (4, 4)]


def test_the_best_value_is_chosen_on_validation():
    sweep = swept("l2", {0.0: [0.5, 0.75], 0.1: [0.25, 0.5], 1.0: [0.5, 0.5]})
    best = sweep.best()
    assert (best.value, best.mean, best.standard_error) == (0.1, 0.375, 0.125)
    assert best.result is sweep.results[1]


@pytest.mark.parametrize(
    ("field", "values", "simplest"),
    [
        ("l2", (0.0, 0.1, 0.2), 0.2),
        ("dropout_hidden", ((0.1, 0.5), 0.2, 0.0), (0.1, 0.5)),
        ("flip", (False, True), True),
        ("patience", (None, 20, 5), 5),
        ("max_norm", (None, 1.0, 3.0), 1.0),
        ("hidden", ((16, 16), (128,), ()), ()),
        ("members", (5, 1), 1),
    ],
)
def test_one_standard_error_chooses_what_regularizes_most(field, values, simplest):
    sweep = swept(field, {value: [0.25, 0.5] for value in values})
    assert sweep.one_standard_error_choice().value == simplest


def test_one_standard_error_refuses_a_field_without_direction():
    with pytest.raises(ConfigError, match="field must be a regularizer.*got 'learning_rate'"):
        swept("learning_rate", {0.1: [0.5], 0.2: [0.5]}).one_standard_error_choice()


def test_a_sweep_that_diverged_everywhere_has_no_best_value():
    with pytest.raises(DataError, match="finite mean"):
        swept("l2", {0.0: [math.nan], 1.0: [math.nan]}).best()


def test_a_sweep_can_be_held_against_its_first_value():
    compared = swept("l2", {0.0: [0.5, 0.75], 0.1: [0.25, 0.51]}).comparison()
    assert list(compared.results) == ["l2 = 0.0", "l2 = 0.1"]
    assert compared.table(metric="loss")["verdict"].tolist() == ["baseline", "better"]


@pytest.mark.parametrize(
    ("values", "shown"), [((0.1, 0, 0.0), "0 and 0.0"), ((None, 5, None), "None and None")]
)
def test_a_value_that_is_there_twice_is_refused(values, shown):
    with pytest.raises(ConfigError, match=f"values must differ from each other, got {shown}: leave one"):
        Sweep("l2", values, tuple(errors([0.5]) for _ in values))


def test_a_sweep_over_data_of_another_task_is_refused():
    with pytest.raises(ConfigError, match="task, got binary for 'moons' and regression for 'diabetes'"):
        Sweep("data", ("moons", "diabetes"), (errors([0.5]), errors([0.5], NUMBERS)))


def test_values_and_results_must_match():
    with pytest.raises(ConfigError, match="one for each result"):
        Sweep("l2", (0.0,), ())


def test_what_is_recorded_of_the_test_has_one_door():
    kept = {
        split: np.full((1, 2, 1), at, dtype=np.float32) for at, split in enumerate(("train", "val", "test"))
    }
    recording = Recording("", np.arange(12.0)[None], kept, np.array([1]), {1: WEIGHTS})
    shown = [recording, recording.snapshot(1)]

    assert recording.history.tolist() == [[float(at) for at in range(9)]]
    assert [list(each.outputs) for each in shown] == [["train", "val"]] * 2
    public = [getattr(recording, name) for name in dir(recording) if not name.startswith("_")]
    assert not any(isinstance(each, np.ndarray) and np.isin([9.0, 10.0, 11.0], each).any() for each in public)
    assert recording.nbytes > recording.history.nbytes + 3 * kept["test"].nbytes


def test_a_recording_is_made_of_open_columns_as_well():
    assert Recording("", np.arange(9.0)[None]).history.tolist() == [[float(at) for at in range(9)]]


# --- no validation rows, no test rows ----------------------------------------------------------------------


def test_without_validation_rows_the_last_weights_are_kept_and_nothing_has_diverged():
    result = single([[math.nan, math.nan]], ALL_ROWS)
    assert result.stops[["best_epoch", "restored_epoch"]].values.tolist() == [[2, 2]]
    assert result.diverged == ()
    assert result.metrics("train")["loss"].tolist() == [HISTORY_COLUMNS.index("train_loss") + 0.5]


@pytest.mark.parametrize("split", ["val", "test"])
def test_rows_that_a_data_set_does_not_have_are_not_scored(split):
    with pytest.raises(ConfigError, match=f"split must be one that your data has rows of, got '{split}'"):
        single([[math.nan]], ALL_ROWS).metrics(split)


def test_without_validation_rows_there_is_no_other_stopping_rule():
    with pytest.raises(ConfigError, match="patience must be None on your data, which has no validation rows"):
        single([[math.nan]], ALL_ROWS).with_stopping(patience=3)
