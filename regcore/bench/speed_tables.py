"""What is read off measured speeds: medians, ratios round by round, and whether the targets are met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from regcore.bench.contenders import Setting, Speed
from regcore.bench.report import QUIET, Claim, Column, Table
from regcore.execution.plan import MIN_NETWORKS

AGAINST_FIT, AIM_AGAINST_FIT, AGAINST_TUNED, TWO_WORKERS = 80.0, 100.0, 15.0, 1.7

CONTENDERS = {
    "lab": "the lab",
    "fit": "Keras fit, as people write it",
    "tuned": "Keras tuned: cached tf.data, 32 steps an execution",
    "lab without dropout": "the lab, without dropout",
    "scikit-learn": "scikit-learn MLPRegressor, which has no dropout",
    "products": "matrix products alone",
    "products of steps": "matrix products of the steps alone",
}

Speeds = Sequence[Speed]
ByWorkers = Mapping[tuple[int, int], Speeds]
"""Number of networks and of workers -> speeds."""

_RATE = Column("rate", "network-epochs/s", ",.1f")
_LOW = Column("low", "lowest", ",.1f")
_HIGH = Column("high", "highest", ",.1f")
_CORE_MS = Column("core_ms", "core-ms each", ".2f")


class Summary(NamedTuple):
    """Median, lowest and highest of a figure over the rounds."""

    median: float
    low: float
    high: float


def summarize(values: Sequence[float]) -> Summary:
    """Return median, lowest and highest."""
    return Summary(median(values), min(values), max(values))


def rates(speeds: Speeds) -> Summary:
    """Return network-epochs a second."""
    return summarize([speed.rate for speed in speeds])


def core_milliseconds(speeds: Speeds) -> float:
    """Return the processor time of one network-epoch, summed over threads and processes; the median."""
    return median(1000 * speed.cpu_seconds / speed.network_epochs for speed in speeds)


def ratios(speeds: Speeds, others: Speeds) -> Summary:
    """Return how many times as fast the first were as the second, taken round by round."""
    return summarize([one.rate / other.rate for one, other in zip(speeds, others, strict=True)])


def contenders_table(speeds: Mapping[str, Speeds], n_workers: int) -> Table:
    """Return one row for each contender of a run."""
    return Table(
        name="contenders",
        title="Side by side",
        columns=(Column("contender", ""), _RATE, _LOW, _HIGH, _CORE_MS),
        rows=[(CONTENDERS[name], *rates(each), core_milliseconds(each)) for name, each in speeds.items()],
        notes=(
            "core-ms each: processor time of one network-epoch, over all threads and processes; what else "
            "runs on the machine changes it less.",
            f"matrix products: TensorFlow's, float32, {n_workers} workers of one thread; of the steps "
            "forward and back, and of the look at 1,500 train, validation and test rows after each epoch.",
            "scikit-learn: the same widths, batches and Adam, a penalty, validation rows scored each epoch.",
        ),
    )


def ratios_table(speeds: Mapping[str, Speeds], workers: ByWorkers) -> Table:
    """Return how many times as fast one is as the other, round by round."""
    of_fit, of_tuned = f"at least {AGAINST_FIT:g}, aim {AIM_AGAINST_FIT:g}", f"at least {AGAINST_TUNED:g}"
    plain = "lab without dropout"
    pairs = [
        ("the lab / Keras fit", "lab", "fit", of_fit),
        ("the lab / Keras tuned", "lab", "tuned", of_tuned),
        ("without dropout: the lab / scikit-learn", plain, "scikit-learn", ""),
        ("the lab / matrix products", "lab", "products", "1 at best"),
        ("without dropout: the lab / matrix products", plain, "products", "1 at best"),
        ("the lab / matrix products of the steps", "lab", "products of steps", "1 at best"),
    ]
    rows = [(text, *ratios(speeds[one], speeds[other]), target) for text, one, other, target in pairs]
    of_workers = dict.fromkeys((n for n, _ in workers), "")
    if of_workers:
        of_workers[max(of_workers)] = f"at least {TWO_WORKERS:g}"
    for n, target in of_workers.items():
        ratio = ratios(workers[n, 2], workers[n, 1])
        rows.append((f"{n} networks: two workers / one worker", *ratio, target))
    return Table(
        name="ratios",
        title="Ratios, round by round",
        columns=(
            Column("pair", ""),
            Column("median", "median", ",.2f"),
            Column("low", "lowest", ",.2f"),
            Column("high", "highest", ",.2f"),
            Column("target", "target"),
        ),
        rows=rows,
    )


def networks_table(speeds: Mapping[int, Speeds], n_workers: int) -> Table:
    """Return the growth with the number of networks trained side by side."""
    alone = rates(speeds[min(speeds)]).median
    return Table(
        name="networks",
        title="Growth: networks side by side",
        columns=(
            Column("networks", "networks", "d"), _RATE, _LOW, _HIGH, _CORE_MS,
            Column("gain", "times one network", ".2f"),
        ),
        rows=[
            (n, *rates(each), core_milliseconds(each), rates(each).median / alone)
            for n, each in speeds.items()
        ],
        notes=(f"{2 * MIN_NETWORKS} and more are shared out among {n_workers} workers, fewer train on one.",),
    )  # fmt: skip


def rows_table(speeds: Mapping[int, Speeds]) -> Table:
    """Return the growth with the number of training rows."""
    return Table(
        name="rows",
        title="Growth: training rows",
        columns=(
            Column("rows", "rows", ",d"), _RATE, _LOW, _HIGH, _CORE_MS,
            Column("rows_a_second", "network-rows a second", ",.0f"),
        ),
        rows=[
            (n, *rates(each), core_milliseconds(each), n * rates(each).median) for n, each in speeds.items()
        ],
    )  # fmt: skip


def widths_table(speeds: Mapping[tuple[int, ...], Speeds], floors: Mapping[tuple[int, ...], Speeds]) -> Table:
    """Return the growth with the widths, beside the products alone."""
    return Table(
        name="widths",
        title="Growth: widths of the hidden layers",
        columns=(
            Column("hidden", "hidden"), Column("parameters", "parameters", ",d"), _RATE, _LOW,
            _HIGH, _CORE_MS,
            Column("of_products", "of the products alone", ".0%"),
        ),
        rows=[
            (
                "-".join(map(str, hidden)), Setting(hidden=hidden).n_parameters, *rates(each),
                core_milliseconds(each), ratios(each, floors[hidden]).median,
            )
            for hidden, each in speeds.items()
        ],
    )  # fmt: skip


def workers_table(speeds: ByWorkers) -> Table:
    """Return the growth with the number of worker processes."""
    return Table(
        name="workers",
        title="Growth: worker processes",
        columns=(
            Column("networks", "networks", "d"), Column("workers", "workers", "d"), _RATE, _LOW, _HIGH,
            _CORE_MS,
        ),
        rows=[(*key, *rates(each), core_milliseconds(each)) for key, each in speeds.items()],
    )  # fmt: skip


def traces_table(traces: Mapping[str, int]) -> Table:
    """Return how often the step loop was compiled for each move."""
    return Table(
        name="traces",
        title="Step loops compiled when a knob moves, counted in the worker",
        columns=(Column("moved", "moved"), Column("traces", "traces", "d")),
        rows=list(traces.items()),
    )


def claims(speeds: Mapping[str, Speeds], workers: ByWorkers, n_traces: int) -> tuple[Claim, ...]:
    """Return the targets, each held against the median over the rounds."""
    fit = ratios(speeds["lab"], speeds["fit"])
    reached = "reached" if fit.median >= AIM_AGAINST_FIT else "not reached"
    claimed = [
        _at_least(AGAINST_FIT, fit, "Keras fit", f"; the aim of {AIM_AGAINST_FIT:g} is {reached}"),
        _at_least(AGAINST_TUNED, ratios(speeds["lab"], speeds["tuned"]), "Keras tuned"),
    ]
    if workers:
        most = max(n for n, _ in workers)
        two = ratios(workers[most, 2], workers[most, 1])
        claimed.append(_at_least(TWO_WORKERS, two, "one worker", who=f"two workers, {most} networks,"))
    text = "no step loop is compiled again when a numeric knob moves"
    return (*claimed, Claim(text, f"{n_traces} traces", n_traces == 0))


def _at_least(target: float, measured: Summary, whom: str, more: str = "", who: str = "the lab") -> Claim:
    text = f"{who} at least {target:g} times as fast as {whom}"
    figure = f"{measured.median:.2f} times, {measured.low:.2f} to {measured.high:.2f} over the rounds{more}"
    return Claim(text, figure, measured.median >= target)


def warnings(others: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    """Return what a reader should know before believing the figures.

    Args:
        others: What was measured -> the part of the cores that others used in each round.
    """
    if "workers" in others:
        return busy(others)
    return (*busy(others), "two workers were not measured: this machine has one core.")


def busy(others: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    """Return a sentence if others used the machine, as `warnings` does."""
    loud = {what: max(of_rounds) for what, of_rounds in others.items() if max(of_rounds) > QUIET}
    if not loud:
        return ()
    used = ", ".join(f"{most:.0%} in {what!r}" for what, most in loud.items())
    return (
        f"the machine was not quiet: others used as much of its cores as {used}. Rates and ratios are "
        "rough; core-ms less so.",
    )
