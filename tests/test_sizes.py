"""How many bytes values take, about, against what Python itself says of them."""

import gc
import tracemalloc
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from pages.ui.charts import Final
from pages.ui.sizes import size_of
from regcore.config import Config
from regcore.data import load_dataset


class Counted(NamedTuple):
    names: tuple[str, ...]
    values: tuple[float, ...]


class Known(NamedTuple):
    """It knows of what it holds that it is there for others as well."""

    array: np.ndarray

    @property
    def nbytes(self):
        return 100


def figure():
    return Final(go.Figure([go.Scatter(y=np.random.default_rng(at).random(4000)) for at in range(5)]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.random.default_rng(0).random(20_000),
        lambda: [0.5 * number for number in range(20_000)],
        lambda: "".join(map(chr, range(32, 20_000))),
        lambda: pd.DataFrame({name: np.arange(20_000.0) for name in "abc"}),
        lambda: {f"seed {seed}": {"y": [0.1 * epoch for epoch in range(500)]} for seed in range(40)},
        lambda: Counted(("a", "b"), tuple(0.1 * number for number in range(20_000))),
        figure,
    ],
)
def test_what_takes_most_is_counted(make):
    make()
    tracemalloc.start()
    value = make()
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert taken / 2 <= size_of(value) <= 2 * taken


def test_what_is_there_for_others_as_well_is_not_counted():
    config = Config(data="digits")

    assert size_of((config, load_dataset(config), Config)) < 10_000


def test_a_first_that_is_nothing_hides_nothing():
    assert size_of((None, np.zeros(10**6))) >= 8 * 10**6


def test_what_knows_its_bytes_is_asked():
    assert size_of((Known(np.zeros(10**6)),)) < 10_000
