"""The keeper: what pages hand over is written behind their back, now or when the database is back."""

import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from regcore.errors import StoreError
from regcore.store import Arrangement, Keeper, Placed, Write, arranging, keeper, own_keeper

# A test that waits this long hangs.
PATIENCE = 30.0


class FakeStore:
    """A store that remembers what was written, and can be taken away."""

    def __init__(self):
        self.written = []
        self.problem = None
        self.tries = 0
        self.transactions = []
        self.settled = []
        self.database = SimpleNamespace(
            n_new=0, address="nowhere", close=lambda: None, writing=self.writing, settle=self.settle
        )

    @contextmanager
    def writing(self):
        before = list(self.written)
        try:
            yield
        except BaseException:
            self.written[:] = before
            raise
        self.transactions.append(len(self.written) - len(before))

    def settle(self):
        self.settled.append(list(self.written))
        self.check()
        return True

    def put(self, desk, *change):
        self.check()
        self.written.append((desk, change))

    def check(self):
        self.tries += 1
        if self.problem:
            raise StoreError(self.problem)


@pytest.fixture
def store():
    return FakeStore()


@pytest.fixture
def kept_by(store):
    keeper = Keeper(store, first_pause=0.01)
    yield keeper
    keeper.close()


def write(what, n_bytes=0):
    def apply(store):
        store.check()
        store.written.append(what)

    return Write(apply, n_bytes)


def put(kept_by, *whats):
    for what in whats:
        kept_by.put(lambda what=what: write(what))


def held_up(kept_by):
    """Hold up the keeper, until the event that is returned is set."""
    goes_on = threading.Event()
    kept_by.put(lambda: goes_on.wait(PATIENCE) and None)
    return goes_on


def is_away(kept_by):
    """Wait until the keeper has found the database away."""
    kept_by.flush(PATIENCE)
    return kept_by.status().problem is not None


def test_what_is_handed_over_is_written_in_order(store, kept_by):
    put(kept_by, *range(100))

    assert kept_by.flush(PATIENCE)
    assert store.written == list(range(100))
    assert kept_by.status() == (None, 0)


def settled(store, *whats):
    for _ in range(3000):
        if store.settled and store.settled[-1] == list(whats):
            return True
        threading.Event().wait(0.01)
    return False


def test_what_is_written_is_settled_later(store, kept_by, monkeypatch):
    monkeypatch.setattr(keeper, "SECONDS_TO_SETTLE", 0.01)
    put(kept_by, "a")
    assert settled(store, "a")
    put(kept_by, "b")
    assert settled(store, "a", "b")


@pytest.mark.parametrize("answer", [False, StoreError("away")], ids=["in part", "away"])
def test_what_has_not_settled_is_tried_again_though_nobody_writes(store, kept_by, monkeypatch, answer):
    monkeypatch.setattr(keeper, "SECONDS_TO_SETTLE", 0.01)
    tries, is_done = [], threading.Event()

    def settle():
        tries.append(1)
        if len(tries) == 3:
            is_done.set()
            return True
        if isinstance(answer, StoreError):
            raise answer
        return answer

    store.database.settle = settle
    put(kept_by, "a")
    assert is_done.wait(PATIENCE)
    assert kept_by.status().problem is None
    assert kept_by.flush(PATIENCE)


def test_what_settles_ends_with_the_keeper_and_the_last_is_settled(store):
    kept_by = Keeper(store)
    put(kept_by, "a")
    assert kept_by.flush(PATIENCE)
    settling = kept_by._settler
    kept_by.close()
    assert not settling.is_alive()
    assert store.settled == [["a"]]


def test_who_hands_over_does_not_wait_for_the_database(store, kept_by):
    is_free = threading.Event()
    kept_by.put(lambda: Write(lambda store: is_free.wait(PATIENCE) and None))
    put(kept_by, "later")

    assert not kept_by.flush(0.05)
    assert kept_by.status() == (None, 2)

    is_free.set()
    assert kept_by.flush(PATIENCE)
    assert store.written == ["later"]


def test_who_waits_for_a_change_does_not_wait_for_later_transactions(store, kept_by, monkeypatch):
    monkeypatch.setattr("regcore.store.keeper.WRITES_TOGETHER", 2)
    is_free = threading.Event()
    goes_on = held_up(kept_by)
    put(kept_by, "earlier")
    mine = kept_by.put(lambda: write("mine"))
    kept_by.put(lambda: Write(lambda store: is_free.wait(PATIENCE) and None))
    later = kept_by.put(lambda: write("later"))
    goes_on.set()

    assert kept_by.flush(PATIENCE, mine)
    assert store.written == ["earlier", "mine"]
    assert not kept_by.flush(0.01, later)
    is_free.set()
    assert kept_by.flush(PATIENCE, later)
    assert store.written == ["earlier", "mine", "later"]


def test_a_change_that_is_being_made_is_not_written_yet(kept_by):
    is_free = threading.Event()
    mine = kept_by.put(lambda: write("mine") if is_free.wait(PATIENCE) else None)

    assert not kept_by.flush(0.05, mine)

    is_free.set()
    assert kept_by.flush(PATIENCE, mine)


def test_what_cannot_be_written_waits_and_is_written_when_the_database_is_back(store, kept_by):
    store.problem = "the database is locked"
    put(kept_by, 1, 2, 3)

    assert is_away(kept_by)
    # Nobody waits for a database that is known to be away.
    assert kept_by.flush(PATIENCE) is False
    assert kept_by.status() == ("the database is locked", 3)

    store.problem = None
    back(kept_by)
    assert store.written == [1, 2, 3]


def back(kept_by):
    """Wait until the keeper has found that the database is back, and has written everything."""
    with kept_by._changed:
        kept_by._changed.wait_for(lambda: kept_by._problem is None and not kept_by._n_left(), PATIENCE)
    assert kept_by.status() == (None, 0)


def test_sessions_read_and_hand_over_again_when_the_database_was_away(store, kept_by):
    before = kept_by.generation
    store.problem = "away"
    put(kept_by, 1)
    assert is_away(kept_by)
    assert kept_by.generation == before

    store.problem = None
    back(kept_by)
    assert kept_by.generation != before


def test_a_database_that_is_away_is_not_asked_in_vain(store):
    kept_by = Keeper(store, first_pause=1000.0)
    store.problem = "away"
    for _ in range(3):
        with pytest.raises(StoreError, match="^away$"):
            kept_by.read(lambda store: store.check())

    assert store.tries == 1
    kept_by.close()


def test_who_waits_behind_one_that_asked_in_vain_does_not_ask(store):
    kept_by = Keeper(store, first_pause=1000.0)
    is_asked, may_answer = threading.Event(), threading.Event()

    def slow(store):
        is_asked.set()
        may_answer.wait(PATIENCE)
        raise StoreError("away")

    def ask(question):
        with pytest.raises(StoreError):
            kept_by.read(question)

    first = threading.Thread(target=ask, args=(slow,))
    first.start()
    is_asked.wait(PATIENCE)
    others = [threading.Thread(target=ask, args=(lambda store: store.check(),)) for _ in range(3)]
    for other in others:
        other.start()
    may_answer.set()
    for thread in (first, *others):
        thread.join(PATIENCE)

    assert store.tries == 0
    kept_by.close()


def test_it_is_looked_for_while_nothing_waits_to_be_written(store, kept_by):
    store.problem = "away"
    with pytest.raises(StoreError):
        kept_by.read(lambda store: store.check())

    store.problem = None
    back(kept_by)


def test_what_can_be_read_does_not_hide_that_nothing_can_be_written(store, kept_by):
    kept_by = Keeper(store, first_pause=1000.0)
    store.problem = "locked"
    put(kept_by, 1)
    assert is_away(kept_by)
    kept_by._try_again = 0.0

    assert kept_by.read(lambda store: "answer") == "answer"
    assert kept_by.status() == ("locked", 1)
    kept_by.close()


def test_a_fault_of_the_lab_stands_in_nobodys_way_and_is_logged(store, kept_by, caplog):
    def faulty(*_):
        raise ZeroDivisionError

    kept_by.put(faulty)
    kept_by.put(lambda: Write(faulty))
    kept_by.put(lambda: None)
    put(kept_by, "next")

    assert kept_by.flush(PATIENCE)
    assert store.written == ["next"]
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError] * 2


def test_what_waits_is_written_together_in_order(store, kept_by, monkeypatch):
    monkeypatch.setattr("regcore.store.keeper.WRITES_TOGETHER", 3)
    goes_on = held_up(kept_by)
    put(kept_by, *range(5))
    goes_on.set()

    assert kept_by.flush(PATIENCE)
    assert store.written == [0, 1, 2, 3, 4]
    assert store.transactions == [3, 2]


def test_a_fault_takes_nothing_with_it_that_is_written_together_with_it(store, kept_by, caplog):
    def faulty(_):
        raise ZeroDivisionError

    goes_on = held_up(kept_by)
    put(kept_by, "before")
    kept_by.put(lambda: Write(faulty, 7))
    put(kept_by, "after")
    goes_on.set()

    assert kept_by.flush(PATIENCE)
    assert store.written == ["before", "after"]
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]
    assert kept_by._n_bytes == 0


def write_after(errors, what):
    """Return a change that fails with each of these errors, one a try, before it is made."""
    left = list(errors)

    def apply(store):
        if left:
            raise left.pop(0)
        store.written.append(what)

    return Write(apply)


def test_where_the_database_goes_in_the_middle_nothing_is_written_twice_or_not_at_all(store, kept_by):
    goes_on = held_up(kept_by)
    put(kept_by, "before")
    kept_by.put(lambda: write_after([StoreError("away")], "middle"))
    put(kept_by, "after")
    goes_on.set()
    back(kept_by)

    assert store.written == ["before", "middle", "after"]


def test_one_that_cannot_be_written_holds_up_none_before_it(store, kept_by):
    def too_large(_):
        raise StoreError("the disk is full")

    goes_on = held_up(kept_by)
    good = kept_by.put(lambda: write("good"))
    kept_by.put(lambda: Write(too_large))
    put(kept_by, "after")
    goes_on.set()
    with kept_by._changed:
        assert kept_by._changed.wait_for(lambda: not kept_by._is_left(good), PATIENCE)

    assert store.written == ["good"]
    assert kept_by.status().n_waiting == 2


def test_a_transaction_ends_when_others_have_waited_for_long(store, kept_by, monkeypatch):
    monkeypatch.setattr("regcore.store.keeper.SECONDS_TOGETHER", 0.0)
    goes_on = held_up(kept_by)
    put(kept_by, 1, 2, 3)
    goes_on.set()

    assert kept_by.flush(PATIENCE)
    assert store.written == [1, 2, 3]
    assert store.transactions == [1, 1, 1]


def test_while_the_database_is_away_nothing_is_told_to_be_back(store, kept_by, caplog):
    caplog.set_level("WARNING")
    errors = [StoreError("away"), ZeroDivisionError(), StoreError("away")]
    kept_by.put(lambda: write_after(errors, "at last"))
    back(kept_by)

    assert store.written == ["at last"]
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "The store", "The store is back",
    ]  # fmt: skip


def test_where_the_database_goes_beside_a_fault_what_was_not_made_waits(store, kept_by):
    goes_on = held_up(kept_by)
    put(kept_by, "first")
    kept_by.put(lambda: write_after([ZeroDivisionError()] * 2, "never"))
    kept_by.put(lambda: write_after([StoreError("away")], "last"))
    goes_on.set()
    back(kept_by)

    assert store.written == ["first", "last"]


# --- arrangements, which nobody waits for -----------------------------------------------------------------


def arrange(kept_by, desk, *newest, placed=(1, 2, 3)):
    runs = tuple(Placed(f"run {number}", "") for number in placed)
    return kept_by.put(lambda: arranging(Arrangement(desk, runs, newest=newest)))


def written(store):
    """Return what was written: of arrangements, the desk and which runs have become its newest."""
    return [what if isinstance(what, str) else (what[0], *what[1][-1]) for what in store.written]


@pytest.fixture
def patient(monkeypatch):
    """Have arrangements wait for others for longer than any test."""
    monkeypatch.setattr("regcore.store.keeper.SECONDS_FOR_OTHERS", 1000.0)


def is_idle(kept_by):
    """Wait until the keeper has taken all that was put."""
    with kept_by._changed:
        return kept_by._changed.wait_for(lambda: not kept_by._made and kept_by._in_hand is None, PATIENCE)


def test_arrangements_wait_and_are_written_with_what_somebody_waits_for(store, kept_by, patient):
    arrange(kept_by, "mine", "run 1")
    arrange(kept_by, "yours", "run 2")
    assert is_idle(kept_by)
    # They are late for nobody.
    assert (store.transactions, kept_by.status()) == ([], (None, 0))

    kept_by.put(lambda: write("a run"))
    with kept_by._changed:
        kept_by._changed.wait_for(lambda: not kept_by._n_left(), PATIENCE)

    assert written(store) == [("mine", "run 1"), ("yours", "run 2"), "a run"]
    assert store.transactions == [3]


def test_an_arrangement_that_somebody_waits_for_is_written_at_once(store, kept_by, patient):
    arrange(kept_by, "mine", "run 1")
    number = arrange(kept_by, "yours", "run 2")
    assert is_idle(kept_by)

    assert kept_by.flush(PATIENCE, number)
    assert store.transactions == [2]


def test_an_arrangement_that_nobody_waits_for_is_written_in_a_moment(store, kept_by, monkeypatch):
    monkeypatch.setattr("regcore.store.keeper.SECONDS_FOR_OTHERS", 0.01)
    arrange(kept_by, "mine", "run 1")
    back(kept_by)

    assert written(store) == [("mine", "run 1")]


def test_several_arrangements_of_a_desk_make_one_and_those_of_others_stay(store, kept_by, patient):
    for newest in ("run 1", "run 2", "run 1"):
        arrange(kept_by, "mine", newest)
        arrange(kept_by, "yours", "run 3")

    assert kept_by.flush(PATIENCE)
    assert written(store) == [("mine", "run 2", "run 1"), ("yours", "run 3")]


def test_who_waits_for_an_arrangement_that_was_joined_waits_for_all_of_it(store, kept_by, patient):
    arrange(kept_by, "mine", "run 1")
    number = arrange(kept_by, "mine", "run 2")

    assert kept_by.flush(PATIENCE, number)
    assert written(store) == [("mine", "run 1", "run 2")]


def test_no_arrangement_is_made_before_a_run_that_it_came_after(store, kept_by):
    goes_on = held_up(kept_by)
    arrange(kept_by, "mine", "run 1")
    put(kept_by, "a run")
    arrange(kept_by, "mine", "run 2")
    goes_on.set()

    assert kept_by.flush(PATIENCE)
    assert written(store) == [("mine", "run 1"), "a run", ("mine", "run 2")]


def test_what_does_not_come_to_the_same_in_one_is_written_in_two(store, kept_by, patient):
    arrange(kept_by, "mine", "run 1")
    arrange(kept_by, "mine", "run 2", placed=(1, 2, 3, 4))

    assert kept_by.flush(PATIENCE)
    assert written(store) == [("mine", "run 1"), ("mine", "run 2")]


def test_arrangements_that_wait_are_written_when_the_server_ends(store, patient):
    kept_by = Keeper(store)
    arrange(kept_by, "mine", "run 1")

    kept_by.close(PATIENCE)

    assert written(store) == [("mine", "run 1")]


def test_arrangements_wait_for_a_database_that_is_away_and_are_told(store, kept_by, patient):
    store.problem = "away"
    assert not kept_by.flush(PATIENCE, arrange(kept_by, "mine", "run 1"))
    arrange(kept_by, "yours", "run 2")
    assert is_idle(kept_by)
    assert kept_by.status() == ("away", 2)

    # Whoever waits now is told at once that it is away, and has it written when it is back.
    assert not kept_by.flush(PATIENCE)
    store.problem = None
    back(kept_by)
    assert written(store) == [("mine", "run 1"), ("yours", "run 2")]


@pytest.mark.parametrize(("max_writes", "n_bytes"), [(3, 0), (1000, 1)])
def test_what_waits_is_bounded_and_sessions_hand_it_over_again(store, monkeypatch, max_writes, n_bytes):
    monkeypatch.setattr("regcore.store.keeper.MAX_WRITES", max_writes)
    kept_by = Keeper(store, first_pause=0.01, max_bytes=3)
    store.problem = "away"
    before = kept_by.generation
    for what in range(5):
        kept_by.put(lambda what=what: write(what, n_bytes))
    with kept_by._changed:
        kept_by._changed.wait_for(lambda: not kept_by._made and kept_by._in_hand is None, PATIENCE)

    assert kept_by.status().n_waiting == 3
    assert kept_by.generation != before

    store.problem = None
    back(kept_by)
    assert store.written == [2, 3, 4]
    kept_by.close()


def test_the_clock_of_the_day_decides_nothing(store, kept_by, monkeypatch):
    monkeypatch.setattr("time.time", lambda: -1e9)
    store.problem = "away"
    put(kept_by, 1)
    assert is_away(kept_by)

    store.problem = None
    back(kept_by)
    assert store.written == [1]


def test_a_server_that_ends_writes_what_it_was_given(store):
    kept_by = Keeper(store)
    put(kept_by, *range(10))

    kept_by.close(PATIENCE)

    assert store.written == list(range(10))
    put(kept_by, "too late")
    assert kept_by.status().n_waiting == 1


def test_without_a_database_there_is_no_keeper():
    assert own_keeper() is None
