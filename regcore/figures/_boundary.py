"""Decision boundaries of runs side by side over two features, one picture for each recorded epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._drawn import drawn
from regcore.figures._panels import Axes, axes_of, panels_layout
from regcore.figures._scrubber import (
    KEPT,
    kept_in_words,
    predictions_at,
    scrubber,
    shown_step,
    steps_of,
)
from regcore.figures._style import (
    LINE_WIDTH,
    NEUTRAL,
    OUTLINE,
    class_colour,
    class_symbol,
    faded,
    written_template,
)

if TYPE_CHECKING:
    from regcore.data import Dataset
    from regcore.landscape import Landscape

SIZES = {"train": 9, "val": 5}
# Colour -> how much larger than the row: the dark ring lies within the white one.
RINGS = {"#ffffff": 8, "#1b1b1b": 5}
RING_IN_LEGEND = 11
RANK_OF_VAL = 100
# Of each split; more would hide one another.
MAX_ROWS = 1000
# Of bytes: the highest level, the level where two classes are equal, and what stands for no number.
MAX_LEVEL, EVEN, NOT_A_NUMBER = 250, 125, 255
OPACITY = 0.55
SURE = 90

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]


class Points(NamedTuple):
    """The rows of one class and split.

    Labels are the given ones. `wrong` holds the true label of rows that were given another, None for others.
    """

    split: str
    label: int
    x: tuple[float, ...]
    y: tuple[float, ...]
    rows: tuple[int, ...]
    wrong: tuple[int | None, ...]


class Picture(NamedTuple):
    """What one run's networks predict at one step, as bytes; 255 where they have diverged.

    Attributes:
        percents: [rows of the grid, columns, classes], to be read; of two classes that of class 1 alone.
        levels: [layers, rows, columns], to be coloured, finer. Two classes have one layer, P(class 1) from 0
            to 250. Of more, each has a layer: by how much it leads the most probable other one, from 0 to
            250, 125 where they are equal.
    """

    percents: bytes
    levels: bytes


class Panel(NamedTuple):
    """One run: what it is called, which epochs it keeps in words, and one picture a step."""

    run: str
    kept: str
    pictures: tuple[Picture | None, ...]


class BoundaryInfo(NamedTuple):
    """Everything that the figure shows."""

    features: tuple[str, str]
    classes: tuple[str, ...]
    seed: int
    x: tuple[float, ...]
    y: tuple[float, ...]
    steps: tuple[str, ...]
    shown: int
    panels: tuple[Panel, ...]
    points: tuple[Points, ...]


def plot_boundary(
    landscapes: Mapping[str, Landscape], dataset: Dataset, *, epoch: int | None = None, dark: bool = False
) -> go.Figure:
    """Return the decision boundary of each run in a panel of its own, over the rows of one seed.

    Colour is the probability: of two classes from one's colour over nothing at 50 % to the other's, with the
    line at 50 %; of more the most probable class's, the paler the less it leads, with lines where two are
    equal. Rows (1,000 of a split at most) have the colour and symbol of their given label, those for training
    are larger; a ring is around a label that is wrong on purpose. The slider moves all panels together.

    `layout.meta["description"]` says in words what is shown at first.

    Args:
        landscapes: Name -> landscape, all of one seed and data set.
        dataset: What they were trained on.
        epoch: What is shown at first; None: the weights that are kept, else the last epoch.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if there is no landscape, or they are of several seeds.
    """
    return _draw(_info(landscapes, dataset, epoch), dark)


def _info(landscapes: Mapping[str, Landscape], dataset: Dataset, epoch: int | None = None) -> BoundaryInfo:
    seeds = {landscape.seed for landscape in landscapes.values()}
    if len(seeds) != 1:
        raise ConfigError(f"landscapes must be at least one, all of one seed, got seeds {sorted(seeds)}")
    first = next(iter(landscapes.values()))
    assert first.grid.y is not None, "classes over one feature have no boundary to draw"
    n_layers = 2 if dataset.task == "binary" else 2 * dataset.n_classes
    steps = steps_of(landscapes.values(), len(landscapes) * len(first.grid.X) * n_layers)
    return BoundaryInfo(
        features=(dataset.feature_names[0], dataset.feature_names[1]),
        classes=dataset.target_names,
        seed=first.seed,
        x=tuple(first.grid.x.tolist()),
        y=tuple(first.grid.y.tolist()),
        steps=steps,
        shown=shown_step(steps, epoch),
        panels=tuple(_panel(name, landscape, steps) for name, landscape in landscapes.items()),
        points=_points(dataset, first.seed),
    )


def _panel(name: str, landscape: Landscape, steps: Sequence[str]) -> Panel:
    kept = kept_in_words([landscape])
    return Panel(name, kept, tuple(_picture(predictions_at(landscape, step)) for step in steps))


def _picture(probabilities: Floats | None) -> Picture | None:
    if probabilities is None:
        return None
    percents = 100 * probabilities
    if probabilities.ndim == 1:
        levels = MAX_LEVEL * probabilities[None]
    else:
        levels = EVEN * (1 + _leads(probabilities).T)
    return Picture(_as_bytes(percents), _as_bytes(levels))


def _leads(probabilities: Floats) -> Floats:
    """Return by how much each class is more probable than the most probable other one."""
    others = [np.delete(probabilities, label, axis=1).max(axis=1) for label in range(probabilities.shape[1])]
    leads: Floats = probabilities - np.column_stack(others)
    return leads


def _as_bytes(values: Floats) -> bytes:
    whole = np.where(np.isfinite(values), np.clip(np.round(values), 0, MAX_LEVEL), NOT_A_NUMBER)
    return whole.astype(np.uint8).tobytes()


def _points(dataset: Dataset, seed: int) -> tuple[Points, ...]:
    rows = dataset.rows(seed)
    parts = (("val", rows.val, rows.y_val), ("train", rows.train, rows.y_train))
    return tuple(
        _points_of(dataset, split, label, numbers[:MAX_ROWS][given[:MAX_ROWS] == label])
        for split, numbers, given in parts
        for label in range(dataset.n_classes)
    )


def _points_of(dataset: Dataset, split: str, label: int, rows: npt.NDArray[np.int64]) -> Points:
    true = dataset.y[rows].tolist()
    return Points(
        split=split,
        label=label,
        x=tuple(dataset.X[rows, 0].tolist()),
        y=tuple(dataset.X[rows, 1].tolist()),
        rows=tuple(rows.tolist()),
        wrong=tuple(None if label == label_of_row else label_of_row for label_of_row in true),
    )


def _draw(info: BoundaryInfo, dark: bool = False) -> go.Figure:
    traces: list[dict[str, Any]] = []
    layers: list[int] = []
    for at, panel in enumerate(info.panels):
        for layer in _layers(info, panel.pictures[info.shown] if info.steps else None):
            layers.append(len(traces))
            traces.append(layer | axes_of(at))
        traces += [rows | axes_of(at) for rows in _rows(info, in_legend=at == 0)]
    layout = panels_layout(
        [(panel.run, panel.kept) for panel in info.panels],
        Axes(*info.features, (info.x[0], info.x[-1]), (info.y[0], info.y[-1])),
        legend_rows=2 if len(info.classes) == 2 else 3,
        template=written_template(dark),
    )
    layout["meta"] = {"description": _describe(info)}
    if len(info.steps) < 2:
        return drawn(traces, **layout)
    layout["sliders"] = [scrubber(info.steps, info.shown)]
    return drawn(traces, _frames(info, layers), **layout)


def _frames(info: BoundaryInfo, layers: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {
            "name": step,
            "traces": list(layers),
            "data": [
                {"type": "contour", **arrays}
                for panel in info.panels
                for arrays in _arrays(info, panel.pictures[at])
            ],
        }
        for at, step in enumerate(info.steps)
    ]


def _arrays(info: BoundaryInfo, picture: Picture | None) -> list[dict[str, npt.NDArray[Any]]]:
    """Return what a step changes: of each layer its levels, and of the topmost what is read there."""
    n_classes = len(info.classes)
    side, n_layers = (len(info.y), len(info.x)), 1 if n_classes == 2 else n_classes
    if picture is None:
        nothing = bytes([NOT_A_NUMBER]) * (side[0] * side[1] * n_layers)
        picture = Picture(nothing, nothing)
    levels = np.frombuffer(picture.levels, np.uint8).reshape(n_layers, *side)
    percents = np.frombuffer(picture.percents, np.uint8)
    arrays: list[dict[str, npt.NDArray[Any]]] = [{"z": _without_numbers(layer)} for layer in levels]
    arrays[-1]["customdata"] = percents.reshape(side if n_classes == 2 else (*side, n_classes))
    return arrays


def _layers(info: BoundaryInfo, picture: Picture | None) -> list[dict[str, Any]]:
    """Return the colours and lines of one picture: one layer for two classes, else one a class."""
    n_classes = len(info.classes)
    scales = (
        [_diverging()]
        if n_classes == 2
        else [_from_nothing(class_colour(label)) for label in range(n_classes)]
    )
    arrays = _arrays(info, picture)
    return [_contour(info, colours, of_layer) for colours, of_layer in zip(scales, arrays, strict=True)]


def _contour(
    info: BoundaryInfo, colours: list[list[Any]], arrays: dict[str, npt.NDArray[Any]]
) -> dict[str, Any]:
    first, second = info.features
    chances = (
        [f"{name}: %{{customdata[{label}]}} %" for label, name in enumerate(info.classes)]
        if len(info.classes) > 2
        else [f"{info.classes[1]}: %{{customdata}} %"]
    )
    return dict(
        type="contour",
        x=info.x,
        y=info.y,
        **arrays,
        zmin=0,
        zmax=MAX_LEVEL,
        colorscale=colours,
        showscale=False,
        showlegend=False,
        contours={"coloring": "heatmap", "start": EVEN, "end": EVEN, "size": EVEN},
        line={"color": NEUTRAL, "width": LINE_WIDTH},
        hovertemplate=f"{first} %{{x:.3g}}, {second} %{{y:.3g}}<br>{'<br>'.join(chances)}<extra></extra>",
    )


def _without_numbers(z: Bytes) -> npt.NDArray[Any]:
    return np.where(z == NOT_A_NUMBER, np.nan, z).astype(np.float32) if (z == NOT_A_NUMBER).any() else z


def _diverging() -> list[list[Any]]:
    low, high = class_colour(0), class_colour(1)
    return [
        [0, faded(low, OPACITY)],
        [0.5, faded(low, 0.06)],
        [0.5, faded(high, 0.06)],
        [1, faded(high, OPACITY)],
    ]


def _from_nothing(colour: str) -> list[list[Any]]:
    return [
        [0, faded(colour, 0)],
        [0.5, faded(colour, 0)],
        [0.5, faded(colour, 0.08)],
        [1, faded(colour, OPACITY)],
    ]


def _rows(info: BoundaryInfo, in_legend: bool) -> list[dict[str, Any]]:
    return [*(_scatter(info, points, in_legend) for points in info.points), *_rings(info, in_legend)]


def _scatter(info: BoundaryInfo, points: Points, in_legend: bool) -> dict[str, Any]:
    """Return the rows of one class and split; the legend names classes, and once the validation rows."""
    name = info.classes[points.label]
    is_train = points.split == "train"
    truths = ["" if true is None else f" (truly {info.classes[true]})" for true in points.wrong]
    hover = f"{points.split} row %{{customdata}}: {name}"
    return dict(
        type="scatter",
        x=np.array(points.x, dtype=np.float32),
        y=np.array(points.y, dtype=np.float32),
        mode="markers",
        name=name if is_train else "validation",
        legendgroup=name if is_train else "val",
        showlegend=in_legend and (is_train or points.label == 0),
        legendrank=1 + points.label if is_train else RANK_OF_VAL,
        marker={
            "color": class_colour(points.label),
            "symbol": class_symbol(points.label),
            "size": SIZES[points.split],
            "opacity": 1 if is_train else 0.85,
            "line": {"color": OUTLINE, "width": 1 if is_train else 0.5},
        },
        customdata=np.array(points.rows, dtype=np.int32),
        **({"text": truths} if any(truths) else {}),
        hovertemplate=f"{hover}%{{text}}<extra></extra>" if any(truths) else f"{hover}<extra></extra>",
    )


def _rings(info: BoundaryInfo, in_legend: bool) -> list[dict[str, Any]]:
    """Return rings around labels that are wrong on purpose: black in white, to be seen on every colour."""
    wrong = [
        (x, y, SIZES[points.split])
        for points in info.points
        for x, y, true in zip(points.x, points.y, points.wrong, strict=True)
        if true is not None
    ]
    if not wrong:
        return []
    key = _ring([None], [None], [RING_IN_LEGEND], NEUTRAL) | {"showlegend": in_legend}
    return [key] + [
        _ring(
            [x for x, _, _ in wrong], [y for _, y, _ in wrong], [size + width for *_, size in wrong], colour
        )
        for colour, width in RINGS.items()
    ]


def _ring(
    x: Sequence[float | None], y: Sequence[float | None], size: Sequence[int], colour: str
) -> dict[str, Any]:
    return dict(
        type="scatter",
        x=x,
        y=y,
        mode="markers",
        hoverinfo="skip",
        name="wrong label",
        legendgroup="wrong",
        legendrank=RANK_OF_VAL + 1,
        showlegend=False,
        marker={"symbol": "circle-open", "size": size, "color": colour, "line": {"width": 1.5}},
    )


def _describe(info: BoundaryInfo) -> str:
    if not info.steps:
        return f"Decision boundaries over {' and '.join(info.features)}: nothing recorded yet."
    step = info.steps[info.shown]
    when = "with the weights it keeps" if step == KEPT else f"after epoch {step}"
    n_wrong = {split: 0 for split in SIZES}
    n_rows = dict(n_wrong)
    for points in info.points:
        n_rows[points.split] += len(points.rows)
        n_wrong[points.split] += sum(true is not None for true in points.wrong)
    rows = ", ".join(
        f"{n_rows[split]} {name} rows" + (f" ({n_wrong[split]} with a wrong label)" if n_wrong[split] else "")
        for split, name in (("train", "train"), ("val", "validation"))
    )
    areas = " ".join(_areas(info, panel, when) for panel in info.panels)
    return f"Decision boundaries over {' and '.join(info.features)}, seed {info.seed}, {rows}. {areas}"


def _areas(info: BoundaryInfo, panel: Panel, when: str) -> str:
    """Return which part of the picture goes to which class, and where the network is sure."""
    if panel.kept and when == "with the weights it keeps":
        when += f" ({panel.kept})"
    picture = panel.pictures[info.shown]
    if picture is None:
        return f"{panel.run}: nothing recorded yet."
    percents = np.frombuffer(picture.percents, np.uint8)
    if (percents == NOT_A_NUMBER).any():
        return f"{panel.run}, {when}: the training has diverged."
    by_class = percents.reshape(len(info.x) * len(info.y), -1).astype(np.int16)
    if by_class.shape[1] == 1:
        by_class = np.concatenate([100 - by_class, by_class], axis=1)
    shares = np.bincount(by_class.argmax(axis=1), minlength=len(info.classes)) / len(by_class)
    parts = ", ".join(
        f"{name} on {100 * share:.0f} %" for name, share in zip(info.classes, shares, strict=True)
    )
    sure = float(np.mean(by_class.max(axis=1) >= SURE))
    return f"{panel.run}, {when}: {parts} of the area; at least {SURE} % sure on {100 * sure:.0f} % of it."
