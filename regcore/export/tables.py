"""What was measured and what was asked for, as files for other programs: CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from regcore.config import Config
from regcore.results import Result

if TYPE_CHECKING:
    import pandas as pd


def history_of(results: Mapping[str, Result], column: str = "name") -> pd.DataFrame:
    """Return the histories of several runs below each other, which of them in a first column.

    The other columns are those of `Result.history`: nothing of the test is among them.

    Args:
        results: Name -> result.
        column: What the first column is called.
    """
    import pandas as pd

    histories = [result.history.assign(**{column: name}) for name, result in results.items()]
    joined = pd.concat(histories, ignore_index=True)
    return joined[[column, *joined.columns.drop(column)]]


def config_json(configs: Mapping[str, Config]) -> str:
    """Return configurations as JSON of many lines: name -> fields; of one that is named "", its fields.

    `Config.from_json`, `python -m regcore train --config` and the Lab take the second kind.
    """
    values = {name: json.loads(config.to_json()) for name, config in configs.items()}
    return json.dumps(values[""] if list(values) == [""] else values, indent=2) + "\n"
