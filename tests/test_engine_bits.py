"""A replicate's bits depend on itself alone, and what is recorded of it is what it was."""

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regcore.config import Config
from regcore.data import load_dataset
from regcore.engine.advance import advance, start, total_steps
from regcore.engine.batches import steps_per_epoch
from regcore.engine.program import Program, program
from regcore.engine.shard import Probe, RecordingPlan, Rows, Shard
from regcore.results import HISTORY_COLUMNS
from tests.engine_runs import Run, replicates, train

EVERY_OUTPUT = RecordingPlan(output_every=1)

# Odd widths and batches, so that no array ends where a processor's vector does.
REGULARIZED: dict[str, Any] = {
    "n_train": 61, "n_val": 20, "seeds": 8, "seed": 3, "epochs": 2, "learning_rate": 0.01, "bootstrap": True,
    "l2": 1e-3, "weight_decay": 1e-2, "dropout_input": 0.1, "jitter": 0.1, "mixup": 0.4,
}  # fmt: skip
HIDDEN: dict[str, Any] = {"dropout_hidden": 0.3, "max_norm": 1.5}
MOVED: dict[str, Any] = {"shift": 1, "cutout": 2, "rotate": 10.0, "zoom": 0.1}

QUICK_CASES: dict[str, dict[str, Any]] = {
    "binary relu adam": {"data": "moons", "hidden": (13, 5), "batch_size": 7},
    "binary linear sgd": {"data": "breast_cancer", "hidden": (), "optimizer": "sgd", "momentum": 0.9},
    "multiclass relu adam": {"data": "wine", "hidden": (7,), "batch_size": 64},
    "multiclass tanh sgd": {"data": "iris", "hidden": (33, 17, 3), "activation": "tanh", "optimizer": "sgd"},
    "images tanh adam": {"data": "digits", "hidden": (13,), "activation": "tanh", "batch_size": 7, **MOVED},
    "images linear adam": {"data": "digits", "hidden": (), "batch_size": 64, **MOVED},
    "regression relu sgd": {"data": "diabetes", "hidden": (1,), "optimizer": "sgd", "batch_size": 1},
    "regression tanh adam": {"data": "sine", "hidden": (64, 64), "activation": "tanh"},
}
# Widths in whole lanes, and neither decay nor a limit of the norm: such steps have loops of their own.
USUAL: dict[str, Any] = {"weight_decay": 0.0, "max_norm": None, "epochs": 9}
USUAL_CASES: dict[str, dict[str, Any]] = {
    "dropout": {"data": "moons", "hidden": (16, 48), "batch_size": 7, **USUAL},
    "no dropout": {"data": "wine", "hidden": (48,), "dropout_input": 0.0, "dropout_hidden": 0.0, **USUAL},
    "dropout of one layer": {"data": "digits", "hidden": (32, 16), "dropout_hidden": (0.5, 0.0), **USUAL},
    "tanh": {"data": "sine", "hidden": (16, 32), "activation": "tanh", "batch_size": 10, **USUAL},
}


# What the others hold as well, one way or another.
LATER = {
    "binary linear sgd",
    "multiclass relu adam",
    "images linear adam",
    "regression relu sgd",
    "no dropout",
}


def now_or_later(cases: dict[str, dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, marks=pytest.mark.slow) if case in LATER else case for case in cases]


def regularized(case: dict[str, Any]) -> Config:
    return Config(**{**REGULARIZED, **(HIDDEN if case["hidden"] else {}), **case})


def assert_bits_are_its_own(config: Config) -> None:
    """Train replicates alone, together, in pieces and beside others; all must end with the same bytes."""
    dataset = load_dataset(config)
    several, plain = replicates(config, dataset), replicates(config.plain(), dataset)
    decayed = replicates(config.plain().replace(l2=0.05, weight_decay=0.01), dataset)
    together = train(several, dataset, plan=EVERY_OUTPUT)
    alone = train([several[2]], dataset, plan=EVERY_OUTPUT)
    in_pieces = train([several[7]], dataset, [3, 1, 5], plan=EVERY_OUTPUT)
    three = train([several[i] for i in (7, 0, 2)], dataset, [1] * 5, plan=EVERY_OUTPUT)
    mixed = train([plain[4], several[2], decayed[6], several[7]], dataset, [4], plan=EVERY_OUTPUT)

    assert alone.bits(0) == together.bits(2)
    assert in_pieces.bits(0) == together.bits(7)
    assert [three.bits(i) for i in range(3)] == [together.bits(i) for i in (7, 0, 2)]
    assert mixed.bits(1) == together.bits(2)
    assert mixed.bits(3) == together.bits(7)
    assert mixed.bits(0) == train([plain[4]], dataset, plan=EVERY_OUTPUT).bits(0)
    assert mixed.bits(2) == train([decayed[6]], dataset, plan=EVERY_OUTPUT).bits(0)


@pytest.mark.parametrize("case", now_or_later(QUICK_CASES))
def test_bits_are_the_same_alone_together_in_pieces_and_beside_others(case):
    assert_bits_are_its_own(regularized(QUICK_CASES[case]))


@pytest.mark.parametrize("case", now_or_later(USUAL_CASES))
def test_bits_are_the_same_in_the_loops_for_the_usual(case):
    assert_bits_are_its_own(regularized(USUAL_CASES[case]))


@pytest.mark.slow
@pytest.mark.parametrize("data", ["moons", "wine", "blobs", "digits", "sine", "diabetes"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("hidden", [(), (1,), (7,), (13, 5), (33, 17, 3), (64, 64), (200, 100)])
def test_bits_are_the_same_for_every_shape(data, activation, optimizer, hidden):
    moved = MOVED if data == "digits" else {}
    for batch_size in (1, 7, 32, 64):
        shape = {"hidden": hidden, "activation": activation, "optimizer": optimizer}
        assert_bits_are_its_own(regularized({"data": data, "batch_size": batch_size, **shape, **moved}))


def test_a_thousand_rows_of_several_classes_have_the_bits_of_each_seed_alone():
    # TensorFlow's fused cross-entropy works in blocks of about as many rows, and rounds by the place in them.
    config = Config(data="digits", n_train=600, n_val=300, hidden=(10,), batch_size=300, epochs=2, seeds=5)
    dataset = load_dataset(config)
    several = replicates(config, dataset)
    together = train(several, dataset, plan=EVERY_OUTPUT)

    for place, replicate in enumerate(several):
        assert train([replicate], dataset, plan=EVERY_OUTPUT).bits(0) == together.bits(place)


DIVERGING: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 10.0, "epochs": 40, "batch_size": 4}


def test_bits_do_not_depend_on_penalties_beside_a_network_that_diverges():
    # 0 * infinity is no number: the l2 of a neighbour must not reach weights that have none.
    config = Config(data="sine", n_train=30, n_val=10, seeds=2, hidden=(), **DIVERGING)
    dataset = load_dataset(config)
    first, _ = replicates(config, dataset)
    _, penalised = replicates(config.replace(l2=1e-3, weight_decay=1e-3, jitter=0.1, mixup=1.0), dataset)
    alone = train([first], dataset, plan=EVERY_OUTPUT)

    assert not np.isfinite(alone.history[0, -1, HISTORY_COLUMNS.index("train_loss")])
    assert train([first, penalised], dataset, plan=EVERY_OUTPUT).bits(0) == alone.bits(0)


def test_a_network_that_diverged_has_no_error():
    config = Config(data="iris", hidden=(7,), seeds=1, **DIVERGING)
    history = train(replicates(config), load_dataset(config)).history[0]
    loss, error, brier = history[:, HISTORY_COLUMNS.index("val_loss") :][:, :3].T

    assert np.isnan(loss[-1])
    np.testing.assert_array_equal(np.isnan(error), np.isnan(loss))
    np.testing.assert_array_equal(np.isnan(brier), np.isnan(loss))


# Chunks


CHUNKED = regularized({"data": "iris", "hidden": (9, 4), "batch_size": 8, "epochs": 5, "seeds": 2})
CHUNKED_PLAN = RecordingPlan(output_every=2, checkpoints=(2, 4))


@functools.cache
def chunked_whole() -> Run:
    return train(replicates(CHUNKED), load_dataset(CHUNKED), plan=CHUNKED_PLAN)


@settings(max_examples=25, deadline=None)
@given(chunks=st.lists(st.integers(1, 40), max_size=12))
def test_chunks_of_any_size_end_alike(chunks):
    run, whole = train(replicates(CHUNKED), load_dataset(CHUNKED), chunks, CHUNKED_PLAN), chunked_whole()

    assert [run.bits(0), run.bits(1)] == [whole.bits(0), whole.bits(1)]
    epochs = [epoch for piece in run.pieces for epoch in piece.output_epochs]
    checkpoints = [epoch for piece in run.pieces for epoch in piece.checkpoints]
    assert (epochs, checkpoints) == ([2, 4], [2, 4])


@given(chunks=st.lists(st.integers(1, 12), min_size=1, max_size=8))
@settings(max_examples=10, deadline=None)
def test_a_chunk_returns_one_row_for_every_epoch_that_ended_in_it(chunks):
    dataset = load_dataset(CHUNKED)
    shard = Shard(replicates(CHUNKED, dataset))
    per_epoch = steps_per_epoch(shard, dataset)
    state, taken = start(shard, dataset), 0
    for n_steps in chunks:
        if taken == total_steps(shard, dataset):
            break
        before, taken = taken // per_epoch, min(taken + n_steps, total_steps(shard, dataset))
        state, rows = advance(shard, state, n_steps, dataset)
        assert state.step == taken
        assert rows.history.shape == (2, taken // per_epoch - before, len(HISTORY_COLUMNS))
        assert rows.outputs == {}


# Recording


def test_outputs_are_kept_every_so_many_epochs_for_every_split():
    config = CHUNKED.replace(epochs=7)
    dataset = load_dataset(config)
    run = train(replicates(config, dataset), dataset, plan=RecordingPlan(output_every=3))
    every = train(replicates(config, dataset), dataset, plan=EVERY_OUTPUT)

    assert list(run.pieces[0].output_epochs) == [3, 6]
    for split, n_rows in {"train": 61, "val": 20, "test": len(dataset.test_rows)}.items():
        assert run.outputs[split].shape == (2, 2, n_rows, 3)
        assert run.outputs[split].dtype == np.float32
        np.testing.assert_array_equal(run.outputs[split], every.outputs[split][:, [2, 5]])


def test_a_training_goes_on_from_a_checkpoint_of_one_replicate_to_the_same_end():
    dataset, trained = load_dataset(CHUNKED), replicates(CHUNKED)
    checkpoints = chunked_whole().pieces[0].checkpoints

    assert set(checkpoints) == {2, 4}
    for epoch, state in checkpoints.items():
        resumed = train([trained[1]], dataset, state=state.take([1]))
        assert resumed.history.shape[1] == 5 - epoch
        assert resumed.history[0].tobytes() == chunked_whole().history[1, epoch:].tobytes()
        for ours, theirs in zip(resumed.state.slots, chunked_whole().state.take([1]).slots, strict=True):
            assert ours.tobytes() == theirs.tobytes()


def test_training_leaves_the_state_it_goes_on_from_as_it_was():
    dataset, shard = load_dataset(CHUNKED), Shard(replicates(CHUNKED))
    begun = start(shard, dataset)
    before = [array.copy() for array in begun.kernels]
    advance(shard, begun, 20, dataset)

    for array, copy in zip(begun.kernels, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def forward(weights: tuple[np.ndarray, ...], X: np.ndarray, activation: str) -> list[np.ndarray]:
    """Return what every layer gives, in double precision, from the kernels and biases of all replicates."""
    n_layers = len(weights) // 2
    given = []
    for layer in range(n_layers):
        X = X @ weights[layer].astype(float) + weights[n_layers + layer].astype(float)
        if layer < n_layers - 1:
            X = np.tanh(X) if activation == "tanh" else np.maximum(X, 0)
        given.append(X)
    return given


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_probes_show_what_numpy_computes_from_the_weights(activation):
    shape = {"hidden": (9, 4), "activation": activation}
    config = Config(data="iris", epochs=4, seeds=3, seed=5, dropout_hidden=0.5, **shape)
    dataset = load_dataset(config)
    X = dataset.X[:17] + 0.25
    probes = (
        Probe("grid", "outputs", (0, 1, 4), X),
        Probe("units", "activations", (0, 3), X),
        Probe("weights", "weights", (0, 1, 3, 4)),
    )
    run = train(replicates(config, dataset), dataset, [2, 1, 7], RecordingPlan(probes=probes))
    seen = {name: _merged(run.pieces, name) for name in ("grid", "units", "weights")}
    scaled = np.stack([(X - dataset.rows(seed).shift) / dataset.rows(seed).scale for seed in (5, 6, 7)])

    assert [tuple(epochs) for epochs in seen.values()] == [probe.epochs for probe in probes]
    for epoch, weights in seen["weights"].items():
        *hidden, outputs = forward(weights, scaled, activation)
        if epoch in (0, 1, 4):
            np.testing.assert_allclose(seen["grid"][epoch][0], outputs, rtol=1e-5, atol=1e-5)
        if epoch in (0, 3):
            for given, expected in zip(seen["units"][epoch], hidden, strict=True):
                np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-5)


def _merged(pieces: list[Rows], name: str) -> dict[int, tuple[np.ndarray, ...]]:
    return {epoch: arrays for piece in pieces for epoch, arrays in piece.probes.get(name, {}).items()}


def test_probed_weights_are_the_initial_and_the_last_ones():
    config = Config(data="moons", hidden=(5,), epochs=2, seeds=2)
    dataset = load_dataset(config)
    shard = Shard(replicates(config, dataset), RecordingPlan(probes=(Probe("weights", "weights", (0, 2)),)))
    run = train(shard.replicates, dataset, plan=shard.plan)
    begun, ended = start(shard, dataset), run.state
    weights = run.pieces[0].probes["weights"]

    for arrays, state in ((weights[0], begun), (weights[2], ended)):
        for ours, theirs in zip(arrays, (*state.kernels, *state.biases), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_probe_does_not_change_the_training():
    dataset, trained = load_dataset(CHUNKED), replicates(CHUNKED)
    probe = Probe("grid", "outputs", (0, 1, 2, 3), dataset.X)
    probed = train(trained, dataset, plan=RecordingPlan(output_every=2, probes=(probe,)))

    assert probed.bits(1) == chunked_whole().bits(1)


def test_recorded_outputs_are_those_of_the_checkpoint():
    dataset, whole = load_dataset(CHUNKED), chunked_whole()
    state = whole.pieces[0].checkpoints[4].take([1])
    X = dataset.split(CHUNKED.seed + 1).X_val[None]

    *_, outputs = forward((*state.kernels, *state.biases), X, CHUNKED.activation)
    np.testing.assert_allclose(whole.outputs["val"][1, 1], outputs[0], rtol=1e-5, atol=1e-5)


# Traces


KNOBS: dict[str, dict[str, Any]] = {
    "l2": {"l2": 0.1},
    "weight_decay": {"weight_decay": 0.1},
    "max_norm": {"max_norm": 1.0},
    "dropout_hidden": {"dropout_hidden": 0.5},
    "dropout_input": {"dropout_input": 0.2},
    "jitter": {"jitter": 0.1},
    "mixup": {"mixup": 1.0},
    "learning_rate": {"learning_rate": 0.1},
    "batch_size": {"batch_size": 17},
    "hidden": {"hidden": (11, 3)},
    "seeds": {"seeds": 5},
    "n_train": {"n_train": 33},
    "noise": {"noise": 0.1},
    "data": {"data": "breast_cancer", "n_train": 60},
    "epochs": {"epochs": 3},
    "label_noise": {"label_noise": 0.2},
    "initializer": {"initializer": "zeros"},
    "bootstrap": {"bootstrap": True},
}


@pytest.fixture(scope="module")
def traced() -> Program:
    """The program of two relu layers, adam and two classes, compiled once."""
    config = Config(data="moons", hidden=(8, 8), epochs=1, seeds=1)
    train(replicates(config), load_dataset(config))
    return program(2, "relu", "adam", "binary", "float32")


@pytest.mark.parametrize("knob", KNOBS)
def test_a_knob_that_moves_does_not_compile_the_program_again(traced, knob):
    config = Config(**{"data": "moons", "hidden": (8, 8), "epochs": 1, "seeds": 1, **KNOBS[knob]})
    train(replicates(config), load_dataset(config), plan=EVERY_OUTPUT)

    assert traced.n_traces == 1


def test_images_that_move_do_not_compile_the_program_again():
    config = Config(data="digits", hidden=(8,), epochs=1, seeds=1)
    train(replicates(config), load_dataset(config))
    moved = config.replace(shift=1, rotate=5.0, cutout=2, zoom=0.1, flip=True, jitter=0.1)
    train(replicates(moved), load_dataset(moved))

    assert program(1, "relu", "adam", "multiclass", "float32").n_traces == 1
