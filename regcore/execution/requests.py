"""What the library trains on request: `train`, `compare`, `sweep`, and `submit` for those who do not wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from regcore.config import Config
from regcore.data import Dataset, check_fits, download_keras_images, load_dataset
from regcore.engine.replicate import replicates_of
from regcore.engine.shard import Probe
from regcore.errors import ConfigError, DataError
from regcore.execution.job import Progress
from regcore.execution.plan import Task, recording_plan
from regcore.execution.run import SECONDS_A_PIECE, Run
from regcore.execution.scheduler import Scheduler
from regcore.execution.service import scheduler_for
from regcore.results import Comparison, Result, Sweep

DOWNLOADED = ("mnist", "fashion_mnist")
SECONDS_FOR_DOWNLOAD = 180.0

OnProgress = Callable[[Progress], object]


def submit(
    configs: Mapping[str, Config],
    dataset: Dataset | None = None,
    *,
    owner: str = "",
    executor: Executor | None = None,
    probes: Sequence[Probe] = (),
) -> Run:
    """Start training several configurations side by side, and return the run without waiting for it.

    Networks that were trained before come from the cache; those that another run trains just now are shared.

    Args:
        configs: Name -> configuration.
        dataset: What to train on; None: the data set that each configuration names.
        owner: Whose run it is: owners are served in turn. Empty: the run has turns of its own.
        executor: Where to train; None: this machine's own worker processes. Any `concurrent.futures` executor
            whose workers can import regcore, as Dask's `client.get_executor(pure=False)`.
        probes: What else to record of every network.

    Raises:
        ConfigError: a configuration does not fit the data.
        DataError: the data cannot be loaded.
        TooLargeError: the run does not fit into memory.
    """
    return _submit(configs, dataset, scheduler_for(executor), owner, executor, probes)


def train(
    config: Config,
    dataset: Dataset | None = None,
    *,
    on_progress: OnProgress | None = None,
    executor: Executor | None = None,
) -> Result:
    """Return what was measured in training a configuration, for all its seeds and members.

    Args:
        config: The experiment.
        dataset: What to train on; None: the data set that the configuration names.
        on_progress: Called about ten times a second with a `Progress`.
        executor: As for `submit`.

    Raises:
        RegcoreError: as `submit` does; or training failed.
    """
    return _finish(submit({"": config}, dataset, executor=executor), on_progress)[""]


def compare(
    configs: Mapping[str, Config],
    dataset: Dataset | None = None,
    *,
    on_progress: OnProgress | None = None,
    executor: Executor | None = None,
) -> Comparison:
    """Return what was measured in training several configurations, paired by seed; the first is the baseline.

    Args:
        configs: Name -> configuration. All have the same seeds.
        dataset: As for `train`.
        on_progress: As for `train`.
        executor: As for `submit`.

    Raises:
        RegcoreError: as `submit` does; or training failed.
    """
    if not configs:
        raise ConfigError("configs must hold at least one configuration, got none")
    return Comparison(_finish(submit(configs, dataset, executor=executor), on_progress))


def sweep(
    config: Config,
    field: str,
    values: Iterable[Any],
    dataset: Dataset | None = None,
    *,
    on_progress: OnProgress | None = None,
    executor: Executor | None = None,
) -> Sweep:
    """Return what was measured in training a configuration at several values of one field, side by side.

    Args:
        config: The experiment.
        field: The field that varies.
        values: Its values.
        dataset: As for `train`.
        on_progress: As for `train`.
        executor: As for `submit`.

    Raises:
        RegcoreError: as `submit` does; or training failed.
    """
    values = tuple(values)
    if not values:
        raise ConfigError(f"values must be at least one value of {field}, got none")
    configs = {str(position): config.replace(**{field: value}) for position, value in enumerate(values)}
    results = _finish(submit(configs, dataset, executor=executor), on_progress)
    return Sweep(field, values, tuple(results.values()))


def _submit(
    configs: Mapping[str, Config],
    dataset: Dataset | None,
    scheduler: Scheduler,
    owner: str = "",
    executor: Executor | None = None,
    probes: Sequence[Probe] = (),
) -> Run:
    datasets, networks = {}, {}
    for name, config in configs.items():
        datasets[name] = dataset if dataset is not None else _load(config, scheduler)
        check_fits(config, datasets[name])
        networks[name] = _networks(config, datasets[name], scheduler, probes)
    return Run(scheduler, configs, datasets, networks, owner, executor)


def _networks(
    config: Config, dataset: Dataset, scheduler: Scheduler, probes: Sequence[Probe]
) -> dict[tuple[int, int], Task]:
    replicates = replicates_of(config, dataset)
    plan = recording_plan(next(iter(replicates.values())), dataset, scheduler.settings, probes)
    return {at: Task(replicate, plan, dataset, until=config.epochs) for at, replicate in replicates.items()}


def _load(config: Config, scheduler: Scheduler) -> Dataset:
    try:
        return load_dataset(config)
    except DataError:
        if config.data not in DOWNLOADED:
            raise
        # Keras, which knows how to download them, is there in the workers alone.
        scheduler.call(download_keras_images, config.data).result(SECONDS_FOR_DOWNLOAD)
        return load_dataset(config)


def _finish(run: Run, on_progress: OnProgress | None) -> dict[str, Result]:
    try:
        while not run.wait(SECONDS_A_PIECE):
            if on_progress is not None:
                on_progress(run.progress())
        if on_progress is not None:
            on_progress(run.progress())
        return run.results()
    except BaseException:
        # Ctrl-C, or an error in on_progress: nobody waits for the run any more.
        run.cancel()
        raise
