"""How fast each page's first experiment trains: the lab against the same trainings by Keras `fit`."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from regcore.bench import contenders
from regcore.bench.contenders import Setting, Speed
from regcore.bench.report import Claim, Column, ProgressLine, Report, Table, machine, processor
from regcore.bench.speed_tables import busy, summarize
from regcore.config import Config
from regcore.data import load_dataset
from regcore.engine.replicate import replicates_of
from regcore.execution import submit
from regcore.lessons import LESSONS, ON_ARRIVAL

if TYPE_CHECKING:
    from collections.abc import Iterator

AGAINST_FIT = 50.0
Work = Mapping[Setting, int]
"""What is trained -> networks times epochs."""


class Measured(NamedTuple):
    """One page: what it trains on arrival, and the seconds of each round, the lab's and Keras's."""

    page: str
    n_networks: int
    work: Work
    lab: list[float]
    fit: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times as fast the lab was, round by round."""
        return [fit / lab for fit, lab in zip(self.fit, self.lab, strict=True)]


class Effort(NamedTuple):
    """How long to measure."""

    rounds: int
    fit_epochs: int


FULL, QUICK = Effort(rounds=5, fit_epochs=5), Effort(rounds=2, fit_epochs=3)


def run(quick: bool = False, progress: ProgressLine | None = None) -> Report:
    """Train what each page trains on arrival, and return the table and its claims.

    Args:
        quick: Fewer rounds: rougher figures, sooner.
        progress: Where to say how far it is.
    """
    effort, found, others = QUICK if quick else FULL, [], {}
    with _keras() as fit:
        for at, page in enumerate(ON_ARRIVAL):
            if progress is not None:
                progress.show(at / len(ON_ARRIVAL), f"pages: {page}")
            before = processor()
            found.append(measure(page, effort, fit))
            others[page] = [processor().others_since(before)]
    return Report(
        title="Pages: how fast their first experiments train",
        settings=_settings(effort),
        tables=(table(found),),
        claims=tuple(map(_claim, found)),
        warnings=busy(others),
        details={
            "seconds": {each.page: {"lab": each.lab, "fit": each.fit} for each in found},
            "part_of_cores_that_others_used": others,
        },
    )


def measure(page: str, effort: Effort, fit: Callable[[Setting, int], Speed]) -> Measured:
    """Return how long a page's first experiment takes, each round on seeds that nobody trained."""
    configs = ON_ARRIVAL[page](LESSONS[page][0].config)
    _train(configs, 0)
    work = work_of(configs)
    lab, keras = [], []
    for at in range(effort.rounds):
        lab.append(_train(configs, 1 + at))
        keras.append(sum(n / fit(setting, effort.fit_epochs).rate for setting, n in work.items()))
    return Measured(page, len(_networks(configs)), work, lab, keras)


def work_of(configs: Mapping[str, Config]) -> dict[Setting, int]:
    """Return what has to be trained for some configurations; what they share counts once."""
    work: Counter[Setting] = Counter()
    for setting, epochs in _networks(configs).values():
        work[setting] += epochs
    return dict(work)


def _networks(configs: Mapping[str, Config]) -> dict[str, tuple[Setting, int]]:
    """Return every network to train, by its key, and its epochs."""
    return {
        replicate.key: (setting_of(config), config.epochs)
        for config in configs.values()
        for replicate in replicates_of(config, load_dataset(config)).values()
    }


def setting_of(config: Config) -> Setting:
    """Return the shape that Keras trains for a configuration."""
    dataset = load_dataset(config)
    return Setting(
        n_train=dataset.n_train,
        n_val=dataset.n_val,
        n_features=dataset.n_features,
        hidden=config.hidden,
        batch_size=min(config.batch_size, dataset.n_train),
        dropout_input=config.dropout_input,
        dropout_hidden=max(config.dropout_rates(), default=0.0),
        l2=config.l2,
        n_classes=0 if dataset.task == "regression" else dataset.n_classes,
    )


def _train(configs: Mapping[str, Config], at: int) -> float:
    """Train configurations with seeds of their own, and return the seconds."""
    moved = {name: each.replace(seed=100_000 + 1000 * at) for name, each in configs.items()}
    began = time.perf_counter()
    submit(moved).results()
    return time.perf_counter() - began


@contextmanager
def _keras() -> Iterator[Callable[[Setting, int], Speed]]:
    """Start a process that trains with Keras `fit`."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        process.submit(contenders.keras_fit, Setting(), 1).result()
        yield lambda setting, n: process.submit(contenders.keras_fit, setting, n).result()


def table(found: list[Measured]) -> Table:
    """Return one row for each page."""
    return Table(
        name="pages",
        title="The first experiment of each page",
        columns=(
            Column("page", "page"),
            Column("networks", "networks", ",d"),
            Column("network_epochs", "network-epochs", ",d"),
            Column("seconds", "the lab, s", ".2f"),
            Column("fit_seconds", "Keras fit, s", ",.1f"),
            Column("ratio", "ratio", ".1f"),
            Column("ratio_low", "lowest", ".1f"),
            Column("ratio_high", "highest", ".1f"),
        ),
        rows=[
            (
                each.page, each.n_networks, sum(each.work.values()), median(each.lab), median(each.fit),
                *summarize(each.ratios),
            )
            for each in found
        ],
        notes=("Keras fit: its time for as many epochs of the same shapes, at the speed of the same round.",),
    )  # fmt: skip


def _claim(each: Measured) -> Claim:
    ratio = summarize(each.ratios)
    measured = f"{ratio.median:.1f} times, {ratio.low:.1f} to {ratio.high:.1f}"
    text = f"{each.page}: at least {AGAINST_FIT:g} times as fast as Keras fit"
    return Claim(text, measured, ratio.median >= AGAINST_FIT)


def _settings(effort: Effort) -> tuple[str, ...]:
    return (
        "The lab: what a page trains when it is opened, on this machine's own workers, warm, with seeds that "
        "were not trained before; all of the call timed.",
        "Keras fit: one network at a time, in a process of its own, while the lab rests: "
        f"{effort.fit_epochs} epochs, after a first one that does not count, for each shape.",
        f"Medians of {effort.rounds} rounds.",
        machine(),
    )
