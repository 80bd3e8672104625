"""The store, in SQLite and in a real PostgreSQL: what is kept comes back, and what has no room goes."""

import os
import random
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url

from pages.ui import desk as desk_of_pages
from regcore.config import Config
from regcore.errors import StoreError
from regcore.opening import Flattery, OpenedRun, Opening
from regcore.statistics import PairedDifference
from regcore.store import Arrangement, Desk, Placed, Seen, Store, arranging, schema, stop_keeper, store
from regcore.store.database import Database
from regcore.store.packing import pack
from tests.postgres import NoPostgreSQL, postgresql
from tests.store_runs import CURVES, PLENTY, SCORES, names, placed, put, run
from tests.test_pages_desk import VISITOR, all_written, page
from tests.test_pages_shelf import eyes

VERSION_1 = Path(__file__).with_name("store_version_1.sql")


@pytest.fixture(scope="module")
def server():
    """Give one PostgreSQL for all tests of this file."""
    try:
        with postgresql() as running:
            yield running
    except NoPostgreSQL as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason} (CI=true, so this is a failure)", pytrace=False)
        pytest.skip(str(reason))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Give the URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'lab.sqlite'}"
    server = request.getfixturevalue("server")
    execute(server.url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    return server.url


def execute(url, *statements):
    """Change a database behind the lab's back."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg") if url[0] == "p" else url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def opened(url):
    """Return a function that opens a store of this database, as another server would."""
    stores = []

    def opened(max_bytes=PLENTY, desk_days=90, patience=2.0):
        stores.append(Store(Database(url, patience), max_bytes, desk_days))
        return stores[-1]

    yield opened
    for each in stores:
        each.database.close()


# --- what is kept ------------------------------------------------------------------------------------------


def test_a_run_comes_back_to_the_last_bit(opened):
    history = pack({"epoch": np.arange(1, 4), "val_loss": np.array([1 / 3, np.nan, 5e-324])})
    mine = Placed(run(1).key, "große Gewichte", 4, is_pinned=True, is_visible=False)
    opened().put("mine", [mine], [run(1, history=history)], hidden=frozenset({"baseline"}))

    found = opened()
    (kept,) = found.desk("mine").kept

    assert kept.placed == mine
    assert kept.run._replace(scores=None, curves=None) == run(1)._replace(scores=None, curves=None)
    assert repr(kept.run.scores) == repr(SCORES)
    for name, values in CURVES["loss"].items():
        np.testing.assert_array_equal(kept.run.curves["loss"][name], values, strict=True)
    assert found.desk("mine").hidden == {"baseline"}
    pd.testing.assert_frame_equal(
        found.history(run(1).key),
        pd.DataFrame({"epoch": [1, 2, 3], "val_loss": [1 / 3, np.nan, 5e-324]}),
        check_exact=True,
    )


def test_nobody_sees_the_desk_of_another(opened):
    put(opened(), 1)

    assert opened().desk("yours") == Desk()


def test_runs_come_back_in_the_order_in_which_they_were_put(opened):
    kept = opened()
    put(kept, 1, 2)
    put(kept, 1, 2, 3)
    assert names(opened()) == ["run 1", "run 2", "run 3"]

    kept.put("mine", [placed(2), placed(3), placed(1)], newest=[run(1).key])
    assert names(opened()) == ["run 2", "run 3", "run 1"]


def test_a_run_of_two_visitors_is_kept_once_and_each_calls_it_as_they_like(opened, url):
    put(opened(), 1, name="mine")
    put(opened(), 1, name="yours", desk="yours")

    assert (names(opened()), names(opened(), "yours")) == (["mine"], ["yours"])
    with opened().database.reading() as connection:
        assert connection.execute(schema.runs.select()).all()[1:] == []


def test_a_run_that_is_removed_stays_away_and_those_of_another_tab_stay(opened):
    kept = opened()
    put(kept, 1, 2, 3)
    kept.put("mine", [placed(3)], removed=[run(1).key])

    assert names(opened()) == ["run 2", "run 3"]


def test_order_does_not_depend_on_the_clock(opened, monkeypatch):
    kept = opened()
    for number, today in enumerate(["2026-11-28", "2026-11-27", "1970-01-01"], 1):
        monkeypatch.setattr(store, "_today", lambda today=today: today)
        put(kept, number)

    assert names(kept) == ["run 1", "run 2", "run 3"]


def standing(kept, desk):
    """Return how runs stand on a desk, and what is hidden there."""
    found = kept.desk(desk)
    return [each.placed for each in found.kept], found.hidden


def an_arrangement(dice, desk):
    """Return any arrangement of six runs."""

    def some(of, most):
        return dice.sample(of, dice.randint(0, most))

    numbers = range(1, 7)
    runs = tuple(placed(number, colour=dice.randint(0, 5)) for number in some(numbers, 6))
    removed = frozenset(run(number).key for number in some(numbers, 2))
    hidden = dice.choice([None, frozenset({"baseline"}), frozenset()])
    return Arrangement(desk, runs, removed, hidden, tuple(run(number).key for number in some(numbers, 2)))


def test_arrangements_joined_come_to_the_same_as_one_after_the_other(opened):
    dice, kept, n_joined = random.Random(0), opened(), 0
    put(kept, 1, 2, 3, 4, 5, 6)

    def begin(desk):
        kept.put(desk, [placed(1), placed(2), placed(3), placed(4)], hidden=frozenset({"this run"}))

    for at in range(150):
        first, second = an_arrangement(dice, f"apart {at}"), an_arrangement(dice, f"apart {at}")
        both = first.then(second)
        if both is None:
            continue
        n_joined += 1
        begin(first.desk)
        arranging(first).apply(kept)
        arranging(second).apply(kept)
        begin("joined")
        arranging(both._replace(desk="joined")).apply(kept)
        assert standing(kept, "joined") == standing(kept, first.desk)
        kept.put("joined", removed=[run(number).key for number in range(1, 7)])
    assert n_joined > 10


def test_a_run_keeps_what_it_was_held_against(opened):
    opened().put("mine", [placed(2, baseline=run(1).key), placed(3)], [run(1), run(2), run(3)])

    assert [kept.baseline and kept.baseline.key for kept in opened().desk("mine").kept] == [run(1).key, None]


def test_several_servers_begin_with_the_same_new_database(opened):
    stores = [opened(patience=30.0) for _ in range(4)]
    with ThreadPoolExecutor(len(stores)) as servers:
        list(servers.map(put, stores, range(4)))

    assert sorted(names(opened())) == ["run 0", "run 1", "run 2", "run 3"]


# --- what it asks of the database --------------------------------------------------------------------------


@pytest.fixture
def statements():
    """Give what is asked of databases, without the beginnings of transactions, as it is asked."""
    asked = []

    def listen(connection, cursor, statement, parameters, context, executemany):
        if not statement.startswith(("BEGIN", "SET LOCAL")):
            asked.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    yield asked
    event.remove(Engine, "before_cursor_execute", listen)


def verbs(statements):
    return [" ".join(statement.split()[:3]).replace(" SET", "") for statement in statements]


def test_another_order_of_a_desk_takes_four_statements_and_reads_nothing(opened, statements):
    kept = opened()
    put(kept, 1, 2, 3)
    statements.clear()

    kept.put("mine", [placed(2), placed(3), placed(1)], newest=[run(1).key])

    assert verbs(statements) == [
        "UPDATE regcore_state", "UPDATE regcore_desks", "INSERT INTO regcore_placed", "UPDATE regcore_placed",
    ]  # fmt: skip


def test_a_run_that_is_kept_already_is_not_packed_again(opened, monkeypatch):
    put(opened(), 1)
    monkeypatch.setattr(store, "pack", lambda columns: pytest.fail("packed again"))

    put(opened(), 1, desk="yours")

    assert names(opened(), "yours") == ["run 1"]


def test_nothing_is_built_anew_for_a_write_like_one_before(opened, monkeypatch):
    kept = opened()
    put(kept, 1, 2, 3)
    with monkeypatch.context() as patched:
        for built in ("select", "update", "delete"):
            patched.setattr(store, built, lambda *_: pytest.fail("built anew"))
        put(kept, 2, 3, 4)
        kept.put("mine", [placed(2), placed(3), placed(4)], removed=[run(1).key], newest=[run(2).key])

    assert names(kept) == ["run 3", "run 4", "run 2"]


def test_experiments_of_a_desk_are_told_without_what_came_of_them(opened, statements, monkeypatch):
    put(opened(), 1, 2)
    put(opened(), 3, desk="yours")
    monkeypatch.setattr(store, "unpack", lambda packed: pytest.fail("unpacked"))

    assert opened().configs("mine") == {run(1).config, run(2).config}
    assert "curves" not in statements[-1]


# --- what goes ---------------------------------------------------------------------------------------------


def n_bytes_of_a_run(kept):
    with kept.database.reading() as connection:
        return connection.execute(schema.runs.select()).first().n_bytes


def test_the_oldest_unpinned_go_where_there_is_no_room_for_all(opened):
    kept = opened()
    put(kept, 1, is_pinned=True)
    put(kept, 2, 3, 4)

    small = opened(max_bytes=3 * n_bytes_of_a_run(kept))
    put(small, 5)

    assert names(small) == ["run 1", "run 4", "run 5"]


def test_a_pinned_comparison_keeps_its_baseline(opened):
    kept = opened()
    kept.put("mine", [placed(2, is_pinned=True, baseline=run(1).key)], [run(1), run(2)])

    small = opened(max_bytes=3 * n_bytes_of_a_run(kept))
    put(small, 3, 4)

    assert names(small) == ["run 2", "run 4"]
    assert small.desk("mine").kept[0].baseline.key == run(1).key


def test_what_is_on_no_desk_goes_first(opened):
    kept = opened()
    put(kept, 1, 2)
    kept.put("mine", removed=[run(2).key])

    small = opened(max_bytes=2 * n_bytes_of_a_run(kept))
    put(small, 3)

    assert names(small) == ["run 1", "run 3"]


def test_a_desk_keeps_so_many_runs_and_no_more(opened, monkeypatch):
    monkeypatch.setattr(store, "RUNS_OF_DESK", 3)
    kept = opened()
    for number in range(1, 6):
        put(kept, number)

    assert names(kept) == ["run 3", "run 4", "run 5"]


def test_a_desk_goes_when_nobody_came_back_on_so_many_days_of_use(opened, monkeypatch):
    kept = opened(desk_days=2)
    put(kept, 1)
    for day in range(1, 4):
        monkeypatch.setattr(store, "_today", lambda day=day: f"2026-12-0{day}")
        assert names(kept) == ["run 1"]
        put(kept, 2, desk="yours")

    assert names(kept) == []


def test_a_clock_that_jumps_by_years_is_one_day_of_use(opened, monkeypatch):
    kept = opened(desk_days=2)
    put(kept, 1)
    for today in ("2099-01-01", "2001-01-01"):
        monkeypatch.setattr(store, "_today", lambda today=today: today)
        put(kept, 2, desk="yours")

    assert names(kept) == ["run 1"]


def test_desks_are_bounded_in_number(opened, monkeypatch):
    monkeypatch.setattr(store, "DESKS", 2)
    kept = opened()
    for desk in ("first", "second", "third"):
        put(kept, 1, desk=desk)

    assert [names(kept, desk) for desk in ("first", "second", "third")] == [[], ["run 1"], ["run 1"]]


# --- openings of the test ----------------------------------------------------------------------------------


def seen(identity):
    difference = PairedDifference(0.1 + 0.2, float("nan"), 0.5, 1, 0, 2, "worse")
    flattery = Flattery("error", 0.1, 0.25, float("nan"), None, "labels are not alike")
    opened = OpenedRun(
        "this run", "iris", Config(data="iris", hidden=(4, 5)), *"abc", 38, 0.25, 0.5, (flattery,) * 2
    )
    return Seen(identity, 1.5e9 + 0.1, Opening((opened, opened), difference))


def test_an_opening_comes_back_to_the_last_bit(opened):
    opened().put_opening("mine", seen("one"))

    assert repr(opened().openings("mine")) == repr((seen("one")._replace(number=1),))


def test_an_opening_counts_once_however_often_it_is_handed_over(opened):
    kept = opened()
    for identity in ("one", "two", "one", "three"):
        kept.put_opening("mine", seen(identity))

    found = opened().openings("mine")
    assert [(each.identity, each.number) for each in found] == [("one", 1), ("two", 2), ("three", 3)]
    assert opened().openings("yours") == ()


def test_the_latest_openings_are_kept_and_all_are_counted(opened, monkeypatch):
    monkeypatch.setattr(store, "OPENINGS_OF_DESK", 2)
    kept = opened()
    for identity in ("one", "two", "three", "four"):
        kept.put_opening("mine", seen(identity))

    assert [each.number for each in kept.openings("mine")] == [3, 4]


def test_an_opening_that_cannot_be_read_is_left_out_and_counted(opened, url, caplog):
    for identity in ("one", "two"):
        opened().put_opening("mine", seen(identity))
    execute(url, "UPDATE regcore_openings SET opening = '{}' WHERE identity = 'one'")

    assert [each.number for each in opened().openings("mine")] == [2]
    assert "An opening that was kept is left out" in caplog.text


# --- versions ----------------------------------------------------------------------------------------------


def version_1(url):
    """Make a database as it was in version 1, with one run on one desk."""
    statements = VERSION_1.read_text(encoding="utf-8")
    if url.startswith("postgresql"):
        statements = re.sub(r"X'([0-9A-F]+)'", r"'\\x\1'", statements.replace("BLOB", "BYTEA"))
        statements = statements.replace(",3,1,0,1000", ",3,true,false,1000")
    # A colon would be taken for the name of a parameter.
    execute(url, *filter(str.strip, statements.replace(":", "\\:").split(";\n")))


def test_an_older_database_is_upgraded_and_has_what_it_had(opened, url, caplog):
    version_1(url)

    (kept,) = opened().desk("mine").kept
    assert kept.placed == Placed(kept.run.key, "from version 1", 3, is_pinned=True, is_visible=False)
    assert kept.run.config == Config(data="iris", l2=0.001, seeds=2)
    assert "upgraded to version 2: baselines of runs, and openings of the test" in caplog.text

    opened().put_opening("mine", seen("one"))
    opened().put("mine", [placed(2, baseline=kept.run.key)], [run(2)])
    assert opened().desk("mine").kept[1].baseline.key == kept.run.key
    assert len(opened().openings("mine")) == 1


def test_an_upgrade_that_fails_leaves_all_as_it_was(opened, url, monkeypatch):
    version_1(url)
    step = schema.UPGRADES[1]

    def broken(connection):
        step.apply(connection)
        raise ZeroDivisionError

    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setitem(schema.UPGRADES, 1, step._replace(apply=broken))
        opened().desk("mine")

    assert names(opened()) == ["from version 1"]


def test_a_database_from_which_no_step_leads_is_refused_by_name(opened, url):
    put(opened(), 1)
    execute(url, "UPDATE regcore_state SET version = 0")

    with pytest.raises(
        StoreError, match="is of version 0, from which this lab has no way to 2: name another"
    ):
        opened().desk("mine")


def test_a_newer_database_is_refused_by_name_and_left_alone(opened, url):
    put(opened(), 1)
    execute(url, "UPDATE regcore_state SET version = 99")

    with pytest.raises(
        StoreError, match=r"^the database .* was written by a newer lab \(version 99, this one"
    ):
        opened().desk("mine")

    execute(url, f"UPDATE regcore_state SET version = {schema.VERSION}")
    assert names(opened()) == ["run 1"]


def test_a_database_of_something_else_is_refused_and_left_alone(opened, url):
    execute(url, "CREATE TABLE regcore_runs (id INTEGER)", "INSERT INTO regcore_runs VALUES (7)")

    with pytest.raises(StoreError, match="has tables of something else, so nothing is written to it"):
        put(opened(), 1)


# --- faults of PostgreSQL; those of SQLite are in test_store_faults ----------------------------------------


def engine_of(url):
    return create_engine(make_url(url).set(drivername="postgresql+psycopg"))


@pytest.fixture
def of_postgresql(server):
    execute(server.url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    kept = Store(Database(server.url, patience=0.2), PLENTY, 90)
    put(kept, 1)
    yield kept
    kept.database.close()


def test_a_server_that_is_gone_and_back_has_what_it_had(server, of_postgresql):
    server.stop()
    try:
        with pytest.raises(StoreError, match=r"^the database \(PostgreSQL\) cannot be reached$"):
            put(of_postgresql, 2)
        with pytest.raises(StoreError, match="cannot be reached"):
            of_postgresql.desk("mine")
    finally:
        server.start()
    put(of_postgresql, 2)

    assert names(of_postgresql) == ["run 1", "run 2"]


def test_a_locked_table_is_waited_for_and_then_said(server, of_postgresql):
    engine = engine_of(server.url)
    with engine.begin() as other:
        other.execute(text("LOCK TABLE regcore_state IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(StoreError, match="is locked by another program"):
            put(of_postgresql, 2)
    put(of_postgresql, 3)
    engine.dispose()

    assert names(of_postgresql) == ["run 1", "run 3"]


# What PostgreSQL says when its disk is full.
FULL_DISK = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$
"""


def test_a_full_disk_of_the_server_is_said_and_half_a_run_is_never_kept(server, of_postgresql):
    # The run itself has been written by then, in the same transaction.
    refusing = "CREATE TRIGGER full_disk BEFORE INSERT ON regcore_placed EXECUTE FUNCTION refuse()"
    execute(server.url, FULL_DISK, refusing)
    with pytest.raises(StoreError, match=r"^the disk of the database \(PostgreSQL\) is full$"):
        put(of_postgresql, 2)
    execute(server.url, "DROP TRIGGER full_disk ON regcore_placed")

    engine = engine_of(server.url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM regcore_runs")) == 1
    engine.dispose()
    put(of_postgresql, 3)
    assert names(of_postgresql) == ["run 1", "run 3"]


def test_the_run_table_is_there_again_in_postgresql(server, of_postgresql, monkeypatch):
    monkeypatch.setattr(desk_of_pages, "name", lambda: VISITOR)
    monkeypatch.setattr(desk_of_pages, "fingerprint", lambda seconds: "a" * 16)
    monkeypatch.setenv("REGCORE_DATABASE", server.url)
    for penalties in ((0.1, 0.2), (0.3,)):
        stop_keeper()
        app = page(*penalties)
        all_written()
    stop_keeper()

    assert list(eyes(app)) == ["baseline", "this run", "L2 0.2", "L2 0.1"]


def test_no_password_is_told_of_a_server_that_is_not_there(tmp_path):
    store = Store(Database("postgres://user:secret@127.0.0.1:1/lab"), PLENTY, 90)

    with pytest.raises(StoreError) as refused:
        store.check()

    assert "secret" not in f"{refused.value} {refused.value.__cause__} {store.database.address}"


def test_changes_of_one_transaction_see_each_other_and_nobody_else_sees_them_before_its_end(opened):
    mine, others = opened(), opened()
    put(mine, 1)
    with mine.database.writing():
        put(mine, 2)
        put(mine, 3, desk="yours")
        assert (names(mine), names(mine, "yours")) == (["run 1", "run 2"], ["run 3"])
        assert (names(others), names(others, "yours")) == (["run 1"], [])

    assert (names(others), names(others, "yours")) == (["run 1", "run 2"], ["run 3"])


def test_of_a_transaction_that_fails_nothing_is_kept(opened):
    mine = opened()
    put(mine, 1)
    with pytest.raises(ZeroDivisionError), mine.database.writing():
        put(mine, 2)
        raise ZeroDivisionError

    assert names(mine) == ["run 1"]
    put(mine, 3)
    assert names(opened()) == ["run 1", "run 3"]
