"""What may happen to a file of the lab and to the servers that have it open: nothing kept is lost."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from regcore.errors import StoreError
from regcore.store import Keeper, Store, Write, database, keeper
from regcore.store.database import Database
from tests.store_runs import PLENTY, names, placed, put, run

ROOT = Path(__file__).parents[1]
PATIENCE = 30.0


@pytest.fixture
def file(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder / "lab.sqlite"


@pytest.fixture
def store(file):
    with open_store(file, patience=0.1) as opened:
        put(opened, 1)
        yield opened


@contextmanager
def open_store(file, patience=2.0):
    opened = Store(Database(f"sqlite:///{file}", patience), PLENTY, 90)
    yield opened
    opened.database.close()


def names_in(file):
    """Return the names that another server finds."""
    with open_store(file) as opened:
        return names(opened)


def program(file, first, last):
    """Start a process that puts runs of these numbers."""
    command = [sys.executable, "-m", "tests.store_runs", f"sqlite:///{file}", str(first), str(last)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


# --- a server dies -----------------------------------------------------------------------------------------


def test_what_a_killed_process_has_kept_is_there(file):
    with program(file, 1, 100_000) as server:
        for _ in range(5):
            server.stdout.readline()
        server.kill()
        told = 5 + len(server.stdout.read().split())

    kept = [int(name.removeprefix("run ")) for name in names_in(file)]
    # The last one may have been kept and not been told.
    assert kept[-1] in (told, told + 1)
    assert kept == list(range(kept[-1] + 1 - len(kept), kept[-1] + 1))


def in_the_file_alone(file, tmp_path):
    """Return the names in the file itself, as it is where its log is lost; none while it is being written."""
    copy = tmp_path / "copy.sqlite"
    shutil.copyfile(file, copy)
    with closing(sqlite3.connect(copy)) as connection, suppress(sqlite3.DatabaseError):
        return [name for (name,) in connection.execute("SELECT name FROM regcore_placed ORDER BY position")]
    return []


def test_what_is_settled_is_in_the_file_and_not_only_in_its_log(store, file, tmp_path):
    store.database.settle()
    assert in_the_file_alone(file, tmp_path) == ["run 1"]
    put(store, 2)
    assert in_the_file_alone(file, tmp_path) == ["run 1"]
    assert names_in(file) == ["run 1", "run 2"]
    store.database.settle()
    assert in_the_file_alone(file, tmp_path) == ["run 1", "run 2"]


def test_it_settles_while_others_read_and_write(store, file, tmp_path):
    put(store, 2)
    with closing(sqlite3.connect(file, isolation_level=None)) as reads, store.database.writing():
        reads.execute("BEGIN")
        assert reads.execute("SELECT count(*) FROM regcore_placed").fetchone() == (2,)
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(store.database.settle).result(PATIENCE)
        assert in_the_file_alone(file, tmp_path) == ["run 1", "run 2"]


def test_what_somebody_still_reads_from_before_keeps_it_from_settling_for_so_long(store, file, tmp_path):
    with closing(sqlite3.connect(file, isolation_level=None)) as reads:
        reads.execute("BEGIN")
        assert reads.execute("SELECT count(*) FROM regcore_placed").fetchone() == (1,)
        put(store, 2)
        assert not store.database.settle()
        reads.execute("COMMIT")
    assert store.database.settle()
    assert in_the_file_alone(file, tmp_path) == ["run 1", "run 2"]


def test_a_commit_waits_for_the_disk_only_where_there_is_no_log(store, file, tmp_path):
    def synchronous(database):
        with database.reading() as connection:
            return connection.exec_driver_sql("PRAGMA synchronous").scalar()

    normal, full = 1, 2
    assert synchronous(store.database) == normal
    with open_store(file) as again:
        assert synchronous(again.database) == normal
    without = tmp_path / "restored.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"VACUUM INTO '{without}'")
    with open_store(without) as restored:
        assert synchronous(restored.database) == full
        assert restored.database.settle()


def test_what_a_keeper_has_written_settles_in_a_while(store, file, tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "SECONDS_TO_SETTLE", 0.01)
    kept_by = Keeper(store)
    for number in (2, 3):
        kept_by.put(lambda number=number: Write(lambda store: put(store, number)))
        assert kept_by.flush(PATIENCE)
        for _ in range(3000):
            if in_the_file_alone(file, tmp_path)[-1:] == [f"run {number}"]:
                break
            threading.Event().wait(0.01)
        else:
            raise AssertionError(f"run {number} is not in the file")
    kept_by.close()


def test_a_database_that_was_not_opened_or_is_gone_has_nothing_to_settle(file):
    unused = Database(f"sqlite:///{file}")
    assert unused.settle()
    assert not file.exists()
    with open_store(file) as opened:
        put(opened, 1)
        # The connection that waits is in use, and another one would make the file anew.
        with opened.database.reading():
            file.unlink()
            assert opened.database.settle()
        assert not file.exists()


def test_a_file_that_is_busy_while_it_is_connected_to_is_tried_again(file, monkeypatch):
    set_up, tries = database._commit_at_once, []

    def busy_once(connection):
        tries.append(1)
        if len(tries) == 1:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        set_up(connection)

    monkeypatch.setattr(database, "_commit_at_once", busy_once)
    with open_store(file) as opened:
        put(opened, 1)
        assert names(opened) == ["run 1"]
    assert len(tries) > 1


def test_two_processes_begin_with_the_same_new_file(file):
    with program(file, 1, 20) as one, program(file, 20, 40) as other:
        assert (one.wait(PATIENCE), other.wait(PATIENCE)) == (0, 0)

    assert sorted(names_in(file)) == sorted(f"run {number}" for number in range(1, 40))


def test_many_threads_write_and_read_at_once(file):
    def work(desk):
        for number in range(5):
            put(store, number, desk=desk)
            store.desk(desk)

    with open_store(file, patience=PATIENCE) as store:
        threads = [threading.Thread(target=work, args=(f"desk {at}",)) for at in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        expected = [f"run {number}" for number in range(5)]
        assert [names(store, f"desk {at}") for at in range(6)] == [expected] * 6


# --- locked, full, read-only -------------------------------------------------------------------------------


def test_a_locked_file_is_waited_for_and_then_said_and_can_be_read(store, file):
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="^the database lab.sqlite is locked by another program$"):
            put(store, 2)
        assert names(store) == ["run 1"]
        other.execute("ROLLBACK")

    put(store, 3)
    assert names(store) == ["run 1", "run 3"]


@pytest.mark.parametrize(
    ("pragma", "sentence"),
    [("max_page_count = 1", "the disk of the database lab.sqlite is full"),
     ("query_only = ON", "the database lab.sqlite cannot be written")],
)  # fmt: skip
def test_a_full_disk_is_said_and_half_a_run_is_never_kept(store, monkeypatch, pragma, sentence):
    set_up = database._set_up_sqlite

    def set_up_without_room(connection, record):
        set_up(connection, record)
        connection.execute(f"PRAGMA {pragma}")

    store.database.close()
    with monkeypatch.context() as full:
        full.setattr(database, "_set_up_sqlite", set_up_without_room)
        with pytest.raises(StoreError, match=f"^{sentence}$"):
            # More than there is room for in the pages that the file has.
            store.put("mine", [placed(2)], [run(2, history=b"x" * 100_000)])

    assert names(store) == ["run 1"]
    put(store, 2)
    assert names(store) == ["run 1", "run 2"]


# --- gone and back -----------------------------------------------------------------------------------------


removes_open_files = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows removes no file that is open"
)


@removes_open_files
def test_a_folder_that_is_gone_and_back_has_what_it_had(store, file):
    away = file.parent.rename(file.parent.with_name("away"))
    for _ in range(2):
        with pytest.raises(StoreError, match="^the database lab.sqlite cannot be reached$"):
            put(store, 2)
    assert not file.parent.exists()

    away.rename(file.parent)
    put(store, 2)
    assert names(store) == ["run 1", "run 2"]


@removes_open_files
def test_a_file_that_was_taken_away_is_begun_anew_and_not_written_behind_everybodys_back(store, file):
    n_new = store.database.n_new
    for part in file.parent.iterdir():
        part.unlink()

    put(store, 2)

    assert names_in(file) == ["run 2"]
    assert store.database.n_new > n_new


@removes_open_files
def test_another_file_that_takes_the_place_of_the_first_is_read(store, file, tmp_path):
    with open_store(tmp_path / "other.sqlite") as other:
        put(other, 7)
    for part in file.parent.iterdir():
        part.unlink()

    n_new = store.database.n_new
    (tmp_path / "other.sqlite").rename(file)

    assert names(store) == ["run 7"]
    assert store.database.n_new > n_new


def test_what_visitors_have_typed_is_in_no_error(store, file, caplog):
    kept_by = Keeper(store)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DROP TABLE regcore_placed")
    kept_by.put(lambda: Write(lambda store: put(store, 2, name="a secret")))

    assert not kept_by.flush(PATIENCE)
    kept_by.close()
    assert "regcore_placed" in caplog.text
    assert "a secret" not in caplog.text


def test_what_is_finished_while_the_file_is_locked_is_kept_when_it_is_free(store, file):
    kept_by = Keeper(store, first_pause=0.01)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in (2, 3):
            kept_by.put(lambda number=number: Write(lambda store: put(store, number)))
        assert not kept_by.flush(PATIENCE)
        assert kept_by.status() == ("the database lab.sqlite is locked by another program", 2)
        other.execute("ROLLBACK")
    with kept_by._changed:
        kept_by._changed.wait_for(lambda: not kept_by._n_left(), PATIENCE)

    assert names(store) == ["run 1", "run 2", "run 3"]
    kept_by.close()


# --- damaged -----------------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_refused_by_name_and_left_alone(tmp_path):
    file = tmp_path / "letters.sqlite"
    file.write_bytes(b"Dear all, " * 1000)

    with (
        open_store(file) as opened,
        pytest.raises(StoreError, match=r"^the database letters.sqlite is damaged or no database"),
    ):
        put(opened, 1)

    assert file.read_bytes() == b"Dear all, " * 1000
    assert [each.name for each in tmp_path.iterdir()] == ["letters.sqlite"]


def test_a_file_that_was_damaged_since_is_refused_by_name(store, file):
    store.database.close()
    size = file.stat().st_size
    with file.open("r+b") as content:
        content.seek(4096)
        content.write(b"\xff" * (size - 4096))

    with pytest.raises(StoreError, match="^the database lab.sqlite is damaged or no database"):
        store.desk("mine")


def test_columns_that_are_damaged_cost_that_run_alone(store, file, caplog):
    put(store, 2)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE regcore_runs SET curves = x'00' WHERE key = ?", [run(1).key])

    assert names(store) == ["run 2"]
    assert "A run that was kept is left out" in caplog.text


def test_a_file_is_in_the_mode_that_two_processes_can_share(store, file):
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
