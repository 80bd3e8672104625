"""What the log of a server says, and what never gets into it."""

import io
import json
import logging
import pickle
import threading
import traceback
import warnings

import pytest
from joblib.externals.loky.process_executor import _ExceptionWithTraceback

from regcore.errors import WorkerError
from regcore.hosting import logs
from tests.test_pages import TINY, finish, open_app
from tests.test_pages_shelf import edit

SECRET = "Ada's run, 203.0.113.7"


@pytest.fixture(params=["plain", "json"])
def log(request):
    """Return a function that gives the lines so far, of a log in this style; afterwards all is as before."""
    hook, factory, show = threading.excepthook, logging.getLogRecordFactory(), warnings.showwarning
    loggers = [logging.root, *map(logging.getLogger, logging.root.manager.loggerDict)]
    before = [(each, each.level, list(each.handlers), each.propagate) for each in loggers]
    stream = io.StringIO()
    logs.set_up(request.param, stream)
    yield stream.getvalue
    logging.captureWarnings(False)
    logging.setLogRecordFactory(factory)
    threading.excepthook, warnings.showwarning = hook, show
    for each, level, handlers, propagate in before:
        each.setLevel(level)
        each.handlers[:], each.propagate = handlers, propagate


def fail_inside():
    raise KeyError(SECRET)


def raised(function=fail_inside):
    try:
        function()
    except Exception as error:
        return error


def test_a_line_of_ours_says_what_happened_to_which_run(log, request):
    logging.getLogger("regcore.execution").info("a run ended", extra={"run": ["l2=0.1"], "state": "done"})

    if request.node.callspec.params["log"] == "json":
        line = json.loads(log())
        assert line.pop("time")[10] == "T"
        assert line == {
            "level": "info",
            "logger": "regcore.execution",
            "message": "a run ended",
            "run": ["l2=0.1"],
            "state": "done",
        }
    else:
        assert log().endswith(" INFO regcore.execution: a run ended run=['l2=0.1'] state=done\n")


def test_an_exception_is_told_by_kind_and_place_and_not_by_what_it_quotes(log):
    try:
        raise RuntimeError(SECRET) from raised()
    except RuntimeError as error:
        logging.getLogger("pages.ui.runs").error("A run failed: %s", "l2=0.1", exc_info=error)

    assert "A run failed: l2=0.1" in log()
    assert "Traceback (most recent call last):" in log()
    assert "in fail_inside" in log() and "KeyError" in log() and "RuntimeError" in log()
    assert SECRET not in log()


def test_what_other_packages_quote_is_left_out(log):
    logging.getLogger("streamlit.error_util").error("Uncaught app execution: %s", SECRET, exc_info=raised())
    logging.getLogger("uvicorn.error").warning("%s: no such page", SECRET)
    logging.getLogger("uvicorn.error").info("%s connected", SECRET)

    assert "Uncaught app execution: %s" in log() and "in fail_inside" in log()
    assert "no such page" in log() and "connected" not in log()
    assert SECRET not in log()


def test_a_traceback_that_others_write_into_their_message_keeps_its_places(log):
    text = "".join(traceback.format_exception(raised()))
    logging.getLogger("uvicorn.error").error(text)
    logging.getLogger("uvicorn.error").error(f"Application startup failed.\n{SECRET}")

    assert "in fail_inside" in log() and "KeyError" in log() and "Application startup failed." in log()
    assert SECRET not in log()


def test_a_logger_that_writes_by_itself_quotes_nothing_either(log):
    stream = io.StringIO()
    own = logging.getLogger("another.package")
    handler = logging.StreamHandler(stream)
    own.addHandler(handler)
    own.error("no such file: %s", SECRET, exc_info=raised())
    own.removeHandler(handler)

    assert "no such file: %s" in stream.getvalue() and "in fail_inside" in stream.getvalue()
    assert SECRET not in stream.getvalue() + log()


def test_warnings_and_threads_that_fail_are_told_without_what_they_quote(log):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # pytest's own way to catch warnings took the place of the log's.
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn(SECRET, UserWarning, stacklevel=1)
    thread = threading.Thread(target=fail_inside)
    thread.start()
    thread.join()

    assert "UserWarning" in log()
    assert "a thread failed" in log() and "in fail_inside" in log()
    assert SECRET not in log()


def test_what_a_worker_raised_keeps_its_places():
    error = raised()
    sent = pickle.dumps(_ExceptionWithTraceback(error))

    told = "\n".join(logs._fault(pickle.loads(sent)))
    assert "in fail_inside" in told and "KeyError" in told
    assert SECRET not in told


def test_json_is_one_object_a_line(log, request):
    logging.getLogger("regcore").error("first\nsecond", exc_info=raised())
    logging.getLogger("regcore").error("third")

    if request.node.callspec.params["log"] == "json":
        assert [json.loads(line)["message"] for line in log().splitlines()] == ["first\nsecond", "third"]


@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_what_a_visitor_types_never_gets_into_the_log(log, monkeypatch):
    app = open_app("pages/lab.py", f"{TINY}&dropout_hidden=0.5")
    text_input(app, "Or a link from the Share button").set_value(SECRET).run()
    finish(app)
    text_input(edit(app), "Name").set_value(SECRET).run()
    assert text_input(app, "Name").value == SECRET

    live = app.session_state["lab.kept.lab"]
    monkeypatch.setattr(live.run._job, "state", "failed")
    monkeypatch.setattr(live.run._job, "error", WorkerError(SECRET))
    app.run()
    monkeypatch.setattr("pages.ui.frame.start_workers", fail_inside)
    app.run()

    assert "A run failed" in log() and "Uncaught app execution" in log() and "in fail_inside" in log()
    assert SECRET not in log()


def text_input(app, label):
    return next(field for field in app.text_input if field.label == label)
