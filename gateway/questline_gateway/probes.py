"""The probes and metrics of a gateway, in the words in which workers and schedulers answer them; none is logged.

Whether it is alive or ready anybody may ask who reaches it, and is not told why it is not. Metrics name Lords and
queues, so that they are for those who may read.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from questline_gateway.answers import Answer
from questline_gateway.security import Principal, Scope, needs
from questline_scheduler.monitoring import ProbeAnswer, Probes

#: Threads that wait for the store or the broker on behalf of probes; further ones wait for these.
THREADS = 4

router = APIRouter(include_in_schema=False)
_LIMITER = anyio.CapacityLimiter(THREADS)


@router.get("/livez")
@router.get("/healthz")
@router.get("/version")
async def tell_at_once(request: Request) -> Response:
    """Answer what asks nothing of anybody, so that it is answered whatever hangs."""
    return _response(_probes(request).answer(_name(request)))


@router.get("/readyz")
async def tell_readiness(request: Request) -> Response:
    """Answer whether the store and the broker are there, each by its name alone."""
    readiness = await anyio.to_thread.run_sync(_probes(request).readiness, limiter=_LIMITER)
    status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
    checks = [{"name": finding.name, "ready": finding.ready} for finding in readiness.findings]
    return Answer({"ready": readiness.ready, "checks": checks}, status)


@router.get("/metrics", dependencies=[needs(Scope.READ)])
async def tell_metrics(request: Request) -> Response:
    """Answer with the metrics, which are those of the gateway's own namespace."""
    principal: Principal = request.state.principal
    if not principal.reaches(request.app.state.tenants.settings.namespace):
        return Response(status_code=HTTPStatus.NOT_FOUND)
    ask = partial(_probes(request).answer, "/metrics", request.headers.get("Accept", ""))
    return _response(await anyio.to_thread.run_sync(ask, limiter=_LIMITER))


def _probes(request: Request) -> Probes:
    request.state.quiet = True
    probes: Probes = request.app.state.probes
    return probes


def _name(request: Request) -> str:
    """Return the path without those under which the gateway is mounted."""
    return f"/{request.url.path.rpartition('/')[2]}"


def _response(answer: ProbeAnswer | None) -> Response:
    if answer is None:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    return Response(answer.body, answer.status, media_type=answer.content_type)
