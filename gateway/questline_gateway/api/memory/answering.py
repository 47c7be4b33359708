"""What the nouns of memory have in common: their parameters, and how lists and findings are answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Protocol, TypeAlias

from fastapi import Path, Query, Request

from questline_gateway.answers import Answer
from questline_gateway.api.pages import page
from questline_persistence.errors import NotFound
from questline_persistence.kinds import Entries, Versioned
from questline_persistence.memory import Kept
from questline_persistence.memory.looking import meant, versions

#: Where the nouns stand.
ROOT = "/api/v1/memory"
#: The highest version that is looked for.
MAX_VERSION = 999_999_999

Prefix: TypeAlias = Annotated[
    str | None, Query(max_length=255, description="The key prefix of the program that keeps it; none, if not given.")
]
Words: TypeAlias = Annotated[
    str,
    Query(max_length=1_000, description='Words that must all be there: `word`, `"a phrase"`, `begin*`, `-without`.'),
]
Version: TypeAlias = Annotated[
    int | None, Query(ge=1, le=MAX_VERSION, description="This version; the newest, if not given.")
]
Name: TypeAlias = Annotated[str, Path(description="Its whole id, the beginning or the end of it, or `@last`.")]
Text: TypeAlias = Annotated[str | None, Query(max_length=255)]


class _Shown(Protocol):
    """What has a JSON form."""

    def to_json(self) -> dict[str, Any]: ...


class _Page(Protocol):
    """A page of a list: `Listed`."""

    next_cursor: str | None

    def __iter__(self) -> Any: ...


class _Findings(Protocol):
    """What a search has found: `Matches`."""

    newest_only: bool

    def __iter__(self) -> Any: ...


def listed(request: Request, found: _Page) -> Answer:
    """Return a page of a list.

    Parameters:
      request: the request.
      found: the page.
    """
    return page(request, _shown(list(found)), found.next_cursor)


def matched(found: _Findings) -> Answer:
    """Return what a search has found, and whether there were more matches than are ranked.

    Parameters:
      found: the findings.
    """
    return Answer({"items": _shown(list(found)), "next_cursor": None, "newest_only": found.newest_only})


def name_meant(kept: Kept, kind: Versioned | Entries, noun: str, typed: str) -> str:
    """Return the name of the key, or the id of the entry, that a path means.

    Parameters:
      kept: where it is kept.
      kind: what it is.
      noun: the last part of the list's path.
      typed: as it stands in the path.

    Raises:
      NotFound: none, or several, are meant.
    """
    return meant(kept, kind, typed, look=f"GET {ROOT}/{noun} lists what there is")


def there(found: _Shown | None, name: str, version: int | None = None) -> Answer:
    """Return one thing.

    Parameters:
      found: the thing; None where it is not there.
      name: what it is called.
      version: the version that was asked for; None means the newest.

    Raises:
      NotFound: it is not there.
    """
    if found is None:
        what = "is not there now: it was deleted" if version is None else f"has no version {version}"
        raise NotFound(f"{name} {what}", hint="its versions are listed under /versions")
    return Answer(found.to_json())


def list_of_versions(
    request: Request, kept: Kept, kind: Versioned, name: str, *, limit: int, cursor: str | None
) -> Answer:
    """Return a page of the versions of a key, newest first.

    Parameters:
      request: the request.
      kept: where it is kept.
      kind: what it is.
      name: the key's name.
      limit: how many a page has.
      cursor: behind which page to begin.
    """
    return listed(request, versions(kept, kind, name, limit=limit, cursor=cursor))


def _shown(found: Sequence[_Shown]) -> list[dict[str, Any]]:
    return [one.to_json() for one in found]
