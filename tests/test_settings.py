"""What the environment may say."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from regcore import settings
from regcore.errors import ConfigError
from regcore.settings import HOST, PROFILES, Settings, own_file, read_settings


def test_an_empty_environment_gives_the_defaults():
    assert read_settings({}) == Settings()
    assert read_settings({"REGCORE_WORKERS": " ", "HOME": "/"}) == Settings()


def test_every_variable_is_read():
    environment = {
        "REGCORE_PROFILE": "host",
        "REGCORE_WORKERS": "3",
        "REGCORE_WORKER_NICE": "0",
        "REGCORE_MEMORY": "2.5GB",
        "REGCORE_OUTPUT_BYTES": "0",
        "REGCORE_CHECKPOINT_BYTES": "1 MiB",
        "REGCORE_CHECKPOINT_STEPS": "50",
        "REGCORE_CACHE_BYTES": "64mib",
        "REGCORE_HELD_BYTES": "1GB",
        "REGCORE_DRAWN_BYTES": "8MiB",
        "REGCORE_DATA_BYTES": "32MiB",
        "REGCORE_SHARD_NETWORKS": "16",
        "REGCORE_QUEUE": "7",
        "REGCORE_SESSION_RUNS": "2",
        "REGCORE_RUN_SECONDS": "12.5",
        "REGCORE_STEP_SECONDS": "1.5",
        "REGCORE_GRACE_SECONDS": "5",
        "REGCORE_POLL_SECONDS": "0.25",
        "REGCORE_DATABASE": "sqlite:////data/lab.sqlite",
        "REGCORE_DATABASE_BYTES": "1GB",
        "REGCORE_UNWRITTEN_BYTES": "1MiB",
        "REGCORE_DESK_DAYS": "7",
        "REGCORE_SESSIONS": "60",
        "REGCORE_LOG": "json",
        "REGCORE_METRICS_TOKEN": "0123456789abcdef",
    }
    assert environment.keys() == {f"REGCORE_{name.upper()}" for name in Settings.__dataclass_fields__}
    assert read_settings(environment) == Settings(
        profile="host",
        workers=3,
        worker_nice=0,
        memory=2_500_000_000,
        output_bytes=0,
        checkpoint_bytes=2**20,
        checkpoint_steps=50,
        cache_bytes=64 * 2**20,
        held_bytes=10**9,
        drawn_bytes=8 * 2**20,
        data_bytes=32 * 2**20,
        shard_networks=16,
        queue=7,
        session_runs=2,
        run_seconds=12.5,
        step_seconds=1.5,
        grace_seconds=5.0,
        poll_seconds=0.25,
        database="sqlite:////data/lab.sqlite",
        database_bytes=10**9,
        unwritten_bytes=2**20,
        desk_days=7,
        sessions=60,
        log="json",
        metrics_token="0123456789abcdef",
    )


def test_a_variable_overrides_the_profile():
    assert read_settings({"REGCORE_PROFILE": "host"}) == HOST
    assert read_settings({"REGCORE_PROFILE": "host", "REGCORE_QUEUE": "5"}) == replace(HOST, queue=5)
    assert read_settings({"REGCORE_PROFILE": "host", "REGCORE_RUN_SECONDS": "none"}).run_seconds is None


def test_all_that_a_host_may_hold_fits_into_2_7_gb():
    # As measured: the server, a worker that has loaded TensorFlow, and a session beside its networks.
    server, worker, session = 300e6, 500e6, 2e6
    of_server = HOST.cache_bytes + HOST.held_bytes + HOST.drawn_bytes + HOST.data_bytes + HOST.unwritten_bytes
    of_workers = HOST.workers * (worker + HOST.data_bytes) + HOST.memory

    assert server + HOST.sessions * session + of_server + of_workers <= 2.7e9


def test_a_profile_that_is_none_is_refused_by_name():
    with pytest.raises(ConfigError, match="REGCORE_PROFILE must be one of laptop, host, got 'cloud'"):
        read_settings({"REGCORE_PROFILE": "cloud"})


@pytest.mark.parametrize("text", ["0", "-1", "2.5", "many", "257", "1_0", "٣"])
def test_workers_must_be_a_whole_number(text):
    with pytest.raises(ConfigError, match=f"REGCORE_WORKERS must be .* got {re.escape(repr(text))}"):
        read_settings({"REGCORE_WORKERS": text})


@pytest.mark.parametrize("text", ["-1", "lots", "1TB", "1iB", "nan", "1e9", "512 M", "MiB"])
def test_bytes_must_be_a_number_of_bytes(text):
    with pytest.raises(ConfigError, match=f"REGCORE_MEMORY must be .* got {re.escape(repr(text))}"):
        read_settings({"REGCORE_MEMORY": text})


@pytest.mark.parametrize("text", ["0", "-1", "soon", "inf", "nan", "1e3", "3601", "1 s"])
def test_seconds_must_be_a_number_of_seconds(text):
    with pytest.raises(ConfigError, match=f"REGCORE_GRACE_SECONDS must be .* got {re.escape(repr(text))}"):
        read_settings({"REGCORE_GRACE_SECONDS": text})


def test_every_variable_is_documented_with_its_default_in_both_profiles():
    lines = re.findall(r"^\| `(REGCORE_\w+)` \| (.*?) \| (.*?) \|", settings.__doc__ or "", re.MULTILINE)
    assert [name for name, *_ in lines] == [
        f"REGCORE_{name.upper()}" for name in Settings.__dataclass_fields__
    ]
    for column, profile in enumerate(PROFILES, 1):
        stated = {line[0]: line[column] for line in lines if len(line[column].split()) == 1}
        assert read_settings(stated) == PROFILES[profile]


def test_a_kind_of_log_that_is_none_is_refused_by_name():
    with pytest.raises(ConfigError, match="REGCORE_LOG must be one of plain, json, got 'xml'"):
        read_settings({"REGCORE_LOG": "xml"})


@pytest.mark.parametrize("text", ["guessable", "with a space in it", "é" * 16, "x" * 201])
def test_a_token_is_long_and_never_shown(text):
    with pytest.raises(ConfigError, match="REGCORE_METRICS_TOKEN must be 16 to 200") as refused:
        read_settings({"REGCORE_METRICS_TOKEN": text})
    assert text not in str(refused.value)
    assert "0123456789abcdef" not in repr(read_settings({"REGCORE_METRICS_TOKEN": "0123456789abcdef"}))


@pytest.mark.parametrize(
    "url", ["file", "sqlite:///lab.sqlite", "postgres://host/lab", "postgresql://u:p@host/lab"]
)
def test_a_database_is_a_file_or_postgresql(url):
    assert read_settings({"REGCORE_DATABASE": url}).database == url
    assert read_settings({"REGCORE_DATABASE": "none"}).database is None


@pytest.mark.parametrize(
    "url", ["mysql://user:secret@host/lab", "sqlite://", "lab.sqlite", "postgresql:secret"]
)
def test_another_database_is_refused_and_no_password_is_told(url):
    with pytest.raises(
        ConfigError, match="REGCORE_DATABASE must be none, file, sqlite:///path or"
    ) as refused:
        read_settings({"REGCORE_DATABASE": url})
    assert "secret" not in str(refused.value)
    assert "secret" not in repr(read_settings({"REGCORE_DATABASE": "postgresql://u:secret@host/lab"}))


@pytest.mark.parametrize(
    ("system", "environment", "folder"),
    [
        ("linux", {}, "HOME/.local/share"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data"),
        ("darwin", {"XDG_DATA_HOME": "/data"}, "HOME/Library/Application Support"),
        ("win32", {}, "HOME/AppData/Local"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local"),
    ],
)
def test_the_file_of_a_user_is_where_the_system_has_data(system, environment, folder):
    expected = Path(folder.replace("HOME", str(Path.home()))) / "regularization-lab" / "lab.sqlite"
    assert own_file(environment, system) == expected


def test_the_readme_says_the_same():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    documented = (settings.__doc__ or "").split("\n\n", 1)[1].strip()

    assert " ".join(documented.split()) in " ".join(readme.split())
