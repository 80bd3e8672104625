"""The bits of a network do not depend on where, in what pieces, or beside what it was trained."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from regcore.config import Config
from regcore.data import load_dataset
from regcore.engine.replicate import replicates_of
from regcore.execution import job as job_module
from regcore.execution.cache import Trained
from regcore.execution.local import LocalProcesses
from regcore.execution.plan import Task, recording_plan
from regcore.execution.scheduler import Scheduler
from regcore.execution.service import default_engine
from regcore.settings import Settings

# The first chunk may wait for TensorFlow to load, on a busy machine.
PATIENCE = 120.0

SMALL = Config(
    hidden=(9, 7), n_train=40, n_val=20, batch_size=16, epochs=5, seeds=3, dropout_hidden=0.3, jitter=0.1
)
TASKS = {
    "binary": SMALL.replace(data="moons"),
    "multiclass": SMALL.replace(data="iris", label_noise=0.2, mixup=0.5, l2=0.01),
    "regression": SMALL.replace(data="sine", n_train=30, activation="tanh", optimizer="sgd", momentum=0.9),
}


@pytest.fixture(scope="module")
def processes() -> Iterator[LocalProcesses]:
    processes = LocalProcesses(2)
    processes.start()
    yield processes
    processes.shutdown(cancel_futures=True)


def tasks_of(*configs: Config) -> list[Task]:
    return [
        Task(
            replicate,
            recording_plan(replicate, dataset, Settings(checkpoint_steps=1)),
            dataset,
            until=config.epochs,
        )
        for config in configs
        for dataset in [load_dataset(config)]
        for replicate in replicates_of(config, dataset).values()
    ]


def trained(processes: LocalProcesses, *configs: Config, n_workers: int = 2) -> dict[str, Trained]:
    """Return what a new scheduler, with an empty cache, trains: by key of replicate."""
    scheduler = Scheduler(processes.submit, n_workers, default_engine(), Settings())
    return finish(scheduler, scheduler.submit(tasks_of(*configs)))


def finish(scheduler: Scheduler, job: job_module.Job) -> dict[str, Trained]:
    assert job.finished.wait(PATIENCE)
    assert job.error is None
    return {job.tasks[key].replicate.key: found for key, found in scheduler.trained(job).items()}


def assert_same_bits(expected: dict[str, Trained], found: dict[str, Trained]) -> None:
    common = expected.keys() & found.keys()
    assert common
    for key in common:
        a, b = expected[key], found[key]
        assert a.recording.history.tobytes() == b.recording.history.tobytes()
        assert a.recording.outputs.keys() == b.recording.outputs.keys() == {"train", "val"}
        np.testing.assert_array_equal(a.recording._sealed, b.recording._sealed)
        assert a.recording._sealed_history.tobytes() == b.recording._sealed_history.tobytes()
        for split, outputs in a.recording.outputs.items():
            assert outputs.tobytes() == b.recording.outputs[split].tobytes()
        assert a.states.keys() == b.states.keys()
        for epoch, state in a.states.items():
            for name in ("kernels", "biases", "slots"):
                pairs = zip(getattr(state, name), getattr(b.states[epoch], name), strict=True)
                assert all(x.tobytes() == y.tobytes() for x, y in pairs)


@pytest.fixture(scope="module", params=list(TASKS))
def config(request) -> Config:
    return TASKS[request.param]


@pytest.fixture(scope="module")
def expected(processes, config) -> dict[str, Trained]:
    """Return the networks of a configuration, trained side by side."""
    networks = trained(processes, config, n_workers=1)
    assert len(networks) == 3
    assert all(np.isfinite(network.recording.history[:, 0]).all() for network in networks.values())
    return networks


def test_alone(processes, config, expected):
    assert_same_bits(expected, trained(processes, config.replace(seeds=1, seed=1)))


def test_among_others_on_two_workers(processes, config, expected):
    assert_same_bits(expected, trained(processes, config.replace(seeds=9)))


def test_inside_a_sweep(processes, config, expected):
    values = [config.replace(dropout_input=rate, seeds=2) for rate in (0.0, 0.2, 0.4)]
    assert_same_bits(expected, trained(processes, *values))


@pytest.mark.parametrize("seconds", [1e-9, 1e-3])
def test_in_chunks_of_any_size(processes, config, expected, monkeypatch, seconds):
    for name in ("FIRST_CHUNK", "NEXT_CHUNK", "LONGEST_CHUNK"):
        monkeypatch.setattr(job_module, name, seconds)
    assert_same_bits(expected, trained(processes, config))


def test_recalled_from_a_checkpoint(processes, config, expected):
    scheduler = Scheduler(processes.submit, 2, default_engine(), Settings())
    for key, network in expected.items():
        task = next(task for task in tasks_of(config) if task.replicate.key == key)
        again = Task(task.replicate, task.plan, task.dataset, until=5, state=network.states[2])
        [found] = finish(scheduler, scheduler.submit([again])).values()
        assert found.recording.history.tobytes() == network.recording.history[2:].tobytes()


@pytest.mark.parametrize("tasks", [("multiclass",), pytest.param(tuple(TASKS), marks=pytest.mark.slow)])
def test_after_a_kill(processes, tasks):
    configs = [TASKS[task].replace(epochs=400) for task in tasks]
    expected = trained(processes, *configs)
    scheduler = Scheduler(processes.submit, 2, default_engine(), Settings())
    worker = psutil.Process(processes.submit(os.getpid).result(PATIENCE))
    jobs = [scheduler.submit(tasks_of(config)) for config in configs]
    end = time.monotonic() + PATIENCE
    while not all(scheduler.progress(job).done_steps for job in jobs) and time.monotonic() < end:
        time.sleep(0.005)
    n_starts = processes.n_starts
    assert not any(job.finished.is_set() for job in jobs)
    worker.kill()
    for job in jobs:
        assert_same_bits(expected, finish(scheduler, job))
    assert processes.n_starts == n_starts + 1


def test_threads_of_one_process_do_not_disturb_each_other(config, expected):
    with ThreadPoolExecutor(3) as pool:
        scheduler = Scheduler(pool.submit, 3, default_engine(), Settings(shard_networks=1))
        found = finish(scheduler, scheduler.submit(tasks_of(config)))
    for key, network in expected.items():
        # TensorFlow may have been started with more threads in this process: then the last bits differ.
        np.testing.assert_allclose(found[key].recording.history, network.recording.history, rtol=1e-3)


def test_training_leaves_tensorflow_and_streamlit_out_of_the_serving_process_and_is_quiet():
    code = """
import sys
from regcore import Config, train
from regcore.execution import fingerprint
result = train(Config(hidden=(4,), epochs=2, seeds=2, n_train=20, n_val=20))
print(len(result.history), len(result.metrics("val")))
print(len(bytes.fromhex(fingerprint())))
print([name for name in ("tensorflow", "keras", "streamlit") if name in sys.modules])
"""
    root = Path(__file__).parent.parent
    environment = {**os.environ, "REGCORE_WORKERS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.stdout.split("\n"), done.stderr) == (["4 2", "8", "[]", ""], "")
