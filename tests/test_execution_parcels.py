"""Answers of workers, read into memory that is used again: the same objects to the last bit."""

import gc
import multiprocessing
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from regcore.engine.shard import Rows, ShardState
from regcore.execution import parcels
from regcore.execution.parcels import ALIGNMENT, LARGE_BYTES, LARGEST_KEPT, Memory
from regcore.execution.worker import Advanced

N_LARGE = LARGE_BYTES // 4


def array(n, seed=0):
    return np.random.default_rng(seed).standard_normal(n).astype(np.float32)


def answer():
    state = ShardState(7, (array(6).reshape(1, 2, 3),), (array(3).reshape(1, 1, 3),), (), np.zeros(1))
    outputs = {"train": array(2 * N_LARGE + 5), "val": array(N_LARGE), "test": array(N_LARGE - 1)}
    # As a transposed array is: its memory in another order.
    probes = {"weights": {1: (array(2 * N_LARGE).reshape(2, N_LARGE).T, array(2 * N_LARGE)[::2])}}
    return Advanced(state, Rows(np.ones((1, 2, 12)), np.arange(2), outputs, {}, probes), 0.5, 0.25)


def arrays(answer):
    rows = answer.rows
    probes = [each for by_epoch in rows.probes.values() for epoch in by_epoch.values() for each in epoch]
    return [*answer.state.kernels, *answer.state.biases, rows.history, *rows.outputs.values(), *probes]


def test_an_answer_is_the_same_to_the_last_bit():
    sent = answer()
    found = parcels.unpack(memoryview(parcels.pack(sent)))

    assert [(each.dtype, each.shape, each.tobytes()) for each in arrays(found)] == [
        (each.dtype, each.shape, each.tobytes()) for each in arrays(sent)
    ]
    assert (found.state.step, found.seconds, found.core_seconds) == (7, 0.5, 0.25)


def test_large_arrays_are_views_of_what_was_read_and_small_ones_are_not():
    packed = np.frombuffer(parcels.pack(answer()), np.uint8).copy()
    found = parcels.unpack(memoryview(packed)).rows.outputs

    assert {split: np.shares_memory(each, packed) for split, each in found.items()} == {
        "train": True,
        "val": True,
        "test": False,
    }


def test_arrays_begin_at_whole_multiples_of_a_number_of_bytes_in_their_message():
    packed = np.frombuffer(parcels.pack(answer()), np.uint8).copy()
    train = parcels.unpack(memoryview(packed)).rows.outputs["train"]

    assert (train.ctypes.data - packed.ctypes.data) % ALIGNMENT == 0


def test_what_else_workers_say_is_read_as_it_is():
    assert parcels.unpack(memoryview(pickle.dumps([1, "two"]))) == [1, "two"]


def address(lent):
    return np.frombuffer(lent, np.uint8).ctypes.data


def test_memory_is_lent_again_when_nobody_looks_at_it():
    memory = Memory()
    first = memory.lend(1000)
    part, where = first[10:20], address(first)
    del first
    gc.collect()
    assert address(memory.lend(1000)) != where
    del part
    gc.collect()
    free = [piece.ctypes.data for piece in memory._free]
    assert where in free
    assert address(memory.lend(1200)) in free


def test_memory_that_is_too_small_or_too_large_is_let_go_of():
    memory = Memory()
    kept = []
    for n_bytes in (100, 1000, LARGEST_KEPT + 1):
        assert len(memory.lend(n_bytes)) == n_bytes
        kept.append([piece.nbytes for piece in memory._free])

    assert kept == [[125], [1250], []]


@pytest.fixture
def pipe():
    reader, writer = multiprocessing.Pipe(duplex=False)
    parcels.read_in_one_piece(reader)
    yield reader, writer
    reader.close()
    writer.close()


def test_one_message_after_the_other_comes_out_of_a_pipe(pipe):
    reader, writer = pipe
    for n in (3, 0, 5000):
        writer.send_bytes(parcels.pack(array(n)))
        writer.send(n)

        assert np.array_equal(reader.recv(), array(n))
        assert reader.recv() == n


def test_a_pipe_that_ends_is_told_from_one_that_ends_within_a_message(pipe):
    reader, writer = pipe
    writer.close()
    with pytest.raises(EOFError):
        reader.recv()


def test_a_message_that_ends_too_early_is_an_error(pipe):
    reader, writer = pipe
    writer._send(b"\0\0\0\x10half")
    writer.close()
    with pytest.raises(OSError, match="end of file during message"):
        reader.recv()


def test_a_worker_packs_the_answers_to_chunks_alone(monkeypatch):
    from joblib.externals.loky.backend import queues

    monkeypatch.setattr(queues, "dumps", lambda item, reducers: "as ever")
    parcels.pack_answers()

    assert queues.dumps(SimpleNamespace(result="another"), None) == "as ever"
    assert queues.dumps(3, None) == "as ever"
    packed = queues.dumps(SimpleNamespace(result=answer()), None)
    assert parcels.unpack(memoryview(packed)).result.state.step == 7
