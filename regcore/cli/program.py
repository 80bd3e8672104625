"""The program: from arguments to what is printed, written, and returned to the shell."""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from regcore.cli import experiments, files
from regcore.cli.parser import PROGRAM, parse
from regcore.cli.signals import answered_once
from regcore.config import Config, query_text
from regcore.errors import ConfigError, RegcoreError

if TYPE_CHECKING:
    from regcore.cli.parser import Parser
    from regcore.cli.reports import Report
    from regcore.cli.tables import Tell
    from regcore.cli.training import Outcome

DONE, FAILED, INTERRUPTED, TERMINATED = 0, 1, 130, 143


class Terminated(KeyboardInterrupt):
    """Raised at SIGTERM, which is answered as Ctrl-C is."""


def run() -> NoReturn:
    """Be the program: take the arguments of this process, and end it."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        # A terminal of few characters is no reason to lose what was trained.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = main()
    finally:
        # Workers that load TensorFlow just now would be waited for.
        if "regcore.execution" in sys.modules:
            from regcore.execution import stop_workers

            stop_workers()
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for, and return the exit code, as `--help` explains it.

    Arguments that make no sense end the program with 2 and one sentence.

    Args:
        arguments: What stands on the command line; None: take it from there.
    """
    asked = parse(sys.argv[1:] if arguments is None else arguments)
    if asked.command is None:
        failure = _print(asked.parser.format_help())
        return DONE if failure is None else _fail(failure)
    parser: Parser = asked.parser
    try:
        return _run(asked)
    except ConfigError as error:
        parser.error(str(error).rstrip("."))
    except RegcoreError as error:
        return _fail(str(error))
    except KeyboardInterrupt as interrupt:
        return _end(interrupt, "interrupted")


def _run(asked: Namespace) -> int:
    configs, base, values = _configurations(asked)
    # All that can be refused is refused before anything heavy is loaded or started.
    destination = files.destination(asked.out, asked.force) if asked.out is not None else None
    from regcore.cli import reports, training

    tell = _tell(asked, values)
    with answered_once() as ignore_signals:
        outcome = training.train_all(configs, check=tell)
        ignore_signals()
        try:
            report = reports.report(asked, base, outcome, tell)
        except RegcoreError as error:
            outcome = outcome.without_untellable(error, getattr(asked, "split", "val"))
            report = reports.report(asked, base, outcome, tell)
        failures = []
        if destination is not None and outcome.has_epochs:
            failures.append(_write(destination, report, outcome))
        failures.append(_print(report.document if asked.json else report.text))
        return _exit_code(outcome, [failure for failure in failures if failure is not None])


def _configurations(asked: Namespace) -> tuple[dict[str, Config], dict[str, Config], tuple[Any, ...]]:
    """Return what is trained, what config.json holds, and the values of a sweep; all of it checked."""
    from regcore.cli.tables import check_metric
    from regcore.data import check_built_in

    values: tuple[Any, ...] = ()
    if asked.command == "compare":
        configs = base = experiments.compared(asked)
    else:
        configs = base = {"": experiments.experiment(asked)}
    if asked.command == "sweep":
        configs, values = _swept(asked, base[""])
    if asked.command == "ablate":
        configs = _taken_apart(base[""])
    for config in configs.values():
        check_built_in(config)
        if asked.command != "train":
            check_metric(config, asked.metric)
    return configs, base, values


def _swept(asked: Namespace, base: Config) -> tuple[dict[str, Config], tuple[Any, ...]]:
    """Return the configurations of a sweep, named by the value of the field, and these values."""
    from regcore.execution.requests import sweep_configs

    field = experiments.field_of(asked.field)
    given = [experiments.value_of(field, text) for text in asked.values]
    configs = sweep_configs(base, field, given).values()
    values = tuple(getattr(config, field) for config in configs)
    named = {query_text(field, value): config for value, config in zip(values, configs, strict=True)}
    if len(named) < len(values):
        raise ConfigError(f"values of {field} must differ from each other, got {' '.join(asked.values)}")
    return named, values


def _taken_apart(config: Config) -> dict[str, Config]:
    from regcore import ablation

    if not ablation.parts(config):
        raise ConfigError(
            "ablate needs at least one regularizer to take apart, got none: set the flag of one, as "
            "--dropout-hidden 0.5"
        )
    return ablation.configurations(config)


def _tell(asked: Namespace, values: Sequence[Any]) -> Tell:
    from regcore.cli import tables

    if asked.command == "train":
        return partial(tables.tell_of_training, split=asked.split)
    if asked.command == "compare":
        return partial(tables.tell_of_comparison, split=asked.split, metric=asked.metric)
    if asked.command == "ablate":
        return partial(tables.tell_of_ablation, metric=asked.metric)
    return partial(
        tables.tell_of_sweep,
        field=experiments.field_of(asked.field),
        values=values,
        split=asked.split,
        metric=asked.metric,
    )


def _write(destination: files.Destination, report: Report, outcome: Outcome) -> str | None:
    """Write what was asked for; return what went wrong, if anything."""
    try:
        written = destination.write(report.files, outcome.is_complete)
    except OSError as error:
        return f"--out could not be written: {error}"
    _say(f"wrote {', '.join(map(str, written))}")
    return None


def _exit_code(outcome: Outcome, failures: Sequence[str]) -> int:
    for failure in failures:
        _say(failure)
    if outcome.left_out:
        names = ", ".join(name for name in outcome.left_out if name)
        _say(f"left out, for it could not be measured: {names or 'what was finished'}")
    if outcome.interrupt is not None:
        what = (
            "what was finished is told, marked as partial"
            if outcome.has_finished_any
            else "no seed was finished"
        )
        return _end(outcome.interrupt, f"interrupted: {what}")
    if outcome.error is not None:
        return _fail(str(outcome.error))
    return FAILED if failures else DONE


def _fail(sentence: str) -> int:
    _say(sentence)
    return FAILED


def _end(interrupt: KeyboardInterrupt, sentence: str) -> int:
    _say(sentence)
    return TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def _say(sentence: str) -> None:
    print(f"{PROGRAM}: {sentence}", file=sys.stderr, flush=True)


def _print(text: str) -> str | None:
    """Write to stdout; return what went wrong. A reader that has gone, as head does, has what it wanted."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # What is still in the buffer would fail again when the program ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return None if isinstance(error, BrokenPipeError) else f"stdout could not be written: {error}"
    return None
