"""A server that is killed at the worst of times: what was shown as finished is in the database."""

import os
import re
import sqlite3
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from regcore.bench.server import serve
from regcore.bench.visitor import Visitor
from regcore.config import Config
from regcore.errors import RegcoreError

pytestmark = pytest.mark.slow

QUERY = "data=iris&hidden=4&dropout_hidden=0.5&epochs=3&seeds=2"
RUN = Config.from_query({name: [value] for name, value in (part.split("=") for part in QUERY.split("&"))})[0]
WHOLE_RUN = 2 * 3
PATIENCE = 90.0
SECONDS_TO_PUT = 2.0
# Read by Python when it starts: between the end of a run and its write there is time to kill the server.
SLOWLY = f"""
import time
from regcore.store.store import Store

put = Store.put

def put_slowly(*args):
    time.sleep({SECONDS_TO_PUT})
    put(*args)

Store.put = put_slowly
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "lab.sqlite"


@pytest.fixture
def environment(tmp_path, file):
    """Give what a server is started with that takes seconds to write a run."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "sitecustomize.py").write_text(SLOWLY)
    paths = (tmp_path / "slow", Path(__file__).parents[1])
    return {
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "REGCORE_DATABASE": f"sqlite:///{file}",
        "REGCORE_WORKERS": "1",
    }


def kept(file):
    """Return the configurations of the runs that are on a desk."""
    if not file.exists():
        return []
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute(
            "SELECT config FROM regcore_runs JOIN regcore_placed ON regcore_runs.key = regcore_placed.run"
        ).fetchall()
    return [Config.from_json(config) for (config,) in rows]


def n_done(address):
    """Return how many runs of a server are done."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
        return float(re.search(r'runs_ended_total\{end="done"\} (\S+)', answer.read().decode())[1])


def test_what_was_seen_to_be_finished_is_kept_though_the_server_dies_in_that_moment(file, environment):
    with serve(environment) as server, Visitor(server.address, "lab") as visitor:
        visitor.open(QUERY)
        visitor.wait_for(lambda figure: figure.network_epochs_of("this run") == WHOLE_RUN)
        server.family()[0].kill()

        assert kept(file) == [RUN]


def test_a_run_that_is_not_written_yet_is_seen_by_nobody(file, environment):
    with (
        serve(environment) as server,
        Visitor(server.address, "lab") as visitor,
        ThreadPoolExecutor(1) as beside,
    ):
        seen = beside.submit(lambda: (visitor.open(QUERY), visitor.finish()))
        end = time.monotonic() + PATIENCE
        while not n_done(server.address):
            assert time.monotonic() < end
            time.sleep(0.05)
        server.family()[0].kill()
        # The page was not drawn to its end: its connection was lost before.
        with pytest.raises(RegcoreError, match="ended a session"):
            seen.result()

        assert kept(file) == []
        assert visitor.drawn("this run") < WHOLE_RUN

    with serve(environment) as server, Visitor(server.address, "lab") as visitor:
        visitor.open(QUERY)
        visitor.settle()
        assert visitor.drawn("this run") == WHOLE_RUN
        assert kept(file) == [RUN]
