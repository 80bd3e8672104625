"""Which part helped: each regularizer of a configuration alone, on top of the others, and one after another.

    configs = configurations(Config(shift=1, dropout_hidden=0.5, members=5, data="digits"))
    results = compare(configs).results
    print(table(results), summary(results))

Nothing here trains. Configurations that differ in patience or in the number of members alone are read off one
training, so that all of them together cost far less than their number suggests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from regcore import scoring, statistics
from regcore.config import FIELD_GROUPS, STOPPING_FIELDS, Config
from regcore.data import DATASET_INFO
from regcore.errors import ConfigError
from regcore.statistics import BETTER, WITHIN_NOISE, WORSE, MeanInterval, PairedDifference

if TYPE_CHECKING:
    import pandas as pd

    from regcore.results import Result

Role = Literal["none", "alone", "ladder", "left out", "all"]
"""What a row is about: the network without any part; with one part alone; with one part more than the row
before; with all parts but one; with all of them."""

NONE, ALL = "none", "all"
PENALTIES: Mapping[str, str] = MappingProxyType(
    {"l2": "L2", "weight_decay": "weight decay", "max_norm": "max-norm"}
)

# In the order of the ladder: what is done to rows, to weights, to the training, to units, to networks.
_GROUPS = ("augmentation", "penalty", "stopping", "dropout", "ensemble")

BySeed = Mapping[int, float]


class Row(NamedTuple):
    """One configuration, and what its part does.

    Attributes:
        role: What the row is about.
        part: The part in question; empty for "none" and "all".
        run: The configuration, a name of `configurations`.
        interval: Its metric, the mean over seeds.
        difference: What the part does: the metric with it minus that without it, over the seeds that both
            have. Alone: against no part at all. Ladder: against the rung before. Left out: all parts against
            this run, which is all but this one; so below 0 the part helps in every role. All: against none.
            None: nothing to hold against it.
        of_seeds: The difference of each of those seeds.
        cost: Epochs that one repetition trains, over all of its members; up to where patience runs out.
    """

    role: Role
    part: str
    run: str
    interval: MeanInterval
    difference: PairedDifference | None
    of_seeds: tuple[float, ...]
    cost: float


@dataclass(frozen=True)
class Ablation:
    """What was measured of a configuration's parts.

    Attributes:
        metric: On the validation rows: "error" or another of classification, "mae" or another of regression.
        parts: The parts that are on, in the order of the ladder.
        rows: None, each alone, the ladder, each left out, all. Of one part: none, alone. Of two, where the
            one left out leaves the other alone, all roles as well.
        overlap: What all parts do together minus the sum of what each does alone, over seeds: above 0 they
            take from each other. None with less than two parts.
        against_all: Part -> the metric with it alone minus that of all parts together; empty with less than
            two parts.
    """

    metric: str
    parts: tuple[str, ...]
    rows: tuple[Row, ...]
    overlap: MeanInterval | None
    against_all: Mapping[str, PairedDifference | None]

    def row(self, role: Role, part: str = "") -> Row:
        """Return the row of this role and part.

        Raises:
            ConfigError: there is none.
        """
        for row in self.rows:
            if (row.role, row.part) == (role, part):
                return row
        raise ConfigError(f"role and part must be those of a row, got {role!r} and {part!r}")

    def of_role(self, role: Role) -> tuple[Row, ...]:
        """Return the rows of this role, in the order of the ladder."""
        return tuple(row for row in self.rows if row.role == role)


def row_title(row: Row) -> str:
    """Return what a row is called in a table of all of them."""
    titles = {"alone": f"{row.part} alone", "ladder": f"… + {row.part}", "left out": f"all but {row.part}"}
    return titles.get(row.role, row.run)


def parts(config: Config) -> dict[str, dict[str, Any]]:
    """Return the regularizers of a configuration that are on, in the order of the ladder: name -> fields.

    What does nothing as it is, as min_delta without a patience, is no part.
    """
    changes = config.changes(config.plain())
    found = {}
    for group in _GROUPS:
        fields = {name: value for name, value in changes.items() if name in FIELD_GROUPS[group]}
        if _is_on(group, config, fields):
            found[_part_name(group, fields)] = fields
    return found


def _is_on(group: str, config: Config, fields: Mapping[str, Any]) -> bool:
    if group == "stopping":
        return config.patience is not None
    if group == "ensemble":
        return config.members > 1 or config.bootstrap
    if group == "dropout":
        return config.dropout_input > 0 or any(config.dropout_rates())
    return bool(fields)


def _part_name(group: str, fields: Mapping[str, Any]) -> str:
    if group == "penalty":
        return " and ".join(PENALTIES[name] for name in fields)
    return "early stopping" if group == "stopping" else group


def configurations(config: Config) -> dict[str, Config]:
    """Return what an ablation trains, by name: none, each part alone, the ladder, all but one, and all.

    Names say which parts are on: "none", "dropout", "augmentation + L2", "all but dropout", "all". Each
    configuration is there once, whatever its roles: the first rung of the ladder is its part alone, the last
    but one is all but the last part. A configuration with nothing on gives "none" alone.

    Args:
        config: What is taken apart.
    """
    on = parts(config)
    names = tuple(on)
    ladder = [names[:n] for n in range(2, len(names))]
    left_out = [_without(part, names) for part in names]
    chosen = [(), *((part,) for part in names), *ladder, *left_out, names]
    plain = config.plain()
    return {
        _run_name(some, names): plain.replace(**{k: v for part in some for k, v in on[part].items()})
        for some in chosen
    }


def _without(part: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name != part)


def _run_name(some: Sequence[str], names: Sequence[str]) -> str:
    """Return the name of a configuration with some of the parts."""
    if len(some) < 2:
        return some[0] if some else NONE
    if len(some) == len(names):
        return ALL
    if len(some) == len(names) - 1:
        return f"all but {next(name for name in names if name not in some)}"
    return " + ".join(some)


def trainings(configs: Mapping[str, Config]) -> dict[Config, int]:
    """Return what has to be trained for some configurations, and how many members of each.

    The configurations of the result have one member and no patience: what differs in these alone is read off
    one training.
    """
    default = Config()
    unseen = {name: getattr(default, name) for name in (*STOPPING_FIELDS, "members")}
    found: dict[Config, int] = {}
    for config in configs.values():
        seen = config.replace(**unseen)
        found[seen] = max(found.get(seen, 0), config.members)
    return found


def n_networks(configs: Mapping[str, Config]) -> int:
    """Return how many networks have to be trained for some configurations, over all seeds."""
    return sum(members * config.seeds for config, members in trainings(configs).items())


def work_of(configs: Mapping[str, Config]) -> float:
    """Return how much there is to train: networks times epochs times rows times weights.

    A measure to hold one set of built-in data against another, not seconds.
    """
    return sum(
        members * config.seeds * config.epochs * _rows_and_weights(config)
        for config, members in trainings(configs).items()
    )


def _rows_and_weights(config: Config) -> float:
    info = DATASET_INFO[config.data]
    n_classes = len(info.target_names)
    widths = (info.n_features, *config.hidden, n_classes if n_classes > 2 else 1)
    return (config.n_train or info.n_train) * sum(n_in * n_out for n_in, n_out in pairwise(widths))


def ablation(results: Mapping[str, Result], metric: str | None = None) -> Ablation:
    """Return what was measured of each part.

    Args:
        results: Of `configurations(config)`, by their names.
        metric: One of the task's; None: error, or mae.

    Raises:
        ConfigError: the results are not those of an ablation, or there is no such metric.
    """
    full = _full(results)
    names = scoring.metric_names(full.dataset.task)
    chosen = names[1] if metric is None else metric
    if chosen not in names:
        raise ConfigError(f"metric must be one of {', '.join(names)}, got {metric!r}")
    values = {name: _by_seed(result, chosen) for name, result in results.items()}
    costs = {name: cost_of(result) for name, result in results.items()}
    return ablation_of(full.config, values, costs, chosen)


def _full(results: Mapping[str, Result]) -> Result:
    """Return the result with all parts on."""
    if not results:
        raise ConfigError("results must be those of ablation.configurations, got none")
    return max(results.values(), key=lambda result: len(parts(result.config)))


def _by_seed(result: Result, metric: str) -> dict[int, float]:
    found = result.metrics("val")
    return dict(zip(found["seed"].tolist(), found[metric].tolist(), strict=True))


def cost_of(result: Result) -> float:
    """Return the epochs that one repetition trains, over all of its members, the mean over seeds.

    Early stopping stops the bill: what comes after the epoch in which patience ran out is recorded here, so
    that patience can be moved, and need not be trained.
    """
    stops = result.stops
    if not len(stops):
        return math.nan
    epochs = stops["stopped_epoch"].fillna(result.config.epochs).astype(float)
    return float(epochs.sum()) / stops["seed"].nunique()


def ablation_of(
    config: Config, values: Mapping[str, BySeed], costs: Mapping[str, float], metric: str
) -> Ablation:
    """Return what some values say of each part: `ablation` of results is this.

    Args:
        config: What was taken apart.
        values: Name of `configurations` -> seed -> metric, the lower the better.
        costs: Name -> epochs that one repetition trains.
        metric: What the values are.

    Raises:
        ConfigError: a configuration is missing.
    """
    names = tuple(parts(config))
    missing = [name for name in configurations(config) if name not in values]
    if missing:
        raise ConfigError(
            f"results must be those of ablation.configurations, got none of {', '.join(map(repr, missing))}"
        )

    def row(role: Role, part: str, run: str, with_it: str | None, without: str | None) -> Row:
        differences = _differences(values, with_it, without)
        interval = statistics.mean_interval(list(values[run].values()))
        return Row(role, part, run, interval, *differences, costs[run])

    all_run = _run_name(names, names)
    against_all = {part: _differences(values, part, all_run)[0] for part in names if len(names) > 1}
    rows = [row("none", "", NONE, None, None)]
    rows += [row("alone", part, part, part, NONE) for part in names]
    if len(names) > 1:
        for n, part in enumerate(names, start=1):
            here, before = _run_name(names[:n], names), _run_name(names[: n - 1], names)
            rows.append(row("ladder", part, here, here, before))
        for part in names:
            rest = _run_name(_without(part, names), names)
            rows.append(row("left out", part, rest, all_run, rest))
        rows.append(row("all", "", all_run, all_run, NONE))
    return Ablation(metric, names, tuple(rows), _overlap(values, names, all_run), against_all)


def _differences(
    values: Mapping[str, BySeed], with_it: str | None, without: str | None
) -> tuple[PairedDifference | None, tuple[float, ...]]:
    if with_it is None or without is None:
        return None, ()
    treatment, baseline = values[with_it], values[without]
    shared = [seed for seed in treatment if seed in baseline]
    if not shared:
        return None, ()
    treated, plain = [treatment[seed] for seed in shared], [baseline[seed] for seed in shared]
    of_seeds = tuple(one - other for one, other in zip(treated, plain, strict=True))
    return statistics.paired_difference(treated, plain), of_seeds


def _overlap(values: Mapping[str, BySeed], names: Sequence[str], all_run: str) -> MeanInterval | None:
    if len(names) < 2:
        return None
    used = [values[run] for run in (NONE, all_run, *names)]
    shared = [seed for seed in used[0] if all(seed in each for each in used)]
    together = [values[all_run][seed] - values[NONE][seed] for seed in shared]
    alone = [sum(values[part][seed] - values[NONE][seed] for part in names) for seed in shared]
    return statistics.mean_interval([one - other for one, other in zip(together, alone, strict=True)])


def table(results: Mapping[str, Result], metric: str | None = None) -> pd.DataFrame:
    """Return one row for each role and part.

    Columns: role, part, run, mean, sd (over seeds), then what the part does, seed by seed (`Row`):
    difference, low, high (95 % paired t-interval), wins (seeds on which it is lower with the part), ties, n
    (seeds) and verdict; and cost, the epochs that one repetition trains.

    Args:
        results: Of `configurations(config)`, by their names.
        metric: As for `ablation`.

    Raises:
        ConfigError: as `ablation` does.
    """
    import pandas as pd  # Half a second to import.

    found = pd.DataFrame([_flat(row) for row in ablation(results, metric).rows])
    return found.astype({"wins": "Int64", "ties": "Int64", "n": "Int64"})


def _flat(row: Row) -> dict[str, Any]:
    said = {"role": row.role, "part": row.part, "run": row.run}
    measured = {"mean": row.interval.mean, "sd": row.interval.sd}
    if row.difference is None:
        verdict = "baseline" if row.role == NONE else "no seed yet"
        nothing = dict.fromkeys(("difference", "low", "high"), math.nan)
        counts = {"wins": None, "ties": None, "n": row.interval.n}
        return {**said, **measured, **nothing, **counts, "verdict": verdict, "cost": row.cost}
    paired = row.difference._asdict()
    return {**said, **measured, "difference": paired.pop("mean"), **paired, "cost": row.cost}


Kind = Literal["helps", "replaceable", "on top only", "nothing", "harms", "unclear", "untold"]

# A part carries the gain if at least so much of it is lost where that part is left out, and gains most of it
# alone if it is at least so much.
CARRIES = 0.5


def kind_of(alone: PairedDifference | None, on_top: PairedDifference | None) -> Kind:
    """Return what a part is to the set, by what it does alone and on top of the others.

    "helps" (lowers the metric in both), "replaceable" (lowers it alone, not on top of the others: they do
    the same), "on top only", "nothing" (within seed noise in both), "harms" (raises it on top of the others),
    "unclear" (raises it alone, and does not on top), "untold" (no verdict).
    """
    verdicts = [each.verdict if each is not None else "" for each in (alone, on_top)]
    if not all(verdict in (BETTER, WORSE, WITHIN_NOISE) for verdict in verdicts):
        return "untold"
    if verdicts[1] == WORSE:
        return "harms"
    if verdicts[0] == WORSE:
        return "on top only" if verdicts[1] == BETTER else "unclear"
    kinds: dict[tuple[str, str], Kind] = {
        (BETTER, BETTER): "helps",
        (BETTER, WITHIN_NOISE): "replaceable",
        (WITHIN_NOISE, BETTER): "on top only",
        (WITHIN_NOISE, WITHIN_NOISE): "nothing",
    }
    return kinds[verdicts[0], verdicts[1]]


def kinds(found: Ablation) -> dict[str, Kind]:
    """Return what each part is to the set; of a single part, what it does alone decides."""
    on_top: Role = "left out" if len(found.parts) > 1 else "alone"
    return {
        part: kind_of(found.row("alone", part).difference, found.row(on_top, part).difference)
        for part in found.parts
    }


def summary(results: Mapping[str, Result], metric: str | None = None) -> str:
    """Return in words what all parts do together, which of them carry it, and which do nothing here.

    Args:
        results: Of `configurations(config)`, by their names.
        metric: As for `ablation`.

    Raises:
        ConfigError: as `ablation` does.
    """
    return in_words(ablation(results, metric))


METRICS: Mapping[str, str] = MappingProxyType(
    {
        "error": "error", "mae": "mean absolute error", "rmse": "root mean squared error",
        "loss": "data loss", "brier": "Brier score",
    }
)  # fmt: skip


def in_words(found: Ablation) -> str:
    """Return what was measured in a few sentences: `headline`, then `details`."""
    return " ".join(filter(None, (headline(found), details(found))))


def headline(found: Ablation) -> str:
    """Return what all parts do together, which of them carry it, and which would do alone."""
    if not found.parts:
        return "Nothing to take apart: every regularizer is off."
    if problem := _untold(found):
        return f"{_sentence(problem)}."
    return " ".join([_together(found, found.rows[-1]), *_of_carriers(found)])


def details(found: Ablation) -> str:
    """Return what each part is to the set, and whether parts overlap; nothing of less than two parts."""
    if len(found.parts) < 2 or _untold(found):
        return ""
    return " ".join([*_of_kinds(found), *_of_overlap(found, found.rows[-1])])


def _untold(found: Ablation) -> str | None:
    """Return why there is no verdict on all parts together; None where there is one."""
    paired = found.rows[-1].difference
    if paired is None:
        return "no seed yet"
    return paired.verdict if math.isnan(paired.low) else None


def _together(found: Ablation, last: Row) -> str:
    paired = last.difference
    assert paired is not None, "asked before"
    lead = f"{_sentence(found.parts[0])} alone" if len(found.parts) == 1 else "All parts together"
    verb = {BETTER: "lowers", WORSE: "raises"} if len(found.parts) == 1 else {BETTER: "lower", WORSE: "raise"}
    metric = METRICS[found.metric]
    ends = f"{_value(found, found.row('none').interval.mean)} to {_value(found, last.interval.mean)}"
    low, high = sorted((abs(paired.low), abs(paired.high)))
    if paired.verdict == WITHIN_NOISE:
        changes = "changes" if len(found.parts) == 1 else "change"
        interval = f"{_signed(found, paired.low)} to {_signed(found, paired.high)}"
        return (
            f"{lead} {changes} the validation {metric} by {_signed(found, paired.mean)}"
            f"{_unit(found)}, within seed noise (95 % interval {interval})."
        )
    return (
        f"{lead} {verb[paired.verdict]} the validation {metric} from {ends}, by "
        f"{_size(found, paired.mean)}{_unit(found)} (95 % interval {_size(found, low)} to "
        f"{_size(found, high)})."
    )


def _carrying(found: Ablation) -> list[str]:
    """Return the parts without which at least half of what all of them gain is lost."""
    together = found.rows[-1].difference
    if together is None or together.verdict != BETTER or len(found.parts) < 2:
        return []
    of_parts, share = kinds(found), CARRIES * together.mean
    return [
        part for part in found.parts if of_parts[part] == "helps" and _mean(found, "left out", part) <= share
    ]


def _of_carriers(found: Ablation) -> list[str]:
    """Return which parts carry the gain, and which would do alone."""
    carrying = _carrying(found)
    text = "{parts} {carries} most of the gain ({without} {loss}{unit})."
    told = [_sentence(_of_kind(found, text, carrying))] if carrying else []
    alone = {part: paired for part, paired in found.against_all.items() if paired is not None}
    ahead = [part for part, paired in alone.items() if paired.verdict == BETTER]
    level = [
        part
        for part, paired in alone.items()
        if paired.verdict == WITHIN_NOISE and _verdict(found, "alone", part) == BETTER
    ]
    if ahead:
        gains = _listed([_signed(found, alone[part].mean) for part in ahead])
        told.append(f"{_alone(found, ahead)} better than all of them ({gains}{_unit(found)}).")
    if level:
        told.append(f"{_alone(found, level)} as well as all of them, within seed noise.")
    if not told and found.rows[-1].role == "all" and _verdict(found, "all", "") == BETTER:
        told.append(_largest_alone(found))
    return told


def _largest_alone(found: Ablation) -> str:
    """Return how much of what all parts gain the best of them gains alone."""
    best = min(found.parts, key=lambda part: _mean(found, "alone", part))
    alone, together = _mean(found, "alone", best), _mean(found, "all", "")
    if alone > CARRIES * together:
        return "No part gains most of it alone."
    gains = f"{_signed(found, alone)} of {_signed(found, together)}{_unit(found)}"
    return f"{_sentence(best)} alone gains most of it ({gains})."


def _alone(found: Ablation, named: Sequence[str]) -> str:
    if len(named) == len(found.parts):
        return "Each part alone does"
    return f"{_sentence(_listed(named))} alone {'does' if len(named) == 1 else 'do'}"


# What is said of the parts of one kind, in the order in which it is said.
_SENTENCES: Mapping[Kind, str] = MappingProxyType(
    {
        "helps": "{parts} {helps} alone and on top of the others ({without} {loss}{unit}).",
        "on top only": "{parts} {helps} only on top of the others ({without} {loss}{unit}).",
        "replaceable": "{parts} {helps} alone ({gain}{unit}) and {adds} nothing beyond seed noise on top of "
        "the others.",
        "nothing": "{parts} {does} nothing here: within seed noise alone and on top of the others.",
        "unclear": "{parts} {does} harm alone ({gain}{unit}), and nothing beyond seed noise on top of the "
        "others.",
        "harms": "{parts} {does} harm on top of the others ({with_it} {added}{unit}).",
        "untold": "Of {parts} nothing can be told.",
    }
)


def _of_kinds(found: Ablation) -> list[str]:
    of_parts, carrying = kinds(found), _carrying(found)
    told = []
    for kind, text in _SENTENCES.items():
        role: Role = "alone" if kind in ("replaceable", "unclear") else "left out"
        named = sorted(
            (part for part in found.parts if of_parts[part] == kind and part not in carrying),
            key=lambda part: _mean(found, role, part),  # noqa: B023
        )
        if named:
            told.append(_sentence(_of_kind(found, text, named)))
    return told


def _of_kind(found: Ablation, text: str, named: Sequence[str]) -> str:
    """Return a text about one part, or about several."""
    one = len(named) == 1
    alone, on_top = ([_mean(found, role, part) for part in named] for role in _ROLES_TOLD)
    return text.format(
        parts=_listed(named),
        carries="carries" if one else "carry",
        helps="helps" if one else "help",
        does="does" if one else "do",
        adds="adds" if one else "add",
        without="without it" if one else "without each",
        with_it="with it" if one else "with each",
        gain=_listed([_signed(found, each) for each in alone]),
        loss=_listed([_signed(found, -each) for each in on_top]),
        added=_listed([_signed(found, each) for each in on_top]),
        unit=_unit(found),
    )


_ROLES_TOLD: tuple[Role, Role] = ("alone", "left out")


def _of_overlap(found: Ablation, last: Row) -> list[str]:
    """Return whether the parts take from each other or help each other, where seeds can tell."""
    overlap = found.overlap
    if overlap is None or not math.isfinite(overlap.low) or overlap.low <= 0 <= overlap.high:
        return []
    alone = sum(_mean(found, "alone", part) for part in found.parts)
    assert last.difference is not None, "asked before"
    sums = f"{_signed(found, alone)} against {_signed(found, last.difference.mean)}{_unit(found)} together"
    if overlap.mean > 0 and last.difference.mean > 0:
        return [f"Together they do worse than what they do alone adds up to ({sums})."]
    if overlap.mean > 0:
        return [f"What they do alone adds up to more than they do together ({sums}): they overlap."]
    what = "less harm" if last.difference.mean > 0 else "more"
    return [f"Together they do {what} than what they do alone adds up to ({sums})."]


def _mean(found: Ablation, role: Role, part: str) -> float:
    difference = found.row(role, part).difference
    return difference.mean if difference is not None else math.nan


def _verdict(found: Ablation, role: Role, part: str) -> str:
    difference = found.row(role, part).difference
    return difference.verdict if difference is not None else ""


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _value(found: Ablation, value: float) -> str:
    return f"{100 * value:.1f} %" if found.metric == "error" else f"{value:.3g}"


def _size(found: Ablation, value: float) -> str:
    return f"{100 * abs(value):.1f}" if found.metric == "error" else f"{abs(value):.2g}"


def _signed(found: Ablation, value: float) -> str:
    text = _size(found, value)
    return text if not text.strip("0.") else ("−" if value < 0 else "+") + text


def _unit(found: Ablation) -> str:
    return " points" if found.metric == "error" else ""
