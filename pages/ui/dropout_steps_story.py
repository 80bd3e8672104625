"""What the page about dropout shows of single steps: a network that is drawn, with the engine's own masks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from pages.ui import charts, runs, shared, state, tables, words
from regcore import dropout, dropout_steps
from regcore.config import Config
from regcore.data import load_dataset
from regcore.engine.shard import Probe
from regcore.figures import MOST_EDGES, plot_network
from regcore.lessons.dropout import ARTICLE_STEPS, ARTICLE_STEPS_SGD, SMALL, SMALL_SGD
from regcore.results import Result
from regcore.weight_decay import recorded_weights

PLACE, STEPPED = "dropout.steps", "stepped"
ADAM, SGD = "Adam", "Plain SGD"
NETWORKS = {
    "Small, 4-6-5-3": {ADAM: SMALL, SGD: SMALL_SGD},
    "The article's, 32-128-64-1": {ADAM: ARTICLE_STEPS, SGD: ARTICLE_STEPS_SGD},
}
OF_ARTICLE, OF_PAGE = "Keep 0.8 / 0.6", "This page's"
BATCHES = (1, 4, 32)
# By then Adam remembers gradients of most weights.
FIRST_SHOWN = 10
PROBE = "first epoch"
DISTANCES = {
    "arithmetic_to_scaled": "Arithmetic mean to scaled network",
    "geometric_to_scaled": "Geometric mean to scaled network",
    "arithmetic_to_geometric": "Arithmetic to geometric mean",
}


class Stepped:
    """The network that is drawn: its steps, and what all its thinned networks say when it is trained."""

    def __init__(self, config: Config, live: runs.Live | None) -> None:
        self.config, self.live = config, live
        self.steps = state.kept_of("dropout.replayed", _replayed, config)

    @property
    def result(self) -> Result | None:
        """What is trained, once it is."""
        found = self.live.results()[STEPPED] if self.live else None
        return found if found is not None and found.is_complete else None

    @property
    def difference(self) -> float | None:
        """How far the steps are from the engine's weights after its first epoch, at most."""
        recorded = self.live.recorded(STEPPED, PROBE, self.config.seed)[0] if self.live else {}
        if 1 not in recorded:
            return None
        of_epoch = [step for step in self.steps if step.epoch == 1]
        return dropout_steps.largest_difference(of_epoch[-1].after, recorded_weights(recorded, 1))

    @property
    def totals(self) -> tuple[int, int, int]:
        """Over all steps, weights at units that were out: all, with a gradient, moved all the same."""
        each = [dropout_steps.count_movements(step) for step in self.steps]
        return (
            sum(counts.out for counts in each),
            sum(counts.out_with_gradient for counts in each),
            sum(counts.out_moved for counts in each),
        )


def _replayed(config: Config) -> tuple[dropout_steps.Step, ...]:
    """Return as many steps as an epoch of single rows has."""
    dataset = load_dataset(config)
    return dropout_steps.replay_steps(config, dataset, config.seed, dataset.n_train)


def steps(config: Config) -> Stepped:
    """Show a network step by step: who is out, which weights have a gradient, which move anyway."""
    st.markdown(
        "Every row of a batch has a thinned network of its own. A weight gets a gradient from the rows in "
        "which both of its ends are in, and only from those. Whether it *moves* is up to the optimizer."
    )
    left, right = st.columns([1, 2], gap="large")
    with left:
        wanted = _chosen(config)
    live = runs.follow(PLACE, {STEPPED: wanted}, (Probe(PROBE, "weights", (1,)),))
    stepped = Stepped(wanted, live)
    with right:
        _stepper(stepped)
    with left:
        _counts(stepped)
    if live:
        runs.show_status(PLACE, live, lambda _: _checked(stepped))
    return stepped


def _chosen(config: Config) -> Config:
    """Return what is stepped through: a network, its rates, its optimizer and its batches."""

    def one_of(label: str, options: Sequence[str], key: str) -> str:
        return st.segmented_control(label, options, default=options[0], required=True, key=key, wrap=True)

    network = one_of("Network", list(NETWORKS), "dropout.steps_network")
    rates = one_of("Rates", [OF_ARTICLE, OF_PAGE], "dropout.steps_rates")
    optimizer = one_of("Optimizer", [ADAM, SGD], "dropout.steps_optimizer")
    n_rows = st.segmented_control(
        "Rows in a batch", BATCHES, default=4, required=True, key="dropout.steps_batch"
    )
    has_l2 = st.toggle("L2 of 0.01", key="dropout.steps_l2")
    chosen = NETWORKS[network][optimizer].replace(batch_size=n_rows, l2=0.01 if has_l2 else 0.0)
    if rates == OF_ARTICLE:
        return chosen
    hidden_rate = max(config.dropout_rates(), default=0.0)
    return chosen.replace(dropout_input=config.dropout_input, dropout_hidden=hidden_rate)


@st.fragment
def _stepper(stepped: Stepped) -> None:
    """Show one step; moving it trains nothing."""
    n_steps, n_rows = len(stepped.steps), stepped.config.batch_size
    # Under a key of its range: a slider of another range begins anew.
    at = st.slider("Step", 1, n_steps, FIRST_SHOWN, key=f"dropout.step.{n_steps}")
    step, row = stepped.steps[at - 1], 1
    if n_rows > 1:
        row = st.slider("Masks of row", 1, n_rows, 1, key=f"dropout.row.{n_rows}")
    # The last batch of an epoch may be smaller.
    place = min(row, len(step.rows)) - 1
    charts.show("dropout.network", plot_network, step, load_dataset(stepped.config), place)
    counts = dropout_steps.count_movements(step)
    if counts.weights > MOST_EDGES:
        st.caption("Too many weights for lines: the legend counts them.")
    st.markdown(
        f"**Epoch {step.epoch}, row {step.rows[place]}.** {words.count(counts.out, 'weight')} of "
        f"{counts.weights:,} at a unit that was out for the whole batch: "
        f"**{counts.out_with_gradient:,}** with a gradient, **{counts.out_moved:,}** moved. "
        f"{words.count(counts.silent, 'weight')} more had no gradient since a relu gave 0 for every row."
    )


def _counts(stepped: Stepped) -> None:
    """Show what weights did over all steps."""
    out, with_gradient, moved = stepped.totals
    if not out:
        st.markdown(_nothing_out(stepped))
        return
    st.markdown(
        f"Over the first {len(stepped.steps)} steps weights were at a unit that was out {out:,} times. "
        f"**{with_gradient:,}** of these times they had a gradient; **{moved:,}** times "
        f"({100 * moved / out:.0f} %) they moved all the same."
    )


def _nothing_out(stepped: Stepped) -> str:
    """Return why no weight was at a unit that was out for a whole batch."""
    if not dropout.has_dropout(stepped.config):
        return "These rates are 0, so no unit is ever out."
    return (
        f"In none of the first {len(stepped.steps)} steps a unit was out for all rows of the batch: one row "
        "that has it in is enough for its weights to get a gradient. Take fewer rows in a batch."
    )


def _checked(stepped: Stepped) -> None:
    """Show how far the steps are from the engine's own, and the means of all thinned networks from the whole
    one, counted through, where they are not too many."""
    if stepped.result is None:
        return
    if stepped.difference is not None:
        st.caption(_difference_in_words(stepped.difference))
    found = shared.kept_of("dropout.exact", _exact, stepped.result)
    if found is None:
        return
    st.markdown(
        f"**All {found[0].n_networks:,} thinned networks of the small network**, counted through after its "
        f"{stepped.config.epochs} epochs:"
    )
    tables.show(_exact_table(found))
    st.caption(
        "Mean distance of probabilities on the validation rows, 0 to 1, as above. Only before the output: "
        "the same weights, masks in the last hidden layer alone."
    )


def _difference_in_words(difference: float) -> str:
    """Return how far the steps are from the engine's own."""
    again = (
        "Masks, batches and first weights are those that the engine used, drawn again; each step is taken "
        "again in numpy."
    )
    if not math.isfinite(difference):
        return f"{again} With these settings the network diverged, there as here."
    largest = f"by more than {difference:.0e}"
    return f"{again} After the first epoch no weight differs from the engine's own {largest}."


def _exact(result: Result) -> tuple[dropout.Exact, dropout.Exact] | None:
    """Return the gaps with masks everywhere, and only before the output; None if there is no dropout, or more
    thinned networks than can be counted through."""
    config = result.config
    n_units = dropout.droppable_units(config, result.dataset.n_features)
    if not 0 < n_units <= dropout.MAX_UNITS:
        return None
    seed = result.seeds[0]
    X, weights = result.dataset.split(seed).X_val, result.weights(seed)
    everywhere, before = (
        dropout.exact_gap(weights, X, each, result.dataset.task)
        for each in (config, dropout.only_before_the_output(config))
    )
    return everywhere, before


def _exact_table(found: tuple[dropout.Exact, dropout.Exact]) -> tables.Rows:
    everywhere, before = (each.gap._asdict() for each in found)
    return [
        {
            "Distance": title,
            f"Masks everywhere ({found[0].n_networks:,})": _rounded(everywhere[name]),
            f"Only before the output ({found[1].n_networks:,})": _rounded(before[name]),
        }
        for name, title in DISTANCES.items()
    ]


def _rounded(distance: float) -> str:
    return f"{distance:.4f}" if distance > 1e-9 else f"{distance:.0e} (exact)"


def movement_in_words(stepped: Stepped) -> str:
    """Return what weights at units that were out did over all steps."""
    out, with_gradient, moved = stepped.totals
    if not out:
        return _nothing_out(stepped)
    no_gradient = f"They have no gradient: {with_gradient} of {out:,} times in the steps above."
    if not moved:
        return f"{no_gradient} Nor did one of them move, under plain SGD without L2. Under Adam they do."
    return (
        f"{no_gradient} But {moved:,} times they moved: Adam's and momentum's memory goes on, and L2 always "
        "pulls. Under plain SGD without L2 they stand still."
    )


def scaling_in_words(stepped: Stepped) -> str | None:
    """Return what the whole network is the mean of, counted through; None while it is not trained."""
    if stepped.result is None:
        return None
    found = shared.kept_of("dropout.exact", _exact, stepped.result)
    if found is None:
        return "Choose the small network above, with dropout: its thinned networks are counted through."
    everywhere, before = found
    return (
        f"Their geometric mean, and that exactly where only the output follows the masks (distance "
        f"{before.gap.geometric_to_scaled:.0e} over {before.n_networks} networks). Over all "
        f"{everywhere.n_networks:,} thinned networks of the small one it is "
        f"{everywhere.gap.geometric_to_scaled:.3f} off, and {everywhere.gap.arithmetic_to_scaled:.3f} from "
        "their average."
    )
