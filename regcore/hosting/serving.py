"""What is put around the pages of a server: routes for its operator, and what each request passes."""

from __future__ import annotations

import asyncio

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regcore import store
from regcore.execution import service
from regcore.hosting import HEALTH, METRICS
from regcore.hosting.desk import DeskCookie
from regcore.hosting.exposition import MEDIA_TYPE, Server, exposition, memory
from regcore.hosting.operator import READY, Health, OperatorOnly
from regcore.hosting.sessions import CountSessions, Sessions

_sessions = Sessions()


def middleware() -> tuple[Middleware, ...]:
    """Return what each request passes, the outermost first."""
    return Middleware(CountSessions, sessions=_sessions), Middleware(OperatorOnly), Middleware(DeskCookie)


def routes() -> tuple[Route, ...]:
    """Return what is served beside the pages."""
    health = Health({"workers": _ask_worker, "database": _ask_database})
    return Route(HEALTH, health.answer), Route(METRICS, _metrics)


async def _ask_worker() -> str:
    # Shared by all who ask meanwhile: who gives up waiting does not take it from the others.
    await asyncio.shield(asyncio.wrap_future(service.ask_worker()))
    return READY


async def _ask_database() -> str:
    kept_by = store.own_keeper()
    if kept_by is not None:
        await run_in_threadpool(kept_by.read, store.Store.check)
    return READY


async def _metrics(_: Request) -> Response:
    return Response(await run_in_threadpool(_exposition), media_type=MEDIA_TYPE)


def _exposition() -> str:
    runs, n_restarts = service.figures()
    kept = store.status()
    return exposition(
        runs,
        Server(
            n_sessions=_sessions.n_open,
            n_sessions_ever=_sessions.n_opened,
            n_restarts=n_restarts,
            memory=memory(),
            n_unwritten=kept.n_waiting if kept else 0,
            has_database=kept is None or kept.problem is None,
        ),
    )
