"""Real trainings that show what each regularizer buys, with error bars.

    from regcore import Config, compare

    config = Config(data="digits", label_noise=0.3, hidden=(256, 256), dropout_hidden=0.5)
    print(compare({"plain": config.plain(), "dropout": config}).table())

Names are imported when they are first used: `import regcore` costs nothing. TensorFlow stays in the worker
processes that train.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regcore.config import Config
    from regcore.data import Dataset, load_dataset
    from regcore.diagnosis import Diagnosis, diagnose
    from regcore.errors import (
        CancelledError,
        ConfigError,
        DataError,
        RegcoreError,
        TooLargeError,
        WorkerError,
    )
    from regcore.estimators import RegularizedClassifier, RegularizedRegressor
    from regcore.execution import Progress, Run, compare, submit, sweep, train
    from regcore.results import Comparison, Result, Sweep

_HOMES = {
    "regcore.config": ("Config",),
    "regcore.data": ("Dataset", "load_dataset"),
    "regcore.diagnosis": ("Diagnosis", "diagnose"),
    "regcore.errors": (
        "CancelledError",
        "ConfigError",
        "DataError",
        "RegcoreError",
        "TooLargeError",
        "WorkerError",
    ),
    "regcore.estimators": ("RegularizedClassifier", "RegularizedRegressor"),
    "regcore.execution": ("Progress", "Run", "compare", "submit", "sweep", "train"),
    "regcore.results": ("Comparison", "Result", "Sweep"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CancelledError",
    "Comparison",
    "Config",
    "ConfigError",
    "DataError",
    "Dataset",
    "Diagnosis",
    "Progress",
    "RegcoreError",
    "RegularizedClassifier",
    "RegularizedRegressor",
    "Result",
    "Run",
    "Sweep",
    "TooLargeError",
    "WorkerError",
    "compare",
    "diagnose",
    "load_dataset",
    "submit",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
