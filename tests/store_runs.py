"""Finished runs made by hand, for tests of the store; run as a program, it puts them one after the other."""

import sys

import numpy as np

from regcore.config import Config
from regcore.pairing import Scores
from regcore.provenance import Made
from regcore.store import FinishedRun, Placed, Store
from regcore.store.database import Database

PLENTY = 10**9
CURVE = {
    "epochs": np.array([1, 2]),
    "median": np.array([0.1 + 0.2, np.nan]),
    "low": np.array([0.25, 0.5]),
    "high": np.array([0.5, 0.75]),
}
CURVES = {"loss": CURVE, "error": CURVE}
SCORES = Scores("binary", {"error": {3: 0.25, 4: float("nan")}}, {3: "rows", 4: "others"})


def run(number, engine="e" * 16, history=None):
    return FinishedRun(
        Config(l2=number / 1000), "data", Made(engine, f"{number:016x}"), 1.5e9, SCORES, CURVES, history
    )


def placed(number, name=None, **parts):
    return Placed(run(number).key, name or f"run {number}", **parts)


def put(store, *numbers, desk="mine", **parts):
    store.put(desk, [placed(number, **parts) for number in numbers], [run(number) for number in numbers])


def names(store, desk="mine"):
    return [kept.placed.name for kept in store.desk(desk).kept]


def main(url, first, last):
    """Put runs of these numbers on a desk, and tell each that is kept."""
    store = Store(Database(url, patience=20.0), PLENTY, 90)
    for number in range(int(first), int(last)):
        put(store, number)
        print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
