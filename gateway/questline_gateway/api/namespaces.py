"""The namespaces of the store."""

from __future__ import annotations

from fastapi import APIRouter, Request

from questline_gateway.answers import Answer
from questline_gateway.api.pages import page
from questline_gateway.api.shapes import lists
from questline_gateway.api.tenancy import Here
from questline_gateway.security import Principal, Scope, needs
from questline_persistence.records import namespaces_of

router = APIRouter(prefix="/api/v1", tags=["overview"], dependencies=[needs(Scope.ADMIN)])


@router.get("/namespaces", responses=lists("Namespace", "All namespaces."))
def list_namespaces(request: Request, here: Here) -> Answer:
    """List the namespaces that have quests and that the caller reaches: a key reaches its own."""
    principal: Principal = request.state.principal
    names = namespaces_of(here.database)
    return page(request, [{"namespace": name} for name in names if principal.reaches(name)])
