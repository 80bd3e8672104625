"""How fast the lab trains: against others in the same run, as experiments grow, and how often it compiles.

The machine may be busy with other things, so contenders take turns: each round measures all of them, and
ratios are taken round by round.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar

from regcore.bench import contenders, speed_tables
from regcore.bench.contenders import Setting, Speed
from regcore.bench.report import QUIET, ProgressLine, Report, load_average, machine, processor
from regcore.config import Config
from regcore.execution import train
from regcore.execution.local import LocalProcesses

N_NETWORKS = 16
ARTICLE = Config(
    data="article_regression", n_train=1000, n_val=250, hidden=(128, 64), activation="relu",
    initializer="he_normal", optimizer="adam", learning_rate=1e-3, batch_size=32, epochs=100,
    dropout_input=0.2, dropout_hidden=0.5, l2=1e-4, seeds=N_NETWORKS,
)  # fmt: skip
WITHOUT_DROPOUT = ARTICLE.replace(dropout_input=0.0, dropout_hidden=0.0)

REPLICATES = (1, 2, 4, 8, 16, 32)
ROWS = (250, 500, 1000, 2000, 4000)
# For one worker against two: of few networks two workers train small shards each, which cost more.
WORKER_NETWORKS = (16, 32)
WIDTHS = ((32, 16), (64, 32), (128, 64), (256, 128), (512, 256))

# What the step loop must not be compiled again for.
NUMERIC_MOVES: Mapping[str, Mapping[str, Any]] = {
    "l2, weight_decay, max_norm": {"l2": 1e-2, "weight_decay": 1e-2, "max_norm": 2.0},
    "dropout_input, dropout_hidden": {"dropout_input": 0.1, "dropout_hidden": (0.3, 0.7)},
    "dropout off": {"dropout_input": 0.0, "dropout_hidden": 0.0},
    "jitter, mixup": {"jitter": 0.1, "mixup": 0.4},
    "learning_rate": {"learning_rate": 3e-3},
    "batch_size": {"batch_size": 50},
    "widths in hidden": {"hidden": (96, 48)},
    "n_train, n_val": {"n_train": 700, "n_val": 100},
    "seeds, members": {"seeds": 3, "members": 2},
    "initializer": {"initializer": "glorot_uniform"},
    "epochs": {"epochs": 7},
    "data: 10 features, 442 rows": {"data": "diabetes", "n_train": None, "n_val": None},
}
# What it is compiled for, once: shows that the counter counts.
KIND_MOVES: Mapping[str, Mapping[str, Any]] = {
    "for comparison, depth": {"hidden": (128, 64, 32)},
    "for comparison, activation": {"activation": "tanh"},
}

Key = TypeVar("Key")
Measure = Callable[[], Speed]


class Effort(NamedTuple):
    """How long to measure.

    Attributes:
        rounds: Rounds of the main tables.
        more_rounds: Rounds that are measured again at most, where others used the machine.
        growth_rounds: Rounds of the growth tables.
        lab_epochs, fit_epochs, other_epochs: Epochs a measurement.
    """

    rounds: int
    more_rounds: int
    growth_rounds: int
    lab_epochs: int
    fit_epochs: int
    other_epochs: int

    @property
    def n_measurements(self) -> int:
        """Measurements of a whole run, at most."""
        growth = len(REPLICATES) + len(ROWS) + 2 * len(WIDTHS)
        return (self.rounds + self.more_rounds) * (7 + 2 * len(WORKER_NETWORKS)) + self.growth_rounds * growth


FULL = Effort(rounds=5, more_rounds=5, growth_rounds=3, lab_epochs=100, fit_epochs=6, other_epochs=40)
QUICK = Effort(rounds=2, more_rounds=0, growth_rounds=1, lab_epochs=30, fit_epochs=3, other_epochs=20)


def run(quick: bool = False, progress: ProgressLine | None = None) -> Report:
    """Measure everything, and return tables and targets.

    Args:
        quick: Fewer rounds and epochs: rougher figures, sooner.
        progress: Where to say how far it is.
    """
    effort = QUICK if quick else FULL
    turns = _Turns(effort.n_measurements, progress)
    loads = [load_average()]
    with _workers(None) as executor:
        n_workers = executor.n_workers
        lab = Lab(executor)
        lab.warm_up()
        together = _side_by_side(lab, n_workers, effort, turns)
        replicates = _by_replicates(lab, effort, turns)
        rows = _by_rows(lab, effort, turns)
        widths, floors = _by_width(lab, n_workers, effort, turns)
    with _workers(1) as executor:
        lab = Lab(executor)
        lab.warm_up()
        workers = _by_workers(lab, effort, turns)
        traces = _count_traces(lab)
    loads.append(load_average())
    measured: dict[str, Mapping[Any, Sequence[Speed]]] = {
        "side_by_side": together, "networks": replicates, "rows": rows, "widths": widths,
        "products_of_widths": floors, "workers": workers,
    }  # fmt: skip
    return Report(
        title="Speed: network-epochs a second",
        settings=_settings(effort, n_workers),
        tables=(
            speed_tables.contenders_table(together, n_workers),
            speed_tables.ratios_table(together, workers),
            speed_tables.networks_table(replicates, n_workers),
            speed_tables.rows_table(rows),
            speed_tables.widths_table(widths, floors),
            speed_tables.workers_table(workers),
            speed_tables.traces_table(traces),
        ),
        claims=speed_tables.claims(together, workers, sum(traces[name] for name in NUMERIC_MOVES)),
        warnings=speed_tables.warnings(turns.others),
        details={
            "speeds": {name: _details(speeds) for name, speeds in measured.items()},
            "part_of_cores_that_others_used": turns.others,
            "load_average_before_and_after": loads,
        },
    )


class Lab:
    """The product's own way to train: `train` on worker processes, never the same network twice."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self._next_seed = 0

    def speed(self, config: Config) -> Speed:
        """Return the speed of one call of `train`."""
        config = config.replace(seed=self._next_seed)
        # Seeds trained before would come out of the cache.
        self._next_seed += config.seeds
        before = processor()
        began = time.perf_counter()
        train(config, executor=self.executor)
        seconds = time.perf_counter() - began
        network_epochs = config.seeds * config.members * config.epochs
        return Speed(network_epochs, seconds, processor().ours - before.ours)

    def warm_up(self) -> None:
        """Have every worker compile the article's program."""
        for config in (ARTICLE, WITHOUT_DROPOUT):
            self.speed(config.replace(epochs=5))


class _Round(NamedTuple):
    """One measurement of each contender, and the part of the cores that others used meanwhile."""

    speeds: tuple[Speed, ...]
    others: float


class _Turns:
    """Lets measurements take turns, and says how far they are.

    Attributes:
        others: What was measured -> the part of the cores that others used in each round that counts.
    """

    def __init__(self, n_measurements: int, progress: ProgressLine | None) -> None:
        self.others: dict[str, list[float]] = {}
        self._n_measurements = n_measurements
        self._progress = progress
        self._n_done = 0

    def take(
        self, measures: Mapping[Key, Measure], n_rounds: int, what: str, n_more: int = 0
    ) -> dict[Key, list[Speed]]:
        """Return the speeds of each, one a round, in the order A B C A B C.

        Args:
            measures: What to measure.
            n_rounds: How many rounds count.
            what: What it is, for people.
            n_more: How many rounds may be measured again because others used the machine; the quietest count.
        """
        rounds: list[_Round] = []
        while len(rounds) < n_rounds + n_more and _n_quiet(rounds) < n_rounds:
            rounds.append(self._round(measures.values(), what))
        self._n_done += (n_rounds + n_more - len(rounds)) * len(measures)
        kept = sorted(rounds, key=lambda each: each.others)[:n_rounds]
        self.others[what] = [each.others for each in kept]
        return {key: [each.speeds[at] for each in kept] for at, key in enumerate(measures)}

    def _round(self, measures: Iterable[Measure], what: str) -> _Round:
        before, speeds = processor(), []
        for measure in measures:
            if self._progress is not None:
                self._progress.show(self._n_done / self._n_measurements, f"speed: {what}")
            speeds.append(measure())
            self._n_done += 1
        return _Round(tuple(speeds), processor().others_since(before))


def _n_quiet(rounds: Sequence[_Round]) -> int:
    return sum(each.others <= QUIET for each in rounds)


def _side_by_side(lab: Lab, n_workers: int, effort: Effort, turns: _Turns) -> dict[str, list[Speed]]:
    setting = Setting()
    with ExitStack() as stack:

        def other(function: Callable[[Setting, int], Speed], n_epochs: int) -> Measure:
            process = stack.enter_context(_fresh_process())
            process.submit(function, setting, 1).result()  # Imports, which only the first call pays for.
            return lambda: process.submit(function, setting, n_epochs).result()

        floor = partial(_floor, lab.executor, n_workers, setting, effort.lab_epochs)
        measures: dict[str, Measure] = {
            "lab": partial(lab.speed, ARTICLE.replace(epochs=effort.lab_epochs)),
            "fit": other(contenders.keras_fit, effort.fit_epochs),
            "tuned": other(contenders.keras_tuned, effort.other_epochs),
            "lab without dropout": partial(lab.speed, WITHOUT_DROPOUT.replace(epochs=effort.lab_epochs)),
            "scikit-learn": other(contenders.scikit_learn, effort.other_epochs),
            "products": partial(floor, True),
            "products of steps": partial(floor, False),
        }
        return turns.take(measures, effort.rounds, "side by side", effort.more_rounds)


def _by_replicates(lab: Lab, effort: Effort, turns: _Turns) -> dict[int, list[Speed]]:
    def measure(n: int) -> Measure:
        n_epochs = effort.lab_epochs * min(8, N_NETWORKS // n) if n <= N_NETWORKS else effort.lab_epochs // 2
        return partial(lab.speed, ARTICLE.replace(seeds=n, epochs=n_epochs))

    return turns.take({n: measure(n) for n in REPLICATES}, effort.growth_rounds, "networks side by side")


def _by_rows(lab: Lab, effort: Effort, turns: _Turns) -> dict[int, list[Speed]]:
    def measure(n: int) -> Measure:
        return partial(lab.speed, ARTICLE.replace(n_train=n, epochs=max(2, effort.lab_epochs * 1000 // n)))

    return turns.take({n: measure(n) for n in ROWS}, effort.growth_rounds, "rows")


def _by_width(
    lab: Lab, n_workers: int, effort: Effort, turns: _Turns
) -> tuple[dict[tuple[int, ...], list[Speed]], dict[tuple[int, ...], list[Speed]]]:
    measures: dict[tuple[bool, tuple[int, ...]], Measure] = {}
    for hidden in WIDTHS:
        setting = Setting(hidden=hidden)
        n_epochs = max(2, round(effort.lab_epochs * min(2.0, Setting().n_parameters / setting.n_parameters)))
        measures[False, hidden] = partial(lab.speed, ARTICLE.replace(hidden=hidden, epochs=n_epochs))
        measures[True, hidden] = partial(_floor, lab.executor, n_workers, setting, n_epochs, True)
    speeds = turns.take(measures, effort.growth_rounds, "widths")
    return {hidden: speeds[False, hidden] for hidden in WIDTHS}, {
        hidden: speeds[True, hidden] for hidden in WIDTHS
    }


def _by_workers(one: Lab, effort: Effort, turns: _Turns) -> dict[tuple[int, int], list[Speed]]:
    """Return the speeds by number of networks and of workers; none on a machine with one core."""
    if (os.cpu_count() or 1) < 2:
        return {}
    with _workers(2) as executor:
        two = Lab(executor)
        two.warm_up()
        measures = {
            (n, n_workers): partial(lab.speed, ARTICLE.replace(seeds=n, epochs=effort.lab_epochs))
            for n in WORKER_NETWORKS
            for n_workers, lab in ((1, one), (2, two))
        }
        return turns.take(measures, effort.rounds, "workers", effort.more_rounds)


def _count_traces(lab: Lab) -> dict[str, int]:
    """Return how many step loops the lab's only worker compiled for each move."""
    moves = {**NUMERIC_MOVES, **KIND_MOVES}
    configs = {name: ARTICLE.replace(**{"seeds": 4, "epochs": 3, **moves[name]}) for name in moves}
    kinds = {(len(each.hidden), each.activation, each.optimizer) for each in configs.values()}

    def n_traces() -> int:
        return lab.executor.submit(contenders.count_traces, kinds).result()

    counted, before = {}, n_traces()
    for name, config in configs.items():
        lab.speed(config)
        after = n_traces()
        counted[name], before = after - before, after
    return counted


def _floor(executor: Executor, n_workers: int, setting: Setting, n_epochs: int, with_look: bool) -> Speed:
    """Return the speed of the products alone, on as many workers as the lab uses, all at once."""
    n_networks = max(1, N_NETWORKS // n_workers)
    calls = [
        executor.submit(contenders.products, setting, n_networks, n_epochs, with_look)
        for _ in range(n_workers)
    ]
    speeds = [call.result() for call in calls]
    network_epochs = sum(speed.network_epochs for speed in speeds)
    # The calls ran at the same time: their rates add up, their seconds do not.
    seconds = network_epochs / sum(speed.rate for speed in speeds)
    return Speed(network_epochs, seconds, sum(speed.cpu_seconds for speed in speeds))


@contextmanager
def _workers(n_workers: int | None) -> Iterator[LocalProcesses]:
    executor = LocalProcesses(n_workers)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def _fresh_process() -> Iterator[ProcessPoolExecutor]:
    """Start an interpreter that has loaded nothing, and whose libraries choose their own threads."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        yield process


def _details(speeds: Mapping[Any, Sequence[Speed]]) -> dict[str, list[dict[str, float]]]:
    return {str(key): [speed._asdict() for speed in each] for key, each in speeds.items()}


def _settings(effort: Effort, n_workers: int) -> tuple[str, ...]:
    return (
        f"The article's example: 32-128-64-1 ({Setting().n_parameters:,} parameters), 1,000 training and 250 "
        "validation rows, batches of 32, Adam 1e-3, dropout .2 at the input and .5 in hidden layers, L2 "
        "1e-4; validation after each epoch.",
        f"The lab: {N_NETWORKS} networks by train() on {n_workers} warm worker processes, "
        f"{effort.lab_epochs} epochs a call, all of the call timed. It records losses and outputs of train, "
        "validation and test rows each epoch.",
        "Keras: one network at a time, in a process and with threads of its own, the mean absolute error as "
        "its metric, which the lab records as well; "
        f"{effort.fit_epochs} epochs of fit and {effort.other_epochs} of the tuned one, after a first epoch "
        "that does not count.",
        f"Contenders take turns: medians of {effort.rounds} rounds, of {effort.growth_rounds} in the growth "
        f"tables. A round in which others used more than {QUIET:.0%} of the cores is measured again, "
        f"{effort.more_rounds} rounds at most, and the quietest count.",
        machine(),
    )
