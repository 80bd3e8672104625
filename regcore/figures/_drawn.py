"""Figures that pages draw often and send as they are: made without plotly's objects, written as JSON once."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import orjson
import plotly.graph_objects as go
from plotly.basedatatypes import convert_to_base64

PLAIN = (str, int, float, type(None))
# As plotly.js calls them.
TYPED = {np.dtype(name): name for name in ("u1", "i4", "f4", "f8")}


class Written(NamedTuple):
    """A figure as it is sent.

    Attributes:
        parts: Its data, layout and frames for `plotly.io.to_json`, which without its checks has only to put
            them together.
        description: What it says in words; None: nothing.
        n_bytes: What it takes.
    """

    parts: dict[str, Any]
    description: str | None
    n_bytes: int


def drawn(
    traces: Sequence[Mapping[str, Any]], frames: Sequence[Mapping[str, Any]] = (), **layout: Any
) -> go.Figure:
    """Return a figure that pages draw often, made in a tenth of the time: plotly checks nothing of it.

    Its tests do, by `go.Figure(figure)`, which refuses what plotly would.

    Args:
        traces: Each with its `type`, and its fields by their own names: no `line_color` for `line`'s `color`.
            Arrays are fields, but for `range`, and in no lists; none is of dates.
        frames: What a slider moves through.
        layout: The same of the layout; its `template` as a mapping.
    """
    parts: dict[str, Any] = {"data": [dict(trace) for trace in traces], "layout": layout}
    return _Drawn(parts | ({"frames": list(frames)} if frames else {}))


def written(figure: go.Figure) -> Written:
    """Return a figure as it is sent; what is equal to it gives the same JSON."""
    parts, simpler = figure.unmade_parts() if isinstance(figure, _Drawn) else None, _typed
    if parts is None:
        # What plotly leaves of arrays, in lists, it writes as lists.
        parts, simpler = figure.to_dict(), _listed

    n_bytes = 0

    def fields(part: Mapping[str, Any]) -> dict[str, Any]:
        # What is no more than a number or a word stays: Streamlit asks for the height.
        plain = {
            name: value.item() if isinstance(value, np.generic) else value for name, value in part.items()
        }
        return {name: value if isinstance(value, PLAIN) else fragment(value) for name, value in plain.items()}

    def fragment(value: Any) -> orjson.Fragment:
        nonlocal n_bytes
        # A copy, for what orjson returns holds several times its length.
        text = bytes(memoryview(orjson.dumps(value, simpler, orjson.OPT_NON_STR_KEYS)))
        n_bytes += len(text)
        return orjson.Fragment(text)

    sent = {"data": [fields(trace) for trace in parts["data"]], "layout": fields(parts["layout"])}
    if frames := parts.get("frames"):
        sent["frames"] = fragment(frames)
    meta = parts["layout"].get("meta") or {}
    return Written(sent, meta.get("description"), n_bytes)


class _Drawn(go.Figure):  # type: ignore[misc]
    """A figure whose objects are not made before somebody asks for one: to be sent it needs none.

    Args:
        parts: Its data, layout and frames.
    """

    def __init__(self, parts: dict[str, Any]) -> None:
        self.__dict__["_parts"] = parts

    def __getattr__(self, name: str) -> Any:
        if "_data_objs" in self.__dict__ or "_parts" not in self.__dict__ or not name.startswith("_"):
            raise AttributeError(name)
        super().__init__(self.__dict__["_parts"], _validate=False)
        return getattr(self, name)

    def unmade_parts(self) -> dict[str, Any] | None:
        """Return what it was made from, not to be changed; None once somebody has asked for an object."""
        parts: dict[str, Any] = self.__dict__["_parts"]
        return None if "_data_objs" in self.__dict__ else parts

    def to_dict(self) -> dict[str, Any]:
        """Return what is sent, with arrays as plotly writes them."""
        parts = self.unmade_parts()
        sent: dict[str, Any]
        if parts is None:
            sent = super().to_dict()
            return sent
        sent = deepcopy(parts)
        convert_to_base64(sent)
        return sent


def _typed(value: Any) -> Any:
    """Return what JSON has for an array or a number of one, as plotly writes arrays that are fields."""
    name = TYPED.get(value.dtype) if isinstance(value, np.ndarray) and value.size else None
    if name is not None:
        shape = {"shape": ", ".join(map(str, value.shape))} if value.ndim > 1 else {}
        return {"dtype": name, "bdata": base64.b64encode(value.tobytes()).decode("ascii")} | shape
    # plotly takes fifty times as long over each, and knows what to do with all others.
    other = {"array": value}
    convert_to_base64(other)
    return _listed(other["array"])


def _listed(value: Any) -> Any:
    """Return what JSON has for an array or a number of one."""
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind != "M":
        return value.tolist()
    if isinstance(value, dict):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON")
