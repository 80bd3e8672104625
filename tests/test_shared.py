"""What is made of finished runs is made once for all sessions, and of all else by each for itself."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from pages.ui import shared
from pages.ui.shared import Shared
from regcore.config import Config
from regcore.data import load_dataset
from regcore.results import HISTORY_COLUMNS, Recording, Result

CONFIG = Config(data="iris", seeds=2, epochs=3)
MADE: list[object] = []
PLENTY = 10**9


@pytest.fixture(autouse=True)
def nothing_made():
    MADE.clear()


def make(*inputs, **options):
    MADE.append((inputs, options))
    return object()


def make_large(n):
    MADE.append(n)
    return {"y": np.zeros(100_000 // 8)}


def make_huge():
    return np.zeros(1_000_000)


def recordings(n_epochs=3, seeds=2, last=0.0):
    history = np.zeros((n_epochs, len(HISTORY_COLUMNS)))
    history[-1, -1] = last
    return {(seed, 0): Recording("", history) for seed in range(seeds)}


RECORDED = recordings()


def result(config=CONFIG, recorded=RECORDED):
    return Result(config, load_dataset(config), recorded)


def test_results_of_one_configuration_are_the_same_to_all_sessions():
    kept = Shared(PLENTY)

    assert result() != result()
    assert kept.once(make, {"a run": result()}, epochs=3) is kept.once(make, {"a run": result()}, epochs=3)
    assert len(MADE) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"another": result()},
        {"a run": result(CONFIG.replace(l2=0.1))},
        {"a run": result(CONFIG.replace(data_seed=1))},
        {"a run": result(recorded=recordings(last=1e-9))},
        {"a run": result(), "and another": result()},
        [("a run", result())],
    ],
)
def test_what_differs_is_made_anew(other):
    kept = Shared(PLENTY)

    assert kept.once(make, {"a run": result()}) is not kept.once(make, other)


def test_a_key_is_more_than_its_hash(monkeypatch):
    kept = Shared(PLENTY)
    monkeypatch.setattr(Config, "__hash__", lambda self: 7)

    assert kept.once(make, CONFIG) is not kept.once(make, CONFIG.replace(l2=0.1))
    assert kept.once(make, CONFIG) is kept.once(make, CONFIG.replace(l2=0.1).replace(l2=0.0))


def test_what_was_let_go_and_trained_again_is_the_same_to_all():
    kept = Shared(PLENTY)

    assert kept.once(make, result()) is kept.once(make, result(recorded=recordings()))


def test_what_is_let_go_in_the_same_recordings_is_not_what_it_was():
    kept, recorded = Shared(PLENTY), recordings()
    history = np.zeros((3, len(HISTORY_COLUMNS)))
    outputs = {split: np.zeros((1, 4, 1), dtype=np.float32) for split in ("train", "val")}
    recorded[0, 0] = Recording("", history, outputs, np.array([3]))
    before = result(recorded=recorded)
    made = kept.once(make, before)
    recorded[0, 0] = recorded[0, 0].curves_alone()

    assert kept.once(make, before) is not made


@pytest.mark.parametrize("pair", [(1, True), (1, 1.0), ((1,), [1]), (None, 0), ({"a": 1}, {"b": 1})])
def test_what_is_only_equal_in_python_is_made_anew(pair):
    kept = Shared(PLENTY)

    assert kept.once(make, pair[0]) is not kept.once(make, pair[1])


@pytest.mark.parametrize(
    "own",
    [
        result(recorded=recordings(n_epochs=2)),
        {"a run": result(recorded=recordings(seeds=1))},
        np.zeros(3),
        SimpleNamespace(),
    ],
)
def test_what_grows_or_cannot_be_told_apart_stays_with_its_session(own):
    kept = Shared(PLENTY)

    assert kept.once(make, own) is not kept.once(make, own)
    assert len(kept) == 0


def test_functions_of_a_page_or_of_another_function_are_not_kept():
    kept = Shared(PLENTY)
    kept.once(lambda: 1)
    of_page = type(make)(make.__code__, {**make.__globals__, "__name__": "__main__"}, "make")
    kept.once(of_page, 1)

    assert of_page.__module__ == "__main__"
    assert len(kept) == 0


def test_what_was_recorded_is_not_held():
    kept, recorded = Shared(PLENTY), recordings()
    kept.once(make, 1, result(recorded=recorded))
    MADE.clear()
    gone = [weakref.ref(each) for each in recorded.values()]
    del recorded
    gc.collect()

    assert [each() for each in gone] == [None, None]


def test_what_was_asked_for_longest_ago_goes_first():
    kept = Shared(2 * 250_000)
    first = kept.once(make_large, 1)
    second = kept.once(make_large, 2)
    assert kept.once(make_large, 1) is first
    kept.once(make_large, 3)

    assert len(kept) == 2
    assert kept.once(make_large, 1) is first
    assert kept.once(make_large, 2) is not second


def test_what_took_long_does_not_make_way_for_what_did_not():
    ticks = iter((0.0, 1.0, 1.0, 1.01, 2.0, 2.01, 3.0, 3.01))
    kept = Shared(2 * 150_000, clock=lambda: next(ticks))
    dear = kept.once(make_large, 1)
    kept.once(make_large, 2)
    kept.once(make_large, 3)

    assert len(kept) == 2
    assert kept.once(make_large, 1) is dear
    assert len(MADE) == 3


def test_what_is_kept_is_bounded_in_bytes():
    kept = Shared(1_000_000)
    for n in range(100):
        kept.once(make_large, n)
        assert kept.nbytes <= 500_000

    assert len(kept) == 4
    kept.once(make_huge)
    # What is larger than all that may be kept drives out nothing.
    assert len(kept) == 4
    kept.once(make_large, 100)
    assert len(kept) == 4


GOING, GOES_ON = threading.Event(), threading.Event()


def make_slowly(n):
    MADE.append(n)
    GOING.set()
    assert GOES_ON.wait(30)
    if n < 0 and len(MADE) == 1:
        raise KeyboardInterrupt
    return object()


def asked_by_many(n, n_sessions=30):
    """Ask for one thing in many threads, of which all but the first come while it is being made."""
    GOING.clear()
    GOES_ON.clear()
    kept = Shared(PLENTY)
    with ThreadPoolExecutor(n_sessions) as sessions:
        first = sessions.submit(kept.once, make_slowly, n)
        assert GOING.wait(30)
        others = [sessions.submit(kept.once, make_slowly, n) for _ in range(n_sessions - 1)]
        GOES_ON.set()
    return first, others


def test_thirty_who_ask_at_once_have_it_made_once():
    first, others = asked_by_many(1)

    assert {id(each.result()) for each in others} == {id(first.result())}
    assert MADE == [1]


def test_who_is_interrupted_leaves_the_others_to_make_it():
    first, others = asked_by_many(-1, 3)

    with pytest.raises(KeyboardInterrupt):
        first.result()
    assert all(type(each.result()) is object for each in others)


def test_who_waits_for_another_makes_way_when_a_knob_moves(monkeypatch):
    class MovedError(Exception):
        pass

    def moved():
        raise MovedError

    GOING.clear()
    GOES_ON.clear()
    kept = Shared(PLENTY)
    with ThreadPoolExecutor(2) as sessions:
        first = sessions.submit(kept.once, make_slowly, 5)
        assert GOING.wait(30)
        monkeypatch.setattr(shared, "_make_way", moved)
        with pytest.raises(MovedError):
            kept.once(make_slowly, 5)
        GOES_ON.set()
        assert type(first.result()) is object


def test_pages_share_one():
    shared.of_all_sessions.cache_clear()

    assert shared.once(make, 7) is shared.kept_of("seven", make, 7) is shared.once(make, 7)
    assert shared.of_all_sessions().nbytes > 0


@pytest.mark.parametrize(("key", "n_made"), [("a key", 1), (None, 2)])
def test_what_a_session_follows_is_shared_by_its_key(key, n_made):
    class Followed:
        def shared_key(self):
            return key

    kept = Shared(PLENTY)
    for _ in range(2):
        kept.once(make, Followed(), 7)

    assert len(MADE) == n_made
