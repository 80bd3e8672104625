"""Training on request: from configurations to networks, shards and chunks, over any executor.

A request becomes the networks that are not in the cache yet (`plan`), which train side by side in shards. A
shard is a chain of chunks of about a quarter of a second, each a pure function of the state before it
(`worker`), sent in turn to an executor (`scheduler`), by default processes of this machine (`local`). The
estimators train by `fitting`, with one worker.
"""

from regcore.execution.job import Progress
from regcore.execution.requests import compare, submit, sweep, train
from regcore.execution.run import Run
from regcore.execution.service import fingerprint, start_workers, stop_workers, workers_are_ready

__all__ = [
    "Progress",
    "Run",
    "compare",
    "fingerprint",
    "start_workers",
    "stop_workers",
    "submit",
    "sweep",
    "train",
    "workers_are_ready",
]
