"""A `.keras` file: written by a worker, and read where this library is not."""

import subprocess
import sys
from concurrent.futures import BrokenExecutor, Future

import numpy as np
import pytest
from numpy.testing import assert_allclose

from regcore.errors import ConfigError, WorkerError
from regcore.export import keras_file
from regcore.export.keras_model import ensemble_parts, saved_model
from regcore.results import Recording, Result
from tests.test_keras_model import dataset_of, forward, result_of, weights_of

LOADS = """
import importlib.util, sys
import keras, numpy as np
assert importlib.util.find_spec("regcore") is None
for name in sys.argv[1:]:
    model = keras.saving.load_model(f"{name}.keras")
    np.save(f"{name}.predicted.npy", model.predict(np.load(f"{name}.npy"), verbose=0))
"""
TASKS = ("binary", "multiclass", "regression")


def ensemble_of(dataset):
    """Return a result of one seed and two members, whose weights are made up and differ."""
    single = result_of(dataset, members=2, seeds=1)
    weights = weights_of(dataset, single.config.hidden)
    half = weights._replace(kernels=tuple(kernel / 2 for kernel in weights.kernels))
    recordings = {
        (0, member): Recording("key", single.recordings[0, 0].history, checkpoints={1: kept})
        for member, kept in enumerate((weights, half))
    }
    return Result(single.config, dataset, recordings)


def forward_of_member(result, member):
    alone = Result(result.config.replace(members=1), result.dataset, {(0, 0): result.recordings[0, member]})
    return forward(alone, result.dataset.X)


def test_models_predict_raw_rows_in_a_fresh_process_without_this_library(tmp_path):
    expected = {}
    for task in TASKS:
        dataset = dataset_of(task)
        single, ensemble = result_of(dataset, dropout_hidden=0.5, l2=1e-3), ensemble_of(dataset)
        expected[task] = forward(single, dataset.X)
        expected[f"{task}-mean"] = np.mean([forward_of_member(ensemble, at) for at in (0, 1)], axis=0)
        for name, result in ((task, single), (f"{task}-mean", ensemble)):
            (tmp_path / f"{name}.keras").write_bytes(saved_model(ensemble_parts(result, 0)))
            np.save(tmp_path / f"{name}.npy", dataset.X)

    done = subprocess.run(
        [sys.executable, "-I", "-c", LOADS, *expected], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    for name, wanted in expected.items():
        assert_allclose(np.load(tmp_path / f"{name}.predicted.npy"), wanted, rtol=1e-5, atol=1e-5)


class Scheduler:
    """Stands in for the one of this process: its calls give these answers, one after the other."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def call(self, function, *args):
        future, answer = Future(), self.answers.pop(0)
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        return future


def test_a_worker_that_died_is_asked_again(monkeypatch):
    scheduler = Scheduler(BrokenExecutor(), b"model")
    monkeypatch.setattr(keras_file, "scheduler_for", lambda: scheduler)

    assert keras_file.keras_file(result_of(dataset_of("binary")), 1) == b"model"


def test_workers_that_keep_dying_are_given_up(monkeypatch):
    scheduler = Scheduler(*[BrokenExecutor()] * keras_file.N_TRIES)
    monkeypatch.setattr(keras_file, "scheduler_for", lambda: scheduler)

    with pytest.raises(WorkerError, match="^the model could not be saved: a worker died each of 3 times"):
        keras_file.keras_file(result_of(dataset_of("binary")), 0)


def test_a_seed_that_was_not_trained_is_refused_before_a_worker_is_asked():
    with pytest.raises(ConfigError, match="seed"):
        keras_file.keras_file(result_of(dataset_of("binary")), 7)
