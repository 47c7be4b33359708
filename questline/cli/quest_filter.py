"""The filter that the options of a command mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from questline.cli.invocation import Invocation
from questline.cli.times import read_moment
from questline.cli.values import read_pairs

if TYPE_CHECKING:
    from questline_persistence.filters import QuestFilter


def read_filter(
    invocation: Invocation,
    *,
    statuses: Sequence[str] | None = None,
    quest_type: str | None = None,
    labels: Sequence[str] | None = None,
    since: str | None = None,
    until: str | None = None,
) -> QuestFilter:
    """Return the filter that these words mean.

    Raises:
      UsageMistake: a time or a label cannot be read.
      PayloadError: a status is unknown, or a label's key holds characters that no key may hold.
    """
    from questline_persistence.repository import make_filter  # noqa: PLC0415  (200 ms that --help does not need)

    return make_filter(
        list(statuses or ()) or None,
        quest_type=quest_type,
        labels=read_pairs(labels or (), "--label"),
        since=None if since is None else read_moment(since, invocation.now()),
        until=None if until is None else read_moment(until, invocation.now()),
    )
