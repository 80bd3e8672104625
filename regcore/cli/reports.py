"""What is printed and written of an outcome: as text for people, as JSON and CSV for programs."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regcore.cli.tables import Tell, count_of_seeds
from regcore.cli.training import Outcome
from regcore.config import Config, query_text
from regcore.data import Dataset
from regcore.export.tables import config_json, history_of
from regcore.results import Result
from regcore.terminal import json_value, wrapped

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Report:
    """What is printed and written.

    Attributes:
        document: What `--json` prints and result.json holds.
        text: What is printed otherwise.
        files: Name of file -> its text.
    """

    document: str
    text: str
    files: Mapping[str, str]


def report(asked: Namespace, base: Mapping[str, Config], outcome: Outcome, tell: Tell) -> Report:
    """Return what is printed and written of an outcome.

    Args:
        asked: The command line.
        base: What config.json holds: one configuration under the name "", or several.
        outcome: What was trained.
        tell: What the command makes of results.
    """
    told = tell(outcome.results)
    document = json.dumps(_document(asked.command, outcome, told.values), indent=2, allow_nan=False) + "\n"
    files = {
        "config.json": config_json(base),
        "history.csv": _history(asked.command, outcome.so_far).to_csv(index=False),
        "table.csv": _as_written(told.table).to_csv(index=False),
        "result.json": document,
    }
    tables = [table.text() for table in told.tables] if outcome.has_finished_any else []
    lines = [*_of_partial(outcome), *tables, *_of_diverged(outcome)]
    return Report(document, "\n\n".join(lines) + "\n", files)


def _document(command: str, outcome: Outcome, told: Mapping[str, Any]) -> dict[str, Any]:
    runs = [
        {
            "name": name,
            "data": _data(result.dataset),
            "config": json.loads(result.config.to_json()),
            "query": result.config.to_query(),
            "finished_seeds": outcome.finished_seeds(name),
            "diverged": [list(network) for network in result.diverged],
        }
        for name, result in outcome.results.items()
    ]
    document = {
        "command": command,
        "complete": outcome.is_complete,
        "ended_by": _reason(outcome),
        "left_out": list(outcome.left_out),
        **told,
        "runs": runs,
    }
    return {name: json_value(value) for name, value in document.items()}


def _data(dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "task": dataset.task,
        "n_features": dataset.n_features,
        "n_train": dataset.n_train,
        "n_val": dataset.n_val,
        "n_test": len(dataset.test_rows),
    }


def _reason(outcome: Outcome) -> str | None:
    if outcome.error is not None:
        return str(outcome.error)
    return "interrupt" if outcome.interrupt is not None else None


def _of_partial(outcome: Outcome) -> list[str]:
    if outcome.is_complete:
        return []
    counts = ", ".join(
        f"{len(outcome.finished_seeds(name))} of {count_of_seeds(result.config.seeds)}"
        + (f" of {name}" if name else "")
        for name, result in outcome.results.items()
    )
    said = [wrapped(f"PARTIAL: it ended early, and this is of what was finished: {counts}.")]
    if outcome.left_out:
        names = ", ".join(name for name in outcome.left_out if name)
        said.append(wrapped(f"LEFT OUT: it could not be measured: {names or 'what was finished'}."))
    return said


def _of_diverged(outcome: Outcome) -> list[str]:
    lost = [
        f"{len({seed for seed, _ in result.diverged})} of {count_of_seeds(result.config.seeds)}"
        + (f" of {name}" if name else "")
        for name, result in outcome.results.items()
        if result.diverged
    ]
    return [wrapped(f"DIVERGED: the loss was not finite in {', '.join(lost)}.")] if lost else []


def _history(command: str, results: Mapping[str, Result]) -> pd.DataFrame:
    if command == "train":
        return next(iter(results.values())).history
    return history_of(results, "value" if command == "sweep" else "name")


def _as_written(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with values of fields as text, as after a flag, where they are not numbers."""
    if "value" in frame.columns and frame["value"].dtype == object:
        return frame.assign(value=[query_text("", value) for value in frame["value"]])
    return frame
