"""The changes of the schema, as the store has noted them."""

from __future__ import annotations

from sqlalchemy import select

from questline_persistence.memory.models import Migration
from questline_persistence.memory.states.part import Part
from questline_persistence.memory.states.rows import taken
from questline_persistence.memory.trying import trying
from questline_persistence.schema import migrations as noted


class SchemaHistory(Part):
    """What was done to the schema, and when."""

    def migrations(self) -> list[Migration]:
        """Return the changes of the schema that were applied, in their order."""
        with trying("list migrations"):
            rows = self._kept.read(lambda own, _: own.execute(select(noted).order_by(noted.c.version)).all())
            return [Migration(**taken(row, *Migration.model_fields)) for row in rows]
