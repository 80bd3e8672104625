"""What is kept within a number of bytes, and what goes first."""

import random
from collections import Counter

import pytest

from regcore.segmented import Segmented


def test_what_was_asked_for_once_drives_out_nothing_that_was_asked_for_again():
    kept = Segmented(10)
    for key in "ab":
        kept.put(key, key, 1)
        assert kept.get(key) == key
    for key in range(100):
        kept.put(key, key, 1)

    assert list(kept) == [*range(92, 100), "a", "b"]


def test_of_each_the_oldest_goes_first():
    kept = Segmented(4)
    for key in "abcd":
        kept.put(key, key, 1)
    kept.get("a")
    kept.get("b")
    kept.get("a")
    kept.put("e", "e", 1)
    assert sorted(kept) == ["a", "b", "d", "e"]

    # Two thirds are for what was asked for again: "b" is the oldest of them.
    kept.get("d")
    kept.get("e")
    kept.put("f", "f", 1)
    assert sorted(kept) == ["a", "d", "e", "f"]


def test_who_looks_asks_for_nothing():
    kept = Segmented(2)
    kept.put("a", "a", 1)
    assert kept.look("a") == "a"
    for key in "bc":
        kept.put(key, key, 1)
    assert kept.look("a") is None is kept.get("a")


def test_what_is_larger_than_all_of_it_goes_at_once_and_drives_out_nothing():
    gone = []
    kept = Segmented(4, lambda key, value: gone.append((key, value)))
    kept.put("a", 1, 3)
    kept.put("a large one", 2, 5)
    assert (list(kept), gone) == (["a"], [("a large one", 2)])

    kept.put("a", 3, 9)
    assert (list(kept), kept.nbytes, gone[1:]) == ([], 0, [("a", 3)])


@pytest.mark.parametrize("seed", range(5))
def test_bytes_are_those_of_what_is_held_and_whatever_goes_is_told(seed):
    chance, gone, put = random.Random(seed), Counter(), {}
    kept = Segmented(50, lambda key, value: gone.update([value]))
    for at in range(2000):
        key = chance.randrange(30)
        if chance.random() < 0.4:
            kept.get(key)
        elif chance.random() < 0.05:
            kept.pop(key)
        else:
            put[at] = chance.randrange(12)
            kept.put(key, at, put[at])
        held = [kept.look(each) for each in kept]
        assert kept.nbytes == sum(put[each] for each in held) <= 50
        assert not gone.keys() & set(held)
    assert max(gone.values()) == 1
