"""What is kept, and what has to go."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from regcore.engine.shard import ShardState
from regcore.execution.cache import OBJECT_BYTES, Trained, TrainedCache
from regcore.execution.recorder import weights_of
from regcore.results import Recording

# Bytes of a training of one epoch.
ONE = OBJECT_BYTES + 96


def trained(n_epochs: int, **probes: int) -> Trained:
    """Return a training of 96 bytes an epoch beside its objects, and 8 for each number of a probe."""
    values = {key: {1: (np.zeros(n),)} for key, n in probes.items()}
    return Trained(Recording("key", np.zeros((n_epochs, 12))), probes=values)


def test_weights_are_counted_once():
    state = ShardState(1, (np.zeros((1, 2, 3)),), (np.zeros((1, 1, 3)),), (np.zeros((1, 2, 3)),), np.zeros(1))
    recording = Recording("key", np.zeros((1, 12)), checkpoints={1: weights_of(state)})
    assert Trained(recording, {1: state}).nbytes == ONE + 8 * (6 + 3 + 6 + 1) + recording.output_epochs.nbytes


def test_the_least_recently_used_goes_first():
    cache = TrainedCache(3 * ONE)
    for key in "abc":
        cache.put(key, trained(1))
    cache.get("a")
    cache.put("d", trained(1))
    assert [key for key in "abcd" if cache.get(key) is not None] == ["a", "c", "d"]
    assert cache.nbytes == 3 * ONE


def test_what_is_larger_than_the_cache_is_not_kept():
    cache = TrainedCache(ONE + 96)
    cache.put("small", trained(1))
    cache.put("large", trained(6))
    assert cache.get("large") is None
    assert cache.nbytes <= ONE + 96


def test_an_entry_that_is_replaced_is_counted_once():
    cache = TrainedCache(3 * ONE)
    cache.put("a", trained(1))
    cache.put("a", trained(2))
    assert (len(cache), cache.nbytes) == (1, ONE + 96)


def test_a_training_is_found_for_the_probes_it_recorded():
    cache = TrainedCache(10_000)
    cache.put("a", trained(1, grid=2))
    assert cache.get("a") is not None
    assert cache.get("a", frozenset({"grid"})) is not None
    assert cache.get("a", frozenset({"grid", "weights"})) is None
    cache.put("a", trained(1, weights=3))
    assert cache.get("a", frozenset({"grid", "weights"})) is not None
    assert cache.nbytes == ONE + 8 * 5


def test_clear_drops_everything():
    cache = TrainedCache(3 * ONE)
    cache.put("a", trained(1))
    cache.clear()
    assert (len(cache), cache.nbytes, cache.get("a")) == (0, 0, None)


def test_the_bound_holds_under_threads():
    cache = TrainedCache(10 * ONE)

    def use(worker: int) -> None:
        for turn in range(300):
            cache.put(f"{worker} {turn % 7}", trained(1 + turn % 3))
            cache.get(f"{turn % 4} {turn % 7}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(4)))
    entries = [kept for w in range(4) for t in range(7) if (kept := cache.get(f"{w} {t}")) is not None]
    assert cache.nbytes == sum(kept.nbytes for kept in entries) <= 10 * ONE


def test_what_had_to_go_is_found_while_somebody_holds_it():
    cache = TrainedCache(ONE)
    cache.put("a", held := trained(1))
    cache.put("b", trained(1))
    assert cache.get("a") is held
    assert (cache.get("b"), cache.nbytes) == (None, ONE)
