"""What the runs of a scheduler have come to: counted where it happens, for whoever operates a server."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import NamedTuple

from regcore.errors import RegcoreError
from regcore.execution.cache import TrainedCache
from regcore.execution.job import Job

logger = logging.getLogger(__name__)

# Upper bounds in seconds, between "at once" and "nobody waits that long".
WAITS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Waits(NamedTuple):
    """How long runs waited until a first piece of them was sent to a worker.

    Attributes:
        n_within: Bound in seconds -> how many waited no longer.
        n: How many there were.
        seconds: Their sum.
    """

    n_within: Mapping[float, int]
    n: int
    seconds: float


class Figures(NamedTuple):
    """How a scheduler is at a moment, and what it has done since it began.

    Attributes:
        waiting: For each run of which nothing was sent yet, the seconds since it was asked for.
        n_running: Runs of which something was.
        waits: Those that are no longer waiting.
        ended: "done", "failed" or "cancelled" -> runs.
        refused: Kind of refusal -> runs.
        networks: "trained", "cached" or "shared" with another run -> networks that runs asked for.
        cache_bytes: Bytes of finished networks that are kept.
        n_cached: Networks that are kept.
        n_workers: Chunks that train at a time.
    """

    waiting: Sequence[float]
    n_running: int
    waits: Waits
    ended: Mapping[str, int]
    refused: Mapping[str, int]
    networks: Mapping[str, int]
    cache_bytes: int
    n_cached: int
    n_workers: int


class Counts:
    """What has happened to jobs so far, counted and logged; whoever calls holds the scheduler's lock."""

    def __init__(self) -> None:
        self.ended = Counter(done=0, failed=0, cancelled=0)
        self.refused: Counter[str] = Counter()
        self.networks = Counter(trained=0, cached=0, shared=0)
        self._waits = [0] * (len(WAITS) + 1)
        self._seconds = 0.0

    def figures(self, jobs: Sequence[Job], cache: TrainedCache, n_workers: int) -> Figures:
        """Return how a scheduler is that has these jobs, and what it has done so far."""
        waiting = [time.monotonic() - job.asked for job in jobs if job.state == "queued"]
        *within, n = accumulate(self._waits)
        return Figures(
            waiting=waiting,
            n_running=len(jobs) - len(waiting),
            waits=Waits(dict(zip(WAITS, within, strict=True)), n, self._seconds),
            ended=dict(self.ended),
            refused=dict(self.refused),
            networks=dict(self.networks),
            cache_bytes=cache.nbytes,
            n_cached=len(cache),
            n_workers=n_workers,
        )

    def admit(self, job: Job, n_missing: int) -> None:
        """Count the networks of a job that was let in, before anything of it is trained.

        Args:
            job: The job.
            n_missing: How many of its networks nobody trains yet.
        """
        if job.is_recall:
            return
        n_cached = len(job.trained)
        n_shared = len(job.tasks) - n_cached - n_missing
        self.networks.update(trained=n_missing, cached=n_cached, shared=n_shared)
        job.n_cached = n_cached

    @contextmanager
    def refusals(self, job: Job) -> Iterator[None]:
        """Count a job that is not let in."""
        try:
            yield
        except RegcoreError as error:
            kind = type(error).__name__
            self.refused[kind] += 1
            logger.info("a run was refused", extra={"run": queries(job), "error": kind})
            raise

    def begin(self, job: Job) -> None:
        """Count how long a job waited of which a first piece is sent now."""
        seconds = time.monotonic() - job.asked
        self._waits[bisect_left(WAITS, seconds)] += 1
        self._seconds += seconds

    def end(self, job: Job) -> None:
        """Count a job that has ended."""
        if job.is_recall:
            return
        self.ended[job.state] += 1
        if not job.configs:
            return
        told = {
            "run": queries(job),
            "state": job.state,
            "seconds": round(time.monotonic() - job.asked, 3),
            "networks": len(job.tasks),
            "cached": job.n_cached,
        }
        if job.state == "failed":
            logger.warning("a run failed", extra={**told, "error": type(job.error).__name__})
        elif job.n_cached < len(job.tasks):
            logger.info("a run ended", extra=told)


def queries(*jobs: Job) -> list[str]:
    """Return the configurations of jobs as links spell them."""
    return [config.to_query() for job in jobs for config in job.configs]
