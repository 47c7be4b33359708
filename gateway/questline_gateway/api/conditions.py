"""What a caller has seen of a quest: its version, as an entity tag."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header, Request

from questline_persistence.errors import PayloadError
from questline_persistence.models import QuestExecutionData

_TAG = re.compile(r'(?:W/)?"?v?(\d{1,9})"?')


def tag_of(quest: QuestExecutionData) -> str:
    """Return the entity tag of a quest: its version, which every change of its state raises.

    Parameters:
      quest: the quest.
    """
    return f'"{quest.version}"'


def version_seen(
    request: Request,
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            max_length=100,
            description="Only if the quest is at this version: the `ETag` that you have seen.",
        ),
    ] = None,
) -> int | None:
    """Return the version that `If-Match` names, or None where any will do.

    Parameters:
      request: the request, which remembers it: a conflict with it is answered with 412.
      if_match: the header.

    Raises:
      PayloadError: it is no version.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise PayloadError(
            f"If-Match {if_match!r:.100} names no version", hint='give the ETag of the quest, such as "7"'
        )
    request.state.seen = int(found[1])
    return int(found[1])


#: What a verb takes that a caller may bind to the version that it has seen.
Seen = Annotated[int | None, Depends(version_seen)]
