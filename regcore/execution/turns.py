"""Whose turn it is: short runs that have begun, owners in turn, the jobs of an owner, the shards of a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from regcore.execution.job import Job, Training

# Who has waited for more pieces than a round of all owners takes, by this factor, is overdue.
PATIENCE_ROUNDS = 1.25
# A short run is some four pieces at most: who has let as many rounds pass may have them one after the other.
ROUNDS_PASSED = 4


class Place(NamedTuple):
    """Where a job stands that no piece of has been served.

    Attributes:
        in_line: Owners who are served before it, and one more; 0: it is not waiting for them.
        after_own: Jobs of the same owner that have to end before it is served at all.
    """

    in_line: int
    after_own: int


NO_PLACE = Place(0, 0)


class Turns:
    """Who was served when, and who is served next: whoever was served longest ago.

    Who comes new was never served, and so is served soon. A short run that has begun is then served before
    all others until it is done: many that were served in turn would all end late. So goes the run of an owner
    who has let as many rounds pass as it has pieces, and nobody has more than a share. Where so many come
    that others would wait for ever, every other piece is for who is overdue.

    Args:
        owner_jobs: How many jobs of one owner are served at a time; the others wait, the oldest first.
        is_short: Returns whether a job is a short one.
    """

    def __init__(self, owner_jobs: int, is_short: Callable[[Job], bool]) -> None:
        self._owner_jobs = owner_jobs
        self._is_short = is_short
        self._owners: dict[str, int] = {}
        self._n_owners = 0
        self._n_served = 0
        self._overdue: set[str] = set()
        self._was_for_overdue = False

    def __len__(self) -> int:
        return len(self._owners)

    def in_order(self, jobs: Sequence[Job]) -> list[Training]:
        """Return the trainings that have a piece to send, the one whose turn it is first.

        Args:
            jobs: Those that have not ended, the oldest first.
        """
        since = self._waiting_since(jobs)
        self._overdue, self._n_owners = self._find_overdue(since), len(since)
        ranks = self._ranks(jobs, since, self._overdue)
        turns = sorted(self._turns(jobs), key=lambda turn: (ranks[turn[0]], turn[0].served, turn[1].served))
        return list(dict.fromkeys(training for _, training in turns))

    def come(self, job: Job, jobs: Sequence[Job]) -> None:
        """Note when a job comes.

        Args:
            job: The job.
            jobs: Those that have not ended, without it. One of the same owner, which it may replace, has
                waited for it as well.
        """
        same = (other.came_after for other in jobs if other.owner == job.owner)
        job.came_after = min(same, default=self._n_served)

    def take(self, training: Training) -> None:
        """Note that a training is served, and with it everybody who waits for it."""
        self._n_served += 1
        self._was_for_overdue = any(job.owner in self._overdue for job in training.jobs)
        training.served = self._n_served
        for job in training.jobs:
            # Before its owner is noted as served: of two that begin with one piece neither has had another.
            job.may_go_on = job.may_go_on if job.served else self._has_let_others_pass(job)
        for job in training.jobs:
            job.served = self._owners[job.owner] = self._n_served

    def forget(self, jobs: Sequence[Job]) -> None:
        """Forget owners without jobs, once all who have some were served or came since, and rounds passed.

        Until then they are remembered: who comes back at once with another short job would else be a new
        owner each time, and be served first.
        """
        waiting_since = self._waiting_since(jobs)
        longest_ago = min(waiting_since.values(), default=self._n_served)
        longest_ago = min(longest_ago, self._n_served - ROUNDS_PASSED * len(waiting_since))
        self._owners = {
            owner: served
            for owner, served in self._owners.items()
            if owner in waiting_since or served > longest_ago
        }

    def place(self, job: Job, jobs: Sequence[Job]) -> Place:
        """Return where a job stands."""
        of_owner = [other for other in jobs if other.owner == job.owner and not other.is_recall]
        after_own = 0 if job.is_recall else max(0, of_owner.index(job) + 1 - self._owner_jobs)
        if after_own:
            return Place(0, after_own)
        since, at = self._waiting_since(jobs), jobs.index(job)
        ranks = self._ranks(jobs, since, self._find_overdue(since))
        before = {
            turn.owner
            for turn, _ in self._turns(jobs)
            if turn.owner != job.owner and (ranks[turn], jobs.index(turn)) < (ranks[job], at)
        }
        return Place(len(before) + 1, 0)

    def goes_on_at_once(self, job: Job) -> bool:
        """Return whether a job is served before all others until it is done, once it has begun."""
        return (job.may_go_on if job.served else self._has_let_others_pass(job)) and self._is_short(job)

    def _turns(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Training]]:
        """Yield what could be served now: no more jobs of one owner than are served at a time."""
        n_of_owner: dict[str, int] = {}
        for job in jobs:
            if not job.is_recall:
                # Its page stands still until a recall is answered, so it waits for none of the owner's jobs.
                n_of_owner[job.owner] = n_of_owner.get(job.owner, 0) + 1
                if n_of_owner[job.owner] > self._owner_jobs:
                    continue
            yield from ((job, training) for training in job.trainings if not training.is_in_flight)

    def _ranks(
        self, jobs: Sequence[Job], since: Mapping[str, int], overdue: set[str]
    ) -> dict[Job, tuple[int, int]]:
        """Return by job what is smaller for whichever is served earlier."""
        first = set() if self._was_for_overdue else overdue
        return {job: self._rank(job, since[job.owner], job.owner in first) for job in jobs}

    def _rank(self, job: Job, since: int, is_first: bool) -> tuple[int, int]:
        if is_first:
            return 0, since
        if job.served and self.goes_on_at_once(job):
            return 1, job.came_after
        return 2, self._owners.get(job.owner, 0)

    def _has_let_others_pass(self, job: Job) -> bool:
        served = self._owners.get(job.owner)
        return served is None or self._n_served - served >= ROUNDS_PASSED * self._n_owners

    def _find_overdue(self, since: Mapping[str, int]) -> set[str]:
        patience = PATIENCE_ROUNDS * len(since)
        return {owner for owner, served in since.items() if self._n_served - served >= patience}

    def _waiting_since(self, jobs: Sequence[Job]) -> dict[str, int]:
        """Return, of each owner, after how many pieces it was served last, or came."""
        since: dict[str, int] = {}
        for job in jobs:
            since.setdefault(job.owner, max(job.came_after, self._owners.get(job.owner, 0)))
        return since
