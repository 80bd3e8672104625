"""A tab that is closed, on a real server: its runs end after the grace time, unless it comes back."""

import re
import time
import urllib.request

import pytest

from regcore.bench.server import serve
from regcore.bench.visitor import Visitor

pytestmark = pytest.mark.slow

GRACE_SECONDS = 4.0
# Minutes of work.
LONG = "data=digits&label_noise=0.3&dropout_hidden=0.5&epochs=5000"
SHORT = "data=iris&hidden=4&dropout_hidden=0.5&epochs=3&seeds=2"
PATIENCE = 90.0


def figures(address: str) -> dict[str, float]:
    """Return the operator's figures of a server."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return {name: float(value) for name, value in re.findall(r"^(regcore_\S+) (\S+)$", text, re.MULTILINE)}


def wait_for(address: str, name: str, value: float) -> None:
    end = time.monotonic() + PATIENCE
    while figures(address)[name] != value:
        assert time.monotonic() < end, figures(address)
        time.sleep(0.5)


def test_a_closed_tab_frees_its_run_after_the_grace_time_and_not_if_it_comes_back():
    environment = {
        "REGCORE_GRACE_SECONDS": f"{GRACE_SECONDS:g}",
        "REGCORE_WORKERS": "1",
        "REGCORE_DATABASE": "none",
    }
    ended, running = 'regcore_runs_ended_total{end="cancelled"}', "regcore_runs_running"
    with serve(environment) as server, Visitor(server.address, "lab") as visitor:
        visitor.open(LONG)
        wait_for(server.address, running, 1)

        # Away, and back in time: whatever is away for long ends, and it does not.
        visitor.leave()
        wait_for(server.address, "regcore_sessions", 0)
        visitor.come_back()
        visitor.rest(2 * GRACE_SECONDS)
        found = figures(server.address)
        assert (found[running], found[ended]) == (1, 0)

        # Away for good, while another visitor gets his answer.
        visitor.leave()
        with Visitor(server.address, "lab") as other:
            other.open(SHORT)
            other.settle()
            wait_for(server.address, ended, 1)
            assert other.drawn("this run") > 0
        assert figures(server.address)[running] == 0
        assert server.faults() == []
