"""Pictures of what networks predict: which of them are the same, and that they are of what is kept."""

from types import SimpleNamespace

import numpy as np
import pytest

from pages.ui import pictures, shared
from regcore.config import Config
from regcore.data import Dataset
from regcore.figures import plot_boundary
from regcore.landscape import landscape
from regcore.results import HISTORY_COLUMNS, Recording, Result, Weights

SQUARE = Dataset.from_arrays(
    [[0, 0], [10, 1], [0, 1], [10, 0], [5, 5]],
    [0, 1, 0, 1, 0],
    train_rows=[0, 1],
    val_rows=[2, 3],
    test_rows=[4],
)
RECORDED = {epoch: (np.full((2304, 1), float(epoch)),) for epoch in (1, 4)}
# Patience 1 keeps the second epoch of seed 0, as 2 does; patience 3 waits for the last one.
LOSSES = ([3.0, 1.0, 2.0, 2.0, 0.5], [1.0, 2.0, 3.0, 4.0, 5.0])


def run(**fields):
    recordings = {}
    for seed, losses in enumerate(LOSSES):
        history = np.zeros((5, len(HISTORY_COLUMNS)))
        history[:, HISTORY_COLUMNS.index("val_loss")] = losses
        weights = {
            epoch: Weights((np.full((2, 1), epoch, np.float32),), (np.array([seed], np.float32),))
            for epoch in range(1, 6)
        }
        recordings[seed, 0] = Recording("", history, checkpoints=weights)
    return Result(Config(hidden=(), seeds=2, epochs=5, **fields), SQUARE, recordings)


class Followed:
    """A run as `Live` is one, whose probe has recorded the same of every network."""

    def __init__(self, **results):
        self._results = results

    def results(self):
        return self._results

    def recorded(self, name, probe, seed):
        return [RECORDED]

    def shared_key(self):
        return "a run"


@pytest.fixture
def drawn(monkeypatch):
    """Return what draws boundaries of runs: it gives the key of what they are made of, and the figure."""
    shared.of_all_sessions.cache_clear()
    shown = []
    monkeypatch.setattr(
        pictures, "charts", SimpleNamespace(show=lambda name, *made_of: shown.append(made_of))
    )
    monkeypatch.setattr(pictures, "let_the_keyboard_scrub", lambda: None)
    monkeypatch.setattr(pictures, "_seed", lambda results, label: 0)

    def draw(**results):
        pictures.landscapes(Followed(**results), results)
        make, *inputs = shown[-1]
        return shared.key_of(inputs), make(*inputs, dark=False)

    yield draw
    shared.of_all_sessions.cache_clear()


@pytest.mark.parametrize("patience", [None, 1, 2, 3])
def test_boundaries_are_those_of_the_epochs_kept(drawn, patience):
    stopped = run().with_stopping(patience=patience)

    _, figure = drawn(baseline=run(), this_run=stopped)

    expected = {
        name: landscape(each, 0, [RECORDED])
        for name, each in {"baseline": run(), "this_run": stopped}.items()
    }
    assert figure == plot_boundary(expected, SQUARE)


def test_a_patience_that_keeps_the_same_epoch_is_the_same_picture(drawn):
    first, second, third = (
        drawn(baseline=run(), this_run=run().with_stopping(patience=patience)) for patience in (1, 2, 3)
    )

    assert first == second
    assert first[0] != third[0]
    assert first[1] != third[1]


def test_nothing_is_kept_of_a_run_that_grows(drawn):
    growing = Result(Config(hidden=(), seeds=2, epochs=9), SQUARE, run().recordings)

    key, figure = drawn(this_run=growing)

    assert key is None
    assert figure == plot_boundary({"this_run": landscape(growing, 0, [RECORDED])}, SQUARE)
