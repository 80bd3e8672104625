"""What is let in: what nobody could wait for is refused at once, what finds no memory now waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from regcore.config import Config
from regcore.errors import BusyError, TooCostlyError
from regcore.execution.job import Training, guessed_seconds
from regcore.execution.memory import USABLE_FRACTION, check_memory, free_memory
from regcore.settings import Settings
from regcore.words import duration

# What a smaller run is made smaller in, and how far: an interval needs two seeds, an average two networks.
SMALLEST = {"seeds": 2, "members": 2, "epochs": 10}
# Of the limit: by the time that somebody asks for it, steps may be found to cost a little more.
PROPOSED_PART = 0.8
# So many smaller trainings go ahead of one that waits for memory.
MAX_PASSED = 8

Configs = Mapping[str, Config]


def check_queue(n_jobs: int, limit: int) -> None:
    """Refuse what has to be trained while as many jobs train or wait as may.

    Raises:
        BusyError: they do.
    """
    if n_jobs >= limit:
        raise BusyError(
            f"{n_jobs} runs train or wait on this machine, as many as it takes: try again in a while."
        )


def check_cost(core_seconds: float, trainings: Sequence[Training], settings: Settings) -> None:
    """Refuse what would keep the machine for too long, all in all or in a single step.

    Args:
        core_seconds: What all of the trainings probably cost.
        trainings: What would have to be trained.
        settings: Limits.

    Raises:
        TooCostlyError: it would; what would be admitted is not known here.
    """
    # A step is no shorter for one network alone than guessed from its operations.
    step = max(guessed_seconds(training.flops / len(training.tasks)) for training in trainings)
    if step > settings.step_seconds:
        raise TooCostlyError(
            f"one update would take about {duration(step)}, and may take {duration(settings.step_seconds)}, "
            "for it cannot be cancelled: lower batch_size or the widths in hidden."
        )
    if settings.run_seconds is not None and core_seconds > settings.run_seconds:
        raise TooCostlyError(
            f"{_too_long(core_seconds, settings.run_seconds)}: lower seeds, members or epochs."
        )


def check_bytes(trainings: Sequence[Training], under_way: Sequence[Training], settings: Settings) -> None:
    """Refuse what does not fit into memory, even when everything that is under way has ended.

    Raises:
        TooLargeError: it does not.
    """
    needed = sum(training.needed_bytes for training in trainings)
    alone = max(training.bytes_of_one() for training in trainings)
    most = settings.memory
    if most is None:
        taken = sum(each.needed_bytes * each.fraction for each in under_way if each.is_let_in)
        most = int(free_memory() * USABLE_FRACTION + taken)
    check_memory(needed, most, sum(len(training.tasks) for training in trainings), alone)


def let_in(
    in_order: Sequence[Training], under_way: Sequence[Training], settings: Settings
) -> Training | None:
    """Return the first training that has the memory it needs; one that had none before may have it now.

    Whoever needs much is passed by those who need little, yet not for ever.

    Args:
        in_order: Trainings that have a piece to send, the one whose turn it is first.
        under_way: All trainings that have not ended.
        settings: Limits.
    """
    passed: list[Training] = []
    for training in in_order:
        is_blocked = any(other.n_passed >= MAX_PASSED for other in passed)
        if training.is_let_in or not is_blocked and _fits(training, under_way, settings):
            if not training.is_let_in:
                for other in passed:
                    other.n_passed += 1
            training.is_let_in = True
            return training
        passed.append(training)
    if passed and not any(training.is_let_in for training in under_way):
        # Others than runs took the memory since it was looked at: nobody would ever give it back.
        passed[0].is_let_in = True
        return passed[0]
    return None


def _fits(training: Training, under_way: Sequence[Training], settings: Settings) -> bool:
    if any(job.is_recall for job in training.jobs):
        return True  # Its page stands still until it is done.
    inside = [each for each in under_way if each.is_let_in]
    if settings.memory is not None:
        free = settings.memory - sum(each.needed_bytes for each in inside)
    else:
        promised = sum(each.needed_bytes * (1 - each.fraction) for each in inside)
        free = int(free_memory() * USABLE_FRACTION - promised)
    return training.needed_bytes <= free


def with_proposal(
    refused: TooCostlyError, configs: Configs, cost: Callable[[Configs], float], limit: float | None
) -> TooCostlyError:
    """Return the refusal with the largest smaller run that would be admitted, if there is one.

    Args:
        refused: Why the run was refused.
        configs: The run.
        cost: Core-seconds that a run probably costs.
        limit: Those that one may cost.
    """
    if limit is None or (core_seconds := cost(configs)) <= limit:
        return refused
    proposal = _smaller(configs, lambda changes: cost(_capped(configs, changes)) <= PROPOSED_PART * limit)
    if not proposal:
        return refused
    changed = " and ".join(f"{name}={value}" for name, value in proposal.items())
    admitted = duration(cost(_capped(configs, proposal)))
    return TooCostlyError(
        f"{_too_long(core_seconds, limit)}: {changed} would take about {admitted}.", proposal
    )


def _smaller(configs: Configs, is_admitted: Callable[[Mapping[str, int]], bool]) -> dict[str, int]:
    """Return the changes that lose least: fewer seeds, else fewer members as well, else fewer epochs."""
    changes: dict[str, int] = {}
    for name, smallest in SMALLEST.items():
        largest = max((getattr(config, name) for config in configs.values()), default=0)
        if largest <= smallest:
            continue
        if is_admitted({**changes, name: smallest}):
            return {**changes, name: _largest(smallest, largest, name, changes, is_admitted)}
        changes[name] = smallest
    return {}


def _largest(
    low: int,
    high: int,
    name: str,
    changes: Mapping[str, int],
    is_admitted: Callable[[Mapping[str, int]], bool],
) -> int:
    """Return the largest value that is admitted; `low` is, `high` is not."""
    while high - low > 1:
        middle = (low + high) // 2
        if is_admitted({**changes, name: middle}):
            low = middle
        else:
            high = middle
    return low


def _capped(configs: Configs, changes: Mapping[str, int]) -> dict[str, Config]:
    return {name: config.replace(**dict(_lower(config, changes))) for name, config in configs.items()}


def _lower(config: Config, changes: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    for name, value in changes.items():
        yield name, min(getattr(config, name), value)


def _too_long(core_seconds: float, limit: float) -> str:
    needed, allowed = duration(core_seconds), duration(limit)
    return f"this run would keep a core for about {needed}, and may keep it for {allowed}"
