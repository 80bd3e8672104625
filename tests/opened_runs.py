"""Results made by hand, of which every score is known."""

import numpy as np

from regcore.config import Config
from regcore.data import Dataset
from regcore.results import HISTORY_COLUMNS, Recording, Result

N_VAL, N_TEST = 10, 20


def data(label_noise=0.0, task="binary", y=None, offset=0.0):
    """Return 50 rows: 20 train, 10 val, 20 test."""
    rows = np.arange(50)
    return Dataset.from_arrays(
        (rows * 2.0 + offset)[:, None],
        (rows % 2 if task == "binary" else rows**2.0) if y is None else y,
        task=task,
        train_rows=range(20),
        val_rows=range(20, 30),
        test_rows=range(30, 50),
        label_noise=label_noise,
    )


def recording(epochs):
    """Return a recording of these epochs, each a column's name -> its value; what is not named is 0.5."""
    history = np.full((len(epochs), len(HISTORY_COLUMNS)), 0.5)
    for row, values in zip(history, epochs, strict=True):
        for name, value in values.items():
            row[HISTORY_COLUMNS.index(name)] = value
    return Recording("key", history)


def result(seeds, dataset=None, **fields):
    """Return a result of one network a seed; each seed is its epochs."""
    config = Config(**{"seeds": len(seeds), "epochs": len(seeds[0]), **fields})
    recordings = {(at, 0): recording(epochs) for at, epochs in enumerate(seeds)}
    return Result(config, dataset if dataset is not None else data(), recordings)


def errors(val, test, dataset=None, **fields):
    """Return a result of these errors, one a seed."""
    seeds = [
        [{"val_error": one, "test_error": other, "val_loss": one, "test_loss": other}]
        for one, other in zip(val, test, strict=True)
    ]
    return result(seeds, dataset, **fields)
