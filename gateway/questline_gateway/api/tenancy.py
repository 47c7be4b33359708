"""The namespace of a request, and the quest that its path means."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path, Request

from questline_gateway.security import Access, actor_of
from questline_gateway.tenants import Tenant, Tenants
from questline_scheduler.client import QuestClient


def tenant_of(request: Request) -> Tenant:
    """Return the namespace that a request is about: the one of the key that it shows, or else of the settings.

    Parameters:
      request: the request.

    Raises:
      HTTPException: it needs a key (401).
      NotAllowed: it comes from where nobody may come from.
      StoreUnavailable: the store cannot be reached.
      ConfigurationError: it has the wrong schema.
    """
    tenants: Tenants = request.app.state.tenants
    access: Access = request.app.state.access
    principal = access.principal_of(request)
    return tenants.of(principal.namespace).acting_as(actor_of(request, principal))


#: What a route takes to read and change its namespace.
Here = Annotated[Tenant, Depends(tenant_of)]


def quest_meant(
    request: Request,
    here: Here,
    quest_id: Annotated[str, Path(description="The quest's id, its beginning or its end, `@last`, or `@last:TYPE`.")],
) -> str:
    """Return the whole id of the quest that a path means; a conflict will tell its present state.

    Parameters:
      request: the request.
      here: the namespace.
      quest_id: as it stands in the path.

    Raises:
      QuestNotFound: none, or several, are meant.
    """
    full_id = here.repository.full_id(quest_id)
    tell_state(request, here, full_id)
    return full_id


def tell_state(request: Request, here: Tenant, quest_id: str) -> None:
    """Have a conflict tell in which state a quest is.

    Parameters:
      request: the request that may meet one.
      here: the namespace.
      quest_id: the quest's id.
    """
    request.state.look = lambda: _glance(here, quest_id)


def _glance(here: Tenant, quest_id: str) -> dict[str, Any]:
    """Return in which state a quest is now."""
    quest = here.repository.glance(quest_id)
    return {
        "quest_id": quest.quest_id,
        "status": str(quest.status),
        "epoch": quest.epoch,
        "version": quest.version,
        "progress": quest.progress,
    }


def client_for(here: Here) -> QuestClient:
    """Return the client that acts on behalf of whoever sent a request, as the audit will tell it.

    Parameters:
      here: the namespace, in which they act.
    """
    return here.client


#: What a route takes that changes something at a caller's will.
Acting = Annotated[QuestClient, Depends(client_for)]

#: What a route takes whose path names a quest.
QuestId = Annotated[str, Depends(quest_meant)]
