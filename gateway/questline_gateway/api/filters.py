"""Which quests a query means, in the words of the command line."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from questline_gateway.api.pages import moment_of
from questline_gateway.api.tenancy import Here
from questline_gateway.security import Scope, admit
from questline_persistence.records import QuestFilter, labels_of

#: Most words that one query may give for one filter.
MAX_WORDS = 50
#: Longest word of a filter, in characters.
MAX_WORD = 1_000

_Word = Annotated[str, Query(max_length=MAX_WORD)]


def quests_meant(
    request: Request,
    here: Here,
    *,
    status: Annotated[
        list[_Word] | None, Query(max_length=MAX_WORDS, description="Only of this status; repeat it for several.")
    ] = None,
    quest_type: Annotated[
        str | None, Query(alias="type", max_length=MAX_WORD, description="Only of this type.")
    ] = None,
    queue: Annotated[str | None, Query(max_length=MAX_WORD, description="Only of this queue.")] = None,
    label: Annotated[
        list[_Word] | None,
        Query(max_length=MAX_WORDS, description="Only with this label, `KEY=VALUE`; repeat it to ask for several."),
    ] = None,
    since: Annotated[
        str | None,
        Query(max_length=100, description="Only made since then: ISO 8601, or an age such as `2h` or `30d`."),
    ] = None,
    until: Annotated[str | None, Query(max_length=100, description="Only made before then, given likewise.")] = None,
    error: Annotated[
        str | None,
        Query(
            max_length=MAX_WORD,
            description="Only those whose error contains exactly this text; it takes the right to see payloads.",
        ),
    ] = None,
) -> QuestFilter:
    """Return the filter that a query means.

    Parameters:
      request: the request; to look for errors takes the right to see them.
      here: the namespace, whose database tells the time from which ages count.
      status: the statuses.
      quest_type: the type.
      queue: the queue.
      label: the labels.
      since: since when.
      until: until when.
      error: what the error holds.

    Raises:
      PayloadError: a word cannot be read.
      NotAllowed: it asks for an error, and whoever sends it may not see errors.
    """
    if error is not None:
        admit(request, Scope.READ, payloads=True)
    return QuestFilter(
        status,
        quest_type=quest_type,
        queue=queue,
        labels=labels_of(label or ()),
        since=moment_of(since, here),
        until=moment_of(until, here),
        error=error,
    )


#: What a route takes that is about the quests of a filter.
Filter = Annotated[QuestFilter, Depends(quests_meant)]
