"""What is refused before it starts: in one sentence, with a smaller run where there is one."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from regcore.config import Config
from regcore.errors import BusyError, TooCostlyError
from regcore.execution import admission, requests, service
from regcore.execution.scheduler import Scheduler
from regcore.settings import Settings
from tests import fake_engine
from tests.fake_engine import CONFIG, PATIENCE, scheduler_by_hand, tasks_of

# Twelve steps of one network of the fake engine are guessed to take 0.12 s, of four 0.48 s.
ONE = CONFIG.replace(seeds=1)


def test_what_has_to_be_trained_is_refused_when_as_many_wait_as_may():
    with scheduler_by_hand(queue=2) as (scheduler, executor):
        jobs = [scheduler.submit(tasks_of(ONE.replace(seed=seed)), str(seed)) for seed in range(2)]
        with pytest.raises(
            BusyError, match="^2 runs train or wait on this machine, as many as it takes: try"
        ):
            scheduler.submit(tasks_of(ONE.replace(seed=2)), "late")
        same = scheduler.submit(tasks_of(ONE), "late")
        for job in (*jobs, same):
            executor.run_all(until=job.finished)
        again = scheduler.submit(tasks_of(ONE.replace(seed=2)), "late")
        executor.run_all(until=again.finished)
        assert again.state == "done"


def test_a_run_that_would_cost_too_much_is_refused_with_its_cost_and_the_limit():
    with scheduler_by_hand(run_seconds=40.0) as (scheduler, executor):
        with pytest.raises(
            TooCostlyError, match="keep a core for about 60 s, and may keep it for 40 s: lower seeds"
        ):
            scheduler.submit(tasks_of(CONFIG.replace(epochs=750)))
        assert executor.is_idle()
        assert scheduler._jobs == []


def test_what_is_in_the_cache_costs_nothing():
    with scheduler_by_hand(run_seconds=0.5) as (scheduler, executor):
        executor.run_all(until=scheduler.submit(tasks_of(CONFIG)).finished)
        wider = tasks_of(CONFIG.replace(seeds=8))
        new_ones = tasks_of(CONFIG.replace(seeds=4, seed=4))
        assert scheduler.core_seconds(wider) == scheduler.core_seconds(new_ones) > 0
        executor.run_all(until=scheduler.submit(wider).finished)
        assert scheduler.core_seconds(wider) == 0.0


def test_what_was_trained_before_is_fetched_whatever_it_costs():
    with scheduler_by_hand(run_seconds=0.001) as (scheduler, executor):
        job = scheduler.submit(tasks_of(ONE), is_recall=True)
        executor.run_all(until=job.finished)
        assert job.state == "done"


def test_the_cost_is_told_by_what_steps_took_on_this_machine():
    with scheduler_by_hand() as (scheduler, executor):
        job = scheduler.submit(tasks_of(ONE.replace(epochs=1000)))
        before = scheduler.core_seconds(tasks_of(ONE.replace(seed=9)))
        while not job.finished.is_set():
            executor.take().run(seconds_per_step=0.05)
            job.finished.wait(0.01)
        assert before == pytest.approx(12 * 0.01)
        assert scheduler.core_seconds(tasks_of(ONE.replace(seed=9))) == pytest.approx(12 * 0.05)


def test_a_single_step_that_takes_too_long_is_refused():
    slow = replace(fake_engine.ENGINE, flops_per_step=fake_engine.flops_of_large_networks)
    with scheduler_by_hand(engine=slow, step_seconds=3.0) as (scheduler, _):
        refusal = (
            "one update would take about 40 s, and may take 3 s, for it cannot be cancelled: lower batch"
        )
        with pytest.raises(TooCostlyError, match=refusal):
            scheduler.submit(tasks_of(ONE))


def test_networks_whose_steps_are_long_are_trained_in_smaller_shards():
    # Guessed at a tenth of a second each: three of them fit into the longest chunk.
    slow = replace(fake_engine.ENGINE, flops_per_step=fake_engine.flops_of_wide_networks)
    with scheduler_by_hand(engine=slow) as (scheduler, _):
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=8)))
        assert sorted(len(training.tasks) for training in job.trainings) == [2, 3, 3]
        scheduler.cancel(job)


def test_what_finds_no_memory_now_waits_for_it_instead_of_being_refused():
    with scheduler_by_hand(n_workers=2, memory=10_000) as (scheduler, executor):
        first = scheduler.submit(tasks_of(CONFIG.replace(seeds=3)), "anna")
        large = scheduler.submit(tasks_of(CONFIG.replace(seeds=9, seed=100, epochs=5)), "bert")
        small = scheduler.submit(tasks_of(ONE.replace(seed=200)), "cleo")
        calls = [executor.take(), executor.take(), executor.take()]
        assert sorted(call.seeds[0] for call in calls) == [0, 100, 200]
        assert executor.is_idle()
        waiting = [training for training in large.trainings if not training.is_let_in]
        assert [len(training.tasks) for training in waiting] == [5]
        assert scheduler.progress(large).state == "running"
        for call in calls:
            call.run()
        for job in (first, small, large):
            executor.run_all(until=job.finished)
            assert job.state == "done"


def test_who_needs_much_memory_is_passed_by_those_who_need_little_but_not_for_ever():
    with scheduler_by_hand(memory=10_000) as (scheduler, executor):
        scheduler.submit(tasks_of(CONFIG.replace(seeds=2, epochs=10_000)), "long")
        large = scheduler.submit(tasks_of(CONFIG.replace(seeds=9, seed=1000)), "large")
        small = [scheduler.submit(tasks_of(ONE.replace(seed=n)), f"small {n}") for n in range(10, 30)]
        for _ in range(60):
            executor.take().run(seconds_per_step=0.01)
        assert [job.state for job in small].count("done") == admission.MAX_PASSED
        assert large.state == "queued"
        scheduler.cancel(scheduler._jobs[0])
        for job in (large, *small):
            executor.run_all(until=job.finished)
            assert job.state == "done"


def test_what_was_let_wait_goes_on_though_others_than_runs_took_the_memory(monkeypatch):
    with scheduler_by_hand() as (scheduler, executor):
        monkeypatch.setattr(admission, "free_memory", lambda: 100_000)
        first = scheduler.submit(tasks_of(ONE), "anna")
        second = scheduler.submit(tasks_of(ONE.replace(seed=1)), "bert")
        monkeypatch.setattr(admission, "free_memory", lambda: 0)
        for job in (first, second):
            executor.run_all(until=job.finished)
            assert job.state == "done"


def cost(configs):
    """A hundredth of a second for each epoch of a network."""
    return sum(each.seeds * each.members * each.epochs for each in configs.values()) / 100


TWO = {"baseline": Config(seeds=8, epochs=100), "this run": Config(seeds=8, epochs=100, members=5)}


@pytest.mark.parametrize(
    ("limit", "proposal", "takes"),
    [
        # Six networks a seed: 6 s. A fifth of the limit is left.
        (40.0, {"seeds": 5}, "30 s"),
        # Two seeds are 12 s; with two members 6 s, with three 8 s.
        (11.0, {"seeds": 2, "members": 3}, "8 s"),
        # Two seeds of three networks are 0.06 s an epoch.
        (4.0, {"seeds": 2, "members": 2, "epochs": 53}, "3 s"),
    ],
)
def test_the_largest_smaller_run_that_is_admitted_is_proposed(limit, proposal, takes):
    refused = admission.with_proposal(TooCostlyError("too long"), TWO, cost, limit)
    assert refused.proposal == proposal
    changed = " and ".join(f"{name}={value}" for name, value in proposal.items())
    assert str(refused).endswith(
        f"about 48 s, and may keep it for {limit:g} s: {changed} would take about {takes}."
    )


@pytest.mark.parametrize("limit", [0.1, None])
def test_where_no_smaller_run_helps_none_is_proposed(limit):
    refused = TooCostlyError("too long")
    assert admission.with_proposal(refused, TWO, cost, limit) is refused
    assert refused.proposal == {}


def test_a_refused_run_proposes_what_would_be_admitted(monkeypatch):
    with ThreadPoolExecutor(1) as pool:
        scheduler = Scheduler(pool.submit, 1, fake_engine.ENGINE, Settings(run_seconds=0.35))
        monkeypatch.setattr(service, "scheduler_for", lambda executor: scheduler)
        monkeypatch.setattr(requests, "scheduler_for", lambda executor: scheduler)
        with pytest.raises(TooCostlyError) as refused:
            requests.submit({"": CONFIG}, fake_engine.DATASET)
        run = requests.submit({"": CONFIG.replace(**refused.value.proposal)}, fake_engine.DATASET)
        assert run.wait(PATIENCE)
    assert refused.value.proposal == {"seeds": 2}
