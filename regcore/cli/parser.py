"""The command line: its flags, their help, and one sentence on what is wrong with it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import zip_longest
from typing import NoReturn

from regcore.config import FIELD_GROUPS, Config, field_help, nearest_field, query_text

PROGRAM = "python -m regcore"
COMMANDS = {
    "train": "train one configuration over its seeds",
    "compare": "train several configurations, and tell their differences to a baseline",
    "sweep": "train one configuration at several values of one field",
    "ablate": "tell which of several regularizers carry the gain",
}
SPLITS = ("val", "test", "train")
SWITCHES = tuple(name for name in Config.model_fields if isinstance(field_help(name).default, bool))
_OTHERS = (
    "--config",
    "--query",
    "--variant",
    "--baseline",
    "--split",
    "--metric",
    "--json",
    "--out",
    "--force",
)

EXIT_CODES = """\
exit codes:
  0    all of it was trained, printed and written; a loss that diverged is told, and no failure
  1    it could not be trained, or not be written
  2    the arguments make no sense; nothing was trained
  130  ended by Ctrl-C: seeds that were finished are printed and written, marked as partial
  143  ended by SIGTERM: the same
"""
EXAMPLES = {
    "train": """\
  python -m regcore train --data digits --n-train 400 --label-noise 0.3 --dropout-hidden 0.5
  python -m regcore train --config config.json --epochs 50 --out results/
  python -m regcore train --query 'http://localhost:8501/lab?data=digits&l2=0.01' --json
""",
    "compare": """\
  python -m regcore compare --data digits --label-noise 0.3 --dropout-hidden 0.5
  python -m regcore compare --data digits --label-noise 0.3 --variant 'dropout: dropout_hidden=0.5' \\
      --variant 'both: dropout_hidden=0.5 l2=0.001' --out comparison.csv
""",
    "sweep": """\
  python -m regcore sweep l2 0 1e-4 1e-3 1e-2 --data digits --label-noise 0.3
  python -m regcore sweep hidden 64 256 256,256 none --data wine --json --out sweep.json
""",
    "ablate": """\
  python -m regcore ablate --data digits --label-noise 0.3 --dropout-hidden 0.5 --shift 1 --l2 0.001
""",
}


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, and ends with 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what the command line asks for: `command`, `parser`, the command's own, and the fields given.

    Fields are attributes only where they were given, as the text that was given. `command` is None where
    there is none. `--help`, and what cannot be understood, end the program.
    """
    parser = _parser()
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        close = _did_you_mean(arguments[0], tuple(COMMANDS))
        parser.error(f"command must be one of {', '.join(COMMANDS)}, got {arguments[0]!r}{close}")
    asked, unknown = parser.parse_known_args(_spelled_out(arguments))
    if unknown:
        asked.parser.error(_unknown(unknown[0], asked.command))
    if getattr(asked, "split", SPLITS[0]) not in SPLITS:
        asked.parser.error(f"--split must be one of {', '.join(SPLITS)}, got {asked.split!r}")
    return asked


def flag_of(name: str) -> str:
    """Return the flag of a field of `Config`."""
    return f"--{name.replace('_', '-')}"


def _parser() -> Parser:
    parser = Parser(
        prog=PROGRAM,
        description="Real trainings that show what each regularizer buys, with error bars.",
        epilog=f"Help on a command: {PROGRAM} train --help\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(parser=parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=Parser)
    for command, what in COMMANDS.items():
        of_command = commands.add_parser(
            command,
            usage=f"{PROGRAM} {command} {'FIELD VALUE ... ' if command == 'sweep' else ''}[FLAG VALUE ...]",
            help=what,
            description=f"{what[0].upper()}{what[1:]}.",
            epilog=f"examples:\n{EXAMPLES[command]}\n{EXIT_CODES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        of_command.set_defaults(parser=of_command)
        _add_arguments(of_command, command)
    return parser


def _add_arguments(parser: Parser, command: str) -> None:
    if command == "sweep":
        parser.add_argument("field", metavar="FIELD", help="the field that varies, as l2")
        parser.add_argument(
            "values", metavar="VALUE", nargs="+", help="its values, written as after its flag"
        )
    _add_experiment(parser, command)
    _add_output(parser, command)
    for group, names in FIELD_GROUPS.items():
        fields = parser.add_argument_group(f"fields: {group}")
        for name in names:
            fields.add_argument(
                flag_of(name), dest=name, metavar=_metavar(name), default=argparse.SUPPRESS, help=_help(name)
            )


def _add_experiment(parser: Parser, command: str) -> None:
    experiment = parser.add_argument_group(
        "experiment", "Where all begins; flags of fields, below, are set on top of it."
    )
    several = "; several by name, {NAME: {...}, ...}, are compared" if command == "compare" else ""
    experiment.add_argument(
        "--config", metavar="FILE", help=f"a JSON file of fields, as config.json of --out{several}"
    )
    experiment.add_argument(
        "--query", metavar="TEXT", help="fields as in a link, 'data=digits&l2=0.01', or a whole link"
    )
    if command != "compare":
        return
    experiment.add_argument(
        "--variant",
        metavar="'NAME: FIELD=VALUE ...'",
        action="append",
        help="a configuration to compare: the experiment with these fields changed. May be given several "
        "times. NAME may be left out, and NAME=QUERY does as well. None: the experiment itself, against the "
        "baseline",
    )
    experiment.add_argument(
        "--baseline",
        metavar="'NAME: FIELD=VALUE ...'",
        help="what they are held against: the experiment with these fields changed, 'NAME:' for none. "
        "Default: the experiment with every regularizer off, named plain",
    )


def _add_output(parser: Parser, command: str) -> None:
    output = parser.add_argument_group("output")
    # An ablation chooses among parts, which validation alone may do.
    if command != "ablate":
        output.add_argument(
            "--split",
            metavar="NAME",
            default="val",
            help="rows to measure on: val, train, or test, which is for the end, when all is chosen. "
            "Default: val",
        )
    if command != "train":
        output.add_argument(
            "--metric",
            metavar="NAME",
            help="error, loss or brier; of a regression mae, rmse or loss. Default: error, or mae",
        )
    output.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    output.add_argument(
        "--out",
        metavar="PATH",
        help="write a table (FILE.csv), all that is told (FILE.json), or, into a folder, config.json, "
        "history.csv, table.csv and result.json",
    )
    output.add_argument("--force", action="store_true", help="let --out overwrite files")


def _metavar(name: str) -> str:
    told = field_help(name)
    if name in SWITCHES:
        return "true|false"
    one = "NAME" if told.choices else "N" if "whole number" in told.rule else "X"
    return f"{one},{one}" if told.rule.startswith("a tuple") else one


def _help(name: str) -> str:
    told = field_help(name)
    default = query_text(name, told.default)
    written = "" if "tuple" not in told.rule else ", with commas between them"
    parts = [told.rule + written, told.unit, f"default {default}"]
    # A percent sign would begin one of argparse's own names.
    return f"{told.description} [{'; '.join(filter(None, parts))}]".replace("%", "%%")


def _spelled_out(arguments: Sequence[str]) -> list[str]:
    """Return the arguments as argparse takes them: flags with hyphens, and switches with a value.

    A flag whose value may be left out would take the word after it, as the field of a sweep, for its value.
    """
    spelled = []
    switches = {flag_of(name): name for name in SWITCHES}
    for argument, after in zip_longest(arguments, arguments[1:], fillvalue=""):
        flag, equals, value = argument.partition("=")
        if flag.startswith("--"):
            flag = flag.replace("_", "-")
            if not equals and flag in switches and after.lower() not in ("true", "false"):
                equals, value = "=", "true"
            elif not equals and flag.startswith("--no-") and f"--{flag[5:]}" in switches:
                flag, equals, value = f"--{flag[5:]}", "=", "false"
        spelled.append(flag + equals + value)
    return spelled


def _unknown(argument: str, command: str | None) -> str:
    flag = argument.partition("=")[0]
    if not flag.startswith("-"):
        return f"{command} takes no further argument, got {argument!r}"
    # Some commands have no use for a flag of others.
    close = _did_you_mean(flag, _OTHERS) if flag not in _OTHERS else ""
    # It also knows what a field is called elsewhere, as lr.
    field = nearest_field(flag.lstrip("-").replace("-", "_"))
    if field is not None and flag not in _OTHERS and not close:
        close = f"; did you mean {flag_of(field)!r}?"
    return f"{command or PROGRAM} has no flag {flag!r}{close}"


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name.lower(), known, 1, cutoff=0.8)
    return f"; did you mean {close[0]!r}?" if close else ""
