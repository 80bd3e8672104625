"""Training with a line that says how far it is, and what is left of it when it ends before its time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from regcore.config import Config
from regcore.data import load_dataset
from regcore.errors import DataError, RegcoreError
from regcore.execution import Progress, Run, submit
from regcore.execution.run import SECONDS_A_PIECE
from regcore.results import Result, Split
from regcore.terminal import ProgressLine


@dataclass(frozen=True)
class Outcome:
    """What a request left behind.

    Attributes:
        results: Name -> result; of a request that ended early, the seeds that were finished, if any.
        so_far: Name -> result with every epoch that was recorded, of seeds that were not finished as well.
        error: Why training failed; None if it did not.
        interrupt: What ended it from outside; None if nothing did.
        left_out: Names of results whose finished seeds cannot be told, and are not among the finished ones.
    """

    results: Mapping[str, Result]
    so_far: Mapping[str, Result]
    error: RegcoreError | None = None
    interrupt: KeyboardInterrupt | None = None
    left_out: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all that was asked for was trained."""
        return self.error is None and self.interrupt is None

    @property
    def has_finished_any(self) -> bool:
        """Whether a seed of a configuration was trained to the end."""
        return any(self.finished_seeds(name) for name in self.results)

    @property
    def has_epochs(self) -> bool:
        """Whether anything was recorded at all."""
        recordings = (each for result in self.so_far.values() for each in result.recordings.values())
        return any(recording.n_epochs for recording in recordings)

    def finished_seeds(self, name: str) -> list[int]:
        """Return the seeds of a configuration that were trained to the end."""
        result = self.results[name]
        return [seed for seed in result.seeds if (seed, 0) in result.recordings]

    def without_untellable(self, error: RegcoreError, split: Split) -> Outcome:
        """Return what is left when telling failed: without the results that cannot be measured.

        Ensembles may have to train again what was not recorded, which fails when the workers do.

        Args:
            error: Why telling failed.
            split: The rows that are told of.
        """
        left_out = tuple(name for name, result in self.results.items() if not _is_measurable(result, split))
        if not left_out:
            # What failed once has been measured by now, and is kept.
            return self
        results = {
            name: replace(result, recordings={}) if name in left_out else result
            for name, result in self.results.items()
        }
        return replace(self, results=results, error=self.error or error, left_out=left_out)


def _untrained(configs: Mapping[str, Config]) -> dict[str, Result] | None:
    """Return the results before anything is trained; None where data have to be downloaded first."""
    try:
        return {name: Result(config, load_dataset(config), {}) for name, config in configs.items()}
    except DataError:
        # `submit` downloads them, or says why they cannot be had.
        return None


def train_all(configs: Mapping[str, Config], check: Callable[[Mapping[str, Result]], object]) -> Outcome:
    """Train configurations side by side, until all are done, one fails, or somebody ends it.

    Args:
        configs: Name -> configuration.
        check: Refuses, before anything is trained, results that cannot be told.

    Raises:
        RegcoreError: it was refused.
    """
    untrained = _untrained(configs)
    if untrained is not None:
        check(untrained)
    run = submit(configs)
    try:
        if untrained is None:
            check(run.results(partial=True))
        _wait(run)
        if run.error is None:
            results = run.results()
            return Outcome(results, results)
    except KeyboardInterrupt as interrupt:
        return _ended(run, interrupt=interrupt)
    except BaseException:
        run.cancel()
        raise
    return _ended(run, error=run.error)


def _wait(run: Run) -> None:
    # A file or another program has no use for a line that is written again and again.
    line = ProgressLine() if sys.stderr.isatty() else None
    try:
        while not run.wait(SECONDS_A_PIECE):
            if line is not None:
                _show(line, run.progress())
    finally:
        if line is not None:
            line.clear()


def _show(line: ProgressLine, progress: Progress) -> None:
    if progress.state == "queued":
        line.show(progress.fraction, "starting the processes that train")
    else:
        line.show(progress.fraction, "training", progress.eta_seconds)


def _ended(
    run: Run, error: RegcoreError | None = None, interrupt: KeyboardInterrupt | None = None
) -> Outcome:
    so_far = run.results(partial=True)
    run.cancel()
    return Outcome({name: _finished(each) for name, each in so_far.items()}, so_far, error, interrupt)


def _is_measurable(result: Result, split: Split) -> bool:
    try:
        # Summaries hold train rows as well, and a sweep chooses on validation rows.
        for each in dict.fromkeys(("train", "val", split)):
            result.metrics(each)
    except RegcoreError:
        return False
    return True


def _finished(result: Result) -> Result:
    """Return what a result says of the seeds whose members were all trained to the end."""
    members, n_epochs = range(result.config.members), result.config.epochs
    there = {at for at, recording in result.recordings.items() if recording.n_epochs >= n_epochs}
    seeds = {seed for seed in result.seeds if all((seed, member) in there for member in members)}
    kept = {at: recording for at, recording in result.recordings.items() if at[0] in seeds}
    return replace(result, recordings=kept)
