"""`python -m regcore.bench [BENCH ...] [--json FILE] [--quick]`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from regcore.bench import app, effects, load, pages, shift, speed
from regcore.bench.report import ProgressLine, Report
from regcore.errors import ConfigError, RegcoreError

Bench = Callable[[bool, ProgressLine | None], Report]
BENCHES: Mapping[str, Bench] = {
    "speed": speed.run,
    "effects": effects.run,
    "app": app.run,
    "pages": pages.run,
    "shift": shift.run,
    "load": load.run,
}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print tables; return 0 if every claim holds, 1 if one does not, 130 after Ctrl-C.

    Arguments that make no sense end the program with 2 and one sentence.

    Args:
        arguments: What stands on the command line; None: take it from there.
    """
    parser = _parser()
    asked = parser.parse_args(arguments)
    for name in asked.benches:
        if name not in BENCHES:
            parser.error(f"bench must be one of {', '.join(BENCHES)}, got {name!r}")
    benches = dict(BENCHES)
    if any(given is not None for given in (asked.sessions, asked.minutes, asked.tabs)):
        if "load" not in (asked.benches or benches):
            parser.error("--sessions, --minutes and --tabs must stand beside load")
        benches["load"] = partial(load.run, effort=_effort(asked, parser))
    if asked.json is not None:
        _check_writable(asked.json, parser)
    try:
        wanted = dict.fromkeys(asked.benches) or benches
        reports = _run({name: benches[name] for name in wanted}, asked.quick)
    except RegcoreError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: interrupted", file=sys.stderr)
        return 130
    if asked.json is not None:
        written = {name: report.json() for name, report in reports.items()}
        asked.json.write_text(json.dumps(written, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return 0 if all(report.holds for report in reports.values()) else 1


def _run(benches: Mapping[str, Bench], quick: bool) -> dict[str, Report]:
    reports = {}
    for name, bench in benches.items():
        progress = ProgressLine()
        try:
            reports[name] = bench(quick, progress)
        finally:
            progress.clear()
        print(reports[name].text(), flush=True)
    return reports


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m regcore.bench",
        description="Measures what the lab claims. Ends with 0 if every claim holds, else with 1.",
    )
    parser.add_argument(
        "benches",
        nargs="*",
        metavar="BENCH",
        help=f"which to run: {', '.join(BENCHES)}; all if none is named",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file as well")
    parser.add_argument("--quick", action="store_true", help="fewer seeds and rounds, done sooner")
    of_load = parser.add_argument_group("of load alone")
    of_load.add_argument(
        "--sessions", metavar="N,...", help="programs that visit at once, one after the other"
    )
    of_load.add_argument("--minutes", type=float, metavar="M", help="how long each of these takes")
    of_load.add_argument("--tabs", type=int, metavar="N", help="tabs of a browser beside them")
    return parser


def _effort(asked: argparse.Namespace, parser: argparse.ArgumentParser) -> load.Effort:
    try:
        return load.effort_for(asked.quick, asked.sessions, asked.minutes, asked.tabs)
    except ConfigError as error:
        parser.error(str(error))


def _check_writable(path: Path, parser: argparse.ArgumentParser) -> None:
    """End at once, and not after minutes, if the file cannot be written."""
    try:
        path.open("a", encoding="utf-8").close()
    except OSError as error:
        parser.error(f"--json must be a file that can be written, got {str(path)!r}: {error.strerror}")


if __name__ == "__main__":
    # Told to end, it takes the processes that it started along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
