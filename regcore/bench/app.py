"""How fast the app answers: its first curve against Keras, its own work in a rerun, and what it sends twice.

A real server is started, and visited by a program that answers it as a browser does (`visitor`).
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from regcore.bench import contenders
from regcore.bench.contenders import Setting, Speed
from regcore.bench.report import Claim, Column, ProgressLine, Report, Table, machine, processor
from regcore.bench.speed import ARTICLE
from regcore.bench.speed_tables import busy, summarize
from regcore.config import Config

if TYPE_CHECKING:
    from regcore.bench.visitor import Answer, Figure, Visitor

AGAINST_FIT = 50.0
OWN_WORK_MS = 100.0

PAGE = "lab"
BASELINE, THIS_RUN = "baseline", "this run"
RUN = ARTICLE.replace(seeds=8)
# What is shown while nothing trains: a table of numbers, a plane of two inputs, and images.
PAGES: Mapping[str, Config] = {
    "article": RUN,
    "moons": Config(data="moons", label_noise=0.2, dropout_hidden=0.5, epochs=100, seeds=8),
    "digits": Config(
        data="digits", n_train=400, n_val=400, label_noise=0.3, dropout_hidden=0.5, epochs=60, seeds=8
    ),
}
NOTHING, PATIENCE, KNOB, LINK = "nothing", "patience", "a knob, to what was trained", "the link, opened anew"

Epochs = Mapping[str, int]
"""Name of a run -> networks times epochs."""


class Curve(NamedTuple):
    """A curve that came: after how many seconds, and what it and those beside it show that was trained."""

    seconds: float
    network_epochs: Epochs


class Rerun(NamedTuple):
    """One run of the script: its seconds, and what it sent."""

    seconds: float
    n_bytes: int
    n_figures: int
    n_repeated: int
    repeated_bytes: int


class Effort(NamedTuple):
    """How long to measure."""

    rounds: int
    fit_epochs: int


FULL, QUICK = Effort(rounds=5, fit_epochs=5), Effort(rounds=2, fit_epochs=3)

FIRST, FINISHED = "first curve", "finished curve"
ARRIVAL, MOVE = "a link is opened", "a knob is moved"
# By what was done, and which curve.
Curves = Mapping[tuple[str, str], Sequence[Curve]]
Reruns = Mapping[tuple[str, str], Sequence[Rerun]]
"""By page and by what was moved."""


@dataclass
class Measured:
    """All that is measured, one value a round.

    Attributes:
        curves: By what was done, and which curve it is.
        fit: Name of a run -> speed of Keras `fit`.
        growing: What was sent while runs grew, one for each.
        reruns: By page, and by what was moved.
        others: What was measured -> part of the cores that others used.
    """

    curves: dict[tuple[str, str], list[Curve]] = field(default_factory=dict)
    fit: dict[str, list[Speed]] = field(default_factory=dict)
    growing: list[Rerun] = field(default_factory=list)
    reruns: dict[tuple[str, str], list[Rerun]] = field(default_factory=dict)
    others: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def round(self, what: str) -> Iterator[None]:
        """Note what others use of the machine in a round."""
        before = processor()
        yield
        self.others.setdefault(what, []).append(processor().others_since(before))


def run(quick: bool = False, progress: ProgressLine | None = None) -> Report:
    """Start the app, measure it, and return tables and claims.

    Args:
        quick: Fewer rounds: rougher figures, sooner.
        progress: Where to say how far it is.
    """
    # Loads Streamlit, which only this bench needs.
    from regcore.bench.server import serve
    from regcore.bench.visitor import Visitor

    effort, measured = QUICK if quick else FULL, Measured()
    with serve() as server:
        visit = partial(Visitor, server.address, PAGE)
        _measure(visit, effort, measured, progress)
    return Report(
        title="App: how fast the Lab answers",
        settings=_settings(effort),
        tables=(curves_table(measured.curves, measured.fit), reruns_table(measured.reruns, measured.growing)),
        claims=claims(measured),
        warnings=busy(measured.others),
        details={
            "curves": {
                ": ".join(key): [each._asdict() for each in found] for key, found in measured.curves.items()
            },
            "fit": {name: [each._asdict() for each in found] for name, found in measured.fit.items()},
            "reruns": {
                ": ".join(key): [each._asdict() for each in found] for key, found in measured.reruns.items()
            },
            "growing": [each._asdict() for each in measured.growing],
            "part_of_cores_that_others_used": measured.others,
        },
    )


def _measure(
    visit: Callable[[], Visitor], effort: Effort, measured: Measured, progress: ProgressLine | None
) -> None:
    n_rounds = effort.rounds * (1 + len(PAGES))

    def show(n_done: int, what: str) -> None:
        if progress is not None:
            progress.show(n_done / n_rounds, f"app: {what}")

    with ExitStack() as stack:
        fits = {name: stack.enter_context(_keras(setting)) for name, setting in settings_of_keras().items()}
        _warm_up(visit)
        for at in range(effort.rounds):
            show(at, "curves")
            with measured.round("curves"):
                _curves(visit, RUN.replace(seed=1000 + at * RUN.seeds), measured)
                for name, fit in fits.items():
                    measured.fit.setdefault(name, []).append(fit(effort.fit_epochs))
    for at, (page, config) in enumerate(PAGES.items()):
        with visit() as visitor:
            trained = _settle_on(visitor, config)
            for n in range(effort.rounds):
                show(effort.rounds * (1 + at) + n, f"reruns, {page}")
                with measured.round(f"reruns, {page}"):
                    for what, answer in _reruns(visitor, visit, config, trained, n):
                        measured.reruns.setdefault((page, what), []).append(answer)


def settings_of_keras() -> dict[str, Setting]:
    """Return what Keras trains for each of the two runs: the article's network, with and without dropout."""
    return {BASELINE: Setting(dropout_input=0.0, dropout_hidden=0.0, l2=0.0), THIS_RUN: Setting()}


def _warm_up(visit: Callable[[], Visitor]) -> None:
    """Have every worker compile the program."""
    with visit() as visitor:
        visitor.open(RUN.replace(epochs=10, seed=0).to_query())
        visitor.settle()


def _curves(visit: Callable[[], Visitor], config: Config, measured: Measured) -> None:
    """Open a link to networks that nobody trained, and then move a knob to more of them."""
    with visit() as visitor:
        visitor.open(config.to_query())
        _note(visitor, ARRIVAL, (BASELINE, THIS_RUN), config, measured)
        visitor.move("l2", _another(visitor.options("l2"), f"{config.l2:g}"))
        # The baseline is trained already, and counts for nothing.
        _note(visitor, MOVE, (THIS_RUN,), config, measured)


def _note(visitor: Visitor, done: str, trained: tuple[str, ...], config: Config, measured: Measured) -> None:
    """Note the first and the finished curve after a move, and what was sent twice until then."""
    first = visitor.wait_for(lambda figure: not figure.is_repeated and figure.network_epochs_of(THIS_RUN) > 0)
    answer = visitor.settle()
    whole = config.seeds * config.epochs
    finished = next(figure for figure in answer.figures if figure.network_epochs_of(THIS_RUN) == whole)
    for name, figure in ((FIRST, first), (FINISHED, finished)):
        curve = Curve(figure.seconds, network_epochs(answer.figures, figure, trained))
        measured.curves.setdefault((done, name), []).append(curve)
    measured.growing.append(sent(answer))


def network_epochs(figures: Sequence[Figure], last: Figure, trained: Sequence[str]) -> dict[str, int]:
    """Return what the page showed of each run when a figure came."""
    so_far = figures[: figures.index(last) + 1]
    return {name: max(figure.network_epochs_of(name) for figure in so_far) for name in trained}


def _settle_on(visitor: Visitor, config: Config) -> tuple[str, str]:
    """Train what the reruns show, and return the two steps of L2 whose networks are trained by then."""
    visitor.open(config.to_query())
    visitor.settle()
    was = f"{config.l2:g}" if config.l2 else "off"
    other = _another(visitor.options("l2"), was)
    for step in (other, was):
        visitor.move("l2", step)
        visitor.settle()
    return other, was


def _another(steps: Sequence[str], was: str) -> str:
    return next(step for step in ("0.001", "0.0005") if step in steps and step != was)


def _reruns(
    visitor: Visitor, visit: Callable[[], Visitor], config: Config, trained: tuple[str, str], n: int
) -> Iterator[tuple[str, Rerun]]:
    """Yield reruns in which nothing trains, each of them settled before the next."""

    def settled(answer: Answer, who: Visitor = visitor) -> Rerun:
        # Noted first: what comes later is no part of it.
        noted = sent(answer)
        who.settle()
        return noted

    yield NOTHING, settled(visitor.rerun())
    steps = visitor.options("patience")[1:]
    yield PATIENCE, settled(visitor.move("patience", steps[n % len(steps)]))
    settled(visitor.move("patience", "off"))
    yield KNOB, settled(visitor.move("l2", trained[0]))
    settled(visitor.move("l2", trained[1]))
    with visit() as another:
        yield LINK, settled(another.open(config.to_query()), another)


def sent(answer: Answer) -> Rerun:
    """Return the figures of an answer in numbers."""
    repeated = [figure for figure in answer.figures if figure.is_repeated]
    return Rerun(
        answer.seconds,
        answer.n_bytes,
        len(answer.figures),
        len(repeated),
        sum(figure.n_bytes for figure in repeated),
    )


@contextmanager
def _keras(setting: Setting) -> Iterator[Callable[[int], Speed]]:
    """Start a process that trains with Keras `fit`, and return what tells its speed over some epochs."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        process.submit(
            contenders.keras_fit, setting, 1
        ).result()  # Imports, which only the first call pays for.
        yield lambda n_epochs: process.submit(contenders.keras_fit, setting, n_epochs).result()


def fit_seconds(curve: Curve, fit: Mapping[str, Speed]) -> float:
    """Return how long Keras `fit` would take for what a curve shows."""
    return sum(n / fit[name].rate for name, n in curve.network_epochs.items())


def _by_fit(found: Sequence[Curve], fit: Mapping[str, Sequence[Speed]]) -> list[float]:
    rounds = [{name: speeds[at] for name, speeds in fit.items()} for at in range(len(found))]
    return [fit_seconds(curve, speeds) for curve, speeds in zip(found, rounds, strict=True)]


def ratios(found: Sequence[Curve], fit: Mapping[str, Sequence[Speed]]) -> list[float]:
    """Return how many times as fast as Keras `fit` each curve came, round by round."""
    return [by_fit / curve.seconds for curve, by_fit in zip(found, _by_fit(found, fit), strict=True)]


def curves_table(curves: Curves, fit: Mapping[str, Sequence[Speed]]) -> Table:
    """Return one row for each curve: when it came, and how long Keras would take for it."""
    return Table(
        name="curves",
        title="Curves of the article's network: from the visitor's move to the figure",
        columns=(
            Column("done", "when"), Column("curve", ""),
            Column("seconds", "s", ".2f"), Column("low", "lowest", ".2f"), Column("high", "highest", ".2f"),
            Column("network_epochs", "network-epochs", ",.0f"), Column("fit_seconds", "Keras fit, s", ",.1f"),
            Column("ratio", "ratio", ".1f"), Column("ratio_low", "lowest", ".1f"),
            Column("ratio_high", "highest", ".1f"),
        ),
        rows=[
            (
                *key, *summarize([each.seconds for each in found]),
                median(sum(each.network_epochs.values()) for each in found), median(_by_fit(found, fit)),
                *summarize(ratios(found, fit)),
            )
            for key, found in curves.items()
        ],
        notes=(
            "network-epochs: what was trained for the curve and stands in it or beside it, up to its last "
            "epoch; networks of one run may be a chunk of a quarter second apart. Keras fit: its time for as "
            "many, at the speed of the same round.",
        ),
    )  # fmt: skip


def reruns_table(reruns: Reruns, growing: Sequence[Rerun]) -> Table:
    """Return one row for each rerun in which nothing trains, and one for runs that grow."""
    while_growing = (
        "article", "a run grows", None, None, None, median(each.n_bytes for each in growing) / 1e3,
        median(each.n_figures for each in growing), sum(each.n_repeated for each in growing),
        sum(each.repeated_bytes for each in growing) / 1e3,
    )  # fmt: skip
    return Table(
        name="reruns",
        title="Own work: from a move to the end of the script, while nothing trains",
        columns=(
            Column("page", "page"), Column("moved", "moved"), Column("milliseconds", "ms", ".0f"),
            Column("low", "lowest", ".0f"), Column("high", "highest", ".0f"), Column("kb", "kB sent", ",.1f"),
            Column("figures", "figures", "g"), Column("repeated", "unchanged, all rounds", "d"),
            Column("repeated_kb", "kB of them", ",.1f"),
        ),
        rows=[
            (
                *key, *summarize([1000 * each.seconds for each in found]),
                median(each.n_bytes for each in found) / 1e3, median(each.n_figures for each in found),
                sum(each.n_repeated for each in found), sum(each.repeated_bytes for each in found) / 1e3,
            )
            for key, found in reruns.items()
        ] + [while_growing],
        notes=(
            "unchanged: figures that were sent in full although they were on the page already, to the last "
            "number. Larger ones the server sends by their hash alone.",
        ),
    )  # fmt: skip


def claims(measured: Measured) -> tuple[Claim, ...]:
    """Return the targets, each held against the median over the rounds."""
    curves = [
        _at_least(f"{name} when {done}", found, measured.fit)
        for (done, name), found in measured.curves.items()
    ]
    moved = {key: found for key, found in measured.reruns.items() if key[1] != LINK}
    times = {key: 1000 * median(each.seconds for each in found) for key, found in moved.items()}
    slowest = max(times, key=times.__getitem__)
    text = f"own work of a rerun below {OWN_WORK_MS:g} ms"
    figure = f"{times[slowest]:.0f} ms at most, on {slowest[0]} with {slowest[1]} moved"
    return (
        *curves,
        Claim(text, figure, times[slowest] < OWN_WORK_MS),
        _nothing_twice(
            "a rerun sends no figure that has not changed", [e for each in moved.values() for e in each]
        ),
        _nothing_twice("a run that grows sends no figure that has not changed", measured.growing),
    )


def _at_least(what: str, found: Sequence[Curve], fit: Mapping[str, Sequence[Speed]]) -> Claim:
    ratio = summarize(ratios(found, fit))
    seconds = median(each.seconds for each in found)
    figure = f"{ratio.median:.1f} times, {ratio.low:.1f} to {ratio.high:.1f}, after {seconds:.2f} s"
    text = f"{what}: at least {AGAINST_FIT:g} times as fast as Keras fit"
    return Claim(text, figure, ratio.median >= AGAINST_FIT)


def _nothing_twice(text: str, found: Sequence[Rerun]) -> Claim:
    n, n_bytes = sum(each.n_repeated for each in found), sum(each.repeated_bytes for each in found)
    return Claim(
        text, f"{n} of {sum(each.n_figures for each in found)} figures, {n_bytes / 1e3:.1f} kB", n == 0
    )


def _settings(effort: Effort) -> tuple[str, ...]:
    return (
        "A real server on this machine, warm: its workers have compiled the network. A program visits the "
        "Lab as a browser does: timers, kept messages, one session a visit. What a browser draws takes time "
        "on top.",
        "Curves: the article's example (32-128-64-1, 1,000 training and 250 validation rows, batches of 32), "
        f"{RUN.seeds} seeds of {RUN.epochs} epochs, with dropout .2/.5 and L2 1e-4 beside the baseline; none "
        "was trained before. Keras fit trains one network at a time, in a process of its own, while the app "
        f"rests: {effort.fit_epochs} epochs, after a first one that does not count.",
        f"Own work: {', '.join(PAGES)} in the Lab, all of its networks trained before.",
        f"Medians of {effort.rounds} rounds.",
        machine(),
    )
