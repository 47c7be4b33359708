"""The gateway as an ASGI application, complete when it is made: by itself, or mounted in another one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio.to_thread
from fastapi import FastAPI
from fastapi.routing import APIRoute

from questline_gateway import probes, problems
from questline_gateway.api import ROUTERS, Waiting, tenant_of
from questline_gateway.base_path import BasePath
from questline_gateway.body_limit import BodyLimit
from questline_gateway.dashboard import dashboard_routes
from questline_gateway.description import PROBLEMS, describe
from questline_gateway.live import Streams, Waking
from questline_gateway.live import router as live_router
from questline_gateway.request_log import RequestLog
from questline_gateway.security import Access, RateLimit, Redaction, SecurityHeaders
from questline_gateway.tenants import Tenants
from questline_persistence.settings import Settings, load
from questline_persistence.store import Database, open_database
from questline_scheduler.monitoring import Tally, probes_of

#: Most requests that are worked on at a time, each by a thread and a connection of its own; others wait.
THREADS = 16

_ABOUT = "Submit quests, steer them, and look at them. The same objects as on the command line, in the same words."


def create_app(
    settings: Settings | None = None, *, database: Database | None = None, insecure: bool = False
) -> FastAPI:
    """Return the gateway as an application.

    Parameters:
      settings: the settings; those of this process, if not given.
      database: an open store to use instead of the one that the settings name; its owner closes it.
      insecure: whether anybody may do all without a key, wherever they come from.

    Returns:
      the application. Nothing connects before its first request. Run by itself, it closes its connections when it
      ends; where it is mounted, call `app.state.tenants.close()` then.

    Raises:
      ConfigurationError: a setting is wrong.

    Example:
      app.mount("/quests", create_app())
    """
    chosen = settings or load()
    tenants = Tenants(chosen, database or open_database(chosen=chosen), owned=database is None)
    app = FastAPI(
        title="questline",
        summary=_ABOUT,
        version=version("questline"),
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        generate_unique_id_function=_name_of,
    )
    app.state.tenants = tenants
    app.state.waiting = Waiting()
    app.state.access = Access(tenants, insecure=insecure)
    app.state.streams = Streams(chosen.http_streams)
    app.state.probes = probes_of(chosen, tenants.database, tenants.broker, Tally())
    problems.install(app)
    for router in (probes.router, live_router, *ROUTERS):
        app.include_router(router, responses=PROBLEMS)
    app.router.routes.extend(dashboard_routes(tenant_of))
    describe(app)
    app.add_middleware(Redaction, settings=chosen)
    app.add_middleware(Waking, streams=app.state.streams)
    app.add_middleware(BodyLimit, most=chosen.limits.quest_file)
    app.add_middleware(BasePath, path=chosen.http_base_path)
    app.add_middleware(RateLimit, rate=chosen.http_rate_limit)
    app.add_middleware(RequestLog)
    app.add_middleware(SecurityHeaders)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Bound the threads for as long as the application runs by itself, and close its connections then."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    try:
        yield
    finally:
        app.state.tenants.close()


def _name_of(route: APIRoute) -> str:
    """Return what a route is called in the description of the API: the name of its function."""
    return route.name
