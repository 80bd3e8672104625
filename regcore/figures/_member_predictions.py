"""What each member of an ensemble predicts over one feature, and their average."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go

from regcore.errors import ConfigError
from regcore.figures._layout import lay_out
from regcore.figures._predictions import GAP, THIN_OPACITY, Rows, _points, _range, _rows
from regcore.figures._style import COLOURS, LINE_WIDTH, THIN_LINE, faded

if TYPE_CHECKING:
    from regcore.data import Dataset
    from regcore.landscape import MembersLandscape


class MemberPredictionsInfo(NamedTuple):
    """Everything that the figure shows: a line for each member, and the line of their average."""

    feature: str
    target: str
    seed: int
    x: tuple[float, ...]
    y_range: tuple[float, float]
    lines: tuple[tuple[float, ...], ...]
    mean: tuple[float, ...]
    rows: tuple[Rows, ...]


def plot_member_predictions(members: MembersLandscape, dataset: Dataset, *, dark: bool = False) -> go.Figure:
    """Return what each member of one seed predicts over one feature, thin, and their average, thick.

    `layout.meta["description"]` says in words how far members lie apart.

    Args:
        members: Over one feature.
        dataset: What they were trained on.
        dark: Draw for a dark page.

    Raises:
        ConfigError: if the members are over two features.
    """
    return _draw(_info(members, dataset), dark)


def _info(members: MembersLandscape, dataset: Dataset) -> MemberPredictionsInfo:
    if members.grid.y is not None:
        raise ConfigError("members must be over one feature, got two: use plot_member_boundaries")
    rows = _rows(dataset, members.seed)
    return MemberPredictionsInfo(
        feature=dataset.feature_names[0],
        target=dataset.target_names[0],
        seed=members.seed,
        x=tuple(members.grid.x.tolist()),
        y_range=_range([value for split in rows for value in split.y]),
        lines=tuple(tuple(line.tolist()) for line in members.members),
        mean=tuple(members.mean.tolist()),
        rows=rows,
    )


def _draw(info: MemberPredictionsInfo, dark: bool = False) -> go.Figure:
    figure = go.Figure([_points(rows, in_legend=True) for rows in info.rows])
    x = [value for _ in info.lines for value in (*info.x, *GAP)]
    y = [value for line in info.lines for value in (*line, *GAP)]
    figure.add_trace(
        go.Scatter(
            x=np.array(x, dtype=np.float32),
            y=np.array(y, dtype=np.float32),
            mode="lines",
            name=f"each of {len(info.lines)}",
            line={"color": faded(COLOURS[0], THIN_OPACITY), "width": THIN_LINE},
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=info.x,
            y=info.mean,
            mode="lines",
            name="average",
            line={"color": COLOURS[1], "width": LINE_WIDTH + 0.8},
            hovertemplate=f"average at {info.feature} %{{x:.3g}}: %{{y:.4g}}<extra></extra>",
        )
    )
    return lay_out(
        figure,
        _describe(info),
        {"title": {"text": info.feature}, "range": (info.x[0], info.x[-1]), "zeroline": False},
        {"title": {"text": info.target}, "range": info.y_range, "zeroline": False},
        dark=dark,
        hovermode="closest",
    )


def _describe(info: MemberPredictionsInfo) -> str:
    lines = np.array(info.lines)
    text = (
        f"Predictions of {info.target} over {info.feature}, seed {info.seed}: {len(lines)} networks "
        "and their average."
    )
    if not np.isfinite(lines).all():
        return f"{text} A training has diverged."
    spread = np.ptp(lines, axis=0)
    return f"{text} They lie {np.median(spread):.3g} apart at half of the places, {spread.max():.3g} at most."
