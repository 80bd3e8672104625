"""Figures that are drawn unchecked: plotly would take each field of them, and send the same."""

import json

import numpy as np
import plotly.graph_objects as go
import plotly.io
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
from regcore.figures._drawn import drawn, written
from regcore.figures._overlay import SYMBOLS
from regcore.landscape import Landscape, grid
from regcore.scoring import NoiseFloor
from tests.tables_by_hand import columns


class Tables:
    """A result written by hand: two seeds, of which patience stopped one."""

    history_columns = columns(
        [(seed, 0, epoch, 1 / epoch, 2 / epoch, 0.3, 0.4) for seed in (0, 1) for epoch in (1, 2, 3)],
        ("seed", "member", "epoch", "train_loss", "val_loss", "train_error", "val_error"),
    )
    stop_columns: dict[str, list[int | None]] = {
        "seed": [0, 1],
        "member": [0, 0],
        "best_epoch": [1, 3],
        "stopped_epoch": [2, None],
        "restored_epoch": [1, 3],
    }


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

    sent = json.loads(figure.to_json())
    assert json.loads(go.Figure(figure.to_dict()).to_json()) == sent
    assert json.loads(plotly.io.to_json(written(figure).parts, validate=False)) == sent


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


ARRAYS = [
    np.array([0, 7, 255], dtype=np.uint8),
    np.arange(12, dtype=np.uint8).reshape(3, 4),
    np.arange(24.0).reshape(2, 3, 4)[:, ::2],
    np.array([1.5, np.nan, -np.inf]),
    np.array([0.1, 3e8], dtype=np.float32),
    np.arange(-3, 3, dtype=np.int32),
    np.arange(5),
    np.array([2**40, 1]),
    np.array([1, 300], dtype=np.uint64),
    np.array([0.5, 2], dtype=np.float16),
    np.array([True, False]),
    np.array(["a", "b/</script>\u2028"]),
    np.array([None, 1, "two"], dtype=object),
    np.array([]),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}-{array.shape}")
@pytest.mark.parametrize("as_objects", [False, True])
def test_every_array_is_written_as_plotly_writes_it(array, as_objects):
    figure = drawn([{"type": "scatter", "y": array, "marker": {"size": array}, "name": "some </b>"}])
    as_plotly = figure.to_json()
    if as_objects:
        assert len(figure.data) == 1

    sent = json.loads(plotly.io.to_json(written(figure).parts, validate=False))
    # plotly gives a figure of objects its own template.
    assert sent["data"] == json.loads(as_plotly)["data"]


def test_an_array_in_a_list_is_written_as_plotly_writes_it():
    figure = go.Figure(go.Table(cells={"values": [np.arange(3.0), np.arange(3), ["a", "b", "c"]]}))

    assert json.loads(plotly.io.to_json(written(figure).parts, validate=False)) == json.loads(
        figure.to_json()
    )


def test_numbers_of_numpy_are_written_and_what_is_none_is_refused():
    layout = {"height": np.int64(300), "width": np.float64(1.5), "showlegend": np.bool_(True), 1: (0.5, None)}
    figure = written(drawn([], height=300, meta=layout))

    assert figure.parts["layout"]["height"] == 300
    assert json.loads(plotly.io.to_json(figure.parts, validate=False))["layout"]["meta"] == {
        "height": 300, "width": 1.5, "showlegend": True, "1": [0.5, None],
    }  # fmt: skip
    with pytest.raises(TypeError, match="not JSON serializable: object"):
        written(drawn([], meta={"what": object()}))


def test_numbers_at_the_top_stay_numbers_and_dates_are_refused():
    assert written(drawn([], height=np.int64(300))).parts["layout"]["height"] == 300
    with pytest.raises(TypeError, match="not JSON serializable"):
        written(drawn([{"type": "scatter", "x": np.array(["2024-01-01"], dtype="datetime64[ns]")}]))


def test_what_a_figure_takes_is_what_is_sent_of_it():
    figure = drawn([{"type": "scatter", "y": np.arange(30_000.0)}], meta={"description": "thirty thousand"})
    sent = written(figure)

    assert sent.description == "thirty thousand"
    assert sent.n_bytes == pytest.approx(len(plotly.io.to_json(sent.parts, validate=False)), rel=0.05)
    assert written(drawn([])).description is None
