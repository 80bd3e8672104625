"""Figures that are drawn unchecked: plotly would take each field of them, and send the same."""

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from regcore.config import Config
from regcore.confusion import Confusion
from regcore.data import load_dataset
from regcore.figures import (
    BASELINE,
    COLOURS,
    THIS_RUN,
    Overlaid,
    plot_boundary,
    plot_confusion,
    plot_curves,
    plot_overlay,
    summarize_curves,
)
from regcore.figures._layout import drawn
from regcore.figures._overlay import SYMBOLS
from regcore.landscape import Landscape, grid
from regcore.scoring import NoiseFloor


class Tables:
    """A result written by hand: two seeds, of which patience stopped one."""

    history = pd.DataFrame(
        [(seed, 0, epoch, 1 / epoch, 2 / epoch, 0.3, 0.4) for seed in (0, 1) for epoch in (1, 2, 3)],
        columns=["seed", "member", "epoch", "train_loss", "val_loss", "train_error", "val_error"],
    )
    stops = pd.DataFrame(
        {
            "seed": [0, 1],
            "member": 0,
            "best_epoch": [1, 3],
            "stopped_epoch": pd.array([2, pd.NA], dtype="Int64"),
            "restored_epoch": [1, 3],
        }
    )


COUNTED = Confusion("given", ("cat", "dog"), ((8.5, 1.5), (0.0, 10.0)), 20, 2)
OVERLAID = tuple(
    Overlaid(name, summarize_curves(Tables()), COLOURS[at], SYMBOLS[at])
    for at, name in enumerate((BASELINE, THIS_RUN))
)
BLOBS = load_dataset(Config(data="blobs", n_train=20, n_val=20, label_noise=0.3))
POINTS = grid(BLOBS)
assert POINTS is not None
CHANCES = np.random.default_rng(0).dirichlet(np.ones(BLOBS.n_classes), len(POINTS.X))
BOUNDARIES = {
    BASELINE: Landscape(POINTS, 0, (1, 2), (CHANCES, CHANCES[::-1])),
    THIS_RUN: Landscape(POINTS, 0, (1, 2), (CHANCES, CHANCES), (2,), CHANCES[::-1]),
}
RUNS = {BASELINE: Tables(), THIS_RUN: Tables()}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    ("plot", "inputs", "options"),
    [
        (plot_curves, (RUNS, THIS_RUN), {"lines": True, "floor": NoiseFloor(0.3, 0.2, 0.1)}),
        (plot_curves, (RUNS, BASELINE, "error"), {"epochs": 20}),
        (plot_overlay, (OVERLAID,), {}),
        (plot_overlay, ((),), {}),
        (plot_boundary, (BOUNDARIES, BLOBS), {}),
        (plot_confusion, ({BASELINE: COUNTED, THIS_RUN: COUNTED}, THIS_RUN), {}),
    ],
)
def test_plotly_would_take_it(plot, inputs, options, dark):
    figure = plot(*inputs, **options, dark=dark)

    assert json.loads(go.Figure(figure.to_dict()).to_json()) == json.loads(figure.to_json())


def test_a_drawn_figure_is_sent_as_plotly_would_send_it_and_is_one_to_whoever_asks():
    traces = [{"type": "scatter", "x": np.arange(5.0), "y": [1, 2, 3], "line": {"color": "red"}}]
    frames = [{"name": "a", "data": [{"type": "scatter", "y": np.arange(4.0)}]}]
    layout = {"template": {"layout": {}}, "title": {"text": "some title"}}
    figure = drawn(traces, frames, **layout)
    plotlys = go.Figure({"data": traces, "layout": layout, "frames": frames}, _validate=False).to_dict()

    assert figure.to_dict() == plotlys
    assert figure.layout.title.text == "some title"
    assert list(figure.data[0].x) == [0, 1, 2, 3, 4]
    figure.update_layout(title_text="another title")
    assert figure.to_dict()["layout"]["title"] == {"text": "another title"}
    assert drawn(traces, **layout).to_dict().keys() == {"data", "layout"}
    assert not hasattr(drawn(traces, **layout), "_no_such_thing")
