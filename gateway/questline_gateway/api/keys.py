"""Keys: made, listed, rotated, revoked. Nobody makes one that sees more than they see themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from questline_gateway.answers import Answer
from questline_gateway.api.pages import page
from questline_gateway.api.shapes import answers, lists
from questline_gateway.api.tenancy import Here
from questline_gateway.security import Principal, Scope, needs
from questline_persistence.errors import NotAllowed
from questline_persistence.ids import MAX_NAME
from questline_persistence.keys import Keys
from questline_persistence.models import MAX_REASON

#: Longest time for which a key is made, or an old one is valid still, in seconds: a hundred years.
MAX_SECONDS = 100 * 366 * 86_400.0

router = APIRouter(prefix="/api/v1", tags=["security"], dependencies=[needs(Scope.ADMIN)])


class KeyMade(BaseModel):
    """What a key is to be."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=MAX_NAME, description="what to call it; the audit tells it as the actor")
    scopes: list[Scope] = Field([Scope.READ], min_length=1, max_length=len(Scope), description="what it may do")
    payloads: bool = Field(default=False, description="whether it may see inputs, outputs and what else people put in")
    expires_in: float | None = Field(None, gt=0, le=MAX_SECONDS, description="how long it is valid, in seconds")


class KeyRotated(BaseModel):
    """How a key is replaced."""

    model_config = ConfigDict(extra="forbid")

    grace: float = Field(
        default=86_400.0, ge=0, le=MAX_SECONDS, description="how long the old key is valid still, in seconds"
    )
    reason: str | None = Field(default=None, max_length=MAX_REASON, description="why; the audit keeps it")


def keys_of(here: Here) -> Keys:
    """Return the keys of the namespace, managed on behalf of whoever sends the request.

    Parameters:
      here: the namespace.
    """
    return Keys(here.database, here.namespace, here.actor)


Own = Annotated[Keys, Depends(keys_of)]


@router.get("/keys", responses=lists("Key", "All keys."))
def list_keys(request: Request, here: Here, own: Own) -> Answer:
    """List the keys, newest first, those that are revoked or expired included."""
    return page(request, [key.to_json(here.now()) for key in own.list()])


@router.post("/keys", status_code=201, responses=answers("NewKey", "The key, with its secret.", status=201))
def create_key(request: Request, here: Here, own: Own, body: KeyMade) -> Answer:
    """Make a key. Its secret is in this answer, and nobody can look it up later."""
    _refuse_more(request, payloads=body.payloads)
    made = own.create(body.name, body.scopes, payloads=body.payloads, expires_in=body.expires_in)
    return Answer(made.to_json(here.now()), status_code=201)


@router.post("/keys/{key_id}/rotate", status_code=201, responses=answers("NewKey", "The new key.", status=201))
def rotate_key(request: Request, here: Here, own: Own, key_id: str, body: KeyRotated | None = None) -> Answer:
    """Make a key in the place of another, which may do the same; the old one is valid for a while."""
    chosen = body or KeyRotated()
    _refuse_more(request, payloads=any(key.payloads for key in own.list() if key.key_id == key_id))
    made = own.rotate(key_id, grace=chosen.grace, reason=chosen.reason)
    return Answer(made.to_json(here.now()), status_code=201)


@router.delete("/keys/{key_id}", responses=answers("Key", "The key, revoked."))
def revoke_key(
    here: Here,
    own: Own,
    key_id: str,
    reason: Annotated[str | None, Query(max_length=MAX_REASON, description="Why; the audit keeps it.")] = None,
) -> Answer:
    """Have a key refused from now on; gateways that have just seen it may accept it for a few seconds more."""
    return Answer(own.revoke(key_id, reason=reason).to_json(here.now()))


def _refuse_more(request: Request, *, payloads: bool) -> None:
    """Refuse to hand out a right that the caller lacks."""
    principal: Principal = request.state.principal
    if payloads and not principal.payloads:
        message = f"the key {principal.name} may not see payloads, and so hands out none that may"
        raise NotAllowed(message, hint="use a key that may, or run: questline keys create NAME --payloads")
