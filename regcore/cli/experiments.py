"""From the command line to configurations."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regcore.config import Config, query_values
from regcore.errors import ConfigError

# The one parameter of a link that is no field: where its numbers were made.
MADE = "made"


def experiment(asked: Namespace) -> Config:
    """Return the configuration of `--config`, `--query` and the fields given, each on top of the one before.

    Raises:
        ConfigError: One sentence on what is wrong.
    """
    configs = _read_configs(asked.config)
    if len(configs) > 1:
        raise ConfigError(
            f"--config must hold one configuration, which {asked.command} takes, got {', '.join(configs)}: "
            "leave one in it, or use compare"
        )
    return next(iter(configs.values())).replace(**_given(asked))


def compared(asked: Namespace) -> dict[str, Config]:
    """Return the configurations to compare, by name, the baseline first.

    Raises:
        ConfigError: One sentence on what is wrong.
    """
    configs = _read_configs(asked.config)
    given = _given(asked)
    if "" not in configs:
        if asked.variant or asked.baseline:
            raise ConfigError(
                "--variant and --baseline must be left out where --config holds several configurations, got "
                f"{', '.join(configs)}"
            )
        if len(configs) < 2:
            raise ConfigError(
                "--config must hold at least two configurations by name, or one without a name, which is "
                f"held against plain, got {', '.join(configs)} alone"
            )
        named = [(name, config.replace(**given)) for name, config in configs.items()]
        return _differing(named, "change it in --config, or leave it out")
    base = configs[""].replace(**given)
    if asked.baseline is None:
        named = [("plain", base.plain())]
    else:
        named = [_variant("--baseline", asked.baseline, base)]
    if asked.variant:
        named += [_variant("--variant", text, base) for text in asked.variant]
    else:
        named.append(("experiment", base))
    return _differing(named, "set a flag of a regularizer, or a --variant")


def field_of(text: str) -> str:
    """Return the field that is meant by its name with hyphens or underscores."""
    return text.replace("-", "_")


def value_of(field: str, text: str) -> Any:
    """Return the value of a field that is written as after its flag; it is not checked."""
    return query_values({field: text})[field]


def _differing(named: list[tuple[str, Config]], remedy: str) -> dict[str, Config]:
    """Return the configurations by name; refuse names that are alike, and what equals the baseline."""
    (first, baseline), *others = named
    configs = {first: baseline}
    for name, config in others:
        if name in configs:
            raise ConfigError(f"names of variants must differ, got {name!r} twice: name them 'NAME: ...'")
        if config == baseline:
            raise ConfigError(
                f"variants must differ from the baseline {first!r} in a field, got {name!r}, which does not: "
                f"{remedy}"
            )
        configs[name] = config
    return configs


def _variant(flag: str, text: str, base: Config) -> tuple[str, Config]:
    name, changes = _name_and_changes(text)
    if not name:
        raise ConfigError(f"{flag} must be 'NAME: FIELD=VALUE ...', got {text!r}")
    return name, base.replace(**_link_values(changes))


def _name_and_changes(text: str) -> tuple[str, str]:
    """Split 'NAME: FIELD=VALUE', 'NAME=FIELD=VALUE&...' or a 'FIELD=VALUE' that is a name as well."""
    head, separator, tail = text.partition("=")
    if ":" in head:
        name, _, changes = text.partition(":")
        return name.strip(), _as_query(changes)
    if separator and "=" in _as_query(tail).partition("&")[0]:
        return head.strip(), _as_query(tail)
    return text.strip(), _as_query(text)


def _as_query(text: str) -> str:
    """Return fields with spaces or commas and spaces between them as a query; hyphens in names will do."""
    parts = (part.partition("=") for part in re.split(r",?\s+|&", text.strip()))
    return "&".join(field_of(name) + equals + value for name, equals, value in parts)


def _given(asked: Namespace) -> dict[str, Any]:
    """Return the fields that `--query` and flags name, and their values; flags override."""
    texts = {name: text for name, text in vars(asked).items() if name in Config.model_fields}
    return {**_link_values(asked.query or ""), **query_values(texts)}


def _link_values(link: str) -> dict[str, Any]:
    """Return the fields of a query, or of a whole link."""
    query = link.strip().partition("#")[0].rpartition("?")[2]
    return query_values("&".join(part for part in query.split("&") if part.partition("=")[0] != MADE))


def _read_configs(file: str | None) -> Mapping[str, Config]:
    """Return the configurations of a file by name; a single one, or none at all, has the name ""."""
    if file is None:
        return {"": Config()}
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"--config must be a file that can be read, got {file!r}: {error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"--config must be a JSON file in UTF-8, got {file!r}") from None
    several = _several(text)
    try:
        if several is None:
            return {"": Config.from_json(text)}
        if "" in several:
            raise ConfigError("every configuration must have a name, got ''")
        return {name: Config.from_json(json.dumps(values)) for name, values in several.items()}
    except ConfigError as error:
        raise ConfigError(f"--config {file!r}: {error}") from None


def _several(text: str) -> dict[str, Any] | None:
    """Return the configurations of a JSON object that holds them by name; None if it is anything else."""
    try:
        values = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        return None
    is_several = (
        isinstance(values, dict) and values and all(isinstance(each, dict) for each in values.values())
    )
    return values if is_several else None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that is there twice, of which `json` keeps the last; `Config.from_json` says which."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError
    return values
