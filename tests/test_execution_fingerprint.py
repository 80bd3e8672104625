"""What the bits of the workers depend on, asked of a worker: this process never loads TensorFlow for it."""

from concurrent.futures import Future

import pytest

from regcore.engine import runtime
from regcore.errors import WorkerError
from regcore.execution import fingerprint, service, workers_are_ready


class Asked:
    """A scheduler whose workers answer when the test says so."""

    def __init__(self):
        self.calls = []
        self.error = None

    def call(self, function):
        assert function is runtime.fingerprint
        self.calls.append(Future())
        if self.error:
            self.calls[-1].set_exception(self.error)
        return self.calls[-1]


@pytest.fixture
def asked(monkeypatch):
    scheduler = Asked()
    monkeypatch.setattr(service, "scheduler_for", lambda: scheduler)
    monkeypatch.setattr(service, "_asked", None)
    return scheduler


def test_a_worker_is_asked_once(asked):
    assert fingerprint(0.0) is None
    asked.calls[0].set_result("abc")

    assert (fingerprint(), fingerprint()) == ("abc", "abc")
    assert len(asked.calls) == 1


def test_a_worker_that_went_is_asked_again(asked):
    fingerprint(0.0)
    asked.calls[0].cancel()

    assert fingerprint(0.0) is None
    asked.calls[1].set_result("abc")
    assert fingerprint() == "abc"


def test_workers_that_cannot_load_the_engine_say_why(asked):
    asked.error = WorkerError("a worker could not load the engine.")

    with pytest.raises(WorkerError, match="could not load"):
        fingerprint()


def test_workers_are_ready_once_one_has_answered(asked, monkeypatch):
    monkeypatch.setattr(service, "_local", (asked, None))

    assert not workers_are_ready()
    asked.calls[0].set_result("abc")
    assert workers_are_ready()
    assert len(asked.calls) == 1


def test_nothing_is_started_or_asked_to_tell_whether_workers_are_ready(asked, monkeypatch):
    monkeypatch.setattr(service, "_local", None)

    assert not workers_are_ready()
    assert not asked.calls


def test_workers_that_cannot_load_the_engine_are_not_waited_for(asked, monkeypatch):
    monkeypatch.setattr(service, "_local", (asked, None))
    asked.error = WorkerError("a worker could not load the engine.")

    assert workers_are_ready()
