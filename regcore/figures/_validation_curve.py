"""Train and validation error, or loss, against the strength of a penalty, with the value that is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore import scoring
from regcore.errors import ConfigError
from regcore.figures._bands import band
from regcore.figures._layout import set_layout
from regcore.figures._log_places import axis_of, places_of
from regcore.figures._style import (
    COLOURS,
    DASHES,
    LINE_WIDTH,
    NEUTRAL,
    OUTLINE,
    THIN_LINE,
    template,
)

if TYPE_CHECKING:
    from regcore.results import Split, Sweep

HEIGHT = 400
# On top there is room for a legend of four rows, as a narrow page has.
MARGIN = {"l": 56, "r": 12, "t": 84, "b": 52, "autoexpand": False}
# Colours of runs that no other figure of the page gives to something else.
SWEEP_COLOURS = (COLOURS[1], COLOURS[3])
SYMBOLS = {"lowest": ("star", 14), "one standard error": ("circle-open", 19)}
SPLITS: tuple[Split, ...] = ("train", "val")


class SweepLine(NamedTuple):
    """One split of one sweep: mean over seeds and its 95 % t-interval, one a value."""

    sweep: str
    split: str
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class ChosenValue(NamedTuple):
    """A value that validation chose, and its mean there."""

    sweep: str
    rule: str
    value: float
    mean: float


class ValidationCurveInfo(NamedTuple):
    """Every number of the figure.

    Attributes:
        values: Of all sweeps, ascending.
        strengths: Of each sweep.
        lines: Train and validation of each sweep.
        chosen: Of each sweep that is complete: the lowest mean, and the most regularized value within one
            standard error of it.
        shown: Where the cursor is; None: nowhere.
        chance: What guessing gets; None: no line.
        floor: What noisy labels allow on average; None: no line.
        y_title: Of the metric.
        n_seeds: Of each value.
    """

    values: tuple[float, ...]
    strengths: Mapping[str, tuple[float, ...]]
    lines: tuple[SweepLine, ...]
    chosen: tuple[ChosenValue, ...]
    shown: float | None
    chance: float | None
    floor: float | None
    y_title: str
    n_seeds: int


def plot_validation_curve(
    sweeps: Mapping[str, Sweep],
    metric: str | None = None,
    *,
    strengths: Mapping[str, Sequence[float]] | None = None,
    shown: float | None = None,
    floor: scoring.NoiseFloor | None = None,
    x_title: str = "l2",
    dark: bool = False,
) -> go.Figure:
    """Return train and validation metrics against the values of one or two sweeps, on a logarithmic axis with
    a place for 0.

    Bands are 95 % t-intervals of the mean over seeds. Marks, once a sweep is complete: the value with the
    lowest mean on validation, and the most regularized one within one standard error of it.
    `layout.meta["description"]` says in words what is drawn, with its numbers.

    Args:
        sweeps: Name -> sweep over numbers of 0 or more.
        metric: As for `Sweep.table`; None: error, or mae.
        strengths: Where the values of a sweep stand on the axis; of one that is not named at the values.
        shown: Where the cursor is.
        floor: What noisy labels allow; only drawn for the error and the loss.
        x_title: Of the axis.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if there is no sweep, there are more than two, or there is no such metric.
    """
    return _draw(_info(sweeps, metric, strengths or {}, shown, floor), x_title, dark)


def _info(
    sweeps: Mapping[str, Sweep],
    metric: str | None,
    strengths: Mapping[str, Sequence[float]],
    shown: float | None = None,
    floor: scoring.NoiseFloor | None = None,
) -> ValidationCurveInfo:
    if not 1 <= len(sweeps) <= len(SWEEP_COLOURS):
        raise ConfigError(f"sweeps must be one or two, got {len(sweeps)}")
    first = next(iter(sweeps.values())).results[0]
    name = metric or scoring.metric_names(first.dataset.task)[1]
    places = {each: tuple(map(float, strengths.get(each, sweep.values))) for each, sweep in sweeps.items()}
    cursor = () if shown is None else (shown,)
    return ValidationCurveInfo(
        values=tuple(sorted({*cursor, *(value for each in places.values() for value in each)})),
        strengths=places,
        lines=tuple(_line_of(each, sweep, split, name) for each, sweep in sweeps.items() for split in SPLITS),
        chosen=tuple(
            chosen
            for each, sweep in sweeps.items()
            if all(result.is_complete for result in sweep.results)
            for chosen in _chosen(each, sweep, places[each], name)
        ),
        shown=shown,
        chance=_of_guessing(first.dataset.n_classes, name),
        floor=getattr(floor, name, None),
        y_title={"error": "error (fraction)", "loss": "data loss"}.get(name, name),
        n_seeds=first.config.seeds,
    )


def _of_guessing(n_classes: int, metric: str) -> float | None:
    """Return what equal chances for all classes get: the floor of labels that are all redrawn."""
    return getattr(scoring.noise_floor(1.0, n_classes), metric, None) if n_classes > 1 else None


def _line_of(name: str, sweep: Sweep, split: Split, metric: str) -> SweepLine:
    table = sweep.table(split, metric)
    mean, low, high = (tuple(table[column].astype(float).tolist()) for column in ("mean", "low", "high"))
    return SweepLine(name, split, mean, low, high)


def _chosen(name: str, sweep: Sweep, places: Sequence[float], metric: str) -> list[ChosenValue]:
    rules = {"lowest": sweep.best(metric), "one standard error": sweep.one_standard_error_choice(metric)}
    return [
        ChosenValue(name, rule, places[sweep.values.index(choice.value)], choice.mean)
        for rule, choice in rules.items()
    ]


def _draw(info: ValidationCurveInfo, x_title: str, dark: bool) -> go.Figure:
    figure = go.Figure()
    colours = dict(zip(info.strengths, SWEEP_COLOURS, strict=False))
    at = dict(zip(info.values, places_of(info.values), strict=True))
    for line in info.lines:
        x = [at[value] for value in info.strengths[line.sweep]]
        figure.add_traces(band(x, line.low, line.high, colours[line.sweep]))
        figure.add_trace(_line(info, line, x, colours[line.sweep]))
    for chosen in info.chosen:
        mark = _mark(chosen, at[chosen.value], colours[chosen.sweep])
        # Of two sweeps a narrow page has no room to name them all.
        figure.add_trace(mark.update(showlegend=len(info.strengths) == 1))
    for value, text in ((info.chance, "guessing"), (info.floor, "noise floor")):
        if value is not None:
            _add_level(figure, value, text)
    if info.shown is not None:
        figure.add_vline(x=at[info.shown], line={"color": NEUTRAL, "width": THIN_LINE, "dash": "dash"})
    set_layout(
        figure,
        template=template(dark),
        height=HEIGHT,
        margin=MARGIN,
        meta={"description": _describe(info, x_title)},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis=axis_of(info.values, x_title),
        yaxis={
            "title": {"text": info.y_title}, "range": [0, _y_top(info)], "tickformat": ".3~g",
            "automargin": False,
        },
    )  # fmt: skip
    return figure


def _name(info: ValidationCurveInfo, line: SweepLine) -> str:
    split = "validation" if line.split == "val" else "train"
    return f"{line.sweep}, {split}" if len(info.strengths) > 1 else split


def _line(info: ValidationCurveInfo, line: SweepLine, x: Sequence[float], colour: str) -> go.Scatter:
    name = _name(info, line)
    return go.Scatter(
        x=x,
        y=line.mean,
        name=name,
        mode="lines+markers",
        line={"color": colour, "dash": DASHES[line.split], "width": LINE_WIDTH},
        marker={"size": 6, "color": colour},
        customdata=list(zip(info.strengths[line.sweep], line.low, line.high, strict=True)),
        hovertemplate=f"{name}, %{{customdata[0]:g}}: %{{y:.4g}} "
        "(%{customdata[1]:.4g} to %{customdata[2]:.4g})<extra></extra>",
    )


def _mark(chosen: ChosenValue, x: float, colour: str) -> go.Scatter:
    symbol, size = SYMBOLS[chosen.rule]
    line = {"width": 2} if symbol.endswith("open") else {"width": 1, "color": OUTLINE}
    return go.Scatter(
        x=[x],
        y=[chosen.mean],
        name=f"{chosen.rule}: {chosen.value:g}",
        mode="markers",
        marker={"symbol": symbol, "size": size, "color": colour, "line": line},
        hovertemplate=f"{chosen.sweep}, {chosen.rule}: {chosen.value:g}, %{{y:.4g}}<extra></extra>",
    )


def _add_level(figure: go.Figure, value: float, text: str) -> None:
    figure.add_hline(
        y=value,
        line={"color": NEUTRAL, "width": THIN_LINE, "dash": "longdash"},
        annotation={"text": f"{text} {value:.3g}", "font": {"size": 12}},
        annotation_position="top left",
    )


def _y_top(info: ValidationCurveInfo) -> float:
    values = np.array([value for line in info.lines for value in (*line.mean, *line.high)])
    levels = [value for value in (info.chance, info.floor) if value is not None]
    return 1.08 * float(max([*values[np.isfinite(values)].tolist(), *levels], default=1.0)) or 1.0


def _describe(info: ValidationCurveInfo, x_title: str) -> str:
    said = [
        f"{_name(info, line)} "
        + ", ".join(
            f"{mean:.3g} at {value:g}"
            for value, mean in zip(info.strengths[line.sweep], line.mean, strict=True)
        )
        for line in info.lines
    ]
    chosen = [f"{each.sweep}, {each.rule}: {each.value:g} ({each.mean:.3g})" for each in info.chosen]
    text = f"{info.y_title} against {x_title}, mean of {info.n_seeds} seeds: {'; '.join(said)}."
    return text + (f" Chosen on validation: {'; '.join(chosen)}." if chosen else "")
