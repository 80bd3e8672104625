"""`submit`, `train`, `compare`, `sweep` and what a run answers: with an engine whose answers are known."""

import gc
import pickle
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from regcore.config import Config
from regcore.data import load_dataset
from regcore.engine.shard import Probe
from regcore.errors import CancelledError, ConfigError, DataError, RegcoreError, TooLargeError
from regcore.execution import compare, requests, service, submit, sweep, train
from regcore.execution.job import Progress
from regcore.execution.scheduler import Scheduler
from regcore.settings import Settings
from tests.fake_engine import CONFIG, DATASET, ENGINE, PATIENCE, TOTAL_STEPS, ByHand, slow_engine, weight


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def use(monkeypatch, pool):
    """Return a function that makes requests go to a new scheduler, and returns it."""

    def use(submit=pool.submit, engine=ENGINE, n_workers=2, **settings) -> Scheduler:
        scheduler = Scheduler(submit, n_workers, engine, Settings(**settings))
        monkeypatch.setattr(requests, "scheduler_for", lambda executor: scheduler)
        return scheduler

    return use


def test_train_returns_a_result_of_every_seed_and_member(use):
    use()
    result = train(CONFIG.replace(seeds=2, members=2), DATASET)
    history = result.history.set_index(["seed", "member", "epoch"])
    assert len(history) == 2 * 2 * 6
    assert history.loc[(1, 0, 6), "train_loss"] == weight(1, 12)
    assert history.loc[(1, 1, 3), "val_loss"] == weight(1, 6)


def test_train_loads_the_data_that_the_configuration_names(use):
    use()
    result = train(Config(data="iris", hidden=(), seeds=1, epochs=2))
    assert result.dataset is load_dataset(Config(data="iris"))


def test_compare_pairs_and_trains_nothing_that_patience_changes(use):
    scheduler = use()
    comparison = compare({"plain": CONFIG, "patient": CONFIG.replace(patience=2)}, DATASET)
    assert list(comparison.results) == ["plain", "patient"]
    assert scheduler.steps_submitted == 4 * TOTAL_STEPS
    compare({"plain": CONFIG, "late": CONFIG.replace(patience=2, start_from_epoch=3)}, DATASET)
    assert scheduler.steps_submitted == 4 * TOTAL_STEPS


def test_sweep_gives_a_result_for_each_value(use):
    scheduler = use()
    swept = sweep(CONFIG, "l2", [0, 0.1, 0.2], DATASET)
    assert swept.field == "l2"
    assert swept.values == (0, 0.1, 0.2)
    assert [result.config.l2 for result in swept.results] == [0, 0.1, 0.2]
    assert scheduler.steps_submitted == 3 * 4 * TOTAL_STEPS


def test_more_members_train_the_new_ones_alone(use):
    scheduler = use()
    train(CONFIG.replace(members=2), DATASET)
    before = scheduler.steps_submitted
    train(CONFIG.replace(members=3), DATASET)
    assert scheduler.steps_submitted - before == 4 * TOTAL_STEPS


@pytest.mark.parametrize("empty", [lambda: compare({}, DATASET), lambda: sweep(CONFIG, "l2", [], DATASET)])
def test_nothing_to_train_is_refused(use, empty):
    use()
    with pytest.raises(ConfigError, match="must"):
        empty()


@pytest.mark.parametrize(
    ("function", "arguments", "sentence"),
    [
        (train, (None,), "config must be a Config, got None: make one, as with Config(l2=0.001)"),
        (
            train,
            ({"l2": 0.1},),
            "config must be a Config, got {'l2': 0.1}: make one, as with Config(l2=0.001)",
        ),
        (
            train,
            (
                CONFIG,
                [[1, 2]],
            ),
            "dataset must be a Dataset or None, got [[1, 2]]: make one with Dataset.from_arrays(X, y)",
        ),
        (
            sweep,
            (
                None,
                "l2",
                [0.1],
            ),
            "config must be a Config, got None: make one, as with Config(l2=0.001)",
        ),
        (
            sweep,
            (
                CONFIG,
                "l2",
                0.1,
            ),
            "values must be a list of values of l2, got 0.1: put it into a list",
        ),
        (
            sweep,
            (
                CONFIG,
                "activation",
                "relu",
            ),
            "values must be a list of values of activation, got 'relu': put it into a list",
        ),
        (
            sweep,
            (
                CONFIG,
                2,
                [0.1],
            ),
            "field must be the name of a field of Config, such as 'l2', got 2",
        ),
        (
            sweep,
            (
                CONFIG,
                "n_train",
                [2, 4],
                DATASET,
            ),
            "field must be none of data, n_train, n_val, noise, label_noise, data_seed where a dataset is "
            "handed in, which does not look at them, got 'n_train'",
        ),
        (
            sweep,
            (
                Config(data="iris"),
                "noise",
                [0.1, 0.2],
            ),
            "field must be another than 'noise' with data='iris', whose rows are as they were measured: all "
            "its values would train the same",
        ),
        (
            compare,
            (
                {"few": CONFIG.replace(n_train=2), "more": CONFIG.replace(n_train=4)},
                DATASET,
            ),
            "configs must agree in data, n_train, n_val, noise, label_noise, data_seed where a dataset is "
            "handed in, which does not look at them, got another n_train in 'more' than in 'few'",
        ),
        (
            compare,
            ([7],),
            "configs must be a mapping of names to Config, got [7]: give each a name, as in "
            "{'plain': Config(), 'l2': Config(l2=0.001)}",
        ),
        (
            compare,
            ({"plain": CONFIG, "l2": 0.1},),
            "configs['l2'] must be a Config, got 0.1: make one, as with Config(l2=0.001)",
        ),
    ],
)
def test_what_is_no_request_is_refused_in_a_sentence(use, function, arguments, sentence):
    use()
    with pytest.raises((ConfigError, DataError)) as refused:
        function(*arguments)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("probes", "sentence"),
    [
        ("weights", "probes must be a list of Probe, got 'weights': put it into a list"),
        (["weights"], "probes[0] must be a Probe, got 'weights'"),
        ([Probe("", "weights", (1,))], "name of probes[0] must be a text, got ''"),
        (
            [Probe("w", "weights", (1,)), Probe("w", "weights", (2,))],
            "probes must have a name of their own each, got 'w' more than once",
        ),
        (
            [Probe("w", "kernels", (1,))],  # type: ignore[arg-type]
            "kind of probe 'w' must be one of outputs, activations, weights, got 'kernels'",
        ),
        (
            [Probe("w", "weights", (2, 1))],
            "epochs of probe 'w' must be a tuple of whole numbers from 0 on, ascending, got (2, 1)",
        ),
        (
            [Probe("w", "weights", (-1,))],
            "epochs of probe 'w' must be a tuple of whole numbers from 0 on, ascending, got (-1,)",
        ),
        (
            [Probe("w", "weights", ())],
            "epochs of probe 'w' must be a tuple of whole numbers from 0 on, ascending, got ()",
        ),
        ([Probe("g", "outputs", (1,))], "X of probe 'g' must be the rows to look at, got None"),
        (
            [Probe("w", "weights", (1,), np.zeros((1, 1)))],
            "X of probe 'w' must be None, for weights need no rows, got array([[0.]])",
        ),
        (
            [Probe("g", "outputs", (1,), np.array([[np.nan]]))],
            "X of probe 'g' must be an array of finite numbers, [n, n_features], got array([[nan]])",
        ),
        (
            [Probe("g", "outputs", (1,), np.zeros(3))],
            "X of probe 'g' must be an array of finite numbers, [n, n_features], got array([0., 0., 0.])",
        ),
        (
            [Probe("g", "outputs", (1,), np.zeros((3, DATASET.n_features + 1)))],
            f"X of probe 'g' must have {DATASET.n_features} columns, as {DATASET.name}, got "
            f"{DATASET.n_features + 1}",
        ),
    ],
)
def test_what_is_no_probe_is_refused_in_a_sentence(use, probes, sentence):
    use()
    with pytest.raises(ConfigError) as refused:
        submit({"plain": CONFIG}, DATASET, probes=probes)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("executor", ["threads", 2, ThreadPoolExecutor])
def test_what_is_no_executor_is_refused_in_a_sentence(executor):
    with pytest.raises(ConfigError, match="^executor must be a concurrent.futures.Executor or None, got "):
        train(CONFIG, DATASET, executor=executor)


def test_values_of_a_sweep_are_those_of_its_configurations(use):
    use()
    made = sweep(CONFIG, "hidden", [np.array([4]), [2, 3], range(0)], DATASET)
    assert made.values == ((4,), (2, 3), ())
    assert [result.config.hidden for result in made.results] == [(4,), (2, 3), ()]
    with pytest.raises(ConfigError, match=r"values must differ from each other, got \(4,\) and \(4,\)"):
        sweep(CONFIG, "hidden", [[4], (4,)], DATASET)


@pytest.mark.parametrize("epoch", [1.5, 2.0, "2", True, float("nan")])
def test_an_epoch_that_is_no_whole_number_is_refused_and_nothing_trained(use, epoch):
    scheduler = use(output_bytes=0)
    result = train(CONFIG, DATASET)
    before = scheduler.steps_submitted
    for read in (result.outputs, result.weights):
        with pytest.raises(ConfigError, match="^epoch must be 1 to 6, the epochs recorded, got "):
            read(0, epoch=epoch)
    assert scheduler.steps_submitted == before


def test_a_large_array_for_a_data_set_is_refused_in_one_short_line(use):
    use()
    with pytest.raises(DataError) as refused:
        train(CONFIG, np.zeros((1000, 50)))
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 160


@pytest.mark.parametrize(
    "request_it",
    [
        lambda: sweep(CONFIG, "data", ["moons", "diabetes"]),
        lambda: sweep(CONFIG, "l2", [0, 0.0, 0.1], DATASET),
        lambda: compare({"few": CONFIG, "more": CONFIG.replace(seeds=5)}, DATASET),
    ],
)
def test_what_does_not_go_together_is_refused_before_it_has_trained(use, request_it):
    executor = ByHand()
    scheduler = use(executor.submit)
    with pytest.raises(ConfigError, match="must (differ|share)"):
        request_it()
    assert scheduler._jobs == []


def test_a_result_is_pickled_without_what_trains(use):
    use(output_bytes=0)
    result = train(CONFIG, DATASET)
    copy = pickle.loads(pickle.dumps(result))
    pd.testing.assert_frame_equal(copy.history, result.history)
    pd.testing.assert_frame_equal(copy.metrics("val"), result.metrics("val"))
    assert copy.config == result.config
    with pytest.raises(RegcoreError, match="was not recorded, and this result cannot train: run the conf"):
        copy.outputs(seed=1, epoch=4)
    assert result.outputs(seed=1, epoch=4).shape == (4, 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: compare({"plain": CONFIG, "l2": CONFIG.replace(l2=0.1)}, DATASET),
        lambda: sweep(CONFIG, "l2", [0, 0.1], DATASET),
    ],
)
def test_comparisons_and_sweeps_are_pickled(use, make):
    use()
    made = make()
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(made)).table(), made.table())


def test_what_does_not_fit_the_data_is_refused_before_anything_starts(use):
    scheduler = use()
    with pytest.raises(ConfigError, match="shift"):
        train(CONFIG.replace(shift=2), DATASET)
    with pytest.raises(ConfigError, match="l2 must be"):
        sweep(CONFIG, "l2", [0, -1], DATASET)
    assert scheduler.steps_submitted == 0


def test_what_does_not_fit_into_memory_is_refused_before_it_starts(use):
    scheduler = use(memory=3_500)
    with pytest.raises(TooLargeError, match="lower seeds or members: about 3 would fit"):
        train(CONFIG, DATASET)
    assert scheduler.steps_submitted == 0


def test_progress_is_told_until_the_end(use):
    use(engine=slow_engine(0.02))
    told = []
    train(CONFIG, DATASET, on_progress=told.append)
    assert told[-1] == Progress(4 * TOTAL_STEPS, 4 * TOTAL_STEPS, 0.0, "done")
    done = [progress.done_steps for progress in told]
    assert done == sorted(done)


def test_ctrl_c_cancels(use):
    executor = ByHand()
    scheduler = use(executor.submit)

    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, DATASET, on_progress=interrupt)
    assert scheduler._jobs == []


def test_partial_results_are_what_there_is(use):
    executor = ByHand()
    use(executor.submit, n_workers=1)
    run = submit({"a": CONFIG.replace(seeds=1, epochs=100)}, DATASET)
    assert run.results(partial=True)["a"].history.empty
    executor.take().run()
    executor.take()
    history = run.results(partial=True)["a"].history
    assert list(history["val_loss"]) == [weight(0, 2 * epoch) for epoch in history["epoch"]]
    assert len(history) > 0
    assert not run.wait(0)
    run.cancel()
    assert run.wait(PATIENCE)
    assert run.progress().state == "cancelled"
    assert isinstance(run.error, CancelledError)
    assert len(run.results(partial=True)["a"].history) == len(history)
    with pytest.raises(CancelledError, match="the run was cancelled"):
        run.results()


def test_results_wait_for_the_run(use):
    executor = ByHand()
    use(executor.submit)
    run = submit({"a": CONFIG}, DATASET)
    thread = threading.Thread(target=executor.run_all, args=(run._job.finished,))
    thread.start()
    assert run.results()["a"].is_complete
    thread.join()
    assert repr(run) == "Run('a': done, 100%)"


def test_outputs_that_were_not_recorded_are_trained_again_from_the_nearest_checkpoint(use):
    scheduler = use(output_bytes=0, checkpoint_steps=1)
    result = train(CONFIG, DATASET)
    before = scheduler.steps_submitted
    outputs = result.outputs(seed=1, epoch=4, split="val")
    assert outputs.shape == (4, 1)
    assert set(outputs.ravel()) == {weight(1, 8)}
    assert scheduler.steps_submitted - before == 2


def test_weights_between_checkpoints_are_trained_again(use):
    scheduler = use(checkpoint_bytes=0)
    result = train(CONFIG, DATASET)
    before = scheduler.steps_submitted
    assert result.weights(seed=2, epoch=6).kernels[0][0, 0] == weight(2, 12)
    assert scheduler.steps_submitted == before
    assert result.weights(seed=2, epoch=5).kernels[0][0, 0] == weight(2, 10)
    assert scheduler.steps_submitted - before == 10
    result.weights(seed=2, epoch=5)
    assert scheduler.steps_submitted - before == 10


def test_an_ensemble_is_recalled_side_by_side(use):
    scheduler = use(output_bytes=0)
    chunks = []
    real = scheduler._submit_to_executor

    def submit(fn, chunk, dataset):
        chunks.append(len(chunk.shard.replicates))
        return real(fn, chunk, dataset)

    result = train(CONFIG.replace(seeds=2, members=3), DATASET)
    scheduler._submit_to_executor = submit
    assert len(result.metrics("val")) == 2
    assert set(chunks) == {6}


def test_probes_are_recorded_and_what_was_trained_without_them_is_trained_again(use):
    scheduler = use()
    train(CONFIG.replace(seeds=1), DATASET)
    probe = Probe("weights", "weights", (1, 4))
    run = submit({"a": CONFIG.replace(seeds=1)}, DATASET, probes=[probe])
    run.results()
    values = run.probe("a", "weights", seed=0)
    assert {epoch: float(arrays[0][0]) for epoch, arrays in values.items()} == {
        1: weight(0, 2),
        4: weight(0, 8),
    }
    assert scheduler.steps_submitted == 2 * TOTAL_STEPS
    train(CONFIG.replace(seeds=1), DATASET)
    assert scheduler.steps_submitted == 2 * TOTAL_STEPS
    with pytest.raises(ConfigError, match="probe must be one of weights, got 'grid'"):
        run.probe("a", "grid", seed=0)
    with pytest.raises(ConfigError, match="must be of this run"):
        run.probe("b", "weights", seed=0)


def test_images_that_are_missing_are_downloaded_in_a_worker_once(use, monkeypatch):
    use()
    there = []

    def load(config):
        if not there:
            raise DataError("mnist is not on this machine")
        return DATASET

    def download(name):
        assert threading.current_thread() is not threading.main_thread()
        there.append(name)

    monkeypatch.setattr(requests, "load_dataset", load)
    monkeypatch.setattr(requests, "download_keras_images", download)
    assert train(CONFIG.replace(data="mnist")).dataset is DATASET
    assert there == ["mnist"]


def test_images_that_cannot_be_downloaded_leave_the_sentence(use, monkeypatch):
    use()
    sentence = "mnist is not on this machine and must be downloaded once: get mnist.npz"

    def fail(argument):
        raise DataError(sentence)

    monkeypatch.setattr(requests, "load_dataset", fail)
    monkeypatch.setattr(requests, "download_keras_images", fail)
    with pytest.raises(DataError, match=sentence):
        train(CONFIG.replace(data="mnist"))


@pytest.mark.parametrize("lost", [None, BrokenExecutor("a worker died")])
def test_a_download_that_is_slow_or_lost_leaves_the_sentence(use, monkeypatch, lost):
    executor = ByHand()
    use(executor.submit)
    sentence = "mnist is not on this machine and must be downloaded once: get mnist.npz"

    def load(config):
        if lost is not None:
            waiting = threading.Thread(target=lambda: executor.take().fail(lost))
            waiting.start()
        raise DataError(sentence)

    monkeypatch.setattr(requests, "load_dataset", load)
    monkeypatch.setattr(requests, "SECONDS_FOR_DOWNLOAD", 0.01 if lost is None else PATIENCE)
    with pytest.raises(DataError, match=sentence):
        train(CONFIG.replace(data="mnist"))


def test_an_executor_that_is_handed_in_trains_and_is_let_go(monkeypatch):
    monkeypatch.delenv("REGCORE_WORKERS", raising=False)
    monkeypatch.setattr(service, "default_engine", lambda: ENGINE)
    pool = ThreadPoolExecutor(3)
    result = train(CONFIG, DATASET, executor=pool)
    assert result.is_complete
    scheduler = service.scheduler_for(pool)
    assert scheduler is service.scheduler_for(pool)
    assert (scheduler.n_workers, scheduler.steps_submitted) == (3, 4 * TOTAL_STEPS)
    pool.shutdown()
    gone = weakref.ref(pool)
    del result, pool
    gc.collect()
    assert gone() is None


def test_a_run_in_another_session_shares_what_is_under_way(use):
    executor = ByHand()
    scheduler = use(executor.submit)
    first = submit({"a": CONFIG}, DATASET, owner="anna")
    second = submit({"b": CONFIG.replace(patience=1)}, DATASET, owner="bert")
    executor.run_all(until=second._job.finished)
    assert scheduler.steps_submitted == 4 * TOTAL_STEPS
    assert np.array_equal(
        first.results()["a"].recordings[0, 0].history, second.results()["b"].recordings[0, 0].history
    )
