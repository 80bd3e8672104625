"""The order of chunks, what is shared, what is done again: with an engine whose answers are known."""

from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from regcore.data.kept import Kept
from regcore.errors import CancelledError, DataError, TooLargeError, WorkerError
from regcore.execution import scheduler as scheduler_module
from regcore.execution.job import Job, Training
from regcore.execution.run import Run
from regcore.execution.scheduler import Scheduler
from regcore.execution.worker import Advanced
from regcore.settings import Settings
from tests import fake_engine
from tests.fake_engine import (
    CONFIG,
    DATASET,
    ENGINE,
    PATIENCE,
    TOTAL_STEPS,
    scheduler_by_hand,
    slow_engine,
    tasks_of,
    weight,
)


def last_weights(scheduler: Scheduler, job: Job) -> dict[int, float]:
    """Return seed -> weight at the end of a job."""
    assert job.finished.wait(PATIENCE)
    assert job.error is None
    trained = scheduler.trained(job)
    return {
        task.replicate.seed: float(trained[key].recording.history[-1, 0]) for key, task in job.tasks.items()
    }


def expected_weights(*seeds: int) -> dict[int, float]:
    return {seed: weight(seed, TOTAL_STEPS) for seed in seeds}


def test_a_job_trains_every_network_to_its_end():
    with ThreadPoolExecutor(2) as pool:
        scheduler = Scheduler(pool.submit, 2, slow_engine(0.01), Settings())
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=9)))
        assert last_weights(scheduler, job) == expected_weights(*range(9))


def test_every_epoch_is_recorded_once():
    with ThreadPoolExecutor(2) as pool:
        scheduler = Scheduler(pool.submit, 2, slow_engine(0.03), Settings())
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=1)))
        assert job.finished.wait(PATIENCE)
    recording = next(iter(scheduler.trained(job).values())).recording
    by_epoch = [weight(0, 2 * epoch) for epoch in range(1, 7)]
    assert list(recording.history[:, 0]) == by_epoch
    assert list(recording.output_epochs) == [1, 2, 3, 4, 5, 6]
    assert list(recording.outputs["val"][:, 0, 0]) == by_epoch
    assert {e: kept.kernels[0][0, 0] for e, kept in recording.checkpoints.items()} == dict(
        zip(range(1, 7), by_epoch, strict=True)
    )


def test_who_waits_for_a_job_is_told_once_that_it_is_done():
    told = []
    with scheduler_by_hand() as (scheduler, executor):
        job = scheduler.submit(tasks_of(CONFIG))
        scheduler.when_done(job, lambda: told.append("waiting"))
        assert told == []
        executor.run_all(job.finished)
        scheduler.when_done(job, lambda: told.append("late"))
        assert told == ["waiting", "late"]


def test_of_a_job_that_is_cancelled_nobody_is_told_that_it_is_done():
    told = []
    with scheduler_by_hand() as (scheduler, _):
        job = scheduler.submit(tasks_of(CONFIG))
        scheduler.when_done(job, lambda: told.append("waiting"))
        scheduler.cancel(job)
        scheduler.when_done(job, lambda: told.append("late"))
        assert told == []


def test_a_job_without_networks_is_done():
    with scheduler_by_hand() as (scheduler, _):
        job = scheduler.submit([])
        assert job.state == "done"
        assert scheduler.progress(job).fraction == 1.0


def test_there_is_one_chunk_more_under_way_than_workers():
    with scheduler_by_hand(n_workers=2) as (scheduler, executor):
        job = scheduler.submit(
            tasks_of(
                CONFIG.replace(seeds=8),
            ),
            "anna",
        )
        other = scheduler.submit(tasks_of(CONFIG.replace(seeds=8, seed=100)), "bert")
        calls = [executor.take() for _ in range(3)]
        assert executor.is_idle()
        calls[0].run()
        calls.append(executor.take())
        assert executor.is_idle()
        scheduler.cancel(job)
        scheduler.cancel(other)


def test_owners_take_turns_however_many_jobs_they_have():
    with scheduler_by_hand() as (scheduler, executor):
        jobs = [
            scheduler.submit(tasks_of(CONFIG.replace(seeds=1, seed=seed, epochs=10_000)), owner)
            for seed, owner in [(0, "anna"), (1, "anna"), (2, "anna"), (3, "bert")]
        ]
        under_way = [executor.take(), executor.take()]
        served = []
        for _ in range(8):
            call = under_way.pop(0)
            served.append(call.seeds[0])
            # A long run: five hundred core-seconds.
            call.run(0.05)
            under_way.append(executor.take())
        assert sorted(served[:2]) == [0, 1] or served[:2] == [0, 3]
        assert served[2:].count(3) == 3
        for job in jobs:
            scheduler.cancel(job)


def test_a_round_is_over_when_a_piece_of_each_shard_has_come():
    with scheduler_by_hand(n_workers=2) as (scheduler, executor):
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=8, epochs=10_000)))
        calls, rounds = [executor.take(), executor.take()], []
        for _ in range(4):
            calls.pop(0).run()
            # The next piece of the same shard: the answer has been taken in.
            calls.append(executor.take())
            rounds.append(scheduler.progress(job).rounds)
        assert rounds == [0, 1, 1, 2]
        scheduler.cancel(job)


def test_how_far_a_run_is_is_worked_out_once_for_each_change(monkeypatch):
    counted = []
    monkeypatch.setattr(scheduler_module, "seconds_until_done", lambda job, *_: counted.append(job))
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=1000)))
        call = executor.take()
        before = [scheduler.progress(job) for _ in range(3)]
        assert len(counted) == 1
        call.run()
        executor.take()
        after = [scheduler.progress(job) for _ in range(3)]
        assert len(counted) == 2
        assert before[0].done_steps == 0 < after[0].done_steps == after[2].done_steps
        scheduler.cancel(job)
        assert scheduler.progress(job).state == "cancelled"


def test_each_piece_of_a_run_is_waited_for_once():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        tasks = tasks_of(CONFIG.replace(seeds=1, epochs=100))
        run = Run(scheduler, {}, {}, {"run": {(0, 0): tasks[0]}}, "anna")
        assert not run.wait_for_more(0)
        executor.take().run()
        assert not run.wait_for_more(PATIENCE)
        assert not run.wait_for_more(0)
        run.cancel()
        assert run.wait_for_more(PATIENCE)


def test_a_new_owner_is_served_next():
    with scheduler_by_hand() as (scheduler, executor):
        long = scheduler.submit(tasks_of(CONFIG.replace(seeds=3, epochs=10_000)), "anna")
        more = scheduler.submit(tasks_of(CONFIG.replace(seeds=3, seed=10, epochs=10_000)), "anna")
        first, second = executor.take(), executor.take()
        short = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, seed=50)), "bert")
        first.run()
        assert executor.take().seeds == [50]
        second.run()
        assert executor.take().seeds == [0, 1, 2]
        for job in (long, more, short):
            scheduler.cancel(job)


def test_chunks_grow_from_the_measured_pace_and_stay_below_half_a_second():
    with ThreadPoolExecutor(1) as pool:
        sizes = []

        def submit(fn, chunk, dataset):
            sizes.append(chunk.n_steps)
            return pool.submit(fn, chunk, dataset)

        scheduler = Scheduler(submit, 1, ENGINE, Settings())
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=2000)))
        assert job.finished.wait(PATIENCE)
    assert sum(sizes) == 4000
    assert all(after <= 8 * before for before, after in zip(sizes, sizes[1:], strict=False))
    assert sizes[1] > sizes[0]


@pytest.mark.parametrize("per_step", [1e-4, 4e-4, 5e-4, 1e-3])
@pytest.mark.parametrize("is_known", [True, False])
def test_early_chunks_end_shortly_before_a_half_second(per_step, is_known):
    training = Training(tasks_of(CONFIG.replace(seeds=1, epochs=10_000)), ENGINE)
    known, ends = per_step if is_known else None, []
    for _ in range(6):
        chunk = training.next_chunk(known)
        state = chunk.state or ENGINE.start(chunk.shard, DATASET)
        seconds = chunk.n_steps * per_step
        training.take(Advanced(*ENGINE.advance(chunk.shard, state, chunk.n_steps, DATASET), seconds, seconds))
        ends.append(training.work_done)
    assert any(0.4 < end <= 0.5 for end in ends), ends
    assert is_known == (ends[0] == pytest.approx(0.235, abs=per_step))


def sizes_of_chunks(slower, n_chunks=4):
    """Return the steps of chunks that take so many times as long as they cost their core."""
    training, sizes = Training(tasks_of(CONFIG.replace(seeds=1, epochs=10_000)), ENGINE), []
    for _ in range(n_chunks):
        chunk = training.next_chunk(1e-4)
        state = chunk.state or ENGINE.start(chunk.shard, DATASET)
        cost = chunk.n_steps * 1e-4
        advanced = ENGINE.advance(chunk.shard, state, chunk.n_steps, DATASET)
        training.take(Advanced(*advanced, slower * cost, cost))
        sizes.append(chunk.n_steps)
    return sizes


def test_a_training_whose_core_others_use_is_not_cut_into_more_pieces():
    assert sizes_of_chunks(slower=1.9) == sizes_of_chunks(slower=1.0)


def test_pieces_do_not_take_for_ever_on_a_core_that_others_have_to_themselves():
    few, most = sizes_of_chunks(slower=20.0)[-1], sizes_of_chunks(slower=1.0)[-1]
    # Of 20 times as long, ten are made up for.
    assert few == pytest.approx(most / 10, rel=0.2)


def test_chunks_end_with_a_block_of_random_numbers():
    with ThreadPoolExecutor(1) as pool:
        ends = []

        def submit(fn, chunk, dataset):
            ends.append(chunk.n_steps + (ends[-1] if ends else 0))
            return pool.submit(fn, chunk, dataset)

        engine = replace(ENGINE, steps_per_block=fake_engine.steps_per_large_block)
        scheduler = Scheduler(submit, 1, engine, Settings())
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=2000)))
        assert job.finished.wait(PATIENCE)
    assert ends[0] == 7
    assert [end % 16 for end in ends[1:-1]] == [0] * (len(ends) - 2)
    assert ends[-1] == 4000


def test_a_second_job_finds_everything_in_the_cache():
    with ThreadPoolExecutor(1) as pool:
        scheduler = Scheduler(pool.submit, 1, ENGINE, Settings())
        assert last_weights(scheduler, scheduler.submit(tasks_of(CONFIG))) == expected_weights(0, 1, 2, 3)
        assert scheduler.steps_submitted == 4 * TOTAL_STEPS
        job = scheduler.submit(tasks_of(CONFIG.replace(patience=3, members=1)))
        assert job.state == "done"
        assert last_weights(scheduler, job) == expected_weights(0, 1, 2, 3)
        assert scheduler.steps_submitted == 4 * TOTAL_STEPS


def test_more_seeds_train_the_new_ones_alone():
    with ThreadPoolExecutor(1) as pool:
        scheduler = Scheduler(pool.submit, 1, ENGINE, Settings())
        scheduler.submit(tasks_of(CONFIG.replace(seeds=8))).finished.wait(PATIENCE)
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=16)))
        assert last_weights(scheduler, job) == expected_weights(*range(16))
        assert scheduler.steps_submitted == 16 * TOTAL_STEPS


def test_two_jobs_share_what_both_want():
    with scheduler_by_hand() as (scheduler, executor):
        first = scheduler.submit(tasks_of(CONFIG.replace(seeds=2)), "anna")
        second = scheduler.submit(tasks_of(CONFIG.replace(seeds=3)), "bert")
        executor.run_all(until=second.finished)
        assert last_weights(scheduler, first) == expected_weights(0, 1)
        assert last_weights(scheduler, second) == expected_weights(0, 1, 2)
        assert scheduler.steps_submitted == 3 * TOTAL_STEPS


def test_cancelling_the_first_does_not_starve_the_second():
    with scheduler_by_hand() as (scheduler, executor):
        first = scheduler.submit(tasks_of(CONFIG.replace(seeds=4)), "anna")
        call = executor.take()
        second = scheduler.submit(tasks_of(CONFIG.replace(seeds=2, seed=1)), "bert")
        scheduler.cancel(first)
        call.run()
        call = executor.take()
        assert call.seeds == [1, 2]
        call.run()
        executor.run_all(until=second.finished)
        assert first.state == "cancelled"
        assert last_weights(scheduler, second) == expected_weights(1, 2)


def test_a_cancelled_job_sends_no_more_chunks_and_keeps_what_it_has():
    with scheduler_by_hand() as (scheduler, executor):
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=1000)))
        executor.take().run()
        call = executor.take()
        scheduler.cancel(job)
        assert job.finished.is_set()
        assert isinstance(job.error, CancelledError)
        assert call.future.cancelled()
        assert executor.is_idle()
        recording = next(iter(scheduler.trained(job).values())).recording
        assert list(recording.history[:, 0]) == [weight(0, 2 * e + 2) for e in range(recording.n_epochs)]
        assert recording.n_epochs > 0


def test_a_cancelled_network_can_be_asked_for_again():
    with scheduler_by_hand() as (scheduler, executor):
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=1)))
        late = executor.take()
        late.future.set_running_or_notify_cancel()
        scheduler.cancel(job)
        again = scheduler.submit(tasks_of(CONFIG.replace(seeds=1)))
        late.future.set_result(late.fn(*late.args))
        executor.run_all(until=again.finished)
        assert last_weights(scheduler, again) == expected_weights(0)


def test_a_lost_chunk_is_done_again_from_where_it_started():
    with scheduler_by_hand() as (scheduler, executor):
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=1)))
        executor.take().run()
        lost = executor.take()
        lost.fail(BrokenExecutor())
        again = executor.take()
        assert again.first_step == lost.first_step > 0
        again.run()
        executor.run_all(until=job.finished)
        assert last_weights(scheduler, job) == expected_weights(0)


def test_after_a_break_each_suspect_runs_alone_once():
    with scheduler_by_hand(n_workers=2) as (scheduler, executor):
        jobs = [scheduler.submit(tasks_of(CONFIG.replace(seeds=1, seed=seed))) for seed in range(3)]
        calls = [executor.take() for _ in range(3)]
        for call in calls:
            call.fail(BrokenExecutor())
        for _ in range(3):
            call = executor.take()
            assert executor.is_idle()
            call.run()
        for job in jobs:
            executor.run_all(until=job.finished)
        assert [last_weights(scheduler, job) for job in jobs] == [expected_weights(seed) for seed in range(3)]


def test_a_chunk_that_breaks_the_pool_three_times_fails_its_own_job_alone():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        bad = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, seed=7)))
        good = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, seed=8)))
        calls = [executor.take(), executor.take()]
        for call in calls:
            call.fail(BrokenExecutor())
        while not bad.finished.is_set():
            call = executor.take()
            if call.seeds == [7]:
                call.fail(BrokenExecutor())
            else:
                call.run()
        executor.run_all(until=good.finished)
        assert bad.state == "failed"
        assert isinstance(bad.error, WorkerError)
        assert "died 3 times" in str(bad.error)
        assert last_weights(scheduler, good) == expected_weights(8)


@pytest.mark.parametrize(
    ("advance", "error", "message"),
    [
        (fake_engine.refusing_advance, DataError, "X must be finite, got nan"),
        (fake_engine.buggy_advance, WorkerError, "ZeroDivisionError: a bug"),
    ],
)
def test_what_a_worker_raises_fails_the_job(advance, error, message, caplog):
    with ThreadPoolExecutor(1) as pool:
        scheduler = Scheduler(pool.submit, 1, replace(ENGINE, advance=advance), Settings())
        job = scheduler.submit(tasks_of(CONFIG))
        assert job.finished.wait(PATIENCE)
    assert job.state == "failed"
    assert type(job.error) is error
    assert message in str(job.error)


def test_an_engine_that_stands_still_fails_the_job_instead_of_hanging():
    with ThreadPoolExecutor(1) as pool:
        still = replace(ENGINE, advance=fake_engine.idle_advance)
        scheduler = Scheduler(pool.submit, 1, still, Settings())
        job = scheduler.submit(tasks_of(CONFIG))
        assert job.finished.wait(PATIENCE)
    assert isinstance(job.error, WorkerError)


def test_an_executor_that_was_shut_down_fails_the_job():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    scheduler = Scheduler(pool.submit, 1, ENGINE, Settings())
    job = scheduler.submit(tasks_of(CONFIG))
    assert job.finished.wait(PATIENCE)
    assert isinstance(job.error, WorkerError)


def test_data_is_sent_once_per_worker_and_again_to_one_that_lacks_it(monkeypatch):
    with scheduler_by_hand(n_workers=2) as (scheduler, executor):
        from regcore.execution import worker

        monkeypatch.setattr(worker, "_datasets", Kept(lambda dataset: dataset.nbytes))
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=5000)))
        sent = []
        for _ in range(4):
            call = executor.take()
            sent.append(call.args[1] is not None)
            call.run()
        assert sent == [True, True, False, False]
        call = executor.take()
        monkeypatch.setattr(worker, "_datasets", Kept(lambda dataset: dataset.nbytes))
        call.run()
        again = executor.take()
        assert again.args[1] is not None
        assert again.first_step == call.first_step
        scheduler.cancel(job)


def test_a_run_that_cannot_fit_is_refused_before_it_starts():
    with scheduler_by_hand(memory=10_000) as (scheduler, executor):
        with pytest.raises(
            TooLargeError, match="training 20 networks would need 20 KB of memory, and 9.8 KB"
        ):
            scheduler.submit(tasks_of(CONFIG.replace(seeds=20)))
        assert executor.is_idle()


def test_progress_goes_from_queued_to_done():
    with scheduler_by_hand() as (scheduler, executor):
        first = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=10_000)))
        second = scheduler.submit(tasks_of(CONFIG.replace(seeds=2, seed=5, epochs=10_000)))
        third = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, seed=9)))
        calls = [executor.take(), executor.take()]
        assert scheduler.progress(third).state == "queued"
        assert scheduler.progress(third).eta_seconds is None
        assert (scheduler.progress(first).done_steps, scheduler.progress(first).total_steps) == (0, 20_000)
        calls[1].run()
        executor.take()
        progress = scheduler.progress(second)
        assert progress.state == "running"
        assert progress.total_steps == 40_000
        assert progress.done_steps == 2 * calls[1].args[0].n_steps
        assert progress.eta_seconds is not None
        for job in (first, second, third):
            scheduler.cancel(job)
        assert scheduler.progress(first).state == "cancelled"


def test_what_was_cached_counts_as_done():
    with scheduler_by_hand() as (scheduler, executor):
        executor.run_all(until=scheduler.submit(tasks_of(CONFIG.replace(seeds=3))).finished)
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=4)))
        assert scheduler.progress(job).fraction == 0.75
        scheduler.cancel(job)


def test_nothing_is_kept_of_jobs_that_ended():
    with scheduler_by_hand() as (scheduler, executor):
        for seed in range(20):
            job = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, seed=seed)), owner=f"session {seed}")
            if seed % 2:
                scheduler.cancel(job)
            else:
                executor.run_all(until=job.finished)
        kept = (scheduler._jobs, scheduler._trainings, scheduler._under_way, scheduler._turns)
        assert [len(of_kind) for of_kind in kept] == [0, 0, 0, 0]


def test_a_call_that_is_under_way_is_not_made_again():
    calls = []

    def submit(function, *args):
        calls.append((function, *args))
        return Future()

    scheduler = Scheduler(submit, 2, ENGINE, Settings())
    first = scheduler.call_once(print, "mnist")
    assert scheduler.call_once(print, "mnist") is first
    assert scheduler.call_once(print, "fashion_mnist") is not first
    first.set_exception(DataError("the network is down"))
    assert scheduler.call_once(print, "mnist") is not first
    assert calls == [(print, "mnist"), (print, "fashion_mnist"), (print, "mnist")]
