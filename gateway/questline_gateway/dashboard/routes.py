"""The addresses of the dashboard, and what stands around every page: the form read, strangers refused, errors told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from questline_gateway.dashboard import pages
from questline_gateway.dashboard.login import login_routes, to_login
from questline_gateway.dashboard.rendering import assets
from questline_gateway.dashboard.visit import Visit
from questline_gateway.security import Scope, actor_of, admit, refuse_foreign
from questline_gateway.tenants import Tenant
from questline_persistence.audit import Door
from questline_persistence.errors import (
    NotAllowed,
    NotFound,
    PayloadError,
    QuestConflict,
    QuestlineError,
    QuestNotFound,
    StoreUnavailable,
)

#: Most fields of a form.
MAX_FIELDS = 2_000
#: Which answer each error is.
_STATUS: tuple[tuple[type[QuestlineError], int], ...] = (
    (QuestNotFound, 404),
    (NotFound, 404),
    (QuestConflict, 409),
    (PayloadError, 400),
    (NotAllowed, 403),
    (StoreUnavailable, 503),
)

TenantOf = Callable[[Request], Tenant]
View = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def dashboard_routes(tenant_of: TenantOf) -> list[BaseRoute]:
    """Return the dashboard's routes.

    Parameters:
      tenant_of: returns the namespace that a request may look at.
    """

    def page(path: str, view: View, *methods: str, scope: Scope = Scope.READ, sending: Scope = Scope.CONTROL) -> Route:
        return Route(path, _endpoint(view, tenant_of, scope, sending), methods=list(methods or ("GET",)))

    return [
        page("/", pages.overview),
        page("/quests", pages.quest_list),
        page("/quests/{quest_id:path}", pages.quest),
        page("/submit", pages.submit, "GET", "POST", scope=Scope.SUBMIT, sending=Scope.SUBMIT),
        page("/batches", pages.batches),
        page("/batches", pages.make_batch, "POST"),
        page("/batches/{batch_id}", pages.batch),
        page("/batches/{batch_id}/abort", pages.abort_batch, "GET", "POST"),
        page("/control", pages.control_many, "POST"),
        page("/control/{verb}/{quest_id:path}", pages.control, "GET", "POST"),
        page("/compare", pages.compare),
        page("/lords", pages.lords),
        page("/memory", pages.memory),
        page("/memory/{kind}", pages.memory),
        page("/memory/agents/{agent_id:path}", pages.agent),
        page("/workers", pages.workers),
        page("/audit", pages.audit, scope=Scope.ADMIN),
        page("/keys", pages.keys, scope=Scope.ADMIN),
        page("/docs", pages.api),
        *login_routes(),
        Route("/static/{version}/{name:path}", assets().serve),
    ]


def _endpoint(view: View, tenant_of: TenantOf, reading: Scope, sending: Scope) -> Endpoint:
    """Return what answers requests by a view, which runs in a thread because it waits for the store."""

    async def answer(request: Request) -> Response:
        body = await request.body() if request.method == "POST" else b""
        scope = sending if request.method == "POST" else reading
        return await run_in_threadpool(_answer, request, tenant_of, body, view, scope)

    return answer


def _answer(request: Request, tenant_of: TenantOf, body: bytes, view: View, scope: Scope) -> Response:
    try:
        here = tenant_of(request)
    except HTTPException as error:
        if error.status_code != HTTPStatus.UNAUTHORIZED:
            raise
        return to_login(request)
    here = here.acting_as(actor_of(request, request.state.principal, Door.DASHBOARD))
    try:
        fields = _fields(body)
        refuse_foreign(request)
        admit(request, _scope(request, fields, scope), payloads=True)
        return view(Visit(request, here, fields, here.now()))
    except QuestlineError as error:
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        return Visit(request, here).page("trouble.html", status=status, error=error, code=status)


def _scope(request: Request, fields: Mapping[str, Sequence[str]], scope: Scope) -> Scope:
    """Return what a request needs: the scope of its page, or more where it deletes quests."""
    verbs = [request.path_params.get("verb"), *fields.get("verb", ())]
    return Scope.ADMIN if request.method == "POST" and "delete" in verbs else scope


def _fields(body: bytes) -> dict[str, list[str]]:
    """Return the fields of a form."""
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, strict_parsing=bool(body))
    except ValueError:
        raise PayloadError("the form cannot be read", hint=f"it may have {MAX_FIELDS:,} fields at most") from None
