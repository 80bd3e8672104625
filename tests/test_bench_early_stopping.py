"""The bench of early stopping: claims hold or fail by what was measured."""

import numpy as np
import pytest

from regcore.bench import effects_early_stopping as effects
from regcore.bench.seeds import FIRST_SEED
from tests.opened_runs import result

TURNS_UP = [3.0, 1.0, 1.5, 2.0, 2.5, 3.0]
FALLS = [3.0, 2.5, 2.0, 1.5, 1.0, 0.5]


@pytest.fixture
def measured(monkeypatch):
    """Return the rows and claims of the first lesson, made of these curves."""

    def of(*curves):
        run = result([[{"val_loss": loss} for loss in curve] for curve in curves], patience=2)
        monkeypatch.setattr(effects, "train", lambda config: run)
        return effects._default(len(curves))

    return of


def test_curves_that_turn_up_meet_the_claims(measured):
    rows, claims = measured(TURNS_UP, [*TURNS_UP[:-1], 2.9], [2.0, 1.0, 1.6, 2.1, 2.2, 2.8])

    assert [claim.holds for claim in claims] == [True] * 4
    by_what = {what: mean for _, what, mean, _, _ in rows}
    assert by_what["loss of the last epoch by the lowest"] == pytest.approx(2.9)
    assert by_what["epochs saved, %"] == pytest.approx(100 * 2 / 6)
    assert by_what["cost of not restoring, loss"] == pytest.approx(np.mean([1.0, 1.0, 1.1]))
    assert claims[3].measured.startswith("0 stopped; 2.9 against 1")


def test_curves_that_fall_miss_them(measured):
    _, claims = measured(FALLS, FALLS, FALLS)
    assert [claim.holds for claim in claims] == [False] * 4


def test_table_says_which_seeds_it_is_of():
    text = effects.table([("Patience of ten", "epochs saved, %", 61.4, 59.1, 63.6)], 16).text()
    assert f"Seeds {FIRST_SEED} to {FIRST_SEED + 15}, on which nothing was tuned." in text
    assert "61.4" in text
