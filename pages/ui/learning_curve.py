"""The learning curve with and without what a configuration has on, and how much data that is worth."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st

from pages.ui import charts, runs, shared, technique, words
from regcore import data_worth
from regcore.config import Config
from regcore.data import DATASET_INFO
from regcore.data_worth import Worth
from regcore.figures import plot_data_worth
from regcore.results import Result
from regcore.statistics import WITHIN_NOISE


def show(place: str, config: Config, what: str, names: tuple[str, str], cost: str | None = None) -> None:
    """Show both curves and how many times the data it is worth, once asked for: it trains more networks.

    Args:
        place: Where the run is followed.
        config: What has it.
        what: What is worth something, in words.
        names: Of the curve without it, and of the one with it.
        cost: How much work it is, in words; None: as against the same run beside its baseline.
    """
    configs = data_worth.curve_configs(config)
    n_networks = sum(each.members * each.seeds for each in configs.values())
    rows = sum(data_worth.sizes_of(config)) / (config.n_train or DATASET_INFO[config.data].n_train)
    told = cost or f"About {rows:.2g} times the work of the run above"
    if technique.asked(place, config, f"Train {n_networks} networks", told):
        live = runs.follow(place, configs)
        if live:
            runs.show(place, live, partial(_curves, place, config, what, names))


def _curves(
    place: str, config: Config, what: str, names: tuple[str, str], results: Mapping[str, Result]
) -> None:
    if not all(result.is_complete for result in results.values()):
        return
    curve = shared.kept_of(f"{place}.of", data_worth.learning_curve, config, results)
    own = config.n_train or DATASET_INFO[config.data].n_train
    n_train = st.select_slider("Training rows", curve.sizes, own, key=f"{place}.at.{curve.sizes}.{own}")
    found = data_worth.worth(curve, n_train)
    st.markdown(worth_in_words(found, what))
    charts.show(f"{place}.worth", plot_data_worth, curve, found, names)
    st.caption(
        f"Means over {words.count(curve.without.shape[1], 'seed')} with 95 % intervals. The interval of the "
        f"worth holds all numbers of rows whose error {names[0]} cannot be told from this one, seed by seed. "
        "Between sizes, curves are drawn straight over the logarithm of rows."
    )


def worth_in_words(found: Worth, what: str) -> str:
    """Return the headline: how many times the data it is worth, with its interval, as far as it is told."""
    lead = f"At {found.n_train:,} rows, {what}"
    if not found.is_told:
        return (
            f"{lead}: **what it is worth cannot be told.** From {found.smallest:.2g} to {found.largest:.2g} "
            "times the rows, no number of them is clearly better or clearly worse. More seeds would help."
        )
    if np.isnan(found.times) and found.low > 0:
        return (
            f"{lead} is worth **more than {found.low:.1f} times the data**: up to so many rows without it "
            "are clearly worse, and none of the sizes tried comes as low."
        )
    if np.isnan(found.times):
        return f"{lead} is worth **less than {found.high:.1f} times the data**: it does harm."
    ends = (
        f"{found.low:.2g} to {found.high:.2g}" if found.low > 0 and np.isfinite(found.high)
        else f"from {found.low:.2g} up; its upper end is beyond the sizes tried" if found.low > 0
        else f"up to {found.high:.2g}; its lower end is below the sizes tried"
    )  # fmt: skip
    noise = f", which contains 1: {WITHIN_NOISE}" if found.low <= 1 <= found.high else ""
    return f"{lead} is worth **{found.times:.1f} times the data** (95 % interval {ends}{noise})."
