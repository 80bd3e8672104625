"""Results drawn as plotly figures: no training, no arithmetic of metrics.

Each figure has a private file of its own: `plot_x` is `_draw(_info(...))`, and `_info` has the numbers drawn.
"""

from regcore.figures._boundary import plot_boundary
from regcore.figures._confusion import plot_confusion
from regcore.figures._costs import plot_costs
from regcore.figures._curves import Measure, plot_curves
from regcore.figures._network import plot_network
from regcore.figures._objective import plot_objective, plot_objective_beside_val, plot_penalty
from regcore.figures._overlay import Overlaid, RunCurves, plot_overlay, summarize_curves
from regcore.figures._predictions import plot_predictions
from regcore.figures._rates import plot_rates
from regcore.figures._removal import plot_removal
from regcore.figures._scalings import plot_scalings
from regcore.figures._style import (
    COLOURS,
    class_colour,
    class_symbol,
    colour_of,
    template,
)
from regcore.figures._thinned import plot_gaps, plot_monte_carlo
from regcore.figures._thumbnail import thumbnail
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
    "plot_boundary",
    "plot_confusion",
    "plot_costs",
    "plot_curves",
    "plot_gaps",
    "plot_monte_carlo",
    "plot_network",
    "plot_objective",
    "plot_objective_beside_val",
    "plot_overlay",
    "plot_penalty",
    "plot_predictions",
    "plot_rates",
    "plot_removal",
    "plot_scalings",
    "plot_worst",
    "summarize_curves",
    "template",
    "thumbnail",
]
