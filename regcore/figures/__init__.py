"""Results drawn as plotly figures: no training, no arithmetic of metrics.

Each figure has a private file of its own: `plot_x` is `_draw(_info(...))`, and `_info` has the numbers drawn.
"""

from regcore.figures._adam_shrink import plot_adam_shrink
from regcore.figures._boundary import plot_boundary
from regcore.figures._boundary_row import plot_boundary_row
from regcore.figures._confusion import plot_confusion
from regcore.figures._contours import plot_penalty_contours
from regcore.figures._curves import Measure, plot_curves
from regcore.figures._decay import plot_decay
from regcore.figures._objective import plot_objective, plot_penalty
from regcore.figures._overlay import Overlaid, RunCurves, plot_overlay, summarize_curves
from regcore.figures._predictions import plot_predictions
from regcore.figures._style import (
    COLOURS,
    class_colour,
    class_symbol,
    colour_of,
    template,
)
from regcore.figures._thumbnail import thumbnail
from regcore.figures._validation_curve import plot_validation_curve
from regcore.figures._weight_histogram import plot_weight_histogram
from regcore.figures._weight_norms import plot_weight_norms
from regcore.figures._worst import plot_worst
from regcore.lessons import BASELINE, THIS_RUN

__all__ = [
    "BASELINE",
    "COLOURS",
    "THIS_RUN",
    "Measure",
    "Overlaid",
    "RunCurves",
    "class_colour",
    "class_symbol",
    "colour_of",
    "plot_adam_shrink",
    "plot_boundary",
    "plot_boundary_row",
    "plot_confusion",
    "plot_curves",
    "plot_decay",
    "plot_objective",
    "plot_overlay",
    "plot_penalty",
    "plot_penalty_contours",
    "plot_predictions",
    "plot_validation_curve",
    "plot_weight_histogram",
    "plot_weight_norms",
    "plot_worst",
    "summarize_curves",
    "template",
    "thumbnail",
]
