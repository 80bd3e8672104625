"""What the environment may say."""

import re

import pytest

from regcore import settings
from regcore.errors import ConfigError
from regcore.settings import Settings, read_settings


def test_an_empty_environment_gives_the_defaults():
    assert read_settings({}) == Settings()
    assert read_settings({"REGCORE_WORKERS": " ", "HOME": "/"}) == Settings()


def test_every_variable_is_read():
    environment = {
        "REGCORE_WORKERS": "3",
        "REGCORE_MEMORY": "2.5GB",
        "REGCORE_OUTPUT_BYTES": "0",
        "REGCORE_CHECKPOINT_BYTES": "1 MiB",
        "REGCORE_CHECKPOINT_STEPS": "50",
        "REGCORE_CACHE_BYTES": "64mib",
        "REGCORE_SHARD_NETWORKS": "16",
    }
    assert read_settings(environment) == Settings(
        workers=3,
        memory=2_500_000_000,
        output_bytes=0,
        checkpoint_bytes=2**20,
        checkpoint_steps=50,
        cache_bytes=64 * 2**20,
        shard_networks=16,
    )


@pytest.mark.parametrize("text", ["0", "-1", "2.5", "many", "257", "1_0", "٣"])
def test_workers_must_be_a_whole_number(text):
    with pytest.raises(ConfigError, match=f"REGCORE_WORKERS must be .* got {re.escape(repr(text))}"):
        read_settings({"REGCORE_WORKERS": text})


@pytest.mark.parametrize("text", ["-1", "lots", "1TB", "1iB", "nan", "1e9", "512 M", "MiB"])
def test_bytes_must_be_a_number_of_bytes(text):
    with pytest.raises(ConfigError, match=f"REGCORE_MEMORY must be .* got {re.escape(repr(text))}"):
        read_settings({"REGCORE_MEMORY": text})


def test_every_variable_is_documented_with_its_default():
    documented = re.findall(r"^\| `(REGCORE_\w+)` \| (.*?) \|", settings.__doc__ or "", re.MULTILINE)
    assert [name for name, _ in documented] == [
        f"REGCORE_{name.upper()}" for name in Settings.__dataclass_fields__
    ]
    stated = {name: default for name, default in documented if default[0].isdigit()}
    assert read_settings(stated) == Settings()
