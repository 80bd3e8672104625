"""Results drawn as plotly figures: no training, no arithmetic of metrics.

Each figure has a private file of its own: `plot_x` is `_draw(_info(...))`, and `_info` has the numbers drawn.
"""

from regcore.figures._adam_shrink import plot_adam_shrink
from regcore.figures._ambiguity import plot_ambiguity
from regcore.figures._boundary import plot_boundary
from regcore.figures._boundary_row import plot_boundary_row
from regcore.figures._capacity import plot_capacity
from regcore.figures._class_errors import plot_class_errors
from regcore.figures._confusion import most_mistakes, plot_confusion
from regcore.figures._contours import plot_penalty_contours
from regcore.figures._costs import plot_costs
from regcore.figures._curves import Measure, plot_curves, summarize_run
from regcore.figures._data_worth import plot_data_worth
from regcore.figures._decay import plot_decay
from regcore.figures._ensemble_size import plot_ensemble_size
from regcore.figures._filters import plot_filters
from regcore.figures._gain import plot_gain
from regcore.figures._gallery import plot_gallery, plot_operations
from regcore.figures._jitter_ridge import plot_jitter_ridge
from regcore.figures._leak import plot_leak
from regcore.figures._member_boundaries import plot_member_boundaries
from regcore.figures._member_predictions import plot_member_predictions
from regcore.figures._memorisation import plot_memorisation
from regcore.figures._network import MOST_EDGES, plot_network
from regcore.figures._objective import plot_objective, plot_objective_beside_val, plot_penalty
from regcore.figures._one_batch import plot_one_batch
from regcore.figures._optimism import plot_optimism
from regcore.figures._overlay import Overlaid, RunCurves, plot_overlay, summarize_curves
from regcore.figures._parts import plot_parts
from regcore.figures._patience import (
    plot_generalization_loss,
    plot_patience_map,
    plot_stopping_rules,
)
from regcore.figures._predictions import plot_predictions
from regcore.figures._rates import plot_rates
from regcore.figures._reliability import plot_reliability
from regcore.figures._removal import plot_removal
from regcore.figures._resplits import plot_resplits
from regcore.figures._scalings import plot_scalings
from regcore.figures._seed_bars import seed_bars
from regcore.figures._seen_points import plot_seen_points
from regcore.figures._sources import plot_sources
from regcore.figures._stops import plot_stops
from regcore.figures._style import (
    COLOURS,
    class_colour,
    class_symbol,
    colour_of,
    template,
)
from regcore.figures._thinned import plot_gaps, plot_monte_carlo
from regcore.figures._thumbnail import thumbnail
from regcore.figures._validation_curve import plot_validation_curve
from regcore.figures._voting import plot_voting
from regcore.figures._waterfall import plot_waterfall
from regcore.figures._weight_histogram import plot_weight_histogram
from regcore.figures._weight_norms import plot_weight_norms
from regcore.figures._worst import plot_worst
from regcore.lessons import BASELINE, THIS_RUN

__all__ = [
    "plot_class_errors",
    "plot_data_worth",
    "plot_gallery",
    "plot_operations",
    "plot_jitter_ridge",
    "plot_leak",
    "plot_memorisation",
    "plot_seen_points",
    "BASELINE",
    "COLOURS",
    "MOST_EDGES",
    "THIS_RUN",
    "Measure",
    "Overlaid",
    "RunCurves",
    "class_colour",
    "class_symbol",
    "colour_of",
    "most_mistakes",
    "plot_adam_shrink",
    "plot_ambiguity",
    "plot_boundary",
    "plot_boundary_row",
    "plot_capacity",
    "plot_confusion",
    "plot_costs",
    "plot_curves",
    "plot_decay",
    "plot_ensemble_size",
    "plot_filters",
    "plot_gain",
    "plot_gaps",
    "plot_generalization_loss",
    "plot_member_boundaries",
    "plot_member_predictions",
    "plot_monte_carlo",
    "plot_network",
    "plot_objective",
    "plot_objective_beside_val",
    "plot_one_batch",
    "plot_optimism",
    "plot_overlay",
    "plot_parts",
    "plot_patience_map",
    "plot_penalty",
    "plot_penalty_contours",
    "plot_predictions",
    "plot_rates",
    "plot_reliability",
    "plot_removal",
    "plot_resplits",
    "plot_scalings",
    "plot_sources",
    "plot_stopping_rules",
    "plot_stops",
    "plot_validation_curve",
    "plot_voting",
    "plot_waterfall",
    "plot_weight_histogram",
    "plot_weight_norms",
    "plot_worst",
    "seed_bars",
    "summarize_curves",
    "summarize_run",
    "template",
    "thumbnail",
]
