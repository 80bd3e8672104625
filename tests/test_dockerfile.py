"""The Dockerfile, step by step without a container engine, and the server that comes of it."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from regcore.bench.visitor import Visitor
from regcore.settings import PROFILES, read_settings
from tests.dockerfile import ROOT, Image, fakes, instructions, is_in_context, patterns

STEPS = instructions((ROOT / "Dockerfile").read_text(encoding="utf-8"))
IGNORED = patterns((ROOT / ".dockerignore").read_text(encoding="utf-8"))
PATIENCE = 240.0
# Typed, sent or known by: nothing of it is for the log.
SECRET = "Ada-Lovelace-1815"
LEGACY = "ignore:connect.. must be used as a context manager:DeprecationWarning"

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="steps of a Linux image are in its shell's words"
)


def requirements(text):
    """Return distribution -> version of the pins."""
    return dict(re.findall(r"^([\w.\[\]-]+)==(\S+)", text, re.MULTILINE))


class Hosted(NamedTuple):
    """A server that the image's command has started."""

    image: Image
    process: psutil.Popen
    port: int
    log: Path

    def get(self, path: str, **headers: str) -> tuple[int, str, list[str]]:
        """Return status, text and cookies of an answer."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            answer = opener.open(asked, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.read().decode(), answer.headers.get_all("Set-Cookie") or []

    def check(self) -> subprocess.CompletedProcess[str]:
        """Do the image's health check."""
        return subprocess.run(
            self.image.words(self.image.health),
            cwd=self.image.path(self.image.workdir),
            env=self.image.environment(STREAMLIT_SERVER_PORT=str(self.port)),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def wait_until_well(self) -> None:
        """Wait until the health check passes."""
        end = time.monotonic() + PATIENCE
        while self.check().returncode:
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text()
            time.sleep(1.0)

    def lines(self) -> list[dict[str, object]]:
        """Return the log, each line an object."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextlib.contextmanager
def hosted(image: Image, log: Path, user: int | None = None) -> Iterator[Hosted]:
    """Start the image's command, on a port of its own and for this machine alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = {
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
        "REGCORE_WORKERS": "1",
    }
    with log.open("wb") as output:
        process = psutil.Popen(
            image.words(image.command),
            cwd=image.path(image.workdir),
            env=image.environment(**here),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user,
        )
    try:
        yield Hosted(image, process, port, log)
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in [*process.children(recursive=True), process]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
        process.wait()


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Image:
    """Return what the steps make with the packages at hand: accounts and installations are noted alone."""
    folder = tmp_path_factory.mktemp("docker")
    (folder / "image").mkdir()
    programs = [fakes(folder / "fakes", ("useradd", "chown", "pip")), Path(sys.executable).parent]
    made = Image(folder / "image", programs)
    for step in STEPS:
        made.do(step)
    return made


@pytest.fixture(scope="module")
def server(image, tmp_path_factory) -> Iterator[Hosted]:
    """Return the server of the image, when all of it is ready."""
    with hosted(image, tmp_path_factory.mktemp("log") / "log.txt") as running:
        running.wait_until_well()
        yield running


def calls(image: Image) -> list[str]:
    return (image.folder.parent / "fakes" / "calls").read_text().splitlines()


def test_instructions_are_read_as_an_engine_does():
    text = '# told\nFROM a\n\nENV ONE=1 \\\n    TWO=2\nCMD ["run"]\n'

    assert instructions(text) == [("FROM", "a"), ("ENV", "ONE=1      TWO=2"), ("CMD", '["run"]')]


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".streamlit/secrets.toml",
        ".env",
        "lab.sqlite",
        "regcore/__pycache__/config.cpython-313.pyc",
        "regcore/engine/__pycache__/advance.cpython-313.pyc",
        "tests/conftest.py",
        "venv/bin/python",
    ],
)
def test_what_lies_beside_the_app_is_not_sent_to_the_engine(path):
    assert not is_in_context(path, IGNORED)


@pytest.mark.parametrize(
    "path", ["app.py", "requirements.txt", ".streamlit/config.toml", "pages/lab.py", "pages/ui/style.css"]
)
def test_the_app_is_sent_to_the_engine(path):
    assert is_in_context(path, IGNORED)


def test_who_serves_is_no_root_and_has_data_and_home_alone(image):
    assert image.user == "1000"
    assert calls(image)[:2] == [
        "useradd --create-home --uid 1000 lab",
        f"chown 1000:1000 {image.path('/data')}",
    ]
    assert image.volumes == ["/data"]
    assert image.env["HOME"] == "/home/lab"
    names = [step.name for step in STEPS]
    assert names.index("USER") > max(at for at, name in enumerate(names) if name in ("RUN", "COPY"))


def test_tensorflow_is_the_one_without_graphics_cards_and_all_pins_are_kept(image):
    pinned = requirements((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    installed = requirements((image.folder.parent / "fakes" / "installed").read_text())

    assert installed.pop("tensorflow-cpu") == pinned.pop("tensorflow")
    assert installed == pinned


def test_settings_of_the_image_are_those_of_a_small_host(image):
    mine = {name: value for name, value in image.env.items() if name.startswith("REGCORE_")}
    settings = read_settings(mine)

    assert settings.profile == PROFILES["host"].profile
    assert settings.log == "json"
    assert settings.database == "sqlite:////data/lab.sqlite"
    assert image.ports == [image.env["STREAMLIT_SERVER_PORT"]] == ["8501"]


def test_compose_has_the_image_and_a_database_that_the_settings_take(image):
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    told = dict(re.findall(r"^ +(REGCORE_\w+): (.+)$", text, re.MULTILINE))
    filled = {name: re.sub(r"\$\{\w+:([?-])(.*?)\}", _filled, value) for name, value in told.items()}

    assert read_settings(filled).database == "postgresql://lab:secret@database/lab"
    assert read_settings(filled).metrics_token is None
    assert f'"{image.ports[0]}:{image.ports[0]}"' in text


def _filled(variable):
    """Return the default of a variable; of one that has to be set a value."""
    return variable[2] if variable[1] == "-" else "secret"


def test_the_header_of_a_space_is_that_of_the_image(image):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (header,) = re.findall(r"^```yaml\n---\n(.*?)---\n```$", readme, re.DOTALL | re.MULTILINE)
    told = dict(line.split(": ") for line in header.splitlines())

    assert (told["sdk"], told["app_port"]) == ("docker", image.ports[0])


def test_a_space_has_cookies_that_its_frame_sends_back(image):
    told = subprocess.run(
        [*image.words(image.command)[:2], image.words(image.command)[2].replace("exec streamlit", "echo")],
        env=image.environment(SPACE_ID="someone/lab"),
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.split() == ["run", "app.py", "--server.xsrfCookieSameSite=none"]


def test_the_server_of_the_image_is_well_and_has_its_database_in_the_volume(server):
    done = server.check()

    assert (done.returncode, json.loads(done.stdout)) == (0, {"workers": "ready", "database": "ready"})
    assert server.image.path("/data/lab.sqlite").is_file()


def test_health_fails_where_there_is_no_server(image):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        done = Hosted(image, None, free.getsockname()[1], Path()).check()

    assert done.returncode == 1
    assert done.stdout.startswith("no answer: ")


@pytest.mark.filterwarnings(LEGACY)
def test_a_run_is_trained_and_counted_and_nothing_of_the_visitor_is_logged(server):
    status, _, (cookie, *_) = server.get(
        f"/lab?{SECRET}={SECRET}", Accept="text/html", **{"User-Agent": SECRET}
    )
    assert status == 200
    assert cookie.startswith("regcore_desk=")
    server.get(f"/{SECRET}/{SECRET}")

    with Visitor(f"127.0.0.1:{server.port}", "lab") as visitor:
        visitor.open(f"dropout_hidden={SECRET}")
        visitor.open("data=iris&hidden=4&epochs=5&seeds=2&dropout_hidden=0.2")
        visitor.settle()
        _, figures, _ = server.get("/metrics")

    (n_done,) = re.findall(r'^regcore_runs_ended_total{end="done"} (\d+)$', figures, re.MULTILINE)
    assert int(n_done) >= 1
    assert "regcore_sessions 1" in figures.splitlines()
    ended = [line for line in server.lines() if line["message"] == "a run ended"]
    assert ended[-1]["run"][-1] == "data=iris&hidden=4&epochs=5&dropout_hidden=0.2&seeds=2"
    token = cookie.split("=", 1)[1].split(";")[0]
    for secret in (SECRET, token, "127.0.0.1"):
        assert secret not in server.log.read_text() + figures


def test_figures_are_not_for_visitors(server):
    by_proxy = {"X-Forwarded-For": "203.0.113.7"}

    assert [server.get(path)[0] for path in ("/metrics", "/_stcore/metrics")] == [200, 200]
    assert [server.get(path, **by_proxy)[0] for path in ("/metrics", "/_stcore/metrics")] == [403, 403]
    assert server.get("/health", **by_proxy)[0] == 200


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings(LEGACY)
def test_the_packages_that_the_image_installs_serve_and_train():
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        venv.create(folder / "venv", with_pip=True)
        (folder / "image").mkdir()
        noted = ("useradd",) if is_root else ("useradd", "chown")
        made = Image(folder / "image", [fakes(folder / "fakes", noted), folder / "venv" / "bin"])
        for step in STEPS:
            made.do(step)
        # As the account that serves, where this process may become it and Python is where all may read it.
        user = 1000 if is_root and may_be_read_by_all(Path(sys.base_prefix)) else None
        if user is not None:
            os.chown(made.path(made.env["HOME"]), user, user)
        before = files_of(made)
        (folder / "log.txt").touch()
        with hosted(made, folder / "log.txt", user) as running:
            running.wait_until_well()
            with Visitor(f"127.0.0.1:{running.port}", "lab") as visitor:
                visitor.open("data=iris&hidden=4&epochs=5&seeds=2&dropout_hidden=0.2")
                visitor.settle()
            ended = [line for line in running.lines() if line["message"] == "a run ended"]
            sizes = [
                process.memory_info().rss // 2**20 for process in running.process.children(recursive=True)
            ]
            print(f"as {user or 'this account'}: {running.process.memory_info().rss // 2**20} MB, {sizes} MB")
        assert [line["state"] for line in ended] == ["done"]
        assert files_of(made) == before
        installed = subprocess.run(
            [folder / "venv/bin/pip", "list", "--format=json"], capture_output=True, text=True, check=True
        )
    names = {each["name"].replace("_", "-") for each in json.loads(installed.stdout)}
    assert "tensorflow-cpu" in names and "tensorflow" not in names


def may_be_read_by_all(folder):
    return all(each.stat().st_mode & 0o005 == 0o005 for each in (folder, *folder.parents))


def files_of(image):
    """Return what the image has beside its volume and home, with times."""
    return {path: path.stat().st_mtime_ns for path in image.path(image.workdir).rglob("*") if path.is_file()}


# The last that is asked of the server that all share.
@pytest.mark.filterwarnings(LEGACY)
def test_a_server_that_is_told_to_stop_ends_with_its_workers_and_nothing_to_complain_of(server):
    with Visitor(f"127.0.0.1:{server.port}", "lab") as visitor:
        visitor.rerun()
        family = server.process.children(recursive=True)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(PATIENCE)
    _, alive = psutil.wait_procs(family, timeout=PATIENCE)

    assert family and not alive
    assert [line for line in server.lines() if line["level"] == "error"] == []
