"""What the server does beside the pages: it starts and ends, and opens a browser."""

import asyncio
import logging

import pytest
import streamlit as st

from pages.ui import server, state
from regcore.config import Config
from regcore.errors import ConfigError


@pytest.fixture
def done(monkeypatch):
    """Return the names of what was started and ended, in their order."""
    names = []
    for name in ("start_workers", "stop_workers", "stop_keeper"):
        monkeypatch.setattr(server, name, lambda name=name: names.append(name))
    monkeypatch.setattr(server.unsent, "keep", lambda: names.append("keep unsent"))
    monkeypatch.setattr(server.moved, "keep", lambda: names.append("keep moved"))
    monkeypatch.setattr(server.logs, "set_up", lambda style: names.append(f"log {style}"))
    return names


def serve():
    async def served():
        async with server.lifespan(None):
            pass

    asyncio.run(served())


def test_workers_start_with_the_server_and_end_with_it_before_the_last_is_written(done):
    serve()

    assert done == ["keep unsent", "keep moved", "log plain", "start_workers", "stop_workers", "stop_keeper"]


def test_the_log_is_of_the_kind_that_is_set(done, monkeypatch):
    monkeypatch.setenv("REGCORE_LOG", "json")
    serve()

    assert "log json" in done


def test_settings_that_cannot_be_read_are_one_sentence_in_the_log(done, monkeypatch, caplog):
    def refuse():
        raise ConfigError("REGCORE_WORKERS must be a whole number")

    monkeypatch.setenv("REGCORE_LOG", "xml")
    monkeypatch.setattr(server, "start_workers", refuse)
    serve()

    assert "log plain" in done
    assert [record.message for record in caplog.records] == ["REGCORE_WORKERS must be a whole number"]


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({}, "http://localhost:8501/"),
        ({"server.address": "0.0.0.0"}, "http://localhost:8501/"),
        ({"server.address": "192.168.0.10", "server.port": 80}, "http://192.168.0.10:80/"),
        ({"server.sslCertFile": "cert.pem", "server.baseUrlPath": "/lab/"}, "https://localhost:8501/lab"),
    ],
)
def test_a_browser_is_led_to_where_the_server_is(monkeypatch, options, address):
    there = {
        "server.headless": False,
        "server.address": None,
        "server.port": 8501,
        "server.baseUrlPath": "",
        "server.sslCertFile": None,
        "browser.serverAddress": "localhost",
    }
    opened = []
    monkeypatch.setattr(st, "get_option", lambda name: {**there, **options}[name])
    monkeypatch.setattr(server.webbrowser, "open", opened.append)
    server._open_browser()

    assert opened == [address]


def test_where_there_is_no_screen_no_browser_is_opened(monkeypatch):
    monkeypatch.setattr(st, "get_option", lambda name: {"server.headless": True}[name])
    monkeypatch.setattr(server.webbrowser, "open", pytest.fail)

    server._open_browser()


def test_a_page_that_failed_is_logged_with_its_run(monkeypatch, caplog):
    config = Config(l2=0.1)
    monkeypatch.setattr(st, "session_state", {state._PAGE: "Lab", f"{state._CONFIG}Lab": config})

    server.log_fault(KeyError("what somebody typed"))

    (record,) = caplog.records
    assert (record.levelno, record.message) == (logging.ERROR, "a page failed")
    assert (record.page, record.run) == ("Lab", "l2=0.1")


def test_a_page_without_a_configuration_has_no_run(monkeypatch):
    monkeypatch.setattr(st, "session_state", {state._PAGE: "Home"})

    assert state.told() == {"page": "Home"}
