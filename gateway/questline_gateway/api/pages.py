"""Lists as they are answered: a page, and where the next one begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

from fastapi import Query, Request

from questline_gateway.answers import Answer

#: Items on one page unless told otherwise, and at most.
PAGE, MAX_PAGE = 100, 500

Limit: TypeAlias = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most items on the page.")]
Cursor: TypeAlias = Annotated[
    str | None, Query(max_length=1_000, description="Where the page begins: the `next_cursor` of the page before.")
]


def page(request: Request, items: Sequence[dict[str, Any]], next_cursor: str | None = None) -> Answer:
    """Return one page of a list, with a link to the next one if there is one.

    Parameters:
      request: the request, whose own query the link repeats.
      items: the items, as JSON data.
      next_cursor: where the next page begins; None if this is the last one.
    """
    headers = {}
    if next_cursor is not None:
        address = request.url.include_query_params(cursor=next_cursor)
        headers["Link"] = f'<{address.path}?{address.query}>; rel="next"'
    return Answer({"items": list(items), "next_cursor": next_cursor}, headers=headers)
