"""Lists as they are answered: a page, and where the next one begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote

from fastapi import Query, Request

from questline_gateway.answers import Answer
from questline_gateway.tenants import Tenant
from questline_persistence.clock import rfc3339
from questline_persistence.shown_times import read_moment

#: Items on one page unless told otherwise, and at most.
PAGE, MAX_PAGE = 100, 500
#: What may stand in a query as it is.
QUERY = "%=&+;:,/?@!$'()*"

Limit: TypeAlias = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most items on the page.")]
Cursor: TypeAlias = Annotated[
    str | None, Query(max_length=1_000, description="Where the page begins: the `next_cursor` of the page before.")
]


def page(
    request: Request, items: Sequence[dict[str, Any]], next_cursor: str | None = None, **moments: float | None
) -> Answer:
    """Return one page of a list, with a link to the next one if there is one.

    Parameters:
      request: the request, whose own query the link repeats.
      items: the items, as JSON data.
      next_cursor: where the next page begins; None if this is the last one.
      moments: the times that words of the query mean, in epoch seconds: an age passes, so that the link names the time.
    """
    headers = {}
    if next_cursor is not None:
        told = {name: rfc3339(moment) for name, moment in moments.items() if moment is not None}
        query = request.url.include_query_params(cursor=next_cursor, **told).query
        headers["Link"] = f'<{quote(request.scope["path"])}?{quote(query, safe=QUERY)}>; rel="next"'
    return Answer({"items": list(items), "next_cursor": next_cursor}, headers=headers)


def moment_of(word: str | None, here: Tenant) -> float | None:
    """Return the time that a word of a query means, in epoch seconds, or None where there is none.

    Parameters:
      word: ISO 8601, or an age such as `2h`.
      here: the namespace, whose database tells the time.

    Raises:
      PayloadError: it is neither.
    """
    return None if word is None else read_moment(word, here.now())
