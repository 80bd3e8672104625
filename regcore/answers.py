"""What runs are against each other, in sentences and in tables of text: the same on pages and in reports."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from regcore import scoring, words
from regcore.lessons.lesson import BASELINE
from regcore.results import Comparison
from regcore.statistics import WITHIN_NOISE

if TYPE_CHECKING:
    from regcore.results import Recording, Result

Tables = Mapping[str, Sequence[Mapping[str, Any]]]
"""The rows of `Comparison`, by metric, the one that matters first."""

COMPARED = ("Difference", "95 % interval", "Lower on", "Verdict")
"""What a table says of a run that is held against another, in this order."""


class Answer(NamedTuple):
    """Which of two runs is better, and by how much.

    Attributes:
        lead: The verdict in words, with its colon if something follows.
        rest: What follows the lead, with the space before it; empty if nothing does.
        verdict: As in `PairedDifference`.
    """

    lead: str
    rest: str
    verdict: str

    def __str__(self) -> str:
        return self.lead + self.rest


def held_against(baseline: Mapping[Any, Any], run: Mapping[Any, Any], metric: str) -> Answer:
    """Return which of two runs is better, in which metric and by how much.

    Args:
        baseline: The first row of a `Comparison`.
        run: Another row of it.
        metric: What the rows are of.
    """
    verdict = str(run["verdict"])
    subject, other = (_in_a_sentence(str(each["name"])) for each in (run, baseline))
    decimals = words.decimals_of(metric, baseline["mean"])
    unit = " %" if metric == "error" else ""
    means = [words.number(each["mean"], metric, decimals) for each in (run, baseline)]
    both = f"validation {words.METRICS[metric].lower()} {means[0]}{unit} against {means[1]}{unit}"
    if math.isnan(run["low"]):
        lead = verdict.capitalize()
        if words.NOTHING in means:
            return Answer(lead, "", verdict)
        return Answer(f"{lead}:", f" {both} of {other}", verdict)
    # Not `capitalize`: a run may be called as its settings are, of which capitals have a meaning.
    subject = subject[:1].upper() + subject[1:]
    lead, because = f"{subject} is {verdict} than {other}:", ""
    if verdict == WITHIN_NOISE:
        lead, because = f"{subject} and {other} are {WITHIN_NOISE}:", ", which contains 0"
    rest = (
        f" {both}, {words.signed(run['difference'], metric, decimals)}{' points' if unit else ''} "
        f"(95 % interval {words.interval(run['low'], run['high'], metric, decimals)}{because}), "
        f"lower on {run['wins']} of {run['n']} seeds."
    )
    return Answer(lead, rest, verdict)


def _in_a_sentence(name: str) -> str:
    return f"the {name}" if name == BASELINE else name


def validation_tables(results: Mapping[str, Result]) -> Tables:
    """Return the rows of `Comparison` for each metric that the task has, the one that matters first."""
    compared = Comparison(results)
    there = scoring.metric_names(next(iter(results.values())).dataset.task)
    return {metric: compared.rows("val", metric) for metric in words.METRICS if metric in there}


def compared_in_words(run: Mapping[Any, Any], metric: str, decimals: int) -> dict[str, str]:
    """Return what a row of a `Comparison` says of a run against the first: `COMPARED` as text.

    Dashes stand where there is no interval, as for the first run itself.
    """
    if math.isnan(run["low"]):
        return dict.fromkeys(COMPARED, words.NOTHING)
    difference = words.signed(run["difference"], metric, decimals)
    interval = words.interval(run["low"], run["high"], metric, decimals)
    wins = f"{run['wins']} of {run['n']}"
    return dict(zip(COMPARED, (difference, interval, wins, str(run["verdict"])), strict=True))


def floor_of(result: Result) -> scoring.NoiseFloor | None:
    """Return what noisy labels allow; None where labels are right."""
    if not result.config.label_noise or result.dataset.task == "regression":
        return None
    return scoring.noise_floor(result.config.label_noise, result.dataset.n_classes)


def how_many(results: Mapping[str, Result]) -> str:
    """Return how many networks the results are of."""
    first = next(iter(results.values())).config
    seeds = words.count(first.seeds, "seed")
    if not all(result.is_complete for result in results.values()):
        n_networks = sum(result.config.seeds * result.config.members for result in results.values())
        return f"{n_networks:,} networks, {seeds} of each run, not all of them trained to the end."
    # What runs share is trained once, and is the same recording.
    networks = {id(each) for result in results.values() for each in _recordings(result)}
    epochs = words.count(first.epochs, "epoch")
    return (
        f"{words.count(len(networks), 'network')} of {epochs}, trained on this machine: {seeds} of each run."
    )


def _recordings(result: Result) -> list[Recording]:
    """Return the recording of each network of a result, which may be of some of the members trained."""
    members = range(result.config.members)
    return [result.recordings[seed, member] for seed in result.seeds for member in members]
