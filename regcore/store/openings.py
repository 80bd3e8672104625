"""Openings of the sealed test, as JSON and back."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from regcore.config import Config
from regcore.errors import StoreError
from regcore.opening import Flattery, OpenedRun, Opening
from regcore.statistics import PairedDifference


class Seen(NamedTuple):
    """An opening of the test by a visitor.

    Attributes:
        identity: By which it is known, whenever it is handed over.
        when: In seconds since 1970, by the clock of the server.
        opening: What was seen.
        number: Which of the visitor's it is, from 1, as the store counts; 0 before that is known.
    """

    identity: str
    when: float
    opening: Opening
    number: int = 0


def opening_to_json(opening: Opening) -> str:
    """Return an opening as JSON, to the last bit."""
    runs = [
        {
            **run._asdict(),
            "config": json.loads(run.config.to_json()),
            "flattery": [
                {**each._asdict(), "difference": _as_dict(each.difference)} for each in run.flattery
            ],
        }
        for run in opening.runs
    ]
    return json.dumps({"runs": runs, "difference": _as_dict(opening.difference)})


def opening_from_json(text: str) -> Opening:
    """Return the opening that `opening_to_json` wrote.

    Raises:
        StoreError: the text is none, or of a lab whose fields were others.
    """
    try:
        found = json.loads(text)
        return Opening(tuple(map(_run, found["runs"])), _difference(found["difference"]))
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"an opening of the test that was kept cannot be read: {error}") from error


def _run(found: dict[str, Any]) -> OpenedRun:
    flattery = tuple(
        Flattery(**{**each, "difference": _difference(each["difference"])}) for each in found["flattery"]
    )
    config = Config.from_json(json.dumps(found["config"]))
    return OpenedRun(**{**found, "config": config, "flattery": flattery})


def _as_dict(difference: PairedDifference | None) -> dict[str, Any] | None:
    return difference._asdict() if difference is not None else None


def _difference(found: dict[str, Any] | None) -> PairedDifference | None:
    return PairedDifference(**found) if found is not None else None
