"""Configurations and data sets that do not go together."""

import numpy as np
import pytest

from regcore.config import Config
from regcore.data import Dataset, check_built_in, check_fits, load_dataset
from regcore.errors import ConfigError

TABLE = load_dataset(Config(data="moons"))
DIGITS_CONFIG = Config(data="digits")
DIGITS = load_dataset(DIGITS_CONFIG)
VALUES = Dataset.from_arrays(np.arange(20.0).reshape(10, 2), np.linspace(0, 1, 10))


@pytest.mark.parametrize(
    ("field", "value"), [("shift", 1), ("rotate", 5.0), ("zoom", 0.1), ("flip", True), ("cutout", 2)]
)
def test_what_is_for_images_is_refused_on_tables(field, value):
    with pytest.raises(ConfigError, match=f"^{field} must be (0|False) on moons, .*, got {value!r}$"):
        check_fits(Config().replace(**{field: value}), TABLE)


@pytest.mark.parametrize("field", ["shift", "cutout"])
def test_nothing_is_moved_or_cut_by_a_whole_image(field):
    check_fits(DIGITS_CONFIG.replace(**{field: 7}), DIGITS)
    with pytest.raises(ConfigError, match=f"^{field} must be less than 8 pixels, .*, got 8$"):
        check_fits(DIGITS_CONFIG.replace(**{field: 8}), DIGITS)


@pytest.mark.parametrize("dataset", [TABLE, DIGITS, VALUES], ids=["table", "images", "values"])
def test_everything_else_goes_with_all_data(dataset):
    check_fits(Config(jitter=0.1, mixup=1.0, l2=0.1, dropout_hidden=0.5, patience=3, members=2), dataset)


@pytest.mark.parametrize(
    "query",
    [
        "shift=1",
        "data=digits&cutout=8",
        "data=sine&label_noise=0.1",
        "data=iris&n_train=90&n_val=11",
        "data=wine",
    ],
)
def test_a_built_in_data_set_is_checked_without_being_loaded_as_it_is_with(query):
    config = Config.from_query(query).config

    def refusal(check):
        try:
            check()
        except ConfigError as error:
            return str(error)
        return None

    assert refusal(lambda: check_built_in(config)) == refusal(
        lambda: check_fits(config, load_dataset(config))
    )


def test_data_fields_do_not_count_where_a_data_set_is_handed_in():
    check_fits(Config(data="moons", label_noise=0.3, n_train=50_000), VALUES)


def test_nothing_stops_by_validation_rows_that_are_not_there():
    all_rows = Dataset.without_test(VALUES.X, VALUES.y, task="regression")
    check_fits(Config(jitter=0.1), all_rows)
    with pytest.raises(ConfigError, match="^patience must be None on your data, .*, got 3$"):
        check_fits(Config(patience=3), all_rows)
