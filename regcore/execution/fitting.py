"""Training one network, or one ensemble, as an estimator does: no longer than its stopping rule needs."""

from __future__ import annotations

from dataclasses import replace

from regcore.config import Config
from regcore.data import Dataset, check_fits
from regcore.engine.replicate import replicates_of
from regcore.execution.plan import Task, recording_plan
from regcore.execution.run import SECONDS_A_PIECE, Run
from regcore.execution.service import scheduler_for_fits
from regcore.results import Result


def fit(config: Config, dataset: Dataset) -> Result:
    """Return what `train` gives, without outputs, and soon after the stopping rule has stopped all networks.

    With a patience the result may thus be a partial one, of the epochs that the rule looked at and a few
    more: its `stops` and restored weights are those of the whole training. One worker trains
    (`service.scheduler_for_fits`), and what was trained before comes from the cache.

    Args:
        config: The experiment.
        dataset: What to train on.

    Raises:
        RegcoreError: As `train` does.
    """
    check_fits(config, dataset)
    scheduler = scheduler_for_fits()
    replicates = replicates_of(config, dataset)
    settings = replace(scheduler.settings, output_bytes=0)
    plan = recording_plan(next(iter(replicates.values())), dataset, settings)
    tasks = {at: Task(replicate, plan, dataset, config.epochs) for at, replicate in replicates.items()}
    run = Run(scheduler, {"": config}, {"": dataset}, {"": tasks}, owner="")
    try:
        while not run.wait(SECONDS_A_PIECE):
            so_far = run.results(partial=True)[""]
            if config.patience is not None and _have_all_stopped(so_far):
                return so_far
        return run.results()[""]
    finally:
        # Nobody waits for it any more; one that has ended stays as it is.
        run.cancel()


def _have_all_stopped(result: Result) -> bool:
    stops = result.stops
    return len(stops) == result.config.seeds * result.config.members and bool(
        stops["stopped_epoch"].notna().all()
    )
