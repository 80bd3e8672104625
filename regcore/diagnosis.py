"""What is wrong with a run, if anything: the numbers that decide it, the doubt, and what to try next.

    print(diagnose(train(Config(data="digits", label_noise=0.3))))

One of seven: diverged, different distributions, stopped too early, cannot fit, noisy validation, overfitting,
healthy. They are tried in this order, because each makes those after it meaningless: numbers of a run that
diverged say nothing; where validation rows are of another kind, a gap is no overfitting; a curve that still
falls has not shown yet what it can fit; and where train rows are not learnt, or validation is too noisy to
see a gap, there is no use in asking for one. That bias comes before variance is the advice of Ng (Machine
Learning Yearning, 2018, chapters 20 to 25: what is called unlearnt here is his avoidable bias).

Numbers are those of `regcore.readings`, in parts of what there is to learn. A bound is a convention: a wider
gap than a fifth is called overfitting here, and where the interval of a number contains its bound, the
diagnosis says so and names its neighbour.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from regcore import next_experiment, readings, shift
from regcore.errors import ConfigError
from regcore.next_experiment import Experiment
from regcore.statistics import ONE_SEED, WORSE, MeanInterval, mean_interval, paired_difference

if TYPE_CHECKING:
    from regcore.readings import Readings
    from regcore.results import Result
    from regcore.shift import Verdict

Kind = Literal[
    "diverged",
    "different distributions",
    "stopped too early",
    "cannot fit",
    "noisy validation",
    "overfitting",
    "healthy",
]
DIVERGED: Kind = "diverged"
DIFFERENT: Kind = "different distributions"
TOO_EARLY: Kind = "stopped too early"
CANNOT_FIT: Kind = "cannot fit"
NOISY: Kind = "noisy validation"
OVERFITTING: Kind = "overfitting"
HEALTHY: Kind = "healthy"
KINDS: tuple[Kind, ...] = (DIVERGED, DIFFERENT, TOO_EARLY, CANNOT_FIT, NOISY, OVERFITTING, HEALTHY)

LOST = "Networks whose loss was not finite"
BLOWN = "Largest loss of an epoch, in losses of a blind guess"
RESPLIT = "p of the re-split test"
BESIDE = "Smallest p of features, classifier and labels"
GAIN = "What more epochs would gain"
UNLEARNT = "Left to learn on the train rows"
NOISE = "Noise of the validation error"
JUMPS = "Jumps of the validation loss"
GAP = "Gap between train and validation error"
RISE = "Rise of the validation loss since its lowest"

BLOWN_BOUND = 10.0
LOSS_BOUND = 0.1
UNLEARNT_BOUND = 0.5
GAP_BOUND = 0.2
# Standard errors on either side: an interval of 95 %.
STANDARD_ERRORS = 2.0
# A number that is this near to its bound is near it, however narrow its interval; a single seed has none.
NEAR, NEAR_OF_ONE_SEED = 0.1, 0.25

_A_FIFTH = "A convention: a fifth of what there is to learn."
_A_TENTH = "A convention: a tenth of what there is to learn"
_JUMPS_TOO = f"{_A_TENTH}; or twice what jumps from epoch to epoch do to it, if that is more."

Unit = Literal["part", "times", "networks", "p"]
Flags = Mapping[str, bool]


class Number(NamedTuple):
    """A number that a diagnosis looks at.

    Attributes:
        name: What it is.
        values: One for each seed; of what cannot be told by seed, the same for all.
        bound: What it is held against.
        origin: Where the bound comes from.
        unit: What it counts: parts of what there is to learn, times something (their log10), parts of the
            networks, or a probability.
        at_most: Whether all is well up to the bound; else above it.
        decides: Whether the diagnosis rests on it, or would be another one on the other side of a border
            that is near.
    """

    name: str
    values: tuple[float, ...]
    bound: float
    origin: str
    unit: Unit = "part"
    at_most: bool = True
    decides: bool = False

    @property
    def value(self) -> float:
        """The mean over seeds; NaN where one of them diverged, or the curve is too short to tell."""
        return self.interval.mean

    @property
    def interval(self) -> MeanInterval:
        """The mean with its 95 % interval over seeds."""
        return _interval_of(self.values)

    @property
    def is_beyond(self) -> bool:
        """Whether it is on the bad side of its bound; what is NaN is not."""
        return self._is_beyond(self.value)

    @property
    def is_near(self) -> bool:
        """Whether its interval contains the bound, or it is within a tenth of it (one seed: a quarter)."""
        interval = self.interval
        # Shares of networks and p-values go in steps: those of 39 re-splits begin at the level itself.
        if not math.isfinite(interval.mean + self.bound) or self.unit in ("networks", "p"):
            return False
        near = (NEAR if len(self.values) > 1 else NEAR_OF_ONE_SEED) * abs(self.bound)
        return interval.low <= self.bound <= interval.high or abs(interval.mean - self.bound) <= near

    @property
    def distance(self) -> float:
        """How far it is from its bound, in widths of its interval, or where it has none, of its bound."""
        interval = self.interval
        width = interval.high - interval.low if interval.high > interval.low else abs(self.bound)
        return abs(interval.mean - self.bound) / width if width else 0.0

    @property
    def beyond_on(self) -> tuple[bool, ...]:
        """Whether it is beyond its bound, seed by seed."""
        return tuple(map(self._is_beyond, self.values))

    def _is_beyond(self, value: float) -> bool:
        return value > self.bound if self.at_most else value <= self.bound

    def in_words(self, value: float) -> str:
        """Return a value of this number, or its bound, as short text."""
        if not math.isfinite(value):
            return "–"
        if self.unit == "p":
            return f"{value:.2g}"
        if self.unit == "times":
            return f"{float(f'{10**value:.2g}'):,.5g}" if value < 5 else f"10^{value:.0f}"
        # Rounded before it is written: what rounds to nothing has no sign.
        return f"{round(100 * value)} %".replace("-", "−")


@lru_cache(maxsize=512)
def _interval_of(values: tuple[float, ...]) -> MeanInterval:
    # A diagnosis asks three times for each of its numbers, and for the baseline's again with the next run.
    return mean_interval(values)


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a run, if anything.

    Attributes:
        kind: One of `KINDS`.
        sentence: What was seen, in a sentence or two.
        numbers: All that were looked at; those that decide, first.
        doubt: How sure that is: how many seeds agree, whether it is near a border, what was not looked at.
        next: What to try next.
        neighbour: The kind on the other side of the border, if a number is near one; else None.
        seeds: The kind that each seed has by itself.
    """

    kind: Kind
    sentence: str
    numbers: tuple[Number, ...]
    doubt: str
    next: Experiment
    neighbour: Kind | None
    seeds: tuple[Kind, ...]

    def __str__(self) -> str:
        lines = [f"{self.kind.capitalize()}. {self.sentence}"]
        lines += [
            f"  {each.name}: {each.in_words(each.value)}, bound {each.in_words(each.bound)}"
            for each in self.numbers
            if each.decides
        ]
        return "\n".join([*lines, f"Doubt: {self.doubt}", f"Next: {self.next.why}"])


def diagnose(result: Result, baseline: Result | None = None, split: Verdict | None = None) -> Diagnosis:
    """Return what is wrong with a run, if anything. Nothing is trained.

    What is looked at are the networks that the run keeps, each by itself, also of an ensemble.

    Args:
        result: The run, complete.
        baseline: The same without regularizers, over the same seeds. It tells whether train rows that are
            not learnt could be, and whether that would help.
        split: What `regcore.shift.verdict` says of its split, where it was tested. Without it the tests
            beside the re-split test are made of a split that was handed in. Rows that the lab splits at
            random are of one distribution.

    Raises:
        ConfigError: the run or its baseline is not complete or has no validation rows, or they differ in
            seeds or task.
    """
    _check(result, baseline)
    if baseline is not None and baseline.config == result.config:
        baseline = None
    found, plain = readings.read(result), None if baseline is None else readings.read(baseline)
    numbers = _numbers(result, found, plain, split)
    beyond = {number.name: number.is_beyond for number in numbers}
    kind = _kind(beyond)
    seeds = tuple(
        _kind({number.name: number.beyond_on[at % len(number.values)] for number in numbers})
        for at in range(len(result.seeds))
    )
    near = sorted(
        (number for number in numbers if number.is_near and _other_side(number, beyond) != kind),
        key=lambda number: number.distance,
    )
    neighbour = _other_side(near[0], beyond) if near else None
    sentence = _Sentences(result, found, {number.name: number for number in numbers}).of(kind)
    if baseline is not None and plain is not None:
        sentence += f" The baseline {_DOES[_kind_of(_numbers(baseline, plain, None, None))]}."
    return Diagnosis(
        kind=kind,
        sentence=sentence,
        numbers=_deciding_first(numbers, near, kind),
        doubt=" ".join([_agreement(kind, seeds), *_doubts(kind, near, beyond, result, baseline, split)]),
        next=_next(kind, neighbour, result, found, plain, beyond),
        neighbour=neighbour,
        seeds=seeds,
    )


def _check(result: Result, baseline: Result | None) -> None:
    for name, each in (("result", result), ("baseline", baseline)):
        if each is not None and not each.is_complete:
            raise ConfigError(f"{name} must be trained to the end for a diagnosis, got {each!r}")
        if each is not None and not each.dataset.n_val:
            raise ConfigError(f"{name} must have validation rows for a diagnosis, got none")
    if baseline is not None and baseline.seeds != result.seeds:
        raise ConfigError(
            f"baseline must have the seeds of the result, {result.seeds[0]} to {result.seeds[-1]}, "
            f"got {baseline.seeds[0]} to {baseline.seeds[-1]}"
        )
    if baseline is not None and baseline.dataset.task != result.dataset.task:
        raise ConfigError(f"baseline must be of a {result.dataset.task} task, got {baseline.dataset.task}")


# Kinds and the numbers they rest on, in the order in which they are tried.
_RESTS_ON: dict[Kind, tuple[str, ...]] = {
    DIVERGED: (LOST, BLOWN),
    DIFFERENT: (RESPLIT, BESIDE, GAP),
    TOO_EARLY: (GAIN,),
    CANNOT_FIT: (UNLEARNT,),
    NOISY: (NOISE, JUMPS),
    OVERFITTING: (GAP, RISE),
    HEALTHY: (GAIN, UNLEARNT, GAP, RISE),
}


def _kind(is_beyond: Flags) -> Kind:
    def beyond(name: str) -> bool:
        return is_beyond.get(name, False)

    # A network that recovered from a bad start is none that diverged.
    if beyond(LOST) or (beyond(BLOWN) and beyond(UNLEARNT)):
        return DIVERGED
    if beyond(RESPLIT):
        return DIFFERENT
    if beyond(GAIN):
        return TOO_EARLY
    if beyond(UNLEARNT):
        return CANNOT_FIT
    # A loss that has risen by more than its jumps is told in spite of them.
    if (beyond(NOISE) or beyond(JUMPS)) and not beyond(RISE):
        return NOISY
    if beyond(GAP):
        return DIFFERENT if beyond(BESIDE) else OVERFITTING
    return OVERFITTING if beyond(RISE) else HEALTHY


def _kind_of(numbers: Sequence[Number]) -> Kind:
    return _kind({number.name: number.is_beyond for number in numbers})


def _other_side(number: Number, beyond: Flags) -> Kind:
    return _kind({**beyond, number.name: not beyond[number.name]})


def _deciding_first(numbers: tuple[Number, ...], near: Sequence[Number], kind: Kind) -> tuple[Number, ...]:
    names = {number.name for number in near}
    names |= {
        number.name
        for number in numbers
        if number.name in _RESTS_ON[kind] and (number.is_beyond or kind == HEALTHY)
    }
    marked = [number._replace(decides=number.name in names) for number in numbers]
    return tuple(sorted(marked, key=lambda number: not number.decides))


def _numbers(
    result: Result, found: Readings, baseline: Readings | None, split: Verdict | None
) -> tuple[Number, ...]:
    seeds, n_networks = len(result.seeds), len(result.seeds) * result.config.members
    noise, jumps = _noise(result, found), _two_errors(found.jumps, seeds)
    gain_noise, rise_noise = _two_errors(found.gain_noise, seeds), _two_errors(found.rise_noise, seeds)
    blown_origin = "A convention: dropout makes it up to six, steps that are too large a hundred and more."
    noise_bound = max(GAP_BOUND, _mean(found.gap))
    return (
        Number(LOST, _tuple(found.lost), 0.0, f"None of {n_networks} may be.", "networks"),
        Number(BLOWN, _tuple(found.blow_up), math.log10(BLOWN_BOUND), blown_origin, "times"),
        *_of_the_split(result, split),
        Number(GAIN, _tuple(found.gain), max(LOSS_BOUND, gain_noise), _JUMPS_TOO),
        _unlearnt(found, baseline),
        Number(NOISE, (noise,) * seeds, noise_bound, "The gap, or the bound of a gap if that is more."),
        Number(JUMPS, (jumps,) * seeds, GAP_BOUND, _A_FIFTH),
        Number(GAP, _tuple(found.gap), GAP_BOUND, _A_FIFTH),
        Number(RISE, _tuple(found.rise), max(LOSS_BOUND, rise_noise), _JUMPS_TOO),
    )


def _noise(result: Result, found: Readings) -> float:
    """Return half of the 95 % interval of the mean validation error: by its rows and by jumps."""
    draws = len(result.seeds) if _is_drawn_anew(result) else 1
    by_epochs = _two_errors(found.epoch_noise, len(result.seeds))
    return math.hypot(_two_errors(found.row_noise, draws), by_epochs)


def _is_noisy_by_rows(found: Readings) -> bool:
    return _mean(found.row_noise) > _mean(found.epoch_noise)


def _is_drawn_anew(result: Result) -> bool:
    """Return whether each seed has a split of its own."""
    fixed = result.dataset.fixed
    return fixed is None or fixed[0].ndim > 1


def _two_errors(noise: readings.Floats, n: int) -> float:
    """Return two standard errors of a mean of n values, whose own standard deviations are given."""
    return STANDARD_ERRORS * math.sqrt(float(np.mean(noise**2)) / n)


def _mean(values: readings.Floats) -> float:
    return float(np.mean(values))


def _tuple(values: readings.Floats) -> tuple[float, ...]:
    return tuple(values.tolist())


def _unlearnt(found: Readings, baseline: Readings | None) -> Number:
    bound = UNLEARNT_BOUND
    origin = (
        "A convention: half of what there is to learn. What the target itself cannot tell counts as well."
    )
    if baseline is not None and _mean(baseline.unlearnt) <= UNLEARNT_BOUND:
        if _validates_worse(found, baseline):
            bound = GAP_BOUND
            origin = "A fifth, where the baseline fits and validates better: so there is more to be learnt."
        else:
            bound = math.inf
            origin = (
                "None, where the baseline fits and validates no better: what is left is not worth learning."
            )
    return Number(UNLEARNT, _tuple(found.unlearnt), bound, origin)


def _validates_worse(found: Readings, baseline: Readings) -> bool:
    difference = paired_difference(found.val_error, baseline.val_error)
    return difference.verdict == WORSE or (difference.verdict == ONE_SEED and difference.mean > 0)


def _of_the_split(result: Result, split: Verdict | None) -> tuple[Number, ...]:
    """Return what is known of the split; of one that the lab has drawn at random, nothing."""
    if split is not None:
        p = split.resplit.p
        origin = "Half of a level of 5 %; the three tests beside it share the other half."
        return (Number(RESPLIT, (p,), shift.RESPLIT_LEVEL, origin, "p", at_most=False),)
    if result.dataset.fixed is None or _is_drawn_anew(result):
        return ()
    rows = result.dataset.split(result.seeds[0])
    p_values = [
        shift.feature_test(rows.X_train, rows.X_val).p,
        shift.label_test(rows.y_train, rows.y_val).p,
    ]
    if min(len(rows.X_train), len(rows.X_val)) >= shift.N_FOLDS:
        p_values.append(shift.classifier_test(rows.X_train, rows.X_val).p)
    origin = "Three tests share half of a level of 5 %; the re-split test, not made here, has the other half."
    return (Number(BESIDE, (min(p_values),), shift.BESIDE_LEVEL, origin, "p", at_most=False),)


# What a run does of which this is said, in a sentence.
_DOES: dict[Kind, str] = {
    DIVERGED: "diverges",
    DIFFERENT: "has rows of different distributions",
    TOO_EARLY: "stops too early",
    CANNOT_FIT: "cannot fit",
    NOISY: "has noisy validation",
    OVERFITTING: "overfits",
    HEALTHY: "is healthy",
}


class _Sentences:
    """What was seen, in words."""

    def __init__(self, result: Result, found: Readings, numbers: Mapping[str, Number]) -> None:
        self.result, self.found, self.numbers = result, found, numbers

    def of(self, kind: Kind) -> str:
        say = {
            DIVERGED: self._diverged,
            DIFFERENT: self._different,
            TOO_EARLY: self._too_early,
            CANNOT_FIT: self._cannot_fit,
            NOISY: self._noisy,
            OVERFITTING: self._overfitting,
            HEALTHY: self._healthy,
        }
        return say[kind]()

    def _number(self, name: str) -> str:
        return self.numbers[name].in_words(self.numbers[name].value)

    def _diverged(self) -> str:
        if self.numbers[LOST].is_beyond:
            n_seeds, members = len(self.result.seeds), self.result.config.members
            n = round(float(self.found.lost.sum()) * members)
            of = _seeds(n_seeds) if members == 1 else f"{n_seeds * members} networks"
            return f"The loss was not finite on {n} of {of}."
        return (
            f"In one epoch the loss was {self._number(BLOWN)} times that of a blind guess, and the network "
            "has not recovered."
        )

    def _different(self) -> str:
        if RESPLIT in self.numbers:
            return (
                "Validation is worse than on random re-splits of the same rows, so train and validation rows "
                "are not of one kind."
            )
        return (
            f"Train and validation rows can be told apart, and there is a gap: {self._errors()}. It need not "
            "be overfitting."
        )

    def _too_early(self) -> str:
        gain = self._number(GAIN)
        if self.result.has_stopped:
            return (
                f"Patience gave up, and epochs after that had a validation loss that was lower by {gain} of "
                "what there is to learn."
            )
        return (
            "The validation loss is still falling: at its last pace, twice the epochs would lower it by "
            f"{gain} of what there is to learn."
        )

    def _cannot_fit(self) -> str:
        return f"Not even the train rows are learnt: {self._errors()}, {self._blind()}."

    def _noisy(self) -> str:
        n_val = self.result.dataset.n_val
        if self.numbers[NOISE].is_beyond and _is_noisy_by_rows(self.found):
            return (
                f"On {n_val:,} rows the validation error is known to ±{self._number(NOISE)} of what there is "
                f"to learn, which is more than its gap of {self._number(GAP)}."
            )
        return (
            f"Validation jumps from epoch to epoch, its loss by ±{self._number(JUMPS)} of what there is to "
            "learn: which epoch is kept is luck."
        )

    def _overfitting(self) -> str:
        rise = f"validation loss has risen by {self._number(RISE)} of what there is to learn since its lowest"
        if not self.numbers[GAP].is_beyond:
            return f"The {rise}, though errors differ little: {self._errors()}. It is too sure of itself."
        more = f" The {rise}." if self.numbers[RISE].is_beyond else ""
        return f"It is better on what it has seen: {self._errors()}.{more}"

    def _healthy(self) -> str:
        return f"It learns, and it validates nearly as well: {self._errors()}."

    def _errors(self) -> str:
        train, val = _mean(self.found.train_error), _mean(self.found.val_error)
        if self.result.dataset.task == "regression":
            return f"off by {train:.3g} on the train rows, by {val:.3g} on the validation rows"
        return f"{100 * train:.1f} % wrong on the train rows, {100 * val:.1f} % on the validation rows"

    def _blind(self) -> str:
        blind = readings.errors_to_learn(self.result).blind
        if self.result.dataset.task == "regression":
            scales = [self.result.dataset.rows(seed).y_scale for seed in self.result.seeds]
            return f"{float(np.mean(blind * scales)):.3g} without looking at the input"
        return f"{100 * float(np.mean(blind)):.1f} % without looking at the input"


def _doubts(
    kind: Kind,
    near: Sequence[Number],
    beyond: Flags,
    result: Result,
    baseline: Result | None,
    split: Verdict | None,
) -> Iterator[str]:
    if near:
        yield _border(near[0], _other_side(near[0], beyond))
    if result.config.epochs == 1:
        yield "One epoch has no pace: whether more would help cannot be told."
    if kind == CANNOT_FIT and baseline is None:
        yield "Where the target itself is noisy there may be no more to learn."
    if kind == HEALTHY and beyond.get(BESIDE):
        yield "Train and validation rows can be told apart: random re-splits would tell if that matters."
    if kind == OVERFITTING or (kind == DIFFERENT and split is None):
        yield _about_the_split(result, split)


def _agreement(kind: Kind, seeds: tuple[Kind, ...]) -> str:
    n = len(seeds)
    if n == 1:
        return "One seed cannot tell luck from effect."
    agree = seeds.count(kind)
    if agree == n:
        return f"Each of {n} seeds says so by itself."
    others = Counter(each for each in seeds if each != kind).most_common()
    listed = ", ".join(f"{other} on {count}" for other, count in others)
    return f"{agree} of {n} seeds say so by themselves; {listed}."


def _border(number: Number, neighbour: Kind) -> str:
    interval = number.interval
    text = ""
    if math.isfinite(interval.low) and interval.low < interval.high:
        text = f" (95 % interval {number.in_words(interval.low)} to {number.in_words(interval.high)})"
    return (
        f"Near the border to “{neighbour}”: {number.name[:1].lower() + number.name[1:]} is "
        f"{number.in_words(number.value)}{text}, and the bound is {number.in_words(number.bound)}."
    )


def _about_the_split(result: Result, split: Verdict | None) -> str:
    if split is not None:
        return "Random re-splits of the rows validate as badly, so it is no other distribution."
    if result.dataset.fixed is None or _is_drawn_anew(result):
        return "The rows were split at random, so it is no other distribution."
    return (
        "The split was handed in, so validation rows may be harder: random re-splits would tell, which takes "
        "training."
    )


def _seeds(n: int) -> str:
    return f"{n} seed" if n == 1 else f"{n} seeds"


def _next(
    kind: Kind,
    neighbour: Kind | None,
    result: Result,
    found: Readings,
    baseline: Readings | None,
    beyond: Flags,
) -> Experiment:
    config = result.config
    if kind == DIVERGED:
        return next_experiment.smaller_steps(config)
    if kind == DIFFERENT:
        return next_experiment.random_resplits(
            result, "Random re-splits of the same rows: if they validate better, it was the split."
        )
    if kind == TOO_EARLY:
        return next_experiment.longer(config, result.has_stopped)
    if kind == CANNOT_FIT:
        return next_experiment.better_fit(
            config,
            is_blind=_mean(found.unlearnt) > next_experiment.BLIND,
            is_falling=_mean(found.gain) > LOSS_BOUND / 4,
            baseline_fits=None if baseline is None else _mean(baseline.unlearnt) <= UNLEARNT_BOUND,
        )
    if kind == NOISY:
        return next_experiment.quieter_validation(result, beyond[NOISE] and _is_noisy_by_rows(found))
    if kind == OVERFITTING:
        return next_experiment.less_overfitting(result, beyond[RISE])
    if beyond.get(BESIDE):
        return next_experiment.random_resplits(
            result,
            "Random re-splits of the same rows: they tell whether validation is harder than by chance.",
        )
    if config.epochs == 1:
        return next_experiment.longer(config, fired=False)._replace(
            why="Three epochs: one alone has no pace."
        )
    if neighbour is not None and config.seeds < next_experiment.ENOUGH_SEEDS:
        return next_experiment.more_seeds(config)
    return next_experiment.does_it_hold(result)
