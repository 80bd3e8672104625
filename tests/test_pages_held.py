"""Pages whose results made way for those of others: found again in the cache, with the same numbers."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import runs
from regcore.execution.held import HeldRuns
from regcore.execution.service import scheduler_for

pytestmark = pytest.mark.slow

APP = Path(__file__).parents[1] / "app.py"
TINY = {"data": "moons", "hidden": "4", "epochs": "3", "seeds": "2", "l2": "0.1"}


def charts(app: AppTest) -> list[str]:
    return [chart.proto.spec for chart in app.get("plotly_chart")]


def show(app: AppTest, page: str) -> AppTest:
    app.switch_page(f"pages/{page}.py").run()
    live = app.session_state[f"lab.kept.{page}"]
    assert live.run.wait(60)
    app.run()
    assert not app.exception and not app.error
    return app


def test_a_page_that_is_opened_again_shows_what_it_showed_without_training(monkeypatch):
    # No two pages at once may hold what they show.
    held = HeldRuns(1)
    monkeypatch.setattr(runs, "_held", lambda: held)
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.query_params.update(TINY)
    before = charts(show(app, "lab"))
    first = app.session_state["lab.kept.lab"]
    app.query_params.update(TINY)
    show(app, "dropout")
    assert first.is_gone
    n_steps = scheduler_for().steps_submitted

    show(app, "lab")

    again = app.session_state["lab.kept.lab"]
    assert again is not first and not again.is_gone
    assert charts(app) == before
    assert scheduler_for().steps_submitted == n_steps
