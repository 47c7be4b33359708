"""A change of the schema, as the store's own history has it."""

from __future__ import annotations

from questline_persistence.models import Record


class Migration(Record):
    """A change of the schema that was applied.

    Parameters:
      version: its name among the migrations, which sorts by their order.
      name: what it changes.
      applied_at: when it was applied.
      reverted_at: when it was taken back; None while it is applied.
    """

    version: str
    name: str
    applied_at: str
    reverted_at: str | None = None
