"""What the library trains on request: `train`, `compare`, `sweep`, and `submit` for those who do not wait."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor
from concurrent.futures import CancelledError as FutureCancelledError
from functools import partial
from typing import Any, TypeVar, get_args

import numpy as np

from regcore.config import DATA_FIELDS, Config
from regcore.data import DATASET_INFO, Dataset, check_fits, download_keras_images, load_dataset
from regcore.engine.replicate import replicates_of
from regcore.engine.shard import Probe, ProbeKind
from regcore.errors import ConfigError, DataError, TooCostlyError
from regcore.execution.admission import with_proposal
from regcore.execution.job import Progress
from regcore.execution.plan import Task, recording_plan
from regcore.execution.run import SECONDS_A_PIECE, Networks, Run
from regcore.execution.scheduler import Scheduler
from regcore.execution.service import scheduler_for
from regcore.results import Comparison, Result, Sweep

DOWNLOADED = ("mnist", "fashion_mnist")
SECONDS_FOR_DOWNLOAD = 60.0
PROBE_KINDS = get_args(ProbeKind)

OnProgress = Callable[[Progress], object]
Gathered = TypeVar("Gathered")


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
        probes: What else to record of every network; what lies beyond its last epoch is not recorded.

    Raises:
        ConfigError: a configuration, the executor or a probe is none, or one does not fit the data.
        DataError: the data is no data set, or cannot be loaded.
        TooLargeError: the run does not fit into memory.
        TooCostlyError: it would keep the machine for too long; it may come with a smaller run that would not.
        BusyError: as many runs train or wait as may.
    """
    _check_configs(configs)
    _check_dataset(dataset)
    _check_executor(executor)
    _check_probes(probes)
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
    _check_config("config", config)
    return _finish(submit({"": config}, dataset, executor=executor), on_progress, lambda found: found[""])


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
    _check_configs(configs)
    if not configs:
        raise ConfigError("configs must hold at least one configuration, got none")
    if dataset is not None:
        _check_same_data_fields(configs)
    return _finish(submit(configs, dataset, executor=executor), on_progress, Comparison)


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
        field: The field that varies; none of the data fields where a `dataset` is handed in.
        values: Its values, each of them once.
        dataset: As for `train`.
        on_progress: As for `train`.
        executor: As for `submit`.

    Raises:
        RegcoreError: as `submit` does; or training failed.
    """
    _check_config("config", config)
    if not isinstance(field, str):
        raise ConfigError(f"field must be the name of a field of Config, such as 'l2', got {_shown(field)}")
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ConfigError(
            f"values must be a list of values of {field}, got {_shown(values)}: put it into a list"
        )
    several = tuple(values)
    if not several:
        raise ConfigError(f"values must be at least one value of {field}, got none")
    if dataset is not None and field in DATA_FIELDS:
        raise ConfigError(
            f"field must be none of {', '.join(DATA_FIELDS)} where a dataset is handed in, which does not "
            f"look at them, got {field!r}"
        )
    configs = sweep_configs(config, field, several)
    # As the configurations hold them: an array or a list is the tuple that it stands for.
    several = tuple(getattr(each, field) for each in configs.values())
    return _finish(
        submit(configs, dataset, executor=executor),
        on_progress,
        lambda found: Sweep(field, several, tuple(found.values())),
    )


def sweep_configs(config: Config, field: str, values: Sequence[Any]) -> dict[str, Config]:
    """Return the configuration at each value of a field, named "0", "1" and so on.

    Raises:
        ConfigError: a value is none of the field's, or the data set does not look at the field.
    """
    if field == "noise" and DATASET_INFO[config.data].noise_meaning is None:
        raise ConfigError(
            f"field must be another than 'noise' with data={config.data!r}, whose rows are as they were "
            "measured: all its values would train the same"
        )
    return {str(position): config.replace(**{field: value}) for position, value in enumerate(values)}


def _check_config(name: str, config: object) -> None:
    if not isinstance(config, Config):
        raise ConfigError(
            f"{name} must be a Config, got {_shown(config)}: make one, as with Config(l2=0.001)"
        )


def _check_configs(configs: object) -> None:
    if not isinstance(configs, Mapping):
        raise ConfigError(
            f"configs must be a mapping of names to Config, got {_shown(configs)}: give each a name, as in "
            "{'plain': Config(), 'l2': Config(l2=0.001)}"
        )
    for name, config in configs.items():
        _check_config(f"configs[{name!r}]", config)


def _check_same_data_fields(configs: Mapping[str, Config]) -> None:
    (first, baseline), *others = configs.items()
    for name, config in others:
        different = [field for field in config.changes(baseline) if field in DATA_FIELDS]
        if different:
            raise ConfigError(
                f"configs must agree in {', '.join(DATA_FIELDS)} where a dataset is handed in, which does "
                f"not look at them, got another {different[0]} in {name!r} than in {first!r}"
            )


def _check_probes(probes: object) -> None:
    if not isinstance(probes, Sequence) or isinstance(probes, str):
        raise ConfigError(f"probes must be a list of Probe, got {_shown(probes)}: put it into a list")
    for position, probe in enumerate(probes):
        if not isinstance(probe, Probe):
            raise ConfigError(f"probes[{position}] must be a Probe, got {_shown(probe)}")
        if not isinstance(probe.name, str) or not probe.name:
            raise ConfigError(f"name of probes[{position}] must be a text, got {_shown(probe.name)}")
        _check_probe(probe)
    names = [probe.name for probe in probes]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"probes must have a name of their own each, got {name!r} more than once")


def _check_probe(probe: Probe) -> None:
    if probe.kind not in PROBE_KINDS:
        raise ConfigError(
            f"kind of probe {probe.name!r} must be one of {', '.join(PROBE_KINDS)}, got {_shown(probe.kind)}"
        )
    epochs = probe.epochs
    whole = isinstance(epochs, tuple) and all(type(epoch) is int and epoch >= 0 for epoch in epochs)
    if not whole or not epochs or sorted(set(epochs)) != list(epochs):
        raise ConfigError(
            f"epochs of probe {probe.name!r} must be a tuple of whole numbers from 0 on, ascending, got "
            f"{_shown(epochs)}"
        )
    if (probe.X is None) != (probe.kind == "weights"):
        rule = "None, for weights need no rows" if probe.kind == "weights" else "the rows to look at"
        raise ConfigError(f"X of probe {probe.name!r} must be {rule}, got {_shown(probe.X)}")
    if probe.X is not None and not (
        isinstance(probe.X, np.ndarray)
        and probe.X.ndim == 2
        and len(probe.X)
        and np.issubdtype(probe.X.dtype, np.floating)
        and np.isfinite(probe.X).all()
    ):
        raise ConfigError(
            f"X of probe {probe.name!r} must be an array of finite numbers, [n, n_features], got "
            f"{_shown(probe.X)}"
        )


def _check_probes_fit(probes: Sequence[Probe], dataset: Dataset) -> None:
    for probe in probes:
        if probe.X is not None and probe.X.shape[1] != dataset.n_features:
            raise ConfigError(
                f"X of probe {probe.name!r} must have {dataset.n_features} columns, as {dataset.name}, got "
                f"{probe.X.shape[1]}"
            )


def _check_dataset(dataset: object) -> None:
    if dataset is not None and not isinstance(dataset, Dataset):
        raise DataError(
            f"dataset must be a Dataset or None, got {_shown(dataset)}: make one with "
            "Dataset.from_arrays(X, y)"
        )


def _check_executor(executor: object) -> None:
    if executor is not None and not isinstance(executor, Executor):
        raise ConfigError(
            f"executor must be a concurrent.futures.Executor or None, got {_shown(executor)}: of a Dask "
            "client it is client.get_executor(pure=False)"
        )


def _shown(value: object) -> str:
    """Return a value on one line, shortened."""
    return " ".join(reprlib.repr(value).split())


def _submit(
    configs: Mapping[str, Config],
    dataset: Dataset | None,
    scheduler: Scheduler,
    owner: str = "",
    executor: Executor | None = None,
    probes: Sequence[Probe] = (),
) -> Run:
    datasets = {}
    for name, config in configs.items():
        datasets[name] = dataset if dataset is not None else _load(config, scheduler)
        check_fits(config, datasets[name])
        _check_probes_fit(probes, datasets[name])
    networks_of = partial(_networks_by_name, datasets, scheduler, probes)
    try:
        return Run(scheduler, configs, datasets, networks_of(configs), owner, executor)
    except TooCostlyError as refused:
        limit = scheduler.settings.run_seconds
        raise with_proposal(refused, configs, partial(_cost, scheduler, networks_of), limit) from None


def _cost(
    scheduler: Scheduler,
    networks_of: Callable[[Mapping[str, Config]], Mapping[str, Networks]],
    configs: Mapping[str, Config],
) -> float:
    """Return the core-seconds that a run of these configurations probably costs."""
    tasks = [task for of_config in networks_of(configs).values() for task in of_config.values()]
    return scheduler.core_seconds(tasks)


def _networks_by_name(
    datasets: Mapping[str, Dataset],
    scheduler: Scheduler,
    probes: Sequence[Probe],
    configs: Mapping[str, Config],
) -> dict[str, Networks]:
    return {name: _networks(config, datasets[name], scheduler, probes) for name, config in configs.items()}


def _networks(
    config: Config, dataset: Dataset, scheduler: Scheduler, probes: Sequence[Probe]
) -> dict[tuple[int, int], Task]:
    replicates = replicates_of(config, dataset)
    plan = recording_plan(next(iter(replicates.values())), dataset, scheduler.settings, probes)
    return {at: Task(replicate, plan, dataset, until=config.epochs) for at, replicate in replicates.items()}


def _load(config: Config, scheduler: Scheduler) -> Dataset:
    try:
        return load_dataset(config)
    except DataError as missing:
        if config.data not in DOWNLOADED:
            raise
        try:
            # Keras, which knows how to download them, is there in the workers alone. It writes into the file
            # that is read here, so whoever comes in the middle of a download waits for its end.
            scheduler.call_once(download_keras_images, config.data).result(SECONDS_FOR_DOWNLOAD)
        except (TimeoutError, BrokenExecutor, FutureCancelledError) as error:
            # The sentence that says which file to put where helps here as well.
            raise missing from error
        return load_dataset(config)


def _finish(
    run: Run, on_progress: OnProgress | None, gather: Callable[[dict[str, Result]], Gathered]
) -> Gathered:
    try:
        # What does not go together is refused now, not after it has trained.
        gather(run.results(partial=True))
        while not run.wait(SECONDS_A_PIECE):
            if on_progress is not None:
                on_progress(run.progress())
        if on_progress is not None:
            on_progress(run.progress())
        return gather(run.results())
    except BaseException:
        # Ctrl-C, or an error in on_progress: nobody waits for the run any more.
        run.cancel()
        raise
