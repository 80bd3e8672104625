"""What an operator is told, and who is taken for one."""

import asyncio
import re
from concurrent.futures import BrokenExecutor

import pytest
from starlette.responses import Response

from regcore.errors import StoreError, WorkerError
from regcore.execution.metrics import Figures, Waits
from regcore.hosting import exposition
from regcore.hosting.exposition import Server
from regcore.hosting.operator import READY, Health, OperatorOnly
from tests.asgi import ask

TOKEN = "0123456789abcdef"
APP = OperatorOnly(Response("figures"))
FIGURES = Figures(
    waiting=[3.5, 12.0],
    n_running=2,
    waits=Waits({0.1: 1, 0.5: 3}, 4, 61.25),
    ended={"done": 5, "failed": 1, "cancelled": 0},
    refused={"BusyError": 2},
    networks={"trained": 40, "cached": 16, "shared": 8},
    cache_bytes=4096,
    n_cached=40,
    n_workers=2,
)
SERVER = Server(
    n_sessions=30,
    n_sessions_ever=31,
    n_restarts=1,
    memory=(300, 20, 30),
    n_unwritten=3,
    has_database=False,
)


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("REGCORE_METRICS_TOKEN", TOKEN)


def test_figures_are_in_the_text_format_of_prometheus():
    text = exposition.exposition(FIGURES, SERVER)

    lines = text.splitlines()
    assert lines[:3] == [
        "# HELP regcore_runs_waiting Runs of which nothing was sent to a worker yet.",
        "# TYPE regcore_runs_waiting gauge",
        "regcore_runs_waiting 2",
    ]
    assert {line for line in lines if line[0] != "#"} == {
        "regcore_runs_waiting 2",
        "regcore_runs_waiting_longest_seconds 12.0",
        "regcore_runs_running 2",
        'regcore_run_wait_seconds_bucket{le="0.1"} 1',
        'regcore_run_wait_seconds_bucket{le="0.5"} 3',
        'regcore_run_wait_seconds_bucket{le="+Inf"} 4',
        "regcore_run_wait_seconds_sum 61.25",
        "regcore_run_wait_seconds_count 4",
        'regcore_runs_ended_total{end="done"} 5',
        'regcore_runs_ended_total{end="failed"} 1',
        'regcore_runs_ended_total{end="cancelled"} 0',
        'regcore_runs_refused_total{reason="BusyError"} 2',
        'regcore_networks_total{from="trained"} 40',
        'regcore_networks_total{from="cached"} 16',
        'regcore_networks_total{from="shared"} 8',
        "regcore_cache_bytes 4096",
        "regcore_cache_networks 40",
        "regcore_workers 2",
        "regcore_sessions 30",
        "regcore_sessions_total 31",
        "regcore_worker_restarts_total 1",
        "regcore_database_ready 0",
        "regcore_database_unwritten 3",
        'regcore_memory_bytes{process="server"} 300',
        'regcore_memory_bytes{process="workers"} 50',
    }


def test_each_figure_says_once_what_it_is():
    text = exposition.exposition(FIGURES, SERVER)

    named = re.findall(r"^# TYPE (\w+) (?:gauge|counter|histogram)$", text, re.MULTILINE)
    assert len(named) == len(set(named)) == text.count("# HELP ")
    values = re.findall(r"^(regcore_\w+?)(?:_bucket|_sum|_count)?(?:{| )", text, re.MULTILINE)
    assert set(values) == set(named)


def test_memory_is_of_this_process_first():
    this, *others = exposition.memory()

    assert this > 10 * 2**20
    assert all(each >= 0 for each in others)


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/_stcore/metrics", "/base/_stcore/metrics"])
def test_without_a_token_programs_on_this_machine_alone_may_ask(path):
    assert ask(APP, path).status == 200
    assert ask(APP, path, client=("::1", 1)).status == 200
    for client in [("192.168.1.5", 1), ("172.17.0.1", 1), None, ("unix", 1)]:
        assert ask(APP, path, client=client).status == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_on_this_machine_is_no_operator(header):
    assert ask(APP, "/metrics", [(header, "127.0.0.1")]).status == 403


@pytest.mark.usefixtures("token")
def test_with_a_token_whoever_brings_it_may_ask():
    from_elsewhere = {"client": ("203.0.113.7", 1)}

    assert ask(APP, "/metrics", [("Authorization", f"Bearer {TOKEN}")], **from_elsewhere).status == 200
    refused = ask(APP, "/metrics")
    assert (refused.status, refused.all("www-authenticate")) == (401, ["Bearer"])
    for given in ["", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}é"]:
        assert ask(APP, "/metrics", [("Authorization", given)]).status == 401


def test_settings_that_cannot_be_read_give_no_figures(monkeypatch):
    monkeypatch.setenv("REGCORE_METRICS_TOKEN", "short")

    answer = ask(APP, "/metrics")
    assert answer.status == 503
    assert "short" not in answer.text


def test_pages_are_for_everyone():
    assert ask(APP, "/lab", client=("203.0.113.7", 1)).status == 200
    assert ask(APP, "/_stcore/health", client=("203.0.113.7", 1)).status == 200


async def ready():
    return READY


def answer_of(health):
    response = asyncio.run(health.answer(None))
    return response.status_code, response.body.decode()


def test_all_is_well_when_all_parts_are_ready():
    assert answer_of(Health({"workers": ready, "database": ready})) == (
        200,
        '{"workers":"ready","database":"ready"}',
    )


@pytest.mark.parametrize("error", [WorkerError("no engine"), StoreError("no database"), BrokenExecutor()])
def test_a_part_that_fails_is_named_and_no_more_is_told(error):
    async def fails():
        raise error

    assert answer_of(Health({"workers": fails, "database": ready})) == (
        503,
        '{"workers":"not available","database":"ready"}',
    )


def test_a_part_that_does_not_answer_is_named():
    async def hangs():
        await asyncio.Event().wait()

    assert answer_of(Health({"workers": hangs}, seconds=0.01)) == (503, '{"workers":"no answer"}')


def test_however_many_ask_a_part_is_asked_once():
    n_asked = []

    async def part():
        n_asked.append(1)
        await asyncio.sleep(0)
        return READY

    async def thirty():
        health = Health({"workers": part})
        answers = await asyncio.gather(*(health.answer(None) for _ in range(30)))
        again = await health.answer(None)
        return {answer.status_code for answer in (*answers, again)}

    assert asyncio.run(thirty()) == {200}
    assert len(n_asked) == 1


def test_an_answer_holds_for_a_while_alone(monkeypatch):
    said = ["no answer", READY]

    async def part():
        return said.pop(0)

    async def twice():
        health = Health({"workers": part})
        first = await health.answer(None)
        health._answered -= 3
        return first.status_code, (await health.answer(None)).status_code

    assert asyncio.run(twice()) == (503, 200)
