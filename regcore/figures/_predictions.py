"""Predictions of runs side by side over one feature, one picture for each recorded epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._layout import set_layout
from regcore.figures._panels import Axes, axes_of, panels_layout
from regcore.figures._scrubber import (
    KEPT,
    add_scrubber,
    kept_in_words,
    predictions_at,
    shown_step,
    steps_of,
)
from regcore.figures._style import LINE_WIDTH, NEUTRAL, OUTLINE, THIN_LINE, colour_of, faded, template

if TYPE_CHECKING:
    from regcore.data import Dataset
    from regcore.landscape import Landscape

SIZES = {"train": 9, "val": 5}
THIN_OPACITY = 0.45
MAX_ROWS = 1000
GAP = (np.nan,)
# A float32, and a little for what JSON makes of base64.
BYTES_A_NUMBER = 5

Floats = npt.NDArray[np.floating]


class Rows(NamedTuple):
    """The rows of one split: feature, target, and row number."""

    split: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    rows: tuple[int, ...]


class Picture(NamedTuple):
    """What the networks of one run predict at one step: a line for each seed, and their mean."""

    lines: tuple[tuple[float, ...], ...]
    mean: tuple[float, ...]


class Panel(NamedTuple):
    """One run: its colour, which epochs it keeps in words, and one picture a step."""

    run: str
    colour: str
    kept: str
    pictures: tuple[Picture, ...]


class PredictionsInfo(NamedTuple):
    """Everything that the figure shows."""

    feature: str
    target: str
    seeds: tuple[int, ...]
    x: tuple[float, ...]
    y_range: tuple[float, float]
    steps: tuple[str, ...]
    shown: int
    panels: tuple[Panel, ...]
    rows: tuple[Rows, ...]


def plot_predictions(
    landscapes: Mapping[str, Sequence[Landscape]],
    dataset: Dataset,
    *,
    epoch: int | None = None,
    dark: bool = False,
) -> go.Figure:
    """Return what the networks of each run predict over one feature, in a panel for each run.

    A thin line for each seed, a thick one for their mean, and rows of the first seed (1,000 of a split at
    most), those for training larger. The slider moves all panels together.

    `layout.meta["description"]` says in words what is shown at first.

    Args:
        landscapes: Name -> one landscape for each seed, the same seeds for all names.
        dataset: What they were trained on.
        epoch: What is shown at first; None: the weights that are kept, else the last epoch.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if there is no landscape, or runs differ in their seeds.
    """
    return _draw(_info(landscapes, dataset, epoch), dark)


def _info(
    landscapes: Mapping[str, Sequence[Landscape]], dataset: Dataset, epoch: int | None = None
) -> PredictionsInfo:
    seeds = {tuple(landscape.seed for landscape in of_run) for of_run in landscapes.values()}
    if len(seeds) != 1 or seeds == {()}:
        raise ConfigError(f"landscapes must be of the same seeds, at least one, got {sorted(seeds)}")
    all_of_them = [landscape for of_run in landscapes.values() for landscape in of_run]
    grid = all_of_them[0].grid
    n_lines = len(all_of_them) + len(landscapes)
    steps = steps_of(all_of_them, n_lines * len(grid.x) * BYTES_A_NUMBER)
    rows = _rows(dataset, all_of_them[0].seed)
    return PredictionsInfo(
        feature=dataset.feature_names[0],
        target=dataset.target_names[0],
        seeds=next(iter(seeds)),
        x=tuple(grid.x.tolist()),
        y_range=_range([value for split in rows for value in split.y]),
        steps=steps,
        shown=shown_step(steps, epoch),
        panels=tuple(
            Panel(
                name,
                colour_of(name, list(landscapes)),
                kept_in_words(of_run),
                tuple(_picture(of_run, step) for step in steps),
            )
            for name, of_run in landscapes.items()
        ),
        rows=rows,
    )


def _picture(landscapes: Sequence[Landscape], step: str) -> Picture:
    found = [predictions_at(landscape, step) for landscape in landscapes]
    lines = [line for line in found if line is not None]
    mean = np.mean(lines, axis=0).tolist() if lines else []
    return Picture(tuple(tuple(line.tolist()) for line in lines), tuple(mean))


def _rows(dataset: Dataset, seed: int) -> tuple[Rows, ...]:
    rows = dataset.rows(seed)
    return tuple(
        Rows(
            split,
            tuple(dataset.X[numbers, 0].tolist()),
            tuple(dataset.y[numbers].tolist()),
            tuple(numbers.tolist()),
        )
        for split, numbers in (("val", rows.val[:MAX_ROWS]), ("train", rows.train[:MAX_ROWS]))
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the range of the rows with a margin: predictions that leave it are cut off."""
    low, high = min(values), max(values)
    margin = 0.12 * (high - low) or 1.0
    return low - margin, high + margin


def _draw(info: PredictionsInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure()
    moving: list[int] = []
    for at, panel in enumerate(info.panels):
        for rows in info.rows:
            figure.add_trace(_points(rows, in_legend=at == 0).update(axes_of(at)))
        for trace in _lines(info, panel, info.shown):
            moving.append(len(figure.data))
            figure.add_trace(trace.update(axes_of(at)))
    layout = panels_layout(
        [(panel.run, panel.kept) for panel in info.panels],
        Axes(info.feature, info.target, (info.x[0], info.x[-1]), info.y_range),
        legend_rows=1,
        template=template(dark),
    )
    set_layout(figure, **layout)
    figure.layout.meta = {"description": _describe(info)}
    if len(info.steps) > 1:
        add_scrubber(figure, info.steps, info.shown, _frames(info, moving))
    return figure


def _frames(info: PredictionsInfo, moving: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {
            "name": step,
            "traces": list(moving),
            "data": [
                {"type": "scatter", "y": y} for panel in info.panels for y in _heights(panel.pictures[at])
            ],
        }
        for at, step in enumerate(info.steps)
    ]


def _heights(picture: Picture) -> tuple[Floats, Floats]:
    """Return the lines of all seeds as one, with gaps between them, and their mean."""
    return _numbers([value for line in picture.lines for value in (*line, *GAP)]), _numbers(picture.mean)


def _lines(info: PredictionsInfo, panel: Panel, step: int) -> list[go.Scatter]:
    """Return the thin lines of all seeds as one, with gaps between them, and the thick line of their mean."""
    lines, mean = _heights(panel.pictures[step] if panel.pictures else Picture((), ()))
    x = [value for _ in info.seeds for value in (*info.x, *GAP)]
    hover = f"{info.feature} %{{x:.3g}}: %{{y:.4g}}<extra></extra>"
    thin = {"color": faded(panel.colour, THIN_OPACITY), "width": THIN_LINE}
    thick = {"color": panel.colour, "width": LINE_WIDTH + 0.4}
    common = {"mode": "lines", "showlegend": False}
    return [
        go.Scatter(x=_numbers(x), y=lines, line=thin, hoverinfo="skip", **common),
        go.Scatter(
            x=_numbers(info.x),
            y=mean,
            line=thick,
            hovertemplate=f"mean at {hover}",
            **common,
        ),
    ]


def _numbers(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float32)


def _points(rows: Rows, in_legend: bool) -> go.Scatter:
    is_train = rows.split == "train"
    return go.Scatter(
        x=_numbers(rows.x),
        y=_numbers(rows.y),
        mode="markers",
        name="train" if is_train else "validation",
        legendgroup=rows.split,
        legendrank=1 if is_train else 2,
        showlegend=in_legend,
        marker={
            "color": NEUTRAL,
            "size": SIZES[rows.split],
            "opacity": 1 if is_train else 0.7,
            "line": {"color": OUTLINE, "width": 1 if is_train else 0},
        },
        customdata=np.array(rows.rows, dtype=np.int32),
        hovertemplate=f"{rows.split} row %{{customdata}}: %{{x:.3g}}, %{{y:.3g}}<extra></extra>",
    )


def _describe(info: PredictionsInfo) -> str:
    n_rows = {split.split: len(split.rows) for split in info.rows}
    seeds = "1 seed" if len(info.seeds) == 1 else f"{len(info.seeds)} seeds"
    text = (
        f"Predictions of {info.target} over {info.feature}, {seeds}, with {n_rows['train']} train rows and "
        f"{n_rows['val']} validation rows of seed {info.seeds[0]}."
    )
    return " ".join([text, *(_range_of_lines(info, panel) for panel in info.panels)])


def _range_of_lines(info: PredictionsInfo, panel: Panel) -> str:
    """Return what the mean predicts at its lowest and highest, and how far seeds lie apart."""
    picture = panel.pictures[info.shown] if panel.pictures else Picture((), ())
    mean, lines = np.array(picture.mean), np.array(picture.lines)
    if not len(mean):
        return f"{panel.run}: nothing recorded yet."
    is_kept = info.steps[info.shown] == KEPT
    when = f"with the weights it keeps ({panel.kept})" if is_kept else f"after epoch {info.steps[info.shown]}"
    if not np.isfinite(lines).all():
        return f"{panel.run}, {when}: the training has diverged."
    low, high = int(mean.argmin()), int(mean.argmax())
    text = (
        f"{panel.run}, {when}: the mean runs from {mean[low]:.3g} at {info.feature} = {info.x[low]:.3g} to "
        f"{mean[high]:.3g} at {info.x[high]:.3g}"
    )
    if len(lines) == 1:
        return f"{text}."
    spread = np.ptp(lines, axis=0)
    return (
        f"{text}; seeds lie {np.median(spread):.3g} apart at half of the places, {spread.max():.3g} at most."
    )
