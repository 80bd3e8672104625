"""What a report says of an ablation: in words, as figures, and every role and part in a table."""

from __future__ import annotations

import math
from collections.abc import Iterator

from regcore import answers, words
from regcore.ablation import Ablation, Row, in_words, row_title
from regcore.export import html
from regcore.figures import plot_parts, plot_waterfall, seed_bars
from regcore.scoring import NoiseFloor

LADDER = (
    "Bars of the ends are means over seeds. Bars between are what the part changes on top of those above it, "
    "seed by seed, with the 95 % interval. Another order gives other bars: what comes first takes what parts "
    "have in common."
)
PARTS = (
    "Left of 0 the part helps, right of it it does harm. Small strokes are the seeds. A part that helps "
    "alone and not on top of the others does what they do as well."
)
TABLE = (
    "Difference: with the part minus without it; alone against none, … + against the rung above it, all but "
    "against all, all against none. So below 0 the part helps, in each of them. Each seed: its difference, "
    "down and green where it is lower with the part. Epochs: what one repetition costs, over all members, up "
    "to where patience runs out."
)


def sections(found: Ablation, floor: NoiseFloor | None = None) -> Iterator[str]:
    """Yield what was measured of each part, as elements; nothing where no part is on.

    Args:
        found: From `regcore.ablation.ablation`.
        floor: What noisy labels allow, drawn into the ladder; None: no line.
    """
    if not found.parts:
        return
    yield html.heading("Which part helped")
    yield html.paragraph(in_words(found))
    yield html.figure(plot_waterfall(found, floor), "figure-ladder", "The ladder, one part after another")
    yield html.paragraph(LADDER, "quiet")
    yield html.figure(plot_parts(found), "figure-parts", "Each part alone, and on top of the others")
    yield html.paragraph(PARTS, "quiet")
    yield _table(found)
    yield html.paragraph(TABLE, "quiet")


def _table(found: Ablation) -> str:
    decimals = words.decimals_of(found.metric, found.row("none").interval.mean)
    sizes = [abs(each) for row in found.rows for each in row.of_seeds if math.isfinite(each)]
    largest = max(sizes, default=0.0) or 1.0
    title = words.metric_title(found.metric)
    head = ("Run", "Mean", *answers.COMPARED, "Each seed", "Epochs")
    rows = [_in_row(row, found.metric, decimals, largest) for row in found.rows]
    return html.table(f"{title}, with each part and without it", head, rows)


def _in_row(row: Row, metric: str, decimals: int, largest: float) -> list[str]:
    paired = row.difference
    compared = [words.NOTHING] * (len(answers.COMPARED) + 1)
    if paired is not None:
        said = ", ".join(words.signed(each, metric, decimals) for each in row.of_seeds)
        compared = [
            words.signed(paired.mean, metric, decimals),
            words.interval(paired.low, paired.high, metric, decimals),
            f"{paired.wins} of {paired.n}",
            paired.verdict,
            html.picture(seed_bars(row.of_seeds, largest), f"Differences by seed: {said}"),
        ]
    return [row_title(row), words.number(row.interval.mean, metric, decimals), *compared, f"{row.cost:,.0f}"]
