"""A process that was forked trains with workers of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.fake_engine import PATIENCE, TOTAL_STEPS, weight

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")


def run_script(body: str, **environment: str) -> list[str]:
    """Run a script of two processes, with the engine of a few lines, and return the lines it printed."""
    setting = """
        import os
        from regcore.errors import WorkerError
        from regcore.execution import local, service, stop_workers, submit, train
        from tests.fake_engine import CONFIG, DATASET, ENGINE, nothing, slow_engine
        local.load_engine = nothing
        service.default_engine = lambda: ENGINE

        def last(seed, **changes):
            config = CONFIG.replace(seeds=1, seed=seed, **changes)
            return train(config, DATASET).history["val_loss"].iloc[-1]

        def in_child(function):
            child = os.fork()
            if child:
                assert os.waitpid(child, 0)[1] == 0
                return
            try:
                print(function(), flush=True)
                stop_workers()
            except BaseException as error:
                print(repr(error), flush=True)
            os._exit(0)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(setting) + textwrap.dedent(body)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "REGCORE_WORKERS": "1", **environment},
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_child_trains_after_its_parent_did_and_the_parent_goes_on():
    assert run_script(
        """
        print(last(0))
        in_child(lambda: last(1))
        print(last(2))
        stop_workers()
        """
    ) == [str(weight(seed, TOTAL_STEPS)) for seed in (0, 1, 2)]


def test_a_child_fits_an_estimator_after_its_parent_did():
    assert run_script(
        """
        from regcore.execution.fitting import fit

        def fitted(seed):
            return fit(CONFIG.replace(seeds=1, seed=seed), DATASET).history["val_loss"].iloc[-1]

        print(fitted(0))
        in_child(lambda: fitted(1))
        print(fitted(2))
        stop_workers()
        """
    ) == [str(weight(seed, TOTAL_STEPS)) for seed in (0, 1, 2)]


def test_in_a_child_what_its_parent_trains_has_failed():
    lines = run_script(
        """
        service.default_engine = lambda: slow_engine(0.01)
        done = train(CONFIG.replace(seeds=1), DATASET)
        run = submit({"": CONFIG.replace(epochs=4000)}, DATASET)

        def recall():
            try:
                done.weights(seed=0, epoch=1)
            except WorkerError as error:
                return error

        in_child(lambda: (run.wait(10), run.progress().state))
        in_child(recall)
        print(run.progress().state)
        run.cancel()
        stop_workers()
        """,
        REGCORE_CHECKPOINT_BYTES="0",
    )
    assert lines == [
        "(True, 'failed')",
        "nothing can be trained: the run belongs to the process that this one was forked from; start a new "
        "run.",
        "running",
    ]
