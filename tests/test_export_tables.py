"""What leaves the lab as CSV and JSON comes back as it was."""

import io
import json

import pandas as pd

from regcore.config import Config
from regcore.export.tables import config_json, history_of
from tests.opened_runs import errors


def test_the_history_of_runs_comes_back_from_csv():
    results = {"baseline": errors([0.3, 0.2], [0.9, 0.8]), "this run": errors([0.1, 0.25], [0.7, 0.6])}
    read = pd.read_csv(io.StringIO(history_of(results).to_csv(index=False)))

    assert list(read) == ["name", *results["baseline"].history]
    assert read["name"].tolist() == ["baseline", "baseline", "this run", "this run"]
    assert read["val_error"].tolist() == [0.3, 0.2, 0.1, 0.25]
    assert not [column for column in read if "test" in column]


def test_a_configuration_comes_back_from_json():
    config = Config(hidden=(8, 4), dropout_hidden=(0.5, 0.1), patience=3)

    assert Config.from_json(config_json({"": config})) == config
    assert json.loads(config_json({"one": config}))["one"]["hidden"] == [8, 4]
