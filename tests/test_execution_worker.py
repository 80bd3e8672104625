"""One chunk, and the data a worker keeps."""

import pickle

import pytest

from regcore.data.kept import Kept
from regcore.engine.shard import Probe, RecordingPlan, Shard
from regcore.execution import worker
from regcore.execution.recorder import Recorder, probe_key
from regcore.execution.service import default_engine
from regcore.execution.worker import Advanced, Chunk, MissingDataset, run_chunk
from tests.fake_engine import CONFIG, DATASET, ENGINE, advance, start, tasks_of, weight


def shard(n_seeds: int, plan: RecordingPlan) -> Shard:
    return Shard(tuple(task.replicate for task in tasks_of(CONFIG.replace(seeds=n_seeds))), plan)


@pytest.fixture(autouse=True)
def no_datasets(monkeypatch):
    monkeypatch.setattr(worker, "_datasets", Kept(lambda dataset: dataset.nbytes))


def test_a_chunk_advances_from_the_start():
    answer = run_chunk(Chunk(ENGINE, shard(2, RecordingPlan()), None, 5, DATASET.key), DATASET)
    assert isinstance(answer, Advanced)
    assert answer.state.step == 5
    assert list(answer.state.kernels[0][:, 0, 0]) == [weight(0, 5), weight(1, 5)]
    assert answer.seconds >= 0


def test_chunks_of_the_real_engine_can_be_sent_by_any_executor():
    chunk = Chunk(default_engine(), shard(2, RecordingPlan()), None, 5, DATASET.key)
    assert pickle.loads(pickle.dumps(chunk)) == chunk


def test_a_worker_without_the_data_says_so_and_keeps_what_it_is_sent():
    chunk = Chunk(ENGINE, shard(1, RecordingPlan()), None, 5, DATASET.key)
    assert run_chunk(chunk, None) == MissingDataset(DATASET.key)
    run_chunk(chunk, DATASET)
    assert isinstance(run_chunk(chunk, None), Advanced)


def test_what_chunks_recorded_is_put_together():
    grid = Probe("grid", "weights", (3,))
    of_two = shard(2, RecordingPlan(2, (3,), (grid,)))
    recorder = Recorder(of_two, until=6)
    state = start(of_two, DATASET)
    seen = []
    for n_steps in (1, 4, 2, 5):
        state, rows = advance(of_two, state, n_steps, DATASET)
        recorder.add(rows)
        seen.append(recorder.trained(1))
    assert [trained.recording.n_epochs for trained in seen] == [0, 2, 3, 6]
    assert list(seen[1].recording.history[:, 0]) == [weight(1, 2), weight(1, 4)]
    last = seen[-1]
    assert list(last.recording.output_epochs) == [2, 4, 6]
    assert list(last.recording._sealed[:, 5, 0]) == [weight(1, 4), weight(1, 8), weight(1, 12)]
    assert last.recording.checkpoints[3].kernels[0].shape == (1, 1)
    assert last.recording.checkpoints[3].kernels[0][0, 0] == weight(1, 6)
    assert last.states[3].step == 6
    assert last.probes[probe_key(grid)][3][0][0] == weight(1, 6)


def test_what_was_handed_out_cannot_be_changed():
    of_one = shard(1, RecordingPlan(1))
    recorder = Recorder(of_one, until=6)
    recorder.add(advance(of_one, start(of_one, DATASET), 4, DATASET)[1])
    with pytest.raises(ValueError, match="read-only"):
        recorder.trained(0).recording.history[0, 0] = 1.0


def test_no_memory_is_set_aside_for_epochs_beyond_the_last_one_asked_for():
    of_one = shard(1, RecordingPlan(1))
    recorder = Recorder(of_one, until=2)
    recorder.add(advance(of_one, start(of_one, DATASET), 4, DATASET)[1])
    found = recorder.trained(0).recording
    assert found.history.base.shape == (2, 12)
    assert found._sealed.base.shape == (2, 8, 1)
