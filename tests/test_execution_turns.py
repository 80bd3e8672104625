"""Whose turn it is: counted in chunks, with an engine whose answers are known."""

from collections import Counter

import pytest

from regcore.execution.pace import shared_seconds
from regcore.execution.plan import shard_of
from regcore.execution.scheduler import Scheduler
from regcore.execution.turns import ROUNDS_PASSED
from tests.fake_engine import CONFIG, ENGINE, PATIENCE, ByHand, Call, scheduler_by_hand, tasks_of

# Chunks of 7, then of about 25 steps, of 20,000: a long run.
SECONDS_PER_STEP = 0.01
LONG = CONFIG.replace(seeds=1, epochs=10_000)
# 80 steps, in three chunks: eight tenths of a core-second.
SHORT, SHORT_CHUNKS = CONFIG.replace(seeds=1, epochs=40), 3


class Machine:
    """Runs the chunks of a scheduler in the order in which they come, and counts them by network."""

    def __init__(self, executor: ByHand, n_workers: int) -> None:
        self.executor = executor
        self.n_workers = n_workers
        self.under_way: list[Call] = []
        self.served: list[int] = []
        self.seconds_per_step: dict[int, float] = {}

    def run(self, n_chunks: int) -> None:
        for _ in range(n_chunks):
            while len(self.under_way) <= self.n_workers:
                self.under_way.append(self.executor.take())
            call = self.under_way.pop(0)
            self.served.append(call.seeds[0])
            call.run(self.seconds_per_step.get(call.seeds[0], SECONDS_PER_STEP))


def among_long_runs(
    scheduler: Scheduler, executor: ByHand, n_long: int, n_chunks: int, n_workers: int = 1
) -> Machine:
    """Submit a long run of each of so many owners, and return the machine that has run chunks of them."""
    for seed in range(n_long):
        scheduler.submit(tasks_of(LONG.replace(seed=seed)), f"long {seed}")
    machine = Machine(executor, n_workers)
    machine.run(n_chunks)
    return machine


def cancel_all(scheduler: Scheduler) -> None:
    for job in list(scheduler._jobs):
        scheduler.cancel(job)


def shares(served: list[int], seeds_of_owner: dict[str, set[int]]) -> dict[str, int]:
    """Return how many chunks were done for each owner."""
    counted = Counter(served)
    return {owner: sum(counted[seed] for seed in seeds) for owner, seeds in seeds_of_owner.items()}


def test_every_owner_has_its_share_however_many_runs_it_has_and_shares():
    # Twenty with a run each, one with six, and nine who all pressed the same button.
    wanted = {f"visitor {seed}": {seed} for seed in range(20)}
    wanted["busy"] = set(range(100, 106))
    wanted |= {f"same {n}": {200} for n in range(9)}
    with scheduler_by_hand(n_workers=2) as (scheduler, executor):
        for owner, seeds in wanted.items():
            for seed in seeds:
                scheduler.submit(tasks_of(LONG.replace(seed=seed)), owner)
        machine = Machine(executor, 2)
        machine.run(30 * 20)
        found = shares(machine.served, wanted)
        cancel_all(scheduler)
    assert max(found.values()) <= 1.5 * min(found.values())


def test_whoever_comes_back_at_once_with_short_runs_has_no_more_than_its_share():
    wanted = {f"long {seed}": {seed} for seed in range(4)}
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        for owner, (seed,) in wanted.items():
            scheduler.submit(tasks_of(LONG.replace(seed=seed)), owner)
        machine, short = Machine(executor, 1), 1000
        job = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=1, seed=short)), "restless")
        for _ in range(200):
            machine.run(1)
            if machine.served[-1] == short:
                assert job.finished.wait(PATIENCE)
                short += 1
                job = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=1, seed=short)), "restless")
        found = shares(machine.served, {**wanted, "restless": set(range(1000, short + 1))})
        cancel_all(scheduler)
    assert max(found.values()) <= 1.5 * min(found.values())


def test_a_short_run_waits_for_no_long_one():
    with scheduler_by_hand(n_workers=2) as (scheduler, executor):
        machine = among_long_runs(scheduler, executor, 30, 100, n_workers=2)
        short = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=1, seed=99)), "short")
        # Three chunks are under way, and one more may have been chosen before it came.
        machine.run(5)
        assert 99 in machine.served
        assert short.finished.wait(PATIENCE)
        cancel_all(scheduler)


def test_who_has_begun_is_served_again_though_new_ones_keep_coming():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        machine = among_long_runs(scheduler, executor, 4, 8)
        # More come than there is time for: with each piece that is done a short run of somebody else.
        for new in range(100, 160):
            scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=1, seed=new)), f"new {new}")
            machine.run(1)
        served = Counter(machine.served[8:])
        n_new = sum(seed >= 100 for seed in served)
        cancel_all(scheduler)
    assert min(served[seed] for seed in range(4)) >= 2
    # And who comes new is not behind for that.
    assert n_new >= 20


def test_a_short_run_of_several_pieces_waits_for_no_long_one_either():
    with scheduler_by_hand(n_workers=2) as (scheduler, executor):
        machine = among_long_runs(scheduler, executor, 30, 100, n_workers=2)
        short = scheduler.submit(tasks_of(SHORT.replace(seed=99)), "short")
        came = len(machine.served)
        while not short.finished.wait(0):
            machine.run(1)
        waited = machine.served[came:]
        cancel_all(scheduler)
    assert waited.count(99) == SHORT_CHUNKS
    # Three are under way when it comes; two chunks of others fit between two of its own, on another worker.
    assert len(waited) <= 3 + 3 * SHORT_CHUNKS


def test_of_many_short_runs_the_first_to_come_is_done_first():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        # What steps cost is known.
        first = scheduler.submit(tasks_of(SHORT.replace(seed=1000)), "first of all")
        while not first.finished.wait(0.1):
            executor.take().run(SECONDS_PER_STEP)
        for seed in (1001, 1002):
            scheduler.submit(tasks_of(LONG.replace(seed=seed)), f"long {seed}")
        machine = Machine(executor, 1)
        jobs = [scheduler.submit(tasks_of(SHORT.replace(seed=seed)), f"short {seed}") for seed in range(10)]
        told = [scheduler.progress(job).eta_seconds for job in jobs]
        done_after: dict[int, int] = {}
        while len(done_after) < 10:
            machine.run(1)
            done_after |= {
                seed: len(machine.served)
                for seed, job in enumerate(jobs)
                if seed not in done_after and job.finished.wait(0)
            }
        cancel_all(scheduler)
    assert list(done_after) == list(range(10))
    # In turn, the first would be done after all of the others have had as many chunks.
    assert done_after[0] <= 3 * SHORT_CHUNKS
    assert told == pytest.approx([0.8 * (n + 1) for n in range(10)])


@pytest.mark.parametrize("n_between", [0, 4, 6, 12])
def test_whoever_comes_back_with_runs_of_several_pieces_has_no_more_than_its_share(n_between):
    wanted = {f"long {seed}": {seed} for seed in range(4)}
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        for owner, (seed,) in wanted.items():
            scheduler.submit(tasks_of(LONG.replace(seed=seed)), owner)
        machine, short = Machine(executor, 1), 1000
        machine.run(12)
        job = scheduler.submit(tasks_of(SHORT.replace(seed=short)), "restless")
        while len(machine.served) < 300:
            machine.run(1)
            if job.finished.wait(0):
                machine.run(n_between)
                # Somebody else's run ends: then it is forgotten who was served long ago.
                scheduler.submit(
                    tasks_of(CONFIG.replace(seeds=1, epochs=1, seed=short + 1000)), f"by {short}"
                )
                machine.run(3 if n_between else 0)
                short += 1
                job = scheduler.submit(tasks_of(SHORT.replace(seed=short)), "restless")
        found = shares(machine.served[12:], {**wanted, "restless": set(range(1000, short + 1))})
        cancel_all(scheduler)
    assert short > 1005
    assert found["restless"] <= 1.5 * min(found.values())


def test_who_shares_the_run_of_another_as_well_has_no_more_than_its_share():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        for seed in range(10):
            scheduler.submit(tasks_of(LONG.replace(seed=seed)), f"long {seed}")
        machine, short = Machine(executor, 1), 1000
        machine.run(30)
        scheduler.submit(tasks_of(LONG.replace(seed=0)), "restless")
        job = scheduler.submit(tasks_of(SHORT.replace(seed=short)), "restless")
        while len(machine.served) < 400:
            machine.run(1)
            if job.finished.wait(0):
                short += 1
                job = scheduler.submit(tasks_of(SHORT.replace(seed=short)), "restless")
        served = Counter(machine.served[30:])
        cancel_all(scheduler)
    assert sum(n for seed, n in served.items() if seed >= 1000) <= 1.5 * min(
        served[seed] for seed in range(10)
    )


def test_who_has_had_a_short_run_is_remembered_for_some_rounds():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        machine = among_long_runs(scheduler, executor, 4, 12)
        told = []
        for at, n_between in enumerate((0, 6, 40)):
            machine.run(n_between)
            # Somebody else's run ends: then it is forgotten who was served long ago.
            passer = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=1, seed=1000 + at)), f"by {at}")
            while not passer.finished.wait(0):
                machine.run(1)
            short = scheduler.submit(tasks_of(SHORT.replace(seed=2000 + at)), "short")
            told.append(scheduler.progress(short).eta_seconds)
            while not short.finished.wait(0):
                machine.run(1)
        cancel_all(scheduler)
    assert told == pytest.approx([0.8, 5 * 0.8, 0.8])


def test_a_run_that_was_taken_for_a_short_one_is_served_in_turn_when_it_is_long():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        machine = among_long_runs(scheduler, executor, 30, 60)
        # Steps of such networks took less long.
        machine.seconds_per_step[99] = 1.6 * SECONDS_PER_STEP
        run = scheduler.submit(tasks_of(SHORT.replace(seed=99)), "short")
        assert scheduler.progress(run).eta_seconds == pytest.approx(0.8)
        machine.run(30)
        assert machine.served.count(99) >= 2
        assert run.state == "running"
        cancel_all(scheduler)


def test_the_time_left_of_a_short_run_behind_long_ones_of_its_owner_is_not_that_of_the_short_one():
    with scheduler_by_hand(n_workers=1, session_runs=2) as (scheduler, executor):
        scheduler.submit(tasks_of(LONG.replace(seed=1000)), "another")
        scheduler.submit(tasks_of(LONG.replace(seed=1001)), "yet another")
        Machine(executor, 1).run(10)
        # Two pieces are under way, so none of what comes is served yet.
        executor.take()
        for seed in range(2):
            scheduler.submit(tasks_of(LONG.replace(seed=seed)), "busy")
        short = scheduler.progress(scheduler.submit(tasks_of(SHORT.replace(seed=99)), "busy"))
        cancel_all(scheduler)
    assert short.after_own == 1
    assert short.eta_seconds > 1.0


def test_a_crowd_that_has_left_is_waited_for_no_longer():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        for seed in range(3):
            scheduler.submit(tasks_of(LONG.replace(seed=seed)), f"long {seed}")
        crowd = [
            scheduler.submit(tasks_of(LONG.replace(seed=seed)), f"crowd {seed}") for seed in range(100, 160)
        ]
        machine = Machine(executor, 1)
        machine.run(70)
        first = scheduler.submit(tasks_of(SHORT.replace(seed=1000)), "short")
        while not first.finished.wait(0):
            machine.run(1)
        for job in crowd:
            scheduler.cancel(job)
        scheduler.submit(tasks_of(SHORT.replace(seed=1001)), "short")
        came = len(machine.served)
        machine.run(8)
        cancel_all(scheduler)
    assert 1001 in machine.served[came:]


def test_the_time_left_is_that_of_turns_for_who_has_just_had_a_short_run():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        machine = among_long_runs(scheduler, executor, 30, 60)
        first = scheduler.submit(tasks_of(SHORT.replace(seed=1000)), "short")
        told = [scheduler.progress(first).eta_seconds]
        while not first.finished.wait(0):
            machine.run(1)
        told.append(
            scheduler.progress(scheduler.submit(tasks_of(SHORT.replace(seed=1001)), "short")).eta_seconds
        )
        cancel_all(scheduler)
    assert told == pytest.approx([0.8, 31 * 0.8])


def test_a_short_run_waits_for_no_long_one_where_many_come_but_not_too_many():
    """With a third of all pieces for who comes new, each long run is overdue all the time."""
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        machine = among_long_runs(scheduler, executor, 30, 60)
        waited = []
        for new in range(100, 160):
            scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=1, seed=new)), f"new {new}")
            came = len(machine.served)
            while new not in machine.served:
                machine.run(1)
            waited.append(len(machine.served) - came)
            while len(machine.served) < came + 3:
                machine.run(1)
        served = Counter(machine.served[60:])
        cancel_all(scheduler)
    # Two pieces are under way when it comes; then one may be for who is overdue.
    assert max(waited) <= 5
    assert max(served[seed] for seed in range(30)) <= 1.5 * min(served[seed] for seed in range(30))


def test_who_moves_a_knob_while_he_waits_has_waited_for_what_takes_its_place():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        among_long_runs(scheduler, executor, 4, 8)
        turns = scheduler._turns
        first = scheduler.submit(tasks_of(LONG.replace(seed=50)), "mover")
        turns._n_served += 5
        second = scheduler.submit(tasks_of(LONG.replace(seed=51)), "mover")
        scheduler.cancel(first)
        assert second.came_after == first.came_after
        cancel_all(scheduler)


def test_owners_are_forgotten_though_some_wait_who_were_never_served():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        scheduler.submit(tasks_of(LONG), "long")
        machine = Machine(executor, 1)
        for new in range(100, 300):
            # The last one always waits.
            scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=1, seed=new)), f"new {new}")
            scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=1, seed=new + 1000)), f"more {new}")
            machine.run(2)
        # Of 400 owners those who have jobs, and those who were served in the last rounds.
        n_owners = len({job.owner for job in scheduler._jobs})
        assert n_owners < 30
        assert len(scheduler._turns) <= (1 + ROUNDS_PASSED) * n_owners
        cancel_all(scheduler)


def test_runs_of_one_owner_beyond_those_served_at_a_time_wait_for_them():
    with scheduler_by_hand(session_runs=2) as (scheduler, executor):
        jobs = [scheduler.submit(tasks_of(LONG.replace(seed=seed, epochs=20)), "eager") for seed in range(4)]
        machine = Machine(executor, 1)
        machine.run(2)
        assert [scheduler.progress(job).after_own for job in jobs] == [0, 0, 1, 2]
        assert scheduler.progress(jobs[2]).in_line == 0
        assert set(machine.served) == {0, 1}
        for call in machine.under_way:
            call.run()
        executor.run_all(until=jobs[3].finished)
        assert [job.state for job in jobs] == ["done"] * 4


def test_what_was_trained_before_is_fetched_while_other_runs_of_its_owner_wait():
    with scheduler_by_hand(session_runs=1, queue=1) as (scheduler, executor):
        scheduler.submit(tasks_of(LONG), "anna")
        scheduler.submit(tasks_of(CONFIG.replace(seeds=1, seed=7)), "anna", is_recall=True)
        machine = Machine(executor, 1)
        machine.run(3)
        assert 7 in machine.served
        cancel_all(scheduler)


def test_who_waits_is_told_its_place_in_line_and_how_many_share_the_machine():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        jobs = []
        under_way = []
        for seed, owner in enumerate(["anna", "bert", "anna", "cleo", "dora"]):
            jobs.append(scheduler.submit(tasks_of(LONG.replace(seed=seed)), owner))
            if seed < 2:
                # Two calls fill the only worker; each is sent before the next job can be chosen instead.
                under_way.append(executor.take())
        assert [call.seeds[0] for call in under_way] == [0, 1]
        places = [scheduler.progress(job) for job in jobs]
        assert [place.state for place in places] == ["running", "running", "queued", "queued", "queued"]
        assert [place.in_line for place in places] == [0, 0, 3, 1, 2]
        assert {place.n_owners for place in places} == {4}
        cancel_all(scheduler)


def test_the_time_left_is_told_before_a_first_piece_is_served_once_a_pace_is_known():
    with scheduler_by_hand(n_workers=1) as (scheduler, executor):
        first = scheduler.submit(tasks_of(LONG), "anna")
        for _ in range(3):
            executor.take().run(SECONDS_PER_STEP)
        second = scheduler.submit(tasks_of(LONG.replace(seed=1, epochs=1000)), "bert")
        left = scheduler.progress(second).eta_seconds
        # 2000 steps of a hundredth of a second, every other turn being the other's.
        assert left == pytest.approx(40, rel=0.05)
        assert scheduler.progress(first).eta_seconds == pytest.approx(220, rel=0.05)
        cancel_all(scheduler)


def test_a_pace_is_learned_from_runs_of_one_chunk_as_well():
    with scheduler_by_hand() as (scheduler, executor):
        first = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=20)), "anna")
        while not first.finished.is_set():
            executor.take().run(SECONDS_PER_STEP)
            first.finished.wait(0.1)
        for seed in range(1, 20):
            # Short enough for one chunk, by the pace that is known.
            short = scheduler.submit(tasks_of(CONFIG.replace(seeds=1, epochs=1, seed=seed)), "anna")
            executor.take().run(3 * SECONDS_PER_STEP)
            assert short.finished.wait(PATIENCE)
        new = tasks_of(CONFIG.replace(seeds=1, epochs=100, seed=99))
        n_steps = ENGINE.total_steps(shard_of(new), new[0].dataset)
        assert scheduler.core_seconds(new) == pytest.approx(n_steps * 3 * SECONDS_PER_STEP)


@pytest.mark.parametrize(
    ("own", "of_owner", "others", "n_workers", "seconds"),
    [
        ([10.0], 10.0, [], 1, 10.0),
        # Two trainings on two workers, and a single one that only one worker can do.
        ([5.0, 5.0], 10.0, [], 2, 5.0),
        ([10.0], 10.0, [], 2, 10.0),
        # Who needs little is done before; who needs much has had as much by then.
        ([10.0], 10.0, [1.0, 100.0], 1, 21.0),
        # Another run of the same owner takes every other of its turns.
        ([10.0], 20.0, [100.0], 1, 40.0),
    ],
)
def test_time_left_with_turns_taken(own, of_owner, others, n_workers, seconds):
    assert shared_seconds(own, of_owner, others, n_workers) == seconds
